// SPDX-License-Identifier: MIT
/* Several threads on one store, beside its own. For the thread sanitizer above all. */
#include <device/memory.h>
#include <fs/image/store/store.h>
#include <os/os.h>
#include <stdlib.h>
#include <test.h>

#define MIB (UINT64_C(1) << 20)
#define WRITERS 3u
#define ROUNDS 1500u
#define KEYS 200u

static struct img_store *store;
static uint32_t values[WRITERS][KEYS]; /* what each item ends with */
static atomic_bool done;

struct worker {
    unsigned number;
    int error;
    struct lt_thread *thread;
};

static struct img_key key_of(unsigned writer, unsigned i)
{
    return img_key(100 + writer, 1, i * UINT64_C(7919));
}

/* A block with data, in a transaction of its own; freed again by the next round. */
static int change_block(struct img_txn *txn, uint64_t *block, uint64_t fresh)
{
    int r = *block ? img_free(txn, *block, 1) : 0;
    if (r == 0)
        r = img_use(txn, fresh, 1);
    *block = fresh;
    return r;
}

static int round_of(struct worker *w, unsigned round, uint64_t *block)
{
    uint8_t bytes[600] = {0};
    uint64_t fresh, count;
    struct img_txn txn;
    struct lt_seg seg = {bytes, sizeof(bytes)};
    unsigned i = round * 31 % KEYS;
    int r = img_space_alloc(store->space, 0, 1, 1, &fresh, &count);
    if (r == 0)
        r = img_data_write(store, fresh, 0, &seg, 1, false);
    if (r < 0)
        return r;
    r = img_begin(store, IMG_SHRINK, &txn);
    if (r < 0)
        return r;
    memcpy(bytes, &round, sizeof(round));
    r = img_put(&txn, key_of(w->number, i), bytes, 4 + round % 500);
    if (r == 0)
        r = change_block(&txn, block, fresh);
    txn.commit = round % 16 == 3;
    r = img_end(&txn, r);
    if (r == 0)
        values[w->number][i] = round;
    if (r == 0 && round % 50 == w->number)
        r = img_commit(store, true);
    return r;
}

static void write_items(void *arg)
{
    struct worker *w = arg;
    uint64_t block = 0;
    for (unsigned round = 1; round < ROUNDS && w->error == 0; round++)
        w->error = round_of(w, round, &block);
}

static void read_items(void *arg)
{
    struct worker *w = arg;
    uint64_t random = w->number;
    while (!atomic_load(&done)) {
        const void *value;
        size_t len;
        random = random * UINT64_C(6364136223846793005) + 1;
        img_read_lock(store);
        int r = img_get(store,
                        key_of((unsigned)(random >> 40) % WRITERS, (unsigned)(random >> 20) % KEYS),
                        &value, &len);
        if (r < 0 && r != LT_ENOENT)
            w->error = r;
        if (r == 0 && len < 4)
            w->error = LT_EUCLEAN;
        img_read_unlock(store);
    }
}

static void checkpoint_all(void *arg)
{
    struct worker *w = arg;
    while (!atomic_load(&done) && w->error == 0) {
        struct img_store_stats stats;
        img_store_stats(store, &stats);
        w->error = img_checkpoint(store);
    }
}

static void check_values(void)
{
    img_read_lock(store);
    for (unsigned writer = 0; writer < WRITERS; writer++) {
        for (unsigned i = 0; i < KEYS; i++) {
            const void *value;
            size_t len;
            int r = img_get(store, key_of(writer, i), &value, &len);
            assert_int_equal(r, values[writer][i] ? 0 : LT_ENOENT);
            if (r == 0)
                assert_memory_equal(value, &values[writer][i], 4);
        }
    }
    img_read_unlock(store);
}

static void run(const struct img_store_options *options)
{
    struct img_store_format format = {.size = 16 * MIB, .block_size = 4096, .log_size = MIB / 4};
    struct worker workers[WRITERS + 2] = {{0}};
    struct lt_device *dev;
    atomic_store(&done, false);
    memset(values, 0, sizeof(values));
    assert_int_equal(lt_device_open_memory(format.size, &dev), 0);
    assert_int_equal(img_store_format(dev, &format, NULL), 0);
    assert_int_equal(img_store_open(dev, options, &store, NULL), 0);
    assert_int_equal(img_store_start(store), 0);
    for (unsigned i = 0; i < WRITERS + 2; i++) {
        struct worker *w = &workers[i];
        w->number = i;
        assert_int_equal(lt_thread_start(&w->thread, "test",
                                         i < WRITERS    ? write_items
                                         : i == WRITERS ? read_items
                                                        : checkpoint_all,
                                         w),
                         0);
    }
    for (unsigned i = 0; i < WRITERS + 2; i++) {
        if (i == WRITERS)
            atomic_store(&done, true);
        lt_thread_join(workers[i].thread);
        assert_int_equal(workers[i].error, 0);
    }
    check_values();
    assert_int_equal(img_store_close(store), 0);
}

static void test_threads__with_timer_and_small_cache(void **state)
{
    (void)state;
    run(&(struct img_store_options){.commit_ms = 2, .cache = 300 << 10, .discard = true});
}

static void test_threads__without_log(void **state)
{
    (void)state;
    run(&(struct img_store_options){
        .sync = IMG_SYNC_NONE, .commit_ms = 2, .cache = 300 << 10, .discard = true});
}

static void test_threads__every_transaction_durable(void **state)
{
    (void)state;
    run(&(struct img_store_options){.sync = IMG_SYNC_ALWAYS, .commit_ms = 50, .cache = 1 << 20});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads__with_timer_and_small_cache),
        cmocka_unit_test(test_threads__without_log),
        cmocka_unit_test(test_threads__every_transaction_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
