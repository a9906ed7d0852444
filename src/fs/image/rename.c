// SPDX-License-Identifier: MIT
/*
 * Rename: one transaction. All that can fail comes first: the checks, the items, the whiteout. Only
 * the names of nodes (inode.parent and entry) change on the way; undo_names() puts them back.
 *
 * Where a name stays in use (a replaced target, an exchange, a whiteout, a change of case) its
 * entry keeps its key, so that cookies stay valid.
 */
#include "data.h"
#include "dir.h"
#include "ops.h"

/* One of the two names of a rename. */
struct place {
    struct img_node *dir;
    struct lt_str name;
    struct img_entry entry; /* what is there; key alone: nothing, and the key that it would get */
    bool there, same_spelling;
    struct img_node *node;  /* what the entry leads to, with a reference, or NULL */
    struct img_name before; /* the node's inode.parent and entry */
};

struct rename {
    struct img_fs *fs;
    struct img_txn txn;
    uint32_t flags;
    struct place from, to;
    struct img_node *whiteout; /* with a reference, or NULL */
    struct lt_time now;
};

static bool is_dir(const struct img_node *node)
{
    return node->base.type == LT_S_IFDIR;
}

static struct img_name name_of(const struct place *place)
{
    return (struct img_name){place->dir->base.id, place->entry.key};
}

/* ---- Checks -------------------------------------------------------------------------------- */

static int find_place(struct rename *r, struct place *place) REQUIRES_SHARED(img_items)
{
    int found = img_dir_find(place->dir, place->name, &place->entry);
    if (found <= 0)
        return found;
    place->there = true;
    place->same_spelling = lt_str_equal(place->entry.name, place->name);
    int error = img_entry_node(r->fs, &place->entry, &place->node);
    if (error)
        return error;
    place->before = (struct img_name){place->node->inode.parent, place->node->inode.entry};
    return 0;
}

/* The id of the directory that holds another, 0 for the root. */
static int parent_id(struct img_fs *fs, uint64_t dir, uint64_t *ret) REQUIRES_SHARED(img_items)
{
    struct img_node *node;
    if (dir == IMG_ID_ROOT) {
        *ret = 0;
        return 0;
    }
    int error = img_node_get_named(fs, dir, LT_S_IFDIR, &node);
    if (error)
        return error == LT_ENOENT ? LT_EUCLEAN : error;
    *ret = node->inode.parent;
    lt_node_put(&node->base);
    return 0;
}

/* Whether `node` is the directory `dir` or above it: 1 or 0. */
static int is_above(const struct rename *r, const struct img_node *node, const struct img_node *dir)
    REQUIRES_SHARED(img_items)
{
    uint64_t id = dir->base.id, steps = r->fs->store->super.nodes;
    if (!is_dir(node))
        return 0;
    while (id != node->base.id) {
        int error = dir->inode.nlink == 0 ? LT_ENOENT : parent_id(r->fs, id, &id);
        if (error)
            return error == LT_ENOENT ? 0 : error;
        if (id == 0)
            return 0;
        if (steps-- == 0)
            return LT_EUCLEAN; /* a ring */
    }
    return 1;
}

/* A directory does not go below itself, nor replace one that it lies in. */
static int check_traps(const struct rename *r) REQUIRES_SHARED(img_items)
{
    int above = is_above(r, r->from.node, r->to.dir);
    if (above != 0)
        return above < 0 ? above : LT_EINVAL;
    if (!r->to.there)
        return 0;
    above = is_above(r, r->to.node, r->from.dir);
    if (above <= 0)
        return above;
    return r->flags & LT_RENAME_EXCHANGE ? LT_EINVAL : LT_ENOTEMPTY;
}

/* Whether both names are one, perhaps in another case. */
static bool same_place(const struct rename *r)
{
    return r->to.there && r->from.dir == r->to.dir && r->from.entry.key == r->to.entry.key;
}

/* What the two names exclude by themselves, in the order of do_renameat2(). */
static int check_names(const struct rename *r) REQUIRES_SHARED(img_items)
{
    if (!r->from.there)
        return LT_ENOENT;
    bool respelled = same_place(r) && !lt_str_equal(r->from.name, r->to.name);
    if ((r->flags & LT_RENAME_NOREPLACE) && r->to.there && !respelled)
        return LT_EEXIST;
    if ((r->flags & LT_RENAME_EXCHANGE) && !r->to.there)
        return LT_ENOENT;
    return r->from.dir == r->to.dir ? 0 : check_traps(r);
}

/* Inode flags and types, in the order of vfs_rename(). */
static int check_nodes(const struct rename *r) REQUIRES_SHARED(img_items)
{
    const struct img_node *source = r->from.node, *target = r->to.node;
    bool exchange = r->flags & LT_RENAME_EXCHANGE;
    int error = img_dir_may_take(r->from.dir);
    if (!error)
        error = img_may_change(source);
    if (!error)
        error = target ? img_dir_may_take(r->to.dir) : img_dir_may_add(r->to.dir);
    if (!error && target && target != source)
        error = img_may_change(target);
    if (error)
        return error;
    if (target && !exchange && is_dir(source) && !is_dir(target))
        return LT_ENOTDIR;
    if (target && !exchange && !is_dir(source) && is_dir(target))
        return LT_EISDIR;
    bool grows = r->from.dir != r->to.dir && is_dir(source) && !(target && is_dir(target));
    if (grows && r->to.dir->inode.nlink >= LT_LINK_MAX)
        return LT_EMLINK;
    if (target && target != source && !exchange && is_dir(target) && target->inode.size > 0)
        return LT_ENOTEMPTY;
    return r->to.entry.key == 0 ? LT_ENOSPC : 0;
}

/* ---- Doing it ------------------------------------------------------------------------------ */

static void undo_names(const struct place *place) REQUIRES(img_items)
{
    if (!place->node)
        return;
    place->node->inode.parent = place->before.dir;
    place->node->inode.entry = place->before.key;
}

/* The node of place `from` gets the name of place `to`. */
static int move_node(struct rename *r, const struct place *from, const struct place *to)
    REQUIRES(img_items)
{
    int error = img_entry_put(&r->txn, to->dir, to->entry.key, from->node, to->name);
    return error ? error : img_name_move(&r->txn, from->node, name_of(from), name_of(to));
}

static int make_whiteout(struct rename *r, const struct lt_ctx *ctx) REQUIRES(img_items)
{
    const struct img_node *dir = r->from.dir;
    struct lt_create spec = {.mode = LT_S_IFCHR, .uid = ctx->uid, .gid = ctx->gid};
    if (dir->inode.mode & LT_S_ISGID)
        spec.gid = dir->inode.gid;
    int error = img_node_new(r->fs, &r->txn, &spec, &r->whiteout);
    if (error)
        return error;
    return img_entry_put(&r->txn, dir, r->from.entry.key, r->whiteout, r->from.name);
}

/* What stands at the old name afterwards: nothing, or a whiteout. */
static int leave_old(struct rename *r, const struct lt_ctx *ctx) REQUIRES(img_items)
{
    if (r->flags & LT_RENAME_WHITEOUT)
        return make_whiteout(r, ctx);
    return img_delete(&r->txn, img_key(r->from.dir->base.id, IMG_ENTRY, r->from.entry.key));
}

/* Extents of a replaced file that go with its name. */
#define TARGET_EXTENTS 8u

/* The target has lost a name. */
static int drop_target(struct rename *r, struct img_node *target) REQUIRES(img_items)
{
    const struct img_inode before = target->inode;
    target->inode.nlink = is_dir(target) ? 0 : target->inode.nlink - 1;
    img_changed(target, r->now);
    if (target->inode.nlink > 0)
        return 0;
    return img_node_discard(&r->txn, target, TARGET_EXTENTS, &before);
}

static int do_move(struct rename *r, const struct lt_ctx *ctx) REQUIRES(img_items)
{
    struct img_node *source = r->from.node, *target = r->to.node;
    int error = target ? img_name_remove(&r->txn, target, name_of(&r->to)) : 0;
    if (!error)
        error = move_node(r, &r->from, &r->to);
    if (!error)
        error = leave_old(r, ctx);
    if (!error && target)
        error = drop_target(r, target);
    if (error)
        return error;
    if (target)
        img_dir_count(r->to.dir, target, -1);
    struct img_node *white = r->whiteout;
    if (white) {
        white->inode.parent = r->from.dir->base.id;
        white->inode.entry = r->from.entry.key;
        white->inode.nlink = 1;
        img_dir_count(r->from.dir, white, 1);
    }
    img_dir_count(r->from.dir, source, -1);
    img_dir_count(r->to.dir, source, 1);
    img_changed(source, r->now);
    return 0;
}

static int do_exchange(struct rename *r) REQUIRES(img_items)
{
    int error = move_node(r, &r->from, &r->to);
    if (!error)
        error = move_node(r, &r->to, &r->from);
    if (error)
        return error;
    img_dir_count(r->from.dir, r->from.node, -1);
    img_dir_count(r->to.dir, r->from.node, 1);
    img_dir_count(r->to.dir, r->to.node, -1);
    img_dir_count(r->from.dir, r->to.node, 1);
    img_changed(r->from.node, r->now);
    img_changed(r->to.node, r->now);
    return 0;
}

/* A name changes its case. */
static int do_respell(struct rename *r) REQUIRES(img_items)
{
    int error = img_entry_put(&r->txn, r->to.dir, r->from.entry.key, r->from.node, r->to.name);
    if (error)
        return error;
    img_changed(r->from.node, r->now);
    return 0;
}

/* *ret: whether anything happened. */
static int rename_locked(struct rename *r, const struct lt_ctx *ctx, bool *ret) REQUIRES(img_items)
{
    int error = find_place(r, &r->from);
    if (!error)
        error = find_place(r, &r->to);
    if (!error)
        error = check_names(r);
    if (error)
        return error;
    bool respell = same_place(r) && !r->to.same_spelling;
    if (r->to.node == r->from.node && !respell)
        return 0;
    error = check_nodes(r);
    if (error)
        return error;
    r->now = lt_clock_now();
    if (respell)
        error = do_respell(r);
    else if (r->flags & LT_RENAME_EXCHANGE)
        error = do_exchange(r);
    else
        error = do_move(r, ctx);
    if (error) {
        undo_names(&r->from);
        undo_names(&r->to);
        return error;
    }
    img_modified(r->from.dir, r->now);
    if (r->to.dir != r->from.dir)
        img_modified(r->to.dir, r->now);
    *ret = true;
    return 0;
}

/* ---- Write to a temporary name, then rename ------------------------------------------------ */

/* The file that is to replace another, with a reference; NULL if there is nothing like that. */
static int replacing_file(const struct rename *r, struct img_node **ret) REQUIRES_SHARED(img_items)
{
    struct img_entry entry;
    int found = img_dir_find(r->to.dir, r->to.name, &entry);
    if (found > 0)
        found = img_dir_find(r->from.dir, r->from.name, &entry);
    if (found <= 0 || entry.type != LT_S_IFREG)
        return found < 0 ? found : 0;
    return img_entry_node(r->fs, &entry, ret);
}

/* Its data goes first, so that no crash leaves the name with neither the old nor the new content.
 */
static int flush_source(const struct rename *r)
{
    struct img_node *node = NULL;
    img_read_lock(r->fs->store);
    int error = replacing_file(r, &node);
    img_read_unlock(r->fs->store);
    if (!node)
        return error;
    error = img_data_flush(node, false);
    lt_node_put(&node->base);
    return error;
}

int imgfs_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                 struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                 struct lt_gone *ret)
{
    struct rename r = {
        .fs = img_fs(dir->fs),
        .flags = flags,
        .from = {.dir = img_node(dir), .name = name},
        .to = {.dir = img_node(new_dir), .name = new_name},
    };
    bool done = false;
    int error = flags & LT_RENAME_EXCHANGE ? 0 : flush_source(&r);
    if (error)
        return error;
    error = img_begin(r.fs->store, IMG_GROW, &r.txn);
    if (error)
        return error;
    error = rename_locked(&r, ctx, &done);
    if (error && r.whiteout) {
        img_node_forget(r.whiteout);
        r.whiteout = NULL;
    }
    error = img_end(&r.txn, error);
    if (r.whiteout)
        lt_node_put(&r.whiteout->base);
    if (!error && done) {
        ret->node = lt_node_get(&r.from.node->base);
        ret->other = r.to.node && r.to.node != r.from.node ? lt_node_get(&r.to.node->base) : NULL;
    }
    if (r.from.node)
        lt_node_put(&r.from.node->base);
    if (r.to.node)
        lt_node_put(&r.to.node->base);
    return error;
}
