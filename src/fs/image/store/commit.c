// SPDX-License-Identifier: MIT
/*
 * Commits: what ended transactions have put into the log's buffer is taken as one batch and
 * written. Whoever comes while that goes on waits for the commit lock, and finds that he is
 * done, or is the next to write for all who wait.
 */
#include "private.h"

/* Everything that the caller cares for is durable. */
static bool is_durable(const struct img_store *store, uint64_t target)
{
    return atomic_load(&store->priv->durable) >= target && !img_data_unflushed(store);
}

static void durable_upto(struct img_store *store, uint64_t upto)
{
    if (atomic_load(&store->priv->durable) < upto)
        atomic_store(&store->priv->durable, upto);
}

/* Zeros are written behind a batch that is shorter than this, and so many of them; at first less.
 * A host's disk that only has reserved a range takes far longer to make a write to it durable than
 * one to blocks that were written before. */
#define AHEAD_MIN (UINT64_C(64) << 10)
#define AHEAD_MAX (UINT64_C(1) << 20)

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Blocks of zeros to go behind a batch that ends at `end`: where nobody has been in this life, and
 * so nothing is in use, up to the ring's end. */
static uint64_t blocks_ahead(const struct img_store *store, uint64_t end, uint64_t blocks)
    REQUIRES(img_commits, img_items)
{
    const struct img_store_private *priv = store->priv;
    const struct img_super *s = &store->super;
    uint64_t written = (end - priv->first) * s->block_size;
    if (end <= priv->written_to || blocks * s->block_size >= AHEAD_MIN)
        return 0;
    uint64_t bytes = written < AHEAD_MIN ? AHEAD_MIN : min_u64(written, AHEAD_MAX);
    uint64_t to = min_u64(end + bytes / s->block_size, priv->first + s->log_blocks);
    uint64_t ring_end = (end + s->log_blocks - 1) / s->log_blocks * s->log_blocks;
    to = min_u64(to, ring_end);
    return to > end ? to - end : 0;
}

int img_batch_take(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    struct img_batch_out *out = &priv->out;
    const struct img_super *s = &store->super;
    if (priv->log.len == 0)
        return 0;
    uint64_t blocks = (priv->log.len + s->block_size - 1) / s->block_size;
    if (blocks > s->log_blocks - (priv->head - priv->tail))
        return LT_EAGAIN;
    int r = img_log_room(&priv->log, s->block_size); /* zeros behind it */
    if (r < 0)
        return r;
    struct img_log_buffer spare = out->log;
    out->log = priv->log;
    out->batch = (struct img_batch){
        .volume = priv->volume,
        .epoch = s->epoch,
        .sequence = priv->next_sequence++,
        .next_id = s->next_id,
        .nodes = s->nodes,
    };
    out->at = priv->head;
    out->ahead = blocks_ahead(store, priv->head + blocks, blocks);
    out->upto = atomic_load(&priv->ended);
    priv->log = spare;
    priv->head += blocks;
    return 0;
}

static const uint8_t zeros[AHEAD_MIN];

/* Writes bytes, and zeros behind them, to block `at` of the ring, durably. */
static int put_through(struct img_store *store, uint64_t at, const uint8_t *bytes, size_t len,
                       uint64_t zeros_len)
{
    struct lt_seg segs[2 + AHEAD_MAX / AHEAD_MIN] = {{(void *)(uintptr_t)bytes, len}};
    size_t count = 1;
    for (; zeros_len > 0; count++) {
        size_t n = (size_t)min_u64(zeros_len, sizeof(zeros));
        segs[count] = (struct lt_seg){(void *)(uintptr_t)zeros, n};
        zeros_len -= n;
    }
    return lt_device_write_through(store->dev, img_log_offset(&store->super, at), segs, count);
}

/* Puts the sealed batch into the ring, over its end where it is. */
static int ring_write(struct img_store *store, size_t len) REQUIRES(img_commits)
{
    const struct img_super *s = &store->super;
    const struct img_batch_out *out = &store->priv->out;
    uint64_t room = s->log_blocks - out->at % s->log_blocks, ahead = out->ahead * s->block_size;
    size_t first = (size_t)min_u64(len, room * s->block_size);
    int r = put_through(store, out->at, out->log.bytes, first, first == len ? ahead : 0);
    if (r == 0 && first < len)
        r = put_through(store, out->at + room, out->log.bytes + first, len - first, ahead);
    uint64_t to = out->at + len / s->block_size + out->ahead;
    if (r == 0 && store->priv->written_to < to)
        store->priv->written_to = to;
    return r;
}

int img_batch_write(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    struct img_batch_out *out = &priv->out;
    int r = img_alive(store);
    /* Data before the batch that refers to it. */
    if (r == 0 && img_data_unflushed(store))
        r = img_flush(store);
    if (r < 0 || out->log.len == 0)
        return r;
    size_t len = img_log_seal(&out->log, &out->batch, store->super.block_size);
    r = ring_write(store, len);
    if (r < 0)
        return r == LT_ENOSPC ? r : img_latch(store, r);
    img_log_reset(&out->log, 2 * priv->log_limit);
    atomic_fetch_add(&priv->stats.commits, 1);
    atomic_fetch_add(&priv->stats.flushes, 1);
    atomic_fetch_add(&priv->stats.log_bytes, len);
    durable_upto(store, out->upto);
    return 0;
}

/* Seals and takes a batch of everything so far; *ret_upto: the transactions that it ends. */
static int collect(struct img_store *store, uint64_t *ret_upto) REQUIRES(img_commits)
{
    img_write_lock(store);
    int r = store->priv->covered > 0 ? LT_EAGAIN : img_seal_items(store);
    if (r == 0)
        r = img_batch_take(store);
    *ret_upto = atomic_load(&store->priv->ended);
    img_write_unlock(store);
    return r;
}

static int commit_locked(struct img_store *store) REQUIRES(img_commits)
{
    uint64_t upto = 0;
    int r = img_batch_write(store); /* what a full host has left over */
    if (r == 0)
        r = collect(store, &upto);
    if (r == 0)
        r = img_batch_write(store);
    if (r == 0)
        durable_upto(store, upto);
    return r;
}

int img_commit_upto(struct img_store *store, uint64_t target)
{
    for (;;) {
        int r = img_alive(store);
        if (r < 0 || is_durable(store, target))
            return r;
        img_commit_lock(store);
        if (!is_durable(store, target))
            r = commit_locked(store);
        img_commit_unlock(store);
        if (r != LT_EAGAIN)
            return r;
        r = img_checkpoint_wait(store); /* makes room in the ring */
        if (r < 0)
            return is_durable(store, target) ? 0 : r;
    }
}

int img_commit(struct img_store *store, bool all)
{
    const struct img_store_options *options = &store->priv->options;
    if (options->read_only)
        return 0;
    if (all && store->priv->started && options->flush)
        options->flush(options->arg);
    else if (store->priv->started && options->order && options->sync != IMG_SYNC_NONE)
        options->order(options->arg);
    int r = img_alive(store);
    if (r < 0)
        return r;
    if (options->sync == IMG_SYNC_NONE)
        return all ? img_checkpoint(store) : 0;
    return img_commit_upto(store, atomic_load(&store->priv->ended));
}
