// SPDX-License-Identifier: MIT
#include <base/options.h>

#include <stdio.h>
#include <stdlib.h>

#include "../fault.h"
#include "../test.h"

/* A little of everything, and what was handed to `unknown`. */
struct values {
    bool ro, debug;
    uint64_t size, files;
    char label[8];
    int name_case;
    char unknown[256];
};

static const char *const cases[] = {"sensitive", "insensitive", NULL};

static int note_unknown(void *arg, const char *name, const char *value)
{
    struct values *v = arg;
    size_t len = strlen(v->unknown);

    if (strcmp(name, "refused") == 0)
        return LT_ENOENT;
    snprintf(v->unknown + len, sizeof(v->unknown) - len, "[%s|%s]", name, value ? value : "-");
    return 0;
}

static int parse(const char *text, struct values *v, bool take_unknown, struct lt_diag *diag)
{
    const struct lt_option options[] = {
        {.name = "ro", .type = LT_OPTION_FLAG, .value = &v->ro},
        {.name = "debug", .type = LT_OPTION_FLAG, .value = &v->debug},
        {.name = "size", .type = LT_OPTION_SIZE, .value = &v->size, .percent_of = 1000},
        {.name = "files", .type = LT_OPTION_NUMBER, .value = &v->files, .min = 1, .max = 100},
        {.name = "label",
         .type = LT_OPTION_STRING,
         .value = v->label,
         .capacity = sizeof(v->label)},
        {.name = "case", .type = LT_OPTION_CHOICE, .value = &v->name_case, .choices = cases},
        {.name = NULL},
    };

    memset(v, 0, sizeof(*v));
    v->ro = v->debug = false;
    return lt_options_parse(text, options, take_unknown ? note_unknown : NULL, v, diag);
}

static void test_options__sets_every_type(void **state)
{
    struct values v;

    (void)state;
    assert_int_equal(
        parse("ro,size=1g,files=0x10,label=a\\,b\\\\c,case=insensitive,debug=off", &v, false, NULL),
        0);
    assert_true(v.ro);
    assert_false(v.debug);
    assert_int_equal(v.size, 1u << 30);
    assert_int_equal(v.files, 16);
    assert_string_equal(v.label, "a,b\\c");
    assert_int_equal(v.name_case, 1);
}

static void test_options__nothing_is_no_option(void **state)
{
    static const char *const empty[] = {NULL, "", ",", ",,,"};
    struct values v;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(parse(empty[i], &v, false, NULL), 0);
    assert_int_equal(parse(",ro,,debug,", &v, false, NULL), 0);
    assert_true(v.ro && v.debug);
}

static void test_options__last_one_wins(void **state)
{
    struct values v;

    (void)state;
    assert_int_equal(parse("size=1,ro,size=2,ro=no", &v, false, NULL), 0);
    assert_int_equal(v.size, 2);
    assert_false(v.ro);
}

static void test_options__values_keep_what_needs_no_escape(void **state)
{
    struct values v;

    (void)state;
    assert_int_equal(parse("label=\\a=\\", &v, false, NULL), 0);
    assert_string_equal(v.label, "\\a=\\");
    assert_int_equal(parse("label=", &v, false, NULL), 0);
    assert_string_equal(v.label, "");
    assert_int_equal(parse("size=25%", &v, false, NULL), 0);
    assert_int_equal(v.size, 250);
    assert_int_equal(parse("size=100%,files=017", &v, false, NULL), 0);
    assert_int_equal(v.size, 1000);
    assert_int_equal(v.files, 15);
}

static void test_options__flags_have_many_words(void **state)
{
    static const char *const yes[] = {"ro", "ro=yes", "ro=on", "ro=1", "ro=true", "ro=YES"};
    static const char *const no[] = {"ro,ro=no", "ro,ro=off", "ro,ro=0", "ro,ro=false"};
    struct values v;

    (void)state;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(parse(yes[i], &v, false, NULL) == 0 && v.ro);
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_true(parse(no[i], &v, false, NULL) == 0 && !v.ro);
}

static void test_options__explains_what_is_wrong(void **state)
{
    static const char *const bad[][2] = {
        {"ro=maybe", "option 'ro' is yes or no, not 'maybe'"},
        {"ro=", "option 'ro' is yes or no, not ''"},
        {"size", "option 'size' needs a value: size=..."},
        {"size=", "option 'size' needs a size such as 512m or 4g, not ''"},
        {"size=12x", "option 'size' needs a size such as 512m or 4g, not '12x'"},
        {"size=-1", "option 'size' needs a size such as 512m or 4g, not '-1'"},
        {"size=101%", "option 'size' needs a size such as 512m or 4g, not '101%'"},
        {"size=5%%", "option 'size' needs a size such as 512m or 4g, not '5%%'"},
        {"size=99999999999999999999", "option 'size' is out of range: '99999999999999999999' is "
                                      "not between 0 and 18446744073709551615"},
        {"files=0", "option 'files' is out of range: '0' is not between 1 and 100"},
        {"files=101", "option 'files' is out of range: '101' is not between 1 and 100"},
        {"files=1k", "option 'files' needs a number, not '1k'"},
        {"files=0x", "option 'files' needs a number, not '0x'"},
        {"files=08", "option 'files' needs a number, not '08'"},
        {"files= 1", "option 'files' needs a number, not ' 1'"},
        {"label=12345678", "option 'label' is too long: 8 bytes, at most 7 fit"},
        {"case=no", "option 'case' is one of sensitive, insensitive, not 'no'"},
        {"ro,siez=1", "unknown option 'siez'; did you mean 'size'?"},
        {"lable=x", "unknown option 'lable'; did you mean 'label'?"},
        {"quite-another", "unknown option 'quite-another'"},
        {"=1", "unknown option ''"},
    };
    struct lt_diag diag;
    struct values v;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&diag, '#', sizeof(diag));
        assert_int_equal(parse(bad[i][0], &v, false, &diag), LT_EINVAL);
        assert_string_equal(diag.text, bad[i][1]);
        assert_int_equal(parse(bad[i][0], &v, false, NULL), LT_EINVAL);
    }
}

static void test_options__hands_unknown_ones_on(void **state)
{
    struct lt_diag diag;
    struct values v;

    (void)state;
    assert_int_equal(parse("noexec,ro,a\\,b=c=d,empty=", &v, true, NULL), 0);
    assert_string_equal(v.unknown, "[noexec|-][a,b|c=d][empty|]");
    assert_true(v.ro);
    assert_int_equal(parse("refused=1", &v, true, &diag), LT_EINVAL);
    assert_string_equal(diag.text, "unknown option 'refused'");
}

static void test_options__long_text_is_cut_in_the_diag(void **state)
{
    struct lt_diag diag;
    struct values v;
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(parse(text, &v, false, &diag), LT_EINVAL);
    assert_int_equal(strlen(diag.text), sizeof(diag.text) - 1);
}

static void test_options__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct values v;
        int error = parse("size=1,ro", &v, false, NULL);

        assert_int_equal(error, fault_disarm() ? LT_ENOMEM : 0);
        assert_int_equal(v.ro, error == 0);
    }
}

static void test_size_parse__knows_its_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
    } good[] = {
        {"0", 0},
        {"512", 512},
        {"512b", 512},
        {"1k", 1024},
        {"1K", 1024},
        {"1kB", 1024},
        {"1KiB", 1024},
        {"10G", UINT64_C(10) << 30},
        {"1.5GiB", UINT64_C(3) << 29},
        {"0.5m", 1u << 19},
        {"2t", UINT64_C(2) << 40},
        {"3p", UINT64_C(3) << 50},
        {"15e", UINT64_C(15) << 60},
        {"0.1k", 102},
        {"0.9999999999999999k", 1023},
        {"18446744073709551615", UINT64_MAX},
    };
    uint64_t size;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(lt_size_parse(good[i].text, &size), 0);
        assert_true(size == good[i].size);
    }
}

static void test_size_parse__refuses_the_rest(void **state)
{
    static const char *const bad[] = {"",    "k",   "-1",  "+1",  " 1",   "1 ",   "1.",   ".5",
                                      "1.5", "1x",  "1kx", "1bb", "1bib", "1ki",  "1k b", "0x10",
                                      "1,5", "1e3", "1%",  "1..", "1.k",  "1.5b", "\xff"};
    static const char *const large[] = {"18446744073709551616", "16e", "15.99999999999e16",
                                        "16384p", "99999999999999999999999999"};
    uint64_t size = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(lt_size_parse(bad[i], &size), LT_EINVAL);
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
        assert_true(lt_size_parse(large[i], &size) < 0);
    assert_int_equal(lt_size_parse("16e", &size), LT_ERANGE);
    assert_int_equal(lt_size_parse("18446744073709551616", &size), LT_ERANGE);
    assert_int_equal(size, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__sets_every_type),
        cmocka_unit_test(test_options__nothing_is_no_option),
        cmocka_unit_test(test_options__last_one_wins),
        cmocka_unit_test(test_options__values_keep_what_needs_no_escape),
        cmocka_unit_test(test_options__flags_have_many_words),
        cmocka_unit_test(test_options__explains_what_is_wrong),
        cmocka_unit_test(test_options__hands_unknown_ones_on),
        cmocka_unit_test(test_options__long_text_is_cut_in_the_diag),
        cmocka_unit_test(test_options__nomem),
        cmocka_unit_test(test_size_parse__knows_its_units),
        cmocka_unit_test(test_size_parse__refuses_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
