// SPDX-License-Identifier: MIT
/* Create of what is not there yet. */
#include "create.h"

int32_t fsp_make(struct call *c, struct opening *o)
{
    (void)c;
    (void)o;
    return LT_STATUS_NOT_IMPLEMENTED;
}
