// SPDX-License-Identifier: MIT
/* What the driver asks about an opening, and sets. Renaming is in rename.c. */
#include "volume.h"

int32_t fsp_query_info(struct call *c)
{
    return lt_status_from_error(fsp_file_info(c, c->file, &c->rsp->u.info));
}

int32_t fsp_set_info(struct call *c)
{
    switch (c->in.req.u.set_information.info_class) {
    default:
        return LT_STATUS_NOT_IMPLEMENTED;
    }
}
