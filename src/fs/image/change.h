/* SPDX-License-Identifier: MIT */
/* A transaction on the data of one node, which also puts the node back if it is undone. */
#ifndef LT_FS_IMAGE_CHANGE_H
#define LT_FS_IMAGE_CHANGE_H

#include "map.h"
#include "pending.h"

#define IMG_CUT_EXTENTS 64u /* that one transaction frees */

/* What is put back. */
struct img_saved {
    uint64_t size, stable_size, blocks;
    uint8_t extent_len;
    uint8_t extent[IMG_INLINE_EXTENT_MAX];
};
void img_save(const struct img_node *node, struct img_saved *ret) REQUIRES_SHARED(img_items);
void img_restore(struct img_node *node, const struct img_saved *saved) REQUIRES(img_items);

struct img_change {
    struct img_node *node;
    struct img_txn txn;
    struct img_saved saved;
};

/* As img_begin() and img_end(). */
int img_change_begin(struct img_change *c, struct img_node *node, enum img_purpose purpose)
    TRY_ACQUIRE(0, img_items);
int img_change_end(struct img_change *c, int r) RELEASE(img_items);

/* After pending data went: if nothing is pending any more, all of the size is stable. */
void img_change_settle(struct img_node *node) REQUIRES(node->lock);

/* Taking the store's lock for changes of nodes in memory alone. */
void img_lock_items(struct img_store *store) ACQUIRE(img_items);
void img_unlock_items(struct img_store *store) RELEASE(img_items);

static inline struct img_store *img_store_of(const struct img_node *node)
{
    return img_fs_of(node)->store;
}

/* Bytes of a block. */
static inline uint32_t img_block_of(const struct img_node *node)
{
    return img_block_size(img_store_of(node));
}

/* Blocks that so many bytes reach into. */
static inline uint64_t img_blocks_of(const struct img_node *node, uint64_t size)
{
    return size / img_block_of(node) + (size % img_block_of(node) > 0);
}

/* The size, for a holder of the node's lock, without which it does not change. */
uint64_t img_size_of(const struct img_node *node);

#endif
