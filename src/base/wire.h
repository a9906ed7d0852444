/* SPDX-License-Identifier: MIT */
/*
 * Integers as they lie on a disk or wire: byte arrays of alignment 1 with a fixed
 * order, so that a struct of them has no padding anywhere and a cast to it is
 * always aligned. Each get and put is one load or store at -O2.
 */
#ifndef LT_BASE_WIRE_H
#define LT_BASE_WIRE_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LT_WIRE_SWAP_le(bits, v) (v)
#define LT_WIRE_SWAP_be(bits, v) __builtin_bswap##bits(v)
#else
#define LT_WIRE_SWAP_le(bits, v) __builtin_bswap##bits(v)
#define LT_WIRE_SWAP_be(bits, v) (v)
#endif

/* lt_le16, lt_le32, lt_le64, lt_be16, lt_be32, lt_be64 with lt_get_... and lt_put_... */
#define LT_WIRE_INT(order, bits)                                                 \
    struct lt_##order##bits {                                                    \
        uint8_t b[(bits) / 8];                                                   \
    };                                                                           \
    static inline uint##bits##_t lt_get_##order##bits(struct lt_##order##bits w) \
    {                                                                            \
        uint##bits##_t v;                                                        \
        memcpy(&v, w.b, sizeof(v));                                              \
        return LT_WIRE_SWAP_##order(bits, v);                                    \
    }                                                                            \
    static inline struct lt_##order##bits lt_put_##order##bits(uint##bits##_t v) \
    {                                                                            \
        struct lt_##order##bits w;                                               \
        v = LT_WIRE_SWAP_##order(bits, v);                                       \
        memcpy(w.b, &v, sizeof(v));                                              \
        return w;                                                                \
    }

LT_WIRE_INT(le, 16)
LT_WIRE_INT(le, 32)
LT_WIRE_INT(le, 64)
LT_WIRE_INT(be, 16)
LT_WIRE_INT(be, 32)
LT_WIRE_INT(be, 64)

#endif
