// SPDX-License-Identifier: MIT
/* src/core/security_inherit.c: descriptors of new objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "security_kit.h"

#define ME "BU BG WD"
#define OWN "O:BUG:BG" /* what ME makes of nothing */
#define GUID "ab721a53-1e2f-11d0-9819-00aa0040529b"

struct birth_case {
    const char *asked, *parent;
    bool directory;
    const char *expected;
};

static int inherit(const struct birth_case *c, const struct lt_token *token, char **ret,
                   size_t *ret_len)
{
    struct lt_str asked = kit_sd(c->asked), parent = kit_sd(c->parent);
    int r = lt_security_inherit(asked, parent, c->directory, token, ret, ret_len);
    kit_free(asked);
    kit_free(parent);
    return r;
}

/* ME, whose objects are open to the system by default. */
static void expect_birth(const struct birth_case *c)
{
    struct kit_token kit;
    struct lt_str fallback = kit_sd("D:(A;;GA;;;SY)");
    char *got = NULL, where[600];
    size_t len = 0;
    kit_token(&kit, ME, 0);
    kit.token.default_dacl = sd_dacl(fallback);
    int r = inherit(c, &kit.token, &got, &len);
    snprintf(where, sizeof(where), "%s in %s", c->asked ? c->asked : "nothing",
             c->parent ? c->parent : "nothing");
    if (r < 0)
        fail_msg("%s: %d", where, r);
    kit_expect(got, len, c->expected, where);
    kit_free(fallback);
}

#define EXPECT_BIRTHS(cases)                                        \
    do {                                                            \
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) \
            expect_birth(&(cases)[i]);                              \
    } while (0)

static void test_inherit__flags_say_who_gets_what(void **state)
{
    (void)state;
    static const struct birth_case cases[] = {
        {NULL, "D:(A;OI;FA;;;WD)", false, OWN "D:AI(A;ID;FA;;;WD)"},
        {NULL, "D:(A;CI;FA;;;WD)", true, OWN "D:AI(A;CIID;FA;;;WD)"},
        {NULL, "D:(A;OICI;FA;;;WD)", false, OWN "D:AI(A;ID;FA;;;WD)"},
        {NULL, "D:(A;OICI;FA;;;WD)", true, OWN "D:AI(A;OICIID;FA;;;WD)"},
        {NULL, "D:(A;OI;FA;;;WD)", true, OWN "D:AI(A;OIIOID;FA;;;WD)"},
        {NULL, "D:(A;OINP;FA;;;WD)", false, OWN "D:AI(A;ID;FA;;;WD)"},
        {NULL, "D:(A;OICINP;FA;;;WD)", true, OWN "D:AI(A;ID;FA;;;WD)"},
        {NULL, "D:(A;OICIIO;FA;;;WD)", true, OWN "D:AI(A;OICIID;FA;;;WD)"},
        {NULL, "D:(A;OIIO;FA;;;WD)", false, OWN "D:AI(A;ID;FA;;;WD)"},
        {NULL, "D:(A;OICIID;FA;;;WD)", true, OWN "D:AI(A;OICIID;FA;;;WD)"},
        {NULL, "D:(D;OI;FW;;;BG)(A;;FA;;;SY)(A;OI;FA;;;WD)", false,
         OWN "D:AI(D;ID;FW;;;BG)(A;ID;FA;;;WD)"},
        /* Nothing for this kind of object: the token's own. */
        {NULL, "D:(A;CI;GR;;;WD)", false, OWN "D:(A;;FA;;;SY)"},
        {NULL, "D:(A;OINP;GR;;;WD)", true, OWN "D:(A;;FA;;;SY)"},
        {NULL, "D:(A;;FA;;;WD)", true, OWN "D:(A;;FA;;;SY)"},
        {NULL, "D:NO_ACCESS_CONTROL", true, OWN "D:(A;;FA;;;SY)"},
        {NULL, "O:BA", true, OWN "D:(A;;FA;;;SY)"},
        {NULL, NULL, false, OWN "D:(A;;FA;;;SY)"},
        /* Entries for one type of children. */
        {NULL, "D:(OA;OICI;FA;;" GUID ";WD)(OA;OICI;FR;" GUID ";;WD)", true,
         OWN "D:AI(OA;OICIID;FR;" GUID ";;WD)"},
    };
    EXPECT_BIRTHS(cases);
}

static void test_inherit__creators_and_generic_rights_are_replaced_here(void **state)
{
    (void)state;
    static const struct birth_case cases[] = {
        {NULL, "D:(A;OICIIO;GA;;;CO)(A;OICI;GR;;;CG)", false,
         OWN "D:AI(A;ID;FA;;;BU)(A;ID;FR;;;BG)"},
        {NULL, "D:(A;OICIIO;GA;;;CO)", true, OWN "D:AI(A;ID;FA;;;BU)(A;OICIIOID;GA;;;CO)"},
        {NULL, "D:(A;CI;GXGR;;;WD)", true, OWN "D:AI(A;ID;0x1200a9;;;WD)(A;CIIOID;GXGR;;;WD)"},
        {NULL, "D:(A;CINP;GA;;;CO)", true, OWN "D:AI(A;ID;FA;;;BU)"},
        {NULL, "D:(A;OI;GA;;;CO)", true, OWN "D:AI(A;OIIOID;GA;;;CO)"},
        {NULL, "D:(OA;CI;GA;" GUID ";;CO)", true,
         OWN "D:AI(OA;ID;FA;" GUID ";;BU)(OA;CIIOID;GA;" GUID ";;CO)"},
        {"D:(A;OICI;GA;;;CO)(A;;GR;;;CG)(A;CIIO;GW;;;CO)", NULL, true,
         OWN "D:(A;;FA;;;BU)(A;OICIIO;GA;;;CO)(A;;FR;;;BG)(A;CIIO;GW;;;CO)"},
        {"D:(A;;GA;;;CO)", NULL, false, OWN "D:(A;;FA;;;BU)"},
        {"G:AND:(A;;GA;;;CG)", NULL, false, "O:BUG:AND:(A;;FA;;;AN)"},
    };
    EXPECT_BIRTHS(cases);
}

static void test_inherit__what_is_asked_for_goes_first(void **state)
{
    (void)state;
    static const struct birth_case cases[] = {
        {"D:(A;;FR;;;WD)", "D:(A;OICI;FA;;;WD)", false, OWN "D:(A;;FR;;;WD)"},
        {"D:P(A;;FR;;;WD)", "D:(A;OICI;FA;;;WD)", false, OWN "D:P(A;;FR;;;WD)"},
        {"D:", "D:(A;OICI;FA;;;WD)", false, OWN "D:"},
        {"D:NO_ACCESS_CONTROL", "D:(A;OICI;FA;;;WD)", false, OWN "D:NO_ACCESS_CONTROL"},
        {"O:BU", "D:(A;OICI;FA;;;WD)", false, OWN "D:AI(A;ID;FA;;;WD)"},
        {"G:SY", NULL, false, "O:BUG:SYD:(A;;FA;;;SY)"},
        /* Together only where it is asked for. */
        {"D:AR(A;;FR;;;WD)(A;ID;FX;;;WD)", "D:(A;OICI;FA;;;SY)", false,
         OWN "D:AI(A;;FR;;;WD)(A;ID;FA;;;SY)"},
        {"D:PAR(A;;FR;;;WD)(A;ID;FX;;;WD)", "D:(A;OICI;FA;;;SY)", false,
         OWN "D:P(A;;FR;;;WD)(A;ID;FX;;;WD)"},
        {"D:AR(A;;FR;;;WD)", NULL, false, OWN "D:AI(A;;FR;;;WD)"},
    };
    EXPECT_BIRTHS(cases);
}

static void test_inherit__system_lists(void **state)
{
    (void)state;
    static const struct birth_case cases[] = {
        {NULL, "D:(A;OI;FA;;;WD)S:(AU;OISAFA;FW;;;WD)(ML;OICI;NW;;;LW)", false,
         OWN "D:AI(A;ID;FA;;;WD)S:AI(AU;IDSAFA;FW;;;WD)(ML;ID;NW;;;LW)"},
        {"S:(ML;;NW;;;LW)", "S:(AU;OISA;FW;;;WD)", false, OWN "D:(A;;FA;;;SY)S:(ML;;NW;;;LW)"},
        {"S:(ML;;NW;;;ME)", NULL, false, OWN "D:(A;;FA;;;SY)S:(ML;;NW;;;ME)"},
    };
    EXPECT_BIRTHS(cases);
}

static int asked_by(const char *asked, uint32_t privileges)
{
    const struct birth_case c = {asked, NULL, false, NULL};
    struct kit_token kit;
    char *got = NULL;
    size_t len = 0;
    kit_token(&kit, ME " BA", privileges);
    int r = inherit(&c, &kit.token, &got, &len);
    free(got);
    return r;
}

static void test_inherit__what_a_token_may_not_give(void **state)
{
    (void)state;
    assert_int_equal(asked_by("O:BU", 0), 0);
    assert_int_equal(asked_by("O:SY", 0), LT_EPERM);
    assert_int_equal(asked_by("O:BA", 0), LT_EPERM);
    assert_int_equal(asked_by("O:SY", LT_PRIVILEGE_RESTORE), 0);
    assert_int_equal(asked_by("S:(AU;SA;FA;;;WD)", 0), LT_EPERM);
    assert_int_equal(asked_by("S:(AU;SA;FA;;;WD)", LT_PRIVILEGE_SECURITY), 0);
    assert_int_equal(asked_by("S:(ML;;NW;;;HI)", 0), LT_EPERM);
    assert_int_equal(asked_by("S:(ML;;NW;;;HI)", LT_PRIVILEGE_SECURITY), 0);
    assert_int_equal(asked_by("S:(ML;;NW;;;ME)", 0), 0);
}

/* SDDL has no word for lists that are only a default: the bit is set here. */
static void test_inherit__defaults_give_way_to_the_parent(void **state)
{
    (void)state;
    static const struct {
        const char *parent, *expected;
    } cases[] = {
        {"D:(A;OI;FA;;;SY)", OWN "D:AI(A;ID;FA;;;SY)"},
        {"D:(A;;FA;;;SY)", OWN "D:(A;;FR;;;WD)"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct lt_str asked = kit_sd("D:(A;;FR;;;WD)"), parent = kit_sd(cases[i].parent);
        struct kit_token kit;
        char *got = NULL;
        size_t len = 0;
        ((char *)(uintptr_t)asked.s)[2] |= SD_DACL_DEFAULTED;
        kit_token(&kit, ME, 0);
        assert_int_equal(lt_security_inherit(asked, parent, false, &kit.token, &got, &len), 0);
        kit_expect(got, len, cases[i].expected, cases[i].parent);
        kit_free(asked);
        kit_free(parent);
    }
}

static void test_inherit__no_list_anywhere_is_a_null_one(void **state)
{
    (void)state;
    const struct birth_case c = {NULL, "O:BA", false, NULL};
    struct kit_token kit;
    char *got = NULL;
    size_t len = 0;
    kit_token(&kit, ME, 0);
    assert_int_equal(inherit(&c, &kit.token, &got, &len), 0);
    kit_expect(got, len, OWN "D:NO_ACCESS_CONTROL", "nothing");
}

/* An entry of a type that nobody knows is passed on as it is. */
static void test_inherit__unknown_entries_keep_their_bytes(void **state)
{
    (void)state;
    struct lt_str parent = kit_sd("D:(A;OICI;GA;;;CO)");
    struct sd_aces aces = sd_aces(sd_dacl(parent));
    struct sd_ace *ace = (struct sd_ace *)(uintptr_t)sd_aces_next(&aces);
    struct kit_token kit;
    char *got = NULL;
    size_t len = 0;
    ace->type = 0x77;
    kit_token(&kit, ME, 0);
    assert_int_equal(
        lt_security_inherit((struct lt_str){NULL, 0}, parent, true, &kit.token, &got, &len), 0);
    aces = sd_aces(sd_dacl(lt_strn(got, len)));
    const struct sd_ace *child = sd_aces_next(&aces);
    assert_non_null(child);
    assert_int_equal(child->flags, 0x13);
    assert_int_equal(lt_get_le16(child->size), lt_get_le16(ace->size));
    assert_memory_equal(child + 1, ace + 1, 12);
    assert_int_equal(lt_get_le32(child->mask), 0x10000000);
    assert_null(sd_aces_next(&aces));
    free(got);
    kit_free(parent);
}

/* MS-DTYP 2.4.5: lists with object entries are of revision 4. */
static void test_inherit__revision_is_that_of_the_entries(void **state)
{
    (void)state;
    static const char *const parents[] = {"D:(A;OI;FA;;;WD)(OA;CI;FA;;;WD)", "D:(OA;OI;FA;;;WD)"};
    for (size_t i = 0; i < 2; i++) {
        const struct birth_case c = {NULL, parents[i], false, NULL};
        struct kit_token kit;
        char *got = NULL;
        size_t len = 0;
        kit_token(&kit, ME, 0);
        assert_int_equal(inherit(&c, &kit.token, &got, &len), 0);
        assert_int_equal(sd_dacl(lt_strn(got, len)).s[0], i ? 4 : 2);
        free(got);
    }
}

/* Nearly as many entries as a list can hold; each becomes two in a child directory. */
static void test_inherit__too_long_a_list_is_refused(void **state)
{
    (void)state;
    enum { COUNT = 65535 / 20 - 10 };
    static const char entry[] = "(A;OICI;GA;;;WD)";
    size_t size = sizeof("D:") + COUNT * (sizeof(entry) - 1);
    char *text = malloc(size);
    assert_non_null(text);
    memcpy(text, "D:", 2);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 2 + i * (sizeof(entry) - 1), entry, sizeof(entry));
    struct lt_str parent = kit_sd(text), none = {NULL, 0};
    struct kit_token kit;
    char *got = NULL;
    size_t len = 0;
    kit_token(&kit, ME, 0);
    assert_int_equal(lt_security_inherit(none, parent, true, &kit.token, &got, &len), LT_EINVAL);
    assert_null(got);
    assert_int_equal(lt_security_inherit(none, parent, false, &kit.token, &got, &len), 0);
    assert_int_equal(lt_security_check(lt_strn(got, len)), 0);
    free(got);
    kit_free(parent);
    free(text);
}

static void test_inherit__bad_parts_are_refused(void **state)
{
    (void)state;
    struct lt_str good = kit_sd("O:BUG:BUD:(A;OI;FA;;;WD)"), none = {NULL, 0};
    struct kit_token kit;
    char *got = NULL;
    size_t len = 0;
    kit_token(&kit, ME, 0);
    for (size_t cut = 1; cut < good.len; cut++) {
        struct lt_str bad = lt_strn(good.s, cut);
        assert_int_equal(lt_security_inherit(bad, good, false, &kit.token, &got, &len), LT_EINVAL);
        assert_int_equal(lt_security_inherit(good, bad, false, &kit.token, &got, &len), LT_EINVAL);
    }
    struct lt_str dacl = sd_dacl(good);
    for (size_t cut = 1; cut < dacl.len; cut++) {
        kit.token.default_dacl = lt_strn(dacl.s, cut);
        assert_int_equal(lt_security_inherit(none, none, false, &kit.token, &got, &len), LT_EINVAL);
    }
    assert_null(got);
    kit_free(good);
}

static void test_inherit__nomem(void **state)
{
    (void)state;
    struct lt_str asked = kit_sd("D:AR(A;;FR;;;WD)");
    struct lt_str parent = kit_sd("D:(A;OICI;GA;;;CO)(A;OICI;GA;;;CG)(A;OICI;GA;;;WD)"
                                  "(A;OICI;GA;;;CO)(A;OICI;GA;;;CG)(A;OICI;GA;;;WD)"
                                  "S:(AU;OICISA;GA;;;WD)");
    struct kit_token kit;
    kit_token(&kit, ME, 0);
    FAULT_EACH(n)
    {
        char *got = NULL;
        size_t len = 0;
        int r = lt_security_inherit(asked, parent, true, &kit.token, &got, &len);
        assert_int_equal(r, fault_disarm() ? LT_ENOMEM : 0);
        free(got);
    }
    kit_free(asked);
    kit_free(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inherit__flags_say_who_gets_what),
        cmocka_unit_test(test_inherit__creators_and_generic_rights_are_replaced_here),
        cmocka_unit_test(test_inherit__what_is_asked_for_goes_first),
        cmocka_unit_test(test_inherit__system_lists),
        cmocka_unit_test(test_inherit__what_a_token_may_not_give),
        cmocka_unit_test(test_inherit__defaults_give_way_to_the_parent),
        cmocka_unit_test(test_inherit__no_list_anywhere_is_a_null_one),
        cmocka_unit_test(test_inherit__unknown_entries_keep_their_bytes),
        cmocka_unit_test(test_inherit__revision_is_that_of_the_entries),
        cmocka_unit_test(test_inherit__too_long_a_list_is_refused),
        cmocka_unit_test(test_inherit__bad_parts_are_refused),
        cmocka_unit_test(test_inherit__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
