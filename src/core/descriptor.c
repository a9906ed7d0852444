// SPDX-License-Identifier: MIT
#include "descriptor.h"

size_t sd_sid_size(struct lt_str sd, size_t at)
{
    if (at > sd.len || sd.len - at < sizeof(struct sd_sid))
        return 0;
    const struct sd_sid *sid = (const struct sd_sid *)(sd.s + at);
    if (sid->revision != 1 || sid->count > SD_SID_SUBS_MAX)
        return 0;
    size_t size = SD_SID_SIZE(sid->count);
    return size <= sd.len - at ? size : 0;
}

bool sd_ace_is_object(uint8_t type)
{
    return (type >= SD_ACE_ALLOW_OBJECT && type <= SD_ACE_ALARM_OBJECT) ||
           type == SD_ACE_ALLOW_CALLBACK_OBJECT || type == SD_ACE_DENY_CALLBACK_OBJECT ||
           type == SD_ACE_AUDIT_CALLBACK_OBJECT || type == SD_ACE_ALARM_CALLBACK_OBJECT;
}

bool sd_ace_is_callback(uint8_t type)
{
    return type >= SD_ACE_ALLOW_CALLBACK && type <= SD_ACE_ALARM_CALLBACK_OBJECT;
}

/* Whether the SID comes right behind the mask. */
static bool has_plain_sid(uint8_t type)
{
    return type <= SD_ACE_ALARM || type == SD_ACE_LABEL ||
           (sd_ace_is_callback(type) && !sd_ace_is_object(type));
}

/* Where the SID of a known type of entry has to be; SIZE_MAX: beyond its end. */
static size_t sid_place(const struct sd_ace *ace, size_t size)
{
    struct lt_le32 flags;
    if (has_plain_sid(ace->type))
        return sizeof(*ace);
    if (!sd_ace_is_object(ace->type))
        return 0;
    if (size < sizeof(*ace) + sizeof(flags))
        return SIZE_MAX;
    memcpy(&flags, (const char *)ace + sizeof(*ace), sizeof(flags));
    uint32_t has = lt_get_le32(flags);
    return sizeof(*ace) + sizeof(flags) + (has & SD_ACE_OBJECT_TYPE ? 16u : 0u) +
           (has & SD_ACE_INHERITED_TYPE ? 16u : 0u);
}

/* The size of the entry at `at`, or 0 if it is not well-formed; sd ends with the list. */
static size_t ace_size(struct lt_str sd, size_t at)
{
    if (sd.len - at < sizeof(struct sd_ace))
        return 0;
    const struct sd_ace *ace = (const struct sd_ace *)(sd.s + at);
    size_t size = lt_get_le16(ace->size);
    if (size < sizeof(*ace) || size % 4 != 0 || size > sd.len - at)
        return 0;
    size_t place = sid_place(ace, size);
    if (place && sd_sid_size(lt_strn(sd.s + at, size), place) == 0)
        return 0;
    return size;
}

static int check_acl(struct lt_str sd, size_t at)
{
    if (at > sd.len || sd.len - at < sizeof(struct sd_acl))
        return LT_EINVAL;
    const struct sd_acl *acl = (const struct sd_acl *)(sd.s + at);
    size_t size = lt_get_le16(acl->size);
    if (acl->revision < 2 || acl->revision > 4 || size < sizeof(*acl) || size > sd.len - at)
        return LT_EINVAL;
    struct lt_str own = {sd.s, at + size};
    at += sizeof(*acl);
    for (unsigned i = lt_get_le16(acl->count); i > 0; i--) {
        size_t ace = ace_size(own, at);
        if (ace == 0)
            return LT_EINVAL;
        at += ace;
    }
    return 0;
}

/* A part at `offset` of the header: absent, or behind the header and aligned. */
static bool is_placed(size_t offset)
{
    return offset == 0 || (offset >= sizeof(struct sd_header) && offset % 4 == 0);
}

int lt_security_check(struct lt_str sd)
{
    if (sd.len < sizeof(struct sd_header) || sd.len > LT_SECURITY_SIZE_MAX)
        return LT_EINVAL;
    const struct sd_header *header = (const struct sd_header *)sd.s;
    uint32_t control = lt_get_le16(header->control);
    size_t owner = lt_get_le32(header->owner), group = lt_get_le32(header->group);
    size_t sacl = lt_get_le32(header->sacl), dacl = lt_get_le32(header->dacl);
    if (header->revision != 1 || !(control & SD_SELF_RELATIVE))
        return LT_EINVAL;
    if (!is_placed(owner) || !is_placed(group) || !is_placed(sacl) || !is_placed(dacl))
        return LT_EINVAL;
    if ((owner && !sd_sid_size(sd, owner)) || (group && !sd_sid_size(sd, group)))
        return LT_EINVAL;
    /* Without its control bit an offset means nothing (MS-DTYP 2.4.6). */
    if ((control & SD_SACL_PRESENT) && sacl && check_acl(sd, sacl) < 0)
        return LT_EINVAL;
    if ((control & SD_DACL_PRESENT) && dacl && check_acl(sd, dacl) < 0)
        return LT_EINVAL;
    return 0;
}

int sd_acl_check(struct lt_str acl)
{
    return check_acl(acl, 0);
}

/* ---- What has been checked ----------------------------------------------------------------- */

static const struct sd_header *header_of(struct lt_str sd)
{
    return (const struct sd_header *)sd.s;
}

uint32_t sd_control(struct lt_str sd)
{
    return lt_get_le16(header_of(sd)->control);
}

static bool sid_at(struct lt_str sd, size_t at, struct lt_sid *ret)
{
    return at && lt_sid_decode(lt_strn(sd.s + at, sd.len - at), ret) > 0;
}

bool sd_owner(struct lt_str sd, struct lt_sid *ret)
{
    return sid_at(sd, lt_get_le32(header_of(sd)->owner), ret);
}

bool sd_group(struct lt_str sd, struct lt_sid *ret)
{
    return sid_at(sd, lt_get_le32(header_of(sd)->group), ret);
}

static struct lt_str list_at(struct lt_str sd, uint32_t present, size_t at)
{
    if (!(sd_control(sd) & present) || at == 0)
        return (struct lt_str){NULL, 0};
    return lt_strn(sd.s + at, lt_get_le16(((const struct sd_acl *)(sd.s + at))->size));
}

struct lt_str sd_dacl(struct lt_str sd)
{
    return list_at(sd, SD_DACL_PRESENT, lt_get_le32(header_of(sd)->dacl));
}

struct lt_str sd_sacl(struct lt_str sd)
{
    return list_at(sd, SD_SACL_PRESENT, lt_get_le32(header_of(sd)->sacl));
}

struct sd_aces sd_aces(struct lt_str acl)
{
    if (!acl.s)
        return (struct sd_aces){NULL, 0};
    const struct sd_acl *head = (const struct sd_acl *)acl.s;
    return (struct sd_aces){acl.s + sizeof(*head), lt_get_le16(head->count)};
}

const struct sd_ace *sd_aces_next(struct sd_aces *aces)
{
    if (aces->left == 0)
        return NULL;
    const struct sd_ace *ace = (const struct sd_ace *)aces->at;
    aces->at += lt_get_le16(ace->size);
    aces->left--;
    return ace;
}

size_t sd_ace_sid_at(const struct sd_ace *ace)
{
    return sid_place(ace, lt_get_le16(ace->size));
}

bool sd_ace_sid(const struct sd_ace *ace, struct lt_sid *ret)
{
    size_t at = sd_ace_sid_at(ace), size = lt_get_le16(ace->size);
    return at && lt_sid_decode(lt_strn((const char *)ace + at, size - at), ret) > 0;
}
