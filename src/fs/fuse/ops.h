/* SPDX-License-Identifier: MIT */
/* The operations of struct lt_fs_ops, by the file that has them. */
#ifndef LT_FS_FUSE_OPS_H
#define LT_FS_FUSE_OPS_H

#include "fusefs.h"

/* names.c */
int fuse_lookup(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                struct lt_entry *ret);
int fuse_parent(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret);
int fuse_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                const struct lt_create *spec, struct lt_entry *ret);
int fuse_link(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
              struct lt_str name, struct lt_entry *ret);
int fuse_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name, uint32_t flags,
                struct lt_node *expect, struct lt_gone *ret);
int fuse_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                struct lt_gone *ret);
int fuse_readlink(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size);
int fuse_names(const struct lt_ctx *ctx, struct lt_node *node,
               int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg);

/* dir.c */
int fuse_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                 int (*fn)(void *arg, const struct lt_dirent *entry), void *arg);
int fuse_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                       uint64_t *ret_cookie);

/* attr.c */
int fuse_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret);
int fuse_setattr(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                 struct lt_attr *ret);

/* handle.c */
int fuse_open_node(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags);
int fuse_close_node(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags);

/* data.c */
int fuse_read(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, size_t len,
              struct lt_sink *sink);
int fuse_write(const struct lt_ctx *ctx, struct lt_node *node, struct lt_write *write);

/* sync.c */
int fuse_sync(const struct lt_ctx *ctx, struct lt_node *node, bool data_only);
int fuse_sync_fs(const struct lt_ctx *ctx, struct lt_fs *fs);

/* range.c */
int fuse_allocate(const struct lt_ctx *ctx, struct lt_node *node, uint32_t mode, uint64_t offset,
                  uint64_t len);
int fuse_seek(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, enum lt_seek whence,
              uint64_t *ret);
int fuse_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                    struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret);

/* space.c */
int fuse_statfs(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_statfs *ret);

/* xattr.c */
int fuse_xattr_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                   size_t size);
int fuse_xattr_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                   struct lt_str value, uint32_t flags);
int fuse_xattr_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);
int fuse_xattr_list(const struct lt_ctx *ctx, struct lt_node *node,
                    int (*fn)(void *arg, struct lt_str name), void *arg);

#endif
