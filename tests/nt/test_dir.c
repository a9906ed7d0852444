// SPDX-License-Identifier: MIT
/* Listings: N116 to N121; N122 is in test_notify.c. */
#include "kit.h"

#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_numbered(const char *dir, const char *prefix, int count)
{
    char path[300];
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s\\%s%d", dir, prefix, i);
        make_file(path);
    }
}

static size_t count_of(const char *names)
{
    size_t count = names[0] != '\0';
    for (; *names; names++)
        count += *names == ',';
    return count;
}

TEST(test_n116__dots_first_but_not_in_the_root)
{
    make_dir("\\d");
    make_numbered("\\d", "file", 100);
    struct nt_file *d = open_file("\\d", "list");
    const char *all = list_handle(d, NULL, 65536);
    assert_int_equal(count_of(all), 102);
    assert_int_equal(strncmp(all, ".,..,", 5), 0);
    assert_string_equal(list_handle(open_file("\\", "list"), NULL, 65536), "d");
}

TEST(test_n116__by_buffers_of_any_size)
{
    make_dir("\\d");
    make_numbered("\\d", "file", 100);
    struct nt_file *d = open_file("\\d", "list");
    char first[8192];
    snprintf(first, sizeof(first), "%s", list_handle(d, NULL, 65536));
    static const size_t sizes[] = {128, 200, 512, 1000, 4096};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_string_equal(list_handle(d, NULL, sizes[i]), first);
}

TEST(test_n116__every_class_has_the_same_names)
{
    static const unsigned classes[] = {NT_DIRECTORY_INFO,         NT_FULL_DIRECTORY_INFO,
                                       NT_BOTH_DIRECTORY_INFO,    NT_NAMES_INFO,
                                       NT_ID_BOTH_DIRECTORY_INFO, NT_ID_FULL_DIRECTORY_INFO};
    uint8_t buf[4096];
    char names[128];
    size_t got = 0;
    make_dir("\\d");
    make_text("\\d\\one", "1");
    make_dir("\\d\\two");
    struct nt_file *d = open_file("\\d", "list");
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        ok(nt_query_dir(d, classes[i], NULL, true, false, buf, sizeof(buf), &got));
        snprintf(names, sizeof(names), "%s", names_in(buf, got, classes[i]));
        assert_int_equal(strncmp(names, ".,..,", 5), 0);
        assert_string_equal(sort_names(names + 5), "one,two");
    }
    is(INVALID_INFO_CLASS, nt_query_dir(d, 200, NULL, true, false, buf, sizeof(buf), &got));
}

TEST(test_n116__an_entry_says_what_a_handle_says)
{
    uint8_t buf[1024];
    size_t got = 0;
    make_dir("\\d");
    make_text("\\d\\f", "content");
    struct nt_file *d = open_file("\\d", "list"), *f = open_file("\\d\\f", "");
    ok(nt_query_dir(d, NT_ID_BOTH_DIRECTORY_INFO, "f", true, true, buf, sizeof(buf), &got));
    struct kit_basic b = basic(f);
    assert_int_equal(get_le(buf + 8, 8), b.created);
    assert_int_equal(get_le(buf + 24, 8), b.written);
    assert_int_equal(get_le(buf + 40, 8), 7);
    assert_int_equal(get_le(buf + 48, 8), standard(f).allocation);
    assert_int_equal(get_le(buf + 56, 4), b.attributes);
    assert_int_equal(get_le(buf + 96, 8), index_of(f));
}

TEST(test_n117__patterns)
{
    make_numbered("\\", "file", 3);
    make_dir("\\dir1");
    make_dir("\\Directory");
    make_file("\\a.txt");
    make_file("\\b.TXT");
    assert_string_equal(list("\\", "file*"), "file0,file1,file2");
    assert_string_equal(list("\\", "file?"), "file0,file1,file2");
    assert_string_equal(list("\\", "*1"), "dir1,file1");
    assert_int_equal(count_of(list("\\", "*")), 7);
    assert_string_equal(list("\\", "*.txt"),
                        volume.name_case == LT_CASE_SENSITIVE ? "a.txt" : "a.txt,b.TXT");
    assert_string_equal(list("\\", "DIR*"),
                        volume.name_case == LT_CASE_SENSITIVE ? "" : "Directory,dir1");
    assert_string_equal(list("\\", "?.*"), "a.txt,b.TXT");
    assert_string_equal(list("\\", "none"), "");
    assert_string_equal(list("\\", "file1"), "file1");
}

/* Dagger: FsRtlIsNameInExpression, as documented. */
TEST(test_n117__dos_wildcards)
{
    make_file("\\a");
    make_file("\\a.b");
    make_file("\\a.b.c");
    make_file("\\abc");
    assert_string_equal(list("\\", "*.*"), "a.b,a.b.c");
    assert_string_equal(list("\\", "<.b"), "a.b"); /* DOS_STAR: up to the last dot */
    assert_string_equal(list("\\", "a<"), "a,abc");
    assert_string_equal(list("\\", "a>>"), "a,abc"); /* DOS_QM: one, or none at a dot or the end */
    assert_string_equal(list("\\", "a\"b"), "a.b");  /* DOS_DOT: a dot, or the end */
    assert_string_equal(list("\\", "abc\""), "abc");
    assert_string_equal(list("\\", "a\""), "a");
}

TEST(test_n118__no_match_first_and_no_more_later)
{
    uint8_t buf[512];
    size_t got = 0;
    make_dir("\\d");
    make_file("\\d\\f");
    make_file("\\d\\g");
    struct nt_file *d = open_file("\\d", "list");
    is(NO_SUCH_FILE, nt_query_dir(d, NT_NAMES_INFO, "none*", true, false, buf, sizeof(buf), &got));
    close_file(d);
    d = open_file("\\d", "list");
    ok(nt_query_dir(d, NT_NAMES_INFO, "f*", false, false, buf, sizeof(buf), &got));
    assert_string_equal(names_in(buf, got, NT_NAMES_INFO), "f");
    is(NO_MORE_FILES, nt_query_dir(d, NT_NAMES_INFO, NULL, false, false, buf, sizeof(buf), &got));
    /* The pattern is that of the first call, whatever comes. */
    is(NO_MORE_FILES, nt_query_dir(d, NT_NAMES_INFO, "g*", false, false, buf, sizeof(buf), &got));
    make_file("\\d\\f2");
    ok(nt_query_dir(d, NT_NAMES_INFO, NULL, true, false, buf, sizeof(buf), &got));
    const char *both = names_in(buf, got, NT_NAMES_INFO);
    assert_true(strcmp(both, "f,f2") == 0 || strcmp(both, "f2,f") == 0);
}

TEST(test_n118__one_at_a_time)
{
    uint8_t buf[512];
    char all[128] = "";
    size_t got = 0;
    make_dir("\\d");
    make_file("\\d\\a");
    make_file("\\d\\b");
    struct nt_file *d = open_file("\\d", "list");
    while (nt_query_dir(d, NT_NAMES_INFO, NULL, false, true, buf, sizeof(buf), &got) ==
           LT_STATUS_SUCCESS) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s,", names_in(buf, got, NT_NAMES_INFO));
        assert_true(used < 100);
    }
    assert_int_equal(strncmp(all, ".,..,", 5), 0);
    assert_string_equal(sort_names(all + 5), "a,b");
}

TEST(test_n118__an_empty_root)
{
    uint8_t buf[512];
    size_t got = 0;
    struct nt_file *root = open_file("\\", "list");
    is(NO_SUCH_FILE, nt_query_dir(root, NT_NAMES_INFO, NULL, true, false, buf, sizeof(buf), &got));
}

TEST(test_n119__buffers_that_are_too_small)
{
    uint8_t buf[512];
    char name[64];
    size_t got = 0;
    make_dir("\\d");
    make_file("\\d\\a-long-name");
    struct nt_file *d = open_file("\\d", "list");
    is(INFO_LENGTH_MISMATCH, nt_query_dir(d, NT_NAMES_INFO, "a*", true, false, buf, 0, &got));
    memset(buf, 0xee, sizeof(buf));
    is(BUFFER_OVERFLOW, nt_query_dir(d, NT_NAMES_INFO, "a*", true, false, buf, 12 + 8, &got));
    assert_int_equal(get_le(buf + 8, 4), 22);
    get_wide(buf + 12, 8, name, sizeof(name));
    assert_string_equal(name, "a-lo");
    assert_int_equal(buf[20], 0xee);
    ok(nt_query_dir(d, NT_NAMES_INFO, NULL, true, false, buf, sizeof(buf), &got));
}

TEST(test_n119__only_directories_are_listed)
{
    uint8_t buf[512];
    size_t got = 0;
    struct nt_file *f = open_file("\\f", "create r w");
    is(INVALID_PARAMETER, nt_query_dir(f, NT_NAMES_INFO, NULL, true, false, buf, 512, &got));
}

/* ---- While others make and remove (N120) --------------------------------------------------------
 */

enum { KEPT = 200, CHURN = 300 };

struct churn {
    int number;
    int32_t failed; /* the first status that was none of the expected */
};

/* Makes and removes files of its own as long as it may. */
static void churn(void *arg)
{
    struct churn *c = arg;
    char path[64];
    for (int i = 0; !atomic_load(&stopping) && c->failed == 0; i = (i + 1) % CHURN) {
        struct nt_file *f = NULL;
        snprintf(path, sizeof(path), "\\d\\churn-%d-%d", c->number, i);
        struct nt_create how_to = how(path, "open_if r w d doc");
        int32_t status = nt_create(vol, &how_to, &f);
        if (status == LT_STATUS_SUCCESS)
            status = nt_close(f);
        if (status != LT_STATUS_SUCCESS && status != LT_STATUS_DELETE_PENDING)
            c->failed = status;
    }
}

/* Whether each of the kept names is there once, and nothing twice in a row of one listing. */
static void check_listing(const char *names)
{
    static unsigned char seen[KEPT];
    memset(seen, 0, sizeof(seen));
    for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (strncmp(at, "kept", 4) == 0) {
            int i = (int)strtol(at + 4, NULL, 10);
            assert_true(i >= 0 && i < KEPT);
            seen[i]++;
        }
    }
    for (int i = 0; i < KEPT; i++) {
        if (seen[i] != 1)
            fail_msg("kept%d is listed %d times", i, seen[i]);
    }
}

TEST(test_n120__each_name_once_whatever_happens)
{
    static struct churn churns[2];
    make_dir("\\d");
    make_numbered("\\d", "kept", KEPT);
    for (int i = 0; i < 2; i++) {
        churns[i] = (struct churn){.number = i};
        start_thread(churn, &churns[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        struct nt_file *d = open_file("\\d", "list");
        check_listing(list_handle(d, NULL, i % 2 ? 600 : 8192));
        close_file(d);
    }
    join_threads(true);
    for (int i = 0; i < 2; i++)
        ok(churns[i].failed);
}

TEST(test_n121__a_listing_goes_on_behind_what_was_removed)
{
    uint8_t buf[64];
    char all[1024] = "";
    size_t got = 0;
    make_dir("\\d");
    make_numbered("\\d", "file", 8);
    struct nt_file *d = open_file("\\d", "list");
    bool restart = true;
    /* Room for one: the entry that was just seen goes before the next is asked for. */
    while (nt_query_dir(d, NT_NAMES_INFO, "file*", restart, true, buf, 12 + 10, &got) ==
           LT_STATUS_SUCCESS) {
        char path[64];
        const char *name = names_in(buf, got, NT_NAMES_INFO);
        snprintf(path, sizeof(path), "\\d\\%s", name);
        size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s,", name);
        ok(remove_file(path));
        restart = false;
        assert_true(used < 1000);
    }
    assert_string_equal(sort_names(all), "file0,file1,file2,file3,file4,file5,file6,file7");
    assert_string_equal(list("\\d", NULL), "");
}
