/* SPDX-License-Identifier: MIT */
/* Numbers that look random and are the same in every run. */
#ifndef LT_TESTS_UNIT_FS_MEM_RANDOM_H
#define LT_TESTS_UNIT_FS_MEM_RANDOM_H

#include <base/hash.h>

static inline uint64_t random_next(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    return lt_hash_u64(*seed);
}

/* 0 <= result < bound */
static inline uint64_t random_below(uint64_t *seed, uint64_t bound)
{
    return random_next(seed) % bound;
}

#endif
