// SPDX-License-Identifier: MIT
/* Attributes. */
#include "data.h"
#include "ext.h"
#include "ops.h"

#include <lintel/acl.h>

/* ---- What a node says of itself ------------------------------------------------------------ */

/* What tmpfs gives a directory: 20 bytes an entry, "." and ".." among them. */
#define DIRENT_SIZE 20u

static uint64_t allocated(const struct img_node *node) REQUIRES_SHARED(img_items)
{
    return (node->inode.blocks + node->waiting) * img_block_size(img_fs_of(node)->store);
}

static void main_attr(const struct img_node *node, struct lt_attr *ret) REQUIRES_SHARED(img_items)
{
    const struct img_inode *inode = &node->inode;
    bool dir = node->base.type == LT_S_IFDIR;
    *ret = (struct lt_attr){
        .id = node->base.id,
        .size = dir ? (inode->size + 2) * DIRENT_SIZE : inode->size,
        .allocated = allocated(node),
        .version = inode->version,
        .atime = inode->atime,
        .mtime = inode->mtime,
        .ctime = inode->ctime,
        .btime = inode->btime,
        .mode = inode->mode,
        .nlink = inode->nlink,
        .uid = inode->uid,
        .gid = inode->gid,
        .rdev = inode->rdev,
        .block_size = img_block_size(img_fs_of(node)->store),
        .generation = IMG_GENERATION,
        .win_attrs = inode->win_attrs,
        .inode_flags = inode->inode_flags,
        .reparse_tag = inode->reparse_tag,
        .ea_size = inode->ea_size,
        .has = inode->has,
    };
    if (dir)
        ret->win_attrs |= LT_WIN_DIRECTORY;
    if (inode->has & LT_HAS_REPARSE)
        ret->win_attrs |= LT_WIN_REPARSE_POINT;
}

void img_node_attr(const struct img_node *node, struct lt_attr *ret)
{
    const struct img_node *main = node->main ? node->main : node;
    main_attr(main, ret);
    if (!img_is_stream(node))
        return;
    ret->mode = LT_S_IFREG | (ret->mode & LT_S_PERM);
    if (main == node)
        return;
    ret->size = node->inode.size;
    ret->allocated = allocated(node);
    ret->version += node->inode.version;
    ret->win_attrs &= ~(uint32_t)LT_WIN_DIRECTORY;
    if (main->base.type == LT_S_IFDIR)
        ret->nlink = ret->nlink > 0;
}

int imgfs_getattr(const struct lt_ctx *ctx, struct lt_node *base, struct lt_attr *ret)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_store *store = img_fs_of(node)->store;
    img_read_lock(store);
    img_node_attr(node, ret);
    img_read_unlock(store);
    return 0;
}

/* ---- Changes that come with others --------------------------------------------------------- */

void img_changed(struct img_node *node, struct lt_time now)
{
    node->inode.ctime = now;
    node->inode.version++;
    img_node_dirty(node);
}

void img_modified(struct img_node *node, struct lt_time now)
{
    node->inode.mtime = now;
    img_changed(node, now);
}

static int time_order(struct lt_time a, struct lt_time b)
{
    if (a.sec != b.sec)
        return a.sec < b.sec ? -1 : 1;
    return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}

/* The rule of relatime: older than the last change, or than a day. */
static bool atime_due(const struct img_inode *inode, struct lt_time now)
{
    if (inode->inode_flags & LT_INODE_NOATIME)
        return false;
    if (time_order(inode->atime, inode->mtime) <= 0 || time_order(inode->atime, inode->ctime) <= 0)
        return time_order(inode->atime, now) != 0;
    return now.sec > inode->atime.sec && now.sec - inode->atime.sec >= 24 * 60 * 60;
}

/* A read does not fail for it, nor wait until it is durable. */
static void touch(struct img_node *node, struct lt_time now)
{
    struct img_txn txn;
    if (img_begin(img_fs_of(node)->store, IMG_SHRINK, &txn) != 0)
        return;
    txn.lazy = true;
    if (atime_due(&node->inode, now)) {
        node->inode.atime = now;
        img_node_dirty(node);
    }
    (void)img_end(&txn, 0);
}

void img_accessed(struct img_node *node)
{
    struct img_store *store = img_fs_of(node)->store;
    if (node->base.fs->read_only)
        return;
    node = img_main(node);
    struct lt_time now = lt_clock_now();
    img_read_lock(store);
    bool due = atime_due(&node->inode, now);
    img_read_unlock(store);
    if (due)
        touch(node, now);
}

int img_kill_priv(struct img_txn *txn, struct img_node *node)
{
    int r = 0;
    if (node->inode.has & LT_HAS_CAPABILITY)
        r = img_xattr_store(txn, node, lt_str("security.capability"), lt_strn(NULL, 0), 0);
    if (r < 0)
        return r;
    uint16_t mode = node->inode.mode & (uint16_t)~LT_S_ISUID;
    if ((mode & (LT_S_ISGID | 0010)) == (LT_S_ISGID | 0010))
        mode &= (uint16_t)~LT_S_ISGID;
    if (mode != node->inode.mode) {
        node->inode.mode = mode;
        img_node_dirty(node);
    }
    return 0;
}

/* ---- Setting ------------------------------------------------------------------------------- */

/* What inode flags forbid, as notify_change() and vfs_truncate() have it. */
static int may_set(const struct img_node *node, uint32_t mask) REQUIRES_SHARED(img_items)
{
    const uint32_t touch = LT_SET_ATIME_NOW | LT_SET_MTIME_NOW | LT_SET_CTIME;
    bool immutable = node->inode.inode_flags & LT_INODE_IMMUTABLE;
    bool append = node->inode.inode_flags & LT_INODE_APPEND;
    mask &= ~(uint32_t)LT_SET_INODE_FLAGS;
    if (immutable && mask != 0)
        return LT_EPERM;
    return append && (mask & ~touch) != 0 ? LT_EPERM : 0;
}

static void set_times(struct img_inode *inode, const struct lt_setattr *set, struct lt_time now)
{
    if (set->mask & LT_SET_ATIME_NOW)
        inode->atime = now;
    else if (set->mask & LT_SET_ATIME)
        inode->atime = set->atime;
    if (set->mask & LT_SET_MTIME_NOW)
        inode->mtime = now;
    else if (set->mask & LT_SET_MTIME)
        inode->mtime = set->mtime;
    if (set->mask & LT_SET_BTIME)
        inode->btime = set->btime;
}

/* All that cannot fail. */
static void set_attributes(struct img_node *node, const struct lt_setattr *set, struct lt_time now)
    REQUIRES(img_items)
{
    struct img_inode *inode = &node->inode;
    if (set->mask & LT_SET_MODE)
        inode->mode = (uint16_t)((inode->mode & LT_S_IFMT) | (set->mode & LT_S_PERM));
    if (set->mask & LT_SET_UID)
        inode->uid = set->uid;
    if (set->mask & LT_SET_GID)
        inode->gid = set->gid;
    if (set->mask & LT_SET_WIN_ATTRS)
        inode->win_attrs = set->win_attrs & LT_WIN_SETTABLE;
    if (set->mask & LT_SET_INODE_FLAGS)
        inode->inode_flags = set->inode_flags & LT_INODE_SETTABLE;
    set_times(inode, set, now);
    img_changed(node, set->mask & LT_SET_CTIME ? set->ctime : now);
}

static int set_acl(struct img_txn *txn, struct img_node *node, struct lt_str acl)
    REQUIRES(img_items)
{
    if (acl.len > 0)
        return img_xattr_store(txn, node, lt_str(LT_ACL_ACCESS), acl, 0);
    int r = img_xattr_store(txn, node, lt_str(LT_ACL_ACCESS), lt_strn(NULL, 0), 0);
    return r == LT_ENODATA ? 0 : r;
}

int img_set_in(struct img_txn *txn, struct img_node *node, const struct lt_setattr *set,
               struct lt_time now, bool resized)
{
    struct img_node *main = img_main(node);
    const struct img_inode before = main->inode;
    int r = may_set(main, set->mask & ~(uint32_t)LT_SET_SIZE);
    if (r == 0 && (set->mask & LT_SET_ACL))
        r = set_acl(txn, main, set->acl);
    if (r == 0 && (set->mask & LT_SET_KILL_PRIV))
        r = img_kill_priv(txn, main);
    if (r < 0) {
        main->inode = before;
        return r;
    }
    if (resized)
        main->inode.mtime = now;
    if (resized && main != node) {
        node->inode.version++;
        img_node_dirty(node);
    }
    set_attributes(main, set, now);
    return 0;
}

/* All goes with the last transaction that the size takes; what could forbid the change is asked
 * before the first. */
static int set_size(struct img_node *node, const struct lt_setattr *set, struct lt_time now)
{
    struct img_store *store = img_fs_of(node)->store;
    uint32_t mask = img_is_stream(node) ? set->mask & ~(uint32_t)LT_SET_SIZE : set->mask;
    img_read_lock(store);
    int r = may_set(img_main(node), mask);
    img_read_unlock(store);
    return r < 0 ? r : img_data_truncate(node, set, now);
}

static int set_others(struct img_node *node, const struct lt_setattr *set, struct lt_time now,
                      struct lt_attr *ret)
{
    struct img_txn txn;
    enum img_purpose purpose = set->mask & LT_SET_ACL ? img_purpose_of(set->acl.len) : IMG_SHRINK;
    int r = img_begin(img_fs_of(node)->store, purpose, &txn);
    if (r)
        return r;
    r = img_set_in(&txn, node, set, now, false);
    if (r == 0 && ret)
        img_node_attr(node, ret);
    return img_end(&txn, r);
}

int imgfs_setattr(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_setattr *set,
                  struct lt_attr *ret)
{
    struct img_node *node = img_node(base);
    struct lt_time now = lt_clock_now();
    if (!(set->mask & LT_SET_SIZE))
        return set_others(node, set, now, ret);
    int r = set_size(node, set, now);
    return r < 0 || !ret ? r : imgfs_getattr(ctx, base, ret);
}

int imgfs_sync(const struct lt_ctx *ctx, struct lt_node *base, bool data_only)
{
    (void)ctx;
    (void)data_only;
    struct img_node *node = img_node(base);
    int r = base->type == LT_S_IFREG || base->type == LT_S_STREAM ? img_data_flush(node, true) : 0;
    int commit = img_commit(img_fs_of(node)->store, false);
    return r < 0 ? r : commit;
}
