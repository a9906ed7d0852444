// SPDX-License-Identifier: MIT
#include "idmap.h"

#include <base/hash.h>
#include <lintel/error.h>
#include <stdlib.h>

/* Open addressing; at most three quarters are taken, so that a free slot always ends a search. */
static struct idmap_slot *find(const struct idmap *map, uint64_t a, uint64_t b)
{
    size_t i = lt_hash_u64(a ^ lt_hash_u64(b)) & (map->capacity - 1);
    while (map->slots[i].value && (map->slots[i].a != a || map->slots[i].b != b))
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

void *idmap_get(const struct idmap *map, uint64_t a, uint64_t b)
{
    return map->capacity ? find(map, a, b)->value : NULL;
}

static int grow(struct idmap *map)
{
    struct idmap bigger = {.capacity = map->capacity ? 2 * map->capacity : 64, .count = map->count};
    bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
    if (!bigger.slots)
        return LT_ENOMEM;
    for (size_t i = 0; i < map->capacity; i++) {
        const struct idmap_slot *slot = &map->slots[i];
        if (slot->value)
            *find(&bigger, slot->a, slot->b) = *slot;
    }
    free(map->slots);
    *map = bigger;
    return 0;
}

int idmap_add(struct idmap *map, uint64_t a, uint64_t b, void *value)
{
    if (map->count >= map->capacity / 4 * 3) {
        int r = grow(map);
        if (r < 0)
            return r;
    }
    *find(map, a, b) = (struct idmap_slot){a, b, value};
    map->count++;
    return 0;
}

void idmap_fini(struct idmap *map, void (*drop)(void *value))
{
    for (size_t i = 0; drop && i < map->capacity; i++) {
        if (map->slots[i].value)
            drop(map->slots[i].value);
    }
    free(map->slots);
    *map = (struct idmap){0};
}
