// SPDX-License-Identifier: MIT
/* A change of attributes is one: what a cut leaves has all of it or nothing. */
#include "image_volume.h"

#include <lintel/acl.h>

#define VOLUME_SIZE (64u << 20)

static struct lt_attr before, after;

static void write_bytes(struct lt_node *node, uint64_t at, size_t len)
{
    static char buf[1 << 16];
    memset(buf, 'x', sizeof(buf));
    assert_int_equal(lt_node_pwrite(NULL, node, at, buf, len), len);
}

static uint64_t commits(void)
{
    struct img_store_stats stats;
    img_store_stats(volume_store(), &stats);
    return stats.commits;
}

static bool same_time(struct lt_time a, struct lt_time b)
{
    return a.sec == b.sec && a.nsec == b.nsec;
}

static bool same(const struct lt_attr *a, const struct lt_attr *b)
{
    return a->size == b->size && a->mode == b->mode && a->uid == b->uid &&
           same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

static const struct lt_setattr *change(uint64_t size)
{
    static struct lt_setattr set = {
        .mask = LT_SET_SIZE | LT_SET_MODE | LT_SET_UID | LT_SET_MTIME | LT_SET_KILL_PRIV,
        .mode = 0400,
        .uid = 7,
        .mtime = {.sec = 1234567},
    };
    set.size = size;
    return &set;
}

/* Cuts the power at each call to the disk since `begin`: either all has changed or nothing. */
static void cut_everywhere(uint64_t begin)
{
    uint64_t end = lt_sim_time(disk);
    struct lt_fs *whole = fs;
    struct lt_device *whole_disk = disk, *copy;
    bool old = false, new = false;
    for (uint64_t time = begin; time <= end; time++) {
        for (uint64_t choice = 0; choice < 3; choice++) {
            assert_int_equal(lt_sim_cut(whole_disk, time, choice, &copy), 0);
            assert_int_equal(volume_try_open(copy, "commit=0"), 0);
            struct lt_node *f = found("f");
            struct lt_attr now = attr_of(f);
            lt_node_put(f);
            assert_true(same(&now, &before) || same(&now, &after));
            old = old || same(&now, &before);
            new = new || same(&now, &after);
            volume_close();
        }
    }
    assert_true(old && new);
    fs = whole;
    disk = whole_disk;
    root = lt_fs_root(fs);
}

static void size_and_others(const char *options, bool checks, uint64_t from, uint64_t to)
{
    volume_open_with(&(struct lt_image_params){.size = VOLUME_SIZE, .data_checks = checks},
                     options);
    struct lt_node *f = made_file("f");
    write_bytes(f, 0, from);
    const struct lt_setattr set = {.mask = LT_SET_MODE, .mode = 06755};
    assert_int_equal(lt_node_setattr(NULL, f, &set, NULL), 0);
    assert_int_equal(lt_node_sync(NULL, f, false), 0);
    before = attr_of(f);
    uint64_t begin = lt_sim_time(disk), so_far = commits();
    assert_int_equal(lt_node_setattr(NULL, f, change(to), &after), 0);
    if (to <= from) /* to grow, an INLINE item becomes a block first */
        assert_int_equal(commits(), so_far + 1);
    assert_int_equal(after.size, to);
    assert_int_equal(after.mode & LT_S_PERM, 0400);
    assert_int_equal(after.uid, 7);
    assert_int_equal(after.mtime.sec, 1234567);
    cut_everywhere(begin);
    lt_node_put(f);
    volume_close();
}

static void test_attr__size_and_others_change_at_once(void **state)
{
    (void)state;
    static const uint64_t sizes[][2] = {
        {100, 50},     {100, 0},   {100, 5000},    {5000, 100},       {5000, 4096},
        {50000, 4999}, {50000, 0}, {50000, 50000}, {50000, 1u << 20},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_and_others("commit=0,sync=always", false, sizes[i][0], sizes[i][1]);
        size_and_others("commit=0,sync=always", true, sizes[i][0], sizes[i][1]);
    }
}

/* A file of very many extents takes several transactions; the last of them has the rest. */
static void test_attr__the_last_of_many_transactions_has_the_others(void **state)
{
    (void)state;
    volume_open_with(&(struct lt_image_params){.size = VOLUME_SIZE}, "commit=0,sync=always");
    struct lt_node *f = made_file("f");
    for (uint64_t i = 0; i < 200; i++)
        write_bytes(f, i * 12288, 4096);
    before = attr_of(f);
    assert_int_equal(lt_node_setattr(NULL, f, change(0), &after), 0);
    assert_int_equal(volume_cut(), 0);
    f = found("f");
    struct lt_attr now = attr_of(f);
    assert_true(same(&now, &after));
    assert_int_equal(now.allocated, 0);
    lt_node_put(f);
    volume_close();
}

/* What may not be set is not set by half. */
static void test_attr__a_size_that_is_too_large_changes_nothing(void **state)
{
    (void)state;
    volume_open(VOLUME_SIZE);
    struct lt_node *f = made_file("f");
    before = attr_of(f);
    assert_int_equal(lt_node_setattr(NULL, f, change(UINT64_MAX), NULL), LT_EFBIG);
    after = attr_of(f);
    assert_true(same(&before, &after));
    lt_node_put(f);
    volume_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attr__size_and_others_change_at_once),
        cmocka_unit_test(test_attr__the_last_of_many_transactions_has_the_others),
        cmocka_unit_test(test_attr__a_size_that_is_too_large_changes_nothing),
    };
    return cmocka_run_group_tests_name("attr", tests, NULL, NULL);
}
