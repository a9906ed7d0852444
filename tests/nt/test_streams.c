// SPDX-License-Identifier: MIT
/* Named streams: N056 to N070. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

TEST(test_n056__a_stream_makes_its_file)
{
    if (plain) {
        is(OBJECT_NAME_INVALID, try_open("\\f:s", "create r w"));
        assert_false(exists("\\f"));
        return;
    }
    make_text("\\f:s", "in the stream");
    struct nt_file *f = open_file("\\f", "r");
    assert_int_equal(size_of(f), 0);
    expect_content("\\f:s", "in the stream");
    assert_string_equal(streams_of(f), "::$DATA=0,:s:$DATA=13");
    make_file("\\f:other");
    is(OBJECT_NAME_COLLISION, try_open("\\f:s", "create r w"));
    expect_content("\\f:S", "in the stream"); /* names of streams are compared without case */
}

TEST(test_n057__a_missing_stream)
{
    need_windows();
    make_file("\\f");
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:s", "r"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\none:s", "r"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:s", "overwrite r w"));
    assert_false(exists("\\none"));
    assert_string_equal(streams_of(open_file("\\f", "r")), "::$DATA=0");
}

TEST(test_n058__forms_of_names)
{
    need_windows();
    make_text("\\f", "main");
    make_text("\\f:s", "stream");
    expect_content("\\f::$DATA", "main");
    expect_content("\\f:s:$DATA", "stream");
    expect_content("\\f:s:$data", "stream");
    is(OBJECT_NAME_INVALID, try_open("\\f:", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\f:s:", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\f:s:$NONEXISTANTATTR", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\f:s:$DATA:", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\f:s\\", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\f:new\\", "create r w"));
}

TEST(test_n059__streams_of_directories)
{
    need_windows();
    make_dir("\\d");
    is(NOT_A_DIRECTORY, try_open("\\d:s", "create list dir"));
    make_text("\\d:s", "of a directory");
    expect_content("\\d:s", "of a directory");
    struct nt_file *d = open_file("\\d", "r");
    assert_string_equal(streams_of(d), ":s:$DATA=14");
    close_file(d);
    is(NOT_A_DIRECTORY, try_open("\\d:s", "list dir"));
    ok(remove_file("\\d")); /* they do not make it full */
    assert_false(exists("\\d"));
}

TEST(test_n060__deleting_one_leaves_the_other)
{
    need_windows();
    make_text("\\f", "main");
    make_text("\\f:s", "stream");
    ok(remove_file("\\f:s"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:s", "r"));
    expect_content("\\f", "main");
    make_text("\\f:s", "stream");
    ok(remove_file("\\f"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:s", "r"));
    make_file("\\f");
    assert_string_equal(streams_of(open_file("\\f", "r")), "::$DATA=0");
}

TEST(test_n060__a_file_on_its_way_out_opens_no_streams)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *f = open_file("\\f", "d");
    ok(dispose(f, true));
    is(DELETE_PENDING, try_open("\\f:s", "r"));
    is(DELETE_PENDING, try_open("\\f:new", "create r w"));
    ok(dispose(f, false));
    ok(try_open("\\f:s", "r"));
}

TEST(test_n060__a_stream_on_its_way_out)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *s = open_file("\\f:s", "r d");
    ok(dispose(s, true));
    is(DELETE_PENDING, try_open("\\f:s", "r"));
    ok(try_open("\\f", "r"));
    close_file(s);
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:s", "r"));
}

TEST(test_n061__main_with_delete_and_streams_that_do_not_share_it)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *f = open_file("\\f", "d");
    is(SHARING_VIOLATION, try_open("\\f:s", "r share=rw"));
    ok(try_open("\\f:s", "r share=rwd"));
    close_file(f);
    ok(try_open("\\f:s", "r share=rw"));
}

TEST(test_n062__a_stream_that_does_not_share_delete)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *s = open_file("\\f:s", "r share=rw");
    is(SHARING_VIOLATION, try_open("\\f", "d"));
    ok(try_open("\\f", "r w"));
    close_file(s);
    s = open_file("\\f:s", "r share=rwd");
    ok(try_open("\\f", "d"));
    close_file(s);
}

TEST(test_n063__data_of_main_and_stream_do_not_meet)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *f = open_file("\\f", "r w share=");
    struct nt_file *s = open_file("\\f:s", "r w share=d");
    is(SHARING_VIOLATION, try_open("\\f", "r"));
    is(SHARING_VIOLATION, try_open("\\f:s", "r"));
    put_text(f, 0, "main");
    put_text(s, 0, "stream");
    expect_text(f, 0, "main");
    expect_text(s, 0, "stream");
}

/* Dagger: derived from the rules of N075 and N074. */
TEST(test_n064__an_open_stream_is_an_open_handle)
{
    need_windows();
    make_file("\\target:s");
    make_file("\\f");
    make_dir("\\d");
    make_file("\\d\\f:s");
    struct nt_file *s = open_file("\\target:s", "r");
    is(ACCESS_DENIED, move("\\f", "\\target", true));
    close_file(s);
    s = open_file("\\d\\f:s", "r");
    is(ACCESS_DENIED, move("\\d", "\\e", false));
    close_file(s);
    ok(move("\\f", "\\target", true));
    ok(move("\\d", "\\e", false));
    assert_true(exists("\\e\\f:s"));
}

TEST(test_n065__overwriting_removes_streams)
{
    need_windows();
    make_text("\\f", "main");
    make_text("\\f:a", "a");
    make_text("\\f:b", "b");
    ok(try_open("\\f", "overwrite_if r w"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:a", "r"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:b", "r"));
}

TEST(test_n065__an_open_stream_survives_for_its_handles)
{
    need_windows();
    make_text("\\f:a", "still mine");
    make_text("\\f:b", "b");
    struct nt_file *a = open_file("\\f:a", "r");
    ok(try_open("\\f", "overwrite_if r w"));
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:b", "r"));
    is(DELETE_PENDING, try_open("\\f:a", "r"));
    expect_text(a, 0, "still mine");
    close_file(a);
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:a", "r"));
    make_file("\\f:a");
}

TEST(test_n066__a_stream_has_the_descriptor_of_its_file)
{
    need_windows();
    const char *first = "D:P(A;;FA;;;SY)(A;;FR;;;BU)", *second = "D:P(A;;FA;;;SY)(A;;FX;;;BU)";
    struct nt_create c = how("\\f", "create r w");
    c.security = sd(first);
    ok(try_with(c));
    c = how("\\f:s", "create r w");
    c.security = sd(second);
    ok(try_with(c));
    struct nt_file *f = open_file("\\f", "a"), *s = open_file("\\f:s", "a");
    assert_string_equal(sddl_of(s, LT_DACL_SECURITY), first);
    ok(set_sd(s, LT_DACL_SECURITY, second));
    assert_string_equal(sddl_of(f, LT_DACL_SECURITY), second);
    ok(set_sd(f, LT_DACL_SECURITY, first));
    assert_string_equal(sddl_of(s, LT_DACL_SECURITY), first);
}

TEST(test_n067__attributes_and_times_are_shared_sizes_are_not)
{
    need_windows();
    make_text("\\f", "main");
    make_text("\\f:s", "the stream");
    struct nt_file *f = open_file("\\f", "a"), *s = open_file("\\f:s", "a");
    struct kit_basic to = {.created = 0x01d0000000000000,
                           .written = 0x01d0000000000001,
                           .accessed = 0x01d0000000000002,
                           .attributes = LT_WIN_HIDDEN};
    ok(set_basic(s, &to));
    struct kit_basic b = basic(f);
    assert_int_equal(b.created, to.created);
    assert_int_equal(b.written, to.written);
    assert_int_equal(b.accessed, to.accessed);
    assert_int_equal(b.attributes, LT_WIN_HIDDEN);
    ok(set_attributes(f, LT_WIN_SYSTEM));
    assert_int_equal(attributes(s), LT_WIN_SYSTEM);
    assert_int_equal(index_of(f), index_of(s));
    assert_int_equal(size_of(f), 4);
    assert_int_equal(size_of(s), 10);
    ok(set_size(s, 3));
    assert_int_equal(size_of(f), 4);
    expect_text(s, 0, "the");
}

TEST(test_n067__a_stream_of_a_directory_is_none)
{
    need_windows();
    make_dir("\\d");
    make_file("\\d:s");
    struct nt_file *s = open_file("\\d:s", "a");
    assert_false(standard(s).is_dir);
    assert_int_equal(attributes(s) & LT_WIN_DIRECTORY, 0);
}

TEST(test_n068__a_hundred_streams_in_a_stable_order)
{
    need_windows();
    char path[64];
    make_text("\\f", "main");
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "\\f:s%02d", i);
        make_file(path);
    }
    struct nt_file *f = open_file("\\f", "r");
    char first[8192];
    snprintf(first, sizeof(first), "%s", streams_of(f));
    assert_int_equal(strncmp(first, "::$DATA=4,", 10), 0);
    size_t count = 1;
    for (const char *at = first; *at; at++)
        count += *at == ',';
    assert_int_equal(count, 101);
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), ":s%02d:$DATA=0", i);
        assert_non_null(strstr(first, path));
    }
    assert_string_equal(streams_of(f), first);
    /* By any of its handles. */
    assert_string_equal(streams_of(open_file("\\f:s50", "r")), first);
}

TEST(test_n068__a_directory_without_streams)
{
    need_windows();
    uint8_t buf[512];
    size_t got = 99;
    make_dir("\\d");
    ok(nt_query_streams(open_file("\\d", "list"), buf, sizeof(buf), &got));
    assert_int_equal(got, 0); /* which Win32 makes ERROR_HANDLE_EOF of */
}

TEST(test_n069__listings_do_not_show_streams)
{
    need_windows();
    make_file("\\f:a");
    make_file("\\f:b");
    make_dir("\\d");
    make_file("\\d:s");
    assert_string_equal(list("\\", NULL), "d,f");
    assert_string_equal(list("\\d", NULL), "");
}

TEST(test_n070__a_renamed_file_carries_its_streams)
{
    need_windows();
    make_text("\\f", "main");
    make_text("\\f:s", "stream");
    ok(move("\\f", "\\g", false));
    expect_content("\\g:s", "stream");
    is(OBJECT_NAME_NOT_FOUND, try_open("\\f:s", "r"));
}

TEST(test_n070__with_a_stream_open)
{
    need_windows();
    make_text("\\f:s", "stream");
    struct nt_file *s = open_file("\\f:s", "r w");
    is(ACCESS_DENIED, move("\\f", "\\g", false)); /* as with a handle below a directory */
    put_text(s, 0, "STREAM");
    close_file(s);
    ok(move("\\f", "\\g", false));
    expect_content("\\g:s", "STREAM");
}

TEST(test_n070__streams_are_not_renamed)
{
    need_windows();
    make_file("\\f:s");
    struct nt_file *s = open_file("\\f:s", "r d");
    is(INVALID_PARAMETER, rename_to(s, "\\g", false));
    is(INVALID_PARAMETER, rename_to(s, "\\f:t", false));
    is(INVALID_PARAMETER, rename_ex(s, "\\g", LT_RENAME_POSIX));
    close_file(s);
    ok(try_open("\\f:s", "r"));
}
