// SPDX-License-Identifier: MIT
/*
 * Mutexes and condition variables on one futex word each.
 *
 * A mutex is FREE, HELD, or CONTENDED: held, and somebody may sleep. Only the
 * last makes the unlock a system call. Who has slept takes the mutex as
 * CONTENDED, because others may sleep still; the worst of it is one wake too many.
 */
#include "futex.h"

#include <errno.h>
#include <limits.h>

#include <os/os.h>

enum { FREE, HELD, CONTENDED };

/* Turns to wait for a holder that is running before sleeping: about the cost of a futex call. */
#define SPIN_MAX 40

static bool mutex_try(struct lt_mutex *m)
{
    uint32_t expected = FREE;

    return atomic_compare_exchange_strong_explicit(&m->state, &expected, HELD, memory_order_acquire,
                                                   memory_order_relaxed);
}

static void mutex_lock_slow(struct lt_mutex *m)
{
    for (int i = 0; i < SPIN_MAX; i++) {
        uint32_t state = atomic_load_explicit(&m->state, memory_order_relaxed);

        if (state == CONTENDED)
            break;
        if (state == FREE && mutex_try(m))
            return;
        lt_cpu_relax();
    }
    while (atomic_exchange_explicit(&m->state, CONTENDED, memory_order_acquire) != FREE)
        lt_futex_wait(&m->state, CONTENDED, LT_FUTEX_ALL, NULL);
}

void lt_mutex_lock(struct lt_mutex *m) NO_THREAD_SAFETY_ANALYSIS
{
    if (!mutex_try(m))
        mutex_lock_slow(m);
}

bool lt_mutex_trylock(struct lt_mutex *m) NO_THREAD_SAFETY_ANALYSIS
{
    return mutex_try(m);
}

void lt_mutex_unlock(struct lt_mutex *m) NO_THREAD_SAFETY_ANALYSIS
{
    if (atomic_exchange_explicit(&m->state, FREE, memory_order_release) == CONTENDED)
        lt_futex_wake(&m->state, 1, LT_FUTEX_ALL);
}

/*
 * A condition's word: the number of waiters, and above it the number of wakes.
 * Without waiters a wake is one load. A waiter sleeps until the number of wakes
 * is no longer what it was while it held the mutex, so that no wake between its
 * unlock and its sleep is lost.
 */
#define COND_WAITER 0x1u
#define COND_WAITERS 0xfffu
#define COND_WAKE 0x1000u

static struct timespec deadline_after(uint64_t timeout_ns)
{
    uint64_t now = lt_clock_ns();
    uint64_t at = now > UINT64_MAX - timeout_ns ? UINT64_MAX : now + timeout_ns;

    return (struct timespec){
        .tv_sec = (time_t)(at / 1000000000u),
        .tv_nsec = (long)(at % 1000000000u),
    };
}

static bool cond_wait_until(struct lt_cond *c, struct lt_mutex *m, const struct timespec *deadline)
    REQUIRES(m)
{
    uint32_t seen =
        atomic_fetch_add_explicit(&c->seq, COND_WAITER, memory_order_relaxed) + COND_WAITER;
    bool in_time = true;

    lt_mutex_unlock(m);
    for (;;) {
        long error = lt_futex_wait(&c->seq, seen, LT_FUTEX_ALL, deadline) < 0 ? errno : 0;
        uint32_t now = atomic_load_explicit(&c->seq, memory_order_relaxed);

        if ((now ^ seen) & ~COND_WAITERS)
            break;
        if (error == ETIMEDOUT) {
            in_time = false;
            break;
        }
        seen = now; /* only waiters came or went, or a signal */
    }
    atomic_fetch_sub_explicit(&c->seq, COND_WAITER, memory_order_relaxed);
    lt_mutex_lock(m);
    return in_time;
}

void lt_cond_wait(struct lt_cond *c, struct lt_mutex *m)
{
    cond_wait_until(c, m, NULL);
}

bool lt_cond_wait_for(struct lt_cond *c, struct lt_mutex *m, uint64_t timeout_ns)
{
    struct timespec deadline = deadline_after(timeout_ns);

    return cond_wait_until(c, m, &deadline);
}

static void cond_wake(struct lt_cond *c, int count)
{
    /* Waiters counted themselves before they let go of the mutex under which the caller, or
     * somebody before it, changed what they wait for. */
    if (!(atomic_load_explicit(&c->seq, memory_order_seq_cst) & COND_WAITERS))
        return;
    atomic_fetch_add_explicit(&c->seq, COND_WAKE, memory_order_relaxed);
    lt_futex_wake(&c->seq, count, LT_FUTEX_ALL);
}

void lt_cond_wake_one(struct lt_cond *c)
{
    cond_wake(c, 1);
}

void lt_cond_wake_all(struct lt_cond *c)
{
    cond_wake(c, INT_MAX);
}
