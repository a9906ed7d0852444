// SPDX-License-Identifier: MIT
/*
 * lintel/fs.h, extended attributes: which namespaces exist on what, and ACLs, which
 * are attributes by name only. Errors are those of fs/xattr.c and fs/posix_acl.c.
 */
#include "attr.h"
#include "core.h"
#include "value.h"

#include <lintel/acl.h>

enum space { SPACE_NONE, SPACE_PLAIN, SPACE_USER, SPACE_ACL_ACCESS, SPACE_ACL_DEFAULT };

static bool has_prefix(struct lt_str name, const char *prefix)
{
    size_t len = strlen(prefix);
    return name.len > len && memcmp(name.s, prefix, len) == 0;
}

static enum space space_of(struct lt_str name)
{
    if (has_prefix(name, "user."))
        return SPACE_USER;
    if (has_prefix(name, "trusted.") || has_prefix(name, "security."))
        return SPACE_PLAIN;
    if (lt_str_equal(name, lt_str(LT_ACL_ACCESS)))
        return SPACE_ACL_ACCESS;
    if (lt_str_equal(name, lt_str(LT_ACL_DEFAULT)))
        return SPACE_ACL_DEFAULT;
    return SPACE_NONE;
}

static bool is_bare_prefix(struct lt_str name)
{
    return lt_str_equal(name, lt_str("user.")) || lt_str_equal(name, lt_str("trusted.")) ||
           lt_str_equal(name, lt_str("security."));
}

/* Finds the namespace; `missing` is what an attribute that this type cannot have says. */
static int check_xattr(const struct lt_node *node, struct lt_str name, int missing,
                       enum space *ret_space)
{
    if (name.len == 0 || name.len > LT_XATTR_NAME_MAX)
        return LT_ERANGE;
    if (memchr(name.s, 0, name.len) || is_bare_prefix(name))
        return LT_EINVAL;
    enum space space = space_of(name);
    bool is_acl = space == SPACE_ACL_ACCESS || space == SPACE_ACL_DEFAULT;
    if (space == SPACE_NONE || (is_acl && node->type == LT_S_IFLNK))
        return LT_EOPNOTSUPP;
    if (space == SPACE_USER && !node_has_data(node) && node->type != LT_S_IFDIR)
        return missing;
    *ret_space = space;
    return 0;
}

int lt_node_xattr_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                      size_t size)
{
    enum space space;
    int r = check_xattr(node, name, LT_ENODATA, &space);
    if (r < 0)
        return r;
    if (!node->fs->ops->xattr_get)
        return LT_EOPNOTSUPP;
    return node->fs->ops->xattr_get(ctx_or_root(ctx), node, name, buf, size);
}

/* Sets or (len 0) removes the access ACL; with kill_sgid the set-gid bit goes in the same step. */
static int set_access_acl(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str acl,
                          bool kill_sgid)
{
    struct lt_mutex *lock = lt_mode_lock(node);
    struct lt_setattr set = {.mask = LT_SET_ACL, .acl = acl};
    struct lt_attr attr;
    int r = 0;
    if (!node->fs->ops->setattr)
        return LT_EOPNOTSUPP;
    lt_mutex_lock(lock);
    if (kill_sgid) {
        r = node->fs->ops->getattr(ctx, node, &attr);
        set.mask |= LT_SET_MODE;
        set.mode = attr.mode & LT_S_PERM & ~(uint32_t)LT_S_ISGID;
    }
    if (r == 0)
        r = lt_setattr_mode_locked(ctx, node, &set, NULL);
    lt_mutex_unlock(lock);
    return r;
}

static int remove_default_acl(const struct lt_ctx *ctx, struct lt_node *node)
{
    if (node->type != LT_S_IFDIR)
        return 0;
    int r = node->fs->ops->xattr_remove(ctx, node, lt_str(LT_ACL_DEFAULT));
    return r == LT_ENODATA ? 0 : r;
}

static int set_default_acl(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str acl)
{
    int count = acl.len ? lt_acl_check(acl) : 0;
    if (count < 0)
        return count;
    if (count == 0)
        return remove_default_acl(ctx, node);
    if (node->type != LT_S_IFDIR)
        return LT_EACCES;
    struct lt_value copy;
    int r = lt_value_copy(acl, &copy);
    if (r < 0)
        return r;
    lt_acl_normalize(copy.data, copy.len);
    r = node->fs->ops->xattr_set(ctx, node, lt_str(LT_ACL_DEFAULT), lt_value_str(&copy), 0);
    lt_value_free(&copy);
    return r;
}

int lt_node_xattr_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                      struct lt_str value, uint32_t flags)
{
    ctx = ctx_or_root(ctx);
    enum space space = SPACE_NONE;
    int r = check_xattr(node, name, LT_EPERM, &space);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!only_flags(flags, LT_XATTR_CREATE | LT_XATTR_REPLACE | LT_XATTR_KILL_SGID))
        return LT_EINVAL;
    if (value.len > LT_XATTR_SIZE_MAX)
        return LT_E2BIG;
    if (!node->fs->ops->xattr_set)
        return LT_EOPNOTSUPP;
    if (space == SPACE_ACL_ACCESS) {
        r = set_access_acl(ctx, node, value, flags & LT_XATTR_KILL_SGID);
    } else if (space == SPACE_ACL_DEFAULT) {
        r = set_default_acl(ctx, node, value);
    } else {
        r = node->fs->ops->xattr_set(ctx, node, name, value, flags & ~(uint32_t)LT_XATTR_KILL_SGID);
    }
    if (r == 0)
        changed_attr(ctx, node);
    return r;
}

int lt_node_xattr_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    ctx = ctx_or_root(ctx);
    enum space space = SPACE_NONE;
    int r = check_xattr(node, name, LT_EPERM, &space);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->xattr_remove)
        return LT_EOPNOTSUPP;
    if (space == SPACE_ACL_ACCESS)
        r = set_access_acl(ctx, node, lt_strn(NULL, 0), false);
    else if (space == SPACE_ACL_DEFAULT)
        r = remove_default_acl(ctx, node);
    else
        r = node->fs->ops->xattr_remove(ctx, node, name);
    if (r == 0)
        changed_attr(ctx, node);
    return r;
}

int lt_node_xattr_list(const struct lt_ctx *ctx, struct lt_node *node,
                       int (*fn)(void *arg, struct lt_str name), void *arg)
{
    if (!node->fs->ops->xattr_list)
        return 0;
    return node->fs->ops->xattr_list(ctx_or_root(ctx), node, fn, arg);
}
