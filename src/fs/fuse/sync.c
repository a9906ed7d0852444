// SPDX-License-Identifier: MIT
/* What makes durable. */
#include "ops.h"

int fuse_sync(const struct lt_ctx *ctx, struct lt_node *node, bool data_only)
{
    (void)ctx;
    (void)node;
    (void)data_only;
    return LT_EOPNOTSUPP;
}

int fuse_sync_fs(const struct lt_ctx *ctx, struct lt_fs *fs)
{
    (void)ctx;
    (void)fs;
    return LT_EOPNOTSUPP;
}
