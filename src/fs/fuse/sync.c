// SPDX-License-Identifier: MIT
/*
 * What makes durable. A server that does not know the request has nothing to make durable, as far
 * as FUSE goes: the kernel takes it so, and we do.
 */
#include "handle.h"
#include "ops.h"

/* Any handle will do; one that was written through is the best. */
static int sync_by(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access,
                   bool data_only)
{
    struct lt_fuse_fsync_in in = {.fsync_flags = data_only ? LT_FUSE_FSYNC_DATA : 0};
    struct fuse_request r = {
        .opcode = node->node.type == LT_S_IFDIR ? LT_FUSE_FSYNCDIR : LT_FUSE_FSYNC,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
    };
    if (fuse_is_missing(fuse_fs_of(node), r.opcode))
        return 0;
    int e = fuse_handle_call(ctx, node, access, &r, &in.fh);
    return e == LT_ENOSYS ? 0 : e;
}

static int sync_file(const struct lt_ctx *ctx, struct fuse_node *node, bool data_only)
{
    struct fuse_handle *write = fuse_handle_peek(node, LT_OPEN_WRITE);
    int e = sync_by(ctx, node, write ? LT_OPEN_WRITE : LT_OPEN_READ, data_only);
    if (e == LT_EACCES && !write) /* may be written only */
        e = sync_by(ctx, node, LT_OPEN_WRITE, data_only);
    e = fuse_handle_kept(node, write, e);
    fuse_handle_put(node, write);
    return e;
}

int fuse_sync(const struct lt_ctx *ctx, struct lt_node *base, bool data_only)
{
    struct fuse_node *node = fuse_node(base);
    switch (base->type) {
    case LT_S_IFREG:
    case LT_S_STREAM:
        return sync_file(ctx, node, data_only);
    case LT_S_IFDIR:
        return sync_by(ctx, node, LT_OPEN_READ, data_only);
    default: /* has no handles, hence no fsync(2) that a server would hear of */
        return 0;
    }
}

int fuse_sync_fs(const struct lt_ctx *ctx, struct lt_fs *base)
{
    struct fuse_fs *fs = fuse_fs(base);
    struct lt_fuse_syncfs_in in = {0};
    struct fuse_request r = {
        .opcode = LT_FUSE_SYNCFS, .node = fs->root, .args = &in, .args_len = sizeof(in)};
    if (fs->minor < 34) /* it would be a request that it cannot know */
        return 0;
    int e = fuse_call(ctx, fs, &r);
    return e == LT_ENOSYS ? 0 : e;
}
