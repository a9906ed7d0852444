// SPDX-License-Identifier: MIT
/* Requests about attributes. */
#include "handlers.h"

#include <lintel/access.h>

int on_getattr(struct call *c)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    return r < 0 ? r : reply_attr(c, &attr);
}

int on_statx(struct call *c)
{
    struct lt_attr attr;
    struct lt_fuse_statx_out out;
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    if (r < 0)
        return r;
    view_attr(c->s, c->node, &attr);
    lt_fuse_put_statx(&attr, view_timeouts(c->s, c->node, true), &out);
    return reply_bytes(c, &out, sizeof(out));
}

/* Bits that have the same meaning under another number. */
static uint32_t set_mask(uint32_t valid)
{
    static const struct {
        uint32_t fattr, set;
    } map[] = {
        {LT_FATTR_MODE, LT_SET_MODE},
        {LT_FATTR_UID, LT_SET_UID},
        {LT_FATTR_GID, LT_SET_GID},
        {LT_FATTR_SIZE, LT_SET_SIZE},
        {LT_FATTR_ATIME, LT_SET_ATIME},
        {LT_FATTR_MTIME, LT_SET_MTIME},
        {LT_FATTR_CTIME, LT_SET_CTIME},
        {LT_FATTR_ATIME_NOW, LT_SET_ATIME_NOW},
        {LT_FATTR_MTIME_NOW, LT_SET_MTIME_NOW},
        {LT_FATTR_KILL_SUIDGID, LT_SET_KILL_PRIV},
    };
    uint32_t mask = 0;
    for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
        mask |= valid & map[i].fattr ? map[i].set : 0;
    return mask;
}

/* Whether the caller owns the node or could write to it: both may take its set-id bits away. */
static bool may_kill_priv(struct call *c)
{
    struct lt_attr attr;
    if (lt_node_getattr(&c->ctx, c->node, &attr) < 0)
        return false;
    return c->ctx.uid == attr.uid || lt_access_node(&c->ctx, c->node, &attr, LT_MAY_WRITE) == 0;
}

/*
 * With HANDLE_KILLPRIV_V2 the set-id bits are ours to clear on chown, and the kernel
 * does not say so in a flag. A SETATTR without anything to set comes from fallocate and
 * the like, after the kernel checked, but also from chown(-1, -1), which it lets anybody do.
 */
static bool kills_priv(struct call *c, uint32_t valid)
{
    const uint32_t others = LT_FATTR_SIZE | LT_FATTR_ATIME | LT_FATTR_MTIME;
    if (c->node->type == LT_S_IFDIR || !(c->s->features & LT_FUSE_HANDLE_KILLPRIV_V2))
        return false;
    if (valid & LT_FATTR_MODE)
        return false;
    if (valid & (LT_FATTR_UID | LT_FATTR_GID))
        return true;
    /* What passes through is written without asking: then this is all that we hear of it. */
    return (valid & others) == 0 && (c->s->passthrough || may_kill_priv(c));
}

/*
 * ftruncate() and O_TRUNC always set mtime, truncate() only if the size changes. The
 * kernel tells the first by the file handle, the second not at all, but it is always to 0.
 */
static bool changes_mtime(const struct lt_fuse_setattr_in *in)
{
    return !(in->valid & LT_FATTR_MTIME) && ((in->valid & LT_FATTR_FH) || in->size == 0);
}

int on_setattr(struct call *c)
{
    const struct lt_fuse_setattr_in *in = &c->req.args.setattr;
    struct lt_attr attr;
    struct lt_setattr set = {
        .mask = set_mask(in->valid),
        .mode = in->mode,
        .uid = in->uid,
        .gid = in->gid,
        .size = in->size,
        .atime = {(int64_t)in->atime, in->atimensec},
        .mtime = {(int64_t)in->mtime, in->mtimensec},
        .ctime = {(int64_t)in->ctime, in->ctimensec},
    };
    if ((in->valid & LT_FATTR_SIZE) && changes_mtime(in))
        set.mask |= LT_SET_MTIME_NOW;
    if (kills_priv(c, in->valid))
        set.mask |= LT_SET_KILL_PRIV;
    int r = lt_node_setattr(&c->ctx, c->node, &set, &attr);
    return r < 0 ? r : reply_attr(c, &attr);
}

int on_statfs(struct call *c)
{
    struct lt_statfs st;
    int r = lt_fs_statfs(&c->ctx, c->s->fs, &st);
    if (r < 0)
        return r;
    uint64_t block = st.block_size ? st.block_size : LT_PAGE_SIZE;
    uint64_t room = st.nodes_max > st.nodes ? st.nodes_max - st.nodes : st.free / block;
    struct lt_fuse_kstatfs out = {
        .blocks = st.total / block,
        .bfree = st.free / block,
        .bavail = st.available / block,
        .files = st.nodes_max ? st.nodes_max : st.nodes + room,
        .ffree = room,
        .bsize = (uint32_t)block,
        .namelen = st.name_max,
        .frsize = (uint32_t)block,
    };
    return reply_bytes(c, &out, sizeof(out));
}

/* Only sent without default_permissions; ENOSYS means "yes" from now on. */
int on_access(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}
