// SPDX-License-Identifier: MIT
/*
 * The descriptor of a new object (MS-DTYP 2.5.3.4).
 *
 * A list comes from the first of these that there is:
 *   1. the one asked for, unless it is marked as a default and the parent passes entries on;
 *      with AUTO_INHERIT_REQ, and not protected, followed by the parent's
 *   2. the entries that the parent passes on
 *   3. the token's default (the DACL only)
 */
#include "security_build.h"
#include "token.h"

enum { TO_ALL = SD_ACE_TO_FILES | SD_ACE_TO_DIRECTORIES };

struct birth {
    struct lt_str asked, parent; /* checked; s NULL: none */
    bool directory;
    const struct lt_token *token;
    struct lt_sid owner, group;
    struct sd_builder b;
};

/* The control bits of one of the two lists. */
struct list_bits {
    uint32_t present, defaulted, wants_inherit, inherited, prot;
};

static const struct list_bits dacl_bits = {SD_DACL_PRESENT, SD_DACL_DEFAULTED, SD_DACL_INHERIT_REQ,
                                           SD_DACL_INHERITED, SD_DACL_PROTECTED};
static const struct list_bits sacl_bits = {SD_SACL_PRESENT, SD_SACL_DEFAULTED, SD_SACL_INHERIT_REQ,
                                           SD_SACL_INHERITED, SD_SACL_PROTECTED};

/* ---- One entry ----------------------------------------------------------------------------- */

/* What CREATOR OWNER and CREATOR GROUP become; NULL: the SID stays. */
static const struct lt_sid *creator_of(const struct birth *birth, const struct sd_ace *ace)
{
    struct lt_sid sid;
    if (!sd_ace_sid(ace, &sid))
        return NULL;
    if (sd_is_well_known(&sid, 3, 0))
        return &birth->owner;
    return sd_is_well_known(&sid, 3, 1) ? &birth->group : NULL;
}

/* The mask of a label and of unknown entries has no generic rights. */
static uint32_t mask_of(const struct sd_ace *ace)
{
    uint32_t mask = lt_get_le32(ace->mask);
    bool rights = ace->type != SD_ACE_LABEL && sd_ace_sid_at(ace) != 0;
    return rights ? lt_access_map_generic(mask) : mask;
}

/*
 * An entry of the new object with these flags. What is replaced in an entry that children inherit
 * too must not be replaced for them: then there are two entries, one that counts here and one as it
 * was that is only passed on.
 */
static void add_entry(struct birth *birth, const struct sd_ace *ace, uint8_t flags)
{
    uint32_t mask = lt_get_le32(ace->mask);
    const struct lt_sid *sid = creator_of(birth, ace);
    if (flags & SD_ACE_INHERIT_ONLY) {
        sd_list_copy(&birth->b, ace, flags, mask, NULL);
        return;
    }
    bool changes = sid || mask_of(ace) != mask;
    bool passed_on = birth->directory && (flags & TO_ALL);
    if (!changes || !passed_on) {
        sd_list_copy(&birth->b, ace, flags, mask_of(ace), sid);
        return;
    }
    uint8_t here = flags & (uint8_t) ~(TO_ALL | SD_ACE_ONCE);
    sd_list_copy(&birth->b, ace, here, mask_of(ace), sid);
    sd_list_copy(&birth->b, ace, flags | SD_ACE_INHERIT_ONLY, mask, NULL);
}

/* ---- From the parent ----------------------------------------------------------------------- */

/* The flags that an entry of the parent has in the child, or -1: it is not passed on. */
static int inherited_flags(const struct sd_ace *ace, bool directory)
{
    int kept = SD_ACE_INHERITED | (ace->flags & SD_ACE_AUDIT_FLAGS);
    bool once = ace->flags & SD_ACE_ONCE;
    if (sd_ace_is_object(ace->type) && sd_ace_sid_at(ace)) {
        struct lt_le32 guids;
        memcpy(&guids, ace + 1, sizeof(guids));
        if (lt_get_le32(guids) & SD_ACE_INHERITED_TYPE) /* for one type: files have none */
            return -1;
    }
    if (!directory)
        return ace->flags & SD_ACE_TO_FILES ? kept : -1;
    if (ace->flags & SD_ACE_TO_DIRECTORIES)
        return once ? kept : kept | (ace->flags & TO_ALL);
    if ((ace->flags & SD_ACE_TO_FILES) && !once)
        return kept | SD_ACE_TO_FILES | SD_ACE_INHERIT_ONLY;
    return -1;
}

static bool passes_on(struct lt_str list, bool directory)
{
    struct sd_aces aces = sd_aces(list);
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces))) {
        if (inherited_flags(ace, directory) >= 0)
            return true;
    }
    return false;
}

static void add_inherited(struct birth *birth, struct lt_str list)
{
    struct sd_aces aces = sd_aces(list);
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces))) {
        int flags = inherited_flags(ace, birth->directory);
        if (flags >= 0)
            add_entry(birth, ace, (uint8_t)flags);
    }
}

/* ---- A list -------------------------------------------------------------------------------- */

/* All entries of a list that were given, or only those that were not inherited. */
static void add_given(struct birth *birth, struct lt_str list, bool explicit_only)
{
    struct sd_aces aces = sd_aces(list);
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces))) {
        if (!explicit_only || !(ace->flags & SD_ACE_INHERITED))
            add_entry(birth, ace, ace->flags);
    }
}

/* Fills the open list. Returns its control bits; without `present` there is none, or a NULL one. */
static uint32_t compute_list(struct birth *birth, const struct list_bits *bits, struct lt_str asked,
                             struct lt_str parent, struct lt_str fallback)
{
    uint32_t control = birth->asked.s ? sd_control(birth->asked) : 0;
    bool inherits = passes_on(parent, birth->directory);
    if (inherits && (!(control & bits->present) || (control & bits->defaulted))) {
        add_inherited(birth, parent);
        return bits->present | bits->inherited | (control & bits->prot);
    }
    if (asked.s) {
        bool joins = (control & bits->wants_inherit) && !(control & bits->prot);
        add_given(birth, asked, joins);
        if (joins)
            add_inherited(birth, parent);
        return bits->present | (control & bits->prot) | (joins ? bits->inherited : 0);
    }
    if ((control & bits->present) || !fallback.s)
        return control & bits->prot;
    add_given(birth, fallback, false);
    return bits->present;
}

static void add_dacl(struct birth *birth)
{
    struct lt_str asked = {NULL, 0}, parent = {NULL, 0}, fallback = birth->token->default_dacl;
    if (birth->asked.s)
        asked = sd_dacl(birth->asked);
    if (birth->parent.s)
        parent = sd_dacl(birth->parent);
    if (fallback.len == 0)
        fallback.s = NULL;
    sd_list_begin(&birth->b);
    uint32_t control = compute_list(birth, &dacl_bits, asked, parent, fallback);
    if (control & SD_DACL_PRESENT)
        sd_list_end_dacl(&birth->b);
    else
        sd_list_drop(&birth->b);
    /* An object always has a DACL; a NULL one says that everybody may everything. */
    birth->b.control |= control | SD_DACL_PRESENT;
}

static void add_sacl(struct birth *birth)
{
    struct lt_str asked = {NULL, 0}, parent = {NULL, 0};
    if (birth->asked.s)
        asked = sd_sacl(birth->asked);
    if (birth->parent.s)
        parent = sd_sacl(birth->parent);
    sd_list_begin(&birth->b);
    uint32_t control = compute_list(birth, &sacl_bits, asked, parent, (struct lt_str){NULL, 0});
    if (control & SD_SACL_PRESENT)
        sd_list_end_sacl(&birth->b);
    else
        sd_list_drop(&birth->b);
    birth->b.control |= control;
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* Whether the token may ask for this SACL: labels up to its own integrity, anything else with the
 * privilege. */
static int check_asked_sacl(const struct birth *birth)
{
    struct sd_aces aces = sd_aces(sd_sacl(birth->asked));
    const struct sd_ace *ace;
    if (birth->token->privileges & LT_PRIVILEGE_SECURITY)
        return 0;
    while ((ace = sd_aces_next(&aces))) {
        struct lt_sid sid;
        if (ace->type != SD_ACE_LABEL || !sd_ace_sid(ace, &sid) ||
            sid.authority != INTEGRITY_AUTHORITY || sid.sub_count != 1 ||
            sid.subs[0] > token_integrity(birth->token))
            return LT_EPERM;
    }
    return 0;
}

static int find_owner_and_group(struct birth *birth)
{
    birth->owner = birth->token->owner;
    birth->group = birth->token->primary_group;
    if (!birth->asked.s)
        return 0;
    sd_group(birth->asked, &birth->group);
    if (sd_owner(birth->asked, &birth->owner) && !lt_token_may_give(birth->token, &birth->owner))
        return LT_EPERM;
    return check_asked_sacl(birth);
}

int lt_security_inherit(struct lt_str asked, struct lt_str parent, bool directory,
                        const struct lt_token *token, char **ret, size_t *ret_len)
{
    struct birth birth = {.directory = directory, .token = token};
    if ((asked.len && lt_security_check(asked) < 0) ||
        (parent.len && lt_security_check(parent) < 0) ||
        (token->default_dacl.len && sd_acl_check(token->default_dacl) < 0))
        return LT_EINVAL;
    if (asked.len)
        birth.asked = asked;
    if (parent.len)
        birth.parent = parent;
    int r = find_owner_and_group(&birth);
    if (r < 0)
        return r;
    sd_build_begin(&birth.b);
    sd_build_owner(&birth.b, &birth.owner);
    sd_build_group(&birth.b, &birth.group);
    add_sacl(&birth);
    add_dacl(&birth);
    return sd_build_end(&birth.b, ret, ret_len);
}
