// SPDX-License-Identifier: MIT
/* Create with SL_OPEN_TARGET_DIRECTORY: the directory into which something is to be renamed. */
#include "create.h"

int32_t fsp_open_target(struct call *c, struct opening *o)
{
    (void)c;
    (void)o;
    return LT_STATUS_NOT_IMPLEMENTED;
}
