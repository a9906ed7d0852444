/* SPDX-License-Identifier: MIT */
/*
 * The inside of the store, for its own files.
 *
 * Lock order:
 *   checkpoint_lock   one checkpoint at a time, from its freeze to its thaw
 *   commit_lock       one writer of the log: `out`
 *   store->lock       the tree, the log's buffer, the undo list, the counters of the ring
 *   wake.lock         what the thread waits for; a leaf
 *   logged.lock       a leaf
 */
#ifndef LT_FS_IMAGE_STORE_PRIVATE_H
#define LT_FS_IMAGE_STORE_PRIVATE_H

#include "log.h"
#include "logged.h"
#include "overlay.h"
#include "store.h"
#include "undo.h"

/* A batch on its way to the log. It stays until it is durable, or a checkpoint has it. */
struct img_batch_out {
    struct img_log_buffer log; /* empty: none */
    struct img_batch batch;
    uint64_t at;    /* where in the ring */
    uint64_t ahead; /* blocks of zeros to be written behind it */
    uint64_t upto;  /* transactions that are durable with it */
};

struct img_store_private {
    struct img_store_options options; /* immutable */
    uint64_t volume;                  /* immutable: super.uuid */
    size_t log_limit;                 /* immutable: bytes of `log` that call for a commit */
    bool started;                     /* immutable from img_store_start() on: hooks may be called */

    struct lt_mutex checkpoint_lock;
    struct lt_mutex commit_lock;

    /* store->lock */
    struct img_log_buffer log; /* records that no batch has yet */
    size_t covered;            /* bytes of them that the running checkpoint contains instead of the
                                  log: nothing is written to the log until it ends */
    struct img_undo_list undo;
    bool reserved;          /* the host has given space for the log */
    uint64_t unsealed;      /* items that wait for a seal: img_touch() */
    uint64_t left;          /* of them, so many were left by the last one */
    uint64_t told_need;     /* what the space knows of img_checkpoint_need() */
    uint64_t head, tail;    /* of the ring: blocks, not wrapped; [tail, head) is in use */
    uint64_t next_sequence; /* of the next batch */

    struct img_batch_out out; /* commit_lock */
    uint64_t first;           /* immutable: where in the ring this life began */
    uint64_t written_to;      /* commit_lock: from there on no block has been written in this life;
                                 as `head`, not wrapped */

    _Atomic uint64_t ended;      /* transactions that ended well, and img_touch() */
    _Atomic uint64_t durable;    /* of them, so many are durable */
    _Atomic uint64_t in_place;   /* of them, so many are in the last checkpoint */
    _Atomic uint64_t generation; /* being built */
    _Atomic uint64_t written;    /* writes of file data that returned */
    _Atomic uint64_t flushed;    /* of them, so many are durable */
    atomic_int error;            /* latched */
    atomic_bool dead;            /* img_shutdown() */
    atomic_bool evicting;        /* a reader is at it */

    struct img_logged logged;   /* blocks whose data lies in the log too */
    struct img_overlay overlay; /* immutable: data of the log, of a volume opened for reading */

    struct {
        struct lt_mutex lock;
        struct lt_cond cond;
        atomic_bool changed; /* something waits for a commit */
        bool urgent, stop;   /* lock */
        struct lt_thread *thread;
    } wake;

    struct {
        _Atomic uint64_t commits, checkpoints, flushes, log_bytes;
        uint64_t replayed;
    } stats;
};

/* As img_items: the names of the two other locks. */
extern struct lt_mutex img_commits, img_checkpoints;

static inline void img_checkpoint_lock(struct img_store *store)
    ACQUIRE(img_checkpoints) NO_THREAD_SAFETY_ANALYSIS
{
    lt_mutex_lock(&store->priv->checkpoint_lock);
}

static inline void img_checkpoint_unlock(struct img_store *store)
    RELEASE(img_checkpoints) NO_THREAD_SAFETY_ANALYSIS
{
    lt_mutex_unlock(&store->priv->checkpoint_lock);
}

static inline void img_commit_lock(struct img_store *store)
    ACQUIRE(img_commits) NO_THREAD_SAFETY_ANALYSIS
{
    lt_mutex_lock(&store->priv->commit_lock);
}

static inline void img_commit_unlock(struct img_store *store)
    RELEASE(img_commits) NO_THREAD_SAFETY_ANALYSIS
{
    lt_mutex_unlock(&store->priv->commit_lock);
}

/* store->lock, by the name that the analysis knows. Reading in the store itself leaves the cache
 * alone. */
static inline void img_write_lock(struct img_store *store)
    ACQUIRE(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_write(&store->lock);
}

static inline void img_write_unlock(struct img_store *store)
    RELEASE(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_write_unlock(&store->lock);
}

static inline void img_stat_lock(struct img_store *store)
    ACQUIRE_SHARED(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_read(&store->lock);
}

static inline void img_stat_unlock(struct img_store *store)
    RELEASE_SHARED(img_items) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_read_unlock(&store->lock);
}

/* ---- store.c ------------------------------------------------------------------------------- */

/* Notes an error from which there is no way back; returns what is latched. */
int img_latch(struct img_store *store, int error);
/* LT_EIO after img_shutdown() or a latched error; else 0. */
int img_alive(struct img_store *store);
/* lt_device_flush(), latched on failure. */
int img_flush(struct img_store *store);
/* Whether file data was written that no flush covers. */
bool img_data_unflushed(const struct img_store *store);

/* ---- txn.c --------------------------------------------------------------------------------- */

/* Calls the seal hook. What it put before failing stays. */
int img_seal_items(struct img_store *store) REQUIRES(img_items);

/* Blocks that a checkpoint of what is dirty now would take at most. */
uint64_t img_checkpoint_need(struct img_store *store) REQUIRES_SHARED(img_items);
/* Tells the space of it. */
void img_tell_need(struct img_store *store) REQUIRES(img_items);
uint64_t img_reserve_blocks(const struct img_super *super);

/* ---- commit.c ------------------------------------------------------------------------------ */

/* The first `target` transactions are durable. No lock held. */
int img_commit_upto(struct img_store *store, uint64_t target);

/* Moves the log's buffer into `out`, with a place in the ring. LT_EAGAIN: no room there. */
int img_batch_take(struct img_store *store) REQUIRES(img_commits, img_items);
/* Writes `out`, if there is one, and makes it and all file data durable. LT_ENOSPC: it stays. */
int img_batch_write(struct img_store *store) REQUIRES(img_commits);

/* ---- checkpoint.c -------------------------------------------------------------------------- */

enum {
    IMG_LAST = 0x1,     /* marks the volume clean */
    IMG_NEW_LIFE = 0x2, /* a new epoch: no batch so far counts any more */
    IMG_FORCE = 0x4     /* even if nothing has changed */
};
int img_checkpoint_run(struct img_store *store, unsigned flags);

/* Returns when a checkpoint ended after this call began. No lock held. */
int img_checkpoint_wait(struct img_store *store);

/* ---- replay.c ------------------------------------------------------------------------------ */

/* Applies the log to a store that was just opened. */
int img_replay(struct img_store *store, struct lt_diag *diag) NO_THREAD_SAFETY_ANALYSIS;

/* ---- maintain.c ---------------------------------------------------------------------------- */

int img_maintain_start(struct img_store *store);
void img_maintain_stop(struct img_store *store);
/* Something has changed: the timer runs. */
void img_wake_later(struct img_store *store);
/* The log or the cache calls for work now. */
void img_wake_now(struct img_store *store);

/* Whether the ring or the dirty part of the cache is so full that a checkpoint is due (eighths). */
bool img_ring_above(const struct img_store *store, unsigned eighths) REQUIRES_SHARED(img_items);
bool img_dirty_above(const struct img_store *store, unsigned eighths) REQUIRES_SHARED(img_items);

#endif
