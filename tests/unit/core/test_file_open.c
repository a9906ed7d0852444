// SPDX-License-Identifier: MIT
/* src/core/file_open.c: what a file system hears of files that are opened and closed. */
#include "openings.h"
#include "test.h"

#include <lintel/lintel.h>

static struct lt_fs *fs;
static struct lt_node *root;

static int setup(void **state)
{
    (void)state;
    if (lt_open_fs("mem:size=64m", &fs, NULL) < 0)
        return -1;
    mind_openings(fs);
    root = lt_fs_root(fs);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return lt_fs_close(fs);
}

static struct lt_file *open_file(const char *path, uint32_t flags)
{
    struct lt_file *file = NULL;
    assert_int_equal(lt_file_open(NULL, root, path, flags, 0666, &file), 0);
    return file;
}

static void assert_open(int readers, int writers)
{
    assert_int_equal(openings.readers, readers);
    assert_int_equal(openings.writers, writers);
}

static void test_file_open__says_what_for(void **state)
{
    (void)state;
    struct lt_file *w = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    assert_open(0, 1);
    struct lt_file *r = open_file("f", LT_O_RDONLY);
    assert_open(1, 1);
    struct lt_file *both = open_file("f", LT_O_RDWR);
    assert_open(2, 2);
    assert_int_equal(lt_file_close(w), 0);
    assert_int_equal(lt_file_close(r), 0);
    assert_open(1, 1);
    assert_int_equal(lt_file_close(both), 0);
    assert_open(0, 0);
}

static void test_file_open__of_what_has_no_data_says_nothing(void **state)
{
    (void)state;
    lt_file_close(open_file("f", LT_O_WRONLY | LT_O_CREAT));
    unsigned before = openings.opened;
    lt_file_close(open_file("f", LT_O_PATH));
    lt_file_close(open_file("/", LT_O_RDONLY | LT_O_DIRECTORY));
    assert_int_equal(openings.opened, before);
    assert_int_equal(openings.closed, before);
}

static void test_file_open__what_is_refused_is_not_emptied(void **state)
{
    (void)state;
    struct lt_file *file = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    assert_int_equal(lt_file_write(file, "kept", 4), 4);
    lt_file_close(file);
    openings.refuse_open = LT_EACCES;
    assert_int_equal(lt_file_open(NULL, root, "f", LT_O_WRONLY | LT_O_TRUNC, 0, &file), LT_EACCES);
    struct lt_attr attr;
    assert_int_equal(lt_path_stat(NULL, root, "f", 0, &attr), 0);
    assert_int_equal(attr.size, 4);
    assert_open(0, 0);
}

static void test_file_open__that_cannot_empty_closes_again(void **state)
{
    (void)state;
    struct lt_entry entry = {0};
    struct lt_file *file = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    lt_file_close(file);
    struct lt_setattr set = {.mask = LT_SET_INODE_FLAGS, .inode_flags = LT_INODE_APPEND};
    assert_int_equal(lt_path_lookup(NULL, root, "f", 0, &entry), 0);
    assert_int_equal(lt_node_setattr(NULL, entry.node, &set, NULL), 0);
    uint32_t flags = LT_O_WRONLY | LT_O_APPEND | LT_O_TRUNC;
    assert_int_equal(lt_file_open_node(NULL, entry.node, flags, &file), LT_EPERM);
    assert_open(0, 0);
    lt_node_put(entry.node);
}

static void test_file_open__an_opened_node_is_closed_with_its_file(void **state)
{
    (void)state;
    struct lt_entry entry = {0};
    struct lt_file *file = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    lt_file_close(file);
    assert_int_equal(lt_path_lookup(NULL, root, "f", 0, &entry), 0);
    assert_int_equal(lt_file_open_node(NULL, entry.node, LT_O_RDONLY, &file), 0);
    lt_node_put(entry.node);
    assert_open(1, 0);
    lt_file_close(file);
    assert_open(0, 0);
}

static void test_file_close__tells_what_became_of_the_data(void **state)
{
    (void)state;
    struct lt_file *file = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    openings.refuse_close = LT_EDQUOT;
    assert_int_equal(lt_file_close(file), LT_EDQUOT);
    assert_open(0, 0);
}

static int copy(struct lt_fs *to)
{
    struct lt_tree_options options = {.cancel = NULL};
    return lt_tree_copy(NULL, root, lt_fs_root(to), &options, NULL);
}

static void test_tree_copy__opens_what_it_reads_and_writes(void **state)
{
    (void)state;
    struct lt_fs *to;
    struct lt_file *file = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    assert_int_equal(lt_file_write(file, "data", 4), 4);
    lt_file_close(file);
    assert_int_equal(lt_open_fs("mem:size=64m", &to, NULL), 0);
    to->ops = &openings.ops;
    unsigned before = openings.opened;
    assert_int_equal(copy(to), 0);
    assert_int_equal(openings.opened, before + 2);
    assert_open(0, 0);
    assert_int_equal(lt_path_unlink(NULL, lt_fs_root(to), "f"), 0);
    openings.refuse_close = LT_EIO;
    assert_int_equal(copy(to), LT_EIO);
    assert_open(0, 0);
    openings.refuse_close = 0;
    lt_fs_close(to);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(file_open__says_what_for),
        TEST(file_open__of_what_has_no_data_says_nothing),
        TEST(file_open__what_is_refused_is_not_emptied),
        TEST(file_open__that_cannot_empty_closes_again),
        TEST(file_open__an_opened_node_is_closed_with_its_file),
        TEST(file_close__tells_what_became_of_the_data),
        TEST(tree_copy__opens_what_it_reads_and_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
