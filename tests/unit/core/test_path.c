// SPDX-License-Identifier: MIT
/* src/core/walk.c, path*.c: paths on a RAM disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lintel/access.h>
#include <lintel/lintel.h>
#include <stdio.h>

static struct lt_fs *fs;
static struct lt_node *root;
static const struct lt_ctx user = {.uid = 1000, .gid = 1000, .umask = 022};

static int setup(void **state)
{
    (void)state;
    struct lt_diag diag;
    if (lt_open_fs("mem:size=64m", &fs, &diag) < 0)
        return -1;
    root = lt_fs_root(fs);
    return lt_path_chmod(NULL, root, "/", 0777);
}

static int teardown(void **state)
{
    (void)state;
    return lt_fs_close(fs);
}

static int make_file(const char *path)
{
    return lt_path_mknod(&user, root, path, LT_S_IFREG | 0644, 0);
}

static uint64_t id_of(const char *path)
{
    struct lt_attr attr;
    int r = lt_path_stat(NULL, root, path, LT_NOFOLLOW, &attr);
    if (r < 0)
        fail_msg("%s: %s", path, lt_error_name(r));
    return attr.id;
}

static int stat_path(const char *path)
{
    struct lt_attr attr;
    return lt_path_stat(NULL, root, path, 0, &attr);
}

static void test_path__dots_and_slashes(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(&user, root, "a", 0755), 0);
    assert_int_equal(lt_path_mkdir(&user, root, "/a/b/", 0755), 0);
    assert_int_equal(make_file("a/b/f"), 0);
    uint64_t f = id_of("/a/b/f");
    static const char *const same[] = {"a/b/f", "./a/./b/../b/f", "//a///b//f", "../../a/b/f",
                                       "a/b/../../a/b/f"};
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        assert_int_equal(id_of(same[i]), f);
    assert_int_equal(id_of("/"), LT_ROOT_ID);
    assert_int_equal(id_of("."), LT_ROOT_ID);
    assert_int_equal(id_of("a/.."), LT_ROOT_ID);
    assert_int_equal(id_of("a/b/"), id_of("a/b/."));
    assert_int_equal(stat_path(""), LT_ENOENT);
    assert_int_equal(stat_path("a/b/f/"), LT_ENOTDIR);
    assert_int_equal(stat_path("a/b/f/."), LT_ENOTDIR);
    assert_int_equal(stat_path("a/b/f/x"), LT_ENOTDIR);
    assert_int_equal(stat_path("a/x/f"), LT_ENOENT);
}

static void test_path__lengths(void **state)
{
    (void)state;
    char path[LT_PATH_MAX + 1];
    memset(path, 'x', sizeof(path));
    path[LT_PATH_MAX] = 0;
    assert_int_equal(stat_path(path), LT_ENAMETOOLONG);
    path[256] = 0;
    assert_int_equal(stat_path(path), LT_ENAMETOOLONG);
    assert_int_equal(make_file(path), LT_ENAMETOOLONG);
    path[255] = 0;
    assert_int_equal(stat_path(path), LT_ENOENT);
    assert_int_equal(make_file(path), 0);
    /* 255 units of three bytes each. */
    for (int i = 0; i < 255; i++)
        memcpy(path + 3 * i, "\xe2\x82\xac", 3);
    path[765] = 0;
    assert_int_equal(make_file(path), 0);
    memcpy(path + 765, "x", 2);
    assert_int_equal(make_file(path), LT_ENAMETOOLONG);
    /* All slashes and dots, one byte short of too long. */
    for (int i = 0; i < (int)LT_PATH_MAX - 1; i++)
        path[i] = i % 2 ? '/' : '.';
    path[LT_PATH_MAX - 1] = 0;
    assert_int_equal(id_of(path), LT_ROOT_ID);
}

static void test_path__symlinks_are_followed_up_to_40(void **state)
{
    (void)state;
    char from[16], to[16];
    assert_int_equal(make_file("l0"), 0);
    for (int i = 1; i <= 41; i++) {
        snprintf(from, sizeof(from), "l%d", i);
        snprintf(to, sizeof(to), "l%d", i - 1);
        assert_int_equal(lt_path_symlink(&user, to, root, from), 0);
    }
    assert_int_equal(stat_path("l40"), 0);
    assert_int_equal(stat_path("l41"), LT_ELOOP);
    assert_int_equal(lt_path_symlink(&user, "loop", root, "loop"), 0);
    assert_int_equal(stat_path("loop"), LT_ELOOP);
    assert_int_equal(stat_path("loop/x"), LT_ELOOP);
    struct lt_attr attr;
    assert_int_equal(lt_path_stat(NULL, root, "loop", LT_NOFOLLOW, &attr), 0);
}

static void test_path__symlinks_in_the_middle_and_at_the_end(void **state)
{
    (void)state;
    char buf[16];
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), 0);
    assert_int_equal(lt_path_mkdir(&user, root, "d/e", 0755), 0);
    assert_int_equal(make_file("d/e/f"), 0);
    assert_int_equal(lt_path_symlink(&user, "../d/e", root, "d/rel"), 0);
    assert_int_equal(lt_path_symlink(&user, "/d/e/", root, "abs"), 0);
    assert_int_equal(lt_path_symlink(&user, "nowhere", root, "dangling"), 0);
    assert_int_equal(id_of("d/rel/f"), id_of("d/e/f"));
    assert_int_equal(id_of("abs/../e/f"), id_of("d/e/f"));
    assert_int_equal(id_of("d/rel/"), id_of("d/e"));
    assert_int_not_equal(id_of("d/rel"), id_of("d/e"));
    assert_int_equal(stat_path("dangling"), LT_ENOENT);
    assert_int_equal(lt_path_readlink(NULL, root, "abs", buf, sizeof(buf)), 5);
    assert_string_equal(buf, "/d/e/");
    assert_int_equal(lt_path_readlink(NULL, root, "abs", buf, 5), LT_ERANGE);
    assert_int_equal(lt_path_readlink(NULL, root, "d", buf, sizeof(buf)), LT_EINVAL);
    assert_int_equal(lt_path_symlink(&user, "", root, "empty"), LT_ENOENT);
}

static void test_path__relative_to_a_directory(void **state)
{
    (void)state;
    struct lt_entry dir = {.stored = NULL};
    struct lt_attr attr;
    char path[32];
    assert_int_equal(lt_path_mkdir(&user, root, "sub", 0755), 0);
    assert_int_equal(lt_path_lookup(NULL, root, "sub", 0, &dir), 0);
    assert_int_equal(lt_path_mknod(&user, dir.node, "f", 0644, 0), 0);
    assert_int_equal(lt_path_stat(NULL, dir.node, "../sub/f", 0, &attr), 0);
    assert_int_equal(lt_path_stat(NULL, dir.node, "/sub/f", 0, &attr), 0);
    assert_int_equal(lt_path_stat(NULL, dir.node, "/f", 0, &attr), LT_ENOENT);
    assert_int_equal(lt_path_of(NULL, dir.node, path, sizeof(path)), 4);
    assert_string_equal(path, "/sub");
    assert_int_equal(lt_path_of(NULL, root, path, sizeof(path)), 1);
    assert_string_equal(path, "/");
    assert_int_equal(lt_path_of(NULL, dir.node, path, 4), LT_ERANGE);
    assert_int_equal(lt_path_unlink(&user, dir.node, "f"), 0);
    assert_int_equal(lt_path_rmdir(&user, root, "sub"), 0);
    assert_int_equal(lt_path_mknod(&user, dir.node, "f", 0644, 0), LT_ENOENT);
    assert_int_equal(lt_path_stat(NULL, dir.node, "..", 0, &attr), LT_ENOENT);
    lt_node_put(dir.node);
}

static void test_path__making_over_what_exists(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), 0);
    assert_int_equal(make_file("f"), 0);
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), LT_EEXIST);
    assert_int_equal(lt_path_mkdir(&user, root, "f", 0755), LT_EEXIST);
    assert_int_equal(lt_path_mkdir(&user, root, "f/", 0755), LT_EEXIST);
    assert_int_equal(lt_path_mkdir(&user, root, "/", 0755), LT_EEXIST);
    assert_int_equal(lt_path_mkdir(&user, root, "d/..", 0755), LT_EEXIST);
    assert_int_equal(make_file("new/"), LT_ENOENT);
    assert_int_equal(make_file("d/"), LT_EEXIST);
    assert_int_equal(lt_path_symlink(&user, "x", root, "d"), LT_EEXIST);
    assert_int_equal(lt_path_mknod(&user, root, "c", LT_S_IFCHR | 0644, 0x103), LT_EPERM);
    assert_int_equal(lt_path_mknod(&user, root, "f", LT_S_IFCHR | 0644, 0x103), LT_EEXIST);
    assert_int_equal(lt_path_mknod(&user, root, "w", LT_S_IFCHR, 0), 0);
    assert_int_equal(lt_path_mknod(&user, root, "x", LT_S_IFDIR | 0755, 0), LT_EPERM);
    assert_int_equal(lt_path_chmod(NULL, root, "/", 0555), 0);
    assert_int_equal(make_file("f"), LT_EEXIST);
    assert_int_equal(make_file("g"), LT_EACCES);
}

static void test_path__removing(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), 0);
    assert_int_equal(make_file("d/f"), 0);
    assert_int_equal(lt_path_unlink(&user, root, "d"), LT_EISDIR);
    assert_int_equal(lt_path_unlink(&user, root, "d/"), LT_EISDIR);
    assert_int_equal(lt_path_unlink(&user, root, "d/f/"), LT_ENOTDIR);
    assert_int_equal(lt_path_unlink(&user, root, "d/."), LT_EISDIR);
    assert_int_equal(lt_path_rmdir(&user, root, "d"), LT_ENOTEMPTY);
    assert_int_equal(lt_path_rmdir(&user, root, "d/f"), LT_ENOTDIR);
    assert_int_equal(lt_path_rmdir(&user, root, "d/."), LT_EINVAL);
    assert_int_equal(lt_path_rmdir(&user, root, "d/.."), LT_ENOTEMPTY);
    assert_int_equal(lt_path_rmdir(&user, root, "/"), LT_EBUSY);
    assert_int_equal(lt_path_unlink(&user, root, "nothing"), LT_ENOENT);
    assert_int_equal(lt_path_unlink(&user, root, "d/f"), 0);
    assert_int_equal(lt_path_rmdir(&user, root, "d/"), 0);
    assert_int_equal(stat_path("d"), LT_ENOENT);
}

static void test_path__sticky_directories(void **state)
{
    (void)state;
    const struct lt_ctx other = {.uid = 1001, .gid = 1001};
    assert_int_equal(lt_path_mkdir(NULL, root, "tmp", 01777), 0);
    assert_int_equal(lt_path_chmod(NULL, root, "tmp", 01777), 0);
    assert_int_equal(make_file("tmp/f"), 0);
    assert_int_equal(lt_path_unlink(&other, root, "tmp/f"), LT_EPERM);
    assert_int_equal(lt_path_rename(&other, root, "tmp/f", root, "g", 0), LT_EPERM);
    assert_int_equal(lt_path_rename(&user, root, "tmp/f", root, "tmp/g", 0), 0);
    assert_int_equal(lt_path_unlink(&user, root, "tmp/g"), 0);
}

static void test_path__renaming(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), 0);
    assert_int_equal(lt_path_mkdir(&user, root, "e", 0755), 0);
    assert_int_equal(make_file("f"), 0);
    uint64_t d = id_of("d"), f = id_of("f");
    assert_int_equal(lt_path_rename(&user, root, "d", root, "d/x", 0), LT_EINVAL);
    assert_int_equal(lt_path_rename(&user, root, "f", root, "d", 0), LT_EISDIR);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "f", 0), LT_ENOTDIR);
    assert_int_equal(lt_path_rename(&user, root, "f/", root, "g", 0), LT_ENOTDIR);
    assert_int_equal(lt_path_rename(&user, root, "f", root, "g/", 0), LT_ENOTDIR);
    assert_int_equal(lt_path_rename(&user, root, "x", root, "y", 0), LT_ENOENT);
    assert_int_equal(lt_path_rename(&user, root, "d/.", root, "y", 0), LT_EBUSY);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "..", 0), LT_EBUSY);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "e", LT_RENAME_NOREPLACE), LT_EEXIST);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "x", LT_RENAME_EXCHANGE), LT_ENOENT);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "f", LT_RENAME_EXCHANGE), 0);
    assert_int_equal(id_of("f"), d);
    assert_int_equal(id_of("d"), f);
    assert_int_equal(lt_path_rename(&user, root, "f/", root, "e/", 0), 0);
    assert_int_equal(id_of("e"), d);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "e/g", 0), 0);
    assert_int_equal(id_of("e/g"), f);
    assert_int_equal(lt_path_rename(&user, root, "e/g", root, "e", 0), LT_ENOTEMPTY);
}

static void test_path__another_parent_needs_write_on_the_directory_itself(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0555), 0);
    assert_int_equal(lt_path_mkdir(&user, root, "e", 0755), 0);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "e/d", 0), LT_EACCES);
    assert_int_equal(lt_path_rename(&user, root, "d", root, "g", 0), 0);
}

static void test_path__searching_needs_x(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0700), 0);
    assert_int_equal(make_file("d/f"), 0);
    assert_int_equal(lt_path_chmod(&user, root, "d", 0600), 0);
    struct lt_attr attr;
    assert_int_equal(lt_path_stat(&user, root, "d/f", 0, &attr), LT_EACCES);
    assert_int_equal(lt_path_stat(&user, root, "d/.", 0, &attr), LT_EACCES);
    assert_int_equal(lt_path_stat(&user, root, "d/none", 0, &attr), LT_EACCES);
    assert_int_equal(lt_path_stat(&user, root, "d/", 0, &attr), 0);
    assert_int_equal(lt_path_stat(NULL, root, "d/f", 0, &attr), 0);
    assert_int_equal(lt_path_access(&user, root, "d", 0, LT_MAY_READ | LT_MAY_WRITE), 0);
    assert_int_equal(lt_path_access(&user, root, "d", 0, LT_MAY_EXEC), LT_EACCES);
}

static void test_path__hard_links(void **state)
{
    (void)state;
    struct lt_attr attr;
    assert_int_equal(make_file("f"), 0);
    assert_int_equal(lt_path_symlink(&user, "f", root, "s"), 0);
    assert_int_equal(lt_path_link(&user, root, "f", 0, root, "g"), 0);
    assert_int_equal(id_of("g"), id_of("f"));
    assert_int_equal(lt_path_link(&user, root, "s", 0, root, "h"), 0);
    assert_int_equal(id_of("h"), id_of("f"));
    assert_int_equal(lt_path_link(&user, root, "s", LT_NOFOLLOW, root, "t"), 0);
    assert_int_equal(id_of("t"), id_of("s"));
    assert_int_equal(lt_path_stat(NULL, root, "f", 0, &attr), 0);
    assert_int_equal(attr.nlink, 3);
    assert_int_equal(lt_path_link(&user, root, "/", 0, root, "r"), LT_EPERM);
    assert_int_equal(lt_path_link(&user, root, "f", 0, root, "g"), LT_EEXIST);
    assert_int_equal(lt_path_link(&user, root, "f", 0, root, "x/"), LT_ENOENT);
    assert_int_equal(lt_path_link(&user, root, "none", 0, root, "x"), LT_ENOENT);
}

static void test_path__set_gid_directories_and_umask(void **state)
{
    (void)state;
    struct lt_attr attr;
    assert_int_equal(lt_path_mkdir(NULL, root, "d", 0777), 0);
    assert_int_equal(lt_path_chown(NULL, root, "d", 0, 0, 50), 0);
    assert_int_equal(lt_path_chmod(NULL, root, "d", 02777), 0);
    assert_int_equal(lt_path_mkdir(&user, root, "d/e", 0777), 0);
    assert_int_equal(lt_path_stat(NULL, root, "d/e", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFDIR | LT_S_ISGID | 0755);
    assert_int_equal(attr.gid, 50);
    assert_int_equal(attr.uid, 1000);
    assert_int_equal(lt_path_mknod(&user, root, "d/f", LT_S_IFREG | 02755, 0), 0);
    assert_int_equal(lt_path_stat(NULL, root, "d/f", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0755);
    assert_int_equal(attr.gid, 50);
}

static void test_path__default_acls_are_inherited(void **state)
{
    (void)state;
    struct lt_acl_entry list[] = {{LT_ACL_USER_OBJ, 7, LT_ACL_NO_ID},
                                  {LT_ACL_USER, 6, 1001},
                                  {LT_ACL_GROUP_OBJ, 5, LT_ACL_NO_ID},
                                  {LT_ACL_MASK, 7, LT_ACL_NO_ID},
                                  {LT_ACL_OTHER, 0, LT_ACL_NO_ID}};
    char acl[64], back[64];
    struct lt_attr attr;
    int len = lt_acl_put(acl, sizeof(acl), list, 5);
    struct lt_str value = lt_strn(acl, (size_t)len);
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), 0);
    assert_int_equal(lt_path_xattr_set(&user, root, "d", 0, LT_ACL_DEFAULT, value, 0), 0);
    assert_int_equal(make_file("d/f"), 0);
    assert_int_equal(lt_path_stat(NULL, root, "d/f", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0640);
    assert_true(attr.has & LT_HAS_ACL);
    assert_int_equal(lt_path_xattr_get(NULL, root, "d/f", 0, LT_ACL_ACCESS, back, sizeof(back)),
                     len);
    assert_int_equal(lt_acl_get(lt_strn(back, (size_t)len), 3).perm, 4);
    const struct lt_ctx named = {.uid = 1001, .gid = 9};
    assert_int_equal(lt_path_chmod(NULL, root, "d", 0755), 0);
    assert_int_equal(lt_path_access(&named, root, "d/f", 0, LT_MAY_READ), 0);
    assert_int_equal(lt_path_access(&named, root, "d/f", 0, LT_MAY_WRITE), LT_EACCES);
    /* chmod moves the mask. */
    assert_int_equal(lt_path_chmod(&user, root, "d/f", 0660), 0);
    assert_int_equal(lt_path_access(&named, root, "d/f", 0, LT_MAY_WRITE), 0);
    /* Directories inherit both. */
    assert_int_equal(lt_path_mkdir(&user, root, "d/e", 0777), 0);
    assert_int_equal(lt_path_stat(NULL, root, "d/e", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFDIR | 0770);
    assert_true((attr.has & LT_HAS_ACL) && (attr.has & LT_HAS_DEFAULT_ACL));
    /* An ACL that is no more than a mode is not kept. */
    struct lt_acl_entry plain[] = {list[0], list[2], list[4]};
    len = lt_acl_put(acl, sizeof(acl), plain, 3);
    value.len = (size_t)len;
    assert_int_equal(lt_path_xattr_set(&user, root, "d/f", 0, LT_ACL_ACCESS, value, 0), 0);
    assert_int_equal(lt_path_stat(NULL, root, "d/f", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0750);
    assert_false(attr.has & LT_HAS_ACL);
    assert_int_equal(lt_path_xattr_set(&user, root, "d/f", 0, LT_ACL_DEFAULT, value, 0), LT_EACCES);
    value.len--;
    assert_int_equal(lt_path_xattr_set(&user, root, "d/f", 0, LT_ACL_ACCESS, value, 0), LT_EINVAL);
}

static int count_name(void *arg, struct lt_str name)
{
    (void)name;
    ++*(int *)arg;
    return 0;
}

static void test_path__xattr_namespaces(void **state)
{
    (void)state;
    struct lt_str value = lt_str("v");
    int names = 0;
    assert_int_equal(make_file("f"), 0);
    assert_int_equal(lt_path_symlink(&user, "f", root, "s"), 0);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "user.x", value, 0), 0);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "user.x", value, LT_XATTR_CREATE),
                     LT_EEXIST);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "user.y", value, LT_XATTR_REPLACE),
                     LT_ENODATA);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "user.", value, 0), LT_EINVAL);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "", value, 0), LT_ERANGE);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "system.x", value, 0), LT_EOPNOTSUPP);
    assert_int_equal(lt_path_xattr_set(&user, root, "f", 0, "trusted.x", value, 0), LT_EPERM);
    assert_int_equal(lt_path_xattr_set(NULL, root, "f", 0, "trusted.x", value, 0), 0);
    assert_int_equal(lt_path_xattr_set(&user, root, "s", LT_NOFOLLOW, "user.x", value, 0),
                     LT_EPERM);
    assert_int_equal(lt_path_xattr_get(&user, root, "s", LT_NOFOLLOW, "user.x", NULL, 0),
                     LT_ENODATA);
    assert_int_equal(lt_path_xattr_list(&user, root, "f", 0, count_name, &names), 0);
    assert_int_equal(names, 1);
    assert_int_equal(lt_path_xattr_list(NULL, root, "f", 0, count_name, &names), 0);
    assert_int_equal(names, 3);
    assert_int_equal(lt_path_xattr_remove(&user, root, "f", 0, "user.x"), 0);
    assert_int_equal(lt_path_xattr_remove(&user, root, "f", 0, "user.x"), LT_ENODATA);
}

static void test_path__changing_attributes(void **state)
{
    (void)state;
    const struct lt_ctx other = {.uid = 1001, .gid = 1001};
    struct lt_attr attr;
    struct lt_time t = {.sec = -5, .nsec = 7};
    assert_int_equal(make_file("f"), 0);
    assert_int_equal(lt_path_chmod(&other, root, "f", 0777), LT_EPERM);
    assert_int_equal(lt_path_chown(&user, root, "f", 0, 1001, UINT32_MAX), LT_EPERM);
    assert_int_equal(lt_path_chmod(&user, root, "f", 06755), 0);
    assert_int_equal(lt_path_chown(&user, root, "f", 0, UINT32_MAX, 1000), 0);
    assert_int_equal(lt_path_stat(NULL, root, "f", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0755);
    assert_int_equal(lt_path_utimens(&other, root, "f", 0, &t, &t), LT_EPERM);
    assert_int_equal(lt_path_utimens(&user, root, "f", 0, &t, NULL), 0);
    assert_int_equal(lt_path_stat(NULL, root, "f", 0, &attr), 0);
    assert_int_equal(attr.atime.sec, -5);
    assert_int_equal(attr.atime.nsec, 7);
    assert_int_equal(lt_path_truncate(&other, root, "f", 10), LT_EACCES);
    assert_int_equal(lt_path_truncate(&user, root, "f", 10), 0);
    assert_int_equal(lt_path_truncate(&user, root, "/", 10), LT_EISDIR);
    assert_int_equal(lt_path_symlink(&user, "f", root, "s"), 0);
    struct lt_setattr mode = {.mask = LT_SET_MODE, .mode = 0777};
    assert_int_equal(lt_path_setattr(&user, root, "s", LT_NOFOLLOW, &mode), LT_EOPNOTSUPP);
}

static void test_path__streams_are_split_off(void **state)
{
    (void)state;
    struct lt_str file, stream;
    assert_true(lt_path_split_stream("d/f:s", &file, &stream));
    assert_true(lt_str_equal(file, lt_str("d/f")) && lt_str_equal(stream, lt_str("s")));
    assert_true(lt_path_split_stream("f:s:$data", &file, &stream));
    assert_true(lt_str_equal(stream, lt_str("s")));
    assert_true(lt_path_split_stream("f::$DATA", &file, &stream));
    assert_int_equal(stream.len, 0);
    assert_false(lt_path_split_stream("f", &file, &stream));
    assert_false(lt_path_split_stream("d:x/f", &file, &stream));
    assert_false(lt_path_split_stream("f:", &file, &stream));
    assert_false(lt_path_split_stream(":s", &file, &stream));
    assert_false(lt_path_split_stream("f:s:$INDEX", &file, &stream));
}

static int stop_at(void *arg, const struct lt_dirent *entry)
{
    int *left = arg;
    /* The listing holds no lock. */
    char path[LT_NAME_MAX + 1];
    memcpy(path, entry->name.s, entry->name.len);
    path[entry->name.len] = 0;
    assert_int_equal(lt_path_unlink(NULL, root, path), 0);
    return --*left == 0 ? 7 : 0;
}

static void test_path__listing_lets_one_remove(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(make_file(name), 0);
    }
    int left = 400;
    assert_int_equal(lt_path_list(NULL, root, "/", stop_at, &left), 7);
    left = 10000;
    assert_int_equal(lt_path_list(NULL, root, "/", stop_at, &left), 0);
    assert_int_equal(left, 10000 - 600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_path__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dots_and_slashes),
        TEST(lengths),
        TEST(symlinks_are_followed_up_to_40),
        TEST(symlinks_in_the_middle_and_at_the_end),
        TEST(relative_to_a_directory),
        TEST(making_over_what_exists),
        TEST(removing),
        TEST(sticky_directories),
        TEST(renaming),
        TEST(another_parent_needs_write_on_the_directory_itself),
        TEST(searching_needs_x),
        TEST(hard_links),
        TEST(set_gid_directories_and_umask),
        TEST(default_acls_are_inherited),
        TEST(xattr_namespaces),
        TEST(changing_attributes),
        TEST(streams_are_split_off),
        TEST(listing_lets_one_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
