// SPDX-License-Identifier: MIT
/* Handles of the server: opened, shared, released. */
#include "handle.h"
#include "ops.h"

int fuse_open_node(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    (void)ctx;
    (void)node;
    (void)flags;
    return LT_EOPNOTSUPP;
}

int fuse_close_node(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    (void)ctx;
    (void)node;
    (void)flags;
    return LT_EOPNOTSUPP;
}

void fuse_handles_fini(struct fuse_fs *fs, struct fuse_node *node)
{
    (void)fs;
    (void)node;
}
