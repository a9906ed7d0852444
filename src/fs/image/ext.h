/* SPDX-License-Identifier: MIT */
/*
 * What few nodes have: extended attributes, ACLs, streams, EAs, reparse data, a
 * security descriptor. The parts that other files of imgfs need; all but img_ext_remove() run in a
 * transaction of the caller, and leave it to him to call img_changed().
 */
#ifndef LT_FS_IMAGE_EXT_H
#define LT_FS_IMAGE_EXT_H

#include "node.h"

/* The purpose of a transaction that also stores values of `len` bytes in all. */
static inline enum img_purpose img_purpose_of(size_t len)
{
    return len > 8 * (size_t)IMG_CHUNK ? IMG_LONG : IMG_GROW;
}

/* Gives a new node the ACLs and the security descriptor of `spec`: img_purpose_of() their lengths.
 */
int img_ext_create(struct img_txn *txn, struct img_node *node, const struct lt_create *spec)
    REQUIRES(img_items);

/*
 * Removes all that a node without names has of this, its streams with their data, in transactions
 * of its own. For img_node_release() of such a node: nobody else has it any more. After an error
 * what was removed so far stays so, and the next time goes on from there. No lock held.
 */
int img_ext_remove(struct img_node *node);

/* Whether there is an attribute of this name: 1, 0 or an error. */
int img_xattr_test(struct img_node *node, struct lt_str name) REQUIRES_SHARED(img_items);

/* Stores an attribute, or removes it (value.s NULL), ACLs too. `flags` as lt_node_xattr_set().
 * LT_ENODATA, LT_EEXIST. Keeps inode.has. */
int img_xattr_store(struct img_txn *txn, struct img_node *node, struct lt_str name,
                    struct lt_str value, uint32_t flags) REQUIRES(img_items);

/* Gives the node this descriptor, or none (len 0). Keeps inode.has. */
int img_security_store(struct img_txn *txn, struct img_node *node, struct lt_str descriptor)
    REQUIRES(img_items);

/* Removes the streams of a node without names, for img_ext_remove(). */
int img_streams_remove(struct img_node *node);

#endif
