// SPDX-License-Identifier: MIT
/* POSIX ACLs on their xattr form; the rules are those of Linux's fs/posix_acl.c. */
#include <base/wire.h>
#include <lintel/access.h>
#include <lintel/acl.h>

#define ACL_VERSION 2u /* POSIX_ACL_XATTR_VERSION */

struct wire_header {
    struct lt_le32 version;
};

struct wire_entry {
    struct lt_le16 tag;
    struct lt_le16 perm;
    struct lt_le32 id;
};

_Static_assert(sizeof(struct wire_header) == 4, "posix_acl_xattr_header");
_Static_assert(sizeof(struct wire_entry) == 8, "posix_acl_xattr_entry");

static size_t entry_count(size_t len)
{
    return (len - sizeof(struct wire_header)) / sizeof(struct wire_entry);
}

static struct wire_entry *entries_of(void *acl)
{
    return (struct wire_entry *)((char *)acl + sizeof(struct wire_header));
}

struct lt_acl_entry lt_acl_get(struct lt_str acl, size_t index)
{
    const struct wire_entry *e =
        (const struct wire_entry *)(acl.s + sizeof(struct wire_header)) + index;
    return (struct lt_acl_entry){lt_get_le16(e->tag), lt_get_le16(e->perm), lt_get_le32(e->id)};
}

static bool is_named(uint16_t tag)
{
    return tag == LT_ACL_USER || tag == LT_ACL_GROUP;
}

/* The order of a list: what may come next. Each state is the tag of the last entry. */
static bool may_follow(uint16_t last, uint16_t tag, bool named)
{
    switch (tag) {
    case LT_ACL_USER_OBJ:
        return last == 0;
    case LT_ACL_USER:
    case LT_ACL_GROUP_OBJ:
        return last == LT_ACL_USER_OBJ || last == LT_ACL_USER;
    case LT_ACL_GROUP:
    case LT_ACL_MASK:
        return last == LT_ACL_GROUP_OBJ || last == LT_ACL_GROUP;
    case LT_ACL_OTHER:
        return last == LT_ACL_MASK || (!named && last == LT_ACL_GROUP_OBJ);
    default:
        return false;
    }
}

int lt_acl_check(struct lt_str acl)
{
    struct wire_header header;
    if (acl.len < sizeof(header) || acl.len > LT_XATTR_SIZE_MAX)
        return LT_EINVAL;
    memcpy(&header, acl.s, sizeof(header));
    if (lt_get_le32(header.version) != ACL_VERSION)
        return LT_EOPNOTSUPP;
    if ((acl.len - sizeof(header)) % sizeof(struct wire_entry) != 0)
        return LT_EINVAL;
    size_t count = entry_count(acl.len);
    uint16_t last = 0;
    bool named = false;
    for (size_t i = 0; i < count; i++) {
        struct lt_acl_entry e = lt_acl_get(acl, i);
        named = named || is_named(e.tag);
        if (e.perm > 7 || !may_follow(last, e.tag, named))
            return LT_EINVAL;
        if (is_named(e.tag) && e.id == LT_ACL_NO_ID)
            return LT_EINVAL;
        last = e.tag;
    }
    return count == 0 || last == LT_ACL_OTHER ? (int)count : LT_EINVAL;
}

int lt_acl_put(void *buf, size_t size, const struct lt_acl_entry *entries, size_t count)
{
    if (size < LT_ACL_SIZE(count))
        return LT_ERANGE;
    struct wire_header header = {lt_put_le32(ACL_VERSION)};
    memcpy(buf, &header, sizeof(header));
    struct wire_entry *to = entries_of(buf);
    for (size_t i = 0; i < count; i++) {
        to[i].tag = lt_put_le16(entries[i].tag);
        to[i].perm = lt_put_le16(entries[i].perm);
        to[i].id = lt_put_le32(is_named(entries[i].tag) ? entries[i].id : LT_ACL_NO_ID);
    }
    return (int)LT_ACL_SIZE(count);
}

void lt_acl_normalize(void *acl, size_t len)
{
    struct wire_entry *e = entries_of(acl);
    for (size_t i = 0; i < entry_count(len); i++) {
        if (!is_named(lt_get_le16(e[i].tag)))
            e[i].id = lt_put_le32(LT_ACL_NO_ID);
    }
}

bool lt_acl_to_mode(struct lt_str acl, uint32_t *mode)
{
    uint32_t user = 0, group = 0, other = 0;
    bool extended = false;
    for (size_t i = 0; i < entry_count(acl.len); i++) {
        struct lt_acl_entry e = lt_acl_get(acl, i);
        if (e.tag == LT_ACL_USER_OBJ)
            user = e.perm;
        else if (e.tag == LT_ACL_OTHER)
            other = e.perm;
        else if (!is_named(e.tag))
            group = e.perm; /* a mask comes behind the owning group, and wins */
        extended = extended || is_named(e.tag) || e.tag == LT_ACL_MASK;
    }
    *mode = (*mode & ~0777u) | user << 6 | group << 3 | other;
    return extended;
}

/* The entry that stands for the mode's group bits: the mask, or else the owning group. */
static struct wire_entry *group_class(void *acl, size_t len)
{
    struct wire_entry *e = entries_of(acl);
    struct wire_entry *found = e;
    for (size_t i = 1; i < entry_count(len); i++) {
        uint16_t tag = lt_get_le16(e[i].tag);
        if (tag == LT_ACL_GROUP_OBJ || tag == LT_ACL_MASK)
            found = &e[i];
    }
    return found;
}

/* The entry that stands for the bits of the mode at `shift`: 6 owner, 3 group, 0 other. */
static struct wire_entry *class_entry(void *acl, size_t len, unsigned shift)
{
    if (shift == 6)
        return entries_of(acl);
    if (shift == 0)
        return entries_of(acl) + entry_count(len) - 1;
    return group_class(acl, len);
}

void lt_acl_set_mode(void *acl, size_t len, uint32_t mode)
{
    for (unsigned shift = 0; shift <= 6; shift += 3)
        class_entry(acl, len, shift)->perm = lt_put_le16((uint16_t)(mode >> shift & 7));
}

bool lt_acl_inherit(void *acl, size_t len, uint32_t *mode)
{
    uint32_t allowed = 0;
    for (unsigned shift = 0; shift <= 6; shift += 3) {
        struct wire_entry *e = class_entry(acl, len, shift);
        uint32_t perm = lt_get_le16(e->perm) & (*mode >> shift & 7);
        e->perm = lt_put_le16((uint16_t)perm);
        allowed |= perm << shift;
    }
    *mode = (*mode & ~0777u) | allowed;
    return entry_count(len) > 3;
}

/* The mask of the list, or everything where there is none. */
static uint32_t mask_of(struct lt_str acl)
{
    size_t count = entry_count(acl.len);
    if (count < 2)
        return 7;
    struct lt_acl_entry e = lt_acl_get(acl, count - 2);
    return e.tag == LT_ACL_MASK ? e.perm : 7;
}

bool lt_acl_permits(struct lt_str acl, uint32_t uid, uint32_t gid, const struct lt_ctx *ctx,
                    uint32_t want)
{
    bool in_a_group = false;
    for (size_t i = 0; i < entry_count(acl.len); i++) {
        struct lt_acl_entry e = lt_acl_get(acl, i);
        bool grants = (e.perm & want) == want;
        if (e.tag == LT_ACL_USER_OBJ && ctx->uid == uid)
            return grants;
        if (e.tag == LT_ACL_USER && ctx->uid == e.id)
            return grants && (mask_of(acl) & want) == want;
        if ((e.tag == LT_ACL_GROUP_OBJ && lt_ctx_in_group(ctx, gid)) ||
            (e.tag == LT_ACL_GROUP && lt_ctx_in_group(ctx, e.id))) {
            if (grants)
                return (mask_of(acl) & want) == want;
            in_a_group = true;
        }
        if (e.tag == LT_ACL_OTHER)
            return grants && !in_a_group;
    }
    return false;
}
