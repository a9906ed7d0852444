/* SPDX-License-Identifier: MIT */
/* How modes and ACLs are changed together; shared by attr.c and xattr.c. */
#ifndef LT_CORE_ATTR_H
#define LT_CORE_ATTR_H

#include "core.h"

/* The lock that covers the mode and access ACL of a node. */
struct lt_mutex *lt_mode_lock(struct lt_node *node);

/* setattr of a mode or an access ACL, the other brought into step. The caller holds
 * lt_mode_lock(node), has checked set and sends the event. */
int lt_setattr_mode_locked(const struct lt_ctx *ctx, struct lt_node *node,
                           const struct lt_setattr *set, struct lt_attr *ret);

#endif
