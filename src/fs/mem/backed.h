/* SPDX-License-Identifier: MIT */
/*
 * Files whose data lies in the kernel's memory instead of the arena's, so that a
 * FUSE mount can pass their I/O through (lt_node_backing_get): MEM_BACKED in
 * lt_node.flags. Their sectors moved into a file of a tmpfs that nobody else sees
 * (os/hidden.h); while such a file is open the kernel changes it by itself, hence its
 * size and times are asked for each time. A small file moves back when it is no longer open.
 *
 * One limit for both: the tmpfs may take what the arena does not use. The arena's
 * limit is kept a little above what it has; when it needs more, the tmpfs gets less.
 */
#ifndef LT_FS_MEM_BACKED_H
#define LT_FS_MEM_BACKED_H

#include "node.h"

static inline bool mem_is_backed(const struct mem_node *node) REQUIRES_SHARED(node->lock)
{
    return node->base.flags & MEM_BACKED;
}

/* lt_fs_ops.backing_get, backing_put */
int mem_backing_get(const struct lt_ctx *ctx, struct lt_node *node, int *ret_fd);
void mem_backing_put(struct lt_node *node);

/* The data of a backed node. Errors are the kernel's. */
int64_t mem_backed_read(const struct mem_node *node, uint64_t offset, void *buf, size_t len)
    REQUIRES_SHARED(node->lock);
int64_t mem_backed_write(struct mem_node *node, uint64_t offset, const struct lt_seg *segs,
                         size_t count, size_t len) REQUIRES(node->lock);
int mem_backed_allocate(struct mem_node *node, uint32_t mode, uint64_t offset, uint64_t len)
    REQUIRES(node->lock);
int mem_backed_truncate(struct mem_node *node, uint64_t size) REQUIRES(node->lock);
int mem_backed_seek(const struct mem_node *node, uint64_t offset, enum lt_seek whence,
                    uint64_t *ret) REQUIRES_SHARED(node->lock);
uint64_t mem_backed_size(const struct mem_node *node) REQUIRES_SHARED(node->lock);

/* Corrects what attributes say of a backed node. */
void mem_backed_attr(const struct mem_node *node, struct lt_attr *ret) REQUIRES_SHARED(node->lock);

/* Takes over what the kernel noted. */
void mem_backed_sync_times(struct mem_node *node) REQUIRES(node->lock);

/* Times were set by the user: those that the kernel noted do not count any more. */
void mem_backed_touched(struct mem_node *node) REQUIRES(node->lock);

/* Gives the data back; the node is going. */
void mem_backed_fini(struct mem_node *node) REQUIRES(node->lock);

/* Bytes that the kernel holds for the volume. */
uint64_t mem_backed_used(struct mem_fs *fs);

/* Pages of the volume, both sides. */
uint64_t mem_backed_total(struct mem_fs *fs);

/* The arena has its limit. */
void mem_backed_fs_init(struct mem_fs *fs);
void mem_backed_fs_fini(struct mem_fs *fs);

#endif
