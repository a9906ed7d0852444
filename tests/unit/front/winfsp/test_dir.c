// SPDX-License-Identifier: MIT
#include "desk.h"

#include "fault.h"

#include <stdio.h>

#define PAGE 65536u

static uint64_t page[PAGE / 8];

/* One query; `marker` and `pattern` may be NULL. */
static int32_t query(struct desk *d, struct fsp_file *dir, const char *marker, const char *pattern,
                     uint32_t flags, uint32_t len)
{
    struct lt_fsp_req *req = desk_ask(d, LT_FSP_QUERY_DIRECTORY);
    req->u.query_directory.address = (uintptr_t)page;
    req->u.query_directory.length = len;
    req->u.query_directory.flags = flags;
    if (marker)
        req->u.query_directory.marker = desk_text(d, marker);
    if (pattern)
        req->u.query_directory.pattern = desk_text(d, pattern);
    return desk_go(d, dir);
}

/* The names of the page as "a b c", with " ." at the mark of the end, "!" where there is none. */
static const char *names(struct desk *d)
{
    static char text[PAGE];
    struct lt_str chain = lt_strn((char *)page, d->got.rsp.information), entry;
    size_t at = 0, len = 0;
    int r;
    text[0] = 0;
    while ((r = lt_fsp_next_entry(chain, &at, sizeof(struct lt_fsp_dir_info), &entry)) > 0) {
        uint16_t units[LT_NAME_UNITS_MAX];
        size_t count = (entry.len - sizeof(struct lt_fsp_dir_info)) / 2;
        memcpy(units, entry.s + sizeof(struct lt_fsp_dir_info), 2 * count);
        int n = lt_utf16_to_utf8(units, count, text + len, sizeof(text) - len - 2);
        assert_true(n > 0);
        len += (size_t)n;
        text[len++] = ' ';
    }
    snprintf(text + len, sizeof(text) - len, "%s", r == 0 ? "|" : "!");
    assert_true(r == 0 || r == LT_ENODATA);
    return text;
}

static void test_dir__lists_in_upper_case_order_behind_the_dots(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_mkdir(&d, "/d");
    desk_make(&d, "/d/b", "");
    desk_make(&d, "/d/A", "");
    desk_make(&d, "/d/C", "");
    desk_make(&d, "/d/!", "");
    desk_make(&d, "/d/a", "");
    struct fsp_file *dir = desk_file(&d, "/d", NULL);
    assert_status(query(&d, dir, NULL, NULL, 0, PAGE), SUCCESS);
    assert_string_equal(names(&d), ". .. ! A a b C |");
    fsp_file_put(dir);
    dir = desk_file(&d, "/", NULL);
    assert_status(query(&d, dir, NULL, NULL, 0, PAGE), SUCCESS);
    assert_string_equal(names(&d), "d |");
    fsp_file_put(dir);
    desk_close(&d);
}

static void test_dir__goes_on_behind_a_name_that_is_gone(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    for (const char *c = "acegi"; *c; c++)
        desk_make(&d, (char[]){'/', *c, 0}, "");
    struct fsp_file *dir = desk_file(&d, "/", NULL);
    assert_status(query(&d, dir, "d", NULL, 0, PAGE), SUCCESS);
    assert_string_equal(names(&d), "e g i |");
    assert_int_equal(lt_path_unlink(NULL, lt_fs_root(d.fs), "/e"), 0);
    desk_make(&d, "/f", "");
    /* The listing is the one that was taken. */
    assert_status(query(&d, dir, "e", NULL, 0, PAGE), SUCCESS);
    assert_string_equal(names(&d), "g i |");
    /* Starting over takes another one. */
    assert_status(query(&d, dir, NULL, NULL, 0, PAGE), SUCCESS);
    assert_string_equal(names(&d), "a c f g i |");
    assert_status(query(&d, dir, "i", NULL, 0, PAGE), SUCCESS);
    assert_string_equal(names(&d), "|");
    fsp_file_put(dir);
    desk_close(&d);
}

static void test_dir__every_name_comes_once_through_small_pages(void **state)
{
    struct desk d;
    char path[32], marker[32] = "";
    unsigned count = 0;
    (void)state;
    desk_open(&d, "mem:", NULL);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "/File%u", i);
        desk_make(&d, path, "");
    }
    struct fsp_file *dir = desk_file(&d, "/", NULL);
    for (bool more = true; more;) {
        assert_status(query(&d, dir, *marker ? marker : NULL, NULL, 0, 1000), SUCCESS);
        char *text = (char *)(uintptr_t)names(&d), *name, *save = NULL;
        more = text[strlen(text) - 1] == '!';
        for (name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
            if (*name == '|' || *name == '!')
                break;
            assert_true(lt_name_compare_nocase(lt_str(marker), lt_str(name)) < 0);
            snprintf(marker, sizeof(marker), "%s", name);
            count++;
        }
    }
    assert_int_equal(count, 1000);
    fsp_file_put(dir);
    desk_close(&d);
}

static void test_dir__entries_carry_what_a_query_would_say(void **state)
{
    struct desk d;
    struct lt_fsp_dir_info entry;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "hello");
    struct fsp_file *dir = desk_file(&d, "/", NULL), *file = desk_file(&d, "/f", NULL);
    desk_ask(&d, LT_FSP_QUERY_INFORMATION);
    assert_status(desk_go(&d, file), SUCCESS);
    struct lt_fsp_file_info info = d.got.rsp.u.info;
    assert_int_equal(info.file_size, 5);
    assert_status(query(&d, dir, NULL, NULL, 0, PAGE), SUCCESS);
    memcpy(&entry, page, sizeof(entry));
    assert_memory_equal(&entry.info, &info, sizeof(info));
    assert_status(query(&d, dir, NULL, "f", LT_FSP_QUERY_IS_NAME, PAGE), SUCCESS);
    memcpy(&entry, page, sizeof(entry));
    assert_memory_equal(&entry.info, &info, sizeof(info));
    fsp_file_put(dir);
    fsp_file_put(file);
    desk_close(&d);
}

static void test_dir__a_pattern_that_is_a_name_is_looked_up(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:case=insensitive", NULL);
    desk_mkdir(&d, "/d");
    desk_make(&d, "/d/File", "");
    struct fsp_file *dir = desk_file(&d, "/d", NULL);
    assert_status(query(&d, dir, NULL, "fILE", LT_FSP_QUERY_IS_NAME, PAGE), SUCCESS);
    assert_string_equal(names(&d), "File |");
    assert_null(dir->listing);
    assert_status(query(&d, dir, "File", "fILE", LT_FSP_QUERY_IS_NAME, PAGE), SUCCESS);
    assert_string_equal(names(&d), "|");
    assert_status(query(&d, dir, NULL, "none", LT_FSP_QUERY_IS_NAME, PAGE), SUCCESS);
    assert_string_equal(names(&d), "|");
    assert_status(query(&d, dir, NULL, "a:b", LT_FSP_QUERY_IS_NAME, PAGE), SUCCESS);
    assert_string_equal(names(&d), "|");
    assert_status(
        query(&d, dir, NULL, "fILE", LT_FSP_QUERY_IS_NAME | LT_FSP_QUERY_CASE_SENSITIVE, PAGE),
        SUCCESS);
    assert_string_equal(names(&d), "|");
    assert_status(query(&d, dir, NULL, "..", LT_FSP_QUERY_IS_NAME, PAGE), SUCCESS);
    assert_string_equal(names(&d), ". .. File |");
    assert_status(query(&d, dir, NULL, "File", LT_FSP_QUERY_IS_NAME, 64), BUFFER_TOO_SMALL);
    fsp_file_put(dir);
    desk_close(&d);
}

static void test_dir__names_that_windows_forbids_are_mapped_or_left_out(void **state)
{
    struct desk d;
    struct lt_winfsp_options options;
    (void)state;
    lt_winfsp_options_init(&options);
    for (int mapped = 1; mapped >= 0; mapped--) {
        options.posix_names = mapped;
        desk_open(&d, "mem:", &options);
        desk_make(&d, "/a:b", "");
        desk_make(&d, "/z", "");
        struct fsp_file *dir = desk_file(&d, "/", NULL);
        assert_status(query(&d, dir, NULL, NULL, 0, PAGE), SUCCESS);
        assert_string_equal(names(&d), mapped ? "a\xef\x80\xba"
                                                "b z |"
                                              : "z |");
        fsp_file_put(dir);
        desk_close(&d);
    }
}

static void test_dir__only_directories_and_only_with_room(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "");
    struct fsp_file *file = desk_file(&d, "/f", NULL), *dir = desk_file(&d, "/", NULL);
    assert_status(query(&d, file, NULL, NULL, 0, PAGE), INVALID_PARAMETER);
    assert_status(query(&d, dir, NULL, NULL, 0, 0), INVALID_USER_BUFFER);
    assert_status(query(&d, dir, NULL, NULL, 0, 100), BUFFER_TOO_SMALL);
    /* Room for the entry but not for the mark behind it. */
    assert_status(query(&d, dir, NULL, NULL, 0, 112), SUCCESS);
    assert_string_equal(names(&d), "f !");
    fsp_file_put(file);
    fsp_file_put(dir);
    desk_close(&d);
}

static void test_dir__nomem(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    for (unsigned i = 0; i < 200; i++) {
        char path[16];
        snprintf(path, sizeof(path), "/f%u", i);
        desk_make(&d, path, "");
    }
    struct fsp_file *dir = desk_file(&d, "/", NULL);
    FAULT_EACH(n)
    {
        int32_t status = query(&d, dir, NULL, NULL, 0, PAGE);
        if (fault_disarm())
            assert_status(status, INSUFFICIENT_RESOURCES);
        else
            assert_status(status, SUCCESS);
    }
    fsp_file_put(dir);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dir__lists_in_upper_case_order_behind_the_dots),
        cmocka_unit_test(test_dir__goes_on_behind_a_name_that_is_gone),
        cmocka_unit_test(test_dir__every_name_comes_once_through_small_pages),
        cmocka_unit_test(test_dir__entries_carry_what_a_query_would_say),
        cmocka_unit_test(test_dir__a_pattern_that_is_a_name_is_looked_up),
        cmocka_unit_test(test_dir__names_that_windows_forbids_are_mapped_or_left_out),
        cmocka_unit_test(test_dir__only_directories_and_only_with_room),
        cmocka_unit_test(test_dir__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
