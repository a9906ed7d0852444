/* SPDX-License-Identifier: MIT */
/* Answers in a program's buffer: little-endian fields one behind the other (MS-FSCC). */
#ifndef LT_TESTS_NT_REPLY_H
#define LT_TESTS_NT_REPLY_H

#include <base/wire.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* `full` where something did not fit: it is cut off then. */
struct reply {
    uint8_t *buf;
    size_t size, len;
    bool full;
};

static inline void reply_put(struct reply *r, const void *bytes, size_t len)
{
    size_t room = r->size - r->len;
    if (len > room) {
        r->full = true;
        len = room;
    }
    if (len)
        memcpy(r->buf + r->len, bytes, len);
    r->len += len;
}

static inline void reply_put8(struct reply *r, uint8_t value)
{
    reply_put(r, &value, 1);
}

static inline void reply_put32(struct reply *r, uint32_t value)
{
    struct lt_le32 le = lt_put_le32(value);
    reply_put(r, &le, sizeof(le));
}

static inline void reply_put64(struct reply *r, uint64_t value)
{
    struct lt_le64 le = lt_put_le64(value);
    reply_put(r, &le, sizeof(le));
}

static inline void reply_zeros(struct reply *r, size_t len)
{
    while (len--)
        reply_put8(r, 0);
}

/* An entry of a chain begins at a multiple of `align`; the one before, at *last, points to it.
 * SIZE_MAX: there is none. */
static inline void reply_link(struct reply *r, size_t *last, size_t align)
{
    while (*last != SIZE_MAX && r->len % align != 0 && r->len < r->size)
        r->buf[r->len++] = 0;
    if (*last != SIZE_MAX) {
        struct lt_le32 le = lt_put_le32((uint32_t)(r->len - *last));
        memcpy(r->buf + *last, &le, sizeof(le));
    }
    *last = r->len;
}

#endif
