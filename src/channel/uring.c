// SPDX-License-Identifier: MIT
#include "channel.h"

int lt_channel_uring(struct lt_channel *dev, const struct lt_channel_config *config,
                     struct lt_channel **ret)
{
    (void)dev;
    (void)config;
    (void)ret;
    return LT_EOPNOTSUPP;
}
