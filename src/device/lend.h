/* SPDX-License-Identifier: MIT */
/* A device for somebody who closes it, over one that stays the caller's. */
#ifndef LT_DEVICE_LEND_H
#define LT_DEVICE_LEND_H

#include "device.h"

/* Passes every call on to `dev`, which must outlive it; closing it leaves `dev` open. NULL for lack
 * of memory. */
struct lt_device *lt_device_lend(struct lt_device *dev);

#endif
