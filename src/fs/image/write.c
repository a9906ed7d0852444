// SPDX-License-Identifier: MIT
/*
 * Writing. Long runs of whole blocks go to the device at once: in place where that is allowed, else
 * to new blocks, which one transaction maps. Everything else is copied to pending blocks, which
 * are written out when a node has many, the budget is used up, or somebody syncs.
 *
 * What becomes pending has a promise of space for every block that it will take, so that a full
 * volume shows here and not later.
 */
#include "change.h"
#include "layout.h"
#include "ops.h"

#include <assert.h>

/* From this many bytes on a write makes new blocks at once. */
#define DIRECT_MIN (128u << 10)
/* What one transaction maps at most; with data checks IMG_LAYOUT_BLOCKS. */
#define DIRECT_MAX (UINT64_C(8) << 20)

/* Where a write is: in the file, and in what is to be written. */
struct writer {
    struct img_node *node;
    struct img_fs *fs;
    struct img_store *store;
    uint32_t block; /* bytes */
    uint64_t offset, left;
    uint64_t size;             /* of the file, with what was written so far */
    const struct lt_seg *segs; /* the current one, from `done` on */
    size_t done;
};

static bool has_checks(const struct writer *w)
{
    return w->store->super.data_check_size > 0;
}

static struct lt_seg writer_take(struct writer *w, uint64_t len)
{
    while (w->done == w->segs->len) {
        w->segs++;
        w->done = 0;
    }
    struct lt_seg part = {(uint8_t *)w->segs->base + w->done,
                          (size_t)img_min(len, w->segs->len - w->done)};
    w->done += part.len;
    w->offset += part.len;
    w->left -= part.len;
    return part;
}

static void writer_copy(struct writer *w, uint8_t *to, size_t len)
{
    while (len > 0) {
        struct lt_seg part = writer_take(w, len);
        memcpy(to, part.base, part.len);
        to += part.len;
        len -= part.len;
    }
    w->size = img_max(w->size, w->offset);
}

/* Tells the inode of what was written so far. */
static void publish(struct writer *w) REQUIRES(w->node->lock)
{
    struct img_node *node = w->node;
    img_lock_items(w->store);
    node->inode.size = img_max(node->inode.size, w->size);
    if (!node->pending)
        node->stable_size = node->inode.size;
    img_pending_publish(w->node);
    img_node_dirty(node);
    img_unlock_items(w->store);
    img_pending_list(w->node);
}

/* ---- Pending blocks ------------------------------------------------------------------------ */

/* Whether writing the block out will take one of space: not if it has one that may be written to.
 */
static int takes_space(struct img_node *node, uint64_t index, bool *ret)
{
    struct img_store *store = img_fs_of(node)->store;
    struct img_run run;
    img_read_lock(store);
    int r = img_map_find(node, index, &run);
    img_read_unlock(store);
    if (r == 0)
        *ret = run.block == 0 || (store->super.data_check_size > 0 && !run.unwritten);
    return r;
}

/* Promises a block for a pending one if it takes one. Behind the end there is nothing as a rule, so
 * that is not even looked up. */
static int promise_block(struct img_node *node, uint64_t index, bool behind, bool *ret)
{
    struct img_space *space = img_fs_of(node)->store->space;
    bool takes = true;
    int r = behind ? img_space_promise(space, 1) : LT_ENOSPC;
    if (behind && r == 0) {
        *ret = true;
        return 0;
    }
    int looked = takes_space(node, index, &takes);
    if (looked < 0)
        return looked;
    if (takes && !behind)
        r = img_space_promise(space, 1);
    *ret = takes;
    return takes ? r : 0;
}

/* Fills a block with what the file has there, up to `size`, and zeros. */
static int fill_block(struct img_node *node, uint64_t index, uint64_t size, uint8_t *to)
    REQUIRES(node->lock)
{
    uint32_t block = img_block_size(img_fs_of(node)->store);
    uint64_t start = index * block;
    size_t have = start < size ? (size_t)img_min(block, size - start) : 0;
    memset(to + have, 0, block - have);
    return have > 0 ? img_data_fetch(node, start, to, have) : 0;
}

/* Makes a block pending, with its content if `fill`. */
static int open_block(struct img_node *node, uint64_t index, uint64_t size, bool fill, bool must,
                      struct img_block **ret) REQUIRES(node->lock)
{
    struct img_space *space = img_fs_of(node)->store->space;
    uint32_t block = img_block_size(img_fs_of(node)->store);
    struct img_block *added;
    bool promised = false;
    int r = promise_block(node, index, index >= size / block + (size % block > 0), &promised);
    if (r == LT_ENOSPC || r == LT_EAGAIN) {
        promised = false;
        r = must ? r : 0;
    }
    if (r < 0)
        return r;
    /* The content is read before the block is there to be found. */
    uint8_t *bytes = img_pending_alloc(node);
    r = bytes ? 0 : LT_ENOMEM;
    if (r == 0 && fill)
        r = fill_block(node, index, size, bytes);
    if (r == 0)
        r = img_pending_add(node, index, bytes, promised, &added);
    if (r == 0) {
        *ret = added;
        return 0;
    }
    if (bytes)
        img_pending_free(node, bytes);
    if (promised)
        img_space_unpromise(space, 1);
    return r;
}

static void mark(struct img_block *block, uint32_t lo, uint32_t hi)
{
    bool clean = block->lo == block->hi;
    block->lo = clean || lo < block->lo ? lo : block->lo;
    block->hi = clean || hi > block->hi ? hi : block->hi;
}

static int write_block(struct writer *w) REQUIRES(w->node->lock)
{
    uint64_t index = w->offset / w->block;
    uint32_t skip = (uint32_t)(w->offset % w->block);
    uint32_t len = (uint32_t)img_min(w->left, w->block - skip);
    bool to_end = skip == 0 && w->offset + len >= w->size; /* nothing of the old content is left */
    struct img_block *block = img_pending_find(w->node, index);
    if (!block) {
        int r = open_block(w->node, index, w->size, len < w->block && !to_end, true, &block);
        if (r < 0)
            return r;
        if (to_end)
            memset(block->bytes + len, 0, w->block - len);
    }
    mark(block, skip, skip + len);
    writer_copy(w, block->bytes + skip, len);
    return 0;
}

int img_data_load(struct img_node *node, uint64_t index, bool must, struct img_block **ret)
{
    struct img_store *store = img_fs_of(node)->store;
    *ret = img_pending_find(node, index);
    if (*ret)
        return 0;
    img_read_lock(store);
    uint64_t size = node->inode.size;
    img_read_unlock(store);
    int r = open_block(node, index, size, true, must, ret);
    if (r < 0)
        return r;
    img_lock_items(store);
    img_pending_publish(node);
    img_unlock_items(store);
    img_pending_list(node);
    return 0;
}

int img_data_zero(struct img_node *node, uint64_t index, uint32_t lo, uint32_t hi)
{
    struct img_block *block;
    int r = img_data_load(node, index, false, &block);
    if (r < 0)
        return r;
    memset(block->bytes + lo, 0, hi - lo);
    mark(block, lo, hi);
    return 0;
}

/* ---- The end of the file ------------------------------------------------------------------- */

static const uint8_t zeros[IMG_BLOCK_SIZE_MAX];

int img_data_clear_tail(struct img_node *node)
{
    struct img_store *store = img_fs_of(node)->store;
    uint32_t block = img_block_size(store);
    struct img_run run;
    img_read_lock(store);
    uint64_t size = node->inode.size;
    int r = size % block > 0 ? img_map_find(node, size / block, &run) : LT_ENOENT;
    img_read_unlock(store);
    if (r < 0)
        return r == LT_ENOENT ? 0 : r;
    uint32_t from = (uint32_t)(size % block);
    struct img_block *pending = img_pending_find(node, size / block);
    if (pending) {
        mark(pending, from, block); /* zeros already */
        return 0;
    }
    if (run.block == 0 || run.unwritten || store->super.data_check_size > 0)
        return 0;
    struct lt_seg seg = {(void *)(uintptr_t)zeros, block - from};
    return img_data_write(store, run.block, from, &seg, 1, false);
}

int img_data_widen(struct img_node *node)
{
    struct img_store *store = img_fs_of(node)->store;
    struct img_block *block;
    const void *value;
    size_t len;
    img_read_lock(store);
    int r = img_map_inline(node, &value, &len);
    img_read_unlock(store);
    if (r < 0)
        return r == LT_ENOENT ? 0 : r;
    r = img_data_load(node, 0, true, &block);
    if (r == 0)
        mark(block, 0, img_block_size(store));
    return r;
}

/* ---- Straight to the device ---------------------------------------------------------------- */

/* Whether a small write had better wait for the sync that will put it into the log. */
static bool waits_for_sync(struct writer *w) REQUIRES(w->node->lock)
{
    if (w->node->synced == 0 || w->left > IMG_LOGGED_MAX)
        return false;
    w->node->synced--;
    return true;
}

/* Bytes from the start of a block that replace all that is there: of whole blocks and, at the end
 * of the file, of a part of one, up to `count` blocks. */
static uint64_t replaced(const struct writer *w, uint64_t count)
{
    uint64_t len = img_min(w->left, img_min(count * w->block, DIRECT_MAX));
    return w->offset + len >= w->size ? len : len / w->block * w->block;
}

/* Writes over blocks where they lie. Returns 1; 0: that cannot be done here. */
static int overwrite(struct writer *w) REQUIRES(w->node->lock)
{
    const struct img_pending *pending = w->node->pending;
    uint64_t index = w->offset / w->block, count = w->left / w->block + 1;
    struct lt_seg segs[IMG_LAYOUT_SEGS];
    size_t at = img_pending_at(w->node, index), n = 0;
    struct img_run run;
    if (pending && at < pending->count)
        count = img_min(count, pending->blocks[at].index - index);
    if (has_checks(w) || w->offset >= w->size || replaced(w, count) == 0)
        return 0;
    img_read_lock(w->store);
    int r = img_map_find(w->node, index, &run);
    img_read_unlock(w->store);
    if (r < 0 || run.block == 0 || run.unwritten || waits_for_sync(w))
        return r;
    struct writer ahead = *w;
    for (uint64_t left = replaced(w, img_min(count, run.count)); left > 0 && n < IMG_LAYOUT_SEGS;
         left -= segs[n++].len)
        segs[n] = writer_take(&ahead, left);
    if (n == 0 || (ahead.offset % w->block != 0 && ahead.offset < w->size))
        return 0; /* in very small pieces */
    r = img_data_write(w->store, run.block, 0, segs, n, false);
    if (r < 0)
        return r;
    ahead.size = img_max(w->size, ahead.offset);
    *w = ahead;
    return 1;
}

/* Promises what new blocks will take, or a part of it. Returns how many, or an error. */
static int64_t promise_some(struct img_space *space, uint64_t blocks, bool patient)
{
    for (;;) {
        int r = img_space_promise(space, blocks);
        if (r == 0)
            return (int64_t)blocks;
        if (r != LT_ENOSPC && (r != LT_EAGAIN || patient))
            return r;
        if (blocks == 1)
            return LT_ENOSPC;
        blocks /= 2;
    }
}

/* Takes blocks off the end of the layout until it needs at most `blocks` new ones. */
static void shorten(struct img_layout *layout, uint64_t blocks)
{
    uint64_t need = img_layout_new(layout);
    while (need > blocks) {
        struct img_piece *last = &layout->pieces[layout->count - 1];
        uint64_t excess = last->kind == IMG_NEW ? img_min(need - blocks, last->count) : 0;
        need -= excess;
        if (last->kind != IMG_NEW || excess == last->count) {
            layout->count--;
            continue;
        }
        last->count -= excess;
        last->len = last->count * img_block_size(layout->store);
    }
}

/* Keeps the pieces before the first that is overwritten in place: that cannot be undone. */
static void keep_new(struct img_layout *layout)
{
    size_t i = 0;
    while (i < layout->count && layout->pieces[i].kind != IMG_OVERWRITE)
        i++;
    layout->count = i;
}

/* Gives the new blocks of a layout their places, as many as there are. */
static int allocate(struct img_layout *layout, bool patient)
{
    struct img_space *space = layout->store->space;
    uint64_t need = img_layout_new(layout);
    if (need == 0)
        return 0;
    int64_t promised = promise_some(space, need, patient);
    if (promised < 0)
        return (int)promised;
    shorten(layout, (uint64_t)promised);
    int r = img_layout_allocate(layout);
    img_space_unpromise(space, (uint64_t)promised);
    return r;
}

/* Takes the memory for all pieces from the writer. */
static void take_segs(struct writer *w, struct img_layout *layout, uint64_t len)
{
    while (len > 0) {
        struct lt_seg part = writer_take(w, len);
        layout->segs[layout->seg_count++] = part;
        len -= part.len;
    }
    w->size = img_max(w->size, w->offset);
}

/* The bytes of whole blocks that fit into the segments of one layout. */
static uint64_t direct_len(const struct writer *w)
{
    struct writer ahead = *w;
    uint64_t max = img_min(w->left, DIRECT_MAX);
    for (size_t n = 0; n < IMG_LAYOUT_SEGS && ahead.offset - w->offset < max; n++)
        writer_take(&ahead, max - (ahead.offset - w->offset));
    return (ahead.offset - w->offset) / w->block * w->block;
}

static int map_layout(struct writer *w, struct img_layout *layout) REQUIRES(w->node->lock)
{
    struct img_node *node = w->node;
    struct img_saved saved;
    struct img_txn txn;
    enum img_purpose purpose = layout->count <= 32 / IMG_MAP_SET_ITEMS(1) ? IMG_GROW : IMG_LONG;
    int r = img_begin(w->store, purpose, &txn);
    if (r)
        return r;
    img_save(node, &saved);
    r = node->inode.blocks == 0 ? img_map_set_inline(&txn, node, NULL, 0) : 0;
    if (r == 0)
        r = img_layout_apply(layout, &txn);
    if (r < 0) {
        img_restore(node, &saved);
        return img_end(&txn, r);
    }
    node->inode.size = img_max(node->inode.size, w->size);
    node->stable_size = node->inode.size; /* what is pending lies before: write_direct() */
    img_node_dirty(node);
    r = img_end(&txn, 0);
    layout->count = 0; /* whatever the commit says, the blocks are used */
    return r;
}

/* What is pending must not be left behind by a size that covers it (or the gap behind it), nor by
 * extents that hide an INLINE item. */
static int flush_before(struct writer *w) REQUIRES(w->node->lock)
{
    struct img_node *node = w->node;
    if (!node->pending)
        return 0;
    publish(w);
    img_read_lock(w->store);
    bool must = node->stable_size < node->inode.size || node->inode.blocks == 0 ||
                w->offset > node->inode.size;
    img_read_unlock(w->store);
    return must ? img_data_flush_locked(w->node, false, true) : 0;
}

static int write_direct(struct writer *w, bool patient) REQUIRES(w->node->lock)
{
    struct img_layout layout;
    struct writer before = *w;
    uint64_t index = w->offset / w->block, count = direct_len(w) / w->block, got;
    int r = flush_before(w);
    if (r < 0)
        return r;
    img_layout_init(&layout, w->fs);
    img_read_lock(w->store);
    r = img_layout_plan(&layout, w->node, index, count, &got);
    img_read_unlock(w->store);
    keep_new(&layout);
    if (r == 0 && layout.count == 0)
        return write_block(w); /* it is pending */
    if (r == 0)
        r = allocate(&layout, patient);
    if (r < 0)
        return r;
    uint64_t len = 0;
    for (size_t i = 0; i < layout.count; i++)
        len += layout.pieces[i].len;
    take_segs(w, &layout, len);
    r = img_layout_write(&layout, false);
    if (r == 0)
        r = map_layout(w, &layout);
    if (layout.count > 0) {
        img_layout_release(&layout);
        *w = before;
    }
    if (r == 0)
        img_pending_remove(w->node, index, index + len / w->block);
    return r;
}

/* ---- Altogether ---------------------------------------------------------------------------- */

static int write_next(struct writer *w, bool patient) REQUIRES(w->node->lock)
{
    int r = w->offset % w->block == 0 ? overwrite(w) : 0;
    if (r != 0)
        return r < 0 ? r : 0;
    if (w->offset % w->block == 0 && w->left >= DIRECT_MIN && direct_len(w) >= DIRECT_MIN)
        return write_direct(w, patient);
    return write_block(w);
}

/* A gap, or an INLINE item that gets too long, is seen to first. */
static int prepare(struct writer *w) REQUIRES(w->node->lock)
{
    int r = w->offset > w->size ? img_data_clear_tail(w->node) : 0;
    if (r == 0 && w->size > 0 && w->offset + w->left > IMG_INLINE_MAX)
        r = img_data_widen(w->node);
    return r;
}

static void writer_init(struct writer *w, struct img_node *node, uint64_t offset,
                        const struct lt_seg *segs, uint64_t len)
{
    struct img_fs *fs = img_fs_of(node);
    *w = (struct writer){.node = node,
                         .fs = fs,
                         .store = fs->store,
                         .block = img_block_size(fs->store),
                         .offset = offset,
                         .left = len,
                         .segs = segs};
}

/* Goes on until all is written or something fails. LT_EAGAIN, only with `patient`: a checkpoint
 * would make room. */
static int write_on(struct writer *w, bool patient) REQUIRES(w->node->lock)
{
    struct img_node *node = w->node;
    img_read_lock(w->store);
    w->size = node->inode.size;
    img_read_unlock(w->store);
    int r = img_error(w->store);
    if (r == 0)
        r = prepare(w);
    while (r == 0 && w->left > 0)
        r = write_next(w, patient);
    publish(w);
    /* What cannot be written out now waits on, and the next sync says so. */
    if (node->pending && node->pending->count * (uint64_t)w->block >= IMG_FLUSH_BYTES)
        img_data_flush_locked(w->node, false, false);
    return r == LT_EAGAIN && !patient ? LT_ENOSPC : r;
}

int img_data_write_locked(struct img_node *node, uint64_t offset, const struct lt_seg *segs,
                          uint64_t len, uint64_t *ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct writer w;
    writer_init(&w, node, offset, segs, len);
    int r = write_on(&w, false);
    *ret = w.offset - offset;
    return r;
}

/* ---- The operation ------------------------------------------------------------------------- */

static uint64_t total_len(const struct lt_write *write)
{
    uint64_t len = 0;
    for (size_t i = 0; i < write->count; i++)
        len += write->segs[i].len;
    return len;
}

/* Where the write goes and how much of it: returns the length, or an error. */
static int64_t place(struct img_node *node, const struct lt_write *write, uint64_t *ret_offset)
    REQUIRES_SHARED(img_items)
{
    uint64_t size = node->inode.size, len = total_len(write);
    uint64_t offset = write->flags & LT_WRITE_APPEND ? size : write->offset;
    uint32_t flags = img_main(node)->inode.inode_flags;
    if (flags & LT_INODE_IMMUTABLE)
        return LT_EPERM;
    if ((flags & LT_INODE_APPEND) && offset < size)
        return LT_EPERM;
    if (offset > LT_SIZE_MAX || len > (uint64_t)LT_SIZE_MAX - offset)
        return LT_EFBIG;
    if (write->flags & LT_WRITE_CONSTRAINED)
        len = img_min(len, offset < size ? size - offset : 0);
    *ret_offset = offset;
    return (int64_t)len;
}

static bool drops_privileges(const struct img_node *node) REQUIRES_SHARED(img_items)
{
    return (node->inode.mode & (LT_S_ISUID | LT_S_ISGID)) || (node->inode.has & LT_HAS_CAPABILITY);
}

static int kill_priv(struct img_node *main)
{
    struct img_txn txn;
    int r = img_begin(img_fs_of(main)->store, IMG_SHRINK, &txn);
    if (r)
        return r;
    return img_end(&txn, img_kill_priv(&txn, main));
}

int img_data_changed(struct img_node *node, bool drop, struct lt_time now)
{
    struct img_node *main = img_main(node);
    struct img_store *store = img_fs_of(node)->store;
    img_lock_items(store);
    img_modified(main, now);
    if (main != node) {
        node->inode.version++;
        img_node_dirty(node);
    }
    drop = drop && drops_privileges(main);
    bool sync = img_fs_of(node)->sync_always || (main->inode.inode_flags & LT_INODE_SYNC);
    img_unlock_items(store);
    int r = drop ? kill_priv(main) : 0;
    if (r == 0 && sync) {
        r = img_data_flush(node, true);
        if (r == 0)
            r = img_commit(store, false);
    }
    return r;
}

/* Returns the bytes written, or an error if there are none. */
static int64_t write_all(struct img_node *node, const struct lt_write *write,
                         uint64_t *ret_offset) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_store *store = img_fs_of(node)->store;
    uint64_t offset = 0;
    struct writer w;
    int64_t len;
    int r = 0;
    for (unsigned tries = 0; tries == 0 || r == LT_EAGAIN; tries++) {
        lt_rwlock_write(&node->lock);
        if (tries == 0) {
            img_read_lock(store);
            len = place(node, write, &offset);
            img_read_unlock(store);
            writer_init(&w, node, offset, write->segs, len > 0 ? (uint64_t)len : 0);
            r = len < 0 ? (int)len : 0;
        }
        if (w.left > 0)
            r = write_on(&w, tries < IMG_TRIES_MAX);
        lt_rwlock_write_unlock(&node->lock);
        if (r == LT_EAGAIN && img_checkpoint(store) < 0)
            break;
    }
    if (r < 0 && w.offset == offset)
        return r == LT_EAGAIN ? LT_ENOSPC : r;
    *ret_offset = offset;
    return (int64_t)(w.offset - offset);
}

int imgfs_write(const struct lt_ctx *ctx, struct lt_node *base, struct lt_write *write)
{
    struct img_node *node = img_node(base);
    struct img_fs *fs = img_fs_of(node);
    uint64_t offset;
    (void)ctx;
    int r = img_data_relieve(fs);
    if (r < 0)
        return r;
    int64_t done = write_all(node, write, &offset);
    if (done < 0)
        return (int)done;
    if (done > 0)
        r = img_data_changed(node, write->flags & LT_WRITE_KILL_PRIV, lt_clock_now());
    if (r < 0)
        return r;
    write->ret_offset = offset;
    if (write->ret_attr)
        r = imgfs_getattr(ctx, base, write->ret_attr);
    return r < 0 ? r : (int)done;
}
