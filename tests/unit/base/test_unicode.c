// SPDX-License-Identifier: MIT
#include <base/unicode.h>

#include <ctype.h>
#include <lintel/error.h>

#include "../test.h"

/* Bytes at the edges of what RFC 3629 allows, and some between. */
static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                      0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
#define EDGES (sizeof(edges))

static void check_round_trip(const char *bytes, size_t len)
{
    struct lt_str s = lt_strn(bytes, len);
    uint16_t units[8];
    char back[16];
    int count = lt_utf8_to_utf16(s, units, 8);

    assert_in_range(count, 0, len);
    assert_int_equal(lt_utf8_units(s), count);
    assert_int_equal(lt_utf16_to_utf8(units, (size_t)count, back, sizeof(back)), len);
    if (len > 0)
        assert_memory_equal(back, bytes, len);
}

static void test_unicode__every_byte_string_comes_back(void **state)
{
    char bytes[4];

    (void)state;
    check_round_trip("", 0);
    for (unsigned i = 0; i < 0x10000; i++) {
        bytes[0] = (char)(i >> 8);
        bytes[1] = (char)i;
        check_round_trip(bytes + 1, 1);
        check_round_trip(bytes, 2);
    }
    for (unsigned i = 0; i < EDGES * EDGES * EDGES * EDGES; i++) {
        for (unsigned j = 0, rest = i; j < 4; j++, rest /= EDGES)
            bytes[j] = (char)edges[rest % EDGES];
        check_round_trip(bytes, 3);
        check_round_trip(bytes, 4);
    }
}

/* As many byte strings are valid as there are ways to put code points together, and no more. */
static void test_utf8_valid__accepts_as_many_as_there_are(void **state)
{
    const unsigned one = 0x80, two = 0x800 - 0x80, three = 0x10000 - 0x800 - 0x800;
    unsigned valid = 0;

    (void)state;
    for (uint32_t i = 0; i < 0x1000000; i++) {
        const char bytes[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};

        valid += lt_utf8_valid(lt_strn(bytes, 3));
    }
    assert_int_equal(valid, one * one * one + 2 * one * two + three);

    valid = 0;
    for (uint32_t i = 0xf000; i < 0x10000; i++) {
        const char bytes[4] = {(char)(i >> 8), (char)i, (char)0x80, (char)0xbf};

        valid += lt_utf8_valid(lt_strn(bytes, 4));
    }
    assert_int_equal(valid, 0x100000 / (64 * 64)); /* two bytes fixed of each from U+10000 */
}

static void test_unicode__every_code_point_comes_back(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint16_t units[2] = {(uint16_t)point}, again[2];
        size_t count = 1;
        char bytes[4];
        int len;

        if (point >= 0xd800 && point <= 0xdfff)
            continue;
        if (point >= 0x10000) {
            units[0] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
            units[1] = (uint16_t)(0xdc00 + ((point - 0x10000) & 0x3ff));
            count = 2;
        }
        len = lt_utf16_to_utf8(units, count, bytes, sizeof(bytes));
        assert_int_equal(len, point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
        assert_true(lt_utf8_valid(lt_strn(bytes, (size_t)len)));
        assert_int_equal(lt_utf8_to_utf16(lt_strn(bytes, (size_t)len), again, 2), count);
        assert_memory_equal(units, again, count * sizeof(units[0]));
    }
}

/* Whatever units are given, they are either refused or come back exactly. */
static void test_utf16__is_refused_or_comes_back(void **state)
{
    static const uint16_t values[] = {0,      0x41,   0xe9,   0xd7ff, 0xd800, 0xdbff, 0xdc00,
                                      0xdc41, 0xdc7f, 0xdc80, 0xdca9, 0xdcc3, 0xdce2, 0xdc82,
                                      0xdcac, 0xdcf0, 0xdc9f, 0xdcff, 0xdd00, 0xdfff, 0xe000};
    const size_t count = sizeof(values) / sizeof(values[0]);
    unsigned refused = 0;

    (void)state;
    for (size_t i = 0; i < count * count * count; i++) {
        uint16_t units[3] = {values[i % count], values[i / count % count],
                             values[i / count / count]};
        uint16_t again[3];
        char bytes[16];
        int len = lt_utf16_to_utf8(units, 3, bytes, sizeof(bytes));

        if (len < 0) {
            assert_int_equal(len, LT_EILSEQ);
            refused++;
        } else {
            assert_int_equal(lt_utf8_to_utf16(lt_strn(bytes, (size_t)len), again, 3), 3);
            assert_memory_equal(units, again, sizeof(units));
        }
    }
    assert_true(refused > 0);
}

static void test_utf16__refuses_what_would_be_another_name(void **state)
{
    const uint16_t split_e_acute[] = {0xdcc3, 0xdca9}; /* the bytes of U+00E9, one by one */
    const uint16_t bytes_swapped[] = {0xdca9, 0xdcc3};
    const uint16_t lone_high[] = {0x41, 0xd800}, escaped_ascii[] = {0xdc41};
    char out[8];

    (void)state;
    assert_int_equal(lt_utf16_to_utf8(split_e_acute, 2, out, sizeof(out)), LT_EILSEQ);
    assert_int_equal(lt_utf16_to_utf8(bytes_swapped, 2, out, sizeof(out)), 2);
    assert_memory_equal(out, "\xa9\xc3", 2);
    assert_int_equal(lt_utf16_to_utf8(lone_high, 2, out, sizeof(out)), LT_EILSEQ);
    assert_int_equal(lt_utf16_to_utf8(escaped_ascii, 1, out, sizeof(out)), LT_EILSEQ);
}

static void test_unicode__never_writes_past_the_end(void **state)
{
    struct lt_str s = lt_str("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff");
    uint16_t units[7] = {0};
    char bytes[12];

    (void)state;
    for (size_t max = 0; max < 6; max++) {
        units[max] = 0xabcd;
        assert_int_equal(lt_utf8_to_utf16(s, units, max), LT_ERANGE);
        assert_int_equal(units[max], 0xabcd);
    }
    assert_int_equal(lt_utf8_to_utf16(s, units, 6), 6);
    for (size_t max = 0; max < s.len; max++) {
        bytes[max] = '#';
        assert_int_equal(lt_utf16_to_utf8(units, 6, bytes, max), LT_ERANGE);
        assert_int_equal(bytes[max], '#');
    }
    assert_int_equal(lt_utf16_to_utf8(units, 6, bytes, s.len), s.len);
    assert_memory_equal(bytes, s.s, s.len);
}

static void test_upcase__is_what_ntfs_does(void **state)
{
    static const uint16_t map[][2] = {
        {'a', 'A'},       {'z', 'Z'},       {'A', 'A'},       {'{', '{'},       {'`', '`'},
        {0x00e0, 0x00c0}, {0x00f7, 0x00f7}, {0x00ff, 0x0178}, {0x0101, 0x0100}, {0x0161, 0x0160},
        {0x01c6, 0x01c4}, {0x01f3, 0x01f1}, {0x0250, 0x2c6f}, {0x03b1, 0x0391}, {0x03c3, 0x03a3},
        {0x0430, 0x0410}, {0x0451, 0x0401}, {0x0561, 0x0531}, {0x1e01, 0x1e00}, {0x1f80, 0x1f88},
        {0x1fb3, 0x1fbc}, {0x2170, 0x2160}, {0x24d0, 0x24b6}, {0x2d00, 0x10a0}, {0xa641, 0xa640},
        {0xff41, 0xff21}, {0x4e2d, 0x4e2d}, {0xffff, 0xffff},
    };
    /* What Unicode maps to a letter that has another lower case, or to several characters. */
    static const uint16_t fixed[] = {0x00b5, 0x00df, 0x0130, 0x0131, 0x0149, 0x017f, 0x01c5,
                                     0x01f2, 0x0345, 0x03c2, 0x03d0, 0x03f5, 0x1e9b, 0x1e9e,
                                     0x1f88, 0x1fbe, 0x2126, 0x212a, 0xd800, 0xdc80, 0xfb00};

    (void)state;
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
        assert_int_equal(lt_upcase(map[i][0]), map[i][1]);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        assert_int_equal(lt_upcase(fixed[i]), fixed[i]);
}

static void test_upcase__is_a_map_of_pairs(void **state)
{
    static uint16_t lower[0x10000];
    unsigned pairs = 0;

    (void)state;
    for (uint32_t unit = 0; unit < 0x10000; unit++) {
        uint16_t upper = lt_upcase((uint16_t)unit);

        assert_int_equal(lt_upcase(upper), upper);
        if (upper == unit)
            continue;
        assert_int_equal(lower[upper], 0); /* no two letters share a capital */
        lower[upper] = (uint16_t)unit;
        pairs++;
    }
    assert_int_equal(pairs, 1163);
}

/* In the order that they must have; names on one line are equal. */
static const char *const ordered[][3] = {
    {"", "", ""},
    {"A", "a", "A"},
    {"A\x01", "a\x01", "A\x01"},
    {"AB", "ab", "aB"},
    {"ABCDEFGH@", "abcdefgh@", "aBcDeFgH@"},
    {"ABCDEFGHI", "abcdefghi", "abcdefghI"},
    {"ABCDEFGH[", "abcdefgh[", "ABCDEFGH["},
    {"[", "[", "["},
    {"\xc3\x89t\xc3\xa9", "\xc3\xa9T\xc3\x89", "\xc3\xa9t\xc3\xa9"},
    {"\xd0\x96", "\xd0\xb6", "\xd0\x96"},
    {"\xe4\xb8\xad", "\xe4\xb8\xad", "\xe4\xb8\xad"},
    {"\xf0\x90\x90\x80", "\xf0\x90\x90\x80", "\xf0\x90\x90\x80"}, /* beyond the BMP: no case */
    {"\xf0\x90\x90\xa8", "\xf0\x90\x90\xa8", "\xf0\x90\x90\xa8"},
    {"\x80", "\x80", "\x80"}, /* escapes, as units 0xdc80 and up */
    {"\xff", "\xff", "\xff"},
    {"\xef\xbf\xbd", "\xef\xbf\xbd", "\xef\xbf\xbd"},
};

static void test_compare_nocase__is_a_total_order(void **state)
{
    const int count = sizeof(ordered) / sizeof(ordered[0]);

    (void)state;
    for (int i = 0; i < count * 3; i++) {
        for (int j = 0; j < count * 3; j++) {
            struct lt_str a = lt_str(ordered[i / 3][i % 3]), b = lt_str(ordered[j / 3][j % 3]);
            int order = lt_name_compare_nocase(a, b);

            assert_int_equal((order > 0) - (order < 0), (i / 3 > j / 3) - (i / 3 < j / 3));
            assert_int_equal(lt_name_equal_nocase(a, b), i / 3 == j / 3);
        }
    }
}

/* Eight at a time or one by one: every character, wherever in a name it stands. */
static void test_compare_nocase__knows_all_of_ascii(void **state)
{
    char a[15], b[15];

    (void)state;
    for (size_t at = 0; at < sizeof(a); at++) {
        for (int x = 0; x < 0x80; x++) {
            for (int y = 0; y < 0x80; y++) {
                int order;

                memset(a, 'k', sizeof(a));
                memset(b, 'K', sizeof(b));
                a[at] = (char)x;
                b[at] = (char)y;
                order = lt_name_compare_nocase(lt_strn(a, sizeof(a)), lt_strn(b, sizeof(b)));
                assert_int_equal(order, toupper(x) - toupper(y));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unicode__every_byte_string_comes_back),
        cmocka_unit_test(test_utf8_valid__accepts_as_many_as_there_are),
        cmocka_unit_test(test_unicode__every_code_point_comes_back),
        cmocka_unit_test(test_utf16__is_refused_or_comes_back),
        cmocka_unit_test(test_utf16__refuses_what_would_be_another_name),
        cmocka_unit_test(test_unicode__never_writes_past_the_end),
        cmocka_unit_test(test_upcase__is_what_ntfs_does),
        cmocka_unit_test(test_upcase__is_a_map_of_pairs),
        cmocka_unit_test(test_compare_nocase__is_a_total_order),
        cmocka_unit_test(test_compare_nocase__knows_all_of_ascii),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
