/* SPDX-License-Identifier: MIT */
/* The operations of struct lt_fs_ops, by the file that has them. */
#ifndef LT_FS_IMAGE_OPS_H
#define LT_FS_IMAGE_OPS_H

#include "node.h"

/* names.c */
int imgfs_lookup(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                 struct lt_entry *ret);
int imgfs_parent(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret);
int imgfs_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                 const struct lt_create *spec, struct lt_entry *ret);
int imgfs_link(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
               struct lt_str name, struct lt_entry *ret);
int imgfs_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name, uint32_t flags,
                 struct lt_node *expect, struct lt_gone *ret);
int imgfs_readlink(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size);

/* list.c */
int imgfs_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                  int (*fn)(void *arg, const struct lt_dirent *entry), void *arg);
int imgfs_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                        uint64_t *ret_cookie);
int imgfs_names(const struct lt_ctx *ctx, struct lt_node *node,
                int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg);

/* rename.c */
int imgfs_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                 struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                 struct lt_gone *ret);

/* attr.c */
int imgfs_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret);
int imgfs_setattr(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                  struct lt_attr *ret);
int imgfs_sync(const struct lt_ctx *ctx, struct lt_node *node, bool data_only);

/* read.c */
int imgfs_read(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, size_t len,
               struct lt_sink *sink);
int imgfs_seek(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, enum lt_seek whence,
               uint64_t *ret);

/* write.c */
int imgfs_write(const struct lt_ctx *ctx, struct lt_node *node, struct lt_write *write);

/* range.c */
int imgfs_allocate(const struct lt_ctx *ctx, struct lt_node *node, uint32_t mode, uint64_t offset,
                   uint64_t len);
int imgfs_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                     struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret);

/* xattr.c */
int imgfs_xattr_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                    size_t size);
int imgfs_xattr_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                    struct lt_str value, uint32_t flags);
int imgfs_xattr_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);
int imgfs_xattr_list(const struct lt_ctx *ctx, struct lt_node *node,
                     int (*fn)(void *arg, struct lt_str name), void *arg);

/* stream.c */
int imgfs_stream_open(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                      uint32_t flags, struct lt_node **ret);
int imgfs_stream_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);
int imgfs_stream_rename(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                        struct lt_str new_name, bool replace);
int imgfs_stream_list(const struct lt_ctx *ctx, struct lt_node *node,
                      int (*fn)(void *arg, const struct lt_stream *stream), void *arg);

/* ea.c */
int imgfs_ea_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                 size_t count, bool replace_all);
int imgfs_ea_list(const struct lt_ctx *ctx, struct lt_node *node,
                  int (*fn)(void *arg, const struct lt_ea *ea), void *arg);

/* reparse.c */
int imgfs_reparse_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data);
int imgfs_reparse_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);
int imgfs_reparse_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header);

/* security.c */
int imgfs_security_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor);
int imgfs_security_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);

#endif
