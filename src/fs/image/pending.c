// SPDX-License-Identifier: MIT
#include "pending.h"

#include <assert.h>
#include <stdlib.h>

/* ---- Memory -------------------------------------------------------------------------------- */

static struct img_data_state *state_of(const struct img_node *node)
{
    return img_fs_of(node)->data;
}

static uint32_t block_size(const struct img_node *node)
{
    return img_block_size(img_fs_of(node)->store);
}

uint8_t *img_pending_alloc(const struct img_node *node)
{
    struct img_data_state *data = state_of(node);
    lt_mutex_lock(&data->lock);
    void *block = data->spare;
    if (block) {
        memcpy(&data->spare, block, sizeof(data->spare));
        data->spares--;
    }
    lt_mutex_unlock(&data->lock);
    if (!block)
        block = malloc(block_size(node));
    if (block)
        atomic_fetch_add(&data->bytes, block_size(node));
    return block;
}

void img_pending_free(const struct img_node *node, uint8_t *block)
{
    struct img_data_state *data = state_of(node);
    atomic_fetch_sub(&data->bytes, block_size(node));
    lt_mutex_lock(&data->lock);
    bool keep = data->spares * block_size(node) < data->budget / IMG_RELIEF;
    if (keep) {
        memcpy(block, &data->spare, sizeof(data->spare));
        data->spare = block;
        data->spares++;
    }
    lt_mutex_unlock(&data->lock);
    if (!keep)
        free(block);
}

/* ---- The queues of nodes ------------------------------------------------------------------- */

void img_pending_list(struct img_node *node)
{
    struct img_data_state *data = state_of(node);
    struct img_pending *p = node->pending;
    if (!p)
        return;
    lt_mutex_lock(&data->lock);
    if (p->stamp == 0) {
        struct img_queue *queue = p->replaces ? &data->replacing : &data->others;
        p->stamp = ++data->stamps;
        p->prev = queue->last;
        p->next = NULL;
        *(p->prev ? &p->prev->next : &queue->first) = p;
        queue->last = p;
    }
    lt_mutex_unlock(&data->lock);
}

void img_pending_unlist(struct img_data_state *data, struct img_pending *p)
{
    if (p->stamp == 0)
        return;
    struct img_queue *queue = p->replaces ? &data->replacing : &data->others;
    *(p->prev ? &p->prev->next : &queue->first) = p->next;
    *(p->next ? &p->next->prev : &queue->last) = p->prev;
    p->stamp = 0;
}

/* ---- The blocks of a node ------------------------------------------------------------------ */

size_t img_pending_at(const struct img_node *node, uint64_t index)
{
    const struct img_pending *p = node->pending;
    size_t low = 0, high = p ? p->count : 0;
    if (high > 0 && p->blocks[high - 1].index < index)
        return high; /* the usual case: files are written from front to end */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->blocks[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct img_block *img_pending_find(const struct img_node *node, uint64_t index)
{
    const struct img_pending *p = node->pending;
    size_t at = img_pending_at(node, index);
    return p && at < p->count && p->blocks[at].index == index ? &p->blocks[at] : NULL;
}

static struct img_pending *pending_of(struct img_node *node) REQUIRES(node->lock)
{
    struct img_pending *p = node->pending;
    if (p)
        return p;
    p = malloc(sizeof(*p));
    if (!p)
        return NULL;
    *p = (struct img_pending){
        .node = node, .replaces = node->replaced, .blocks = p->few, .capacity = 4};
    atomic_fetch_add(&state_of(node)->replacing_count, p->replaces);
    node->pending = p;
    return p;
}

static int make_room(struct img_pending *p)
{
    if (p->count < p->capacity)
        return 0;
    size_t capacity = 4 * p->capacity;
    struct img_block *old = p->blocks == p->few ? NULL : p->blocks;
    struct img_block *blocks = realloc(old, capacity * sizeof(*blocks));
    if (!blocks)
        return LT_ENOMEM;
    if (!old)
        memcpy(blocks, p->few, sizeof(p->few));
    p->blocks = blocks;
    p->capacity = capacity;
    return 0;
}

/* Without blocks there is no struct img_pending. */
static void forget_if_empty(struct img_node *node) REQUIRES(node->lock)
{
    struct img_data_state *data = state_of(node);
    struct img_pending *p = node->pending;
    if (!p || p->count > 0)
        return;
    lt_mutex_lock(&data->lock);
    img_pending_unlist(data, p);
    lt_mutex_unlock(&data->lock);
    atomic_fetch_sub(&data->replacing_count, p->replaces);
    node->pending = NULL;
    if (p->blocks != p->few)
        free(p->blocks);
    free(p);
}

int img_pending_add(struct img_node *node, uint64_t index, uint8_t *bytes, bool promised,
                    struct img_block **ret)
{
    struct img_pending *p = pending_of(node);
    if (!p || make_room(p) < 0) {
        forget_if_empty(node);
        return LT_ENOMEM;
    }
    size_t at = img_pending_at(node, index);
    struct img_block *block = &p->blocks[at];
    assert(at == p->count || block->index != index);
    memmove(block + 1, block, (p->count - at) * sizeof(*block));
    *block = (struct img_block){.index = index, .bytes = bytes, .promised = promised};
    p->count++;
    p->promised += promised;
    atomic_store_explicit(&p->size, p->count, memory_order_relaxed);
    *ret = block;
    return 0;
}

void img_pending_remove(struct img_node *node, uint64_t first, uint64_t end)
{
    struct img_pending *p = node->pending;
    size_t from = img_pending_at(node, first), to = img_pending_at(node, end), promised = 0;
    if (from == to)
        return;
    for (size_t i = from; i < to; i++) {
        promised += p->blocks[i].promised;
        img_pending_free(node, p->blocks[i].bytes);
    }
    memmove(&p->blocks[from], &p->blocks[to], (p->count - to) * sizeof(*p->blocks));
    p->count -= to - from;
    p->promised -= promised;
    atomic_store_explicit(&p->size, p->count, memory_order_relaxed);
    if (promised > 0)
        img_space_unpromise(img_fs_of(node)->store->space, promised);
    forget_if_empty(node);
}

void img_pending_publish(struct img_node *node)
{
    node->waiting = node->pending ? node->pending->promised : 0;
}

void img_data_drop(struct img_node *node)
{
    lt_rwlock_write(&node->lock);
    img_pending_remove(node, 0, UINT64_MAX);
    lt_rwlock_write_unlock(&node->lock);
}

/* ---- All of them --------------------------------------------------------------------------- */

int img_data_init(struct img_fs *fs, uint64_t budget)
{
    struct img_data_state *data = calloc(1, sizeof(*data));
    if (!data)
        return LT_ENOMEM;
    data->budget = budget;
    fs->data = data;
    return 0;
}

/* Nobody uses the node any more, and the store may be gone. */
static void forget(struct img_data_state *data, struct img_pending *p) REQUIRES(data->lock)
{
    p->node->pending = NULL;
    img_pending_unlist(data, p);
    for (size_t i = 0; i < p->count; i++)
        free(p->blocks[i].bytes);
    if (p->blocks != p->few)
        free(p->blocks);
    free(p);
}

void img_data_fini(struct img_fs *fs)
{
    struct img_data_state *data = fs->data;
    if (!data)
        return;
    lt_mutex_lock(&data->lock);
    while (data->replacing.first)
        forget(data, data->replacing.first);
    while (data->others.first)
        forget(data, data->others.first);
    lt_mutex_unlock(&data->lock);
    while (data->spare) {
        void *block = data->spare;
        memcpy(&data->spare, block, sizeof(data->spare));
        free(block);
    }
    free(data);
    fs->data = NULL;
}

uint64_t img_data_pending(struct img_fs *fs)
{
    return atomic_load(&fs->data->bytes);
}
