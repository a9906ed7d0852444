// SPDX-License-Identifier: MIT
/*
 * File locks, where the mount option `locks` gives them to us; without it the
 * kernel keeps them itself, which is faster and all that one machine needs. A waiter
 * occupies its worker, so that only so many may wait.
 */
#include "handlers.h"

#include <lintel/lock.h>

#define WORKERS_KEPT 2u /* that never wait for a lock */

/* fuse_file_lock to lt_lock: flock(2) locks the whole file and belongs to the open file. */
static int take_lock(const struct call *c, struct lt_lock *ret)
{
    const struct lt_fuse_lk_in *in = &c->req.args.lk;
    bool flock = in->lk_flags & LT_FUSE_LK_FLOCK;
    if (!(c->s->features & LT_FUSE_POSIX_LOCKS))
        return LT_ENOSYS;
    if (in->lk.type > LT_LOCK_NONE)
        return LT_EINVAL;
    *ret = (struct lt_lock){
        .kind = flock ? LT_LOCK_OFD : LT_LOCK_POSIX,
        .type = (enum lt_lock_type)in->lk.type,
        .start = flock ? 0 : in->lk.start,
        .end = flock || in->lk.end >= INT64_MAX ? UINT64_MAX : in->lk.end,
        .owner = in->owner,
        .pid = in->lk.pid,
    };
    return 0;
}

int on_getlk(struct call *c)
{
    struct lt_lock want, held;
    int r = take_lock(c, &want);
    if (r == 0)
        r = lt_lock_test(c->node, &want, &held);
    if (r < 0)
        return r;
    struct lt_fuse_lk_out out = {.lk = {
                                     .start = held.start,
                                     .end = held.end < INT64_MAX ? held.end : INT64_MAX,
                                     .type = (uint32_t)held.type,
                                     .pid = held.pid,
                                 }};
    return reply_bytes(c, &out, sizeof(out));
}

int on_setlk(struct call *c)
{
    struct lt_lock lock;
    int r = take_lock(c, &lock);
    return r < 0 ? r : lt_lock_set(&c->ctx, c->node, &lock, false);
}

int on_setlkw(struct call *c)
{
    struct lt_lock lock;
    int r = take_lock(c, &lock);
    if (r < 0)
        return r;
    unsigned waiting = atomic_fetch_add(&c->s->lock_waiters, 1);
    r = waiting + WORKERS_KEPT < c->s->worker_count ? lt_lock_set(&c->ctx, c->node, &lock, true)
                                                    : LT_ENOLCK;
    atomic_fetch_sub(&c->s->lock_waiters, 1);
    return r;
}

/*
 * Closing any descriptor gives a process' POSIX locks up, and is when a file system may say what
 * became of the data. Where neither has a meaning, ENOSYS tells the kernel to ask no more.
 */
int on_flush(struct call *c)
{
    const struct lt_fuse_flush_in *in = &c->req.args.flush;
    bool locks = c->s->features & LT_FUSE_POSIX_LOCKS;
    if (!locks && !c->s->volume.has_open)
        return LT_ENOSYS;
    if (locks)
        lt_lock_release(c->node, LT_LOCK_POSIX, in->lock_owner);
    return c->s->volume.has_open ? lt_opens_flush(&c->s->opens, &c->ctx, c->node, in->fh) : 0;
}
