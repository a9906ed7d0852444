/* SPDX-License-Identifier: MIT */
/*
 * Checking and mending an image that lies on any device: lt_image_check() without the file.
 *
 * Reads the device by itself, not through the store: the check must not believe the code
 * that it checks, and must go on where that would stop.
 */
#ifndef LT_FS_IMAGE_CHECK_CHECK_H
#define LT_FS_IMAGE_CHECK_CHECK_H

#include <device/device.h>
#include <lintel/image.h>

/*
 * Nobody else uses the device, which stays the caller's. `check` and `ret` as for lt_image_check();
 * check->problem may be NULL here. Writes only with check->repair. Returns 0 if it came to an end:
 * then ret->problems == 0 says that nothing is wrong.
 */
int img_check_device(struct lt_device *dev, const struct lt_image_check *check,
                     struct lt_image_check_result *ret, struct lt_diag *diag);

/* lt_image_dump(), lt_image_resize() and lt_image_defrag() likewise. */
int img_dump_device(struct lt_device *dev, bool items, int (*fn)(void *arg, const char *line),
                    void *arg, struct lt_diag *diag);
int img_resize_device(struct lt_device *dev, uint64_t size,
                      int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                      struct lt_diag *diag);
int img_defrag_device(struct lt_device *dev,
                      int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                      struct lt_image_defrag_result *ret, struct lt_diag *diag);

#endif
