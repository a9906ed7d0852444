// SPDX-License-Identifier: MIT
#include "backing.h"

#include <base/hash.h>
#include <stdlib.h>

struct lt_backing {
    struct lt_backing *next;
    struct lt_node *node; /* with a reference */
    uint64_t opens;
    int32_t id; /* the kernel's, or 0: does not pass through */
};

bool lt_backings_possible(struct lt_fs *fs)
{
    struct lt_entry entry = {0};
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    int fd;
    if (lt_node_create(NULL, lt_fs_root(fs), lt_strn("", 0), &spec, &entry) < 0)
        return false;
    bool possible = lt_node_backing_get(NULL, entry.node, &fd) == 0;
    if (possible)
        lt_node_backing_put(entry.node);
    lt_node_put(entry.node);
    return possible;
}

/* The link that points to the node's record, or to where it would be. */
static struct lt_backing **find(struct lt_backings *backings, const struct lt_node *node)
    REQUIRES(backings->lock)
{
    struct lt_backing **at = &backings->buckets[lt_hash_u64(node->id) % LT_BACKINGS_BUCKETS];
    while (*at && (*at)->node != node)
        at = &(*at)->next;
    return at;
}

/* Asks the file system for a file and the kernel to take it. 0: it does not pass through. */
static int32_t make_backing(struct lt_channel *channel, const struct lt_ctx *ctx,
                            struct lt_node *node)
{
    int fd;
    if (lt_node_backing_get(ctx, node, &fd) < 0)
        return 0;
    int id = lt_channel_backing_open(channel, fd);
    if (id > 0)
        return id;
    lt_node_backing_put(node);
    return 0;
}

int lt_backings_open(struct lt_backings *backings, struct lt_channel *channel,
                     const struct lt_ctx *ctx, struct lt_node *node, bool wanted, int32_t *ret_id)
{
    int r = 0;
    lt_mutex_lock(&backings->lock);
    struct lt_backing **at = find(backings, node);
    struct lt_backing *b = *at;
    if (b == NULL)
        b = *at = calloc(1, sizeof(*b));
    if (b == NULL) {
        r = LT_ENOMEM;
    } else {
        if (b->opens++ == 0) {
            b->node = lt_node_get(node);
            b->id = wanted ? make_backing(channel, ctx, node) : 0;
        }
        *ret_id = b->id;
    }
    lt_mutex_unlock(&backings->lock);
    return r;
}

static void end_backing(struct lt_backing *b)
{
    if (b->id > 0)
        lt_node_backing_put(b->node);
    lt_node_put(b->node);
    free(b);
}

bool lt_backings_release(struct lt_backings *backings, struct lt_channel *channel,
                         struct lt_node *node)
{
    bool passed = false;
    lt_mutex_lock(&backings->lock);
    struct lt_backing **at = find(backings, node);
    struct lt_backing *b = *at;
    if (b != NULL && --b->opens == 0) {
        *at = b->next;
        passed = b->id > 0;
        if (passed)
            lt_channel_backing_close(channel, b->id);
        end_backing(b);
    }
    lt_mutex_unlock(&backings->lock);
    return passed;
}

void lt_backings_fini(struct lt_backings *backings)
{
    lt_mutex_lock(&backings->lock);
    for (unsigned i = 0; i < LT_BACKINGS_BUCKETS; i++) {
        struct lt_backing *next, *b = backings->buckets[i];
        for (; b; b = next) {
            next = b->next;
            end_backing(b);
        }
        backings->buckets[i] = NULL;
    }
    lt_mutex_unlock(&backings->lock);
}
