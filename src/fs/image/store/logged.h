/* SPDX-License-Identifier: MIT */
/*
 * The blocks whose data lies in the log as well. Replay would put the logged bytes over whatever
 * was written to such a block later: until a checkpoint has emptied the log, new data for it must
 * go through the log too.
 */
#ifndef LT_FS_IMAGE_STORE_LOGGED_H
#define LT_FS_IMAGE_STORE_LOGGED_H

#include <os/os.h>

struct img_logged_slot {
    uint64_t block;
    uint64_t generation; /* of the checkpoint that makes the log forget it; 0: no block */
};

/* A set; locks for itself. Zero-initialised is empty. */
struct img_logged {
    struct lt_mutex lock;
    struct img_logged_slot *slots; /* lock; a power of two, open addressing */
    size_t capacity;               /* lock */
    _Atomic size_t count;          /* changed under the lock */
};

void img_logged_fini(struct img_logged *set);

/* LT_ENOMEM. */
int img_logged_add(struct img_logged *set, uint64_t block, uint64_t count, uint64_t generation);

/* The first of the blocks that is in the set, or UINT64_MAX. */
uint64_t img_logged_find(struct img_logged *set, uint64_t block, uint64_t count);

/* A checkpoint of this generation is durable. */
void img_logged_forget(struct img_logged *set, uint64_t generation);

#endif
