/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON as it goes (RFC 8259): commas, nesting and escapes are looked after,
 * nothing is held back. Bytes that are not valid UTF-8 become U+FFFD.
 */
#ifndef LT_BASE_JSON_H
#define LT_BASE_JSON_H

#include <lintel/types.h>

/* Where the text goes. Errors stay in `error` and silence the rest. */
struct lt_json {
    int (*write)(void *arg, const char *text, size_t len); /* 0 or a negative error */
    void *arg;
    int error;
    bool pretty;     /* new lines and two spaces of indent */
    unsigned depth;  /* private */
    bool need_comma; /* private */
};

void lt_json_init(struct lt_json *j, int (*write)(void *arg, const char *text, size_t len),
                  void *arg, bool pretty);

/* `key` names a member within an object; NULL within an array and at the top. */
void lt_json_object(struct lt_json *j, const char *key);
void lt_json_object_end(struct lt_json *j);
void lt_json_array(struct lt_json *j, const char *key);
void lt_json_array_end(struct lt_json *j);
void lt_json_str(struct lt_json *j, const char *key, struct lt_str value);
void lt_json_text(struct lt_json *j, const char *key,
                  const char *value); /* NUL-terminated; NULL: null */
void lt_json_u64(struct lt_json *j, const char *key, uint64_t value);
void lt_json_i64(struct lt_json *j, const char *key, int64_t value);
void lt_json_double(struct lt_json *j, const char *key, double value, unsigned decimals);
void lt_json_bool(struct lt_json *j, const char *key, bool value);

/* A growing text in memory, for the `write` above: lt_json_init(&j, lt_buffer_write, &buffer,
 * false). */
struct lt_buffer {
    char *text; /* malloc'd, NUL-terminated once anything was written; the owner frees it */
    size_t len, capacity;
};
int lt_buffer_write(void *buffer, const char *text, size_t len);

#endif
