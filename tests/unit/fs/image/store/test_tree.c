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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__agrees_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
