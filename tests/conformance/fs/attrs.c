// SPDX-License-Identifier: MIT
/* Attributes: setattr in every combination, times, flags, and which operation stamps what. */
#include "kit.h"

#include <string.h>

static struct lt_attr apply(struct lt_node *node, struct lt_setattr set)
{
    struct lt_attr ret;
    ok(lt_node_setattr(NULL, node, &set, &ret));
    struct lt_attr now = attr(node);
    assert_int_equal(ret.mode, now.mode);
    assert_int_equal(ret.size, now.size);
    assert_int_equal(ret.version, now.version);
    return now;
}

TEST(attr__of_a_fresh_file)
{
    (void)state;
    struct lt_time before = attr(root).mtime;
    struct lt_attr a = attr(make_file(root, "f"));
    assert_int_equal(a.size, 0);
    assert_int_equal(a.allocated, 0);
    assert_int_equal(a.nlink, 1);
    assert_int_equal(a.has, 0);
    assert_int_equal(a.reparse_tag, 0);
    assert_int_equal(a.ea_size, 0);
    assert_int_equal(a.inode_flags, 0);
    assert_true(a.block_size >= 512 && (a.block_size & (a.block_size - 1)) == 0);
    assert_true(time_order(a.btime, before) >= 0);
    assert_int_equal(time_order(a.btime, a.mtime), 0);
    assert_int_equal(time_order(a.btime, a.ctime), 0);
    assert_int_equal(time_order(a.btime, a.atime), 0);
    assert_true(a.mtime.nsec < 1000000000);
}

TEST(setattr__mode_keeps_the_type)
{
    (void)state;
    struct lt_node *nodes[] = {make_file(root, "f"), make_dir(root, "d"),
                               make(root, "p", LT_S_IFIFO | 0600)};
    for (size_t i = 0; i < 3; i++) {
        uint32_t type = attr(nodes[i]).mode & LT_S_IFMT;
        for (uint32_t mode = 0; mode <= 07777; mode += 0111) {
            ok(set_mode(nodes[i], mode));
            assert_int_equal(attr(nodes[i]).mode, type | mode);
        }
        ok(set_mode(nodes[i], LT_S_IFMT | 0644));
        assert_int_equal(attr(nodes[i]).mode, type | 0644);
    }
}

TEST(setattr__only_what_the_mask_names)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_attr old = attr(file);
    struct lt_setattr set = {.mask = LT_SET_UID,
                             .uid = 11,
                             .gid = 12,
                             .mode = 0777,
                             .size = 99,
                             .mtime = {5, 5},
                             .win_attrs = LT_WIN_HIDDEN,
                             .inode_flags = LT_INODE_NODUMP};
    struct lt_attr now = apply(file, set);
    assert_int_equal(now.uid, 11);
    assert_int_equal(now.gid, old.gid);
    assert_int_equal(now.mode, old.mode);
    assert_int_equal(now.size, old.size);
    assert_int_equal(now.win_attrs, old.win_attrs);
    assert_int_equal(now.inode_flags, 0);
    assert_int_equal(time_order(now.mtime, old.mtime), 0);
    assert_true(now.version > old.version);
    now =
        apply(file, (struct lt_setattr){.mask = LT_SET_GID | LT_SET_MODE, .gid = 13, .mode = 0600});
    assert_int_equal(now.uid, 11);
    assert_int_equal(now.gid, 13);
    assert_int_equal(now.mode, LT_S_IFREG | 0600);
}

TEST(setattr__times)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    static const struct lt_time times[] = {{0, 0},
                                           {-1, 999999999},
                                           {1, 1},
                                           {INT64_C(1) << 33, 123456789},
                                           {-(INT64_C(1) << 33), 0},
                                           {1700000000, 100}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct lt_setattr set = {.mask = LT_SET_ATIME | LT_SET_MTIME | LT_SET_CTIME | LT_SET_BTIME,
                                 .atime = times[i],
                                 .mtime = times[i],
                                 .ctime = times[i],
                                 .btime = times[i]};
        struct lt_attr a = apply(file, set);
        assert_int_equal(time_order(a.atime, times[i]), 0);
        assert_int_equal(time_order(a.mtime, times[i]), 0);
        assert_int_equal(time_order(a.ctime, times[i]), 0);
        assert_int_equal(time_order(a.btime, times[i]), 0);
    }
    struct lt_setattr now = {.mask = LT_SET_ATIME | LT_SET_ATIME_NOW | LT_SET_MTIME_NOW,
                             .atime = {1, 1}};
    struct lt_attr a = apply(file, now);
    assert_true(a.atime.sec > 1700000000 && a.mtime.sec > 1700000000);
    assert_int_equal(time_order(a.btime, times[5]), 0);
    assert_true(time_order(a.ctime, times[5]) > 0);
}

TEST(setattr__size_where_there_is_none)
{
    (void)state;
    struct lt_node *nodes[] = {make_link(root, "l", "x"), make(root, "p", LT_S_IFIFO | 0600),
                               make(root, "c", LT_S_IFCHR | 0600),
                               make(root, "s", LT_S_IFSOCK | 0600)};
    fails(LT_EISDIR, set_size(make_dir(root, "d"), 0));
    for (size_t i = 0; i < 4; i++) {
        fails(LT_EINVAL, set_size(nodes[i], 0));
    }
}

TEST(setattr__sizes)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    static const uint64_t sizes[] = {1, 100, 4095, 4096, 4097, 65536, 1000000, UINT64_C(5) << 30,
                                     3, 0};
    put_text(file, 0, "abc");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        ok(set_size(file, sizes[i]));
        assert_int_equal(attr(file).size, sizes[i]);
        if (sizes[i] > 4) {
            expect_bytes(file, sizes[i] - 1, 1, 0);
        }
    }
    ok(set_size(file, LT_SIZE_MAX));
    assert_int_equal(attr(file).size, LT_SIZE_MAX);
    fails(LT_EFBIG, set_size(file, (uint64_t)LT_SIZE_MAX + 1));
    fails(LT_EFBIG, set_size(file, UINT64_MAX));
    assert_int_equal(attr(file).size, LT_SIZE_MAX);
}

TEST(setattr__shrinking_forgets_the_data)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    put_bytes(file, 0, 20000, 0xaa);
    ok(set_size(file, 5000));
    ok(set_size(file, 20000));
    expect_bytes(file, 0, 5000, 0xaa);
    expect_bytes(file, 5000, 15000, 0);
    ok(set_size(file, 0));
    assert_int_equal(attr(file).allocated, 0);
    ok(set_size(file, 100));
    expect_bytes(file, 0, 100, 0);
}

TEST(setattr__kill_priv_clears_set_ids)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    ok(set_mode(file, 06755));
    assert_int_equal(apply(file, (struct lt_setattr){.mask = LT_SET_KILL_PRIV}).mode,
                     LT_S_IFREG | 0755);
    ok(set_mode(file, 06745)); /* set-gid without group execute stays: mandatory locking of old */
    assert_int_equal(apply(file, (struct lt_setattr){.mask = LT_SET_KILL_PRIV}).mode,
                     LT_S_IFREG | 02745);
    ok(set_mode(file, 06777));
    struct lt_setattr set = {.mask = LT_SET_SIZE | LT_SET_KILL_PRIV, .size = 10};
    assert_int_equal(apply(file, set).mode, LT_S_IFREG | 0777);
}

TEST(setattr__inode_flags)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_setattr set = {.mask = LT_SET_INODE_FLAGS,
                             .inode_flags = LT_INODE_NODUMP | LT_INODE_NOATIME};
    assert_int_equal(apply(file, set).inode_flags, LT_INODE_NODUMP | LT_INODE_NOATIME);
    set.inode_flags = 0;
    assert_int_equal(apply(file, set).inode_flags, 0);
}

static void set_flags(struct lt_node *node, uint32_t flags)
{
    struct lt_setattr set = {.mask = LT_SET_INODE_FLAGS, .inode_flags = flags};
    ok(lt_node_setattr(NULL, node, &set, NULL));
}

TEST(immutable__refuses_every_change_of_a_file)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_setattr set = {.mask = LT_SET_UID, .uid = 1};
    put_text(file, 0, "rock");
    set_flags(file, LT_INODE_IMMUTABLE);
    fails(LT_EPERM, lt_node_pwrite(NULL, file, 0, "x", 1));
    fails(LT_EPERM, set_size(file, 0));
    fails(LT_EPERM, set_mode(file, 0600));
    fails(LT_EPERM, lt_node_setattr(NULL, file, &set, NULL));
    fails(LT_EPERM, try_link(file, root, "g"));
    fails(LT_EPERM, try_remove(root, "f", 0));
    fails(LT_EPERM, try_rename(root, "f", root, "g", 0));
    make_file(root, "other");
    fails(LT_EPERM, try_rename(root, "other", root, "f", 0));
    fails(LT_EPERM, lt_node_allocate(NULL, file, 0, 0, 100));
    fails(LT_EPERM, lt_node_xattr_set(NULL, file, lt_str("user.x"), lt_str("1"), 0));
    expect_text(file, 0, "rock");
    set_flags(file, 0);
    ok(try_remove(root, "f", 0));
}

TEST(immutable__directory_keeps_its_names)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    struct lt_node *inside = make_file(dir, "in");
    make_file(root, "out");
    set_flags(dir, LT_INODE_IMMUTABLE);
    fails(LT_EPERM, try_create(dir, "x", LT_S_IFREG | 0644));
    fails(LT_EPERM, try_remove(dir, "in", 0));
    fails(LT_EPERM, try_link(inside, dir, "x"));
    fails(LT_EPERM, try_rename(dir, "in", root, "x", 0));
    fails(LT_EPERM, try_rename(root, "out", dir, "x", 0));
    put_text(inside, 0, "its files may change");
    set_flags(dir, 0);
}

TEST(append_only__grows_but_never_changes)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_node *dir = make_dir(root, "d");
    put_text(file, 0, "one");
    set_flags(file, LT_INODE_APPEND);
    fails(LT_EPERM, lt_node_pwrite(NULL, file, 0, "x", 1));
    fails(LT_EPERM, set_size(file, 0));
    fails(LT_EPERM, try_remove(root, "f", 0));
    struct lt_seg seg = {(char[]){'t', 'w', 'o'}, 3};
    struct lt_write write = {.segs = &seg, .count = 1, .flags = LT_WRITE_APPEND};
    counts(3, lt_node_write(NULL, file, &write));
    expect_text(file, 0, "onetwo");
    set_flags(dir, LT_INODE_APPEND);
    make_file(dir, "new");
    fails(LT_EPERM, try_remove(dir, "new", 0));
    fails(LT_EPERM, try_rename(dir, "new", root, "old", 0));
    set_flags(file, 0);
    set_flags(dir, 0);
}

/* ---- Who stamps what ------------------------------------------------------------------------- */

enum { A = 1, M = 2, C = 4 };

static int stamped(struct lt_node *node, struct lt_attr old)
{
    struct lt_attr now = attr(node);
    assert_int_equal(time_order(now.btime, old.btime), 0);
    return (time_order(now.atime, old.atime) > 0 ? A : 0) |
           (time_order(now.mtime, old.mtime) > 0 ? M : 0) |
           (time_order(now.ctime, old.ctime) > 0 ? C : 0);
}

#define STAMPS(expected, node, call)                                   \
    do {                                                               \
        struct lt_attr old_ = attr(node);                              \
        wait_tick();                                                   \
        call;                                                          \
        assert_int_equal(stamped((node), old_) & (M | C), (expected)); \
    } while (0)

TEST(stamps__of_a_directory)
{
    (void)state;
    struct lt_node *d = make_dir(root, "d");
    struct lt_node *f = make_file(root, "f");
    STAMPS(M | C, d, make_file(d, "a"));
    STAMPS(M | C, d, ok(try_link(f, d, "b")));
    STAMPS(M | C, d, make_dir(d, "c"));
    STAMPS(M | C, d, ok(try_rename(d, "a", d, "z", 0)));
    STAMPS(M | C, d, ok(try_rename(d, "z", root, "z", 0)));
    STAMPS(M | C, d, ok(try_remove(d, "b", 0)));
    STAMPS(M | C, d, ok(try_remove(d, "c", LT_REMOVE_DIR)));
    STAMPS(0, d, (void)try_lookup(d, "nothing"));
    STAMPS(0, d, (void)try_remove(d, "nothing", 0));
    STAMPS(C, d, ok(set_mode(d, 0700)));
}

TEST(stamps__of_a_file)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    STAMPS(M | C, f, put_text(f, 0, "x"));
    STAMPS(M | C, f, ok(set_size(f, 100)));
    STAMPS(C, f, ok(set_size(f, 100))); /* no change of size */
    STAMPS(M | C, f,
           ok(lt_node_allocate(NULL, f, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 0, 10)));
    STAMPS(C, f, ok(set_mode(f, 0600)));
    STAMPS(C, f, ok(try_link(f, root, "g")));
    STAMPS(C, f, ok(try_remove(root, "g", 0)));
    STAMPS(C, f, ok(try_rename(root, "f", root, "h", 0)));
    STAMPS(C, f, ok(lt_node_xattr_set(NULL, f, lt_str("user.x"), lt_str("v"), 0)));
    STAMPS(C, f, ok(lt_node_xattr_remove(NULL, f, lt_str("user.x"))));
    STAMPS(0, f, expect_text(f, 0, ""));
    STAMPS(0, f, counts(0, lt_node_pwrite(NULL, f, 50, "", 0)));
}

TEST(version__grows_with_every_change)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    uint64_t last = attr(f).version;
    put_text(f, 0, "x");
    assert_true(attr(f).version > last);
    last = attr(f).version;
    ok(set_mode(f, 0600));
    assert_true(attr(f).version > last);
    last = attr(f).version;
    ok(lt_node_xattr_set(NULL, f, lt_str("user.x"), lt_str("v"), 0));
    assert_true(attr(f).version > last);
    last = attr(f).version;
    expect_text(f, 0, "x");
    (void)attr(f);
    assert_int_equal(attr(f).version, last);
}
