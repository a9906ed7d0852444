/* SPDX-License-Identifier: MIT */
/* What io_uring needs of the channel over /dev/fuse below it. */
#ifndef LT_CHANNEL_DEV_H
#define LT_CHANNEL_DEV_H

#include "channel.h"

/* A descriptor of the connection; the channel's. LT_EOPNOTSUPP: it is another kind of channel. */
int lt_channel_dev_fd(const struct lt_channel *dev);

#endif
