// SPDX-License-Identifier: MIT
#include "opens.h"

#include <stdlib.h>

#define SLOTS_MIN 64u

struct lt_open {
    struct lt_node *node; /* with a reference; NULL: the slot is free */
    uint32_t flags;       /* LT_OPEN_... */
    uint32_t serial;      /* of the handle: a slot is used again, a handle is not */
    uint32_t next;        /* free: the next free slot + 1 */
    bool closed;          /* the node is not open at present, a flush closed it */
};

static int grow_locked(struct lt_opens *opens) REQUIRES(opens->lock)
{
    uint32_t size = opens->size ? 2 * opens->size : SLOTS_MIN;
    if (size < opens->size)
        return LT_ENFILE;
    struct lt_open *slots = realloc(opens->slots, size * sizeof(*slots));
    if (slots == NULL)
        return LT_ENOMEM;
    memset(slots + opens->size, 0, (size - opens->size) * sizeof(*slots));
    opens->slots = slots;
    opens->size = size;
    return 0;
}

static int take_slot_locked(struct lt_opens *opens, uint32_t *ret) REQUIRES(opens->lock)
{
    if (opens->free) {
        *ret = opens->free - 1;
        opens->free = opens->slots[*ret].next;
        return 0;
    }
    int r = opens->used == opens->size ? grow_locked(opens) : 0;
    if (r == 0)
        *ret = opens->used++;
    return r;
}

/* The slot of a handle of that node, or NULL. */
static struct lt_open *find_locked(struct lt_opens *opens, const struct lt_node *node, uint64_t fh)
    REQUIRES(opens->lock)
{
    uint32_t slot = (uint32_t)fh;
    if (slot >= opens->used)
        return NULL;
    struct lt_open *open = &opens->slots[slot];
    return open->node == node && open->serial == fh >> 32 ? open : NULL;
}

static int add(struct lt_opens *opens, struct lt_node *node, uint32_t flags, uint64_t *ret_fh)
{
    uint32_t slot;
    lt_mutex_lock(&opens->lock);
    int r = take_slot_locked(opens, &slot);
    if (r == 0) {
        struct lt_open *open = &opens->slots[slot];
        *open =
            (struct lt_open){.node = lt_node_get(node), .flags = flags, .serial = open->serial + 1};
        *ret_fh = (uint64_t)open->serial << 32 | slot;
    }
    lt_mutex_unlock(&opens->lock);
    return r;
}

int lt_opens_add(struct lt_opens *opens, const struct lt_ctx *ctx, struct lt_node *node,
                 uint32_t flags, uint64_t *ret_fh)
{
    int r = lt_node_open(ctx, node, flags);
    if (r < 0)
        return r;
    r = add(opens, node, flags, ret_fh);
    if (r < 0)
        lt_node_close(ctx, node, flags);
    return r;
}

int lt_opens_flush(struct lt_opens *opens, const struct lt_ctx *ctx, struct lt_node *node,
                   uint64_t fh)
{
    lt_mutex_lock(&opens->lock);
    struct lt_open *open = find_locked(opens, node, fh);
    uint32_t flags = open ? open->flags : 0;
    bool closed = open && open->closed;
    if (open)
        open->closed = true;
    lt_mutex_unlock(&opens->lock);
    if (flags == 0)
        return LT_EBADF;
    int r = closed ? lt_node_open(ctx, node, flags) : 0;
    return r < 0 ? r : lt_node_close(ctx, node, flags);
}

void lt_opens_release(struct lt_opens *opens, const struct lt_ctx *ctx, struct lt_node *node,
                      uint64_t fh)
{
    lt_mutex_lock(&opens->lock);
    struct lt_open *open = find_locked(opens, node, fh);
    bool found = open != NULL, closed = open && open->closed;
    uint32_t flags = open ? open->flags : 0;
    if (open) {
        open->node = NULL;
        open->next = opens->free;
        opens->free = (uint32_t)fh + 1;
    }
    lt_mutex_unlock(&opens->lock);
    if (!found)
        return;
    if (!closed)
        lt_node_close(ctx, node, flags);
    lt_node_put(node);
}

void lt_opens_fini(struct lt_opens *opens)
{
    for (uint32_t i = 0; i < opens->used; i++) {
        struct lt_open *open = &opens->slots[i];
        if (open->node && !open->closed)
            lt_node_close(NULL, open->node, open->flags);
        lt_node_put(open->node);
    }
    free(opens->slots);
    *opens = (struct lt_opens){0};
}
