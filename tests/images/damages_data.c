// SPDX-License-Identifier: MIT
/* Data and space. */
#include "damages.h"

#include "../unit/test.h"

#include <fs/image/check/rewrite.h>
#include <fs/image/store/block.h>
#include <stdlib.h>

#define BLOCK DAMAGES_BLOCK

static struct damage d;

static void change_extent(const char *name, void (*fn)(struct img_extent *extent))
{
    struct img_inode inode;
    struct img_extent extent;
    uint8_t buf[IMG_INLINE_EXTENT_MAX + 64];
    uint64_t id = damage_child(&d, name);
    damage_get_inode(&d, id, &inode);
    assert_true(inode.extent_len > 0);
    uint32_t size = d.view.super.data_check_size;
    assert_int_equal(img_extent_decode(inode.extent, inode.extent_len, size, &extent), 0);
    fn(&extent);
    size_t len = img_extent_encode(&extent, size, buf);
    memcpy(inode.extent, buf, len);
    inode.extent_len = (uint8_t)len;
    damage_put_inode(&d, id, &inode);
}

static void far_away(struct img_extent *extent)
{
    extent->block = 5000000;
}

static void extent_range(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", far_away);
    damage_end(&d);
}

static void extent_overlap(struct lt_device *dev)
{
    uint8_t buf[1024];
    size_t len;
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, damage_child(&d, "sparse"), IMG_EXTENT), next = key;
    next.off++;
    key = damage_first(&d, key.id, IMG_EXTENT);
    uint8_t *value = damage_get(&d, key, &len);
    struct img_extent extent;
    assert_int_equal(img_extent_decode(value, len, d.view.super.data_check_size, &extent), 0);
    assert_true(extent.count > 1);
    /* One block of the same file, in the middle of the first extent. */
    struct img_extent other = {.count = 1, .block = 700, .birth = 1, .unwritten = true};
    damage_put(&d, next, buf, img_extent_encode(&other, d.view.super.data_check_size, buf));
    struct img_inode inode;
    damage_get_inode(&d, key.id, &inode);
    inode.blocks++;
    damage_put_inode(&d, key.id, &inode);
    free(value);
    damage_end(&d);
}

static void on_the_log(struct img_extent *extent)
{
    extent->block = 5;
}

static void extent_shared(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", on_the_log);
    damage_end(&d);
}

static void inline_size(struct lt_device *dev)
{
    static const char bytes[102];
    damage_begin(&d, dev);
    damage_put(&d, img_key(damage_child(&d, "size-100"), IMG_INLINE, 0), bytes, sizeof(bytes));
    damage_end(&d);
}

static uint64_t data_block;
static void note_block(struct img_extent *extent)
{
    data_block = extent->block;
}

static void data_damaged(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", note_block);
    damage_end(&d);
    damage_bit(dev, (data_block + 2) * BLOCK + 1000, 5);
}

static void data_unreadable(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", note_block);
    damage_end(&d);
    damage_unreadable(dev, (data_block + 3) * BLOCK + 512, 512);
}

static uint64_t bitmap_block(struct lt_device *dev)
{
    damage_begin(&d, dev);
    uint64_t block = IMG_BITMAP_PLACE + d.view.group[0].place;
    img_view_close(&d.view);
    return block;
}

static void bitmap_damaged(struct lt_device *dev)
{
    damage_bit(dev, bitmap_block(dev) * BLOCK + 100, 0);
}

static void mark_last(void *page)
{
    ((uint8_t *)page)[64 + 1000 / 8] |= 1; /* block 1000 */
}

static void space_item(struct lt_device *dev)
{
    damage_block(dev, BLOCK, bitmap_block(dev), mark_last);
}

/* Rewrites with a bitmap that is wrong for one block. */
static void rewrite_with(struct lt_device *dev, uint64_t block, bool used)
{
    struct img_census census = {0};
    damage_begin(&d, dev);
    assert_int_equal(img_census_run(&census, &d.view), 0);
    if (used)
        img_bit_set(census.used, block);
    else
        img_bit_clear(census.used, block);
    assert_int_equal(img_rewrite(&d.view, census.used, census.used), 0);
    img_census_fini(&census);
    img_view_close(&d.view);
}

static void block_leaked(struct lt_device *dev)
{
    rewrite_with(dev, 1000, true);
}

static void block_free(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", note_block);
    damage_end(&d);
    rewrite_with(dev, data_block + 4, false);
}

static void more_free(struct img_super *super)
{
    super->free_blocks += 3;
}

static void free_count(struct lt_device *dev)
{
    damage_supers(dev, more_free);
}

static void more_nodes(struct img_super *super)
{
    super->nodes += 3;
}

static void node_count(struct lt_device *dev)
{
    damage_supers(dev, more_nodes);
}

static void small_id(struct img_super *super)
{
    super->next_id -= 5;
}

static void next_id(struct lt_device *dev)
{
    damage_supers(dev, small_id);
}

const struct damage_case damages_data[] = {
    {"extent out of range", 601, extent_range},
    {"extents overlap", 602, extent_overlap},
    {"extent shared", 603, extent_shared},
    {"inline data too long", 604, inline_size},
    {"data damaged", 611, data_damaged, .stays = true, .checks = true},
    {"data unreadable", 612, data_unreadable, .stays = true},
    {"bitmap damaged", 701, bitmap_damaged, .more = true},
    {"account of a group", 702, space_item, .more = true},
    {"block wrongly free", 703, block_free},
    {"block leaked", 704, block_leaked},
    {"free count", 705, free_count},
    {"node count", 706, node_count},
    {"next id", 707, next_id},
    {0},
};
