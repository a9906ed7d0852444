// SPDX-License-Identifier: MIT
/* Commits: what is durable, in which order it is written, and what happens when that fails. */
#include "store_window.h"

#include <fs/image/store/private.h>

/* ---- Errors of the device ------------------------------------------------------------------ */

static void test_ioerr__is_latched_and_nothing_durable_is_lost(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (uint64_t n = 1; n < 120; n++) {
        kit_begin(&kit, 2 * MIB, 64 * KIB, n, IMG_SYNC_FSYNC);
        kit_steps(&kit, 10);
        lt_sim_fail(kit.dev, n, LT_EIO, n % 2);
        unsigned durable = 0;
        int r = 0;
        for (unsigned i = 0; i < 40; i++) {
            r = kit_step(&kit);
            if (r < 0 && r != LT_ECANCELED)
                break;
            r = i % 3 ? 0 : img_commit(kit.store, true);
            if (r < 0)
                break;
            if (i % 3 == 0)
                durable = kit.count;
        }
        failures += r < 0;
        if (img_error(kit.store) < 0) {
            struct img_txn txn;
            assert_int_equal(img_error(kit.store), LT_EIO);
            assert_int_equal(img_begin(kit.store, IMG_SHRINK, &txn), LT_EIO);
            assert_int_equal(img_commit(kit.store, true), LT_EIO);
            assert_int_equal(img_checkpoint(kit.store), LT_EIO);
        }
        lt_sim_fail(kit.dev, 0, 0, false);
        struct lt_device *left;
        assert_int_equal(lt_sim_cut(kit.dev, lt_sim_time(kit.dev), n + 2, &left), 0);
        img_store_abandon(kit.store);
        kit.dev = left;
        kit_open(&kit);
        unsigned count = kit_counter(&kit);
        assert_in_range(count, durable, kit.count + 1);
        if (count <= kit.count)
            kit_check_state(&kit, &kit.states[count]);
        img_store_abandon(kit.store);
    }
    assert_true(failures > 20);
}

static void test_enospc__of_the_host_is_tried_again(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (uint64_t n = 1; n < 60; n++) {
        kit_begin(&kit, 2 * MIB, 64 * KIB, n, IMG_SYNC_FSYNC);
        kit_steps(&kit, 20);
        lt_sim_fail(kit.dev, n, LT_ENOSPC, false);
        for (unsigned i = 0; i < 30; i++) {
            int r = kit_step(&kit);
            if (r == 0)
                r = i % 5 == 4 ? img_checkpoint(kit.store) : img_commit(kit.store, true);
            assert_true(r == 0 || r == LT_ENOSPC || r == LT_ECANCELED || img_error(kit.store) < 0);
            failures += r == LT_ENOSPC;
        }
        lt_sim_fail(kit.dev, 0, 0, false);
        if (img_error(kit.store) < 0) { /* a read or a flush was it */
            img_store_abandon(kit.store);
            continue;
        }
        kit_check(&kit);
        assert_int_equal(img_commit(kit.store, true), 0);
        reopen_after_crash();
        kit_check(&kit);
        kit_check_no_leak(&kit);
        kit_close(&kit);
    }
    assert_true(failures > 20);
}

static void test_shutdown__drops_what_was_not_committed(void **state)
{
    (void)state;
    window_begin(2 * MIB);
    kit_steps(&kit, 20);
    assert_int_equal(img_commit(kit.store, true), 0);
    struct kit_state committed = kit.now;
    kit_steps(&kit, 20);
    img_shutdown(kit.store);
    uint64_t time = lt_sim_time(window.dev);
    struct img_txn txn;
    const void *value;
    size_t len;
    assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), LT_EIO);
    assert_int_equal(img_commit(kit.store, true), LT_EIO);
    assert_int_equal(img_promise(kit.store, 1), LT_EIO);
    img_read_lock(kit.store);
    assert_int_equal(img_get(kit.store, kit_key(0), &value, &len), LT_EIO);
    img_read_unlock(kit.store);
    (void)img_store_close(kit.store);
    assert_int_equal(lt_sim_time(window.dev), time);
    kit_open(&kit);
    kit_check_state(&kit, &committed);
    window_end();
}

/* ---- Data in the log ----------------------------------------------------------------------- */

static void write_block(uint64_t block, uint8_t fill, bool logged)
{
    uint8_t bytes[4096];
    struct lt_seg segs[2] = {{bytes, 1000}, {bytes + 1000, 3096}};
    memset(bytes, fill, sizeof(bytes));
    assert_int_equal(img_data_write(kit.store, block, 0, segs, 2, logged), 0);
}

static void test_logged__older_bytes_never_cover_newer_ones(void **state)
{
    (void)state;
    uint64_t block, count;
    struct img_txn txn;
    uint8_t bytes[4096];
    kit_begin(&kit, 4 * MIB, 0, 1, IMG_SYNC_FSYNC);
    assert_int_equal(img_space_alloc(kit.store->space, 0, 3, 3, &block, &count), 0);
    assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
    assert_int_equal(img_use(&txn, block, 3), 0);
    memset(bytes, 1, sizeof(bytes));
    assert_int_equal(img_log_data(&txn, block + 1, 0, bytes, sizeof(bytes)), 0);
    write_block(block + 1, 1, true);
    assert_int_equal(img_end(&txn, 0), 0);
    assert_int_equal(img_commit(kit.store, true), 0);
    write_block(block + 1, 2, false);
    assert_int_equal(img_commit(kit.store, true), 0);
    reopen_after_crash();
    assert_int_equal(stats().replayed, 2);
    assert_int_equal(img_data_read(kit.store, block + 1, 0, bytes, sizeof(bytes)), 0);
    assert_int_equal(bytes[0], 2);
    assert_int_equal(bytes[4095], 2);
    /* After a checkpoint it is as any other block. */
    write_block(block + 1, 3, false);
    assert_int_equal(stats().log_used, 0);
    kit_close(&kit);
}

static void test_commit__of_data_alone_is_one_flush_and_no_log(void **state)
{
    (void)state;
    uint64_t block, count;
    kit_begin(&kit, 4 * MIB, 0, 1, IMG_SYNC_FSYNC);
    assert_int_equal(img_space_alloc(kit.store->space, 0, 1, 1, &block, &count), 0);
    write_block(block, 1, false);
    uint64_t time = lt_sim_time(kit.dev);
    assert_int_equal(img_commit(kit.store, false), 0);
    assert_int_equal(lt_sim_time(kit.dev), time + 1);
    assert_true(lt_sim_is_flush(kit.dev, time));
    assert_int_equal(img_commit(kit.store, false), 0); /* nothing left */
    assert_int_equal(lt_sim_time(kit.dev), time + 1);
    kit_close(&kit);
}

static void test_commit__of_metadata_is_one_write_and_one_flush(void **state)
{
    (void)state;
    struct img_txn txn;
    kit_begin(&kit, 4 * MIB, 0, 1, IMG_SYNC_FSYNC);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
        assert_int_equal(img_put(&txn, img_key(20, 1, i), "x", 1), 0);
        assert_int_equal(img_end(&txn, 0), 0);
        uint64_t time = lt_sim_time(kit.dev);
        assert_int_equal(img_commit(kit.store, false), 0);
        assert_int_equal(lt_sim_time(kit.dev), time + 2);
    }
    kit_close(&kit);
}

/* ---- Hooks --------------------------------------------------------------------------------- */

struct hooks {
    unsigned flushes, seals;
    int error;
    uint64_t value;
};

static void hook_flush(void *arg)
{
    ((struct hooks *)arg)->flushes++;
}

static int hook_seal(void *arg, struct img_txn *txn)
{
    struct hooks *hooks = arg;
    hooks->seals++;
    return hooks->error ? hooks->error : img_put(txn, img_key(77, 1, 0), &hooks->value, 8);
}

static void test_hooks__lazy_items_are_put_when_it_counts(void **state)
{
    (void)state;
    struct hooks hooks = {.value = 5};
    struct img_txn txn;
    const void *value;
    size_t len;
    kit_begin(&kit, 4 * MIB, 0, 1, IMG_SYNC_FSYNC);
    kit.store->priv->options.flush = hook_flush;
    kit.store->priv->options.seal = hook_seal;
    kit.store->priv->options.arg = &hooks;
    assert_int_equal(img_begin(kit.store, IMG_GROW, &txn), 0);
    assert_int_equal(img_end(&txn, 0), 0);
    hooks.error = LT_ENOMEM;
    assert_int_equal(img_commit(kit.store, true), LT_ENOMEM);
    assert_int_equal(img_checkpoint(kit.store), LT_ENOMEM);
    hooks.error = 0;
    assert_int_equal(img_commit(kit.store, true), 0);
    assert_int_equal(hooks.flushes, 2);
    assert_int_equal(hooks.seals, 3);
    assert_int_equal(img_commit(kit.store, false), 0); /* nothing left */
    assert_int_equal(hooks.seals, 3);
    img_write_lock(kit.store);
    hooks.value = 6;
    img_touch(kit.store);
    img_write_unlock(kit.store);
    assert_int_equal(img_commit(kit.store, false), 0);
    assert_int_equal(hooks.seals, 4);
    reopen_after_crash();
    img_read_lock(kit.store);
    assert_int_equal(img_get(kit.store, img_key(77, 1, 0), &value, &len), 0);
    assert_memory_equal(value, &hooks.value, 8);
    img_read_unlock(kit.store);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ioerr__is_latched_and_nothing_durable_is_lost),
        cmocka_unit_test(test_enospc__of_the_host_is_tried_again),
        cmocka_unit_test(test_shutdown__drops_what_was_not_committed),
        cmocka_unit_test(test_logged__older_bytes_never_cover_newer_ones),
        cmocka_unit_test(test_commit__of_data_alone_is_one_flush_and_no_log),
        cmocka_unit_test(test_commit__of_metadata_is_one_write_and_one_flush),
        cmocka_unit_test(test_hooks__lazy_items_are_put_when_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
