/* SPDX-License-Identifier: MIT */
/* A map from a pair of integers (device and inode, node id) to a pointer. One thread. */
#ifndef LT_CORE_IDMAP_H
#define LT_CORE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
    uint64_t a, b;
    void *value; /* NULL: free */
};

/* Zero-initialised is empty. */
struct idmap {
    struct idmap_slot *slots;
    size_t count, capacity; /* a power of two, or 0 */
};

/* The value of a key, or NULL. */
void *idmap_get(const struct idmap *map, uint64_t a, uint64_t b);

/* Adds a key that is not there; value is not NULL. LT_ENOMEM. */
int idmap_add(struct idmap *map, uint64_t a, uint64_t b, void *value);

/* Ends the map; drop (or NULL) is called with each value. */
void idmap_fini(struct idmap *map, void (*drop)(void *value));

#endif
