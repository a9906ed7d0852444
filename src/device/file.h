/* SPDX-License-Identifier: MIT */
/* A device that is a regular file or block device of the host. */
#ifndef LT_DEVICE_FILE_H
#define LT_DEVICE_FILE_H

#include "device.h"

#include <base/options.h>

enum {
    LT_DEVICE_READ_ONLY = 0x1,
    LT_DEVICE_CREATE = 0x2, /* make it if it is missing */
    LT_DEVICE_EXCL = 0x4    /* with CREATE: LT_EEXIST if it is there */
};

/*
 * Opens and locks: one writer, or any number of readers (OFD locks, which also hold
 * between the parts of one process). LT_EBUSY: somebody else has it; `diag` names the
 * process if it can be found. LT_ENOENT, LT_EACCES, LT_EISDIR, ...
 */
int lt_device_open_file(const char *path, uint32_t flags, struct lt_device **ret,
                        struct lt_diag *diag);

#endif
