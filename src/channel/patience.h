/* SPDX-License-Identifier: MIT */
/*
 * How long to poll before sleeping. Being woken costs more than most requests take; polling costs a
 * processor. So the window is learnt: after a sleep that polling would have spared it doubles,
 * after a long one it halves, down to nothing. Who is idle sleeps; who is busy is not woken. When a
 * worker hands over for a request that takes long, whoever would ask for more is likely to wait for
 * that one: nobody polls until the next message comes.
 *
 * Between two tries call sched_yield(): the peer may be on this processor.
 */
#ifndef LT_CHANNEL_PATIENCE_H
#define LT_CHANNEL_PATIENCE_H

#include <limits.h>
#include <os/os.h>

#define LT_PATIENCE_MAX_NS 200000u /* the longest learnt window */
#define LT_PATIENCE_MIN_NS 8000u   /* the shortest, below it is 0 */

struct lt_patience {
    _Atomic(uint32_t) window_ns; /* how long to poll now */
    bool learns;                 /* immutable */
    atomic_bool hushed;          /* nothing has come since somebody handed over */
};

/* `poll_us`: UINT_MAX: learnt. With one processor there is nobody to wait for. */
static inline void lt_patience_init(struct lt_patience *p, unsigned poll_us)
{
    p->learns = poll_us == UINT_MAX && lt_cpu_count() > 1;
    p->window_ns = poll_us == UINT_MAX || lt_cpu_count() == 1 ? 0
                   : poll_us > UINT32_MAX / 1000              ? UINT32_MAX
                                                              : poll_us * 1000;
}

static inline bool lt_patience_hushed(const struct lt_patience *p)
{
    return atomic_load_explicit(&p->hushed, memory_order_relaxed);
}

/* A worker hands over. */
static inline void lt_patience_hush(struct lt_patience *p)
{
    atomic_store_explicit(&p->hushed, true, memory_order_relaxed);
}

/* A message has come. */
static inline void lt_patience_heard(struct lt_patience *p)
{
    if (lt_patience_hushed(p))
        atomic_store_explicit(&p->hushed, false, memory_order_relaxed);
}

static inline uint32_t lt_patience_window(const struct lt_patience *p)
{
    return lt_patience_hushed(p) ? 0 : atomic_load_explicit(&p->window_ns, memory_order_relaxed);
}

/* After a sleep of this length. */
static inline void lt_patience_learn(struct lt_patience *p, uint64_t slept_ns)
{
    uint32_t window = lt_patience_window(p);
    if (!p->learns || lt_patience_hushed(p))
        return;
    if (slept_ns <= LT_PATIENCE_MAX_NS)
        window = window == 0                       ? LT_PATIENCE_MIN_NS
                 : window * 2 > LT_PATIENCE_MAX_NS ? LT_PATIENCE_MAX_NS
                                                   : window * 2;
    else
        window = window / 2 < LT_PATIENCE_MIN_NS ? 0 : window / 2;
    atomic_store_explicit(&p->window_ns, window, memory_order_relaxed);
}

#endif
