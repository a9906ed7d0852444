// SPDX-License-Identifier: MIT
/* Kinds of requests that nothing answers yet. */
#include "volume.h"

#define NOT_YET(name)                     \
    int32_t fsp_##name(struct call *c)    \
    {                                     \
        (void)c;                          \
        return LT_STATUS_NOT_IMPLEMENTED; \
    }

NOT_YET(query_security)
NOT_YET(set_security)
