/* SPDX-License-Identifier: MIT */
/* File data of the log, of a volume that is open for reading only: it lies over what the device
 * has. */
#ifndef LT_FS_IMAGE_STORE_OVERLAY_H
#define LT_FS_IMAGE_STORE_OVERLAY_H

#include <lintel/error.h>
#include <lintel/types.h>

/* Bytes that belong to one place of the image, within one block. */
struct img_patch {
    uint64_t start; /* byte of the image */
    size_t at;      /* in the overlay's bytes; grows with every patch */
    uint32_t len;
};

/* Zero-initialised is empty. Filled by one thread, then sorted, then only read. */
struct img_overlay {
    uint32_t block_size;
    struct img_patch *patches; /* by block, the older first */
    size_t count, capacity;
    uint8_t *bytes;
    size_t len, room;
};

void img_overlay_fini(struct img_overlay *overlay);

/* These bytes come over all that were added before. LT_ENOMEM. */
int img_overlay_add(struct img_overlay *overlay, uint64_t start, const void *bytes, size_t len);
void img_overlay_sort(struct img_overlay *overlay);

/* Brings what was read from the device at `start` up to date. */
void img_overlay_apply(const struct img_overlay *overlay, uint64_t start, void *buf, size_t len);

#endif
