/* SPDX-License-Identifier: MIT */
/*
 * Which blocks are free. A block is
 *   free        nobody uses it, neither now nor in the last checkpoint;
 *   in flight   handed out by img_space_alloc(), not yet part of any transaction: free
 *               again after a crash;
 *   used        by the current state of the volume;
 *   pinned      no longer used, but the last checkpoint on the device still reaches it:
 *               free when the next one is there.
 *
 * The bitmap on the device says "used" for used blocks only. In memory there are the groups' free
 * counts, always, and their bits, once a group was needed.
 *
 * Space is promised before it is taken: data that waits in memory has a promise for its blocks, so
 * that writing it out never ends in LT_ENOSPC. `free` below is without promises and reserve.
 *
 * Locks for itself (one mutex, a leaf; bits are loaded under it).
 */
#ifndef LT_FS_IMAGE_STORE_SPACE_H
#define LT_FS_IMAGE_STORE_SPACE_H

#include "format.h"

#include <device/device.h>

struct img_space;

struct img_space_params {
    struct lt_device *dev;
    uint32_t block_size;
    uint64_t volume;
    uint64_t blocks;
    uint64_t log_block, log_blocks;
};

int img_space_open(const struct img_space_params *params, struct img_space **ret);
void img_space_close(struct img_space *space);

/* Tells of a group's SPACE item, when the volume is opened. LT_EUCLEAN. */
int img_space_load(struct img_space *space, uint64_t group, const struct img_space_disk *item);

/* ---- Counting ------------------------------------------------------------------------------ */

struct img_space_counts {
    uint64_t blocks;    /* of the volume */
    uint64_t free;      /* could be allocated now, promises apart */
    uint64_t pinned;    /* will be free after the next checkpoint */
    uint64_t in_flight; /* blocks */
    uint64_t promised;  /* blocks */
    uint64_t reserve;   /* kept for checkpoints and for deleting */
};
void img_space_counts(struct img_space *space, struct img_space_counts *ret);

/* How many blocks are kept back from promises. */
void img_space_set_reserve(struct img_space *space, uint64_t blocks);

/* How many blocks the coming checkpoint will take; promises leave these, too. */
void img_space_set_need(struct img_space *space, uint64_t blocks);

/* Promises `blocks`: LT_ENOSPC if free - promised - reserve - need is less; LT_EAGAIN if it is only
 * so because blocks are pinned or needed (a checkpoint would help). */
int img_space_promise(struct img_space *space, uint64_t blocks);
void img_space_unpromise(struct img_space *space, uint64_t blocks);

/* ---- Allocating ---------------------------------------------------------------------------- */

/*
 * Finds min..max contiguous free blocks, at `goal` if that is free, else behind it and as near as
 * there is a run that is long enough; they are then in flight. Never crosses a group's bitmaps.
 * Prefers max; takes the best of what it finds at little cost otherwise. Uses no promise: the
 * caller takes that back himself. LT_ENOSPC (also where free blocks are scattered and min is > 1),
 * LT_EIO, LT_EUCLEAN (a bitmap cannot be read).
 */
int img_space_alloc(struct img_space *space, uint64_t goal, uint64_t min, uint64_t max,
                    uint64_t *ret_block, uint64_t *ret_count);

/* In flight -> free. */
void img_space_release(struct img_space *space, uint64_t block, uint64_t count);
/* In flight -> used, and back. */
void img_space_use(struct img_space *space, uint64_t block, uint64_t count);
void img_space_unuse(struct img_space *space, uint64_t block, uint64_t count);

/* Used -> pinned. LT_EUCLEAN: not all of it is used (nothing has changed then). LT_EIO, LT_ENOMEM.
 */
int img_space_free(struct img_space *space, uint64_t block, uint64_t count);
/* Undoes img_space_free() of the same transaction. */
void img_space_unfree(struct img_space *space, uint64_t block, uint64_t count);

/* For replay: free -> used. LT_EUCLEAN if not all of it is free. */
int img_space_claim(struct img_space *space, uint64_t block, uint64_t count);

/* Whether the block is used (or pinned, or in flight): 1 or 0, or an error. For check. */
int img_space_test(struct img_space *space, uint64_t block);

/* ---- Checkpoints --------------------------------------------------------------------------- */

/* Groups whose bitmaps on the device are out of date, from `group` on: the next such group, or
 * UINT64_MAX. */
uint64_t img_space_dirty(struct img_space *space, uint64_t group);

/* The SPACE item that the group will have after the coming checkpoint of this generation. */
void img_space_item(struct img_space *space, uint64_t group, uint64_t generation,
                    struct img_space_disk *ret);

/*
 * Freezes: images of all dirty bitmaps are made for `generation`, the groups are clean, and what is
 * pinned now will become free by img_space_thaw(). LT_ENOMEM. img_space_write() then writes the
 * images (no lock of the store needed), sorted, without flushing.
 */
int img_space_freeze(struct img_space *space, uint64_t generation);
int img_space_write(struct img_space *space);

/* The checkpoint is durable: what was pinned when it was frozen is free and, in runs that are worth
 * it, discarded on the device if `discard`. Not written: everything is as before the freeze. */
void img_space_thaw(struct img_space *space, bool written, bool discard);

/* Discards all free blocks ("fstrim"), *ret_blocks of them. */
int img_space_trim(struct img_space *space, uint64_t *ret_blocks);

/* The volume grows or shrinks (then the blocks behind are free, else LT_EBUSY). */
int img_space_resize(struct img_space *space, uint64_t blocks);

/* The last block in use, for shrinking. */
int img_space_last(struct img_space *space, uint64_t *ret_block);

#endif
