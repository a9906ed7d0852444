/* SPDX-License-Identifier: MIT */
/* A sorted array that the tree is compared with, and a device for it: an array of blocks. */
#ifndef LT_TESTS_UNIT_FS_IMAGE_STORE_MODEL_H
#define LT_TESTS_UNIT_FS_IMAGE_STORE_MODEL_H

#include <fs/image/store/block.h>
#include <fs/image/store/leaf.h>
#include <fs/image/store/tree.h>
#include <stdlib.h>
#include <string.h>
#include <test.h>

struct model_item {
    struct img_key key;
    uint32_t len, seed; /* the value */
};

#define MODEL_BLOCKS 4096u
#define MODEL_ITEMS 40000u

enum { MODEL_FREE, MODEL_TAKEN, MODEL_PINNED, MODEL_PINNED_BEFORE };

struct model {
    struct img_tree *tree;
    struct img_tree_params params;
    uint64_t random;
    struct model_item *items; /* ascending */
    size_t count;
    uint64_t ids; /* of its keys */

    /* The device. */
    uint8_t *blocks[MODEL_BLOCKS];
    uint8_t states[MODEL_BLOCKS];
    uint64_t next; /* where to look for a free block */
    uint64_t generation;
    unsigned fail_read;          /* the n-th read from now fails */
    unsigned fail_take;          /* likewise */
    uint64_t gone[MODEL_BLOCKS]; /* since the last freeze */
    size_t gone_count;
    struct img_root root;         /* of the last checkpoint */
    struct model_item *on_device; /* what it has */
    size_t on_device_count;
};

static inline uint64_t model_random(struct model *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

static inline void model_value(const struct model_item *item, uint8_t *value)
{
    for (uint32_t i = 0; i < item->len; i++)
        value[i] = (uint8_t)(item->seed + i * 31);
}

/* The first item >= key. */
static inline size_t model_find(const struct model *m, struct img_key key, bool *ret_found)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (img_key_compare(m->items[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = low < m->count && img_key_compare(m->items[low].key, key) == 0;
    return low;
}

static inline int model_read(void *arg, uint64_t block, void *page)
{
    struct model *m = arg;
    if (m->fail_read > 0 && --m->fail_read == 0)
        return LT_EIO;
    if (block >= MODEL_BLOCKS || !m->blocks[block])
        return LT_EUCLEAN;
    memcpy(page, m->blocks[block], m->params.block_size);
    return 0;
}

static inline void model_open(struct model *m, uint32_t block_size, uint64_t seed)
{
    *m = (struct model){.params = {.block_size = block_size, .volume = 77}, .random = seed};
    m->params.read = model_read;
    m->params.arg = m;
    m->ids = 200;
    m->items = calloc(MODEL_ITEMS, sizeof(*m->items)); /* nothing else fails in tests of failures */
    assert_non_null(m->items);
    assert_int_equal(img_tree_open(&m->params, &m->tree), 0);
}

/* Forgets everything in memory: the tree is what the last checkpoint has. */
static inline void model_reopen(struct model *m)
{
    img_tree_close(m->tree);
    m->params.root = m->root;
    assert_int_equal(img_tree_open(&m->params, &m->tree), 0);
    for (unsigned i = 0; i < MODEL_BLOCKS; i++) {
        if (m->states[i] >= MODEL_PINNED)
            m->states[i] = MODEL_TAKEN;
    }
    m->count = m->on_device_count;
    if (m->count > 0)
        memcpy(m->items, m->on_device, m->count * sizeof(*m->items));
}

static inline void model_close(struct model *m)
{
    img_tree_close(m->tree);
    free(m->items);
    free(m->on_device);
    for (unsigned i = 0; i < MODEL_BLOCKS; i++)
        free(m->blocks[i]);
}

/* Keys as a volume has them: inodes, names by hash, extents, and anything at all. */
static inline struct img_key model_key(struct model *m)
{
    uint64_t id = model_random(m) % m->ids;
    switch (model_random(m) % 8) {
    case 0:
    case 1:
        return img_key(16 + id * 3, 1, 0);
    case 2:
        return img_key(1, 2, id * UINT64_C(0x10fedcba98765432));
    case 3:
        return img_key(16 + id % 4, 10, id);
    case 4:
        return img_key(id, 2, id << 60);
    case 5:
        return img_key(0, 32, id);
    case 6:
        return img_key(id % 2 ? UINT64_MAX : 0, (uint8_t)(id % 4 * 85), id % 8 ? id : UINT64_MAX);
    default:
        return img_key(id << (id % 56), (uint8_t)id, id << 30);
    }
}

static inline uint32_t model_length(struct model *m)
{
    uint64_t r = model_random(m);
    if (r % 64 == 0)
        return (uint32_t)(r >> 32) % ((uint32_t)img_value_max(m->params.block_size) + 1);
    if (r % 8 == 0)
        return (uint32_t)(r >> 32) % 400;
    return (uint32_t)(r >> 32) % 60;
}

static inline void model_put(struct model *m, struct model_item item)
{
    bool found;
    size_t i = model_find(m, item.key, &found);
    if (!found) {
        assert_true(m->count < MODEL_ITEMS);
        memmove(m->items + i + 1, m->items + i, (m->count - i) * sizeof(*m->items));
        m->count++;
    }
    m->items[i] = item;
}

static inline void model_remove(struct model *m, size_t i)
{
    memmove(m->items + i, m->items + i + 1, (m->count - i - 1) * sizeof(*m->items));
    m->count--;
}

static inline int model_tree_put(struct model *m, const struct model_item *item)
{
    void *room;
    int r = img_tree_put_room(m->tree, item->key, item->len, &room);
    if (r >= 0)
        model_value(item, room);
    return r;
}

static inline void model_same(const struct model_item *item, struct img_key key, const void *value,
                              size_t len)
{
    uint8_t expected[32768];
    assert_int_equal(img_key_compare(item->key, key), 0);
    assert_int_equal(item->len, len);
    model_value(item, expected);
    assert_memory_equal(expected, value, len);
}

/* The tree's answers about one key. */
static inline void model_ask(const struct model *m, struct img_key key)
{
    const void *value;
    size_t len;
    bool found;
    size_t i = model_find(m, key, &found);
    assert_int_equal(img_tree_get(m->tree, key, &value, &len), found ? 0 : LT_ENOENT);
    if (found)
        model_same(&m->items[i], key, value, len);
    struct img_key at = key;
    assert_int_equal(img_tree_next(m->tree, &at, &value, &len), i < m->count ? 0 : LT_ENOENT);
    if (i < m->count)
        model_same(&m->items[i], at, value, len);
    size_t before = found ? i + 1 : i;
    at = key;
    assert_int_equal(img_tree_prev(m->tree, &at, &value, &len), before > 0 ? 0 : LT_ENOENT);
    if (before > 0)
        model_same(&m->items[before - 1], at, value, len);
}

/* `bias` of 100 steps put. */
static inline void model_step(struct model *m, unsigned bias)
{
    struct model_item item = {.key = model_key(m)};
    bool found;
    if (model_random(m) % 100 < bias) {
        item.len = model_length(m);
        item.seed = (uint32_t)model_random(m);
        assert_int_equal(model_tree_put(m, &item), 0);
        model_put(m, item);
    } else {
        size_t i = model_find(m, item.key, &found);
        if (!found && m->count > 0) {
            i = model_random(m) % m->count;
            item.key = m->items[i].key;
            found = true;
        }
        assert_int_equal(img_tree_delete(m->tree, item.key), found ? 0 : LT_ENOENT);
        if (found)
            model_remove(m, i);
    }
    model_ask(m, item.key);
}

struct model_scan {
    const struct model *m;
    size_t at;
};

static inline int model_scan_item(void *arg, struct img_key key, const void *value, size_t len)
{
    struct model_scan *scan = arg;
    assert_true(scan->at < scan->m->count);
    model_same(&scan->m->items[scan->at++], key, value, len);
    return 0;
}

/* All items are the same. */
static inline void model_check(const struct model *m)
{
    struct model_scan scan = {.m = m};
    assert_int_equal(img_tree_scan(m->tree, img_key(0, 0, 0), model_scan_item, &scan), 0);
    assert_int_equal(scan.at, m->count);
}

/* ---- Checkpoints --------------------------------------------------------------------------- */

static inline int model_take(void *arg, uint64_t count, uint64_t *ret_block, uint64_t *ret_count)
{
    struct model *m = arg;
    uint64_t most = 1 + model_random(m) % count;
    if (m->fail_take > 0 && --m->fail_take == 0)
        return LT_ENOSPC;
    for (unsigned tries = 0; m->states[m->next] != MODEL_FREE || m->next == 0; tries++) {
        assert_true(tries <= MODEL_BLOCKS);
        m->next = (m->next + 1) % MODEL_BLOCKS;
    }
    *ret_block = m->next;
    *ret_count = 0;
    while (*ret_count < most && m->next < MODEL_BLOCKS && m->states[m->next] == MODEL_FREE) {
        m->states[m->next++] = MODEL_TAKEN;
        ++*ret_count;
    }
    m->next %= MODEL_BLOCKS;
    return 0;
}

static inline void model_gone(void *arg, uint64_t block)
{
    struct model *m = arg;
    assert_true(block > 0 && block < MODEL_BLOCKS);
    assert_int_equal(m->states[block], MODEL_TAKEN);
    m->states[block] = MODEL_PINNED;
    m->gone[m->gone_count++] = block;
}

static inline void model_back(void *arg, uint64_t block)
{
    struct model *m = arg;
    assert_true(block > 0 && block < MODEL_BLOCKS);
    assert_int_equal(m->states[block], MODEL_TAKEN);
    m->states[block] = MODEL_FREE;
}

/* The device has just these items below `root`. */
static inline void model_check_device(struct model *m, const struct img_root *root,
                                      const struct model_item *items, size_t count)
{
    struct model other = {.items = (struct model_item *)(uintptr_t)items, .count = count};
    struct img_tree_params params = m->params;
    params.root = *root;
    assert_int_equal(img_tree_open(&params, &other.tree), 0);
    model_check(&other);
    img_tree_close(other.tree);
}

/* The blocks that are taken are those that the tree on the device has. */
static inline void model_check_places(const struct model *m)
{
    static uint64_t queue[MODEL_BLOCKS];
    size_t head = 0, tail = 0, taken = 0;
    if (m->root.block)
        queue[tail++] = m->root.block;
    for (; head < tail; head++) {
        uint8_t *page = m->blocks[queue[head]];
        const struct img_block_header *header = (const struct img_block_header *)page;
        struct img_leaf leaf = {.page = page, .size = m->params.block_size};
        struct img_key_bytes low = {{0}};
        struct img_leaf_limits limits = {.level = header->level, .root = true, .low = &low};
        assert_int_equal(m->states[queue[head]], MODEL_TAKEN);
        assert_int_equal(img_leaf_check(&leaf, &limits), 0);
        for (unsigned i = 0; header->level > 0 && i < leaf.count; i++) {
            uint64_t birth;
            assert_true(tail < MODEL_BLOCKS);
            img_leaf_link(&leaf, i, &queue[tail++], &birth);
        }
    }
    for (unsigned i = 0; i < MODEL_BLOCKS; i++)
        taken += m->states[i] == MODEL_TAKEN;
    assert_int_equal(taken, tail);
}

/* Gives all dirty nodes places; between two rounds something is put, as SPACE items are. */
static inline void model_assign(struct model *m)
{
    for (unsigned round = 0; round == 0 || img_tree_unassigned(m->tree) > 0; round++) {
        assert_int_equal(img_tree_assign(m->tree, model_take, model_gone, m), 0);
        for (uint32_t i = 0; i < 5 && round == 0; i++) {
            struct model_item item = {img_key(0, 32, model_random(m) % 50), 13, i};
            assert_int_equal(model_tree_put(m, &item), 0);
            model_put(m, item);
        }
    }
    for (uint64_t i = 0; i < 50 && m->count > 0; i++) {
        struct model_item *item = &m->items[model_random(m) % m->count];
        const void *value;
        size_t len, unassigned = img_tree_unassigned(m->tree);
        assert_int_equal(img_tree_get(m->tree, item->key, &value, &len), 0);
        if (item->key.kind != 32 || item->key.off >= 50)
            continue;
        item->seed++; /* not of a node that is clean: it would have to be assigned */
        assert_int_equal(model_tree_put(m, item), 0);
        if (unassigned != img_tree_unassigned(m->tree))
            assert_int_equal(img_tree_assign(m->tree, model_take, model_gone, m), 0);
    }
}

static inline void model_unassign(struct model *m)
{
    img_tree_unassign(m->tree, model_back, m);
    while (m->gone_count > 0) {
        uint64_t block = m->gone[--m->gone_count];
        assert_int_equal(m->states[block], MODEL_PINNED);
        m->states[block] = MODEL_TAKEN;
    }
}

static inline void model_write(struct model *m, struct img_frozen *frozen)
{
    uint64_t before = 0;
    for (size_t i = 0; i < img_frozen_count(frozen); i++) {
        uint64_t block;
        const void *page;
        assert_int_equal(img_frozen_page(frozen, i, &block, &page), 0);
        assert_true(block > before && block < MODEL_BLOCKS);
        assert_int_equal(m->states[block], MODEL_TAKEN);
        before = block;
        if (!m->blocks[block])
            m->blocks[block] = malloc(m->params.block_size);
        assert_non_null(m->blocks[block]);
        memcpy(m->blocks[block], page, m->params.block_size);
    }
}

/* What was pinned before the checkpoint is free, and its bytes are lost. */
static inline void model_free_pinned(struct model *m)
{
    for (unsigned i = 0; i < MODEL_BLOCKS; i++) {
        if (m->states[i] != MODEL_PINNED_BEFORE)
            continue;
        m->states[i] = MODEL_FREE;
        memset(m->blocks[i], 0xaa, m->params.block_size);
    }
}

/* What is in the tree is what will be on the device. */
static inline void model_keep(struct model *m)
{
    for (unsigned i = 0; i < MODEL_BLOCKS; i++) {
        if (m->states[i] == MODEL_PINNED)
            m->states[i] = MODEL_PINNED_BEFORE;
    }
    m->gone_count = 0;
    m->on_device = calloc(m->count + 1, sizeof(*m->on_device));
    assert_non_null(m->on_device);
    if (m->count > 0)
        memcpy(m->on_device, m->items, m->count * sizeof(*m->items));
    m->on_device_count = m->count;
}

/* A whole checkpoint, with `changes` steps while it is written; `written`: or it fails. Either way
 * the one before is still there until it ends. */
static inline void model_checkpoint(struct model *m, unsigned changes, bool written)
{
    struct img_frozen *frozen;
    struct img_root root, old_root = m->root;
    if (model_random(m) % 4 == 0) {
        m->fail_take = 2;
        int r = img_tree_assign(m->tree, model_take, model_gone, m);
        assert_true(r == 0 || r == LT_ENOSPC);
        m->fail_take = 0;
        model_unassign(m);
        for (unsigned i = 0; i < changes; i++)
            model_step(m, 40);
    }
    model_assign(m);
    assert_int_equal(img_tree_freeze(m->tree, ++m->generation, &frozen, &root), 0);
    struct model_item *old = m->on_device;
    size_t old_count = m->on_device_count;
    if (written)
        model_keep(m);
    for (unsigned i = 0; i < changes / 2; i++)
        model_step(m, 50);
    model_write(m, frozen);
    for (unsigned i = 0; i < changes / 2; i++)
        model_step(m, 50);
    model_check_device(m, &old_root, old, old_count);
    if (written) {
        m->root = root;
        model_check_device(m, &root, m->on_device, m->on_device_count);
        model_free_pinned(m);
        free(old);
    } else {
        m->gone_count = 0;
    }
    img_tree_thaw(m->tree, frozen, written, model_back, m);
    if (changes == 0 && written)
        model_check_places(m);
}

#endif
