// SPDX-License-Identifier: MIT
#include "tar.h"

#include <inttypes.h>
#include <stdio.h>

bool tar_is_end(const struct tar_header *header)
{
    const char *bytes = (const char *)header;
    for (size_t i = 0; i < sizeof(*header); i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* GNU: the first byte 0x80 (or 0xff: negative), then a big-endian two's complement. */
static int decode_base256(const char *field, size_t size, int64_t *ret)
{
    bool negative = (unsigned char)field[0] == 0xff;
    uint64_t value = negative ? UINT64_MAX : (uint64_t)(field[0] & 0x3f);
    for (size_t i = 1; i < size; i++) {
        uint64_t top = value >> 55;
        if (top != (negative ? 0x1ff : 0))
            return LT_EBADMSG;
        value = value << 8 | (unsigned char)field[i];
    }
    *ret = (int64_t)value;
    return 0;
}

/* Octal digits between blanks, ended by a blank or NUL. An empty field is 0. */
static int decode_octal(const char *field, size_t size, int64_t *ret)
{
    uint64_t value = 0;
    size_t i = 0;
    while (i < size && field[i] == ' ')
        i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++) {
        if (value >> 59)
            return LT_EBADMSG;
        value = value << 3 | (uint64_t)(field[i] - '0');
    }
    for (; i < size && field[i]; i++) {
        if (field[i] != ' ')
            return LT_EBADMSG;
    }
    *ret = (int64_t)value;
    return 0;
}

static int decode_signed(const char *field, size_t size, int64_t *ret)
{
    return field[0] & 0x80 ? decode_base256(field, size, ret) : decode_octal(field, size, ret);
}

int tar_field(const char *field, size_t size, uint64_t *ret)
{
    int64_t value;
    int r = decode_signed(field, size, &value);
    if (r == 0 && value < 0)
        r = LT_EBADMSG;
    if (r == 0)
        *ret = (uint64_t)value;
    return r;
}

static struct lt_str text_of(const char *field, size_t size)
{
    return lt_strn(field, strnlen(field, size));
}

/* The sum of all bytes, those of the checksum taken for blanks. */
static uint32_t checksum(const struct tar_header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof(*header); i++)
        sum += bytes[i];
    for (size_t i = 0; i < sizeof(header->checksum); i++)
        sum += ' ' - (uint32_t)(unsigned char)header->checksum[i];
    return sum;
}

#define NUMBER(field) tar_field(header->field, sizeof(header->field), &m.field)

int tar_decode(const struct tar_header *header, struct tar_member *ret)
{
    struct tar_member m = {.type = header->type};
    uint64_t sum = 0;
    if (tar_field(header->checksum, sizeof(header->checksum), &sum) < 0 || sum != checksum(header))
        return LT_EBADMSG;
    if (NUMBER(mode) < 0 || NUMBER(uid) < 0 || NUMBER(gid) < 0 || NUMBER(size) < 0 ||
        NUMBER(major) < 0 || NUMBER(minor) < 0)
        return LT_EBADMSG;
    if (decode_signed(header->mtime, sizeof(header->mtime), &m.mtime) < 0)
        return LT_EBADMSG;
    m.name = text_of(header->name, sizeof(header->name));
    m.link = text_of(header->linkname, sizeof(header->linkname));
    /* GNU's own format has other things there. */
    if (memcmp(header->magic, "ustar", sizeof(header->magic)) == 0)
        m.prefix = text_of(header->prefix, sizeof(header->prefix));
    *ret = m;
    return 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static bool fits(uint64_t value, size_t size)
{
    return value >> (3 * (size - 1)) == 0;
}

static void put_octal(char *field, size_t size, uint64_t value)
{
    if (!fits(value, size))
        value = 0;
    for (size_t i = size - 1; i-- > 0; value >>= 3)
        field[i] = (char)('0' + (value & 7));
    field[size - 1] = 0;
}

static void put_text(char *field, size_t size, struct lt_str text)
{
    memcpy(field, text.s, text.len < size ? text.len : size);
}

void tar_encode(const struct tar_member *m, struct tar_header *ret)
{
    memset(ret, 0, sizeof(*ret));
    put_text(ret->name, sizeof(ret->name), m->name);
    if (m->link.len)
        put_text(ret->linkname, sizeof(ret->linkname), m->link);
    put_octal(ret->mode, sizeof(ret->mode), m->mode);
    put_octal(ret->uid, sizeof(ret->uid), m->uid);
    put_octal(ret->gid, sizeof(ret->gid), m->gid);
    put_octal(ret->size, sizeof(ret->size), m->size);
    put_octal(ret->mtime, sizeof(ret->mtime), m->mtime < 0 ? 0 : (uint64_t)m->mtime);
    put_octal(ret->major, sizeof(ret->major), m->major);
    put_octal(ret->minor, sizeof(ret->minor), m->minor);
    memcpy(ret->magic, "ustar", 6);
    memcpy(ret->version, "00", 2);
    ret->type = m->type;
    put_octal(ret->checksum, 7, checksum(ret));
    ret->checksum[7] = ' ';
}

bool tar_fits(const struct tar_member *m)
{
    struct tar_header *h = NULL;
    return m->name.len <= sizeof(h->name) && m->link.len <= sizeof(h->linkname) &&
           fits(m->uid, sizeof(h->uid)) && fits(m->gid, sizeof(h->gid)) &&
           fits(m->size, sizeof(h->size));
}

/* ---- pax records --------------------------------------------------------------------------- */

int tar_number(struct lt_str text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.s[i] - '0');
        if (text.s[i] < '0' || text.s[i] > '9' || digit > max || value > (max - digit) / 10)
            return LT_EBADMSG;
        value = value * 10 + digit;
    }
    if (text.len == 0)
        return LT_EBADMSG;
    *ret = value;
    return 0;
}

int tar_pax_next(struct lt_str *records, struct lt_str *key, struct lt_str *value)
{
    if (records->len == 0)
        return 0;
    const char *blank = memchr(records->s, ' ', records->len < 21 ? records->len : 21);
    uint64_t len;
    if (!blank)
        return LT_EBADMSG;
    size_t digits = (size_t)(blank - records->s);
    if (tar_number(lt_strn(records->s, digits), records->len, &len) < 0)
        return LT_EBADMSG;
    /* At least "N =\n". */
    if (len < digits + 3 || records->s[len - 1] != '\n')
        return LT_EBADMSG;
    const char *start = blank + 1, *end = records->s + len - 1;
    const char *equals = memchr(start, '=', (size_t)(end - start));
    if (!equals || equals == start)
        return LT_EBADMSG;
    *key = lt_strn(start, (size_t)(equals - start));
    *value = lt_strn(equals + 1, (size_t)(end - equals - 1));
    *records = lt_strn(records->s + len, records->len - (size_t)len);
    return 1;
}

static size_t digits_of(size_t n)
{
    size_t digits = 1;
    for (; n >= 10; n /= 10)
        digits++;
    return digits;
}

size_t tar_pax_size(size_t key_len, size_t value_len)
{
    /* The length counts its own digits. */
    size_t rest = 1 + key_len + 1 + value_len + 1;
    size_t size = rest + digits_of(rest);
    return rest + digits_of(size);
}

void tar_pax_put(char *to, struct lt_str key, struct lt_str value)
{
    size_t size = tar_pax_size(key.len, value.len);
    char number[24];
    int digits = snprintf(number, sizeof(number), "%zu ", size);
    memcpy(to, number, (size_t)digits);
    to += digits;
    memcpy(to, key.s, key.len);
    to += key.len;
    *to++ = '=';
    if (value.len)
        memcpy(to, value.s, value.len);
    to[value.len] = '\n';
}
