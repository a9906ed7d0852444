/* SPDX-License-Identifier: MIT */
/*
 * What the files of the client share: client.c its life and who receives, client_receive.c what
 * comes in, client_send.c what goes out.
 *
 * There are two roles, each with one holder at most. Who is `receiving` reads the descriptor and
 * owns the members below "The receiver's"; who is `sending` writes a message to a stream (a packet
 * needs no such thing). The holder works without the lock; the lock is for passing a role on and
 * for the table of calls.
 *
 * The memory of a call is written to only while `busy` is true or the lock is held, so a call can
 * be given up at any moment: whoever does so waits until `busy` is false and points the receiver
 * away.
 */
#ifndef LT_CHANNEL_CLIENT_STATE_H
#define LT_CHANNEL_CLIENT_STATE_H

#include "client.h"
#include "fd.h"
#include "patience.h"

#define LT_CLIENT_BUCKETS 64u
#define LT_CLIENT_DROPS 1024u  /* calls given up whose replies may still come; more end it all */
#define LT_CLIENT_AHEAD 4096u  /* bytes of a stream that are read before their length is known */
#define LT_CLIENT_LARGE 16384u /* bytes of a body that should not be copied once more */
#define LT_CLIENT_TICK_NS UINT64_C(10000000) /* how often who sleeps looks at ctx->cancel */

/* A call that nobody waits for any more. */
struct lt_client_drop {
    uint64_t unique, nodeid;
    uint32_t opcode;
};

/* The message that is coming in. */
enum lt_client_frame {
    LT_FRAME_NONE,
    LT_FRAME_REPLY,  /* to `target` */
    LT_FRAME_LATE,   /* to `late` */
    LT_FRAME_NOTIFY, /* its code is header.error */
    LT_FRAME_IGNORED
};

struct lt_client {
    struct lt_client_config config; /* immutable, as all up to `lock` */
    int in, out;
    int bell; /* eventfd: readable once the connection has ended */
    bool packets, out_is_socket;
    uint32_t max_write;
    size_t packet_max; /* bytes of the longest message that can be sent */
    size_t body_max;   /* bytes of the longest body there is, and of `scratch` */
    struct lt_thread *thread;

    struct lt_mutex lock;
    struct lt_client_call *calls[LT_CLIENT_BUCKETS] GUARDED_BY(lock); /* in flight, by `unique` */
    atomic_uint in_flight, large; /* written under the lock; `large`: those with much to come */
    uint64_t next_unique GUARDED_BY(lock); /* even; odd ones are INTERRUPTs, as the kernel has it */
    struct lt_client_drop drops[LT_CLIENT_DROPS] GUARDED_BY(lock);
    unsigned drop_count GUARDED_BY(lock);
    bool receiving GUARDED_BY(lock); /* the role is taken */
    bool sending GUARDED_BY(lock);
    struct lt_cond sendable;     /* `sending` became false */
    bool rests GUARDED_BY(lock); /* the thread waits for all callers to leave */
    struct lt_cond parked;       /* of the thread */
    bool busy GUARDED_BY(lock);  /* memory of `target` is being written to */
    unsigned busy_waiters GUARDED_BY(lock);
    struct lt_cond not_busy;
    atomic_int error; /* written under the lock: why the connection ended */
    atomic_bool groups, no_interrupt;
    struct lt_patience patience;
    _Atomic(uint64_t) call_count, post_count, sleep_count, poll_count, notify_count;

    /* The message that is coming in: GUARDED_BY(lock), written by the receiver and who gives up */
    enum lt_client_frame frame;
    struct lt_client_call *target; /* its body goes there; NULL: to `scratch` */
    struct lt_client_drop late;
    size_t body_done; /* the receiver may read it without the lock */

    /* The receiver's */
    bool in_frame;
    struct lt_fuse_out_header header;
    size_t body_len;
    size_t ahead_from, ahead_to; /* what is unread of `ahead` */
    char *scratch;
    _Alignas(8) char ahead[LT_CLIENT_AHEAD];
};

static inline void lt_client_count(_Atomic(uint64_t) *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- client.c -------------------------------------------------------------------------------- */

/* The table: a call of that `unique`, or NULL. */
struct lt_client_call *lt_client_find_locked(struct lt_client *client, uint64_t unique)
    REQUIRES(client->lock);
void lt_client_add_locked(struct lt_client *client, struct lt_client_call *call)
    REQUIRES(client->lock);
/* Out of the table, with its result; who waits for it is woken. */
void lt_client_done_locked(struct lt_client *client, struct lt_client_call *call, int error)
    REQUIRES(client->lock);

/* Ends a call without its reply. `sent`: the reply may still come. */
void lt_client_drop(struct lt_client *client, struct lt_client_call *call, int error, bool sent);

/* Takes the receiving role if it is free; gives it back to whoever waits. */
bool lt_client_take(struct lt_client *client);
void lt_client_leave(struct lt_client *client);

/* The connection has ended; the first reason counts. `tell`: config.ended(). */
void lt_client_finish(struct lt_client *client, int error, bool tell);

/* ---- client_receive.c: by the receiver ------------------------------------------------------- */

/*
 * Takes in what is there, up to one message from the descriptor. `own`: the call whose reply is
 * expected, of the calling thread, or NULL. 0: there was something; LT_EAGAIN: nothing. All else
 * has ended the connection.
 */
int lt_client_receive(struct lt_client *client, struct lt_client_call *own);

/* ---- client_send.c --------------------------------------------------------------------------- */

/* Asks the server to hurry a call up. LT_EAGAIN: not without waiting, so try again. */
int lt_client_interrupt(struct lt_client *client, uint64_t unique);

#endif
