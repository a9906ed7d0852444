// SPDX-License-Identifier: MIT
/* Extended attributes: N101 to N111. On file systems without: test_n033. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

static struct nt_file *with_eas(const char *path)
{
    struct bytes b = {.len = 0};
    add_ea(&b, "First", "1", 0);
    add_ea(&b, "SECOND", "two", 0);
    add_ea(&b, "third", "three", 0);
    struct nt_create c = how(path, "create a");
    c.ea = str_of(&b);
    return open_with(c);
}

static int32_t set_ea(struct nt_file *f, const char *name, const char *value)
{
    struct bytes b = {.len = 0};
    add_ea(&b, name, value, 0);
    return nt_set_ea(f, str_of(&b));
}

TEST(test_n101__create_with_a_list)
{
    need_windows();
    struct nt_file *f = with_eas("\\f");
    assert_string_equal(eas_of(f), "FIRST=1,SECOND=two,THIRD=three");
    assert_true(ea_size_of(f) > 0);
    ok(set_ea(f, "first", "other"));
    assert_string_equal(eas_of(f), "FIRST=other,SECOND=two,THIRD=three");
    close_file(f);
    assert_string_equal(eas_of(open_file("\\f", "read_ea")), "FIRST=other,SECOND=two,THIRD=three");
}

TEST(test_n101__on_directories_and_by_open_if)
{
    need_windows();
    struct bytes b = {.len = 0};
    add_ea(&b, "NAME", "value", 0);
    struct nt_create c = how("\\d", "create list read_ea dir");
    c.ea = str_of(&b);
    assert_string_equal(eas_of(open_with(c)), "NAME=value");
    c = how("\\f", "open_if r w read_ea");
    c.ea = str_of(&b);
    assert_string_equal(eas_of(open_with(c)), "NAME=value");
    /* What is there already keeps its own. */
    make_file("\\g");
    c.path = "\\g";
    assert_string_equal(eas_of(open_with(c)), "");
}

TEST(test_n102__the_last_of_a_name_wins)
{
    need_windows();
    struct bytes b = {.len = 0};
    add_ea(&b, "NAME", "first", 0);
    add_ea(&b, "OTHER", "x", 0);
    add_ea(&b, "name", "last", 0);
    struct nt_create c = how("\\f", "create a");
    c.ea = str_of(&b);
    struct nt_file *f = open_with(c);
    const char *got = eas_of(f);
    assert_true(strcmp(got, "NAME=last,OTHER=x") == 0 || strcmp(got, "OTHER=x,NAME=last") == 0);
}

TEST(test_n103__asked_by_a_list)
{
    need_windows();
    char buf[512];
    size_t got = 0;
    struct bytes names = {.len = 0};
    struct nt_file *f = with_eas("\\f");
    add_ea_name(&names, "third");
    add_ea_name(&names, "NONE");
    add_ea_name(&names, "FIRST");
    ok(nt_query_ea(f, str_of(&names), NT_NO_INDEX, true, false, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "THIRD=three,NONE=,FIRST=1");
}

TEST(test_n104__buffers_that_are_too_small)
{
    need_windows();
    char buf[512];
    size_t got = 0;
    struct bytes names = {.len = 0};
    struct nt_file *f = with_eas("\\f");
    add_ea_name(&names, "FIRST");
    add_ea_name(&names, "THIRD");
    is(BUFFER_OVERFLOW, nt_query_ea(f, str_of(&names), NT_NO_INDEX, true, false, buf, 20, &got));
    is(BUFFER_TOO_SMALL, nt_query_ea(f, lt_str(""), NT_NO_INDEX, true, false, buf, 10, &got));
}

TEST(test_n105__a_scan_ends)
{
    need_windows();
    char buf[512];
    size_t got = 0;
    struct nt_file *f = with_eas("\\f");
    ok(nt_query_ea(f, lt_str(""), NT_NO_INDEX, true, true, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "FIRST=1");
    ok(nt_query_ea(f, lt_str(""), NT_NO_INDEX, false, true, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "SECOND=two");
    ok(nt_query_ea(f, lt_str(""), NT_NO_INDEX, false, false, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "THIRD=three");
    is(NO_MORE_EAS, nt_query_ea(f, lt_str(""), NT_NO_INDEX, false, false, buf, sizeof(buf), &got));
    ok(nt_query_ea(f, lt_str(""), NT_NO_INDEX, true, false, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "FIRST=1,SECOND=two,THIRD=three");
}

TEST(test_n105__a_scan_by_small_buffers)
{
    need_windows();
    char buf[64], all[256] = "";
    size_t got = 0;
    struct nt_file *f = with_eas("\\f");
    int32_t status = nt_query_ea(f, lt_str(""), NT_NO_INDEX, true, false, buf, 24, &got);
    for (int i = 0; i < 4 && (status == LT_STATUS_SUCCESS || status == LT_STATUS_BUFFER_OVERFLOW);
         i++) {
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s;", ea_text(buf, got));
        status = nt_query_ea(f, lt_str(""), NT_NO_INDEX, false, false, buf, 24, &got);
    }
    is(NO_MORE_EAS, status);
    assert_string_equal(all, "FIRST=1;SECOND=two;THIRD=three;");
}

TEST(test_n106__by_index)
{
    need_windows();
    char buf[512];
    size_t got = 0;
    struct nt_file *f = with_eas("\\f");
    is(NONEXISTENT_EA_ENTRY, nt_query_ea(f, lt_str(""), 0, false, false, buf, sizeof(buf), &got));
    ok(nt_query_ea(f, lt_str(""), 2, false, true, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "SECOND=two");
    ok(nt_query_ea(f, lt_str(""), 3, false, false, buf, sizeof(buf), &got));
    assert_string_equal(ea_text(buf, got), "THIRD=three");
    is(NO_MORE_EAS, nt_query_ea(f, lt_str(""), 4, false, false, buf, sizeof(buf), &got));
    is(NONEXISTENT_EA_ENTRY, nt_query_ea(f, lt_str(""), 5, false, false, buf, sizeof(buf), &got));
}

TEST(test_n107__a_file_without)
{
    need_windows();
    char buf[64];
    size_t got = 0;
    struct nt_file *f = open_file("\\f", "create a");
    is(NO_EAS_ON_FILE,
       nt_query_ea(f, lt_str(""), NT_NO_INDEX, true, false, buf, sizeof(buf), &got));
    assert_int_equal(ea_size_of(f), 0);
}

TEST(test_n108__an_empty_value_deletes)
{
    need_windows();
    struct nt_file *f = with_eas("\\f");
    ok(set_ea(f, "SECOND", ""));
    assert_string_equal(eas_of(f), "FIRST=1,THIRD=three");
    ok(set_ea(f, "none", ""));
    ok(set_ea(f, "FIRST", ""));
    ok(set_ea(f, "THIRD", ""));
    assert_string_equal(eas_of(f), "");
    assert_int_equal(ea_size_of(f), 0);
}

TEST(test_n109__bad_names_and_lists)
{
    need_windows();
    static const char *const bad[] = {"a*b", "a?b", "a b|c", "a\\b", "a/b", "a:b", "\x01"};
    struct nt_file *f = with_eas("\\f");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes b = {.len = 0};
        add_ea(&b, "GOOD", "x", 0);
        add_ea(&b, bad[i], "x", 0);
        is(INVALID_EA_NAME, nt_set_ea(f, str_of(&b)));
        struct nt_create c = how("\\g", "create a");
        c.ea = str_of(&b);
        is(INVALID_EA_NAME, try_with(c));
    }
    is(INVALID_EA_NAME, set_ea(f, "", "x"));
    assert_false(exists("\\g"));
    struct bytes b = {.len = 0};
    add_ea(&b, "GOOD", "x", 0);
    add_ea(&b, "OTHER", "x", 0);
    b.at[0] = 4; /* the second lies within the first */
    is(EA_LIST_INCONSISTENT, nt_set_ea(f, str_of(&b)));
    b.at[0] = 0;
    b.at[6] = 200; /* the value lies outside */
    is(EA_LIST_INCONSISTENT, nt_set_ea(f, str_of(&b)));
    assert_string_equal(eas_of(f), "FIRST=1,SECOND=two,THIRD=three");
}

TEST(test_n110__eas_that_must_be_understood)
{
    need_windows();
    struct bytes b = {.len = 0};
    add_ea(&b, "NEED", "x", LT_EA_NEED);
    struct nt_create c = how("\\f", "create a");
    c.ea = str_of(&b);
    ok(try_with(c));
    is(ACCESS_DENIED, try_open("\\f", "r no_ea"));
    ok(try_open("\\f", "r"));
    c = how("\\g", "create a no_ea");
    c.ea = str_of(&b);
    is(ACCESS_DENIED, try_with(c));
    assert_false(exists("\\g"));
    ok(try_open("\\g", "create a no_ea"));
    ok(try_open("\\g", "r no_ea"));
}

TEST(test_n111__overwriting_replaces_the_set)
{
    need_windows();
    close_file(with_eas("\\f"));
    struct bytes b = {.len = 0};
    add_ea(&b, "ONLY", "one", 0);
    struct nt_create c = how("\\f", "overwrite_if a");
    c.ea = str_of(&b);
    struct nt_file *f = open_with(c);
    assert_int_equal(information, LT_FILE_OVERWRITTEN);
    assert_string_equal(eas_of(f), "ONLY=one");
    close_file(f);
    f = open_file("\\f", "overwrite a");
    assert_string_equal(eas_of(f), "");
    assert_int_equal(ea_size_of(f), 0);
}

TEST(test_ea__needs_its_access)
{
    need_windows();
    char buf[64];
    size_t got = 0;
    make_file("\\f");
    struct nt_file *f = open_file("\\f", "read_data");
    is(ACCESS_DENIED, nt_query_ea(f, lt_str(""), NT_NO_INDEX, true, false, buf, sizeof(buf), &got));
    is(ACCESS_DENIED, set_ea(f, "NAME", "x"));
}
