// SPDX-License-Identifier: MIT
#include "table.h"

#include "node.h"

#include <stdlib.h>

#define CAPACITY_MIN 1024u
#define MOVES 4u /* chains that one insert moves: done long before the table is full again */

int img_table_init(struct img_table *table)
{
    *table = (struct img_table){.capacity = CAPACITY_MIN};
    table->slots = calloc(CAPACITY_MIN, sizeof(struct img_node *));
    return table->slots ? 0 : LT_ENOMEM;
}

static struct img_node **chain_of(const struct img_table *table, uint64_t id)
{
    if (table->old) {
        size_t i = (size_t)id & (table->capacity / 2 - 1);
        if (i >= table->moved)
            return &table->old[i];
    }
    return &table->slots[(size_t)id & (table->capacity - 1)];
}

static void free_chain(struct img_node *node)
{
    while (node) {
        struct img_node *next = node->table_next;
        free(node);
        node = next;
    }
}

void img_table_fini(struct img_table *table)
{
    for (size_t i = 0; table->slots && i < table->capacity; i++)
        free_chain(table->slots[i]);
    for (size_t i = table->moved; table->old && i < table->capacity / 2; i++)
        free_chain(table->old[i]);
    free(table->slots);
    free(table->old);
}

struct img_node *img_table_find(const struct img_table *table, uint64_t id)
{
    struct img_node *node = *chain_of(table, id);
    while (node && node->base.id != id)
        node = node->table_next;
    return node;
}

static void push(struct img_node **chain, struct img_node *node)
{
    node->table_next = *chain;
    *chain = node;
}

/* Moves a few chains of the old array to the new one. */
static void move_some(struct img_table *table)
{
    size_t half = table->capacity / 2;
    for (unsigned i = 0; i < MOVES && table->moved < half; i++) {
        struct img_node *node = table->old[table->moved++];
        while (node) {
            struct img_node *next = node->table_next;
            push(&table->slots[(size_t)node->base.id & (table->capacity - 1)], node);
            node = next;
        }
    }
    if (table->moved < half)
        return;
    free(table->old);
    table->old = NULL;
    table->moved = 0;
}

static void grow(struct img_table *table)
{
    struct img_node **slots = calloc(2 * table->capacity, sizeof(struct img_node *));
    if (!slots)
        return;
    table->old = table->slots;
    table->slots = slots;
    table->capacity *= 2;
    table->moved = 0;
}

void img_table_add(struct img_table *table, struct img_node *node)
{
    if (table->old)
        move_some(table);
    else if (table->count >= table->capacity)
        grow(table);
    push(chain_of(table, node->base.id), node);
    table->count++;
}

void img_table_remove(struct img_table *table, struct img_node *node)
{
    struct img_node **at = chain_of(table, node->base.id);
    while (*at != node)
        at = &(*at)->table_next;
    *at = node->table_next;
    table->count--;
}
