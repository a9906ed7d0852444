/* SPDX-License-Identifier: MIT */
/* What reading and writing share. */
#ifndef LT_FS_FUSE_DATA_H
#define LT_FS_FUSE_DATA_H

#include "handle.h"

#define FUSE_FLIGHT 4u /* requests of one read or write under way at once */

/* A file that is no plain bytes at offsets: one request after the other, each as long as wanted,
 * and a short one is all there is for now. */
static inline bool fuse_is_odd(const struct fuse_handle *handle)
{
    return handle &&
           handle->open_flags & (LT_FOPEN_DIRECT_IO | LT_FOPEN_NONSEEKABLE | LT_FOPEN_STREAM);
}

/* Reads up to `len` bytes; fewer at the end of the file. */
int fuse_read_into(const struct lt_ctx *ctx, struct fuse_node *node, uint64_t offset, char *to,
                   size_t len);

/* Writes up to FUSE_DATA_SEGS segments, with these LT_FUSE_WRITE_...: returns the bytes written, or
 * why none were. */
int fuse_write_at(const struct lt_ctx *ctx, struct fuse_node *node, uint64_t offset,
                  const struct lt_seg *segs, size_t count, uint32_t flags);

/* We changed the data: the file reaches to `end` at least, and its attributes are to be asked for
 * again. */
void fuse_data_changed(struct fuse_node *node, uint64_t end);

#endif
