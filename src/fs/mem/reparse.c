// SPDX-License-Identifier: MIT
/* Reparse data. The core has checked its form (lt_reparse_check). */
#include "dir.h"
#include "ext.h"
#include "ops.h"

#include <base/wire.h>

/* MS-FSCC 2.1.2: tag at 0, data length at 4, and unless the tag is Microsoft's a GUID at 8. */
#define TAG_MICROSOFT 0x80000000u
#define GUID_OFFSET 8u
#define GUID_SIZE 16u

uint32_t mem_reparse_tag(struct lt_str data)
{
    struct lt_le32 tag;
    memcpy(&tag, data.s, sizeof(tag));
    return lt_get_le32(tag);
}

/* Whether both have the same tag, and the same owner where the tag is somebody's own. */
static bool same_sort(struct lt_str a, struct lt_str b)
{
    if (mem_reparse_tag(a) != mem_reparse_tag(b))
        return false;
    if (mem_reparse_tag(a) & TAG_MICROSOFT)
        return true;
    return a.len >= GUID_OFFSET + GUID_SIZE && b.len >= GUID_OFFSET + GUID_SIZE &&
           memcmp(a.s + GUID_OFFSET, b.s + GUID_OFFSET, GUID_SIZE) == 0;
}

static int set_locked(struct mem_node *node, struct lt_str data) REQUIRES(node->lock)
{
    int error = mem_may_change(node);
    if (error)
        return error;
    if (mem_is_dir(node) && node->tree.count > 0)
        return LT_ENOTEMPTY;
    if (node->ext && node->ext->reparse && !same_sort(mem_blob_str(node->ext->reparse), data))
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
    int result = blob ? mem_copy_out(mem_blob_str(blob), buf, size) : LT_ENODATA;
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
    if (header.len > 0 && !same_sort(mem_blob_str(node->ext->reparse), header))
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
