// SPDX-License-Identifier: MIT
/* Listing directories. */
#include "ops.h"

int fuse_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                 int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    (void)ctx;
    (void)dir;
    (void)cookie;
    (void)flags;
    (void)fn;
    (void)arg;
    return LT_EOPNOTSUPP;
}

int fuse_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                       uint64_t *ret_cookie)
{
    (void)ctx;
    (void)dir;
    (void)name;
    (void)ret_cookie;
    return LT_EOPNOTSUPP;
}
