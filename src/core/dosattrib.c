// SPDX-License-Identifier: MIT
/*
 * NDR, little-endian, each member aligned to its size but 8-byte integers to 4:
 * the attributes as text with NUL ("" since version 4), u16 version, the same again
 * as the switch of a union, then by version
 *   1: attrib, ea_size, size, alloc_size, create_time, change_time
 *   3: valid_flags, then as 1
 *   4: valid_flags, attrib, itime, create_time
 *   5: valid_flags, attrib, create_time
 * where the first three of all are u32 and everything else is u64.
 */
#include "dosattrib.h"

#include <base/wire.h>
#include <stdio.h>

enum { VALID_ATTRIB = 0x1, VALID_CREATE_TIME = 0x10 };

/* Reads forward; what lies behind the end reads as 0 and leaves `bad`. */
struct reader {
    struct lt_str in;
    size_t at;
    bool bad;
};

static const char *take(struct reader *r, size_t size, size_t align)
{
    size_t at = (r->at + align - 1) & ~(align - 1);
    if (at > r->in.len || r->in.len - at < size) {
        r->bad = true;
        return NULL;
    }
    r->at = at + size;
    return r->in.s + at;
}

static uint16_t take_u16(struct reader *r)
{
    struct lt_le16 w = {{0}};
    const char *p = take(r, sizeof(w), 2);
    if (p)
        memcpy(&w, p, sizeof(w));
    return lt_get_le16(w);
}

static uint32_t take_u32(struct reader *r)
{
    struct lt_le32 w = {{0}};
    const char *p = take(r, sizeof(w), 4);
    if (p)
        memcpy(&w, p, sizeof(w));
    return lt_get_le32(w);
}

static uint64_t take_u64(struct reader *r)
{
    struct lt_le64 w = {{0}};
    const char *p = take(r, sizeof(w), 4);
    if (p)
        memcpy(&w, p, sizeof(w));
    return lt_get_le64(w);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0x" and at most 8 digits. */
static int decode_text(struct lt_str text, struct lt_dosattrib *ret)
{
    if (text.len < 3 || text.len > 10 || text.s[0] != '0' || (text.s[1] | 0x20) != 'x')
        return LT_EINVAL;
    uint32_t attrib = 0;
    for (size_t i = 2; i < text.len; i++) {
        int digit = hex_digit(text.s[i]);
        if (digit < 0)
            return LT_EINVAL;
        attrib = attrib << 4 | (uint32_t)digit;
    }
    *ret = (struct lt_dosattrib){.attrib = attrib, .has_attrib = true};
    return 0;
}

/* From the version on. */
static int decode_info(struct reader *r, struct lt_dosattrib *ret)
{
    uint16_t version = take_u16(r);
    if (take_u16(r) != version || version == 0 || version == 2 || version > 5)
        return LT_EINVAL;
    uint32_t valid = version == 1 ? VALID_ATTRIB | VALID_CREATE_TIME : take_u32(r);
    struct lt_dosattrib info = {.attrib = take_u32(r)};
    if (version == 1 || version == 3) {
        take_u32(r); /* ea_size */
        take_u64(r); /* size */
        take_u64(r); /* alloc_size */
    } else if (version == 4) {
        take_u64(r); /* itime */
    }
    info.create_time = take_u64(r);
    if (version == 1 || version == 3)
        take_u64(r); /* change_time */
    info.has_attrib = valid & VALID_ATTRIB;
    info.has_create_time = (valid & VALID_CREATE_TIME) && info.create_time != 0;
    if (r->bad)
        return LT_EINVAL;
    *ret = info;
    return 0;
}

int lt_dosattrib_decode(struct lt_str value, struct lt_dosattrib *ret)
{
    const char *nul = value.len ? memchr(value.s, 0, value.len) : NULL;
    size_t text = nul ? (size_t)(nul - value.s) : value.len;
    /* Text alone, with or without its NUL. */
    if (text + 1 >= value.len)
        return decode_text(lt_strn(value.s, text), ret);
    struct reader r = {.in = value, .at = text + 1};
    return decode_info(&r, ret);
}

static char *put(char *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static char *put_u16(char *to, uint16_t v)
{
    struct lt_le16 w = lt_put_le16(v);
    return put(to, &w, sizeof(w));
}

static char *put_u32(char *to, uint32_t v)
{
    struct lt_le32 w = lt_put_le32(v);
    return put(to, &w, sizeof(w));
}

static char *put_u64(char *to, uint64_t v)
{
    struct lt_le64 w = lt_put_le64(v);
    return put(to, &w, sizeof(w));
}

int lt_dosattrib_encode(const struct lt_dosattrib *info, uint64_t file_size, uint32_t ea_size,
                        char *buf, size_t size)
{
    char out[LT_DOSATTRIB_SIZE_MAX] = {0};
    int text = snprintf(out, sizeof(out), "0x%x", (unsigned)info->attrib);
    char *to = out + ((text + 1 + 1) & ~1);
    to = put_u16(to, 3);
    to = put_u16(to, 3);
    to = out + ((to - out + 3) & ~3);
    to = put_u32(to, VALID_ATTRIB | VALID_CREATE_TIME);
    to = put_u32(to, info->attrib);
    to = put_u32(to, ea_size);
    to = put_u64(to, file_size);
    to = put_u64(to, file_size);
    to = put_u64(to, info->create_time);
    to = put_u64(to, 0);
    size_t len = (size_t)(to - out);
    if (size == 0)
        return (int)len;
    if (size < len)
        len = (size_t)text;
    if (size < len)
        return LT_ERANGE;
    memcpy(buf, out, len);
    return (int)len;
}
