// SPDX-License-Identifier: MIT
/* Resizing and defragmenting: afterwards everything is there and sound, whatever is cut when. */
#include "../unit/test.h"

#include "damage.h"
#include "rich.h"

#include <device/memory.h>
#include <device/sim.h>
#include <fs/image/check/check.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)

static int print_problem(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    print_message("    %u: %s\n", problem->number, problem->text);
    return 0;
}

static void is_sound(struct lt_device *dev)
{
    struct lt_image_check check = {.data = true, .problem = print_problem};
    struct lt_image_check_result result;
    struct lt_diag diag = {0};
    int r = img_check_device(dev, &check, &result, &diag);
    if (r < 0)
        print_message("    %s\n", diag.text);
    assert_int_equal(r, 0);
    assert_int_equal(result.problems, 0);
}

static uint64_t digest_of(struct lt_device *dev)
{
    struct lt_diag diag = {0};
    struct lt_fs *fs;
    int r = damage_open(dev, "ro", &fs, &diag);
    if (r < 0)
        print_message("    %s\n", diag.text);
    assert_int_equal(r, 0);
    uint64_t digest = rich_digest(fs);
    assert_int_equal(lt_fs_close(fs), 0);
    return digest;
}

/* Leaves changes in the log, as after a cut. */
static void leave_log(struct lt_device *dev)
{
    struct lt_diag diag;
    struct lt_fs *fs;
    assert_int_equal(damage_open(dev, "", &fs, &diag), 0);
    rich_change(fs);
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    lt_imgfs_abandon(fs);
}

static void resize_all(struct lt_device *dev, const uint64_t *sizes, size_t count)
{
    uint64_t digest = digest_of(dev);
    for (size_t i = 0; i < count; i++) {
        struct lt_diag diag = {0};
        int r = img_resize_device(dev, sizes[i], NULL, NULL, &diag);
        if (r < 0)
            print_message("    to %llu: %s\n", (unsigned long long)sizes[i], diag.text);
        assert_int_equal(r, 0);
        assert_int_equal(lt_device_size(dev), sizes[i]);
        is_sound(dev);
        assert_true(digest_of(dev) == digest);
    }
    lt_device_close(dev);
}

static void test_resize__keeps_everything(void **state)
{
    static const uint64_t small[] = {8 * MIB,           2 * MIB,   2 * MIB - 12345,
                                     300 * MIB,         129 * MIB, 126 * MIB + 20480,
                                     126 * MIB + 40960, 126 * MIB, 3 * MIB};
    static const uint64_t large[] = {64 * MIB, 40 * MIB, 1000 * MIB, 24 * MIB};
    (void)state;
    resize_all(damage_image(4 * MIB, 4096, false), small, 9);
    resize_all(damage_image(4 * MIB, 4096, true), small, 9);
    resize_all(damage_image(200 * MIB, 65536, false), large, 4);
}

static void test_resize__replays_the_log(void **state)
{
    static const uint64_t sizes[] = {2 * MIB, 5 * MIB};
    (void)state;
    for (int checks = 0; checks < 2; checks++) {
        struct lt_device *dev = damage_image(4 * MIB, 4096, checks);
        leave_log(dev);
        resize_all(dev, sizes, 2);
    }
}

static void test_resize__says_when_it_does_not_fit(void **state)
{
    struct lt_diag diag = {0};
    (void)state;
    struct lt_device *dev = damage_image(4 * MIB, 4096, false);
    uint64_t digest = digest_of(dev);
    assert_int_equal(img_resize_device(dev, 400 * 1024, NULL, NULL, &diag), LT_ENOSPC);
    assert_int_equal(img_resize_device(dev, 4096, NULL, NULL, &diag), LT_EINVAL);
    assert_int_equal(lt_device_size(dev), 4 * MIB);
    is_sound(dev);
    assert_true(digest_of(dev) == digest);
    lt_device_close(dev);
}

static void miscount(struct img_super *super)
{
    super->nodes++;
}

static void test_resize__a_repair_grows_a_full_volume(void **state)
{
    struct lt_image_check check = {.repair = true};
    struct lt_image_check_result result;
    struct lt_device *dev = damage_image(2 * MIB, 4096, false);
    uint64_t size = 2 * MIB, digest = digest_of(dev);
    (void)state;
    while (img_resize_device(dev, size - 4096, NULL, NULL, NULL) == 0)
        size -= 4096;
    is_sound(dev);
    damage_supers(dev, miscount);
    assert_int_equal(img_check_device(dev, &check, &result, NULL), 0);
    assert_int_equal(result.problems, 1);
    is_sound(dev);
    assert_true(digest_of(dev) == digest);
    lt_device_close(dev);
}

/* A simulated disk with an image on it. */
static struct lt_device *simulated(uint64_t size)
{
    struct lt_image_params params = {.size = size};
    struct lt_device *sim;
    struct lt_diag diag;
    struct lt_fs *fs;
    assert_int_equal(lt_device_open_sim(size, &sim), 0);
    assert_int_equal(img_fs_format(sim, &params, &diag), 0);
    assert_int_equal(damage_open(sim, "", &fs, &diag), 0);
    rich_fill(fs, 30);
    assert_int_equal(lt_fs_close(fs), 0);
    leave_log(sim);
    lt_sim_forget(sim);
    return sim;
}

static void cut_everywhere(struct lt_device *sim, uint64_t start, uint64_t digest)
{
    uint64_t end = lt_sim_time(sim);
    for (uint64_t time = start; time <= end; time++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct lt_device *dev;
            assert_int_equal(lt_sim_cut(sim, time, seed, &dev), 0);
            is_sound(dev);
            assert_true(digest_of(dev) == digest);
            lt_device_close(dev);
        }
}

static void test_resize__powerloss(void **state)
{
    static const uint64_t sizes[] = {3 * MIB / 2, 6 * MIB};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct lt_device *sim = simulated(4 * MIB);
        struct lt_diag diag;
        uint64_t digest = digest_of(sim), start = lt_sim_time(sim);
        assert_int_equal(img_resize_device(sim, sizes[i], NULL, NULL, &diag), 0);
        cut_everywhere(sim, start, digest);
        lt_device_close(sim);
    }
}

/* ---- Defragmenting ------------------------------------------------------------------------- */

/* Two files that grow in turn. */
static void fragment(struct lt_device *dev)
{
    static uint8_t block[4096];
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entries[2] = {{0}};
    struct lt_diag diag;
    struct lt_fs *fs;
    assert_int_equal(damage_open(dev, "", &fs, &diag), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(
            lt_node_create(NULL, lt_fs_root(fs), lt_str(i ? "one" : "other"), &spec, &entries[i]),
            0);
    for (unsigned i = 0; i < 60; i++) {
        memset(block, (int)i + 1, sizeof(block));
        struct lt_node *node = entries[i % 2].node;
        assert_int_equal(lt_node_pwrite(NULL, node, i / 2 * 4096, block, 4096), 4096);
        assert_int_equal(lt_node_sync(NULL, node, false), 0);
    }
    lt_node_put(entries[0].node);
    lt_node_put(entries[1].node);
    assert_int_equal(lt_fs_close(fs), 0);
}

static void test_defrag__lays_files_in_one_piece(void **state)
{
    (void)state;
    for (int checks = 0; checks < 2; checks++) {
        struct lt_image_defrag_result result = {0};
        struct lt_diag diag = {0};
        struct lt_device *dev = damage_image(4 * MIB, 4096, checks);
        fragment(dev);
        leave_log(dev);
        uint64_t digest = digest_of(dev);
        assert_int_equal(img_defrag_device(dev, NULL, NULL, &result, &diag), 0);
        assert_true(result.moved_files >= 2);
        assert_true(result.extents_after + 50 < result.extents_before);
        is_sound(dev);
        assert_true(digest_of(dev) == digest);
        assert_int_equal(img_defrag_device(dev, NULL, NULL, &result, &diag), 0);
        assert_int_equal(result.moved_files, 0);
        assert_true(digest_of(dev) == digest);
        lt_device_close(dev);
    }
}

static void test_defrag__powerloss(void **state)
{
    struct lt_image_defrag_result result = {0};
    struct lt_diag diag;
    (void)state;
    struct lt_device *sim = simulated(2 * MIB);
    fragment(sim);
    lt_sim_forget(sim);
    uint64_t digest = digest_of(sim), start = lt_sim_time(sim);
    assert_int_equal(img_defrag_device(sim, NULL, NULL, &result, &diag), 0);
    cut_everywhere(sim, start, digest);
    lt_device_close(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize__keeps_everything),
        cmocka_unit_test(test_resize__replays_the_log),
        cmocka_unit_test(test_resize__says_when_it_does_not_fit),
        cmocka_unit_test(test_resize__a_repair_grows_a_full_volume),
        cmocka_unit_test(test_resize__powerloss),
        cmocka_unit_test(test_defrag__lays_files_in_one_piece),
        cmocka_unit_test(test_defrag__powerloss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
