// SPDX-License-Identifier: MIT
/* Attributes. */
#include "backed.h"
#include "ext.h"
#include "ops.h"

#include <lintel/acl.h>

int mem_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret)
{
    (void)ctx;
    mem_attr(mem_node(node), ret);
    return 0;
}

/* What inode flags forbid, as notify_change() and vfs_truncate() have it. */
static int may_set(const struct mem_node *node, uint32_t mask) REQUIRES_SHARED(node->lock)
{
    const uint32_t touch = LT_SET_ATIME_NOW | LT_SET_MTIME_NOW | LT_SET_CTIME;
    bool immutable = node->inode_flags & LT_INODE_IMMUTABLE;
    bool append = node->inode_flags & LT_INODE_APPEND;
    mask &= ~(uint32_t)LT_SET_INODE_FLAGS;
    if (immutable && mask != 0)
        return LT_EPERM;
    return append && (mask & ~touch) != 0 ? LT_EPERM : 0;
}

static void set_times(struct mem_node *node, const struct lt_setattr *set, struct mem_time now)
    REQUIRES(node->lock)
{
    if (set->mask & LT_SET_ATIME_NOW)
        node->atime = now;
    else if (set->mask & LT_SET_ATIME)
        node->atime = mem_time(set->atime);
    if (set->mask & LT_SET_MTIME_NOW)
        node->mtime = now;
    if ((set->mask & (LT_SET_MTIME | LT_SET_MTIME_NOW)) == LT_SET_MTIME)
        node->mtime = mem_time(set->mtime);
    if (set->mask & LT_SET_BTIME)
        node->btime = mem_time(set->btime);
    if (mem_is_backed(node) && (set->mask & (LT_SET_MTIME | LT_SET_MTIME_NOW | LT_SET_SIZE)))
        mem_backed_touched(node);
    mem_changed(node, set->mask & LT_SET_CTIME ? mem_time(set->ctime) : now);
}

/* Everything but the size and what can fail. */
static void set_attributes(struct mem_node *node, const struct lt_setattr *set) REQUIRES(node->lock)
{
    if (set->mask & LT_SET_KILL_PRIV)
        mem_kill_priv(node);
    if (set->mask & LT_SET_MODE)
        node->mode = (uint16_t)(set->mode & LT_S_PERM);
    if (set->mask & LT_SET_UID)
        node->uid = set->uid;
    if (set->mask & LT_SET_GID)
        node->gid = set->gid;
    if (set->mask & LT_SET_WIN_ATTRS)
        node->win_attrs = (uint16_t)(set->win_attrs & LT_WIN_SETTABLE);
    if (set->mask & LT_SET_INODE_FLAGS)
        node->inode_flags = (uint16_t)(set->inode_flags & LT_INODE_SETTABLE);
    set_times(node, set, mem_now());
}

static int set_acl(struct mem_node *node, struct lt_str acl) REQUIRES(node->lock)
{
    if (acl.len > 0)
        return mem_xattr_store(node, lt_str(LT_ACL_ACCESS), acl, 0);
    int error = mem_xattr_store(node, lt_str(LT_ACL_ACCESS), lt_strn(NULL, 0), 0);
    return error == LT_ENODATA ? 0 : error;
}

/* Sets the size of a file or stream; `main` gets the time of the change, if it is one. */
static int set_size(struct mem_node *node, struct mem_node *main, uint64_t size)
    REQUIRES(node->lock) REQUIRES(main->lock)
{
    bool backed = mem_is_backed(node);
    if (size != (backed ? mem_backed_size(node) : node->data.size))
        main->mtime = mem_now();
    if (backed)
        return mem_backed_truncate(node, size);
    mem_data_truncate(&node->data, mem_arena_of(node), size);
    return 0;
}

static int setattr_locked(struct mem_node *node, const struct lt_setattr *set) REQUIRES(node->lock)
{
    int error = may_set(node, set->mask);
    if (!error && (set->mask & LT_SET_ACL))
        error = set_acl(node, set->acl);
    if (error)
        return error;
    if ((set->mask & LT_SET_SIZE) && node->base.type == LT_S_IFREG)
        error = set_size(node, node, set->size);
    if (error)
        return error;
    set_attributes(node, set);
    return 0;
}

int mem_setattr(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_setattr *set,
                struct lt_attr *ret)
{
    (void)ctx;
    struct mem_node *node = mem_node(base), *main = mem_main(node);
    struct lt_setattr of_main = *set;
    if (mem_is_stream(node)) /* the size is the stream's own */
        of_main.mask &= ~(uint32_t)LT_SET_SIZE;
    lt_rwlock_write(&main->lock);
    int error = setattr_locked(main, &of_main);
    if (!error && mem_is_stream(node) && (set->mask & LT_SET_SIZE)) {
        lt_rwlock_write(&node->lock);
        error = set_size(node, main, set->size);
        node->version++;
        lt_rwlock_write_unlock(&node->lock);
    }
    if (!error && ret && node == main)
        mem_node_attr(main, ret);
    lt_rwlock_write_unlock(&main->lock);
    if (!error && ret && node != main)
        mem_attr(node, ret);
    return error;
}
