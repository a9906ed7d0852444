/* SPDX-License-Identifier: MIT */
/*
 * The volume as it stands on a device: the tree of the last checkpoint, and over it the
 * changes of the log and those that mend. Nothing is written here. What is damaged becomes a
 * hole: a range of keys of which nothing is known.
 *
 *      leaves      where the items of the checkpoint are, in the order of keys
 *      changes     items that are new or gone since, sorted; they win over the leaves
 *      reached     bitmap: blocks of layout and tree
 *      marked      bitmap: blocks that the image says are in use (bitmaps, TAKE, FREE)
 */
#ifndef LT_FS_IMAGE_CHECK_VIEW_H
#define LT_FS_IMAGE_CHECK_VIEW_H

#include "page.h"
#include "problems.h"

#include <device/device.h>
#include <fs/image/store/super.h>

struct img_leaf {
    struct img_key first, last; /* its items are those of its records in this range */
    uint64_t block, birth;
    bool salvaged; /* found, not reached: some of its records may not count */
    bool stale;    /* from a block that is marked free: may be out of date */
};

struct img_hole {
    struct img_key first, last;
    bool leaf; /* a leaf was lost, not a node above */
};

/* An item that is new, changed or gone. */
struct img_change {
    struct img_key key;
    const uint8_t *value; /* NULL: gone */
    uint32_t len;
    uint32_t order;  /* of two for one key the later one counts */
    bool needs_base; /* the first of them took away what the leaves have to have */
};

/* File data in the log: it counts, not what lies at its place. */
struct img_logged {
    uint64_t at; /* byte of the image */
    const uint8_t *bytes;
    size_t len;
};

/* Blocks that the log takes or frees. */
struct img_move {
    uint64_t block, count;
    bool take;
};

/* A batch of the log, with its header. */
struct img_batch {
    uint64_t at, sequence; /* block of the log */
    const uint8_t *bytes;
    size_t len;
};

/* A tree node above the leaves. */
struct img_inner {
    struct img_leaf node;
    unsigned level;
};

/* An item as it counts. The value is borrowed for the length of the callback. */
struct img_item {
    struct img_key key;
    const uint8_t *value;
    size_t len;
    bool stale;
};

/* What a group's SPACE item says. */
struct img_group {
    uint64_t birth;
    uint32_t free;
    uint8_t place;
    bool present; /* it has an item */
    bool valid;   /* and the bitmap can be read */
};

struct img_blob;

struct img_view {
    struct lt_device *dev; /* the caller's */
    struct img_report *report;
    struct img_super super; /* next_id, nodes: with the log */
    uint64_t volume;
    uint64_t group_blocks, groups;
    bool rebuilt_super; /* made up from what the blocks tell */
    bool salvaged;      /* holes were filled: nodes that are lost are marked, but not in use */

    struct img_leaf *leaves;
    size_t leaf_count, leaf_room;
    struct img_hole *holes;
    size_t hole_count, hole_room;
    struct img_change *changes;
    size_t change_count, change_room;
    size_t settled;            /* of them are sorted, and count */
    struct img_logged *logged; /* in the order of the log */
    size_t logged_count, logged_room;
    struct img_move *moves; /* likewise */
    size_t move_count, move_room;
    struct img_group *group;
    uint64_t *reached, *marked;
    uint64_t old_blocks; /* of the volume when it was opened: `marked` is about these */
    size_t bitmap_words;
    struct img_inner *inner; /* the levels one after the other, from the root */
    size_t inner_count, inner_room;
    struct img_batch *batches;
    size_t batch_count, batch_room;

    struct img_blob *blobs; /* memory of values */
    uint8_t *page;          /* one block */
    uint64_t done, total;   /* progress, in blocks */
};

/* Opens; problems go to `report`. LT_EINVAL (no image), LT_EOPNOTSUPP, LT_ENOMEM, LT_EIO (nothing
 * can be read), LT_EINTR. img_view_close() is needed in any case. */
int img_view_open(struct img_view *view, struct lt_device *dev, struct img_report *report,
                  struct lt_diag *diag);
void img_view_close(struct img_view *view);

/* Looks into every leaf: those that are damaged become holes. */
int img_view_verify(struct img_view *view);

/* Reads the bitmaps of the groups, and applies what the log says of blocks. */
int img_view_space(struct img_view *view);

/* The first of the settled changes whose key is >= `key`: its index. */
size_t img_view_change_at(const struct img_view *view, struct img_key key);

/* Calls fn for every item in [first, last], in order, until it is not 0, which is then returned. fn
 * may add changes, but not read in the view. */
int img_view_each(struct img_view *view, struct img_key first, struct img_key last,
                  int (*fn)(void *arg, const struct img_item *item), void *arg);

/* Copies the value of an item to memory of malloc. LT_ENOENT. */
int img_view_get(struct img_view *view, struct img_key key, uint8_t **ret, size_t *ret_len);

/* Adds a change; value NULL: the item goes. It counts from the next img_view_settle() on. */
int img_view_put(struct img_view *view, struct img_key key, const void *value, size_t len);
int img_view_settle(struct img_view *view);

/* Reads a block. LT_EIO; LT_EINVAL: outside of the volume. */
int img_view_block(struct img_view *view, uint64_t block, void *buf);

/* `blocks` more are done. LT_EINTR. */
int img_view_progress(struct img_view *view, uint64_t blocks);

/* A hole, and a leaf at the end of the list (img_leaf_sort() afterwards). LT_ENOMEM. */
int img_view_hole(struct img_view *view, struct img_key first, struct img_key last, bool leaf);
int img_view_leaf(struct img_view *view, const struct img_leaf *leaf);
void img_leaf_sort(struct img_view *view);

/* How many blocks a volume has in `size` bytes: a last group of fewer than IMG_GROUP_BLOCKS_MIN is
 * none. */
uint64_t img_view_blocks_in(const struct img_view *view, uint64_t size);

/* The volume is to have `blocks` blocks, more than now: makes room for them in all bitmaps, *used
 * too, in which the places of new bitmaps get marked. Does not touch the device. */
int img_view_extend(struct img_view *view, uint64_t **used, uint64_t blocks);

/* Memory that lives as long as the view, or NULL. */
void *img_view_memory(struct img_view *view, size_t size);

/* Room for one more element of a list that grows. */
int img_grow(void *list, size_t count, size_t *room, size_t size);

/* ---- Bitmaps of blocks --------------------------------------------------------------------- */

static inline bool img_bit(const uint64_t *bits, uint64_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static inline void img_bit_set(uint64_t *bits, uint64_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void img_bit_clear(uint64_t *bits, uint64_t i)
{
    bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* Sets a range; returns how many of them were set before, *ret_first the first of these. */
uint64_t img_bits_set(uint64_t *bits, uint64_t from, uint64_t count, uint64_t *ret_first);

/* Marks what is in use by its place: superblocks, places of bitmaps, log. */
void img_view_layout(const struct img_view *view, uint64_t *bits);

/* Blocks of group g. */
uint64_t img_view_group_size(const struct img_view *view, uint64_t g);

#endif
