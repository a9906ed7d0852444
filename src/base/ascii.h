/* SPDX-License-Identifier: MIT */
/* Eight ASCII characters at once, since most names are nothing else. Private to src/base. */
#ifndef LT_BASE_ASCII_H
#define LT_BASE_ASCII_H

#include "wire.h"

#include <stdbool.h>
#include <stddef.h>

#define LT_ASCII_ONES UINT64_C(0x0101010101010101)
#define LT_ASCII_HIGH UINT64_C(0x8080808080808080)

/* The next eight bytes, the first one lowest, if there are as many and all are ASCII. */
static inline bool lt_ascii_next8(const char *p, size_t left, uint64_t *ret)
{
    struct lt_le64 bytes;

    if (left < sizeof(bytes.b))
        return false;
    memcpy(bytes.b, p, sizeof(bytes.b));
    *ret = lt_get_le64(bytes);
    return (*ret & LT_ASCII_HIGH) == 0;
}

/* The last bytes of a text, padded with zeros, if they are fewer than eight and all ASCII. */
static inline bool lt_ascii_rest(const char *p, size_t left, uint64_t *ret)
{
    struct lt_le64 bytes = {{0}};

    if (left >= sizeof(bytes.b))
        return false;
    if (left > 0) /* p may be NULL */
        memcpy(bytes.b, p, left);
    *ret = lt_get_le64(bytes);
    return (*ret & LT_ASCII_HIGH) == 0;
}

/* Eight ASCII characters in upper case: no sum leaves its byte, so each top bit tells of its own.
 */
static inline uint64_t lt_ascii_upcase8(uint64_t chars)
{
    uint64_t from_a = chars + LT_ASCII_ONES * (0x80 - 'a');
    uint64_t past_z = chars + LT_ASCII_ONES * (0x80 - 'z' - 1);
    uint64_t lower = (from_a & ~past_z) & LT_ASCII_HIGH;

    return chars - (lower >> 2); /* 0x80 >> 2 is 'a' - 'A' */
}

/* Four ASCII characters as four UTF-16 units, the first one lowest. */
static inline uint64_t lt_ascii_units4(uint32_t chars)
{
    uint64_t x = (chars | (uint64_t)chars << 16) & UINT64_C(0x0000ffff0000ffff);

    return (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
}

#endif
