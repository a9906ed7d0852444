/* SPDX-License-Identifier: MIT */
/*
 * Reads a JSON text (RFC 8259) into an array of values. For the small texts that
 * a mounted volume answers; they come from another process, so nothing is trusted.
 */
#ifndef LT_CLI_JSON_READ_H
#define LT_CLI_JSON_READ_H

#include <base/json.h>
#include <lintel/error.h>

enum lt_value_type {
    LT_VALUE_NULL,
    LT_VALUE_FALSE,
    LT_VALUE_TRUE,
    LT_VALUE_NUMBER, /* text: as it was written */
    LT_VALUE_STRING, /* text: decoded */
    LT_VALUE_ARRAY,
    LT_VALUE_OBJECT
};

/* A container is followed by what is in it: its first child is behind it, the next sibling of a
 * value `span` further on. */
struct lt_value {
    enum lt_value_type type;
    const char *key;    /* within an object; else NULL */
    struct lt_str text; /* of numbers and strings; the latter end in NUL */
    size_t span;        /* values in it, itself counted */
};

#define LT_VALUE_FOR_EACH(child, container)                                                       \
    for (const struct lt_value *child = (container) + 1; child < (container) + (container)->span; \
         child += child->span)

struct lt_document {
    struct lt_value *values; /* owned; the root first */
    size_t count, capacity;
};

/*
 * Parses `text`, which is taken apart in place and must live as long as the
 * document. LT_EBADMSG (it is no JSON, or nested beyond reason), LT_ENOMEM.
 * lt_document_free() on success only.
 */
int lt_document_parse(char *text, struct lt_document *ret);
void lt_document_free(struct lt_document *document);

/* The value at a path of keys, "volume.label", or NULL. `from` may be NULL. */
const struct lt_value *lt_value_at(const struct lt_value *from, const char *path);

/* The string and the unsigned integer at a path, or `otherwise`. */
const char *lt_value_text(const struct lt_value *from, const char *path, const char *otherwise);
uint64_t lt_value_u64(const struct lt_value *from, const char *path, uint64_t otherwise);
bool lt_value_bool(const struct lt_value *from, const char *path);

/* Writes a value and all in it. */
void lt_value_write(struct lt_json *json, const char *key, const struct lt_value *value);

#endif
