// SPDX-License-Identifier: MIT
/*
 * The disk of the host is full now and then, or for a while: writes end in LT_ENOSPC, those of a
 * checkpoint too. Nothing is lost, nothing is damaged, and what failed is done later. A superblock
 * that could not be written is another matter: it is latched.
 */
#include "data_kit.h"

#include <fs/image/node.h>

#define ROUNDS 40u
#define SUPERBLOCKS 8192u /* bytes: writes to them never fail here */

/* Writes to the device until the next that fails; 0: all do. */
static uint64_t every, until;
static bool full;

static int write_or_full(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                         size_t count)
{
    struct keeper *k = (struct keeper *)dev;
    if (full && offset >= SUPERBLOCKS && --until == 0) {
        until = every;
        return LT_ENOSPC;
    }
    return lt_device_write(k->real, offset, segs, count);
}

static void fill_up(uint64_t n)
{
    every = until = n;
    full = n > 0;
}

/* What an operation says while the host is full: done, or no space. */
static bool done_or_full(int r)
{
    assert_true(r >= 0 || r == LT_ENOSPC);
    return r >= 0;
}

static struct lt_str named(unsigned i)
{
    static char name[16];
    return lt_strn(name, (size_t)snprintf(name, sizeof(name), "file-%u", i));
}

/* Whether the file is there with the content of its number. */
static void assert_content(unsigned i, bool there, size_t len)
{
    static uint8_t back[20000];
    struct lt_entry e = {.node = NULL};
    int r = lt_node_lookup(NULL, lt_fs_root(fs), named(i), &e);
    assert_int_equal(r, there ? 0 : LT_ENOENT);
    if (r < 0)
        return;
    assert_int_equal(lt_node_pread(NULL, e.node, 0, back, sizeof(back)), len);
    for (size_t at = 0; at < len; at++)
        assert_int_equal(back[at], (uint8_t)(i + 1));
    lt_node_put(e.node);
}

static size_t len_of(unsigned i)
{
    return i % 3 == 0 ? 700 : 4096 + i * 97 % 12000;
}

static bool drop(unsigned i)
{
    return done_or_full(lt_node_remove(NULL, lt_fs_root(fs), named(i), 0, NULL));
}

/* Whether the file is there then. */
static bool write_file(unsigned i)
{
    const struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry e = {.node = NULL};
    if (!done_or_full(lt_node_create(NULL, lt_fs_root(fs), named(i), &spec, &e)))
        return false;
    memset(scratch, (int)(i + 1), len_of(i));
    int n = lt_node_pwrite(NULL, e.node, 0, scratch, len_of(i));
    done_or_full(n);
    assert_true(n < 0 || (size_t)n == len_of(i));
    lt_node_put(e.node);
    return n >= 0 || !drop(i);
}

/* Files come and go, with a commit or a checkpoint now and then, while every n-th write fails. */
static void live(uint64_t n, bool *there)
{
    struct img_store *store = img_fs(fs)->store;
    fill_up(n);
    for (unsigned i = 0; i < ROUNDS; i++) {
        there[i] = write_file(i);
        if (i % 4 == 0 && i > 8 && there[i - 8])
            there[i - 8] = !drop(i - 8);
        if (i % 5 == 0)
            done_or_full(lt_fs_sync(NULL, fs));
        if (i % 7 == 0)
            done_or_full(img_checkpoint(store));
        assert_int_equal(img_error(store), 0);
    }
}

static void volume_with(uint64_t n, const char *how)
{
    static struct lt_device_ops ops;
    bool there[ROUNDS];
    struct lt_diag diag = {""};
    keeper_open(&keeper, 16 << 20);
    ops = *keeper.dev.ops;
    ops.write = write_or_full;
    keeper.dev.ops = &ops;
    options = how;
    fill_up(0);
    const struct lt_image_params params = {.size = 16 << 20};
    assert_int_equal(img_fs_format(&keeper.dev, &params, &diag), 0);
    open_volume();
    live(n, there);
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_content(i, there[i], len_of(i));
    fill_up(0);
    assert_int_equal(lt_fs_close(fs), 0);
    open_volume();
    for (unsigned i = 0; i < ROUNDS; i++)
        assert_content(i, there[i], len_of(i));
    assert_int_equal(lt_fs_close(fs), 0);
    check_image();
    keeper_end(&keeper);
}

static void test_host_full__every_nth_write_fails_and_nothing_is_lost(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 12; n++) {
        volume_with(n, "commit=0");
        volume_with(n, "commit=0,cache=1m");
        volume_with(n, "commit=0,sync=none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_full__every_nth_write_fails_and_nothing_is_lost),
    };
    scratch = calloc(1, MODEL_MAX);
    int failed = cmocka_run_group_tests_name("host_full", tests, NULL, NULL);
    free(scratch);
    return failed;
}
