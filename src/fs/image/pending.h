/* SPDX-License-Identifier: MIT */
/*
 * Blocks of files that wait in memory to be written, and what the files of data.h share.
 *
 * A pending block holds the whole content of a logical block, zeros behind the end of the file
 * included; [lo, hi) of it is newer than what lies on the image. Its memory counts towards the
 * budget of all nodes; nodes with pending blocks are in a list, oldest first.
 *
 * Lock order: img_data_state.flush_lock, img_node.lock (of several nodes in the order of
 * addresses), the store's lock, img_data_state.lock.
 */
#ifndef LT_FS_IMAGE_PENDING_H
#define LT_FS_IMAGE_PENDING_H

#include "data.h"

#define IMG_FLUSH_BYTES (1u << 20) /* that are written out in one go, and the most of one node */
/* Pending bytes of a node that a sync puts into the log: a commit then needs no flush before it. */
#define IMG_LOGGED_MAX (64u << 10)

/* The part of the budget that is written out when it is used up, and as much memory as is kept for
 * the blocks that come then. */
#define IMG_RELIEF 4u

/* Rounds of waiting for a checkpoint, behind which what is pinned does not count as free. */
#define IMG_TRIES_MAX 3u

/* Bytes of a file that becomes an INLINE item, at most: two of them fit into the smallest block of
 * the tree. A larger one would leave more of its node empty than the rest of a block of its own. */
#define IMG_INLINE_MAX 1900u

struct img_block {
    uint64_t index; /* logical */
    uint8_t *bytes; /* block_size of them */
    uint32_t lo, hi;
    bool promised; /* a block of space is promised for it */
};

/* The pending blocks of a node; node->lock but for the queue. */
struct img_pending {
    struct img_node *node; /* immutable */
    bool replaces;         /* node->replaced; which queue it is in; changes while in none */
    struct img_pending *prev, *next; /* data->lock */
    uint64_t stamp;                  /* data->lock: grows along the list; 0: not in it */
    struct img_block *blocks;        /* sorted by index */
    size_t count, capacity, promised;
    atomic_size_t size;      /* count, for those without the lock */
    struct img_block few[4]; /* the first capacity */
};

/* Nodes with pending blocks, oldest first. */
struct img_queue {
    struct img_pending *first, *last;
};

struct img_data_state {
    struct lt_mutex flush_lock; /* held while nodes of the queues are written out */
    struct lt_mutex lock;
    struct img_queue replacing, others; /* lock: those with img_pending.replaces, and without */
    atomic_size_t replacing_count;      /* those that are being written out included */
    uint64_t stamps;                    /* lock */
    void *spare;                        /* lock: blocks of memory, each leading to the next */
    size_t spares;                      /* lock */
    uint64_t budget;                    /* immutable: bytes */
    atomic_ullong bytes;                /* that are pending */
    atomic_int error;                   /* of the last writing out of all */
    atomic_ullong goal;                 /* block behind those that were allocated last */
};

static inline uint64_t img_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t img_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- pending.c ----------------------------------------------------------------------------- */

/* Position of the first pending block with an index >= `index`; its count if there is none. */
size_t img_pending_at(const struct img_node *node, uint64_t index) REQUIRES_SHARED(node->lock);

/* The pending block, or NULL. Valid until one is added or removed. */
struct img_block *img_pending_find(const struct img_node *node, uint64_t index)
    REQUIRES_SHARED(node->lock);

/* Memory for a block, unspecified, which counts towards the budget; NULL. */
uint8_t *img_pending_alloc(const struct img_node *node);
void img_pending_free(const struct img_node *node, uint8_t *bytes);

/* Adds a block with these bytes and lo = hi = 0. The promise becomes its own. LT_ENOMEM. */
int img_pending_add(struct img_node *node, uint64_t index, uint8_t *bytes, bool promised,
                    struct img_block **ret) REQUIRES(node->lock);

/* Removes those with first <= index < end, with their promises. */
void img_pending_remove(struct img_node *node, uint64_t first, uint64_t end) REQUIRES(node->lock);

/* Tells node->waiting. */
void img_pending_publish(struct img_node *node) REQUIRES(node->lock) REQUIRES(img_items);

/* Takes it off its queue. */
void img_pending_unlist(struct img_data_state *data, struct img_pending *p) REQUIRES(data->lock);

/* Puts the node at the end of its queue if it has pending blocks and is in none. */
void img_pending_list(struct img_node *node) REQUIRES(node->lock);

/* ---- read.c -------------------------------------------------------------------------------- */

/* Reads [offset, offset + len), which ends at the size or before. */
int img_data_fetch(struct img_node *node, uint64_t offset, uint8_t *to, size_t len)
    REQUIRES_SHARED(node->lock);

/* Whether the block at `index` holds data (allocated blocks that were never written do not), and
 * the index up to which the same holds, or might. */
int img_data_probe(struct img_node *node, uint64_t index, bool *ret_data, uint64_t *ret_end)
    REQUIRES_SHARED(img_items) REQUIRES_SHARED(node->lock);

/* ---- write.c ------------------------------------------------------------------------------- */

/* Writes `len` bytes of the segments, without looking whether that is allowed and without changing
 * times; *ret says how many it were. LT_ENOSPC, LT_ENOMEM, LT_EIO. */
int img_data_write_locked(struct img_node *node, uint64_t offset, const struct lt_seg *segs,
                          uint64_t len, uint64_t *ret) REQUIRES(node->lock);

/* Makes the block pending with its content, promising space where it will take some (`must`: or
 * not, if there is none). */
int img_data_load(struct img_node *node, uint64_t index, bool must, struct img_block **ret)
    REQUIRES(node->lock);

/* Makes zeros of bytes [lo, hi) of a block, in memory at first. */
int img_data_zero(struct img_node *node, uint64_t index, uint32_t lo, uint32_t hi)
    REQUIRES(node->lock);

/* Makes zeros of what lies behind the end of the file in its last block, which is about to become a
 * part of it. */
int img_data_clear_tail(struct img_node *node) REQUIRES(node->lock);

/* If the file is an INLINE item: its data becomes pending, to be written to a block. */
int img_data_widen(struct img_node *node) REQUIRES(node->lock);

/* Notes a change of data at `now`, drops privileges if asked to, and does what sync=always asks
 * for. No lock held. */
int img_data_changed(struct img_node *node, bool kill_priv, struct lt_time now);

/* ---- range.c ------------------------------------------------------------------------------- */

/* Makes the range read as zeros and gives its whole blocks back. */
int img_data_punch(struct img_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock);

/* ---- truncate.c ---------------------------------------------------------------------------- */

/* The size grows to `size`, with a hole. */
int img_data_grow(struct img_node *node, uint64_t size) REQUIRES(node->lock);

/* ---- flush.c ------------------------------------------------------------------------------- */

/* Writes out what is pending of a node; never as an INLINE item with `blocks`. */
int img_data_flush_locked(struct img_node *node, bool sync, bool blocks) REQUIRES(node->lock);

/* Writes out old nodes if more than the budget is pending. LT_E...: it still is. No lock held. */
int img_data_relieve(struct img_fs *fs);

#endif
