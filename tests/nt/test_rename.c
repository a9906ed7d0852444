// SPDX-License-Identifier: MIT
/* Renaming: N071 to N088. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

enum { REPLACE_POSIX = LT_RENAME_REPLACE | LT_RENAME_POSIX };

TEST(test_n071__an_existing_target_collides)
{
    make_text("\\a", "A");
    make_text("\\b", "B");
    make_dir("\\d");
    is(OBJECT_NAME_COLLISION, move("\\a", "\\b", false));
    is(OBJECT_NAME_COLLISION, move("\\a", "\\d", false));
    is(OBJECT_NAME_COLLISION, move("\\d", "\\a", false));
    expect_content("\\a", "A");
    expect_content("\\b", "B");
}

TEST(test_n072__replacing_a_file)
{
    make_text("\\a", "A");
    make_text("\\b", "B");
    ok(move("\\a", "\\b", true));
    expect_content("\\b", "A");
    assert_false(exists("\\a"));
}

TEST(test_n072__the_handle_follows)
{
    make_dir("\\d");
    make_text("\\a", "A");
    struct nt_file *a = open_file("\\a", "r w d");
    ok(rename_to(a, "\\d\\b", false));
    if (!plain || volume.name_case == LT_CASE_SENSITIVE)
        assert_string_equal(name_of(a), "\\d\\b");
    put_text(a, 0, "written");
    ok(rename_to(a, "\\c", false));
    put_text(a, 7, " twice");
    close_file(a);
    expect_content("\\c", "written twice");
    assert_string_equal(list("\\d", NULL), "");
}

TEST(test_n073__a_directory_is_not_replaced)
{
    make_file("\\f");
    make_dir("\\a");
    make_dir("\\b");
    is(ACCESS_DENIED, move("\\f", "\\a", true));
    is(ACCESS_DENIED, move("\\a", "\\b", true));
    assert_true(exists("\\a"));
    assert_true(exists("\\f"));
}

TEST(test_n074__what_is_open_below_holds_a_directory)
{
    make_dir("\\d");
    make_dir("\\d\\sub");
    make_file("\\d\\sub\\f");
    struct nt_file *f = open_file("\\d\\sub\\f", "r");
    is(ACCESS_DENIED, move("\\d", "\\e", false));
    close_file(f);
    ok(move("\\d", "\\e", false));
    assert_true(exists("\\e\\sub\\f"));
    assert_false(exists("\\d"));
}

TEST(test_n075__an_open_target_is_not_replaced)
{
    make_text("\\a", "A");
    make_text("\\b", "B");
    struct nt_file *b = open_file("\\b", "r");
    is(ACCESS_DENIED, move("\\a", "\\b", true));
    close_file(b);
    ok(move("\\a", "\\b", true));
    expect_content("\\b", "A");
}

TEST(test_n076__posix_replaces_an_open_target_that_shares_delete)
{
    make_text("\\a", "A");
    make_text("\\b", "B");
    struct nt_file *a = open_file("\\a", "d");
    struct nt_file *b = open_file("\\b", "r share=rw");
    is(SHARING_VIOLATION, rename_ex(a, "\\b", REPLACE_POSIX));
    close_file(b);
    b = open_file("\\b", "r share=rwd");
    struct nt_file *attr = open_file("\\b", "read_attr share=");
    ok(rename_ex(a, "\\b", REPLACE_POSIX));
    expect_text(b, 0, "B");
    close_file(attr);
    close_file(b);
    close_file(a);
    expect_content("\\b", "A");
    assert_false(exists("\\a"));
}

TEST(test_n077__what_is_posix_deleted_is_not_renamed)
{
    make_file("\\f");
    struct nt_file *other = open_file("\\f", "d");
    struct nt_file *f = open_file("\\f", "d");
    ok(dispose_ex(f, LT_DISPOSITION_DELETE | LT_DISPOSITION_POSIX));
    close_file(f);
    is(ACCESS_DENIED, rename_ex(other, "\\g", LT_RENAME_POSIX));
    is(ACCESS_DENIED, rename_ex(other, "\\g", REPLACE_POSIX));
    assert_false(exists("\\g"));
}

TEST(test_n078__another_handle_for_attributes)
{
    make_file("\\f");
    struct nt_file *attr = open_file("\\f", "read_attr");
    ok(move("\\f", "\\g", false));
    assert_true(exists("\\g"));
    assert_int_equal(index_of(attr), index_of(open_file("\\g", "")));
}

TEST(test_n079__trailing_backslash_of_the_new_name)
{
    make_dir("\\d");
    ok(move("\\d", "\\e\\", false));
    assert_true(exists("\\e"));
}

TEST(test_n080__case_alone)
{
    make_dir("\\d");
    make_text("\\d\\name", "content");
    ok(move("\\d\\name", "\\d\\NAME", false));
    assert_string_equal(list("\\d", NULL), "NAME");
    expect_content("\\d\\NAME", "content");
    ok(move("\\d", "\\D", true));
    assert_string_equal(list("\\", NULL), "D");
    assert_true(exists("\\D\\NAME"));
}

TEST(test_n081__the_same_name)
{
    make_text("\\f", "content");
    make_dir("\\d");
    ok(move("\\f", "\\f", false));
    ok(move("\\f", "\\f", true));
    ok(move("\\d", "\\d", false));
    expect_content("\\f", "content");
}

TEST(test_n082__back_and_forth_with_a_mapping)
{
    make_text("\\a", "mapped content");
    struct nt_file *a = open_file("\\a", "r w");
    struct nt_section *section = NULL;
    size_t len = 0;
    ok(nt_section_open(a, false, &section));
    close_file(a);
    for (int i = 0; i < 10; i++)
        ok(move(i % 2 ? "\\b" : "\\a", i % 2 ? "\\a" : "\\b", false));
    assert_memory_equal(nt_section_view(section, &len), "mapped content", 14);
    nt_section_close(section);
    expect_content("\\a", "mapped content");
}

TEST(test_n083__mapped_targets_and_running_programs)
{
    make_text("\\a", "A");
    make_text("\\b", "B");
    struct nt_section *data = NULL, *image = NULL;
    struct nt_file *f = open_file("\\b", "r");
    ok(nt_section_open(f, false, &data));
    close_file(f);
    int32_t replaced = move("\\a", "\\b", true);
    nt_section_close(data);
    ok(replaced);
    expect_content("\\b", "A");

    make_text("\\run.exe", "MZ");
    make_text("\\c", "C");
    f = open_file("\\run.exe", "r exec");
    ok(nt_section_open(f, true, &image));
    close_file(f);
    replaced = move("\\c", "\\run.exe", true);
    int32_t moved = move("\\run.exe", "\\renamed.exe", false);
    nt_section_close(image);
    is(ACCESS_DENIED, replaced);
    ok(moved);
    expect_content("\\renamed.exe", "MZ");
}

TEST(test_n084__read_only_targets)
{
    make_text("\\a", "A");
    ok(try_open("\\b", "create r w +readonly"));
    is(CANNOT_DELETE, move("\\a", "\\b", true));
    struct nt_file *a = open_file("\\a", "d");
    is(CANNOT_DELETE, rename_ex(a, "\\b", LT_RENAME_REPLACE));
    is(CANNOT_DELETE, rename_ex(a, "\\b", REPLACE_POSIX));
    ok(rename_ex(a, "\\b", REPLACE_POSIX | LT_RENAME_IGNORE_READONLY));
    close_file(a);
    expect_content("\\b", "A");
}

TEST(test_n084__read_only_sources_move)
{
    ok(try_open("\\a", "create r w +readonly"));
    ok(move("\\a", "\\b", false));
    assert_true(exists("\\b"));
}

TEST(test_n085__into_a_missing_directory)
{
    make_file("\\f");
    is(OBJECT_PATH_NOT_FOUND, move("\\f", "\\none\\f", false));
    is(OBJECT_PATH_NOT_FOUND, move("\\f", "\\none\\deeper\\f", true));
    assert_true(exists("\\f"));
}

TEST(test_n085__bad_names)
{
    make_file("\\f");
    is(OBJECT_NAME_INVALID, move("\\f", "\\a*b", false));
    is(OBJECT_NAME_INVALID, move("\\f", "\\a\\\\b", false));
    assert_true(exists("\\f"));
}

TEST(test_n086__to_another_volume)
{
    struct lt_fs *fs = NULL;
    struct nt_volume *other = NULL;
    struct nt_options options = {.check_every = true};
    struct nt_create c = how("\\", "list sync");
    struct nt_file *there = NULL;
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "d");
    lt_winfsp_options_init(&options.winfsp);
    assert_int_equal(lt_open_fs("mem:", &fs, NULL), 0);
    assert_int_equal(nt_mount(fs, &options, &other), 0);
    ok(nt_create(other, &c, &there));
    int32_t status = rename_at(f, there, "f", false);
    ok(nt_close(there));
    assert_int_equal(nt_unmount(other), 0);
    assert_int_equal(lt_fs_close(fs), 0);
    is(NOT_SAME_DEVICE, status);
    close_file(f);
    assert_true(exists("\\f"));
}

TEST(test_n086__relative_to_a_handle)
{
    make_dir("\\d");
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "d"), *d = open_file("\\d", "list");
    ok(rename_at(f, d, "g", false));
    close_file(f);
    assert_true(exists("\\d\\g"));
    /* Without a directory and without a backslash: within its own. */
    f = open_file("\\d\\g", "d");
    ok(rename_to(f, "h", false));
    close_file(f);
    assert_string_equal(list("\\d", NULL), "h");
}

TEST(test_n087__the_root_has_no_name)
{
    struct nt_file *root = open_file("\\", "list d");
    is(INVALID_PARAMETER, rename_to(root, "\\r", false));
    is(INVALID_PARAMETER, rename_ex(root, "\\r", LT_RENAME_POSIX));
}

/* Dagger: the status is our choice, POSIX says EINVAL. Directly below itself it does not get that
 * far: the I/O manager opens the target's directory without sharing DELETE. */
TEST(test_n088__a_directory_into_itself)
{
    make_dir("\\d");
    make_dir("\\d\\sub");
    is(SHARING_VIOLATION, move("\\d", "\\d\\e", false));
    is(INVALID_PARAMETER, move("\\d", "\\d\\sub\\e", false));
    assert_true(exists("\\d\\sub"));
}

TEST(test_rename__needs_delete_access)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "r w");
    is(ACCESS_DENIED, rename_to(f, "\\g", false));
    close_file(f);
    assert_true(exists("\\f"));
}

TEST(test_rename__needs_the_right_to_add_to_the_target)
{
    need_windows();
    struct nt_create c = how("\\d", "create list dir");
    c.security = sd("O:SYG:SYD:P(A;;FA;;;SY)(A;;FRFX;;;WD)");
    ok(try_with(c));
    make_file("\\f");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, move("\\f", "\\d\\f", false));
    ok(move("\\f", "\\g", false));
}
