/* SPDX-License-Identifier: MIT */
/*
 * An ordered map from 63-bit keys to pointers: the index of a directory, the
 * security descriptors of a volume. It costs nothing when empty; up to 255 entries are
 * one leaf that grows with them; above that it is a B+tree with nodes of one page. Lookup, insert
 * and remove are O(log n); removing never needs memory.
 *
 * The caller locks.
 */
#ifndef LT_FS_MEM_TREE_H
#define LT_FS_MEM_TREE_H

#include "slab.h"

struct mem_tree_node;

struct mem_tree {
    struct mem_tree_node *root; /* NULL: empty */
    uint64_t count;
    uint8_t height; /* 0: root is a leaf */
};

/* The entry with the smallest key >= *key: stores its key. NULL if there is none. */
void *mem_tree_next(const struct mem_tree *tree, uint64_t *key);

/* Entries with keys >= key, in order, as many as stand together. 0 only if there are none. Valid
 * until the tree changes. */
size_t mem_tree_scan(const struct mem_tree *tree, uint64_t key, const uint64_t **ret_keys,
                     void *const **ret_values);

/* `key` must not be there. LT_ENOSPC. */
int mem_tree_insert(struct mem_tree *tree, struct mem_arena *arena, uint64_t key, void *value);

/* Gives `key`, which must be there, another value and returns the old one. Never fails. */
void *mem_tree_replace(struct mem_tree *tree, uint64_t key, void *value);

/* Takes `key` out, which must be there, and returns its value. */
void *mem_tree_remove(struct mem_tree *tree, struct mem_arena *arena, uint64_t key);

#endif
