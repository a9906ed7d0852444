// SPDX-License-Identifier: MIT
/* src/core/security_mode.c: every mode as a descriptor and back, and what it grants to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "security_kit.h"

static const struct {
    uint32_t uid, gid;
    bool same; /* one SID */
} owners[] = {
    {1001, 1002, false}, {1001, 1001, false},       {1000, 1000, true},        {0, 0, true},
    {0, 1001, false},    {18, 544, false},          {65534, 65534, true},      {5000, 5000, true},
    {0x10100, 0, false}, {0x10100, 0x10100, false}, {3000000, 4000000, false},
};
#define OWNERS (sizeof(owners) / sizeof(owners[0]))

static struct lt_str made(uint32_t uid, uint32_t gid, uint32_t mode)
{
    char *sd = NULL;
    size_t len = 0;
    assert_int_equal(lt_security_from_mode(uid, gid, mode, &sd, &len), 0);
    assert_int_equal(lt_security_check(lt_strn(sd, len)), 0);
    return lt_strn(sd, len);
}

static void test_mode__all_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < OWNERS; i++) {
        for (uint32_t bits = 0; bits < 2 * 02000; bits++) {
            uint32_t type = bits & 02000 ? LT_S_IFDIR : LT_S_IFREG;
            uint32_t want = type | (bits & 01777), uid = 77777, gid = 77777;
            struct lt_str sd = made(owners[i].uid, owners[i].gid, want);
            for (int k = 0; k < 2; k++) {
                /* Whatever the bits were before; set-uid and set-gid are nobody else's. */
                uint32_t mode = type | (k ? 07777u : 0u), kept = k ? 06000u : 0u;
                assert_int_equal(lt_security_to_mode(sd, &uid, &gid, &mode), 0);
                if (mode != (want | kept) || uid != owners[i].uid || gid != owners[i].gid)
                    fail_msg("%u:%u %o: %u:%u %o", (unsigned)owners[i].uid, (unsigned)owners[i].gid,
                             (unsigned)want, (unsigned)uid, (unsigned)gid, (unsigned)mode);
            }
            kit_free(sd);
        }
    }
}

static bool granted(struct lt_str sd, const struct kit_token *kit, uint32_t desired)
{
    uint32_t ret;
    return lt_security_access(sd, &kit->token, desired, false, &ret) == 0;
}

static void expect_rwx(struct lt_str sd, const struct kit_token *kit, uint32_t rwx, uint32_t mode,
                       const char *who)
{
    uint32_t max = 0;
    assert_int_equal(lt_security_access(sd, &kit->token, LT_ACCESS_MAXIMUM_ALLOWED, false, &max),
                     0);
    uint32_t got = (max & 1 ? 4u : 0) | ((max & 6) == 6 ? 2u : 0) | (max & 0x20 ? 1u : 0);
    bool half = (max & 6) != 0 && (max & 6) != 6;
    if (got != rwx || half || granted(sd, kit, LT_ACCESS_GENERIC_READ) != !!(rwx & 4) ||
        granted(sd, kit, LT_ACCESS_GENERIC_WRITE) != !!(rwx & 2) ||
        granted(sd, kit, LT_ACCESS_GENERIC_EXECUTE) != !!(rwx & 1))
        fail_msg("%s of %o may %x", who, (unsigned)mode, (unsigned)max);
    /* Everybody may see a file's attributes, and its owner change them. */
    assert_int_equal(max & 0x120088, 0x120088);
}

static void make_member(struct kit_token *kit, const struct lt_sid *user,
                        const struct lt_sid *group)
{
    *kit = (struct kit_token){.token.user = *user, .token.group_count = 1};
    kit->groups[0] = (struct lt_token_group){kit_sid("WD"), LT_SID_ENABLED};
    if (group)
        kit->groups[kit->token.group_count++] = (struct lt_token_group){*group, LT_SID_ENABLED};
    kit->token.groups = kit->groups;
}

static bool may_delete_child(struct lt_str sd, const struct kit_token *kit)
{
    return granted(sd, kit, 0x40);
}

static void test_mode__grants_each_class_its_own_bits(void **state)
{
    (void)state;
    struct lt_sid other = kit_sid(KIT_OTHER), uid, gid;
    struct kit_token owner, owner_in_group, member, stranger;
    make_member(&stranger, &other, NULL);
    for (size_t i = 0; i < OWNERS; i++) {
        lt_sid_from_id(owners[i].uid, false, &uid);
        lt_sid_from_id(owners[i].gid, true, &gid);
        assert_int_equal(lt_sid_equal(&uid, &gid), owners[i].same);
        make_member(&owner, &uid, NULL);
        make_member(&owner_in_group, &uid, &gid);
        make_member(&member, &other, &gid);
        for (uint32_t bits = 0; bits < 2 * 02000; bits++) {
            bool dir = bits & 02000, sticky = bits & 01000;
            uint32_t mode = (dir ? LT_S_IFDIR : LT_S_IFREG) | (bits & 01777);
            struct lt_str sd = made(owners[i].uid, owners[i].gid, mode);
            expect_rwx(sd, &owner, bits >> 6 & 7, mode, "owner");
            expect_rwx(sd, &owner_in_group, bits >> 6 & 7, mode, "owner in the group");
            expect_rwx(sd, &stranger, bits & 7, mode, "other");
            assert_true(granted(sd, &owner,
                                LT_ACCESS_DELETE | LT_ACCESS_WRITE_DAC | LT_ACCESS_WRITE_OWNER));
            assert_false(granted(sd, &stranger, LT_ACCESS_DELETE));
            assert_false(granted(sd, &stranger, LT_ACCESS_WRITE_DAC));
            if (!owners[i].same)
                expect_rwx(sd, &member, bits >> 3 & 7, mode, "group");
            if (dir) {
                assert_int_equal(may_delete_child(sd, &owner), !!(bits & 0200));
                assert_int_equal(may_delete_child(sd, &stranger), !sticky && (bits & 02));
                if (!owners[i].same)
                    assert_int_equal(may_delete_child(sd, &member), !sticky && (bits & 020));
            } else if ((bits & 0700) == 0700) {
                assert_true(granted(sd, &owner, LT_ACCESS_GENERIC_ALL));
            }
            kit_free(sd);
        }
    }
}

static void test_mode__looks_like_winfsp(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode;
        const char *text;
    } cases[] = {
        {LT_S_IFREG | 0644, "O:S-1-22-1-1001G:S-1-5-32-545D:P(A;;0x1f01df;;;S-1-22-1-1001)"
                            "(A;;FR;;;BU)(A;;FR;;;WD)"},
        {LT_S_IFDIR | 0775, "O:S-1-22-1-1001G:S-1-5-32-545D:P(A;;0x1f01ff;;;S-1-22-1-1001)"
                            "(A;;0x1201ff;;;BU)(A;;0x1200a9;;;WD)"},
        {LT_S_IFDIR | 01777, "O:S-1-22-1-1001G:S-1-5-32-545D:P(A;;0x1f01ff;;;S-1-22-1-1001)"
                             "(A;;0x1201bf;;;BU)(A;;0x1201bf;;;WD)"},
        {LT_S_IFREG | 0407, "O:S-1-22-1-1001G:S-1-5-32-545D:P(A;;0x1f0199;;;S-1-22-1-1001)"
                            "(D;;0x26;;;S-1-22-1-1001)(A;;0x120088;;;BU)(D;;0x137;;;BU)"
                            "(A;;0x1201bf;;;WD)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lt_str got = made(1001, 545, cases[i].mode), want = kit_sd(cases[i].text);
        char *text = NULL;
        assert_int_equal(lt_sddl_format(want, &text), 0);
        kit_expect((char *)(uintptr_t)got.s, got.len, text, "from_mode");
        free(text);
        kit_free(want);
    }
}

static void test_mode__foreign_descriptors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool dir;
        uint32_t uid, gid, mode;
    } cases[] = {
        {"D:NO_ACCESS_CONTROL", false, 7, 7, 06777},
        {"O:SY", false, 18, 7, 06123},
        {"G:BU", false, 7, 545, 06123},
        {"D:", false, 7, 7, 06000},
        {"O:SYG:BUD:(A;;FA;;;SY)(A;;FR;;;BU)", false, 18, 545, 06740},
        {"O:SYG:BUD:(A;;FA;;;WD)", true, 18, 545, 06777},
        {"O:SYG:BUD:(A;;0x1301bf;;;WD)(A;;FA;;;SY)", true, 18, 545, 07777},
        {"O:SYG:BUD:(A;;GA;;;SY)(A;;GR;;;BU)(A;;GX;;;WD)", false, 18, 545, 06751},
        {"O:SYG:BUD:(D;;FW;;;WD)(A;;FA;;;SY)", false, 18, 545, 06500},
        {"O:SYG:BUD:(A;;FA;;;SY)(D;;FW;;;WD)", false, 18, 545, 06700},
        {"O:SYG:BUD:(A;OICIIO;FA;;;WD)(A;;FR;;;WD)", true, 18, 545, 06444},
        {"O:SYG:BUD:(A;;FA;;;OW)", false, 18, 545, 06700},
        {"O:SYG:BUD:(A;;FA;;;BA)", false, 18, 545, 06000},
        {"O:SYG:BUD:(OA;;FA;;;WD)", false, 18, 545, 06000},
        /* Only writing and appending together is w. */
        {"O:SYG:BUD:(A;;DC;;;SY)(A;;LC;;;BU)(A;;DCLC;;;WD)", false, 18, 545, 06222},
        {"O:SYG:BUD:(A;;DC;;;SY)(A;;LC;;;BU)", false, 18, 545, 06000},
        /* One SID for both, and an entry for each of them or only one. */
        {"O:SYG:SYD:(A;;FA;;;SY)(A;;FR;;;WD)", false, 18, 18, 06774},
        {"O:SYG:SYD:(A;;FA;;;SY)(A;;FR;;;SY)", false, 18, 18, 06740},
        {"O:SYG:SYD:(A;;FR;;;SY)(A;;FW;;;SY)", false, 18, 18, 06660},
        {"O:SYG:SYD:(A;;FA;;;SY)(D;;DT;;;SY)(A;;FR;;;SY)", true, 18, 18, 06740},
        {"O:SYG:SYD:(A;;FA;;;SY)(A;;FR;;;SY)(D;;DT;;;SY)", true, 18, 18, 07740},
        /* A user is nobody's group, and the other way round. */
        {"O:S-1-22-2-2000G:S-1-22-1-2000", false, 65534, 65534, 06123},
        {"O:S-1-5-21-1-2-3-500G:BA", false, 65534, 544, 06123},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t type = cases[i].dir ? LT_S_IFDIR : LT_S_IFREG;
        uint32_t uid = 7, gid = 7, mode = type | 06123;
        struct lt_str sd = kit_sd(cases[i].text);
        assert_int_equal(lt_security_to_mode(sd, &uid, &gid, &mode), 0);
        if (uid != cases[i].uid || gid != cases[i].gid || mode != (type | cases[i].mode))
            fail_msg("%s: %u:%u %o", cases[i].text, (unsigned)uid, (unsigned)gid, (unsigned)mode);
        kit_free(sd);
    }
}

static void test_mode__bad_descriptor_changes_nothing(void **state)
{
    (void)state;
    uint32_t uid = 1, gid = 2, mode = 3;
    struct lt_str sd = kit_sd("O:SYG:BUD:(A;;FA;;;WD)");
    for (size_t len = 0; len < sd.len; len++)
        assert_int_equal(lt_security_to_mode(lt_strn(sd.s, len), &uid, &gid, &mode), LT_EINVAL);
    assert_true(uid == 1 && gid == 2 && mode == 3);
    kit_free(sd);
}

static void test_mode__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        char *sd = NULL;
        size_t len = 0;
        int r = lt_security_from_mode(1001, 1002, LT_S_IFDIR | 0407, &sd, &len);
        assert_int_equal(r, fault_disarm() ? LT_ENOMEM : 0);
        free(sd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode__all_come_back),
        cmocka_unit_test(test_mode__grants_each_class_its_own_bits),
        cmocka_unit_test(test_mode__looks_like_winfsp),
        cmocka_unit_test(test_mode__foreign_descriptors),
        cmocka_unit_test(test_mode__bad_descriptor_changes_nothing),
        cmocka_unit_test(test_mode__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
