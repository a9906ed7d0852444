// SPDX-License-Identifier: MIT
/* Change notifications (N122) and the end of a volume (N126). */
#include "kit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* FILE_NOTIFY_CHANGE_... (MS-SMB2 2.2.35). */
enum {
    CHANGE_FILE_NAME = 0x1,
    CHANGE_DIR_NAME = 0x2,
    CHANGE_ATTRIBUTES = 0x4,
    CHANGE_SIZE = 0x8,
    CHANGE_LAST_WRITE = 0x10,
    CHANGE_STREAM_NAME = 0x200,
    CHANGE_NAMES = CHANGE_FILE_NAME | CHANGE_DIR_NAME
};

/* What has come, as "+added,-removed,*modified,<old,>new" and "s+" and so on of streams. */
static size_t add_changes(char *text, size_t used, size_t size, const uint8_t *at, size_t len)
{
    static const char *const signs[] = {"?", "+", "-", "*", "<", ">", "s+", "s-", "s*"};
    const uint8_t *end = at + len;
    char name[512];
    for (bool more = len > 0; more;) {
        assert_true(at + 12 <= end);
        uint64_t next = get_le(at, 4), action = get_le(at + 4, 4), bytes = get_le(at + 8, 4);
        assert_true(at + 12 + bytes <= end);
        get_wide(at + 12, bytes, name, sizeof(name));
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", used ? "," : "",
                                 signs[action <= 8 ? action : 0], name);
        more = next != 0;
        at += next;
    }
    return used;
}

/* All that comes until `want` is the whole of it, or two seconds have passed: notifications of the
 * file system come in their own time. */
static void expect_changes(struct nt_file *dir, const char *want)
{
    uint8_t buf[4096];
    char text[2048] = "";
    size_t got = 0, used = 0;
    for (int i = 0; i < 400; i++) {
        int32_t status = nt_notify(dir, 0, false, buf, sizeof(buf), &got);
        if (status == LT_STATUS_SUCCESS)
            used = add_changes(text, used, sizeof(text), buf, got);
        else
            is(PENDING, status);
        if (strcmp(text, want) == 0)
            return;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    assert_string_equal(text, want);
}

static struct nt_file *watch(const char *path, uint32_t filter, bool tree)
{
    uint8_t buf[64];
    size_t got = 0;
    struct nt_file *d = open_file(path, "list sync");
    is(PENDING, nt_notify(d, filter, tree, buf, sizeof(buf), &got));
    return d;
}

TEST(test_n122__names_come_and_go)
{
    make_dir("\\Subdirectory");
    struct nt_file *root = watch("\\", CHANGE_NAMES, true);
    make_file("\\Subdirectory\\file0");
    expect_changes(root, "+Subdirectory\\file0");
    ok(move("\\Subdirectory\\file0", "\\Subdirectory\\file1", false));
    expect_changes(root, "<Subdirectory\\file0,>Subdirectory\\file1");
    ok(remove_file("\\Subdirectory\\file1"));
    expect_changes(root, "-Subdirectory\\file1");
    ok(remove_file("\\Subdirectory"));
    expect_changes(root, "-Subdirectory");
}

TEST(test_n122__only_what_was_asked_for)
{
    make_dir("\\d");
    make_dir("\\d\\sub");
    struct nt_file *d = watch("\\d", CHANGE_FILE_NAME, false);
    make_file("\\outside");
    make_file("\\d\\sub\\deep");
    make_dir("\\d\\other");
    make_file("\\d\\f");
    expect_changes(d, "+f");
}

TEST(test_n122__data_and_attributes)
{
    need_windows();
    make_file("\\f");
    struct nt_file *root = watch("\\", CHANGE_SIZE | CHANGE_ATTRIBUTES, true);
    struct nt_file *f = open_file("\\f", "r w");
    ok(set_size(f, 100));
    expect_changes(root, "*f");
    ok(set_attributes(f, LT_WIN_HIDDEN));
    expect_changes(root, "*f");
}

TEST(test_n122__streams)
{
    need_windows();
    make_file("\\file0");
    struct nt_file *root = watch("\\", CHANGE_STREAM_NAME, true);
    make_file("\\file0:s");
    expect_changes(root, "s+file0:s");
    ok(remove_file("\\file0:s"));
    expect_changes(root, "s-file0:s");
}

TEST(test_n122__a_directory_on_its_way_out)
{
    uint8_t buf[64];
    size_t got = 0;
    make_dir("\\d");
    struct nt_file *d = watch("\\d", CHANGE_NAMES, false);
    struct nt_file *other = open_file("\\d", "d");
    ok(dispose(other, true));
    is(DELETE_PENDING, nt_notify(d, CHANGE_NAMES, false, buf, sizeof(buf), &got));
}

/* What somebody else does to the file system is seen as well. */
TEST(test_n122__changes_from_elsewhere)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    if (volume.remote)
        skip();
    struct nt_file *root = watch("\\", CHANGE_NAMES, true);
    assert_int_equal(lt_node_create(NULL, lt_fs_root(nt_fs(vol)), lt_str("made"), &spec, &entry),
                     0);
    lt_node_put(entry.node);
    expect_changes(root, "+made");
}

/* ---- The end (N126, dagger) --------------------------------------------------------------------
 */

TEST(test_n126__unmounting_with_files_open)
{
    char buf[64];
    size_t got = 0;
    make_text("\\f", "content");
    struct nt_file *f = open_file("\\f", "a"), *d = open_file("\\", "list");
    assert_int_equal(nt_unmount(vol), 0);
    vol = NULL;
    is(CANCELLED, nt_read(f, buf, 7, 0, &got));
    is(CANCELLED, nt_write(f, "x", 1, 0, &got));
    is(CANCELLED, dispose(f, true));
    is(CANCELLED, nt_query_dir(d, NT_NAMES_INFO, NULL, true, false, buf, sizeof(buf), &got));
    close_file(f);
    close_file(d);
}

struct reader {
    atomic_uint done;
    int32_t last;
    struct nt_file *f;
};

static void keep_reading(void *arg)
{
    struct reader *r = arg;
    char buf[64];
    size_t got = 0;
    while (!atomic_load(&stopping)) {
        int32_t status = nt_read(r->f, buf, 7, 0, &got);
        atomic_fetch_add(&r->done, 1);
        if (status != LT_STATUS_SUCCESS) {
            r->last = status;
            return;
        }
    }
}

TEST(test_n126__requests_in_flight_are_cancelled)
{
    static struct reader readers[4];
    make_text("\\f", "content");
    for (int i = 0; i < 4; i++) {
        memset(&readers[i], 0, sizeof(readers[i]));
        readers[i].f = open_file("\\f", "r unbuffered");
        start_thread(keep_reading, &readers[i]);
    }
    for (int i = 0; i < 4; i++)
        while (atomic_load(&readers[i].done) == 0)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
    assert_true(nt_unmount(vol) >= 0);
    vol = NULL;
    join_threads(false);
    for (int i = 0; i < 4; i++)
        is(CANCELLED, readers[i].last);
}
