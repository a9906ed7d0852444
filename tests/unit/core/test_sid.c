// SPDX-License-Identifier: MIT
/* src/core/sid.c: bytes, text, and ids of POSIX. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "security_kit.h"

static struct lt_sid parsed(const char *text)
{
    struct lt_sid sid = {0};
    if (lt_sid_parse(lt_str(text), &sid) < 0)
        fail_msg("%s", text);
    return sid;
}

static void expect_text(const struct lt_sid *sid, const char *expected)
{
    char text[192];
    assert_int_equal(lt_sid_format(sid, text, sizeof(text)), 0);
    assert_string_equal(text, expected);
}

static void test_sid__text_and_bytes_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "S-1-0-0",
        "S-1-5-32-544",
        "S-1-5-21-4294967295-2-3-1001",
        "S-1-4294967295-7",
        "S-1-0xFFFFFFFFFFFF-7",
        "S-1-5",
        "S-1-281474976710-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char bytes[SD_SID_SIZE_MAX];
        struct lt_sid sid = parsed(texts[i]), back = {0};
        int len = lt_sid_encode(&sid, bytes);
        assert_int_equal(len, 8 + 4 * sid.sub_count);
        assert_int_equal(lt_sid_decode(lt_strn(bytes, (size_t)len), &back), len);
        assert_true(lt_sid_equal(&sid, &back));
        for (int cut = 0; cut < len; cut++)
            assert_int_equal(lt_sid_decode(lt_strn(bytes, (size_t)cut), &back), LT_EINVAL);
        /* Authorities of 2^32 and more are written in hexadecimal. */
        if (sid.authority <= UINT32_MAX || texts[i][5] == 'x')
            expect_text(&sid, texts[i]);
    }
}

static void test_sid__bytes_are_those_of_windows(void **state)
{
    (void)state;
    static const unsigned char expected[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
    char bytes[SD_SID_SIZE_MAX];
    struct lt_sid sid = parsed("s-1-0x5-32-0x220");
    assert_int_equal(lt_sid_encode(&sid, bytes), sizeof(expected));
    assert_memory_equal(bytes, expected, sizeof(expected));
}

static void test_sid__longest_text_fits(void **state)
{
    (void)state;
    char text[192];
    struct lt_sid sid = {.authority = (UINT64_C(1) << 48) - 1, .sub_count = LT_SID_SUBS_MAX};
    for (unsigned i = 0; i < LT_SID_SUBS_MAX; i++)
        sid.subs[i] = UINT32_MAX;
    assert_int_equal(lt_sid_format(&sid, text, sizeof(text)), 0);
    struct lt_sid back = parsed(text);
    assert_true(lt_sid_equal(&sid, &back));
    size_t len = strlen(text);
    assert_int_equal(lt_sid_format(&sid, text, len), LT_ERANGE);
    assert_int_equal(lt_sid_format(&sid, text, len + 1), 0);
}

static void test_sid__mistakes_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "S-1-",
        "S-1--",
        "S-2-5-18",
        "S-1-5-",
        "S-1-5-18 ",
        "S-1-5-4294967296",
        "S-1-5-0x",
        "S-1-5-+1",
        "S-1-281474976710656-1",
        "S-1-99999999999999999999999-1",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
        "X-1-5-18",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct lt_sid sid = {.sub_count = 9};
        if (lt_sid_parse(lt_str(texts[i]), &sid) != LT_EINVAL)
            fail_msg("%s", texts[i]);
        assert_int_equal(sid.sub_count, 9);
    }
}

static void test_sid__ids_are_those_of_cygwin(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        bool group;
        const char *sid;
    } cases[] = {
        {0, false, "S-1-5-0"},
        {18, false, "S-1-5-18"},
        {0x1ff, true, "S-1-5-511"},
        {544, true, "S-1-5-32-544"},
        {545, true, "S-1-5-32-545"},
        {999, false, "S-1-5-32-999"},
        {1000, false, "S-1-5-1000"},
        {1001, false, "S-1-22-1-1001"},
        {1001, true, "S-1-22-2-1001"},
        {0xfff, false, "S-1-22-1-4095"},
        {0x1000, false, "S-1-5-1-0"},
        {0x4002, false, "S-1-5-4-2"},
        {65533, false, "S-1-5-15-4093"},
        {65534, false, "S-1-0-65534"},
        {65534, true, "S-1-0-65534"},
        {65535, false, "S-1-5-15-4095"},
        {0x10000, false, "S-1-0-0"},
        {0x10100, false, "S-1-22-1-65792"}, /* not Everyone */
        {0x10300, false, "S-1-22-1-66304"}, /* not CREATOR OWNER */
        {0x10512, false, "S-1-22-1-66834"}, /* not a second id of LocalSystem */
        {0x10210, false, "S-1-2-16"},
        {0x20220, false, "S-1-22-1-131616"}, /* not a second id of Administrators */
        {0x30001, true, "S-1-22-2-196609"},
        {0x40000 + 10, false, "S-1-5-64-10"},
        {0x60000 + 0x2000, false, "S-1-16-8192"},
        {0x80123, false, "S-1-5-128-291"},
        {0x100000, false, "S-1-22-1-1048576"},
        {UINT32_MAX - 1, true, "S-1-22-2-4294967294"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lt_sid sid;
        lt_sid_from_id(cases[i].id, cases[i].group, &sid);
        expect_text(&sid, cases[i].sid);
    }
}

static void expect_round_trip(uint32_t id, bool group)
{
    struct lt_sid sid;
    bool is_group;
    lt_sid_from_id(id, group, &sid);
    uint32_t back = lt_sid_to_id(&sid, &is_group);
    if (back != id || (is_group && !group) || (sid.authority == 22 && is_group != group))
        fail_msg("%u, group %d: back %u, group %d", (unsigned)id, group, (unsigned)back, is_group);
}

static void test_sid__ids_come_back(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (uint32_t id = 0; id < 0x200010; id++) {
        expect_round_trip(id, false);
        expect_round_trip(id, true);
    }
    for (int i = 0; i < 200000; i++) {
        uint32_t id = kit_random(&random) ^ kit_random(&random) << 16;
        expect_round_trip(id == UINT32_MAX ? 0 : id, i & 1);
    }
}

static void test_sid__what_no_id_is_is_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "S-1-1-0",
        "S-1-3-0",
        "S-1-3-4",
        "S-1-5-21-1-2-3-1001",
        "S-1-5-5-1-2",
        "S-1-5-80-1-2-3-4-5",
        "S-1-5-32-1005",
        "S-1-5-32-18",
        "S-1-5-0-18",
        "S-1-22-1-18",
        "S-1-22-2-65534",
        "S-1-22-3-2000",
        "S-1-22-1-4294967295",
        "S-1-22-1",
        "S-1-22",
        "S-1-5-512",
        "S-1-5-4294967295",
        "S-1-16-65536",
        "S-1-16-4294901760",
        "S-1-2-256",
        "S-1-18-1",
        "S-1-5-16-0",
        "S-1-5-1-4096",
        "S-1-5-1048577-0",
        "S-1-5-48-1",
        "S-1-5-96-1",
        "S-1-0x100000002-5",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct lt_sid sid = parsed(texts[i]);
        bool group = true;
        if (lt_sid_to_id(&sid, &group) != 65534 || group)
            fail_msg("%s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sid__text_and_bytes_round_trip),
        cmocka_unit_test(test_sid__bytes_are_those_of_windows),
        cmocka_unit_test(test_sid__longest_text_fits),
        cmocka_unit_test(test_sid__mistakes_are_refused),
        cmocka_unit_test(test_sid__ids_are_those_of_cygwin),
        cmocka_unit_test(test_sid__ids_come_back),
        cmocka_unit_test(test_sid__what_no_id_is_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
