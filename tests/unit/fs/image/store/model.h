/* SPDX-License-Identifier: MIT */
/* A sorted array that the tree is compared with, and a device for it: an array of blocks. */
#ifndef LT_TESTS_UNIT_FS_IMAGE_STORE_MODEL_H
#define LT_TESTS_UNIT_FS_IMAGE_STORE_MODEL_H

#include <fs/image/store/tree.h>
#include <stdlib.h>
#include <string.h>
#include <test.h>

struct model_item {
    struct img_key key;
    uint32_t len, seed; /* the value */
};

struct model {
    struct img_tree *tree;
    struct img_tree_params params;
    uint64_t random;
    struct model_item *items; /* ascending */
    size_t count, max;
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

static inline void model_open(struct model *m, uint32_t block_size, uint64_t seed)
{
    *m = (struct model){.params = {.block_size = block_size, .volume = 77}, .random = seed};
    assert_int_equal(img_tree_open(&m->params, &m->tree), 0);
}

static inline void model_close(struct model *m)
{
    img_tree_close(m->tree);
    free(m->items);
}

/* Keys as a volume has them: inodes, names by hash, extents, and anything at all. */
static inline struct img_key model_key(struct model *m)
{
    uint64_t id = model_random(m) % 200;
    switch (model_random(m) % 8) {
    case 0:
    case 1:
        return img_key(16 + id * 3, 1, 0);
    case 2:
        return img_key(1, 2, model_random(m) % 500 * UINT64_C(0x10fedcba98765432));
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
        if (m->count == m->max) {
            m->max = m->max * 2 + 64;
            m->items = realloc(m->items, m->max * sizeof(*m->items));
            assert_non_null(m->items);
        }
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

#endif
