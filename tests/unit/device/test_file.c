// SPDX-License-Identifier: MIT
#include <device/file.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fault.h"
#include "../test.h"

static char folder[] = "/tmp/lintel-test-file-XXXXXX";
static char path[sizeof(folder) + 16];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/disk", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static struct lt_device *open_sized(uint64_t size)
{
    struct lt_device *dev;
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_CREATE, &dev, NULL), 0);
    assert_int_equal(lt_device_resize(dev, size), 0);
    return dev;
}

static uint64_t host_bytes(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

static void test_file__many_segments_come_back(void **state)
{
    enum { COUNT = 1500 };
    static char bytes[COUNT * 3], read[sizeof(bytes)];
    struct lt_seg segs[COUNT];
    struct lt_device *dev = open_sized(1 << 20);

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 251);
    /* Of unequal lengths, some of them empty. */
    size_t at = 0;
    for (size_t i = 0; i < COUNT; i++) {
        size_t len = i == COUNT - 1 ? sizeof(bytes) - at : i % 4;
        segs[i] = (struct lt_seg){bytes + at, len};
        at += len;
    }
    assert_int_equal(lt_device_write(dev, 4093, segs, COUNT), 0);
    assert_int_equal(lt_device_write_through(dev, 20001, segs, COUNT), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lt_device_read(dev, i ? 20001 : 4093, read, sizeof(read)), 0);
        assert_memory_equal(read, bytes, sizeof(bytes));
    }
    assert_int_equal(lt_device_flush(dev), 0);
    lt_device_close(dev);
}

static void test_file__nothing_outside_of_the_device(void **state)
{
    char c = 'x';
    struct lt_device *dev = open_sized(10000);

    (void)state;
    assert_int_equal(lt_device_size(dev), 10000);
    assert_int_equal(lt_device_put(dev, 9999, &c, 1), 0);
    assert_int_equal(lt_device_put(dev, 10000, &c, 1), LT_EINVAL);
    assert_int_equal(lt_device_put(dev, UINT64_MAX, &c, 1), LT_EINVAL);
    assert_int_equal(lt_device_read(dev, 9999, &c, 2), LT_EINVAL);
    assert_int_equal(lt_device_discard(dev, 9999, 2), LT_EINVAL);
    assert_int_equal(lt_device_reserve(dev, 1, 10000), LT_EINVAL);
    assert_int_equal(lt_device_resize(dev, 20000), 0);
    assert_int_equal(lt_device_put(dev, 19999, &c, 1), 0);
    lt_device_close(dev);
}

static void test_file__cut_behind_our_back_is_an_io_error(void **state)
{
    char buf[100];
    struct lt_device *dev = open_sized(10000);

    (void)state;
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(lt_device_read(dev, 4900, buf, 100), 0);
    assert_int_equal(lt_device_read(dev, 4950, buf, 100), LT_EIO);
    lt_device_close(dev);
}

static void test_file__reserve_takes_and_discard_gives_back(void **state)
{
    enum { SIZE = 4 << 20 };
    char byte;
    struct lt_device *dev = open_sized(SIZE);

    (void)state;
    uint64_t before = host_bytes();
    int r = lt_device_reserve(dev, 0, SIZE);
    if (r == LT_EOPNOTSUPP) {
        lt_device_close(dev);
        skip();
    }
    assert_int_equal(r, 0);
    assert_true(host_bytes() >= before + SIZE / 2);
    assert_int_equal(lt_device_put(dev, 1 << 20, "a", 1), 0);
    assert_int_equal(lt_device_discard(dev, 0, SIZE), 0);
    assert_true(host_bytes() < SIZE / 8);
    assert_int_equal(lt_device_read(dev, 1 << 20, &byte, 1), 0);
    assert_int_equal(lt_device_size(dev), SIZE);
    lt_device_close(dev);
}

static void test_file__one_writer_or_many_readers(void **state)
{
    struct lt_diag diag;
    struct lt_device *dev = open_sized(4096), *other, *third;
    char who[64];

    (void)state;
    (void)snprintf(who, sizeof(who), "(process %d)", (int)getpid());
    assert_int_equal(lt_device_open_file(path, 0, &other, &diag), LT_EBUSY);
    assert_non_null(strstr(diag.text, who));
    assert_non_null(strstr(diag.text, path));
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_READ_ONLY, &other, &diag), LT_EBUSY);
    lt_device_close(dev);
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_READ_ONLY, &other, &diag), 0);
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_READ_ONLY, &third, &diag), 0);
    assert_int_equal(lt_device_open_file(path, 0, &dev, &diag), LT_EBUSY);
    assert_non_null(strstr(diag.text, who));
    lt_device_close(other);
    lt_device_close(third);
    assert_int_equal(lt_device_open_file(path, 0, &dev, &diag), 0);
    lt_device_close(dev);
}

static void test_file__names_the_process_that_has_it(void **state)
{
    int ready[2], done[2];
    char c = 0;
    struct lt_diag diag;
    struct lt_device *dev;

    (void)state;
    lt_device_close(open_sized(4096));
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int r = lt_device_open_file(path, 0, &dev, NULL);
        (void)!write(ready[1], &c, 1);
        (void)close(done[1]);
        (void)!read(done[0], &c, 1);
        _exit(r < 0);
    }
    (void)!read(ready[0], &c, 1);
    char who[64];
    (void)snprintf(who, sizeof(who), "(process %d)", (int)child);
    int r = lt_device_open_file(path, 0, &dev, &diag);
    (void)close(done[0]);
    (void)close(done[1]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(ready[0]);
    (void)close(ready[1]);
    assert_int_equal(r, LT_EBUSY);
    assert_non_null(strstr(diag.text, who));
    assert_int_equal(status, 0);
}

static void test_file__opened_for_reading_it_never_changes(void **state)
{
    char c = 'x';
    struct lt_device *dev;

    (void)state;
    lt_device_close(open_sized(4096));
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_READ_ONLY, &dev, NULL), 0);
    assert_true(dev->read_only);
    assert_int_equal(lt_device_put(dev, 0, &c, 1), LT_EROFS);
    assert_int_equal(lt_device_discard(dev, 0, 1), LT_EROFS);
    assert_int_equal(lt_device_reserve(dev, 0, 1), LT_EROFS);
    assert_int_equal(lt_device_resize(dev, 0), LT_EROFS);
    assert_int_equal(lt_device_read(dev, 0, &c, 1), 0);
    lt_device_close(dev);
}

static void test_file__says_what_cannot_be_opened(void **state)
{
    struct lt_diag diag;
    struct lt_device *dev;

    (void)state;
    (void)unlink(path);
    assert_int_equal(lt_device_open_file(path, 0, &dev, &diag), LT_ENOENT);
    assert_non_null(strstr(diag.text, path));
    assert_int_equal(lt_device_open_file(folder, 0, &dev, &diag), LT_EISDIR);
    assert_int_equal(lt_device_open_file(folder, LT_DEVICE_READ_ONLY, &dev, &diag), LT_EISDIR);
    assert_int_equal(lt_device_open_file("/dev/null", 0, &dev, &diag), LT_EINVAL);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_READ_ONLY, &dev, &diag), LT_EINVAL);
    assert_int_equal(unlink(path), 0);
}

static void test_file__exclusive_creation_refuses_what_is_there(void **state)
{
    struct lt_device *dev;
    uint32_t flags = LT_DEVICE_CREATE | LT_DEVICE_EXCL;

    (void)state;
    (void)unlink(path);
    assert_int_equal(lt_device_open_file(path, flags, &dev, NULL), 0);
    lt_device_close(dev);
    assert_int_equal(lt_device_open_file(path, flags, &dev, NULL), LT_EEXIST);
    assert_int_equal(lt_device_open_file(path, LT_DEVICE_CREATE, &dev, NULL), 0);
    lt_device_close(dev);
}

static void test_file__nomem(void **state)
{
    (void)state;
    lt_device_close(open_sized(4096));
    FAULT_EACH(n)
    {
        struct lt_device *dev = NULL;
        int r = lt_device_open_file(path, LT_DEVICE_CREATE, &dev, NULL);
        assert_int_equal(r, fault_disarm() ? LT_ENOMEM : 0);
        lt_device_close(dev);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__many_segments_come_back),
        cmocka_unit_test(test_file__nothing_outside_of_the_device),
        cmocka_unit_test(test_file__cut_behind_our_back_is_an_io_error),
        cmocka_unit_test(test_file__reserve_takes_and_discard_gives_back),
        cmocka_unit_test(test_file__one_writer_or_many_readers),
        cmocka_unit_test(test_file__names_the_process_that_has_it),
        cmocka_unit_test(test_file__opened_for_reading_it_never_changes),
        cmocka_unit_test(test_file__says_what_cannot_be_opened),
        cmocka_unit_test(test_file__exclusive_creation_refuses_what_is_there),
        cmocka_unit_test(test_file__nomem),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
