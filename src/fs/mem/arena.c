// SPDX-License-Identifier: MIT
#include "arena.h"

#include <assert.h>

#define WORDS (MEM_CHUNK_PAGES / 64)

/* The first page of every chunk. All members are guarded by the arena's lock, but for `info`. */
struct chunk {
    struct mem_link all, room, dirty_link;
    uint64_t free[WORDS];  /* pages that nobody has */
    uint64_t dirty[WORDS]; /* those of them that hold memory and old content */
    uint16_t free_count, dirty_count;
    uint8_t kind;
    bool in_room, in_dirty;
    bool large;           /* one large page, as far as the system has one to give */
    struct chunk *doomed; /* next to be unmapped, once off all lists */
    struct mem_page_info info[MEM_CHUNK_PAGES];
};
static_assert(sizeof(struct chunk) <= MEM_PAGE, "a chunk's header is one page");

#define USABLE (MEM_CHUNK_PAGES - 1)

/* Marks a page in a list as dirty until the lock is released: pages are aligned. */
#define DIRTY_TAG ((uintptr_t)1)

static void link_init(struct mem_link *head)
{
    head->prev = head->next = head;
}

static bool link_empty(const struct mem_link *head)
{
    return head->next == head;
}

static void link_add(struct mem_link *head, struct mem_link *link)
{
    link->prev = head;
    link->next = head->next;
    head->next->prev = link;
    head->next = link;
}

static void link_remove(struct mem_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
}

#define CHUNK_OF(link, member) \
    ((struct chunk *)(void *)((char *)(link)-offsetof(struct chunk, member)))

static struct chunk *chunk_of(const void *page)
{
    return (struct chunk *)((uintptr_t)page & ~(uintptr_t)(MEM_CHUNK_SIZE - 1));
}

static unsigned page_index(const void *page)
{
    return (unsigned)(((uintptr_t)page & (MEM_CHUNK_SIZE - 1)) / MEM_PAGE);
}

static void *page_at(struct chunk *chunk, unsigned index)
{
    return (char *)chunk + (size_t)index * MEM_PAGE;
}

struct mem_page_info *mem_page_info(const void *page)
{
    return &chunk_of(page)->info[page_index(page)];
}

void mem_arena_init(struct mem_arena *arena, uint64_t limit_pages)
{
    memset(arena, 0, sizeof(*arena));
    link_init(&arena->all);
    for (unsigned kind = 0; kind < MEM_KINDS; kind++) {
        link_init(&arena->room[kind]);
        link_init(&arena->dirty[kind]);
    }
    arena->limit = limit_pages;
}

void mem_arena_fini(struct mem_arena *arena)
{
    for (struct mem_link *link = arena->all.next, *next; link != &arena->all; link = next) {
        next = link->next;
        lt_pages_unmap(CHUNK_OF(link, all), MEM_CHUNK_SIZE);
    }
    link_init(&arena->all);
}

uint64_t mem_arena_used(const struct mem_arena *arena)
{
    return arena->used[MEM_META] + arena->used[MEM_DATA];
}

/* ---- Chunks -------------------------------------------------------------------------------- */

/* Puts a chunk on the lists where it belongs, and off the others. */
static void chunk_relist(struct mem_arena *arena, struct chunk *chunk) REQUIRES(arena->lock)
{
    bool room = chunk->free_count > chunk->dirty_count;
    bool dirty = chunk->dirty_count > 0;
    if (room != chunk->in_room) {
        if (room)
            link_add(&arena->room[chunk->kind], &chunk->room);
        else
            link_remove(&chunk->room);
        chunk->in_room = room;
    }
    if (dirty != chunk->in_dirty) {
        if (dirty)
            link_add(&arena->dirty[chunk->kind], &chunk->dirty_link);
        else
            link_remove(&chunk->dirty_link);
        chunk->in_dirty = dirty;
    }
}

static struct chunk *chunk_new(struct mem_arena *arena, enum mem_kind kind) REQUIRES(arena->lock)
{
    struct chunk *chunk = lt_pages_map(MEM_CHUNK_SIZE, MEM_CHUNK_SIZE);
    if (!chunk)
        return NULL;
    bool large = kind == MEM_DATA && arena->used[MEM_DATA] >= MEM_LARGE_FROM;
    if (large) /* before the header makes the first page a small one */
        lt_pages_large(chunk, MEM_CHUNK_SIZE);
    chunk->large = large;
    memset(chunk->free, 0xff, sizeof(chunk->free));
    chunk->free[0] &= ~UINT64_C(1);
    chunk->free_count = USABLE;
    chunk->kind = (uint8_t)kind;
    link_add(&arena->all, &chunk->all);
    arena->chunks++;
    arena->empty_chunks[kind]++;
    chunk_relist(arena, chunk);
    return chunk;
}

/* Takes a chunk without pages in use off everything, unless it is the one that is kept: a small
 * one, whose clean pages hold no memory. */
static void chunk_retire(struct mem_arena *arena, struct chunk *chunk, struct chunk **doomed)
    REQUIRES(arena->lock)
{
    if (!chunk->large && arena->empty_chunks[chunk->kind] == 0) {
        arena->empty_chunks[chunk->kind]++;
        return;
    }
    arena->dirty_pages -= chunk->dirty_count;
    chunk->free_count = chunk->dirty_count = 0;
    chunk_relist(arena, chunk);
    link_remove(&chunk->all);
    arena->chunks--;
    chunk->doomed = *doomed;
    *doomed = chunk;
}

static void chunks_unmap(struct chunk *doomed)
{
    while (doomed) {
        struct chunk *next = doomed->doomed;
        lt_pages_unmap(doomed, MEM_CHUNK_SIZE);
        doomed = next;
    }
}

/* ---- Handing out --------------------------------------------------------------------------- */

/* Takes one free page out of the bitmaps. Returns whether it was dirty. */
static bool page_claim(struct mem_arena *arena, struct chunk *chunk, unsigned index)
    REQUIRES(arena->lock)
{
    uint64_t bit = UINT64_C(1) << (index % 64);
    bool dirty = (chunk->dirty[index / 64] & bit) != 0;
    if (chunk->free_count == USABLE)
        arena->empty_chunks[chunk->kind]--;
    chunk->free[index / 64] &= ~bit;
    chunk->free_count--;
    if (dirty) {
        chunk->dirty[index / 64] &= ~bit;
        chunk->dirty_count--;
        arena->dirty_pages--;
    }
    chunk->info[index] = (struct mem_page_info){0};
    return dirty;
}

/* Takes up to `count` pages of one sort, in the order of their addresses. */
static size_t chunk_take(struct mem_arena *arena, struct chunk *chunk, bool dirty, void **pages,
                         size_t count) REQUIRES(arena->lock)
{
    size_t got = 0;
    for (unsigned w = 0; w < WORDS && got < count; w++) {
        uint64_t word = dirty ? chunk->dirty[w] : chunk->free[w] & ~chunk->dirty[w];
        for (; word && got < count; word &= word - 1) {
            unsigned index = w * 64 + (unsigned)__builtin_ctzll(word);
            page_claim(arena, chunk, index);
            uintptr_t page = (uintptr_t)page_at(chunk, index);
            pages[got++] = (void *)(dirty ? page | DIRTY_TAG : page);
        }
    }
    chunk_relist(arena, chunk);
    return got;
}

static size_t pages_take(struct mem_arena *arena, enum mem_kind kind, void **pages, size_t count)
    REQUIRES(arena->lock)
{
    size_t got = 0;
    while (got < count) {
        bool dirty = !link_empty(&arena->dirty[kind]);
        struct chunk *chunk;
        if (dirty)
            chunk = CHUNK_OF(arena->dirty[kind].next, dirty_link);
        else if (!link_empty(&arena->room[kind]))
            chunk = CHUNK_OF(arena->room[kind].next, room);
        else
            chunk = chunk_new(arena, kind);
        if (!chunk)
            break;
        got += chunk_take(arena, chunk, dirty, pages + got, count - got);
    }
    return got;
}

static size_t below_limit(const struct mem_arena *arena, size_t count)
{
    uint64_t used = mem_arena_used(arena);
    if (count + used > arena->limit && arena->more)
        arena->more(arena->more_arg, count);
    uint64_t room = arena->limit > used ? arena->limit - used : 0;
    return room < count ? (size_t)room : count;
}

int mem_pages_alloc(struct mem_arena *arena, enum mem_kind kind, void **pages, size_t count,
                    unsigned flags)
{
    assert(count <= INT32_MAX);
    lt_mutex_lock(&arena->lock);
    if (!(flags & MEM_LOAN))
        count = below_limit(arena, count);
    size_t got = pages_take(arena, kind, pages, count);
    if (flags & MEM_LOAN)
        arena->loaned += got;
    else
        arena->used[kind] += got;
    lt_mutex_unlock(&arena->lock);

    for (size_t i = 0; i < got; i++) {
        if (!((uintptr_t)pages[i] & DIRTY_TAG))
            continue;
        pages[i] = (char *)pages[i] - DIRTY_TAG;
        if (flags & MEM_ZERO)
            memset(pages[i], 0, MEM_PAGE);
    }
    return got ? (int)got : LT_ENOSPC;
}

size_t mem_pages_charge(struct mem_arena *arena, size_t count)
{
    lt_mutex_lock(&arena->lock);
    count = below_limit(arena, count);
    arena->used[MEM_DATA] += count;
    arena->loaned -= count;
    lt_mutex_unlock(&arena->lock);
    return count;
}

void mem_pages_uncharge(struct mem_arena *arena, size_t count)
{
    lt_mutex_lock(&arena->lock);
    arena->used[MEM_DATA] -= count;
    arena->loaned += count;
    lt_mutex_unlock(&arena->lock);
}

/* ---- Taking back --------------------------------------------------------------------------- */

/* The run of set bits that begins at or behind *index: its length, 0 if there is none. */
static unsigned next_run(const uint64_t bits[WORDS], unsigned *index)
{
    unsigned i = *index;
    while (i < MEM_CHUNK_PAGES && !(bits[i / 64] >> (i % 64) & 1))
        i++;
    *index = i;
    while (i < MEM_CHUNK_PAGES && bits[i / 64] >> (i % 64) & 1)
        i++;
    return i - *index;
}

static void runs_discard(struct chunk *chunk, const uint64_t bits[WORDS])
{
    unsigned index = 0, len;
    while ((len = next_run(bits, &index)) > 0) {
        lt_pages_discard(page_at(chunk, index), (size_t)len * MEM_PAGE);
        index += len;
    }
}

static uint64_t dirty_allowed(const struct mem_arena *arena)
{
    uint64_t share = mem_arena_used(arena) / 16;
    return share > MEM_DIRTY_MIN ? share : MEM_DIRTY_MIN;
}

/* The chunk whose dirty pages have waited longest; prefers the kind with more of them to give. */
static struct chunk *dirtiest(struct mem_arena *arena) REQUIRES(arena->lock)
{
    struct chunk *best = NULL;
    for (unsigned kind = 0; kind < MEM_KINDS; kind++) {
        if (link_empty(&arena->dirty[kind]))
            continue;
        struct chunk *chunk = CHUNK_OF(arena->dirty[kind].prev, dirty_link);
        if (!best || chunk->dirty_count > best->dirty_count)
            best = chunk;
    }
    return best;
}

/*
 * Gives dirty pages back until no more than allowed are left. Those in the works are neither free
 * nor in use, which also keeps their chunk mapped while the lock is released.
 */
static void arena_trim(struct mem_arena *arena) REQUIRES(arena->lock)
{
    struct chunk *doomed = NULL;
    struct chunk *chunk;
    while (arena->dirty_pages > dirty_allowed(arena) && (chunk = dirtiest(arena))) {
        uint64_t bits[WORDS];
        uint16_t count = chunk->dirty_count;
        if (chunk->free_count == USABLE)
            arena->empty_chunks[chunk->kind]--;
        for (unsigned w = 0; w < WORDS; w++) {
            bits[w] = chunk->dirty[w];
            chunk->free[w] &= ~bits[w];
            chunk->dirty[w] = 0;
        }
        chunk->free_count = (uint16_t)(chunk->free_count - count);
        chunk->dirty_count = 0;
        arena->dirty_pages -= count;
        chunk_relist(arena, chunk);
        lt_mutex_unlock(&arena->lock);

        runs_discard(chunk, bits);

        lt_mutex_lock(&arena->lock);
        for (unsigned w = 0; w < WORDS; w++)
            chunk->free[w] |= bits[w];
        chunk->free_count = (uint16_t)(chunk->free_count + count);
        chunk_relist(arena, chunk);
        if (chunk->free_count == USABLE)
            chunk_retire(arena, chunk, &doomed);
    }
    lt_mutex_unlock(&arena->lock);
    chunks_unmap(doomed);
    lt_mutex_lock(&arena->lock);
}

static void page_release(struct mem_arena *arena, void *page, struct chunk **doomed)
    REQUIRES(arena->lock)
{
    struct chunk *chunk = chunk_of(page);
    unsigned index = page_index(page);
    uint64_t bit = UINT64_C(1) << (index % 64);
    assert(index != 0 && !(chunk->free[index / 64] & bit));
    chunk->free[index / 64] |= bit;
    chunk->dirty[index / 64] |= bit;
    chunk->free_count++;
    chunk->dirty_count++;
    arena->dirty_pages++;
    if (!chunk->in_dirty)
        chunk_relist(arena, chunk);
    if (chunk->free_count == USABLE)
        chunk_retire(arena, chunk, doomed);
}

void mem_pages_free(struct mem_arena *arena, void **pages, size_t count, unsigned flags)
{
    if (count == 0)
        return;
    struct chunk *doomed = NULL;
    lt_mutex_lock(&arena->lock);
    if (flags & MEM_LOAN)
        arena->loaned -= count;
    for (size_t i = 0; i < count; i++) {
        if (!(flags & MEM_LOAN))
            arena->used[chunk_of(pages[i])->kind]--;
        page_release(arena, pages[i], &doomed);
    }
    if (arena->dirty_pages > dirty_allowed(arena))
        arena_trim(arena);
    lt_mutex_unlock(&arena->lock);
    chunks_unmap(doomed);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static void *chunk_take_run(struct mem_arena *arena, struct chunk *chunk, unsigned count)
    REQUIRES(arena->lock)
{
    unsigned index = 0, len;
    while ((len = next_run(chunk->free, &index)) > 0) {
        if (len >= count) {
            for (unsigned i = 0; i < count; i++)
                page_claim(arena, chunk, index + i);
            chunk_relist(arena, chunk);
            return page_at(chunk, index);
        }
        index += len;
    }
    return NULL;
}

void *mem_run_alloc(struct mem_arena *arena, size_t count)
{
    assert(count > 0 && count <= MEM_RUN_MAX);
    void *run = NULL;
    lt_mutex_lock(&arena->lock);
    if (below_limit(arena, count) == count) {
        /* A few looks at chunks with room; address space for one more chunk costs nothing. */
        struct mem_link *link = arena->room[MEM_META].next;
        for (unsigned tries = 0; !run && tries < 8 && link != &arena->room[MEM_META]; tries++) {
            struct mem_link *next = link->next;
            run = chunk_take_run(arena, CHUNK_OF(link, room), (unsigned)count);
            link = next;
        }
        struct chunk *chunk = run ? NULL : chunk_new(arena, MEM_META);
        if (chunk)
            run = chunk_take_run(arena, chunk, (unsigned)count);
        if (run)
            arena->used[MEM_META] += count;
    }
    lt_mutex_unlock(&arena->lock);
    return run;
}

void mem_run_free(struct mem_arena *arena, void *run, size_t count)
{
    void *pages[MEM_RUN_MAX];
    assert(count > 0 && count <= MEM_RUN_MAX);
    for (size_t i = 0; i < count; i++)
        pages[i] = (char *)run + i * MEM_PAGE;
    mem_pages_free(arena, pages, count, 0);
}

void mem_arena_facts(struct mem_arena *arena, struct mem_arena_facts *ret)
{
    lt_mutex_lock(&arena->lock);
    *ret = (struct mem_arena_facts){
        .chunks = arena->chunks,
        .dirty_pages = arena->dirty_pages,
        .loaned_pages = arena->loaned,
        .data_pages = arena->used[MEM_DATA],
        .meta_pages = arena->used[MEM_META],
    };
    lt_mutex_unlock(&arena->lock);
}
