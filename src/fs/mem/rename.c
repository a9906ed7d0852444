// SPDX-License-Identifier: MIT
/*
 * Rename. All that can fail comes first: memory for the new entries, the checks,
 * and, for a new name, its place in the directory. What follows cannot fail.
 *
 * An entry is immutable, so a renamed node gets a new one. Where a name stays in
 * use (a replaced target, an exchange, a whiteout, a change of case) the new entry takes the
 * key of the old one, which needs no memory and keeps cookies valid.
 */
#include "dir.h"
#include "ops.h"

/* One of the two names of a rename. */
struct place {
    struct mem_node *dir;
    struct lt_str name;
    uint64_t hash, key;
    struct mem_entry *entry; /* what is there, or NULL */
    struct mem_entry *fresh; /* what shall be there; NULL once used */
    uint64_t trap; /* id of the child of dir that the other directory is or lies below; 0: none */
};

struct rename {
    struct mem_fs *fs;
    uint32_t flags;
    struct place from, to;
    struct mem_node *whiteout; /* with a reference, or NULL */
    struct mem_time now;
};

/* ---- Locks --------------------------------------------------------------------------------- */

/* The id of the child of `above` on the way down to `below`, or 0 if it is not above it.
 * Directories do not change places while rename_lock is held. */
static uint64_t child_towards(const struct mem_node *above, struct mem_node *below)
{
    struct lt_node *node = lt_node_get(&below->base);
    uint64_t child = 0;
    while (!child) {
        struct lt_node *parent;
        if (node == node->fs->root || mem_parent(NULL, node, &parent) < 0)
            break;
        if (parent == &above->base)
            child = node->id;
        lt_node_put(node);
        node = parent;
    }
    lt_node_put(node);
    return child;
}

static void lock_dirs(struct rename *r) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *from = r->from.dir, *to = r->to.dir;
    if (from == to) {
        lt_rwlock_write(&from->lock);
        return;
    }
    lt_mutex_lock(&r->fs->rename_lock);
    r->from.trap = child_towards(from, to);
    if (!r->from.trap)
        r->to.trap = child_towards(to, from);
    lt_rwlock_write(r->to.trap ? &to->lock : &from->lock);
    lt_rwlock_write(r->to.trap ? &from->lock : &to->lock);
}

static void unlock_dirs(struct rename *r) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_write_unlock(&r->from.dir->lock);
    if (r->from.dir == r->to.dir)
        return;
    lt_rwlock_write_unlock(&r->to.dir->lock);
    lt_mutex_unlock(&r->fs->rename_lock);
}

/* ---- Checks -------------------------------------------------------------------------------- */

static int node_may_move(struct mem_node *node)
{
    lt_rwlock_read(&node->lock);
    int error = mem_may_change(node);
    lt_rwlock_read_unlock(&node->lock);
    return error;
}

/* Whether both places are one name, perhaps in another case. */
static bool same_place(const struct rename *r)
{
    return r->from.entry == r->to.entry;
}

/* What the two names exclude by themselves, in the order of do_renameat2(). */
static int check_names(const struct rename *r)
{
    if (!r->from.entry)
        return LT_ENOENT;
    bool respelled = same_place(r) && !lt_str_equal(r->from.name, r->to.name);
    if ((r->flags & LT_RENAME_NOREPLACE) && r->to.entry && !respelled)
        return LT_EEXIST;
    if ((r->flags & LT_RENAME_EXCHANGE) && !r->to.entry)
        return LT_ENOENT;
    if (r->from.entry->node->base.id == r->from.trap)
        return LT_EINVAL;
    if (r->to.entry && r->to.entry->node->base.id == r->to.trap)
        return r->flags & LT_RENAME_EXCHANGE ? LT_EINVAL : LT_ENOTEMPTY;
    return 0;
}

/* Inode flags and types, in the order of vfs_rename(). */
static int check_nodes(const struct rename *r) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *source = r->from.entry->node;
    struct mem_node *target = r->to.entry ? r->to.entry->node : NULL;
    bool exchange = r->flags & LT_RENAME_EXCHANGE;
    int error = mem_dir_may_take(r->from.dir);
    if (!error)
        error = node_may_move(source);
    if (!error)
        error = target ? mem_dir_may_take(r->to.dir) : mem_dir_may_add(r->to.dir);
    if (!error && target && target != source)
        error = node_may_move(target);
    if (error)
        return error;
    if (target && !exchange && mem_is_dir(source) && !mem_is_dir(target))
        return LT_ENOTDIR;
    if (target && !exchange && !mem_is_dir(source) && mem_is_dir(target))
        return LT_EISDIR;
    bool grows = r->from.dir != r->to.dir && mem_is_dir(source) && !(target && mem_is_dir(target));
    return grows && r->to.dir->nlink >= LT_LINK_MAX ? LT_EMLINK : 0;
}

/* ---- Memory -------------------------------------------------------------------------------- */

static int make_whiteout(struct rename *r, const struct lt_ctx *ctx)
{
    struct mem_node *dir = r->from.dir;
    struct lt_create spec = {.mode = LT_S_IFCHR, .uid = ctx->uid, .gid = ctx->gid};
    lt_rwlock_read(&dir->lock);
    if (dir->mode & LT_S_ISGID)
        spec.gid = dir->gid;
    lt_rwlock_read_unlock(&dir->lock);
    return mem_node_new(r->fs, &spec, &r->whiteout);
}

static int make_entries(struct rename *r, const struct lt_ctx *ctx)
{
    r->to.fresh = mem_entry_new(r->fs, r->to.name);
    if (!r->to.fresh)
        return LT_ENOSPC;
    if (!(r->flags & (LT_RENAME_EXCHANGE | LT_RENAME_WHITEOUT)))
        return 0;
    r->from.fresh = mem_entry_new(r->fs, r->from.name);
    if (!r->from.fresh)
        return LT_ENOSPC;
    return r->flags & LT_RENAME_WHITEOUT ? make_whiteout(r, ctx) : 0;
}

static void drop_unused(struct rename *r)
{
    mem_entry_free(r->fs, r->from.fresh);
    mem_entry_free(r->fs, r->to.fresh);
    if (r->whiteout)
        lt_node_put(&r->whiteout->base);
}

/* ---- Doing it ------------------------------------------------------------------------------ */

/* Gives `node` the fresh entry of a place instead of its old one, which is freed. */
static void node_moves(struct rename *r, struct mem_node *node, struct mem_entry *old,
                       struct place *to)
{
    lt_rwlock_write(&node->lock);
    mem_entry_detach(old, node);
    mem_entry_attach(to->fresh, node, to->dir);
    mem_changed(node, r->now);
    lt_rwlock_write_unlock(&node->lock);
    mem_entry_free(r->fs, old);
    to->fresh = NULL;
}

/* Takes the name away from the target, which must be empty if it is a directory. */
static int target_goes(struct rename *r, struct mem_node *target)
{
    int error = 0;
    lt_rwlock_write(&target->lock);
    if (mem_is_dir(target) && target->tree.count > 0) {
        error = LT_ENOTEMPTY;
    } else {
        mem_entry_detach(r->to.entry, target);
        target->nlink = mem_is_dir(target) ? 0 : target->nlink - 1;
        mem_changed(target, r->now);
    }
    lt_rwlock_write_unlock(&target->lock);
    return error;
}

/* What stands at the old name afterwards: nothing, or a whiteout. */
static void leave_old(struct rename *r)
{
    struct mem_node *white = r->whiteout;
    if (!white) {
        mem_tree_remove(&r->from.dir->tree, &r->fs->arena, r->from.key);
        return;
    }
    lt_rwlock_write(&white->lock);
    mem_entry_attach(r->from.fresh, white, r->from.dir);
    white->nlink = 1;
    lt_rwlock_write_unlock(&white->lock);
    mem_tree_replace(&r->from.dir->tree, r->from.key, r->from.fresh);
    r->from.fresh = NULL;
    r->whiteout = NULL; /* its reference is the entry's */
}

static int do_move(struct rename *r, struct lt_gone *ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *source = r->from.entry->node;
    struct mem_node *target = r->to.entry ? r->to.entry->node : NULL;
    int error =
        target ? target_goes(r, target) : mem_dir_insert(r->to.dir, r->to.hash, r->to.fresh);
    if (error)
        return error;
    if (target) {
        mem_tree_replace(&r->to.dir->tree, r->to.key, r->to.fresh);
        mem_entry_free(r->fs, r->to.entry);
        r->to.dir->nlink -= mem_is_dir(target);
        ret->other = &target->base; /* with the entry's reference */
    }
    leave_old(r);
    if (mem_is_dir(source)) {
        r->from.dir->nlink--;
        r->to.dir->nlink++;
    }
    node_moves(r, source, r->from.entry, &r->to);
    ret->node = lt_node_get(&source->base);
    return 0;
}

static int do_exchange(struct rename *r, struct lt_gone *ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *source = r->from.entry->node, *target = r->to.entry->node;
    mem_tree_replace(&r->from.dir->tree, r->from.key, r->from.fresh);
    mem_tree_replace(&r->to.dir->tree, r->to.key, r->to.fresh);
    if (mem_is_dir(source) != mem_is_dir(target)) {
        r->from.dir->nlink += mem_is_dir(target) ? 1u : -1u;
        r->to.dir->nlink += mem_is_dir(source) ? 1u : -1u;
    }
    node_moves(r, source, r->from.entry, &r->to);
    node_moves(r, target, r->to.entry, &r->from);
    ret->node = lt_node_get(&source->base);
    ret->other = lt_node_get(&target->base);
    return 0;
}

/* A name that only changes its case. */
static int do_respell(struct rename *r, struct lt_gone *ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *node = r->from.entry->node;
    mem_tree_replace(&r->from.dir->tree, r->from.key, r->to.fresh);
    node_moves(r, node, r->from.entry, &r->to);
    ret->node = lt_node_get(&node->base);
    return 0;
}

static int rename_locked(struct rename *r, int memory,
                         struct lt_gone *ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct place *from = &r->from, *to = &r->to;
    from->entry = mem_dir_find(from->dir, from->hash, from->name, &from->key);
    to->entry = mem_dir_find(to->dir, to->hash, to->name, &to->key);
    int error = check_names(r);
    if (error)
        return error;
    bool respell = same_place(r) && !lt_str_equal(mem_entry_name(from->entry), to->name);
    if (to->entry && to->entry->node == from->entry->node && !respell)
        return 0;
    error = check_nodes(r);
    if (!error)
        error = memory;
    if (error)
        return error;
    r->now = mem_now();
    if (respell)
        error = do_respell(r, ret);
    else if (r->flags & LT_RENAME_EXCHANGE)
        error = do_exchange(r, ret);
    else
        error = do_move(r, ret);
    if (error)
        return error;
    mem_modified(from->dir, r->now);
    if (to->dir != from->dir)
        mem_modified(to->dir, r->now);
    return 0;
}

int mem_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
               struct lt_node *new_dir, struct lt_str new_name, uint32_t flags, struct lt_gone *ret)
{
    struct mem_fs *fs = mem_fs(dir->fs);
    struct rename r = {
        .fs = fs,
        .flags = flags,
        .from = {.dir = mem_node(dir), .name = name, .hash = mem_dir_hash(fs, name)},
        .to = {.dir = mem_node(new_dir), .name = new_name, .hash = mem_dir_hash(fs, new_name)},
    };
    int memory = make_entries(&r, ctx);
    lock_dirs(&r);
    int error = rename_locked(&r, memory, ret);
    unlock_dirs(&r);
    drop_unused(&r);
    return error;
}
