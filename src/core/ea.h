/* SPDX-License-Identifier: MIT */
/* EAs as a chain of FILE_FULL_EA_INFORMATION (MS-FSCC 2.4.16). */
#ifndef LT_CORE_EA_H
#define LT_CORE_EA_H

#include <lintel/fs.h>

/* Collects all EAs of a node into a malloc'd chain; *ret is NULL where there are none.
 * LT_ENOMEM. */
int lt_ea_chain_read(const struct lt_ctx *ctx, struct lt_node *node, char **ret, size_t *ret_len);

/* The EAs of a chain as a malloc'd list that borrows from it. LT_EINVAL, LT_ENOMEM. */
int lt_ea_chain_decode(struct lt_str chain, struct lt_ea **ret, size_t *ret_count);

#endif
