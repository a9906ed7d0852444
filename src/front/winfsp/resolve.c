// SPDX-License-Identifier: MIT
#include "volume.h"

int32_t fsp_reparse_answer(struct call *c, size_t end)
{
    (void)c;
    (void)end;
    return LT_STATUS_NOT_IMPLEMENTED;
}
