// SPDX-License-Identifier: MIT
#include "core.h"

void lt_locks_fini(struct lt_core *core)
{
    (void)core;
}
