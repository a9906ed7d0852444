// SPDX-License-Identifier: MIT
#include "unicode.h"

#include "ascii.h"
#include "upcase.h"

#include <limits.h>
#include <lintel/error.h>

/* Escapes of the bytes 0x80 to 0xff, which are no valid UTF-8 where they stand. */
#define ESCAPE 0xdc00u
#define ESCAPE_FIRST 0xdc80u
#define ESCAPE_LAST 0xdcffu

static bool is_escape(uint32_t unit)
{
    return unit >= ESCAPE_FIRST && unit <= ESCAPE_LAST;
}

static bool is_high(uint32_t unit)
{
    return (unit & 0xfc00) == 0xd800;
}

static bool is_low(uint32_t unit)
{
    return (unit & 0xfc00) == 0xdc00;
}

uint16_t lt_upcase(uint16_t unit)
{
    return lt_upcase_unit(unit);
}

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/*
 * The code point that begins at p, where `left` > 0 bytes are left, into *ret; returns its
 * length in bytes, or 0 if none begins there (RFC 3629, section 4).
 */
static unsigned decode(const unsigned char *p, size_t left, uint32_t *ret)
{
    unsigned char c = p[0];
    uint32_t point;

    if (c < 0x80) {
        *ret = c;
        return 1;
    }
    if (c < 0xc2 || c > 0xf4 || left < 2 || !is_tail(p[1]))
        return 0;
    if (c < 0xe0) {
        *ret = (c & 0x1fu) << 6 | (p[1] & 0x3fu);
        return 2;
    }
    if (left < 3 || !is_tail(p[2]))
        return 0;
    point = (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    if (c < 0xf0) {
        point |= (c & 0xfu) << 12;
        if (point < 0x800 || is_high(point) || is_low(point))
            return 0;
        *ret = point;
        return 3;
    }
    if (left < 4 || !is_tail(p[3]))
        return 0;
    point = (c & 0x7u) << 18 | point << 6 | (p[3] & 0x3fu);
    if (point < 0x10000 || point > 0x10ffff)
        return 0;
    *ret = point;
    return 4;
}

unsigned lt_utf8_next(struct lt_str s, size_t *pos, uint16_t units[2])
{
    const unsigned char *p = (const unsigned char *)s.s + *pos;
    uint32_t point;
    unsigned len = decode(p, s.len - *pos, &point);

    if (len == 0) {
        *pos += 1;
        units[0] = (uint16_t)(ESCAPE + *p);
        return 1;
    }
    *pos += len;
    if (point < 0x10000) {
        units[0] = (uint16_t)point;
        return 1;
    }
    units[0] = (uint16_t)(0xd7c0 + (point >> 10)); /* 0xd800 - (0x10000 >> 10) */
    units[1] = (uint16_t)(0xdc00 + (point & 0x3ff));
    return 2;
}

/* How many bytes at the start of s are surely ASCII: a multiple of eight. */
static size_t ascii_run(struct lt_str s)
{
    size_t pos = 0;
    uint64_t chars;

    /* An empty string may have no address, to which nothing may be added. */
    while (s.len - pos >= 8 && lt_ascii_next8(s.s + pos, s.len - pos, &chars))
        pos += 8;
    return pos;
}

size_t lt_utf8_units(struct lt_str s)
{
    uint16_t units[2];
    size_t pos = ascii_run(s), count = pos;

    while (pos < s.len)
        count += lt_utf8_next(s, &pos, units);
    return count;
}

bool lt_utf8_valid(struct lt_str s)
{
    const unsigned char *p = (const unsigned char *)s.s;
    uint32_t point;
    size_t pos = ascii_run(s);

    while (pos < s.len) {
        unsigned len = decode(p + pos, s.len - pos, &point);

        if (len == 0)
            return false;
        pos += len;
    }
    return true;
}

int lt_utf8_to_utf16(struct lt_str s, uint16_t *out, size_t max)
{
    size_t pos = 0, count = 0;

    if (max > INT_MAX)
        max = INT_MAX;
    while (pos < s.len) {
        uint16_t units[2];
        unsigned n = lt_utf8_next(s, &pos, units);

        if (max - count < n)
            return LT_ERANGE;
        out[count++] = units[0];
        if (n == 2)
            out[count++] = units[1];
    }
    return (int)count;
}

/* Writes a code point, or the byte of an escape, to out; returns the number of bytes. */
static unsigned encode(uint32_t point, unsigned char out[4])
{
    if (is_escape(point)) {
        out[0] = (unsigned char)(point - ESCAPE);
        return 1;
    }
    if (point < 0x80) {
        out[0] = (unsigned char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (unsigned char)(0xc0 | point >> 6);
        out[1] = (unsigned char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (unsigned char)(0xe0 | point >> 12);
        out[1] = (unsigned char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (unsigned char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (unsigned char)(0xf0 | point >> 18);
    out[1] = (unsigned char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (unsigned char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (unsigned char)(0x80 | (point & 0x3f));
    return 4;
}

/* Whether s yields just these units. */
static bool yields(struct lt_str s, const uint16_t *units, size_t count)
{
    size_t pos = 0, i = 0;

    while (pos < s.len) {
        uint16_t got[2];
        unsigned n = lt_utf8_next(s, &pos, got);

        if (count - i < n || got[0] != units[i] || (n == 2 && got[1] != units[i + 1]))
            return false;
        i += n;
    }
    return i == count;
}

int lt_utf16_to_utf8(const uint16_t *units, size_t count, char *out, size_t max)
{
    bool escapes = false;
    size_t len = 0;

    if (max > INT_MAX)
        max = INT_MAX;
    for (size_t i = 0; i < count; i++) {
        uint32_t point = units[i];
        unsigned char bytes[4];
        unsigned n;

        if (is_high(point) && i + 1 < count && is_low(units[i + 1]))
            point = 0x10000 + ((point & 0x3ff) << 10) + (units[++i] & 0x3ffu);
        else if (is_escape(point))
            escapes = true;
        else if (is_high(point) || is_low(point))
            return LT_EILSEQ;
        n = encode(point, bytes);
        if (max - len < n)
            return LT_ERANGE;
        memcpy(out + len, bytes, n);
        len += n;
    }
    /* Escapes side by side may add up to valid UTF-8, which is another name's. */
    if (escapes && !yields(lt_strn(out, len), units, count))
        return LT_EILSEQ;
    return (int)len;
}

/* How many bytes at the start of both are ASCII and equal without case: a multiple of eight. */
static size_t equal_ascii_run(struct lt_str a, struct lt_str b)
{
    size_t pos = 0;
    uint64_t x, y;

    while (lt_ascii_next8(a.s + pos, a.len - pos, &x) &&
           lt_ascii_next8(b.s + pos, b.len - pos, &y) && lt_ascii_upcase8(x) == lt_ascii_upcase8(y))
        pos += 8;
    return pos;
}

/* Whether what is left of both is short, ASCII, and equal without case. */
static bool equal_ascii_rest(struct lt_str a, struct lt_str b, size_t pos)
{
    uint64_t x, y;

    return a.len == b.len && lt_ascii_rest(a.s + pos, a.len - pos, &x) &&
           lt_ascii_rest(b.s + pos, b.len - pos, &y) && lt_ascii_upcase8(x) == lt_ascii_upcase8(y);
}

int lt_name_compare_nocase(struct lt_str a, struct lt_str b)
{
    size_t a_pos = equal_ascii_run(a, b), b_pos = a_pos;

    if (equal_ascii_rest(a, b, a_pos))
        return 0;
    while (a_pos < a.len && b_pos < b.len) {
        uint16_t x[2] = {0}, y[2] = {0};

        lt_utf8_next(a, &a_pos, x);
        lt_utf8_next(b, &b_pos, y);
        for (unsigned i = 0; i < 2; i++) {
            int difference = lt_upcase_unit(x[i]) - lt_upcase_unit(y[i]);

            if (difference != 0)
                return difference;
        }
    }
    return (a_pos < a.len) - (b_pos < b.len);
}

bool lt_name_equal_nocase(struct lt_str a, struct lt_str b)
{
    return lt_name_compare_nocase(a, b) == 0;
}
