/* SPDX-License-Identifier: MIT */
/*
 * Images for fuzzing. The input is no image but a list of changes, six bytes each, to
 * one that is made at the start: so that inputs are short, and each hits metadata. Checks are put
 * right afterwards, or hardly any change would get behind them.
 */
#ifndef LT_TESTS_FUZZ_FS_IMAGE_MUTATE_H
#define LT_TESTS_FUZZ_FS_IMAGE_MUTATE_H

#include <device/device.h>

/* A device with the image, changed; the first byte of the input chooses the image. */
struct lt_device *mutate_image(const uint8_t *data, size_t size);

/* Reads all there is of a file system, and changes some: nothing but crashes and hangs is an error.
 */
void mutate_use(struct lt_device *dev);

#endif
