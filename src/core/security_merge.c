// SPDX-License-Identifier: MIT
/* Parts of descriptors: put into another one, and taken out alone. */
#include "security_build.h"

enum {
    DACL_KEPT = SD_DACL_PROTECTED | SD_DACL_INHERITED,
    SACL_KEPT = SD_SACL_PROTECTED | SD_SACL_INHERITED,
    ANY_SACL = LT_SACL_SECURITY | LT_LABEL_SECURITY
};

/* ---- Lists --------------------------------------------------------------------------------- */

/* What SDs of no bytes have. */
static uint32_t control_of(struct lt_str sd)
{
    return sd.len ? sd_control(sd) : 0;
}

/* Adds those entries of a SACL that are labels, or that are not. */
static void add_some(struct sd_builder *b, struct lt_str sd, bool labels)
{
    struct sd_aces aces = sd_aces(sd.len ? sd_sacl(sd) : (struct lt_str){NULL, 0});
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces))) {
        if ((ace->type == SD_ACE_LABEL) == labels)
            sd_list_copy(b, ace, ace->flags, lt_get_le32(ace->mask), NULL);
    }
}

/* The DACL of sd; with `map`, generic rights that count on this object become those of files. */
static void add_dacl(struct sd_builder *b, struct lt_str sd, bool map)
{
    struct lt_str dacl = sd_dacl(sd);
    struct sd_aces aces = sd_aces(dacl);
    const struct sd_ace *ace;
    b->control |= SD_DACL_PRESENT;
    if (!dacl.s)
        return;
    sd_list_begin(b);
    while ((ace = sd_aces_next(&aces))) {
        uint32_t mask = lt_get_le32(ace->mask);
        if (map && sd_ace_sid_at(ace) && !(ace->flags & SD_ACE_INHERIT_ONLY))
            mask = lt_access_map_generic(mask);
        sd_list_copy(b, ace, ace->flags, mask, NULL);
    }
    sd_list_end_dacl(b);
}

/* ---- Taking out ---------------------------------------------------------------------------- */

static void extract_sacl(struct sd_builder *b, struct lt_str sd, uint32_t information)
{
    if (!sd_sacl(sd).s) {
        b->control |= sd_control(sd) & SD_SACL_PRESENT;
        return;
    }
    sd_list_begin(b);
    if (information & LT_SACL_SECURITY)
        add_some(b, sd, false);
    if (information & LT_LABEL_SECURITY)
        add_some(b, sd, true);
    sd_list_end_sacl(b);
}

int lt_security_extract(struct lt_str descriptor, uint32_t information, char **ret, size_t *ret_len)
{
    struct sd_builder b;
    struct lt_sid sid;
    if (lt_security_check(descriptor) < 0)
        return LT_EINVAL;
    uint32_t control = sd_control(descriptor);
    sd_build_begin(&b);
    if ((information & LT_OWNER_SECURITY) && sd_owner(descriptor, &sid))
        sd_build_owner(&b, &sid);
    if ((information & LT_GROUP_SECURITY) && sd_group(descriptor, &sid))
        sd_build_group(&b, &sid);
    if (information & ANY_SACL) {
        extract_sacl(&b, descriptor, information);
        b.control |= control & SACL_KEPT;
    }
    if (information & LT_DACL_SECURITY) {
        if (control & SD_DACL_PRESENT)
            add_dacl(&b, descriptor, false);
        b.control |= control & DACL_KEPT;
    }
    return sd_build_end(&b, ret, ret_len);
}

/* ---- Putting in ---------------------------------------------------------------------------- */

/* What differs between the two lists. */
struct list_kind {
    uint32_t part, set_protected, set_unprotected; /* LT_..._SECURITY */
    uint32_t prot, wants_inherit, inherited;       /* SD_... */
};

static const struct list_kind dacl_kind = {
    LT_DACL_SECURITY,  LT_PROTECTED_DACL_SECURITY, LT_UNPROTECTED_DACL_SECURITY,
    SD_DACL_PROTECTED, SD_DACL_INHERIT_REQ,        SD_DACL_INHERITED};
static const struct list_kind sacl_kind = {
    LT_SACL_SECURITY,  LT_PROTECTED_SACL_SECURITY, LT_UNPROTECTED_SACL_SECURITY,
    SD_SACL_PROTECTED, SD_SACL_INHERIT_REQ,        SD_SACL_INHERITED};

/* The control bits of a list. A new one counts as inherited only if whoever set it says that he
 * did the inheriting. */
static uint32_t merged_control(const struct list_kind *kind, uint32_t old, uint32_t change,
                               uint32_t information)
{
    uint32_t control = old & (kind->prot | kind->inherited);
    if (information & kind->part) {
        control = change & kind->prot;
        if (change & kind->wants_inherit)
            control |= change & kind->inherited;
    }
    if (information & kind->set_protected)
        control |= kind->prot;
    else if (information & kind->set_unprotected)
        control &= ~kind->prot;
    return control;
}

static void merge_sacl(struct sd_builder *b, struct lt_str old, struct lt_str change,
                       uint32_t information)
{
    struct lt_str rest = information & LT_SACL_SECURITY ? change : old;
    struct lt_str labels = information & LT_LABEL_SECURITY ? change : old;
    sd_list_begin(b);
    add_some(b, rest, false);
    add_some(b, labels, true);
    if (b->count > 0 || (control_of(rest) & SD_SACL_PRESENT))
        sd_list_end_sacl(b);
    else
        sd_list_drop(b);
}

static int merge_sids(struct sd_builder *b, struct lt_str old, struct lt_str change,
                      uint32_t information)
{
    struct lt_str owner_in = information & LT_OWNER_SECURITY ? change : old;
    struct lt_str group_in = information & LT_GROUP_SECURITY ? change : old;
    struct lt_sid sid;
    if (owner_in.len && sd_owner(owner_in, &sid))
        sd_build_owner(b, &sid);
    else if (information & LT_OWNER_SECURITY)
        return LT_EINVAL;
    if (group_in.len && sd_group(group_in, &sid))
        sd_build_group(b, &sid);
    else if (information & LT_GROUP_SECURITY)
        return LT_EINVAL;
    return 0;
}

int lt_security_merge(struct lt_str old, struct lt_str change, uint32_t information, char **ret,
                      size_t *ret_len)
{
    struct sd_builder b;
    if ((old.len && lt_security_check(old) < 0) || lt_security_check(change) < 0)
        return LT_EINVAL;
    sd_build_begin(&b);
    if (merge_sids(&b, old, change, information) < 0)
        b.error = b.error < 0 ? b.error : LT_EINVAL;
    merge_sacl(&b, old, change, information);
    bool new_dacl = information & LT_DACL_SECURITY;
    if (new_dacl || (control_of(old) & SD_DACL_PRESENT))
        add_dacl(&b, new_dacl ? change : old, new_dacl);
    b.control |= merged_control(&dacl_kind, control_of(old), sd_control(change), information) |
                 merged_control(&sacl_kind, control_of(old), sd_control(change), information);
    return sd_build_end(&b, ret, ret_len);
}
