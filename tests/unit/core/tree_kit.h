/* SPDX-License-Identifier: MIT */
/* A tree with everything that can be in one, in the file system `one`, and its comparison with
 * another; a directory of the host that goes with the test. */
#ifndef LT_TESTS_UNIT_CORE_TREE_KIT_H
#define LT_TESTS_UNIT_CORE_TREE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <core/meta.h>
#include <inttypes.h>
#include <lintel/lintel.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char dir[64];
static struct lt_fs *one, *two;

static int setup(void **state)
{
    struct lt_diag diag;
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/lintel-tree-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    int r = lt_open_fs("mem:size=256m", &one, &diag);
    return r < 0 ? r : lt_open_fs("mem:size=256m", &two, &diag);
}

__attribute__((format(printf, 1, 2))) static int shell(const char *format, ...)
{
    char command[512];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    return system(command);
}

static int teardown(void **state)
{
    (void)state;
    lt_fs_close(one);
    lt_fs_close(two);
    return shell("rm -rf %s", dir);
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

/* ---- Making -------------------------------------------------------------------------------- */

static struct lt_node *root1(void)
{
    return lt_fs_root(one);
}

static void put_file(const char *path, uint64_t offset, const void *bytes, size_t len)
{
    struct lt_file *f;
    assert_int_equal(lt_file_open(NULL, root1(), path, LT_O_WRONLY | LT_O_CREAT, 0644, &f), 0);
    assert_int_equal(lt_file_pwrite(f, bytes, len, offset), len);
    lt_file_close(f);
}

static void put_stream(const char *path, const char *name, const void *bytes, size_t len)
{
    struct lt_node *stream;
    assert_int_equal(
        lt_path_stream_open(NULL, root1(), path, name, LT_STREAM_CREATE, true, &stream), 0);
    if (len)
        assert_int_equal(lt_node_pwrite(NULL, stream, 0, bytes, len), len);
    lt_node_put(stream);
}

static void put_windows(const char *path)
{
    static const unsigned char reparse[] = {0x1d, 0, 0, 0xa0, 4, 0, 0, 0, 2, 0, 0, 0};
    struct lt_ea eas[] = {{lt_str("ONE"), lt_str("first"), 0},
                          {lt_str("TWO"), lt_str("x"), LT_EA_NEED}};
    char *sd = NULL;
    size_t sd_len = 0;
    assert_int_equal(lt_sddl_parse("O:BAG:SYD:P(A;;FA;;;WD)", &sd, &sd_len, NULL), 0);
    assert_int_equal(lt_path_security_set(NULL, root1(), path, lt_strn(sd, sd_len)), 0);
    free(sd);
    assert_int_equal(lt_path_ea_set(NULL, root1(), path, eas, 2, false), 0);
    assert_int_equal(
        lt_path_reparse_set(NULL, root1(), path, lt_strn((const char *)reparse, sizeof(reparse))),
        0);
    put_stream(path, "Zone.Identifier", "[ZoneTransfer]\r\n", 16);
    put_stream(path, "empty", NULL, 0);
    struct lt_setattr set = {.mask = LT_SET_WIN_ATTRS | LT_SET_BTIME,
                             .win_attrs = LT_WIN_HIDDEN | LT_WIN_ARCHIVE,
                             .btime = {.sec = -123456789, .nsec = 987654300}};
    assert_int_equal(lt_path_setattr(NULL, root1(), path, 0, &set), 0);
}

static void put_acl(const char *path, const char *name)
{
    struct lt_acl_entry list[] = {{LT_ACL_USER_OBJ, 7, 0},
                                  {LT_ACL_USER, 6, 1001},
                                  {LT_ACL_GROUP_OBJ, 5, 0},
                                  {LT_ACL_MASK, 7, 0},
                                  {LT_ACL_OTHER, 1, 0}};
    char acl[64];
    int len = lt_acl_put(acl, sizeof(acl), list, 5);
    assert_int_equal(lt_path_xattr_set(NULL, root1(), path, 0, name, lt_strn(acl, (size_t)len), 0),
                     0);
}

static void put_times(const char *path, int64_t sec, uint32_t nsec)
{
    struct lt_time a = {sec, nsec}, m = {sec + 1, nsec / 2};
    assert_int_equal(lt_path_utimens(NULL, root1(), path, LT_NOFOLLOW, &a, &m), 0);
}

static void put_names(void)
{
    char name[LT_NAME_MAX + 1];
    struct lt_node *root = root1();
    /* The longest name, which no host takes and no ustar header. */
    for (int i = 0; i < 255; i++)
        memcpy(name + 3 * i, "\xe2\x82\xac", 3);
    name[765] = 0;
    put_file(name, 0, "long", 4);
    assert_int_equal(lt_path_mknod(NULL, root, "not\xffutf8\n=", LT_S_IFREG | 0600, 0), 0);
    memset(name, 'd', 120);
    name[120] = 0;
    assert_int_equal(lt_path_mkdir(NULL, root, name, 0755), 0);
    memcpy(name + 120, "/", 1);
    memset(name + 121, 'f', 120);
    name[241] = 0;
    put_file(name, 0, "deep", 4);
    assert_int_equal(lt_path_link(NULL, root, name, 0, root, "link to deep"), 0);
    memset(name, 't', 300);
    name[300] = 0;
    assert_int_equal(lt_path_symlink(NULL, name, root, "long target"), 0);
}

/* All types of nodes and metadata. */
static void fill(void)
{
    struct lt_node *root = root1();
    static char big[3 << 20];
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 31 + i / 977);
    assert_int_equal(lt_path_mkdir(NULL, root, "d", 0755), 0);
    assert_int_equal(lt_path_mkdir(NULL, root, "d/empty", 01700), 0);
    put_file("d/file", 0, "content\n", 8);
    put_file("d/big", 0, big, sizeof(big));
    put_file("d/empty file", 0, "", 0);
    put_file("d/sparse", 10 << 20, big, 70000);
    put_file("d/sparse", 1 << 20, "x", 1);
    assert_int_equal(lt_path_truncate(NULL, root, "d/sparse", 20 << 20), 0);
    put_file("d/hole", 0, "", 0);
    assert_int_equal(lt_path_truncate(NULL, root, "d/hole", 5 << 20), 0);
    assert_int_equal(lt_path_link(NULL, root, "d/file", 0, root, "d/second"), 0);
    assert_int_equal(lt_path_link(NULL, root, "d/file", 0, root, "a third name"), 0);
    assert_int_equal(lt_path_symlink(NULL, "../d/file", root, "d/symlink"), 0);
    assert_int_equal(lt_path_mknod(NULL, root, "d/fifo", LT_S_IFIFO | 0640, 0), 0);
    assert_int_equal(lt_path_mknod(NULL, root, "d/socket", LT_S_IFSOCK | 0640, 0), 0);
    if (geteuid() == 0)
        assert_int_equal(lt_path_mknod(NULL, root, "d/null", LT_S_IFCHR | 0666, 0x103), 0);
    put_names();
    put_windows("d/empty");
    put_windows("d/empty file");
    put_stream("d/file", "long stream", big, 200000);
    put_acl("d/file", LT_ACL_ACCESS);
    put_acl("d", LT_ACL_DEFAULT);
    assert_int_equal(lt_path_xattr_set(NULL, root, "d/file", 0, "user.x", lt_str("a\n=b"), 0), 0);
    assert_int_equal(lt_path_xattr_set(NULL, root, "d", 0, "user.empty", lt_str(""), 0), 0);
    if (geteuid() == 0) {
        assert_int_equal(lt_path_chown(NULL, root, "d/big", 0, 1234, 5678), 0);
        assert_int_equal(lt_path_chown(NULL, root, "d/symlink", LT_NOFOLLOW, 12, 34), 0);
        assert_int_equal(lt_path_chown(NULL, root, "d/empty", 0, 3000000, 3000001), 0);
    }
    assert_int_equal(lt_path_chmod(NULL, root, "d/big", 06751), 0);
    put_times("d/big", 1000000000, 123456789);
    put_times("d/symlink", 1000000001, 1);
    put_times("d/file", -5, 500000000);
    put_times("d", INT64_C(3) << 32, 7);
    put_times("/", 12, 0);
    assert_int_equal(lt_path_chmod(NULL, root, "d/empty", 0555), 0);
}

/* ---- Comparing ----------------------------------------------------------------------------- */

/* HOST: what user attributes hold is kept on files and directories only. */
enum { BIRTH = 1, LONG_STREAMS = 2, CHANGE_TIME = 4, HOLES = 8, HOST = 16 };

static void compare_data(struct lt_node *a, struct lt_node *b, uint64_t size, const char *path)
{
    static char x[65536], y[65536];
    for (uint64_t at = 0; at < size; at += sizeof(x)) {
        int n = lt_node_pread(NULL, a, at, x, sizeof(x));
        if (n != lt_node_pread(NULL, b, at, y, sizeof(y)) || memcmp(x, y, (size_t)n) != 0)
            fail_msg("%s: data differs at %" PRIu64, path, at);
    }
}

static void compare_meta(struct lt_node *a, const struct lt_attr *x, struct lt_node *b,
                         const struct lt_attr *y, unsigned what, const char *path)
{
    struct meta m = {0}, n = {0};
    struct lt_str name, value, name2, value2;
    size_t at = 0, at2;
    unsigned count = 0, count2 = 0;
    if ((what & HOST) && a->type != LT_S_IFREG && a->type != LT_S_IFDIR)
        what &= ~(unsigned)BIRTH;
    assert_int_equal(meta_read(NULL, a, x, &m), 0);
    assert_int_equal(meta_read(NULL, b, y, &n), 0);
    if (what & LONG_STREAMS) {
        assert_int_equal(meta_streams(NULL, a, x, META_STREAM_MAX + 1, &m), 0);
        assert_int_equal(meta_streams(NULL, b, y, META_STREAM_MAX + 1, &n), 0);
    }
    while (meta_next(&m, &at, &name, &value)) {
        bool found = lt_str_equal(name, lt_str(META_CREATED)) && !(what & BIRTH);
        for (at2 = 0; !found && meta_next(&n, &at2, &name2, &value2);)
            found = lt_str_equal(name, name2) && lt_str_equal(value, value2);
        if (!found)
            fail_msg("%s: %.*s differs", path, (int)name.len, name.s);
        count++;
    }
    for (at2 = 0; meta_next(&n, &at2, &name2, &value2);)
        count2++;
    assert_int_equal(count, count2);
    meta_fini(&m);
    meta_fini(&n);
}

static void compare_attr(const struct lt_attr *x, const struct lt_attr *y, unsigned what,
                         const char *path)
{
    bool same = x->mode == y->mode && x->uid == y->uid && x->gid == y->gid &&
                x->nlink == y->nlink && x->rdev == y->rdev && x->mtime.sec == y->mtime.sec &&
                x->mtime.nsec == y->mtime.nsec && x->win_attrs == y->win_attrs;
    if (what & CHANGE_TIME)
        same = same && x->ctime.sec == y->ctime.sec && x->ctime.nsec == y->ctime.nsec;
    if ((x->mode & LT_S_IFMT) == LT_S_IFREG)
        same = same && x->size == y->size;
    if (!same)
        fail_msg("%s: attributes differ: mode %o %o, %u:%u %u:%u, links %u %u, mtime %" PRId64
                 ".%09u %" PRId64 ".%09u, ctime %" PRId64 ".%09u %" PRId64
                 ".%09u, win %x %x size %" PRIu64 " %" PRIu64 " rdev %x %x",
                 path, x->mode, y->mode, x->uid, x->gid, y->uid, y->gid, x->nlink, y->nlink,
                 x->mtime.sec, x->mtime.nsec, y->mtime.sec, y->mtime.nsec, x->ctime.sec,
                 x->ctime.nsec, y->ctime.sec, y->ctime.nsec, x->win_attrs, y->win_attrs, x->size,
                 y->size, x->rdev, y->rdev);
}

static void compare_node(struct lt_node *a, struct lt_node *b, unsigned what, const char *path)
{
    struct lt_attr x, y;
    char s[LT_PATH_MAX], t[LT_PATH_MAX];
    assert_int_equal(lt_node_getattr(NULL, a, &x), 0);
    assert_int_equal(lt_node_getattr(NULL, b, &y), 0);
    compare_attr(&x, &y, what, path);
    compare_meta(a, &x, b, &y, what, path);
    if (a->type == LT_S_IFREG) {
        compare_data(a, b, x.size, path);
        if (what & HOLES)
            assert_true(y.allocated <= x.allocated);
    }
    if (a->type == LT_S_IFLNK) {
        int len = lt_node_readlink(NULL, a, s, sizeof(s));
        assert_int_equal(lt_node_readlink(NULL, b, t, sizeof(t)), len);
        assert_memory_equal(s, t, (size_t)len);
    }
}

struct comparison {
    struct lt_node *b;
    char path[1024];
    unsigned what, count;
};

static void compare_trees(struct lt_node *a, struct lt_node *b, unsigned what, const char *path);

static int compare_entry(void *arg, const struct lt_dirent *e)
{
    struct comparison *c = arg;
    struct lt_entry x = {.stored = NULL}, y = {.stored = NULL};
    char name[LT_NAME_MAX + 1], path[2048];
    memcpy(name, e->name.s, e->name.len);
    name[e->name.len] = 0;
    snprintf(path, sizeof(path), "%s/%s", c->path, name);
    assert_int_equal(lt_path_lookup(NULL, lt_fs_root(one), path, LT_NOFOLLOW, &x), 0);
    if (lt_node_lookup(NULL, c->b, e->name, &y) < 0)
        fail_msg("%s is missing", path);
    compare_trees(x.node, y.node, c->what, path);
    lt_node_put(x.node);
    lt_node_put(y.node);
    c->count++;
    return 0;
}

static int count_entry(void *arg, const struct lt_dirent *e)
{
    (void)e;
    ++*(unsigned *)arg;
    return 0;
}

static void compare_trees(struct lt_node *a, struct lt_node *b, unsigned what, const char *path)
{
    struct comparison c = {.b = b, .what = what};
    unsigned count = 0;
    compare_node(a, b, what, path);
    if (a->type != LT_S_IFDIR)
        return;
    snprintf(c.path, sizeof(c.path), "%s", path);
    assert_int_equal(lt_path_list(NULL, a, ".", compare_entry, &c), 0);
    assert_int_equal(lt_path_list(NULL, b, ".", count_entry, &count), 0);
    assert_int_equal(c.count, count);
}

#endif
