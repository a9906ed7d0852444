/* SPDX-License-Identifier: MIT */
/* Checks of what lies on the device, and the header of metadata blocks. */
#ifndef LT_FS_IMAGE_STORE_BLOCK_H
#define LT_FS_IMAGE_STORE_BLOCK_H

#include "format.h"

#include <lintel/error.h>
#include <stdbool.h>

/* Superblocks, log batches and metadata blocks have their check in the same place. */
#define IMG_CHECK_AT 8u
static_assert(offsetof(struct img_super_disk, check) == IMG_CHECK_AT, "place of checks");
static_assert(offsetof(struct img_block_header, check) == IMG_CHECK_AT, "place of checks");
static_assert(offsetof(struct img_batch_header, check) == IMG_CHECK_AT, "place of checks");

/* Computes the check of a structure of `len` bytes, and stores it there. */
void img_check_seal(void *bytes, size_t len);
bool img_check_right(const void *bytes, size_t len);

/* What a metadata block must be. */
struct img_block_id {
    uint64_t volume;
    uint64_t block;
    uint64_t birth;
    uint8_t kind; /* enum img_block_kind */
};

/* Fills in a block's header, apart from level, count, heap and prefix, and its check. The reserved
 * bytes become zero. */
void img_block_seal(void *page, size_t block_size, const struct img_block_id *id);

/* 0, or LT_EUCLEAN if the block is not valid. */
int img_block_verify(const void *page, size_t block_size, const struct img_block_id *id);

#endif
