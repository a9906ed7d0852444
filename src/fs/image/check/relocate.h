/* SPDX-License-Identifier: MIT */
/*
 * Moving file data within an image that nobody uses, for resize and defrag: data is copied to free
 * blocks, the items that tell where it lies become changes of the view, and img_rewrite() makes all
 * of it true at once. A crash before leaves everything as it was.
 */
#ifndef LT_FS_IMAGE_CHECK_RELOCATE_H
#define LT_FS_IMAGE_CHECK_RELOCATE_H

#include "census.h"

/* A stretch of the file at hand. */
struct img_piece {
    uint64_t logical, count, block, birth;
    size_t checks; /* where its checks are in the mover's list of checks */
    bool unwritten;
};

struct img_mover {
    struct img_view *view;
    uint64_t *used; /* bitmap: as it will be */
    uint64_t *busy; /* bitmap: not to be written to */
    uint64_t limit; /* all data goes before this block */
    uint64_t birth; /* of what is moved */
    bool defrag;    /* lay fragmented files in one piece; else move only what is behind the limit */

    /* What came of it. */
    uint64_t files, moved_files, extents_before, extents_after, moved_blocks;
    uint64_t too_large; /* files that no free run could hold */

    /* The object at hand. */
    bool is_file;
    struct img_key inode_key;
    uint8_t inode[IMG_INODE_MAX];
    size_t inode_len;
    struct img_piece *pieces;
    size_t piece_count, piece_room;
    uint64_t *old; /* keys of its EXTENT items */
    size_t item_count, old_room;
    uint8_t *checks;
    size_t checks_len, checks_room;
    uint8_t *buffer;
};

/* Goes through all files. LT_ENOSPC, unless it defragments: then what has no room stays. */
int img_mover_run(struct img_mover *mover);
void img_mover_fini(struct img_mover *mover);

/* A run of up to `max` free blocks before the limit: the first that has all, or else the longest;
 * marks it as used and busy. LT_ENOSPC: fewer than `min`. */
int img_mover_take(struct img_mover *mover, uint64_t min, uint64_t max, uint64_t *ret_block,
                   uint64_t *ret_count);

struct img_sound;

/* Begins: all data of `sound` is to go before block `limit`. The mover is to be ended. LT_ENOMEM.
 */
int img_mover_init(struct img_mover *mover, struct img_sound *sound, uint64_t limit);

/* Opens the image and goes through all of it: LT_EUCLEAN if anything is wrong with it. Ended by
 * img_sound_close(), also after a failure. */
struct img_sound {
    struct img_view view;
    struct img_census census;
    struct img_report report;
    struct lt_image_check check;
    struct lt_image_check_result result;
};
int img_sound_open(struct img_sound *sound, struct lt_device *dev,
                   int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                   struct lt_diag *diag);
void img_sound_close(struct img_sound *sound);

#endif
