/* SPDX-License-Identifier: MIT */
/* Self-relative security descriptors (MS-DTYP 2.4.6): their bytes, the check of their form, and
 * how to go through what has passed it. */
#ifndef LT_CORE_DESCRIPTOR_H
#define LT_CORE_DESCRIPTOR_H

#include <base/wire.h>
#include <lintel/fs.h>
#include <lintel/security.h>

/* SECURITY_DESCRIPTOR, MS-DTYP 2.4.6; offsets count from its start, 0: absent. */
struct sd_header {
    uint8_t revision; /* 1 */
    uint8_t sbz1;
    struct lt_le16 control; /* SD_... */
    struct lt_le32 owner, group, sacl, dacl;
};
_Static_assert(sizeof(struct sd_header) == 20, "MS-DTYP 2.4.6");

enum {
    SD_DACL_PRESENT = 0x0004,
    SD_DACL_DEFAULTED = 0x0008,
    SD_SACL_PRESENT = 0x0010,
    SD_SACL_DEFAULTED = 0x0020,
    SD_DACL_INHERIT_REQ = 0x0100,
    SD_SACL_INHERIT_REQ = 0x0200,
    SD_DACL_INHERITED = 0x0400,
    SD_SACL_INHERITED = 0x0800,
    SD_DACL_PROTECTED = 0x1000,
    SD_SACL_PROTECTED = 0x2000,
    SD_SELF_RELATIVE = 0x8000
};

/* SID, MS-DTYP 2.4.2.2, followed by `count` little-endian sub-authorities. */
struct sd_sid {
    uint8_t revision;     /* 1 */
    uint8_t count;        /* 0 to SD_SID_SUBS_MAX */
    uint8_t authority[6]; /* big-endian */
};
#define SD_SID_SUBS_MAX 15u
#define SD_SID_SIZE(count) (sizeof(struct sd_sid) + 4 * (size_t)(count))
#define SD_SID_SIZE_MAX SD_SID_SIZE(SD_SID_SUBS_MAX)

/* ACL, MS-DTYP 2.4.5. */
struct sd_acl {
    uint8_t revision; /* 2, or 4 with object entries */
    uint8_t sbz1;
    struct lt_le16 size; /* bytes, with this header */
    struct lt_le16 count;
    struct lt_le16 sbz2;
};
_Static_assert(sizeof(struct sd_acl) == 8, "MS-DTYP 2.4.5");

/* ACE_HEADER, MS-DTYP 2.4.4.1, and the mask that all kinds of entries have behind it. */
struct sd_ace {
    uint8_t type; /* SD_ACE_... */
    uint8_t flags;
    struct lt_le16 size; /* bytes, with this header; a multiple of 4 */
    struct lt_le32 mask;
};
_Static_assert(sizeof(struct sd_ace) == 8, "MS-DTYP 2.4.4.2");

enum {
    SD_ACE_ALLOW = 0,
    SD_ACE_DENY = 1,
    SD_ACE_AUDIT = 2,
    SD_ACE_ALARM = 3,
    SD_ACE_ALLOW_OBJECT = 5,
    SD_ACE_DENY_OBJECT = 6,
    SD_ACE_AUDIT_OBJECT = 7,
    SD_ACE_ALARM_OBJECT = 8,
    SD_ACE_ALLOW_CALLBACK = 9,
    SD_ACE_DENY_CALLBACK = 10,
    SD_ACE_ALLOW_CALLBACK_OBJECT = 11,
    SD_ACE_DENY_CALLBACK_OBJECT = 12,
    SD_ACE_AUDIT_CALLBACK = 13,
    SD_ACE_ALARM_CALLBACK = 14,
    SD_ACE_AUDIT_CALLBACK_OBJECT = 15,
    SD_ACE_ALARM_CALLBACK_OBJECT = 16,
    SD_ACE_LABEL = 0x11
};

/* Flags of entries (MS-DTYP 2.4.4.1). */
enum {
    SD_ACE_TO_FILES = 0x1,       /* OBJECT_INHERIT */
    SD_ACE_TO_DIRECTORIES = 0x2, /* CONTAINER_INHERIT */
    SD_ACE_ONCE = 0x4,           /* NO_PROPAGATE_INHERIT */
    SD_ACE_INHERIT_ONLY = 0x8,
    SD_ACE_INHERITED = 0x10,
    SD_ACE_AUDIT_FLAGS = 0xc0 /* of audit entries: successes, failures */
};

/* What an object entry has behind its mask, le32 flags: which of two GUIDs follow. */
enum { SD_ACE_OBJECT_TYPE = 0x1, SD_ACE_INHERITED_TYPE = 0x2 };

bool sd_ace_is_object(uint8_t type);
bool sd_ace_is_callback(uint8_t type);

/* The bytes of the SID at `at` within sd, or 0 if it is not well-formed and inside. */
size_t sd_sid_size(struct lt_str sd, size_t at);

/* Whether sd is a whole and well-formed self-relative descriptor of at most LT_SECURITY_SIZE_MAX
 * bytes: 0 or LT_EINVAL. Entries of unknown types are taken by their size. */
int lt_security_check(struct lt_str sd);

/* Whether `acl` is, or begins with, a well-formed list: 0 or LT_EINVAL. */
int sd_acl_check(struct lt_str acl);

/* ---- What has been checked ----------------------------------------------------------------- */

uint32_t sd_control(struct lt_str sd);
/* False, and *ret untouched: there is none. */
bool sd_owner(struct lt_str sd, struct lt_sid *ret);
bool sd_group(struct lt_str sd, struct lt_sid *ret);
/* The bytes of a list; s NULL: it is absent or NULL. */
struct lt_str sd_dacl(struct lt_str sd);
struct lt_str sd_sacl(struct lt_str sd);

/* Goes through the entries of a list, or of {NULL}: none. */
struct sd_aces {
    const char *at;
    unsigned left;
};
struct sd_aces sd_aces(struct lt_str acl);
/* The next entry, or NULL. */
const struct sd_ace *sd_aces_next(struct sd_aces *aces);

/* Where the SID of an entry lies in it, or 0: an entry of unknown type. */
size_t sd_ace_sid_at(const struct sd_ace *ace);
bool sd_ace_sid(const struct sd_ace *ace, struct lt_sid *ret);

/* SIDs of one sub-authority, and of built-in accounts, S-1-5-32-rid. */
struct lt_sid sd_well_known(uint64_t authority, uint32_t rid);
struct lt_sid sd_builtin(uint32_t rid);
bool sd_is_well_known(const struct lt_sid *sid, uint64_t authority, uint32_t rid);

#endif
