// SPDX-License-Identifier: MIT
/* Permission checks: the rules of Linux's fs/namei.c, fs/attr.c and fs/xattr.c. */
#include <lintel/access.h>

bool lt_ctx_in_group(const struct lt_ctx *ctx, uint32_t gid)
{
    if (ctx->gid == gid)
        return true;
    for (uint32_t i = 0; i < ctx->group_count; i++) {
        if (ctx->groups[i] == gid)
            return true;
    }
    return false;
}
