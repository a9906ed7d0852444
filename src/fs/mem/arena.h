/* SPDX-License-Identifier: MIT */
/*
 * Where all memory of a RAM disk comes from: pages of 4 KiB out of chunks of
 * 2 MiB, under one limit.
 *
 * A chunk is aligned to its size. Its first page is its header: two bitmaps (free
 * pages; free pages that still hold memory, "dirty") and a few bytes for the owner
 * of each page. Data and metadata live in different chunks, so that data pages
 * stay side by side and long-lived metadata does not keep data chunks alive.
 *
 * Once there is much data (MEM_LARGE_FROM), new data chunks ask for one large page each: one
 * page fault where there were 512, which is most of the cost of writing fresh data, for at most a
 * chunk's memory too early.
 *
 * Memory goes back to the system lazily: free pages that hold memory are reused
 * first; when there are more than used / 16 (at least MEM_DIRTY_MIN) of them, the
 * chunks that were touched longest ago give theirs back, run by run. A chunk
 * without a page in use is unmapped, but for one of each kind.
 *
 * Accounting: `used` counts pages handed out and not on loan, exactly. Chunk headers (1 page in
 * 512) and dirty free pages are the arena's own and not counted.
 *
 * Locks: mem_arena.lock is innermost but for what `more` takes; no page is zeroed or discarded
 * under it.
 */
#ifndef LT_FS_MEM_ARENA_H
#define LT_FS_MEM_ARENA_H

#include <os/os.h>

#define MEM_PAGE LT_PAGE_SIZE
#define MEM_CHUNK_SIZE (2u << 20)
#define MEM_CHUNK_PAGES (MEM_CHUNK_SIZE / MEM_PAGE)
#define MEM_LARGE_FROM (8u * 1024 * 1024 / MEM_PAGE) /* pages of data: see above */
#define MEM_DIRTY_MIN (128u * 1024 / MEM_PAGE)       /* dirty free pages that are always kept */
#define MEM_RUN_MAX 17u /* pages: 64 KiB and a header, the largest thing besides data */
#define MEM_SLAB_CLASSES 18u
#define MEM_SLAB_MAX 2048u /* bytes: larger objects are runs of pages */

enum mem_kind { MEM_META, MEM_DATA, MEM_KINDS };

enum {
    MEM_ZERO = 0x1, /* the pages read as zeros; otherwise their content is unspecified */
    MEM_LOAN = 0x2  /* not charged to the limit: for mem_pages_charge() or to be freed so */
};

/* Two numbers for the owner of each page, in the chunk's header; zero when the page is handed out.
 */
struct mem_page_info {
    uint16_t used;       /* slab: objects in use. radix node: slots in use. data: 1 while marked */
    uint16_t first_free; /* slab: index of the first free object */
};

struct mem_link {
    struct mem_link *prev, *next;
};

/* Objects of one size: see slab.h. */
struct mem_slab {
    struct lt_mutex lock;
    uint32_t size;     /* immutable: bytes of one object */
    uint16_t per_page; /* immutable: objects in a page */
    void *partial;     /* lock: pages with free objects, the first is served first */
    uint64_t pages;    /* lock */
    uint64_t objects;  /* lock */
};

struct mem_arena {
    struct lt_mutex lock;
    struct mem_link all;               /* lock: all chunks */
    struct mem_link room[MEM_KINDS];   /* lock: chunks with clean free pages */
    struct mem_link dirty[MEM_KINDS];  /* lock: chunks with dirty free pages, latest first */
    uint64_t dirty_pages;              /* lock */
    uint64_t empty_chunks[MEM_KINDS];  /* lock: chunks without a page in use */
    uint64_t chunks;                   /* lock */
    uint64_t loaned;                   /* lock: pages handed out and not charged */
    _Atomic(uint64_t) used[MEM_KINDS]; /* written under lock: pages charged */
    /* Asked under lock when the limit is reached: may raise it for `pages` more. NULL: nobody. */
    bool (*more)(void *arg, uint64_t pages);
    void *more_arg;
    _Atomic(uint64_t) limit; /* pages; UINT64_MAX: none */
    struct mem_slab slabs[MEM_SLAB_CLASSES];
    uint8_t slab_of[MEM_SLAB_MAX / 16 + 1]; /* immutable: class by size / 16, rounded up */
};

void mem_arena_init(struct mem_arena *arena, uint64_t limit_pages);

/* Gives everything back, used or not. */
void mem_arena_fini(struct mem_arena *arena);

/*
 * Hands out up to `count` pages, consecutive where possible. Returns how many: fewer only
 * at the limit or where the system has no more; LT_ENOSPC if none.
 */
int mem_pages_alloc(struct mem_arena *arena, enum mem_kind kind, void **pages, size_t count,
                    unsigned flags);

/* Takes pages back, in any order. MEM_LOAN: they were never charged. Never fails. */
void mem_pages_free(struct mem_arena *arena, void **pages, size_t count, unsigned flags);

/* Charges up to `count` loaned pages to the limit; returns how many fit. */
size_t mem_pages_charge(struct mem_arena *arena, size_t count);
/* The reverse, for pages that were not taken after all. */
void mem_pages_uncharge(struct mem_arena *arena, size_t count);

/* `count` <= MEM_RUN_MAX pages side by side, of metadata; NULL at the limit or without memory. */
void *mem_run_alloc(struct mem_arena *arena, size_t count);
void mem_run_free(struct mem_arena *arena, void *run, size_t count);

/* Pages charged at this moment, data and metadata. */
uint64_t mem_arena_used(const struct mem_arena *arena);

/* The owner's numbers of a page. The owner of the page guards them. */
struct mem_page_info *mem_page_info(const void *page);

struct mem_arena_facts {
    uint64_t chunks, dirty_pages, loaned_pages, data_pages, meta_pages;
};
void mem_arena_facts(struct mem_arena *arena, struct mem_arena_facts *ret);

#endif
