// SPDX-License-Identifier: MIT
/* src/core/sddl_*.c and descriptor.c: text to bytes and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <core/descriptor.h>
#include <lintel/sddl.h>
#include <stdlib.h>

static void expect_bytes(const char *text, const void *bytes, size_t len)
{
    char *sd = NULL;
    size_t sd_len = 0;
    struct lt_diag diag = {""};
    int r = lt_sddl_parse(text, &sd, &sd_len, &diag);
    if (r < 0)
        fail_msg("%s: %s", text, diag.text);
    assert_int_equal(sd_len, len);
    assert_memory_equal(sd, bytes, len);
    free(sd);
}

/* text -> descriptor -> `expected` */
static void expect_text(const char *text, const char *expected)
{
    char *sd = NULL, *back = NULL;
    size_t len = 0;
    struct lt_diag diag = {""};
    int r = lt_sddl_parse(text, &sd, &len, &diag);
    if (r < 0)
        fail_msg("%s: %s", text, diag.text);
    assert_int_equal(lt_security_check(lt_strn(sd, len)), 0);
    assert_int_equal(lt_sddl_format(lt_strn(sd, len), &back), 0);
    assert_string_equal(back, expected);
    free(back);
    free(sd);
}

static void expect_error(const char *text)
{
    char *sd = NULL;
    size_t len = 0;
    struct lt_diag diag = {""};
    int r = lt_sddl_parse(text, &sd, &len, &diag);
    if (r != LT_EINVAL)
        fail_msg("%s: %d", text, r);
    assert_null(sd);
    assert_int_not_equal(diag.text[0], 0);
}

static void test_sddl__bytes_are_those_of_windows(void **state)
{
    (void)state;
    static const unsigned char expected[] = {
        1, 0, 4,  0x80, 20,   0, 0,    0, 36, 0, 0, 0, 0,    0, 0, 0, 48, 0, 0, 0, /* header */
        1, 2, 0,  0,    0,    0, 0,    5, 32, 0, 0, 0, 0x20, 2, 0, 0,              /* O:BA */
        1, 1, 0,  0,    0,    0, 0,    5, 18, 0, 0, 0,                             /* G:SY */
        2, 0, 28, 0,    1,    0, 0,    0,                                          /* D: */
        0, 3, 20, 0,    0xff, 1, 0x1f, 0,                                          /* (A;OICI;FA */
        1, 1, 0,  0,    0,    0, 0,    1, 0,  0, 0, 0,                             /* WD) */
    };
    expect_bytes("O:BAG:SYD:(A;OICI;FA;;;WD)", expected, sizeof(expected));
}

static void test_sddl__round_trips(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "O:BA",
        "O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)",
        "O:S-1-5-21-1-2-3-1001G:S-1-5-21-1-2-3-513D:PARAI(D;OICINPIOID;0x1200a9;;;AN)",
        "D:NO_ACCESS_CONTROL",
        "D:",
        "D:PS:AI(AU;SAFA;GAGXGWGR;;;WD)(ML;;NWNR;;;ME)",
        "D:(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;PS)",
        "D:(OD;CI;RPWP;;bf967aba-0de6-11d0-a285-00aa003049e2;AU)",
        "D:(OA;;CC;ab721a53-1e2f-11d0-9819-00aa0040529b;bf967aba-0de6-11d0-a285-00aa003049e2;CO)",
        "O:S-1-0x112233445566-7",
        "O:S-1-5",
        "O:UDG:ACD:(A;;;;;HI)",
        "O:S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-4294967295",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_text(texts[i], texts[i]);
}

static void test_sddl__other_spellings_are_read(void **state)
{
    (void)state;
    expect_text("O:S-1-5-18", "O:SY");
    expect_text("O:S-1-5-0x20-0x220", "O:BA");
    expect_text("D:(A;;0x1f01ff;;;WD)", "D:(A;;FA;;;WD)");
    expect_text("D:(A;;01;;;WD)", "D:(A;;CC;;;WD)");
    expect_text("D:(A;;3;;;WD)", "D:(A;;CCDC;;;WD)");
    expect_text("D:(A;;KX;;;WD)", "D:(A;;KR;;;WD)");
    expect_text("S:D:G:SYO:SY", "O:SYG:SYD:S:");
}

static void test_sddl__mistakes_are_explained(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "X:BA",
        "O:DA",
        "O:",
        "O:BAO:SY",
        "D:(A;;FA;;;WD",
        "D:(A;;FA;;WD)",
        "D:(Q;;FA;;;WD)",
        "D:(A;XX;FA;;;WD)",
        "D:(A;;FQ;;;WD)",
        "D:(A;;0x1ffffffff;;;WD)",
        "D:(A;;FA;ab721a53-1e2f-11d0-9819-00aa0040529b;;WD)",
        "D:(OA;;FA;ab721a53-1e2f-11d0-9819;;WD)",
        "O:S-1-",
        "O:S-1-5-",
        "O:S-1-5-4294967296",
        "O:S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
        "O:S-1-0x1000000000000-1",
        "D:D:",
        "D:(A;;FA;;;WD)x",
        "D",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect_error(texts[i]);
}

static void test_sddl__every_cut_of_a_descriptor_is_refused(void **state)
{
    (void)state;
    char *sd = NULL;
    size_t len = 0;
    assert_int_equal(lt_sddl_parse("O:BAG:SYD:P(A;OICI;FA;;;WD)(D;;FR;;;BU)", &sd, &len, NULL), 0);
    for (size_t cut = 0; cut < len; cut++) {
        /* In memory of its own, so that the address sanitizer sees any read behind it. */
        char *part = malloc(cut + 1);
        assert_non_null(part);
        memcpy(part, sd, cut);
        assert_int_equal(lt_security_check(lt_strn(part, cut)), LT_EINVAL);
        free(part);
    }
    free(sd);
}

static void test_sddl__offsets_and_counts_are_checked(void **state)
{
    (void)state;
    char *sd = NULL, *text = NULL;
    size_t len = 0;
    assert_int_equal(lt_sddl_parse("O:BAD:(A;;FA;;;WD)", &sd, &len, NULL), 0);
    /* Whatever one byte becomes, checking and formatting stay inside. */
    for (size_t at = 0; at < len; at++) {
        char before = sd[at];
        for (int value = 0; value < 256; value++) {
            sd[at] = (char)value;
            int r = lt_security_check(lt_strn(sd, len));
            assert_true(r == 0 || r == LT_EINVAL);
            if (lt_sddl_format(lt_strn(sd, len), &text) == 0)
                free(text);
        }
        sd[at] = before;
    }
    free(sd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sddl__bytes_are_those_of_windows),
        cmocka_unit_test(test_sddl__round_trips),
        cmocka_unit_test(test_sddl__other_spellings_are_read),
        cmocka_unit_test(test_sddl__mistakes_are_explained),
        cmocka_unit_test(test_sddl__every_cut_of_a_descriptor_is_refused),
        cmocka_unit_test(test_sddl__offsets_and_counts_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
