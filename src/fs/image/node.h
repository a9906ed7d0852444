/* SPDX-License-Identifier: MIT */
/*
 * The volume and its nodes in memory: what all files of imgfs work on.
 *
 * Life of a node: img_node_get() finds it in the table by id, or makes it from its INODE
 * item. Operations change node->inode in memory and call img_node_dirty(); the INODE item is put
 * when a commit seals (img_seal), so that ten changes cost one item. Everything else (entries,
 * extents, xattrs ...) is put into the tree at once.
 *
 * When the last reference goes, the node leaves the table, unless
 *  - it is dirty or has pending data: then it stays as an idle node, which img_node_get() gives a
 *    reference again, until that has been written;
 *  - it has no names left: then its items and its data are removed first. A node without names that
 *    is alive when a commit seals gets an ORPHAN item, so that a crash does not lose its space.
 *    If nobody has it open, all that goes in the transaction that takes the last name.
 *
 * Lock order:
 *   img_node.lock         of files and streams: their data. Two of them (copy_range) in the
 *                         order of addresses; a stream's before its file's is never needed together
 *   img_fs.store->lock    items, and img_node.inode of all nodes, and the dirty list
 *   the lock of pending data (data.c)
 *   img_fs.table.lock     the table of nodes
 *
 * Directories need no lock of their own: their entries are items.
 */
#ifndef LT_FS_IMAGE_NODE_H
#define LT_FS_IMAGE_NODE_H

#include "inode.h"
#include "kinds.h"
#include "store/store.h"
#include "table.h"

#include <core/fs_ops.h>

/* img_node.state, guarded by the store's lock. */
enum {
    IMG_DIRTY = 0x1,    /* on the dirty list; changes under the table's lock too */
    IMG_LINKABLE = 0x2, /* made without a name, may get one */
    IMG_ORPHANED = 0x4, /* it has an ORPHAN item */
    IMG_REMOVED = 0x8 /* its items are gone; if it is dirty all the same, it comes back as orphan */
};

/* lt_node.flags, guarded by the table's lock. */
enum {
    IMG_IDLE = 0x1, /* it has no references, but something to be written */
    IMG_DEAD = 0x2  /* it is being removed: nobody gets a reference any more */
};

#define IMG_GENERATION 1u /* lt_attr.generation of every node: ids are never used twice */

struct img_pending; /* data.h */

struct img_node {
    struct lt_node base;
    struct img_node *table_next;              /* table.lock */
    struct img_node *dirty_next, *dirty_prev; /* store->lock */
    struct img_inode inode;                   /* store->lock */
    uint32_t state;                           /* store->lock */
    uint32_t revived; /* table.lock: references given to it between its last put and release */
    uint32_t streams; /* table.lock: streams in the table that have it as `main` */
    /* Of a file or stream its data: */
    struct lt_rwlock lock;
    struct img_pending *pending; /* lock: data that waits in memory */
    uint64_t stable_size; /* store->lock: the size without what is pending; goes into the item */
    uint64_t waiting;     /* store->lock: blocks that pending data will take; part of `allocated` */
    uint16_t synced;      /* lock: small writes that a sync soon is still expected to follow */
    bool replaced; /* lock: cut to nothing, and all that it got since is pending, or nothing */
    /* Of a stream its file, with a reference unless idle; NULL where it was loaded as an orphan
     * (nlink 0), or its file is being removed. Immutable while there are references. */
    struct img_node *main;
};
static_assert(sizeof(struct img_node) <= 296, "a kernel may hold millions of nodes");

struct img_fs {
    struct lt_fs base;
    struct img_store *store;
    struct lt_volume volume; /* label: store->lock; the rest is immutable */
    struct img_table table;
    struct img_node *dirty, *dirty_last; /* store->lock: the dirty list, oldest first */
    size_t dirty_count;                  /* store->lock */
    struct img_data_state *data;         /* data.h: what is pending in all */
    bool sync_always; /* immutable: sync=always; a write is durable when it returns */
    bool unlogged;    /* immutable: sync=none; only checkpoints make anything durable */
};

static inline struct img_fs *img_fs(struct lt_fs *fs)
{
    return (struct img_fs *)fs;
}

static inline struct img_node *img_node(struct lt_node *node)
{
    return (struct img_node *)node;
}

static inline struct img_fs *img_fs_of(const struct img_node *node)
{
    return (struct img_fs *)node->base.fs;
}

static inline bool img_is_stream(const struct img_node *node)
{
    return node->base.type == LT_S_STREAM;
}

/* The node that has the attributes: of a stream its file, of others itself. */
static inline struct img_node *img_main(struct img_node *node)
{
    return node->main ? node->main : node;
}

/* The node with this id, with a reference. LT_ENOENT, LT_ENOMEM, LT_EUCLEAN, LT_EIO. */
int img_node_get(struct img_fs *fs, uint64_t id, struct img_node **ret) REQUIRES_SHARED(img_items);

/* The same for a node that is to have names and this type: LT_EUCLEAN otherwise. It may be put
 * while the store's lock is still held: then it still has names, and nothing needs to be removed.
 */
int img_node_get_named(struct img_fs *fs, uint64_t id, uint32_t type, struct img_node **ret)
    REQUIRES_SHARED(img_items);

/* One more reference on a node that may have none, for somebody who has it in a list of his own
 * (pending data). False: it is being removed, and img_data_drop() will take it off that list. */
bool img_node_revive(struct img_node *node);

/* A new node in the table with one reference, dirty, of which nothing is in the tree yet; parent,
 * entry and nlink are the caller's affair. If the transaction is undone, img_node_forget() it
 * before img_end(). */
int img_node_new(struct img_fs *fs, struct img_txn *txn, const struct lt_create *spec,
                 struct img_node **ret) REQUIRES(img_items);
/* The same for a stream of `main`, which it gets a reference on. */
int img_stream_new(struct img_node *main, struct img_txn *txn, struct img_node **ret)
    REQUIRES(img_items);
void img_node_forget(struct img_node *node) REQUIRES(img_items);

/* The inode was changed: its item will be put by the next commit. */
void img_node_dirty(struct img_node *node) REQUIRES(img_items);

/*
 * Takes a node that has just lost its last name, and that only the caller has, with one reference,
 * off the image: in his transaction, of which it takes `max` extents and six other items. What has
 * more, or is in use, is left to img_node_release(). `before`: node->inode as it is to be after an
 * error. If the transaction is undone after that, it cannot be put back: call it last.
 */
int img_node_discard(struct img_txn *txn, struct img_node *node, size_t max,
                     const struct img_inode *before) REQUIRES(img_items);

/* lt_fs_ops.release. A node without names: removes its data (in several transactions if it is
 * long), its other items (ext.h) and itself. A stream leaves the table before it puts its main. */
void img_node_release(struct lt_node *node);

/* img_store_options.seal: puts the INODE items of the dirty nodes. */
int img_seal(void *fs, struct img_txn *txn) REQUIRES(img_items);

/* Fills *ret; size and blocks of a stream's own. */
void img_node_attr(const struct img_node *node, struct lt_attr *ret) REQUIRES_SHARED(img_items);

/* Records a change of attributes, or of data too, at `now`. */
void img_changed(struct img_node *node, struct lt_time now) REQUIRES(img_items);
void img_modified(struct img_node *node, struct lt_time now) REQUIRES(img_items);

/* Notes a read where the atime is due. No lock held. */
void img_accessed(struct img_node *node);

/* Clears set-uid, set-gid of group-executables and security.capability. */
int img_kill_priv(struct img_txn *txn, struct img_node *node) REQUIRES(img_items);

/* Sets all that `set` says but the size; `resized`: that has changed in the same transaction.
 * LT_EPERM and others: nothing has changed in memory. */
int img_set_in(struct img_txn *txn, struct img_node *node, const struct lt_setattr *set,
               struct lt_time now, bool resized) REQUIRES(img_items);

/* Whether the inode flags allow a node to be changed and to lose or get names: 0 or LT_EPERM. */
static inline int img_may_change(const struct img_node *node) REQUIRES_SHARED(img_items)
{
    return node->inode.inode_flags & (LT_INODE_IMMUTABLE | LT_INODE_APPEND) ? LT_EPERM : 0;
}

#endif
