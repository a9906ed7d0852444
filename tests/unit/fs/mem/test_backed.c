// SPDX-License-Identifier: MIT
/* src/fs/mem/backed.c: files whose data the kernel holds, and the one limit for both sides. */
#include <lintel/fs.h>
#include <test.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static struct lt_fs *fs;

static int setup(void **state)
{
    (void)state;
    return lt_open_fs("mem:size=64m", &fs, NULL);
}

static int teardown(void **state)
{
    (void)state;
    return lt_fs_close(fs);
}

static struct lt_node *make_file(const char *name)
{
    struct lt_entry entry = {0};
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    assert_int_equal(lt_node_create(NULL, lt_fs_root(fs), lt_str(name), &spec, &entry), 0);
    return entry.node;
}

static void drop_file(struct lt_node *node, const char *name)
{
    assert_int_equal(lt_node_remove(NULL, lt_fs_root(fs), lt_str(name), 0, NULL), 0);
    lt_node_put(node);
}

static uint64_t used(void)
{
    struct lt_statfs s;
    assert_int_equal(lt_fs_statfs(NULL, fs, &s), 0);
    assert_int_equal(s.used + s.free, s.total);
    assert_int_equal(s.total, 64 * MIB);
    return s.used;
}

/* Takes the backing file, or skips the test where the system gives none. */
static int backing_of(struct lt_node *node, const char *name)
{
    int fd = -1;
    int r = lt_node_backing_get(NULL, node, &fd);
    if (r == LT_EPERM || r == LT_EOPNOTSUPP) {
        drop_file(node, name);
        skip();
    }
    assert_int_equal(r, 0);
    return fd;
}

static void fill(char *buf, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (char)((i * 7 + i / 251 + seed) & 0xff);
}

static void test_backed__both_sides_see_one_file(void **state)
{
    (void)state;
    static char data[300000], back[sizeof(data)];
    struct lt_node *node = make_file("f");
    struct lt_attr attr;
    fill(data, sizeof(data), 1);
    assert_int_equal(lt_node_pwrite(NULL, node, 5000, data, sizeof(data)), sizeof(data));
    int fd = backing_of(node, "f");
    assert_int_equal(lseek(fd, 0, SEEK_END), sizeof(data) + 5000);
    assert_int_equal(pread(fd, back, sizeof(back), 5000), sizeof(back));
    assert_memory_equal(data, back, sizeof(data));

    assert_int_equal(pwrite(fd, "kernel", 6, (off_t)MIB), 6);
    assert_int_equal(lt_node_pread(NULL, node, MIB, back, 100), 6);
    assert_memory_equal(back, "kernel", 6);
    assert_int_equal(lt_node_pwrite(NULL, node, MIB, "lintel", 6), 6);
    assert_int_equal(pread(fd, back, 6, (off_t)MIB), 6);
    assert_memory_equal(back, "lintel", 6);
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    assert_int_equal(attr.size, MIB + 6);
    lt_node_backing_put(node);
    assert_int_equal(lt_node_pread(NULL, node, 5000, back, sizeof(back)), sizeof(back));
    assert_memory_equal(data, back, sizeof(data));
    drop_file(node, "f");
}

static void test_backed__small_files_come_back(void **state)
{
    (void)state;
    char back[16];
    struct lt_node *node = make_file("f");
    struct lt_setattr set = {.mask = LT_SET_MTIME, .mtime = {1000, 5}};
    struct lt_attr attr;
    uint64_t before = used();
    assert_int_equal(lt_node_setattr(NULL, node, &set, NULL), 0);
    int fd = backing_of(node, "f");
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    assert_int_equal(attr.mtime.sec, 1000);
    assert_int_equal(pwrite(fd, "0123456789", 10, 0), 10);
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    assert_true(attr.mtime.sec > 1000);
    lt_node_backing_put(node);
    assert_int_equal(lt_node_pread(NULL, node, 0, back, sizeof(back)), 10);
    assert_memory_equal(back, "0123456789", 10);
    assert_int_equal(lt_node_getattr(NULL, node, &attr), 0);
    assert_int_equal(attr.size, 10);
    assert_true(attr.mtime.sec > 1000);
    assert_true(used() - before <= 4096); /* in the arena, and not in a page of its own */
    drop_file(node, "f");
}

static void test_backed__one_limit_for_both(void **state)
{
    (void)state;
    static char data[1 << 20];
    uint64_t start = used();
    struct lt_node *theirs = make_file("theirs"), *ours = make_file("ours");
    int fd = backing_of(theirs, "theirs");
    off_t end = 0;
    while (pwrite(fd, data, sizeof(data), end) == (ssize_t)sizeof(data))
        end += (off_t)sizeof(data);
    assert_true((uint64_t)end >= 56 * MIB && (uint64_t)end < 64 * MIB);
    uint64_t at = 0;
    int r;
    while ((r = lt_node_pwrite(NULL, ours, at, data, sizeof(data))) > 0)
        at += (uint64_t)r;
    assert_int_equal(r, LT_ENOSPC);
    assert_true(used() <= 64 * MIB && used() > 63 * MIB);

    /* What one side gives up the other may have. */
    assert_int_equal(ftruncate(fd, (off_t)MIB), 0);
    while ((r = lt_node_pwrite(NULL, ours, at, data, sizeof(data))) > 0)
        at += (uint64_t)r;
    assert_true(at > 60 * MIB);
    assert_true(used() <= 64 * MIB);
    lt_node_backing_put(theirs);
    drop_file(theirs, "theirs");
    drop_file(ours, "ours");
    assert_int_equal(used(), start);
}

static void test_backed__moves_only_what_fits(void **state)
{
    (void)state;
    static char data[1 << 20];
    struct lt_node *node = make_file("f");
    uint64_t at = 0;
    int r, fd;
    while ((r = lt_node_pwrite(NULL, node, at, data, sizeof(data))) > 0)
        at += (uint64_t)r;
    r = lt_node_backing_get(NULL, node, &fd);
    if (r == LT_EPERM || r == LT_EOPNOTSUPP) {
        drop_file(node, "f");
        skip();
    }
    assert_int_equal(r, LT_ENOSPC);
    assert_int_equal(lt_node_pread(NULL, node, at - 10, data, 20), 10);
    drop_file(node, "f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_backed__both_sides_see_one_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backed__small_files_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backed__one_limit_for_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backed__moves_only_what_fits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
