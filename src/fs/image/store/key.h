/* SPDX-License-Identifier: MIT */
/* Keys of items: what kinds there are is in ../kinds.h; the store only orders them. */
#ifndef LT_FS_IMAGE_STORE_KEY_H
#define LT_FS_IMAGE_STORE_KEY_H

#include <stdint.h>

/* Ordered by id, then kind, then off: docs/format/image.md, "Tree node". */
struct img_key {
    uint64_t id;
    uint64_t off;
    uint8_t kind;
};

static inline struct img_key img_key(uint64_t id, uint8_t kind, uint64_t off)
{
    return (struct img_key){.id = id, .off = off, .kind = kind};
}

/* < 0, 0, > 0 */
static inline int img_key_compare(struct img_key a, struct img_key b)
{
    if (a.id != b.id)
        return a.id < b.id ? -1 : 1;
    if (a.kind != b.kind)
        return a.kind < b.kind ? -1 : 1;
    return (a.off > b.off) - (a.off < b.off);
}

#endif
