/* SPDX-License-Identifier: MIT */
/*
 * POSIX access control lists (POSIX.1e draft 17) in the form in which Linux passes
 * them as values of the extended attributes system.posix_acl_access and
 * system.posix_acl_default (linux/posix_acl_xattr.h, version 2): a little-endian
 * u32 version, then 8 bytes an entry: le16 tag, le16 permissions, le32 id.
 *
 * Values are worked on where they lie; nothing here allocates. All functions but
 * lt_acl_check() and lt_acl_put() want a value that lt_acl_check() accepted.
 */
#ifndef LINTEL_ACL_H
#define LINTEL_ACL_H

#include <lintel/error.h>
#include <lintel/types.h>

#define LT_ACL_ACCESS "system.posix_acl_access"
#define LT_ACL_DEFAULT "system.posix_acl_default"
#define LT_ACL_NO_ID UINT32_MAX /* id of an entry that names nobody */

/* Tags (linux/posix_acl.h). */
enum {
    LT_ACL_USER_OBJ = 0x01,  /* the owner */
    LT_ACL_USER = 0x02,      /* the user `id` */
    LT_ACL_GROUP_OBJ = 0x04, /* the owning group */
    LT_ACL_GROUP = 0x08,     /* the group `id` */
    LT_ACL_MASK = 0x10,      /* the most that USER, GROUP_OBJ and GROUP entries can grant */
    LT_ACL_OTHER = 0x20      /* everybody else */
};

struct lt_acl_entry {
    uint16_t tag;
    uint16_t perm; /* 4 read, 2 write, 1 execute */
    uint32_t id;   /* USER, GROUP; else LT_ACL_NO_ID */
};

/* Bytes of a value with `count` entries. */
#define LT_ACL_SIZE(count) (4 + 8 * (size_t)(count))

/*
 * The number of entries of a well-formed value: the entries in the order of their
 * tags, each of the four nameless ones at most once, all three classes there, a
 * mask where anybody is named. 0: a value without entries, which stands for "no
 * ACL". LT_EINVAL; LT_EOPNOTSUPP: another version.
 */
int lt_acl_check(struct lt_str acl);

/* The index-th entry. */
struct lt_acl_entry lt_acl_get(struct lt_str acl, size_t index);

/* Writes a value of `count` entries into buf, LT_ACL_SIZE(count) bytes, and gives nameless
 * entries LT_ACL_NO_ID; returns its length. LT_ERANGE: size is too small. */
int lt_acl_put(void *buf, size_t size, const struct lt_acl_entry *entries, size_t count);

/* Gives the ids of nameless entries in place the one value that a reader may expect. */
void lt_acl_normalize(void *acl, size_t len);

/* Puts the permission bits that the ACL means into *mode, whose other bits stay. Returns whether
 * the ACL says more than the mode can. */
bool lt_acl_to_mode(struct lt_str acl, uint32_t *mode);

/* chmod: brings the owner, other, and mask (or owning group) entries in place to `mode`. */
void lt_acl_set_mode(void *acl, size_t len, uint32_t mode);

/*
 * A new file in a directory with the default ACL `acl`: cuts the ACL in place to
 * what *mode, the mode asked for, allows, and *mode to what the ACL allows. Returns
 * whether the result says more than *mode, that is, has to be stored as access ACL.
 */
bool lt_acl_inherit(void *acl, size_t len, uint32_t *mode);

/* Whether ctx may do all of `want` (4 read, 2 write, 1 execute) to a file of `uid` and `gid`;
 * whoever is not limited by permissions is the caller's business. */
bool lt_acl_permits(struct lt_str acl, uint32_t uid, uint32_t gid, const struct lt_ctx *ctx,
                    uint32_t want);

#endif
