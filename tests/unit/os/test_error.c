// SPDX-License-Identifier: MIT
/* Error names, texts and their translation from errno. */
#include <os/os.h>

#include <errno.h>

#include "../test.h"

static void test_error__numbers_are_those_of_linux(void **state)
{
    (void)state;
#define CHECK(name, number, text)                            \
    assert_int_equal(LT_##name, -(number));                  \
    assert_int_equal(lt_error_from_os(name), LT_##name);     \
    assert_string_equal(lt_error_name(LT_##name), "" #name); \
    assert_string_equal(lt_error_text(LT_##name), text);
    LT_ERRORS(CHECK)
#undef CHECK
    assert_int_equal(LT_ENOENT, -2);
    assert_int_equal(LT_EUCLEAN, -117);
}

static void test_error__unknown_is_eio(void **state)
{
    (void)state;
    for (int number = -1; number < 1000; number++)
        assert_true(lt_error_from_os(number) < 0);
    assert_int_equal(lt_error_from_os(0), LT_EIO);
    assert_int_equal(lt_error_from_os(9999), LT_EIO);
    errno = ENOSPC;
    assert_int_equal(lt_error_last(), LT_ENOSPC);
}

static void test_error__unknown_has_a_name_and_a_text(void **state)
{
    (void)state;
    assert_string_equal(lt_error_name(-4000), "E?");
    assert_string_equal(lt_error_name(2), "E?"); /* errno's sign is not ours */
    assert_string_equal(lt_error_text(-4000), "unknown error");
    assert_string_equal(lt_error_text(0), "success");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error__numbers_are_those_of_linux),
        cmocka_unit_test(test_error__unknown_is_eio),
        cmocka_unit_test(test_error__unknown_has_a_name_and_a_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
