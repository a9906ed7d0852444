/* SPDX-License-Identifier: MIT */
/* A tree node as it lies on the device, distrusted: docs/format/image.md, "Tree node". */
#ifndef LT_FS_IMAGE_CHECK_PAGE_H
#define LT_FS_IMAGE_CHECK_PAGE_H

#include <fs/image/store/format.h>
#include <fs/image/store/key.h>
#include <lintel/error.h>
#include <stdbool.h>
#include <stddef.h>

#define IMG_KEY_BYTES 17u

static const struct img_key IMG_KEY_FIRST = {0, 0, 0};
static const struct img_key IMG_KEY_LAST = {UINT64_MAX, UINT64_MAX, UINT8_MAX};

/* Borrows the bytes. */
struct img_page {
    const uint8_t *bytes;
    uint32_t size;
    uint16_t count;
    uint8_t level, prefix;
    uint64_t block, birth;
};

/* What is expected of a page. */
struct img_page_place {
    uint64_t volume, block;
    uint32_t size;
};

/* Verifies header and check alone: that this is a tree node of this volume and place. On failure
 * *why says what is wrong. LT_EUCLEAN. */
int img_page_open(const void *bytes, const struct img_page_place *place, struct img_page *ret,
                  const char **why);

/* Verifies the records: bounds, order, no overlap; inner nodes: that each is a child. LT_EUCLEAN,
 * with *why. */
int img_page_verify(const struct img_page *page, const char **why);

/* Record i of a verified page. */
void img_page_record(const struct img_page *page, unsigned i, struct img_key *ret_key,
                     const uint8_t **ret_value, size_t *ret_len);

/* The key before `key`, which is not the first. */
struct img_key img_key_before(struct img_key key);

void img_key_pack(struct img_key key, uint8_t bytes[IMG_KEY_BYTES]);
struct img_key img_key_unpack(const uint8_t bytes[IMG_KEY_BYTES]);

#endif
