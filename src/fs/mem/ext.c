// SPDX-License-Identifier: MIT
#include "ext.h"

struct mem_blob *mem_blob_new(struct mem_arena *arena, size_t len)
{
    struct mem_blob *blob = mem_alloc(arena, sizeof(*blob) + len);
    if (blob)
        blob->len = (uint32_t)len;
    return blob;
}

void mem_blob_free(struct mem_arena *arena, struct mem_blob *blob)
{
    if (blob)
        mem_free(arena, blob, sizeof(*blob) + blob->len);
}

int mem_ext_need(struct mem_node *node)
{
    if (node->ext)
        return 0;
    struct mem_ext *ext = mem_alloc(mem_arena_of(node), sizeof(*ext));
    if (!ext)
        return LT_ENOSPC;
    *ext = (struct mem_ext){0};
    node->ext = ext;
    return 0;
}

void mem_ext_trim(struct mem_node *node)
{
    const struct mem_ext *ext = node->ext;
    if (!ext || ext->xattrs || ext->streams || ext->eas || ext->reparse || ext->security)
        return;
    mem_free(mem_arena_of(node), node->ext, sizeof(*node->ext));
    node->ext = NULL;
}

void mem_ext_free(struct mem_node *node)
{
    struct mem_ext *ext = node->ext;
    struct mem_arena *arena = mem_arena_of(node);
    if (!ext)
        return;
    mem_xattrs_free(arena, ext->xattrs);
    mem_streams_free(arena, ext->streams);
    mem_blob_free(arena, ext->eas);
    mem_blob_free(arena, ext->reparse);
    if (ext->security)
        mem_security_put(mem_fs_of(node), ext->security);
    mem_free(arena, ext, sizeof(*ext));
    node->ext = NULL;
}

uint32_t mem_ext_has(const struct mem_node *node)
{
    const struct mem_ext *ext = node->ext;
    if (!ext)
        return 0;
    return ext->has | (ext->streams ? LT_HAS_STREAM : 0u) | (ext->eas ? LT_HAS_EA : 0u) |
           (ext->reparse ? LT_HAS_REPARSE : 0u) | (ext->security ? LT_HAS_SECURITY : 0u);
}
