// SPDX-License-Identifier: MIT
/* src/front/winfsp/name.c: paths of NT as UTF-8 and names back. */
#include "test.h"

#include <string.h>
#include <uchar.h>

#include <base/unicode.h>
#include <front/winfsp/volume.h>

#define F(c) (char16_t)(0xf000 + (c))
static const char forbidden[] =
    "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31"
    "\32\33\34\35\36\37\"*:<>?\\|";

static const struct lt_winfsp posix = {.options.posix_names = true};
static const struct lt_winfsp plain = {.options.posix_names = false};

static struct lt_wide wide(const char16_t *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return (struct lt_wide){(const uint8_t *)text, n};
}

static void assert_path(const char16_t *name, const char *expected)
{
    char path[256];
    memset(path, 'x', sizeof(path));
    assert_int_equal(fsp_name_to_path(&posix, wide(name), path, sizeof(path)), 0);
    assert_string_equal(path, expected);
}

static void assert_no_path(const char16_t *name, int error)
{
    char path[2048];
    assert_int_equal(fsp_name_to_path(&posix, wide(name), path, sizeof(path)), error);
}

static void test_name__paths(void **state)
{
    (void)state;
    assert_path(u"\\", "/");
    assert_path(u"\\a", "/a");
    assert_path(u"\\dir\\File.txt", "/dir/File.txt");
    assert_path(u"\\\u00e4\\\u20ac\\\U0001f600", "/\u00e4/\u20ac/\U0001f600");
}

static void test_name__a_stream_is_left_out(void **state)
{
    (void)state;
    assert_path(u"\\a:s", "/a");
    assert_path(u"\\dir\\a:s:$DATA", "/dir/a");
    assert_path(u"\\:s", "/");
    assert_no_path(u"\\a:s\\b", LT_EINVAL);
    assert_no_path(u"\\:s\\b", LT_EINVAL);
}

/* None may climb, and none may mean another directory than it says. */
static void test_name__what_cannot_be_a_name_is_refused(void **state)
{
    static const char16_t *const bad[] = {u"",      u"a",      u"\\\\",   u"\\a\\",   u"\\a\\\\b",
                                          u"\\.",   u"\\..",   u"\\a\\.", u"\\..\\a", u"\\a\\..\\b",
                                          u"\\a/b", u"\\..:s", u"\\a\\:s"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_no_path(bad[i], LT_EINVAL);
    static const char16_t with_nul[] = u"\\a\0b";
    char path[16];
    struct lt_wide name = {(const uint8_t *)with_nul, 4};
    assert_int_equal(fsp_name_to_path(&posix, name, path, sizeof(path)), LT_EINVAL);
}

static void test_name__dots_and_spaces_at_the_end_stay(void **state)
{
    static const char *const names[] = {"a.", "a ", "...", " ", ". ", ".a", "a. ."};
    (void)state;
    assert_path(u"\\a.\\b \\...", "/a./b /...");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint16_t units[8];
        char back[16];
        int n = fsp_name_from_utf8(&posix, lt_str(names[i]), units, 8);
        assert_int_equal(n, strlen(names[i]));
        struct lt_wide w = {(const uint8_t *)units, (size_t)n};
        assert_int_equal(fsp_name_to_utf8(&posix, w, back, sizeof(back)), n);
        assert_string_equal(back, names[i]);
    }
}

static void test_name__39_characters_are_mapped_and_no_others(void **state)
{
    unsigned mapped = 0;
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        const char text[] = {'a', (char)c, 0};
        uint16_t units[4];
        bool is_forbidden = strchr(forbidden, (int)c) != NULL;
        int n = fsp_name_from_utf8(&posix, lt_str(text), units, 4);
        if (c == '/') {
            assert_int_equal(n, LT_EINVAL);
            continue;
        }
        assert_int_equal(n, 2);
        assert_int_equal(units[1], is_forbidden ? 0xf000 + c : c);
        assert_int_equal(fsp_name_from_utf8(&plain, lt_str(text), units, 4),
                         is_forbidden ? LT_EINVAL : 2);
        mapped += is_forbidden;
    }
    assert_int_equal(mapped, 39);
}

static void test_name__only_these_are_mapped_back(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x100; c++) {
        const char16_t text[] = {'\\', 'a', F(c), 0};
        char path[16];
        bool is_forbidden = c && strchr(forbidden, (int)c) != NULL;
        assert_int_equal(fsp_name_to_path(&posix, wide(text), path, sizeof(path)), 0);
        assert_int_equal(strlen(path), is_forbidden ? 3 : 5);
        assert_int_equal((unsigned char)path[2], is_forbidden ? c : 0xef);
        assert_int_equal(fsp_name_to_path(&plain, wide(text), path, sizeof(path)), 0);
        assert_int_equal(strlen(path), 5);
    }
}

static void test_name__forbidden_characters_are_refused_as_they_are(void **state)
{
    (void)state;
    for (const char *c = forbidden; *c; c++) {
        const char16_t text[] = {'a', (char16_t)*c, 0};
        char name[16];
        assert_int_equal(fsp_name_to_utf8(&posix, wide(text), name, sizeof(name)), LT_EINVAL);
        assert_int_equal(fsp_name_to_utf8(&plain, wide(text), name, sizeof(name)), LT_EINVAL);
    }
}

/* A mapped backslash must not become a separator, nor dots of the range a way up. */
static void test_name__a_mapped_character_separates_nothing(void **state)
{
    (void)state;
    const char16_t backslash[] = {'\\', 'a', F('\\'), 'b', 0};
    const char16_t dots[] = {'\\', F('.'), F('.'), 0};
    const char16_t slash[] = {'\\', 'a', F('/'), 'b', 0};
    const char16_t colon[] = {'\\', 'a', F(':'), 'b', ':', 's', 0};
    assert_path(backslash, "/a\\b");
    assert_path(dots, "/\uf02e\uf02e");
    assert_path(slash, "/a\uf02fb");
    assert_path(colon, "/a:b");
}

static void test_name__surrogates(void **state)
{
    static const char16_t lone_high[] = {'\\', 0xd800, 0}, lone_low[] = {'\\', 0xdc00, 0};
    static const char16_t swapped[] = {'\\', 0xdc01, 0xd801, 0};
    (void)state;
    assert_no_path(lone_high, LT_EILSEQ);
    assert_no_path(lone_low, LT_EILSEQ);
    assert_no_path(swapped, LT_EILSEQ);
}

/* Names that are no UTF-8 are shown and found again, byte for byte. */
static void test_name__any_bytes_come_back(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x100; c++) {
        for (unsigned d = 1; d < 0x100; d++) {
            const char text[] = {(char)c, (char)d, 'z', 0};
            uint16_t units[4];
            char back[16];
            if (c == '/' || d == '/')
                continue;
            int n = fsp_name_from_utf8(&posix, lt_str(text), units, 4);
            assert_true(n > 0);
            struct lt_wide w = {(const uint8_t *)units, (size_t)n};
            assert_int_equal(fsp_name_to_utf8(&posix, w, back, sizeof(back)), 3);
            assert_string_equal(back, text);
        }
    }
}

static void test_name__a_name_has_255_units(void **state)
{
    char16_t text[LT_NAME_UNITS_MAX + 3];
    char path[4 * LT_NAME_UNITS_MAX];
    uint16_t units[300];
    (void)state;
    text[0] = '\\';
    for (size_t i = 1; i < LT_NAME_UNITS_MAX + 2; i++)
        text[i] = 0x20ac; /* three bytes of UTF-8 each */
    text[LT_NAME_UNITS_MAX + 2] = 0;
    assert_int_equal(fsp_name_to_path(&posix, wide(text), path, sizeof(path)), LT_ENAMETOOLONG);
    text[LT_NAME_UNITS_MAX + 1] = 0;
    assert_int_equal(fsp_name_to_path(&posix, wide(text), path, sizeof(path)), 0);
    assert_int_equal(strlen(path), 1 + LT_NAME_MAX);
    struct lt_str name = lt_strn(path + 1, LT_NAME_MAX);
    assert_int_equal(fsp_name_from_utf8(&posix, name, units, 300), LT_NAME_UNITS_MAX);
    assert_int_equal(fsp_name_from_utf8(&posix, name, units, 254), LT_ENAMETOOLONG);
    path[LT_NAME_MAX + 1] = 'x';
    name.len++;
    assert_int_equal(fsp_name_from_utf8(&posix, name, units, 300), LT_ENAMETOOLONG);
}

static void test_name__a_path_fits_with_its_nul_or_not_at_all(void **state)
{
    static const char16_t name[] = u"\\ab\\\u20ac"; /* "/ab/" and three bytes */
    (void)state;
    for (size_t size = 0; size < 12; size++) {
        char path[12];
        memset(path, 'x', sizeof(path));
        int r = fsp_name_to_path(&posix, wide(name), path, size);
        assert_int_equal(r, size < 8 ? LT_ENAMETOOLONG : 0);
        for (size_t i = size; i < sizeof(path); i++)
            assert_int_equal(path[i], 'x');
    }
}

static void test_name__what_cannot_be_shown_is_refused(void **state)
{
    uint16_t units[8];
    (void)state;
    assert_int_equal(fsp_name_from_utf8(&posix, lt_str("a/b"), units, 8), LT_EINVAL);
    assert_int_equal(fsp_name_from_utf8(&posix, lt_strn("a\0b", 3), units, 8), LT_EINVAL);
    assert_int_equal(fsp_name_from_utf8(&posix, lt_str("."), units, 8), 1);
    assert_int_equal(fsp_name_from_utf8(&posix, lt_str(".."), units, 8), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name__paths),
        cmocka_unit_test(test_name__a_stream_is_left_out),
        cmocka_unit_test(test_name__what_cannot_be_a_name_is_refused),
        cmocka_unit_test(test_name__dots_and_spaces_at_the_end_stay),
        cmocka_unit_test(test_name__39_characters_are_mapped_and_no_others),
        cmocka_unit_test(test_name__only_these_are_mapped_back),
        cmocka_unit_test(test_name__forbidden_characters_are_refused_as_they_are),
        cmocka_unit_test(test_name__a_mapped_character_separates_nothing),
        cmocka_unit_test(test_name__surrogates),
        cmocka_unit_test(test_name__any_bytes_come_back),
        cmocka_unit_test(test_name__a_name_has_255_units),
        cmocka_unit_test(test_name__a_path_fits_with_its_nul_or_not_at_all),
        cmocka_unit_test(test_name__what_cannot_be_shown_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
