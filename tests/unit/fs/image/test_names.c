// SPDX-License-Identifier: MIT
/* Names in an image: what of them lies on the disk, and what failures leave of them. */
#include "describe.h"
#include "image_volume.h"

#include <fault.h>
#include <lintel/image.h>
#include <unistd.h>

#define VOLUME_SIZE (32u << 20)

static int set_up(void **state)
{
    (void)state;
    volume_open(VOLUME_SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    volume_close();
    return 0;
}

static int link_to(struct lt_node *node, const char *name)
{
    struct lt_entry e = {.node = NULL};
    int r = lt_node_link(NULL, node, root, lt_str(name), &e);
    lt_node_put(e.node);
    return r;
}

static int move(const char *name, const char *to, uint32_t flags)
{
    return lt_node_rename(NULL, root, lt_str(name), root, lt_str(to), flags);
}

static void text_into(const char *name, const char *text)
{
    struct lt_node *f = made_file(name);
    assert_int_equal(lt_node_pwrite(NULL, f, 0, text, strlen(text)), strlen(text));
    lt_node_put(f);
}

static void expect_file(const char *name, const char *text)
{
    char buf[256] = "";
    struct lt_node *f = found(name);
    assert_int_equal(lt_node_pread(NULL, f, 0, buf, sizeof(buf) - 1), strlen(text));
    assert_string_equal(buf, text);
    lt_node_put(f);
}

static int count_names_fn(void *arg, struct lt_node *dir, struct lt_str name)
{
    (void)name;
    assert_ptr_equal(dir, root);
    ++*(int *)arg;
    return 0;
}

static int count_names(struct lt_node *node)
{
    int count = 0;
    assert_int_equal(lt_node_names(NULL, node, count_names_fn, &count), 0);
    return count;
}

/* ---- Several names of one file ------------------------------------------------------------- */

static void test_links__stand_in_the_inode_or_in_items(void **state)
{
    char name[16];
    (void)state;
    struct lt_node *f = made_file("n0");
    for (int i = 1; i < 300; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(link_to(f, name), 0);
    }
    assert_int_equal(volume_count(IMG_LINK), 299);
    lt_node_put(f);
    volume_reopen(true);
    f = found("n77");
    assert_int_equal(attr_of(f).nlink, 300);
    assert_int_equal(count_names(f), 300);
    /* Away with them, the first among them: another one steps into the inode. */
    for (int i = 0; i < 299; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i * 7 % 300);
        assert_int_equal(drop(name), 0);
        if (i % 20 == 0)
            assert_int_equal(count_names(f), 299 - i);
    }
    assert_int_equal(attr_of(f).nlink, 1);
    assert_int_equal(volume_count(IMG_LINK), 0);
    lt_node_put(f);
}

static void test_links__names_follow_renames(void **state)
{
    (void)state;
    struct lt_node *f = made_file("a");
    assert_int_equal(link_to(f, "b"), 0);
    assert_int_equal(link_to(f, "c"), 0);
    assert_int_equal(move("a", "d", 0), 0); /* the one in the inode */
    assert_int_equal(move("b", "e", 0), 0); /* one in an item */
    assert_int_equal(move("c", "d", 0), 0); /* two names of one file: nothing happens */
    lt_node_put(made_file("x"));
    assert_int_equal(move("e", "x", LT_RENAME_EXCHANGE), 0);
    assert_int_equal(count_names(f), 3);
    assert_int_equal(volume_count(IMG_LINK), 2);
    lt_node_put(f);
    volume_reopen(false);
    f = found("x");
    assert_int_equal(count_names(f), 3);
    struct lt_node *same = found("d");
    assert_ptr_equal(f, same);
    lt_node_put(same);
    lt_node_put(f);
}

/* ---- Cookies and ids ----------------------------------------------------------------------- */

static int note(void *arg, const struct lt_dirent *entry)
{
    *(uint64_t *)arg = entry->next;
    return 0;
}

static uint64_t cookie_of(const char *name)
{
    uint64_t cookie = 0;
    assert_int_equal(lt_node_readdir_after(NULL, root, lt_str(name), &cookie), 0);
    return cookie;
}

static void test_cookie__stays_good_over_renames_and_opens(void **state)
{
    (void)state;
    text_into("target", "old");
    text_into("source", "new");
    uint64_t target = cookie_of("target");
    assert_true(target > 255 && target <= INT64_MAX);
    assert_int_equal(move("source", "target", 0), 0);
    assert_int_equal(cookie_of("target"), target);
    volume_reopen(true);
    assert_int_equal(cookie_of("target"), target);
    uint64_t last = 0;
    assert_int_equal(lt_node_readdir(NULL, root, 0, 0, note, &last), 0);
    assert_int_equal(last, target);
    expect_file("target", "new");
}

static void test_ids__are_never_used_twice(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    uint64_t id = f->id;
    assert_true(id >= IMG_ID_FIRST);
    assert_int_equal(drop("f"), 0);
    lt_node_put(f);
    volume_reopen(false);
    f = made_file("f");
    assert_true(f->id > id);
    struct lt_node *node;
    assert_int_equal(lt_fs_node(NULL, fs, id, 0, &node), LT_ESTALE);
    assert_int_equal(lt_fs_node(NULL, fs, f->id, attr_of(f).generation, &node), 0);
    assert_ptr_equal(node, f);
    lt_node_put(node);
    assert_int_equal(lt_fs_node(NULL, fs, f->id, 77, &node), LT_ESTALE);
    lt_node_put(f);
}

static void test_atime__survives(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    const struct lt_setattr set = {.mask = LT_SET_ATIME, .atime = {123456789, 987654321}};
    assert_int_equal(lt_node_setattr(NULL, f, &set, NULL), 0);
    lt_node_put(f);
    volume_reopen(false);
    f = found("f");
    assert_int_equal(attr_of(f).atime.sec, 123456789);
    assert_int_equal(attr_of(f).atime.nsec, 987654321);
    lt_node_put(f);
}

/* Hundreds of nodes that nobody holds, some of them not written yet. */
static void test_nodes__come_back_from_items(void **state)
{
    char name[16];
    (void)state;
    struct lt_node *d = made(root, "d", LT_S_IFDIR | 0700);
    for (int i = 0; i < 3000; i++) {
        struct lt_node *f = NULL;
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(make(d, name, LT_S_IFREG | (uint32_t)(i & 0777), &f), 0);
        lt_node_put(f);
        if (i % 1000 == 500)
            assert_int_equal(lt_fs_sync(NULL, fs), 0);
    }
    for (int i = 0; i < 3000; i++) {
        struct lt_entry e = {.node = NULL};
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(lt_node_lookup(NULL, d, lt_str(name), &e), 0);
        assert_int_equal(e.attr.mode, LT_S_IFREG | (uint32_t)(i & 0777));
        lt_node_put(e.node);
    }
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    assert_true(img_fs(fs)->table.count <= 3); /* the root, d, and no one else */
    lt_node_put(d);
}

/* ---- Write to a temporary name, then rename ------------------------------------------------ */

static void test_rename__never_leaves_an_empty_file(void **state)
{
    (void)state;
    text_into("config", "old");
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    text_into("config.new", "the new content");
    assert_int_equal(move("config.new", "config", 0), 0);
    /* a commit that does not write out what waits in memory */
    assert_int_equal(img_commit(volume_store(), false), 0);
    assert_int_equal(volume_cut(), 0);
    expect_file("config", "the new content");
}

/* ---- Damage -------------------------------------------------------------------------------- */

static int lookup(const char *name)
{
    struct lt_entry e = {.node = NULL};
    int r = lt_node_lookup(NULL, root, lt_str(name), &e);
    lt_node_put(e.node);
    return r;
}

static int list_all(void *arg, const struct lt_dirent *entry)
{
    ++*(int *)arg;
    lt_node_put(entry->node);
    return 0;
}

static int list_plus(void)
{
    int count = 0;
    int r = lt_node_readdir(NULL, root, 0, LT_READDIR_PLUS, list_all, &count);
    return r < 0 ? r : count;
}

/* The entry of "f" gets this value. */
static void damage_entry(const void *value, size_t len)
{
    uint8_t old[1024];
    size_t old_len;
    lt_node_put(made_file("f"));
    struct img_key key = volume_item(IMG_ENTRY, 0, old, &old_len);
    volume_damage(key, value, len);
}

static void test_damage__of_entries_is_noticed(void **state)
{
    static const struct {
        const char *value;
        size_t len;
    } bad[] = {
        {"", 0},             /* nothing */
        {"\x10", 1},         /* no type */
        {"\x10\x08", 2},     /* no name */
        {"\x10\x08../x", 6}, /* a path */
        {"\x10\x08..", 4},   /* the parent */
        {"\x10\x08"
         "f\0g",
         5}, /* NUL */
        {"\x01\x04"
         "f",
         3}, /* the root */
        {"\x10\x04"
         "f",
         3}, /* another type than the node has */
        {"\xff\xff\x03\x08"
         "f",
         5}, /* no such node */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (i > 0)
            set_up(state);
        damage_entry(bad[i].value, bad[i].len);
        assert_int_equal(lookup("f"), LT_EUCLEAN);
        assert_int_equal(drop("f"), LT_EUCLEAN);
        assert_int_equal(list_plus(), LT_EUCLEAN);
        if (i + 1 < sizeof(bad) / sizeof(bad[0]))
            volume_close();
    }
}

/* An entry that leads to a node without names must not remove it, nor wait for itself. */
static void test_damage__entry_of_an_orphan(void **state)
{
    (void)state;
    struct lt_node *f = made_file("f");
    struct img_key key = img_key(f->id, IMG_INODE, 0);
    uint8_t value[IMG_INODE_MAX];
    struct img_inode inode = img_node(f)->inode;
    inode.nlink = 0;
    lt_node_put(f);
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    volume_damage(key, value, img_inode_encode(&inode, value));
    volume_reopen(true);
    assert_int_equal(lookup("f"), LT_EUCLEAN);
    assert_int_equal(list_plus(), LT_EUCLEAN);
    assert_int_equal(drop("f"), LT_EUCLEAN);
    assert_int_equal(move("f", "g", 0), LT_EUCLEAN);
}

/* Directories that hold each other. */
static void test_damage__ring_of_directories(void **state)
{
    (void)state;
    struct lt_node *a = made(root, "a", LT_S_IFDIR | 0755), *b = made(a, "b", LT_S_IFDIR | 0755);
    struct lt_node *c = made(b, "c", LT_S_IFDIR | 0755), *d = made(root, "d", LT_S_IFDIR | 0755);
    img_node(a)->inode.parent = c->id;
    assert_int_equal(lt_node_rename(NULL, root, lt_str("d"), c, lt_str("d"), 0), LT_EUCLEAN);
    img_node(a)->inode.parent = root->id;
    assert_int_equal(lt_node_rename(NULL, root, lt_str("d"), c, lt_str("d"), 0), 0);
    assert_int_equal(lt_node_rename(NULL, root, lt_str("a"), d, lt_str("a"), 0), LT_EINVAL);
    lt_node_put(d);
    lt_node_put(c);
    lt_node_put(b);
    lt_node_put(a);
}

/* ---- Failures ------------------------------------------------------------------------------ */

/* The changes that are made to fail, each from the same state. */

static int create_as(uint32_t mode, const char *name, bool more)
{
    static char security[32] = {1, 0, 0, (char)0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                0, 0, 0, 0,          1,  1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    struct lt_create spec = {.mode = mode, .target = lt_str("over/there"), .exact = true};
    struct lt_entry e = {.node = NULL};
    if (more)
        spec.security = lt_strn(security, sizeof(security));
    int r = lt_node_create(NULL, root, lt_str(name), &spec, &e);
    lt_node_put(e.node);
    return r;
}

static int link_f(void)
{
    struct lt_entry e = {.node = NULL};
    int r = lt_node_lookup(NULL, root, lt_str("f"), &e);
    if (r == 0)
        r = link_to(e.node, "third");
    lt_node_put(e.node);
    return r;
}

static int chmod_f(void)
{
    const struct lt_setattr set = {.mask = LT_SET_MODE | LT_SET_MTIME, .mode = 0600};
    struct lt_entry e = {.node = NULL};
    int r = lt_node_lookup(NULL, root, lt_str("f"), &e);
    if (r == 0)
        r = lt_node_setattr(NULL, e.node, &set, NULL);
    lt_node_put(e.node);
    return r;
}

static int change(unsigned which)
{
    switch (which) {
    case 0:
        return create_as(LT_S_IFREG | 0644, "new", false);
    case 1:
        return create_as(LT_S_IFLNK | 0777, "new", false);
    case 2:
        return create_as(LT_S_IFDIR | 0700, "new", true);
    case 3:
        return link_f();
    case 4:
        return drop("f"); /* of several names the first */
    case 5:
        return drop("second");
    case 6:
        return drop("dir");
    case 7:
        return move("f", "moved", 0);
    case 8:
        return move("f", "g", 0);
    case 9:
        return move("second", "g", LT_RENAME_EXCHANGE);
    case 10:
        return move("g", "moved", LT_RENAME_WHITEOUT);
    case 11:
        return move("dir", "other", 0);
    case 12:
        return chmod_f();
    case 13:
        return lt_fs_set_label(NULL, fs, lt_str("Label"));
    default:
        return 1;
    }
}

static void populate(void)
{
    text_into("f", "of f");
    struct lt_node *f = found("f");
    assert_int_equal(link_to(f, "second"), 0);
    lt_node_put(f);
    text_into("g", "of g");
    lt_node_put(made(root, "dir", LT_S_IFDIR | 0755));
    lt_node_put(made(root, "other", LT_S_IFDIR | 0755));
}

static void test_names__nomem(void **state)
{
    (void)state;
    for (unsigned which = 0; change(which) <= 0; which++) {
        bool failed = true;
        volume_close();
        for (unsigned n = 1; failed; n++) {
            volume_open(VOLUME_SIZE);
            populate();
            volume_reopen(n % 2);
            char *before = describe(fs, true);
            fault_arm(n);
            int r = change(which);
            failed = fault_disarm();
            char *after = describe(fs, true);
            if (r < 0) {
                assert_true(failed);
                assert_same_text(before, after);
            } else {
                assert_int_equal(r, 0);
            }
            volume_reopen(true);
            char *later = describe(fs, true);
            assert_same_text(after, later);
            free(before);
            free(after);
            free(later);
            volume_close();
        }
        volume_open(VOLUME_SIZE);
    }
}

/* What the change leads to, of a volume of its own. */
static char *expected(unsigned which)
{
    volume_open(VOLUME_SIZE);
    populate();
    assert_int_equal(change(which), 0);
    char *text = describe(fs, false);
    volume_close();
    return text;
}

/* A device call fails for good. What was answered before is there later; what failed is there
 * wholly or not at all. */
static void test_names__ioerr(void **state)
{
    (void)state;
    for (unsigned which = 0; change(which) <= 0; which++) {
        bool failed = true;
        volume_close();
        char *whole = expected(which);
        for (uint64_t n = 1; failed; n++) {
            volume_open(VOLUME_SIZE);
            populate();
            volume_reopen(true);
            char *before = describe(fs, false);
            lt_sim_fail(disk, n, LT_EIO, true);
            int r = change(which);
            if (r == 0)
                r = lt_fs_sync(NULL, fs);
            failed = r < 0;
            lt_sim_fail(disk, 0, 0, false);
            assert_int_equal(volume_cut(), 0);
            char *later = describe(fs, false);
            if (!failed || strcmp(before, later) != 0)
                assert_same_text(whole, later);
            free(before);
            free(later);
            volume_close();
        }
        free(whole);
        volume_open(VOLUME_SIZE);
    }
}

/* ---- The volume ---------------------------------------------------------------------------- */

static void test_volume__label_and_serial_survive(void **state)
{
    struct lt_volume before, after;
    (void)state;
    assert_int_equal(lt_fs_set_label(NULL, fs, lt_str("Grüße")), 0);
    lt_fs_volume(fs, &before);
    volume_reopen(true);
    lt_fs_volume(fs, &after);
    assert_string_equal(after.label, "Grüße");
    assert_string_equal(after.kind, "image");
    assert_int_equal(after.serial, before.serial);
    assert_int_equal(after.created.sec, before.created.sec);
    assert_int_equal(lt_fs_set_label(NULL, fs, lt_str("")), 0);
    volume_reopen(false);
    lt_fs_volume(fs, &after);
    assert_string_equal(after.label, "");
}

static void test_volume__full_answers_the_other_errors_first(void **state)
{
    (void)state;
    static char buf[1 << 16];
    struct lt_node *f = made_file("f"), *g = NULL;
    uint64_t at = 0;
    int n, r = 0;
    while ((n = lt_node_pwrite(NULL, f, at, buf, sizeof(buf))) > 0)
        at += (uint64_t)n;
    for (unsigned i = 0; r == 0; i++) {
        char name[260];
        (void)snprintf(name, sizeof(name), "%0250u", i);
        r = make(root, name, LT_S_IFREG | 0600, &g);
        if (r == 0)
            lt_node_put(g);
    }
    assert_int_equal(r, LT_ENOSPC);
    assert_int_equal(make(root, "f", LT_S_IFREG | 0600, &g), LT_EEXIST);
    assert_int_equal(link_to(f, "f"), LT_EEXIST);
    assert_int_equal(drop("f"), 0);
    lt_node_put(f);
    assert_int_equal(make(root, "f", LT_S_IFREG | 0600, &g), 0);
    lt_node_put(g);
}

static void test_volume__nodes_are_counted_and_limited(void **state)
{
    (void)state;
    volume_close();
    volume_open_with(&(struct lt_image_params){.size = VOLUME_SIZE, .nodes_max = 3}, "commit=0");
    struct lt_node *f = made_file("a"), *g = NULL;
    lt_node_put(made_file("b"));
    assert_int_equal(make(root, "c", LT_S_IFREG | 0600, &g), LT_ENOSPC);
    assert_int_equal(drop("a"), 0);
    assert_int_equal(make(root, "c", LT_S_IFREG | 0600, &g), LT_ENOSPC); /* it is still open */
    lt_node_put(f);
    lt_node_put(made_file("c"));
    struct lt_statfs s;
    assert_int_equal(lt_fs_statfs(NULL, fs, &s), 0);
    assert_int_equal(s.nodes, 3);
    assert_int_equal(s.nodes_max, 3);
}

static void test_volume__read_only(void **state)
{
    (void)state;
    struct lt_device *copy;
    text_into("f", "text");
    assert_int_equal(lt_fs_sync(NULL, fs), 0);
    assert_int_equal(lt_sim_cut(disk, lt_sim_time(disk), 0, &copy), 0);
    lt_imgfs_abandon(fs);
    uint64_t time = lt_sim_time(copy);
    assert_int_equal(volume_try_open(copy, "ro"), 0);
    expect_file("f", "text"); /* out of the log */
    struct lt_node *g = NULL;
    assert_int_equal(make(root, "g", LT_S_IFREG | 0600, &g), LT_EROFS);
    assert_int_equal(lt_sim_time(copy), time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_links__stand_in_the_inode_or_in_items, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_links__names_follow_renames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cookie__stays_good_over_renames_and_opens, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_ids__are_never_used_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_atime__survives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nodes__come_back_from_items, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rename__never_leaves_an_empty_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage__of_entries_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage__entry_of_an_orphan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage__ring_of_directories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names__nomem, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names__ioerr, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_volume__label_and_serial_survive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_volume__full_answers_the_other_errors_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_volume__nodes_are_counted_and_limited, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_volume__read_only, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
