// SPDX-License-Identifier: MIT
/* Preallocation, moving of ranges, and the search for data and holes. */
#include "data.h"

#include <assert.h>

static bool is_tiny(const struct mem_data *data)
{
    return data->sectors.spare > 0;
}

/* ---- Reserving ----------------------------------------------------------------------------- */

/* Sectors that a reservation has added are marked in their page info until it has succeeded. */

/* Adds up to a window of missing sectors from *sector on; returns 0 at the end of the range too. */
static int reserve_window(struct mem_data *data, struct mem_arena *arena, uint64_t *sector,
                          uint64_t end)
{
    uint64_t missing[MEM_WINDOW];
    void *pages[MEM_WINDOW];
    size_t count = 0, put = 0;
    for (; *sector < end && count < MEM_WINDOW; ++*sector) {
        if (!mem_radix_get(&data->sectors, *sector))
            missing[count++] = *sector;
    }
    if (count == 0)
        return 0;
    int got = mem_pages_alloc(arena, MEM_DATA, pages, count, MEM_ZERO);
    if (got < 0)
        return got;
    int error = (size_t)got < count ? LT_ENOSPC : 0;
    while (!error && put < count) {
        error = mem_radix_put(&data->sectors, arena, missing[put], pages[put]);
        if (!error)
            mem_page_info(pages[put++])->used = 1;
    }
    mem_pages_free(arena, pages + put, (size_t)got - put, 0);
    return error;
}

/* Takes the marks off the sectors of the range, and with `undo` the marked sectors too. */
static void reserve_finish(struct mem_data *data, struct mem_arena *arena, uint64_t first,
                           uint64_t end, bool undo)
{
    void *page;
    for (uint64_t i = first; (page = mem_radix_next(&data->sectors, &i)) && i < end; i++) {
        if (!mem_page_info(page)->used)
            continue;
        mem_page_info(page)->used = 0;
        if (undo) {
            mem_radix_take(&data->sectors, arena, i);
            mem_pages_free(arena, &page, 1, 0);
        }
    }
}

int mem_data_reserve(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len,
                     const atomic_bool *cancel)
{
    uint64_t first = offset / MEM_PAGE, end = (offset + len + MEM_PAGE - 1) / MEM_PAGE;
    uint64_t used = mem_arena_used(arena);
    uint64_t room = arena->limit > used ? arena->limit - used : 0;
    if (end - first > room && end - first - room > data->sectors.count)
        return LT_ENOSPC; /* it cannot fit: do not try for long */
    int error = mem_data_widen(data, arena);
    for (uint64_t sector = first; !error && sector < end;) {
        error = reserve_window(data, arena, &sector, end);
        if (!error && cancel && atomic_load(cancel))
            error = LT_EINTR;
    }
    reserve_finish(data, arena, first, end, error != 0);
    if (error)
        mem_radix_trim(&data->sectors, arena);
    return error;
}

/* ---- Moving -------------------------------------------------------------------------------- */

/* Takes all nodes of a vector away, not the pages that it leads to. */
static void forget(struct mem_radix *sectors, struct mem_arena *arena)
{
    void *pages[MEM_WINDOW];
    while (mem_radix_take_range(sectors, arena, 0, UINT64_MAX, pages, MEM_WINDOW) > 0)
        ;
}

/*
 * Builds the vector anew without the sectors first <= index < end and with those
 * from `end` on moved by `shift`, so that nothing has changed if memory runs out half way.
 */
static int move_sectors(struct mem_data *data, struct mem_arena *arena, uint64_t first,
                        uint64_t end, int64_t shift)
{
    struct mem_radix moved = {0};
    void *page;
    for (uint64_t i = 0; (page = mem_radix_next(&data->sectors, &i)); i++) {
        if (i >= first && i < end)
            continue;
        int error = mem_radix_put(&moved, arena, i < first ? i : i + (uint64_t)shift, page);
        if (error) {
            forget(&moved, arena);
            return error;
        }
    }
    mem_data_drop(data, arena, first, end);
    forget(&data->sectors, arena);
    data->sectors = moved;
    return 0;
}

int mem_data_insert(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len)
{
    assert(offset % MEM_PAGE == 0 && len % MEM_PAGE == 0);
    uint64_t sector = offset / MEM_PAGE;
    int error = 0;
    if (!is_tiny(data) || offset == 0) {
        error = mem_data_widen(data, arena);
        if (!error)
            error = move_sectors(data, arena, sector, sector, (int64_t)(len / MEM_PAGE));
    }
    if (!error)
        data->size += len;
    return error;
}

int mem_data_collapse(struct mem_data *data, struct mem_arena *arena, uint64_t offset, uint64_t len)
{
    assert(offset % MEM_PAGE == 0 && len % MEM_PAGE == 0 && offset + len < data->size);
    int error = 0;
    if (!is_tiny(data))
        error = move_sectors(data, arena, offset / MEM_PAGE, (offset + len) / MEM_PAGE,
                             -(int64_t)(len / MEM_PAGE));
    else if (offset == 0)
        mem_data_punch(data, arena, 0, MEM_PAGE);
    if (!error)
        data->size -= len;
    return error;
}

/* ---- Searching ----------------------------------------------------------------------------- */

static uint64_t clip(const struct mem_data *data, uint64_t offset)
{
    return offset < data->size ? offset : data->size;
}

uint64_t mem_data_next_data(const struct mem_data *data, uint64_t offset)
{
    uint64_t sector = offset / MEM_PAGE;
    if (is_tiny(data))
        return sector == 0 ? offset : data->size;
    if (!mem_radix_next(&data->sectors, &sector))
        return data->size;
    uint64_t start = sector * MEM_PAGE;
    return clip(data, start > offset ? start : offset);
}

uint64_t mem_data_next_hole(const struct mem_data *data, uint64_t offset)
{
    uint64_t sector = offset / MEM_PAGE;
    if (is_tiny(data))
        return clip(data, sector == 0 ? MEM_PAGE : offset);
    while (sector * MEM_PAGE < data->size && mem_radix_get(&data->sectors, sector))
        sector++;
    uint64_t start = sector * MEM_PAGE;
    return clip(data, start > offset ? start : offset);
}
