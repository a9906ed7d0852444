/* SPDX-License-Identifier: MIT */
/*
 * The data of one file or stream: a sparse vector of 4 KiB sectors.
 *
 * A file whose data lies within its first MEM_TINY_MAX bytes holds them in a slab
 * object instead of a sector. Holes read as zeros. Invariant: every byte that is
 * stored at or behind `size` is zero, so that growing shows nothing old.
 *
 * The caller (file.c) locks the node, checks ranges against LT_SIZE_MAX and keeps
 * the times. Nothing outside data*.c looks into struct mem_data but for its size:
 * another way to store data would replace these functions only.
 */
#ifndef LT_FS_MEM_DATA_H
#define LT_FS_MEM_DATA_H

#include "radix.h"

#define MEM_TINY_MAX MEM_SLAB_MAX
#define MEM_WINDOW 256u /* sectors that are handled in one go */

struct mem_data {
    uint64_t size; /* bytes */
    /* While sectors.spare > 0, sectors.root is a slab object of so many bytes: the beginning of
     * sector 0. */
    struct mem_radix sectors;
};

/* Bytes of storage held. */
uint64_t mem_data_allocated(const struct mem_data *data);

/*
 * The memory at `offset` as at most MEM_WINDOW + 1 segments, neighbours merged,
 * holes as zeros. offset + len <= size and len <= LT_IO_MAX. Returns the count of
 * segments. Valid until the data changes.
 */
size_t mem_data_map(const struct mem_data *data, uint64_t offset, size_t len, struct lt_seg *segs);

/*
 * Writes `len` bytes out of the segments at `offset`, and moves `size` if need be. With `adopt`,
 * aligned whole pages of the arena that are on loan move into the file: segs[i].base becomes NULL,
 * or a page on loan that was in the file before. Returns bytes, fewer than given at the limit;
 * LT_ENOSPC if none.
 */
int64_t mem_data_write(struct mem_data *data, struct mem_arena *arena, uint64_t offset,
                       struct lt_seg *segs, size_t count, size_t len, bool adopt);

/* Sets the size; what is cut off goes. Never fails. */
void mem_data_truncate(struct mem_data *data, struct mem_arena *arena, uint64_t size);

/* Gives all storage back. */
void mem_data_fini(struct mem_data *data, struct mem_arena *arena);

/* Gives every sector of the range storage (zeros where there was none). All or nothing: LT_ENOSPC,
 * LT_EINTR. */
int mem_data_reserve(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len,
                     const atomic_bool *cancel);

/* Overwrites stored bytes of the range with zeros, in place. */
void mem_data_zero(struct mem_data *data, uint64_t offset, uint64_t len);

/* Makes the range read as zeros and gives its whole sectors back. */
void mem_data_punch(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len);

/*
 * Takes a range out (collapse; it ends before `size`) or moves everything from
 * `offset` on up by `len` (insert). Multiples of MEM_PAGE. All or nothing: LT_ENOSPC.
 */
int mem_data_collapse(struct mem_data *data, struct mem_arena *arena, uint64_t offset,
                      uint64_t len);
int mem_data_insert(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len);

/* The first byte at or behind `offset` < size that is in a stored sector, or in a hole; `size` if
 * there is none. */
uint64_t mem_data_next_data(const struct mem_data *data, uint64_t offset);
uint64_t mem_data_next_hole(const struct mem_data *data, uint64_t offset);

/* For data*.c: turns a tiny file into one with a sector. LT_ENOSPC. */
int mem_data_widen(struct mem_data *data, struct mem_arena *arena);
/* For data*.c: gives the sectors first <= index < end back; the file is not tiny. */
void mem_data_drop(struct mem_data *data, struct mem_arena *arena, uint64_t first, uint64_t end);

#endif
