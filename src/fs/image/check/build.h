/* SPDX-License-Identifier: MIT */
/* Makes tree nodes of items that come in order, level upon level, for img_rewrite(). */
#ifndef LT_FS_IMAGE_CHECK_BUILD_H
#define LT_FS_IMAGE_CHECK_BUILD_H

#include "view.h"

#define IMG_BUILD_LEVELS 17u

/* A node that is being filled: slots grow up, records down. */
struct img_build_node {
    uint8_t *page; /* NULL: nothing came to this level yet */
    struct img_key first;
    uint32_t heap;
    uint16_t count;
    uint64_t finished;     /* nodes of this level that are done */
    uint64_t block, birth; /* of the last one */
};

struct img_build {
    struct img_view *view;
    uint64_t birth;
    const uint64_t *blocks; /* NULL: nothing is written, only counted */
    size_t block_count, written;
    struct img_build_node levels[IMG_BUILD_LEVELS];
};

int img_build_open(struct img_build *build, struct img_view *view, uint64_t birth,
                   const uint64_t *blocks, size_t count);
void img_build_close(struct img_build *build);

/* An item (callback for img_view_each()). */
int img_build_item(void *build, const struct img_item *item);
/* A leaf that is there already, with keys from `first` on. */
int img_build_leaf(struct img_build *build, struct img_key first, uint64_t block, uint64_t birth);
/* No more come: finishes all levels. */
int img_build_end(struct img_build *build, struct img_root *ret);

#endif
