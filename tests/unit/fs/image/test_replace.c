// SPDX-License-Identifier: MIT
/* A file that is cut to nothing and written again: what makes the one durable has the other, too.
 */
#include "image_volume.h"

#include <fs/image/data.h>

#define VOLUME_SIZE (64u << 20)
#define OLD_SIZE 10000u

static char bytes[1 << 18];

static void write_all(struct lt_node *node, char c, size_t len)
{
    memset(bytes, c, len);
    assert_int_equal(lt_node_pwrite(NULL, node, 0, bytes, len), len);
}

static void empty(struct lt_node *node)
{
    const struct lt_setattr set = {.mask = LT_SET_SIZE};
    assert_int_equal(lt_node_setattr(NULL, node, &set, NULL), 0);
}

/* Whether "f" has `len` times this character. */
static bool holds(char c, size_t len)
{
    struct lt_node *f = found("f");
    int n = lt_node_pread(NULL, f, 0, bytes, sizeof(bytes));
    lt_node_put(f);
    for (int i = 0; i < n; i++)
        if (bytes[i] != c)
            return false;
    return n == (int)len;
}

/* "f" has a content that is durable; "g" is another file. */
static struct lt_node *prepare(bool checks, struct lt_node **ret_other)
{
    volume_open_with(&(struct lt_image_params){.size = VOLUME_SIZE, .data_checks = checks},
                     "commit=0");
    struct lt_node *f = made_file("f");
    *ret_other = made_file("g");
    write_all(f, 'a', OLD_SIZE);
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    return f;
}

/* Each cut while another file is synced leaves the old content or the new, never nothing. */
static void cut_everywhere(uint64_t begin, size_t len)
{
    struct lt_fs *whole = fs;
    struct lt_device *whole_disk = disk, *copy;
    bool new = false;
    for (uint64_t time = begin; time <= lt_sim_time(whole_disk); time++) {
        for (uint64_t choice = 0; choice < 4; choice++) {
            assert_int_equal(lt_sim_cut(whole_disk, time, choice, &copy), 0);
            assert_int_equal(volume_try_open(copy, "commit=0"), 0);
            new = holds('b', len);
            assert_true(new || holds('a', OLD_SIZE));
            volume_close();
        }
    }
    assert_true(new);
    fs = whole;
    disk = whole_disk;
    root = lt_fs_root(fs);
}

static void test_replace__is_old_or_new_after_the_sync_of_another_file(void **state)
{
    (void)state;
    static const size_t sizes[] = {100, 9000, 70000, 200000};
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct lt_node *g, *f = prepare(i % 2, &g);
        uint64_t begin = lt_sim_time(disk);
        empty(f);
        write_all(f, 'b', sizes[i / 2]);
        lt_node_put(f);
        assert_int_equal(lt_node_sync(NULL, g, false), 0);
        cut_everywhere(begin, sizes[i / 2]);
        lt_node_put(g);
        volume_close();
    }
}

/* What comes behind the sync belongs to the next. */
static void test_replace__written_on_goes_with_the_next_sync(void **state)
{
    (void)state;
    struct lt_node *g, *f = prepare(false, &g);
    empty(f);
    write_all(f, 'b', 5000);
    assert_int_equal(lt_node_sync(NULL, g, false), 0);
    write_all(f, 'b', 7000);
    lt_node_put(f);
    lt_node_put(g);
    assert_int_equal(volume_cut(), 0);
    assert_true(holds('b', 5000));
    volume_close();
}

/* Others do not wait for data that replaces nothing. */
static void test_replace__only_what_was_cut_to_nothing_is_written(void **state)
{
    (void)state;
    struct lt_node *g, *f = prepare(false, &g), *h = made_file("h");
    write_all(h, 'h', 5000);
    write_all(f, 'b', 5000);
    uint64_t pending = img_data_pending(img_fs(fs));
    assert_true(pending > 0);
    assert_int_equal(lt_node_sync(NULL, g, false), 0);
    assert_int_equal(img_data_pending(img_fs(fs)), pending);
    empty(f);
    write_all(f, 'b', 5000);
    assert_int_equal(lt_node_sync(NULL, g, false), 0);
    assert_int_equal(img_data_pending(img_fs(fs)), 2 * 4096);
    lt_node_put(f);
    lt_node_put(g);
    lt_node_put(h);
    volume_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace__is_old_or_new_after_the_sync_of_another_file),
        cmocka_unit_test(test_replace__written_on_goes_with_the_next_sync),
        cmocka_unit_test(test_replace__only_what_was_cut_to_nothing_is_written),
    };
    return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
