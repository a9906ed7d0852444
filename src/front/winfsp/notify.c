// SPDX-License-Identifier: MIT
#include "volume.h"

int fsp_notify_start(struct lt_winfsp *v)
{
    (void)v;
    return LT_OK;
}

void fsp_notify_stop(struct lt_winfsp *v)
{
    (void)v;
}
