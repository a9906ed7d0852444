// SPDX-License-Identifier: MIT
#include "desk.h"

static int32_t read_at(struct desk *d, struct fsp_file *file, uint64_t offset, void *buf,
                       uint32_t len)
{
    struct lt_fsp_req *req = desk_ask(d, LT_FSP_READ);
    req->u.read.address = (uintptr_t)buf;
    req->u.read.offset = offset;
    req->u.read.length = len;
    return desk_go(d, file);
}

static int32_t write_at(struct desk *d, struct fsp_file *file, uint64_t offset, const void *buf,
                        size_t len, bool constrained)
{
    struct lt_fsp_req *req = desk_ask(d, LT_FSP_WRITE);
    req->u.write.address = (uintptr_t)buf;
    req->u.write.offset = offset;
    req->u.write.length = (uint32_t)len;
    req->u.write.constrained = constrained;
    return desk_go(d, file);
}

static void test_data__reads_in_place_and_short_at_the_end(void **state)
{
    struct desk d;
    char buf[8];
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "hello");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    assert_status(read_at(&d, f, 1, buf, sizeof(buf)), SUCCESS);
    assert_int_equal(d.got.rsp.information, 4);
    assert_memory_equal(buf, "ello", 4);
    assert_status(read_at(&d, f, 5, buf, sizeof(buf)), END_OF_FILE);
    assert_status(read_at(&d, f, UINT64_C(1) << 40, buf, sizeof(buf)), END_OF_FILE);
    assert_status(read_at(&d, f, INT64_MAX, buf, sizeof(buf)), END_OF_FILE);
    assert_status(read_at(&d, f, UINT64_C(1) << 63, buf, sizeof(buf)), INVALID_PARAMETER);
    assert_status(read_at(&d, f, 99, NULL, 0), SUCCESS);
    assert_int_equal(d.got.rsp.information, 0);
    fsp_file_put(f);
    desk_close(&d);
}

static void test_data__one_request_may_be_larger_than_one_read(void **state)
{
    enum { LEN = 3 * LT_IO_MAX + 5 };
    struct desk d;
    char *from = malloc(LEN), *to = calloc(1, LEN);
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    for (size_t i = 0; i < LEN; i++)
        from[i] = (char)(i * 31 >> 3);
    assert_status(write_at(&d, f, 0, from, LEN, false), SUCCESS);
    assert_int_equal(d.got.rsp.information, LEN);
    assert_int_equal(d.got.rsp.u.info.file_size, LEN);
    assert_status(read_at(&d, f, 0, to, LEN), SUCCESS);
    assert_int_equal(d.got.rsp.information, LEN);
    assert_memory_equal(from, to, LEN);
    fsp_file_put(f);
    desk_close(&d);
    free(from);
    free(to);
}

static void test_data__unknown_memory_is_refused(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "hello");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    assert_status(read_at(&d, f, 0, NULL, 4), INVALID_USER_BUFFER);
    assert_status(write_at(&d, f, 0, NULL, 4, false), INVALID_USER_BUFFER);
    desk_assert_text(&d, "/f", "hello");
    fsp_file_put(f);
    desk_close(&d);
}

static void test_data__directories_have_none(void **state)
{
    struct desk d;
    char buf[4];
    (void)state;
    desk_open(&d, "mem:", NULL);
    struct fsp_file *f = desk_file(&d, "/", NULL);
    assert_status(read_at(&d, f, 0, buf, 4), INVALID_DEVICE_REQUEST);
    assert_status(write_at(&d, f, 0, buf, 4, false), INVALID_DEVICE_REQUEST);
    fsp_file_put(f);
    f = desk_file(&d, "/", "s");
    assert_status(write_at(&d, f, 0, "abcd", 4, false), SUCCESS);
    assert_int_equal(d.got.rsp.u.info.file_attributes & LT_WIN_DIRECTORY, 0);
    assert_int_equal(d.got.rsp.u.info.file_size, 4);
    assert_status(read_at(&d, f, 0, buf, 4), SUCCESS);
    assert_memory_equal(buf, "abcd", 4);
    fsp_file_put(f);
    desk_close(&d);
}

static void test_data__appends_and_says_the_size(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "hello");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    assert_status(write_at(&d, f, LT_FSP_WRITE_APPEND, " you", 4, false), SUCCESS);
    assert_int_equal(d.got.rsp.information, 4);
    assert_int_equal(d.got.rsp.u.info.file_size, 9);
    assert_true(d.got.rsp.u.info.allocation_size >= 9);
    desk_assert_text(&d, "/f", "hello you");
    assert_status(write_at(&d, f, 20, NULL, 0, false), SUCCESS);
    assert_int_equal(d.got.rsp.u.info.file_size, 9);
    assert_status(write_at(&d, f, UINT64_C(1) << 63, "x", 1, false), INVALID_PARAMETER);
    assert_status(write_at(&d, f, INT64_MAX, "x", 1, false), DISK_FULL);
    fsp_file_put(f);
    desk_close(&d);
}

static void test_data__a_constrained_write_never_grows_a_file(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "hello");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    assert_status(write_at(&d, f, 3, "ABCD", 4, true), SUCCESS);
    assert_int_equal(d.got.rsp.information, 2);
    assert_int_equal(d.got.rsp.u.info.file_size, 5);
    assert_status(write_at(&d, f, 5, "ABCD", 4, true), SUCCESS);
    assert_int_equal(d.got.rsp.information, 0);
    assert_int_equal(d.got.rsp.u.info.file_size, 5);
    desk_assert_text(&d, "/f", "helAB");
    fsp_file_put(f);
    desk_close(&d);
}

static void test_data__a_full_volume_is_an_error_not_a_short_write(void **state)
{
    enum { LEN = 4 << 20 };
    struct desk d;
    char *from = calloc(1, LEN);
    (void)state;
    desk_open(&d, "mem:size=1m", NULL);
    desk_make(&d, "/f", "");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    assert_status(write_at(&d, f, 0, from, LEN, false), DISK_FULL);
    fsp_file_put(f);
    desk_close(&d);
    free(from);
}

static void test_data__flush_answers_for_a_file_and_the_volume(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "mem:", NULL);
    desk_make(&d, "/f", "hello");
    struct fsp_file *f = desk_file(&d, "/f", NULL);
    desk_ask(&d, LT_FSP_FLUSH_BUFFERS);
    assert_status(desk_go(&d, f), SUCCESS);
    assert_int_equal(d.got.rsp.u.info.file_size, 5);
    fsp_file_put(f);
    desk_ask(&d, LT_FSP_FLUSH_BUFFERS);
    assert_status(desk_go(&d, NULL), SUCCESS);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data__reads_in_place_and_short_at_the_end),
        cmocka_unit_test(test_data__one_request_may_be_larger_than_one_read),
        cmocka_unit_test(test_data__unknown_memory_is_refused),
        cmocka_unit_test(test_data__directories_have_none),
        cmocka_unit_test(test_data__appends_and_says_the_size),
        cmocka_unit_test(test_data__a_constrained_write_never_grows_a_file),
        cmocka_unit_test(test_data__a_full_volume_is_an_error_not_a_short_write),
        cmocka_unit_test(test_data__flush_answers_for_a_file_and_the_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
