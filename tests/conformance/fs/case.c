// SPDX-License-Identifier: MIT
/* Names on case-insensitive volumes, and that case counts on the others. */
#include "kit.h"

#include <string.h>

static void need_insensitive(void)
{
    if (volume.name_case != LT_CASE_INSENSITIVE) {
        skip();
    }
}

TEST(case__counts_on_a_sensitive_volume)
{
    (void)state;
    if (volume.name_case != LT_CASE_SENSITIVE) {
        skip();
    }
    struct lt_node *a = make_file(root, "name");
    struct lt_node *b = make_file(root, "NAME");
    assert_ptr_equal(find(root, "name"), a);
    assert_ptr_equal(find(root, "NAME"), b);
    fails(LT_ENOENT, try_lookup(root, "Name"));
}

TEST(case__lookup_ignores_it_and_says_so)
{
    (void)state;
    need_insensitive();
    char stored[LT_NAME_MAX + 1];
    struct lt_node *file = make_file(root, "ReadMe.TXT");
    struct lt_entry entry = {.stored = stored};
    ok(lt_node_lookup(NULL, root, lt_str("readme.txt"), &entry));
    assert_ptr_equal(keep(entry.node), file);
    assert_false(entry.exact);
    assert_string_equal(stored, "ReadMe.TXT");
    ok(lt_node_lookup(NULL, root, lt_str("ReadMe.TXT"), &entry));
    keep(entry.node);
    assert_true(entry.exact);
    assert_string_equal(list_dir(root), "ReadMe.TXT");
    fails(LT_EEXIST, try_create(root, "README.txt", LT_S_IFREG | 0644));
    fails(LT_EEXIST, try_link(file, root, "README.txt"));
    ok(try_remove(root, "README.TXT", 0));
    assert_string_equal(list_dir(root), "");
}

/* Pairs that are equal, by the one-to-one mapping of UTF-16 units; and pairs that are not. */
static const struct {
    const char *a, *b;
    bool equal;
} pairs[] = {
    {"abc", "ABC", true},
    {"\xc3\xa4", "\xc3\x84", true}, /* a with diaeresis */
    {"\xd0\xb6", "\xd0\x96", true}, /* Cyrillic zhe */
    {"\xce\xb1", "\xce\x91", true}, /* Greek alpha */
    {"\xc3\xbf", "\xc5\xb8", true}, /* y with diaeresis: another block */
    {"stra\xc3\x9f"
     "e",
     "STRASSE", false},                              /* sharp s is one unit, SS are two */
    {"a\xcc\x88", "\xc3\xa4", false},                /* composed and not: no normalisation */
    {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80", false}, /* Deseret: surrogates have no upper case */
    {"\xff", "\xbf", false},                         /* stray bytes are themselves */
    {"a", "b", false},
};

TEST(case__by_the_upper_case_of_units)
{
    (void)state;
    need_insensitive();
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct lt_node *a = make_file(root, pairs[i].a);
        if (pairs[i].equal) {
            assert_ptr_equal(find(root, pairs[i].b), a);
            fails(LT_EEXIST, try_create(root, pairs[i].b, LT_S_IFREG | 0644));
        } else {
            fails(LT_ENOENT, try_lookup(root, pairs[i].b));
            ok(try_create(root, pairs[i].b, LT_S_IFREG | 0644));
            ok(try_remove(root, pairs[i].b, 0));
        }
        ok(try_remove(root, pairs[i].a, 0));
    }
}

TEST(case__rename_changes_it)
{
    (void)state;
    need_insensitive();
    struct lt_node *file = make_file(root, "name");
    struct lt_node *dir = make_dir(root, "dir");
    ok(try_rename(root, "NAME", root, "Name", 0));
    assert_string_equal(list_dir(root), "Name,dir");
    ok(try_rename(root, "name", root, "NAME", LT_RENAME_NOREPLACE));
    assert_string_equal(list_dir(root), "NAME,dir");
    ok(try_rename(root, "dir", root, "DIR", 0));
    assert_ptr_equal(find(root, "dir"), dir);
    assert_string_equal(list_dir(root), "DIR,NAME");
    assert_int_equal(attr(file).nlink, 1);
    make_file(dir, "name");
    ok(try_rename(root, "name", dir, "NAME", 0)); /* replaces, and the new case is kept */
    assert_string_equal(list_dir(dir), "NAME");
    assert_ptr_equal(find(dir, "name"), file);
}

TEST(case__names_by_directory)
{
    (void)state;
    need_insensitive();
    struct lt_node *dir = make_dir(root, "Dir");
    make_file(dir, "x");
    assert_ptr_equal(find(root, "dIR"), dir);
    fails(LT_ENOTEMPTY, try_remove(root, "DIR", LT_REMOVE_DIR));
    ok(try_remove(dir, "X", 0));
    ok(try_remove(root, "DIR", LT_REMOVE_DIR));
}
