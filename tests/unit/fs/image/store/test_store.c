// SPDX-License-Identifier: MIT
/* The store against a model: transactions, commits, checkpoints, being opened again. */
#include "store_kit.h"

#define MIB (UINT64_C(1) << 20)

static struct kit kit;

static void test_store__keeps_what_was_closed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        kit_begin(&kit, 4 * MIB, 0, seed, seed % 3);
        for (unsigned round = 0; round < 5; round++) {
            kit_steps(&kit, 40);
            kit_check(&kit);
            struct lt_device *copy;
            /* Closing frees the device: go on with a copy of what it left. */
            assert_int_equal(img_commit(kit.store, true), 0);
            assert_int_equal(img_checkpoint(kit.store), 0);
            assert_int_equal(lt_sim_cut(kit.dev, lt_sim_time(kit.dev), 0, &copy), 0);
            kit_close(&kit);
            kit.dev = copy;
            kit_open(&kit);
            struct img_store_stats stats;
            img_store_stats(kit.store, &stats);
            assert_int_equal(stats.replayed, 0);
            kit_check(&kit);
        }
        kit_check_no_leak(&kit);
        kit_close(&kit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__keeps_what_was_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
