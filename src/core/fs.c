// SPDX-License-Identifier: MIT
/* A file system as a whole, and the life of its nodes. */
#include "core.h"

#include <assert.h>
#include <base/unicode.h>
#include <stdlib.h>

const struct lt_ctx lt_ctx_root = {0};

int lt_fs_init(struct lt_fs *fs, const struct lt_fs_ops *ops)
{
    struct lt_core *core = calloc(1, sizeof(*core));
    if (!core)
        return LT_ENOMEM;
    fs->ops = ops;
    fs->root = NULL;
    fs->core = core;
    fs->read_only = false;
    return 0;
}

void lt_fs_fini(struct lt_fs *fs)
{
    lt_events_fini(fs->core);
    lt_locks_fini(fs->core);
    free(fs->core);
    fs->core = NULL;
}

int lt_fs_close(struct lt_fs *fs)
{
    return fs ? fs->ops->close(fs) : 0;
}

struct lt_node *lt_fs_root(struct lt_fs *fs)
{
    return fs->root;
}

void lt_fs_volume(struct lt_fs *fs, struct lt_volume *ret)
{
    fs->ops->volume(fs, ret);
    ret->has_open = fs->ops->open_node != NULL;
}

static int check_label(struct lt_str label)
{
    if (label.len > 3 * (size_t)LT_LABEL_UNITS_MAX || !lt_utf8_valid(label))
        return LT_EINVAL;
    if (label.len && memchr(label.s, 0, label.len))
        return LT_EINVAL;
    return lt_utf8_units(label) <= LT_LABEL_UNITS_MAX ? 0 : LT_EINVAL;
}

int lt_fs_set_label(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_str label)
{
    ctx = ctx_or_root(ctx);
    if (!fs->ops->set_label)
        return LT_EOPNOTSUPP;
    int r = check_writable(fs);
    if (r == 0)
        r = check_label(label);
    if (r == 0)
        r = fs->ops->set_label(ctx, fs, label);
    if (r == 0 && events_wanted(fs))
        lt_event_emit(fs, &(struct lt_event){.type = LT_EVENT_VOLUME, .origin = ctx->origin});
    return r;
}

int lt_fs_statfs(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_statfs *ret)
{
    return fs->ops->statfs ? fs->ops->statfs(ctx_or_root(ctx), fs, ret) : LT_EOPNOTSUPP;
}

int lt_fs_sync(const struct lt_ctx *ctx, struct lt_fs *fs)
{
    return fs->ops->sync_fs ? fs->ops->sync_fs(ctx_or_root(ctx), fs) : LT_EOPNOTSUPP;
}

int lt_fs_shutdown(const struct lt_ctx *ctx, struct lt_fs *fs)
{
    return fs->ops->shutdown ? fs->ops->shutdown(ctx_or_root(ctx), fs) : LT_EOPNOTSUPP;
}

int lt_fs_trim(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t *ret_bytes)
{
    if (!fs->ops->trim)
        return LT_EOPNOTSUPP;
    int r = check_writable(fs);
    return r < 0 ? r : fs->ops->trim(ctx_or_root(ctx), fs, ret_bytes);
}

int lt_fs_node(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t id, uint32_t generation,
               struct lt_node **ret)
{
    if (!fs->ops->node)
        return LT_EOPNOTSUPP;
    return fs->ops->node(ctx_or_root(ctx), fs, id, generation, ret);
}

int lt_fs_facts(struct lt_fs *fs, int (*fn)(void *arg, const char *name, uint64_t value), void *arg)
{
    return fs->ops->facts ? fs->ops->facts(fs, fn, arg) : 0;
}

int lt_fs_pages_get(struct lt_fs *fs, struct lt_seg *segs, size_t count)
{
    return fs->ops->pages_get ? fs->ops->pages_get(fs, segs, count) : 0;
}

void lt_fs_pages_put(struct lt_fs *fs, struct lt_seg *segs, size_t count)
{
    if (fs->ops->pages_put)
        fs->ops->pages_put(fs, segs, count);
}

struct lt_node *lt_node_get(struct lt_node *node)
{
    unsigned before = atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
    assert(before > 0 && before < UINT32_MAX / 2);
    (void)before;
    return node;
}

void lt_node_put(struct lt_node *node)
{
    if (!node)
        return;
    unsigned before = atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        node->fs->ops->release(node);
}
