// SPDX-License-Identifier: MIT
/* The ordered map against a sorted array. */
#include "random.h"

#include <fs/mem/tree.h>
#include <stdlib.h>
#include <test.h>

#define KEYS 20000u

static struct mem_arena arena;
static struct mem_tree tree;

static int setup(void **state)
{
    (void)state;
    mem_arena_init(&arena, UINT64_MAX);
    mem_slab_init(&arena);
    tree = (struct mem_tree){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mem_arena_fini(&arena);
    return 0;
}

/* What the tree must hold: values[k] for key (k + 1) * stride. */
struct model {
    char present[KEYS];
    uint64_t count;
};

static void *value_of(unsigned k)
{
    return (void *)(uintptr_t)(k * 16u + 8u);
}

static void check_all(const struct model *m, uint64_t stride)
{
    uint64_t key = 0, seen = 0;
    void *value;
    for (; (value = mem_tree_next(&tree, &key)); key++, seen++) {
        unsigned k = (unsigned)(key / stride - 1);
        assert_true(key % stride == 0 && k < KEYS && m->present[k]);
        assert_ptr_equal(value, value_of(k));
    }
    assert_int_equal(seen, m->count);
    assert_int_equal(tree.count, m->count);
}

/* `bias` of 100 steps insert. */
static void step(struct model *m, uint64_t *seed, unsigned bias, uint64_t stride)
{
    unsigned k = (unsigned)(random_next(seed) % KEYS);
    uint64_t key = (k + 1) * stride;
    if (m->present[k]) {
        if (random_next(seed) % 100 < bias)
            return;
        assert_ptr_equal(mem_tree_remove(&tree, &arena, key), value_of(k));
        m->present[k] = 0;
        m->count--;
    } else if (random_next(seed) % 100 < bias) {
        assert_int_equal(mem_tree_insert(&tree, &arena, key, value_of(k)), 0);
        m->present[k] = 1;
        m->count++;
    }
    uint64_t found = key;
    void *value = mem_tree_next(&tree, &found);
    assert_int_equal(value && found == key, m->present[k]);
}

static void test_tree__agrees_with_a_model(void **state)
{
    (void)state;
    static struct model m;
    uint64_t seed = 1;
    const unsigned biases[] = {95, 50, 10, 80, 5, 60, 2};
    memset(&m, 0, sizeof(m));
    for (unsigned phase = 0; phase < 7; phase++) {
        for (unsigned i = 0; i < 60000; i++)
            step(&m, &seed, biases[phase], 1000);
        check_all(&m, 1000);
    }
}

static void test_tree__gives_all_memory_back(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned k = 0; k < KEYS; k++) /* falling keys, then rising: every order of splits */
            assert_int_equal(mem_tree_insert(&tree, &arena, round ? k + 1 : KEYS - k, &tree), 0);
        for (unsigned k = 0; k < KEYS; k++)
            mem_tree_remove(&tree, &arena, round == 1 ? KEYS - k : k + 1);
        assert_null(tree.root);
        assert_int_equal(mem_arena_used(&arena), 0);
    }
}

static void test_tree__scan_goes_on_behind_a_leaf(void **state)
{
    (void)state;
    for (uint64_t k = 1; k <= 5000; k++)
        assert_int_equal(mem_tree_insert(&tree, &arena, k * 10, &tree), 0);
    const uint64_t *keys;
    void *const *values;
    for (uint64_t k = 1; k <= 5000; k++) {
        assert_true(mem_tree_scan(&tree, k * 10 - 9, &keys, &values) > 0);
        assert_int_equal(keys[0], k * 10);
    }
    assert_int_equal(mem_tree_scan(&tree, 50001, &keys, &values), 0);
}

/* A failed insert leaves what was there, at every size of the tree. */
static void test_tree__insert_nomem(void **state)
{
    (void)state;
    unsigned k = 0, failures = 0;
    while (k < 3000) {
        arena.limit = mem_arena_used(&arena);
        int error = mem_tree_insert(&tree, &arena, k + 1, value_of(k));
        arena.limit = UINT64_MAX;
        if (error) {
            assert_int_equal(error, LT_ENOSPC);
            assert_int_equal(tree.count, k);
            failures++;
            assert_int_equal(mem_tree_insert(&tree, &arena, k + 1, value_of(k)), 0);
        }
        k++;
    }
    assert_true(failures > 10);
    uint64_t key = 0;
    for (k = 0; k < 3000; k++, key++)
        assert_ptr_equal(mem_tree_next(&tree, &key), value_of(k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree__agrees_with_a_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree__gives_all_memory_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree__scan_goes_on_behind_a_leaf, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree__insert_nomem, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
