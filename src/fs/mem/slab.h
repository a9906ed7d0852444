/* SPDX-License-Identifier: MIT */
/*
 * Objects of any size up to MEM_ALLOC_MAX out of the arena: size classes carved
 * from pages up to MEM_SLAB_MAX bytes, runs of pages above. A page goes back to the arena with its
 * last object, so that what is used depends on what exists and not on what was there before.
 *
 * The caller says the size again when it frees, which spares every object a header.
 *
 * Locks: mem_slab.lock, then mem_arena.lock. They are taken inside any lock of a node.
 */
#ifndef LT_FS_MEM_SLAB_H
#define LT_FS_MEM_SLAB_H

#include "arena.h"

#define MEM_ALLOC_MAX (MEM_RUN_MAX * (size_t)MEM_PAGE)

void mem_slab_init(struct mem_arena *arena);

/* Memory with unspecified content, aligned to 16 bytes; NULL at the limit. size > 0. */
void *mem_alloc(struct mem_arena *arena, size_t size);
/* `size` as it was allocated, or as mem_alloc_size() gave it. NULL is ignored. */
void mem_free(struct mem_arena *arena, void *object, size_t size);

/* The bytes that an object of this size may use. */
size_t mem_alloc_size(size_t size);

struct mem_slab_facts {
    uint64_t pages, objects, slack; /* slack: bytes of slab pages without an object */
};
void mem_slab_facts(struct mem_arena *arena, struct mem_slab_facts *ret);

#endif
