// SPDX-License-Identifier: MIT
/* src/core/dosattrib.c: values as Samba and Wine write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <core/dosattrib.h>
#include <core/filetime.h>
#include <stdlib.h>

static struct lt_dosattrib decode(const void *bytes, size_t len)
{
    struct lt_dosattrib info;
    assert_int_equal(lt_dosattrib_decode(lt_strn(bytes, len), &info), 0);
    return info;
}

static void test_dosattrib__version_5_as_samba_writes_it(void **state)
{
    (void)state;
    static const unsigned char value[] = {0,    0,    5,    0,    5,    0,    0,    0,
                                          0x11, 0,    0,    0,    0x20, 4,    0,    0,
                                          0x99, 0x9c, 0x19, 0xae, 0x54, 0xaa, 0xdc, 1};
    struct lt_dosattrib info = decode(value, sizeof(value));
    assert_true(info.has_attrib && info.has_create_time);
    assert_int_equal(info.attrib, LT_WIN_ARCHIVE | LT_WIN_REPARSE_POINT);
    assert_int_equal(info.create_time, UINT64_C(0x01dcaa54ae199c99));
}

static void test_dosattrib__version_4_skips_itime(void **state)
{
    (void)state;
    static const unsigned char value[] = {0, 0, 4, 0, 4, 0, 0, 0, 0x51, 0, 0, 0, 0x10, 0, 0, 0,
                                          1, 1, 1, 1, 1, 1, 1, 1, 2,    2, 2, 2, 2,    2, 2, 2};
    struct lt_dosattrib info = decode(value, sizeof(value));
    assert_int_equal(info.attrib, LT_WIN_DIRECTORY);
    assert_int_equal(info.create_time, UINT64_C(0x0202020202020202));
}

static void test_dosattrib__version_3_behind_text(void **state)
{
    (void)state;
    static const unsigned char value[] = {
        '0', 'x', '2', '2', 0, 0, 3, 0, 3, 0, 0, 0, 0x11, 0, 0, 0, 0x22, 0, 0, 0, /* attrib */
        0,   0,   0,   0,                                                         /* ea_size */
        7,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0,                /* sizes */
        5,   0,   0,   0,   0, 0, 0, 0, 6, 0, 0, 0, 0,    0, 0, 0,                /* times */
    };
    struct lt_dosattrib info = decode(value, sizeof(value));
    assert_int_equal(info.attrib, 0x22);
    assert_int_equal(info.create_time, 5);
}

static void test_dosattrib__text_alone_as_wine_writes_it(void **state)
{
    (void)state;
    struct lt_dosattrib info = decode("0x27", 4);
    assert_true(info.has_attrib && !info.has_create_time);
    assert_int_equal(info.attrib, 0x27);
    info = decode("0x1", 4);
    assert_int_equal(info.attrib, 1);
}

static void test_dosattrib__what_is_written_is_read(void **state)
{
    (void)state;
    for (uint32_t attrib = 1; attrib; attrib <<= 1) {
        struct lt_dosattrib info = {.attrib = attrib, .create_time = 42}, back;
        char buf[LT_DOSATTRIB_SIZE_MAX];
        int len = lt_dosattrib_encode(&info, 10, 20, buf, sizeof(buf));
        assert_true(len > 0);
        assert_int_equal(lt_dosattrib_encode(&info, 10, 20, NULL, 0), len);
        assert_int_equal(lt_dosattrib_decode(lt_strn(buf, (size_t)len), &back), 0);
        assert_int_equal(back.attrib, attrib);
        assert_int_equal(back.create_time, 42);
    }
}

static void test_dosattrib__a_small_buffer_gets_the_text(void **state)
{
    (void)state;
    struct lt_dosattrib info = {.attrib = 0x20, .create_time = 42};
    char buf[10];
    assert_int_equal(lt_dosattrib_encode(&info, 0, 0, buf, sizeof(buf)), 4);
    assert_memory_equal(buf, "0x20", 4);
    assert_int_equal(lt_dosattrib_encode(&info, 0, 0, buf, 3), LT_ERANGE);
}

static void test_dosattrib__rubbish_is_refused(void **state)
{
    (void)state;
    static const unsigned char versions[][6] = {
        {0, 0, 0, 0, 0, 0}, {0, 0, 2, 0, 2, 0}, {0, 0, 6, 0, 6, 0}, {0, 0, 5, 0, 4, 0}};
    struct lt_dosattrib info;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        assert_int_equal(lt_dosattrib_decode(lt_strn((const char *)versions[i], 6), &info),
                         LT_EINVAL);
    static const char *const texts[] = {"", "0x", "20", "0xg", "0x123456789", "0x20z"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(lt_dosattrib_decode(lt_str(texts[i]), &info), LT_EINVAL);
    struct lt_dosattrib some = {.attrib = 0x20};
    char buf[LT_DOSATTRIB_SIZE_MAX];
    int len = lt_dosattrib_encode(&some, 0, 0, buf, sizeof(buf));
    for (size_t cut = 6; cut < (size_t)len; cut++)
        assert_int_equal(lt_dosattrib_decode(lt_strn(buf, cut), &info), LT_EINVAL);
}

static void test_filetime__converts_both_ways_and_saturates(void **state)
{
    (void)state;
    struct lt_time t = {.sec = 0, .nsec = 100};
    assert_int_equal(filetime_from(t), UINT64_C(116444736000000001));
    struct lt_time back = filetime_to(UINT64_C(116444736000000001));
    assert_int_equal(back.sec, 0);
    assert_int_equal(back.nsec, 100);
    assert_int_equal(filetime_to(0).sec, -FILETIME_EPOCH);
    assert_int_equal(filetime_from((struct lt_time){.sec = INT64_MIN}), 0);
    assert_int_equal(filetime_from((struct lt_time){.sec = INT64_MAX}), INT64_MAX);
    struct lt_time before = {.sec = -1, .nsec = 999999900};
    assert_int_equal(filetime_from(before), UINT64_C(116444735999999999));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dosattrib__version_5_as_samba_writes_it),
        cmocka_unit_test(test_dosattrib__version_4_skips_itime),
        cmocka_unit_test(test_dosattrib__version_3_behind_text),
        cmocka_unit_test(test_dosattrib__text_alone_as_wine_writes_it),
        cmocka_unit_test(test_dosattrib__what_is_written_is_read),
        cmocka_unit_test(test_dosattrib__a_small_buffer_gets_the_text),
        cmocka_unit_test(test_dosattrib__rubbish_is_refused),
        cmocka_unit_test(test_filetime__converts_both_ways_and_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
