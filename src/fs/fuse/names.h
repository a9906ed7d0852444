/* SPDX-License-Identifier: MIT */
/* What names.c and remove.c share. */
#ifndef LT_FS_FUSE_NAMES_H
#define LT_FS_FUSE_NAMES_H

#include "table.h"

/* Removes a name that means `node`, by UNLINK or RMDIR. */
int fuse_name_remove(const struct lt_ctx *ctx, struct fuse_node *dir, struct lt_str name,
                     struct fuse_node *node);

#endif
