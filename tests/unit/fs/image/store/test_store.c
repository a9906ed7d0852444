// SPDX-License-Identifier: MIT
/* The store against a model: transactions, checkpoints, being opened again, lack of room. */
#include "store_window.h"

#include <fault.h>
#include <fs/image/store/private.h>

/* ---- Keeping ------------------------------------------------------------------------------- */

static void test_store__keeps_what_a_checkpoint_has(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        kit_begin(&kit, 4 * MIB, 0, seed, seed % 3);
        for (unsigned round = 0; round < 5; round++) {
            kit_steps(&kit, 40);
            kit_check(&kit);
            assert_int_equal(img_checkpoint(kit.store), 0);
            reopen_after_crash();
            assert_int_equal(stats().replayed, 0);
            kit_check(&kit);
        }
        kit_check_no_leak(&kit);
        kit_close(&kit);
    }
}

static void test_store__replays_what_was_committed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        kit_begin(&kit, 4 * MIB, 0, seed, IMG_SYNC_FSYNC);
        for (unsigned round = 0; round < 5; round++) {
            kit_steps(&kit, 10);
            assert_int_equal(img_commit(kit.store, true), 0);
            kit_steps(&kit, 10);
            assert_int_equal(img_commit(kit.store, false), 0);
            reopen_after_crash();
            assert_int_equal(stats().replayed, 2);
            kit_check(&kit);
        }
        kit_check_no_leak(&kit);
        kit_close(&kit);
    }
}

static void test_close__leaves_a_clean_volume_without_log(void **state)
{
    (void)state;
    struct img_super super;
    window_begin(4 * MIB);
    kit_steps(&kit, 50);
    uint64_t epoch = kit.store->super.epoch;
    kit_close(&kit);
    assert_int_equal(img_super_read(window.dev, &super, NULL), 0);
    assert_true(super.clean);
    assert_true(super.epoch != epoch);
    kit_open(&kit);
    assert_int_equal(stats().replayed, 0);
    kit_check(&kit);
    window_end();
}

static void test_close__without_changes_writes_nothing(void **state)
{
    (void)state;
    window_begin(4 * MIB);
    kit_steps(&kit, 50);
    kit_close(&kit);
    uint64_t time = lt_sim_time(window.dev);
    kit_open(&kit);
    kit_check(&kit);
    kit_close(&kit);
    assert_int_equal(lt_sim_time(window.dev), time);
    kit_open(&kit);
    window_end();
}

static void test_epoch__stale_batches_of_an_earlier_life_do_not_count(void **state)
{
    (void)state;
    window_begin(4 * MIB);
    for (unsigned life = 0; life < 8; life++) {
        for (unsigned i = 0; i < 3; i++) {
            kit_steps(&kit, 2);
            assert_int_equal(img_commit(kit.store, false), 0);
        }
        kit_close(&kit);
        kit_open(&kit);
        kit_check(&kit);
        assert_int_equal(stats().replayed, 0);
    }
    window_end();
}

/* ---- Transactions -------------------------------------------------------------------------- */

static void test_txn__undoes_everything(void **state)
{
    (void)state;
    struct img_space_counts before, between;
    struct img_txn txn;
    uint64_t block, count;
    kit_begin(&kit, 4 * MIB, 0, 3, IMG_SYNC_FSYNC);
    kit_steps(&kit, 60);
    img_space_counts(kit.store->space, &before);
    assert_int_equal(img_space_alloc(kit.store->space, 0, 3, 3, &block, &count), 0);
    for (unsigned round = 0; round < 50; round++) {
        size_t log_len = kit.store->priv->log.len;
        assert_int_equal(img_begin(kit.store, IMG_SHRINK, &txn), 0);
        assert_int_equal(img_use(&txn, block, 3), 0);
        assert_int_equal(img_count_node(&txn, 1), 0);
        struct kit_state scrap = kit.now;
        for (unsigned i = 0; i < 30; i++)
            assert_int_equal(kit_change_item(&kit, &txn, &scrap), 0);
        assert_int_equal(img_free(&txn, block + 1, 1), 0);
        assert_int_equal(img_end(&txn, LT_ECANCELED), LT_ECANCELED);
        assert_int_equal(kit.store->priv->log.len, log_len);
        kit_check(&kit);
    }
    img_space_counts(kit.store->space, &between);
    assert_int_equal(between.in_flight, before.in_flight + 3);
    img_space_release(kit.store->space, block, 3);
    kit_check_no_leak(&kit);
    kit_close(&kit);
}

static void test_txn__an_equal_value_is_no_change(void **state)
{
    (void)state;
    struct img_txn txn;
    kit_begin(&kit, 4 * MIB, 0, 3, IMG_SYNC_FSYNC);
    assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
    assert_int_equal(img_put(&txn, img_key(20, 1, 0), "value", 5), 0);
    size_t len = kit.store->priv->log.len;
    assert_int_equal(img_put(&txn, img_key(20, 1, 0), "value", 5), 0);
    assert_int_equal(kit.store->priv->log.len, len);
    assert_int_equal(img_put(&txn, img_key(20, 1, 0), "valu", 4), 0);
    assert_true(kit.store->priv->log.len > len);
    assert_int_equal(img_put(&txn, img_key(20, 1, 0), "", 0), 0);
    assert_int_equal(img_end(&txn, 0), 0);
    kit_close(&kit);
}

static void test_txn__what_is_impossible_is_refused(void **state)
{
    (void)state;
    static uint8_t long_value[4096];
    struct img_txn txn;
    kit_begin(&kit, 4 * MIB, 0, 3, IMG_SYNC_FSYNC);
    assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
    size_t max = img_value_max(4096);
    assert_int_equal(img_put(&txn, img_key(20, 1, 0), long_value, max + 1), LT_EINVAL);
    assert_int_equal(img_put(&txn, img_key(20, 1, 0), long_value, max), 0);
    assert_int_equal(img_delete(&txn, img_key(21, 1, 0)), LT_ENOENT);
    assert_int_equal(img_free(&txn, 200, 1), LT_EUCLEAN);
    assert_int_equal(img_count_node(&txn, -1), LT_EUCLEAN);
    assert_int_equal(img_end(&txn, 0), 0);
    kit_close(&kit);
}

static void test_txn__nodes_have_a_limit(void **state)
{
    (void)state;
    struct img_txn txn;
    kit_begin(&kit, 4 * MIB, 0, 3, IMG_SYNC_FSYNC);
    kit.store->super.nodes_max = 2;
    assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
    assert_int_equal(img_new_id(&txn), 16);
    assert_int_equal(img_new_id(&txn), 17);
    assert_int_equal(img_count_node(&txn, 1), 0);
    assert_int_equal(img_count_node(&txn, 1), 0);
    assert_int_equal(img_count_node(&txn, 1), LT_ENOSPC);
    assert_int_equal(img_end(&txn, 0), 0);
    kit_close(&kit);
}

/* Runs a transaction of every kind of change; 0, or the first error. */
static int one_of_everything(void)
{
    static uint8_t value[1500];
    struct img_txn txn;
    uint64_t block = 0, count;
    int r = img_space_alloc(kit.store->space, 0, 1, 1, &block, &count);
    if (r == 0)
        r = img_begin(kit.store, IMG_GROW, &txn);
    if (r == 0) {
        r = img_use(&txn, block, 1);
        for (unsigned i = 0; i < 20 && r == 0; i++)
            r = img_put(&txn, img_key(500 + i, 1, 0), value, 10 + 70 * i);
        for (unsigned i = 0; i < 10 && r == 0; i++)
            r = img_delete(&txn, img_key(500 + 2 * i, 1, 0));
        if (r == 0)
            r = img_count_node(&txn, 1);
        if (r == 0)
            r = img_log_data(&txn, block, 0, value, sizeof(value));
        r = img_end(&txn, r);
    }
    if (r < 0 && block)
        img_space_release(kit.store->space, block, 1);
    return r;
}

static void test_txn__nomem(void **state)
{
    (void)state;
    for (unsigned n = 1, failed = 1; failed; n++) {
        kit_begin(&kit, 4 * MIB, 0, 5, IMG_SYNC_FSYNC);
        kit_steps(&kit, 30);
        assert_int_equal(img_checkpoint(kit.store), 0);
        reopen_after_crash();
        fault_arm(n);
        int r = one_of_everything();
        failed = fault_disarm();
        if (failed) {
            assert_true(r == LT_ENOMEM || r == 0);
            if (r < 0)
                kit_check(&kit);
        } else {
            assert_int_equal(r, 0);
        }
        assert_int_equal(img_error(kit.store), 0);
        kit_close(&kit);
    }
}

static void test_commit__nomem(void **state)
{
    (void)state;
    for (unsigned n = 1, failed = 1; failed; n++) {
        kit_begin(&kit, 4 * MIB, 0, 6, IMG_SYNC_FSYNC);
        kit_steps(&kit, 30);
        fault_arm(n);
        int r = img_commit(kit.store, true);
        if (r == 0)
            r = img_checkpoint(kit.store);
        failed = fault_disarm();
        /* The simulated disk has no room then. */
        assert_true(r == 0 || (failed && (r == LT_ENOMEM || r == LT_ENOSPC)));
        if (img_error(kit.store) < 0) { /* it was a flush or the superblock */
            assert_int_equal(img_error(kit.store), LT_ENOSPC);
            img_store_abandon(kit.store);
            continue;
        }
        kit_check(&kit);
        assert_int_equal(img_commit(kit.store, true), 0);
        assert_int_equal(img_checkpoint(kit.store), 0);
        reopen_after_crash();
        kit_check(&kit);
        kit_check_no_leak(&kit);
        kit_close(&kit);
    }
}

static void test_open__nomem(void **state)
{
    (void)state;
    window_begin(4 * MIB);
    kit_steps(&kit, 30);
    assert_int_equal(img_checkpoint(kit.store), 0);
    kit_steps(&kit, 10);
    assert_int_equal(img_commit(kit.store, true), 0);
    kit.options.read_only = true; /* the log stays */
    img_store_abandon(kit.store);
    FAULT_EACH(n)
    {
        int r = kit_try_open(&kit);
        if (fault_disarm())
            assert_true(r == LT_ENOMEM || r == 0);
        else
            assert_int_equal(r, 0);
        if (r == 0) {
            kit_check(&kit);
            img_store_abandon(kit.store);
        }
    }
    lt_device_close(window.dev);
}

/* ---- Opened for reading -------------------------------------------------------------------- */

static void test_read_only__replays_in_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 10; seed++) {
        window_begin(4 * MIB);
        kit.random += seed * 12345;
        kit_steps(&kit, 30);
        assert_int_equal(img_checkpoint(kit.store), 0);
        kit_steps(&kit, 15);
        assert_int_equal(img_commit(kit.store, true), 0);
        img_store_abandon(kit.store);
        /* What the log holds need not have arrived at its place. */
        static const uint8_t rubbish[4096] = {1, 2, 3};
        uint64_t time = lt_sim_time(window.dev);
        for (unsigned i = 0; i < KIT_FILES; i++) {
            if (kit.now.logged[i] && kit.now.step[i] > 30) {
                assert_int_equal(
                    lt_device_put(window.dev, kit.now.block[i] * 4096 + 100, rubbish, 3000), 0);
                time++;
            }
        }
        kit.options.read_only = true;
        kit_open(&kit);
        assert_int_equal(stats().replayed, 1);
        kit_check(&kit);
        struct img_txn txn;
        assert_int_equal(img_begin(kit.store, IMG_SHRINK, &txn), LT_EROFS);
        assert_int_equal(img_commit(kit.store, true), 0);
        assert_int_equal(img_checkpoint(kit.store), LT_EROFS);
        assert_int_equal(img_data_write(kit.store, 30, 0, NULL, 0, false), LT_EROFS);
        kit_close(&kit);
        assert_int_equal(lt_sim_time(window.dev), time);
        kit.options.read_only = false;
        kit_open(&kit);
        kit_check(&kit);
        window_end();
    }
}

/* ---- Lack of room -------------------------------------------------------------------------- */

static void test_log__when_the_ring_is_full_a_checkpoint_makes_room(void **state)
{
    (void)state;
    kit_begin(&kit, 8 * MIB, 64 * KIB, 9, IMG_SYNC_FSYNC);
    for (unsigned i = 0; i < 120; i++) {
        kit_steps(&kit, 1);
        assert_int_equal(img_commit(kit.store, false), 0);
    }
    assert_true(stats().checkpoints >= 5);
    reopen_after_crash();
    kit_check(&kit);
    kit_close(&kit);
}

static void test_log__a_batch_longer_than_the_log_is_a_checkpoint(void **state)
{
    (void)state;
    static uint8_t value[1900];
    struct img_txn txn;
    kit_begin(&kit, 8 * MIB, 64 * KIB, 9, IMG_SYNC_FSYNC);
    for (unsigned round = 0; round < 4; round++) {
        assert_int_equal(img_begin(kit.store, IMG_LONG, &txn), 0);
        memset(value, (int)round, sizeof(value));
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(img_put(&txn, img_key(300, 4, i), value, sizeof(value)), 0);
        txn.commit = true;
        assert_int_equal(img_end(&txn, 0), 0);
        reopen_after_crash();
        const void *found;
        size_t len;
        img_read_lock(kit.store);
        assert_int_equal(img_get(kit.store, img_key(300, 4, 99), &found, &len), 0);
        assert_memory_equal(found, value, sizeof(value));
        img_read_unlock(kit.store);
    }
    kit_close(&kit);
}

/* Fills a volume with items until it is full; returns how many there are. */
static unsigned fill(unsigned from)
{
    static uint8_t value[1800];
    for (unsigned i = from;; i++) {
        struct img_txn txn;
        int r = img_begin(kit.store, IMG_GROW, &txn);
        if (r == 0) {
            r = img_put(&txn, img_key(1000 + i * UINT64_C(0x9e3779b9), 1, 0), value, sizeof(value));
            r = img_end(&txn, r);
        }
        if (r == LT_ENOSPC)
            return i;
        assert_int_equal(r, 0);
    }
}

static void empty(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct img_txn txn;
        assert_int_equal(img_begin(kit.store, IMG_SHRINK, &txn), 0);
        assert_int_equal(
            img_end(&txn, img_delete(&txn, img_key(1000 + i * UINT64_C(0x9e3779b9), 1, 0))), 0);
    }
}

static void test_full__deleting_works(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 8};
    for (unsigned i = 0; i < 3; i++) {
        kit_begin(&kit, sizes[i] * MIB, 0, 4, IMG_SYNC_FSYNC);
        unsigned first = 0;
        for (unsigned round = 0; round < 3; round++) {
            unsigned count = fill(0);
            if (round == 0)
                first = count;
            /* The volume is about as full as it can be, and the same each time. */
            assert_true(count > sizes[i] * 100);
            assert_in_range(count, first - first / 8, first + first / 8);
            assert_int_equal(fill(count), count);
            assert_int_equal(img_checkpoint(kit.store), 0);
            empty(count);
        }
        assert_int_equal(img_error(kit.store), 0);
        kit_check_no_leak(&kit);
        kit_close(&kit);
    }
}

static void test_full__data_is_promised_before_it_is_taken(void **state)
{
    (void)state;
    struct img_space_counts c;
    kit_begin(&kit, 4 * MIB, 0, 4, IMG_SYNC_FSYNC);
    img_space_counts(kit.store->space, &c);
    assert_int_equal(img_promise(kit.store, c.free), LT_ENOSPC);
    assert_int_equal(img_promise(kit.store, c.free - c.reserve - 100), 0);
    assert_int_equal(img_promise(kit.store, 101), LT_ENOSPC);
    /* Items cannot take what is promised. */
    (void)fill(0);
    img_space_counts(kit.store->space, &c);
    assert_true(c.free >= c.promised);
    for (uint64_t left = c.promised; left > 0; left--) {
        struct img_txn txn;
        uint64_t block, count;
        assert_int_equal(img_space_alloc(kit.store->space, 0, 1, 1, &block, &count), 0);
        img_space_unpromise(kit.store->space, 1);
        assert_int_equal(img_begin(kit.store, IMG_SHRINK, &txn), 0);
        int r = img_use(&txn, block, 1);
        if (r == 0)
            r = img_put(&txn, img_key(900, 10, left), &block, sizeof(block));
        assert_int_equal(img_end(&txn, r), 0);
    }
    assert_int_equal(img_checkpoint(kit.store), 0);
    kit_close(&kit);
}

/* ---- Memory -------------------------------------------------------------------------------- */

static void expect_in_cache(void)
{
    uint64_t cache = kit.options.cache;
    assert_in_range(stats().cache_bytes, 0, cache + cache / 10);
}

static void test_cache__keeps_within_its_limit(void **state)
{
    (void)state;
    static uint8_t value[400];
    const unsigned count = 40000;
    window_begin(64 * MIB);
    kit.store->priv->options.cache = kit.options.cache = 2 * MIB;
    for (unsigned i = 0; i < count; i++) {
        struct img_txn txn;
        assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
        int r = img_put(&txn, img_key(1000 + i * UINT64_C(0x9e3779b97f4a7c15) % 100000, 1, i),
                        value, kit_random(&kit) % sizeof(value));
        assert_int_equal(img_end(&txn, r), 0);
        expect_in_cache();
    }
    assert_true(stats().checkpoints > 5);
    kit_close(&kit);
    kit_open(&kit);
    for (unsigned i = 0; i < count; i++) {
        const void *found;
        size_t len;
        img_read_lock(kit.store);
        assert_int_equal(img_get(kit.store,
                                 img_key(1000 + i * UINT64_C(0x9e3779b97f4a7c15) % 100000, 1, i),
                                 &found, &len),
                         0);
        img_read_unlock(kit.store);
        expect_in_cache();
    }
    window_end();
}

/* ---- Resizing ------------------------------------------------------------------------------ */

static void test_resize__grows_and_shrinks(void **state)
{
    (void)state;
    struct img_space_counts c;
    kit_begin(&kit, 4 * MIB, 64 * KIB, 1, IMG_SYNC_FSYNC);
    kit_steps(&kit, 20);
    assert_int_equal(img_resize(kit.store, 200 * MIB), 0);
    img_space_counts(kit.store->space, &c);
    assert_int_equal(c.blocks, 200 * 256);
    kit_steps(&kit, 20);
    reopen_after_crash();
    assert_int_equal(kit.store->super.blocks, 200 * 256);
    assert_int_equal(img_resize(kit.store, 4 * MIB), 0);
    assert_int_equal(lt_device_size(kit.dev), 4 * MIB);
    assert_int_equal(img_resize(kit.store, 100 * KIB), LT_EINVAL);
    reopen_after_crash();
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__keeps_what_a_checkpoint_has),
        cmocka_unit_test(test_store__replays_what_was_committed),
        cmocka_unit_test(test_close__leaves_a_clean_volume_without_log),
        cmocka_unit_test(test_close__without_changes_writes_nothing),
        cmocka_unit_test(test_epoch__stale_batches_of_an_earlier_life_do_not_count),
        cmocka_unit_test(test_txn__undoes_everything),
        cmocka_unit_test(test_txn__an_equal_value_is_no_change),
        cmocka_unit_test(test_txn__what_is_impossible_is_refused),
        cmocka_unit_test(test_txn__nodes_have_a_limit),
        cmocka_unit_test(test_txn__nomem),
        cmocka_unit_test(test_commit__nomem),
        cmocka_unit_test(test_open__nomem),
        cmocka_unit_test(test_read_only__replays_in_memory),
        cmocka_unit_test(test_log__when_the_ring_is_full_a_checkpoint_makes_room),
        cmocka_unit_test(test_log__a_batch_longer_than_the_log_is_a_checkpoint),
        cmocka_unit_test(test_full__deleting_works),
        cmocka_unit_test(test_full__data_is_promised_before_it_is_taken),
        cmocka_unit_test(test_cache__keeps_within_its_limit),
        cmocka_unit_test(test_resize__grows_and_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
