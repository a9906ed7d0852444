// SPDX-License-Identifier: MIT
/* The Windows half. */
#include "ops.h"

int fuse_set_label(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_str label)
{
    (void)ctx;
    (void)fs;
    (void)label;
    return LT_EOPNOTSUPP;
}

int fuse_stream_open(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                     uint32_t flags, struct lt_node **ret)
{
    (void)ctx;
    (void)node;
    (void)name;
    (void)flags;
    (void)ret;
    return LT_EOPNOTSUPP;
}

int fuse_stream_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name)
{
    (void)ctx;
    (void)node;
    (void)name;
    return LT_EOPNOTSUPP;
}

int fuse_stream_rename(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                       struct lt_str new_name, bool replace)
{
    (void)ctx;
    (void)node;
    (void)name;
    (void)new_name;
    (void)replace;
    return LT_EOPNOTSUPP;
}

int fuse_stream_list(const struct lt_ctx *ctx, struct lt_node *node,
                     int (*fn)(void *arg, const struct lt_stream *stream), void *arg)
{
    (void)ctx;
    (void)node;
    (void)fn;
    (void)arg;
    return LT_EOPNOTSUPP;
}

int fuse_ea_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                size_t count, bool replace_all)
{
    (void)ctx;
    (void)node;
    (void)list;
    (void)count;
    (void)replace_all;
    return LT_EOPNOTSUPP;
}

int fuse_ea_list(const struct lt_ctx *ctx, struct lt_node *node,
                 int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    (void)ctx;
    (void)node;
    (void)fn;
    (void)arg;
    return LT_EOPNOTSUPP;
}

int fuse_reparse_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data)
{
    (void)ctx;
    (void)node;
    (void)data;
    return LT_EOPNOTSUPP;
}

int fuse_reparse_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size)
{
    (void)ctx;
    (void)node;
    (void)buf;
    (void)size;
    return LT_EOPNOTSUPP;
}

int fuse_reparse_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header)
{
    (void)ctx;
    (void)node;
    (void)header;
    return LT_EOPNOTSUPP;
}

int fuse_security_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor)
{
    (void)ctx;
    (void)node;
    (void)descriptor;
    return LT_EOPNOTSUPP;
}

int fuse_security_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size)
{
    (void)ctx;
    (void)node;
    (void)buf;
    (void)size;
    return LT_EOPNOTSUPP;
}
