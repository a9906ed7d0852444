// SPDX-License-Identifier: MIT
/*
 * The n-th allocation fails, n = 1, 2, ..., in everything of src/core that
 * allocates: it says so, nothing is leaked (the address sanitizer), no node is held (closing
 * the file system asserts that), and the next try without failures works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"

#include <lintel/lintel.h>
#include <stdio.h>
#include <stdlib.h>

static struct lt_fs *fs;
static struct lt_node *root;
static char dir[64];

static char acl[LT_ACL_SIZE(40)];
static size_t acl_len;

/* Longer than the room that values have without the heap. */
static void make_acl(void)
{
    struct lt_acl_entry list[40] = {{LT_ACL_USER_OBJ, 7, 0}};
    size_t n = 1;
    for (uint32_t id = 1000; id < 1036; id++)
        list[n++] = (struct lt_acl_entry){LT_ACL_USER, 7, id};
    list[n++] = (struct lt_acl_entry){LT_ACL_GROUP_OBJ, 5, 0};
    list[n++] = (struct lt_acl_entry){LT_ACL_MASK, 7, 0};
    list[n++] = (struct lt_acl_entry){LT_ACL_OTHER, 5, 0};
    acl_len = (size_t)lt_acl_put(acl, sizeof(acl), list, n);
}

static void make_tree(void)
{
    const struct lt_ea ea = {lt_str("EA"), lt_str("value"), 0};
    struct lt_node *stream;
    struct lt_str value = {acl, acl_len};
    assert_int_equal(lt_path_mkdir(NULL, root, "d", 0755), 0);
    assert_int_equal(lt_path_mkdir(NULL, root, "d/e", 0755), 0);
    assert_int_equal(lt_path_mknod(NULL, root, "d/f", 0644, 0), 0);
    assert_int_equal(lt_path_truncate(NULL, root, "d/f", 100000), 0);
    assert_int_equal(lt_path_link(NULL, root, "d/f", 0, root, "d/e/g"), 0);
    assert_int_equal(lt_path_symlink(NULL, "d/e", root, "s"), 0);
    assert_int_equal(lt_path_xattr_set(NULL, root, "d/f", 0, "user.x", lt_str("y"), 0), 0);
    assert_int_equal(lt_path_xattr_set(NULL, root, "d/f", 0, LT_ACL_ACCESS, value, 0), 0);
    assert_int_equal(lt_path_xattr_set(NULL, root, "d/e", 0, LT_ACL_DEFAULT, value, 0), 0);
    assert_int_equal(lt_path_ea_set(NULL, root, "d/f", &ea, 1, false), 0);
    assert_int_equal(
        lt_path_stream_open(NULL, root, "d/f", "stream", LT_STREAM_CREATE, true, &stream), 0);
    assert_int_equal(lt_node_pwrite(NULL, stream, 70000, "x", 1), 1);
    lt_node_put(stream);
    assert_int_equal(lt_path_stream_open(NULL, root, "d", "short", LT_STREAM_CREATE, true, &stream),
                     0);
    lt_node_put(stream);
}

static int setup(void **state)
{
    (void)state;
    make_acl();
    snprintf(dir, sizeof(dir), "/tmp/lintel-nomem-XXXXXX");
    if (!mkdtemp(dir) || lt_open_fs("mem:size=64m", &fs, NULL) < 0)
        return -1;
    root = lt_fs_root(fs);
    make_tree();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return lt_fs_close(fs) + system(command);
}

/* The result of one try, once nothing fails any more. */
static void judge(int r)
{
    if (!fault_disarm())
        assert_int_equal(r, 0);
    else if (r != 0 && r != LT_ENOMEM && r != LT_ENOSPC)
        fail_msg("%s", lt_error_name(r));
}

static void test_nomem__paths_and_files(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_attr attr;
        judge(lt_path_stat(NULL, root, "s/../f", 0, &attr));
    }
    FAULT_EACH(n)
    {
        struct lt_file *file = NULL;
        int r = lt_file_open(NULL, root, "s/new", LT_O_RDWR | LT_O_CREAT | LT_O_EXCL, 0644, &file);
        judge(r);
        lt_file_close(file);
        /* The file may have been made, and then no handle to it. */
        r = lt_path_unlink(NULL, root, "s/new");
        assert_true(r == 0 || r == LT_ENOENT);
    }
    FAULT_EACH(n)
    {
        struct lt_dir *listing = NULL;
        judge(lt_dir_open(NULL, root, "s", &listing));
        lt_dir_close(listing);
    }
}

static void test_nomem__acls(void **state)
{
    (void)state;
    struct lt_str value = {acl, acl_len};
    struct lt_attr attr;
    const struct lt_ctx user = {.uid = 1035, .gid = 9};
    FAULT_EACH(n)
    {
        int r = lt_path_chmod(NULL, root, "d/f", 0700 + n);
        judge(r);
        assert_int_equal(lt_path_stat(NULL, root, "d/f", 0, &attr), 0);
        assert_true(attr.has & LT_HAS_ACL);
        if (r == 0)
            assert_int_equal(attr.mode & 0777, 0700 + n);
    }
    FAULT_EACH(n)
    {
        judge(lt_path_xattr_set(NULL, root, "d/f", 0, LT_ACL_ACCESS, value, 0));
    }
    FAULT_EACH(n)
    {
        judge(lt_path_access(&user, root, "d/f", 0, 4));
    }
    FAULT_EACH(n)
    {
        judge(lt_path_mkdir(NULL, root, "d/e/new", 0755));
        int r = lt_path_rmdir(NULL, root, "d/e/new");
        assert_true(r == 0 || r == LT_ENOENT);
    }
}

static void test_nomem__locks_and_events(void **state)
{
    (void)state;
    struct lt_lock lock = {.kind = LT_LOCK_POSIX, .type = LT_LOCK_EXCLUSIVE, .end = 9, .owner = 1};
    FAULT_EACH(n)
    {
        judge(lt_lock_set(NULL, root, &lock, false));
    }
    lt_lock_release(root, LT_LOCK_POSIX, 1);
    FAULT_EACH(n)
    {
        struct lt_subscription *s = NULL;
        judge(lt_event_subscribe(fs, (void (*)(void *, const struct lt_event *))0, NULL, &s));
        lt_event_unsubscribe(s);
    }
}

static void test_nomem__sddl(void **state)
{
    (void)state;
    static const char text[] = "O:BAG:SYD:P(A;;FA;;;WD)(A;;FR;;;S-1-5-21-1-2-3-4-5-6-7-8)";
    FAULT_EACH(n)
    {
        char *sd = NULL, *back = NULL;
        size_t len = 0;
        int r = lt_sddl_parse(text, &sd, &len, NULL);
        if (r == 0)
            r = lt_sddl_format(lt_strn(sd, len), &back);
        judge(r);
        free(back);
        free(sd);
    }
}

static int one_name(void *arg, struct lt_str name)
{
    (void)arg, (void)name;
    return 0;
}

static void test_nomem__windows_metadata(void **state)
{
    (void)state;
    struct lt_entry entry = {.stored = NULL};
    char buf[64];
    assert_int_equal(lt_path_lookup(NULL, root, "d/f", 0, &entry), 0);
    FAULT_EACH(n)
    {
        struct lt_str ea = lt_str("system.ntfs_ea");
        int r = lt_winmeta_get(NULL, entry.node, ea, buf, sizeof(buf), 0);
        if (r > 0)
            r = lt_winmeta_set(NULL, entry.node, ea, lt_strn(buf, (size_t)r), 0, 0);
        if (r == 0)
            r = lt_winmeta_list(NULL, entry.node, LT_WINMETA_STREAMS, one_name, NULL);
        judge(r);
    }
    lt_node_put(entry.node);
}

static void test_nomem__copies_of_trees(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        unsigned at = n;
        fault_arm(0);
        struct lt_fs *other;
        assert_int_equal(lt_open_fs("mem:size=64m", &other, NULL), 0);
        fault_arm(at);
        judge(lt_tree_copy(NULL, root, lt_fs_root(other), NULL, NULL));
        assert_int_equal(lt_fs_close(other), 0);
    }
}

static void save_and_load(const char *name)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FAULT_EACH(n)
    {
        judge(lt_tree_save(NULL, root, path, NULL, NULL));
    }
    FAULT_EACH(n)
    {
        unsigned at = n;
        fault_arm(0);
        struct lt_fs *other;
        assert_int_equal(lt_open_fs("mem:size=64m", &other, NULL), 0);
        fault_arm(at);
        judge(lt_tree_load(NULL, path, lt_fs_root(other), NULL, NULL));
        assert_int_equal(lt_fs_close(other), 0);
    }
}

static void test_nomem__archives(void **state)
{
    (void)state;
    save_and_load("t.tar");
}

static void test_nomem__host_directories(void **state)
{
    (void)state;
    save_and_load("t");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_nomem__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(paths_and_files),  TEST(acls),
        TEST(locks_and_events), TEST(sddl),
        TEST(windows_metadata), TEST(copies_of_trees),
        TEST(archives),         TEST(host_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
