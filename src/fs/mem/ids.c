// SPDX-License-Identifier: MIT
#include "ids.h"

#include "node.h"

#include <assert.h>

#define PER_PAGE (MEM_PAGE / sizeof(struct mem_node *))

static struct mem_node **bucket_at(const struct mem_ids *ids, uint64_t index)
{
    struct mem_node **page = mem_radix_get(&ids->buckets, index / PER_PAGE);
    return &page[index % PER_PAGE];
}

/* Linear hashing: as many low bits as the table has, or one fewer where that bucket is not there
 * yet. */
static uint64_t bucket_index(uint64_t id, uint64_t buckets)
{
    uint64_t mask = PER_PAGE - 1;
    while (mask < buckets - 1)
        mask = mask << 1 | 1;
    uint64_t index = id & mask;
    return index < buckets ? index : id & (mask >> 1);
}

static struct mem_node **bucket_of(const struct mem_ids *ids, uint64_t id)
{
    return bucket_at(ids, bucket_index(id, ids->pages * PER_PAGE));
}

static void push(struct mem_node **bucket, struct mem_node *node)
{
    node->id_next = *bucket;
    *bucket = node;
}

int mem_ids_init(struct mem_ids *ids, struct mem_arena *arena, uint64_t max)
{
    void *page;
    *ids = (struct mem_ids){.next = LT_ROOT_ID, .max = max, .pages = 1};
    if (mem_pages_alloc(arena, MEM_META, &page, 1, MEM_ZERO) < 0)
        return LT_ENOSPC;
    return mem_radix_put(&ids->buckets, arena, 0, page);
}

/* Takes the nodes that belong into bucket `index` of a table with `buckets` out of a chain. */
static void move_chain(struct mem_ids *ids, struct mem_node **from, uint64_t index,
                       uint64_t buckets) REQUIRES(ids->lock)
{
    while (*from) {
        struct mem_node *node = *from;
        if (bucket_index(node->base.id, buckets) == index) {
            *from = node->id_next;
            push(bucket_at(ids, index), node);
        } else {
            from = &node->id_next;
        }
    }
}

static void grow(struct mem_ids *ids, struct mem_arena *arena) REQUIRES(ids->lock)
{
    void *page;
    if (mem_pages_alloc(arena, MEM_META, &page, 1, MEM_ZERO) < 0)
        return;
    if (mem_radix_put(&ids->buckets, arena, ids->pages, page) < 0) {
        mem_pages_free(arena, &page, 1, 0);
        return;
    }
    uint64_t old = ids->pages * PER_PAGE;
    for (uint64_t i = old; i < old + PER_PAGE; i++)
        move_chain(ids, bucket_at(ids, bucket_index(i, old)), i, old + PER_PAGE);
    ids->pages++;
}

static void shrink(struct mem_ids *ids, struct mem_arena *arena) REQUIRES(ids->lock)
{
    ids->pages--;
    uint64_t left = ids->pages * PER_PAGE;
    for (uint64_t i = left; i < left + PER_PAGE; i++)
        move_chain(ids, bucket_at(ids, i), bucket_index(i, left), left);
    void *page = mem_radix_take(&ids->buckets, arena, ids->pages);
    mem_pages_free(arena, &page, 1, 0);
    mem_radix_trim(&ids->buckets, arena);
}

int mem_ids_add(struct mem_ids *ids, struct mem_arena *arena, struct mem_node *node)
{
    int error = 0;
    lt_mutex_lock(&ids->lock);
    if (ids->max > 0 && ids->count >= ids->max) {
        error = LT_ENOSPC;
    } else {
        node->base.id = ids->next++;
        ids->count++;
        if (ids->count > ids->pages * PER_PAGE)
            grow(ids, arena);
        push(bucket_of(ids, node->base.id), node);
    }
    lt_mutex_unlock(&ids->lock);
    return error;
}

void mem_ids_remove(struct mem_ids *ids, struct mem_arena *arena, struct mem_node *node)
{
    lt_mutex_lock(&ids->lock);
    struct mem_node **at = bucket_of(ids, node->base.id);
    while (*at != node)
        at = &(*at)->id_next;
    *at = node->id_next;
    ids->count--;
    if (ids->pages > 1 && ids->count <= (ids->pages - 1) * PER_PAGE)
        shrink(ids, arena);
    lt_mutex_unlock(&ids->lock);
}

uint64_t mem_ids_take(struct mem_ids *ids)
{
    lt_mutex_lock(&ids->lock);
    uint64_t id = ids->next++;
    lt_mutex_unlock(&ids->lock);
    return id;
}

uint64_t mem_ids_count(struct mem_ids *ids)
{
    lt_mutex_lock(&ids->lock);
    uint64_t count = ids->count;
    lt_mutex_unlock(&ids->lock);
    return count;
}

bool mem_get_alive(struct mem_node *node)
{
    unsigned refs = atomic_load(&node->base.refs);
    while (refs > 0) {
        if (atomic_compare_exchange_weak(&node->base.refs, &refs, refs + 1))
            return true;
    }
    return false;
}

struct mem_node *mem_ids_find(struct mem_ids *ids, uint64_t id)
{
    lt_mutex_lock(&ids->lock);
    struct mem_node *node = *bucket_of(ids, id);
    while (node && node->base.id != id)
        node = node->id_next;
    if (node && !mem_get_alive(node))
        node = NULL;
    lt_mutex_unlock(&ids->lock);
    return node;
}
