/* SPDX-License-Identifier: MIT */
/*
 * Where the data of a file or stream lies: logical blocks to blocks of the image. The only code
 * that reads and writes EXTENT and INLINE items and img_inode.extent.
 *
 * The node's lock is held as well: for reading by those that read, for writing by those that
 * change.
 */
#ifndef LT_FS_IMAGE_MAP_H
#define LT_FS_IMAGE_MAP_H

#include "node.h"

/* A stretch of a file: extents that follow one another are one. */
struct img_run {
    uint64_t logical, count; /* blocks */
    uint64_t block;          /* 0: a hole */
    bool unwritten;
    uint64_t birth;
    const uint8_t *checks; /* borrowed like a value; NULL: none */
};

/* The stretch that holds logical block `at`, cut to begin there; a hole reaches to the next extent
 * or to 2^63 bytes. */
int img_map_find(struct img_node *node, uint64_t at, struct img_run *ret)
    REQUIRES_SHARED(img_items);

/* Maps [run->logical, + count) to run->block (0: a hole), whatever was there before, whose blocks
 * are freed. The new blocks are in use already (img_use). Keeps inode.blocks. */
int img_map_set(struct img_txn *txn, struct img_node *node, const struct img_run *run)
    REQUIRES(img_items);

/* Moves all extents from logical block `from` on by `by` blocks (collapse, insert); the range that
 * is left or overwritten is a hole. At most `max` extents, *ret_more if there are others. */
int img_map_shift(struct img_txn *txn, struct img_node *node, uint64_t from, int64_t by, size_t max,
                  bool *ret_more) REQUIRES(img_items);

/* Frees extents from logical block `from` on, the last first, at most `max`; *ret_more if there are
 * others. */
int img_map_cut(struct img_txn *txn, struct img_node *node, uint64_t from, size_t max,
                bool *ret_more) REQUIRES(img_items);

#endif
