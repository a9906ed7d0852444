// SPDX-License-Identifier: MIT
/* lt_path_rename: the checks of Linux's do_renameat2() and vfs_rename(), in their order. */
#include "walk.h"

#include <lintel/access.h>
#include <lintel/path.h>

struct rename {
    struct lt_walk from, to;
    struct lt_entry old, target; /* node NULL: not there */
    uint32_t flags;
};

static bool entry_is_dir(const struct lt_entry *entry)
{
    return entry->node && entry->node->type == LT_S_IFDIR;
}

static int check_last(const struct rename *op)
{
    if (op->from.kind != WALK_NAME)
        return LT_EBUSY;
    if (op->to.kind != WALK_NAME)
        return op->flags & LT_RENAME_NOREPLACE ? LT_EEXIST : LT_EBUSY;
    return 0;
}

static int look_up_both(struct rename *op)
{
    int r = lt_node_lookup(op->from.ctx, op->from.dir, op->from.last, &op->old);
    if (r < 0)
        return r;
    r = lt_node_lookup(op->to.ctx, op->to.dir, op->to.last, &op->target);
    if (r == LT_ENOENT && !(op->flags & LT_RENAME_EXCHANGE))
        return 0;
    /* On a volume without case both may be one name, which changes its spelling. */
    bool same = r == 0 && op->target.node == op->old.node;
    return r == 0 && (op->flags & LT_RENAME_NOREPLACE) && !same ? LT_EEXIST : r;
}

/* A trailing '/' on either path is for directories only. */
static int check_slashes(const struct rename *op)
{
    bool exchange = op->flags & LT_RENAME_EXCHANGE;
    if (exchange && op->to.slash && !entry_is_dir(&op->target))
        return LT_ENOTDIR;
    if (entry_is_dir(&op->old))
        return 0;
    if (op->from.slash || (!exchange && op->to.slash))
        return LT_ENOTDIR;
    return 0;
}

/* What leaves a directory: write there, the sticky bit, and write on a directory that gets
 * another "..". */
static int check_leaving(struct lt_walk *w, const struct lt_entry *entry, bool moves)
{
    const struct lt_attr *dir = NULL;
    int r = lt_walk_check(w, LT_MAY_WRITE | LT_MAY_EXEC);
    if (r == 0)
        r = lt_walk_dir_attr(w, &dir);
    if (r == 0)
        r = lt_access_remove(w->ctx, dir, &entry->attr);
    if (r == 0 && moves && entry_is_dir(entry))
        r = lt_access_node(w->ctx, entry->node, &entry->attr, LT_MAY_WRITE);
    return r;
}

static int check_rename(struct rename *op)
{
    bool exchange = op->flags & LT_RENAME_EXCHANGE;
    bool moves = op->from.dir != op->to.dir;
    int r = check_last(op);
    if (r == 0)
        r = look_up_both(op);
    if (r == 0)
        r = check_slashes(op);
    if (r == 0)
        r = check_leaving(&op->from, &op->old, moves);
    if (r == 0 && op->target.node)
        r = check_leaving(&op->to, &op->target, moves && exchange);
    else if (r == 0)
        r = lt_walk_check(&op->to, LT_MAY_WRITE | LT_MAY_EXEC);
    return r;
}

int lt_path_rename(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                   struct lt_node *new_base, const char *new_path, uint32_t flags)
{
    struct rename op = {.flags = flags};
    if ((flags & LT_RENAME_EXCHANGE) && (flags & (LT_RENAME_NOREPLACE | LT_RENAME_WHITEOUT)))
        return LT_EINVAL;
    if (base->fs != new_base->fs)
        return LT_EXDEV;
    int r = lt_walk_start(&op.from, ctx, base, path);
    int r2 = lt_walk_start(&op.to, ctx, new_base, new_path);
    if (r == 0)
        r = lt_walk_parent(&op.from);
    if (r == 0)
        r = r2 == 0 ? lt_walk_parent(&op.to) : r2;
    if (r == 0)
        r = check_rename(&op);
    if (r == 0)
        r = lt_node_rename(op.from.ctx, op.from.dir, op.from.last, op.to.dir, op.to.last, flags);
    lt_node_put(op.old.node);
    lt_node_put(op.target.node);
    lt_walk_end(&op.from);
    lt_walk_end(&op.to);
    return r;
}
