// SPDX-License-Identifier: MIT
/* Extended attributes of Windows: one blob a node (core/ea_blob.h). A set builds it anew and then
 * takes it over. */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#include <core/ea_blob.h>

static int set_locked(struct mem_node *node, const struct lt_ea *list, size_t count,
                      bool replace_all) REQUIRES(node->lock)
{
    struct mem_arena *arena = mem_arena_of(node);
    struct lt_str old = lt_strn("", 0);
    if (node->ext && !replace_all)
        old = mem_blob_str(node->ext->eas);
    struct lt_ea_merge size = {0};
    lt_ea_blob_merge(&size, old, list, count);
    if (size.packed > LT_EA_SIZE_MAX)
        return LT_E2BIG;
    struct mem_blob *blob = NULL;
    if (size.len > 0) {
        int error = mem_ext_need(node);
        blob = error ? NULL : mem_blob_new(arena, size.len);
        if (!blob) {
            mem_ext_trim(node);
            return LT_ENOSPC;
        }
        struct lt_ea_merge writer = {.out = blob->bytes};
        lt_ea_blob_merge(&writer, old, list, count);
    }
    if (node->ext) {
        mem_blob_free(arena, node->ext->eas);
        node->ext->eas = blob;
        node->ext->ea_size = (uint32_t)size.packed;
        mem_ext_trim(node);
    }
    mem_changed(node, mem_now());
    return 0;
}

int mem_ea_set(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_ea *list,
               size_t count, bool replace_all)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    lt_rwlock_write(&node->lock);
    int error = mem_may_change(node);
    if (!error)
        error = set_locked(node, list, count, replace_all);
    lt_rwlock_write_unlock(&node->lock);
    return error;
}

int mem_ea_list(const struct lt_ctx *ctx, struct lt_node *base,
                int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    struct lt_ea ea;
    int result = 0;
    lt_rwlock_read(&node->lock);
    struct lt_str blob = node->ext ? mem_blob_str(node->ext->eas) : lt_strn("", 0);
    for (size_t at = 0; result == 0 && lt_ea_blob_next(blob, &at, &ea);)
        result = fn(arg, &ea);
    lt_rwlock_read_unlock(&node->lock);
    return result;
}
