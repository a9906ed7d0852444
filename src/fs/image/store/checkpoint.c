// SPDX-License-Identifier: MIT
/*
 * Checkpoints. Under the store's lock everything dirty gets its place and is frozen; without it,
 * pages and bitmaps are written, flushed, and the superblock says that they count. Until that
 * is durable the last checkpoint and the log since are what a crash leaves, untouched.
 */
#include "private.h"

#include <stdlib.h>

struct checkpoint {
    struct img_store *store;
    unsigned flags;
    struct img_super super; /* as it will be written */
    struct img_frozen *frozen;
    uint64_t upto; /* transactions that it contains */
    uint64_t head; /* of the ring: what lies before is not needed behind it */
    uint64_t goal; /* for blocks of the tree */
    int error;     /* of place_gone() */
    /* Places that nodes have left. */
    uint64_t *gone;
    size_t gone_count, gone_capacity;
};

/* ---- Places for nodes ---------------------------------------------------------------------- */

static int take_blocks(void *arg, uint64_t count, uint64_t *ret_block, uint64_t *ret_count)
{
    struct checkpoint *cp = arg;
    struct img_space *space = cp->store->space;
    int r = img_space_alloc(space, cp->goal, 1, count, ret_block, ret_count);
    if (r < 0)
        return r;
    img_space_use(space, *ret_block, *ret_count);
    cp->goal = *ret_block + *ret_count;
    return 0;
}

/* A node leaves its place, which becomes pinned. */
static void place_gone(void *arg, uint64_t block)
{
    struct checkpoint *cp = arg;
    if (cp->gone_count == cp->gone_capacity) {
        size_t capacity = cp->gone_capacity ? 2 * cp->gone_capacity : 256;
        uint64_t *gone = realloc(cp->gone, capacity * sizeof(*gone));
        if (!gone) {
            cp->error = LT_ENOMEM;
            return;
        }
        cp->gone = gone;
        cp->gone_capacity = capacity;
    }
    int r = img_space_free(cp->store->space, block, 1);
    if (r < 0)
        cp->error = r;
    else
        cp->gone[cp->gone_count++] = block;
}

static void place_back(void *arg, uint64_t block)
{
    struct checkpoint *cp = arg;
    img_space_unuse(cp->store->space, block, 1);
    img_space_release(cp->store->space, block, 1);
}

static int assign(struct checkpoint *cp)
{
    int r = img_tree_assign(cp->store->tree, take_blocks, place_gone, cp);
    return r < 0 ? r : cp->error;
}

/* Puts the SPACE items of the groups whose bitmaps change; a value that is right already stays. */
static int put_space_items(struct checkpoint *cp, bool *ret_changed)
{
    struct img_store *store = cp->store;
    for (uint64_t g = img_space_dirty(store->space, 0); g != UINT64_MAX;
         g = img_space_dirty(store->space, g + 1)) {
        struct img_key key = img_key(0, IMG_KIND_SPACE, g);
        struct img_space_disk item;
        const void *old;
        size_t len;
        img_space_item(store->space, g, cp->super.generation, &item);
        int r = img_tree_get(store->tree, key, &old, &len);
        if (r < 0 && r != LT_ENOENT)
            return r;
        if (r == 0 && len == sizeof(item) && memcmp(old, &item, len) == 0)
            continue;
        *ret_changed = true;
        r = img_tree_put(store->tree, key, &item, sizeof(item));
        if (r < 0)
            return r;
    }
    return 0;
}

/* Rounds of the search below; two or three are usual. */
#define ROUNDS_MAX 64u

/* A place for a node takes a block, which changes a bitmap, whose item changes a node, which may
 * need a place: until nothing changes any more. */
static int settle(struct checkpoint *cp)
{
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        bool changed = false;
        int r = put_space_items(cp, &changed);
        if (r == 0 && !changed && img_tree_unassigned(cp->store->tree) == 0 && round > 0)
            return 0;
        if (r == 0)
            r = assign(cp);
        if (r < 0)
            return r;
    }
    return LT_EUCLEAN;
}

/* ---- Freezing ------------------------------------------------------------------------------ */

static int freeze(struct checkpoint *cp)
{
    struct img_store *store = cp->store;
    int r = img_space_freeze(store->space, cp->super.generation);
    if (r < 0)
        return r;
    r = img_tree_freeze(store->tree, cp->super.generation, &cp->frozen, &cp->super.root);
    if (r < 0)
        img_space_thaw(store->space, false, false);
    return r;
}

/* The nodes are where they were. */
static void unsettle(struct checkpoint *cp)
{
    img_tree_unassign(cp->store->tree, place_back, cp);
    while (cp->gone_count > 0)
        img_space_unfree(cp->store->space, cp->gone[--cp->gone_count], 1);
}

static int new_epoch(struct img_super *super)
{
    uint64_t epoch;
    int r = lt_random(&epoch, sizeof(epoch));
    if (r == 0)
        super->epoch = epoch;
    return r;
}

/* What the superblock will say, apart from the root. */
static int plan_super(struct checkpoint *cp) REQUIRES(img_items)
{
    const struct img_store_private *priv = cp->store->priv;
    struct img_super *s = &cp->super;
    *s = cp->store->super;
    s->generation = atomic_load(&priv->generation);
    s->clean = cp->flags & IMG_LAST;
    s->log_start = cp->head % s->log_blocks;
    s->log_sequence = priv->next_sequence;
    return cp->flags & IMG_NEW_LIFE ? new_epoch(s) : 0;
}

/* Everything so far, frozen. */
static int begin_locked(struct checkpoint *cp) REQUIRES(img_items)
{
    struct img_store *store = cp->store;
    struct img_store_private *priv = store->priv;
    cp->goal = store->super.log_block + store->super.log_blocks;
    cp->head = priv->head;
    cp->upto = atomic_load(&priv->ended);
    int r = plan_super(cp);
    if (r < 0)
        return r;
    r = settle(cp);
    if (r == 0)
        r = freeze(cp);
    if (r < 0) {
        unsettle(cp);
        return r;
    }
    struct img_space_counts counts;
    img_space_counts(store->space, &counts);
    cp->super.free_blocks = counts.free + counts.pinned + counts.in_flight;
    priv->covered = priv->log.len ? priv->log.len - sizeof(struct img_batch_header) : 0;
    atomic_store(&priv->generation, cp->super.generation + 1);
    img_tell_need(store);
    return 0;
}

static bool anything_changed(struct img_store *store) REQUIRES(img_items)
{
    const struct img_store_private *priv = store->priv;
    return priv->log.len > 0 || priv->head != priv->tail || img_tree_dirty(store->tree) > 0 ||
           img_space_dirty(store->space, 0) != UINT64_MAX;
}

/* Seals; puts the last batch into the log, so that nobody who waits for it has to wait for all the
 * rest (where the log has no room, he must); and freezes. 1: there is nothing to do. */
static int begin(struct checkpoint *cp) REQUIRES(img_commits)
{
    struct img_store *store = cp->store;
    struct img_store_private *priv = store->priv;
    img_write_lock(store);
    int r = img_seal_items(store);
    if (r == 0 && !(cp->flags & IMG_FORCE) && !anything_changed(store))
        r = 1;
    if (r == 0 && !(cp->flags & IMG_LAST) && priv->out.log.len == 0 && img_batch_take(store) < 0)
        r = 0; /* the checkpoint has it instead */
    if (r == 0)
        r = begin_locked(cp);
    img_write_unlock(store);
    if (priv->out.log.len > 0) {
        int error = img_batch_write(store);
        if (r == 0 && error < 0 && error != LT_ENOSPC)
            r = error;
    }
    return r;
}

/* ---- Writing ------------------------------------------------------------------------------- */

#define RUN_BYTES (UINT32_C(1) << 20)
#define RUN_PAGES (RUN_BYTES / IMG_BLOCK_SIZE_MIN)

/* The pages from *i on that lie one behind the other, in one call. */
static int write_run(struct checkpoint *cp, size_t *i)
{
    uint32_t block_size = cp->super.block_size;
    size_t total = img_frozen_count(cp->frozen), n = 0;
    struct lt_seg segs[RUN_PAGES];
    uint64_t first = 0;
    for (; *i < total && n < RUN_BYTES / block_size; ++*i, n++) {
        uint64_t block;
        const void *page;
        int r = img_frozen_page(cp->frozen, *i, &block, &page);
        if (r < 0)
            return r;
        if (n == 0)
            first = block;
        else if (block != first + n)
            break;
        segs[n] = (struct lt_seg){(void *)(uintptr_t)page, block_size};
    }
    return lt_device_write(cp->store->dev, first * block_size, segs, n);
}

static int write_pages(struct checkpoint *cp)
{
    int r = 0;
    for (size_t i = 0; i < img_frozen_count(cp->frozen) && r == 0;)
        r = write_run(cp, &i);
    if (r == 0)
        r = img_space_write(cp->store->space);
    return r;
}

/* LT_ENOSPC: it may be tried again. All other errors are latched: once the superblock may be on the
 * device, nobody knows which checkpoint a crash leaves. */
static int write_all(struct checkpoint *cp)
{
    struct img_store *store = cp->store;
    int r = write_pages(cp);
    if (r < 0)
        return r == LT_ENOSPC || r == LT_ENOMEM ? r : img_latch(store, r);
    r = img_flush(store);
    if (r == 0)
        r = img_alive(store);
    if (r < 0)
        return r;
    r = img_super_write(store->dev, &cp->super);
    return r < 0 ? img_latch(store, r) : img_flush(store);
}

/* ---- Ending -------------------------------------------------------------------------------- */

/* Batches that the checkpoint has are not needed any more, written or not. */
static void forget_log(struct checkpoint *cp) REQUIRES(img_commits, img_items)
{
    struct img_store_private *priv = cp->store->priv;
    if (priv->out.log.len > 0 && priv->out.batch.sequence < cp->super.log_sequence)
        img_log_reset(&priv->out.log, 2 * priv->log_limit);
    img_log_drop(&priv->log, priv->covered);
    priv->tail = cp->head;
}

/* Field by field: the others are read without a lock. */
static void adopt_super(struct checkpoint *cp) REQUIRES(img_items)
{
    struct img_super *s = &cp->store->super;
    s->generation = cp->super.generation;
    s->epoch = cp->super.epoch;
    s->root = cp->super.root;
    s->log_start = cp->super.log_start;
    s->log_sequence = cp->super.log_sequence;
    s->free_blocks = cp->super.free_blocks;
    s->clean = cp->super.clean;
}

static void finish(struct checkpoint *cp, bool written)
{
    struct img_store *store = cp->store;
    struct img_store_private *priv = store->priv;
    img_commit_lock(store);
    img_write_lock(store);
    if (!written)
        img_space_thaw(store->space, false, false);
    img_tree_thaw(store->tree, cp->frozen, written, place_back, cp);
    if (written) {
        forget_log(cp);
        adopt_super(cp);
    } else {
        /* The next one goes to the same superblock, and is newer. */
        atomic_store(&priv->generation, cp->super.generation + 2);
    }
    priv->covered = 0;
    img_tell_need(store);
    img_write_unlock(store);
    if (written && atomic_load(&priv->durable) < cp->upto)
        atomic_store(&priv->durable, cp->upto);
    img_commit_unlock(store);
    if (!written)
        return;
    img_space_thaw(store->space, true, priv->options.discard);
    img_logged_forget(&priv->logged, cp->super.generation);
    atomic_store(&priv->in_place, cp->upto);
    atomic_fetch_add(&priv->stats.checkpoints, 1);
}

static int run_locked(struct img_store *store, unsigned flags) REQUIRES(img_checkpoints)
{
    struct checkpoint cp = {.store = store, .flags = flags};
    int r = img_alive(store);
    if (r < 0)
        return r;
    img_commit_lock(store);
    r = begin(&cp);
    img_commit_unlock(store);
    if (cp.frozen) {
        if (r == 0)
            r = write_all(&cp);
        finish(&cp, r == 0);
    } else if (r > 0 && img_data_unflushed(store)) {
        r = img_flush(store);
    }
    free(cp.gone);
    return r < 0 ? r : 0;
}

int img_checkpoint_run(struct img_store *store, unsigned flags)
{
    img_checkpoint_lock(store);
    int r = run_locked(store, flags);
    img_checkpoint_unlock(store);
    return r;
}

int img_checkpoint_wait(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    uint64_t before = atomic_load(&priv->stats.checkpoints);
    int r = 0;
    img_checkpoint_lock(store);
    if (atomic_load(&priv->stats.checkpoints) == before)
        r = run_locked(store, 0);
    img_checkpoint_unlock(store);
    return r;
}

int img_checkpoint(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    uint64_t target = atomic_load(&priv->ended);
    int r = 0;
    if (priv->options.read_only)
        return LT_EROFS;
    img_checkpoint_lock(store);
    if (atomic_load(&priv->in_place) < target || img_data_unflushed(store))
        r = run_locked(store, 0);
    img_checkpoint_unlock(store);
    return r;
}
