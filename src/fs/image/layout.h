/* SPDX-License-Identifier: MIT */
/*
 * Writing data to where it will lie: pieces of one or several files get their places, are written
 * in as few calls as possible, and become extents in one transaction.
 *
 *     img_layout_plan()      looks where the blocks lie and what has to become of them
 *     img_layout_allocate()  gives new ones a place: they are in flight
 *     img_layout_write()     to the device, and computes their checks
 *     img_layout_apply()     in a transaction: used, and mapped
 *     img_layout_release()   instead, if anything failed
 */
#ifndef LT_FS_IMAGE_LAYOUT_H
#define LT_FS_IMAGE_LAYOUT_H

#include "map.h"
#include "pending.h"

/* Each piece changes IMG_MAP_SET_ITEMS(1) items: all together what IMG_SHRINK allows. */
#define IMG_LAYOUT_PIECES 48u
#define IMG_LAYOUT_BLOCKS (IMG_FLUSH_BYTES / IMG_BLOCK_SIZE_MIN)
#define IMG_LAYOUT_SEGS (IMG_LAYOUT_BLOCKS + 64u)

enum img_piece_kind {
    IMG_OVERWRITE, /* in place: no data checks */
    IMG_FILL,      /* in place, where nothing was written yet */
    IMG_NEW,       /* to blocks of its own */
    IMG_TINY       /* no block: the INLINE item */
};

/* Logical blocks of a file that lie in one row, before and after. */
struct img_piece {
    struct img_node *node;
    uint64_t logical, count; /* blocks */
    uint64_t block;          /* NEW: 0 until allocated */
    uint64_t goal;           /* NEW: where its neighbour in the file ends, or 0 */
    uint64_t birth;          /* NEW: 0 */
    uint64_t len;            /* bytes to be written */
    uint32_t skip;           /* bytes at the front that are not */
    enum img_piece_kind kind;
};

struct img_layout {
    struct img_store *store;
    struct img_data_state *data;
    bool unwritten; /* set it: new blocks are only allocated, and read as zeros */
    size_t count, seg_count;
    struct img_piece pieces[IMG_LAYOUT_PIECES];
    struct lt_seg segs[IMG_LAYOUT_SEGS];      /* the bytes of all pieces, one behind the other */
    struct lt_le32 checks[IMG_LAYOUT_BLOCKS]; /* of all whole blocks, likewise */
};

void img_layout_init(struct img_layout *layout, struct img_fs *fs);

/*
 * Adds pieces for the logical blocks [at, at + count) of a node, all of them to be written whole;
 * *ret_count is how many found room. With data checks, at most IMG_LAYOUT_BLOCKS in all.
 */
int img_layout_plan(struct img_layout *layout, struct img_node *node, uint64_t at, uint64_t count,
                    uint64_t *ret_count) REQUIRES_SHARED(node->lock) REQUIRES_SHARED(img_items);

/* Blocks that pieces still need. */
uint64_t img_layout_new(const struct img_layout *layout);

/* May cut the layout short, where space is scattered. LT_ENOSPC and others: nothing is allocated.
 */
int img_layout_allocate(struct img_layout *layout);

/* With `logged` the same bytes are put into the log too. */
int img_layout_write(struct img_layout *layout, bool logged);

/* LT_E...: the caller puts the nodes back and ends the transaction with it. */
int img_layout_apply(struct img_layout *layout, struct img_txn *txn) REQUIRES(img_items);

/* Puts the bytes of all pieces into the log; what lies behind the `size` of a file is left out
 * where it means nothing. */
int img_layout_log(struct img_layout *layout, struct img_txn *txn) REQUIRES(img_items);

void img_layout_release(struct img_layout *layout);

#endif
