// SPDX-License-Identifier: MIT
/* Dispositions and what they meet: N001 to N011, N019 to N025. */
#include "kit.h"

TEST(test_n001__create_over_a_file_collides)
{
    make_text("\\f", "kept");
    is(OBJECT_NAME_COLLISION, try_open("\\f", "create r w"));
    is(OBJECT_NAME_COLLISION, try_open("\\f", "create r w file"));
    expect_content("\\f", "kept");
}

TEST(test_n002__making_a_directory_over_anything_collides)
{
    make_file("\\f");
    make_dir("\\d");
    is(OBJECT_NAME_COLLISION, try_open("\\f", "create list dir"));
    is(OBJECT_NAME_COLLISION, try_open("\\d", "create list dir"));
}

TEST(test_n003__open_if_says_which_it_was)
{
    make_file("\\f");
    make_dir("\\d");
    ok(try_open("\\f", "open_if r w"));
    assert_int_equal(information, LT_FILE_OPENED);
    ok(try_open("\\d", "open_if r"));
    assert_int_equal(information, LT_FILE_OPENED);
    ok(try_open("\\new", "open_if r w"));
    assert_int_equal(information, LT_FILE_CREATED);
    ok(try_open("\\newdir", "open_if r dir"));
    assert_int_equal(information, LT_FILE_CREATED);
    assert_true(standard(open_file("\\newdir", "")).is_dir);
    assert_false(standard(open_file("\\new", "")).is_dir);
}

TEST(test_n004__missing_name_and_missing_path_differ)
{
    is(OBJECT_NAME_NOT_FOUND, try_open("\\none", "r"));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\none\\f", "r"));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\none\\f", "create r w"));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\none\\d", "create list dir"));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\none\\f", "open_if r w"));
    is(OBJECT_PATH_NOT_FOUND, try_open("\\none\\deeper\\f", "r"));
}

TEST(test_n005__overwrite_and_supersede)
{
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f", "overwrite r w"));
    assert_false(exists("\\f"));
    ok(try_open("\\f", "overwrite_if r w"));
    assert_int_equal(information, LT_FILE_CREATED);
    ok(try_open("\\g", "supersede r w"));
    assert_int_equal(information, LT_FILE_CREATED);

    make_text("\\old", "old content");
    ok(try_open("\\old", "overwrite_if r w"));
    assert_int_equal(information, LT_FILE_OVERWRITTEN);
    expect_content("\\old", "");
    make_text("\\older", "old content");
    ok(try_open("\\older", "overwrite r w"));
    assert_int_equal(information, LT_FILE_OVERWRITTEN);
    expect_content("\\older", "");
    make_text("\\oldest", "old content");
    ok(try_open("\\oldest", "supersede r w d"));
    assert_int_equal(information, LT_FILE_SUPERSEDED);
    expect_content("\\oldest", "");
}

TEST(test_n005__overwrite_takes_the_allocation_asked_for)
{
    need_windows();
    make_text("\\f", "old content");
    struct nt_file *f = open_file("\\f", "overwrite r w alloc=65536");
    assert_int_equal(standard(f).size, 0);
    assert_int_equal(standard(f).allocation, 65536);
}

TEST(test_n006__directory_option_on_a_file)
{
    make_file("\\f");
    is(NOT_A_DIRECTORY, try_open("\\f", "list dir"));
    is(NOT_A_DIRECTORY, try_open("\\f", "open_if list dir"));
}

TEST(test_n007__non_directory_option_on_a_directory)
{
    make_dir("\\d");
    is(FILE_IS_A_DIRECTORY, try_open("\\d", "r file"));
    is(FILE_IS_A_DIRECTORY, try_open("\\d", "open_if r file"));
    is(FILE_IS_A_DIRECTORY, try_open("\\", "r file"));
}

TEST(test_n008__both_options_are_invalid)
{
    make_file("\\f");
    is(INVALID_PARAMETER, try_open("\\f", "r dir file"));
    is(INVALID_PARAMETER, try_open("\\new", "create r dir file"));
    assert_false(exists("\\new"));
}

TEST(test_n009__create_over_a_directory)
{
    make_dir("\\d");
    is(FILE_IS_A_DIRECTORY, try_open("\\d", "create r w file"));
    is(OBJECT_NAME_COLLISION, try_open("\\d", "create r w"));
}

/* NTFS says OBJECT_PATH_NOT_FOUND (N010, dagger); we do as the library of WinFsp does. */
TEST(test_n010__create_below_a_file)
{
    make_file("\\f");
    is(NOT_A_DIRECTORY, try_open("\\f\\below", "create r w"));
    become(ALICE, 0);
    is(OBJECT_PATH_NOT_FOUND, try_open("\\f\\deep\\below", "create r w"));
}

TEST(test_n010__denied_parent_comes_before_what_it_is)
{
    need_windows();
    struct nt_create c = how("\\f", "create r w");
    c.security = sd("O:SYG:SYD:P(A;;FR;;;WD)");
    ok(try_with(c));
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, try_open("\\f\\below", "create r w"));
}

TEST(test_n011__the_root_is_never_made_or_emptied)
{
    make_file("\\f");
    is(ACCESS_DENIED, try_open("\\", "create r"));
    is(ACCESS_DENIED, try_open("\\", "overwrite r w"));
    is(ACCESS_DENIED, try_open("\\", "overwrite_if r w"));
    is(ACCESS_DENIED, try_open("\\", "supersede r w"));
    ok(try_open("\\", "open_if r"));
    assert_true(exists("\\f"));
}

/* Daggers: WinFsp lets the first through to the file system; the second is the I/O manager's. */
TEST(test_n011__a_directory_is_never_overwritten)
{
    make_dir("\\d");
    make_file("\\d\\f");
    is(FILE_IS_A_DIRECTORY, try_open("\\d", "overwrite r w"));
    is(FILE_IS_A_DIRECTORY, try_open("\\d", "overwrite_if r w"));
    is(FILE_IS_A_DIRECTORY, try_open("\\d", "supersede r w d"));
    is(INVALID_PARAMETER, try_open("\\d", "overwrite r w dir"));
    is(INVALID_PARAMETER, try_open("\\d", "overwrite_if r w dir"));
    is(INVALID_PARAMETER, try_open("\\d", "supersede r w d dir"));
    assert_true(exists("\\d\\f"));
}

/* ---- Attributes ------------------------------------------------------------------------------ */

static uint32_t made_with(const char *path, const char *words)
{
    struct nt_file *f = open_file(path, words);
    uint32_t ret = attributes(f);
    close_file(f);
    return ret;
}

TEST(test_n019__new_files_get_archive)
{
    need_windows();
    assert_int_equal(made_with("\\a", "create r w"), LT_WIN_ARCHIVE);
    assert_int_equal(made_with("\\b", "create r w +normal"), LT_WIN_ARCHIVE);
    assert_int_equal(made_with("\\c", "create r w +readonly"), LT_WIN_READONLY | LT_WIN_ARCHIVE);
    assert_int_equal(made_with("\\d", "create r w +hidden +system"),
                     LT_WIN_HIDDEN | LT_WIN_SYSTEM | LT_WIN_ARCHIVE);
    assert_int_equal(made_with("\\e", "open_if r w +hidden"), LT_WIN_HIDDEN | LT_WIN_ARCHIVE);
    assert_int_equal(made_with("\\dir", "create list dir +hidden"),
                     LT_WIN_HIDDEN | LT_WIN_DIRECTORY);
}

TEST(test_n019__attributes_of_what_cannot_be_asked_for_are_ignored)
{
    need_windows();
    assert_int_equal(made_with("\\f", "create r w +directory"), LT_WIN_ARCHIVE);
    assert_false(standard(open_file("\\f", "")).is_dir);
    assert_int_equal(made_with("\\d", "create list dir +normal"), LT_WIN_DIRECTORY);
}

TEST(test_n020__overwriting_keeps_no_old_attributes)
{
    need_windows();
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "write_attr read_attr");
    ok(set_attributes(f, LT_WIN_NOT_INDEXED));
    close_file(f);
    assert_int_equal(made_with("\\f", "overwrite_if r w +hidden"), LT_WIN_HIDDEN | LT_WIN_ARCHIVE);
    is(ACCESS_DENIED, try_open("\\f", "overwrite_if r w"));
    is(ACCESS_DENIED, try_open("\\f", "overwrite_if r w +system"));
    assert_int_equal(made_with("\\f", "overwrite r w +hidden +system"),
                     LT_WIN_HIDDEN | LT_WIN_SYSTEM | LT_WIN_ARCHIVE);
    is(ACCESS_DENIED, try_open("\\f", "overwrite r w +hidden"));
    is(ACCESS_DENIED, try_open("\\f", "supersede r w d +system"));
    assert_int_equal(made_with("\\f", "supersede r w d +hidden +system +temporary"),
                     LT_WIN_HIDDEN | LT_WIN_SYSTEM | LT_WIN_TEMPORARY | LT_WIN_ARCHIVE);
}

TEST(test_n020__a_refused_overwrite_empties_nothing)
{
    need_windows();
    struct nt_file *f = open_file("\\f", "create r w +hidden");
    put_text(f, 0, "kept");
    close_file(f);
    is(ACCESS_DENIED, try_open("\\f", "overwrite_if r w"));
    expect_content("\\f", "kept");
}

TEST(test_n021__overwriting_a_read_only_file_is_denied)
{
    struct nt_file *f = open_file("\\f", "create r w +readonly");
    put_text(f, 0, "kept");
    close_file(f);
    is(ACCESS_DENIED, try_open("\\f", "overwrite_if r w"));
    is(ACCESS_DENIED, try_open("\\f", "overwrite r w +readonly"));
    is(ACCESS_DENIED, try_open("\\f", "supersede r w d"));
    expect_content("\\f", "kept");
}

TEST(test_n022__read_only_directories_take_children_and_stay)
{
    need_windows();
    ok(try_open("\\d", "create list dir +readonly"));
    make_file("\\d\\f");
    make_dir("\\d\\sub");
    ok(try_open("\\d", "list write_data append dir"));
    ok(remove_file("\\d\\f"));
    ok(remove_file("\\d\\sub"));
    is(CANNOT_DELETE, remove_file("\\d"));
    assert_true(exists("\\d"));
}

TEST(test_n023__allocation_ahead_lasts_until_the_last_close)
{
    need_windows();
    struct nt_file *f = open_file("\\f", "create r w alloc=65536");
    assert_int_equal(standard(f).allocation, 65536);
    assert_int_equal(standard(f).size, 0);
    struct nt_file *other = open_file("\\f", "");
    assert_int_equal(standard(other).allocation, 65536);
    close_file(f);
    close_file(other);
    assert_int_equal(standard(open_file("\\f", "")).allocation, 0);
}

TEST(test_n023__allocation_of_more_than_there_is_makes_nothing)
{
    struct nt_create c = how("\\f", "create r w");
    c.allocation = UINT64_C(1) << 60;
    is(DISK_FULL, try_with(c));
    assert_false(exists("\\f"));
}

TEST(test_n024__read_only_files)
{
    is(CANNOT_DELETE, try_open("\\f", "create r w d doc +readonly"));
    assert_false(exists("\\f"));
    /* The creating handle itself may write. */
    struct nt_file *f = open_file("\\f", "create r w +readonly");
    put_text(f, 0, "written");
    close_file(f);
    is(ACCESS_DENIED, try_open("\\f", "w"));
    is(ACCESS_DENIED, try_open("\\f", "write_data"));
    is(ACCESS_DENIED, try_open("\\f", "append"));
    is(CANNOT_DELETE, try_open("\\f", "d doc"));
    ok(try_open("\\f", "r"));
    ok(try_open("\\f", "write_attr"));
    struct nt_file *most = open_file("\\f", "max");
    assert_int_equal(access_of(most) & (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA), 0);
    assert_true(access_of(most) & LT_FILE_READ_DATA);
    expect_content("\\f", "written");
}

TEST(test_n025__delete_on_close_of_root_and_full_directories)
{
    is(CANNOT_DELETE, try_open("\\", "list d dir doc"));
    make_dir("\\d");
    make_file("\\d\\f");
    ok(try_open("\\d", "list d dir doc"));
    assert_true(exists("\\d\\f"));
    ok(remove_file("\\d\\f"));
    ok(try_open("\\d", "list d dir doc"));
    assert_false(exists("\\d"));
}

TEST(test_n025__delete_on_close_of_files)
{
    struct nt_file *f = open_file("\\f", "create r w d doc");
    put_text(f, 0, "short-lived");
    struct nt_file *other = open_file("\\f", "r");
    close_file(f);
    expect_text(other, 0, "short-lived");
    is(DELETE_PENDING, try_open("\\f", "r"));
    close_file(other);
    assert_false(exists("\\f"));
}
