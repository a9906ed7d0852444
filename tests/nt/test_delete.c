// SPDX-License-Identifier: MIT
/* Deletion: N040 to N043, N045 to N055. N044 is in test_access.c. */
#include "kit.h"

#include <string.h>

enum { POSIX = LT_DISPOSITION_DELETE | LT_DISPOSITION_POSIX };

TEST(test_n040__delete_is_disposition_and_close)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "d read_attr");
    ok(dispose(f, true));
    assert_true(standard(f).delete_pending);
    is(DELETE_PENDING, try_open("\\f", ""));
    is(DELETE_PENDING, try_open("\\f", "overwrite_if r w"));
    is(OBJECT_NAME_COLLISION, try_open("\\f", "create r w")); /* of the file system, asked first */
    close_file(f);
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f", ""));
    make_file("\\f");
}

TEST(test_n040__the_name_goes_with_the_last_handle)
{
    make_text("\\f", "still there");
    struct nt_file *other = open_file("\\f", "r w");
    struct nt_file *f = open_file("\\f", "d");
    ok(dispose(f, true));
    close_file(f);
    is(DELETE_PENDING, try_open("\\f", ""));
    expect_text(other, 0, "still there");
    put_text(other, 0, "and is written");
    close_file(other);
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f", ""));
}

TEST(test_n041__full_directories_stay)
{
    make_dir("\\d");
    make_file("\\d\\f");
    is(DIRECTORY_NOT_EMPTY, remove_file("\\d"));
    ok(remove_file("\\d\\f"));
    ok(remove_file("\\d"));
    assert_false(exists("\\d"));
}

/* The driver knows names, not directories: who makes a child in time keeps it. */
TEST(test_n041__a_child_made_in_time_keeps_its_directory)
{
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "d list");
    ok(dispose(d, true));
    make_text("\\d\\f", "in time");
    close_file(d);
    expect_content("\\d\\f", "in time");
}

TEST(test_n042__twice_is_once)
{
    make_file("\\f");
    make_dir("\\d");
    ok(remove_file("\\f"));
    is(OBJECT_NAME_NOT_FOUND, remove_file("\\f"));
    ok(remove_file("\\d"));
    is(OBJECT_NAME_NOT_FOUND, remove_file("\\d"));
}

TEST(test_n043__read_only_files_stay)
{
    ok(try_open("\\f", "create r w +readonly"));
    is(CANNOT_DELETE, remove_file("\\f"));
    struct nt_file *f = open_file("\\f", "write_attr");
    ok(set_attributes(f, LT_WIN_NORMAL));
    close_file(f);
    ok(remove_file("\\f"));
    assert_false(exists("\\f"));
}

TEST(test_n045__a_disposition_taken_back)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "d read_attr");
    ok(dispose(f, true));
    ok(dispose(f, false));
    assert_false(standard(f).delete_pending);
    ok(try_open("\\f", ""));
    close_file(f);
    assert_true(exists("\\f"));
    /* By another handle than the one that said it. */
    f = open_file("\\f", "d");
    struct nt_file *other = open_file("\\f", "d");
    ok(dispose(f, true));
    ok(dispose(other, false));
    close_file(f);
    close_file(other);
    assert_true(exists("\\f"));
}

TEST(test_n046__a_mapping_outlives_its_file)
{
    make_text("\\f", "mapped");
    struct nt_file *f = open_file("\\f", "r w d");
    struct nt_section *section = NULL;
    size_t len = 0;
    ok(nt_section_open(f, false, &section));
    ok(dispose(f, true));
    close_file(f);
    assert_false(exists("\\f"));
    assert_memory_equal(nt_section_view(section, &len), "mapped", 6);
    assert_int_equal(len, 6);
    nt_section_close(section);
    assert_false(exists("\\f"));
}

TEST(test_n047__running_programs_are_not_deleted)
{
    make_text("\\f.exe", "MZ");
    struct nt_file *f = open_file("\\f.exe", "r exec");
    struct nt_section *section = NULL;
    ok(nt_section_open(f, true, &section));
    close_file(f);
    struct nt_file *d = open_file("\\f.exe", "d");
    int32_t plainly = dispose(d, true),
            posix = dispose_ex(d, POSIX | LT_DISPOSITION_FORCE_IMAGE_CHECK);
    int32_t posix_too = dispose_ex(d, POSIX);
    close_file(d);
    nt_section_close(section);
    is(CANNOT_DELETE, plainly);
    is(CANNOT_DELETE, posix);
    is(CANNOT_DELETE, posix_too);
    ok(remove_file("\\f.exe"));
}

TEST(test_n048__posix_deletion_of_read_only_files)
{
    ok(try_open("\\f", "create r w +readonly"));
    struct nt_file *f = open_file("\\f", "d");
    is(CANNOT_DELETE, dispose_ex(f, POSIX));
    is(CANNOT_DELETE, dispose_ex(f, LT_DISPOSITION_DELETE));
    ok(dispose_ex(f, POSIX | LT_DISPOSITION_IGNORE_READONLY));
    close_file(f);
    assert_false(exists("\\f"));
}

TEST(test_n049__a_posix_deleted_name_goes_with_its_handle)
{
    make_text("\\f", "content");
    struct nt_file *other = open_file("\\f", "r w");
    struct nt_file *f = open_file("\\f", "d read_attr");
    ok(dispose_ex(f, POSIX));
    assert_string_equal(list("\\", NULL), "f");
    is(DELETE_PENDING, try_open("\\f", "read_attr"));
    close_file(f);
    assert_string_equal(list("\\", NULL), "");
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f", ""));
    expect_text(other, 0, "content");
    put_text(other, 7, " and more");
    expect_text(other, 0, "content and more");
    assert_int_equal(size_of(other), 16);
    close_file(other);
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f", ""));
}

TEST(test_n050__no_further_disposition_of_what_is_gone)
{
    make_file("\\f");
    struct nt_file *other = open_file("\\f", "r d");
    struct nt_file *f = open_file("\\f", "d");
    ok(dispose_ex(f, POSIX));
    close_file(f);
    is(FILE_DELETED, dispose(other, true));
    is(FILE_DELETED, dispose(other, false));
    is(FILE_DELETED, dispose_ex(other, POSIX));
}

TEST(test_n051__image_check_only_when_there_is_an_image)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "d");
    ok(dispose_ex(f, POSIX | LT_DISPOSITION_FORCE_IMAGE_CHECK));
    close_file(f);
    assert_false(exists("\\f"));
}

TEST(test_n052__on_close_is_not_supported)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "d");
    is(NOT_SUPPORTED, dispose_ex(f, LT_DISPOSITION_DELETE | LT_DISPOSITION_ON_CLOSE));
    is(NOT_SUPPORTED, dispose_ex(f, LT_DISPOSITION_ON_CLOSE));
    close_file(f);
    assert_true(exists("\\f"));
}

/* Dagger: what NTFS does. */
TEST(test_n053__the_name_is_free_while_old_handles_live)
{
    make_text("\\f", "old");
    struct nt_file *old = open_file("\\f", "r w");
    struct nt_file *f = open_file("\\f", "d");
    ok(dispose_ex(f, POSIX));
    close_file(f);
    make_text("\\f", "new file");
    struct nt_file *new = open_file("\\f", "r");
    assert_true(index_of(new) != index_of(old));
    expect_text(old, 0, "old");
    assert_int_equal(size_of(old), 3);
    expect_text(new, 0, "new file");
    close_file(old);
    expect_content("\\f", "new file");
}

TEST(test_n054__the_root_stays)
{
    struct nt_file *root = open_file("\\", "list d");
    is(CANNOT_DELETE, dispose(root, true));
    is(CANNOT_DELETE, dispose_ex(root, POSIX));
}

/* Dagger: the rule is NTFS's. */
TEST(test_n055__children_on_their_way_out)
{
    make_dir("\\d");
    make_file("\\d\\f");
    struct nt_file *held = open_file("\\d\\f", "r");
    ok(remove_file("\\d\\f"));
    is(DIRECTORY_NOT_EMPTY, remove_file("\\d"));
    close_file(held);
    make_file("\\d\\g");
    held = open_file("\\d\\g", "r");
    struct nt_file *g = open_file("\\d\\g", "d");
    ok(dispose_ex(g, POSIX));
    close_file(g);
    ok(remove_file("\\d"));
    assert_false(exists("\\d"));
}
