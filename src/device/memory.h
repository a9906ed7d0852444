/* SPDX-License-Identifier: MIT */
/* A device that is memory of this process; pages that were never written, or were discarded, cost
 * nothing and read as zeros. */
#ifndef LT_DEVICE_MEMORY_H
#define LT_DEVICE_MEMORY_H

#include "device.h"

int lt_device_open_memory(uint64_t size, struct lt_device **ret);

#endif
