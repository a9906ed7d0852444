/* SPDX-License-Identifier: MIT */
/* From the structs of FUSE replies to Lintel's, checked. Pure: no I/O, no memory. */
#ifndef LT_WIRE_FUSE_REPLY_H
#define LT_WIRE_FUSE_REPLY_H

#include "proto.h"

#include <lintel/error.h>
#include <lintel/types.h>

/* A timeout of a reply in nanoseconds; UINT64_MAX: for ever. */
uint64_t lt_fuse_get_timeout(uint64_t sec, uint32_t nsec);

/*
 * Attributes; members that FUSE does not have are 0. LT_EIO: not a type that there is, a size
 * beyond LT_SIZE_MAX, nanoseconds beyond a second.
 */
int lt_fuse_get_attr(const struct lt_fuse_attr *attr, struct lt_attr *ret);

#endif
