// SPDX-License-Identifier: MIT
#include "volume.h"

void fsp_listing_free(struct fsp_listing *listing)
{
    (void)listing;
}

int32_t fsp_query_directory(struct call *c)
{
    (void)c;
    return LT_STATUS_NOT_IMPLEMENTED;
}
