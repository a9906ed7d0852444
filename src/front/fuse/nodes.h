/* SPDX-License-Identifier: MIT */
/*
 * Which nodes the peer holds: node id -> node and how often it was handed out
 * (nlookup). A node id on the wire is the node's own id; whoever sends one that is not
 * in here gets LT_ESTALE, so that a hostile peer reaches nothing it was not shown.
 *
 * Open addressing in shards of their own lock; 16 bytes a slot, between a quarter
 * and three quarters of the slots taken. The root is always in.
 */
#ifndef LT_FRONT_FUSE_NODES_H
#define LT_FRONT_FUSE_NODES_H

#include <lintel/fs.h>
#include <os/os.h>

#define LT_NODES_SHARDS 64u

struct lt_nodes_slot {
    struct lt_node *node; /* NULL: free. Holds one reference, however large nlookup is */
    uint64_t nlookup;
};

struct lt_nodes_shard {
    struct lt_mutex lock;
    uint32_t used GUARDED_BY(lock);
    uint32_t size GUARDED_BY(lock); /* slots, 0 or a power of two */
    struct lt_nodes_slot *slots GUARDED_BY(lock);
};

struct lt_nodes {
    struct lt_node *root; /* immutable; no reference of its own */
    struct lt_nodes_shard shards[LT_NODES_SHARDS];
};

void lt_nodes_init(struct lt_nodes *nodes, struct lt_node *root);

/* Gives all nodes back. */
void lt_nodes_fini(struct lt_nodes *nodes);

/*
 * The peer is about to be told of `node`: nlookup grows by one. Takes the caller's
 * reference over, except when it fails (LT_ENOMEM). Never calls into the file system.
 */
int lt_nodes_add(struct lt_nodes *nodes, struct lt_node *node);

/* The node with this id, with a reference of the caller's, or NULL if the peer does not hold it. */
struct lt_node *lt_nodes_get(struct lt_nodes *nodes, uint64_t id);

/* Whether the peer holds it. */
bool lt_nodes_has(struct lt_nodes *nodes, uint64_t id);

/* The peer forgets `count` of what it was told. False if it never was told so often (then it
 * forgets all). */
bool lt_nodes_forget(struct lt_nodes *nodes, uint64_t id, uint64_t count);

/* How many nodes the peer holds, the root apart. */
uint64_t lt_nodes_count(struct lt_nodes *nodes);

/* Calls fn(arg, id) for each node that the peer holds, without a lock held. LT_ENOMEM. */
int lt_nodes_each(struct lt_nodes *nodes, void (*fn)(void *arg, uint64_t id), void *arg);

#endif
