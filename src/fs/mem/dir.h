/* SPDX-License-Identifier: MIT */
/*
 * Directories: names to entries. The key of an entry is 55 bits of the name's hash
 * and an 8-bit number that tells names with the same hash apart; it is fixed for the
 * life of the entry and serves as the cookie of listings. Keys are > 255 and < 2^63.
 *
 * The hash is keyed per volume, so nobody can choose names that collide; on volumes
 * that ignore case it is the hash of the upper-cased name.
 */
#ifndef LT_FS_MEM_DIR_H
#define LT_FS_MEM_DIR_H

#include "node.h"

/* The first key that an entry of this name can have. */
uint64_t mem_dir_hash(const struct mem_fs *fs, struct lt_str name);

/* The entry of this name, or NULL; *ret_key (or NULL): its key. */
struct mem_entry *mem_dir_find(const struct mem_node *dir, uint64_t hash, struct lt_str name,
                               uint64_t *ret_key) REQUIRES_SHARED(dir->lock);

/* Adds an entry whose name is not there yet. LT_ENOSPC. */
int mem_dir_insert(struct mem_node *dir, uint64_t hash, struct mem_entry *entry)
    REQUIRES(dir->lock);

/* An entry for `name`, of no node and in no directory yet; NULL at the limit. */
struct mem_entry *mem_entry_new(struct mem_fs *fs, struct lt_str name);
void mem_entry_free(struct mem_fs *fs, struct mem_entry *entry);

/* Makes the entry a name of `node` in `dir`, and ends that. The entry's reference is the caller's
 * affair. */
void mem_entry_attach(struct mem_entry *entry, struct mem_node *node, struct mem_node *dir)
    REQUIRES(node->lock);
void mem_entry_detach(struct mem_entry *entry, struct mem_node *node) REQUIRES(node->lock);

static inline struct lt_str mem_entry_name(const struct mem_entry *entry)
{
    return lt_strn(entry->name, entry->len);
}

/* 0, or why nothing can be added to or taken from the directory: LT_ENOENT (removed), LT_EPERM. */
int mem_dir_may_add(const struct mem_node *dir) REQUIRES_SHARED(dir->lock);
int mem_dir_may_take(const struct mem_node *dir) REQUIRES_SHARED(dir->lock);

/* Whether the node may lose or get a name, as far as its inode flags go: 0 or LT_EPERM. */
int mem_may_change(const struct mem_node *node) REQUIRES_SHARED(node->lock);

#endif
