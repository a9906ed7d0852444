/* SPDX-License-Identifier: MIT */
#ifndef LT_FS_FUSE_DIR_H
#define LT_FS_FUSE_DIR_H

#include "fusefs.h"

/* Ends the listings of a directory, or (NULL) all, that nobody is in the middle of. */
void fuse_listings_drop(struct fuse_fs *fs, const struct fuse_node *dir);

#endif
