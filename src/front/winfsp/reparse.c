// SPDX-License-Identifier: MIT
#include "volume.h"

int fsp_reparse_get(struct call *c, struct lt_node *node, void *buf, size_t size)
{
    return lt_node_reparse_get(&c->ctx, node, buf, size);
}

int32_t fsp_reparse_set(struct call *c, struct lt_node *node, struct lt_node *dir, const char *name,
                        struct lt_str data)
{
    (void)dir;
    (void)name;
    return lt_status_from_error(lt_node_reparse_set(&c->ctx, node, data));
}

int32_t fsp_fs_control(struct call *c)
{
    (void)c;
    return LT_STATUS_NOT_IMPLEMENTED;
}
