// SPDX-License-Identifier: MIT
/* The bitmaps of a view: what the image says is in use, beside what is. */
#include "view.h"

#include <fs/image/kinds.h>
#include <fs/image/store/block.h>

static int take_item(void *arg, const struct img_item *item)
{
    struct img_view *view = arg;
    struct img_space_disk disk;
    if (item->key.off >= view->groups || item->len != sizeof(disk)) {
        img_found(view->report, IMG_P_SPACE_ITEM, 0, 0, "group %llu, %zu bytes",
                  (unsigned long long)item->key.off, item->len);
        return img_view_put(view, item->key, NULL, 0);
    }
    memcpy(&disk, item->value, sizeof(disk));
    view->group[item->key.off] = (struct img_group){lt_get_le64(disk.birth), lt_get_le32(disk.free),
                                                    disk.place, true, disk.place <= 1};
    return 0;
}

/* Bits of a group's bitmap in view->page that are behind the group's end. */
static bool tail_is_set(const struct img_view *view, uint64_t size)
{
    const uint8_t *bits = view->page + sizeof(struct img_block_header);
    for (uint64_t i = size; i < view->group_blocks; i++)
        if (!(bits[i / 8] >> (i % 8) & 1))
            return false;
    return true;
}

static void copy_bits(struct img_view *view, uint64_t first, uint64_t size)
{
    const uint8_t *bits = view->page + sizeof(struct img_block_header);
    for (uint64_t i = 0; i < size; i += 8) {
        uint64_t at = first + i; /* a multiple of 8: so is the size of groups */
        uint64_t mask = size - i < 8 ? (UINT64_C(1) << (size - i)) - 1 : 0xff;
        view->marked[at / 64] |= (bits[i / 8] & mask) << (at % 64);
    }
}

static uint64_t count_set(const uint64_t *bits, uint64_t from, uint64_t count)
{
    uint64_t n = 0, end = from + count;
    for (; from < end && from % 64; from++)
        n += img_bit(bits, from);
    for (; from + 64 <= end; from += 64)
        n += (uint64_t)__builtin_popcountll(bits[from / 64]);
    for (; from < end; from++)
        n += img_bit(bits, from);
    return n;
}

static void read_group(struct img_view *view, uint64_t g)
{
    struct img_group *group = &view->group[g];
    uint64_t first = g * view->group_blocks, size = img_view_group_size(view, g);
    uint64_t block = first + IMG_BITMAP_PLACE + (group->place & 1u);
    struct img_block_id id = {view->volume, block, group->birth, IMG_BLOCK_BITMAP};
    const char *why = group->place > 1 ? "its place is wrong" : NULL;

    if (!why && img_view_block(view, block, view->page) < 0)
        why = "it cannot be read";
    if (!why && img_block_verify(view->page, view->super.block_size, &id) < 0)
        why = "its check or header is wrong";
    if (why) {
        group->valid = false;
        img_found(view->report, IMG_P_BITMAP_DAMAGED, 0, block, "%s", why);
        return;
    }
    if (!tail_is_set(view, size))
        img_found(view->report, IMG_P_BITMAP_DAMAGED, 0, block, "bits behind the end are free");
    copy_bits(view, first, size);
    uint64_t free = size - count_set(view->marked, first, size);
    if (free != group->free)
        img_found(view->report, IMG_P_SPACE_ITEM, 0, 0, "group %llu has %llu free blocks, not %u",
                  (unsigned long long)g, (unsigned long long)free, group->free);
}

/* What the layout says of a group that has no bitmap. */
static void unused_group(struct img_view *view, uint64_t g)
{
    uint64_t first = g * view->group_blocks, end = first + img_view_group_size(view, g);
    uint64_t log_end = view->super.log_block + view->super.log_blocks, any;
    if (g == 0)
        img_bits_set(view->marked, 0, IMG_BITMAP_PLACE, &any);
    img_bits_set(view->marked, first + IMG_BITMAP_PLACE, 2, &any);
    if (view->super.log_block >= first && view->super.log_block < end)
        img_bits_set(view->marked, view->super.log_block,
                     (log_end < end ? log_end : end) - view->super.log_block, &any);
}

static void apply_move(struct img_view *view, const struct img_move *move)
{
    bool right = true;
    for (uint64_t b = move->block; b < move->block + move->count; b++) {
        right &= img_bit(view->marked, b) != move->take;
        if (move->take)
            img_bit_set(view->marked, b);
        else
            img_bit_clear(view->marked, b);
    }
    for (uint64_t g = move->block / view->group_blocks;
         g <= (move->block + move->count - 1) / view->group_blocks; g++)
        right |= view->group[g].present && !view->group[g].valid;
    if (!right)
        img_found(view->report, IMG_P_LOG_SPACE, 0, move->block, "%s %llu blocks from %llu",
                  move->take ? "takes" : "frees", (unsigned long long)move->count,
                  (unsigned long long)move->block);
}

int img_view_space(struct img_view *view)
{
    struct img_key first = img_key(0, IMG_SPACE, 0), last = img_key(0, IMG_SPACE, UINT64_MAX);
    uint64_t used;
    int r = img_view_each(view, first, last, take_item, view);
    if (r < 0)
        return r;
    for (uint64_t g = 0; g < view->groups; g++)
        if (view->group[g].present)
            read_group(view, g);
        else
            unused_group(view, g);
    used = count_set(view->marked, 0, view->super.blocks);
    if (view->super.blocks - used != view->super.free_blocks && view->hole_count == 0)
        img_found(view->report, IMG_P_FREE_COUNT, 0, 0, "%llu instead of %llu",
                  (unsigned long long)view->super.free_blocks,
                  (unsigned long long)(view->super.blocks - used));
    for (size_t i = 0; i < view->move_count; i++)
        apply_move(view, &view->moves[i]);
    return img_view_settle(view);
}
