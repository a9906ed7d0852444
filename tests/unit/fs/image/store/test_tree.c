// SPDX-License-Identifier: MIT
/* The tree against a sorted array. */
#include "model.h"

static void run(uint32_t block_size, unsigned steps, uint64_t seed)
{
    struct model m;
    model_open(&m, block_size, seed);
    const unsigned biases[] = {95, 50, 20, 80, 3, 60, 0};
    for (unsigned b = 0; b < sizeof(biases) / sizeof(*biases); b++) {
        for (unsigned i = 0; i < steps; i++)
            model_step(&m, biases[b]);
        model_check(&m);
    }
    model_close(&m);
}

static void test_tree__agrees_with_a_model(void **state)
{
    (void)state;
    run(4096, 4000, 1);
    run(65536, 4000, 2);
}

static void run_device(uint32_t block_size, unsigned rounds, uint64_t seed)
{
    struct model m;
    model_open(&m, block_size, seed);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned bias = (unsigned[]){90, 60, 40, 10}[round / 8 % 4];
        unsigned steps = (unsigned)(model_random(&m) % (round % 8 == 0 ? 2000 : 100));
        for (unsigned i = 0; i < steps; i++)
            model_step(&m, bias);
        model_checkpoint(&m, (unsigned)(model_random(&m) % 3 * 40), round % 5 != 3);
        if (round % 4 == 0) {
            img_tree_evict(m.tree, 0);
            model_checkpoint(&m, 0, true);
            img_tree_evict(m.tree, 0);
        }
        if (round % 7 == 0)
            model_reopen(&m);
        model_check(&m);
    }
    while (m.count > 0)
        model_step(&m, 0);
    model_checkpoint(&m, 0, true);
    model_close(&m);
}

static void test_tree__is_on_the_device_as_it_was_frozen(void **state)
{
    (void)state;
    run_device(4096, 100, 11);
    run_device(65536, 40, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__is_on_the_device_as_it_was_frozen),
        cmocka_unit_test(test_tree__agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
