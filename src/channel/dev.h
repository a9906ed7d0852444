/* SPDX-License-Identifier: MIT */
/* What io_uring needs of the channel over /dev/fuse below it. */
#ifndef LT_CHANNEL_DEV_H
#define LT_CHANNEL_DEV_H

#include "channel.h"

/* A descriptor of the connection; the channel's. LT_EOPNOTSUPP: it is another kind of channel. */
int lt_channel_dev_fd(const struct lt_channel *dev);

/* From now on what comes this way, INIT and INTERRUPT apart, is nothing that anybody waits for: it
 * may be read late. */
void lt_channel_dev_unhurried(struct lt_channel *dev);

#endif
