// SPDX-License-Identifier: MIT
#include <base/json.h>

#include <lintel/error.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fault.h"
#include "../test.h"

/* One of everything. */
static void write_sample(struct lt_json *j)
{
    lt_json_object(j, NULL);
    lt_json_u64(j, "most", UINT64_MAX);
    lt_json_i64(j, "least", INT64_MIN);
    lt_json_bool(j, "yes", true);
    lt_json_text(j, "none", NULL);
    lt_json_array(j, "list");
    lt_json_double(j, NULL, 1.25, 3);
    lt_json_text(j, NULL, "two");
    lt_json_object(j, NULL);
    lt_json_object_end(j);
    lt_json_array(j, NULL);
    lt_json_array_end(j);
    lt_json_array_end(j);
    lt_json_bool(j, "no", false);
    lt_json_object_end(j);
}

static void test_json__is_compact(void **state)
{
    struct lt_buffer b = {0};
    struct lt_json j;

    (void)state;
    lt_json_init(&j, lt_buffer_write, &b, false);
    write_sample(&j);
    assert_int_equal(j.error, 0);
    assert_string_equal(b.text, "{\"most\":18446744073709551615,\"least\":-9223372036854775808,"
                                "\"yes\":true,\"none\":null,\"list\":[1.250,\"two\",{},[]],"
                                "\"no\":false}");
    assert_int_equal(b.len, strlen(b.text));
    free(b.text);
}

static void test_json__is_pretty(void **state)
{
    struct lt_buffer b = {0};
    struct lt_json j;

    (void)state;
    lt_json_init(&j, lt_buffer_write, &b, true);
    write_sample(&j);
    assert_string_equal(b.text, "{\n"
                                "  \"most\": 18446744073709551615,\n"
                                "  \"least\": -9223372036854775808,\n"
                                "  \"yes\": true,\n"
                                "  \"none\": null,\n"
                                "  \"list\": [\n"
                                "    1.250,\n"
                                "    \"two\",\n"
                                "    {},\n"
                                "    []\n"
                                "  ],\n"
                                "  \"no\": false\n"
                                "}");
    free(b.text);
}

static void check_string(const char *value, size_t len, const char *expected)
{
    struct lt_buffer b = {0};
    struct lt_json j;

    lt_json_init(&j, lt_buffer_write, &b, false);
    lt_json_str(&j, NULL, lt_strn(value, len));
    assert_int_equal(j.error, 0);
    assert_string_equal(b.text, expected);
    free(b.text);
}

static void test_json__escapes_what_it_must(void **state)
{
    (void)state;
    check_string("", 0, "\"\"");
    check_string("plain \x7f text", 12, "\"plain \x7f text\"");
    check_string("\"\\/", 3, "\"\\\"\\\\/\"");
    check_string("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    check_string("\0\x01\x1f", 3, "\"\\u0000\\u0001\\u001f\"");
    check_string("\xc3\xa9\xf0\x9f\x98\x80", 6, "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void test_json__never_writes_bad_utf_8(void **state)
{
    (void)state;
    check_string("a\xff"
                 "b",
                 3,
                 "\"a\xef\xbf\xbd"
                 "b\"");
    check_string("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("\xc3\xa9", 1, "\"\xef\xbf\xbd\""); /* cut in the middle */
    check_string("\xef\xbf\xbd", 3, "\"\xef\xbf\xbd\"");
}

static void test_json__escapes_keys_too(void **state)
{
    struct lt_buffer b = {0};
    struct lt_json j;

    (void)state;
    lt_json_init(&j, lt_buffer_write, &b, false);
    lt_json_object(&j, NULL);
    lt_json_bool(&j, "a\"b", true);
    lt_json_object_end(&j);
    assert_string_equal(b.text, "{\"a\\\"b\":true}");
    free(b.text);
}

static void check_double(double value, unsigned decimals, const char *expected)
{
    struct lt_buffer b = {0};
    struct lt_json j;

    lt_json_init(&j, lt_buffer_write, &b, false);
    lt_json_double(&j, NULL, value, decimals);
    assert_string_equal(b.text, expected);
    free(b.text);
}

static void test_json__numbers_are_json(void **state)
{
    char longest[400];

    (void)state;
    check_double(0, 0, "0");
    check_double(-1.5, 1, "-1.5");
    check_double(2.0 / 3, 4, "0.6667");
    check_double(1e15, 1, "1000000000000000.0");
    check_double(NAN, 2, "null");
    check_double(-INFINITY, 2, "null");
    snprintf(longest, sizeof(longest), "%.40f", -1.7976931348623157e308);
    check_double(-1.7976931348623157e308, 1000, longest);
}

/* Where the machine has a locale with another decimal point, it makes no difference. */
static void test_json__has_its_own_decimal_point(void **state)
{
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8"};

    (void)state;
    for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
        setlocale(LC_NUMERIC, locales[i]);
        check_double(1.5, 1, "1.5");
        check_double(-1234567.25, 2, "-1234567.25");
    }
    setlocale(LC_NUMERIC, "C");
}

/* Fails on the third call; counts all. */
static int fail_third(void *arg, const char *text, size_t len)
{
    unsigned *calls = arg;

    (void)text;
    assert_true(len > 0);
    return ++*calls == 3 ? LT_EPIPE : 0;
}

static void test_json__is_silent_after_an_error(void **state)
{
    unsigned calls = 0;
    struct lt_json j;

    (void)state;
    lt_json_init(&j, fail_third, &calls, true);
    write_sample(&j);
    assert_int_equal(j.error, LT_EPIPE);
    assert_int_equal(calls, 3);
}

static void test_json__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_buffer b = {0};
        struct lt_json j;

        lt_json_init(&j, lt_buffer_write, &b, false);
        write_sample(&j);
        assert_int_equal(j.error, fault_disarm() ? LT_ENOMEM : 0);
        if (j.error)
            assert_true(b.len == 0 || strlen(b.text) == b.len); /* what was written stays */
        free(b.text);
    }
}

static void test_buffer__grows(void **state)
{
    struct lt_buffer b = {0};

    (void)state;
    assert_int_equal(lt_buffer_write(&b, "", 0), 0);
    assert_string_equal(b.text, "");
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(lt_buffer_write(&b, "0123456789", 1 + i % 10), 0);
    assert_int_equal(b.len, 5500);
    assert_int_equal(strlen(b.text), 5500);
    assert_int_equal(lt_buffer_write(&b, "x", SIZE_MAX), LT_ENOMEM);
    assert_int_equal(b.len, 5500);
    free(b.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__is_compact),
        cmocka_unit_test(test_json__is_pretty),
        cmocka_unit_test(test_json__escapes_what_it_must),
        cmocka_unit_test(test_json__never_writes_bad_utf_8),
        cmocka_unit_test(test_json__escapes_keys_too),
        cmocka_unit_test(test_json__numbers_are_json),
        cmocka_unit_test(test_json__has_its_own_decimal_point),
        cmocka_unit_test(test_json__is_silent_after_an_error),
        cmocka_unit_test(test_json__nomem),
        cmocka_unit_test(test_buffer__grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
