// SPDX-License-Identifier: MIT
/* Where the data of files lies, and (scrub) the data itself. */
#include "census.h"

#include <base/hash.h>
#include <fs/image/store/block.h>
#include <stdlib.h>

#define READ_BLOCKS 64u /* at once */

static bool has_data(const struct img_object *object)
{
    uint16_t type = object->inode.mode & LT_S_IFMT;
    return object->has_inode && (type == LT_S_IFREG || type == LT_S_STREAM);
}

/* ---- Scrub --------------------------------------------------------------------------------- */

/* What the log has of the blocks counts, not what lies there. */
static void lay_logged(const struct img_view *view, uint64_t block, uint64_t count, uint8_t *buf)
{
    uint64_t start = block * view->super.block_size;
    uint64_t end = start + count * view->super.block_size;
    for (size_t i = 0; i < view->logged_count; i++) {
        const struct img_logged *l = &view->logged[i];
        uint64_t from = l->at > start ? l->at : start;
        uint64_t to = l->at + l->len < end ? l->at + l->len : end;
        if (from < to)
            memcpy(buf + (from - start), l->bytes + (from - l->at), (size_t)(to - from));
    }
}

/* Reads up to READ_BLOCKS blocks; where that fails, one by one. */
static void scrub_some(struct img_census *census, uint64_t block, uint64_t count,
                       const uint8_t *checks)
{
    struct img_view *view = census->view;
    uint32_t size = view->super.block_size;
    uint64_t id = census->object.id;
    if (lt_device_read(view->dev, block * size, census->buffer, count * size) < 0) {
        for (uint64_t i = 0; count > 1 && i < count; i++)
            scrub_some(census, block + i, 1, checks ? checks + 4 * i : NULL);
        if (count == 1)
            img_found(census->report, IMG_P_DATA_UNREADABLE, id, block, "%s", "");
        return;
    }
    census->data_blocks += count;
    if (!checks)
        return;
    lay_logged(view, block, count, census->buffer);
    for (uint64_t i = 0; i < count; i++) {
        struct lt_le32 told;
        uint32_t found = lt_crc32c(0, census->buffer + i * size, size);
        memcpy(&told, checks + 4 * i, sizeof(told));
        if (lt_get_le32(told) != found)
            img_found(census->report, IMG_P_DATA_DAMAGED, id, block + i,
                      "its check is %#x, not %#x", found, lt_get_le32(told));
    }
}

static int scrub(struct img_census *census, const struct img_extent *extent)
{
    if (!census->buffer) {
        census->buffer = malloc((size_t)READ_BLOCKS * census->view->super.block_size);
        if (!census->buffer)
            return LT_ENOMEM;
    }
    for (uint64_t at = 0; at < extent->count; at += READ_BLOCKS) {
        uint64_t n = extent->count - at < READ_BLOCKS ? extent->count - at : READ_BLOCKS;
        scrub_some(census, extent->block + at, n, extent->checks ? extent->checks + 4 * at : NULL);
        int r = img_view_progress(census->view, n);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- Extents ------------------------------------------------------------------------------- */

/* Marks the blocks. False: one of them, *ret_block, cannot be this object's. */
static bool claim(struct img_census *census, const struct img_item *item,
                  const struct img_extent *extent, uint64_t *ret_block)
{
    uint64_t first;
    for (uint64_t b = extent->block; b < extent->block + extent->count; b++) {
        /* What was salvaged from a block that had been given up may be of a file that is gone. */
        bool gone = item->stale && !img_bit(census->view->marked, b);
        *ret_block = b;
        if (gone || img_bit(census->used, b))
            return false;
    }
    img_bits_set(census->used, extent->block, extent->count, &first);
    return true;
}

/* Looks at an extent; tells of what is wrong. Whether it is to go. */
static bool is_wrong(struct img_census *census, const struct img_item *item,
                     const struct img_extent *extent)
{
    struct img_view *view = census->view;
    struct img_object *object = &census->object;
    uint64_t logical = item->key.off, block;
    uint64_t most = (uint64_t)LT_SIZE_MAX / view->super.block_size + 1;
    if (extent->block >= view->super.blocks || extent->count > view->super.blocks - extent->block ||
        logical > most || extent->count > most - logical)
        return img_census_found(census, IMG_P_EXTENT_RANGE, object->id, 0, "%llu blocks from %llu",
                                (unsigned long long)extent->count,
                                (unsigned long long)extent->block);
    if (logical < object->end)
        return img_census_found(census, IMG_P_EXTENT_OVERLAP, object->id, 0,
                                "at logical block %llu", (unsigned long long)logical);
    if (!claim(census, item, extent, &block))
        return img_census_found(census, IMG_P_EXTENT_SHARED, object->id, block, "%s", "");
    object->end = logical + extent->count;
    object->blocks += extent->count;
    return false;
}

/* *ret_keep: it stays. */
static int check_extent(struct img_census *census, const struct img_item *item, bool *ret_keep)
{
    struct img_extent extent;
    bool data = census->report->check->data && !census->report->quiet;
    int r = img_extent_decode(item->value, item->len, census->view->super.data_check_size, &extent);
    if (r < 0) {
        *ret_keep =
            !img_census_found(census, IMG_P_ITEM_DAMAGED, census->object.id, 0, "an extent");
        return 0;
    }
    *ret_keep = !is_wrong(census, item, &extent);
    if (!*ret_keep || !data || extent.unwritten || census->object.broken)
        return 0;
    return scrub(census, &extent);
}

int img_census_extent(struct img_census *census, const struct img_item *item)
{
    struct img_object *object = &census->object;
    bool keep;
    if (object->inode.extent_len > 0 || object->inlined) {
        bool mend = img_census_found(census, IMG_P_INLINE_SIZE, object->id, 0, "extents beside %s",
                                     object->inlined ? "it" : "one in the inode");
        return mend ? img_census_drop(census, item->key) : 0;
    }
    int r = check_extent(census, item, &keep);
    return r < 0 || keep ? r : img_census_drop(census, item->key);
}

int img_census_inode_extent(struct img_census *census)
{
    struct img_object *object = &census->object;
    struct img_item item = {img_key(object->id, IMG_EXTENT, 0), object->inode.extent,
                            object->inode.extent_len, object->stale};
    bool keep;
    if (object->inode.extent_len == 0)
        return 0;
    if (!has_data(object)) {
        keep = !img_census_found(census, IMG_P_ITEM_FOREIGN, object->id, 0, "an extent");
    } else {
        int r = check_extent(census, &item, &keep);
        if (r < 0)
            return r;
    }
    if (!keep) {
        object->inode.extent_len = 0;
        object->change = true;
    }
    return 0;
}

int img_census_inline(struct img_census *census, const struct img_item *item)
{
    struct img_object *object = &census->object;
    const char *why = NULL;
    if (item->key.off != 0)
        why = "at the wrong key";
    else if (object->inode.extent_len > 0)
        why = "beside an extent";
    else if (object->has_inode && item->len > object->inode.size)
        why = "behind the end";
    object->inlined = true;
    object->inline_len = item->len;
    if (!why || !img_census_found(census, IMG_P_INLINE_SIZE, object->id, 0, "%s", why))
        return 0;
    if (item->key.off == 0 && object->inode.extent_len == 0) {
        object->inode.size = item->len; /* the data is more likely right than a number */
        object->change = true;
        return 0;
    }
    object->inlined = false;
    return img_census_drop(census, item->key);
}
