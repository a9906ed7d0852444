// SPDX-License-Identifier: MIT
/* src/cli/entry.c and mode.c: files as text. */
#include <entry.h>
#include <mode.h>

#include "../test.h"

static const struct {
    uint64_t bytes;
    const char *text;
} sizes[] = {
    {0, "0"},
    {1, "1"},
    {1023, "1023"},
    {1024, "1.0K"},
    {1025, "1.1K"},
    {1536, "1.5K"},
    {10188, "10K"},
    {10240, "10K"},
    {10241, "11K"},
    {1047552, "1023K"},
    {1047553, "1.0M"},
    {1048576, "1.0M"},
    {UINT64_C(1) << 30, "1.0G"},
    {UINT64_MAX, "16E"},
};

static void test_entry__rounds_sizes_up_as_gnu_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        assert_string_equal(lt_text_human(sizes[i].bytes).s, sizes[i].text);
}

static void test_entry__shows_modes_as_ls_does(void **state)
{
    (void)state;
    struct lt_attr attr = {.mode = LT_S_IFREG | 0644};
    assert_string_equal(lt_text_mode(&attr).s, "-rw-r--r--");
    attr.mode = LT_S_IFDIR | 07777;
    assert_string_equal(lt_text_mode(&attr).s, "drwsrwsrwt");
    attr.mode = LT_S_IFLNK | 07000;
    assert_string_equal(lt_text_mode(&attr).s, "l--S--S--T");
    attr.has = LT_HAS_ACL;
    attr.mode = LT_S_IFCHR | 0600;
    assert_string_equal(lt_text_mode(&attr).s, "crw-------+");
    assert_string_equal(lt_type_name(LT_S_IFSOCK), "socket");
    assert_string_equal(lt_type_name(0), "unknown");
}

static const struct {
    const char *text;
    uint32_t mode, result; /* UINT32_MAX: refused */
} modes[] = {
    {"644", 0, 0644},
    {"07777", 0, 07777},
    {"755", LT_S_IFDIR | 02700, 02755},
    {"00755", LT_S_IFDIR | 02700, 0755},
    {"u+x", 0644, 0744},
    {"a-w,o=", 0666, 0440},
    {"+w", 0444, 0644}, /* the umask is 022 */
    {"a+w", 0444, 0666},
    {"go=u", 0740, 0777},
    {"a+X", 0644, 0644},
    {"a+X", LT_S_IFDIR | 0644, 0755},
    {"u=s,+t", 0, 05000},
    {"o+t", 0, 01000},
    {"g=", LT_S_IFDIR | 02770, 02700},
    {"u+r-w", 0200, 0400},
    {"", 0, UINT32_MAX},
    {"8", 0, UINT32_MAX},
    {"77777", 0, UINT32_MAX},
    {"u", 0, UINT32_MAX},
    {"u+x,", 0, UINT32_MAX},
    {"u+z", 0, UINT32_MAX},
    {"x+u", 0, UINT32_MAX},
    {"0x1", 0, UINT32_MAX},
};

static void test_mode__means_what_chmod_means(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        uint32_t result = UINT32_MAX;
        bool ok = lt_mode_parse(modes[i].text, modes[i].mode, 022, &result);
        if (ok != (modes[i].result != UINT32_MAX) || result != modes[i].result)
            fail_msg("'%s' of %o is %o, not %o", modes[i].text, modes[i].mode, result,
                     modes[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry__rounds_sizes_up_as_gnu_does),
        cmocka_unit_test(test_entry__shows_modes_as_ls_does),
        cmocka_unit_test(test_mode__means_what_chmod_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
