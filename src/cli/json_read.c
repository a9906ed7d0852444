// SPDX-License-Identifier: MIT
#include "json_read.h"

#include <stdlib.h>

enum { DEPTH_MAX = 16, VALUES_MAX = 20000 };

struct parser {
    char *p; /* behind the end after a mistake */
    struct lt_document doc;
    size_t open[DEPTH_MAX]; /* places of the containers that are open */
    unsigned depth;
};

/* ---- Strings and numbers --------------------------------------------------------------------- */

static void skip_space(struct parser *s)
{
    s->p += strspn(s->p, " \t\r\n");
}

static int parse_hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = p[i] ? strchr(digits, p[i] | 0x20) : NULL;
        if (!at)
            return -1;
        value = value * 16 + (int)(at - digits);
    }
    return value;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* \uXXXX, with its second half where it is a surrogate pair; *p is behind the u. NULL if malformed.
 */
static char *unescape_unicode(char **p, char *out)
{
    int c = parse_hex4(*p);
    if (c <= 0) /* NUL would end the text */
        return NULL;
    *p += 4;
    if (c >= 0xd800 && c < 0xdc00 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        int low = parse_hex4(*p + 2);
        if (low < 0xdc00 || low > 0xdfff)
            return NULL;
        *p += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xd800 && c <= 0xdfff) {
        c = 0xfffd;
    }
    return put_utf8(out, (unsigned)c);
}

/* What follows a backslash at *p. The result is never longer than the escape. */
static char *unescape(char **p, char *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = *(*p)++;
    const char *at = c ? strchr(names, c) : NULL;
    if (c == 'u')
        return unescape_unicode(p, out);
    if (!at)
        return NULL;
    *out++ = values[at - names];
    return out;
}

/* Decodes the string at s->p in place; NULL if it is malformed. */
static char *parse_string(struct parser *s)
{
    if (*s->p != '"')
        return NULL;
    char *text = ++s->p, *out = text;
    while (*s->p != '"') {
        if ((unsigned char)*s->p < 0x20)
            return NULL;
        if (*s->p != '\\') {
            *out++ = *s->p++;
            continue;
        }
        s->p++;
        out = unescape(&s->p, out);
        if (!out)
            return NULL;
    }
    s->p++;
    *out = '\0';
    return text;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static int add(struct parser *s, enum lt_value_type type, const char *key, struct lt_str text)
{
    struct lt_document *doc = &s->doc;
    if (doc->count == VALUES_MAX)
        return LT_EBADMSG;
    if (doc->count == doc->capacity) {
        size_t capacity = doc->capacity ? 2 * doc->capacity : 64;
        void *more = realloc(doc->values, capacity * sizeof(*doc->values));
        if (!more)
            return LT_ENOMEM;
        doc->values = more;
        doc->capacity = capacity;
    }
    doc->values[doc->count++] = (struct lt_value){type, key, text, 1};
    return LT_OK;
}

static int open_container(struct parser *s, enum lt_value_type type, const char *key)
{
    if (s->depth == DEPTH_MAX)
        return LT_EBADMSG;
    s->p++;
    s->open[s->depth++] = s->doc.count;
    return add(s, type, key, (struct lt_str){NULL, 0});
}

static size_t digits(const char *p)
{
    return strspn(p, "0123456789");
}

/* Length of the number at p, or 0 if it is none: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]?
 * [0-9]+)? */
static size_t number_length(const char *p)
{
    size_t sign = *p == '-', whole = digits(p + sign), len = sign + whole;
    if (whole == 0 || (whole > 1 && p[sign] == '0'))
        return 0;
    if (p[len] == '.') {
        size_t fraction = digits(p + len + 1);
        if (fraction == 0)
            return 0;
        len += 1 + fraction;
    }
    if (p[len] == 'e' || p[len] == 'E') {
        size_t start = len + 1 + (p[len + 1] == '+' || p[len + 1] == '-');
        if (digits(p + start) == 0)
            return 0;
        len = start + digits(p + start);
    }
    return len;
}

static int parse_number(struct parser *s, const char *key)
{
    size_t len = number_length(s->p);
    if (len == 0)
        return LT_EBADMSG;
    struct lt_str text = lt_strn(s->p, len);
    s->p += len;
    return add(s, LT_VALUE_NUMBER, key, text);
}

static int parse_word(struct parser *s, const char *key)
{
    static const char *const words[] = {"null", "false", "true"}; /* by enum lt_value_type */
    for (unsigned i = 0; i < 3; i++) {
        size_t len = strlen(words[i]);
        if (strncmp(s->p, words[i], len) == 0) {
            s->p += len;
            return add(s, (enum lt_value_type)i, key, (struct lt_str){NULL, 0});
        }
    }
    return parse_number(s, key);
}

static int parse_value(struct parser *s, const char *key)
{
    if (*s->p == '{')
        return open_container(s, LT_VALUE_OBJECT, key);
    if (*s->p == '[')
        return open_container(s, LT_VALUE_ARRAY, key);
    if (*s->p != '"')
        return parse_word(s, key);
    const char *text = parse_string(s);
    return text ? add(s, LT_VALUE_STRING, key, lt_str(text)) : LT_EBADMSG;
}

/* A member of the object or array that is open. */
static int parse_member(struct parser *s, const struct lt_value *container)
{
    if (container->type == LT_VALUE_ARRAY)
        return parse_value(s, NULL);
    const char *key = parse_string(s);
    if (!key)
        return LT_EBADMSG;
    skip_space(s);
    if (*s->p != ':')
        return LT_EBADMSG;
    s->p++;
    skip_space(s);
    return parse_value(s, key);
}

/* One step within the innermost container: its end, or the next member. */
static int parse_step(struct parser *s)
{
    size_t place = s->open[s->depth - 1];
    struct lt_value *container = &s->doc.values[place];
    bool is_first = s->doc.count == place + 1;
    skip_space(s);
    if (*s->p == (container->type == LT_VALUE_ARRAY ? ']' : '}')) {
        s->p++;
        s->depth--;
        container->span = s->doc.count - place;
        return LT_OK;
    }
    if (!is_first) {
        if (*s->p++ != ',')
            return LT_EBADMSG;
        skip_space(s);
    }
    return parse_member(s, container);
}

int lt_document_parse(char *text, struct lt_document *ret)
{
    struct parser s = {.p = text};
    skip_space(&s);
    int error = parse_value(&s, NULL);
    while (error == LT_OK && s.depth > 0)
        error = parse_step(&s);
    if (error == LT_OK) {
        skip_space(&s);
        error = *s.p ? LT_EBADMSG : LT_OK;
    }
    if (error != LT_OK) {
        free(s.doc.values);
        return error;
    }
    *ret = s.doc;
    return LT_OK;
}

void lt_document_free(struct lt_document *document)
{
    free(document->values);
}

/* ---- Looking things up ----------------------------------------------------------------------- */

static const struct lt_value *member(const struct lt_value *object, const char *key, size_t len)
{
    if (object->type != LT_VALUE_OBJECT)
        return NULL;
    LT_VALUE_FOR_EACH(child, object)
    if (strncmp(child->key, key, len) == 0 && child->key[len] == '\0')
        return child;
    return NULL;
}

const struct lt_value *lt_value_at(const struct lt_value *from, const char *path)
{
    while (from && *path) {
        size_t len = strcspn(path, ".");
        from = member(from, path, len);
        path += len + (path[len] == '.');
    }
    return from;
}

const char *lt_value_text(const struct lt_value *from, const char *path, const char *otherwise)
{
    const struct lt_value *v = lt_value_at(from, path);
    return v && v->type == LT_VALUE_STRING ? v->text.s : otherwise;
}

uint64_t lt_value_u64(const struct lt_value *from, const char *path, uint64_t otherwise)
{
    const struct lt_value *v = lt_value_at(from, path);
    if (!v || v->type != LT_VALUE_NUMBER || v->text.s[0] == '-')
        return otherwise;
    if (memchr(v->text.s, '.', v->text.len) || memchr(v->text.s, 'e', v->text.len))
        return (uint64_t)strtod(v->text.s, NULL);
    return strtoull(v->text.s, NULL, 10);
}

bool lt_value_bool(const struct lt_value *from, const char *path)
{
    const struct lt_value *v = lt_value_at(from, path);
    return v && v->type == LT_VALUE_TRUE;
}

/* ---- Writing them again ---------------------------------------------------------------------- */

static void write_number(struct lt_json *json, const char *key, struct lt_str text)
{
    enum { DECIMALS = 3 };
    if (memchr(text.s, '.', text.len) || memchr(text.s, 'e', text.len) ||
        memchr(text.s, 'E', text.len))
        lt_json_double(json, key, strtod(text.s, NULL), DECIMALS);
    else if (text.s[0] == '-')
        lt_json_i64(json, key, strtoll(text.s, NULL, 10));
    else
        lt_json_u64(json, key, strtoull(text.s, NULL, 10));
}

static void write_start(struct lt_json *json, const char *key, const struct lt_value *v)
{
    switch (v->type) {
    case LT_VALUE_NULL:
        lt_json_text(json, key, NULL);
        break;
    case LT_VALUE_FALSE:
    case LT_VALUE_TRUE:
        lt_json_bool(json, key, v->type == LT_VALUE_TRUE);
        break;
    case LT_VALUE_NUMBER:
        write_number(json, key, v->text);
        break;
    case LT_VALUE_STRING:
        lt_json_str(json, key, v->text);
        break;
    case LT_VALUE_ARRAY:
        lt_json_array(json, key);
        break;
    case LT_VALUE_OBJECT:
        lt_json_object(json, key);
        break;
    }
}

static void write_end(struct lt_json *json, const struct lt_value *v)
{
    if (v->type == LT_VALUE_OBJECT)
        lt_json_object_end(json);
    else
        lt_json_array_end(json);
}

void lt_value_write(struct lt_json *json, const char *key, const struct lt_value *value)
{
    const struct lt_value *open[DEPTH_MAX];
    unsigned depth = 0;
    for (const struct lt_value *v = value, *end = value + value->span; v < end; v++) {
        write_start(json, v == value ? key : v->key, v);
        if (v->type == LT_VALUE_OBJECT || v->type == LT_VALUE_ARRAY)
            open[depth++] = v;
        while (depth > 0 && v + 1 == open[depth - 1] + open[depth - 1]->span)
            write_end(json, open[--depth]);
    }
}
