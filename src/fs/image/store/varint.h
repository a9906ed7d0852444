/* SPDX-License-Identifier: MIT */
/* Bytes of unknown origin, read with every length checked, and the integers of the format. */
#ifndef LT_FS_IMAGE_STORE_VARINT_H
#define LT_FS_IMAGE_STORE_VARINT_H

#include <base/wire.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMG_VARINT_MAX 10u /* bytes */

/* Appends v, returns the byte behind it. */
static inline uint8_t *img_put_varint(uint8_t *at, uint64_t v)
{
    while (v >= 0x80) {
        *at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *at++ = (uint8_t)v;
    return at;
}

static inline uint64_t img_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t img_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* A reader. Behind the first mistake `bad` stays set and everything reads as 0. */
struct img_reader {
    const uint8_t *at, *end;
    bool bad;
};

static inline struct img_reader img_reader(const void *data, size_t len)
{
    return (struct img_reader){(const uint8_t *)data, (const uint8_t *)data + len, false};
}

static inline size_t img_left(const struct img_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next n bytes, or NULL. */
static inline const uint8_t *img_take_bytes(struct img_reader *r, uint64_t n)
{
    if (r->bad || n > img_left(r)) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += n;
    return p;
}

static inline uint8_t img_take_u8(struct img_reader *r)
{
    const uint8_t *p = img_take_bytes(r, 1);
    return p ? *p : 0;
}

static inline uint16_t img_take_le16(struct img_reader *r)
{
    const uint8_t *p = img_take_bytes(r, 2);
    return p ? lt_get_le16(*(const struct lt_le16 *)p) : 0;
}

static inline uint32_t img_take_le32(struct img_reader *r)
{
    const uint8_t *p = img_take_bytes(r, 4);
    return p ? lt_get_le32(*(const struct lt_le32 *)p) : 0;
}

static inline uint64_t img_take_le64(struct img_reader *r)
{
    const uint8_t *p = img_take_bytes(r, 8);
    return p ? lt_get_le64(*(const struct lt_le64 *)p) : 0;
}

/* Longer than needed, or more than 64 bits, is a mistake. */
static inline uint64_t img_take_varint(struct img_reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = img_take_u8(r);
        if (r->bad || (shift == 63 && b > 1) || (b == 0 && shift > 0))
            break;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
    r->bad = true;
    return 0;
}

#endif
