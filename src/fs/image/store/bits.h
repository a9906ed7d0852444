/* SPDX-License-Identifier: MIT */
/* Runs of bits in arrays of 64-bit words. Bit i is bit i % 64 of word i / 64. */
#ifndef LT_FS_IMAGE_STORE_BITS_H
#define LT_FS_IMAGE_STORE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* The bits of word at / 64 that are within [at, end), at < end. */
static inline uint64_t img_bits_mask(uint32_t at, uint32_t end)
{
    uint64_t mask = UINT64_MAX << (at % 64);
    if (end - (at - at % 64) < 64)
        mask &= ~(UINT64_MAX << (end % 64));
    return mask;
}

static inline uint32_t img_bits_next_word(uint32_t at)
{
    return at - at % 64 + 64;
}

static inline void img_bits_set(uint64_t *words, uint32_t at, uint32_t end)
{
    for (; at < end; at = img_bits_next_word(at))
        words[at / 64] |= img_bits_mask(at, end);
}

static inline void img_bits_clear(uint64_t *words, uint32_t at, uint32_t end)
{
    for (; at < end; at = img_bits_next_word(at))
        words[at / 64] &= ~img_bits_mask(at, end);
}

/* The first bit in [at, end) that is 1, or end. */
static inline uint32_t img_bits_find_set(const uint64_t *words, uint32_t at, uint32_t end)
{
    for (; at < end; at = img_bits_next_word(at)) {
        uint64_t word = words[at / 64] & img_bits_mask(at, end);
        if (word)
            return at - at % 64 + (uint32_t)__builtin_ctzll(word);
    }
    return end;
}

/* The first bit in [at, end) that is 0, or end. */
static inline uint32_t img_bits_find_clear(const uint64_t *words, uint32_t at, uint32_t end)
{
    for (; at < end; at = img_bits_next_word(at)) {
        uint64_t word = ~words[at / 64] & img_bits_mask(at, end);
        if (word)
            return at - at % 64 + (uint32_t)__builtin_ctzll(word);
    }
    return end;
}

static inline bool img_bits_all_set(const uint64_t *words, uint32_t at, uint32_t end)
{
    return img_bits_find_clear(words, at, end) == end;
}

static inline bool img_bits_all_clear(const uint64_t *words, uint32_t at, uint32_t end)
{
    return img_bits_find_set(words, at, end) == end;
}

static inline uint32_t img_bits_count(const uint64_t *words, uint32_t count_words)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count_words; i++)
        n += (uint32_t)__builtin_popcountll(words[i]);
    return n;
}

#endif
