/* SPDX-License-Identifier: MIT */
/* What ends all waiting of a channel: once rung it goes on ringing. */
#ifndef LT_CHANNEL_BELL_H
#define LT_CHANNEL_BELL_H

#include <os/os.h>

struct lt_bell {
    int fd; /* immutable: readable once rung; -1: none */
    atomic_bool rung;
};

/* On failure, too, lt_bell_close() may follow. */
int lt_bell_open(struct lt_bell *bell);
void lt_bell_close(struct lt_bell *bell);

/* From any thread, also from a signal handler. */
void lt_bell_ring(struct lt_bell *bell);

static inline bool lt_bell_rung(const struct lt_bell *bell)
{
    return atomic_load_explicit(&bell->rung, memory_order_acquire);
}

/* Sleeps until `fd` (-1: none) is ready for `events` of poll(2), for `timeout_ms` at most (-1: for
 * ever). LT_ECANCELED: the bell rings. */
int lt_bell_wait(const struct lt_bell *bell, int fd, short events, int timeout_ms);

#endif
