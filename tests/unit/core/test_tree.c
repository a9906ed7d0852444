// SPDX-License-Identifier: MIT
/*
 * src/core/tree*.c, tar.c, meta.c and src/os/linux/host.c: a tree with everything in
 * it goes each way and has to come back the same; the system's tar is asked too.
 */
#include "tree_kit.h"

static void ok(int r, const struct lt_diag *diag)
{
    if (r < 0)
        fail_msg("%s: %s", lt_error_name(r), diag->text);
}

static void test_tree__copies_everything(void **state)
{
    (void)state;
    struct lt_diag diag;
    struct lt_tree_options options = {.progress = NULL};
    fill();
    ok(lt_tree_copy(NULL, root1(), lt_fs_root(two), &options, &diag), &diag);
    compare_trees(root1(), lt_fs_root(two), BIRTH | LONG_STREAMS | CHANGE_TIME | HOLES, "");
    assert_int_equal(options.status.skipped, 0);
    assert_true(options.status.files > 15);
    assert_true(options.status.bytes > 3 << 20);
}

static void test_tree__comes_back_from_a_directory(void **state)
{
    (void)state;
    struct lt_diag diag;
    struct lt_tree_options options = {.progress = NULL};
    if (geteuid() != 0)
        skip();
    fill();
    ok(lt_tree_save(NULL, root1(), in_dir("tree/"), &options, &diag), &diag);
    assert_int_equal(options.status.skipped, 1); /* the long stream */
    assert_int_equal(shell("test ! -e %s/tree.lintel-new", dir), 0);
    assert_int_equal(shell("test $(stat -c %%h %s/tree/d/file) = 3", dir), 0);
    assert_int_equal(shell("test $(stat -c %%b %s/tree/d/hole) -lt 100", dir), 0);
    ok(lt_tree_load(NULL, in_dir("tree"), lt_fs_root(two), &options, &diag), &diag);
    assert_int_equal(options.status.skipped, 0);
    assert_int_equal(lt_path_stream_remove(NULL, root1(), "d/file", "long stream"), 0);
    put_times("d/file", -5, 500000000);
    compare_trees(root1(), lt_fs_root(two), BIRTH | HOLES | HOST, "");
}

static void test_tree__comes_back_from_an_archive(void **state)
{
    (void)state;
    struct lt_diag diag;
    struct lt_tree_options options = {.progress = NULL};
    fill();
    ok(lt_tree_save(NULL, root1(), in_dir("tree.tar"), &options, &diag), &diag);
    assert_int_equal(options.status.skipped, 0);
    ok(lt_tree_load(NULL, in_dir("tree.tar"), lt_fs_root(two), &options, &diag), &diag);
    assert_int_equal(options.status.skipped, 0);
    compare_trees(root1(), lt_fs_root(two), BIRTH | LONG_STREAMS | CHANGE_TIME | HOLES, "");
}

static void test_tree__archive_is_read_by_tar(void **state)
{
    (void)state;
    struct lt_diag diag;
    fill();
    if (geteuid() != 0)
        skip();
    /* What has no name on the host. */
    char name[LT_NAME_MAX + 1];
    for (int i = 0; i < 255; i++)
        memcpy(name + 3 * i, "\xe2\x82\xac", 3);
    name[765] = 0;
    assert_int_equal(lt_path_unlink(NULL, root1(), name), 0);
    ok(lt_tree_save(NULL, root1(), in_dir("t.tar"), NULL, &diag), &diag);
    assert_int_equal(shell("cd %s && mkdir out && tar --warning=no-unknown-keyword "
                           "--warning=no-timestamp -xpf t.tar -C out",
                           dir),
                     0);
    assert_int_equal(shell("cd %s/out/d && test $(stat -c %%s sparse) = 20971520 && "
                           "test $(stat -c %%b sparse) -lt 2000 && "
                           "test \"$(cat file)\" = content && test second -ef file && "
                           "test $(stat -c %%a big) = 6751",
                           dir),
                     0);
}

static void system_tar(const char *options)
{
    struct lt_diag diag;
    struct lt_node *to = lt_fs_root(two);
    struct lt_entry entry = {.stored = NULL};
    struct lt_setattr none = {.mask = LT_SET_BTIME};
    assert_int_equal(lt_path_mkdir(NULL, to, "x", 0700), 0);
    assert_int_equal(lt_path_lookup(NULL, to, "x", 0, &entry), 0);
    (void)none;
    assert_int_equal(shell("cd %s && rm -f s.tar && tar %s -cf s.tar -C src .", dir, options), 0);
    ok(lt_tree_load(NULL, in_dir("s.tar"), entry.node, NULL, &diag), &diag);
    /* Against what the host directory says. */
    assert_int_equal(lt_path_mkdir(NULL, root1(), "x", 0700), 0);
    struct lt_entry host = {.stored = NULL};
    assert_int_equal(lt_path_lookup(NULL, root1(), "x", 0, &host), 0);
    ok(lt_tree_load(NULL, in_dir("src"), host.node, NULL, &diag), &diag);
    struct lt_attr a, b;
    assert_int_equal(lt_path_stat(NULL, host.node, "sparse", 0, &a), 0);
    assert_int_equal(lt_path_stat(NULL, entry.node, "sparse", 0, &b), 0);
    assert_int_equal(a.size, b.size);
    assert_int_equal(a.allocated, b.allocated);
    compare_trees(host.node, entry.node, 0, "/x");
    lt_node_put(entry.node);
    lt_node_put(host.node);
    assert_int_equal(lt_path_rename(NULL, root1(), "x", root1(), options, 0), 0);
    assert_int_equal(lt_path_rename(NULL, to, "x", to, options, 0), 0);
}

static void test_tree__archives_of_tar_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        shell("mkdir -p %s/src && cd %s/src && echo hello >f && ln f g && ln -s f s && mkdir d && "
              "n=$(printf 'n%%.0s' $(seq 150)) && echo long >d/$n && ln -s $n$n d/l && "
              "truncate -s 9m sparse && for i in 1 3 5 7 8; do "
              "printf x | dd of=sparse bs=1 seek=${i}000000 conv=notrunc status=none; done && "
              "chmod 4711 f && find . -exec touch -h -d @1000000000 {} +",
              dir, dir),
        0);
    system_tar("--format=pax --sparse --sparse-version=1.0");
    system_tar("--format=pax --sparse --sparse-version=0.1");
    system_tar("--format=pax --sparse --sparse-version=0.0");
    system_tar("--format=gnu --sparse");
}

static void test_tree__saves_replace_the_old_in_one_step(void **state)
{
    (void)state;
    struct lt_diag diag;
    put_file("f", 0, "one", 3);
    assert_int_equal(shell("mkdir %s/t.lintel-new && touch %s/t.lintel-new/rest", dir, dir), 0);
    ok(lt_tree_save(NULL, root1(), in_dir("t"), NULL, &diag), &diag);
    put_file("f", 0, "two", 3);
    put_file("g", 0, "", 0);
    ok(lt_tree_save(NULL, root1(), in_dir("t"), NULL, &diag), &diag);
    assert_int_equal(
        shell("cd %s && test \"$(ls -A . t)\" = \"$(printf '.:\\nt\\n\\nt:\\nf\\ng')\" "
              "&& test \"$(cat t/f)\" = two",
              dir),
        0);
    /* Into a place that is a file: an archive. */
    assert_int_equal(shell("echo old >%s/file", dir), 0);
    ok(lt_tree_save(NULL, root1(), in_dir("file"), NULL, &diag), &diag);
    assert_int_equal(shell("tar --warning=no-unknown-keyword -tf %s/file >/dev/null", dir), 0);
}

static void test_tree__failures_leave_the_old_and_say_why(void **state)
{
    (void)state;
    struct lt_diag diag;
    atomic_bool cancel = true;
    struct lt_tree_options options = {.cancel = &cancel};
    fill();
    assert_int_equal(shell("mkdir %s/t && touch %s/t/old", dir, dir), 0);
    assert_int_equal(lt_tree_save(NULL, root1(), in_dir("t"), &options, &diag), LT_ECANCELED);
    assert_int_equal(lt_tree_save(NULL, root1(), in_dir("t.tar"), &options, &diag), LT_ECANCELED);
    assert_int_equal(shell("cd %s && test \"$(echo * t/*)\" = 't t/old'", dir), 0);
    assert_int_equal(lt_tree_load(NULL, in_dir("none"), root1(), NULL, &diag), LT_ENOENT);
    assert_non_null(strstr(diag.text, "none"));
    assert_int_equal(lt_tree_save(NULL, root1(), in_dir("none/x"), NULL, &diag), LT_ENOENT);
    struct lt_fs *small;
    assert_int_equal(lt_open_fs("mem:size=1m", &small, NULL), 0);
    assert_int_equal(lt_tree_copy(NULL, root1(), lt_fs_root(small), NULL, &diag), LT_ENOSPC);
    assert_non_null(strstr(diag.text, "no space"));
    assert_int_equal(lt_fs_close(small), 0);
}

static void test_tree__damaged_archives_are_refused(void **state)
{
    (void)state;
    struct lt_diag diag;
    put_file("f", 0, "content", 7);
    ok(lt_tree_save(NULL, root1(), in_dir("t.tar"), NULL, &diag), &diag);
    static const char *const damages[] = {
        "printf X | dd of=b.tar bs=1 seek=5 conv=notrunc status=none", /* a name: the checksum */
        "truncate -s 700 b.tar", "truncate -s 100 b.tar", "truncate -s 0 b.tar",
        "echo no archive at all >b.tar"};
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        assert_int_equal(shell("cd %s && cp t.tar b.tar && %s", dir, damages[i]), 0);
        assert_int_equal(lt_tree_load(NULL, in_dir("b.tar"), lt_fs_root(two), NULL, &diag),
                         LT_EBADMSG);
    }
    assert_int_equal(shell("cd %s && mkdir o && touch o/x && "
                           "tar -cPf b.tar --transform 's,^,../,' o/x",
                           dir),
                     0);
    assert_int_equal(lt_tree_load(NULL, in_dir("b.tar"), lt_fs_root(two), NULL, &diag), LT_EBADMSG);
}

static void test_meta__times(void **state)
{
    (void)state;
    static const struct {
        struct lt_time time;
        const char *text;
    } cases[] = {
        {{0, 0}, "0"},
        {{1, 500000000}, "1.5"},
        {{-1, 0}, "-1"},
        {{-2, 750000000}, "-1.25"},
        {{-1, 999999999}, "-0.000000001"},
        {{INT64_C(1) << 40, 1}, "1099511627776.000000001"},
        {{100, 0}, "100"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[META_TIME_SIZE];
        struct lt_time back;
        meta_time_format(cases[i].time, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(meta_time_parse(lt_str(text), &back), 0);
        assert_int_equal(back.sec, cases[i].time.sec);
        assert_int_equal(back.nsec, cases[i].time.nsec);
    }
    struct lt_time t;
    assert_int_equal(meta_time_parse(lt_str(""), &t), LT_EINVAL);
    assert_int_equal(meta_time_parse(lt_str("1x"), &t), LT_EINVAL);
    assert_int_equal(meta_time_parse(lt_str("1.2.3"), &t), LT_EINVAL);
    assert_int_equal(meta_time_parse(lt_str("99999999999999999999"), &t), LT_EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tree__copies_everything),
        TEST(tree__comes_back_from_a_directory),
        TEST(tree__comes_back_from_an_archive),
        TEST(tree__archive_is_read_by_tar),
        TEST(tree__archives_of_tar_are_read),
        TEST(tree__saves_replace_the_old_in_one_step),
        TEST(tree__failures_leave_the_old_and_say_why),
        TEST(tree__damaged_archives_are_refused),
        cmocka_unit_test(test_meta__times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
