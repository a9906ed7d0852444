// SPDX-License-Identifier: MIT
/*
 * The size of a file. One with many extents becomes shorter in several transactions, and its size
 * with them: no extent with data ever lies behind the size.
 */
#include "change.h"
#include "layout.h"

#include <stdlib.h>

/* What a change of the size is asked for. */
struct resize {
    uint64_t size;
    const struct lt_setattr *set; /* other attributes, which change with it; NULL */
    struct lt_time now;
    bool resized; /* the size is another one */
};

static int begin(const struct resize *s, struct img_node *node, struct img_change *c)
    TRY_ACQUIRE(0, img_items)
{
    bool acl = s->set && (s->set->mask & LT_SET_ACL);
    return img_change_begin(c, node, acl ? IMG_LONG : IMG_SHRINK);
}

/* The last change of the last transaction. */
static int set_others(const struct resize *s, struct img_node *node, struct img_txn *txn)
    REQUIRES(img_items)
{
    if (!s->set)
        return 0;
    txn->commit = img_main(node)->inode.inode_flags & LT_INODE_SYNC;
    return img_set_in(txn, node, s->set, s->now, s->resized);
}

/* ---- Shorter ------------------------------------------------------------------------------- */

/* Writes the last block anew with zeros behind the size: where blocks have checks. In the
 * transaction that sets the size; works on a full volume as long as one block is left. */
static int renew_tail(struct img_layout *layout, struct img_node *node, uint64_t size,
                      uint8_t *block) REQUIRES(node->lock)
{
    struct img_store *store = img_store_of(node);
    uint32_t bytes = img_block_of(node);
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
    return img_max(size, img_min(node->inode.size, end * img_block_of(node)));
}

/* An INLINE item becomes shorter. `block` is memory for a block, which is longer than any item. */
static int cut_inline(struct img_txn *txn, struct img_node *node, uint64_t size, uint8_t *block)
    REQUIRES(img_items) REQUIRES(node->lock)
{
    const void *value;
    size_t len = 0;
    int r = img_map_inline(node, &value, &len);
    if (r < 0 || len <= size)
        return r == LT_ENOENT ? 0 : r;
    memcpy(block, value, (size_t)size);
    return img_map_set_inline(txn, node, block, (size_t)size);
}

static int cut_step(const struct resize *s, struct img_node *node, struct img_layout *layout,
                    uint8_t *block, bool *ret_more) REQUIRES(node->lock)
{
    struct img_change c;
    int r = begin(s, node, &c);
    if (r)
        return r;
    r = cut_inline(&c.txn, node, s->size, block);
    if (r == 0)
        r = img_map_cut(&c.txn, node, img_blocks_of(node, s->size), IMG_CUT_EXTENTS, ret_more);
    if (r == 0 && !*ret_more)
        r = img_layout_apply(layout, &c.txn);
    if (r == 0 && !*ret_more)
        r = set_others(s, node, &c.txn);
    if (r == 0) {
        uint64_t now = cut_size(node, s->size, *ret_more);
        node->stable_size = img_min(node->stable_size, now);
        node->inode.size = now;
        if (!*ret_more)
            layout->count = 0; /* used, whatever the commit says */
    }
    return img_change_end(&c, r);
}

/* Forgets pending bytes behind the size. */
static void cut_pending(struct img_node *node, uint64_t size) REQUIRES(node->lock)
{
    uint32_t bytes = img_block_of(node), keep = (uint32_t)(size % bytes);
    img_pending_remove(node, img_blocks_of(node, size), UINT64_MAX);
    struct img_block *last = keep > 0 ? img_pending_find(node, size / bytes) : NULL;
    if (!last)
        return;
    memset(last->bytes + keep, 0, bytes - keep);
    /* With checks all of it is written; else what is behind the size means nothing. */
    last->hi = last->hi > keep ? keep : last->hi;
    last->lo = last->lo > last->hi ? last->hi : last->lo;
}

static int shrink(const struct resize *s, struct img_node *node) REQUIRES(node->lock)
{
    struct img_layout layout;
    bool more = true;
    uint8_t *block = malloc(img_block_of(node));
    if (!block)
        return LT_ENOMEM;
    int r = renew_tail(&layout, node, s->size, block);
    while (r == 0 && more)
        r = cut_step(s, node, &layout, block, &more);
    free(block);
    if (layout.count > 0)
        img_layout_release(&layout);
    if (r < 0)
        return r;
    cut_pending(node, s->size);
    if (s->size == 0 && s->resized)
        node->replaced = true;
    img_change_settle(node);
    return 0;
}

/* ---- Longer -------------------------------------------------------------------------------- */

static int grow(const struct resize *s, struct img_node *node) REQUIRES(node->lock)
{
    struct img_change c;
    int r = img_data_clear_tail(node);
    if (r == 0)
        r = img_data_flush_locked(node, false, false);
    if (r < 0)
        return r;
    r = begin(s, node, &c);
    if (r)
        return r;
    r = set_others(s, node, &c.txn);
    if (r == 0)
        node->inode.size = node->stable_size = s->size;
    return img_change_end(&c, r);
}

int img_data_grow(struct img_node *node, uint64_t size)
{
    const struct resize s = {.size = size};
    return grow(&s, node);
}

int img_data_truncate(struct img_node *node, const struct lt_setattr *set, struct lt_time now)
{
    struct resize s = {.size = set->size, .set = set, .now = now};
    if (s.size > LT_SIZE_MAX)
        return LT_EFBIG;
    lt_rwlock_write(&node->lock);
    uint64_t old = img_size_of(node);
    s.resized = s.size != old;
    int r = s.size > old ? grow(&s, node) : shrink(&s, node);
    lt_rwlock_write_unlock(&node->lock);
    return r;
}
