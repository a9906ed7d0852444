// SPDX-License-Identifier: MIT
/* What is asked and set by handle: N089 to N100. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

TEST(test_n089__a_new_file)
{
    uint64_t before = now();
    struct nt_file *f = open_file("\\f", "create r w");
    struct kit_basic b = basic(f);
    const uint64_t times[] = {b.created, b.accessed, b.written, b.changed};
    for (size_t i = 0; i < 4; i++) {
        assert_true(times[i] + 100000000 >= before);
        assert_true(times[i] <= before + 100000000);
    }
    struct kit_standard s = standard(f);
    assert_int_equal(s.links, 1);
    assert_int_equal(s.size, 0);
    assert_false(s.delete_pending);
    assert_false(s.is_dir);
    assert_true(index_of(f) != 0);
}

TEST(test_n089__all_information_agrees_with_its_parts)
{
    uint8_t all[512];
    size_t got = 0;
    make_text("\\f", "content");
    struct nt_file *f = open_file("\\f", "r");
    ok(nt_query_info(f, NT_ALL_INFO, all, sizeof(all), &got));
    struct kit_basic b = basic(f);
    struct kit_standard s = standard(f);
    assert_int_equal(get_le(all, 8), b.created);
    assert_int_equal(get_le(all + 16, 8), b.written);
    assert_int_equal(get_le(all + 32, 4), b.attributes);
    assert_int_equal(get_le(all + 40, 8), s.allocation);
    assert_int_equal(get_le(all + 48, 8), 7);
    assert_int_equal(get_le(all + 64, 8), index_of(f));
    assert_int_equal(get_le(all + 76, 4), access_of(f));
    assert_int_equal(get_le(all + 96, 4), 4); /* "\f" */
    assert_int_equal(got, 104);

    uint8_t open_info[56];
    ok(nt_query_info(f, NT_NETWORK_OPEN_INFO, open_info, sizeof(open_info), &got));
    assert_int_equal(get_le(open_info, 8), b.created);
    assert_int_equal(get_le(open_info + 32, 8), s.allocation);
    assert_int_equal(get_le(open_info + 40, 8), 7);
    assert_int_equal(get_le(open_info + 48, 4), b.attributes);
}

TEST(test_n089__short_buffers_and_unknown_classes)
{
    uint8_t buf[64];
    size_t got = 0;
    struct nt_file *f = open_file("\\f", "create r w");
    is(INFO_LENGTH_MISMATCH, nt_query_info(f, NT_BASIC_INFO, buf, 39, &got));
    is(INFO_LENGTH_MISMATCH, nt_query_info(f, NT_STANDARD_INFO, buf, 0, &got));
    is(INVALID_INFO_CLASS, nt_query_info(f, 250, buf, sizeof(buf), &got));
    is(INFO_LENGTH_MISMATCH, nt_set_info(f, NT_BASIC_INFO, buf, 8));
    is(INFO_LENGTH_MISMATCH, nt_set_info(f, NT_END_OF_FILE_INFO, buf, 7));
}

TEST(test_n090__times_are_kept_to_100_ns)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "read_attr write_attr");
    struct kit_basic before = basic(f);
    const uint64_t t = UINT64_C(116444736000000000) + 0x4200000042;
    ok(set_basic(f, &(struct kit_basic){.accessed = t, .written = t + 1}));
    struct kit_basic b = basic(f);
    assert_int_equal(b.created, before.created);
    assert_int_equal(b.accessed, t);
    assert_int_equal(b.written, t + 1);
    assert_int_equal(b.attributes, before.attributes);
    /* -1 keeps one too, and says that this handle's doings shall not change it. */
    ok(set_basic(f, &(struct kit_basic){.written = UINT64_MAX, .accessed = UINT64_MAX}));
    b = basic(f);
    assert_int_equal(b.accessed, t);
    assert_int_equal(b.written, t + 1);
    if (!plain) {
        ok(set_basic(f, &(struct kit_basic){.created = t + 2, .changed = t + 3}));
        b = basic(f);
        assert_int_equal(b.created, t + 2);
        assert_int_equal(b.changed, t + 3);
        assert_int_equal(b.written, t + 1);
    }
    close_file(f);
    assert_int_equal(basic(open_file("\\f", "")).written, t + 1);
}

TEST(test_n091__attributes)
{
    need_windows();
    struct nt_file *f = open_file("\\f", "create read_attr write_attr");
    ok(set_attributes(f, LT_WIN_DIRECTORY | LT_WIN_HIDDEN));
    assert_int_equal(attributes(f), LT_WIN_HIDDEN);
    ok(set_attributes(f, 0));
    assert_int_equal(attributes(f), LT_WIN_HIDDEN);
    ok(set_attributes(f, LT_WIN_NORMAL | LT_WIN_SYSTEM));
    assert_int_equal(attributes(f), LT_WIN_SYSTEM);
    ok(set_attributes(f, LT_WIN_NORMAL));
    assert_int_equal(attributes(f), LT_WIN_NORMAL);
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "read_attr write_attr");
    ok(set_attributes(d, LT_WIN_HIDDEN));
    assert_int_equal(attributes(d), LT_WIN_HIDDEN | LT_WIN_DIRECTORY);
    ok(set_attributes(d, LT_WIN_NORMAL));
    assert_int_equal(attributes(d), LT_WIN_DIRECTORY);
    is(INVALID_PARAMETER, set_attributes(d, LT_WIN_TEMPORARY));
}

TEST(test_n092__end_of_file)
{
    struct nt_file *f = open_file("\\f", "create r w");
    put_bytes(f, 0, 10, 0x5a);
    ok(set_size(f, 42));
    struct kit_standard s = standard(f);
    assert_int_equal(s.size, 42);
    assert_true(s.allocation >= 42);
    assert_int_equal(s.allocation % 512, 0);
    expect_bytes(f, 0, 10, 0x5a);
    expect_bytes(f, 10, 32, 0);
    ok(set_size(f, 5));
    ok(set_size(f, 100000));
    expect_bytes(f, 0, 5, 0x5a);
    expect_bytes(f, 5, 99995, 0);
    make_dir("\\d");
    is(INVALID_PARAMETER, set_size(open_file("\\d", "list write_data"), 5));
}

/* What the older systems left in grown files: the content of others. */
TEST(test_n092__grown_files_show_nothing_of_others)
{
    struct nt_file *f = open_file("\\secret", "create r w d");
    put_bytes(f, 0, 300000, 0x5a);
    close_file(f);
    ok(remove_file("\\secret"));
    f = open_file("\\f", "create r w alloc=300000");
    ok(set_size(f, 32768));
    expect_bytes(f, 0, 32768, 0);
    put_bytes(f, 100000, 1, 1);
    expect_bytes(f, 32768, 100000 - 32768, 0);
    ok(set_size(f, 10));
    put_bytes(f, 100, 1, 1);
    expect_bytes(f, 0, 100, 0);
}

TEST(test_n093__a_smaller_allocation_truncates)
{
    struct nt_file *f = open_file("\\f", "create r w");
    put_bytes(f, 0, 10000, 7);
    ok(set_allocation(f, 4096));
    assert_int_equal(size_of(f), 4096);
    ok(set_allocation(f, 100000));
    assert_int_equal(size_of(f), 4096);
    if (!plain)
        assert_true(standard(f).allocation >= 100000);
    expect_bytes(f, 0, 4096, 7);
    ok(set_allocation(f, 0));
    assert_int_equal(size_of(f), 0);
}

TEST(test_n094__not_below_a_mapping)
{
    struct nt_file *f = open_file("\\f", "create r w");
    struct nt_section *section = NULL;
    put_bytes(f, 0, 8192, 7);
    ok(nt_section_open(f, false, &section));
    int32_t shrunk = set_size(f, 100), allocated = set_allocation(f, 100);
    int32_t grown = set_size(f, 10000);
    nt_section_close(section);
    is(USER_MAPPED_FILE, shrunk);
    is(USER_MAPPED_FILE, allocated);
    ok(grown);
    ok(set_size(f, 100));
}

TEST(test_n095__a_name_that_does_not_fit)
{
    uint8_t buf[64];
    size_t got = 0;
    make_dir("\\directory");
    make_file("\\directory\\file");
    struct nt_file *f = open_file("\\directory\\file", "");
    assert_string_equal(name_of(f), "\\directory\\file");
    memset(buf, 0xee, sizeof(buf));
    is(BUFFER_OVERFLOW, nt_query_info(f, NT_NAME_INFO, buf, 4 + 10, &got));
    assert_int_equal(got, 14);
    assert_int_equal(get_le(buf, 4), 30);
    char part[16];
    get_wide(buf + 4, 10, part, sizeof(part));
    assert_string_equal(part, "\\dire");
    assert_int_equal(buf[14], 0xee);
    is(INFO_LENGTH_MISMATCH, nt_query_info(f, NT_NAME_INFO, buf, 3, &got));
}

TEST(test_n096__names_are_as_stored)
{
    need_case_insensitive();
    make_dir("\\Directory");
    make_file("\\Directory\\File");
    struct nt_file *f = open_file("\\DIRECTORY\\file", "");
    assert_string_equal(name_of(f), "\\Directory\\File");
}

/* The label of the volume into `ret`. */
static void label(struct nt_file *f, char *ret, size_t size)
{
    uint8_t buf[256];
    size_t got = 0;
    ok(nt_query_volume(f, NT_FS_VOLUME_INFO, buf, sizeof(buf), &got));
    assert_int_equal(got, 18 + get_le(buf + 12, 4));
    assert_int_equal(get_le(buf + 8, 4), volume.serial);
    get_wide(buf + 18, got - 18, ret, size);
}

TEST(test_n097__labels)
{
    need_windows();
    char text[128];
    struct nt_file *root = open_file("\\", "a");
    ok(nt_set_label(root, "a label"));
    label(root, text, sizeof(text));
    assert_string_equal(text, "a label");
    ok(nt_set_label(root, "0123456789abcdef0123456789abcdef"));
    label(root, text, sizeof(text));
    assert_string_equal(text, "0123456789abcdef0123456789abcdef");
    ok(nt_set_label(root, "0123456789ABCDEF0123456789ABCDEF!"));
    label(root, text, sizeof(text));
    assert_string_equal(text, "0123456789ABCDEF0123456789ABCDEF");
    ok(nt_set_label(root, ""));
    label(root, text, sizeof(text));
    assert_string_equal(text, "");
}

TEST(test_n098__what_the_volume_is)
{
    uint8_t buf[256];
    char name[64];
    size_t got = 0;
    struct nt_file *root = open_file("\\", "");
    ok(nt_query_volume(root, NT_FS_ATTRIBUTE_INFO, buf, sizeof(buf), &got));
    get_wide(buf + 12, got - 12, name, sizeof(name));
    assert_string_equal(name, volume.fs_name);
    assert_int_equal(get_le(buf + 4, 4), 255);
    uint32_t attrs = (uint32_t)get_le(buf, 4);
    /* FILE_CASE_PRESERVED_NAMES, UNICODE_ON_DISK, PERSISTENT_ACLS; CASE_SENSITIVE_SEARCH. */
    assert_int_equal(attrs & 0xe, 0xe);
    assert_int_equal(attrs & 0x1, volume.name_case == LT_CASE_SENSITIVE);
    /* FILE_NAMED_STREAMS, SUPPORTS_EXTENDED_ATTRIBUTES. */
    assert_int_equal(attrs & 0x40000, plain ? 0 : 0x40000);
    assert_int_equal(attrs & 0x800000, plain ? 0 : 0x800000);
    ok(nt_query_volume(root, NT_FS_DEVICE_INFO, buf, sizeof(buf), &got));
    assert_int_equal(got, 8);
    assert_int_equal(get_le(buf, 4), 7); /* FILE_DEVICE_DISK */
}

TEST(test_n098__how_large_it_is)
{
    uint8_t buf[64];
    size_t got = 0;
    struct lt_statfs st;
    struct nt_file *root = open_file("\\", "");
    assert_int_equal(lt_fs_statfs(NULL, nt_fs(vol), &st), 0);
    ok(nt_query_volume(root, NT_FS_SIZE_INFO, buf, sizeof(buf), &got));
    assert_int_equal(got, 24);
    uint64_t unit = get_le(buf + 16, 4) * get_le(buf + 20, 4);
    assert_true(unit > 0);
    uint64_t total = get_le(buf, 8), available = get_le(buf + 8, 8);
    assert_true(total > 0);
    assert_true(available <= total);
    ok(nt_query_volume(root, NT_FS_FULL_SIZE_INFO, buf, sizeof(buf), &got));
    assert_int_equal(got, 32);
    assert_int_equal(get_le(buf, 8), total);
    assert_int_equal(get_le(buf + 24, 4) * get_le(buf + 28, 4), unit);
}

#define FSP_FSCTL_QUERY_WINFSP 0x000920fcu

TEST(test_n099__it_is_winfsp)
{
    size_t got = 0;
    struct nt_file *f = open_file("\\f", "create r w");
    ok(nt_fs_control(f, FSP_FSCTL_QUERY_WINFSP, lt_str(""), NULL, 0, &got));
    is(INVALID_DEVICE_REQUEST, nt_fs_control(f, 0x0009c040, lt_str(""), NULL, 0, &got));
}

TEST(test_n099__device_controls_of_ours_there_are_none)
{
    char buf[16];
    size_t got = 0;
    struct nt_file *f = open_file("\\f", "create r w");
    is(INVALID_DEVICE_REQUEST,
       nt_device_control(f, 0x804d0148, lt_str("hello"), buf, sizeof(buf), &got));
    is(INVALID_DEVICE_REQUEST, nt_device_control(f, 0x00070000, lt_str(""), buf, 16, &got));
}

/* The protocol has no request for links; the driver refuses both. */
TEST(test_n100__hard_links_are_not_there)
{
    uint8_t buf[256];
    size_t got = 0;
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "a");
    is(NOT_SUPPORTED, link_to(f, "\\g"));
    is(NOT_SUPPORTED, nt_query_info(f, NT_HARD_LINK_INFO, buf, sizeof(buf), &got));
    assert_false(exists("\\g"));
    is(OBJECT_NAME_NOT_FOUND, nt_query_info(f, NT_ALTERNATE_NAME_INFO, buf, sizeof(buf), &got));
}

TEST(test_info__archive_and_write_time_come_with_the_close)
{
    need_windows();
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "a");
    const uint64_t old = 0x01d0000000000000;
    ok(set_basic(f, &(struct kit_basic){.written = old, .attributes = LT_WIN_NORMAL}));
    close_file(f);
    f = open_file("\\f", "r w");
    put_text(f, 0, "modified");
    close_file(f);
    f = open_file("\\f", "");
    assert_true(basic(f).written > old);
    assert_int_equal(attributes(f), LT_WIN_ARCHIVE);
}

TEST(test_info__times_that_were_set_outlast_the_close)
{
    const uint64_t old = 0x01d0000000000000;
    struct nt_file *f = open_file("\\f", "create a");
    put_text(f, 0, "written");
    ok(set_basic(f, &(struct kit_basic){.written = old}));
    close_file(f);
    assert_int_equal(basic(open_file("\\f", "")).written, old);
}
