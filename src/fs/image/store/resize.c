// SPDX-License-Identifier: MIT
#include "private.h"

static uint64_t blocks_in(const struct img_store *store, uint64_t size)
{
    uint64_t group = img_group_blocks(store->super.block_size);
    uint64_t blocks = size / store->super.block_size;
    return blocks % group < IMG_GROUP_BLOCKS_MIN ? blocks - blocks % group : blocks;
}

static int set_blocks(struct img_store *store, uint64_t blocks)
{
    img_write_lock(store);
    int r = img_space_resize(store->space, blocks);
    if (r == 0) {
        store->super.blocks = blocks;
        img_space_set_reserve(store->space, img_reserve_blocks(&store->super));
    }
    img_write_unlock(store);
    return r;
}

/* The device is never smaller than the superblock says: it grows before and shrinks after. */
int img_resize(struct img_store *store, uint64_t size)
{
    uint64_t blocks = blocks_in(store, size), old = store->super.blocks;
    int r = store->priv->options.read_only ? LT_EROFS : img_alive(store);
    if (r == 0 && blocks < store->super.log_block + store->super.log_blocks + 8)
        r = LT_EINVAL;
    if (r == 0 && size > lt_device_size(store->dev))
        r = lt_device_resize(store->dev, size);
    if (r == 0)
        r = img_checkpoint_run(store, IMG_FORCE); /* what is pinned becomes free */
    if (r < 0)
        return r;
    r = set_blocks(store, blocks);
    if (r == 0)
        r = img_checkpoint_run(store, IMG_FORCE);
    if (r == 0 && blocks < old)
        r = img_checkpoint_run(store, IMG_FORCE); /* into the other superblock, too */
    if (r < 0)
        return r;
    if (blocks < old)
        r = lt_device_resize(store->dev, size);
    return r == 0 ? img_flush(store) : r;
}
