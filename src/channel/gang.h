/* SPDX-License-Identifier: MIT */
/*
 * Who listens. Waking a thread costs more than most requests, so the workers of a
 * channel do not all wait for the next message: one listens (polls, then sleeps),
 * the others are parked, and a parked one is called only
 *  - when the listener says that it will be away for long, or
 *  - when requests keep lying ready as fast as they are answered: there is work for two.
 * A listener that finds nothing to do while another listens is parked again.
 */
#ifndef LT_CHANNEL_GANG_H
#define LT_CHANNEL_GANG_H

#include <os/os.h>

struct lt_gang {
    struct lt_mutex lock;
    struct lt_cond parked;
    unsigned waiting GUARDED_BY(lock); /* workers in `parked` */
    unsigned calls GUARDED_BY(lock);   /* how many of them have been called and did not wake yet */
    unsigned most;                     /* immutable: listeners at the same time */
    _Atomic(unsigned) listeners;       /* written under lock */
    atomic_bool ended;
};

void lt_gang_init(struct lt_gang *gang, unsigned most);

/* Becomes a listener, at once if there is none; else waits to be
 * called. False: the gang has ended. */
bool lt_gang_join(struct lt_gang *gang);

/* Stops listening; somebody else is called if nobody would be left. */
void lt_gang_leave(struct lt_gang *gang);

/* A listener without work: true if it has stopped listening because others still do. */
bool lt_gang_retire(struct lt_gang *gang);

/* Calls one more listener, if there is one to be had and room for it. */
void lt_gang_call(struct lt_gang *gang);

/* Everybody leaves. */
void lt_gang_end(struct lt_gang *gang);

static inline unsigned lt_gang_listeners(const struct lt_gang *gang)
{
    return atomic_load_explicit(&gang->listeners, memory_order_relaxed);
}

#endif
