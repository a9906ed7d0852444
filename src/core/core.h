/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/core share: the core's part of a file system, and the
 * checks that every function of lintel/fs.h begins with.
 *
 * Lock order within the core: a mode_lock, then the file system's own locks. The
 * event and lock-table mutexes are leaves: nothing is called while one is held.
 */
#ifndef LT_CORE_CORE_H
#define LT_CORE_CORE_H

#include "fs_ops.h"

#include <os/os.h>

#define LT_MODE_LOCKS 64u /* a power of two */

struct lt_locks;

struct lt_core {
    /*
     * By node id: held while a mode and an access ACL are read, brought into
     * step and written, so that two such changes of one node cannot mix.
     */
    struct lt_mutex mode_locks[LT_MODE_LOCKS];

    atomic_uint subscribers; /* live subscriptions: without any, a change costs one load */
    struct lt_mutex subscribe_lock;
    struct lt_cond unsubscribed;
    _Atomic(struct lt_subscription *) subscriptions; /* see event.c */

    _Atomic(struct lt_locks *) locks; /* see lock.c; made with the first lock */
};

void lt_events_fini(struct lt_core *core);
void lt_locks_fini(struct lt_core *core);

/* ---- Callers ------------------------------------------------------------------------------- */

extern const struct lt_ctx lt_ctx_root;

static inline const struct lt_ctx *ctx_or_root(const struct lt_ctx *ctx)
{
    return ctx ? ctx : &lt_ctx_root;
}

/* ---- Checks -------------------------------------------------------------------------------- */

static inline int check_dir(const struct lt_node *dir)
{
    return dir->type == LT_S_IFDIR ? 0 : LT_ENOTDIR;
}

static inline int check_writable(const struct lt_fs *fs)
{
    return fs->read_only ? LT_EROFS : 0;
}

static inline bool only_flags(uint32_t flags, uint32_t known)
{
    return (flags & ~known) == 0;
}

static inline bool node_has_data(const struct lt_node *node)
{
    return node->type == LT_S_IFREG || node->type == LT_S_STREAM;
}

/* ---- Events -------------------------------------------------------------------------------- */

/* Whether anybody listens: one relaxed load. A subscriber that is just being added may miss a
 * change that runs at the same time. */
static inline bool events_wanted(const struct lt_fs *fs)
{
    return atomic_load_explicit(&fs->core->subscribers, memory_order_relaxed) != 0;
}

/* Delivers one event; the caller has asked events_wanted() and holds no lock. */
void lt_event_emit(struct lt_fs *fs, const struct lt_event *event);

void lt_event_emit_attr(const struct lt_ctx *ctx, struct lt_node *node);
void lt_event_emit_data(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                        uint64_t len);

static inline void changed_attr(const struct lt_ctx *ctx, struct lt_node *node)
{
    if (events_wanted(node->fs))
        lt_event_emit_attr(ctx, node);
}

static inline void changed_data(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                                uint64_t len)
{
    if (events_wanted(node->fs))
        lt_event_emit_data(ctx, node, offset, len);
}

#endif
