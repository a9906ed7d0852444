// SPDX-License-Identifier: MIT
/*
 * The FUSE server under a real kernel: over /dev/fuse and over io_uring. Needs root and
 * /dev/fuse; skipped otherwise.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lintel/mount.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FILES 300

struct mounted {
    char dir[64];
    struct lt_fs *fs;
    struct lt_mount *mount;
    char home[4096]; /* the working directory before */
};

static enum lt_choice transport; /* io_uring of the mounts of the tests that run now */

static bool can_mount(void)
{
    return geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0;
}

static bool mount_at(struct mounted *m, const char *source, const struct lt_mount_options *given)
{
    struct lt_mount_options o = *given;
    struct lt_diag diag = {""};
    o.io_uring = transport;
    snprintf(m->dir, sizeof(m->dir), "/tmp/lintel-test-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    assert_int_equal(lt_open_fs(source, &m->fs, &diag), 0);
    int r = lt_mount_start(m->fs, m->dir, &o, &m->mount, &diag);
    if (r == LT_EOPNOTSUPP && transport == LT_ON) {
        assert_true(diag.text[0] != 0);
        lt_fs_close(m->fs);
        rmdir(m->dir);
        return false;
    }
    assert_int_equal(r, 0);
    assert_non_null(getcwd(m->home, sizeof(m->home)));
    assert_int_equal(chdir(m->dir), 0);
    return true;
}

static struct lt_mount_options defaults(void)
{
    struct lt_mount_options o;
    lt_mount_options_init(&o);
    return o;
}

#define MOUNT(m, source)                                     \
    struct mounted m;                                        \
    struct lt_mount_options m##_options = defaults();        \
    (void)state;                                             \
    if (!can_mount() || !mount_at(&m, source, &m##_options)) \
    skip()

static void leave(struct mounted *m)
{
    assert_int_equal(chdir(m->home), 0);
}

static void unmount(struct mounted *m)
{
    leave(m);
    assert_int_equal(umount2(m->dir, 0), 0);
    assert_int_equal(lt_mount_wait(m->mount), 0);
    lt_mount_end(m->mount);
    assert_int_equal(lt_fs_close(m->fs), 0);
    assert_int_equal(rmdir(m->dir), 0);
}

static void put_file(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void expect_file(const char *name, const char *text)
{
    char buf[256];
    int fd = open(name, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    assert_true(n >= 0);
    buf[n] = 0;
    assert_string_equal(buf, text);
    close(fd);
}

/* A number of the server's own counters; 0 if it is not there. */
static unsigned long long counter(struct mounted *m, const char *operation)
{
    char *text, key[64];
    unsigned long long count = 0;
    assert_int_equal(lt_mount_stats(m->mount, &text), 0);
    snprintf(key, sizeof(key), "\"%s\":{\"count\":", operation);
    const char *at = strstr(text, key);
    if (at)
        count = strtoull(at + strlen(key), NULL, 10);
    free(text);
    return count;
}

/* ---- What any program does ------------------------------------------------------------------- */

static void test_mount__files_come_and_go(void **state)
{
    struct stat st;
    MOUNT(m, "mem:size=64m");
    put_file("a", "hello");
    expect_file("a", "hello");
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_size, 5);
    assert_int_equal(st.st_mode, 0100644);
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(rename("a", "d/b"), 0);
    assert_int_equal(link("d/b", "c"), 0);
    assert_int_equal(symlink("d/b", "s"), 0);
    expect_file("s", "hello");
    assert_int_equal(stat("c", &st), 0);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(unlink("d/b"), 0);
    assert_int_equal(rmdir("d"), 0);
    assert_int_equal(stat("d", &st), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(stat("c", &st), 0);
    assert_int_equal(st.st_nlink, 1);
    unmount(&m);
}

static void test_mount__a_read_only_file_can_be_made_and_written(void **state)
{
    MOUNT(m, "mem:");
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0444);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_int_equal(open("f", O_RDWR | O_CREAT | O_EXCL, 0444), -1);
    assert_int_equal(errno, EEXIST);
    unmount(&m);
}

static void test_mount__an_open_file_outlives_its_name(void **state)
{
    char buf[8] = "";
    struct stat st;
    MOUNT(m, "mem:");
    put_file("f", "still");
    int fd = open("f", O_RDWR);
    assert_int_equal(unlink("f"), 0);
    assert_int_equal(pread(fd, buf, 5, 0), 5);
    assert_string_equal(buf, "still");
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(ftruncate(fd, 2), 0);
    close(fd);
    unmount(&m);
}

static void test_mount__large_data_in_odd_pieces(void **state)
{
    size_t size = (3u << 20) + 12345, at = 0;
    MOUNT(m, "mem:size=64m");
    char *data = malloc(size), *back = malloc(size);
    assert_non_null(data);
    assert_non_null(back);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 31 + i / 4096);
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    for (size_t step = 4096; at < size; at += step, step = step * 3 + 1) {
        size_t n = size - at < step ? size - at : step;
        assert_int_equal(pwrite(fd, data + at, n, (off_t)at), n);
    }
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_int_equal(pread(fd, back, size, 0), size);
    assert_memory_equal(back, data, size);
    close(fd);
    fd = open("f", O_RDONLY | O_DIRECT);
    assert_true(fd >= 0);
    char *aligned =
        mmap(NULL, 4u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(pread(fd, aligned, 4u << 20, 0), size);
    assert_memory_equal(aligned, data, size);
    munmap(aligned, 4u << 20);
    close(fd);
    free(data);
    free(back);
    unmount(&m);
}

static void test_mount__memory_maps_write_through(void **state)
{
    MOUNT(m, "mem:");
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    assert_int_equal(ftruncate(fd, 8192), 0);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    memcpy(map + 4090, "across the page", 16);
    assert_int_equal(msync(map, 8192, MS_SYNC), 0);
    char buf[16];
    struct lt_entry entry = {0};
    assert_int_equal(lt_node_lookup(NULL, lt_fs_root(m.fs), lt_str("f"), &entry), 0);
    assert_int_equal(lt_node_pread(NULL, entry.node, 4090, buf, 16), 16);
    assert_string_equal(buf, "across the page");
    lt_node_put(entry.node);
    munmap(map, 8192);
    close(fd);
    unmount(&m);
}

static void test_mount__listings_are_whole(void **state)
{
    char name[32];
    MOUNT(m, "mem:");
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "file-with-a-name-%d", i);
        put_file(name, "");
    }
    for (int round = 0; round < 3; round++) {
        DIR *dir = opendir(".");
        int count = 0;
        while (readdir(dir))
            count++;
        assert_int_equal(count, FILES + 2);
        closedir(dir);
    }
    snprintf(name, sizeof(name), "file-with-a-name-%d", 7);
    assert_int_equal(unlink(name), 0);
    DIR *dir = opendir(".");
    int count = 0;
    while (readdir(dir))
        count++;
    assert_int_equal(count, FILES + 1);
    closedir(dir);
    unmount(&m);
}

static void test_mount__xattrs_and_flags(void **state)
{
    char value[64];
    unsigned flags = 0x10; /* FS_IMMUTABLE_FL */
    MOUNT(m, "mem:");
    put_file("f", "x");
    assert_int_equal(setxattr("f", "user.a", "abc", 3, 0), 0);
    assert_int_equal(getxattr("f", "user.a", value, sizeof(value)), 3);
    assert_true(getxattr(".", "system.lintel.info", NULL, 0) > 0);
    int fd = open("f", O_RDWR);
    assert_int_equal(ioctl(fd, _IOW('f', 2, long), &flags), 0);
    flags = 0;
    assert_int_equal(ioctl(fd, _IOR('f', 1, long), &flags), 0);
    assert_int_equal(flags, 0x10);
    assert_int_equal(unlink("f"), -1);
    assert_int_equal(errno, EPERM);
    flags = 0;
    assert_int_equal(ioctl(fd, _IOW('f', 2, long), &flags), 0);
    assert_int_equal(unlink("f"), 0);
    close(fd);
    unmount(&m);
}

static void test_mount__unnamed_files(void **state)
{
    char path[64];
    MOUNT(m, "mem:");
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "tmp", 3), 3);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert_int_equal(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
    expect_file("named", "tmp");
    close(fd);
    unmount(&m);
}

/* Makes the kernel forget what it does not use. */
static void drop_caches(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "2", 1), 1);
    close(fd);
}

static void test_mount__file_handles_open_what_the_kernel_forgot(void **state)
{
    struct {
        struct file_handle h;
        unsigned char bytes[128];
    } handle = {.h = {.handle_bytes = 128}};
    int mount_id;
    MOUNT(m, "mem:");
    assert_int_equal(mkdir("d", 0755), 0);
    put_file("d/f", "handle");
    assert_int_equal(name_to_handle_at(AT_FDCWD, "d/f", &handle.h, &mount_id, 0), 0);
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    drop_caches();
    int fd = open_by_handle_at(dir, &handle.h, O_RDONLY);
    assert_true(fd >= 0);
    char buf[8] = "";
    assert_int_equal(read(fd, buf, 6), 6);
    assert_string_equal(buf, "handle");
    close(fd);
    assert_int_equal(unlink("d/f"), 0);
    drop_caches();
    assert_int_equal(open_by_handle_at(dir, &handle.h, O_RDONLY), -1);
    assert_int_equal(errno, ESTALE);
    close(dir);
    unmount(&m);
}

/* ---- Round trips ----------------------------------------------------------------------------- */

static void test_mount__what_is_known_is_not_asked_again(void **state)
{
    struct stat st;
    MOUNT(m, "mem:");
    put_file("f", "x");
    assert_int_equal(stat("f", &st), 0);
    unsigned long long lookups = counter(&m, "LOOKUP"), attrs = counter(&m, "GETATTR");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(stat("f", &st), 0);
        int fd = open("f", O_RDONLY);
        close(fd);
        stat("missing", &st);
    }
    assert_true(counter(&m, "LOOKUP") <= lookups + 1);
    assert_true(counter(&m, "GETATTR") <= attrs + 1);
    assert_true(counter(&m, "OPEN") <= 1);
    assert_true(counter(&m, "FLUSH") <= 1);
    assert_int_equal(counter(&m, "RELEASE"), 0);
    unmount(&m);
}

/* ---- What others change ---------------------------------------------------------------------- */

static void test_mount__changes_from_inside_are_seen_at_once(void **state)
{
    struct lt_entry entry = {0};
    struct stat st;
    MOUNT(m, "mem:");
    struct lt_node *root = lt_fs_root(m.fs);
    put_file("f", "old");
    expect_file("f", "old");
    assert_int_equal(stat("new", &st), -1); /* its absence is cached now */
    for (int i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof(text), "version %d", i);
        assert_int_equal(lt_node_lookup(NULL, root, lt_str("f"), &entry), 0);
        assert_int_equal(lt_node_pwrite(NULL, entry.node, 0, text, strlen(text)), strlen(text));
        lt_node_put(entry.node);
        expect_file("f", text);
    }
    assert_int_equal(lt_node_create(NULL, root, lt_str("new"),
                                    &(struct lt_create){.mode = 0100600, .exact = true}, &entry),
                     0);
    lt_node_put(entry.node);
    assert_int_equal(stat("new", &st), 0);
    assert_int_equal(lt_node_rename(NULL, root, lt_str("new"), root, lt_str("f"), 0), 0);
    assert_int_equal(stat("new", &st), -1);
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("f"), 0, NULL), 0);
    assert_int_equal(stat("f", &st), -1);
    unmount(&m);
}

static void test_mount__one_name_in_all_spellings(void **state)
{
    struct stat st;
    MOUNT(m, "mem:case=insensitive");
    for (int i = 0; i < 20; i++) {
        assert_int_equal(stat("name", &st), -1);
        put_file("Name", "x");
        assert_int_equal(stat("NAME", &st), 0);
        assert_int_equal(stat("Name", &st), 0);
        assert_int_equal(unlink("nAmE"), 0);
        assert_int_equal(stat("Name", &st), -1);
        assert_int_equal(stat("NAME", &st), -1);
        assert_int_equal(mkdir("DIR", 0755), 0);
        assert_int_equal(mkdir("dir", 0755), -1);
        assert_int_equal(errno, EEXIST);
        put_file("dir/f", "y");
        expect_file("DIR/F", "y");
        assert_int_equal(unlink("Dir/F"), 0);
        assert_int_equal(rename("dIR", "Other"), 0);
        assert_int_equal(stat("DIR", &st), -1);
        assert_int_equal(rmdir("other"), 0);
        assert_int_equal(stat("Other", &st), -1);
    }
    unmount(&m);
}

static void test_mount__two_mounts_of_one_volume(void **state)
{
    char other[64] = "/tmp/lintel-test-XXXXXX", path[96];
    struct lt_mount *second;
    struct stat st;
    MOUNT(m, "mem:");
    assert_non_null(mkdtemp(other));
    assert_int_equal(lt_mount_start(m.fs, other, &m_options, &second, NULL), 0);
    for (int i = 0; i < 200; i++) { /* each writes what the other has cached */
        snprintf(path, sizeof(path), "%s/f", other);
        put_file(i % 2 ? "f" : path, i % 3 ? "one" : "two");
        stat(i % 2 ? path : "f", &st);
    }
    for (int i = 0; i < 200 && stat("f", &st) < 0; i++)
        usleep(10000); /* soon, not at once */
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(umount2(other, 0), 0);
    lt_mount_end(second);
    rmdir(other);
    unmount(&m);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void test_mount__stop_unmounts(void **state)
{
    struct stat before, after;
    MOUNT(m, "mem:");
    leave(&m);
    assert_int_equal(stat(m.dir, &before), 0);
    lt_mount_stop(m.mount);
    assert_int_equal(lt_mount_wait(m.mount), 0);
    assert_int_equal(stat(m.dir, &after), 0);
    assert_true(before.st_dev != after.st_dev);
    lt_mount_end(m.mount);
    assert_int_equal(lt_fs_close(m.fs), 0);
    rmdir(m.dir);
}

static void test_mount__end_takes_it_away_from_its_users(void **state)
{
    MOUNT(m, "mem:");
    put_file("f", "x");
    int fd = open("f", O_RDWR);
    leave(&m);
    lt_mount_end(m.mount);
    assert_int_equal(pwrite(fd, "y", 1, 0), -1);
    assert_true(errno == ENOTCONN || errno == ECONNABORTED || errno == ECANCELED);
    close(fd);
    assert_int_equal(lt_fs_close(m.fs), 0);
    rmdir(m.dir);
}

/* Mounts and serves until it is killed. */
static void serve_until_killed(const char *dir)
{
    struct lt_mount_options o = defaults();
    struct lt_fs *fs;
    struct lt_mount *mount;
    o.io_uring = transport;
    if (lt_open_fs("mem:", &fs, NULL) < 0 || lt_mount_start(fs, dir, &o, &mount, NULL) < 0)
        _exit(1);
    lt_mount_wait(mount);
    _exit(0);
}

static void use_until_it_fails(const char *dir)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/f", dir);
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT, 0644);
        if (fd < 0 || pwrite(fd, "x", 1, 0) != 1)
            _exit(0);
        close(fd);
        unlink(path);
    }
}

static void test_mount__a_killed_server_leaves_nobody_stuck(void **state)
{
    char dir[64] = "/tmp/lintel-test-XXXXXX";
    struct stat st;
    int status;
    (void)state;
    if (!can_mount())
        skip();
    assert_non_null(mkdtemp(dir));
    assert_int_equal(stat(dir, &st), 0);
    dev_t before = st.st_dev;
    pid_t server = fork();
    if (server == 0)
        serve_until_killed(dir);
    do
        assert_int_equal(waitpid(server, &status, WNOHANG), 0);
    while (stat(dir, &st) == 0 && st.st_dev == before && usleep(1000) == 0);
    pid_t users[4];
    for (int i = 0; i < 4; i++) {
        users[i] = fork();
        if (users[i] == 0)
            use_until_it_fails(dir);
    }
    usleep(50000);
    kill(server, SIGKILL);
    assert_int_equal(waitpid(server, &status, 0), server);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(waitpid(users[i], &status, 0), users[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_mount__says_why_it_cannot(void **state)
{
    struct lt_mount_options o = defaults();
    struct lt_diag diag = {""};
    struct lt_mount *mount;
    struct lt_fs *fs;
    (void)state;
    assert_int_equal(lt_open_fs("mem:", &fs, NULL), 0);
    assert_int_equal(lt_mount_start(fs, "/nonexistent/dir", &o, &mount, &diag), LT_ENOENT);
    assert_non_null(strstr(diag.text, "/nonexistent/dir"));
    assert_int_equal(lt_mount_start(fs, "/dev/null", &o, &mount, &diag), LT_ENOTDIR);
    assert_int_equal(lt_fs_close(fs), 0);
}

#define TESTS                                                                   \
    cmocka_unit_test(test_mount__files_come_and_go),                            \
        cmocka_unit_test(test_mount__a_read_only_file_can_be_made_and_written), \
        cmocka_unit_test(test_mount__an_open_file_outlives_its_name),           \
        cmocka_unit_test(test_mount__large_data_in_odd_pieces),                 \
        cmocka_unit_test(test_mount__memory_maps_write_through),                \
        cmocka_unit_test(test_mount__listings_are_whole),                       \
        cmocka_unit_test(test_mount__xattrs_and_flags),                         \
        cmocka_unit_test(test_mount__unnamed_files),                            \
        cmocka_unit_test(test_mount__file_handles_open_what_the_kernel_forgot), \
        cmocka_unit_test(test_mount__what_is_known_is_not_asked_again),         \
        cmocka_unit_test(test_mount__changes_from_inside_are_seen_at_once),     \
        cmocka_unit_test(test_mount__one_name_in_all_spellings),                \
        cmocka_unit_test(test_mount__two_mounts_of_one_volume),                 \
        cmocka_unit_test(test_mount__stop_unmounts),                            \
        cmocka_unit_test(test_mount__end_takes_it_away_from_its_users),         \
        cmocka_unit_test(test_mount__a_killed_server_leaves_nobody_stuck)

/* io_uring is tried where the kernel's switch is on; the test does not turn it. */
static enum lt_choice uring_if_enabled(void)
{
    char value = 'N';
    int fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY);
    if (fd >= 0 && read(fd, &value, 1) != 1)
        value = 'N';
    if (fd >= 0)
        close(fd);
    return value == 'Y' ? LT_ON : LT_OFF;
}

int main(void)
{
    const struct CMUnitTest tests[] = {TESTS, cmocka_unit_test(test_mount__says_why_it_cannot)};
    const struct CMUnitTest again[] = {TESTS};
    transport = LT_OFF;
    int failed = cmocka_run_group_tests_name("/dev/fuse", tests, NULL, NULL);
    transport = uring_if_enabled();
    if (transport == LT_ON)
        failed += cmocka_run_group_tests_name("io_uring", again, NULL, NULL);
    return failed;
}
