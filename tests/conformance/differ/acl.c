// SPDX-License-Identifier: MIT
#include "acl.h"

#include "../random.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>

/* This machine is little-endian, as the attribute is. */
static size_t put(unsigned char *buf, size_t at, uint16_t tag, uint32_t perm, uint32_t id)
{
    struct posix_acl_xattr_entry entry = {.e_tag = tag, .e_perm = (uint16_t)perm, .e_id = id};
    memcpy(buf + at, &entry, sizeof(entry));
    return at + sizeof(entry);
}

size_t acl_random(unsigned char *buf, uint64_t seed)
{
    struct rnd r = {seed};
    struct posix_acl_xattr_header header = {.a_version = POSIX_ACL_XATTR_VERSION};
    memcpy(buf, &header, sizeof(header));
    size_t at = sizeof(header);
    uint32_t none = (uint32_t)ACL_UNDEFINED_ID;
    unsigned named = rnd_below(&r, 3);
    unsigned groups = rnd_below(&r, 2);
    at = put(buf, at, ACL_USER_OBJ, rnd_below(&r, 8), none);
    for (unsigned i = 0; i < named; i++) {
        at = put(buf, at, ACL_USER, rnd_below(&r, 8), 1000 + i);
    }
    at = put(buf, at, ACL_GROUP_OBJ, rnd_below(&r, 8), none);
    for (unsigned i = 0; i < groups; i++) {
        at = put(buf, at, ACL_GROUP, rnd_below(&r, 8), 2000 + i);
    }
    if (named + groups > 0 || rnd_once(&r, 3)) {
        at = put(buf, at, ACL_MASK, rnd_below(&r, 8), none);
    }
    at = put(buf, at, ACL_OTHER, rnd_below(&r, 8), none);
    if (rnd_once(&r, 20)) { /* malformed: cut short, or a tag that does not exist */
        return rnd_once(&r, 2) ? at - 3 : put(buf, at, 0x40, 7, none);
    }
    return at;
}
