// SPDX-License-Identifier: MIT
/* src/front/fuse/nodes.c: which nodes a peer holds, against a model. */
#include "test.h"

#include "fault.h"

#include <front/fuse/nodes.h>
#include <stdlib.h>

#define FILES 3000

static struct lt_fs *fs;
static struct lt_node *files[FILES];

static int make_files(void **state)
{
    (void)state;
    assert_int_equal(lt_open_fs("mem:", &fs, NULL), 0);
    for (unsigned i = 0; i < FILES; i++) {
        struct lt_entry entry = {0};
        struct lt_create spec = {.mode = LT_S_IFREG | 0600};
        assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_strn("", 0), &spec, &entry), 0);
        files[i] = entry.node;
    }
    return 0;
}

/* All references must be back, or lt_fs_close() would stop the test. */
static int remove_files(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FILES; i++) {
        assert_int_equal(atomic_load(&files[i]->refs), 1);
        lt_node_put(files[i]);
    }
    return lt_fs_close(fs);
}

static int tell(struct lt_nodes *nodes, struct lt_node *node)
{
    int r = lt_nodes_add(nodes, lt_node_get(node));
    if (r < 0)
        lt_node_put(node);
    return r;
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void test_nodes__hold_what_was_told_and_not_forgotten(void **state)
{
    struct lt_nodes nodes;
    static uint64_t told[FILES];
    uint32_t seed = 3;
    uint64_t held = 0;
    (void)state;
    lt_nodes_init(&nodes, lt_fs_root(fs));
    for (unsigned step = 0; step < 200000; step++) {
        unsigned i = next(&seed) % FILES;
        /* Times of growth and times of shrinking. */
        if (next(&seed) % 10 < (step / 40000 % 2 ? 3u : 7u)) {
            assert_int_equal(tell(&nodes, files[i]), 0);
            held += told[i]++ == 0;
        } else {
            uint64_t count = 1 + next(&seed) % 3;
            assert_int_equal(lt_nodes_forget(&nodes, files[i]->id, count), told[i] >= count);
            held -= told[i] > 0 && told[i] <= count;
            told[i] -= told[i] < count ? told[i] : count;
        }
        i = next(&seed) % FILES;
        assert_int_equal(lt_nodes_has(&nodes, files[i]->id), told[i] > 0);
        if (step % 10000 == 0)
            assert_int_equal(lt_nodes_count(&nodes), held);
    }
    assert_true(held > 0);
    lt_nodes_fini(&nodes);
}

static void test_nodes__only_what_is_held_is_found(void **state)
{
    struct lt_nodes nodes;
    (void)state;
    lt_nodes_init(&nodes, lt_fs_root(fs));
    assert_null(lt_nodes_get(&nodes, files[0]->id));
    assert_null(lt_nodes_get(&nodes, 0));
    assert_null(lt_nodes_get(&nodes, UINT64_MAX));
    assert_int_equal(tell(&nodes, files[0]), 0);
    struct lt_node *found = lt_nodes_get(&nodes, files[0]->id);
    assert_ptr_equal(found, files[0]);
    lt_node_put(found);
    found = lt_nodes_get(&nodes, LT_ROOT_ID);
    assert_ptr_equal(found, lt_fs_root(fs));
    lt_node_put(found);
    assert_true(lt_nodes_forget(&nodes, LT_ROOT_ID, UINT64_MAX));
    assert_true(lt_nodes_has(&nodes, LT_ROOT_ID));
    lt_nodes_fini(&nodes);
}

static void count_id(void *arg, uint64_t id)
{
    (void)id;
    ++*(unsigned *)arg;
}

static void test_nodes__each_comes_once(void **state)
{
    struct lt_nodes nodes;
    unsigned count = 0;
    (void)state;
    lt_nodes_init(&nodes, lt_fs_root(fs));
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(tell(&nodes, files[i]), 0);
    assert_int_equal(lt_nodes_each(&nodes, count_id, &count), 0);
    assert_int_equal(count, 101); /* and the root */
    lt_nodes_fini(&nodes);
}

static void test_nodes__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_nodes nodes;
        unsigned added = 0, failed = 0;
        lt_nodes_init(&nodes, lt_fs_root(fs));
        for (unsigned i = 0; i < 200; i++) {
            int r = tell(&nodes, files[i]);
            added += r == 0;
            failed += r == LT_ENOMEM;
        }
        assert_int_equal(fault_disarm(), failed > 0);
        assert_int_equal(added + failed, 200);
        assert_int_equal(lt_nodes_count(&nodes), added);
        for (unsigned i = 0; i < 200; i++)
            lt_nodes_forget(&nodes, files[i]->id, 1);
        assert_int_equal(lt_nodes_count(&nodes), 0);
        lt_nodes_fini(&nodes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes__hold_what_was_told_and_not_forgotten),
        cmocka_unit_test(test_nodes__only_what_is_held_is_found),
        cmocka_unit_test(test_nodes__each_comes_once),
        cmocka_unit_test(test_nodes__nomem),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
