// SPDX-License-Identifier: MIT
/* src/wire/fsp/status.c: errors as NTSTATUS and back. */
#include "test.h"

#include <string.h>

#include <wire/fsp/status.h>

static const int errors[] = {
#define ROW(name, number, text) LT_##name,
    LT_ERRORS(ROW)
#undef ROW
};

static const struct {
    uint32_t value;
    int32_t status;
    int error;
    const char *name;
} statuses[] = {
#define ROW(NAME, value, error) {value, LT_STATUS_##NAME, error, "STATUS_" #NAME},
    LT_STATUSES(ROW)
#undef ROW
};
#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))

/* An error of error.h without a row would be ACCESS_DENIED, which only these two are. */
static void test_status__every_error_has_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        int32_t status = lt_status_from_error(errors[i]);
        assert_true(status < 0);
        assert_int_equal(status == LT_STATUS_ACCESS_DENIED,
                         errors[i] == LT_EPERM || errors[i] == LT_EACCES);
    }
}

static void test_status__an_error_comes_back_as_one_of_the_same_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        int32_t status = lt_status_from_error(errors[i]);
        assert_int_equal(lt_status_from_error(lt_status_to_error(status)), status);
    }
}

static void test_status__every_status_has_an_error_and_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        assert_int_equal((uint32_t)statuses[i].status, statuses[i].value);
        assert_int_equal(lt_status_to_error(statuses[i].status), statuses[i].error);
        assert_int_equal(statuses[i].error == LT_OK, statuses[i].status >= 0);
        assert_string_equal(lt_status_name(statuses[i].status), statuses[i].name);
    }
}

/* The search relies on it. */
static void test_status__the_table_is_in_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < STATUS_COUNT; i++)
        assert_true(statuses[i - 1].value < statuses[i].value);
}

static void test_status__the_usual_ones(void **state)
{
    (void)state;
    assert_int_equal(lt_status_from_error(LT_ENOENT), LT_STATUS_OBJECT_NAME_NOT_FOUND);
    assert_int_equal(lt_status_from_error(LT_EEXIST), LT_STATUS_OBJECT_NAME_COLLISION);
    assert_int_equal(lt_status_from_error(LT_ENOTDIR), LT_STATUS_NOT_A_DIRECTORY);
    assert_int_equal(lt_status_from_error(LT_EISDIR), LT_STATUS_FILE_IS_A_DIRECTORY);
    assert_int_equal(lt_status_from_error(LT_ENOTEMPTY), LT_STATUS_DIRECTORY_NOT_EMPTY);
    assert_int_equal(lt_status_from_error(LT_ENOSPC), LT_STATUS_DISK_FULL);
    assert_int_equal(lt_status_from_error(LT_EROFS), LT_STATUS_MEDIA_WRITE_PROTECTED);
    assert_int_equal(lt_status_from_error(LT_ENOSYS), LT_STATUS_INVALID_DEVICE_REQUEST);
    assert_int_equal(lt_status_from_error(LT_EINTR), LT_STATUS_CANCELLED);
    assert_int_equal(lt_status_to_error(LT_STATUS_OBJECT_PATH_NOT_FOUND), LT_ENOENT);
    assert_int_equal(lt_status_to_error(LT_STATUS_NO_MEMORY), LT_ENOMEM);
}

static void test_status__counts_are_success(void **state)
{
    (void)state;
    assert_int_equal(lt_status_from_error(0), LT_STATUS_SUCCESS);
    assert_int_equal(lt_status_from_error(4096), LT_STATUS_SUCCESS);
}

static void test_status__what_is_unknown_is_denied_or_an_error(void **state)
{
    static const int unknown[] = {-8, -41, -126, -4096, INT32_MIN};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(lt_status_from_error(unknown[i]), LT_STATUS_ACCESS_DENIED);
    assert_int_equal(lt_status_to_error((int32_t)0xc0001234), LT_EIO);
    assert_int_equal(lt_status_to_error((int32_t)0xffffffff), LT_EIO);
    assert_int_equal(lt_status_to_error((int32_t)0x80001234), LT_EIO);
    assert_int_equal(lt_status_to_error(0x40000000), LT_OK);
    assert_string_equal(lt_status_name((int32_t)0xc0001234), "0xc0001234");
    assert_string_equal(lt_status_name(0x12), "0x00000012");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status__every_error_has_one),
        cmocka_unit_test(test_status__an_error_comes_back_as_one_of_the_same_status),
        cmocka_unit_test(test_status__every_status_has_an_error_and_a_name),
        cmocka_unit_test(test_status__the_table_is_in_order),
        cmocka_unit_test(test_status__the_usual_ones),
        cmocka_unit_test(test_status__counts_are_success),
        cmocka_unit_test(test_status__what_is_unknown_is_denied_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
