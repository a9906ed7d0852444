/* SPDX-License-Identifier: MIT */
/*
 * Items that are found by a hash: entries, links and streams (one item each), xattrs and security
 * descriptors (values in chunks). The upper bits of the key's `off` come from the hash, the lower
 * hold a number from 0 to 255 that tells equal hashes apart, times `step`: docs/format/image.md,
 * "Entry keys" and "Chunks".
 */
#ifndef LT_FS_IMAGE_HASHED_H
#define LT_FS_IMAGE_HASHED_H

#include "store/store.h"

#define IMG_TWINS 256u
#define IMG_ENTRY_STEP 1u
#define IMG_CHUNK_STEP 256u

/* The first key that an item of this hash can have. */
static inline uint64_t img_hashed_base(uint64_t hash, uint64_t step)
{
    uint64_t base = (hash >> 1) & ~(IMG_TWINS * step - 1);
    return base ? base : IMG_TWINS * step;
}

/*
 * Looks for the item among those of the same hash: match() gets one after the other (of a value
 * in chunks its first piece) and says 1 if it is the one, 0 if not, or an error. Returns 1 and the
 * item's `off`; or 0 and the `off` that a new one gets, 0 if no number is left. LT_EUCLEAN.
 */
int img_hashed_find(struct img_store *store, struct img_key base, uint64_t step,
                    int (*match)(void *arg, struct img_key key, const void *value, size_t len),
                    void *arg, uint64_t *ret_off) REQUIRES_SHARED(img_items);

#endif
