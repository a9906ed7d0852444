/* SPDX-License-Identifier: MIT */
/* Handles of the server. */
#ifndef LT_FS_FUSE_HANDLE_H
#define LT_FS_FUSE_HANDLE_H

#include "fusefs.h"

/* The node goes: whatever handles it still has are released. Nobody else knows the node. */
void fuse_handles_fini(struct fuse_fs *fs, struct fuse_node *node);

#endif
