// SPDX-License-Identifier: MIT
/*
 * Sizes and ranges: truncate and the modes of fallocate.
 *
 * Long ones take several transactions of at most CUT_EXTENTS extents. A crash between two leaves a
 * file that is cut, punched, filled or moved in part: every block is what it was before or what it
 * is to be, and no extent with data ever lies behind the size.
 */
#include "layout.h"
#include "ops.h"

#include <stdlib.h>

#define CUT_EXTENTS 64u /* that one transaction frees */
#define ADD_EXTENTS 7u  /* that one transaction adds: IMG_GROW */

static struct img_store *store_of(const struct img_node *node)
{
    return img_fs_of(node)->store;
}

static uint32_t block_size(const struct img_node *node)
{
    return img_block_size(store_of(node));
}

static uint64_t blocks_of(const struct img_node *node, uint64_t size)
{
    return size / block_size(node) + (size % block_size(node) > 0);
}

static uint64_t size_of(const struct img_node *node)
{
    img_read_lock(store_of(node));
    uint64_t size = node->inode.size;
    img_read_unlock(store_of(node));
    return size;
}

/* ---- One transaction on a node's data ------------------------------------------------------ */

struct change {
    struct img_node *node;
    struct img_txn txn;
    struct img_saved saved;
};

static int change_begin(struct change *c, struct img_node *node, enum img_purpose purpose)
    TRY_ACQUIRE(0, img_items) NO_THREAD_SAFETY_ANALYSIS
{
    c->node = node;
    int r = img_begin(store_of(node), purpose, &c->txn);
    if (r == 0)
        img_save(node, &c->saved);
    return r;
}

/* With r < 0 nothing has happened. */
static int change_end(struct change *c, int r) RELEASE(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    if (r < 0)
        img_restore(c->node, &c->saved);
    else
        img_node_dirty(c->node);
    if (r >= 0)
        img_pending_publish(c->node);
    return img_end(&c->txn, r);
}

/* ---- Truncate ------------------------------------------------------------------------------ */

/* Writes the last block anew with zeros behind the size: where blocks have checks. In the
 * transaction that sets the size; works on a full volume as long as one block is left. */
static int renew_tail(struct img_layout *layout, struct img_node *node, uint64_t size,
                      uint8_t *block) REQUIRES(node->lock)
{
    struct img_store *store = store_of(node);
    uint32_t bytes = block_size(node);
    uint64_t index = size / bytes, got;
    size_t keep = (size_t)(size % bytes);
    struct img_run run;
    img_layout_init(layout, img_fs_of(node));
    if (keep == 0 || store->super.data_check_size == 0)
        return 0;
    img_read_lock(store);
    int r = img_map_find(node, index, &run);
    bool written = r == 0 && run.block != 0 && !run.unwritten;
    if (written)
        r = img_layout_plan(layout, node, index, 1, &got);
    img_read_unlock(store);
    if (r < 0 || !written)
        return r;
    r = img_data_fetch(node, index * bytes, block, keep);
    if (r == 0)
        r = img_layout_allocate(layout);
    if (r < 0)
        return r;
    memset(block + keep, 0, bytes - keep);
    layout->segs[layout->seg_count++] = (struct lt_seg){block, bytes};
    r = img_layout_write(layout, false);
    if (r < 0)
        img_layout_release(layout);
    return r;
}

/* The size that a file may have while extents from block `from` on are still there. */
static uint64_t cut_size(struct img_node *node, uint64_t size, bool more) REQUIRES_SHARED(img_items)
{
    uint64_t end;
    if (!more || img_map_end(node, &end) < 0)
        return size;
    return img_max(size, img_min(node->inode.size, end * block_size(node)));
}

static int cut_step(struct img_layout *layout, struct img_node *node, uint64_t size, bool *ret_more)
    REQUIRES(node->lock)
{
    struct change c;
    int r = change_begin(&c, node, IMG_SHRINK);
    if (r)
        return r;
    r = img_map_cut(&c.txn, node, blocks_of(node, size), CUT_EXTENTS, ret_more);
    if (r == 0 && !*ret_more)
        r = img_layout_apply(layout, &c.txn);
    if (r == 0) {
        uint64_t now = cut_size(node, size, *ret_more);
        node->stable_size = img_min(node->stable_size, now);
        node->inode.size = now;
    }
    r = change_end(&c, r);
    if (!*ret_more && r == 0)
        layout->count = 0;
    return r;
}

/* Forgets pending bytes behind the size. */
static void cut_pending(struct img_node *node, uint64_t size) REQUIRES(node->lock)
{
    uint32_t bytes = block_size(node), keep = (uint32_t)(size % bytes);
    img_pending_remove(node, blocks_of(node, size), UINT64_MAX);
    struct img_block *last = keep > 0 ? img_pending_find(node, size / bytes) : NULL;
    if (!last)
        return;
    memset(last->bytes + keep, 0, bytes - keep);
    /* With checks all of it is written; else what is behind the size means nothing. */
    last->hi = last->hi > keep ? keep : last->hi;
    last->lo = last->lo > last->hi ? last->hi : last->lo;
}

/* An INLINE item becomes shorter. */
static int cut_inline(struct img_node *node, uint64_t size) REQUIRES(node->lock)
{
    uint8_t data[IMG_INLINE_MAX];
    const void *value;
    struct change c;
    size_t len = 0;
    img_read_lock(store_of(node));
    int r = img_map_inline(node, &value, &len);
    if (r == 0 && len > size && len <= sizeof(data))
        memcpy(data, value, (size_t)size);
    img_read_unlock(store_of(node));
    if (r < 0 || len <= size || len > sizeof(data))
        return r == LT_ENOENT ? 0 : r;
    r = change_begin(&c, node, IMG_SHRINK);
    if (r)
        return r;
    r = img_map_set_inline(&c.txn, node, data, (size_t)size);
    if (r == 0) {
        node->stable_size = img_min(node->stable_size, size);
        node->inode.size = size;
    }
    return change_end(&c, r);
}

/* If nothing is pending any more, all of the size is stable. */
static void settle(struct img_node *node) REQUIRES(node->lock)
{
    img_lock_items(store_of(node));
    if (!node->pending)
        node->stable_size = node->inode.size;
    img_pending_publish(node);
    img_node_dirty(node);
    img_unlock_items(store_of(node));
}

static int shrink(struct img_node *node, uint64_t size) REQUIRES(node->lock)
{
    struct img_layout layout;
    bool more = true;
    uint8_t *block = malloc(block_size(node));
    if (!block)
        return LT_ENOMEM;
    int r = cut_inline(node, size);
    if (r == 0)
        r = renew_tail(&layout, node, size, block);
    free(block);
    if (r < 0)
        return r;
    while (r == 0 && more)
        r = cut_step(&layout, node, size, &more);
    if (layout.count > 0)
        img_layout_release(&layout);
    if (r < 0)
        return r;
    cut_pending(node, size);
    settle(node);
    return 0;
}

int img_data_grow(struct img_node *node, uint64_t size)
{
    struct change c;
    int r = img_data_clear_tail(node);
    if (r == 0)
        r = img_data_flush_locked(node, false, false);
    if (r < 0)
        return r;
    r = change_begin(&c, node, IMG_SHRINK);
    if (r)
        return r;
    node->inode.size = size;
    node->stable_size = size;
    return change_end(&c, 0);
}

int img_data_truncate(struct img_node *node, uint64_t size, bool kill_priv, struct lt_time now)
{
    if (size > LT_SIZE_MAX)
        return LT_EFBIG;
    lt_rwlock_write(&node->lock);
    uint64_t old = size_of(node);
    int r = size > old ? img_data_grow(node, size) : shrink(node, size);
    lt_rwlock_write_unlock(&node->lock);
    return r < 0 || size == old ? r : img_data_changed(node, kill_priv, now);
}

/* ---- Punching ------------------------------------------------------------------------------ */

/* Frees the blocks [first, end). */
static int punch_blocks(struct img_node *node, uint64_t first, uint64_t end) REQUIRES(node->lock)
{
    uint64_t count = 0;
    struct change c;
    for (uint64_t at = first; at < end; at += count) {
        int r = change_begin(&c, node, IMG_SHRINK);
        if (r)
            return r;
        r = at == 0 ? img_map_set_inline(&c.txn, node, NULL, 0) : 0;
        if (r == 0)
            r = img_map_span(node, at, end - at, CUT_EXTENTS, &count);
        struct img_run hole = {.logical = at, .count = count};
        if (r == 0)
            r = img_map_set(&c.txn, node, &hole);
        r = change_end(&c, r);
        if (r < 0)
            return r;
    }
    img_pending_remove(node, first, end);
    settle(node);
    return 0;
}

/* Makes zeros of a part of one block, if there is anything else in it. */
static int zero_part(struct img_node *node, uint64_t offset, uint64_t end) REQUIRES(node->lock)
{
    uint64_t index = offset / block_size(node), same;
    bool data;
    if (offset >= end)
        return 0;
    img_read_lock(store_of(node));
    bool inside = offset < node->inode.size;
    int r = img_data_probe(node, index, &data, &same);
    img_read_unlock(store_of(node));
    if (r < 0 || !data || !inside)
        return r;
    uint64_t start = index * block_size(node);
    return img_data_zero(node, index, (uint32_t)(offset - start), (uint32_t)(end - start));
}

/* Zeroes the parts of blocks at the ends of a range; *ret_first to *ret_end are its whole blocks.
 */
static int zero_ends(struct img_node *node, uint64_t offset, uint64_t end, uint64_t *ret_first,
                     uint64_t *ret_end) REQUIRES(node->lock)
{
    uint32_t block = block_size(node);
    uint64_t first = blocks_of(node, offset), last = end / block;
    *ret_first = first;
    *ret_end = last;
    if (first > last)
        return zero_part(node, offset, end);
    int r = zero_part(node, offset, first * block);
    return r < 0 ? r : zero_part(node, last * block, end);
}

int img_data_punch(struct img_node *node, uint64_t offset, uint64_t len)
{
    uint64_t first, end, size = size_of(node), stop = offset + len;
    if (stop >= size) /* what is behind the end does not have to stay */
        stop = img_max(stop, blocks_of(node, size) * block_size(node));
    int r = zero_ends(node, offset, stop, &first, &end);
    return r < 0 || first >= end ? r : punch_blocks(node, first, end);
}

/* ---- Reserving ----------------------------------------------------------------------------- */

/* Brings all of a file's data to extents. */
static int settle_data(struct img_node *node) REQUIRES(node->lock)
{
    int r = img_data_widen(node);
    return r < 0 ? r : img_data_flush_locked(node, false, true);
}

/* Blocks of [first, end) that are holes. */
static int count_holes(struct img_node *node, uint64_t first, uint64_t end, uint64_t *ret)
{
    uint64_t holes = 0;
    struct img_run run;
    int r = 0;
    img_read_lock(store_of(node));
    for (uint64_t at = first; r == 0 && at < end; at += run.count) {
        r = img_map_find(node, at, &run);
        if (r == 0 && run.block == 0)
            holes += img_min(run.count, end - at);
    }
    img_read_unlock(store_of(node));
    *ret = holes;
    return r;
}

/* Plans blocks for the next holes of [*at, end). */
static int plan_holes(struct img_layout *layout, struct img_node *node, uint64_t *at, uint64_t end)
    REQUIRES(node->lock)
{
    uint64_t max = layout->store->super.data_check_size ? IMG_CHECKED_BLOCKS_MAX : UINT32_MAX;
    struct img_run run;
    int r = 0;
    img_read_lock(layout->store);
    while (r == 0 && *at < end && layout->count < ADD_EXTENTS) {
        r = img_map_find(node, *at, &run);
        if (r < 0)
            break;
        uint64_t count = img_min(run.count, end - *at);
        if (run.block == 0) {
            count = img_min(count, max);
            layout->pieces[layout->count++] =
                (struct img_piece){.node = node, .logical = *at, .count = count, .kind = IMG_NEW};
        }
        *at += count;
    }
    img_read_unlock(layout->store);
    return r;
}

static int add_planned(struct img_layout *layout, struct img_node *node) REQUIRES(node->lock)
{
    struct change c;
    enum img_purpose purpose = layout->count <= 32 / IMG_MAP_SET_ITEMS(1) ? IMG_GROW : IMG_LONG;
    int r = change_begin(&c, node, purpose);
    if (r)
        return r;
    r = img_layout_apply(layout, &c.txn);
    bool stays = r == 0;
    r = change_end(&c, r);
    if (stays)
        layout->count = 0;
    return r;
}

/* Gives all holes of [first, end) blocks; *promised of them are. What was added before an error
 * stays: nobody sees it. */
static int fill_holes(const struct lt_ctx *ctx, struct img_node *node, uint64_t first, uint64_t end,
                      uint64_t *promised) REQUIRES(node->lock)
{
    struct img_layout layout;
    for (uint64_t at = first; at < end;) {
        if (ctx->cancel && atomic_load(ctx->cancel))
            return LT_EINTR;
        img_layout_init(&layout, img_fs_of(node));
        layout.unwritten = true;
        int r = plan_holes(&layout, node, &at, end);
        if (r == 0)
            r = img_layout_allocate(&layout);
        if (r < 0)
            return r;
        if (layout.count == 0)
            continue;
        const struct img_piece *last = &layout.pieces[layout.count - 1];
        uint64_t blocks = img_layout_new(&layout), reached = last->logical + last->count;
        r = add_planned(&layout, node);
        img_layout_release(&layout);
        if (r < 0)
            return r;
        img_space_unpromise(store_of(node)->space, blocks);
        *promised -= blocks;
        at = reached;
    }
    return 0;
}

/* Every block of the range gets space. LT_EAGAIN: a checkpoint would make room. */
static int reserve(const struct lt_ctx *ctx, struct img_node *node, uint64_t offset, uint64_t len)
    REQUIRES(node->lock)
{
    struct img_space *space = store_of(node)->space;
    uint64_t first = offset / block_size(node), end = blocks_of(node, offset + len), holes;
    int r = settle_data(node);
    if (r == 0)
        r = count_holes(node, first, end, &holes);
    if (r < 0 || holes == 0)
        return r;
    r = img_space_promise(space, holes);
    if (r < 0)
        return r;
    r = fill_holes(ctx, node, first, end, &holes);
    if (holes > 0)
        img_space_unpromise(space, holes);
    return r;
}

/* Blocks [first, end), all allocated, become unwritten. */
static int unwrite(struct img_node *node, uint64_t first, uint64_t end) REQUIRES(node->lock)
{
    struct img_run run = {.count = 0};
    struct change c;
    for (uint64_t at = first; at < end;) {
        int r = change_begin(&c, node, IMG_LONG);
        if (r)
            return r;
        for (unsigned n = 0; r == 0 && n < CUT_EXTENTS && at < end; n++, at += run.count) {
            r = img_map_find(node, at, &run);
            run.count = img_min(run.count, end - at);
            run.checks = NULL;
            if (r == 0 && run.block != 0 && !run.unwritten) {
                run.unwritten = true;
                r = img_map_set(&c.txn, node, &run);
            }
        }
        r = change_end(&c, r);
        if (r < 0)
            return r;
    }
    return 0;
}

static int zero_range(const struct lt_ctx *ctx, struct img_node *node, uint64_t offset,
                      uint64_t len) REQUIRES(node->lock)
{
    uint64_t first = 0, end = 0;
    int r = reserve(ctx, node, offset, len);
    if (r == 0)
        r = zero_ends(node, offset, offset + len, &first, &end);
    return r < 0 || first >= end ? r : unwrite(node, first, end);
}

/* ---- Moving -------------------------------------------------------------------------------- */

static int collapse(struct img_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    uint64_t first = offset / block_size(node), count = len / block_size(node), at = 0;
    struct change c;
    bool more = true;
    if ((offset | len) % block_size(node) != 0 || offset + len >= size_of(node))
        return LT_EINVAL;
    int r = settle_data(node);
    if (r == 0)
        r = punch_blocks(node, first, first + count);
    while (r == 0 && more) {
        r = change_begin(&c, node, IMG_SHRINK);
        if (r)
            return r;
        r = img_map_shift(&c.txn, node, first + count, -(int64_t)count, CUT_EXTENTS, &at, &more);
        if (r == 0 && !more) {
            node->inode.size -= len;
            node->stable_size = node->inode.size;
        }
        r = change_end(&c, r);
    }
    return r;
}

static int insert(struct img_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    uint64_t first = offset / block_size(node), count = len / block_size(node), at = 0;
    uint64_t size = size_of(node);
    struct change c;
    bool more = true;
    if ((offset | len) % block_size(node) != 0 || offset >= size)
        return LT_EINVAL;
    if (len > (uint64_t)LT_SIZE_MAX - size)
        return LT_EFBIG;
    int r = settle_data(node);
    if (r == 0)
        r = img_data_clear_tail(node);
    for (bool begun = false; r == 0 && more; begun = true) {
        r = change_begin(&c, node, IMG_LONG);
        if (r)
            return r;
        r = img_map_shift(&c.txn, node, first, (int64_t)count, CUT_EXTENTS, &at, &more);
        if (r == 0 && !begun) {
            node->inode.size += len;
            node->stable_size = node->inode.size;
        }
        r = change_end(&c, r);
    }
    return r;
}

/* ---- The operation ------------------------------------------------------------------------- */

static int may_allocate(struct img_node *node, uint32_t mode)
{
    img_read_lock(store_of(node));
    uint32_t flags = img_main(node)->inode.inode_flags;
    img_read_unlock(store_of(node));
    if (flags & LT_INODE_IMMUTABLE)
        return LT_EPERM;
    bool only_adds = (mode & ~(uint32_t)LT_FALLOC_KEEP_SIZE) == 0;
    return (flags & LT_INODE_APPEND) && !only_adds ? LT_EPERM : 0;
}

static int allocate_locked(const struct lt_ctx *ctx, struct img_node *node, uint32_t mode,
                           uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    if (mode & LT_FALLOC_COLLAPSE)
        return collapse(node, offset, len);
    if (mode & LT_FALLOC_INSERT)
        return insert(node, offset, len);
    if (mode & LT_FALLOC_PUNCH_HOLE)
        return img_data_punch(node, offset, len);
    int r = mode & LT_FALLOC_ZERO ? zero_range(ctx, node, offset, len)
                                  : reserve(ctx, node, offset, len);
    if (r == 0 && !(mode & LT_FALLOC_KEEP_SIZE) && offset + len > size_of(node))
        r = img_data_grow(node, offset + len);
    return r;
}

int imgfs_allocate(const struct lt_ctx *ctx, struct lt_node *base, uint32_t mode, uint64_t offset,
                   uint64_t len)
{
    struct img_node *node = img_node(base);
    struct img_fs *fs = img_fs_of(node);
    int r = may_allocate(node, mode);
    if (r == 0)
        r = img_data_relieve(fs);
    for (unsigned tries = 0; r == 0; tries++) {
        lt_rwlock_write(&node->lock);
        r = allocate_locked(ctx, node, mode, offset, len);
        lt_rwlock_write_unlock(&node->lock);
        if (r != LT_EAGAIN)
            break;
        r = tries < IMG_TRIES_MAX ? img_checkpoint(fs->store) : LT_ENOSPC;
    }
    return r < 0 ? r : img_data_changed(node, ctx->uid != 0, lt_clock_now());
}
