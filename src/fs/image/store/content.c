// SPDX-License-Identifier: MIT
/* File data: bytes of blocks, past the tree and, mostly, past the log. */
#include "private.h"

#include <stdlib.h>

int img_data_read(struct img_store *store, uint64_t block, uint64_t offset, void *buf, size_t len)
{
    const struct img_store_private *priv = store->priv;
    uint64_t start = block * img_block_size(store) + offset;
    if (atomic_load_explicit(&priv->dead, memory_order_relaxed))
        return LT_EIO;
    int r = lt_device_read(store->dev, start, buf, len);
    if (r == 0)
        img_overlay_apply(&priv->overlay, start, buf, len);
    return r;
}

int img_data_file(struct img_store *store)
{
    const struct img_store_private *priv = store->priv;
    if (atomic_load_explicit(&priv->dead, memory_order_relaxed))
        return LT_EIO;
    return priv->overlay.count > 0 ? LT_EOPNOTSUPP : lt_device_file(store->dev);
}

static size_t total(const struct lt_seg *segs, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += segs[i].len;
    return len;
}

/* Copies [from, from + len) of the segments. */
static void gather(const struct lt_seg *segs, size_t from, size_t len, uint8_t *to)
{
    for (; len > 0; segs++) {
        if (from >= segs->len) {
            from -= segs->len;
            continue;
        }
        size_t n = segs->len - from < len ? segs->len - from : len;
        memcpy(to, (const uint8_t *)segs->base + from, n);
        to += n;
        len -= n;
        from = 0;
    }
}

/* The part of a write that goes to this block, into the log. */
static int log_block(struct img_store *store, uint64_t block, uint64_t start,
                     const struct lt_seg *segs, size_t len)
{
    uint32_t block_size = img_block_size(store);
    uint64_t from = block * block_size > start ? block * block_size : start;
    uint64_t stop = (block + 1) * block_size < start + len ? (block + 1) * block_size : start + len;
    uint8_t *bytes = malloc((size_t)(stop - from));
    if (!bytes)
        return LT_ENOMEM;
    gather(segs, (size_t)(from - start), (size_t)(stop - from), bytes);
    struct img_txn txn;
    int r = img_begin(store, IMG_SHRINK, &txn);
    if (r == 0) {
        r = img_log_data(&txn, block, (uint32_t)(from % block_size), bytes, (size_t)(stop - from));
        r = img_end(&txn, r);
    }
    free(bytes);
    return r;
}

/* Blocks whose older data the log has need the newer there, too. */
static int log_again(struct img_store *store, uint64_t start, const struct lt_seg *segs, size_t len)
{
    uint32_t block_size = img_block_size(store);
    uint64_t at = start / block_size, end = (start + len - 1) / block_size + 1;
    for (;;) {
        uint64_t block = img_logged_find(&store->priv->logged, at, end - at);
        if (block == UINT64_MAX)
            return 0;
        int r = log_block(store, block, start, segs, len);
        if (r < 0)
            return r;
        at = block + 1;
    }
}

int img_data_write(struct img_store *store, uint64_t block, uint64_t offset,
                   const struct lt_seg *segs, size_t count, bool logged)
{
    struct img_store_private *priv = store->priv;
    uint64_t start = block * img_block_size(store) + offset;
    size_t len = total(segs, count);
    int r = priv->options.read_only ? LT_EROFS : img_alive(store);
    if (r == 0 && !logged && len > 0)
        r = log_again(store, start, segs, len);
    if (r == 0)
        r = lt_device_write(store->dev, start, segs, count);
    if (r < 0)
        return r;
    if (!logged || priv->options.sync == IMG_SYNC_NONE) {
        atomic_fetch_add(&priv->written, 1);
        img_wake_later(store);
    }
    return 0;
}

int img_promise(struct img_store *store, uint64_t blocks)
{
    for (unsigned round = 0;; round++) {
        int r = store->priv->options.read_only ? LT_EROFS : img_alive(store);
        if (r == 0)
            r = img_space_promise(store->space, blocks);
        if (r == 0)
            img_wake_later(store);
        if (r != LT_EAGAIN)
            return r;
        r = round < 2 ? img_checkpoint_wait(store) : LT_ENOSPC;
        if (r < 0)
            return r;
    }
}
