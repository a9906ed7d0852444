// SPDX-License-Identifier: MIT
/* Names: lookup, create, link, remove, and what they do to attributes. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

TEST(root__is_a_directory_that_is_its_own_parent)
{
    (void)state;
    struct lt_node *parent = NULL;
    struct lt_attr a = attr(root);
    assert_int_equal(root->id, LT_ROOT_ID);
    assert_int_equal(a.id, LT_ROOT_ID);
    assert_int_equal(a.mode & LT_S_IFMT, LT_S_IFDIR);
    assert_int_equal(a.nlink, 2);
    ok(lt_node_parent(NULL, root, &parent));
    assert_ptr_equal(keep(parent), root);
    assert_string_equal(list_dir(root), "");
}

TEST(lookup__finds_what_was_created)
{
    (void)state;
    struct lt_node *file = make_file(root, "file");
    struct lt_node *dir = make_dir(root, "dir");
    struct lt_node *deep = make_file(dir, "deep");
    assert_ptr_equal(find(root, "file"), file);
    assert_ptr_equal(find(root, "dir"), dir);
    assert_ptr_equal(find(dir, "deep"), deep);
    assert_null(find(root, "deep"));
    assert_null(find(root, "fil"));
    assert_null(find(root, "file2"));
}

TEST(lookup__in_what_is_no_directory)
{
    (void)state;
    fails(LT_ENOTDIR, try_lookup(make_file(root, "file"), "x"));
    fails(LT_ENOTDIR, try_lookup(make_link(root, "link", "."), "x"));
}

TEST(lookup__rejects_malformed_names)
{
    (void)state;
    struct lt_entry entry = {0};
    fails(LT_EINVAL, try_lookup(root, ""));
    fails(LT_EINVAL, try_lookup(root, "."));
    fails(LT_EINVAL, try_lookup(root, ".."));
    fails(LT_EINVAL, try_lookup(root, "a/b"));
    fails(LT_EINVAL, lt_node_lookup(NULL, root, lt_strn("a\0b", 3), &entry));
    assert_null(entry.node);
}

TEST(lookup__gives_the_stored_name)
{
    (void)state;
    char stored[LT_NAME_MAX + 1];
    struct lt_entry entry = {.stored = stored};
    make_file(root, "Some Name");
    ok(lt_node_lookup(NULL, root, lt_str("Some Name"), &entry));
    keep(entry.node);
    assert_true(entry.exact);
    assert_int_equal(entry.stored_len, 9);
    assert_string_equal(stored, "Some Name");
    assert_int_equal(entry.attr.id, entry.node->id);
}

TEST(create__every_type)
{
    (void)state;
    static const uint32_t types[] = {LT_S_IFREG, LT_S_IFDIR, LT_S_IFLNK, LT_S_IFCHR,
                                     LT_S_IFBLK, LT_S_IFIFO, LT_S_IFSOCK};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char name[8];
        snprintf(name, sizeof(name), "n%zu", i);
        struct lt_create spec = {.mode = types[i] | 0640, .rdev = 0x12345};
        struct lt_entry entry = {0};
        if (types[i] == LT_S_IFLNK) {
            spec.target = lt_str("somewhere");
        }
        ok(lt_node_create(NULL, root, lt_str(name), &spec, &entry));
        keep(entry.node);
        assert_int_equal(entry.node->type, types[i]);
        assert_int_equal(entry.attr.mode & LT_S_IFMT, types[i]);
        bool device = types[i] == LT_S_IFCHR || types[i] == LT_S_IFBLK;
        assert_int_equal(attr(entry.node).rdev, device ? 0x12345 : 0);
        assert_int_equal(attr(entry.node).nlink, types[i] == LT_S_IFDIR ? 2 : 1);
        assert_ptr_equal(find(root, name), entry.node);
    }
    assert_int_equal(attr(root).nlink, 3);
}

TEST(create__rejects_unknown_types)
{
    (void)state;
    fails(LT_EINVAL, try_create(root, "x", 0644));
    fails(LT_EINVAL, try_create(root, "x", LT_S_STREAM | 0644));
    fails(LT_EINVAL, try_create(root, "x", 0030000 | 0644));
    assert_string_equal(list_dir(root), "");
}

TEST(create__existing_name)
{
    (void)state;
    struct lt_node *file = make_file(root, "x");
    fails(LT_EEXIST, try_create(root, "x", LT_S_IFREG | 0644));
    fails(LT_EEXIST, try_create(root, "x", LT_S_IFDIR | 0755));
    fails(LT_EEXIST, try_create(root, "x", LT_S_IFLNK | 0777));
    assert_ptr_equal(find(root, "x"), file);
    assert_int_equal(attr(root).nlink, 2);
}

TEST(create__malformed_names)
{
    (void)state;
    static const char *const bad[] = {"", ".", "..", "/", "a/", "a/b"};
    for (size_t i = 1; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fails(LT_EINVAL, try_create(root, bad[i], LT_S_IFREG | 0644));
    }
    fails(LT_EINVAL, try_create(root, "", LT_S_IFDIR | 0755)); /* only files go without a name */
}

/* A name of `units` copies of `unit`. */
static const char *long_name(const char *unit, size_t units)
{
    static char name[4 * LT_NAME_UNITS_MAX + 64];
    size_t len = strlen(unit);
    for (size_t i = 0; i < units; i++) {
        memcpy(name + i * len, unit, len);
    }
    name[units * len] = '\0';
    return name;
}

TEST(create__names_up_to_255_units)
{
    (void)state;
    /* One, two and three bytes are one UTF-16 unit, four bytes are two, a stray byte is one. */
    static const struct {
        const char *unit;
        size_t fit;
    } cases[] = {{"x", 255},
                 {"\xc3\xa4", 255},
                 {"\xe2\x82\xac", 255},
                 {"\xf0\x9f\x98\x80", 127},
                 {"\xff", 255}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = long_name(cases[i].unit, cases[i].fit);
        struct lt_node *node = make_file(root, name);
        assert_ptr_equal(find(root, name), node);
        assert_string_equal(list_dir(root), name);
        ok(try_remove(root, name, 0));
        fails(LT_ENAMETOOLONG,
              try_create(root, long_name(cases[i].unit, cases[i].fit + 1), LT_S_IFREG));
        fails(LT_ENAMETOOLONG, try_lookup(root, long_name(cases[i].unit, cases[i].fit + 1)));
        drop(node);
    }
}

TEST(create__every_byte_in_a_name)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char name[4] = {'n', (char)c, 'm', '\0'};
        if (c == '/') {
            continue;
        }
        if (volume.name_case == LT_CASE_INSENSITIVE && c >= 'a' && c <= 'z') {
            fails(LT_EEXIST, try_create(root, name, LT_S_IFREG | 0644));
            continue;
        }
        struct lt_node *node = make_file(root, name);
        assert_ptr_equal(find(root, name), node);
    }
}

TEST(create__applies_umask)
{
    (void)state;
    struct lt_ctx ctx = {.uid = 7, .gid = 8, .umask = 027};
    struct lt_create spec = {.mode = LT_S_IFREG | 0666};
    struct lt_entry entry = {0};
    ok(lt_node_create(&ctx, root, lt_str("f"), &spec, &entry));
    keep(entry.node);
    assert_int_equal(entry.attr.mode, LT_S_IFREG | 0640);
    assert_int_equal(entry.attr.uid, 7);
    assert_int_equal(entry.attr.gid, 8);
}

TEST(create__set_gid_directory_hands_down_its_group)
{
    (void)state;
    struct lt_ctx ctx = {.uid = 7, .gid = 8};
    struct lt_create spec = {.mode = LT_S_IFDIR | 0755};
    struct lt_entry entry = {0};
    struct lt_node *dir = make_dir(root, "d");
    struct lt_setattr set = {.mask = LT_SET_MODE | LT_SET_GID, .mode = 02775, .gid = 55};
    ok(lt_node_setattr(NULL, dir, &set, NULL));
    ok(lt_node_create(&ctx, dir, lt_str("sub"), &spec, &entry));
    keep(entry.node);
    assert_int_equal(entry.attr.gid, 55);
    assert_int_equal(entry.attr.mode, LT_S_IFDIR | 02755);
    spec.mode = LT_S_IFREG | 0644;
    ok(lt_node_create(&ctx, dir, lt_str("file"), &spec, &entry));
    keep(entry.node);
    assert_int_equal(entry.attr.gid, 55);
    assert_int_equal(entry.attr.mode, LT_S_IFREG | 0644);
}

TEST(create__exact_takes_ids_and_mode_as_given)
{
    (void)state;
    struct lt_ctx ctx = {.uid = 7, .gid = 8, .umask = 0777};
    struct lt_create spec = {.mode = LT_S_IFREG | 06777, .uid = 100, .gid = 200, .exact = true};
    struct lt_entry entry = {0};
    ok(lt_node_create(&ctx, root, lt_str("f"), &spec, &entry));
    keep(entry.node);
    assert_int_equal(entry.attr.mode, LT_S_IFREG | 06777);
    assert_int_equal(entry.attr.uid, 100);
    assert_int_equal(entry.attr.gid, 200);
}

TEST(create__without_a_name_lives_until_put_or_linked)
{
    (void)state;
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    struct lt_statfs before;
    struct lt_statfs after;
    ok(lt_fs_statfs(NULL, fs, &before));
    ok(lt_node_create(NULL, root, lt_str(""), &spec, &entry));
    assert_int_equal(entry.attr.nlink, 0);
    put_text(entry.node, 0, "unnamed");
    assert_string_equal(list_dir(root), "");
    lt_node_put(entry.node);
    ok(lt_fs_statfs(NULL, fs, &after));
    assert_int_equal(after.nodes, before.nodes);

    ok(lt_node_create(NULL, root, lt_str(""), &spec, &entry));
    put_text(entry.node, 0, "named later");
    ok(try_link(entry.node, root, "name"));
    assert_int_equal(attr(entry.node).nlink, 1);
    lt_node_put(entry.node);
    expect_text(find(root, "name"), 0, "named later");
}

TEST(create__in_a_removed_directory)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    ok(try_remove(root, "d", LT_REMOVE_DIR));
    fails(LT_ENOENT, try_create(dir, "x", LT_S_IFREG | 0644));
    fails(LT_ENOENT, try_create(dir, "x", LT_S_IFDIR | 0755));
    fails(LT_ENOENT, try_link(make_file(root, "f"), dir, "x"));
    fails(LT_ENOENT, try_rename(root, "f", dir, "x", 0));
    fails(LT_ENOENT, try_lookup(dir, "x"));
    struct lt_node *parent = NULL;
    fails(LT_ENOENT, lt_node_parent(NULL, dir, &parent));
}

TEST(create__symlink_targets)
{
    (void)state;
    static char target[LT_PATH_MAX + 1];
    char got[LT_PATH_MAX];
    struct lt_create spec = {.mode = LT_S_IFLNK | 0777};
    struct lt_entry entry = {0};
    memset(target, 't', sizeof(target));
    spec.target = lt_strn(target, LT_PATH_MAX - 1);
    ok(lt_node_create(NULL, root, lt_str("longest"), &spec, &entry));
    keep(entry.node);
    counts(LT_PATH_MAX - 1, lt_node_readlink(NULL, entry.node, got, sizeof(got)));
    assert_memory_equal(got, target, LT_PATH_MAX - 1);
    assert_int_equal(entry.attr.size, LT_PATH_MAX - 1);
    counts(5, lt_node_readlink(NULL, entry.node, got, 5)); /* cut */
    spec.target = lt_strn(target, LT_PATH_MAX);
    fails(LT_ENAMETOOLONG, lt_node_create(NULL, root, lt_str("longer"), &spec, &entry));
    spec.target = lt_str("");
    int result = lt_node_create(NULL, root, lt_str("empty"), &spec, &entry);
    assert_true(result == LT_ENOENT || result == LT_EINVAL);
    fails(LT_EINVAL, lt_node_readlink(NULL, make_file(root, "file"), got, sizeof(got)));
    fails(LT_EINVAL, lt_node_readlink(NULL, root, got, sizeof(got)));
}

TEST(link__shares_everything)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    struct lt_node *file = make_file(root, "a");
    put_text(file, 0, "data");
    ok(try_link(file, dir, "b"));
    assert_int_equal(attr(file).nlink, 2);
    assert_ptr_equal(find(dir, "b"), file);
    ok(try_remove(root, "a", 0));
    assert_int_equal(attr(file).nlink, 1);
    expect_text(find(dir, "b"), 0, "data");
}

TEST(link__errors)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    struct lt_node *file = make_file(root, "f");
    make_file(root, "g");
    fails(LT_EEXIST, try_link(file, root, "g"));
    fails(LT_EEXIST, try_link(file, root, "f"));
    fails(LT_EEXIST, try_link(file, root, "d"));
    fails(LT_EPERM, try_link(dir, root, "x"));
    fails(LT_ENOTDIR, try_link(file, file, "x"));
    fails(LT_EINVAL, try_link(file, root, ".."));
    fails(LT_EINVAL, try_link(file, root, ""));
    assert_int_equal(attr(root).nlink, 3);
}

TEST(link__symlinks_and_devices_too)
{
    (void)state;
    struct lt_node *link = make_link(root, "l", "to");
    struct lt_node *fifo = make(root, "p", LT_S_IFIFO | 0600);
    ok(try_link(link, root, "l2"));
    ok(try_link(fifo, root, "p2"));
    assert_int_equal(attr(link).nlink, 2);
    assert_int_equal(attr(fifo).nlink, 2);
}

TEST(remove__errors)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    make_file(dir, "inside");
    make_file(root, "f");
    fails(LT_ENOENT, try_remove(root, "x", 0));
    fails(LT_ENOENT, try_remove(root, "x", LT_REMOVE_DIR));
    fails(LT_EISDIR, try_remove(root, "d", 0));
    fails(LT_ENOTEMPTY, try_remove(root, "d", LT_REMOVE_DIR));
    fails(LT_ENOTEMPTY, try_remove(root, "d", LT_REMOVE_ANY));
    fails(LT_ENOTDIR, try_remove(root, "f", LT_REMOVE_DIR));
    fails(LT_ENOTDIR, try_remove(find(root, "f"), "x", 0));
    fails(LT_EINVAL, try_remove(root, ".", LT_REMOVE_DIR));
    fails(LT_EINVAL, try_remove(root, "..", LT_REMOVE_ANY));
    assert_string_equal(list_dir(root), "d,f");
    ok(try_remove(dir, "inside", LT_REMOVE_ANY));
    ok(try_remove(root, "d", LT_REMOVE_ANY));
    ok(try_remove(root, "f", LT_REMOVE_ANY));
}

TEST(remove__only_the_expected_node)
{
    (void)state;
    struct lt_node *a = make_file(root, "a");
    struct lt_node *b = make_file(root, "b");
    fails(LT_ESTALE, lt_node_remove(NULL, root, lt_str("a"), LT_REMOVE_SAME, b));
    assert_ptr_equal(find(root, "a"), a);
    ok(lt_node_remove(NULL, root, lt_str("a"), LT_REMOVE_SAME, a));
    fails(LT_ENOENT, lt_node_remove(NULL, root, lt_str("a"), LT_REMOVE_SAME, a));
}

TEST(remove__keeps_a_referenced_node_alive)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    put_text(file, 0, "still here");
    ok(try_remove(root, "f", 0));
    assert_int_equal(attr(file).nlink, 0);
    expect_text(file, 0, "still here");
    put_text(file, 100000, "and growing");
    ok(set_size(file, 5));
    assert_int_equal(attr(file).size, 5);
    struct lt_node *dir = make_dir(root, "d");
    ok(try_remove(root, "d", LT_REMOVE_DIR));
    assert_int_equal(attr(dir).nlink, 0);
    assert_string_equal(list_dir(dir), "");
}

TEST(remove__nodes_and_space_come_back)
{
    (void)state;
    struct lt_statfs before;
    struct lt_statfs after;
    ok(lt_fs_statfs(NULL, fs, &before));
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof(name), "file%d", i);
        struct lt_node *file = make_file(root, name);
        put_bytes(file, 0, (size_t)(i * 37 + 1), 7);
        drop(file);
    }
    ok(lt_fs_statfs(NULL, fs, &after));
    assert_int_equal(after.nodes, before.nodes + 500);
    assert_true(after.used > before.used);
    assert_true(after.total == 0 || after.used + after.free == after.total);
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof(name), "file%d", i);
        ok(try_remove(root, name, 0));
    }
    ok(lt_fs_statfs(NULL, fs, &after));
    assert_int_equal(after.nodes, before.nodes);
    assert_int_equal(after.data, before.data);
}

TEST(node__by_id_and_generation)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_node *got = NULL;
    struct lt_attr a = attr(file);
    ok(lt_fs_node(NULL, fs, a.id, a.generation, &got));
    assert_ptr_equal(keep(got), file);
    ok(lt_fs_node(NULL, fs, LT_ROOT_ID, attr(root).generation, &got));
    assert_ptr_equal(keep(got), root);
    fails(LT_ESTALE, lt_fs_node(NULL, fs, a.id, a.generation + 1, &got));
    fails(LT_ESTALE, lt_fs_node(NULL, fs, UINT64_C(1) << 60, 0, &got));
    drop(got);
    ok(try_remove(root, "f", 0));
    while (attr(file).nlink == 0 && atomic_load(&file->refs) > 1) {
        drop(file);
    }
    drop(file);
    fails(LT_ESTALE, lt_fs_node(NULL, fs, a.id, a.generation, &got));
}

struct names {
    int count;
    bool seen_a, seen_b;
    struct lt_node *dir;
};

static int on_each_name(void *arg, struct lt_node *dir, struct lt_str name)
{
    struct names *n = arg;
    n->count++;
    n->seen_a |= dir == root && lt_str_equal(name, lt_str("a"));
    n->seen_b |= dir == n->dir && lt_str_equal(name, lt_str("b"));
    return 0;
}

TEST(names__lists_every_name_of_a_node)
{
    (void)state;
    struct lt_node *file = make_file(root, "a");
    struct names n = {.dir = make_dir(root, "d")};
    ok(try_link(file, n.dir, "b"));
    ok(lt_node_names(NULL, file, on_each_name, &n));
    assert_int_equal(n.count, 2);
    assert_true(n.seen_a && n.seen_b);
    n = (struct names){.dir = n.dir};
    ok(try_remove(root, "a", 0));
    ok(lt_node_names(NULL, file, on_each_name, &n));
    assert_int_equal(n.count, 1);
    assert_true(n.seen_b);
}

TEST(links__of_a_directory_count_its_subdirectories)
{
    (void)state;
    struct lt_node *d = make_dir(root, "d");
    make_dir(d, "one");
    make_dir(d, "two");
    make_file(d, "file");
    assert_int_equal(attr(d).nlink, 4);
    ok(try_remove(d, "one", LT_REMOVE_DIR));
    assert_int_equal(attr(d).nlink, 3);
    ok(try_rename(d, "two", root, "two", 0));
    assert_int_equal(attr(d).nlink, 2);
    assert_int_equal(attr(root).nlink, 4);
}
