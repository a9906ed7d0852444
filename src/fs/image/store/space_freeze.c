// SPDX-License-Identifier: MIT
/*
 * Bitmaps on their way to the device, and blocks on their way back to the host.
 *
 * What is given back: space of the host goes by whole units of 64 KiB, as soon as the last block in
 * one is free. Hence files that are deleted shrink the image, of whatever size they were;
 * single tree nodes that come and go among used blocks never cost a system call.
 */
#include "block.h"
#include "space_private.h"

#include <stdlib.h>

#define DISCARD_UNIT 65536u /* bytes */

/* ---- What is out of date ------------------------------------------------------------------- */

uint64_t img_space_dirty(struct img_space *space, uint64_t group)
{
    lt_mutex_lock(&space->lock);
    while (group < space->groups && !space->group[group].dirty)
        group++;
    if (group >= space->groups)
        group = UINT64_MAX;
    lt_mutex_unlock(&space->lock);
    return group;
}

static uint8_t next_place(const struct img_group *group)
{
    return group->stored ? group->place ^ 1 : 0;
}

void img_space_item(struct img_space *space, uint64_t number, uint64_t generation,
                    struct img_space_disk *ret)
{
    lt_mutex_lock(&space->lock);
    const struct img_group *group = &space->group[number];
    *ret = (struct img_space_disk){.birth = lt_put_le64(generation),
                                   .free = lt_put_le32(group->unused),
                                   .place = next_place(group)};
    lt_mutex_unlock(&space->lock);
}

/* ---- Freezing ------------------------------------------------------------------------------ */

static void free_images(struct img_space *space)
{
    for (size_t i = 0; i < space->image_count; i++)
        free(space->images[i].page);
    free(space->images);
    space->images = NULL;
    space->image_count = 0;
}

/* Memory for an image of each dirty bitmap. */
static int make_images(struct img_space *space) REQUIRES(space->lock)
{
    size_t count = 0;
    for (uint64_t i = 0; i < space->groups; i++)
        count += space->group[i].dirty;
    space->images = calloc(count + 1, sizeof(*space->images));
    if (!space->images)
        return LT_ENOMEM;
    space->image_count = count;
    count = 0;
    for (uint64_t i = 0; i < space->groups; i++) {
        if (!space->group[i].dirty)
            continue;
        struct img_space_image *image = &space->images[count++];
        image->group = i;
        image->page = malloc(space->block_size);
        if (!image->page) {
            free_images(space);
            return LT_ENOMEM;
        }
    }
    return 0;
}

static void freeze_group(struct img_space *space, struct img_space_image *image,
                         uint64_t generation) REQUIRES(space->lock)
{
    struct img_group *group = &space->group[image->group];
    memset(image->page, 0, sizeof(struct img_block_header));
    struct lt_le64 *bits = (void *)(image->page + sizeof(struct img_block_header));
    for (uint32_t i = 0; i < space->words; i++)
        bits[i] = lt_put_le64(group->used[i]);
    image->birth_before = group->birth;
    image->stored_before = group->stored;
    group->place = next_place(group);
    group->birth = generation;
    group->stored = true;
    group->dirty = false;
    group->writing = true;
    group->frozen = group->pinned;
    group->pinned = NULL;
}

int img_space_freeze(struct img_space *space, uint64_t generation)
{
    lt_mutex_lock(&space->lock);
    assert(!space->frozen);
    int r = make_images(space);
    if (r == 0) {
        /* Pinned blocks are in dirty groups only: freeing them made these dirty. */
        for (size_t i = 0; i < space->image_count; i++)
            freeze_group(space, &space->images[i], generation);
        space->frozen = true;
    }
    lt_mutex_unlock(&space->lock);
    return r;
}

/* What the images say of their groups, place and birth, is not changed before the thaw. */
int img_space_write(struct img_space *space)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < space->image_count; i++) {
        const struct img_space_image *image = &space->images[i];
        lt_mutex_lock(&space->lock);
        const struct img_group *group = &space->group[image->group];
        uint64_t block = img_group_place(space, image->group, group->place);
        uint64_t birth = group->birth;
        lt_mutex_unlock(&space->lock);
        struct img_block_id id = {space->volume, block, birth, IMG_BLOCK_BITMAP};
        img_block_seal(image->page, space->block_size, &id);
        r = lt_device_put(space->dev, block * space->block_size, image->page, space->block_size);
    }
    return r;
}

/* ---- Giving back --------------------------------------------------------------------------- */

static uint32_t unit_blocks(const struct img_space *space)
{
    return space->block_size < DISCARD_UNIT ? DISCARD_UNIT / space->block_size : 1;
}

/* Of each unit that a word of `bits` touches, all bits, if all of them are 0 in `busy`. Units begin
 * at multiples of their length within words, since groups are multiples of 512 blocks. */
static uint64_t whole_units(uint64_t bits, uint64_t busy, uint32_t unit)
{
    uint64_t one = unit < 64 ? (UINT64_C(1) << unit) - 1 : UINT64_MAX, found = 0;
    for (uint32_t i = 0; i < 64; i += unit) {
        uint64_t mask = one << i;
        if (bits & mask && !(busy & mask))
            found |= mask;
    }
    return found;
}

/* Discards a run of blocks, or as much of it as is still free; returns how many blocks. */
static uint32_t discard_run(struct img_space *space, uint64_t number, uint32_t at, uint32_t end)
    REQUIRES(space->lock)
{
    if (number >= space->groups || img_group_need(space, number) < 0)
        return 0;
    uint32_t n = img_bits_find_set(space->group[number].busy, at, end) - at;
    uint64_t offset = (img_group_first(space, number) + at) * space->block_size;
    if (n)
        (void)lt_device_discard(space->dev, offset, (uint64_t)n * space->block_size);
    return n;
}

/* Discards the runs of `bits` in a group; returns how many blocks. The lock is given up between
 * them: nobody waits for more than one, and what was taken in the meantime is left alone. */
static uint64_t discard_runs(struct img_space *space, uint64_t number, const uint64_t *bits)
{
    uint64_t done = 0;
    uint32_t at = 0, end = space->words * 64;
    while ((at = img_bits_find_set(bits, at, end)) < end) {
        uint32_t behind = img_bits_find_clear(bits, at, end);
        lt_mutex_lock(&space->lock);
        done += discard_run(space, number, at, behind);
        lt_mutex_unlock(&space->lock);
        at = behind;
    }
    return done;
}

/* What was pinned at the freeze is free. `frozen` becomes the bits that are worth to be discarded.
 */
static void thaw_group(struct img_space *space, uint64_t number, uint64_t *frozen)
    REQUIRES(space->lock)
{
    struct img_group *group = &space->group[number];
    uint32_t unit = unit_blocks(space), count = img_bits_count(frozen, space->words);
    if (count == 0)
        return;
    for (uint32_t i = 0; i < space->words; i++) {
        if (!frozen[i])
            continue;
        group->busy[i] &= ~frozen[i];
        frozen[i] = whole_units(frozen[i], group->busy[i], unit);
    }
    group->free += count;
    group->first = 0;
    space->free += count;
    space->pinned -= count;
    img_group_bound(space, number, group->free);
}

/* Back to what it was before the freeze. */
static void unfreeze_group(struct img_space *space, const struct img_space_image *image)
    REQUIRES(space->lock)
{
    struct img_group *group = &space->group[image->group];
    group->place = image->stored_before ? group->place ^ 1 : 0;
    group->birth = image->birth_before;
    group->stored = image->stored_before;
    group->dirty = true;
    if (group->pinned && group->frozen) {
        for (uint32_t i = 0; i < space->words; i++)
            group->pinned[i] |= group->frozen[i];
        free(group->frozen);
    } else if (group->frozen) {
        group->pinned = group->frozen;
    }
    group->frozen = NULL;
}

void img_space_thaw(struct img_space *space, bool written, bool discard)
{
    for (size_t i = 0; i < space->image_count; i++) {
        const struct img_space_image *image = &space->images[i];
        uint64_t *frozen = NULL;
        lt_mutex_lock(&space->lock);
        struct img_group *group = &space->group[image->group];
        if (written) {
            frozen = group->frozen;
            group->frozen = NULL;
            if (frozen)
                thaw_group(space, image->group, frozen);
        } else {
            unfreeze_group(space, image);
        }
        group->writing = false;
        lt_mutex_unlock(&space->lock);
        if (frozen && discard)
            (void)discard_runs(space, image->group, frozen);
        free(frozen);
    }
    lt_mutex_lock(&space->lock);
    free_images(space);
    space->frozen = false;
    lt_mutex_unlock(&space->lock);
}

/* The free blocks of a group, as bits. */
static int free_bits(struct img_space *space, uint64_t number, uint64_t *bits)
{
    lt_mutex_lock(&space->lock);
    int r = number < space->groups ? img_group_need(space, number) : LT_ENOENT;
    for (uint32_t i = 0; r == 0 && i < space->words; i++)
        bits[i] = ~space->group[number].busy[i];
    lt_mutex_unlock(&space->lock);
    return r;
}

int img_space_trim(struct img_space *space, uint64_t *ret_blocks)
{
    uint64_t *bits = malloc(space->words * sizeof(uint64_t)), done = 0;
    if (!bits)
        return LT_ENOMEM;
    int r = 0;
    for (uint64_t number = 0; r == 0; number++) {
        r = free_bits(space, number, bits);
        if (r == 0)
            done += discard_runs(space, number, bits);
    }
    free(bits);
    if (r != LT_ENOENT)
        return r;
    *ret_blocks = done;
    return 0;
}
