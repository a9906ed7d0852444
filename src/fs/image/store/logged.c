// SPDX-License-Identifier: MIT
#include "logged.h"

#include <base/hash.h>
#include <stdlib.h>

#define CAPACITY_MIN 64u

void img_logged_fini(struct img_logged *set)
{
    free(set->slots);
    *set = (struct img_logged){.slots = NULL};
}

/* The block's slot, or the empty one where it belongs. */
static struct img_logged_slot *slot_of(struct img_logged_slot *slots, size_t capacity,
                                       uint64_t block)
{
    size_t i = lt_hash_u64(block) & (capacity - 1);
    while (slots[i].generation != 0 && slots[i].block != block)
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

/* Moves the blocks that stay into a table of another size. */
static int rebuild(struct img_logged *set, size_t capacity, uint64_t forget) REQUIRES(set->lock)
{
    struct img_logged_slot *slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return LT_ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < set->capacity; i++) {
        const struct img_logged_slot *old = &set->slots[i];
        if (old->generation > forget) {
            *slot_of(slots, capacity, old->block) = *old;
            count++;
        }
    }
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    atomic_store(&set->count, count);
    return 0;
}

static int add_one(struct img_logged *set, uint64_t block, uint64_t generation) REQUIRES(set->lock)
{
    if (set->count * 2 >= set->capacity) {
        int r = rebuild(set, set->capacity ? 2 * set->capacity : CAPACITY_MIN, 0);
        if (r < 0)
            return r;
    }
    struct img_logged_slot *slot = slot_of(set->slots, set->capacity, block);
    if (slot->generation == 0)
        atomic_fetch_add(&set->count, 1);
    *slot = (struct img_logged_slot){block, generation};
    return 0;
}

int img_logged_add(struct img_logged *set, uint64_t block, uint64_t count, uint64_t generation)
{
    int r = 0;
    lt_mutex_lock(&set->lock);
    for (uint64_t i = 0; i < count && r == 0; i++)
        r = add_one(set, block + i, generation);
    lt_mutex_unlock(&set->lock);
    return r;
}

uint64_t img_logged_find(struct img_logged *set, uint64_t block, uint64_t count)
{
    uint64_t found = UINT64_MAX;
    if (atomic_load(&set->count) == 0)
        return found;
    lt_mutex_lock(&set->lock);
    for (uint64_t i = 0; i < count && set->count > 0 && found == UINT64_MAX; i++) {
        if (slot_of(set->slots, set->capacity, block + i)->generation != 0)
            found = block + i;
    }
    lt_mutex_unlock(&set->lock);
    return found;
}

void img_logged_forget(struct img_logged *set, uint64_t generation)
{
    lt_mutex_lock(&set->lock);
    bool any = false, all = true;
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i].generation == 0)
            continue;
        any |= set->slots[i].generation <= generation;
        all &= set->slots[i].generation <= generation;
    }
    if (any && all) {
        free(set->slots);
        set->slots = NULL;
        set->capacity = 0;
        atomic_store(&set->count, 0);
    } else if (any) {
        /* For want of memory they all stay: then more goes through the log than must. */
        (void)rebuild(set, set->capacity, generation);
    }
    lt_mutex_unlock(&set->lock);
}
