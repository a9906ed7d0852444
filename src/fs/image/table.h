/* SPDX-License-Identifier: MIT */
/*
 * Nodes by id: a hash table of chains. Growing moves a few chains with each insert, so that no
 * insert waits for all of them; it is a courtesy, and never fails an insert. Ids count up, so they
 * need no hash.
 *
 * The caller holds the lock.
 */
#ifndef LT_FS_IMAGE_TABLE_H
#define LT_FS_IMAGE_TABLE_H

#include <os/os.h>

struct img_node;

struct img_table {
    struct lt_mutex lock;    /* guards the rest, and what img_node says */
    struct img_node **slots; /* capacity, a power of two */
    struct img_node **old;   /* half of it while it grows, else NULL: chains `moved` and up */
    size_t count, capacity, moved;
};

int img_table_init(struct img_table *table); /* LT_ENOMEM */
/* Frees the nodes too. */
void img_table_fini(struct img_table *table);

struct img_node *img_table_find(const struct img_table *table, uint64_t id)
    REQUIRES_SHARED(table->lock);
void img_table_add(struct img_table *table, struct img_node *node) REQUIRES(table->lock);
void img_table_remove(struct img_table *table, struct img_node *node) REQUIRES(table->lock);

#endif
