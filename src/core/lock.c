// SPDX-License-Identifier: MIT
/*
 * Byte-range locks. One table a file system, under one mutex: locks are few and
 * short-lived beside everything else, and the search for deadlocks needs all of
 * them to stand still. Whoever releases something wakes all waiters, who look
 * again; so no waiter points at a lock that could vanish.
 */
#include "core.h"

#include <base/hash.h>
#include <lintel/lock.h>
#include <stdlib.h>

#define BUCKETS 256u /* a power of two */

/* The locks of one node; there is none for a node without. */
struct locked {
    struct locked *next; /* in its bucket */
    uint64_t id;
    size_t count, capacity;
    struct lt_lock *list; /* in no order */
};

/* A thread that waits; on its stack. */
struct waiter {
    struct waiter *next;
    uint64_t id; /* of the node */
    const struct lt_lock *wants;
    bool reached, expanded; /* see closes_circle() */
};

struct lt_locks {
    struct lt_mutex mutex;
    struct lt_cond released;
    struct locked *buckets[BUCKETS]; /* guarded by mutex */
    struct waiter *waiters;          /* guarded by mutex */
    atomic_size_t windows;           /* how many Windows locks there are; changed under the mutex */
};

/* ---- The table ----------------------------------------------------------------------------- */

static struct lt_locks *locks_of(struct lt_fs *fs)
{
    return atomic_load_explicit(&fs->core->locks, memory_order_acquire);
}

/* The table, made if need be; NULL for lack of memory. */
static struct lt_locks *locks_make(struct lt_fs *fs)
{
    struct lt_locks *t = locks_of(fs);
    if (t)
        return t;
    struct lt_locks *fresh = calloc(1, sizeof(*fresh));
    if (!fresh)
        return NULL;
    if (atomic_compare_exchange_strong(&fs->core->locks, &t, fresh))
        return fresh;
    free(fresh); /* somebody else was faster */
    return t;
}

static struct locked **find_slot(struct lt_locks *t, uint64_t id) REQUIRES(t->mutex)
{
    struct locked **slot = &t->buckets[lt_hash_u64(id) & (BUCKETS - 1)];
    while (*slot && (*slot)->id != id)
        slot = &(*slot)->next;
    return slot;
}

static struct locked *find_locked(struct lt_locks *t, uint64_t id) REQUIRES(t->mutex)
{
    return *find_slot(t, id);
}

/* The entry of a node with room for `more` further locks. NULL for lack of memory. */
static struct locked *reserve_locked(struct lt_locks *t, uint64_t id, size_t more)
    REQUIRES(t->mutex)
{
    struct locked **slot = find_slot(t, id);
    struct locked *l = *slot;
    size_t needed = (l ? l->count : 0) + more;
    if (l && needed <= l->capacity)
        return l;
    size_t capacity = needed + needed / 2 + 2;
    struct lt_lock *list = realloc(l ? l->list : NULL, capacity * sizeof(*list));
    if (!list)
        return NULL;
    if (!l) {
        l = calloc(1, sizeof(*l));
        if (!l) {
            free(list);
            return NULL;
        }
        l->id = id;
        *slot = l;
    }
    l->list = list;
    l->capacity = capacity;
    return l;
}

static void drop_if_empty(struct lt_locks *t, uint64_t id) REQUIRES(t->mutex)
{
    struct locked **slot = find_slot(t, id);
    struct locked *l = *slot;
    if (!l || l->count > 0)
        return;
    *slot = l->next;
    free(l->list);
    free(l);
}

void lt_locks_fini(struct lt_core *core) NO_THREAD_SAFETY_ANALYSIS
{
    struct lt_locks *t = atomic_load(&core->locks);
    if (!t)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (t->buckets[i]) {
            t->buckets[i]->count = 0;
            drop_if_empty(t, t->buckets[i]->id);
        }
    }
    free(t);
}

/* ---- Conflicts ----------------------------------------------------------------------------- */

static bool same_owner(const struct lt_lock *a, const struct lt_lock *b)
{
    return a->owner == b->owner && a->kind == b->kind;
}

static bool overlap(const struct lt_lock *a, const struct lt_lock *b)
{
    return a->start <= b->end && b->start <= a->end;
}

/* Whether `held` keeps `wanted` waiting. */
static bool blocks(const struct lt_lock *held, const struct lt_lock *wanted)
{
    bool windows = wanted->kind == LT_LOCK_WINDOWS;
    if (wanted->type == LT_LOCK_NONE || windows != (held->kind == LT_LOCK_WINDOWS))
        return false;
    if (!overlap(held, wanted))
        return false;
    if (held->type == LT_LOCK_SHARED && wanted->type == LT_LOCK_SHARED)
        return false;
    if (!windows)
        return !same_owner(held, wanted);
    /* One's own exclusive lock lets one add a shared one, and nothing else. */
    bool own = same_owner(held, wanted) && held->type == LT_LOCK_EXCLUSIVE;
    return !(own && wanted->type == LT_LOCK_SHARED);
}

static const struct lt_lock *first_blocker(struct lt_locks *t, uint64_t id,
                                           const struct lt_lock *wanted) REQUIRES(t->mutex)
{
    const struct locked *l = find_locked(t, id);
    for (size_t i = 0; l && i < l->count; i++) {
        if (blocks(&l->list[i], wanted))
            return &l->list[i];
    }
    return NULL;
}

/* Whether the owner of `who` holds something that keeps `wanted` on node `id` waiting. */
static bool owner_blocks(struct lt_locks *t, const struct lt_lock *who, uint64_t id,
                         const struct lt_lock *wanted) REQUIRES(t->mutex)
{
    const struct locked *l = find_locked(t, id);
    for (size_t i = 0; l && i < l->count; i++) {
        if (same_owner(&l->list[i], who) && blocks(&l->list[i], wanted))
            return true;
    }
    return false;
}

/* Marks the waiters whose owners keep `wanted` waiting. */
static void reach(struct lt_locks *t, uint64_t id, const struct lt_lock *wanted) REQUIRES(t->mutex)
{
    for (struct waiter *w = t->waiters; w; w = w->next) {
        if (!w->reached)
            w->reached = owner_blocks(t, w->wants, id, wanted);
    }
}

static struct waiter *next_reached(struct lt_locks *t) REQUIRES(t->mutex)
{
    struct waiter *w = t->waiters;
    while (w && (!w->reached || w->expanded))
        w = w->next;
    return w;
}

/* Whether somebody for whom we would wait waits, directly or through others, for us. */
static bool closes_circle(struct lt_locks *t, uint64_t id, const struct lt_lock *wanted)
    REQUIRES(t->mutex)
{
    for (struct waiter *w = t->waiters; w; w = w->next)
        w->reached = w->expanded = false;
    reach(t, id, wanted);
    for (struct waiter *w = next_reached(t); w; w = next_reached(t)) {
        if (owner_blocks(t, wanted, w->id, w->wants))
            return true;
        w->expanded = true;
        reach(t, w->id, w->wants);
    }
    return false;
}

/* ---- Changing the list --------------------------------------------------------------------- */

/* Touching ranges of one type become one. */
static bool joins(const struct lt_lock *a, const struct lt_lock *b)
{
    if (a->type != b->type)
        return false;
    bool gap = (a->end != UINT64_MAX && a->end + 1 < b->start) ||
               (b->end != UINT64_MAX && b->end + 1 < a->start);
    return !gap;
}

/* Replaces whatever the owner has in the range. Room for two more locks is there. */
static void put_range(struct locked *l, struct lt_lock lock)
{
    size_t kept = 0, count = l->count;
    struct lt_lock parts[2]; /* what sticks out of the range on either side */
    size_t part_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct lt_lock old = l->list[i];
        bool own = same_owner(&old, &lock);
        if (own && joins(&old, &lock)) {
            lock.start = old.start < lock.start ? old.start : lock.start;
            lock.end = old.end > lock.end ? old.end : lock.end;
            continue;
        }
        if (!own || !overlap(&old, &lock)) {
            l->list[kept++] = old;
            continue;
        }
        if (old.start < lock.start) {
            parts[part_count] = old;
            parts[part_count++].end = lock.start - 1;
        }
        if (old.end > lock.end) {
            parts[part_count] = old;
            parts[part_count++].start = lock.end + 1;
        }
    }
    for (size_t i = 0; i < part_count; i++)
        l->list[kept++] = parts[i];
    if (lock.type != LT_LOCK_NONE)
        l->list[kept++] = lock;
    l->count = kept;
}

/* Takes away the Windows lock with exactly this range: the exclusive one first. */
static int remove_exact(struct lt_locks *t, struct locked *l, const struct lt_lock *lock)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; l && i < l->count; i++) {
        const struct lt_lock *held = &l->list[i];
        if (!same_owner(held, lock) || held->start != lock->start || held->end != lock->end)
            continue;
        if (found == SIZE_MAX || held->type == LT_LOCK_EXCLUSIVE)
            found = i;
    }
    if (found == SIZE_MAX)
        return LT_ENOENT;
    l->list[found] = l->list[--l->count];
    atomic_fetch_sub_explicit(&t->windows, 1, memory_order_relaxed);
    return 0;
}

static int apply(struct lt_locks *t, uint64_t id, const struct lt_lock *lock) REQUIRES(t->mutex)
{
    bool windows = lock->kind == LT_LOCK_WINDOWS;
    int r = 0;
    if (windows && lock->type == LT_LOCK_NONE) {
        r = remove_exact(t, find_locked(t, id), lock);
    } else if (lock->type != LT_LOCK_NONE || find_locked(t, id)) {
        struct locked *l = reserve_locked(t, id, 2);
        if (!l)
            return LT_ENOMEM;
        if (windows) {
            l->list[l->count++] = *lock;
            atomic_fetch_add_explicit(&t->windows, 1, memory_order_relaxed);
        } else {
            put_range(l, *lock);
        }
    }
    drop_if_empty(t, id);
    /* An exclusive range may have become a shared one: any change can let somebody in. */
    if (t->waiters)
        lt_cond_wake_all(&t->released);
    return r;
}

/* ---- lintel/lock.h ------------------------------------------------------------------------- */

static bool is_cancelled(const struct lt_ctx *ctx)
{
    return ctx->cancel && atomic_load(ctx->cancel);
}

static void unlink_waiter(struct lt_locks *t, struct waiter *gone) REQUIRES(t->mutex)
{
    struct waiter **at = &t->waiters;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
}

/* Waits until nothing blocks `lock`. */
static int wait_for(struct lt_locks *t, const struct lt_ctx *ctx, uint64_t id,
                    const struct lt_lock *lock) REQUIRES(t->mutex)
{
    int r = 0;
    while (r == 0 && first_blocker(t, id, lock)) {
        if (lock->kind == LT_LOCK_POSIX && closes_circle(t, id, lock))
            return LT_EDEADLK;
        if (is_cancelled(ctx))
            return LT_EINTR;
        struct waiter self = {.next = t->waiters, .id = id, .wants = lock};
        t->waiters = &self;
        lt_cond_wait(&t->released, &t->mutex);
        unlink_waiter(t, &self);
    }
    return r;
}

int lt_lock_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_lock *lock,
                bool wait)
{
    ctx = ctx_or_root(ctx);
    if (lock->end < lock->start || lock->type > LT_LOCK_NONE || lock->kind > LT_LOCK_WINDOWS)
        return LT_EINVAL;
    struct lt_locks *t = locks_make(node->fs);
    if (!t)
        return LT_ENOMEM;
    int r = 0;
    lt_mutex_lock(&t->mutex);
    if (wait)
        r = wait_for(t, ctx, node->id, lock);
    else if (first_blocker(t, node->id, lock))
        r = LT_EAGAIN;
    if (r == 0)
        r = apply(t, node->id, lock);
    lt_mutex_unlock(&t->mutex);
    return r;
}

int lt_lock_test(struct lt_node *node, const struct lt_lock *lock, struct lt_lock *ret)
{
    if (lock->end < lock->start)
        return LT_EINVAL;
    struct lt_locks *t = locks_of(node->fs);
    struct lt_lock found = *lock;
    found.type = LT_LOCK_NONE;
    if (t) {
        lt_mutex_lock(&t->mutex);
        const struct lt_lock *blocker = first_blocker(t, node->id, lock);
        if (blocker)
            found = *blocker;
        lt_mutex_unlock(&t->mutex);
    }
    *ret = found;
    return 0;
}

void lt_lock_release(struct lt_node *node, enum lt_lock_kind kind, uint64_t owner)
{
    struct lt_locks *t = locks_of(node->fs);
    if (!t)
        return;
    lt_mutex_lock(&t->mutex);
    struct locked *l = find_locked(t, node->id);
    size_t kept = 0, before = l ? l->count : 0;
    for (size_t i = 0; i < before; i++) {
        if (l->list[i].kind != kind || l->list[i].owner != owner)
            l->list[kept++] = l->list[i];
    }
    if (kept < before) {
        l->count = kept;
        if (kind == LT_LOCK_WINDOWS)
            atomic_fetch_sub_explicit(&t->windows, before - kept, memory_order_relaxed);
        drop_if_empty(t, node->id);
        lt_cond_wake_all(&t->released);
    }
    lt_mutex_unlock(&t->mutex);
}

void lt_lock_interrupt(struct lt_fs *fs)
{
    struct lt_locks *t = locks_of(fs);
    if (!t)
        return;
    lt_mutex_lock(&t->mutex);
    lt_cond_wake_all(&t->released);
    lt_mutex_unlock(&t->mutex);
}

/* Whether a held Windows lock forbids I/O: a shared one all writing, also its owner's. */
static bool forbids_io(const struct lt_lock *held, const struct lt_lock *io)
{
    if (held->kind != LT_LOCK_WINDOWS || !overlap(held, io))
        return false;
    if (held->type == LT_LOCK_SHARED)
        return io->type == LT_LOCK_EXCLUSIVE;
    return held->owner != io->owner;
}

int lt_lock_check_io(struct lt_node *node, uint64_t owner, uint64_t offset, uint64_t len,
                     bool write)
{
    struct lt_locks *t = locks_of(node->fs);
    if (!t || len == 0 || atomic_load_explicit(&t->windows, memory_order_relaxed) == 0)
        return 0;
    struct lt_lock io = {.kind = LT_LOCK_WINDOWS,
                         .type = write ? LT_LOCK_EXCLUSIVE : LT_LOCK_SHARED,
                         .start = offset,
                         .end = len - 1 > UINT64_MAX - offset ? UINT64_MAX : offset + len - 1,
                         .owner = owner};
    int r = 0;
    lt_mutex_lock(&t->mutex);
    const struct locked *l = find_locked(t, node->id);
    for (size_t i = 0; r == 0 && l && i < l->count; i++)
        r = forbids_io(&l->list[i], &io) ? LT_EAGAIN : 0;
    lt_mutex_unlock(&t->mutex);
    return r;
}
