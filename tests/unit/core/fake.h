/* SPDX-License-Identifier: MIT */
/* A file system that holds nothing but nodes: for what the core does by itself. */
#ifndef TEST_CORE_FAKE_H
#define TEST_CORE_FAKE_H

#include <core/fs_ops.h>

#define FAKE_NODES 8

struct fake {
    struct lt_fs fs;
    struct lt_node nodes[FAKE_NODES]; /* regular files with ids from 1; the first is a directory */
};

static int fake_setattr(const struct lt_ctx *ctx, struct lt_node *node,
                        const struct lt_setattr *set, struct lt_attr *ret)
{
    (void)ctx, (void)node, (void)set, (void)ret;
    return 0;
}

static void fake_release(struct lt_node *node)
{
    (void)node;
}

static const struct lt_fs_ops fake_ops = {.setattr = fake_setattr, .release = fake_release};

static inline void fake_init(struct fake *fake)
{
    assert_int_equal(lt_fs_init(&fake->fs, &fake_ops), 0);
    for (unsigned i = 0; i < FAKE_NODES; i++)
        lt_node_init(&fake->nodes[i], &fake->fs, i + 1, i ? LT_S_IFREG : LT_S_IFDIR);
    fake->fs.root = &fake->nodes[0];
}

#endif
