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

/* Whether the SID comes right behind the mask; in other types something else may lie there. */
static bool has_plain_sid(uint8_t type)
{
    return type <= SD_ACE_ALARM || type == SD_ACE_ALLOW_CALLBACK || type == SD_ACE_LABEL;
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
    struct lt_str own = {sd.s, at + size};
    if (has_plain_sid(ace->type) && sd_sid_size(own, at + sizeof(*ace)) == 0)
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
