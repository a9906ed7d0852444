// SPDX-License-Identifier: MIT
/* Space. */
#include "ops.h"

int fuse_statfs(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_statfs *ret)
{
    (void)ctx;
    (void)fs;
    (void)ret;
    return LT_EOPNOTSUPP;
}
