// SPDX-License-Identifier: MIT
/* Reparse points and symbolic links: N112 to N115. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#define GUID_A "AAAABBBBCCCCDDDD"
#define GUID_B "0123456789abcdef"

/* The reparse data of a handle; returns its length. */
static size_t get_reparse(struct nt_file *f, uint8_t *buf, size_t size)
{
    size_t got = 0;
    ok(nt_fs_control(f, LT_FSCTL_GET_REPARSE_POINT, lt_str(""), buf, size, &got));
    return got;
}

static struct nt_file *with_reparse(const char *path, uint32_t tag, const char *guid,
                                    const char *data)
{
    struct bytes b = {.len = 0};
    struct nt_file *f = open_file(path, "create r w d reparse");
    add_reparse(&b, tag, guid, data, strlen(data));
    ok(set_reparse(f, &b));
    return f;
}

TEST(test_n112__guid_data_goes_and_comes_back)
{
    need_windows();
    uint8_t buf[256];
    struct bytes want = {.len = 0};
    add_reparse(&want, TAG_FOREIGN, GUID_A, "some data", 9);
    struct nt_file *f = with_reparse("\\f", TAG_FOREIGN, GUID_A, "some data");
    assert_int_equal(get_reparse(f, buf, sizeof(buf)), want.len);
    assert_memory_equal(buf, want.at, want.len);
    assert_int_equal(reparse_tag_of(f), TAG_FOREIGN);
    assert_true(attributes(f) & LT_WIN_REPARSE_POINT);
    close_file(f);
    f = open_file("\\f", "read_attr reparse");
    assert_int_equal(get_reparse(f, buf, sizeof(buf)), want.len);
    assert_memory_equal(buf, want.at, want.len);
}

TEST(test_n112__nfs_data_goes_and_comes_back)
{
    need_windows();
    uint8_t buf[256];
    struct bytes data = {.len = 0}, want = {.len = 0};
    add_le(&data, 0x524843, 8); /* NFS_SPECFILE_CHR */
    add_le(&data, 0x42, 4);
    add_le(&data, 0x62, 4);
    add_reparse(&want, TAG_NFS, NULL, data.at, data.len);
    struct nt_file *f = open_file("\\f", "create r w d reparse");
    ok(set_reparse(f, &want));
    assert_int_equal(get_reparse(f, buf, sizeof(buf)), want.len);
    assert_memory_equal(buf, want.at, want.len);
    assert_int_equal(reparse_tag_of(f), TAG_NFS);
    /* In place of the old ones, of the same tag. */
    add_le(&want, 0, 8);
    want.at[4] = 24;
    ok(set_reparse(f, &want));
    assert_int_equal(get_reparse(f, buf, sizeof(buf)), want.len);
    ok(delete_reparse(f, TAG_NFS, NULL));
    assert_int_equal(attributes(f) & LT_WIN_REPARSE_POINT, 0);
}

TEST(test_n112__a_buffer_too_small)
{
    need_windows();
    uint8_t buf[256];
    size_t got = 0;
    struct nt_file *f = with_reparse("\\f", TAG_FOREIGN, GUID_A, "some data");
    is(BUFFER_TOO_SMALL, nt_fs_control(f, LT_FSCTL_GET_REPARSE_POINT, lt_str(""), buf, 12, &got));
    struct nt_file *none = open_file("\\g", "create a");
    is(NOT_A_REPARSE_POINT,
       nt_fs_control(none, LT_FSCTL_GET_REPARSE_POINT, lt_str(""), buf, sizeof(buf), &got));
}

TEST(test_n113__unknown_tags_are_for_those_who_ask)
{
    need_windows();
    struct nt_create c = how("\\f", "r");
    close_file(with_reparse("\\f", TAG_FOREIGN, GUID_A, "some data"));
    is(REPARSE, try_with(c));
    assert_int_equal(information, TAG_FOREIGN);
    ok(try_open("\\f", "r reparse"));
    /* On the way too. */
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "w dir reparse");
    struct bytes b = {.len = 0};
    add_reparse(&b, TAG_FOREIGN, GUID_A, "x", 1);
    ok(set_reparse(d, &b));
    close_file(d);
    is(REPARSE, try_open("\\d\\below", "r reparse"));
}

TEST(test_n114__tags_must_match)
{
    need_windows();
    struct bytes other = {.len = 0}, third = {.len = 0}, guid = {.len = 0};
    struct nt_file *f = with_reparse("\\f", TAG_NFS, NULL, "12345678");
    add_reparse(&other, TAG_SYMLINK + 0x100, NULL, "x", 1);
    is(IO_REPARSE_TAG_MISMATCH, set_reparse(f, &other));
    is(IO_REPARSE_TAG_MISMATCH, delete_reparse(f, TAG_SYMLINK, NULL));
    ok(delete_reparse(f, TAG_NFS, NULL));
    is(NOT_A_REPARSE_POINT, delete_reparse(f, TAG_NFS, NULL));
    add_reparse(&third, TAG_FOREIGN, GUID_A, "x", 1);
    ok(set_reparse(f, &third));
    add_reparse(&guid, TAG_FOREIGN, GUID_B, "x", 1);
    is(REPARSE_ATTRIBUTE_CONFLICT, set_reparse(f, &guid));
    is(REPARSE_ATTRIBUTE_CONFLICT, delete_reparse(f, TAG_FOREIGN, GUID_B));
    ok(delete_reparse(f, TAG_FOREIGN, GUID_A));
}

TEST(test_n114__forms_of_data)
{
    need_windows();
    struct nt_file *f = open_file("\\f", "create r w d");
    struct bytes b = {.len = 0};
    add_reparse(&b, TAG_NFS, NULL, "12345678", 8);
    b.len -= 1;
    is(IO_REPARSE_DATA_INVALID, set_reparse(f, &b));
    b.len = 4;
    is(IO_REPARSE_DATA_INVALID, set_reparse(f, &b));
    for (uint32_t tag = 0; tag <= 1; tag++) { /* reserved */
        struct bytes reserved = {.len = 0};
        add_reparse(&reserved, tag, GUID_A, "x", 1);
        is(IO_REPARSE_TAG_INVALID, set_reparse(f, &reserved));
    }
    assert_int_equal(attributes(f) & LT_WIN_REPARSE_POINT, 0);
}

TEST(test_n114__directories_must_be_empty)
{
    need_windows();
    make_dir("\\d");
    make_file("\\d\\f");
    struct nt_file *d = open_file("\\d", "w dir");
    struct bytes b = {.len = 0};
    add_reparse(&b, TAG_FOREIGN, GUID_A, "x", 1);
    is(DIRECTORY_NOT_EMPTY, set_reparse(d, &b));
    ok(remove_file("\\d\\f"));
    ok(set_reparse(d, &b));
}

TEST(test_n114__needs_its_access)
{
    need_windows();
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "r");
    struct bytes b = {.len = 0};
    add_reparse(&b, TAG_FOREIGN, GUID_A, "x", 1);
    is(ACCESS_DENIED, set_reparse(f, &b));
    is(ACCESS_DENIED, delete_reparse(f, TAG_FOREIGN, GUID_A));
}

/* A plain FUSE server has links of POSIX, and nothing else of this. */
TEST(test_n114__other_reparse_data_on_plain_servers)
{
    if (!plain)
        skip();
    struct nt_file *f = open_file("\\f", "create r w d reparse");
    struct bytes b = {.len = 0};
    add_reparse(&b, TAG_FOREIGN, GUID_A, "x", 1);
    is(NOT_SUPPORTED, set_reparse(f, &b));
    assert_int_equal(attributes(f) & LT_WIN_REPARSE_POINT, 0);
}

/* ---- Symbolic links ----------------------------------------------------------------------------
 */

TEST(test_n115__links_are_followed)
{
    make_dir("\\d");
    make_dir("\\d\\sub");
    make_text("\\d\\f", "target");
    ok(make_symlink("\\absolute", "\\d\\f", true, false));
    ok(make_symlink("\\relative", "d\\f", true, false));
    ok(make_symlink("\\d\\sub\\up", "..\\f", true, false));
    ok(make_symlink("\\d\\sub\\chain", "..\\.\\sub\\..\\.\\f", true, false));
    ok(make_symlink("\\dirlink", "d", true, true));
    expect_content("\\absolute", "target");
    expect_content("\\relative", "target");
    expect_content("\\d\\sub\\up", "target");
    expect_content("\\d\\sub\\chain", "target");
    expect_content("\\dirlink\\f", "target");
    expect_content("\\dirlink\\sub\\up", "target");
    assert_string_equal(list("\\dirlink", NULL), "f,sub");
    make_text("\\dirlink\\new", "made through it");
    expect_content("\\d\\new", "made through it");
}

TEST(test_n115__links_to_links)
{
    char from[16], to[16];
    make_text("\\l0", "the end");
    for (int i = 1; i <= 20; i++) {
        snprintf(from, sizeof(from), "\\l%d", i);
        snprintf(to, sizeof(to), "l%d", i - 1);
        ok(make_symlink(from, to, true, false));
    }
    expect_content("\\l20", "the end");
}

TEST(test_n115__a_loop_ends)
{
    ok(make_symlink("\\a", "b", true, false));
    ok(make_symlink("\\b", "a", true, false));
    ok(make_symlink("\\self", "self", true, true));
    assert_true(try_open("\\a", "r") < 0);
    assert_true(try_open("\\self", "r") < 0);
    assert_true(try_open("\\self\\f", "r") < 0);
    ok(try_open("\\a", "read_attr reparse"));
}

TEST(test_n115__links_to_nothing)
{
    ok(make_symlink("\\l", "none", true, false));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\l", "r"));
    ok(try_open("\\l", "read_attr reparse"));
    ok(make_symlink("\\m", "none\\deeper", true, false));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\m", "r"));
}

TEST(test_n115__deleting_a_link_leaves_its_target)
{
    make_text("\\f", "target");
    make_dir("\\d");
    make_file("\\d\\f");
    ok(make_symlink("\\l", "f", true, false));
    ok(make_symlink("\\dl", "d", true, true));
    ok(remove_file("\\l"));
    ok(remove_file("\\dl"));
    assert_string_equal(list("\\", NULL), "d,f");
    expect_content("\\f", "target");
    assert_true(exists("\\d\\f"));
}

TEST(test_n115__the_link_itself)
{
    uint8_t buf[512];
    char target[64];
    make_file("\\f");
    ok(make_symlink("\\l", "f", true, false));
    struct nt_file *l = open_file("\\l", "read_attr reparse");
    assert_int_equal(reparse_tag_of(l), TAG_SYMLINK);
    assert_true(attributes(l) & LT_WIN_REPARSE_POINT);
    size_t got = get_reparse(l, buf, sizeof(buf));
    assert_true(got >= 20);
    assert_int_equal(get_le(buf, 4), TAG_SYMLINK);
    assert_int_equal(get_le(buf + 16, 4) & 1, 1); /* SYMLINK_FLAG_RELATIVE */
    get_wide(buf + 20 + get_le(buf + 8, 2), get_le(buf + 10, 2), target, sizeof(target));
    assert_string_equal(target, "f");
}

TEST(test_n115__listings_show_links_as_such)
{
    uint8_t buf[1024];
    size_t got = 0;
    make_file("\\f");
    ok(make_symlink("\\l", "f", true, false));
    struct nt_file *root = open_file("\\", "list");
    ok(nt_query_dir(root, NT_FULL_DIRECTORY_INFO, "l", true, true, buf, sizeof(buf), &got));
    assert_string_equal(names_in(buf, got, NT_FULL_DIRECTORY_INFO), "l");
    assert_true(get_le(buf + 56, 4) & LT_WIN_REPARSE_POINT);
    assert_int_equal(get_le(buf + 64, 4), TAG_SYMLINK); /* in the place of the size of its EAs */
}

/* What leaves the volume is not ours to follow. */
TEST(test_n115__links_to_other_volumes)
{
    need_windows();
    ok(make_symlink("\\l", "\\??\\C:\\elsewhere", false, false));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\l", "r"));
    ok(try_open("\\l", "read_attr reparse"));
    /* And this one comes back to it. */
    make_dir("\\d");
    make_text("\\d\\f", "target");
    ok(make_symlink("\\m", NT_DRIVE "\\d\\f", false, false));
    expect_content("\\m", "target");
}

/* A link that Linux made, seen from here; and the other way. */
TEST(test_n115__links_are_those_of_posix)
{
    struct lt_fs *fs = nt_fs(vol);
    struct lt_create spec = {.mode = LT_S_IFLNK | 0777, .target = lt_str("d/f")};
    struct lt_entry entry = {0};
    make_dir("\\d");
    make_text("\\d\\f", "target");
    assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_str("posix"), &spec, &entry), 0);
    lt_node_put(entry.node);
    expect_content("\\posix", "target");
    assert_int_equal(reparse_tag_of(open_file("\\posix", "read_attr reparse")), TAG_SYMLINK);
    ok(make_symlink("\\windows", "d\\f", true, false));
    char target[64] = "";
    assert_int_equal(lt_node_lookup(NULL, lt_fs_root(fs), lt_str("windows"), &entry), 0);
    int len = lt_node_readlink(NULL, entry.node, target, sizeof(target));
    lt_node_put(entry.node);
    if (plain) {
        assert_int_equal(len, 3);
        assert_memory_equal(target, "d/f", 3);
    } else {
        assert_int_equal(len, LT_EINVAL); /* stored as what it is to Windows */
    }
}
