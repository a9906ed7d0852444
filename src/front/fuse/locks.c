// SPDX-License-Identifier: MIT
#include "handlers.h"

int on_getlk(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}

int on_setlk(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}

int on_setlkw(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}

int on_flush(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}

int on_release(struct call *c)
{
    (void)c;
    return 0;
}
