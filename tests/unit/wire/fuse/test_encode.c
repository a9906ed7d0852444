// SPDX-License-Identifier: MIT
/* src/wire/fuse/encode.c */
#include "test.h"

#include <stdlib.h>

#include <wire/fuse/encode.h>

static const struct lt_attr attr = {
    .id = 5,
    .size = 1000,
    .allocated = 513,
    .atime = {-1, 5},
    .btime = {77, 8},
    .mode = 0100640,
    .nlink = 2,
    .uid = 1,
    .gid = 3,
    .rdev = 0x12345678,
    .block_size = 4096,
    .generation = 9,
    .inode_flags = LT_INODE_IMMUTABLE,
};

static void test_encode__entry_carries_attributes_and_timeouts(void **state)
{
    struct lt_fuse_entry_out out;
    struct lt_fuse_timeouts t = {1500000000, UINT64_MAX};
    (void)state;
    lt_fuse_put_entry(&attr, 6, t, &out);
    assert_int_equal(out.nodeid, 6);
    assert_int_equal(out.generation, 9);
    assert_int_equal(out.entry_valid, 1);
    assert_int_equal(out.entry_valid_nsec, 500000000);
    assert_true(out.attr_valid > UINT64_C(1) << 40 && (int64_t)out.attr_valid > 0);
    assert_int_equal(out.attr.ino, 5);
    assert_int_equal(out.attr.blocks, 2);
    assert_true((int64_t)out.attr.atime == -1);
    assert_int_equal(out.attr.atimensec, 5);
}

static void test_encode__absence_has_no_node(void **state)
{
    struct lt_fuse_entry_out out;
    (void)state;
    lt_fuse_put_no_entry((struct lt_fuse_timeouts){3000000000, 0}, &out);
    assert_int_equal(out.nodeid, 0);
    assert_int_equal(out.entry_valid, 3);
    assert_int_equal(out.attr_valid, 0);
}

static void test_encode__statx_has_birth_time_and_device_numbers(void **state)
{
    struct lt_fuse_statx_out out;
    (void)state;
    lt_fuse_put_statx(&attr, (struct lt_fuse_timeouts){0, 0}, &out);
    assert_int_equal(out.stat.btime.tv_sec, 77);
    assert_int_equal(out.stat.mask, 0xfff);
    assert_int_equal(out.stat.attributes, 0x10);
    assert_int_equal(out.stat.rdev_major, 0x456);
    assert_int_equal(out.stat.rdev_minor, 0x12378);
}

static void test_encode__dirents_fill_a_buffer_to_the_last_byte(void **state)
{
    (void)state;
    for (int plus = 0; plus < 2; plus++) {
        struct lt_fuse_entry_out entry = {.nodeid = 3};
        size_t one = lt_fuse_dirent_size(5, plus);
        assert_int_equal(one % 8, 0);
        for (size_t size = one; size <= 3 * one; size++) {
            char *buf = malloc(size);
            struct lt_fuse_dirents d = {.buf = buf, .size = size};
            unsigned count = 0;
            assert_non_null(buf);
            while (lt_fuse_put_dirent(&d, lt_str("abcde"), 3, count, 0040755, plus ? &entry : NULL))
                count++;
            assert_int_equal(count, size / one);
            assert_int_equal(d.len, count * one);
            struct lt_fuse_dirent head;
            memcpy(&head, buf + (plus ? sizeof(entry) : 0), sizeof(head));
            assert_int_equal(head.namelen, 5);
            assert_int_equal(head.type, 4); /* DT_DIR */
            free(buf);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode__entry_carries_attributes_and_timeouts),
        cmocka_unit_test(test_encode__absence_has_no_node),
        cmocka_unit_test(test_encode__statx_has_birth_time_and_device_numbers),
        cmocka_unit_test(test_encode__dirents_fill_a_buffer_to_the_last_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
