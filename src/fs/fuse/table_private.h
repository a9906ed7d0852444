/* SPDX-License-Identifier: MIT */
/* What table.c and dentry.c know of each other: see table.h. All under fs->table.lock. */
#ifndef LT_FS_FUSE_TABLE_PRIVATE_H
#define LT_FS_FUSE_TABLE_PRIVATE_H

#include "fusefs.h"

/* One more reference, also for a node that has none; one less. */
void fuse_get_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock);
void fuse_put_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock);

/* Into and out of those that are found by nodeid. */
void fuse_list_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock);
void fuse_unlist_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock);

/* Frees a node's names, and what is known to be absent in it. */
void fuse_names_clear_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock);

/* The root: without lookups. */
int fuse_root_new(struct fuse_fs *fs, struct fuse_node **ret);

#endif
