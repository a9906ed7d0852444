/* SPDX-License-Identifier: MIT */
/*
 * Windows security, computed by ourselves on any platform: tokens, access checks, security
 * descriptors made from owners and modes and turned back into them, and inheritance.
 *
 * Descriptors are self-relative (MS-DTYP 2.4.6) and checked by each function that takes one.
 * All functions are pure but for malloc, may be called from any thread, and return 0 or a negative
 * LT_E... value: LT_EINVAL for a descriptor, SID or list of bad form.
 */
#ifndef LINTEL_SECURITY_H
#define LINTEL_SECURITY_H

#include <lintel/error.h>
#include <lintel/types.h>

/* ---- SIDs ---------------------------------------------------------------------------------- */

#define LT_SID_SUBS_MAX 15u

/* A SID (MS-DTYP 2.4.2), taken apart. */
struct lt_sid {
    uint64_t authority; /* below 2^48 */
    uint32_t subs[LT_SID_SUBS_MAX];
    uint8_t sub_count;
};

bool lt_sid_equal(const struct lt_sid *a, const struct lt_sid *b);
/* The binary SID at the start of `bytes`; returns its length, or LT_EINVAL. */
int lt_sid_decode(struct lt_str bytes, struct lt_sid *ret);
/* Into at most 68 bytes; returns how many. */
int lt_sid_encode(const struct lt_sid *sid, void *buf);
/* "S-1-5-32-544", into buf (192 bytes are always enough), and back. LT_ERANGE, LT_EINVAL. */
int lt_sid_format(const struct lt_sid *sid, char *buf, size_t size);
int lt_sid_parse(struct lt_str text, struct lt_sid *ret);

/*
 * Users and groups of POSIX as SIDs and back, as Cygwin and WinFsp map them, so that the same file
 * has the same owner through either. One to one on the ids it covers; all other ids are
 * S-1-22-1-uid and S-1-22-2-gid, as Samba has it. The table is in docs/design/windows.md.
 * `group` tells the two spaces apart where they differ; *ret_group (or NULL): it can only be a
 * group. A SID that no id maps to is 65534.
 */
void lt_sid_from_id(uint32_t id, bool group, struct lt_sid *ret);
uint32_t lt_sid_to_id(const struct lt_sid *sid, bool *ret_group);

/* ---- Tokens -------------------------------------------------------------------------------- */

enum {
    LT_SID_ENABLED = 0x1,  /* SE_GROUP_ENABLED: counts for allow and deny entries */
    LT_SID_DENY_ONLY = 0x2 /* SE_GROUP_USE_FOR_DENY_ONLY */
};

/* Privileges that touch files (MS-LSAD 3.1.1.2.1). */
enum {
    LT_PRIVILEGE_SECURITY = 0x1,       /* read and write the SACL */
    LT_PRIVILEGE_TAKE_OWNERSHIP = 0x2, /* WRITE_OWNER on everything */
    LT_PRIVILEGE_BACKUP = 0x4,
    LT_PRIVILEGE_RESTORE = 0x8,
    LT_PRIVILEGE_TRAVERSE = 0x10, /* SeChangeNotify */
    LT_PRIVILEGE_SYMLINK = 0x20,  /* SeCreateSymbolicLink */
    LT_PRIVILEGE_MANAGE_VOLUME = 0x40
};

struct lt_token_group {
    struct lt_sid sid;
    uint32_t flags; /* LT_SID_... */
};

/* Who asks. How trustworthy he is says a group S-1-16-level; without one he is of medium
 * integrity. */
struct lt_token {
    struct lt_sid user;
    struct lt_sid primary_group;         /* of the objects that it makes */
    struct lt_sid owner;                 /* likewise: the user, or Administrators */
    const struct lt_token_group *groups; /* the user is not among them; Everyone is */
    size_t group_count;
    uint32_t privileges; /* LT_PRIVILEGE_..., the enabled ones */
    struct lt_str
        default_dacl; /* of new objects without any other: an ACL (MS-DTYP 2.4.5), or none */
    uint32_t pid;
};

/* The token of a POSIX caller: his ids as SIDs, Everyone and Authenticated Users; uid 0 is
 * LocalSystem with all privileges. In malloc'd memory, one free(). LT_ENOMEM. */
int lt_token_from_ctx(const struct lt_ctx *ctx, struct lt_token **ret);

/* Whether the token may make this SID the owner of something: its own, or any with the restore
 * privilege. */
bool lt_token_may_give(const struct lt_token *token, const struct lt_sid *owner);

/* ---- Access checks ------------------------------------------------------------------------- */

/* Access masks (MS-DTYP 2.4.3); those of files are in MS-FSCC and winnt.h. */
enum {
    LT_ACCESS_DELETE = 0x10000,
    LT_ACCESS_READ_CONTROL = 0x20000,
    LT_ACCESS_WRITE_DAC = 0x40000,
    LT_ACCESS_WRITE_OWNER = 0x80000,
    LT_ACCESS_SYNCHRONIZE = 0x100000,
    LT_ACCESS_SYSTEM_SECURITY = 0x1000000,
    LT_ACCESS_MAXIMUM_ALLOWED = 0x2000000,
    LT_ACCESS_GENERIC_ALL = 0x10000000,
    LT_ACCESS_GENERIC_EXECUTE = 0x20000000,
    LT_ACCESS_GENERIC_WRITE = 0x40000000,
    LT_ACCESS_FILE_ALL = 0x1f01ff,    /* FILE_ALL_ACCESS */
    LT_ACCESS_FILE_READ = 0x120089,   /* FILE_GENERIC_READ */
    LT_ACCESS_FILE_WRITE = 0x120116,  /* FILE_GENERIC_WRITE */
    LT_ACCESS_FILE_EXECUTE = 0x1200a0 /* FILE_GENERIC_EXECUTE */
};
#define LT_ACCESS_GENERIC_READ 0x80000000u

/* The generic rights in a mask replaced by those that files mean by them. */
uint32_t lt_access_map_generic(uint32_t mask);

/*
 * Access check (MS-DTYP 2.5.3.2, and what NT does beyond it): whether `token` gets `desired` of an
 * object with this descriptor. Entries are taken in their order; deny-only groups, inherit-only
 * entries, OWNER RIGHTS (S-1-3-4), the owner's implicit READ_CONTROL and WRITE_DAC, a missing
 * DACL (everything), an empty one (nothing), mandatory labels (no write up), and the privileges
 * count. `desired` may hold generic rights and LT_ACCESS_MAXIMUM_ALLOWED. With `intent` (a backup
 * opening) the backup privilege grants reading, the restore privilege writing.
 * *ret: what is granted, all of `desired` and with MAXIMUM_ALLOWED whatever else there is (never
 * SYSTEM_SECURITY, which like WRITE_OWNER by privilege must be asked for by name). Object entries
 * with a type and entries with conditions do not allow, but deny.
 * LT_EACCES; LT_EPERM where SYSTEM_SECURITY lacks its privilege.
 */
int lt_security_access(struct lt_str descriptor, const struct lt_token *token, uint32_t desired,
                       bool intent, uint32_t *ret);

/* ---- POSIX modes as descriptors ---------------------------------------------------------------
 */

/*
 * The descriptor that stands for an owner, group and mode where none is stored: O:, G: and a
 * protected DACL of owner, group and Everyone, with deny entries where a class has less than the
 * ones after it. `mode` is with its type: directories differ. malloc'd. lt_security_to_mode() gives
 * back exactly what it was made of, but for the set-uid and set-gid bits.
 */
int lt_security_from_mode(uint32_t uid, uint32_t gid, uint32_t mode, char **ret, size_t *ret_len);

/* Owner, group and permission bits (07777; set-uid and set-gid are `mode`'s own) that a descriptor
 * comes to for a file whose mode, with its type, was `mode`. Members that it does not have stay as
 * they are; with a NULL DACL everybody may everything. */
int lt_security_to_mode(struct lt_str descriptor, uint32_t *uid, uint32_t *gid, uint32_t *mode);

/* ---- New and changed descriptors ------------------------------------------------------------- */

/*
 * The descriptor of a new object (CreatePrivateObjectSecurity; MS-DTYP 2.5.3.4): from the one
 * asked for (len 0: none), the parent's inheritable entries, and the token's defaults. CREATOR
 * OWNER and CREATOR GROUP are replaced, flags of inheritance computed. malloc'd. A list that is
 * asked for is taken as it is; the parent's entries join it only with AUTO_INHERIT_REQ in its
 * control bits. Without any list at all the DACL is NULL. LT_EPERM: an owner that the token may not
 * give, a SACL without its privilege, a label above the token's own. LT_EINVAL: also a result of
 * more than LT_SECURITY_SIZE_MAX bytes.
 */
int lt_security_inherit(struct lt_str asked, struct lt_str parent, bool directory,
                        const struct lt_token *token, char **ret, size_t *ret_len);

/* SECURITY_INFORMATION (MS-DTYP 2.4.7): parts of a descriptor. The labels are the part of the SACL
 * that says how trustworthy one must be; LT_SACL_SECURITY is the rest of it. */
enum {
    LT_OWNER_SECURITY = 0x1,
    LT_GROUP_SECURITY = 0x2,
    LT_DACL_SECURITY = 0x4,
    LT_SACL_SECURITY = 0x8,
    LT_LABEL_SECURITY = 0x10,
    LT_UNPROTECTED_SACL_SECURITY = 0x10000000,
    LT_UNPROTECTED_DACL_SECURITY = 0x20000000,
    LT_PROTECTED_SACL_SECURITY = 0x40000000
};
#define LT_PROTECTED_DACL_SECURITY 0x80000000u

/*
 * The parts of `change` that `information` (LT_..._SECURITY) names, put into `old` (len 0: nothing)
 * as SetPrivateObjectSecurity does. malloc'd. A list that `change` does not have is a NULL one:
 * with the DACL everybody may everything. Generic rights become those of files. A list is protected
 * if `information` says so, not if it says unprotected, else as in `change`. Whether the caller may
 * give the owner is not asked here: lt_token_may_give(). LT_EINVAL: also an owner or group that is
 * not in `change`, and a result of more than LT_SECURITY_SIZE_MAX bytes.
 */
int lt_security_merge(struct lt_str old, struct lt_str change, uint32_t information, char **ret,
                      size_t *ret_len);

/* Only the parts that `information` names, as GetSecurity answers. malloc'd. */
int lt_security_extract(struct lt_str descriptor, uint32_t information, char **ret,
                        size_t *ret_len);

#endif
