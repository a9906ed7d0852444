// SPDX-License-Identifier: MIT
/* src/core/security_access.c and token.c: a table of cases, and a second opinion on random ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault.h"
#include "security_kit.h"

#define MAX LT_ACCESS_MAXIMUM_ALLOWED
#define ALL LT_ACCESS_FILE_ALL
#define U KIT_USER
#define ME KIT_USER " BU WD AU"
#define GUID "ab721a53-1e2f-11d0-9819-00aa0040529b"

/* ---- A table of cases ---------------------------------------------------------------------- */

struct access_case {
    const char *sd, *token;
    uint32_t privileges, desired;
    bool intent;
    int error;
    uint32_t granted;
};

static void expect_case(const struct access_case *c)
{
    struct kit_token kit;
    uint32_t granted = 0xdead;
    struct lt_str sd = kit_sd(c->sd);
    kit_token(&kit, c->token, c->privileges);
    int r = lt_security_access(sd, &kit.token, c->desired, c->intent, &granted);
    uint32_t want = c->error ? 0xdead : c->granted;
    if (r != c->error || granted != want)
        fail_msg("%s for %s, 0x%x%s: %d, 0x%x instead of %d, 0x%x", c->sd, c->token,
                 (unsigned)c->desired, c->intent ? " with intent" : "", r, (unsigned)granted,
                 c->error, (unsigned)want);
    kit_free(sd);
}

#define EXPECT_CASES(cases)                                         \
    do {                                                            \
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) \
            expect_case(&(cases)[i]);                               \
    } while (0)

static void test_access__order_decides(void **state)
{
    (void)state;
    static const struct access_case cases[] = {
        {"O:SYD:(A;;FR;;;WD)", ME, 0, 0x120089, false, 0, 0x120089},
        {"O:SYD:(A;;FR;;;WD)", ME, 0, 0x12008b, false, LT_EACCES, 0},
        {"O:SYD:(A;;FR;;;SY)", ME, 0, 0x1, false, LT_EACCES, 0},
        {"O:SYD:(D;;FR;;;BU)(A;;FA;;;WD)", ME, 0, 0x1, false, LT_EACCES, 0},
        {"O:SYD:(A;;FA;;;WD)(D;;FR;;;BU)", ME, 0, 0x1, false, 0, 0x1},
        {"O:SYD:(A;;0x1;;;WD)(D;;0x3;;;BU)(A;;0x2;;;WD)", ME, 0, 0x3, false, LT_EACCES, 0},
        {"O:SYD:(A;;0x1;;;BU)(A;;0x2;;;" U ")", ME, 0, 0x3, false, 0, 0x3},
        {"O:SYD:(D;;0x4;;;WD)(A;;0x7;;;WD)", ME, 0, MAX, false, 0, 0x3},
        {"O:SYD:(A;;0x4;;;WD)(D;;0x7;;;WD)(A;;FA;;;WD)", ME, 0, MAX, false, 0, 0x1f01fc},
        {"O:SYD:(A;;0x7;;;WD)", ME, 0, MAX | 0x2, false, 0, 0x7},
        {"O:SYD:(A;;0x7;;;WD)", ME, 0, MAX | 0x8, false, LT_EACCES, 0},
        {"O:SYD:(D;;FA;;;WD)", ME, 0, MAX, false, LT_EACCES, 0},
        {"O:SYD:(A;;0x7;;;WD)", ME, 0, 0, false, 0, 0},
    };
    EXPECT_CASES(cases);
}

static void test_access__generic_rights_are_those_of_files(void **state)
{
    (void)state;
    static const struct access_case cases[] = {
        {"O:SYD:(A;;FR;;;WD)", ME, 0, 0x80000000u, false, 0, 0x120089},
        {"O:SYD:(A;;GR;;;WD)", ME, 0, MAX, false, 0, 0x120089},
        {"O:SYD:(A;;GW;;;WD)", ME, 0, MAX, false, 0, 0x120116},
        {"O:SYD:(A;;GX;;;WD)", ME, 0, MAX, false, 0, 0x1200a0},
        {"O:SYD:(A;;GA;;;WD)", ME, 0, LT_ACCESS_GENERIC_ALL, false, 0, ALL},
        {"O:SYD:(D;;GW;;;BU)(A;;GA;;;WD)", ME, 0, MAX, false, 0, ALL & ~0x120116},
    };
    EXPECT_CASES(cases);
}

static void test_access__no_list_is_not_an_empty_one(void **state)
{
    (void)state;
    static const struct access_case cases[] = {
        {"O:SY", ME, 0, MAX, false, 0, ALL},
        {"O:SYD:NO_ACCESS_CONTROL", ME, 0, ALL, false, 0, ALL},
        {"O:SYD:NO_ACCESS_CONTROL", ME, 0, LT_ACCESS_SYSTEM_SECURITY, false, LT_EPERM, 0},
        {"O:SYD:", ME, 0, 0x1, false, LT_EACCES, 0},
        {"O:SYD:", ME, 0, MAX, false, LT_EACCES, 0},
        {"O:" U "D:", ME, 0, MAX, false, 0, 0x60000},
        {"D:", ME, 0, MAX, false, LT_EACCES, 0},
    };
    EXPECT_CASES(cases);
}

static void test_access__owners(void **state)
{
    (void)state;
    static const struct access_case cases[] = {
        /* Even what is denied to them by name. */
        {"O:" U "D:(D;;FA;;;WD)", ME, 0, 0x60000, false, 0, 0x60000},
        {"O:" U "D:(A;;0x1;;;WD)", ME, 0, MAX, false, 0, 0x60001},
        {"O:BUD:(A;;0x1;;;WD)", ME, 0, MAX, false, 0, 0x60001},
        {"O:BUD:(A;;0x1;;;WD)", U " WD -BU", 0, MAX, false, 0, 0x1},
        {"O:BUD:(A;;0x1;;;WD)", U " WD !BU", 0, MAX, false, 0, 0x1},
        /* OWNER RIGHTS instead of the implied ones. */
        {"O:" U "D:(A;;0x1;;;OW)", ME, 0, MAX, false, 0, 0x1},
        {"O:" U "D:(A;;0x1;;;OW)", ME, 0, 0x20000, false, LT_EACCES, 0},
        {"O:" U "D:(D;;0x2;;;OW)(A;;FA;;;WD)", ME, 0, MAX, false, 0, ALL & ~2},
        {"O:" U "D:(A;IO;0x1;;;OW)", ME, 0, MAX, false, 0, 0x60000},
        {"O:SYD:(A;;FA;;;OW)", ME, 0, 0x1, false, LT_EACCES, 0},
        /* An owner for denying only. */
        {"O:BUD:(D;;0x1;;;OW)(A;;0x3;;;WD)", U " WD -BU", 0, MAX, false, 0, 0x2},
        {"O:BUD:(A;;0x3;;;OW)", U " WD -BU", 0, MAX, false, LT_EACCES, 0},
    };
    EXPECT_CASES(cases);
}

static void test_access__groups_for_denying_only(void **state)
{
    (void)state;
    static const struct access_case cases[] = {
        {"O:SYD:(A;;FA;;;BA)", U " -BA WD", 0, 0x1, false, LT_EACCES, 0},
        {"O:SYD:(D;;0x1;;;BA)(A;;0x3;;;WD)", U " -BA WD", 0, MAX, false, 0, 0x2},
        {"O:SYD:(D;;0x1;;;BA)(A;;0x3;;;WD)", U " !BA WD", 0, MAX, false, 0, 0x3},
        {"O:SYD:(A;;FA;;;BA)", U " !BA WD", 0, 0x1, false, LT_EACCES, 0},
    };
    EXPECT_CASES(cases);
}

static void test_access__other_kinds_of_entries(void **state)
{
    (void)state;
    static const struct access_case cases[] = {
        {"O:SYD:(A;OICIIO;FA;;;WD)", ME, 0, 0x1, false, LT_EACCES, 0},
        {"O:SYD:(D;IO;FA;;;WD)(A;OICINPID;0x1;;;WD)", ME, 0, 0x1, false, 0, 0x1},
        {"O:SYD:(OA;;0x1;;;WD)", ME, 0, 0x1, false, 0, 0x1},
        {"O:SYD:(OA;;0x1;;" GUID ";WD)", ME, 0, 0x1, false, 0, 0x1},
        {"O:SYD:(OA;;0x1;" GUID ";;WD)", ME, 0, 0x1, false, LT_EACCES, 0},
        {"O:SYD:(OD;;0x1;" GUID ";;WD)(A;;0x3;;;WD)", ME, 0, MAX, false, 0, 0x2},
        {"O:SYD:(AU;;FA;;;WD)(AL;;FA;;;WD)", ME, 0, 0x1, false, LT_EACCES, 0},
    };
    EXPECT_CASES(cases);
}

static void test_access__denying_only_wins_over_enabled(void **state)
{
    (void)state;
    struct kit_token kit;
    uint32_t granted = 0;
    struct lt_str sd = kit_sd("O:SYD:(A;;0x1;;;BA)(A;;0x2;;;WD)");
    kit_token(&kit, U " BA WD", 0);
    assert_int_equal(lt_security_access(sd, &kit.token, MAX, false, &granted), 0);
    assert_int_equal(granted, 0x3);
    kit.groups[0].flags |= LT_SID_DENY_ONLY;
    assert_int_equal(lt_security_access(sd, &kit.token, MAX, false, &granted), 0);
    assert_int_equal(granted, 0x2);
    kit_free(sd);
}

/* An entry (A;;0x3;;;WD) or (D;...) of this type before (A;;0x1;;;WD): SDDL has no words for it. */
static int with_first_type(uint8_t type, uint32_t desired)
{
    struct kit_token kit;
    uint32_t granted;
    struct lt_str sd = kit_sd("O:SYD:(A;;0x3;;;WD)(A;;0x1;;;WD)");
    struct sd_aces aces = sd_aces(sd_dacl(sd));
    ((struct sd_ace *)(uintptr_t)sd_aces_next(&aces))->type = type;
    kit_token(&kit, ME, 0);
    int r = lt_security_access(sd, &kit.token, desired, false, &granted);
    kit_free(sd);
    return r;
}

static void test_access__conditions_are_not_fulfilled(void **state)
{
    (void)state;
    assert_int_equal(with_first_type(SD_ACE_ALLOW, 0x2), 0);
    assert_int_equal(with_first_type(SD_ACE_ALLOW_CALLBACK, 0x2), LT_EACCES);
    assert_int_equal(with_first_type(SD_ACE_ALLOW_CALLBACK, 0x1), 0);
    assert_int_equal(with_first_type(SD_ACE_DENY_CALLBACK, 0x1), LT_EACCES);
    assert_int_equal(with_first_type(0x77, 0x1), 0);
    assert_int_equal(with_first_type(0x77, 0x2), LT_EACCES);
}

static void test_access__privileges(void **state)
{
    (void)state;
    enum {
        ACL = LT_ACCESS_SYSTEM_SECURITY,
        SEC = LT_PRIVILEGE_SECURITY,
        TAKE = LT_PRIVILEGE_TAKE_OWNERSHIP,
        BACKUP = LT_PRIVILEGE_BACKUP,
        RESTORE = LT_PRIVILEGE_RESTORE
    };
    static const struct access_case cases[] = {
        {"O:SYD:(A;;FA;;;WD)", ME, 0, ACL, false, LT_EPERM, 0},
        {"O:SYD:(A;;0x11f01ff;;;WD)", ME, 0, ACL, false, LT_EPERM, 0},
        {"O:SYD:(A;;0x11f01ff;;;WD)", ME, SEC, MAX, false, 0, ALL},
        {"O:SYD:(A;;0x1;;;WD)", ME, SEC, ACL | 1, false, 0, ACL | 1},
        {"O:SYD:(A;;0x1;;;WD)", ME, SEC, ACL | 2, false, LT_EACCES, 0},
        {"O:SYD:(A;;0x1;;;WD)", ME, SEC, ACL | MAX, false, 0, ACL | 1},
        {"O:SYD:", ME, TAKE, 0x80000, false, 0, 0x80000},
        {"O:SYD:(D;;WO;;;WD)(A;;0x1;;;WD)", ME, TAKE, 0x80001, false, 0, 0x80001},
        {"O:SYD:(A;;0x1;;;WD)", ME, TAKE, MAX, false, 0, 0x1},
        {"O:SYD:", ME, BACKUP, 0x120089, false, LT_EACCES, 0},
        {"O:SYD:", ME, BACKUP, 0x1200a9, true, 0, 0x1200a9},
        {"O:SYD:", ME, BACKUP, ACL, true, 0, ACL},
        {"O:SYD:", ME, BACKUP, 0x2, true, LT_EACCES, 0},
        {"O:SYD:", ME, RESTORE, 0x1, true, LT_EACCES, 0},
        {"O:SYD:", ME, RESTORE, 0x1f0116, true, 0, 0x1f0116},
        {"O:SYD:", ME, RESTORE, 0x2, false, LT_EACCES, 0},
        {"O:SYD:", ME, BACKUP | RESTORE, MAX, true, 0, 0x1f01bf},
        {"O:SYD:(A;;0x40;;;WD)", ME, BACKUP | RESTORE, ALL, true, 0, ALL},
    };
    EXPECT_CASES(cases);
}

static void test_access__mandatory_labels(void **state)
{
    (void)state;
    enum { WRITES = ALL & ~0x1200a9 };
    static const struct access_case cases[] = {
        /* Without a label: medium, no write up. */
        {"O:SYD:(A;;FA;;;WD)", U " WD LW", 0, MAX, false, 0, ALL & ~WRITES},
        {"O:SYD:(A;;FA;;;WD)", U " WD LW", 0, 0x2, false, LT_EACCES, 0},
        {"O:SYD:(A;;FA;;;WD)", U " WD ME", 0, ALL, false, 0, ALL},
        {"O:SYD:(A;;FA;;;WD)", U " WD", 0, ALL, false, 0, ALL},
        {"O:SYS:(ML;;NW;;;HI)", U " WD ME", 0, MAX, false, 0, ALL & ~WRITES},
        {"O:SYS:(ML;;NW;;;HI)", U " WD HI", 0, MAX, false, 0, ALL},
        {"O:SYS:(ML;;NW;;;HI)", U " WD SI", 0, MAX, false, 0, ALL},
        {"O:SYS:(ML;;NW;;;LW)", U " WD LW", 0, MAX, false, 0, ALL},
        {"O:SYS:(ML;;NR;;;HI)", U " WD ME", 0, MAX, false, 0, ALL & ~0x9},
        {"O:SYS:(ML;;NX;;;HI)", U " WD ME", 0, MAX, false, 0, ALL & ~0x20},
        {"O:SYS:(ML;;NWNRNX;;;HI)", U " WD ME", 0, 0x120080, false, 0, 0x120080},
        {"O:SYS:(ML;OICIIO;NWNR;;;HI)", U " WD ME", 0, MAX, false, 0, ALL},
        {"O:SYS:(AU;SA;FA;;;WD)(ML;;NW;;;HI)(ML;;NW;;;LW)", U " WD ME", 0, 0x2, false, LT_EACCES,
         0},
        /* Before owners and privileges. */
        {"O:" U "D:S:(ML;;NW;;;HI)", U " WD ME", 0, MAX, false, 0, 0x20000},
        {"O:SYS:(ML;;NW;;;HI)", U " WD ME", LT_PRIVILEGE_TAKE_OWNERSHIP, 0x80000, false, LT_EACCES,
         0},
    };
    EXPECT_CASES(cases);
}

static void test_access__bad_descriptors_are_refused(void **state)
{
    (void)state;
    struct kit_token kit;
    uint32_t granted = 7;
    struct lt_str sd = kit_sd("O:SYG:SYD:(OA;;FA;" GUID ";;WD)(A;;FA;;;WD)S:(ML;;NW;;;LW)");
    kit_token(&kit, ME, 0);
    for (size_t len = 0; len < sd.len; len++)
        assert_int_equal(lt_security_access(lt_strn(sd.s, len), &kit.token, 1, false, &granted),
                         LT_EINVAL);
    assert_int_equal(granted, 7);
    assert_int_equal(lt_security_access(sd, &kit.token, 1, false, &granted), 0);
    kit_free(sd);
}

/* Entries of known types whose SID is not there. */
static void test_access__entries_without_sids_are_refused(void **state)
{
    (void)state;
    static const uint8_t types[] = {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x11};
    for (size_t i = 0; i < sizeof(types); i++) {
        struct lt_str sd = kit_sd("D:(OA;;FA;" GUID ";" GUID ";WD)");
        struct sd_aces aces = sd_aces(sd_dacl(sd));
        char *ace = (char *)(uintptr_t)sd_aces_next(&aces);
        ace[0] = (char)types[i];
        bool object = sd_ace_is_object(types[i]);
        /* The flags of an object entry are no SID to others; its SID has a revision of 1. */
        ace[object ? 8 + 4 + 32 : 8] = 9;
        assert_int_equal(lt_security_check(sd), LT_EINVAL);
        ace[0] = 0x77;
        assert_int_equal(lt_security_check(sd), 0);
        kit_free(sd);
    }
}

/* ---- A second opinion ---------------------------------------------------------------------- */

enum { POOL = 7, ENTRIES = 6 };
/* The owner RIGHTS are the last: they stand for somebody of the others. */
static const char *const pool[POOL] = {KIT_USER, "BU", "BA", "WD", "SY", KIT_OTHER, "OW"};

struct guess_entry {
    unsigned who;
    bool deny, inherit_only, object, guid;
    uint32_t mask;
};

struct guess {
    int owner; /* of the pool, or -1 */
    bool has_list;
    struct guess_entry entries[ENTRIES];
    unsigned count;
    int label, policy; /* level / 0x1000, or -1 */
    unsigned
        group_kind[POOL]; /* 0: not in the token, 1: enabled, 2: for denying only, 3: disabled */
    int integrity;        /* level / 0x1000, or -1 */
    uint32_t privileges, desired;
    bool intent;
};

static uint32_t random_mask(uint64_t *random)
{
    static const uint32_t words[] = {0x120089,    0x120116,    0x1200a0,    0x1f01ff,   0x80000000u,
                                     0x40000000u, 0x20000000u, 0x10000000u, 0x1000000u, 0x60000};
    uint32_t pick = kit_random(random) % 16;
    return pick < 10 ? words[pick] : 1u << kit_random(random) % 9 | 1u << kit_random(random) % 21;
}

static void make_guess(struct guess *g, uint64_t *random)
{
    *g = (struct guess){.owner = (int)(kit_random(random) % 7) - 1};
    g->has_list = kit_random(random) % 16 != 0;
    g->count = kit_random(random) % (ENTRIES + 1);
    for (unsigned i = 0; i < g->count; i++) {
        uint32_t bits = kit_random(random);
        g->entries[i] = (struct guess_entry){.who = kit_random(random) % POOL,
                                             .deny = bits & 1,
                                             .inherit_only = (bits >> 1 & 7) == 0,
                                             .object = (bits >> 4 & 3) == 0,
                                             .guid = bits >> 6 & 1,
                                             .mask = random_mask(random)};
    }
    g->label = (int)(kit_random(random) % 10) - 5; /* mostly none */
    g->policy = (int)(kit_random(random) % 8);
    g->integrity = (int)(kit_random(random) % 6) - 1;
    for (unsigned i = 1; i < POOL - 1; i++)
        g->group_kind[i] = kit_random(random) % 4;
    g->privileges = kit_random(random) & kit_random(random) & 0xf;
    g->desired = kit_random(random) % 4 ? random_mask(random) : MAX;
    if (kit_random(random) % 4 == 0)
        g->desired |= random_mask(random) | MAX;
    g->intent = kit_random(random) & 1;
}

static struct lt_str sd_of_guess(const struct guess *g, char *text, size_t size)
{
    size_t len = 0;
    text[0] = 0;
    if (g->owner >= 0)
        len += (size_t)snprintf(text, size, "O:%s", pool[g->owner]);
    len += (size_t)snprintf(text + len, size - len, g->has_list ? "D:" : "D:NO_ACCESS_CONTROL");
    for (unsigned i = 0; g->has_list && i < g->count; i++) {
        const struct guess_entry *e = &g->entries[i];
        len +=
            (size_t)snprintf(text + len, size - len, "(%s%s;%s;0x%x;%s;;%s)", e->object ? "O" : "",
                             e->deny ? "D" : "A", e->inherit_only ? "IO" : "", (unsigned)e->mask,
                             e->object && e->guid ? GUID : "", pool[e->who]);
    }
    if (g->label >= 0)
        snprintf(text + len, size - len, "S:(ML;;0x%x;;;S-1-16-%d)", (unsigned)g->policy,
                 g->label * 0x1000);
    return kit_sd(text);
}

static void token_of_guess(const struct guess *g, struct kit_token *kit)
{
    char text[300];
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", pool[0]);
    for (unsigned i = 1; i < POOL - 1; i++) {
        if (g->group_kind[i])
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %s%s",
                                    &"\0\0-\0!"[2 * (g->group_kind[i] - 1)], pool[i]);
    }
    if (g->integrity >= 0)
        snprintf(text + len, sizeof(text) - len, " S-1-16-%d", g->integrity * 0x1000);
    kit_token(kit, text, g->privileges);
}

static bool is_in_token(const struct guess *g, int who, bool deny)
{
    if (who == POOL - 1) /* OWNER RIGHTS */
        return g->owner >= 0 && g->owner != POOL - 1 && is_in_token(g, g->owner, deny);
    if (who == 0)
        return true;
    return g->group_kind[who] == 1 || (deny && g->group_kind[who] == 2);
}

/* Whether the generic rights in a mask hold this single right. */
static bool mask_has(uint32_t mask, uint32_t right)
{
    return (mask & right) || ((mask & 0x80000000u) && (right & 0x120089)) ||
           ((mask & 0x40000000) && (right & 0x120116)) ||
           ((mask & 0x20000000) && (right & 0x1200a0)) ||
           ((mask & 0x10000000) && (right & 0x1f01ff));
}

/* One single right, asked by name or not: every rule in turn, nothing remembered. */
static bool has_right(const struct guess *g, uint32_t right, bool by_name)
{
    int level = g->integrity >= 0 ? g->integrity : 2, label = g->label >= 0 ? g->label : 2;
    int policy = g->label >= 0 ? g->policy : 1;
    bool reads = right & 0x120089, writes = right & 0x120116, executes = right & 0x1200a0;
    bool owners = false;
    if (level < label && right != LT_ACCESS_SYSTEM_SECURITY) {
        bool only_read = reads && !writes && !executes;
        bool only_execute = executes && !reads && !writes;
        bool only_write = !reads && !executes && (right & ALL);
        if ((only_read && (policy & 2)) || (only_execute && (policy & 4)) ||
            (only_write && (policy & 1)))
            return false;
    }
    if (g->intent && (g->privileges & LT_PRIVILEGE_BACKUP) &&
        (reads || executes || right == LT_ACCESS_SYSTEM_SECURITY))
        return true;
    if (g->intent && (g->privileges & LT_PRIVILEGE_RESTORE) && (writes || (right & 0x10d0000)))
        return true;
    if (right == LT_ACCESS_SYSTEM_SECURITY)
        return by_name && (g->privileges & LT_PRIVILEGE_SECURITY);
    if (right == LT_ACCESS_WRITE_OWNER && by_name && (g->privileges & LT_PRIVILEGE_TAKE_OWNERSHIP))
        return true;
    if (!g->has_list)
        return true;
    for (unsigned i = 0; i < g->count; i++) {
        const struct guess_entry *e = &g->entries[i];
        if (e->who == POOL - 1 && !e->inherit_only && (e->deny || !e->object || !e->guid))
            owners = true;
    }
    if ((right & 0x60000) && !owners && is_in_token(g, POOL - 1, false))
        return true;
    for (unsigned i = 0; i < g->count; i++) {
        const struct guess_entry *e = &g->entries[i];
        if (e->inherit_only || !is_in_token(g, (int)e->who, e->deny) || !mask_has(e->mask, right))
            continue;
        if (e->deny)
            return false;
        if (!e->object || !e->guid)
            return true;
    }
    return false;
}

static int second_opinion(const struct guess *g, uint32_t *ret)
{
    uint32_t granted = 0;
    bool maximum = g->desired & MAX, refused = false;
    for (unsigned bit = 0; bit < 25; bit++) {
        uint32_t right = 1u << bit;
        bool by_name = mask_has(g->desired & ~(uint32_t)MAX, right);
        if (!by_name && (!maximum || !(right & ALL)))
            continue;
        if (has_right(g, right, by_name))
            granted |= right;
        else if (by_name && right == LT_ACCESS_SYSTEM_SECURITY)
            return LT_EPERM;
        else if (by_name)
            refused = true;
    }
    if (refused || granted == 0)
        return LT_EACCES;
    *ret = granted;
    return 0;
}

static void test_access__agrees_with_a_second_opinion(void **state)
{
    (void)state;
    uint64_t random = 42;
    unsigned outcomes[3] = {0};
    for (int i = 0; i < 100000; i++) {
        char text[1000];
        struct guess g;
        struct kit_token kit;
        uint32_t got = 0, want = 0;
        make_guess(&g, &random);
        token_of_guess(&g, &kit);
        struct lt_str sd = sd_of_guess(&g, text, sizeof(text));
        int r = lt_security_access(sd, &kit.token, g.desired, g.intent, &got);
        int expected = second_opinion(&g, &want);
        if (r != expected || got != want)
            fail_msg("%d: %s, privileges 0x%x, desired 0x%x, intent %d: %d, 0x%x and %d, 0x%x", i,
                     text, (unsigned)g.privileges, (unsigned)g.desired, g.intent, r, (unsigned)got,
                     expected, (unsigned)want);
        outcomes[r == 0 ? 0 : r == LT_EACCES ? 1 : 2]++;
        kit_free(sd);
    }
    /* The random cases are about something. */
    for (int i = 0; i < 3; i++)
        assert_true(outcomes[i] > 1000);
}

/* ---- Tokens -------------------------------------------------------------------------------- */

static bool has_group(const struct lt_token *token, const char *text)
{
    struct lt_sid sid = kit_sid(text);
    for (size_t i = 0; i < token->group_count; i++) {
        if (token->groups[i].flags == LT_SID_ENABLED && lt_sid_equal(&token->groups[i].sid, &sid))
            return true;
    }
    return false;
}

static void test_token__of_a_posix_caller(void **state)
{
    (void)state;
    const uint32_t groups[] = {5, 1003};
    const struct lt_ctx ctx = {
        .uid = 1001, .gid = 1002, .groups = groups, .group_count = 2, .pid = 77};
    struct lt_token *token = NULL;
    struct lt_sid user = kit_sid("S-1-22-1-1001"), group = kit_sid("S-1-22-2-1002");
    assert_int_equal(lt_token_from_ctx(&ctx, &token), 0);
    assert_true(lt_sid_equal(&token->user, &user));
    assert_true(lt_sid_equal(&token->owner, &user));
    assert_true(lt_sid_equal(&token->primary_group, &group));
    assert_true(has_group(token, "S-1-22-2-1002") && has_group(token, "S-1-5-5"));
    assert_true(has_group(token, "S-1-22-2-1003") && has_group(token, "WD"));
    assert_true(has_group(token, "AU") && !has_group(token, "BA"));
    assert_int_equal(token->privileges, LT_PRIVILEGE_TRAVERSE);
    assert_int_equal(token->pid, 77);
    assert_int_equal(sd_acl_check(token->default_dacl), 0);
    struct lt_sid other = kit_sid(KIT_OTHER);
    assert_true(lt_token_may_give(token, &user));
    assert_false(lt_token_may_give(token, &other));
    assert_false(lt_token_may_give(token, &group));
    free(token);
}

static void test_token__of_root(void **state)
{
    (void)state;
    struct lt_token *token = NULL;
    struct lt_sid system = kit_sid("SY"), other = kit_sid(KIT_OTHER);
    uint32_t granted = 0;
    char *sd = NULL;
    size_t len = 0;
    assert_int_equal(lt_token_from_ctx(NULL, &token), 0);
    assert_true(lt_sid_equal(&token->user, &system));
    assert_true(has_group(token, "BA") && has_group(token, "WD"));
    assert_int_equal(token->privileges, 0x7f);
    assert_true(lt_token_may_give(token, &other));
    /* What uid 0 owns is root's. */
    assert_int_equal(lt_security_from_mode(0, 0, LT_S_IFREG | 0700, &sd, &len), 0);
    assert_int_equal(
        lt_security_access(lt_strn(sd, len), token, LT_ACCESS_FILE_ALL, false, &granted), 0);
    free(sd);
    free(token);
}

static void test_token__nomem(void **state)
{
    (void)state;
    const struct lt_ctx ctx = {.uid = 1001, .gid = 1002};
    FAULT_EACH(n)
    {
        struct lt_token *token = NULL;
        int r = lt_token_from_ctx(&ctx, &token);
        assert_int_equal(r, fault_disarm() ? LT_ENOMEM : 0);
        free(token);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access__order_decides),
        cmocka_unit_test(test_access__generic_rights_are_those_of_files),
        cmocka_unit_test(test_access__no_list_is_not_an_empty_one),
        cmocka_unit_test(test_access__owners),
        cmocka_unit_test(test_access__groups_for_denying_only),
        cmocka_unit_test(test_access__denying_only_wins_over_enabled),
        cmocka_unit_test(test_access__other_kinds_of_entries),
        cmocka_unit_test(test_access__conditions_are_not_fulfilled),
        cmocka_unit_test(test_access__privileges),
        cmocka_unit_test(test_access__mandatory_labels),
        cmocka_unit_test(test_access__bad_descriptors_are_refused),
        cmocka_unit_test(test_access__entries_without_sids_are_refused),
        cmocka_unit_test(test_access__agrees_with_a_second_opinion),
        cmocka_unit_test(test_token__of_a_posix_caller),
        cmocka_unit_test(test_token__of_root),
        cmocka_unit_test(test_token__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
