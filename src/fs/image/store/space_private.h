/* SPDX-License-Identifier: MIT */
/* What the space_*.c files share. */
#ifndef LT_FS_IMAGE_STORE_SPACE_PRIVATE_H
#define LT_FS_IMAGE_STORE_SPACE_PRIVATE_H

#include "bits.h"
#include "space.h"

#include <os/os.h>

/*
 * A group's bits, as far as they were needed, in four maps:
 *
 *               used  busy  pinned  frozen
 *      free      0     0      0       0
 *      in flight 0     1      0       0
 *      used      1     1      0       0
 *      pinned    0     1      1       0      since the last freeze
 *                0     1      0       1      before it; free with the thaw
 *
 * Bits that stand for no block (behind the end of the volume) and those of the layout are used.
 */
struct img_group {
    uint64_t *busy; /* NULL: not loaded; `used` is the second half of the same memory */
    uint64_t *used;
    uint64_t *pinned, *frozen; /* NULL: no such block */
    uint64_t birth;            /* of the bitmap on the device, if `stored` */
    uint32_t free;             /* blocks not busy */
    uint32_t unused;           /* blocks not used */
    uint32_t first;            /* no block before this one is free; while loaded */
    uint8_t place;             /* of the bitmap that counts */
    bool stored;               /* there is a bitmap on the device */
    bool dirty;                /* it is out of date */
    bool writing;              /* an image of it was made by img_space_freeze() */
    bool touched;              /* needed since the eviction last came by */
};

/* One bitmap that is to be written. */
struct img_space_image {
    uint64_t group;
    uint64_t birth_before; /* for an abort */
    bool stored_before;
    uint8_t *page;
};

struct img_space {
    struct lt_device *dev; /* immutable, like the next five */
    uint32_t block_size;
    uint32_t words; /* of a group's map */
    uint64_t volume;
    uint64_t log_block, log_blocks;
    uint64_t group_blocks;

    struct lt_mutex lock; /* guards all that follows */
    uint64_t blocks;
    uint64_t groups;
    struct img_group *group; /* [groups] */
    /*
     * No group has a run of free blocks longer than bound[leaves + its number]; bound[i] is the
     * larger one of bound[2 * i] and bound[2 * i + 1]. Raised when blocks become free, and exact
     * again once a search was in vain.
     */
    uint32_t *bound; /* [2 * leaves] */
    uint64_t leaves; /* a power of two */
    uint64_t free, pinned, in_flight, promised, reserve, need;
    uint64_t loaded;      /* groups */
    uint64_t hand;        /* of the eviction */
    uint64_t last_loaded; /* a group that the eviction leaves alone */

    struct img_space_image *images; /* between freeze and thaw; changed by their caller alone */
    size_t image_count;
    bool frozen;
};

/* A range of blocks within one group. */
struct img_piece {
    uint64_t group;
    uint32_t at, end;
};

/* The first piece of a range, which loses it. */
static inline struct img_piece img_space_piece(const struct img_space *space, uint64_t *block,
                                               uint64_t *count)
{
    uint64_t group = *block / space->group_blocks, at = *block % space->group_blocks;
    uint64_t left = space->group_blocks - at, n = *count < left ? *count : left;
    *block += n;
    *count -= n;
    return (struct img_piece){group, (uint32_t)at, (uint32_t)(at + n)};
}

static inline uint64_t img_group_first(const struct img_space *space, uint64_t group)
{
    return group * space->group_blocks;
}

/* Blocks that the group has: less than others for the last one. */
static inline uint32_t img_group_count(const struct img_space *space, uint64_t group)
{
    uint64_t left = space->blocks - img_group_first(space, group);
    return (uint32_t)(left < space->group_blocks ? left : space->group_blocks);
}

static inline uint64_t img_group_place(const struct img_space *space, uint64_t group, uint8_t place)
{
    return img_group_first(space, group) + IMG_BITMAP_PLACE + place;
}

/* Sees to it that the group's bits are in memory. They stay at least until the next but one call.
 */
int img_group_need(struct img_space *space, uint64_t group) REQUIRES(space->lock);

/* Sets a group's bound. */
void img_group_bound(struct img_space *space, uint64_t group, uint32_t bound) REQUIRES(space->lock);

/* Busy -> free, in one group that is loaded. */
void img_group_give_back(struct img_space *space, struct img_piece piece) REQUIRES(space->lock);

#endif
