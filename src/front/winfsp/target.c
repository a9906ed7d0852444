// SPDX-License-Identifier: MIT
/* Create with SL_OPEN_TARGET_DIRECTORY: the directory into which something is to be renamed, and
 * whether the name is free there. */
#include "create.h"

int32_t fsp_open_target(struct call *c, struct opening *o)
{
    struct fsp_found *found = &o->found;
    if (found->parent == NULL)
        return LT_STATUS_ACCESS_DENIED;
    int r = lt_node_getattr(&c->ctx, found->parent, &o->attr);
    if (r < 0)
        return lt_status_from_error(r);
    int32_t status = fsp_access(c, found->parent, &o->attr, o->req->desired_access, &o->granted);
    if (status != LT_STATUS_SUCCESS)
        return status;
    o->information = found->entry.node ? LT_FILE_EXISTS : LT_FILE_DOES_NOT_EXIST;
    o->node = lt_node_get(found->parent);
    r = fsp_found_up(c, found);
    return lt_status_from_error(r);
}
