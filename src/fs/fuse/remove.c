// SPDX-License-Identifier: MIT
/* Names taken away: removed and renamed. */
#include "dir.h"
#include "names.h"
#include "ops.h"
#include "request.h"

/* ---- Removing -------------------------------------------------------------------------------- */

/* A name of `node` is gone. */
static void unnamed(struct fuse_node *node)
{
    struct lt_attr attr;
    bool last = node->node.type == LT_S_IFDIR || !fuse_node_has_name(node);
    if (last && node->node.type != LT_S_IFDIR && fuse_attr_cached(node, &attr))
        last = attr.nlink <= 1;
    if (last)
        atomic_store(&node->removed, true);
    if (node->node.type == LT_S_IFDIR)
        fuse_listings_drop(fuse_fs_of(node), node);
    fuse_attr_drop(node);
}

int fuse_name_remove(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                     struct fuse_node *node)
{
    struct fuse_fs *fs = fuse_fs_of(dir);
    bool is_dir = node->node.type == LT_S_IFDIR;
    struct fuse_request r = {
        .opcode = is_dir ? LT_FUSE_RMDIR : LT_FUSE_UNLINK, .node = dir, .name = name};
    int e = fuse_call(ctx, fs, &r);
    fuse_attr_drop(dir); /* also after a failure: who knows what the server did */
    if (e == 0 || e == LT_ENOENT)
        fuse_name_drop(fs, dir, name);
    if (e == 0)
        unnamed(node);
    return e == LT_ENOSYS ? LT_EPERM : e; /* as unlink(2) says it */
}

static int may_remove(const struct lt_node *node, uint32_t flags, const struct lt_node *expect)
{
    bool is_dir = node->type == LT_S_IFDIR;
    if (flags & LT_REMOVE_SAME && node != expect)
        return LT_ESTALE;
    if (flags & LT_REMOVE_ANY)
        return 0;
    if (flags & LT_REMOVE_DIR)
        return is_dir ? 0 : LT_ENOTDIR;
    return is_dir ? LT_EISDIR : 0;
}

/* FUSE has no LT_REMOVE_SAME: somebody else may put another node in the place of `expect` between
 * the two requests. */
int fuse_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name, uint32_t flags,
                struct lt_node *expect, struct lt_gone *ret)
{
    struct lt_entry entry = {.stored = NULL};
    int r = fuse_lookup(ctx, dir, name, &entry);
    if (r < 0)
        return r;
    r = may_remove(entry.node, flags, expect);
    if (r == 0)
        r = fuse_name_remove(ctx, fuse_node(dir), name, fuse_node(entry.node));
    if (r == 0)
        ret->node = entry.node;
    else
        lt_node_put(entry.node);
    return r;
}

/* ---- Renaming -------------------------------------------------------------------------------- */

struct rename {
    struct fuse_node *dir, *new_dir;
    struct lt_str name, new_name;
    uint32_t flags;
};

static int send_rename(const struct lt_ctx *ctx, const struct rename *m)
{
    struct lt_fuse_rename_in plain;
    struct lt_fuse_rename2_in flagged = {.flags = m->flags};
    struct fuse_request r = {
        .opcode = m->flags ? LT_FUSE_RENAME2 : LT_FUSE_RENAME,
        .node = m->dir,
        .args = m->flags ? (void *)&flagged : (void *)&plain,
        .args_len = m->flags ? sizeof(flagged) : sizeof(plain),
        .node2 = m->new_dir,
        .node2_at = m->flags ? &flagged.newdir : &plain.newdir,
        .name = m->name,
        .name2 = m->new_name,
    };
    struct fuse_fs *fs = fuse_fs_of(m->dir);
    int e = m->flags && fs->minor < 23 ? LT_ENOSYS : fuse_call(ctx, fs, &r);
    return e == LT_ENOSYS ? LT_EINVAL : e; /* as renameat2(2) says it */
}

/* Servers often know no flags. That nothing is replaced can be seen to beforehand, if nobody else
 * is quicker; the rest cannot be had. */
static int rename_without_flags(const struct lt_ctx *ctx, const struct rename *m,
                                const struct lt_node *other)
{
    struct rename plain = *m;
    if (m->flags != LT_RENAME_NOREPLACE)
        return LT_EINVAL;
    if (other)
        return LT_EEXIST;
    plain.flags = 0;
    return send_rename(ctx, &plain);
}

static void swap_names(struct fuse_fs *fs, const struct rename *m, struct fuse_node *node,
                       struct fuse_node *other)
{
    fuse_name_drop(fs, m->dir, m->name);
    fuse_name_drop(fs, m->new_dir, m->new_name);
    fuse_name_learn(fs, m->dir, m->name, other, 0, 0);
    fuse_name_learn(fs, m->new_dir, m->new_name, node, 0, 0);
}

static void renamed(struct fuse_fs *fs, const struct rename *m, uint64_t begun,
                    struct fuse_node *node, struct fuse_node *other)
{
    fuse_attr_drop(m->dir);
    uint64_t now = fuse_dir_change(m->new_dir, begun);
    fuse_attr_drop(node);
    if (m->flags & LT_RENAME_EXCHANGE) {
        swap_names(fs, m, node, other);
        fuse_attr_drop(other);
    } else if (node == other) { /* two names of one node: both stay, or in a change of case one */
        fuse_name_expire(fs, m->dir, m->name);
        fuse_name_expire(fs, m->new_dir, m->new_name);
    } else {
        fuse_name_move(fs, m->dir, m->name, m->new_dir, m->new_name, now);
        if (other)
            unnamed(other);
    }
}

static int find(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                struct lt_node **ret)
{
    struct lt_entry entry = {.stored = NULL};
    int r = fuse_lookup(ctx, &dir->node, name, &entry);
    if (r == 0)
        *ret = entry.node;
    return r;
}

static int rename_nodes(const struct lt_ctx *ctx, const struct rename *m, struct lt_node *node,
                        struct lt_node *other)
{
    if (other && m->flags & LT_RENAME_NOREPLACE)
        return LT_EEXIST;
    if (!other && m->flags & LT_RENAME_EXCHANGE)
        return LT_ENOENT;
    uint64_t begun = fuse_attr_begin(fuse_fs_of(m->dir));
    int r = send_rename(ctx, m);
    if (r == LT_EINVAL && m->flags)
        r = rename_without_flags(ctx, m, other);
    if (r == 0)
        renamed(fuse_fs_of(m->dir), m, begun, fuse_node(node), other ? fuse_node(other) : NULL);
    else if (r == LT_ENOENT || r == LT_EEXIST || r == LT_ENOTEMPTY) /* names are not as we knew */
        fuse_name_expire(fuse_fs_of(m->dir), m->new_dir, m->new_name);
    return r;
}

int fuse_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                struct lt_gone *ret)
{
    struct rename m = {fuse_node(dir), fuse_node(new_dir), name, new_name, flags};
    struct lt_node *node = NULL, *other = NULL;
    int r = find(ctx, m.dir, name, &node);
    if (r == 0) {
        r = find(ctx, m.new_dir, new_name, &other);
        r = r == LT_ENOENT ? 0 : r;
    }
    if (r == 0)
        r = rename_nodes(ctx, &m, node, other);
    if (r < 0) {
        lt_node_put(node);
        lt_node_put(other);
        return r;
    }
    *ret = (struct lt_gone){node, other};
    return 0;
}
