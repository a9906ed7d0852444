// SPDX-License-Identifier: MIT
#include <output.h>

#include "../test.h"

static void test_output__sizes(void **state)
{
    (void)state;
    assert_string_equal(lt_text_size(0).s, "0 B");
    assert_string_equal(lt_text_size(1023).s, "1023 B");
    assert_string_equal(lt_text_size(1024).s, "1.0 KiB");
    assert_string_equal(lt_text_size(UINT64_C(4) << 30).s, "4.0 GiB");
    assert_string_equal(lt_text_size((UINT64_C(100) << 20) + 1).s, "100 MiB");
    assert_string_equal(lt_text_size((UINT64_C(1) << 30) - 1).s, "1.0 GiB");
    assert_string_equal(lt_text_size(UINT64_MAX).s, "16.0 EiB");
}

static void test_output__counts(void **state)
{
    (void)state;
    assert_string_equal(lt_text_count(0).s, "0");
    assert_string_equal(lt_text_count(999).s, "999");
    assert_string_equal(lt_text_count(1000).s, "1,000");
    assert_string_equal(lt_text_count(1234567).s, "1,234,567");
    assert_string_equal(lt_text_count(UINT64_MAX).s, "18,446,744,073,709,551,615");
}

static void test_output__latencies(void **state)
{
    (void)state;
    assert_string_equal(lt_text_ns(0).s, "0 ns");
    assert_string_equal(lt_text_ns(999).s, "999 ns");
    assert_string_equal(lt_text_ns(1500).s, "1.5 us");
    assert_string_equal(lt_text_ns(123456).s, "123 us");
    assert_string_equal(lt_text_ns(999999).s, "1.0 ms");
    assert_string_equal(lt_text_ns(2000000).s, "2.0 ms");
    assert_string_equal(lt_text_ns(UINT64_C(3100000000)).s, "3.1 s");
}

static void test_output__durations(void **state)
{
    (void)state;
    assert_string_equal(lt_text_duration(59).s, "59 s");
    assert_string_equal(lt_text_duration(61).s, "1 min 1 s");
    assert_string_equal(lt_text_duration(3660).s, "1 h 1 min");
    assert_string_equal(lt_text_duration(25 * 3600).s, "1 d 1 h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__sizes),
        cmocka_unit_test(test_output__counts),
        cmocka_unit_test(test_output__latencies),
        cmocka_unit_test(test_output__durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
