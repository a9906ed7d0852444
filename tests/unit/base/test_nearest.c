// SPDX-License-Identifier: MIT
#include <base/options.h>

#include "../test.h"

static const char *const words[] = {"mount", "umount", "info", "save", "help", "version", NULL};

static const char *next_word(const void *arg, size_t i)
{
    return ((const char *const *)arg)[i];
}

static void test_nearest__finds_what_was_meant(void **state)
{
    static const char *const slips[][2] = {
        {"mount", "mount"},     {"mout", "mount"},       {"momunt", "mount"}, {"muont", "mount"},
        {"MOUNT", "mount"},     {"umuont", "umount"},    {"inof", "info"},    {"inf", "info"},
        {"versoin", "version"}, {"verzionn", "version"}, {"ver", "version"},  {"he", "help"},
        {"in-fo", "info"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
        const char *found = lt_word_nearest(slips[i][0], next_word, words);

        assert_non_null(found);
        assert_string_equal(found, slips[i][1]);
    }
}

static void test_nearest__does_not_guess_wildly(void **state)
{
    static const char *const strange[] = {"", "x", "format", "s", "versionversionversion"};
    char endless[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        assert_null(lt_word_nearest(strange[i], next_word, words));
    memset(endless, 'm', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    assert_null(lt_word_nearest(endless, next_word, words));
    assert_null(lt_word_nearest("mount", next_word, words + 6)); /* no words at all */
}

static void test_nearest__takes_the_nearest(void **state)
{
    static const char *const close[] = {"aabbcc", "aabbcd", "aabbdd", NULL};

    (void)state;
    assert_string_equal(lt_word_nearest("aabbdc", next_word, close), "aabbcc");
    assert_string_equal(lt_word_nearest("xabbdd", next_word, close), "aabbdd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nearest__finds_what_was_meant),
        cmocka_unit_test(test_nearest__does_not_guess_wildly),
        cmocka_unit_test(test_nearest__takes_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
