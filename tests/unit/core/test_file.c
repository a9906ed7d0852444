// SPDX-License-Identifier: MIT
/* src/core/file.c, file_open.c, dir.c: open files on a RAM disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lintel/lintel.h>
#include <os/os.h>
#include <stdio.h>

static struct lt_fs *fs;
static struct lt_node *root;
static const struct lt_ctx user = {.uid = 1000, .gid = 1000, .umask = 022};

static int setup(void **state)
{
    (void)state;
    struct lt_diag diag;
    if (lt_open_fs("mem:size=64m", &fs, &diag) < 0)
        return -1;
    root = lt_fs_root(fs);
    return lt_path_chmod(NULL, root, "/", 0777);
}

static int teardown(void **state)
{
    (void)state;
    return lt_fs_close(fs);
}

static struct lt_file *open_file(const char *path, uint32_t flags)
{
    struct lt_file *file = NULL;
    int r = lt_file_open(&user, root, path, flags, 0666, &file);
    if (r < 0)
        fail_msg("%s: %s", path, lt_error_name(r));
    return file;
}

static int open_error(const char *path, uint32_t flags)
{
    struct lt_file *file = NULL;
    int r = lt_file_open(&user, root, path, flags, 0666, &file);
    lt_file_close(file);
    return r;
}

static void test_file__reads_what_was_written(void **state)
{
    (void)state;
    char buf[16] = "";
    struct lt_file *f = open_file("f", LT_O_RDWR | LT_O_CREAT);
    assert_int_equal(lt_file_write(f, "hello", 5), 5);
    assert_int_equal(lt_file_write(f, " world", 6), 6);
    assert_int_equal(lt_file_read(f, buf, sizeof(buf)), 0);
    assert_int_equal(lt_file_seek(f, 6, LT_SEEK_SET), 6);
    assert_int_equal(lt_file_read(f, buf, 3), 3);
    assert_int_equal(lt_file_read(f, buf + 3, 9), 2);
    assert_memory_equal(buf, "world", 5);
    assert_int_equal(lt_file_pwrite(f, "J", 1, 0), 1);
    assert_int_equal(lt_file_pread(f, buf, 5, 0), 5);
    assert_memory_equal(buf, "Jello", 5);
    assert_int_equal(lt_file_seek(f, 0, LT_SEEK_CUR), 11);
    lt_file_close(f);
}

static void test_file__big_transfers_go_in_pieces(void **state)
{
    (void)state;
    static char in[3 * LT_IO_MAX + 5], out[sizeof(in)];
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7 + i / 4096);
    struct lt_file *f = open_file("f", LT_O_RDWR | LT_O_CREAT);
    assert_int_equal(lt_file_write(f, in, sizeof(in)), sizeof(in));
    assert_int_equal(lt_file_pread(f, out, sizeof(out), 0), sizeof(out));
    assert_memory_equal(in, out, sizeof(in));
    lt_file_close(f);
}

static void test_file__seeks(void **state)
{
    (void)state;
    struct lt_file *f = open_file("f", LT_O_RDWR | LT_O_CREAT);
    assert_int_equal(lt_file_pwrite(f, "x", 1, 1 << 20), 1);
    assert_int_equal(lt_file_seek(f, -1, LT_SEEK_END), 1 << 20);
    assert_int_equal(lt_file_seek(f, -(1 << 20), LT_SEEK_CUR), 0);
    assert_int_equal(lt_file_seek(f, -1, LT_SEEK_CUR), LT_EINVAL);
    assert_int_equal(lt_file_seek(f, -1, LT_SEEK_SET), LT_EINVAL);
    assert_int_equal(lt_file_seek(f, INT64_MIN, LT_SEEK_END), LT_EINVAL);
    assert_int_equal(lt_file_seek(f, INT64_MAX, LT_SEEK_END), LT_EOVERFLOW);
    assert_int_equal(lt_file_seek(f, 0, 17), LT_EINVAL);
    assert_int_equal(lt_file_seek(f, 0, LT_SEEK_CUR), 0);
    assert_int_equal(lt_file_seek(f, 5, LT_SEEK_HOLE), 5);
    int64_t data = lt_file_seek(f, 0, LT_SEEK_DATA);
    assert_true(data > 0 && data <= 1 << 20);
    assert_int_equal(lt_file_seek(f, (1 << 20) + 1, LT_SEEK_DATA), LT_ENXIO);
    lt_file_close(f);
}

static void test_file__flags_of_open(void **state)
{
    (void)state;
    lt_file_close(open_file("f", LT_O_WRONLY | LT_O_CREAT));
    assert_int_equal(lt_path_mkdir(&user, root, "d", 0755), 0);
    assert_int_equal(lt_path_symlink(&user, "f", root, "s"), 0);
    assert_int_equal(lt_path_symlink(&user, "made", root, "dangling"), 0);
    assert_int_equal(lt_path_mknod(&user, root, "p", LT_S_IFIFO | 0666, 0), 0);
    assert_int_equal(open_error("f", LT_O_CREAT | LT_O_EXCL), LT_EEXIST);
    assert_int_equal(open_error("s", LT_O_CREAT | LT_O_EXCL), LT_EEXIST);
    assert_int_equal(open_error("dangling", LT_O_CREAT | LT_O_EXCL), LT_EEXIST);
    assert_int_equal(open_error("s", LT_O_NOFOLLOW), LT_ELOOP);
    assert_int_equal(open_error("s", LT_O_NOFOLLOW | LT_O_CREAT), LT_ELOOP);
    assert_int_equal(open_error("s", LT_O_NOFOLLOW | LT_O_DIRECTORY), LT_ENOTDIR);
    assert_int_equal(open_error("s", LT_O_NOFOLLOW | LT_O_PATH), 0);
    assert_int_equal(open_error("f", LT_O_DIRECTORY), LT_ENOTDIR);
    assert_int_equal(open_error("d", LT_O_DIRECTORY), 0);
    assert_int_equal(open_error("d", LT_O_WRONLY), LT_EISDIR);
    assert_int_equal(open_error("d", LT_O_CREAT), LT_EISDIR);
    assert_int_equal(open_error("new/", LT_O_CREAT), LT_EISDIR);
    assert_int_equal(open_error("d/.", LT_O_CREAT), LT_EISDIR);
    assert_int_equal(open_error("none", 0), LT_ENOENT);
    assert_int_equal(open_error("p", 0), LT_ENXIO);
    assert_int_equal(open_error("p", LT_O_PATH), 0);
    assert_int_equal(open_error("f", LT_O_ACCMODE), LT_EINVAL);
    assert_int_equal(open_error("f", LT_O_CREAT | LT_O_DIRECTORY), LT_EINVAL);
    assert_int_equal(open_error("dangling", 0), LT_ENOENT);
    assert_int_equal(open_error("dangling", LT_O_CREAT), 0);
    assert_int_equal(open_error("made", 0), 0);
}

static void test_file__access_is_checked_at_open_only(void **state)
{
    (void)state;
    char buf[4];
    struct lt_file *w = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    assert_int_equal(lt_path_chmod(&user, root, "f", 0), 0);
    assert_int_equal(open_error("f", LT_O_RDONLY), LT_EACCES);
    assert_int_equal(open_error("f", LT_O_RDONLY | LT_O_TRUNC), LT_EACCES);
    assert_int_equal(lt_file_write(w, "abcd", 4), 4);
    assert_int_equal(lt_file_read(w, buf, 4), LT_EBADF);
    assert_int_equal(lt_file_truncate(w, 2), 0);
    lt_file_close(w);
    assert_int_equal(lt_path_chmod(&user, root, "f", 0444), 0);
    struct lt_file *r = open_file("f", LT_O_RDONLY);
    assert_int_equal(lt_file_write(r, "x", 1), LT_EBADF);
    assert_int_equal(lt_file_truncate(r, 0), LT_EINVAL);
    assert_int_equal(lt_file_read(r, buf, 4), 2);
    lt_file_close(r);
    struct lt_file *p = open_file("f", LT_O_PATH);
    assert_int_equal(lt_file_read(p, buf, 4), LT_EBADF);
    lt_file_close(p);
    /* A file that one makes may be opened whatever its mode. */
    struct lt_file *none = NULL;
    assert_int_equal(lt_file_open(&user, root, "g", LT_O_RDWR | LT_O_CREAT, 0, &none), 0);
    lt_file_close(none);
}

static void test_file__truncation_at_open(void **state)
{
    (void)state;
    struct lt_attr attr;
    struct lt_file *f = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    assert_int_equal(lt_file_write(f, "abcd", 4), 4);
    lt_file_close(f);
    f = open_file("f", LT_O_WRONLY | LT_O_TRUNC);
    assert_int_equal(lt_file_stat(f, &attr), 0);
    assert_int_equal(attr.size, 0);
    lt_file_close(f);
}

static void test_file__writing_drops_set_uid(void **state)
{
    (void)state;
    struct lt_attr attr;
    struct lt_file *f = open_file("f", LT_O_WRONLY | LT_O_CREAT);
    assert_int_equal(lt_path_chmod(&user, root, "f", 06755), 0);
    assert_int_equal(lt_file_write(f, "x", 1), 1);
    assert_int_equal(lt_file_stat(f, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0755);
    assert_int_equal(lt_path_chmod(&user, root, "f", 06755), 0);
    assert_int_equal(lt_file_truncate(f, 0), 0);
    assert_int_equal(lt_file_stat(f, &attr), 0);
    assert_int_equal(attr.mode, LT_S_IFREG | 0755);
    lt_file_close(f);
}

static void test_file__without_a_name(void **state)
{
    (void)state;
    struct lt_attr attr;
    struct lt_file *f = open_file("/", LT_O_TMPFILE | LT_O_RDWR);
    assert_int_equal(lt_file_write(f, "x", 1), 1);
    assert_int_equal(lt_file_stat(f, &attr), 0);
    assert_int_equal(attr.nlink, 0);
    assert_int_equal(lt_file_link(f, root, "named"), 0);
    assert_int_equal(lt_file_stat(f, &attr), 0);
    assert_int_equal(attr.nlink, 1);
    lt_file_close(f);
    assert_int_equal(lt_path_stat(NULL, root, "named", 0, &attr), 0);
    assert_int_equal(attr.size, 1);
    assert_int_equal(open_error("/", LT_O_TMPFILE), LT_EINVAL);
    assert_int_equal(open_error("named", LT_O_TMPFILE | LT_O_RDWR), LT_ENOTDIR);
}

static void test_file__unlinked_ones_live_on(void **state)
{
    (void)state;
    char c;
    struct lt_file *f = open_file("f", LT_O_RDWR | LT_O_CREAT);
    assert_int_equal(lt_file_write(f, "x", 1), 1);
    assert_int_equal(lt_path_unlink(&user, root, "f"), 0);
    assert_int_equal(lt_file_pread(f, &c, 1, 0), 1);
    assert_int_equal(c, 'x');
    lt_file_close(f);
}

/* ---- Appending from several threads -------------------------------------------------------- */

#define RECORDS 2000

struct appender {
    struct lt_thread *thread;
    struct lt_file *file;
    char mark;
};

static void append_records(void *arg)
{
    struct appender *a = arg;
    char record[10];
    memset(record, a->mark, sizeof(record));
    for (int i = 0; i < RECORDS; i++)
        assert_int_equal(lt_file_write(a->file, record, sizeof(record)), sizeof(record));
}

static void test_file__appends_are_atomic(void **state)
{
    (void)state;
    struct appender a[3];
    static char all[3 * RECORDS * 10];
    for (int i = 0; i < 3; i++) {
        a[i].mark = (char)('a' + i);
        a[i].file = open_file("f", LT_O_RDWR | LT_O_CREAT | LT_O_APPEND);
        assert_int_equal(lt_thread_start(&a[i].thread, "appender", append_records, &a[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        lt_thread_join(a[i].thread);
    assert_int_equal(lt_file_pread(a[0].file, all, sizeof(all), 0), sizeof(all));
    for (size_t i = 0; i < sizeof(all); i += 10) {
        for (size_t j = 1; j < 10; j++)
            assert_int_equal(all[i], all[i + j]);
    }
    for (int i = 0; i < 3; i++)
        lt_file_close(a[i].file);
}

static void take_numbers(void *arg)
{
    struct appender *a = arg;
    uint32_t value;
    while (lt_file_read(a->file, &value, sizeof(value)) == sizeof(value)) {
        uint32_t seen = 0;
        /* Marks the number as taken, in the file itself, where nobody else writes. */
        assert_int_equal(lt_file_pread(a->file, &seen, 4, 4 * value), 4);
        assert_int_equal(seen, value);
        seen = UINT32_MAX;
        assert_int_equal(lt_file_pwrite(a->file, &seen, 4, 4 * value), 4);
    }
}

static void test_file__threads_share_one_position(void **state)
{
    (void)state;
    struct lt_file *f = open_file("f", LT_O_RDWR | LT_O_CREAT);
    struct appender a[3];
    for (uint32_t i = 0; i < RECORDS; i++)
        assert_int_equal(lt_file_write(f, &i, sizeof(i)), sizeof(i));
    assert_int_equal(lt_file_seek(f, 0, LT_SEEK_SET), 0);
    for (int i = 0; i < 3; i++) {
        a[i].file = f;
        assert_int_equal(lt_thread_start(&a[i].thread, "taker", take_numbers, &a[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        lt_thread_join(a[i].thread);
    for (uint32_t i = 0, value; i < RECORDS; i++) {
        assert_int_equal(lt_file_pread(f, &value, 4, 4 * i), 4);
        assert_int_equal(value, UINT32_MAX);
    }
    lt_file_close(f);
}

static void test_file__locks_go_with_the_file(void **state)
{
    (void)state;
    struct lt_file *a = open_file("f", LT_O_RDWR | LT_O_CREAT), *b = open_file("f", LT_O_RDONLY);
    assert_int_equal(lt_file_lock(a, LT_LOCK_EXCLUSIVE, 0, 0, false), 0);
    assert_int_equal(lt_file_lock(b, LT_LOCK_EXCLUSIVE, 0, 0, false), LT_EBADF);
    assert_int_equal(lt_file_lock(b, LT_LOCK_SHARED, 10, 1, false), LT_EAGAIN);
    lt_file_close(a);
    assert_int_equal(lt_file_lock(b, LT_LOCK_SHARED, 10, 1, false), 0);
    lt_file_close(b);
}

static void test_file__copies_ranges(void **state)
{
    (void)state;
    char buf[4];
    struct lt_file *a = open_file("a", LT_O_RDWR | LT_O_CREAT);
    struct lt_file *b = open_file("b", LT_O_RDWR | LT_O_CREAT);
    assert_int_equal(lt_file_write(a, "abcdef", 6), 6);
    assert_int_equal(lt_file_copy_range(a, 2, b, 1, 3), 3);
    assert_int_equal(lt_file_pread(b, buf, 4, 0), 4);
    assert_memory_equal(buf, "\0cde", 4);
    assert_int_equal(lt_file_copy_range(a, 0, a, 1, 3), LT_EINVAL);
    lt_file_close(a);
    lt_file_close(b);
}

static void test_dir__lists_once_and_seeks(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static bool seen[COUNT];
    char name[16];
    struct lt_dir *dir;
    struct lt_dirent e;
    uint64_t middle = 0;
    unsigned long index;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(lt_path_mknod(&user, root, name, 0644, 0), 0);
    }
    assert_int_equal(lt_dir_open(&user, root, "/", &dir), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(lt_dir_next(dir, &e), 1);
        snprintf(name, sizeof(name), "%.*s", (int)e.name.len, e.name.s);
        assert_int_equal(sscanf(name, "%lu", &index), 1);
        assert_false(seen[index]);
        seen[index] = true;
        assert_int_equal(e.mode, LT_S_IFREG);
        assert_int_equal(lt_dir_tell(dir), e.next);
        middle = i == 499 ? e.next : middle;
    }
    assert_int_equal(lt_dir_next(dir, &e), 0);
    lt_dir_seek(dir, middle);
    for (int i = 500; i < COUNT; i++)
        assert_int_equal(lt_dir_next(dir, &e), 1);
    assert_int_equal(lt_dir_next(dir, &e), 0);
    lt_dir_close(dir);
    assert_int_equal(lt_dir_open(&user, root, "0", &dir), LT_ENOTDIR);
    assert_int_equal(lt_path_mkdir(&user, root, "secret", 0300), 0);
    assert_int_equal(lt_dir_open(&user, root, "secret", &dir), LT_EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file__reads_what_was_written),
        TEST(file__big_transfers_go_in_pieces),
        TEST(file__seeks),
        TEST(file__flags_of_open),
        TEST(file__access_is_checked_at_open_only),
        TEST(file__truncation_at_open),
        TEST(file__writing_drops_set_uid),
        TEST(file__without_a_name),
        TEST(file__unlinked_ones_live_on),
        TEST(file__appends_are_atomic),
        TEST(file__threads_share_one_position),
        TEST(file__locks_go_with_the_file),
        TEST(file__copies_ranges),
        TEST(dir__lists_once_and_seeks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
