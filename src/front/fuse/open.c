// SPDX-License-Identifier: MIT
/* Requests about open files, which exist only where something is kept by them: file locks, what
 * passes through (backing.h), and what the file system keeps itself (opens.h). */
#include "handlers.h"

#include <lintel/lock.h>

#define PASSTHROUGH_MIN (64u << 10) /* bytes from which an existing file passes through */

/* Lets it pass through or not; `fresh`: the file is empty and will be written. Without KEEP_CACHE,
 * because the file may have passed through and changed since pages were read. */
static int open_backing(struct call *c, struct lt_node *node, uint64_t size, bool fresh,
                        struct lt_fuse_open_out *ret)
{
    if (!c->s->passthrough || node->type != LT_S_IFREG)
        return 0;
    int32_t id;
    /* A small file that is already there does not: moving it twice costs more than a READ. */
    bool wanted = fresh || size >= PASSTHROUGH_MIN;
    int r = lt_backings_open(&c->s->backings, c->s->channel, &c->ctx, node, wanted, &id);
    if (r < 0)
        return r;
    ret->open_flags = id > 0 ? LT_FOPEN_PASSTHROUGH : 0;
    ret->backing_id = id;
    return 0;
}

static bool close_backing(struct call *c, struct lt_node *node)
{
    return c->s->passthrough && lt_backings_release(&c->s->backings, c->s->channel, node);
}

static int open_data(struct call *c, struct lt_node *node, uint32_t flags, uint64_t *ret_fh)
{
    uint32_t access = flags & LT_FUSE_O_ACCMODE;
    uint32_t open = (access != LT_FUSE_O_WRONLY ? LT_OPEN_READ : 0) |
                    (access != LT_FUSE_O_RDONLY ? LT_OPEN_WRITE : 0);
    if (!c->s->volume.has_open)
        return 0;
    return lt_opens_add(&c->s->opens, &c->ctx, node, open, ret_fh);
}

static void close_data(struct call *c, struct lt_node *node, uint64_t fh)
{
    if (c->s->volume.has_open)
        lt_opens_release(&c->s->opens, &c->ctx, node, fh);
}

/* Undoes an open; returns whether the kernel may have changed the file by itself until now. */
static bool close_node(struct call *c, struct lt_node *node, uint64_t fh)
{
    close_data(c, node, fh);
    return close_backing(c, node);
}

/* What is not kept by open file needs no OPEN: after ENOSYS the kernel asks no more. */
int on_open(struct call *c)
{
    const struct lt_fuse_open_in *in = &c->req.args.open;
    struct lt_fuse_open_out out = {.open_flags = LT_FOPEN_KEEP_CACHE};
    struct lt_attr attr;
    bool truncate = in->flags & LT_FUSE_O_TRUNC && c->s->features & LT_FUSE_ATOMIC_O_TRUNC;
    struct lt_setattr set = {.mask = LT_SET_SIZE | LT_SET_MTIME_NOW};
    if (!c->s->use_open)
        return LT_ENOSYS;
    if (in->open_flags & LT_FUSE_OPEN_KILL_SUIDGID)
        set.mask |= LT_SET_KILL_PRIV;
    int r = open_data(c, c->node, in->flags, &out.fh);
    if (r < 0)
        return r;
    r = truncate ? lt_node_setattr(&c->ctx, c->node, &set, &attr)
                 : lt_node_getattr(&c->ctx, c->node, &attr);
    if (r == 0)
        r = open_backing(c, c->node, attr.size, truncate, &out);
    if (r < 0)
        close_data(c, c->node, out.fh);
    else if (reply_segs(c, &(struct lt_seg){&out, sizeof(out)}, 1) == LT_ENOENT)
        close_node(c, c->node, out.fh);
    return r;
}

/* Opens what was made. */
static int open_created(struct call *c, struct lt_node *node, struct lt_fuse_open_out *ret)
{
    int r = open_data(c, node, c->req.args.create.flags, &ret->fh);
    if (r < 0)
        return r;
    r = open_backing(c, node, 0, true, ret);
    if (r < 0)
        close_data(c, node, ret->fh);
    return r;
}

int reply_created(struct call *c, struct lt_entry *entry)
{
    struct lt_fuse_open_out open = {.open_flags = LT_FOPEN_KEEP_CACHE};
    struct lt_node *node = lt_node_get(entry->node);
    int r = open_created(c, node, &open);
    if (r < 0)
        lt_node_put(entry->node);
    else if ((r = reply_entry_and(c, entry, &open, sizeof(open))) < 0)
        close_node(c, node, open.fh);
    lt_node_put(node);
    return r;
}

int on_release(struct call *c)
{
    const struct lt_fuse_release_in *in = &c->req.args.release;
    if (in->release_flags & LT_FUSE_RELEASE_FLOCK_UNLOCK)
        lt_lock_release(c->node, LT_LOCK_OFD, in->lock_owner);
    /* What was written behind our back changed attributes that the kernel may remember. */
    if (close_node(c, c->node, in->fh))
        notify_attr(c->s, c->node->id);
    return 0;
}
