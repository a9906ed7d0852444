// SPDX-License-Identifier: MIT
/*
 * A slab page is filled with objects of one size from its first byte; how many are in
 * use and which is the first free one stand in the page info of its chunk. Free
 * objects form a list by index. The first of them also holds the links of the
 * page in its class's list of pages with free objects: a page is on that list
 * exactly while it has a free object, so there is always room for them.
 */
#include "slab.h"

#include <assert.h>

/* Multiples of 16, for alignment, that leave little of a page over. The smallest holds a struct
 * free_object. */
static const uint16_t class_sizes[MEM_SLAB_CLASSES] = {
    32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 448, 512, 672, 816, 1024, 1360, 2048,
};

#define NO_OBJECT UINT16_MAX

struct free_object {
    void *prev, *next; /* pages; valid only in the first free object of a page */
    uint16_t next_free;
};

void mem_slab_init(struct mem_arena *arena)
{
    for (unsigned i = 0; i < MEM_SLAB_CLASSES; i++) {
        arena->slabs[i].size = class_sizes[i];
        arena->slabs[i].per_page = (uint16_t)(MEM_PAGE / class_sizes[i]);
    }
    for (unsigned units = 0, i = 0; units <= MEM_SLAB_MAX / 16; units++) {
        if (units * 16 > class_sizes[i])
            i++;
        arena->slab_of[units] = (uint8_t)i;
    }
}

size_t mem_alloc_size(size_t size)
{
    if (size > MEM_SLAB_MAX)
        return (size + MEM_PAGE - 1) / MEM_PAGE * MEM_PAGE;
    unsigned i = 0;
    while (class_sizes[i] < size)
        i++;
    return class_sizes[i];
}

static struct free_object *object_at(const struct mem_slab *slab, void *page, unsigned index)
{
    return (struct free_object *)(void *)((char *)page + (size_t)index * slab->size);
}

static struct free_object *first_free(const struct mem_slab *slab, void *page)
{
    return object_at(slab, page, mem_page_info(page)->first_free);
}

static void partial_add(struct mem_slab *slab, void *page) REQUIRES(slab->lock)
{
    struct free_object *first = first_free(slab, page);
    first->prev = NULL;
    first->next = slab->partial;
    if (slab->partial)
        first_free(slab, slab->partial)->prev = page;
    slab->partial = page;
}

static void partial_remove(struct mem_slab *slab, const struct free_object *first)
    REQUIRES(slab->lock)
{
    if (first->prev)
        first_free(slab, first->prev)->next = first->next;
    else
        slab->partial = first->next;
    if (first->next)
        first_free(slab, first->next)->prev = first->prev;
}

/* Carves a fresh page into free objects and puts it on the list. */
static bool page_add(struct mem_arena *arena, struct mem_slab *slab) REQUIRES(slab->lock)
{
    void *page;
    if (mem_pages_alloc(arena, MEM_META, &page, 1, 0) < 0)
        return false;
    for (unsigned i = 0; i < slab->per_page; i++)
        object_at(slab, page, i)->next_free = (uint16_t)(i + 1);
    object_at(slab, page, slab->per_page - 1u)->next_free = NO_OBJECT;
    *mem_page_info(page) = (struct mem_page_info){.used = 0, .first_free = 0};
    partial_add(slab, page);
    slab->pages++;
    return true;
}

static void *slab_take(struct mem_slab *slab) REQUIRES(slab->lock)
{
    void *page = slab->partial;
    struct mem_page_info *info = mem_page_info(page);
    struct free_object *object = first_free(slab, page);
    info->used++;
    info->first_free = object->next_free;
    if (info->first_free == NO_OBJECT) {
        partial_remove(slab, object);
    } else {
        struct free_object *heir = first_free(slab, page);
        heir->prev = object->prev;
        heir->next = object->next;
    }
    slab->objects++;
    return object;
}

void *mem_alloc(struct mem_arena *arena, size_t size)
{
    assert(size > 0 && size <= MEM_ALLOC_MAX);
    if (size > MEM_SLAB_MAX)
        return mem_run_alloc(arena, (size + MEM_PAGE - 1) / MEM_PAGE);
    struct mem_slab *slab = &arena->slabs[arena->slab_of[(size + 15) / 16]];
    void *object = NULL;
    lt_mutex_lock(&slab->lock);
    if (slab->partial || page_add(arena, slab))
        object = slab_take(slab);
    lt_mutex_unlock(&slab->lock);
    return object;
}

/* Puts the object back. Returns its page if that is the page's last object, else NULL. */
static void *slab_put(struct mem_slab *slab, struct free_object *object) REQUIRES(slab->lock)
{
    void *page = (void *)((uintptr_t)object & ~(uintptr_t)(MEM_PAGE - 1));
    struct mem_page_info *info = mem_page_info(page);
    unsigned index = (unsigned)((uintptr_t)object & (MEM_PAGE - 1)) / slab->size;
    slab->objects--;
    if (--info->used == 0) {
        if (info->first_free != NO_OBJECT)
            partial_remove(slab, first_free(slab, page));
        slab->pages--;
        return page;
    }
    object->next_free = info->first_free;
    if (info->first_free != NO_OBJECT) {
        const struct free_object *old = first_free(slab, page);
        object->prev = old->prev;
        object->next = old->next;
        info->first_free = (uint16_t)index;
    } else {
        info->first_free = (uint16_t)index;
        partial_add(slab, page);
    }
    return NULL;
}

void mem_free(struct mem_arena *arena, void *object, size_t size)
{
    if (!object)
        return;
    if (size > MEM_SLAB_MAX) {
        mem_run_free(arena, object, (size + MEM_PAGE - 1) / MEM_PAGE);
        return;
    }
    struct mem_slab *slab = &arena->slabs[arena->slab_of[(size + 15) / 16]];
    lt_mutex_lock(&slab->lock);
    void *page = slab_put(slab, object);
    lt_mutex_unlock(&slab->lock);
    if (page)
        mem_pages_free(arena, &page, 1, 0);
}

void mem_slab_facts(struct mem_arena *arena, struct mem_slab_facts *ret)
{
    *ret = (struct mem_slab_facts){0};
    for (unsigned i = 0; i < MEM_SLAB_CLASSES; i++) {
        struct mem_slab *slab = &arena->slabs[i];
        lt_mutex_lock(&slab->lock);
        ret->pages += slab->pages;
        ret->objects += slab->objects;
        ret->slack += slab->pages * MEM_PAGE - slab->objects * slab->size;
        lt_mutex_unlock(&slab->lock);
    }
}
