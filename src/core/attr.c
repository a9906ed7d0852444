// SPDX-License-Identifier: MIT
/* lintel/fs.h, attributes: above all, modes and access ACLs that stay in step. */
#include "attr.h"

#include "core.h"
#include "value.h"

#include <base/hash.h>
#include <lintel/acl.h>

int lt_node_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret)
{
    return node->fs->ops->getattr(ctx_or_root(ctx), node, ret);
}

struct lt_mutex *lt_mode_lock(struct lt_node *node)
{
    return &node->fs->core->mode_locks[lt_hash_u64(node->id) & (LT_MODE_LOCKS - 1)];
}

static int check_setattr(const struct lt_node *node, const struct lt_setattr *set)
{
    int r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (set->mask & LT_SET_SIZE) {
        if (!node_has_data(node))
            return node->type == LT_S_IFDIR ? LT_EISDIR : LT_EINVAL;
        if (set->size > LT_SIZE_MAX)
            return LT_EFBIG;
    }
    /* Linux has no permissions on symbolic links. */
    if (node->type == LT_S_IFLNK && (set->mask & (LT_SET_MODE | LT_SET_ACL)))
        return LT_EOPNOTSUPP;
    return 0;
}

/* set->acl is new: the mode follows it, and an ACL that the mode says wholly is not kept. */
static int follow_acl(struct lt_setattr *set, const struct lt_attr *attr, struct lt_value *acl)
{
    int count = set->acl.len ? lt_acl_check(set->acl) : 0;
    if (count < 0)
        return count;
    struct lt_str given = set->acl;
    set->acl = lt_strn(NULL, 0);
    if (count == 0)
        return 0;
    if (!(set->mask & LT_SET_MODE))
        set->mode = attr->mode & LT_S_PERM;
    set->mask |= LT_SET_MODE;
    if (!lt_acl_to_mode(given, &set->mode))
        return 0;
    int r = lt_value_copy(given, acl);
    if (r < 0)
        return r;
    lt_acl_normalize(acl->data, acl->len);
    set->acl = lt_value_str(acl);
    return 0;
}

/* set->mode is new: an access ACL, if there is one, follows it. */
static int follow_mode(const struct lt_ctx *ctx, struct lt_node *node, struct lt_setattr *set,
                       const struct lt_attr *attr, struct lt_value *acl)
{
    if (!(attr->has & LT_HAS_ACL))
        return 0;
    int r = lt_value_xattr(ctx, node, LT_ACL_ACCESS, acl);
    if (r < 0)
        return r == LT_ENODATA ? 0 : r;
    if (lt_acl_check(lt_value_str(acl)) <= 0)
        return LT_EUCLEAN;
    lt_acl_set_mode(acl->data, acl->len, set->mode);
    set->mask |= LT_SET_ACL;
    set->acl = lt_value_str(acl);
    return 0;
}

int lt_setattr_mode_locked(const struct lt_ctx *ctx, struct lt_node *node,
                           const struct lt_setattr *set, struct lt_attr *ret)
{
    struct lt_setattr synced = *set;
    struct lt_value acl = {.data = NULL};
    struct lt_attr attr;
    int r = node->fs->ops->getattr(ctx, node, &attr);
    if (r < 0)
        return r;
    synced.mode &= LT_S_PERM;
    if (set->mask & LT_SET_ACL)
        r = follow_acl(&synced, &attr, &acl);
    else
        r = follow_mode(ctx, node, &synced, &attr, &acl);
    if (r == 0)
        r = node->fs->ops->setattr(ctx, node, &synced, ret);
    lt_value_free(&acl);
    return r;
}

static void changed_by(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set)
{
    if (set->mask & LT_SET_SIZE)
        lt_event_emit_data(ctx, node, set->size, UINT64_MAX);
    if (set->mask & ~(uint32_t)LT_SET_SIZE)
        lt_event_emit_attr(ctx, node);
}

int lt_node_setattr(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                    struct lt_attr *ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_setattr(node, set);
    if (r < 0)
        return r;
    if (!node->fs->ops->setattr)
        return LT_EOPNOTSUPP;
    if (set->mask & (LT_SET_MODE | LT_SET_ACL)) {
        struct lt_mutex *lock = lt_mode_lock(node);
        lt_mutex_lock(lock);
        r = lt_setattr_mode_locked(ctx, node, set, ret);
        lt_mutex_unlock(lock);
    } else {
        r = node->fs->ops->setattr(ctx, node, set, ret);
    }
    if (r == 0 && events_wanted(node->fs))
        changed_by(ctx, node, set);
    return r;
}

int lt_node_sync(const struct lt_ctx *ctx, struct lt_node *node, bool data_only)
{
    if (!node->fs->ops->sync)
        return LT_EOPNOTSUPP;
    return node->fs->ops->sync(ctx_or_root(ctx), node, data_only);
}
