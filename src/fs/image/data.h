/* SPDX-License-Identifier: MIT */
/*
 * File data. Large writes go straight to fresh (or, without data checks, to the same) blocks; small
 * ones wait in memory, as pending blocks of their node, until they are many, old, or synced: then
 * their blocks are allocated in one run, written in one call and mapped in one transaction. A small
 * file that fits is an INLINE item instead. What is pending has a promise of space.
 */
#ifndef LT_FS_IMAGE_DATA_H
#define LT_FS_IMAGE_DATA_H

#include "node.h"

/* Sets up and ends fs->data; `budget`: bytes that may be pending in all. What is pending at the end
 * is lost; the nodes are still there, the store need not be. */
int img_data_init(struct img_fs *fs, uint64_t budget);
void img_data_fini(struct img_fs *fs);

/* Writes out what is pending of one node; of all of them, oldest first (img_store_options.flush).
 * With `sync` small amounts go through the log. */
int img_data_flush(struct img_node *node, bool sync);
void img_data_flush_all(void *fs);

/*
 * Writes out files that were cut to nothing and written again (img_store_options.order): a commit
 * that makes the one durable is to have the other, too, or those who replace a file's content in
 * this way, as many programs do, lose both in a crash. What cannot be written stays pending.
 */
void img_data_flush_replacing(void *fs);

/* What the last img_data_flush_all() could not write out, and why: an error, or 0. It is still
 * pending. */
int img_data_error(struct img_fs *fs);

/* Bytes of memory that are pending in all. */
uint64_t img_data_pending(struct img_fs *fs);

/*
 * The size becomes set->size: pending data, extents and INLINE item behind it go, the rest of the
 * last block is zeroed; the other attributes change in the same transaction, or in the last of
 * those that a file of many extents takes. Takes the node's and the store's lock. LT_EFBIG,
 * LT_ENOSPC, and those of img_set_in().
 */
int img_data_truncate(struct img_node *node, const struct lt_setattr *set, struct lt_time now);

/* Drops what is pending of a node that is being removed. */
void img_data_drop(struct img_node *node);

#endif
