// SPDX-License-Identifier: MIT
/* Listing: cookies, concurrent changes, big directories. */
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 5000 };

struct reader {
    unsigned char seen[MANY];
    uint64_t next, last;
    int take, total;
};

static int on_entry(void *arg, const struct lt_dirent *entry)
{
    struct reader *r = arg;
    if (r->take == 0) {
        return 1;
    }
    r->take--;
    r->total++;
    assert_true(entry->next > 2 && entry->next < UINT64_C(1) << 63);
    r->next = entry->next;
    if (entry->name.s[0] == 'n') {
        char text[16] = "";
        memcpy(text, entry->name.s + 1, entry->name.len - 1);
        long number = strtol(text, NULL, 10);
        assert_in_range(number, 0, MANY - 1);
        r->seen[number]++;
    }
    return 0;
}

/* Reads `take` entries more. False at the end. */
static bool read_some(struct lt_node *dir, struct reader *r, int take)
{
    r->take = take;
    int result = lt_node_readdir(NULL, dir, r->next, 0, on_entry, r);
    assert_true(result == 0 || result == 1);
    return result == 1;
}

static void name_of(char *name, int number)
{
    snprintf(name, 16, "n%d", number);
}

static void fill_dir(struct lt_node *dir, int count)
{
    char name[16];
    for (int i = 0; i < count; i++) {
        name_of(name, i);
        ok(try_create(dir, name, LT_S_IFREG | 0644));
    }
}

TEST(readdir__in_pieces_of_every_size)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    fill_dir(dir, 200);
    for (int piece = 1; piece < 210; piece += 13) {
        struct reader r = {.next = 0};
        while (read_some(dir, &r, piece)) {
        }
        assert_int_equal(r.total, 200);
        for (int i = 0; i < 200; i++) {
            assert_int_equal(r.seen[i], 1);
        }
    }
}

TEST(readdir__stable_entries_exactly_once_while_others_change)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    static struct reader r;
    char name[16];
    memset(&r, 0, sizeof(r));
    fill_dir(dir, MANY);
    int round = 0;
    while (
        read_some(dir, &r, 97)) { /* the even ones stay; odd ones go, come back, and others come */
        for (int i = 1; i < MANY; i += 2) {
            name_of(name, i);
            if ((i + round) % 7 == 0) {
                (void)try_remove(dir, name, 0);
            } else if ((i + round) % 7 == 1) {
                (void)try_create(dir, name, LT_S_IFREG | 0644);
            }
        }
        snprintf(name, sizeof(name), "x%d", round);
        ok(try_create(dir, name, LT_S_IFDIR | 0755));
        if (round > 0) {
            snprintf(name, sizeof(name), "x%d", round - 1);
            char moved[16];
            snprintf(moved, sizeof(moved), "y%d", round - 1);
            ok(try_rename(dir, name, dir, moved, 0));
        }
        round++;
    }
    for (int i = 0; i < MANY; i += 2) {
        assert_int_equal(r.seen[i], 1);
    }
}

TEST(readdir__a_cookie_survives_its_entry)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    char name[16];
    fill_dir(dir, 100);
    struct reader r = {.next = 0};
    read_some(dir, &r, 50);
    for (int i = 0; i < 100; i++) {
        if (r.seen[i]) {
            name_of(name, i);
            ok(try_remove(dir, name, 0));
        }
    }
    read_some(dir, &r, 100);
    assert_int_equal(r.total, 100);
    struct reader end = {.next = r.next};
    assert_false(read_some(dir, &end, 1)); /* the last cookie says: no more */
    assert_int_equal(end.total, 0);
}

TEST(readdir__cookies_survive_emptying_and_filling)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    char name[16];
    fill_dir(dir, 50);
    struct reader r = {.next = 0};
    read_some(dir, &r, 20);
    for (int i = 0; i < 50; i++) {
        name_of(name, i);
        ok(try_remove(dir, name, 0));
    }
    fill_dir(dir, 50); /* all new: each may be seen or not, but the call must work */
    while (read_some(dir, &r, 7)) {
    }
    struct reader again = {.next = 0};
    while (read_some(dir, &again, 7)) {
    }
    assert_int_equal(again.total, 50);
}

static int plus_count;

static int on_plus(void *arg, const struct lt_dirent *entry)
{
    (void)arg;
    assert_non_null(entry->node);
    assert_non_null(entry->attr);
    assert_int_equal(entry->attr->id, entry->id);
    assert_int_equal(entry->node->id, entry->id);
    assert_int_equal(entry->attr->mode & LT_S_IFMT, entry->mode);
    assert_int_equal(entry->mode & ~(uint32_t)LT_S_IFMT, 0);
    keep(entry->node);
    plus_count++;
    return 0;
}

TEST(readdir__plus_gives_nodes_and_attributes)
{
    (void)state;
    make_file(root, "f");
    make_dir(root, "d");
    make_link(root, "l", "x");
    plus_count = 0;
    ok(lt_node_readdir(NULL, root, 0, LT_READDIR_PLUS, on_plus, NULL));
    assert_int_equal(plus_count, 3);
}

static int stop_with_plus(void *arg, const struct lt_dirent *entry)
{
    (void)arg;
    (void)entry;
    return 1; /* not taken: the reference stays with the file system */
}

TEST(readdir__plus_keeps_the_reference_of_an_entry_not_taken)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    unsigned before = atomic_load(&file->refs);
    counts(1, lt_node_readdir(NULL, root, 0, LT_READDIR_PLUS, stop_with_plus, NULL));
    assert_int_equal(atomic_load(&file->refs), before);
}

TEST(readdir__of_what_is_no_directory)
{
    (void)state;
    fails(LT_ENOTDIR, lt_node_readdir(NULL, make_file(root, "f"), 0, 0, on_plus, NULL));
}

TEST(readdir_after__goes_on_behind_any_name)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    uint64_t cookie = 0;
    fill_dir(dir, 100);
    for (int i = 0; i < 100; i++) { /* whichever name: what follows plus what came before is all */
        char name[16];
        struct reader before = {.next = 0};
        struct reader behind = {.next = 0};
        name_of(name, i);
        while (before.seen[i] == 0 && read_some(dir, &before, 1)) {
        }
        ok(lt_node_readdir_after(NULL, dir, lt_str(name), &behind.next));
        while (read_some(dir, &behind, 10)) {
        }
        assert_int_equal(before.total + behind.total, 100);
    }
    ok(lt_node_readdir_after(NULL, dir, lt_str("not there"), &cookie)); /* some place, no error */
    ok(try_remove(dir, "n5", 0));
    ok(lt_node_readdir_after(NULL, dir, lt_str("n5"), &cookie));
    fails(LT_ENOTDIR, lt_node_readdir_after(NULL, make_file(root, "f"), lt_str("x"), &cookie));
}

TEST(directory__hundred_thousand_entries)
{
    (void)state;
    struct lt_node *dir = make_dir(root, "d");
    char name[16];
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        ok(try_create(dir, name, LT_S_IFREG | 0644));
    }
    static struct reader r;
    memset(&r, 0, sizeof(r));
    while (read_some(dir, &r, 1000)) {
    }
    assert_int_equal(r.total, 100000);
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        ok(try_remove(dir, name, 0));
    }
    assert_string_equal(list_dir(dir), "");
}
