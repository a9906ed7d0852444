/* SPDX-License-Identifier: MIT */
/*
 * The other end of a channel: here we play the kernel. Requests go out, replies and notifications
 * come back, over a socket or a pair of pipes.
 *
 * Many threads may have requests on their way. There is no thread that receives for them: a caller
 * who waits for a reply receives himself, if nobody else does, hands replies of others to their
 * callers, and passes the receiving on when his own has come. So one client alone pays for no
 * wake-up, and polls before it sleeps. A thread of the client's receives while nobody waits, so
 * that notifications and the peer's death are noticed, at most some milliseconds after the last
 * call.
 *
 * What comes in is unchecked bytes. Here the frame is checked: lengths, a `unique` that was sent
 * and not yet answered, an error in range. Whatever breaks the frame ends the connection (LT_EPROTO
 * to all). The content of a reply is checked by whoever asked.
 *
 * Locks: `lock` is a leaf; no callback runs under it.
 */
#ifndef LT_CHANNEL_CLIENT_H
#define LT_CHANNEL_CLIENT_H

#include <lintel/error.h>
#include <lintel/types.h>
#include <os/os.h>
#include <wire/fuse/proto.h>

struct lt_client;

struct lt_client_config {
    uint32_t max_write;  /* bytes of payload in one message, either way */
    unsigned poll_us;    /* how long to poll before sleeping; UINT_MAX: learnt */
    uint64_t timeout_ns; /* how long a reply may take before the call gives up with LT_ETIMEDOUT; 0:
                            for ever. The server hears of it by INTERRUPT */
    /* A notification (enum lt_fuse_notify) and its body, borrowed. On any thread that receives,
     * also within lt_client_call(); it must neither call nor post. */
    void (*notify)(void *arg, int code, struct lt_str body);
    /*
     * The successful reply to a call that was given up (LT_EINTR, LT_ETIMEDOUT) came after all, and
     * may hold what must be given back: a lookup, a handle. As notify(); NULL: nobody cares.
     */
    void (*late)(void *arg, uint32_t opcode, uint64_t nodeid, struct lt_str body);
    /* The connection ended, for whatever reason but lt_client_close(): once, on any thread. */
    void (*ended)(void *arg, int error);
    void *arg;
};

/*
 * A client on `in` and `out` (the same descriptor for a socket), which it takes over, also if it
 * fails. With `packets` each message is one packet (SOCK_SEQPACKET).
 */
int lt_client_open(int in, int out, bool packets, const struct lt_client_config *config,
                   struct lt_client **ret);

/* Ends the connection: all calls in flight return LT_ENOTCONN, and later ones too. Any thread. */
void lt_client_stop(struct lt_client *client);

/*
 * What one message may carry, beside headers and names: config.max_write, or less where the socket
 * takes no longer packets. For INIT to negotiate by.
 */
uint32_t lt_client_max_write(const struct lt_client *client);

/* From now on requests that create something carry ctx->groups, as LT_FUSE_CREATE_SUPP_GROUP has
 * it. */
void lt_client_send_groups(struct lt_client *client);

/* Frees it and closes its descriptors. No call may be left. NULL is ignored. */
void lt_client_close(struct lt_client *client);

/* 0, or why the connection ended. */
int lt_client_error(const struct lt_client *client);

#define LT_CLIENT_SEGS_MAX 8u
#define LT_CLIENT_GROUPS_MAX 32u /* of ctx->groups that travel */

/* One request, in the caller's memory from lt_client_send() to the end of lt_client_wait(). */
struct lt_client_call {
    /* Set by the caller */
    uint32_t opcode;
    uint64_t nodeid;
    const struct lt_ctx *ctx; /* uid, gid, pid; groups and cancel too; NULL: root */
    const struct lt_seg *in;  /* arguments, names with their NULs, payload */
    size_t in_count;          /* at most LT_CLIENT_SEGS_MAX */
    struct lt_seg *out;       /* where the reply's body goes, one after the other; what lies there
                                 is lost even where the call fails */
    size_t out_count;         /* at most LT_CLIENT_SEGS_MAX */
    size_t
        out_min; /* a shorter body is LT_EPROTO for this call; one longer than `out` is for all */

    /* Filled by lt_client_wait() */
    size_t out_len; /* bytes of body */

    /* The client's own */
    struct lt_client_call *next;
    uint64_t unique, sent_ns, interrupt_ns;
    size_t out_size;
    struct lt_cond woken; /* done, or its turn to receive */
    int error;
    atomic_bool done; /* written under the lock */
    bool waiting, interrupted;
};

/*
 * Sends a request. 0: lt_client_wait() must follow, on the same thread. LT_ENOTCONN, LT_EPROTO and
 * so on where the connection has ended; then nothing is to be waited for.
 */
int lt_client_send(struct lt_client *client, struct lt_client_call *call);

/*
 * Waits for the reply: 0, or the error that the server replied, or LT_ENOTCONN, LT_ETIMEDOUT, or
 * LT_EINTR where ctx->cancel became true and the server did not answer the INTERRUPT in
 * a while (its reply is dropped when it comes).
 */
int lt_client_wait(struct lt_client *client, struct lt_client_call *call);

static inline int lt_client_call(struct lt_client *client, struct lt_client_call *call)
{
    int r = lt_client_send(client, call);
    return r < 0 ? r : lt_client_wait(client, call);
}

/* Sends a message that has no reply: FORGET, BATCH_FORGET, INTERRUPT, NOTIFY_REPLY. */
int lt_client_post(struct lt_client *client, uint32_t opcode, uint64_t nodeid,
                   const struct lt_seg *in, size_t in_count);

/* Counters for `lintel info` and the benchmark. */
struct lt_client_stats {
    uint64_t calls, posts, sleeps, polls, notifications;
};
void lt_client_stats(struct lt_client *client, struct lt_client_stats *ret);

#endif
