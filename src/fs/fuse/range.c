// SPDX-License-Identifier: MIT
/* Ranges: fallocate, holes, copies. */
#include "ops.h"

int fuse_allocate(const struct lt_ctx *ctx, struct lt_node *node, uint32_t mode, uint64_t offset,
                  uint64_t len)
{
    (void)ctx;
    (void)node;
    (void)mode;
    (void)offset;
    (void)len;
    return LT_EOPNOTSUPP;
}

int fuse_seek(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, enum lt_seek whence,
              uint64_t *ret)
{
    (void)ctx;
    (void)node;
    (void)offset;
    (void)whence;
    (void)ret;
    return LT_EOPNOTSUPP;
}

int fuse_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                    struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret)
{
    (void)ctx;
    (void)from;
    (void)from_offset;
    (void)to;
    (void)to_offset;
    (void)len;
    (void)ret;
    return LT_EOPNOTSUPP;
}
