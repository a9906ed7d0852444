// SPDX-License-Identifier: MIT
/*
 * Transactions: one at a time, under the store's lock. Each change goes into the tree and
 * the log's buffer at once, and what undoes it onto the undo list.
 */
#include "private.h"

/* ---- Beginning ----------------------------------------------------------------------------- */

/* Blocks that one transaction may add to those that a checkpoint takes. */
static const uint64_t needs[] = {[IMG_GROW] = 72, [IMG_SHRINK] = 24, [IMG_LONG] = 272};
/* The same of each item that it leaves to the next seal. */
#define NEED_SEAL 2u
/* From so many on they are sealed: what waits is memory that no cache counts. Some may be left, on
 * a volume that has room for them in any case; they do not count the next time. */
#define UNSEALED_MAX 4096u
#define LEFT_MAX 16384u
#define LEFT_SHARE 64u /* of the volume's blocks */
/* SPACE items in a leaf, at least. */
#define SPACE_ITEMS_PER_LEAF 40u

uint64_t img_reserve_blocks(const struct img_super *super)
{
    uint64_t most = (UINT64_C(8) << 20) / super->block_size;
    uint64_t least = super->blocks / 8 < 48 ? super->blocks / 8 : 48;
    uint64_t blocks = super->blocks / 128;
    blocks = blocks > most ? most : blocks;
    return blocks < least ? least : blocks;
}

uint64_t img_checkpoint_need(struct img_store *store)
{
    uint64_t groups = store->super.blocks / img_group_blocks(store->super.block_size) + 1;
    return img_tree_unassigned(store->tree) + NEED_SEAL * store->priv->unsealed +
           groups / SPACE_ITEMS_PER_LEAF + 2u + store->super.root.level;
}

void img_tell_need(struct img_store *store)
{
    uint64_t need = img_checkpoint_need(store);
    if (need == store->priv->told_need)
        return;
    store->priv->told_need = need;
    img_space_set_need(store->space, need);
}

static uint64_t txn_need(const struct img_store *store, enum img_purpose purpose)
{
    uint64_t share = store->super.blocks / 32;
    return needs[purpose] < share ? needs[purpose] : share;
}

/* What must happen before a transaction may begin. */
enum relief { GO, COMMIT, CHECKPOINT, FULL };

/* Whether the checkpoint after this transaction finds room. What is pinned may become free by one
 * before it. */
static enum relief space_relief(struct img_store *store, enum img_purpose purpose)
    REQUIRES(img_items)
{
    struct img_space_counts c;
    img_space_counts(store->space, &c);
    uint64_t need = txn_need(store, purpose);
    if (purpose != IMG_SHRINK)
        need += c.promised + c.reserve;
    if (c.free >= need + img_checkpoint_need(store))
        return GO;
    if (img_seal_items(store) < 0) /* then it is known what sealing takes */
        return FULL;
    if (c.free >= need + img_checkpoint_need(store))
        return GO;
    bool helps = c.pinned > 0 || img_tree_dirty(store->tree) > 0;
    return helps && c.free + c.pinned >= need ? CHECKPOINT : FULL;
}

/* Rounds of making room after which a transaction does without. */
#define ROUNDS_MAX 3u

static enum relief relief_needed(struct img_store *store, enum img_purpose purpose, unsigned round)
    REQUIRES(img_items)
{
    const struct img_store_private *priv = store->priv;
    if (round < ROUNDS_MAX && priv->log.len > 2 * priv->log_limit)
        return COMMIT;
    if (round < ROUNDS_MAX && img_dirty_above(store, priv->wake.thread ? 6 : 4))
        return CHECKPOINT;
    enum relief relief = space_relief(store, purpose);
    if (relief != CHECKPOINT || round < ROUNDS_MAX)
        return relief;
    return purpose == IMG_SHRINK ? GO : FULL;
}

/* The first change of a life asks the host for the log's space. */
static int reserve_log(struct img_store *store) REQUIRES(img_items)
{
    const struct img_super *s = &store->super;
    if (store->priv->reserved || store->priv->options.sync == IMG_SYNC_NONE)
        return 0;
    int r =
        lt_device_reserve(store->dev, s->log_block * s->block_size, s->log_blocks * s->block_size);
    if (r < 0 && r != LT_EOPNOTSUPP)
        return r;
    store->priv->reserved = true;
    return 0;
}

static void trim_cache(struct img_store *store) REQUIRES(img_items)
{
    uint64_t cache = store->priv->options.cache;
    if (img_tree_memory(store->tree) <= cache)
        return;
    /* Some clean nodes stay, however many are dirty. */
    uint64_t most = cache - cache / 16;
    uint64_t least = img_tree_pinned(store->tree) + cache / 8;
    img_tree_evict(store->tree, (size_t)(least < most ? most : least));
}

static void txn_init(struct img_store *store, enum img_purpose purpose, struct img_txn *txn)
    REQUIRES(img_items)
{
    struct img_store_private *priv = store->priv;
    priv->undo.len = priv->undo.last = 0;
    priv->undo.items = 0;
    img_tree_begin(store->tree);
    *txn = (struct img_txn){.store = store, .purpose = purpose, .log_mark = priv->log.len};
}

static int relieve(struct img_store *store, enum relief relief)
{
    return relief == COMMIT ? img_commit_upto(store, atomic_load(&store->priv->ended))
                            : img_checkpoint_wait(store);
}

static int seal(struct img_store *store, unsigned may_leave) REQUIRES(img_items)
{
    struct img_store_private *priv = store->priv;
    int left = 0;
    if (priv->started && priv->options.seal) {
        struct img_txn txn;
        txn_init(store, IMG_SHRINK, &txn);
        txn.may_leave = may_leave;
        left = priv->options.seal(priv->options.arg, &txn);
    }
    if (left < 0)
        return left;
    priv->unsealed = priv->left = (uint64_t)left;
    return 0;
}

int img_seal_items(struct img_store *store)
{
    return seal(store, 0);
}

static void seal_some(struct img_store *store) REQUIRES(img_items)
{
    uint64_t share = store->super.blocks / LEFT_SHARE;
    (void)seal(store, share < LEFT_MAX ? (unsigned)share : LEFT_MAX);
}

int img_begin(struct img_store *store, enum img_purpose purpose,
              struct img_txn *txn) NO_THREAD_SAFETY_ANALYSIS
{
    for (unsigned round = 0;; round++) {
        int r = store->priv->options.read_only ? LT_EROFS : img_alive(store);
        if (r < 0)
            return r;
        img_write_lock(store);
        enum relief relief = relief_needed(store, purpose, round);
        if (relief == GO) {
            r = reserve_log(store);
            if (r == 0) {
                trim_cache(store);
                if (store->priv->unsealed - store->priv->left >= UNSEALED_MAX)
                    seal_some(store); /* or the next one does */
                txn_init(store, purpose, txn);
                return 0;
            }
        }
        img_write_unlock(store);
        if (r == 0)
            r = relief == FULL ? LT_ENOSPC : relieve(store, relief);
        if (r < 0)
            return r;
    }
}

/* ---- Ending -------------------------------------------------------------------------------- */

static void txn_undo(struct img_txn *txn) REQUIRES(img_items)
{
    img_undo_all(txn->store);
    txn->store->priv->log.len = txn->log_mark;
}

/* What the thread should do soon, now that a transaction more is in the log's buffer. */
static bool work_due(struct img_store *store) REQUIRES(img_items)
{
    return store->priv->log.len > store->priv->log_limit || img_ring_above(store, 4) ||
           img_dirty_above(store, 4);
}

void img_touch(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    atomic_fetch_add(&priv->ended, 1);
    priv->unsealed++;
    img_wake_later(store);
}

int img_end(struct img_txn *txn, int r) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_store *store = txn->store;
    struct img_store_private *priv = store->priv;
    bool due = false;
    uint64_t target = 0;
    if (r < 0) {
        txn_undo(txn);
    } else {
        target = atomic_fetch_add(&priv->ended, 1) + 1;
        img_tell_need(store);
        due = work_due(store);
    }
    img_write_unlock(store);
    if (r < 0)
        return r;
    img_wake_later(store);
    if (due)
        img_wake_now(store);
    bool now = txn->commit || (priv->options.sync == IMG_SYNC_ALWAYS && !txn->lazy);
    if (now && priv->options.sync != IMG_SYNC_NONE) {
        int error = img_commit_upto(store, target);
        if (error < 0)
            return error;
    }
    return r;
}

/* ---- Changing ------------------------------------------------------------------------------ */

/* Makes sure that a change of an item, its record, and its undoing find memory. */
static int prepare_item(struct img_store *store, size_t new_len, size_t old_len)
{
    struct img_store_private *priv = store->priv;
    int r = img_undo_room(&priv->undo, old_len);
    if (r == 0)
        r = img_log_room(&priv->log, IMG_LOG_RECORD_MAX + new_len);
    if (r == 0)
        r = img_tree_reserve(store->tree, priv->undo.items + 1);
    return r;
}

static bool log_wanted(const struct img_store *store)
{
    return store->priv->options.sync != IMG_SYNC_NONE;
}

int img_put(struct img_txn *txn, struct img_key key, const void *value,
            size_t len) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_store *store = txn->store;
    struct img_store_private *priv = store->priv;
    const void *old = NULL;
    size_t old_len = 0;
    if (len > img_value_max(store->super.block_size))
        return LT_EINVAL;
    int found = img_tree_get(store->tree, key, &old, &old_len);
    if (found < 0 && found != LT_ENOENT)
        return found;
    if (found == 0 && old_len == len && (len == 0 || memcmp(old, value, len) == 0))
        return 0;
    int r = prepare_item(store, len, old_len);
    if (r < 0)
        return r;
    struct img_undo entry = {
        .op = found == 0 ? IMG_UNDO_ITEM : IMG_UNDO_NEW_ITEM, .key = key, .len = old_len};
    img_undo_push(&priv->undo, &entry, old);
    r = img_tree_put(store->tree, key, value, len);
    if (r < 0) {
        img_undo_drop(&priv->undo);
        return r;
    }
    if (log_wanted(store))
        img_log_put(&priv->log, key, value, len);
    return 0;
}

int img_delete(struct img_txn *txn, struct img_key key) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_store *store = txn->store;
    struct img_store_private *priv = store->priv;
    const void *old;
    size_t old_len;
    int r = img_tree_get(store->tree, key, &old, &old_len);
    if (r == 0)
        r = prepare_item(store, 0, old_len);
    if (r < 0)
        return r;
    img_undo_push(&priv->undo, &(struct img_undo){.op = IMG_UNDO_ITEM, .key = key, .len = old_len},
                  old);
    r = img_tree_delete(store->tree, key);
    if (r < 0) {
        img_undo_drop(&priv->undo);
        return r;
    }
    if (log_wanted(store))
        img_log_delete(&priv->log, key);
    return 0;
}

static int prepare_other(struct img_store *store, size_t log_len)
{
    int r = img_undo_room(&store->priv->undo, 0);
    return r < 0 ? r : img_log_room(&store->priv->log, IMG_LOG_RECORD_MAX + log_len);
}

int img_use(struct img_txn *txn, uint64_t block, uint64_t count)
{
    struct img_store *store = txn->store;
    int r = prepare_other(store, 0);
    if (r < 0)
        return r;
    img_space_use(store->space, block, count);
    img_undo_push(&store->priv->undo,
                  &(struct img_undo){.op = IMG_UNDO_USE, .block = block, .count = count}, NULL);
    if (log_wanted(store))
        img_log_range(&store->priv->log, IMG_LOG_TAKE, block, count);
    return 0;
}

int img_free(struct img_txn *txn, uint64_t block, uint64_t count)
{
    struct img_store *store = txn->store;
    int r = prepare_other(store, 0);
    if (r == 0)
        r = img_space_free(store->space, block, count);
    if (r < 0)
        return r;
    img_undo_push(&store->priv->undo,
                  &(struct img_undo){.op = IMG_UNDO_FREE, .block = block, .count = count}, NULL);
    if (log_wanted(store))
        img_log_range(&store->priv->log, IMG_LOG_FREE, block, count);
    return 0;
}

uint64_t img_new_id(struct img_txn *txn)
{
    return txn->store->super.next_id++;
}

int img_count_node(struct img_txn *txn, int change)
{
    struct img_store *store = txn->store;
    struct img_super *s = &store->super;
    if (change > 0 && s->nodes_max != 0 && s->nodes >= s->nodes_max)
        return LT_ENOSPC;
    if (change < 0 && s->nodes < (uint64_t)-change)
        return LT_EUCLEAN;
    int r = prepare_other(store, 0);
    if (r < 0)
        return r;
    s->nodes += (uint64_t)(int64_t)change;
    img_undo_push(&store->priv->undo, &(struct img_undo){.op = IMG_UNDO_NODES, .change = change},
                  NULL);
    return 0;
}

int img_log_data(struct img_txn *txn, uint64_t block, uint32_t offset, const void *bytes,
                 size_t len)
{
    struct img_store *store = txn->store;
    struct img_store_private *priv = store->priv;
    if (!log_wanted(store) || len == 0)
        return 0;
    uint64_t count = (offset + len - 1) / store->super.block_size + 1;
    int r = prepare_other(store, len);
    if (r == 0)
        r = img_logged_add(&priv->logged, block, count, atomic_load(&priv->generation));
    if (r < 0)
        return r;
    img_log_bytes(&priv->log, block, offset, bytes, len);
    return 0;
}
