// SPDX-License-Identifier: MIT
#include "data.h"

#include <assert.h>

/* What holes read as. Never written, so that it stays out of memory. */
static const _Alignas(MEM_PAGE) unsigned char zero_page[MEM_PAGE];

static bool is_tiny(const struct mem_data *data)
{
    return data->sectors.spare > 0;
}

uint64_t mem_data_allocated(const struct mem_data *data)
{
    if (is_tiny(data))
        return (data->sectors.spare + 511u) / 512u * 512u; /* unit of st_blocks: never 0 */
    return data->sectors.count * MEM_PAGE;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void seg_add(struct lt_seg *segs, size_t *count, void *base, size_t len)
{
    struct lt_seg *last = *count ? &segs[*count - 1] : NULL;
    if (last && (char *)last->base + last->len == base) {
        last->len += len;
        return;
    }
    segs[(*count)++] = (struct lt_seg){base, len};
}

static void *hole(void)
{
    return (void *)(uintptr_t)zero_page;
}

/* The stored bytes, if any, and zeros up to len. offset + len <= MEM_PAGE. */
static void tiny_map(const struct mem_data *data, size_t offset, size_t len, struct lt_seg *segs,
                     size_t *count)
{
    size_t room = data->sectors.spare;
    size_t stored = offset < room ? min_size(len, room - offset) : 0;
    if (stored > 0)
        seg_add(segs, count, (char *)data->sectors.root + offset, stored);
    if (stored < len)
        seg_add(segs, count, hole(), len - stored);
}

size_t mem_data_map(const struct mem_data *data, uint64_t offset, size_t len, struct lt_seg *segs)
{
    size_t count = 0;
    while (len > 0) {
        size_t within = offset % MEM_PAGE, part = min_size(len, MEM_PAGE - within);
        uint64_t sector = offset / MEM_PAGE;
        char *page = is_tiny(data) ? NULL : mem_radix_get(&data->sectors, sector);
        if (is_tiny(data) && sector == 0)
            tiny_map(data, within, part, segs, &count);
        else
            seg_add(segs, &count, page ? page + within : hole(), part);
        offset += part;
        len -= part;
    }
    return count;
}

/* ---- Tiny files ---------------------------------------------------------------------------- */

/* Makes room for bytes up to `end` in a slab object. */
static int tiny_grow(struct mem_data *data, struct mem_arena *arena, size_t end)
{
    size_t room = data->sectors.spare;
    if (end <= room)
        return 0;
    size_t size = mem_alloc_size(end);
    char *object = mem_alloc(arena, size);
    if (!object)
        return LT_ENOSPC;
    if (room > 0)
        memcpy(object, data->sectors.root, room);
    memset(object + room, 0, size - room);
    mem_free(arena, data->sectors.root, room);
    data->sectors.root = object;
    data->sectors.spare = (uint16_t)size;
    return 0;
}

int mem_data_widen(struct mem_data *data, struct mem_arena *arena)
{
    if (!is_tiny(data))
        return 0;
    void *page;
    if (mem_pages_alloc(arena, MEM_DATA, &page, 1, 0) < 0)
        return LT_ENOSPC;
    size_t room = data->sectors.spare;
    memcpy(page, data->sectors.root, room);
    memset((char *)page + room, 0, MEM_PAGE - room);
    mem_free(arena, data->sectors.root, room);
    data->sectors = (struct mem_radix){.root = page, .count = 1};
    return 0;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/* Where a write is: in the file, and in what is to be written. */
struct writer {
    struct mem_data *data;
    struct mem_arena *arena;
    uint64_t offset;
    struct lt_seg *segs; /* the current one is segs[0], from `done` on */
    size_t count, done;
    bool adopt;
};

static void writer_skip_empty(struct writer *w)
{
    while (w->count > 0 && w->done == w->segs[0].len) {
        w->segs++;
        w->count--;
        w->done = 0;
    }
}

static void writer_copy(struct writer *w, char *to, size_t len)
{
    w->offset += len;
    while (len > 0) {
        size_t part = min_size(len, w->segs[0].len - w->done);
        memcpy(to, (const char *)w->segs[0].base + w->done, part);
        to += part;
        len -= part;
        w->done += part;
        writer_skip_empty(w);
    }
}

/* Whether the next sector can be taken as it is. */
static bool can_adopt(const struct writer *w)
{
    return w->adopt && w->done == 0 && w->segs[0].len == MEM_PAGE && w->offset % MEM_PAGE == 0 &&
           (uintptr_t)w->segs[0].base % MEM_PAGE == 0;
}

/* Memory for the sectors of one window that the file lacks. */
struct window {
    void *pages[MEM_WINDOW + 1];
    size_t have, taken;      /* pages, from the front */
    size_t charged, adopted; /* loaned pages that may move into the file, that did */
};

/* Gets in one go what the window [offset, offset + len) lacks, or as much of it as there is. */
static void window_prepare(struct writer *w, size_t len, struct window *window)
{
    struct writer ahead = *w;
    size_t copies = 0, adoptions = 0;
    while (len > 0) {
        size_t part = min_size(len, MEM_PAGE - ahead.offset % MEM_PAGE);
        bool missing = !mem_radix_get(&w->data->sectors, ahead.offset / MEM_PAGE);
        if (missing && can_adopt(&ahead))
            adoptions++;
        else if (missing)
            copies++;
        len -= part;
        ahead.offset += part;
        for (ahead.done += part; ahead.count > 0 && ahead.done >= ahead.segs[0].len;) {
            ahead.done -= ahead.segs[0].len;
            ahead.segs++;
            ahead.count--;
        }
    }
    *window = (struct window){.have = 0};
    if (copies > 0) {
        int got = mem_pages_alloc(w->arena, MEM_DATA, window->pages, copies, 0);
        window->have = got > 0 ? (size_t)got : 0;
    }
    if (adoptions > 0)
        window->charged = mem_pages_charge(w->arena, adoptions);
}

static void window_release(struct writer *w, struct window *window)
{
    mem_pages_free(w->arena, window->pages + window->taken, window->have - window->taken, 0);
    if (window->charged > window->adopted)
        mem_pages_uncharge(w->arena, window->charged - window->adopted);
}

/* Gives one page back that the next sector does not need, for the nodes that lead to it. */
static bool window_yield(struct writer *w, struct window *window)
{
    if (window->have > window->taken + 1) {
        mem_pages_free(w->arena, &window->pages[--window->have], 1, 0);
        return true;
    }
    if (window->charged > window->adopted + 1) {
        mem_pages_uncharge(w->arena, 1);
        window->charged--;
        return true;
    }
    return false;
}

/* Puts a page of the window into the file. Near the limit the window may hold the memory that this
 * takes. */
static int put_sector(struct writer *w, struct window *window, void *page)
{
    int error;
    do
        error = mem_radix_put(&w->data->sectors, w->arena, w->offset / MEM_PAGE, page);
    while (error && window_yield(w, window));
    return error;
}

/* Moves the caller's page into the file; one that was there goes to the caller instead. */
static int adopt_sector(struct writer *w, struct window *window, bool present)
{
    void *page = w->segs[0].base;
    if (present) {
        w->segs[0].base = mem_radix_swap(&w->data->sectors, w->offset / MEM_PAGE, page);
    } else {
        if (window->adopted == window->charged)
            return LT_ENOSPC;
        int error = put_sector(w, window, page);
        if (error)
            return error;
        window->adopted++;
        w->segs[0].base = NULL;
    }
    w->offset += MEM_PAGE;
    w->done = MEM_PAGE;
    writer_skip_empty(w);
    return 0;
}

/* Copies into a sector that is there, or that comes out of the window. */
static int copy_sector(struct writer *w, struct window *window, char *page, size_t part)
{
    size_t within = w->offset % MEM_PAGE;
    if (!page) {
        if (window->taken == window->have)
            return LT_ENOSPC;
        page = window->pages[window->taken];
        int error = put_sector(w, window, page);
        if (error)
            return error;
        window->taken++;
        memset(page, 0, within);
        memset(page + within + part, 0, MEM_PAGE - within - part);
    }
    writer_copy(w, page + within, part);
    return 0;
}

/* Writes up to `len` bytes, a window's worth. Returns 0 or the error that cut it short. */
static int write_window(struct writer *w, size_t len)
{
    struct window window;
    int error = 0;
    window_prepare(w, len, &window);
    while (len > 0 && !error) {
        size_t part = min_size(len, MEM_PAGE - w->offset % MEM_PAGE);
        char *page = mem_radix_get(&w->data->sectors, w->offset / MEM_PAGE);
        if (part == MEM_PAGE && can_adopt(w))
            error = adopt_sector(w, &window, page != NULL);
        else
            error = copy_sector(w, &window, page, part);
        len -= part;
    }
    window_release(w, &window);
    return error;
}

static int write_all(struct writer *w, size_t len)
{
    uint64_t end = w->offset + len;
    struct mem_data *data = w->data;
    if (end <= MEM_TINY_MAX && (is_tiny(data) || data->sectors.count == 0)) {
        int error = tiny_grow(data, w->arena, (size_t)end);
        if (!error)
            writer_copy(w, (char *)data->sectors.root + w->offset, len);
        return error;
    }
    int error = mem_data_widen(data, w->arena);
    while (!error && w->offset < end) {
        uint64_t window_end = (w->offset / MEM_PAGE + MEM_WINDOW) * MEM_PAGE;
        error = write_window(w, (size_t)((window_end < end ? window_end : end) - w->offset));
    }
    return error;
}

int64_t mem_data_write(struct mem_data *data, struct mem_arena *arena, uint64_t offset,
                       struct lt_seg *segs, size_t count, size_t len, bool adopt)
{
    if (len == 0)
        return 0;
    struct writer w = {data, arena, offset, segs, count, 0, adopt};
    writer_skip_empty(&w);
    int error = write_all(&w, len);
    if (w.offset == offset)
        return error;
    if (w.offset > data->size)
        data->size = w.offset;
    return (int64_t)(w.offset - offset);
}

/* ---- Cutting ------------------------------------------------------------------------------- */

void mem_data_drop(struct mem_data *data, struct mem_arena *arena, uint64_t first, uint64_t end)
{
    void *pages[MEM_WINDOW];
    size_t got;
    while ((got = mem_radix_take_range(&data->sectors, arena, first, end, pages, MEM_WINDOW)) > 0)
        mem_pages_free(arena, pages, got, 0);
}

static void tiny_free(struct mem_data *data, struct mem_arena *arena)
{
    mem_free(arena, data->sectors.root, data->sectors.spare);
    data->sectors = (struct mem_radix){0};
}

void mem_data_truncate(struct mem_data *data, struct mem_arena *arena, uint64_t size)
{
    uint64_t old = data->size;
    data->size = size;
    if (size >= old)
        return;
    if (is_tiny(data)) {
        if (size == 0)
            tiny_free(data, arena);
        else
            mem_data_zero(data, size, old - size);
        return;
    }
    uint64_t keep = size / MEM_PAGE + (size % MEM_PAGE != 0);
    mem_data_drop(data, arena, keep, UINT64_MAX);
    mem_data_zero(data, size, keep * MEM_PAGE - size);
    mem_radix_trim(&data->sectors, arena);
}

void mem_data_fini(struct mem_data *data, struct mem_arena *arena)
{
    if (is_tiny(data))
        tiny_free(data, arena);
    else
        mem_data_drop(data, arena, 0, UINT64_MAX);
    data->size = 0;
}

void mem_data_zero(struct mem_data *data, uint64_t offset, uint64_t len)
{
    if (len == 0)
        return;
    uint64_t end = offset + len;
    if (is_tiny(data)) {
        uint64_t room = data->sectors.spare;
        if (offset < room)
            memset((char *)data->sectors.root + offset, 0,
                   (size_t)((end < room ? end : room) - offset));
        return;
    }
    uint64_t sector = offset / MEM_PAGE;
    char *page;
    while ((page = mem_radix_next(&data->sectors, &sector)) && sector * MEM_PAGE < end) {
        uint64_t start = sector * MEM_PAGE;
        size_t from = offset > start ? (size_t)(offset - start) : 0;
        size_t to = end - start < MEM_PAGE ? (size_t)(end - start) : MEM_PAGE;
        memset(page + from, 0, to - from);
        sector++;
    }
}

void mem_data_punch(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len)
{
    uint64_t end = offset + len;
    uint64_t first = (offset + MEM_PAGE - 1) / MEM_PAGE, last = end / MEM_PAGE;
    if (is_tiny(data) && offset == 0 && end >= data->sectors.spare) {
        tiny_free(data, arena);
        return;
    }
    if (is_tiny(data) || first >= last) {
        mem_data_zero(data, offset, len);
        return;
    }
    mem_data_zero(data, offset, first * MEM_PAGE - offset);
    mem_data_drop(data, arena, first, last);
    mem_data_zero(data, last * MEM_PAGE, end - last * MEM_PAGE);
}
