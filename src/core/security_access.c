// SPDX-License-Identifier: MIT
/*
 * Access checks. MS-DTYP 2.5.3.2 has the order of things; each right is decided by the first entry
 * that speaks of it, so one pass serves both a list of wanted rights and MAXIMUM_ALLOWED.
 */
#include "token.h"

/* Masks that generic rights of files come to, with the bits that nothing generic is in. */
enum {
    FILE_WRITE_LIKE = LT_ACCESS_FILE_ALL & ~(LT_ACCESS_FILE_READ | LT_ACCESS_FILE_EXECUTE),
    FILE_READ_LIKE = LT_ACCESS_FILE_READ & ~(LT_ACCESS_FILE_WRITE | LT_ACCESS_FILE_EXECUTE),
    FILE_EXECUTE_LIKE = LT_ACCESS_FILE_EXECUTE & ~(LT_ACCESS_FILE_READ | LT_ACCESS_FILE_WRITE),

    /* What the two privileges grant to a backup opening (winnt.h, SE_BACKUP_NAME and
     * SE_RESTORE_NAME in the list of privileges). */
    BACKUP_GRANTS = LT_ACCESS_FILE_READ | LT_ACCESS_FILE_EXECUTE | LT_ACCESS_READ_CONTROL |
                    LT_ACCESS_SYSTEM_SECURITY,
    RESTORE_GRANTS = LT_ACCESS_FILE_WRITE | LT_ACCESS_DELETE | LT_ACCESS_WRITE_DAC |
                     LT_ACCESS_WRITE_OWNER | LT_ACCESS_SYSTEM_SECURITY,

    /* Mandatory labels, MS-DTYP 2.4.4.13. */
    LABEL_NO_WRITE_UP = 0x1,
    LABEL_NO_READ_UP = 0x2,
    LABEL_NO_EXECUTE_UP = 0x4
};

uint32_t lt_access_map_generic(uint32_t mask)
{
    uint32_t mapped = mask & 0x0fffffffu;
    if (mask & LT_ACCESS_GENERIC_READ)
        mapped |= LT_ACCESS_FILE_READ;
    if (mask & LT_ACCESS_GENERIC_WRITE)
        mapped |= LT_ACCESS_FILE_WRITE;
    if (mask & LT_ACCESS_GENERIC_EXECUTE)
        mapped |= LT_ACCESS_FILE_EXECUTE;
    if (mask & LT_ACCESS_GENERIC_ALL)
        mapped |= LT_ACCESS_FILE_ALL;
    return mapped;
}

/* ---- Mandatory labels ---------------------------------------------------------------------- */

/* What the label forbids to somebody less trustworthy than it. Without one, an object is of medium
 * integrity and must not be written up to. */
static uint32_t forbidden_by_label(struct lt_str sd, const struct lt_token *token)
{
    uint32_t level = INTEGRITY_MEDIUM, policy = LABEL_NO_WRITE_UP;
    struct sd_aces aces = sd_aces(sd_sacl(sd));
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces))) {
        struct lt_sid sid;
        if (ace->type != SD_ACE_LABEL || (ace->flags & SD_ACE_INHERIT_ONLY) ||
            !sd_ace_sid(ace, &sid) || sid.authority != INTEGRITY_AUTHORITY || sid.sub_count != 1)
            continue;
        level = sid.subs[0];
        policy = lt_get_le32(ace->mask);
        break;
    }
    if (token_integrity(token) >= level)
        return 0;
    return (policy & LABEL_NO_WRITE_UP ? (uint32_t)FILE_WRITE_LIKE : 0) |
           (policy & LABEL_NO_READ_UP ? (uint32_t)FILE_READ_LIKE : 0) |
           (policy & LABEL_NO_EXECUTE_UP ? (uint32_t)FILE_EXECUTE_LIKE : 0);
}

/* ---- The list ------------------------------------------------------------------------------ */

enum effect { NOTHING, GRANTS, DENIES };

/*
 * What an entry is for, whomever it names. Nobody passes a type of object here, and conditions are
 * not evaluated: what holds for a part of an object or under a condition does not grant, and does
 * deny (MS-DTYP 2.4.4.17: unknown conditions).
 */
static enum effect effect_of(const struct sd_ace *ace)
{
    struct lt_le32 guids;
    if (ace->flags & SD_ACE_INHERIT_ONLY)
        return NOTHING;
    switch (ace->type) {
    case SD_ACE_ALLOW:
        return GRANTS;
    case SD_ACE_ALLOW_OBJECT:
        memcpy(&guids, ace + 1, sizeof(guids));
        return lt_get_le32(guids) & SD_ACE_OBJECT_TYPE ? NOTHING : GRANTS;
    case SD_ACE_DENY:
    case SD_ACE_DENY_OBJECT:
    case SD_ACE_DENY_CALLBACK:
    case SD_ACE_DENY_CALLBACK_OBJECT:
        return DENIES;
    default:
        return NOTHING;
    }
}

struct asker {
    const struct lt_token *token;
    bool owns;        /* he is the owner */
    bool owns_denied; /* he is the owner where something is denied to him */
};

static bool is_named(const struct asker *asker, const struct lt_sid *sid, bool deny)
{
    if (sd_is_well_known(sid, 3, 4)) /* OWNER RIGHTS */
        return deny ? asker->owns_denied : asker->owns;
    return token_has(asker->token, sid, deny);
}

/* Owners may read and write the DACL, unless an entry for OWNER RIGHTS says what they may. */
static uint32_t implied_by_owner(const struct asker *asker, struct lt_str dacl)
{
    struct sd_aces aces = sd_aces(dacl);
    const struct sd_ace *ace;
    if (!asker->owns)
        return 0;
    while ((ace = sd_aces_next(&aces))) {
        struct lt_sid sid;
        if (effect_of(ace) != NOTHING && sd_ace_sid(ace, &sid) && sd_is_well_known(&sid, 3, 4))
            return 0;
    }
    return LT_ACCESS_READ_CONTROL | LT_ACCESS_WRITE_DAC;
}

static uint32_t granted_by_list(const struct asker *asker, struct lt_str dacl)
{
    uint32_t granted = implied_by_owner(asker, dacl), denied = 0;
    struct sd_aces aces = sd_aces(dacl);
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces))) {
        enum effect effect = effect_of(ace);
        struct lt_sid sid;
        if (effect == NOTHING || !sd_ace_sid(ace, &sid) || !is_named(asker, &sid, effect == DENIES))
            continue;
        uint32_t mask = lt_access_map_generic(lt_get_le32(ace->mask));
        if (effect == GRANTS)
            granted |= mask & ~denied;
        else
            denied |= mask & ~granted;
    }
    return granted;
}

/* ---- Privileges ---------------------------------------------------------------------------- */

/* What privileges grant. Those that any opening uses count for what is asked by name only. */
static uint32_t granted_by_privilege(const struct lt_token *token, uint32_t desired, bool intent)
{
    uint32_t granted = 0;
    if (token->privileges & LT_PRIVILEGE_SECURITY)
        granted |= LT_ACCESS_SYSTEM_SECURITY & desired;
    if (token->privileges & LT_PRIVILEGE_TAKE_OWNERSHIP)
        granted |= LT_ACCESS_WRITE_OWNER & desired;
    if (intent && (token->privileges & LT_PRIVILEGE_BACKUP))
        granted |= BACKUP_GRANTS;
    if (intent && (token->privileges & LT_PRIVILEGE_RESTORE))
        granted |= RESTORE_GRANTS;
    return granted;
}

int lt_security_access(struct lt_str descriptor, const struct lt_token *token, uint32_t desired,
                       bool intent, uint32_t *ret)
{
    if (lt_security_check(descriptor) < 0)
        return LT_EINVAL;
    struct asker asker = {.token = token};
    struct lt_sid owner;
    if (sd_owner(descriptor, &owner)) {
        asker.owns = token_has(token, &owner, false);
        asker.owns_denied = token_has(token, &owner, true);
    }
    struct lt_str dacl = sd_dacl(descriptor);
    bool maximum = desired & LT_ACCESS_MAXIMUM_ALLOWED;
    desired = lt_access_map_generic(desired) & ~(uint32_t)LT_ACCESS_MAXIMUM_ALLOWED;

    uint32_t privileged = granted_by_privilege(token, desired, intent);
    if (desired & ~privileged & LT_ACCESS_SYSTEM_SECURITY)
        return LT_EPERM;
    uint32_t granted = dacl.s ? granted_by_list(&asker, dacl) : UINT32_MAX;
    granted = (granted & ~(uint32_t)LT_ACCESS_SYSTEM_SECURITY) | privileged;
    granted &= ~forbidden_by_label(descriptor, token);
    if (desired & ~granted)
        return LT_EACCES;
    if (maximum)
        desired |= granted & LT_ACCESS_FILE_ALL;
    if (maximum && desired == 0)
        return LT_EACCES;
    *ret = desired;
    return 0;
}
