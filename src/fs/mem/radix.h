/* SPDX-License-Identifier: MIT */
/*
 * A sparse array of pages, by index: the sectors of a file, the buckets of the
 * node index. It costs nothing when empty, one pointer for index 0 alone, a table
 * that grows from 4 to 512 slots below that, and a radix tree of 512-way nodes
 * of one page each above. A node goes with its last slot, so removing never needs memory.
 *
 * The caller locks.
 */
#ifndef LT_FS_MEM_RADIX_H
#define LT_FS_MEM_RADIX_H

#include "slab.h"

#define MEM_RADIX_BITS 9u
#define MEM_RADIX_SLOTS (1u << MEM_RADIX_BITS)

struct mem_radix {
    void *root;     /* height 0: the page at index 0; 1: table of `slots` pages; more: a node */
    uint64_t count; /* pages in the array */
    uint16_t slots; /* of the table while height is 1 */
    uint16_t spare; /* the owner's: fills a hole in its struct */
    uint8_t height;
};

/* The page at `index`, or NULL. */
void *mem_radix_get(const struct mem_radix *radix, uint64_t index);

/*
 * The first page at or behind *index: stores where it is. NULL if there is none.
 */
void *mem_radix_next(const struct mem_radix *radix, uint64_t *index);

/* Puts a page where none is. LT_ENOSPC. */
int mem_radix_put(struct mem_radix *radix, struct mem_arena *arena, uint64_t index, void *page);

/* Puts a page where there is one and returns the old one. */
void *mem_radix_swap(struct mem_radix *radix, uint64_t index, void *page);

/* Takes the page at `index` out and returns it, or NULL. */
void *mem_radix_take(struct mem_radix *radix, struct mem_arena *arena, uint64_t index);

/*
 * Takes up to `max` pages at first <= index < end out, in order. Returns how many; 0 when none are
 * left.
 */
size_t mem_radix_take_range(struct mem_radix *radix, struct mem_arena *arena, uint64_t first,
                            uint64_t end, void **pages, size_t max);

/* Gives back what a table has room for beyond its last page, where that is worth it. */
void mem_radix_trim(struct mem_radix *radix, struct mem_arena *arena);

#endif
