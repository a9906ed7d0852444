/* SPDX-License-Identifier: MIT */
/* From Lintel's structs to those of FUSE replies and notifications. Pure: no I/O, no memory. */
#ifndef LT_WIRE_FUSE_ENCODE_H
#define LT_WIRE_FUSE_ENCODE_H

#include "proto.h"

#include <lintel/types.h>

/* How long the kernel may trust what a reply says, in nanoseconds; UINT64_MAX: for ever. */
struct lt_fuse_timeouts {
    uint64_t entry_ns, attr_ns;
};

void lt_fuse_put_attr(const struct lt_attr *attr, struct lt_fuse_attr *ret);
void lt_fuse_put_entry(const struct lt_attr *attr, uint64_t nodeid, struct lt_fuse_timeouts t,
                       struct lt_fuse_entry_out *ret);
/* The reply to a LOOKUP that caches the absence of a name. */
void lt_fuse_put_no_entry(struct lt_fuse_timeouts t, struct lt_fuse_entry_out *ret);
void lt_fuse_put_attr_out(const struct lt_attr *attr, struct lt_fuse_timeouts t,
                          struct lt_fuse_attr_out *ret);
void lt_fuse_put_statx(const struct lt_attr *attr, struct lt_fuse_timeouts t,
                       struct lt_fuse_statx_out *ret);

/* Records of READDIR and READDIRPLUS, one after the other in a buffer. */
struct lt_fuse_dirents {
    char *buf; /* 8-byte aligned */
    size_t len, size;
};

/* The bytes that a record takes. */
size_t lt_fuse_dirent_size(size_t name_len, bool plus);

/* Adds a record; with `entry` one of READDIRPLUS. False if it does not fit. */
bool lt_fuse_put_dirent(struct lt_fuse_dirents *d, struct lt_str name, uint64_t id, uint64_t next,
                        uint32_t mode, const struct lt_fuse_entry_out *entry);

#endif
