// SPDX-License-Identifier: MIT
/* Rename: every combination of types and flags, and what must not happen. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

TEST(rename__plain)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    struct lt_node *file = make_file(root, "a");
    ok(try_rename(root, "a", root, "b", 0));
    assert_string_equal(list_dir(root), "b,d");
    ok(try_rename(root, "b", dir, "c", 0));
    assert_string_equal(list_dir(root), "d");
    assert_ptr_equal(find(dir, "c"), file);
    assert_int_equal(attr(file).nlink, 1);
}

TEST(rename__replaces_and_the_replaced_lives_on)
{
    (void)state;
    struct lt_node *a = make_file(root, "a");
    struct lt_node *b = make_file(root, "b");
    put_text(b, 0, "old");
    ok(try_rename(root, "a", root, "b", 0));
    assert_ptr_equal(find(root, "b"), a);
    assert_null(find(root, "a"));
    assert_int_equal(attr(b).nlink, 0);
    expect_text(b, 0, "old");
}

TEST(rename__one_of_two_links_over_the_other_does_nothing)
{
    (void)state;
    struct lt_node *a = make_file(root, "a");
    ok(try_link(a, root, "b"));
    ok(try_rename(root, "a", root, "b", 0));
    assert_string_equal(list_dir(root), "a,b");
    assert_int_equal(attr(a).nlink, 2);
    ok(try_rename(root, "a", root, "a", 0));
    assert_string_equal(list_dir(root), "a,b");
}

TEST(rename__sorts_must_agree)
{
    (void)state;
    struct lt_node *full = make_dir(root, "full");
    make_file(full, "x");
    make_dir(root, "empty");
    make_file(root, "file");
    fails(LT_EISDIR, try_rename(root, "file", root, "empty", 0));
    fails(LT_ENOTDIR, try_rename(root, "empty", root, "file", 0));
    fails(LT_ENOTEMPTY, try_rename(root, "empty", root, "full", 0));
    assert_string_equal(list_dir(root), "empty,file,full");
    ok(try_rename(root, "full", root, "empty", 0));
    assert_ptr_equal(find(root, "empty"), full);
    assert_int_equal(attr(root).nlink, 3);
}

TEST(rename__not_into_its_own_subtree)
{
    (void)state;
    struct lt_node *a = make_dir(root, "a");
    struct lt_node *b = make_dir(a, "b");
    struct lt_node *c = make_dir(b, "c");
    fails(LT_EINVAL, try_rename(root, "a", a, "x", 0));
    fails(LT_EINVAL, try_rename(root, "a", b, "x", 0));
    fails(LT_EINVAL, try_rename(root, "a", c, "x", 0));
    fails(LT_EINVAL, try_rename(root, "a", c, "x", LT_RENAME_NOREPLACE));
    /* onto an ancestor of itself: it is not empty */
    int result = try_rename(b, "c", root, "a", 0);
    assert_int_equal(result, LT_ENOTEMPTY);
    fails(LT_EINVAL, try_rename(root, "a", b, "c", LT_RENAME_EXCHANGE));
    fails(LT_EINVAL, try_rename(b, "c", root, "a", LT_RENAME_EXCHANGE));
    assert_int_equal(attr(a).nlink, 3);
}

TEST(rename__errors)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    fails(LT_ENOENT, try_rename(root, "x", root, "y", 0));
    fails(LT_ENOTDIR, try_rename(root, "f", file, "y", 0));
    fails(LT_ENOTDIR, try_rename(file, "f", root, "y", 0));
    fails(LT_EINVAL, try_rename(root, "f", root, "..", 0));
    fails(LT_EINVAL, try_rename(root, ".", root, "y", 0));
    fails(LT_EINVAL, try_rename(root, "f", root, "y", 0x80));
    fails(LT_EINVAL, try_rename(root, "f", root, "y", LT_RENAME_NOREPLACE | LT_RENAME_EXCHANGE));
    fails(LT_EINVAL, try_rename(root, "f", root, "y", LT_RENAME_WHITEOUT | LT_RENAME_EXCHANGE));
    assert_string_equal(list_dir(root), "f");
}

TEST(rename__noreplace)
{
    (void)state;
    make_file(root, "a");
    make_file(root, "b");
    fails(LT_EEXIST, try_rename(root, "a", root, "b", LT_RENAME_NOREPLACE));
    fails(LT_EEXIST, try_rename(root, "a", root, "a", LT_RENAME_NOREPLACE));
    ok(try_rename(root, "a", root, "c", LT_RENAME_NOREPLACE));
    assert_string_equal(list_dir(root), "b,c");
}

TEST(rename__exchange_any_two_sorts)
{
    (void)state;
    struct lt_node *d1 = make_dir(root, "d1");
    struct lt_node *d2 = make_dir(root, "d2");
    struct lt_node *sub = make_dir(d1, "sub");
    struct lt_node *file = make_file(d2, "file");
    make_file(sub, "inside");
    ok(try_rename(d1, "sub", d2, "file", LT_RENAME_EXCHANGE));
    assert_ptr_equal(find(d1, "sub"), file);
    assert_ptr_equal(find(d2, "file"), sub);
    assert_int_equal(attr(d1).nlink, 2);
    assert_int_equal(attr(d2).nlink, 3);
    struct lt_node *parent = NULL;
    ok(lt_node_parent(NULL, sub, &parent));
    assert_ptr_equal(keep(parent), d2);
    fails(LT_ENOENT, try_rename(d1, "sub", d2, "nothing", LT_RENAME_EXCHANGE));
    fails(LT_ENOENT, try_rename(d1, "nothing", d2, "file", LT_RENAME_EXCHANGE));
    ok(try_rename(d1, "sub", d1, "sub", LT_RENAME_EXCHANGE));
}

TEST(rename__whiteout_leaves_a_device)
{
    (void)state;
    struct lt_node *file = make_file(root, "a");
    ok(try_rename(root, "a", root, "b", LT_RENAME_WHITEOUT));
    assert_ptr_equal(find(root, "b"), file);
    struct lt_attr a = attr(find(root, "a"));
    assert_int_equal(a.mode & LT_S_IFMT, LT_S_IFCHR);
    assert_int_equal(a.rdev, 0);
    ok(try_rename(root, "a", root, "b", LT_RENAME_WHITEOUT)); /* over an existing one */
    assert_int_equal(attr(file).nlink, 0);
    fails(LT_EEXIST, try_rename(root, "a", root, "b", LT_RENAME_WHITEOUT | LT_RENAME_NOREPLACE));
}

TEST(rename__whiteout_gets_the_group_of_a_set_gid_directory)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    struct lt_setattr set = {.mask = LT_SET_MODE | LT_SET_GID, .mode = 02755, .gid = 77};
    ok(lt_node_setattr(NULL, dir, &set, NULL));
    make_file(dir, "a");
    ok(try_rename(dir, "a", root, "b", LT_RENAME_WHITEOUT));
    assert_int_equal(attr(find(dir, "a")).gid, 77);
}

TEST(rename__moves_the_parent_and_link_counts)
{
    (void)state;
    struct lt_node *a = make_dir(root, "a");
    struct lt_node *b = make_dir(root, "b");
    struct lt_node *sub = make_dir(a, "sub");
    struct lt_node *parent = NULL;
    ok(try_rename(a, "sub", b, "sub", 0));
    assert_int_equal(attr(a).nlink, 2);
    assert_int_equal(attr(b).nlink, 3);
    ok(lt_node_parent(NULL, sub, &parent));
    assert_ptr_equal(keep(parent), b);
    make_dir(a, "sub");
    ok(try_rename(b, "sub", a, "sub", 0)); /* over an empty directory */
    assert_int_equal(attr(a).nlink, 3);
    assert_int_equal(attr(b).nlink, 2);
}

TEST(rename__into_a_removed_directory)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    make_file(root, "f");
    ok(try_remove(root, "d", LT_REMOVE_DIR));
    fails(LT_ENOENT, try_rename(root, "f", dir, "f", 0));
    fails(LT_ENOENT, try_rename(dir, "f", root, "g", 0));
}

TEST(rename__times_of_directories_and_file)
{
    (void)state;
    struct lt_node *a = make_dir(root, "a");
    struct lt_node *b = make_dir(root, "b");
    struct lt_node *file = make_file(a, "f");
    struct lt_attr old_a = attr(a);
    struct lt_attr old_b = attr(b);
    struct lt_attr old_f = attr(file);
    wait_tick();
    ok(try_rename(a, "f", b, "g", 0));
    assert_true(time_order(attr(a).mtime, old_a.mtime) > 0);
    assert_true(time_order(attr(a).ctime, old_a.ctime) > 0);
    assert_true(time_order(attr(b).mtime, old_b.mtime) > 0);
    assert_true(time_order(attr(file).ctime, old_f.ctime) > 0);
    assert_true(time_order(attr(file).mtime, old_f.mtime) == 0);
    assert_true(attr(a).version > old_a.version);
}

TEST(rename__long_chain_of_moves)
{
    (void)state;
    struct lt_node *dir[20];
    dir[0] = make_dir(root, "d0");
    for (int i = 1; i < 20; i++) {
        dir[i] = make_dir(dir[i - 1], "d");
    }
    fails(LT_EINVAL, try_rename(root, "d0", dir[19], "x", 0));
    ok(try_rename(dir[9], "d", root, "cut", 0)); /* dir[10] */
    fails(LT_EINVAL, try_rename(root, "cut", dir[19], "x", 0));
    ok(try_rename(root, "d0", dir[19], "x", 0)); /* now below its former child */
    fails(LT_EINVAL, try_rename(root, "cut", dir[5], "x", 0));
    assert_string_equal(list_dir(root), "cut");
}
