/* SPDX-License-Identifier: MIT */
/* imgfs, the disk image: the functions that the registry needs. */
#ifndef LT_FS_IMAGE_IMAGE_H
#define LT_FS_IMAGE_IMAGE_H

#include <lintel/fs.h>

struct lt_device;

/* "PATH,option,..." or ":memory:,size=1g,...": docs/man/lintel-sources.7. */
int lt_imgfs_open(const char *options, struct lt_fs **ret, struct lt_diag *diag);

/* Whether that path is a file that holds an image: 1, 0 or an error. */
int lt_imgfs_probe(const char *options);

/* The same as lt_imgfs_open() on a device, which is the file system's on success. For tests. */
int lt_imgfs_open_device(struct lt_device *dev, const char *options, struct lt_fs **ret,
                         struct lt_diag *diag);

/* Ends it as a power cut does: nothing more is written. For tests. */
void lt_imgfs_abandon(struct lt_fs *fs);

#endif
