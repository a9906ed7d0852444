/* SPDX-License-Identifier: MIT */
/* An empty file system on a device. */
#ifndef LT_FS_IMAGE_FORMAT_H
#define LT_FS_IMAGE_FORMAT_H

#include <device/device.h>
#include <lintel/image.h>

/* Makes the whole device (params->size 0) or its first bytes an image with nothing but a root
 * directory. The device stays the caller's. Durable on return. `force` is not looked at. LT_EINVAL
 * and what the device says, with diag. */
int img_fs_format(struct lt_device *dev, const struct lt_image_params *params,
                  struct lt_diag *diag);

#endif
