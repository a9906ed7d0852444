// SPDX-License-Identifier: MIT
/* What was removed, but is still in use: it lives on, goes with its last reference, and after a
 * crash with the next open; nothing of it is left. */
#include "image_volume.h"

#include <fault.h>
#include <stdio.h>
#include <stdlib.h>

#define VOLUME_SIZE (64u << 20)

static int set_up(void **state)
{
    (void)state;
    volume_open(VOLUME_SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    volume_close();
    return 0;
}

/* ---- What is in use ------------------------------------------------------------------------ */

struct usage {
    size_t items;
    uint64_t nodes, used; /* blocks that are used, tree and log apart */
};

static struct usage usage(void)
{
    struct usage u = {.items = volume_count(0)};
    struct img_space_counts c;
    assert_int_equal(img_checkpoint(volume_store()), 0);
    img_space_counts(volume_store()->space, &c);
    img_read_lock(volume_store());
    u.nodes = volume_store()->super.nodes;
    img_read_unlock(volume_store());
    u.used = c.blocks - c.free - c.pinned - c.in_flight;
    return u;
}

/* The tree itself may have become a few blocks larger or smaller. */
static void assert_usage(struct usage before)
{
    struct usage now = usage();
    assert_int_equal(now.items, before.items);
    assert_int_equal(now.nodes, before.nodes);
    assert_true(now.used <= before.used + 8);
}

static void fill(struct lt_node *node, size_t len)
{
    static char buf[1 << 16];
    memset(buf, 'x', sizeof(buf));
    for (uint64_t at = 0; at < len; at += sizeof(buf))
        assert_int_equal(lt_node_pwrite(NULL, node, at, buf, sizeof(buf)), sizeof(buf));
}

/* A file in so many extents. */
static void scatter(struct lt_node *node, unsigned extents)
{
    char buf[4096];
    memset(buf, 'y', sizeof(buf));
    for (unsigned i = 0; i < extents; i++)
        assert_int_equal(lt_node_pwrite(NULL, node, i * UINT64_C(12288), buf, sizeof(buf)),
                         sizeof(buf));
    assert_int_equal(lt_node_sync(NULL, node, false), 0);
}

/* Opens what a crash would leave now; the references of the test are given back before. */
static void crash(struct lt_node *node)
{
    struct lt_device *copy;
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    assert_int_equal(lt_sim_cut(disk, lt_sim_time(disk), 0, &copy), 0);
    lt_node_put(node);
    lt_imgfs_abandon(fs);
    assert_int_equal(volume_try_open(copy, "commit=0"), 0);
}

static void test_orphan__lives_until_its_last_reference_goes(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *f = made_file("f");
    char buf[10];
    fill(f, 1 << 20);
    assert_int_equal(drop("f"), 0);
    assert_int_equal(attr_of(f).nlink, 0);
    fill(f, 2 << 20);
    assert_int_equal(lt_node_pread(NULL, f, (2 << 20) - 10, buf, 10), 10);
    assert_int_equal(buf[9], 'x');
    assert_int_equal(volume_count(IMG_ORPHAN), 1);
    lt_node_put(f);
    assert_int_equal(volume_count(IMG_ORPHAN), 0);
    assert_usage(before);
}

static void test_orphan__of_a_short_life_leaves_no_item(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *f = made_file("f");
    fill(f, 100000);
    assert_int_equal(drop("f"), 0);
    lt_node_put(f);
    assert_usage(before);
}

static void test_orphan__goes_when_opened_after_a_crash(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *f = made_file("f");
    fill(f, 3 << 20);
    assert_int_equal(drop("f"), 0);
    crash(f);
    assert_int_equal(volume_count(IMG_ORPHAN), 0);
    assert_usage(before);
}

static void test_orphan__with_many_extents_goes_in_several_transactions(void **state)
{
    (void)state;
    struct usage before = usage();
    for (int how = 0; how < 2; how++) {
        struct lt_node *f = made_file("f");
        scatter(f, 700);
        assert_int_equal(drop("f"), 0);
        if (how == 0)
            lt_node_put(f);
        else
            crash(f);
        assert_usage(before);
    }
}

/* The first transactions of its removal are durable, the last are not. */
static void test_orphan__half_removed_goes_after_a_crash(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *f = made_file("f");
    scatter(f, 700);
    assert_int_equal(drop("f"), 0);
    struct lt_device *copy;
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    for (uint64_t n = 1;; n++) {
        /* One call fails, and the volume with it. */
        assert_int_equal(lt_sim_cut(disk, lt_sim_time(disk), 0, &copy), 0);
        struct lt_fs *first = fs;
        struct lt_device *first_disk = disk;
        assert_int_equal(volume_try_open(copy, "commit=0,sync=always"), 0);
        /* removed at the open, transaction by transaction, each durable */
        uint64_t end = lt_sim_time(disk);
        struct lt_device *half;
        bool last = n >= end;
        assert_int_equal(lt_sim_cut(disk, last ? end : n, 0, &half), 0);
        lt_imgfs_abandon(fs);
        assert_int_equal(volume_try_open(half, "commit=0"), 0);
        assert_usage(before);
        volume_close();
        fs = first;
        disk = first_disk;
        root = lt_fs_root(fs);
        if (last)
            break;
    }
    lt_node_put(f);
    assert_usage(before);
}

static void test_orphan__a_file_without_a_name_may_get_one(void **state)
{
    (void)state;
    struct usage before = usage();
    const struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry e = {.node = NULL}, linked = {.node = NULL};
    assert_int_equal(lt_node_create(NULL, root, lt_str(""), &spec, &e), 0);
    fill(e.node, 5000);
    assert_int_equal(volume_count(IMG_ORPHAN), 1);
    assert_int_equal(lt_node_link(NULL, e.node, root, lt_str("named"), &linked), 0);
    assert_int_equal(volume_count(IMG_ORPHAN), 0);
    lt_node_put(linked.node);
    crash(e.node);
    struct lt_node *f = found("named");
    assert_int_equal(attr_of(f).nlink, 1);
    assert_int_equal(attr_of(f).size, 1 << 16);
    assert_int_equal(drop("named"), 0);
    lt_node_put(f);
    assert_usage(before);
}

static void test_orphan__without_a_name_goes_after_a_crash(void **state)
{
    (void)state;
    struct usage before = usage();
    const struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry e = {.node = NULL};
    assert_int_equal(lt_node_create(NULL, root, lt_str(""), &spec, &e), 0);
    fill(e.node, 100000);
    crash(e.node);
    assert_usage(before);
}

static void test_orphan__a_removed_directory_takes_nothing(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755), *f = NULL;
    assert_int_equal(drop("d"), 0);
    assert_int_equal(make(d, "f", LT_S_IFREG | 0644, &f), LT_ENOENT);
    struct lt_node *parent;
    assert_int_equal(lt_node_parent(NULL, d, &parent), LT_ENOENT);
    crash(d);
    assert_usage(before);
}

static void test_orphan__a_replaced_target_goes(void **state)
{
    (void)state;
    struct lt_node *a = made_file("a"), *b = made_file("b");
    fill(b, 1 << 20);
    struct usage before = usage();
    assert_int_equal(lt_node_rename(NULL, root, lt_str("a"), root, lt_str("b"), 0), 0);
    lt_node_put(a);
    assert_int_equal(attr_of(b).nlink, 0);
    crash(b);
    assert_int_equal(usage().nodes, before.nodes - 1);
    assert_int_equal(volume_count(IMG_ORPHAN), 0);
    a = found("b");
    assert_int_equal(attr_of(a).size, 0);
    lt_node_put(a);
}

static void test_orphan__goes_though_the_volume_is_full(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *f = made_file("f"), *g = made_file("g");
    static char buf[1 << 20];
    uint64_t at = 0;
    int n;
    while ((n = lt_node_pwrite(NULL, f, at, buf, sizeof(buf))) > 0)
        at += (uint64_t)n;
    assert_int_equal(n, LT_ENOSPC);
    lt_node_put(g);
    assert_int_equal(drop("g"), 0);
    assert_int_equal(drop("f"), 0);
    crash(f);
    assert_usage(before);
}

/* An ORPHAN item that leads nowhere, or to a file that has names, is no reason not to open. */
static void test_orphan__damage_is_left_alone(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    volume_damage(img_key(IMG_ID_VOLUME, IMG_ORPHAN, f->id), "", 0);
    volume_damage(img_key(IMG_ID_VOLUME, IMG_ORPHAN, 1u << 20), "", 0);
    crash(f);
    f = found("f");
    assert_int_equal(attr_of(f).nlink, 1);
    lt_node_put(f);
}

/* ---- In one transaction -------------------------------------------------------------------- */

static int set_up_always(void **state)
{
    (void)state;
    volume_open_with(&(struct lt_image_params){.size = VOLUME_SIZE}, "commit=0,sync=always");
    return 0;
}

static uint64_t commits(void)
{
    struct img_store_stats stats;
    img_store_stats(volume_store(), &stats);
    return stats.commits;
}

/* Nobody has it, so its name and all else of it go at once. */
static void test_orphan__a_closed_file_needs_no_second_transaction(void **state)
{
    (void)state;
    static const uint32_t types[] = {LT_S_IFREG, LT_S_IFDIR, LT_S_IFLNK, LT_S_IFIFO};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct usage before = usage();
        struct lt_node *f = made(root, "f", types[i] | 0700);
        if (types[i] == LT_S_IFREG)
            fill(f, 100000);
        lt_node_put(f);
        uint64_t made_by = commits();
        assert_int_equal(drop("f"), 0);
        assert_int_equal(commits(), made_by + 1);
        assert_int_equal(volume_cut(), 0);
        assert_usage(before);
        volume_close();
        set_up_always(NULL);
    }
}

static void test_orphan__a_closed_target_goes_with_the_rename(void **state)
{
    (void)state;
    struct lt_node *a = made_file("a"), *b = made_file("b");
    fill(b, 100000);
    lt_node_put(a);
    lt_node_put(b);
    uint64_t before = commits(), nodes = usage().nodes;
    assert_int_equal(lt_node_rename(NULL, root, lt_str("a"), root, lt_str("b"), 0), 0);
    assert_int_equal(commits(), before + 1);
    assert_int_equal(usage().nodes, nodes - 1);
}

/* The last of two names takes the file along, the first does not. */
static void test_orphan__another_name_keeps_the_file(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_node *f = made_file("f");
    struct lt_entry second = {.node = NULL};
    fill(f, 100000);
    assert_int_equal(lt_node_link(NULL, f, root, lt_str("g"), &second), 0);
    lt_node_put(second.node);
    lt_node_put(f);
    assert_int_equal(drop("f"), 0);
    f = found("g");
    assert_int_equal(attr_of(f).size, 131072);
    lt_node_put(f);
    assert_int_equal(drop("g"), 0);
    assert_usage(before);
}

/* What nobody has waited for is not waited for when it goes. */
static void test_orphan__its_end_is_not_waited_for(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    assert_int_equal(drop("f"), 0);
    uint64_t before = commits();
    lt_node_put(f);
    assert_int_equal(commits(), before);
    assert_int_equal(volume_cut(), 0);
    assert_int_equal(volume_count(IMG_ORPHAN), 0);
    assert_int_equal(usage().nodes, 1);
}

/* Whoever hears of the removal has the node a little longer, and may do what he likes with it. */
static void on_removal(void *arg, const struct lt_event *event)
{
    struct lt_node **kept = arg;
    if (event->type == LT_EVENT_REMOVE)
        *kept = lt_node_get(event->node);
}

static void test_orphan__that_is_changed_once_more_leaves_nothing(void **state)
{
    (void)state;
    struct usage before = usage();
    struct lt_subscription *subscription;
    struct lt_node *kept = NULL;
    lt_node_put(made_file("f"));
    assert_int_equal(lt_event_subscribe(fs, on_removal, &kept, &subscription), 0);
    assert_int_equal(drop("f"), 0);
    assert_non_null(kept);
    assert_int_equal(attr_of(kept).nlink, 0);
    fill(kept, 100000);
    assert_int_equal(lt_node_xattr_set(NULL, kept, lt_str("user.a"), lt_str("b"), 0), 0);
    assert_int_equal(volume_count(IMG_ORPHAN), 1);
    assert_int_equal(usage().nodes, before.nodes + 1);
    lt_event_unsubscribe(subscription);
    lt_node_put(kept);
    assert_usage(before);
}

/* ---- Failures ------------------------------------------------------------------------------ */

static void test_orphan__nomem(void **state)
{
    (void)state;
    struct usage before = usage();
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct lt_node *f = made_file("f");
        scatter(f, 200);
        assert_int_equal(drop("f"), 0);
        fault_arm(n);
        lt_node_put(f); /* what could not be removed goes with the next open */
        failed = fault_disarm();
        volume_reopen(true);
        assert_usage(before);
    }
}

/* A removal that fails has removed nothing. */
static void test_orphan__closed_nomem(void **state)
{
    (void)state;
    struct usage before = usage();
    bool failed = true;
    for (unsigned n = 1; failed; n++) {
        struct lt_node *f = made_file("f");
        scatter(f, 20);
        lt_node_put(f);
        fault_arm(n);
        int r = drop("f");
        failed = fault_disarm();
        assert_true(r == 0 || (failed && r == LT_ENOMEM));
        if (r < 0) {
            f = found("f");
            assert_int_equal(attr_of(f).allocated, 20 * 4096);
            lt_node_put(f);
            assert_int_equal(drop("f"), 0);
        }
        assert_usage(before);
        volume_reopen(true);
        assert_usage(before);
    }
}

static void test_orphan__ioerr(void **state)
{
    (void)state;
    struct usage before = usage();
    for (uint64_t n = 1; n < 30; n++) {
        struct lt_node *f = made_file("f");
        scatter(f, 200);
        assert_int_equal(lt_fs_sync(NULL, fs), 0);
        lt_sim_fail(disk, n, LT_EIO, true);
        int dropped = drop("f");
        lt_node_put(f);
        (void)lt_fs_sync(NULL, fs);
        lt_sim_fail(disk, 0, 0, false);
        assert_int_equal(volume_cut(), 0);
        int again = drop("f"); /* unless its removal was durable already */
        assert_true(again == 0 || (again == LT_ENOENT && dropped == 0));
        assert_usage(before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orphan__lives_until_its_last_reference_goes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__of_a_short_life_leaves_no_item, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__goes_when_opened_after_a_crash, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__with_many_extents_goes_in_several_transactions,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__half_removed_goes_after_a_crash, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__a_file_without_a_name_may_get_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__without_a_name_goes_after_a_crash, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__a_removed_directory_takes_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__a_replaced_target_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__goes_though_the_volume_is_full, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__damage_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__a_closed_file_needs_no_second_transaction,
                                        set_up_always, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__a_closed_target_goes_with_the_rename,
                                        set_up_always, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__another_name_keeps_the_file, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__its_end_is_not_waited_for, set_up_always,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__that_is_changed_once_more_leaves_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__closed_nomem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__nomem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphan__ioerr, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("orphan", tests, NULL, NULL);
}
