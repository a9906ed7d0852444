// SPDX-License-Identifier: MIT
/* Names and their validity: N012 to N018. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

TEST(test_n012__two_backslashes_at_the_root_and_no_more)
{
    make_file("\\f");
    ok(try_open("\\\\f", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\\\\\f", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\\\\\new", "create r w"));
}

TEST(test_n013__forbidden_characters)
{
    static const char *const names[] = {"\\f*",  "\\f?",  "\\f<",    "\\f>",    "\\f|",
                                        "\\f\"", "\\a/b", "\\f\x01", "\\d*\\f", "\\f\x1f"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        is(OBJECT_NAME_INVALID, try_open(names[i], "r"));
        is(OBJECT_NAME_INVALID, try_open(names[i], "create r w"));
        is(OBJECT_NAME_INVALID, try_open(names[i], "create list dir"));
    }
    assert_string_equal(list("\\", NULL), "");
}

TEST(test_n013__characters_of_the_private_area_stand_for_them)
{
    /* U+F03A is ':' to file systems of POSIX, and itself to programs. */
    make_file("\\a\xef\x80\xba"
              "b");
    assert_string_equal(list("\\", NULL), "a\xef\x80\xba"
                                          "b");
    assert_true(exists("\\a\xef\x80\xba"
                       "b"));
    ok(remove_file("\\a\xef\x80\xba"
                   "b"));
    assert_string_equal(list("\\", NULL), "");
}

TEST(test_n014__a_colon_only_in_the_last_component)
{
    make_dir("\\d");
    make_file("\\d\\f");
    is(OBJECT_NAME_INVALID, try_open("\\X:d\\f", "r"));
    is(OBJECT_NAME_INVALID, try_open("\\d:s\\f", "r"));
}

TEST(test_n015__trailing_backslash_of_an_opening)
{
    make_file("\\f");
    make_dir("\\d");
    is(OBJECT_NAME_INVALID, try_open("\\f\\", "r"));
    ok(try_open("\\d\\", "list"));
    ok(try_open("\\d\\", "list dir"));
    is(OBJECT_NAME_INVALID, try_open("\\d\\\\\\\\", "list"));
    is(OBJECT_NAME_INVALID, try_open("\\d\\\\f", "r"));
}

TEST(test_n016__trailing_backslash_of_what_is_made)
{
    is(OBJECT_NAME_INVALID, try_open("\\f\\", "create r w"));
    is(OBJECT_NAME_INVALID, try_open("\\f\\", "open_if r w"));
    is(OBJECT_NAME_INVALID, try_open("\\f\\", "create r w file"));
    assert_false(exists("\\f"));
    ok(try_open("\\d\\", "create list dir"));
    assert_true(standard(open_file("\\d", "")).is_dir);
}

/* "\\", then `count` times `unit`. */
static const char *long_name(const char *unit, size_t count)
{
    static char text[2048];
    size_t len = 1;
    text[0] = '\\';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", unit);
    return text;
}

TEST(test_n017__components_of_255_units)
{
    make_file(long_name("x", 255));
    assert_true(exists(long_name("x", 255)));
    is(OBJECT_NAME_INVALID, try_open(long_name("x", 256), "create r w"));
    is(OBJECT_NAME_INVALID, try_open(long_name("x", 256), "r"));
    is(OBJECT_NAME_INVALID, try_open(long_name("\xe4\xb8\x80", 256), "create r w"));
    /* POSIX counts bytes. */
    is_or(SUCCESS, NAME_TOO_LONG, try_open(long_name("\xe4\xb8\x80", 255), "create r w"));
    /* A character outside of the first plane is two units. */
    is(OBJECT_NAME_INVALID, try_open(long_name("\xf0\x9f\x98\x80", 128), "create r w"));
    if (!plain) {
        ok(try_open(long_name("\xf0\x9f\x98\x80", 127), "create r w"));
        assert_true(exists(long_name("\xe4\xb8\x80", 255)));
        assert_string_equal(list("\\", "\xe4\xb8\x80*"), long_name("\xe4\xb8\x80", 255) + 1);
    }
}

TEST(test_n018__names_relative_to_a_handle)
{
    make_dir("\\d");
    make_file("\\f");
    struct nt_file *d = open_file("\\d", "list");
    ok(try_at(d, "in", "create r w"));
    assert_true(exists("\\d\\in"));
    ok(try_at(d, "in", "r"));
    ok(try_at(d, "sub", "create list dir"));
    ok(try_at(d, "sub\\deep", "create r w"));
    is(OBJECT_NAME_NOT_FOUND, try_at(d, "f", "r"));
    struct nt_file *same = open_at(d, "", "list");
    assert_int_equal(index_of(same), index_of(d));
    /* From a handle to the root. */
    struct nt_file *root = open_file("\\", "list");
    ok(try_at(root, "d\\in", "r"));
    ok(try_at(root, "", "list"));
}

TEST(test_n018__a_name_relative_to_a_handle_begins_with_no_backslash)
{
    make_dir("\\d");
    struct nt_file *d = open_file("\\d", "list");
    is(INVALID_PARAMETER, try_at(d, "\\f", "create r w"));
}

TEST(test_n018__streams_relative_to_their_file)
{
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "r");
    is_or(SUCCESS, OBJECT_NAME_INVALID, try_at(f, ":stream", "create r w"));
    if (!plain) {
        ok(try_open("\\f:stream", "r"));
        is(OBJECT_NAME_NOT_FOUND, try_at(f, ":none", "r"));
    }
}

TEST(test_names__case_of_a_sensitive_volume)
{
    need_case_sensitive();
    make_text("\\name", "small");
    make_text("\\NAME", "large");
    expect_content("\\name", "small");
    expect_content("\\NAME", "large");
    is(OBJECT_NAME_NOT_FOUND, try_open("\\Name", "r"));
}

TEST(test_names__case_of_an_insensitive_volume)
{
    need_case_insensitive();
    make_text("\\Name", "first");
    is(OBJECT_NAME_COLLISION, try_open("\\NAME", "create r w"));
    expect_content("\\nAME", "first");
    /* One to one and without a language: these are two names. */
    make_file("\\stra\xc3\x9f"
              "e");
    make_file("\\strasse");
    /* And these one: e with an acute accent. */
    make_file("\\caf\xc3\xa9");
    is(OBJECT_NAME_COLLISION, try_open("\\CAF\xc3\x89", "create r w"));
    assert_string_equal(list("\\", "n*"), "Name");
}
