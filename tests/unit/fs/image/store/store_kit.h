/* SPDX-License-Identifier: MIT */
/*
 * A store beside a model of it: random transactions change both. The model keeps the state
 * after every transaction, so that any of them can be compared with what a crash has left.
 */
#ifndef LT_TESTS_UNIT_FS_IMAGE_STORE_STORE_KIT_H
#define LT_TESTS_UNIT_FS_IMAGE_STORE_STORE_KIT_H

#include <device/sim.h>
#include <fs/image/store/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>

#define KIT_KEYS 48u
#define KIT_FILES 12u /* blocks with data */
#define KIT_STATES 400u

struct kit_state {
    uint16_t len[KIT_KEYS]; /* + 1; 0: no such item */
    uint8_t seed[KIT_KEYS];
    uint64_t block[KIT_FILES]; /* 0: none */
    uint8_t data[KIT_FILES];   /* what fills it */
    bool logged[KIT_FILES];    /* in the log: 3000 bytes of it, from 100 on */
    unsigned step[KIT_FILES];  /* the transaction that did it */
    uint64_t nodes;
};

struct kit {
    struct lt_device *dev; /* the store's */
    struct img_store *store;
    struct img_store_options options;
    uint64_t random;
    struct kit_state now;
    struct kit_state states[KIT_STATES]; /* after so many transactions */
    unsigned count;
    bool full; /* transactions may fail for want of space */
};

static inline uint64_t kit_random(struct kit *k)
{
    k->random ^= k->random << 13;
    k->random ^= k->random >> 7;
    k->random ^= k->random << 17;
    return k->random >> 8;
}

static inline struct img_key kit_key(unsigned i)
{
    return img_key(16 + i % 7, (uint8_t)(1 + i % 3), UINT64_C(0x123456789abcdef) * i);
}

#define KIT_COUNT_KEY img_key(9, 1, 0)

static inline struct img_key kit_file_key(unsigned i)
{
    return img_key(10, 10, i);
}

static inline void kit_value(uint8_t *value, unsigned len, uint8_t seed)
{
    for (unsigned i = 0; i < len; i++)
        value[i] = (uint8_t)(seed + i * 13);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static inline void kit_format(struct lt_device *dev, uint64_t size, uint32_t block_size,
                              uint64_t log_size)
{
    struct img_store_format format = {.size = size, .block_size = block_size, .log_size = log_size};
    struct lt_diag diag = {""};
    if (img_store_format(dev, &format, &diag) < 0)
        fail_msg("%s", diag.text);
}

static inline int kit_try_open(struct kit *k)
{
    struct lt_diag diag = {""};
    int r = img_store_open(k->dev, &k->options, &k->store, &diag);
    assert_true((r < 0) == (diag.text[0] != '\0'));
    if (r < 0)
        fprintf(stderr, "open: %s\n", diag.text);
    return r < 0 ? r : img_store_start(k->store);
}

static inline void kit_open(struct kit *k)
{
    assert_int_equal(kit_try_open(k), 0);
}

/* A new volume on a simulated disk. */
static inline void kit_begin(struct kit *k, uint64_t size, uint64_t log_size, uint64_t seed,
                             enum img_sync sync)
{
    memset(k, 0, sizeof(*k));
    k->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    k->options = (struct img_store_options){.sync = sync, .cache = 1 << 20, .discard = true};
    assert_int_equal(lt_device_open_sim(size, &k->dev), 0);
    kit_format(k->dev, size, 4096, log_size);
    lt_sim_forget(k->dev);
    kit_open(k);
}

static inline void kit_close(struct kit *k)
{
    assert_int_equal(img_store_close(k->store), 0);
}

/* ---- Transactions -------------------------------------------------------------------------- */

static inline int kit_change_item(struct kit *k, struct img_txn *txn, struct kit_state *next)
{
    unsigned i = (unsigned)(kit_random(k) % KIT_KEYS);
    uint8_t value[2000], seed = (uint8_t)kit_random(k);
    unsigned len = (unsigned)(kit_random(k) % (kit_random(k) % 4 ? 100 : 1900));
    if (kit_random(k) % 4 == 0) {
        int r = img_delete(txn, kit_key(i));
        if (next->len[i] == 0) {
            assert_true(r == LT_ENOENT || r == LT_ENOMEM || r == LT_EIO);
            return r == LT_ENOENT ? 0 : r;
        }
        next->len[i] = 0;
        return r;
    }
    kit_value(value, len, seed);
    next->len[i] = (uint16_t)(len + 1);
    next->seed[i] = seed;
    return img_put(txn, kit_key(i), value, len);
}

/* A block with data comes, or goes. The new one was written before. */
static inline int kit_change_file(struct kit *k, struct img_txn *txn, struct kit_state *next,
                                  unsigned file, uint64_t block, uint8_t fill, bool logged)
{
    static const uint8_t zeros[4096];
    uint8_t bytes[4096];
    int r = 0;
    (void)k;
    if (next->block[file]) {
        r = img_free(txn, next->block[file], 1);
        if (r == 0 && block == 0)
            r = img_delete(txn, kit_file_key(file));
    }
    if (r == 0 && block) {
        r = img_use(txn, block, 1);
        if (r == 0)
            r = img_put(txn, kit_file_key(file), &block, sizeof(block));
        memset(bytes, fill, sizeof(bytes));
        if (r == 0 && logged)
            r = img_log_data(txn, block, 100, bytes, 3000);
        if (r == 0 && logged) {
            struct lt_seg seg = {(void *)(uintptr_t)zeros, 4096};
            r = img_data_write(k->store, block, 0, &seg, 1, true);
            seg = (struct lt_seg){bytes, 3000};
            if (r == 0)
                r = img_data_write(k->store, block, 100, &seg, 1, true);
        }
    }
    next->block[file] = block;
    next->data[file] = fill;
    next->logged[file] = logged;
    next->step[file] = k->count + 1;
    return r;
}

/* One transaction, at random. Returns its result; the model follows it. */
static inline int kit_step(struct kit *k)
{
    struct kit_state next = k->now;
    unsigned changes = (unsigned)(kit_random(k) % 8);
    unsigned file = (unsigned)(kit_random(k) % KIT_FILES);
    bool files = kit_random(k) % 3 == 0, logged = kit_random(k) % 2;
    bool regret = kit_random(k) % 8 == 0;
    uint64_t block = 0, n = 0, count = k->count + 1;
    uint8_t fill = (uint8_t)(kit_random(k) | 1), bytes[4096];
    struct img_txn txn;
    int r = 0;
    if (files && kit_random(k) % 4)
        r = img_space_alloc(k->store->space, kit_random(k) % 200, 1, 1, &block, &n);
    if (r == 0 && block && !logged) {
        struct lt_seg seg = {bytes, sizeof(bytes)};
        memset(bytes, fill, sizeof(bytes));
        r = img_data_write(k->store, block, 0, &seg, 1, false);
    }
    if (r == 0)
        r = img_begin(k->store, changes > 5 ? IMG_SHRINK : IMG_GROW, &txn);
    if (r < 0) {
        if (block)
            img_space_release(k->store->space, block, 1);
        return r;
    }
    for (unsigned i = 0; i < changes && r == 0; i++)
        r = kit_change_item(k, &txn, &next);
    if (r == 0 && files && (block || next.block[file]))
        r = kit_change_file(k, &txn, &next, file, block, fill, logged);
    if (r == 0 && kit_random(k) % 4 == 0) {
        (void)img_new_id(&txn);
        r = img_count_node(&txn, 1);
        next.nodes++;
    }
    if (r == 0)
        r = img_put(&txn, KIT_COUNT_KEY, &count, sizeof(count));
    if (r == 0 && regret)
        r = LT_ECANCELED;
    r = img_end(&txn, r);
    if (r < 0) {
        if (block)
            img_space_release(k->store->space, block, 1);
        return r;
    }
    k->now = next;
    k->count++;
    if (k->count < KIT_STATES)
        k->states[k->count] = next;
    return r;
}

static inline void kit_steps(struct kit *k, unsigned n)
{
    while (n-- > 0) {
        int r = kit_step(k);
        if (r < 0 && r != LT_ECANCELED && !(k->full && r == LT_ENOSPC))
            fail_msg("a transaction failed: %s", lt_error_name(r));
    }
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static inline int kit_count_item(void *arg, struct img_key key, const void *value, size_t len)
{
    (void)value;
    (void)len;
    *(unsigned *)arg += key.id != 0; /* no SPACE item */
    return 0;
}

/* How many transactions the store has seen, by its own account. */
static inline unsigned kit_counter_locked(struct kit *k) NO_THREAD_SAFETY_ANALYSIS
{
    const void *value;
    size_t len;
    uint64_t count = 0;
    int r = img_get(k->store, KIT_COUNT_KEY, &value, &len);
    assert_true(r == 0 || r == LT_ENOENT);
    if (r == 0)
        memcpy(&count, value, sizeof(count));
    return (unsigned)count;
}

static inline unsigned kit_counter(struct kit *k)
{
    img_read_lock(k->store);
    unsigned count = kit_counter_locked(k);
    img_read_unlock(k->store);
    return count;
}

static inline void kit_check_items(struct kit *k,
                                   const struct kit_state *state) NO_THREAD_SAFETY_ANALYSIS
{
    unsigned items = kit_counter_locked(k) > 0, found = 0;
    assert_int_equal(img_scan(k->store, img_key(0, 0, 0), kit_count_item, &found), 0);
    for (unsigned i = 0; i < KIT_KEYS; i++) {
        uint8_t expected[2000];
        const void *value;
        size_t len;
        int r = img_get(k->store, kit_key(i), &value, &len);
        assert_int_equal(r, state->len[i] ? 0 : LT_ENOENT);
        if (r < 0)
            continue;
        items++;
        assert_int_equal(len, state->len[i] - 1);
        kit_value(expected, (unsigned)len, state->seed[i]);
        assert_memory_equal(value, expected, len);
    }
    for (unsigned i = 0; i < KIT_FILES; i++)
        items += state->block[i] != 0;
    assert_int_equal(found, items);
    assert_int_equal(k->store->super.nodes, state->nodes);
}

static inline void kit_check_files(struct kit *k,
                                   const struct kit_state *state) NO_THREAD_SAFETY_ANALYSIS
{
    for (unsigned i = 0; i < KIT_FILES; i++) {
        uint8_t bytes[4096], expected[4096] = {0};
        const void *value;
        size_t len;
        if (!state->block[i])
            continue;
        assert_int_equal(img_get(k->store, kit_file_key(i), &value, &len), 0);
        assert_memory_equal(value, &state->block[i], 8);
        assert_int_equal(img_space_test(k->store->space, state->block[i]), 1);
        assert_int_equal(img_data_read(k->store, state->block[i], 0, bytes, 4096), 0);
        if (state->logged[i])
            memset(expected + 100, state->data[i], 3000);
        else
            memset(expected, state->data[i], 4096);
        assert_memory_equal(bytes + 100, expected + 100, 3000);
        if (!state->logged[i])
            assert_memory_equal(bytes, expected, 4096);
    }
}

static inline void kit_check_state(struct kit *k,
                                   const struct kit_state *state) NO_THREAD_SAFETY_ANALYSIS
{
    img_read_lock(k->store);
    kit_check_items(k, state);
    kit_check_files(k, state);
    img_read_unlock(k->store);
}

static inline void kit_check(struct kit *k)
{
    kit_check_state(k, &k->now);
}

/* Removes everything; then no block may be in use that is not accounted for. */
static inline void kit_check_no_leak(struct kit *k)
{
    struct img_txn txn;
    struct img_space_counts counts;
    assert_int_equal(img_begin(k->store, IMG_SHRINK, &txn), 0);
    for (unsigned i = 0; i < KIT_KEYS; i++) {
        int r = img_delete(&txn, kit_key(i));
        assert_true(r == 0 || r == LT_ENOENT);
    }
    for (unsigned i = 0; i < KIT_FILES; i++) {
        if (k->now.block[i]) {
            assert_int_equal(img_free(&txn, k->now.block[i], 1), 0);
            assert_int_equal(img_delete(&txn, kit_file_key(i)), 0);
        }
    }
    assert_int_equal(img_end(&txn, 0), 0);
    assert_int_equal(img_checkpoint(k->store), 0);
    img_space_counts(k->store->space, &counts);
    const struct img_super *s = &k->store->super;
    uint64_t group = img_group_blocks(s->block_size);
    uint64_t fixed = 2 + s->log_blocks + 2 * ((s->blocks + group - 1) / group);
    assert_int_equal(counts.pinned, 0);
    assert_int_equal(counts.in_flight, 0);
    assert_in_range(counts.free, s->blocks - fixed - 1, s->blocks - fixed - 1); /* one leaf */
    assert_int_equal(s->free_blocks, counts.free);
}

#endif
