// SPDX-License-Identifier: MIT
/* Permission checks: the rules of Linux's fs/namei.c, fs/attr.c, fs/utimes.c and fs/xattr.c. */
#include "core.h"
#include "value.h"

#include <lintel/access.h>
#include <lintel/acl.h>

bool lt_ctx_in_group(const struct lt_ctx *ctx, uint32_t gid)
{
    if (ctx->gid == gid)
        return true;
    for (uint32_t i = 0; i < ctx->group_count; i++) {
        if (ctx->groups[i] == gid)
            return true;
    }
    return false;
}

static bool is_root(const struct lt_ctx *ctx)
{
    return ctx->uid == 0;
}

static bool owns(const struct lt_ctx *ctx, const struct lt_attr *attr)
{
    return is_root(ctx) || ctx->uid == attr->uid;
}

/* Whether ctx may keep a set-gid bit for `gid` (in_group_or_capable). */
static bool keeps_sgid(const struct lt_ctx *ctx, uint32_t gid)
{
    return is_root(ctx) || lt_ctx_in_group(ctx, gid);
}

static bool is_dir(const struct lt_attr *attr)
{
    return (attr->mode & LT_S_IFMT) == LT_S_IFDIR;
}

static bool is_frozen(const struct lt_attr *attr)
{
    return attr->inode_flags & (LT_INODE_IMMUTABLE | LT_INODE_APPEND);
}

/* The ACL says something, and Linux asks it: not for the owner, and not where the group bits (the
 * mask) are empty. */
static bool acl_counts(const struct lt_ctx *ctx, const struct lt_attr *attr)
{
    return (attr->has & LT_HAS_ACL) && ctx->uid != attr->uid && (attr->mode & 0070);
}

static bool class_permits(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                          uint32_t want)
{
    uint32_t mode = attr->mode;
    if (ctx->uid == attr->uid)
        mode >>= 6;
    else if (acl.len && acl_counts(ctx, attr))
        return lt_acl_permits(acl, attr->uid, attr->gid, ctx, want);
    else if (lt_ctx_in_group(ctx, attr->gid))
        mode >>= 3;
    return (want & ~mode) == 0;
}

int lt_access_check(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                    uint32_t want)
{
    want &= LT_MAY_READ | LT_MAY_WRITE | LT_MAY_EXEC;
    if (is_root(ctx)) {
        bool may = !(want & LT_MAY_EXEC) || is_dir(attr) || (attr->mode & 0111);
        return may ? 0 : LT_EACCES;
    }
    return class_permits(ctx, attr, acl, want) ? 0 : LT_EACCES;
}

/* Devices, FIFOs and sockets are written to without a change to the volume. */
static bool is_on_volume(const struct lt_attr *attr)
{
    uint32_t type = attr->mode & LT_S_IFMT;
    return type == LT_S_IFREG || type == LT_S_IFDIR || type == LT_S_IFLNK;
}

int lt_access_node(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
                   uint32_t want)
{
    struct lt_attr own;
    int r = 0;
    if (!attr) {
        r = lt_node_getattr(ctx, node, &own);
        attr = &own;
    }
    if (r < 0)
        return r;
    if ((want & LT_MAY_WRITE) && is_on_volume(attr) && node->fs->read_only)
        return LT_EROFS;
    if ((want & LT_MAY_WRITE) && (attr->inode_flags & LT_INODE_IMMUTABLE))
        return LT_EPERM;
    struct lt_value acl;
    r = lt_value_acl(ctx, node, attr, &acl);
    if (r < 0)
        return r;
    r = lt_access_check(ctx, attr, lt_value_str(&acl), want);
    lt_value_free(&acl);
    return r;
}

int lt_access_remove(const struct lt_ctx *ctx, const struct lt_attr *dir,
                     const struct lt_attr *victim)
{
    if ((dir->inode_flags & LT_INODE_APPEND) || is_frozen(victim))
        return LT_EPERM;
    if (!(dir->mode & LT_S_ISVTX) || ctx->uid == victim->uid || owns(ctx, dir))
        return 0;
    return LT_EPERM;
}

/* ---- setattr ------------------------------------------------------------------------------- */

static int check_chown(const struct lt_ctx *ctx, const struct lt_attr *attr,
                       const struct lt_setattr *set)
{
    if (is_root(ctx))
        return 0;
    bool mine = ctx->uid == attr->uid;
    if ((set->mask & LT_SET_UID) && !(mine && set->uid == attr->uid))
        return LT_EPERM;
    if (!(set->mask & LT_SET_GID))
        return 0;
    return mine && (set->gid == attr->gid || lt_ctx_in_group(ctx, set->gid)) ? 0 : LT_EPERM;
}

#define SET_TIMES_NOW ((uint32_t)(LT_SET_ATIME_NOW | LT_SET_MTIME_NOW))
#define SET_TIMES ((uint32_t)(LT_SET_ATIME | LT_SET_MTIME | LT_SET_CTIME | LT_SET_BTIME))

/* Both times to now, the only change of times that a writer may make without owning the file. */
static bool is_touch(uint32_t mask)
{
    return (mask & SET_TIMES_NOW) == SET_TIMES_NOW && !(mask & SET_TIMES);
}

static int check_owned(const struct lt_ctx *ctx, const struct lt_attr *attr, uint32_t mask)
{
    uint32_t owned = LT_SET_MODE | LT_SET_ACL | LT_SET_INODE_FLAGS | SET_TIMES | SET_TIMES_NOW;
    if (is_touch(mask))
        owned &= ~SET_TIMES_NOW;
    if (!(mask & owned) || owns(ctx, attr))
        return 0;
    return LT_EPERM;
}

/* What else a change of an immutable or append-only file is: only its flags may change. */
static int check_frozen(const struct lt_attr *attr, uint32_t mask)
{
    if (!is_frozen(attr))
        return 0;
    bool immutable = attr->inode_flags & LT_INODE_IMMUTABLE;
    if (!(mask & ~(uint32_t)LT_SET_INODE_FLAGS) || (!immutable && is_touch(mask)))
        return 0;
    return LT_EPERM;
}

static int check_inode_flags(const struct lt_ctx *ctx, const struct lt_attr *attr,
                             const struct lt_setattr *set)
{
    uint32_t guarded = LT_INODE_IMMUTABLE | LT_INODE_APPEND;
    if (!(set->mask & LT_SET_INODE_FLAGS) || is_root(ctx))
        return 0;
    return (set->inode_flags ^ attr->inode_flags) & guarded ? LT_EPERM : 0;
}

/* What must be writable: the file for a truncation, a touch and Windows attributes. */
static int check_written(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                         uint32_t mask)
{
    bool needed = mask & LT_SET_SIZE;
    if (!owns(ctx, attr))
        needed = needed || is_touch(mask) || (mask & LT_SET_WIN_ATTRS);
    return needed ? lt_access_check(ctx, attr, acl, LT_MAY_WRITE) : 0;
}

static void lose_bits(const struct lt_attr *attr, struct lt_setattr *set, uint32_t bits)
{
    if (!(set->mask & LT_SET_MODE))
        set->mode = attr->mode & LT_S_PERM;
    if (!(set->mode & bits))
        return;
    set->mask |= LT_SET_MODE;
    set->mode &= ~bits;
}

/* The set-gid bit that a change of owner or content takes (setattr_should_drop_sgid). */
static uint32_t sgid_to_lose(const struct lt_ctx *ctx, const struct lt_attr *attr)
{
    return (attr->mode & 0010) || !keeps_sgid(ctx, attr->gid) ? LT_S_ISGID : 0;
}

static void add_consequences(const struct lt_ctx *ctx, const struct lt_attr *attr,
                             struct lt_setattr *set)
{
    uint32_t gid = set->mask & LT_SET_GID ? set->gid : attr->gid;
    if ((set->mask & (LT_SET_MODE | LT_SET_ACL)) && !keeps_sgid(ctx, gid))
        lose_bits(attr, set, LT_S_ISGID);
    bool chown = (set->mask & (LT_SET_UID | LT_SET_GID)) && !is_dir(attr);
    bool truncate = set->mask & LT_SET_SIZE;
    if (chown || (truncate && !is_root(ctx)))
        lose_bits(attr, set, LT_S_ISUID | sgid_to_lose(ctx, attr));
    if ((chown || truncate) && (attr->has & LT_HAS_CAPABILITY))
        set->mask |= LT_SET_KILL_PRIV;
}

int lt_access_setattr(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                      struct lt_setattr *set)
{
    int r = check_frozen(attr, set->mask);
    if (r == 0)
        r = check_chown(ctx, attr, set);
    if (r == 0)
        r = check_owned(ctx, attr, set->mask);
    if (r == 0)
        r = check_inode_flags(ctx, attr, set);
    if (r == 0)
        r = check_written(ctx, attr, acl, set->mask);
    if (r == 0)
        add_consequences(ctx, attr, set);
    return r;
}

/* ---- Extended attributes ------------------------------------------------------------------- */

static bool has_prefix(struct lt_str name, const char *prefix)
{
    size_t len = strlen(prefix);
    return name.len >= len && memcmp(name.s, prefix, len) == 0;
}

static int check_user_xattr(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                            uint32_t want)
{
    uint32_t type = attr->mode & LT_S_IFMT;
    bool writes = want & LT_MAY_WRITE;
    if (type != LT_S_IFREG && type != LT_S_IFDIR)
        return writes ? LT_EPERM : LT_ENODATA;
    if (writes && is_dir(attr) && (attr->mode & LT_S_ISVTX) && !owns(ctx, attr))
        return LT_EPERM;
    return lt_access_check(ctx, attr, acl, want);
}

int lt_access_xattr(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                    struct lt_str name, uint32_t want)
{
    bool writes = want & LT_MAY_WRITE;
    if (writes && is_frozen(attr))
        return LT_EPERM;
    if (has_prefix(name, "user."))
        return check_user_xattr(ctx, attr, acl, want);
    if (has_prefix(name, "trusted.") && !is_root(ctx))
        return writes ? LT_EPERM : LT_ENODATA;
    if (has_prefix(name, "security.") && writes && !is_root(ctx))
        return LT_EPERM;
    if (has_prefix(name, "system.posix_acl_") && writes && !owns(ctx, attr))
        return LT_EPERM;
    return 0;
}
