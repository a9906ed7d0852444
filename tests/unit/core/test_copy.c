// SPDX-License-Identifier: MIT
/* src/core/copy*.c: trees within, between, into and out of file systems, onto what is there. */
#include "tree_kit.h"

#include "../fault.h"

struct told {
    unsigned copied, failed;
    int error;
    char to[256];
};

static void note_copied(void *arg, const char *from, const char *to)
{
    struct told *t = arg;
    (void)from;
    (void)to;
    t->copied++;
}

static void note_failed(void *arg, const char *from, const char *to, int error, const char *why)
{
    struct told *t = arg;
    (void)from;
    assert_true(why[0] != 0);
    t->failed++;
    t->error = error;
    snprintf(t->to, sizeof(t->to), "%s", to);
}

static struct told told;

static struct lt_copy_options options_for(bool recursive)
{
    told = (struct told){0};
    return (struct lt_copy_options){
        .recursive = recursive, .copied = note_copied, .failed = note_failed, .arg = &told};
}

/* `fs` NULL: the host. */
static int copy_with(struct lt_copy_options *options, struct lt_fs *fs, const char *path,
                     struct lt_fs *to_fs, const char *to_path)
{
    struct lt_copy *copy;
    struct lt_copy_place from = {fs ? lt_fs_root(fs) : NULL, path, NULL};
    struct lt_copy_place to = {to_fs ? lt_fs_root(to_fs) : NULL, to_path, NULL};
    assert_int_equal(lt_copy_start(NULL, options, &copy), 0);
    int r = lt_copy_add(copy, &from, &to);
    lt_copy_end(copy);
    return r;
}

static int copy(struct lt_fs *fs, const char *path, struct lt_fs *to_fs, const char *to_path)
{
    struct lt_copy_options options = options_for(true);
    return copy_with(&options, fs, path, to_fs, to_path);
}

static void check_content(struct lt_fs *fs, const char *path, const char *content)
{
    char buf[64] = "";
    struct lt_file *f;
    assert_int_equal(lt_file_open(NULL, lt_fs_root(fs), path, LT_O_RDONLY, 0, &f), 0);
    assert_true(lt_file_read(f, buf, sizeof(buf) - 1) >= 0);
    assert_string_equal(buf, content);
    lt_file_close(f);
}

static void test_copy__keeps_everything_across(void **state)
{
    (void)state;
    fill();
    assert_int_equal(copy(one, "/", two, "/"), 0);
    assert_int_equal(told.failed, 0);
    assert_true(told.copied > 15);
    compare_trees(root1(), lt_fs_root(two), BIRTH | LONG_STREAMS | CHANGE_TIME | HOLES, "");
}

static void test_copy__keeps_everything_out_and_in(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    fill();
    assert_int_equal(copy(one, "/", NULL, in_dir("tree")), 0);
    assert_int_equal(shell("test $(stat -c %%h %s/tree/d/file) = 3", dir), 0);
    assert_int_equal(shell("test $(stat -c %%b %s/tree/d/hole) -lt 100", dir), 0);
    assert_int_equal(copy(NULL, in_dir("tree/."), two, "/"), 0);
    assert_int_equal(lt_path_stream_remove(NULL, root1(), "d/file", "long stream"), 0);
    put_times("d/file", -5, 500000000);
    compare_trees(root1(), lt_fs_root(two), BIRTH | HOLES | HOST, "");
}

static void test_copy__over_itself_changes_nothing(void **state)
{
    (void)state;
    fill();
    assert_int_equal(copy(one, "/", two, "/"), 0);
    assert_int_equal(copy(one, "/", two, "/"), 0);
    compare_trees(root1(), lt_fs_root(two), BIRTH | LONG_STREAMS | HOLES, "");
    assert_int_equal(copy(one, "d/file", one, "d/second"), LT_EINVAL);
    assert_int_equal(copy(one, "d", one, "d/empty/d"), LT_EINVAL);
    assert_int_equal(copy(one, "/", one, "d/x"), LT_EINVAL);
    assert_int_equal(copy(one, "d", one, "e"), 0);
    check_content(one, "e/file", "content\n");
}

static void test_copy__replaces_files_and_merges_directories(void **state)
{
    (void)state;
    struct lt_node *to = lt_fs_root(two);
    assert_int_equal(lt_path_mkdir(NULL, root1(), "d", 0755), 0);
    put_file("d/a", 0, "new", 3);
    put_file("d/b", 0, "new b", 5);
    assert_int_equal(copy(one, "d", two, "d"), 0);
    assert_int_equal(lt_path_link(NULL, to, "d/a", 0, to, "other name"), 0);
    assert_int_equal(lt_path_mknod(NULL, to, "d/own", LT_S_IFREG | 0600, 0), 0);
    put_file("d/a", 0, "newer", 5);
    assert_int_equal(copy(one, "d", two, "d"), 0);
    check_content(two, "d/a", "newer");
    check_content(two, "other name", "new"); /* which the replaced file keeps */
    check_content(two, "d/own", "");
    struct lt_copy_options keep = options_for(true);
    keep.keep = true;
    put_file("d/a", 0, "newest", 6);
    put_file("d/c", 0, "c", 1);
    assert_int_equal(copy_with(&keep, one, "d", two, "d"), 0);
    assert_int_equal(keep.left_out, 2);
    check_content(two, "d/a", "newer");
    check_content(two, "d/c", "c");
}

static void test_copy__goes_on_after_a_failure(void **state)
{
    (void)state;
    struct lt_node *to = lt_fs_root(two);
    assert_int_equal(lt_path_mkdir(NULL, root1(), "d", 0755), 0);
    put_file("d/a", 0, "a", 1);
    put_file("d/b", 0, "b", 1);
    assert_int_equal(lt_path_mkdir(NULL, root1(), "d/c", 0755), 0);
    assert_int_equal(lt_path_mkdir(NULL, to, "d", 0755), 0);
    assert_int_equal(lt_path_mkdir(NULL, to, "d/a", 0755), 0);
    assert_int_equal(lt_path_mknod(NULL, to, "d/c", LT_S_IFREG | 0644, 0), 0);
    int r = copy(one, "d", two, "d");
    assert_true(r == LT_EISDIR || r == LT_ENOTDIR);
    assert_int_equal(told.failed, 2);
    check_content(two, "d/b", "b");
    struct lt_copy_options flat = options_for(false);
    assert_int_equal(copy_with(&flat, one, "d", two, "x"), LT_EISDIR);
    assert_int_equal(copy_with(&flat, one, "none", two, "x"), LT_ENOENT);
    assert_int_equal(copy_with(&flat, one, "d/b", two, "none/x"), LT_ENOENT);
    assert_int_equal(copy_with(&flat, one, "", two, "x"), LT_ENOENT);
    assert_int_equal(copy_with(&flat, NULL, in_dir("x"), NULL, in_dir("y")), LT_EOPNOTSUPP);
}

static void test_copy__leaves_nothing_half_done(void **state)
{
    (void)state;
    static char big[300000];
    struct lt_fs *small;
    unsigned count = 0;
    put_file("big", 0, big, sizeof(big));
    assert_int_equal(lt_open_fs("mem:size=128k", &small, NULL), 0);
    assert_int_equal(copy(one, "big", small, "big"), LT_ENOSPC);
    assert_int_equal(lt_path_mknod(NULL, lt_fs_root(small), "big", LT_S_IFREG | 0644, 0), 0);
    assert_int_equal(copy(one, "big", small, "big"), LT_ENOSPC);
    assert_int_equal(lt_path_list(NULL, lt_fs_root(small), "/", count_entry, &count), 0);
    assert_int_equal(count, 1);
    check_content(small, "big", "");
    assert_int_equal(lt_fs_close(small), 0);
    atomic_bool cancel = true;
    struct lt_copy_options options = options_for(true);
    options.tree.cancel = &cancel;
    assert_int_equal(copy_with(&options, one, "/", two, "/"), LT_ECANCELED);
}

static void test_copy__plain_copies_are_new_files(void **state)
{
    (void)state;
    struct lt_copy_options plain = options_for(true);
    struct lt_attr attr;
    fill();
    plain.plain = true;
    plain.uid = 77;
    plain.gid = 88;
    plain.umask = 027;
    assert_int_equal(copy_with(&plain, one, "d", two, "d"), 0);
    assert_int_equal(lt_path_stat(NULL, lt_fs_root(two), "d/big", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0750);
    assert_int_equal(attr.uid, 77);
    assert_int_equal(attr.gid, 88);
    assert_true(attr.mtime.sec > 1500000000);
    assert_int_equal(lt_path_stat(NULL, lt_fs_root(two), "d/file", 0, &attr), 0);
    assert_int_equal(attr.has, 0);
    assert_int_equal(attr.nlink, 2);
    assert_int_equal(lt_path_stat(NULL, lt_fs_root(two), "d", 0, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFDIR | 0750);
}

static void test_copy__leaves_the_image_out(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(shell("mkdir %s/t && echo x >%s/t/disk.img && echo y >%s/t/y", dir, dir, dir),
                     0);
    assert_int_equal(stat(in_dir("t/disk.img"), &st), 0);
    struct lt_copy_id id = {major(st.st_dev), minor(st.st_dev), st.st_ino};
    struct lt_copy_options options = options_for(true);
    options.skip = &id;
    options.skip_count = 1;
    assert_int_equal(copy_with(&options, NULL, in_dir("t"), one, "t"), 0);
    assert_int_equal(options.left_out, 1);
    check_content(one, "t/y", "y\n");
    struct lt_attr attr;
    assert_int_equal(lt_path_stat(NULL, root1(), "t/disk.img", 0, &attr), LT_ENOENT);
}

static void test_copy__survives_lack_of_memory(void **state)
{
    (void)state;
    assert_int_equal(lt_path_mkdir(NULL, root1(), "d", 0755), 0);
    put_file("d/a", 0, "a", 1);
    assert_int_equal(lt_path_link(NULL, root1(), "d/a", 0, root1(), "d/b"), 0);
    put_stream("d/a", "stream", "s", 1);
    FAULT_EACH(n)
    {
        struct lt_copy_options options = options_for(true);
        struct lt_copy *c = NULL;
        struct lt_copy_place from = {root1(), "d", NULL}, to = {lt_fs_root(two), "d", NULL};
        int r = lt_copy_start(NULL, &options, &c);
        if (r == 0)
            r = lt_copy_add(c, &from, &to);
        lt_copy_end(c);
        /* Both file systems are RAM disks: their own lack of memory is lack of space. */
        if (!fault_disarm())
            assert_int_equal(r, 0);
        else if (r != 0)
            assert_true(r == LT_ENOMEM || r == LT_ENOSPC);
    }
    compare_trees(root1(), lt_fs_root(two), 0, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copy__keeps_everything_across),     TEST(copy__keeps_everything_out_and_in),
        TEST(copy__over_itself_changes_nothing), TEST(copy__replaces_files_and_merges_directories),
        TEST(copy__goes_on_after_a_failure),     TEST(copy__leaves_nothing_half_done),
        TEST(copy__plain_copies_are_new_files),  TEST(copy__leaves_the_image_out),
        TEST(copy__survives_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
