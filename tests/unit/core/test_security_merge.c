// SPDX-License-Identifier: MIT
/* src/core/security_merge.c: parts of descriptors, put in and taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "security_kit.h"

enum {
    O = LT_OWNER_SECURITY,
    G = LT_GROUP_SECURITY,
    D = LT_DACL_SECURITY,
    S = LT_SACL_SECURITY,
    L = LT_LABEL_SECURITY
};

#define OLD "O:BAG:BUD:PAI(A;;FA;;;BA)S:PAI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"

struct merge_case {
    const char *old, *change;
    uint32_t information;
    const char *expected;
};

static void expect_all(const struct merge_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct lt_str old = kit_sd(cases[i].old), change = kit_sd(cases[i].change);
        char *got = NULL;
        size_t len = 0;
        assert_int_equal(lt_security_merge(old, change, cases[i].information, &got, &len), 0);
        kit_expect(got, len, cases[i].expected, cases[i].change);
        kit_free(old);
        kit_free(change);
    }
}

static void test_merge__takes_the_named_parts(void **state)
{
    (void)state;
    static const struct merge_case cases[] = {
        {OLD, "O:SYG:SYD:S:", 0, OLD},
        {OLD, "O:SYG:AND:", O, "O:SYG:BUD:PAI(A;;FA;;;BA)S:PAI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
        {OLD, "O:SYG:AND:", G, "O:BAG:AND:PAI(A;;FA;;;BA)S:PAI(AU;SA;FA;;;WD)(ML;;NW;;;HI)"},
        {"O:BAG:BUD:(A;;FA;;;BA)", "D:(A;;FR;;;WD)", D, "O:BAG:BUD:(A;;FR;;;WD)"},
        {"O:BAG:BUD:(A;;FA;;;BA)", "D:", D, "O:BAG:BUD:"},
        {"O:BAG:BUD:(A;;FA;;;BA)", "D:NO_ACCESS_CONTROL", D, "O:BAG:BUD:NO_ACCESS_CONTROL"},
        {"O:BAG:BUD:(A;;FA;;;BA)", "O:SY", D, "O:BAG:BUD:NO_ACCESS_CONTROL"},
        {"O:BAG:BUD:(A;;FA;;;BA)", "O:SYG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;WD)", O | G | D | S | L,
         "O:SYG:SYD:(A;;FR;;;WD)S:(AU;SA;FA;;;WD)"},
        {"O:BA", "D:(A;;FA;;;BA)", 0, "O:BA"},
        /* Nothing before. */
        {NULL, "O:BAG:BUD:(A;;FA;;;BA)", O | D, "O:BAD:(A;;FA;;;BA)"},
        {NULL, "S:(ML;;NW;;;HI)(AU;SA;FA;;;WD)", L, "S:(ML;;NW;;;HI)"},
        /* Generic rights, but not of what is only passed on. */
        {"O:BA", "D:(A;OICI;GA;;;BA)(A;OICIIO;GR;;;CO)", D,
         "O:BAD:(A;OICI;FA;;;BA)(A;OICIIO;GR;;;CO)"},
        /* Labels and the rest of the SACL are two parts. */
        {OLD, "S:(AU;FA;FR;;;AN)(ML;;NR;;;LW)", S,
         "O:BAG:BUD:PAI(A;;FA;;;BA)S:(AU;FA;FR;;;AN)(ML;;NW;;;HI)"},
        {OLD, "S:(AU;FA;FR;;;AN)(ML;;NR;;;LW)", L,
         "O:BAG:BUD:PAI(A;;FA;;;BA)S:PAI(AU;SA;FA;;;WD)(ML;;NR;;;LW)"},
        {OLD, "S:", S, "O:BAG:BUD:PAI(A;;FA;;;BA)S:(ML;;NW;;;HI)"},
        {OLD, "S:", S | L, "O:BAG:BUD:PAI(A;;FA;;;BA)S:"},
        {OLD, "O:BA", S | L, "O:BAG:BUD:PAI(A;;FA;;;BA)"},
        {"O:BAS:(ML;;NW;;;HI)", "S:", L, "O:BAS:"},
    };
    expect_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_merge__protection_and_inheritance(void **state)
{
    (void)state;
    static const struct merge_case cases[] = {
        {"D:(A;;FA;;;BA)", "D:P(A;;FA;;;SY)", D, "D:P(A;;FA;;;SY)"},
        {"D:P(A;;FA;;;BA)", "D:(A;;FA;;;SY)", D, "D:(A;;FA;;;SY)"},
        {"D:(A;;FA;;;BA)", "D:(A;;FA;;;SY)", D | LT_PROTECTED_DACL_SECURITY, "D:P(A;;FA;;;SY)"},
        {"D:(A;;FA;;;BA)", "D:P(A;;FA;;;SY)", D | LT_UNPROTECTED_DACL_SECURITY, "D:(A;;FA;;;SY)"},
        {"D:AI(A;;FA;;;BA)", "D:", LT_PROTECTED_DACL_SECURITY, "D:PAI(A;;FA;;;BA)"},
        {"D:PAI(A;;FA;;;BA)", "D:", LT_UNPROTECTED_DACL_SECURITY, "D:AI(A;;FA;;;BA)"},
        {"D:", "D:AI", D, "D:"},
        {"D:AI", "D:ARAI", D, "D:AI"},
        {"D:AI", "D:AR", D, "D:"},
        {"S:", "S:P", S, "S:P"},
        {"S:", "S:ARAI", S | LT_PROTECTED_SACL_SECURITY, "S:PAI"},
        {"S:PAI", "S:P", LT_UNPROTECTED_SACL_SECURITY, "S:AI"},
    };
    expect_all(cases, sizeof(cases) / sizeof(cases[0]));
}

static void test_merge__mistakes(void **state)
{
    (void)state;
    struct lt_str good = kit_sd("O:BAG:BUD:(A;;FA;;;BA)S:(ML;;NW;;;HI)"), no_sids = kit_sd("D:");
    char *got = NULL;
    size_t len = 0;
    assert_int_equal(lt_security_merge(good, no_sids, O, &got, &len), LT_EINVAL);
    assert_int_equal(lt_security_merge(good, no_sids, G, &got, &len), LT_EINVAL);
    assert_int_equal(lt_security_merge(good, (struct lt_str){NULL, 0}, 0, &got, &len), LT_EINVAL);
    for (size_t cut = 1; cut < good.len; cut++) {
        struct lt_str bad = lt_strn(good.s, cut);
        assert_int_equal(lt_security_merge(bad, good, D, &got, &len), LT_EINVAL);
        assert_int_equal(lt_security_merge(good, bad, D, &got, &len), LT_EINVAL);
        assert_int_equal(lt_security_extract(bad, D, &got, &len), LT_EINVAL);
    }
    assert_null(got);
    kit_free(good);
    kit_free(no_sids);
}

static void test_extract__gives_the_named_parts(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        uint32_t information;
        const char *expected;
    } cases[] = {
        {OLD, 0, ""},
        {OLD, O, "O:BA"},
        {OLD, G, "G:BU"},
        {OLD, D, "D:PAI(A;;FA;;;BA)"},
        {OLD, S, "S:PAI(AU;SA;FA;;;WD)"},
        {OLD, L, "S:PAI(ML;;NW;;;HI)"},
        {OLD, O | G | D | S | L, OLD},
        {"D:(A;CI;GA;;;WD)", D, "D:(A;CI;GA;;;WD)"},
        {"D:NO_ACCESS_CONTROL", D, "D:NO_ACCESS_CONTROL"},
        {"O:BA", G | D | S | L, ""},
        {"D:", O | D, "D:"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lt_str from = kit_sd(cases[i].from);
        char *got = NULL;
        size_t len = 0;
        assert_int_equal(lt_security_extract(from, cases[i].information, &got, &len), 0);
        kit_expect(got, len, cases[i].expected, cases[i].from);
        kit_free(from);
    }
}

static void test_merge__nomem(void **state)
{
    (void)state;
    struct lt_str old = kit_sd(OLD), change = kit_sd("O:SYD:(A;;FA;;;WD)(A;;FA;;;WD)(A;;FA;;;WD)"
                                                     "(A;;FA;;;WD)(A;;FA;;;WD)(A;;FA;;;WD)"
                                                     "(A;;FA;;;WD)(A;;FA;;;WD)(A;;FA;;;WD)"
                                                     "(A;;FA;;;WD)(A;;FA;;;WD)(A;;FA;;;WD)");
    FAULT_EACH(n)
    {
        char *got = NULL;
        size_t len = 0;
        int r = lt_security_merge(old, change, O | D, &got, &len);
        assert_int_equal(r, fault_disarm() ? LT_ENOMEM : 0);
        free(got);
    }
    FAULT_EACH(m)
    {
        char *got = NULL;
        size_t len = 0;
        int r = lt_security_extract(change, D, &got, &len);
        assert_int_equal(r, fault_disarm() ? LT_ENOMEM : 0);
        free(got);
    }
    kit_free(old);
    kit_free(change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge__takes_the_named_parts),
        cmocka_unit_test(test_merge__protection_and_inheritance),
        cmocka_unit_test(test_merge__mistakes),
        cmocka_unit_test(test_extract__gives_the_named_parts),
        cmocka_unit_test(test_merge__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
