/* SPDX-License-Identifier: MIT */
/* A RAM disk that minds how its files are opened and closed, and may refuse either. */
#ifndef LT_TESTS_UNIT_OPENINGS_H
#define LT_TESTS_UNIT_OPENINGS_H

#include <core/fs_ops.h>
#include <stdatomic.h>

static struct {
    struct lt_fs_ops ops;
    atomic_int readers, writers; /* at present */
    atomic_uint opened, closed;  /* ever */
    int refuse_open, refuse_close;
} openings;

static inline void count_opening(uint32_t flags, int by)
{
    if (flags & LT_OPEN_READ)
        atomic_fetch_add(&openings.readers, by);
    if (flags & LT_OPEN_WRITE)
        atomic_fetch_add(&openings.writers, by);
}

static inline int mind_open(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    (void)ctx;
    (void)node;
    if (openings.refuse_open < 0)
        return openings.refuse_open;
    count_opening(flags, 1);
    atomic_fetch_add(&openings.opened, 1);
    return 0;
}

static inline int mind_close(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    (void)ctx;
    (void)node;
    count_opening(flags, -1);
    atomic_fetch_add(&openings.closed, 1);
    return openings.refuse_close;
}

/* To be called before anybody else uses the file system. */
static inline void mind_openings(struct lt_fs *fs)
{
    openings.ops = *fs->ops;
    openings.ops.open_node = mind_open;
    openings.ops.close_node = mind_close;
    openings.readers = openings.writers = 0;
    openings.opened = openings.closed = 0;
    openings.refuse_open = openings.refuse_close = 0;
    fs->ops = &openings.ops;
}

#endif
