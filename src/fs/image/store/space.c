// SPDX-License-Identifier: MIT
#include "space.h"

#include "block.h"
#include "space_private.h"

#include <stdlib.h>

/* Bytes of bits that are kept in memory, beside those that are needed: with blocks of 4 KiB enough
 * for 256 GiB without reading a bitmap twice. */
#define LOADED_MAX ((uint64_t)16 << 20)

/* ---- Layout -------------------------------------------------------------------------------- */

static void mark(const struct img_space *space, uint64_t group, uint64_t block, uint64_t count,
                 uint64_t *words)
{
    uint64_t first = img_group_first(space, group), end = first + space->group_blocks;
    uint64_t from = block > first ? block : first;
    uint64_t to = block + count < end ? block + count : end;
    if (from < to)
        img_bits_set(words, (uint32_t)(from - first), (uint32_t)(to - first));
}

/* What the layout takes of a group, and the bits behind the end of the volume. */
static void mark_layout(const struct img_space *space, uint64_t group, uint64_t *words)
{
    if (group == 0)
        mark(space, group, 0, IMG_BITMAP_PLACE, words);
    mark(space, group, img_group_place(space, group, 0), 2, words);
    mark(space, group, space->log_block, space->log_blocks, words);
    mark(space, group, space->blocks, space->group_blocks, words);
}

/* Blocks of a group that the layout leaves. */
static uint32_t capacity(const struct img_space *space, uint64_t group)
{
    uint32_t count = img_group_count(space, group) - (group == 0 ? IMG_BITMAP_PLACE : 0) - 2;
    if (space->log_block / space->group_blocks == group)
        count -= (uint32_t)space->log_blocks;
    return count;
}

static bool overlaps(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
    return a < b + b_count && b < a + a_count;
}

/* Whether a range is within the volume and free of what the layout takes. */
static bool is_usable(const struct img_space *space, uint64_t block, uint64_t count)
{
    if (count == 0 || block >= space->blocks || count > space->blocks - block)
        return false;
    if (block < IMG_BITMAP_PLACE || overlaps(block, count, space->log_block, space->log_blocks))
        return false;
    uint64_t group = block / space->group_blocks, last = (block + count - 1) / space->group_blocks;
    for (; group <= last; group++) {
        if (overlaps(block, count, img_group_place(space, group, 0), 2))
            return false;
    }
    return true;
}

/* ---- Bounds -------------------------------------------------------------------------------- */

void img_group_bound(struct img_space *space, uint64_t group, uint32_t bound)
{
    uint64_t i = space->leaves + group;
    space->bound[i] = bound;
    while (i > 1) {
        uint32_t a = space->bound[i], b = space->bound[i ^ 1], max = a > b ? a : b;
        i /= 2;
        if (space->bound[i] == max)
            return;
        space->bound[i] = max;
    }
}

/* ---- Groups in memory ---------------------------------------------------------------------- */

static bool is_evictable(const struct img_space *space, uint64_t number)
{
    const struct img_group *group = &space->group[number];
    return group->busy && !group->dirty && !group->writing && group->free == group->unused &&
           number != space->last_loaded;
}

/* Forgets the bits of one group that has nothing else to remember, if there is one. */
static void evict_one(struct img_space *space) REQUIRES(space->lock)
{
    for (uint64_t steps = 0; steps < 2 * space->groups; steps++) {
        uint64_t number = space->hand++ % space->groups;
        struct img_group *group = &space->group[number];
        if (!is_evictable(space, number))
            continue;
        if (group->touched) {
            group->touched = false;
            continue;
        }
        free(group->busy);
        group->busy = group->used = NULL;
        space->loaded--;
        return;
    }
}

static int read_bits(const struct img_space *space, uint64_t number, uint64_t *words)
{
    const struct img_group *group = &space->group[number];
    uint64_t block = img_group_place(space, number, group->place);
    struct img_block_id id = {space->volume, block, group->birth, IMG_BLOCK_BITMAP};
    uint8_t *page = malloc(space->block_size);
    if (!page)
        return LT_ENOMEM;
    int r = lt_device_read(space->dev, block * space->block_size, page, space->block_size);
    if (r == 0)
        r = img_block_verify(page, space->block_size, &id);
    const struct lt_le64 *bits = (const void *)(page + sizeof(struct img_block_header));
    for (uint32_t i = 0; r == 0 && i < space->words; i++)
        words[i] = lt_get_le64(bits[i]);
    free(page);
    return r;
}

/* Whether the bits have those of the layout, and as many that are free as the item says. */
static bool is_sound(const struct img_space *space, uint64_t number, const uint64_t *words,
                     uint64_t *layout)
{
    memset(layout, 0, space->words * sizeof(uint64_t));
    mark_layout(space, number, layout);
    for (uint32_t i = 0; i < space->words; i++) {
        if (layout[i] & ~words[i])
            return false;
    }
    uint32_t used = img_bits_count(words, space->words);
    return space->words * 64 - used == space->group[number].unused;
}

static int load_group(struct img_space *space, uint64_t number) REQUIRES(space->lock)
{
    struct img_group *group = &space->group[number];
    size_t size = space->words * sizeof(uint64_t);
    uint64_t *busy = calloc(2, size);
    if (!busy)
        return LT_ENOMEM;
    uint64_t *used = busy + space->words;
    int r = 0;
    if (group->stored) {
        r = read_bits(space, number, used);
        if (r == 0 && !is_sound(space, number, used, busy))
            r = LT_EUCLEAN;
    } else {
        mark_layout(space, number, used);
    }
    if (r < 0) {
        free(busy);
        return r;
    }
    memcpy(busy, used, size);
    group->busy = busy;
    group->used = used;
    group->first = 0;
    space->loaded++;
    space->last_loaded = number;
    return 0;
}

int img_group_need(struct img_space *space, uint64_t number)
{
    struct img_group *group = &space->group[number];
    group->touched = true;
    if (group->busy) {
        space->last_loaded = number;
        return 0;
    }
    if (space->loaded * space->words * 2 * sizeof(uint64_t) >= LOADED_MAX)
        evict_one(space);
    return load_group(space, number);
}

void img_group_give_back(struct img_space *space, struct img_piece piece)
{
    struct img_group *group = &space->group[piece.group];
    img_bits_clear(group->busy, piece.at, piece.end);
    group->free += piece.end - piece.at;
    space->free += piece.end - piece.at;
    if (piece.at < group->first)
        group->first = piece.at;
    img_group_bound(space, piece.group, group->free);
}

/* ---- Opening ------------------------------------------------------------------------------- */

static uint64_t power_of_two(uint64_t at_least)
{
    uint64_t n = 1;
    while (n < at_least)
        n *= 2;
    return n;
}

/* Makes room for the groups of a volume of `blocks`; those that are there stay. */
static int make_groups(struct img_space *space, uint64_t blocks) REQUIRES(space->lock)
{
    uint64_t groups = (blocks + space->group_blocks - 1) / space->group_blocks;
    uint64_t leaves = power_of_two(groups);
    struct img_group *group = calloc(groups, sizeof(*group));
    uint32_t *bound = calloc(2 * leaves, sizeof(*bound));
    if (!group || !bound) {
        free(group);
        free(bound);
        return LT_ENOMEM;
    }
    uint64_t keep = groups < space->groups ? groups : space->groups;
    if (keep)
        memcpy(group, space->group, keep * sizeof(*group));
    free(space->group);
    free(space->bound);
    space->group = group;
    space->bound = bound;
    space->leaves = leaves;
    space->groups = groups;
    space->blocks = blocks;
    for (uint64_t i = 0; i < groups; i++) {
        if (i >= keep) {
            group[i].free = group[i].unused = capacity(space, i);
            space->free += group[i].free;
        }
        img_group_bound(space, i, group[i].free);
    }
    return 0;
}

/* Whether a volume may have this size: no group is too short to be used. */
static bool is_size(const struct img_space *space, uint64_t blocks)
{
    uint64_t last = blocks % space->group_blocks;
    return blocks > 0 && (last == 0 || last >= IMG_GROUP_BLOCKS_MIN);
}

/* The log lies within one group, behind the bitmaps, and within the volume. */
static bool is_log_in_place(const struct img_space *space, uint64_t blocks)
{
    uint64_t at = space->log_block % space->group_blocks;
    return at >= IMG_BITMAP_PLACE + 2 && space->log_blocks <= space->group_blocks - at &&
           space->log_block < blocks && space->log_blocks <= blocks - space->log_block;
}

int img_space_open(const struct img_space_params *params, struct img_space **ret)
{
    struct img_space *space = calloc(1, sizeof(*space));
    if (!space)
        return LT_ENOMEM;
    space->dev = params->dev;
    space->block_size = params->block_size;
    space->volume = params->volume;
    space->log_block = params->log_block;
    space->log_blocks = params->log_blocks;
    space->group_blocks = img_group_blocks(params->block_size);
    space->words = (uint32_t)(space->group_blocks / 64);
    int r = LT_EUCLEAN;
    lt_mutex_lock(&space->lock);
    if (is_size(space, params->blocks) && is_log_in_place(space, params->blocks))
        r = make_groups(space, params->blocks);
    lt_mutex_unlock(&space->lock);
    if (r < 0) {
        free(space);
        return r;
    }
    *ret = space;
    return 0;
}

static void free_maps(struct img_group *group)
{
    free(group->busy);
    free(group->pinned);
    free(group->frozen);
}

void img_space_close(struct img_space *space)
{
    if (!space)
        return;
    for (size_t i = 0; i < space->image_count; i++)
        free(space->images[i].page);
    free(space->images);
    for (uint64_t i = 0; i < space->groups; i++)
        free_maps(&space->group[i]);
    free(space->group);
    free(space->bound);
    free(space);
}

int img_space_load(struct img_space *space, uint64_t number, const struct img_space_disk *item)
{
    uint32_t unused = lt_get_le32(item->free);
    int r = LT_EUCLEAN;
    lt_mutex_lock(&space->lock);
    struct img_group *group = number < space->groups ? &space->group[number] : NULL;
    if (group && !group->stored && !group->busy && unused <= capacity(space, number) &&
        item->place <= 1) {
        space->free = space->free - group->free + unused;
        group->free = group->unused = unused;
        group->birth = lt_get_le64(item->birth);
        group->place = item->place;
        group->stored = true;
        img_group_bound(space, number, unused);
        r = 0;
    }
    lt_mutex_unlock(&space->lock);
    return r;
}

/* ---- Counting ------------------------------------------------------------------------------ */

void img_space_counts(struct img_space *space, struct img_space_counts *ret)
{
    lt_mutex_lock(&space->lock);
    *ret = (struct img_space_counts){.blocks = space->blocks,
                                     .free = space->free,
                                     .pinned = space->pinned,
                                     .in_flight = space->in_flight,
                                     .promised = space->promised,
                                     .reserve = space->reserve};
    lt_mutex_unlock(&space->lock);
}

void img_space_set_reserve(struct img_space *space, uint64_t blocks)
{
    lt_mutex_lock(&space->lock);
    space->reserve = blocks;
    lt_mutex_unlock(&space->lock);
}

void img_space_set_need(struct img_space *space, uint64_t blocks)
{
    lt_mutex_lock(&space->lock);
    space->need = blocks;
    lt_mutex_unlock(&space->lock);
}

int img_space_promise(struct img_space *space, uint64_t blocks)
{
    int r = 0;
    lt_mutex_lock(&space->lock);
    uint64_t taken = space->promised + space->reserve;
    uint64_t left = space->free > taken + space->need ? space->free - taken - space->need : 0;
    uint64_t later = space->free + space->pinned;
    later = later > taken ? later - taken : 0;
    if (blocks <= left)
        space->promised += blocks;
    else
        r = blocks <= later ? LT_EAGAIN : LT_ENOSPC;
    lt_mutex_unlock(&space->lock);
    return r;
}

void img_space_unpromise(struct img_space *space, uint64_t blocks)
{
    lt_mutex_lock(&space->lock);
    assert(blocks <= space->promised);
    space->promised -= blocks;
    lt_mutex_unlock(&space->lock);
}

/* ---- Changing ------------------------------------------------------------------------------ */

void img_space_use(struct img_space *space, uint64_t block, uint64_t count)
{
    lt_mutex_lock(&space->lock);
    space->in_flight -= count;
    while (count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        struct img_group *group = &space->group[piece.group];
        assert(img_bits_all_clear(group->used, piece.at, piece.end));
        img_bits_set(group->used, piece.at, piece.end);
        group->unused -= piece.end - piece.at;
        group->dirty = true;
    }
    lt_mutex_unlock(&space->lock);
}

void img_space_unuse(struct img_space *space, uint64_t block, uint64_t count)
{
    lt_mutex_lock(&space->lock);
    space->in_flight += count;
    while (count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        struct img_group *group = &space->group[piece.group];
        assert(img_bits_all_set(group->used, piece.at, piece.end));
        img_bits_clear(group->used, piece.at, piece.end);
        group->unused += piece.end - piece.at;
        group->dirty = true;
    }
    lt_mutex_unlock(&space->lock);
}

/* Makes room for the group's map of pinned blocks. */
static int need_pinned(struct img_space *space, struct img_group *group) REQUIRES(space->lock)
{
    if (!group->pinned)
        group->pinned = calloc(space->words, sizeof(uint64_t));
    return group->pinned ? 0 : LT_ENOMEM;
}

/* Whether a range could be pinned: 0 or why not. */
static int check_free(struct img_space *space, uint64_t block, uint64_t count) REQUIRES(space->lock)
{
    int r = is_usable(space, block, count) ? 0 : LT_EUCLEAN;
    while (r == 0 && count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        struct img_group *group = &space->group[piece.group];
        r = img_group_need(space, piece.group);
        if (r == 0 && !img_bits_all_set(group->used, piece.at, piece.end))
            r = LT_EUCLEAN;
        if (r == 0)
            r = need_pinned(space, group);
    }
    return r;
}

int img_space_free(struct img_space *space, uint64_t block, uint64_t count)
{
    lt_mutex_lock(&space->lock);
    int r = check_free(space, block, count);
    if (r == 0)
        space->pinned += count;
    while (r == 0 && count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        struct img_group *group = &space->group[piece.group];
        img_bits_clear(group->used, piece.at, piece.end);
        img_bits_set(group->pinned, piece.at, piece.end);
        group->unused += piece.end - piece.at;
        group->dirty = true;
    }
    lt_mutex_unlock(&space->lock);
    return r;
}

void img_space_unfree(struct img_space *space, uint64_t block, uint64_t count)
{
    lt_mutex_lock(&space->lock);
    space->pinned -= count;
    while (count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        struct img_group *group = &space->group[piece.group];
        assert(img_bits_all_set(group->pinned, piece.at, piece.end));
        img_bits_clear(group->pinned, piece.at, piece.end);
        img_bits_set(group->used, piece.at, piece.end);
        group->unused -= piece.end - piece.at;
    }
    lt_mutex_unlock(&space->lock);
}

static int check_claim(struct img_space *space, uint64_t block, uint64_t count)
    REQUIRES(space->lock)
{
    int r = is_usable(space, block, count) ? 0 : LT_EUCLEAN;
    while (r == 0 && count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        r = img_group_need(space, piece.group);
        if (r == 0 && !img_bits_all_clear(space->group[piece.group].busy, piece.at, piece.end))
            r = LT_EUCLEAN;
    }
    return r;
}

int img_space_claim(struct img_space *space, uint64_t block, uint64_t count)
{
    lt_mutex_lock(&space->lock);
    int r = check_claim(space, block, count);
    if (r == 0)
        space->free -= count;
    while (r == 0 && count) {
        struct img_piece piece = img_space_piece(space, &block, &count);
        struct img_group *group = &space->group[piece.group];
        img_bits_set(group->busy, piece.at, piece.end);
        img_bits_set(group->used, piece.at, piece.end);
        group->free -= piece.end - piece.at;
        group->unused -= piece.end - piece.at;
        group->dirty = true;
    }
    lt_mutex_unlock(&space->lock);
    return r;
}

int img_space_test(struct img_space *space, uint64_t block)
{
    uint64_t count = 1;
    lt_mutex_lock(&space->lock);
    struct img_piece piece = img_space_piece(space, &block, &count);
    int r = block <= space->blocks ? img_group_need(space, piece.group) : LT_EINVAL;
    if (r == 0)
        r = img_bits_all_set(space->group[piece.group].busy, piece.at, piece.end);
    lt_mutex_unlock(&space->lock);
    return r;
}

/* ---- Size of the volume -------------------------------------------------------------------- */

/* The volume gets a new end within this group: the bits behind it change. */
static int move_end(struct img_space *space, uint64_t number, uint32_t from, uint32_t to)
    REQUIRES(space->lock)
{
    struct img_group *group = &space->group[number];
    int r = img_group_need(space, number);
    if (r < 0)
        return r;
    if (from < to) {
        img_bits_clear(group->used, from, to);
        img_bits_clear(group->busy, from, to);
        group->unused += to - from;
        group->free += to - from;
        space->free += to - from;
        group->first = 0;
    } else {
        img_bits_set(group->used, to, from);
        img_bits_set(group->busy, to, from);
        group->unused -= from - to;
        group->free -= from - to;
        space->free -= from - to;
    }
    group->dirty = true;
    return 0;
}

static int grow(struct img_space *space, uint64_t blocks) REQUIRES(space->lock)
{
    uint64_t last = space->groups - 1, end = img_group_first(space, last) + space->group_blocks;
    uint32_t from = img_group_count(space, last);
    int r = img_group_need(space, last);
    if (r == 0)
        r = make_groups(space, blocks);
    if (r == 0 && img_group_first(space, last) + from < end)
        r = move_end(space, last, from, img_group_count(space, last));
    if (r == 0)
        img_group_bound(space, last, space->group[last].free);
    return r;
}

/* Whether all blocks from `blocks` on are free, the places of bitmaps apart. */
static int check_behind(struct img_space *space, uint64_t blocks) REQUIRES(space->lock)
{
    if (space->log_block + space->log_blocks > blocks)
        return LT_EBUSY;
    uint64_t number = blocks / space->group_blocks;
    uint32_t at = (uint32_t)(blocks % space->group_blocks);
    if (at) {
        int r = img_group_need(space, number);
        if (r < 0)
            return r;
        uint32_t end = img_group_count(space, number);
        if (!img_bits_all_clear(space->group[number].busy, at, end))
            return LT_EBUSY;
        number++;
    }
    for (; number < space->groups; number++) {
        if (space->group[number].free != capacity(space, number))
            return LT_EBUSY;
    }
    return 0;
}

static int shrink(struct img_space *space, uint64_t blocks) REQUIRES(space->lock)
{
    int r = check_behind(space, blocks);
    if (r < 0)
        return r;
    uint64_t groups = (blocks + space->group_blocks - 1) / space->group_blocks;
    uint32_t at = (uint32_t)(blocks % space->group_blocks);
    if (at)
        r = move_end(space, groups - 1, img_group_count(space, groups - 1), at);
    for (uint64_t i = groups; r == 0 && i < space->groups; i++) {
        struct img_group *group = &space->group[i];
        space->free -= group->free;
        space->loaded -= group->busy != NULL;
        free_maps(group);
        *group = (struct img_group){0};
        img_group_bound(space, i, 0);
    }
    if (r == 0) {
        space->groups = groups;
        space->blocks = blocks;
        img_group_bound(space, groups - 1, space->group[groups - 1].free);
    }
    return r;
}

int img_space_resize(struct img_space *space, uint64_t blocks)
{
    if (!is_size(space, blocks))
        return LT_EINVAL;
    int r = 0;
    lt_mutex_lock(&space->lock);
    if (space->frozen)
        r = LT_EBUSY;
    else if (blocks > space->blocks)
        r = grow(space, blocks);
    else if (blocks < space->blocks)
        r = shrink(space, blocks);
    lt_mutex_unlock(&space->lock);
    return r;
}

/* The last busy block of a group, its bitmaps apart; UINT32_MAX if there is none. */
static uint32_t last_busy(const struct img_space *space, uint64_t number) REQUIRES(space->lock)
{
    const uint64_t *busy = space->group[number].busy;
    for (uint32_t i = img_group_count(space, number); i-- > 0;) {
        bool is_bitmap = i == IMG_BITMAP_PLACE || i == IMG_BITMAP_PLACE + 1;
        if (!is_bitmap && busy[i / 64] >> i % 64 & 1)
            return i;
    }
    return UINT32_MAX;
}

int img_space_last(struct img_space *space, uint64_t *ret_block)
{
    int r = 0;
    uint64_t last = 0;
    lt_mutex_lock(&space->lock);
    for (uint64_t number = space->groups; r == 0 && last == 0 && number-- > 0;) {
        bool has_log = space->log_block / space->group_blocks == number;
        if (!has_log && number > 0 && space->group[number].free == capacity(space, number))
            continue;
        r = img_group_need(space, number);
        uint32_t i = r == 0 ? last_busy(space, number) : UINT32_MAX;
        if (i != UINT32_MAX)
            last = img_group_first(space, number) + i;
    }
    if (r == 0)
        *ret_block = last;
    lt_mutex_unlock(&space->lock);
    return r;
}
