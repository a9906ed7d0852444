/* SPDX-License-Identifier: MIT */
/*
 * Directories: names to objects, and the way back. An entry is an item of its directory whose key
 * is also the cookie of listings; the first name of an object stands in its inode, each further one
 * is a LINK item. docs/format/image.md, "Objects".
 */
#ifndef LT_FS_IMAGE_DIR_H
#define LT_FS_IMAGE_DIR_H

#include "node.h"

struct img_entry {
    uint64_t id;        /* of the object */
    uint64_t key;       /* in its directory */
    uint32_t type;      /* LT_S_IF... */
    struct lt_str name; /* borrowed like a value */
};

/* The first key that an entry of this name can have. */
uint64_t img_dir_base(const struct img_fs *fs, struct lt_str name);

/* Looks for a name: 1 and the entry; or 0 and in ret->key the key that it would get, 0 if there is
 * none left. LT_EUCLEAN. */
int img_dir_find(const struct img_node *dir, struct lt_str name, struct img_entry *ret)
    REQUIRES_SHARED(img_items);

/* The value of an ENTRY item. LT_EUCLEAN. */
int img_entry_read(uint64_t key, const void *value, size_t len, struct img_entry *ret);

/* The node that an entry leads to. LT_EUCLEAN: it is none, of another type, or without names. */
int img_entry_node(struct img_fs *fs, const struct img_entry *entry, struct img_node **ret)
    REQUIRES_SHARED(img_items);

/* Adds or replaces an entry. */
int img_entry_put(struct img_txn *txn, const struct img_node *dir, uint64_t key,
                  const struct img_node *node, struct lt_str name);

/* Counts an entry that came (+1) or went (-1), of whatever sort it is. */
void img_dir_count(struct img_node *dir, const struct img_node *child, int change)
    REQUIRES(img_items);

/* 0, or why nothing can be added to or taken from the directory: LT_ENOENT (removed), LT_EPERM. */
int img_dir_may_add(const struct img_node *dir) REQUIRES_SHARED(img_items);
int img_dir_may_take(const struct img_node *dir) REQUIRES_SHARED(img_items);

/* ---- Names of an object -------------------------------------------------------------------- */

struct img_name {
    uint64_t dir, key; /* id of the directory, entry key there */
};

/*
 * Gives an object one more name, takes one away, moves one. Last of all they change parent and
 * entry of the inode in memory: if the transaction is undone after them, the caller puts these
 * back. nlink and img_node_dirty() are the caller's.
 */
int img_name_add(struct img_txn *txn, struct img_node *node, struct img_name name)
    REQUIRES(img_items);
int img_name_remove(struct img_txn *txn, struct img_node *node, struct img_name name)
    REQUIRES(img_items);
int img_name_move(struct img_txn *txn, struct img_node *node, struct img_name from,
                  struct img_name to) REQUIRES(img_items);

/* Calls fn for each name until it is non-zero, which is then returned. LT_EUCLEAN. */
int img_name_each(struct img_node *node, int (*fn)(void *arg, struct img_name name), void *arg)
    REQUIRES_SHARED(img_items);

#endif
