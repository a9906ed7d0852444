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

/* A record of READDIR or READDIRPLUS. */
struct lt_fuse_record {
    struct lt_fuse_entry_out entry; /* READDIRPLUS; nodeid 0: nothing was looked up */
    uint64_t ino, off;
    uint32_t type;      /* the type bits of a mode; 0: not known */
    struct lt_str name; /* borrowed from the buffer, unchecked but for its length */
};

/*
 * The record at `*at` of a buffer, which moves behind it. 1; 0 at the end (also where the rest is
 * shorter than a record may be); LT_EIO: a length that leaves the buffer, or none.
 */
int lt_fuse_get_record(const char *buf, size_t len, bool plus, size_t *at,
                       struct lt_fuse_record *ret);

#endif
