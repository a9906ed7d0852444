// SPDX-License-Identifier: MIT
/* Reading and writing. */
#include "ops.h"

int fuse_read(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, size_t len,
              struct lt_sink *sink)
{
    (void)ctx;
    (void)node;
    (void)offset;
    (void)len;
    (void)sink;
    return LT_EOPNOTSUPP;
}

int fuse_write(const struct lt_ctx *ctx, struct lt_node *node, struct lt_write *write)
{
    (void)ctx;
    (void)node;
    (void)write;
    return LT_EOPNOTSUPP;
}
