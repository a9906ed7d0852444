// SPDX-License-Identifier: MIT
#include "radix.h"

#include <assert.h>

#define HEIGHT_MAX 7u

static unsigned slot_of(uint64_t index, unsigned level)
{
    return (unsigned)(index >> (level * MEM_RADIX_BITS)) & (MEM_RADIX_SLOTS - 1);
}

/* The height at which `index` has a place. */
static unsigned height_for(uint64_t index)
{
    unsigned height = 1;
    while (index >> (height * MEM_RADIX_BITS))
        height++;
    return height;
}

static bool covers(const struct mem_radix *radix, uint64_t index)
{
    switch (radix->height) {
    case 0:
        return index == 0 && radix->root;
    case 1:
        return index < radix->slots;
    default:
        return index >> (radix->height * MEM_RADIX_BITS) == 0;
    }
}

/* Where the page at `index` stands, or NULL if the nodes that lead there are missing. */
static void **find_slot(const struct mem_radix *radix, uint64_t index)
{
    if (!covers(radix, index) || radix->height == 0)
        return NULL;
    void **node = radix->root;
    for (unsigned level = radix->height - 1u; level > 0 && node; level--)
        node = node[slot_of(index, level)];
    return node ? &node[slot_of(index, 0)] : NULL;
}

void *mem_radix_get(const struct mem_radix *radix, uint64_t index)
{
    if (radix->height == 0)
        return index == 0 ? radix->root : NULL;
    void **slot = find_slot(radix, index);
    return slot ? *slot : NULL;
}

void *mem_radix_swap(struct mem_radix *radix, uint64_t index, void *page)
{
    void **slot = radix->height == 0 ? &radix->root : find_slot(radix, index);
    void *old = *slot;
    *slot = page;
    return old;
}

/* ---- Walking ------------------------------------------------------------------------------- */

static void *table_next(void **table, unsigned slots, uint64_t *index)
{
    for (uint64_t i = *index; i < slots; i++) {
        if (table[i]) {
            *index = i;
            return table[i];
        }
    }
    return NULL;
}

/*
 * One descent towards *index. Returns the page if there is one; otherwise moves *index to the next
 * place worth a look (0: there is none).
 */
static void *descend_next(const struct mem_radix *radix, uint64_t *index)
{
    void **node = radix->root;
    for (unsigned level = radix->height - 1u;; level--) {
        unsigned slot = slot_of(*index, level), first = slot;
        while (slot < MEM_RADIX_SLOTS && !node[slot])
            slot++;
        unsigned shift = level * MEM_RADIX_BITS;
        if (slot != first)
            *index = ((*index >> shift) + (slot - first)) << shift;
        if (slot == MEM_RADIX_SLOTS)
            return NULL;
        if (level == 0)
            return node[slot];
        node = node[slot];
    }
}

void *mem_radix_next(const struct mem_radix *radix, uint64_t *index)
{
    if (radix->height == 0)
        return *index == 0 ? radix->root : NULL;
    if (radix->height == 1)
        return table_next(radix->root, radix->slots, index);
    for (uint64_t i = *index; covers(radix, i);) {
        void *page = descend_next(radix, &i);
        if (page) {
            *index = i;
            return page;
        }
    }
    return NULL;
}

/* ---- Growing ------------------------------------------------------------------------------- */

static size_t table_size(unsigned slots)
{
    return slots * sizeof(void *);
}

/* Makes the array a table of at least `slots` (up to 512), with what it has so far. */
static int table_resize(struct mem_radix *radix, struct mem_arena *arena, uint64_t slots)
{
    unsigned room = 4;
    while (room < slots)
        room *= 2;
    void **table = mem_alloc(arena, table_size(room));
    if (!table)
        return LT_ENOSPC;
    unsigned keep = radix->height == 0 ? 1 : radix->slots < room ? radix->slots : room;
    if (radix->height == 0)
        table[0] = radix->root;
    else
        memcpy(table, radix->root, table_size(keep));
    memset(table + keep, 0, table_size(room - keep));
    if (radix->height == 1)
        mem_free(arena, radix->root, table_size(radix->slots));
    radix->root = table;
    radix->slots = (uint16_t)room;
    radix->height = 1;
    return 0;
}

/* How many nodes a tree of `height` lacks on the way to `index`. */
static unsigned nodes_missing(const struct mem_radix *radix, uint64_t index, unsigned height)
{
    if (!radix->root)
        return height;
    unsigned have = radix->height > 0 ? radix->height : 1;
    unsigned missing = height - have;
    if (radix->height == 0 || (radix->height == 1 && radix->slots < MEM_RADIX_SLOTS))
        missing++; /* the table becomes a node of its full size */
    if (height > have)
        return missing + height - 1; /* it leaves the old part at the new root */
    void **node = radix->root;
    for (unsigned level = have - 1; level > 0; level--) {
        node = node[slot_of(index, level)];
        if (!node)
            return missing + level;
    }
    return missing;
}

/* Turns what is there, if anything, into the first subtree of a tree of `height`. */
static void raise_root(struct mem_radix *radix, struct mem_arena *arena, unsigned height,
                       void ***spare)
{
    void **node = radix->root;
    if (radix->height == 0) {
        node = *--spare[0];
        node[0] = radix->root;
        mem_page_info(node)->used = radix->root ? 1 : 0;
        radix->height = 1;
        radix->slots = MEM_RADIX_SLOTS;
    } else if (radix->height == 1) {
        if (radix->slots < MEM_RADIX_SLOTS) {
            node = *--spare[0];
            memcpy(node, radix->root, table_size(radix->slots));
            mem_free(arena, radix->root, table_size(radix->slots));
        }
        mem_page_info(node)->used = (uint16_t)radix->count;
    }
    for (unsigned have = radix->height; have < height; have++) {
        void **top = *--spare[0];
        top[0] = node;
        mem_page_info(top)->used = 1;
        node = top;
    }
    radix->root = node;
    radix->height = (uint8_t)height;
}

/* Makes the way to `index` in a tree of two levels or more, wholly or not at all. */
static int tree_extend(struct mem_radix *radix, struct mem_arena *arena, uint64_t index)
{
    void *nodes[2 * HEIGHT_MAX];
    unsigned height = height_for(index);
    if (height < radix->height)
        height = radix->height;
    unsigned missing = nodes_missing(radix, index, height);
    if (missing > 0) {
        int got = mem_pages_alloc(arena, MEM_META, nodes, missing, MEM_ZERO);
        if (got < (int)missing) {
            mem_pages_free(arena, nodes, got > 0 ? (size_t)got : 0, 0);
            return LT_ENOSPC;
        }
    }
    void **spare = nodes + missing;
    if (!radix->root) {
        radix->root = *--spare;
        radix->height = (uint8_t)height;
    } else if (height > radix->height) {
        raise_root(radix, arena, height, &spare);
    }
    void **node = radix->root;
    for (unsigned level = height - 1; level > 0; level--) {
        void **slot = &node[slot_of(index, level)];
        if (!*slot) {
            *slot = *--spare;
            mem_page_info(node)->used++;
        }
        node = *slot;
    }
    assert(spare == nodes);
    return 0;
}

int mem_radix_put(struct mem_radix *radix, struct mem_arena *arena, uint64_t index, void *page)
{
    if (radix->height == 0 && !radix->root && index == 0) {
        radix->root = page;
        radix->count = 1;
        return 0;
    }
    void **slot = find_slot(radix, index);
    if (!slot) {
        bool table = radix->height <= 1 && index < MEM_RADIX_SLOTS;
        int error =
            table ? table_resize(radix, arena, index + 1) : tree_extend(radix, arena, index);
        if (error)
            return error;
        slot = find_slot(radix, index);
    }
    assert(slot && !*slot);
    *slot = page;
    radix->count++;
    if (radix->height > 1)
        mem_page_info(slot)->used++;
    return 0;
}

/* ---- Shrinking ----------------------------------------------------------------------------- */

static void node_free(struct mem_arena *arena, void *node)
{
    mem_pages_free(arena, &node, 1, 0);
}

/* A root with nothing but a first subtree gives way to it; a table with nothing but index 0 to its
 * page. */
static void lower_root(struct mem_radix *radix, struct mem_arena *arena)
{
    while (radix->height > 1) {
        void **root = radix->root;
        if (mem_page_info(root)->used != 1 || !root[0])
            return;
        radix->root = root[0];
        radix->height--;
        radix->slots = MEM_RADIX_SLOTS;
        node_free(arena, root);
    }
    void **table = radix->root;
    if (radix->height == 1 && radix->count == 1 && table[0]) {
        radix->root = table[0];
        radix->height = 0;
        mem_free(arena, table, table_size(radix->slots));
    }
}

static void *table_take(struct mem_radix *radix, struct mem_arena *arena, uint64_t index)
{
    void **table = radix->root;
    void *page = table[index];
    table[index] = NULL;
    if (page && --radix->count == 0) {
        mem_free(arena, table, table_size(radix->slots));
        radix->root = NULL;
        radix->height = 0;
    }
    return page;
}

static void *tree_take(struct mem_radix *radix, struct mem_arena *arena, uint64_t index)
{
    void **path[HEIGHT_MAX];
    void **node = radix->root;
    for (unsigned level = radix->height - 1u; level > 0 && node; level--) {
        path[level] = node;
        node = node[slot_of(index, level)];
    }
    if (!node || !node[slot_of(index, 0)])
        return NULL;
    path[0] = node;
    void *page = node[slot_of(index, 0)];
    radix->count--;
    for (unsigned level = 0; level < radix->height; level++) {
        path[level][slot_of(index, level)] = NULL;
        if (--mem_page_info(path[level])->used > 0)
            return page;
        node_free(arena, path[level]);
    }
    radix->root = NULL;
    radix->height = 0;
    return page;
}

void *mem_radix_take(struct mem_radix *radix, struct mem_arena *arena, uint64_t index)
{
    if (!covers(radix, index))
        return NULL;
    void *page = radix->root;
    if (radix->height == 0) {
        radix->root = NULL;
        radix->count = 0;
        return page;
    }
    page = radix->height == 1 ? table_take(radix, arena, index) : tree_take(radix, arena, index);
    if (page)
        lower_root(radix, arena);
    return page;
}

size_t mem_radix_take_range(struct mem_radix *radix, struct mem_arena *arena, uint64_t first,
                            uint64_t end, void **pages, size_t max)
{
    size_t got = 0;
    for (uint64_t index = first; got < max && mem_radix_next(radix, &index) && index < end; index++)
        pages[got++] = mem_radix_take(radix, arena, index);
    return got;
}

void mem_radix_trim(struct mem_radix *radix, struct mem_arena *arena)
{
    if (radix->height != 1)
        return;
    void **table = radix->root;
    unsigned slots = radix->slots;
    while (!table[slots - 1])
        slots--;
    if (radix->slots > 4 && slots <= radix->slots / 4)
        (void)table_resize(radix, arena, slots);
}
