// SPDX-License-Identifier: MIT
/*
 * Power cuts. After each write and flush of a random run the disk is cut, with several choices of
 * what of the unflushed writes has arrived; what is opened then must equal the state after some
 * transaction, none earlier than the last that was reported durable.
 */
#include "store_kit.h"

#define MIB (UINT64_C(1) << 20)
#define TIMES 8000u

static struct kit kit, after;
static enum img_sync sync_mode;
static unsigned durable[TIMES]; /* transactions that were reported durable by then */

/* Up to now nothing more was durable than before; from now on `count` transactions are. */
static void note_durable(uint64_t *noted, unsigned count)
{
    uint64_t now = lt_sim_time(kit.dev);
    assert_true(now < TIMES);
    for (; *noted < now; ++*noted)
        durable[*noted + 1] = durable[*noted];
    durable[now] = count;
}

/* Runs transactions with commits and checkpoints in between. */
static void run(uint64_t seed, unsigned steps)
{
    kit_begin(&kit, 2 * MIB, 0, seed, sync_mode);
    memset(durable, 0, sizeof(durable));
    uint64_t noted = 0;
    for (unsigned i = 0; i < steps; i++) {
        kit_steps(&kit, 1);
        unsigned what = (unsigned)(kit_random(&kit) % 12);
        if (what < 3)
            assert_int_equal(img_commit(kit.store, what == 0), 0);
        if (what == 3)
            assert_int_equal(img_checkpoint(kit.store), 0);
        bool is_durable = sync_mode == IMG_SYNC_ALWAYS || what == 3 || what == 0 ||
                          (what < 3 && sync_mode == IMG_SYNC_FSYNC);
        note_durable(&noted, is_durable ? kit.count : durable[noted]);
    }
}

/* Opens what a cut has left and finds it in order. */
static void check_cut(struct lt_device *dev, unsigned least, uint64_t seed)
{
    memset(&after, 0, sizeof(after));
    after.dev = dev;
    after.random = seed + 77;
    after.options = kit.options;
    kit_open(&after);
    unsigned count = kit_counter(&after);
    if (count < least || count > kit.count)
        fail_msg("%u transactions are there, %u of %u were durable", count, least, kit.count);
    kit_check_state(&after, &kit.states[count]);
    after.now = kit.states[count];
    after.count = count;
    kit_steps(&after, 3);
    kit_check(&after);
}

static void cut_everywhere(uint64_t seed, unsigned steps, unsigned seeds)
{
    run(seed, steps);
    uint64_t end = lt_sim_time(kit.dev);
    for (uint64_t time = 0; time <= end; time++) {
        for (uint64_t choice = 0; choice < seeds; choice++) {
            struct lt_device *dev;
            if (lt_sim_cut(kit.dev, time, choice + (choice > 1 ? seed : 0), &dev) < 0)
                continue; /* before the history begins */
            check_cut(dev, durable[time], choice);
            if (choice == 2)
                kit_check_no_leak(&after);
            img_store_abandon(after.store);
        }
    }
    kit_close(&kit);
}

static void test_crash__leaves_a_state_that_existed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        cut_everywhere(seed, 60, 5);
}

static void test_crash__without_log_leaves_a_checkpoint(void **state)
{
    (void)state;
    for (uint64_t seed = 5; seed <= 6; seed++) {
        sync_mode = IMG_SYNC_NONE;
        cut_everywhere(seed, 60, 4);
    }
    sync_mode = IMG_SYNC_FSYNC;
}

static void test_crash__with_every_transaction_durable(void **state)
{
    (void)state;
    sync_mode = IMG_SYNC_ALWAYS;
    cut_everywhere(8, 40, 4);
    sync_mode = IMG_SYNC_FSYNC;
}

/* The recovery after a cut is cut, too. */
static void test_crash__during_recovery(void **state)
{
    (void)state;
    run(7, 60);
    uint64_t end = lt_sim_time(kit.dev);
    for (uint64_t time = 3; time <= end; time += 7) {
        struct lt_device *first, *second;
        if (lt_sim_cut(kit.dev, time, time, &first) < 0)
            continue;
        check_cut(first, durable[time], time);
        uint64_t steps = lt_sim_time(first);
        for (uint64_t again = 0; again <= steps; again++) {
            struct kit keep = after;
            assert_int_equal(lt_sim_cut(first, again, again * 3 + time, &second), 0);
            memset(&after, 0, sizeof(after));
            after.dev = second;
            after.options = kit.options;
            kit_open(&after);
            unsigned count = kit_counter(&after);
            assert_in_range(count, durable[time], kit.count + 3);
            if (count <= keep.count - 3)
                kit_check_state(&after, &kit.states[count]);
            img_store_abandon(after.store);
            after = keep;
        }
        img_store_abandon(after.store);
    }
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash__leaves_a_state_that_existed),
        cmocka_unit_test(test_crash__without_log_leaves_a_checkpoint),
        cmocka_unit_test(test_crash__with_every_transaction_durable),
        cmocka_unit_test(test_crash__during_recovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
