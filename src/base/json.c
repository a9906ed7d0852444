// SPDX-License-Identifier: MIT
#include "json.h"

#include "unicode.h"

#include <inttypes.h>
#include <lintel/error.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void lt_json_init(struct lt_json *j, int (*write)(void *arg, const char *text, size_t len),
                  void *arg, bool pretty)
{
    *j = (struct lt_json){.write = write, .arg = arg, .pretty = pretty};
}

static void put(struct lt_json *j, const char *text, size_t len)
{
    if (!j->error && len > 0)
        j->error = j->write(j->arg, text, len);
}

static void put_text(struct lt_json *j, const char *text)
{
    put(j, text, strlen(text));
}

static void put_line(struct lt_json *j)
{
    if (!j->pretty)
        return;
    put(j, "\n", 1);
    for (unsigned i = 0; i < j->depth; i++)
        put(j, "  ", 2);
}

/* How the character c is escaped, or NULL if it stands for itself; `buf` is for the answer. */
static const char *escape(unsigned char c, char buf[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        if (c >= 0x20)
            return NULL;
        snprintf(buf, 8, "\\u%04x", c);
        return buf;
    }
}

/* What stands for the sequence that lt_utf8_next() gave as `units`, or NULL if it stands for
 * itself. */
static const char *replacement(const uint16_t *units, unsigned count, char buf[8])
{
    if (count == 1 && units[0] < 0x80)
        return escape((unsigned char)units[0], buf);
    if (count == 1 && (units[0] & 0xfc00) == 0xdc00)
        return "\xef\xbf\xbd"; /* U+FFFD */
    return NULL;
}

static void put_string(struct lt_json *j, struct lt_str s)
{
    size_t done = 0, pos = 0;

    put(j, "\"", 1);
    while (pos < s.len) {
        size_t start = pos;
        uint16_t units[2];
        char buf[8];
        const char *instead = replacement(units, lt_utf8_next(s, &pos, units), buf);

        if (instead) {
            put(j, s.s + done, start - done);
            put_text(j, instead);
            done = pos;
        }
    }
    put(j, s.s + done, s.len - done);
    put(j, "\"", 1);
}

/* All that comes before a value. */
static void begin_value(struct lt_json *j, const char *key)
{
    if (j->need_comma)
        put(j, ",", 1);
    if (j->depth > 0)
        put_line(j);
    if (key) {
        put_string(j, lt_str(key));
        put(j, ": ", j->pretty ? 2 : 1);
    }
    j->need_comma = j->depth > 0;
}

static void begin_nest(struct lt_json *j, const char *key, const char *bracket)
{
    begin_value(j, key);
    put(j, bracket, 1);
    j->depth++;
    j->need_comma = false;
}

static void end_nest(struct lt_json *j, const char *bracket)
{
    bool filled = j->need_comma;

    j->depth--;
    if (filled)
        put_line(j);
    put(j, bracket, 1);
    j->need_comma = j->depth > 0;
}

void lt_json_object(struct lt_json *j, const char *key)
{
    begin_nest(j, key, "{");
}

void lt_json_object_end(struct lt_json *j)
{
    end_nest(j, "}");
}

void lt_json_array(struct lt_json *j, const char *key)
{
    begin_nest(j, key, "[");
}

void lt_json_array_end(struct lt_json *j)
{
    end_nest(j, "]");
}

void lt_json_str(struct lt_json *j, const char *key, struct lt_str value)
{
    begin_value(j, key);
    put_string(j, value);
}

void lt_json_text(struct lt_json *j, const char *key, const char *value)
{
    begin_value(j, key);
    if (value)
        put_string(j, lt_str(value));
    else
        put_text(j, "null");
}

void lt_json_u64(struct lt_json *j, const char *key, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    begin_value(j, key);
    put_text(j, text);
}

void lt_json_i64(struct lt_json *j, const char *key, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    begin_value(j, key);
    put_text(j, text);
}

/* printf writes the decimal point of the program's locale; JSON knows one only. */
static void plain_point(char *text)
{
    char *to = text;

    for (const char *p = text; *p; p++) {
        if ((*p >= '0' && *p <= '9') || *p == '-')
            *to++ = *p;
        else if (to > text && to[-1] != '.')
            *to++ = '.';
    }
    *to = '\0';
}

void lt_json_double(struct lt_json *j, const char *key, double value, unsigned decimals)
{
    char text[384]; /* 309 digits before the point (DBL_MAX) */

    begin_value(j, key);
    if (!isfinite(value)) {
        put_text(j, "null");
        return;
    }
    snprintf(text, sizeof(text), "%.*f", decimals < 40 ? (int)decimals : 40, value);
    plain_point(text);
    put_text(j, text);
}

void lt_json_bool(struct lt_json *j, const char *key, bool value)
{
    begin_value(j, key);
    put_text(j, value ? "true" : "false");
}

int lt_buffer_write(void *arg, const char *text, size_t len)
{
    struct lt_buffer *b = arg;

    if (len >= SIZE_MAX / 2 - b->len)
        return LT_ENOMEM;
    if (b->capacity < b->len + len + 1) {
        size_t capacity = b->len + len + 1 > 2 * b->capacity ? b->len + len + 1 : 2 * b->capacity;
        char *grown = realloc(b->text, capacity < 64 ? 64 : capacity);

        if (!grown)
            return LT_ENOMEM;
        b->text = grown;
        b->capacity = capacity < 64 ? 64 : capacity;
    }
    memcpy(b->text + b->len, text, len);
    b->len += len;
    b->text[b->len] = '\0';
    return 0;
}
