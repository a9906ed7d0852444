// SPDX-License-Identifier: MIT
/*
 * Writing out what is pending, of one node or of many small ones together: their blocks are
 * allocated behind one another, written in one call and mapped in one transaction.
 *
 * Blocks of a node are written in ascending order, and node->stable_size follows: what a crash
 * leaves is a beginning of the file. After an error all that was not written is still pending.
 */
#include "change.h"
#include "layout.h"

#include <assert.h>

#define FLUSH_NODES IMG_LAYOUT_PIECES /* that are locked at the same time */
#define SYNCED_WRITES 64u             /* after a sync: img_node.synced */

/* ---- One layout ---------------------------------------------------------------------------- */

/* Whether all of the file's data is pending and fits into an item. */
static bool is_tiny(const struct img_node *node) REQUIRES_SHARED(img_items)
    REQUIRES_SHARED(node->lock)
{
    return node->inode.blocks == 0 && node->inode.size > 0 && node->inode.size <= IMG_INLINE_MAX &&
           node->pending->count == 1 && node->pending->blocks[0].index == 0;
}

/* Pending blocks from position `at` on with consecutive indices, as far as segments last. */
static size_t row_of(const struct img_layout *layout, const struct img_pending *p, size_t at)
{
    size_t n = 1, room = IMG_LAYOUT_SEGS - layout->seg_count;
    while (at + n < p->count && n < room && p->blocks[at + n].index == p->blocks[at].index + n)
        n++;
    return n;
}

/* Adds the memory of a piece that begins with pending block `block`. In place, only what is new of
 * the first and the last block is written. */
static void add_segs(struct img_layout *layout, struct img_piece *piece,
                     const struct img_block *block)
{
    uint32_t size = img_block_size(layout->store);
    bool whole = piece->kind != IMG_OVERWRITE;
    uint32_t lo = whole ? 0 : block->lo, hi = size;
    piece->skip = lo;
    piece->len = 0;
    for (uint64_t i = 0; i < piece->count; i++, lo = 0) {
        if (!whole && i + 1 == piece->count)
            hi = block[i].hi;
        layout->segs[layout->seg_count++] = (struct lt_seg){block[i].bytes + lo, hi - lo};
        piece->len += hi - lo;
    }
}

/* Adds what there is room for of a node's pending blocks. *ret_full: none is left. */
static int gather_node(struct img_layout *layout, struct img_node *node, bool blocks,
                       bool *ret_full) REQUIRES_SHARED(img_items) REQUIRES_SHARED(node->lock)
{
    struct img_pending *p = node->pending;
    size_t at = 0;
    if (is_tiny(node) && !blocks) {
        layout->pieces[layout->count++] = (struct img_piece){.node = node, .kind = IMG_TINY};
        at = p->count;
    }
    while (at < p->count && layout->count < IMG_LAYOUT_PIECES &&
           layout->seg_count < IMG_LAYOUT_SEGS) {
        size_t first = layout->count, row = row_of(layout, p, at);
        uint64_t got;
        int r = img_layout_plan(layout, node, p->blocks[at].index, row, &got);
        if (r < 0)
            return r;
        if (got == 0)
            break;
        for (size_t i = first; i < layout->count; at += (size_t)layout->pieces[i++].count)
            add_segs(layout, &layout->pieces[i], &p->blocks[at]);
    }
    *ret_full = at < p->count || layout->count == IMG_LAYOUT_PIECES ||
                layout->seg_count >= IMG_LAYOUT_BLOCKS;
    return 0;
}

/* The node's last piece in the layout has index i. */
static bool is_last_of_node(const struct img_layout *layout, size_t i)
{
    return i + 1 == layout->count || layout->pieces[i + 1].node != layout->pieces[i].node;
}

/* What was written is pending no more, and the size covers it. */
static void finish_node(struct img_layout *layout, const struct img_piece *last)
    REQUIRES(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_node *node = last->node;
    uint64_t end = last->kind == IMG_TINY ? 1 : last->logical + last->count;
    uint64_t covered = node->inode.size;
    img_pending_remove(node, 0, end);
    if (node->pending)
        covered = img_min(covered, node->pending->blocks[0].index * img_block_size(layout->store));
    node->stable_size = img_max(node->stable_size, covered);
    node->replaced = node->replaced && node->pending;
    img_pending_publish(node);
    img_node_dirty(node);
}

static int apply_tiny(struct img_txn *txn, struct img_node *node)
    REQUIRES(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    return img_map_set_inline(txn, node, node->pending->blocks[0].bytes, (size_t)node->inode.size);
}

static int apply(struct img_layout *layout, struct img_txn *txn, bool sync) REQUIRES(img_items)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < layout->count; i++) {
        struct img_node *node = layout->pieces[i].node;
        if (layout->pieces[i].kind == IMG_TINY)
            r = apply_tiny(txn, node);
        else if (node->inode.blocks == 0)
            r = img_map_set_inline(txn, node, NULL, 0); /* it was tiny before */
    }
    if (r == 0)
        r = img_layout_apply(layout, txn);
    return r == 0 && sync ? img_layout_log(layout, txn) : r;
}

static int run_txn(struct img_layout *layout, bool sync)
{
    struct img_saved saved[IMG_LAYOUT_PIECES];
    struct img_txn txn;
    int r = img_begin(layout->store, IMG_SHRINK, &txn);
    if (r) {
        img_layout_release(layout);
        return r;
    }
    for (size_t i = 0; i < layout->count; i++)
        img_save(layout->pieces[i].node, &saved[i]);
    r = apply(layout, &txn, sync);
    for (size_t i = 0; i < layout->count; i++) {
        if (r < 0)
            img_restore(layout->pieces[i].node, &saved[i]);
        else if (is_last_of_node(layout, i))
            finish_node(layout, &layout->pieces[i]);
    }
    /* What it did stays even if the commit that sync=always asks for fails. */
    int committed = img_end(&txn, r);
    if (r < 0)
        img_layout_release(layout);
    return committed;
}

static int run(struct img_layout *layout, bool sync)
{
    int r = img_layout_allocate(layout);
    if (r < 0)
        return r;
    r = img_layout_write(layout, sync);
    if (r < 0) {
        img_layout_release(layout);
        return r;
    }
    return run_txn(layout, sync);
}

/* ---- Nodes --------------------------------------------------------------------------------- */

/* Fills a layout from the locked nodes. */
static int gather(struct img_layout *layout, struct img_node **nodes, size_t count,
                  bool blocks) NO_THREAD_SAFETY_ANALYSIS
{
    bool full = false;
    int r = 0;
    img_read_lock(layout->store);
    for (size_t i = 0; i < count && r == 0 && !full; i++) {
        if (nodes[i]->pending)
            r = gather_node(layout, nodes[i], blocks, &full);
    }
    img_read_unlock(layout->store);
    return r;
}

/* Writes out the nodes, which are locked. */
static int flush_nodes(struct img_fs *fs, struct img_node **nodes, size_t count, bool sync,
                       bool blocks)
{
    struct img_layout layout;
    for (;;) {
        img_layout_init(&layout, fs);
        int r = gather(&layout, nodes, count, blocks);
        if (r == 0 && layout.count == 0)
            return 0;
        if (r == 0)
            r = run(&layout, sync);
        if (r < 0)
            return r;
    }
}

/* Whether all that is pending of a node may go into the log: one layout, and a small part of it. */
static bool fits_log(const struct img_node *node) REQUIRES_SHARED(node->lock)
{
    const struct img_store *store = img_fs_of(node)->store;
    uint64_t bytes = node->pending->count * (uint64_t)img_block_size(store);
    uint64_t log = store->super.log_blocks * img_block_size(store);
    return bytes <= IMG_LOGGED_MAX && bytes <= log / 4 && node->pending->count < IMG_LAYOUT_PIECES;
}

int img_data_flush_locked(struct img_node *node, bool sync, bool blocks)
{
    if (!node->pending)
        return 0;
    return flush_nodes(img_fs_of(node), &node, 1, sync && fits_log(node), blocks);
}

int img_data_flush(struct img_node *node, bool sync)
{
    lt_rwlock_write(&node->lock);
    int r = img_data_flush_locked(node, sync, false);
    if (sync)
        node->synced = SYNCED_WRITES;
    lt_rwlock_write_unlock(&node->lock);
    return r;
}

/* ---- All nodes ----------------------------------------------------------------------------- */

struct group {
    struct img_node *nodes[FLUSH_NODES];  /* oldest first, with a reference each */
    struct img_node *sorted[FLUSH_NODES]; /* by address, the order of locking */
    size_t count;
};

/* Takes the oldest nodes off a queue, up to IMG_FLUSH_BYTES, if they came before `stamp`. */
static void group_take(struct img_data_state *data, struct img_queue *queue, uint64_t stamp,
                       uint32_t size, struct group *ret)
{
    uint64_t bytes = 0;
    ret->count = 0;
    lt_mutex_lock(&data->lock);
    for (struct img_pending *p = queue->first, *next; p && p->stamp <= stamp; p = next) {
        next = p->next;
        if (ret->count == FLUSH_NODES || bytes >= IMG_FLUSH_BYTES)
            break;
        if (!img_node_revive(p->node))
            continue;
        bytes += atomic_load_explicit(&p->size, memory_order_relaxed) * size;
        ret->nodes[ret->count++] = p->node;
        img_pending_unlist(data, p);
    }
    lt_mutex_unlock(&data->lock);
}

static void group_lock(struct group *group) NO_THREAD_SAFETY_ANALYSIS
{
    for (size_t i = 0; i < group->count; i++) {
        size_t at = i;
        for (; at > 0 && (uintptr_t)group->sorted[at - 1] > (uintptr_t)group->nodes[i]; at--)
            group->sorted[at] = group->sorted[at - 1];
        group->sorted[at] = group->nodes[i];
    }
    for (size_t i = 0; i < group->count; i++)
        lt_rwlock_write(&group->sorted[i]->lock);
}

/* What could not be written goes to the end of its queue. */
static void group_unlock(struct group *group) NO_THREAD_SAFETY_ANALYSIS
{
    for (size_t i = 0; i < group->count; i++) {
        img_pending_list(group->nodes[i]);
        lt_rwlock_write_unlock(&group->nodes[i]->lock);
    }
    for (size_t i = 0; i < group->count; i++)
        lt_node_put(&group->nodes[i]->base);
}

/* If they cannot be written together, those are that can be alone. */
static int group_flush(struct img_fs *fs, struct group *group)
{
    int first = flush_nodes(fs, group->nodes, group->count, false, false);
    for (size_t i = 0; first < 0 && group->count > 1 && i < group->count; i++) {
        int r = flush_nodes(fs, &group->nodes[i], 1, false, false);
        first = r < 0 ? r : first;
    }
    return first;
}

/* Writes out nodes of a queue, oldest first, until not more than `target` bytes are pending or all
 * that were in it before the call are written. Returns the first error; others were tried all the
 * same. */
static int flush_queue(struct img_fs *fs, struct img_queue *queue, uint64_t target)
    REQUIRES(fs->data->flush_lock)
{
    struct img_data_state *data = fs->data;
    struct group group;
    int first = 0;
    lt_mutex_lock(&data->lock);
    uint64_t stamp = data->stamps;
    lt_mutex_unlock(&data->lock);
    while (atomic_load(&data->bytes) > target || target == 0) {
        group_take(data, queue, stamp, img_block_size(fs->store), &group);
        if (group.count == 0)
            break;
        group_lock(&group);
        int r = group_flush(fs, &group);
        group_unlock(&group);
        first = first < 0 ? first : r;
    }
    return first < 0 ? first : 0;
}

static int flush_queues(struct img_fs *fs, uint64_t target)
{
    lt_mutex_lock(&fs->data->flush_lock);
    int first = flush_queue(fs, &fs->data->replacing, target);
    int r = flush_queue(fs, &fs->data->others, target);
    lt_mutex_unlock(&fs->data->flush_lock);
    return first < 0 ? first : r;
}

void img_data_flush_all(void *arg)
{
    struct img_fs *fs = arg;
    atomic_store(&fs->data->error, flush_queues(fs, 0));
}

void img_data_flush_replacing(void *arg)
{
    struct img_fs *fs = arg;
    if (atomic_load(&fs->data->replacing_count) == 0)
        return;
    lt_mutex_lock(&fs->data->flush_lock); /* somebody else may be at it */
    (void)flush_queue(fs, &fs->data->replacing, 0);
    lt_mutex_unlock(&fs->data->flush_lock);
}

int img_data_error(struct img_fs *fs)
{
    return atomic_load(&fs->data->error);
}

int img_data_relieve(struct img_fs *fs)
{
    struct img_data_state *data = fs->data;
    if (atomic_load_explicit(&data->bytes, memory_order_relaxed) <= data->budget)
        return 0;
    int r = flush_queues(fs, data->budget - data->budget / IMG_RELIEF);
    return atomic_load(&data->bytes) <= data->budget ? 0 : r;
}
