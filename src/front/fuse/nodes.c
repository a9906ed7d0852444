// SPDX-License-Identifier: MIT
#include "nodes.h"

#include <base/hash.h>
#include <stdlib.h>

#define SLOTS_MIN 16u

static struct lt_nodes_shard *shard_of(struct lt_nodes *nodes, uint64_t hash)
{
    return &nodes->shards[hash % LT_NODES_SHARDS];
}

/* The slot of `id`, or the free slot where it belongs. */
static uint32_t find_slot(const struct lt_nodes_slot *slots, uint32_t size, uint64_t id)
{
    uint32_t i = (uint32_t)(lt_hash_u64(id) >> 32) & (size - 1);
    while (slots[i].node && slots[i].node->id != id)
        i = (i + 1) & (size - 1);
    return i;
}

/* The slot that holds `id`, or NULL. */
static struct lt_nodes_slot *lookup(struct lt_nodes_shard *s, uint64_t id) REQUIRES(s->lock)
{
    if (s->size == 0)
        return NULL;
    struct lt_nodes_slot *slot = &s->slots[find_slot(s->slots, s->size, id)];
    return slot->node ? slot : NULL;
}

/*
 * Free slots. What takes pages comes from the system and goes back there: a heap would keep most of
 * what a million nodes took after they are forgotten.
 */
static struct lt_nodes_slot *slots_new(uint32_t size)
{
    size_t bytes = size * sizeof(struct lt_nodes_slot);
    return bytes < LT_PAGE_SIZE ? calloc(1, bytes) : lt_pages_map(bytes, LT_PAGE_SIZE);
}

static void slots_free(struct lt_nodes_slot *slots, uint32_t size)
{
    size_t bytes = size * sizeof(struct lt_nodes_slot);
    if (bytes < LT_PAGE_SIZE)
        free(slots);
    else
        lt_pages_unmap(slots, bytes);
}

static int resize(struct lt_nodes_shard *s, uint32_t size) REQUIRES(s->lock)
{
    struct lt_nodes_slot *slots = slots_new(size);
    if (slots == NULL)
        return LT_ENOMEM;
    for (uint32_t i = 0; i < s->size; i++) {
        if (s->slots[i].node)
            slots[find_slot(slots, size, s->slots[i].node->id)] = s->slots[i];
    }
    slots_free(s->slots, s->size);
    s->slots = slots;
    s->size = size;
    return 0;
}

/* Frees a slot and moves what was pushed behind it (Knuth 6.4, algorithm R). */
static void remove_slot(struct lt_nodes_shard *s, uint32_t hole) REQUIRES(s->lock)
{
    uint32_t mask = s->size - 1;
    for (uint32_t i = (hole + 1) & mask; s->slots[i].node; i = (i + 1) & mask) {
        uint32_t home = (uint32_t)(lt_hash_u64(s->slots[i].node->id) >> 32) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            s->slots[hole] = s->slots[i];
            hole = i;
        }
    }
    s->slots[hole] = (struct lt_nodes_slot){NULL, 0};
    s->used--;
    if (s->size > SLOTS_MIN && s->used < s->size / 4)
        resize(s, s->size / 2); /* if there is no memory to shrink, it stays large */
}

void lt_nodes_init(struct lt_nodes *nodes, struct lt_node *root)
{
    *nodes = (struct lt_nodes){.root = root};
}

void lt_nodes_fini(struct lt_nodes *nodes)
{
    for (unsigned i = 0; i < LT_NODES_SHARDS; i++) {
        struct lt_nodes_shard *s = &nodes->shards[i];
        lt_mutex_lock(&s->lock);
        for (uint32_t k = 0; k < s->size; k++)
            lt_node_put(s->slots[k].node);
        slots_free(s->slots, s->size);
        s->slots = NULL;
        s->size = s->used = 0;
        lt_mutex_unlock(&s->lock);
    }
}

static int add_locked(struct lt_nodes_shard *s, struct lt_node *node) REQUIRES(s->lock)
{
    struct lt_nodes_slot *slot = lookup(s, node->id);
    if (slot) {
        slot->nlookup++;
        lt_node_put(node); /* not the last reference: the slot has one */
        return 0;
    }
    if (s->used + 1 > s->size / 4 * 3) {
        int r = resize(s, s->size ? s->size * 2 : SLOTS_MIN);
        if (r < 0)
            return r;
    }
    slot = &s->slots[find_slot(s->slots, s->size, node->id)];
    *slot = (struct lt_nodes_slot){node, 1};
    s->used++;
    return 0;
}

int lt_nodes_add(struct lt_nodes *nodes, struct lt_node *node)
{
    if (node == nodes->root) {
        lt_node_put(node); /* the file system holds it as long as it lives */
        return 0;
    }
    struct lt_nodes_shard *s = shard_of(nodes, lt_hash_u64(node->id));
    lt_mutex_lock(&s->lock);
    int r = add_locked(s, node);
    lt_mutex_unlock(&s->lock);
    return r;
}

struct lt_node *lt_nodes_get(struct lt_nodes *nodes, uint64_t id)
{
    if (id == LT_ROOT_ID)
        return lt_node_get(nodes->root);
    struct lt_nodes_shard *s = shard_of(nodes, lt_hash_u64(id));
    lt_mutex_lock(&s->lock);
    struct lt_nodes_slot *slot = lookup(s, id);
    struct lt_node *node = slot ? lt_node_get(slot->node) : NULL;
    lt_mutex_unlock(&s->lock);
    return node;
}

bool lt_nodes_has(struct lt_nodes *nodes, uint64_t id)
{
    if (id == LT_ROOT_ID)
        return true;
    struct lt_nodes_shard *s = shard_of(nodes, lt_hash_u64(id));
    lt_mutex_lock(&s->lock);
    bool has = lookup(s, id) != NULL;
    lt_mutex_unlock(&s->lock);
    return has;
}

bool lt_nodes_forget(struct lt_nodes *nodes, uint64_t id, uint64_t count)
{
    if (id == LT_ROOT_ID)
        return true;
    struct lt_nodes_shard *s = shard_of(nodes, lt_hash_u64(id));
    struct lt_node *gone = NULL;
    lt_mutex_lock(&s->lock);
    struct lt_nodes_slot *slot = lookup(s, id);
    bool known = slot && slot->nlookup >= count;
    if (slot && slot->nlookup > count) {
        slot->nlookup -= count;
    } else if (slot) {
        gone = slot->node;
        remove_slot(s, (uint32_t)(slot - s->slots));
    }
    lt_mutex_unlock(&s->lock);
    lt_node_put(gone);
    return known;
}

uint64_t lt_nodes_count(struct lt_nodes *nodes)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LT_NODES_SHARDS; i++) {
        lt_mutex_lock(&nodes->shards[i].lock);
        count += nodes->shards[i].used;
        lt_mutex_unlock(&nodes->shards[i].lock);
    }
    return count;
}

/* The ids of one shard, for the caller to free; NULL if there are none or no memory. */
static uint64_t *ids_of(struct lt_nodes_shard *s, uint32_t *ret_count, int *error)
{
    lt_mutex_lock(&s->lock);
    uint64_t *ids = s->used ? malloc(s->used * sizeof(*ids)) : NULL;
    if (s->used && ids == NULL)
        *error = LT_ENOMEM;
    *ret_count = 0;
    for (uint32_t i = 0; ids && i < s->size; i++) {
        if (s->slots[i].node)
            ids[(*ret_count)++] = s->slots[i].node->id;
    }
    lt_mutex_unlock(&s->lock);
    return ids;
}

int lt_nodes_each(struct lt_nodes *nodes, void (*fn)(void *arg, uint64_t id), void *arg)
{
    int error = 0;
    fn(arg, LT_ROOT_ID);
    for (unsigned i = 0; i < LT_NODES_SHARDS; i++) {
        uint32_t count;
        uint64_t *ids = ids_of(&nodes->shards[i], &count, &error);
        for (uint32_t k = 0; k < count; k++)
            fn(arg, ids[k]);
        free(ids);
    }
    return error;
}
