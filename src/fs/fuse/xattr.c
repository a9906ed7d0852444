// SPDX-License-Identifier: MIT
/* Extended attributes. */
#include "ops.h"

int fuse_xattr_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                   size_t size)
{
    (void)ctx;
    (void)node;
    (void)name;
    (void)buf;
    (void)size;
    return LT_EOPNOTSUPP;
}

int fuse_xattr_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                   struct lt_str value, uint32_t flags)
{
    (void)ctx;
    (void)node;
    (void)name;
    (void)value;
    (void)flags;
    return LT_EOPNOTSUPP;
}

int fuse_xattr_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    (void)ctx;
    (void)node;
    (void)name;
    return LT_EOPNOTSUPP;
}

int fuse_xattr_list(const struct lt_ctx *ctx, struct lt_node *node,
                    int (*fn)(void *arg, struct lt_str name), void *arg)
{
    (void)ctx;
    (void)node;
    (void)fn;
    (void)arg;
    return LT_EOPNOTSUPP;
}
