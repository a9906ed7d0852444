// SPDX-License-Identifier: MIT
/* Reparse data. The core has checked its form (lt_reparse_check). */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#include <core/reparse.h>

static int set_locked(struct mem_node *node, struct lt_str data) REQUIRES(node->lock)
{
    int error = mem_may_change(node);
    if (error)
        return error;
    if (mem_is_dir(node) && node->tree.count > 0)
        return LT_ENOTEMPTY;
    if (node->ext && node->ext->reparse &&
        !lt_reparse_same_sort(mem_blob_str(node->ext->reparse), data))
        return LT_EEXIST;
    error = mem_ext_need(node);
    struct mem_blob *blob = error ? NULL : mem_blob_new(mem_arena_of(node), data.len);
    if (!blob) {
        mem_ext_trim(node);
        return LT_ENOSPC;
    }
    memcpy(blob->bytes, data.s, data.len);
    mem_blob_free(mem_arena_of(node), node->ext->reparse);
    node->ext->reparse = blob;
    mem_changed(node, mem_now());
    return 0;
}

int mem_reparse_set(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str data)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    lt_rwlock_write(&node->lock);
    int error = set_locked(node, data);
    lt_rwlock_write_unlock(&node->lock);
    return error;
}

int mem_reparse_get(const struct lt_ctx *ctx, struct lt_node *base, void *buf, size_t size)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    lt_rwlock_read(&node->lock);
    const struct mem_blob *blob = node->ext ? node->ext->reparse : NULL;
    int result = blob ? lt_copy_out(mem_blob_str(blob), buf, size) : LT_ENODATA;
    lt_rwlock_read_unlock(&node->lock);
    return result;
}

static int remove_locked(struct mem_node *node, struct lt_str header) REQUIRES(node->lock)
{
    int error = mem_may_change(node);
    if (error)
        return error;
    if (!node->ext || !node->ext->reparse)
        return LT_ENODATA;
    if (header.len > 0 && !lt_reparse_same_sort(mem_blob_str(node->ext->reparse), header))
        return LT_EEXIST;
    mem_blob_free(mem_arena_of(node), node->ext->reparse);
    node->ext->reparse = NULL;
    mem_ext_trim(node);
    mem_changed(node, mem_now());
    return 0;
}

int mem_reparse_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str header)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    lt_rwlock_write(&node->lock);
    int error = remove_locked(node, header);
    lt_rwlock_write_unlock(&node->lock);
    return error;
}
