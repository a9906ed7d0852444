// SPDX-License-Identifier: MIT
/* The two ends of an opening: Cleanup when the last handle is closed, Close when nothing at all
 * refers to it any more. Between the two data may still be read and written. */
#include "volume.h"

int32_t fsp_cleanup(struct call *c)
{
    (void)c;
    return LT_STATUS_SUCCESS;
}

int32_t fsp_close(struct call *c)
{
    fsp_files_remove(c->v, c->file);
    return LT_STATUS_SUCCESS;
}
