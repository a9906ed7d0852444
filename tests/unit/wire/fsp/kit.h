/* SPDX-License-Identifier: MIT */
/* What the tests of src/wire/fsp share: messages in a buffer of their own, text as char16_t. */
#ifndef LT_TESTS_UNIT_WIRE_FSP_KIT_H
#define LT_TESTS_UNIT_WIRE_FSP_KIT_H

#include "test.h"

#include <stdlib.h>
#include <uchar.h>

#include <wire/fsp/message.h>
#include <wire/fsp/status.h>

struct message {
    _Alignas(8) uint8_t bytes[LT_FSP_RSP_MAX];
    struct lt_fsp_out out;
};

static inline size_t units_of(const char16_t *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

/* A text of a request, with its NUL. */
static inline struct lt_fsp_buf put(struct message *m, const char16_t *text)
{
    return lt_fsp_put_text(&m->out, text, units_of(text), true);
}

static inline void assert_wide(struct lt_wide w, const char16_t *text)
{
    assert_int_equal(w.units, units_of(text));
    for (size_t i = 0; i < w.units; i++)
        assert_int_equal(lt_wide_at(w, i), text[i]);
}

static inline void assert_bytes(struct lt_str s, const char *expected)
{
    assert_true(lt_str_equal(s, lt_str(expected)));
}

/* A copy on the heap that ends where the message does and begins at an odd address: a sanitizer
 * sees any step beyond and any assumption of alignment. Free(s - 1). */
static inline struct lt_str odd_copy(const void *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy + 1, bytes, len);
    return lt_strn(copy + 1, len);
}

#endif
