/* SPDX-License-Identifier: MIT */
/*
 * The store: items and blocks that change in transactions, on a device, safe against
 * power cuts. It knows nothing of files.
 *
 * A transaction runs alone, under the store's lock held for writing. What it did is in
 * the log's buffer when it ends. A commit writes the buffer through to the log (after a flush, if
 * data was written to the device since the last): then all transactions so far are durable. A
 * checkpoint writes the tree and the bitmaps, and empties the log.
 *
 *      data written     seal        log written       checkpoint: freeze, write, flush,
 *        to blocks  ->  (batch) ->    through    ->   superblock, flush, thaw
 *
 * A thread of the store commits every commit_ms, and checkpoints when the log or the part of the
 * cache that is dirty is half full.
 *
 * Lock order: whatever the user of the store locks, the store's private locks (private.h), the
 * store's lock, the space's. Everything here may be called with locks of one's own held, if the
 * flush() and seal() hooks do not need them in calls that are said to call them.
 *
 * Failure: an error while writing the log or a checkpoint, and every failed flush, is latched. From
 * then on nothing is written: changes and syncs answer LT_EIO. If the host has no space for a write
 * (LT_ENOSPC), nothing is latched and nothing lost: it is tried again by the next commit.
 */
#ifndef LT_FS_IMAGE_STORE_STORE_H
#define LT_FS_IMAGE_STORE_STORE_H

#include "key.h"
#include "space.h"
#include "super.h"

#include <os/os.h>

struct img_txn;

enum img_sync {
    IMG_SYNC_FSYNC, /* durable on request, and every commit_ms */
    IMG_SYNC_ALWAYS,
    /* Durable at the end. No log is written: a crash leaves the last checkpoint, and those
     * happen for lack of room, and for img_commit(.., all). Other commits do nothing. */
    IMG_SYNC_NONE
};

struct img_store_options {
    bool read_only; /* nothing is written, not even a replay: that stays in memory */
    enum img_sync sync;
    uint32_t commit_ms; /* 0: no thread (tests) */
    uint64_t cache;     /* bytes for tree nodes; dirty ones may take half of it */
    bool discard;       /* give freed blocks back to the host */

    /*
     * Called by img_commit(.., all), by the timer, and by img_store_close(), with no lock held:
     * writes out data that waits in memory. Errors are latched by whom they concern, not here.
     */
    void (*flush)(void *arg);
    /* Called by other commits and by the thread's checkpoints, with no lock held, but not by what
     * img_begin() and img_end() wait for: writes out data that belongs to transactions which are
     * about to become durable. May be NULL. */
    void (*order)(void *arg);
    /* Called by every commit and checkpoint, and when room is short by img_begin(), with the
     * store's lock held and a transaction of its own open: puts what is not yet in items, all but
     * txn->may_leave of them. Returns how many it left. On failure what it has put stays, and it is
     * called again later. */
    int (*seal)(void *arg, struct img_txn *txn);
    void *arg;
};

struct img_store {
    struct lt_rwlock lock;   /* the store's lock: guards items and everything below */
    struct lt_device *dev;   /* immutable; owned */
    struct img_space *space; /* immutable; locks for itself */
    struct img_super super;  /* next_id, nodes: lock; the rest: private to the store */
    struct img_tree *tree;   /* private to the store */
    struct img_store_private *priv;
};

/*
 * The lock of every store, as clang's thread-safety analysis knows it (never defined): it does not
 * see that two expressions lead to the same lock. It takes img_begin() to have succeeded
 * behind `if (r)`, not behind `if (r < 0)`.
 */
extern struct lt_rwlock img_items;

/* What mkfs decides. */
struct img_store_format {
    uint64_t size; /* bytes; the device has them */
    uint32_t block_size;
    uint8_t data_check_size;
    uint8_t name_case;
    uint64_t log_size; /* bytes; 0: chosen by size */
    uint64_t nodes_max;
    struct lt_time created;
};

/* Writes an empty store: two superblocks. LT_EINVAL with diag. Flushes. */
int img_store_format(struct lt_device *dev, const struct img_store_format *format,
                     struct lt_diag *diag);

/*
 * Opens: reads the superblocks, replays the log. On success the device is the store's; on failure
 * it stays the caller's. The hooks are called from img_store_start() on.
 */
int img_store_open(struct lt_device *dev, const struct img_store_options *options,
                   struct img_store **ret, struct lt_diag *diag);
/* Starts the thread. The user of the store is ready for its hooks. */
int img_store_start(struct img_store *store);
/* Stops the thread, calls both hooks once more, and writes a last checkpoint (if anything changed)
 * marked clean. Frees all, the device too. Returns the latched error, or that of the checkpoint. */
int img_store_close(struct img_store *store);
/* Frees all and writes nothing more, as after a power cut. */
void img_store_abandon(struct img_store *store);

static inline uint32_t img_block_size(const struct img_store *store)
{
    return store->super.block_size;
}

/* ---- Reading items ------------------------------------------------------------------------- */

void img_read_lock(struct img_store *store) ACQUIRE_SHARED(img_items);
void img_read_unlock(struct img_store *store) RELEASE_SHARED(img_items);

/* As img_tree_get() and so on; values are borrowed until the lock is released or an item changes.
 */
int img_get(struct img_store *store, struct img_key key, const void **ret_value, size_t *ret_len)
    REQUIRES_SHARED(img_items);
int img_next(struct img_store *store, struct img_key *key, const void **ret_value, size_t *ret_len)
    REQUIRES_SHARED(img_items);
int img_prev(struct img_store *store, struct img_key *key, const void **ret_value, size_t *ret_len)
    REQUIRES_SHARED(img_items);
int img_scan(struct img_store *store, struct img_key from,
             int (*fn)(void *arg, struct img_key key, const void *value, size_t len), void *arg)
    REQUIRES_SHARED(img_items);

/* ---- Transactions -------------------------------------------------------------------------- */

/* What a transaction is for. SHRINK may use the reserve, so that deleting works on a full volume,
 * and so that data whose space was promised can be mapped;
 * LONG is for values in many pieces (an xattr has up to 65). */
enum img_purpose { IMG_GROW, IMG_SHRINK, IMG_LONG };

struct img_txn {
    struct img_store *store;
    enum img_purpose purpose;
    size_t undo_mark, log_mark; /* private */
    bool commit;                /* set it: img_end() returns when all so far is durable */
    bool lazy;                  /* set it: img_end() does not wait, not even with IMG_SYNC_ALWAYS */
    unsigned may_leave;         /* for img_store_options.seal; else 0 */
};

/*
 * Takes the store's lock for writing. A transaction of IMG_GROW has room to change up to 32 items
 * of any size, one of IMG_SHRINK or IMG_LONG up to 256. One that the log is too small for is
 * committed by a checkpoint. LT_ENOSPC, LT_EROFS, LT_EIO (latched); the lock is not
 * held then. May wait for a checkpoint.
 */
int img_begin(struct img_store *store, enum img_purpose purpose, struct img_txn *txn)
    TRY_ACQUIRE(0, img_items);

/*
 * Ends it and releases the lock. r >= 0: what it did stays. r < 0: all of it is undone. Returns r,
 * or an error of the commit where one was asked for (sync=always, txn->commit).
 */
int img_end(struct img_txn *txn, int r) RELEASE(img_items);

int img_put(struct img_txn *txn, struct img_key key, const void *value, size_t len);
int img_delete(struct img_txn *txn, struct img_key key); /* LT_ENOENT */

/* Blocks in flight (img_space_alloc) become part of the transaction: TAKE. If it is undone they are
 * in flight again. */
int img_use(struct img_txn *txn, uint64_t block, uint64_t count);
int img_free(struct img_txn *txn, uint64_t block, uint64_t count);

/* Something has changed that is not in items yet, and that the seal hook will put: so there is
 * something to commit even if it happened outside of a transaction. Once for each item. */
void img_touch(struct img_store *store) REQUIRES(img_items);

/* A new object id; not undone. */
uint64_t img_new_id(struct img_txn *txn);
/* Counts a node that came (+1) or went (-1); undone with the rest. LT_ENOSPC at nodes_max. */
int img_count_node(struct img_txn *txn, int change);

/*
 * Puts file data into the log, so that a commit needs no flush before it (image.md: DATA). The
 * caller writes the same bytes to their place too, by img_data_write(.., logged = true), before
 * img_end(): a checkpoint that no longer needs the log takes them for written.
 */
int img_log_data(struct img_txn *txn, uint64_t block, uint32_t offset, const void *bytes,
                 size_t len);

/* The generation that is being built: the birth of what is written now. */
uint64_t img_generation(const struct img_store *store);

/* ---- File data ----------------------------------------------------------------------------- */

/*
 * Reads and writes bytes of blocks. Not logged: the next commit flushes first; the caller holds no
 * lock of the store, because bytes that replay would cover with older ones of the log go into the
 * log in a transaction of their own.
 */
int img_data_read(struct img_store *store, uint64_t block, uint64_t offset, void *buf, size_t len);
/* A descriptor of the operating system from which the bytes of all blocks can be read. It stays the
 * device's. LT_EOPNOTSUPP: there is none. LT_EIO. */
int img_data_file(struct img_store *store);
int img_data_write(struct img_store *store, uint64_t block, uint64_t offset,
                   const struct lt_seg *segs, size_t count, bool logged);

/* Promises blocks, waiting for a checkpoint if that helps: img_space_promise(). No lock held. */
int img_promise(struct img_store *store, uint64_t blocks);

/* ---- Durability ---------------------------------------------------------------------------- */

/* All transactions that ended are durable. `all`: the flush hook is called first. No lock held. */
int img_commit(struct img_store *store, bool all);
int img_checkpoint(struct img_store *store);

/* The latched error (LT_EIO after img_shutdown()), or 0. */
int img_error(struct img_store *store);

/* Everything not committed is dropped, all that follows answers LT_EIO, reading too
 * (XFS_IOC_GOINGDOWN). Closing writes nothing then. */
void img_shutdown(struct img_store *store);

/* Grows or shrinks volume and device; the blocks behind are free (LT_EBUSY). */
int img_resize(struct img_store *store, uint64_t size);

struct img_store_stats {
    uint64_t commits, checkpoints;
    uint64_t flushes;   /* with the writes through to the log */
    uint64_t log_bytes; /* written */
    uint64_t log_used, log_size;
    uint64_t cache_bytes, cache_dirty;
    uint64_t replayed; /* batches, when it was opened */
};
void img_store_stats(struct img_store *store, struct img_store_stats *ret);

#endif
