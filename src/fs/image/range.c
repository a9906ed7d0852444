// SPDX-License-Identifier: MIT
/*
 * The modes of fallocate. Long ranges take several transactions. A crash between two leaves a file
 * that is punched, filled or moved in part: every block is what it was before or what it is to be.
 */
#include "change.h"
#include "layout.h"
#include "ops.h"

#define ADD_EXTENTS 7u /* that one transaction adds: IMG_GROW */
/* That one transaction moves: two items each, beside those of IMG_CUT_EXTENTS in a range that goes,
 * within what IMG_SHRINK allows. */
#define MOVE_EXTENTS 56u
static_assert(IMG_MAP_SET_ITEMS(IMG_CUT_EXTENTS) + 2 * MOVE_EXTENTS + 2 <= 256, "IMG_SHRINK");

/* ---- Punching ------------------------------------------------------------------------------ */

/* Frees the blocks [first, end). */
static int punch_blocks(struct img_node *node, uint64_t first, uint64_t end) REQUIRES(node->lock)
{
    uint64_t count = 0;
    struct img_change c;
    for (uint64_t at = first; at < end; at += count) {
        int r = img_change_begin(&c, node, IMG_SHRINK);
        if (r)
            return r;
        r = at == 0 ? img_map_set_inline(&c.txn, node, NULL, 0) : 0;
        if (r == 0)
            r = img_map_span(node, at, end - at, IMG_CUT_EXTENTS, &count);
        struct img_run hole = {.logical = at, .count = count};
        if (r == 0)
            r = img_map_set(&c.txn, node, &hole);
        r = img_change_end(&c, r);
        if (r < 0)
            return r;
    }
    img_pending_remove(node, first, end);
    img_change_settle(node);
    return 0;
}

/* Makes zeros of a part of one block, if there is anything else in it. */
static int zero_part(struct img_node *node, uint64_t offset, uint64_t end) REQUIRES(node->lock)
{
    uint64_t index = offset / img_block_of(node), same;
    bool data;
    if (offset >= end)
        return 0;
    img_read_lock(img_store_of(node));
    bool inside = offset < node->inode.size;
    int r = img_data_probe(node, index, &data, &same);
    img_read_unlock(img_store_of(node));
    if (r < 0 || !data || !inside)
        return r;
    uint64_t start = index * img_block_of(node);
    return img_data_zero(node, index, (uint32_t)(offset - start), (uint32_t)(end - start));
}

/* Zeroes the parts of blocks at the ends of a range; *ret_first to *ret_end are its whole blocks.
 */
static int zero_ends(struct img_node *node, uint64_t offset, uint64_t end, uint64_t *ret_first,
                     uint64_t *ret_end) REQUIRES(node->lock)
{
    uint32_t block = img_block_of(node);
    uint64_t first = img_blocks_of(node, offset), last = end / block;
    *ret_first = first;
    *ret_end = last;
    if (first > last)
        return zero_part(node, offset, end);
    int r = zero_part(node, offset, first * block);
    return r < 0 ? r : zero_part(node, last * block, end);
}

int img_data_punch(struct img_node *node, uint64_t offset, uint64_t len)
{
    uint64_t first, end, size = img_size_of(node), stop = offset + len;
    if (stop >= size) /* what is behind the end does not have to stay */
        stop = img_max(stop, img_blocks_of(node, size) * img_block_of(node));
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
    img_read_lock(img_store_of(node));
    for (uint64_t at = first; r == 0 && at < end; at += run.count) {
        r = img_map_find(node, at, &run);
        if (r == 0 && run.block == 0)
            holes += img_min(run.count, end - at);
    }
    img_read_unlock(img_store_of(node));
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
    struct img_change c;
    enum img_purpose purpose = layout->count <= 32 / IMG_MAP_SET_ITEMS(1) ? IMG_GROW : IMG_LONG;
    int r = img_change_begin(&c, node, purpose);
    if (r)
        return r;
    r = img_layout_apply(layout, &c.txn);
    bool stays = r == 0;
    r = img_change_end(&c, r);
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
        img_space_unpromise(img_store_of(node)->space, blocks);
        *promised -= blocks;
        at = reached;
    }
    return 0;
}

/* Every block of the range gets space. LT_EAGAIN: a checkpoint would make room. */
static int reserve(const struct lt_ctx *ctx, struct img_node *node, uint64_t offset, uint64_t len)
    REQUIRES(node->lock)
{
    struct img_space *space = img_store_of(node)->space;
    uint64_t first = offset / img_block_of(node), end = img_blocks_of(node, offset + len), holes;
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
    struct img_change c;
    for (uint64_t at = first; at < end;) {
        int r = img_change_begin(&c, node, IMG_SHRINK);
        if (r)
            return r;
        for (unsigned n = 0; r == 0 && n < IMG_CUT_EXTENTS && at < end; n++, at += run.count) {
            r = img_map_find(node, at, &run);
            run.count = img_min(run.count, end - at);
            run.checks = NULL;
            if (r == 0 && run.block != 0 && !run.unwritten) {
                run.unwritten = true;
                r = img_map_set(&c.txn, node, &run);
            }
        }
        r = img_change_end(&c, r);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Only reserving may fail for lack of space, and it comes first. */
static int zero_range(const struct lt_ctx *ctx, struct img_node *node, uint64_t offset,
                      uint64_t len) REQUIRES(node->lock)
{
    uint64_t first = img_blocks_of(node, offset), end = (offset + len) / img_block_of(node);
    int r = reserve(ctx, node, offset, len);
    if (r == 0 && first < end)
        r = unwrite(node, first, end);
    return r < 0 ? r : zero_ends(node, offset, offset + len, &first, &end);
}

/* ---- Moving -------------------------------------------------------------------------------- */

/*
 * Both are durable before the file can be written again: the blocks are the same before and behind,
 * but mean other offsets, and what is written to them next must not show at the old ones after a
 * crash. Where there is no log, that takes a checkpoint.
 */

static int settle_move(struct img_node *node, int r) REQUIRES(node->lock)
{
    return r == 0 && img_fs_of(node)->unlogged ? img_checkpoint(img_store_of(node)) : r;
}

/* How far a collapse has come. */
struct collapse {
    uint64_t first, count; /* the range */
    uint64_t freed;        /* blocks of it */
    uint64_t at;           /* of img_map_shift() */
    bool more;
};

/* One step: a range of few extents goes with the first of those behind it that move. */
static int collapse_in(struct img_txn *txn, struct img_node *node, struct collapse *m)
    REQUIRES(img_items)
{
    struct img_run hole = {.logical = m->first + m->freed};
    int r = 0;
    if (m->freed < m->count) {
        r = img_map_span(node, hole.logical, m->count - m->freed, IMG_CUT_EXTENTS, &hole.count);
        if (r == 0)
            r = img_map_set(txn, node, &hole);
        m->freed += hole.count;
    }
    if (r < 0 || m->freed < m->count)
        return r;
    return img_map_shift(txn, node, m->first + m->count, -(int64_t)m->count, MOVE_EXTENTS, &m->at,
                         &m->more);
}

static int collapse(struct img_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    uint32_t block = img_block_of(node);
    struct collapse m = {.first = offset / block, .count = len / block, .more = true};
    struct img_change c;
    if ((offset | len) % block != 0 || offset + len >= img_size_of(node))
        return LT_EINVAL;
    int r = settle_data(node);
    while (r == 0 && m.more) {
        r = img_change_begin(&c, node, IMG_SHRINK);
        if (r)
            return r;
        r = collapse_in(&c.txn, node, &m);
        if (r == 0 && !m.more) {
            node->inode.size -= len;
            node->stable_size = node->inode.size;
        }
        c.txn.commit = !m.more;
        r = img_change_end(&c, r);
    }
    return r;
}

static int insert(struct img_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    uint64_t first = offset / img_block_of(node), count = len / img_block_of(node), at = 0;
    uint64_t size = img_size_of(node);
    struct img_change c;
    bool more = true;
    if ((offset | len) % img_block_of(node) != 0 || offset >= size)
        return LT_EINVAL;
    if (len > (uint64_t)LT_SIZE_MAX - size)
        return LT_EFBIG;
    int r = settle_data(node);
    if (r == 0)
        r = img_data_clear_tail(node);
    for (bool begun = false; r == 0 && more; begun = true) {
        r = img_change_begin(&c, node, begun ? IMG_SHRINK : IMG_LONG);
        if (r)
            return r;
        r = img_map_shift(&c.txn, node, first, (int64_t)count, MOVE_EXTENTS, &at, &more);
        if (r == 0 && !begun) {
            node->inode.size += len;
            node->stable_size = node->inode.size;
        }
        c.txn.commit = !more;
        r = img_change_end(&c, r);
    }
    return r;
}

/* ---- The operation ------------------------------------------------------------------------- */

static int may_allocate(struct img_node *node, uint32_t mode)
{
    img_read_lock(img_store_of(node));
    uint32_t flags = img_main(node)->inode.inode_flags;
    img_read_unlock(img_store_of(node));
    if (flags & LT_INODE_IMMUTABLE)
        return LT_EPERM;
    bool only_adds = (mode & ~(uint32_t)LT_FALLOC_KEEP_SIZE) == 0;
    return (flags & LT_INODE_APPEND) && !only_adds ? LT_EPERM : 0;
}

static int allocate_locked(const struct lt_ctx *ctx, struct img_node *node, uint32_t mode,
                           uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    if (mode & LT_FALLOC_COLLAPSE)
        return settle_move(node, collapse(node, offset, len));
    if (mode & LT_FALLOC_INSERT)
        return settle_move(node, insert(node, offset, len));
    if (mode & LT_FALLOC_PUNCH_HOLE)
        return img_data_punch(node, offset, len);
    int r = mode & LT_FALLOC_ZERO ? zero_range(ctx, node, offset, len)
                                  : reserve(ctx, node, offset, len);
    if (r == 0 && !(mode & LT_FALLOC_KEEP_SIZE) && offset + len > img_size_of(node))
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
