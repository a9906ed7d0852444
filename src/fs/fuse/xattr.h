/* SPDX-License-Identifier: MIT */
/* Extended attributes beside their operations. */
#ifndef LT_FS_FUSE_XATTR_H
#define LT_FS_FUSE_XATTR_H

#include "fusefs.h"

/*
 * The ACL part of a setattr (LT_SET_ACL): sets the access ACL, or removes it (len 0). A server with
 * ACLs changes the mode with it, so it goes before the mode is set. LT_EOPNOTSUPP: the server has
 * no ACLs.
 */
int fuse_acl_set(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_str acl);

#endif
