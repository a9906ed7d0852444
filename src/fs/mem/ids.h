/* SPDX-License-Identifier: MIT */
/*
 * Nodes by id: a hash table that grows and shrinks by one page of buckets at a
 * time (linear hashing), so that no insert waits for a rehash of everything.
 * Its size follows from the count of nodes alone. Growing is a courtesy: without
 * memory for it chains get longer, and an insert never fails for it.
 *
 * Ids count up and are never used twice, so they spread over the buckets without a hash.
 */
#ifndef LT_FS_MEM_IDS_H
#define LT_FS_MEM_IDS_H

#include "radix.h"

struct mem_node;

struct mem_ids {
    struct lt_mutex lock;
    uint64_t next;            /* lock: the next id */
    uint64_t count;           /* lock: nodes in the table */
    uint64_t max;             /* immutable: how many there may be; 0: any number */
    uint64_t pages;           /* lock: pages of buckets, at least 1 */
    struct mem_radix buckets; /* lock: these pages */
};

/* LT_ENOSPC. */
int mem_ids_init(struct mem_ids *ids, struct mem_arena *arena, uint64_t max);

/* Gives the node an id and makes it findable. LT_ENOSPC: there are `max`. */
int mem_ids_add(struct mem_ids *ids, struct mem_arena *arena, struct mem_node *node);

void mem_ids_remove(struct mem_ids *ids, struct mem_arena *arena, struct mem_node *node);

/* An id for a node that is not to be found by it. */
uint64_t mem_ids_take(struct mem_ids *ids);

uint64_t mem_ids_count(struct mem_ids *ids);

/* One more reference, unless the last one has gone: then the node is about to be released. */
bool mem_get_alive(struct mem_node *node);

/* The node with this id and a new reference, or NULL. */
struct mem_node *mem_ids_find(struct mem_ids *ids, uint64_t id);

#endif
