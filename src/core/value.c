// SPDX-License-Identifier: MIT
#include "value.h"

#include "core.h"

#include <lintel/acl.h>
#include <stdlib.h>

static int reserve(struct lt_value *value, size_t size)
{
    value->data = size <= sizeof(value->room) ? value->room : malloc(size);
    return value->data ? 0 : LT_ENOMEM;
}

void lt_value_free(struct lt_value *value)
{
    if (value->data != value->room)
        free(value->data);
    value->data = NULL;
}

int lt_value_copy(struct lt_str bytes, struct lt_value *ret)
{
    int r = reserve(ret, bytes.len);
    if (r < 0)
        return r;
    if (bytes.len)
        memcpy(ret->data, bytes.s, bytes.len);
    ret->len = bytes.len;
    return 0;
}

int lt_value_xattr(const struct lt_ctx *ctx, struct lt_node *node, const char *name,
                   struct lt_value *ret)
{
    const struct lt_fs_ops *ops = node->fs->ops;
    if (!ops->xattr_get)
        return LT_ENODATA;
    size_t size = sizeof(ret->room);
    for (;;) {
        int r = reserve(ret, size);
        if (r < 0)
            return r;
        r = ops->xattr_get(ctx, node, lt_str(name), ret->data, size);
        if (r >= 0) {
            ret->len = (size_t)r;
            return 0;
        }
        lt_value_free(ret);
        if (r != LT_ERANGE)
            return r;
        /* Longer than the room, and perhaps growing while we look. */
        r = ops->xattr_get(ctx, node, lt_str(name), NULL, 0);
        if (r < 0)
            return r;
        size = r ? (size_t)r : 1;
    }
}

int lt_value_acl(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
                 struct lt_value *ret)
{
    ret->data = NULL;
    ret->len = 0;
    if (!(attr->has & LT_HAS_ACL) || ctx->uid == 0 || ctx->uid == attr->uid)
        return 0;
    int r = lt_value_xattr(ctx, node, LT_ACL_ACCESS, ret);
    if (r == LT_ENODATA)
        return 0;
    if (r == 0 && lt_acl_check(lt_value_str(ret)) <= 0) {
        lt_value_free(ret);
        r = LT_EUCLEAN;
    }
    return r;
}
