// SPDX-License-Identifier: MIT
/* Names: against a model, stable cookies, renames of every sort, case. */
#include "random.h"
#include "volume.h"

#include <fs/mem/dir.h>
#include <stdio.h>
#include <stdlib.h>

static int teardown(void **state)
{
    (void)state;
    volume_close();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    volume_open("size=1g");
    return 0;
}

static int setup_nocase(void **state)
{
    (void)state;
    volume_open("size=1g,case=insensitive");
    return 0;
}

/* ---- Lists ---------------------------------------------------------------------------------- */

struct seen {
    unsigned times[100000];
    unsigned count, stop_after;
    uint64_t cookie;
};

static struct seen seen;

static int see(void *arg, const struct lt_dirent *e)
{
    struct seen *s = arg;
    char name[16] = {0};
    if (s->stop_after == 0)
        return 1;
    assert_true(e->name.len < sizeof(name) && e->next > 2 && e->next < INT64_MAX);
    memcpy(name, e->name.s, e->name.len);
    s->times[strtol(name, NULL, 10)]++;
    s->count++;
    s->stop_after--;
    s->cookie = e->next;
    return 0;
}

static int list_some(struct lt_node *dir, unsigned count)
{
    seen.stop_after = count;
    return lt_node_readdir(NULL, dir, seen.cookie, 0, see, &seen);
}

static const char *numbered(unsigned i)
{
    static char name[16];
    (void)snprintf(name, sizeof(name), "%u", i);
    return name;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void test_dir__agrees_with_a_model(void **state)
{
    (void)state;
    enum { NAMES = 3000, STEPS = 60000 };
    static int64_t model[NAMES];
    static const unsigned keep[] = {90, 50, 5, 70};
    uint64_t seed = 42, empty = volume_used(), count = 0;
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned k = (unsigned)random_below(&seed, NAMES);
        bool add = random_below(&seed, 100) < keep[i / (STEPS / 4)];
        if (add) {
            int error = make(root, numbered(k), LT_S_IFREG | 0644, NULL);
            assert_int_equal(error, model[k] ? LT_EEXIST : 0);
            if (!error) {
                model[k] = find(root, numbered(k));
                count++;
            }
        } else {
            assert_int_equal(drop(root, numbered(k)), model[k] ? 0 : LT_ENOENT);
            count -= model[k] != 0;
            model[k] = 0;
        }
        k = (unsigned)random_below(&seed, NAMES);
        assert_int_equal(find(root, numbered(k)), model[k] ? model[k] : LT_ENOENT);
        assert_int_equal(attr_of(root).size, 40 + 20 * count);
    }
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(list_some(root, UINT32_MAX), 0);
    for (unsigned k = 0; k < NAMES; k++) {
        assert_int_equal(seen.times[k], model[k] != 0);
        if (model[k])
            assert_int_equal(drop(root, numbered(k)), 0);
    }
    assert_int_equal(volume_used(), empty);
}

static void test_dir__a_listing_sees_what_stays_exactly_once(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (unsigned i = 0; i < 4000; i++) /* these stay */
        make_file(root, numbered(i));
    for (unsigned i = 4000; i < 8000; i++)
        make_file(root, numbered(i));
    memset(&seen, 0, sizeof(seen));
    while (list_some(root, 1 + (unsigned)random_below(&seed, 60)) == 1) {
        for (unsigned i = 0; i < 100; i++) {
            unsigned k = 4000 + (unsigned)random_below(&seed, 90000);
            if (drop(root, numbered(k)) == LT_ENOENT)
                make_file(root, numbered(k));
        }
    }
    for (unsigned i = 0; i < 4000; i++)
        assert_int_equal(seen.times[i], 1);
    for (unsigned i = 4000; i < 100000; i++)
        assert_true(seen.times[i] <= 1);
}

static void test_dir__a_listing_goes_on_behind_a_name(void **state)
{
    (void)state;
    uint64_t cookie;
    for (unsigned i = 0; i < 500; i++)
        make_file(root, numbered(i));
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(list_some(root, 200), 1);
    uint64_t middle = seen.cookie;
    /* Find the name that has this cookie, by asking for each. */
    unsigned at = 500;
    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(lt_node_readdir_after(NULL, root, lt_str(numbered(i)), &cookie), 0);
        if (cookie == middle)
            at = i;
    }
    assert_in_range(at, 0, 499);
    assert_int_equal(drop(root, numbered(at)), 0);
    assert_int_equal(lt_node_readdir_after(NULL, root, lt_str(numbered(at)), &seen.cookie), 0);
    assert_int_equal(list_some(root, UINT32_MAX), 0);
    assert_int_equal(seen.count, 500);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(seen.times[i], 1);
}

/* Nobody can make names collide on purpose, so the test goes below the hash. */
static void test_dir__names_with_one_hash_live_together(void **state)
{
    (void)state;
    struct mem_node *dir = mem_node(made(root, "d", LT_S_IFDIR | 0755));
    struct mem_node *node = mem_node(made(root, "f", LT_S_IFREG | 0644));
    struct mem_entry *entries[256];
    const uint64_t hash = 77 * 256;
    uint64_t key;
    lt_rwlock_write(&dir->lock);
    for (unsigned i = 0; i < 256; i++) {
        entries[i] = mem_entry_new(mem_fs(fs), lt_str(numbered(i)));
        entries[i]->node = node;
        assert_int_equal(mem_dir_insert(dir, hash, entries[i]), 0);
    }
    struct mem_entry *extra = mem_entry_new(mem_fs(fs), lt_str("extra"));
    assert_int_equal(mem_dir_insert(dir, hash, extra), LT_ENOSPC);
    assert_null(mem_dir_find(dir, hash, lt_str("extra"), NULL));
    for (unsigned i = 0; i < 256; i++)
        assert_ptr_equal(mem_dir_find(dir, hash, lt_str(numbered(i)), NULL), entries[i]);
    assert_ptr_equal(mem_dir_find(dir, hash, lt_str("100"), &key), entries[100]);
    mem_tree_remove(&dir->tree, &mem_fs(fs)->arena, key);
    assert_ptr_equal(mem_dir_find(dir, hash, lt_str("200"), NULL), entries[200]);
    assert_int_equal(mem_dir_insert(dir, hash, extra), 0); /* into the gap */
    assert_ptr_equal(mem_dir_find(dir, hash, lt_str("extra"), NULL), extra);
    for (unsigned i = 0; i < 256; i++)
        mem_tree_remove(&dir->tree, &mem_fs(fs)->arena, hash + i);
    lt_rwlock_write_unlock(&dir->lock);
    for (unsigned i = 0; i < 256; i++)
        mem_entry_free(mem_fs(fs), entries[i]);
    mem_entry_free(mem_fs(fs), extra);
    lt_node_put(&dir->base);
    lt_node_put(&node->base);
}

static void test_dir__a_quarter_million_entries(void **state)
{
    (void)state;
    enum { COUNT = 250000 };
    uint64_t empty = volume_used();
    struct lt_statfs s;
    for (unsigned i = 0; i < COUNT; i++)
        make_file(root, numbered(i));
    assert_int_equal(lt_fs_statfs(NULL, fs, &s), 0);
    assert_true((s.used - empty) / COUNT <= 250); /* bytes for an empty file with its name */
    for (unsigned i = 0; i < COUNT; i += 1000)
        assert_true(find(root, numbered(i)) > 0);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(drop(root, numbered((unsigned)(i * UINT64_C(77777) % COUNT))), 0);
    assert_int_equal(volume_used(), empty);
}

/* ---- Rename --------------------------------------------------------------------------------- */

static void test_rename__over_each_other(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755), *f = made(root, "f", LT_S_IFREG);
    make_file(d, "x");
    make_file(root, "g");
    int64_t g = find(root, "g");
    assert_int_equal(make(root, "e", LT_S_IFDIR | 0755, NULL), 0);
    assert_int_equal(move(root, "f", root, "d", 0), LT_EISDIR);
    assert_int_equal(move(root, "d", root, "f", 0), LT_ENOTDIR);
    assert_int_equal(move(root, "e", root, "d", 0), LT_ENOTEMPTY);
    assert_int_equal(move(root, "none", root, "f", 0), LT_ENOENT);
    assert_int_equal(move(root, "g", root, "f", LT_RENAME_NOREPLACE), LT_EEXIST);
    assert_int_equal(move(root, "g", root, "f", 0), 0);
    assert_int_equal(find(root, "f"), g);
    assert_int_equal(attr_of(f).nlink, 0);
    assert_int_equal(move(root, "d", root, "e", 0), 0); /* over an empty directory */
    assert_int_equal(attr_of(root).nlink, 3);
    assert_int_equal(find(root, "d"), LT_ENOENT);
    lt_node_put(d);
    lt_node_put(f);
}

static void test_rename__moves_directories_but_not_below_themselves(void **state)
{
    (void)state;
    struct lt_node *a = made(root, "a", LT_S_IFDIR | 0755), *b = made(a, "b", LT_S_IFDIR | 0755),
                   *c = made(b, "c", LT_S_IFDIR | 0755), *parent;
    assert_int_equal(move(root, "a", c, "a", 0), LT_EINVAL);
    assert_int_equal(move(root, "a", a, "a", 0), LT_EINVAL);
    assert_int_equal(move(b, "c", root, "a", 0), LT_ENOTEMPTY);
    assert_int_equal(move(b, "c", root, "a", LT_RENAME_EXCHANGE), LT_EINVAL);
    assert_int_equal(move(b, "c", root, "top", 0), 0);
    assert_int_equal(lt_node_parent(NULL, c, &parent), 0);
    assert_ptr_equal(parent, root);
    lt_node_put(parent);
    assert_int_equal(attr_of(b).nlink, 2);
    assert_int_equal(attr_of(root).nlink, 4);
    assert_int_equal(move(root, "top", root, "a", 0), LT_ENOTEMPTY);
    assert_int_equal(move(root, "a", c, "a", 0), 0); /* now it may */
    assert_int_equal(find(c, "a"), (int64_t)a->id);
    lt_node_put(a);
    lt_node_put(b);
    lt_node_put(c);
}

static void test_rename__exchange_and_whiteout(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755);
    struct lt_entry e = {.node = NULL};
    make_file(root, "f");
    int64_t f = find(root, "f");
    assert_int_equal(make(d, "sub", LT_S_IFDIR | 0755, NULL), 0);
    int64_t sub = find(d, "sub");
    assert_int_equal(move(root, "f", d, "none", LT_RENAME_EXCHANGE), LT_ENOENT);
    assert_int_equal(move(root, "f", d, "sub", LT_RENAME_EXCHANGE), 0);
    assert_int_equal(find(root, "f"), sub);
    assert_int_equal(find(d, "sub"), f);
    assert_int_equal(attr_of(root).nlink, 4);
    assert_int_equal(attr_of(d).nlink, 2);
    assert_int_equal(move(d, "sub", root, "file", LT_RENAME_WHITEOUT), 0);
    assert_int_equal(lt_node_lookup(NULL, d, lt_str("sub"), &e), 0);
    assert_int_equal(e.attr.mode, LT_S_IFCHR);
    assert_int_equal(e.attr.rdev, 0);
    assert_int_equal(e.attr.nlink, 1);
    lt_node_put(e.node);
    lt_node_put(d);
}

static void test_rename__two_names_of_one_node_stay(void **state)
{
    (void)state;
    struct lt_node *f = made(root, "f", LT_S_IFREG | 0644);
    struct lt_entry e = {.node = NULL};
    assert_int_equal(lt_node_link(NULL, f, root, lt_str("g"), &e), 0);
    assert_int_equal(e.attr.nlink, 2);
    lt_node_put(e.node);
    assert_int_equal(move(root, "f", root, "g", 0), 0);
    assert_int_equal(attr_of(f).nlink, 2);
    assert_true(find(root, "f") > 0 && find(root, "g") > 0);
    assert_int_equal(drop(root, "f"), 0);
    assert_int_equal(attr_of(f).nlink, 1);
    lt_node_put(f);
}

/* ---- What is gone --------------------------------------------------------------------------- */

static void test_dir__a_removed_directory_takes_nothing(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755), *parent;
    make_file(root, "f");
    assert_int_equal(drop(root, "d"), 0);
    assert_int_equal(make(d, "x", LT_S_IFREG, NULL), LT_ENOENT);
    assert_int_equal(move(root, "f", d, "f", 0), LT_ENOENT);
    assert_int_equal(lt_node_parent(NULL, d, &parent), LT_ENOENT);
    assert_int_equal(attr_of(d).nlink, 0);
    lt_node_put(d);
}

static void test_dir__an_unnamed_file_can_be_linked_but_a_removed_one_cannot(void **state)
{
    (void)state;
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry e = {.node = NULL}, l = {.node = NULL};
    struct lt_node *gone = made(root, "gone", LT_S_IFREG);
    assert_int_equal(drop(root, "gone"), 0);
    assert_int_equal(lt_node_link(NULL, gone, root, lt_str("back"), &l), LT_ENOENT);
    lt_node_put(gone);
    assert_int_equal(lt_node_create(NULL, root, lt_strn(NULL, 0), &spec, &e), 0);
    assert_int_equal(e.attr.nlink, 0);
    assert_int_equal(lt_node_link(NULL, e.node, root, lt_str("named"), &l), 0);
    assert_int_equal(l.attr.nlink, 1);
    lt_node_put(l.node);
    lt_node_put(e.node);
    assert_true(find(root, "named") > 0);
}

static void test_dir__remove_says_what_is_wrong(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755), *f = made(root, "f", LT_S_IFREG);
    make_file(d, "x");
    assert_int_equal(lt_node_remove(NULL, root, lt_str("d"), 0, NULL), LT_EISDIR);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("f"), LT_REMOVE_DIR, NULL), LT_ENOTDIR);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("d"), LT_REMOVE_DIR, NULL), LT_ENOTEMPTY);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("f"), LT_REMOVE_SAME, d), LT_ESTALE);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("f"), LT_REMOVE_SAME, f), 0);
    lt_node_put(d);
    lt_node_put(f);
}

static void test_dir__inode_flags_hold(void **state)
{
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0755), *f = made(d, "f", LT_S_IFREG | 0644);
    struct lt_setattr flags = {.mask = LT_SET_INODE_FLAGS, .inode_flags = LT_INODE_APPEND};
    assert_int_equal(lt_node_setattr(NULL, d, &flags, NULL), 0);
    make_file(d, "new");
    assert_int_equal(drop(d, "new"), LT_EPERM);
    assert_int_equal(move(d, "new", root, "new", 0), LT_EPERM);
    flags.inode_flags = LT_INODE_IMMUTABLE;
    assert_int_equal(lt_node_setattr(NULL, d, &flags, NULL), 0);
    assert_int_equal(make(d, "more", LT_S_IFREG, NULL), LT_EPERM);
    assert_int_equal(lt_node_pwrite(NULL, f, 0, "x", 1), 1); /* the file itself is not */
    assert_int_equal(lt_node_setattr(NULL, f, &flags, NULL), 0);
    assert_int_equal(lt_node_pwrite(NULL, f, 0, "x", 1), LT_EPERM);
    flags.inode_flags = 0;
    assert_int_equal(lt_node_setattr(NULL, d, &flags, NULL), 0);
    assert_int_equal(drop(d, "f"), LT_EPERM);
    lt_node_put(d);
    lt_node_put(f);
}

/* ---- Case ----------------------------------------------------------------------------------- */

static void test_case__is_ignored_and_preserved(void **state)
{
    (void)state;
    char stored[LT_NAME_MAX + 1];
    struct lt_entry e = {.stored = stored};
    make_file(root, "Ärger.TXT");
    assert_int_equal(make(root, "äRGER.txt", LT_S_IFREG, NULL), LT_EEXIST);
    assert_int_equal(lt_node_lookup(NULL, root, lt_str("ärger.txt"), &e), 0);
    assert_string_equal(stored, "Ärger.TXT");
    assert_int_equal(e.stored_len, strlen("Ärger.TXT"));
    assert_false(e.exact);
    lt_node_put(e.node);
    assert_int_equal(lt_node_lookup(NULL, root, lt_str("Ärger.TXT"), &e), 0);
    assert_true(e.exact);
    lt_node_put(e.node);
    make_file(root, "straße");
    make_file(root, "strasse"); /* no folding to several characters */
    assert_int_equal(drop(root, "ÄRGER.TXT"), 0);
}

static void test_case__can_be_changed_alone(void **state)
{
    (void)state;
    char stored[LT_NAME_MAX + 1];
    struct lt_entry e = {.stored = stored};
    make_file(root, "name");
    int64_t id = find(root, "name");
    assert_int_equal(move(root, "NAME", root, "Name", LT_RENAME_NOREPLACE), 0);
    assert_int_equal(lt_node_lookup(NULL, root, lt_str("NAME"), &e), 0);
    assert_string_equal(stored, "Name");
    assert_int_equal(e.node->id, id);
    assert_int_equal(e.attr.nlink, 1);
    lt_node_put(e.node);
    assert_int_equal(attr_of(root).size, 60);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
#define TEST_NOCASE(name) cmocka_unit_test_setup_teardown(test_##name, setup_nocase, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dir__agrees_with_a_model),
        TEST(dir__a_listing_sees_what_stays_exactly_once),
        TEST(dir__a_listing_goes_on_behind_a_name),
        TEST(dir__names_with_one_hash_live_together),
        TEST(dir__a_quarter_million_entries),
        TEST(rename__over_each_other),
        TEST(rename__moves_directories_but_not_below_themselves),
        TEST(rename__exchange_and_whiteout),
        TEST(rename__two_names_of_one_node_stay),
        TEST(dir__a_removed_directory_takes_nothing),
        TEST(dir__an_unnamed_file_can_be_linked_but_a_removed_one_cannot),
        TEST(dir__remove_says_what_is_wrong),
        TEST(dir__inode_flags_hold),
        TEST_NOCASE(dir__agrees_with_a_model),
        TEST_NOCASE(case__is_ignored_and_preserved),
        TEST_NOCASE(case__can_be_changed_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
