/* SPDX-License-Identifier: MIT */
/*
 * Where the data of a file or stream lies: logical blocks to blocks of the image. The only code
 * that reads and writes EXTENT and INLINE items and img_inode.extent.
 *
 * The node's lock is held as well: for reading by those that read, for writing by those that
 * change. What changes also changes node->inode (extent, blocks): the caller puts that back if the
 * transaction is undone, and calls img_node_dirty().
 *
 * The birth of an extent is the generation in which its blocks were allocated: a snapshot will keep
 * or free an extent by it. So neighbours that touch in the file and on the image become one extent
 * only if their births are equal, and blocks that are overwritten or filled in place keep theirs.
 */
#ifndef LT_FS_IMAGE_MAP_H
#define LT_FS_IMAGE_MAP_H

#include "node.h"

/* Items that img_map_set() changes at most, where it replaces parts of `n` extents and sets up to
 * IMG_CHECKED_BLOCKS_MAX blocks. */
#define IMG_MAP_SET_ITEMS(n) (2 * (n) + 2)

/* A stretch of a file: an extent, a part of one, or what lies between two. */
struct img_run {
    uint64_t logical, count; /* blocks */
    uint64_t block;          /* 0: a hole */
    bool unwritten;
    uint64_t birth;        /* what is set with 0 gets the current generation's */
    const uint8_t *checks; /* borrowed like a value; NULL: none */
};

/* Logical blocks that a file can have. */
uint64_t img_map_limit(const struct img_node *node);

/* The stretch that holds logical block `at`, cut to begin there; a hole reaches to the next extent
 * or to img_map_limit(). LT_EUCLEAN. */
int img_map_find(struct img_node *node, uint64_t at, struct img_run *ret)
    REQUIRES_SHARED(img_items);

/* The logical block behind the last extent; 0 without any. */
int img_map_end(struct img_node *node, uint64_t *ret) REQUIRES_SHARED(img_items);

/* How many of the `count` blocks from `at` on can be set in one go so that at most `max` extents
 * are replaced. */
int img_map_span(struct img_node *node, uint64_t at, uint64_t count, unsigned max, uint64_t *ret)
    REQUIRES_SHARED(img_items);

/* Maps [run->logical, + count) to run->block (0: a hole), whatever was there before, whose blocks
 * are freed unless they stay where they are. The new blocks are in use already (img_use). Keeps
 * inode.blocks. */
int img_map_set(struct img_txn *txn, struct img_node *node, const struct img_run *run)
    REQUIRES(img_items);

/*
 * Moves all extents from logical block `from` on by `by` blocks (collapse, insert); where they go
 * there are holes. At most `max` extents; then *ret_more is true, and the next call goes on from
 * *at, which is 0 in the first. LT_EFBIG, before anything has moved.
 */
int img_map_shift(struct img_txn *txn, struct img_node *node, uint64_t from, int64_t by, size_t max,
                  uint64_t *at, bool *ret_more) REQUIRES(img_items);

/* Frees extents from logical block `from` on, the last first, at most `max`; *ret_more if there are
 * others. From 0 on, an INLINE item goes too. */
int img_map_cut(struct img_txn *txn, struct img_node *node, uint64_t from, size_t max,
                bool *ret_more) REQUIRES(img_items);

/* The INLINE item, borrowed. LT_ENOENT. */
int img_map_inline(struct img_node *node, const void **ret, size_t *ret_len)
    REQUIRES_SHARED(img_items);

/* Sets it (the file has no extents), or removes it with len 0. */
int img_map_set_inline(struct img_txn *txn, struct img_node *node, const void *data, size_t len)
    REQUIRES(img_items);

#endif
