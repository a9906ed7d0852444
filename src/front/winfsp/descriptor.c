// SPDX-License-Identifier: MIT
/*
 * QuerySecurity and SetSecurity. What may be asked the driver has checked against what the opening
 * was granted.
 *
 * Where no descriptors are stored a new one becomes owner, group and mode. What these cannot say is
 * refused, not forgotten: labels and audit entries, and entries for somebody who is neither owner
 * nor group nor Everyone. LocalSystem and Administrators are let pass: as root of a POSIX system
 * they may everything anyhow.
 */
#include "volume.h"

#include <stdlib.h>

#include <core/descriptor.h>

#define RID_SYSTEM 18u          /* S-1-5-18 */
#define RID_ADMINISTRATORS 544u /* S-1-5-32-544 */
#define AUTHORITY_NT 5u
#define AUTHORITY_WORLD 1u
#define AUTHORITY_CREATOR 3u /* CREATOR OWNER, CREATOR GROUP, OWNER RIGHTS */

static int security_of_file(struct call *c, struct lt_attr *attr, char **ret, size_t *ret_len)
{
    int r = lt_node_getattr(&c->ctx, c->file->owner, attr);
    return r < 0 ? r : fsp_security_of(c, c->file->owner, attr, ret, ret_len);
}

int32_t fsp_query_security(struct call *c)
{
    struct lt_attr attr;
    char *descriptor;
    size_t len;
    int r = security_of_file(c, &attr, &descriptor, &len);
    if (r < 0)
        return lt_status_from_error(r);
    bool fits = len <= LT_FSP_SECURITY_MAX;
    if (fits)
        c->rsp->u.buffer = lt_fsp_put(&c->out, descriptor, len, 4);
    free(descriptor);
    return fits ? LT_STATUS_SUCCESS : LT_STATUS_BUFFER_OVERFLOW;
}

/* ---- Descriptors that become modes -------------------------------------------------------------
 */

static bool has_a_class(const struct lt_sid *sid, const struct lt_sid *owner,
                        const struct lt_sid *group)
{
    struct lt_sid administrators = sd_builtin(RID_ADMINISTRATORS);
    return lt_sid_equal(sid, owner) || lt_sid_equal(sid, group) ||
           lt_sid_equal(sid, &administrators) || sid->authority == AUTHORITY_WORLD ||
           sid->authority == AUTHORITY_CREATOR || sd_is_well_known(sid, AUTHORITY_NT, RID_SYSTEM);
}

/* Whether owner, group and mode can say what the list says, as far as it is about this object. */
static bool has_a_mode(struct lt_str descriptor)
{
    struct lt_sid owner, group;
    if (!sd_owner(descriptor, &owner) || !sd_group(descriptor, &group))
        return false;
    struct sd_aces aces = sd_aces(sd_dacl(descriptor));
    const struct sd_ace *ace;
    while ((ace = sd_aces_next(&aces)) != NULL) {
        struct lt_sid sid;
        if (ace->flags & SD_ACE_INHERIT_ONLY)
            continue;
        if (sd_ace_is_object(ace->type) || sd_ace_is_callback(ace->type) ||
            !sd_ace_sid(ace, &sid) || !has_a_class(&sid, &owner, &group))
            return false;
    }
    return true;
}

/* An owner who has no id of his own cannot own anything. */
static bool has_an_id(bool (*part)(struct lt_str sd, struct lt_sid *ret), struct lt_str descriptor,
                      bool group)
{
    struct lt_sid sid, back;
    if (!part(descriptor, &sid))
        return true;
    lt_sid_from_id(lt_sid_to_id(&sid, NULL), group, &back);
    return lt_sid_equal(&sid, &back);
}

static int32_t check_plain(struct call *c, struct lt_str merged)
{
    const uint32_t parts = LT_SACL_SECURITY | LT_LABEL_SECURITY;
    uint32_t information = c->in.req.u.set_security.information;
    if (information & parts)
        return LT_STATUS_NOT_SUPPORTED;
    if ((information & LT_OWNER_SECURITY) && !has_an_id(sd_owner, merged, false))
        return LT_STATUS_INVALID_OWNER;
    if ((information & LT_GROUP_SECURITY) && !has_an_id(sd_group, merged, true))
        return LT_STATUS_INVALID_OWNER;
    if ((information & LT_DACL_SECURITY) && !has_a_mode(merged))
        return LT_STATUS_NOT_SUPPORTED;
    return LT_STATUS_SUCCESS;
}

/* What owner, group and mode have to become; mask 0: nothing. */
static int to_mode(struct lt_str merged, const struct lt_attr *attr, struct lt_setattr *ret)
{
    *ret = (struct lt_setattr){.mode = attr->mode, .uid = attr->uid, .gid = attr->gid};
    int r = lt_security_to_mode(merged, &ret->uid, &ret->gid, &ret->mode);
    ret->mask = (ret->mode & LT_S_PERM) != (attr->mode & LT_S_PERM) ? LT_SET_MODE : 0;
    ret->mode &= LT_S_PERM;
    ret->mask |= ret->uid != attr->uid ? LT_SET_UID : 0;
    ret->mask |= ret->gid != attr->gid ? LT_SET_GID : 0;
    return r;
}

/* Where it is stored the mode follows as well as it can, so that both sides mean the same. */
static int32_t apply(struct call *c, struct lt_str merged, const struct lt_attr *attr)
{
    struct lt_setattr set;
    bool stored = c->v->volume.has_windows;
    int32_t status = stored ? LT_STATUS_SUCCESS : check_plain(c, merged);
    if (status != LT_STATUS_SUCCESS)
        return status;
    int r = to_mode(merged, attr, &set);
    if (r == LT_OK && stored)
        r = lt_node_security_set(&c->ctx, c->file->owner, merged);
    if (r == LT_OK && set.mask != 0)
        r = lt_node_setattr(&c->ctx, c->file->owner, &set, NULL);
    return lt_status_from_error(r);
}

/* Whether who opened the file may make anybody its owner that it does not belong to already. */
static bool may_own(struct call *c, struct lt_str old, struct lt_str merged)
{
    struct lt_sid before, after;
    if (!(c->in.req.u.set_security.information & LT_OWNER_SECURITY) || c->file->giver == NULL ||
        !sd_owner(merged, &after))
        return true;
    return (sd_owner(old, &before) && lt_sid_equal(&before, &after)) ||
           lt_token_may_give(c->file->giver, &after);
}

int32_t fsp_set_security(struct call *c)
{
    struct lt_attr attr;
    struct fsp_hold hold;
    char *old, *merged;
    size_t old_len, merged_len;
    fsp_hold(c->v, &hold, c->file->owner, NULL, true);
    int32_t status = LT_STATUS_SUCCESS;
    int r = security_of_file(c, &attr, &old, &old_len);
    if (r == LT_OK) {
        r = lt_security_merge(lt_strn(old, old_len), c->in.security,
                              c->in.req.u.set_security.information, &merged, &merged_len);
        if (r == LT_OK) {
            struct lt_str change = lt_strn(merged, merged_len);
            status = may_own(c, lt_strn(old, old_len), change) ? apply(c, change, &attr)
                                                               : LT_STATUS_INVALID_OWNER;
            free(merged);
        }
        free(old);
    }
    fsp_release(c->v, &hold);
    if (r == LT_EINVAL)
        return LT_STATUS_INVALID_SECURITY_DESCR;
    return r < 0 ? lt_status_from_error(r) : status;
}
