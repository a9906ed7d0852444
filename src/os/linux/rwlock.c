// SPDX-License-Identifier: MIT
/*
 * A reader-writer lock on one futex word: the number of readers and three flags.
 *
 *   WRITER           a writer holds it
 *   WRITERS_WAITING  at least one writer sleeps, or is about to
 *   READERS_WAITING  the same of readers
 *
 * A reader enters only if no flag is set, so that a waiting writer keeps new
 * readers out. A writer enters if there is neither a reader nor a writer, whoever waits.
 *
 * Who answers for the sleepers:
 *  - The last reader to leave wakes one writer if one waits, and leaves the
 *    flags: until that writer, or a faster one, has entered, no reader does.
 *    A flag set while readers are inside belongs to a real waiter, since nobody
 *    else can set or clear it until they have left.
 *  - A writer that leaves clears everything and wakes all readers and one writer,
 *    which compete as equals: readers are not starved either.
 *  - A writer that was woken alone among several sets WRITERS_WAITING when it
 *    enters, and so answers for the others.
 *  - A flag cannot be cleared unnoticed between being set and the sleep: the
 *    sleep needs the word to have the value with the flag.
 *
 * tests/model/rwlock.py walks through every interleaving of a few threads.
 */
#include "futex.h"

#include <limits.h>

#include <os/os.h>

#define WRITER 0x80000000u
#define WRITERS_WAITING 0x40000000u
#define READERS_WAITING 0x20000000u
#define FLAGS (WRITER | WRITERS_WAITING | READERS_WAITING)
#define READERS (~FLAGS)

/* Futex groups. */
#define GROUP_READERS 0x1u
#define GROUP_WRITERS 0x2u

/* Turns to wait for holders that are running before sleeping. */
#define SPIN_MAX 40

/* Replaces *seen by `next` if it is still the state; otherwise updates *seen. */
static bool swap(struct lt_rwlock *l, uint32_t *seen, uint32_t next)
{
    return atomic_compare_exchange_weak_explicit(&l->state, seen, next, memory_order_acquire,
                                                 memory_order_relaxed);
}

static uint32_t look(struct lt_rwlock *l)
{
    return atomic_load_explicit(&l->state, memory_order_relaxed);
}

/* Waits a little for the lock to become free for a reader (`busy` = FLAGS) or a writer; returns the
 * state seen last. */
static uint32_t spin_while(struct lt_rwlock *l, uint32_t busy)
{
    uint32_t seen = look(l);

    for (int i = 0; i < SPIN_MAX && (seen & busy); i++) {
        if (seen & (WRITERS_WAITING | READERS_WAITING))
            break; /* it takes longer: others sleep already */
        lt_cpu_relax();
        seen = look(l);
    }
    return seen;
}

static void read_slow(struct lt_rwlock *l)
{
    uint32_t seen = spin_while(l, FLAGS);

    for (;;) {
        if (!(seen & FLAGS)) {
            if (swap(l, &seen, seen + 1))
                return;
        } else if ((seen & READERS_WAITING) || swap(l, &seen, seen | READERS_WAITING)) {
            lt_futex_wait(&l->state, seen | READERS_WAITING, GROUP_READERS, NULL);
            seen = look(l);
        }
    }
}

static void write_slow(struct lt_rwlock *l)
{
    uint32_t seen = spin_while(l, WRITER | READERS);
    uint32_t others = 0; /* WRITERS_WAITING once we slept: somebody else may sleep still */

    for (;;) {
        if (!(seen & (WRITER | READERS))) {
            if (swap(l, &seen, seen | WRITER | others))
                return;
        } else if ((seen & WRITERS_WAITING) || swap(l, &seen, seen | WRITERS_WAITING)) {
            lt_futex_wait(&l->state, seen | WRITERS_WAITING, GROUP_WRITERS, NULL);
            others = WRITERS_WAITING;
            seen = look(l);
        }
    }
}

void lt_rwlock_read(struct lt_rwlock *l) NO_THREAD_SAFETY_ANALYSIS
{
    uint32_t seen = look(l);

    if ((seen & FLAGS) || !swap(l, &seen, seen + 1))
        read_slow(l);
}

void lt_rwlock_read_unlock(struct lt_rwlock *l) NO_THREAD_SAFETY_ANALYSIS
{
    uint32_t left = atomic_fetch_sub_explicit(&l->state, 1, memory_order_release) - 1;

    if (!(left & READERS) && (left & WRITERS_WAITING))
        lt_futex_wake(&l->state, 1, GROUP_WRITERS);
}

void lt_rwlock_write(struct lt_rwlock *l) NO_THREAD_SAFETY_ANALYSIS
{
    uint32_t seen = 0;

    if (!swap(l, &seen, WRITER))
        write_slow(l);
}

void lt_rwlock_write_unlock(struct lt_rwlock *l) NO_THREAD_SAFETY_ANALYSIS
{
    uint32_t left = atomic_exchange_explicit(&l->state, 0, memory_order_release);

    if (left & WRITERS_WAITING)
        lt_futex_wake(&l->state, 1, GROUP_WRITERS);
    if (left & READERS_WAITING)
        lt_futex_wake(&l->state, INT_MAX, GROUP_READERS);
}
