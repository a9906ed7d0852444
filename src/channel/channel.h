/* SPDX-License-Identifier: MIT */
/*
 * How FUSE messages travel: over /dev/fuse, over io_uring, over a socket or a pipe.
 *
 * A server runs `workers` threads; each calls lt_channel_receive() in a loop and
 * answers what it got, on the same thread, before it receives again:
 *
 *     while (lt_channel_receive(channel, worker, &message) == 0)
 *         answer(&message);        // lt_channel_reply(), unless the request wants none
 *
 * A message and its memory are the worker's until its next receive. What is in it
 * is unchecked bytes: from a socket they may come from anybody.
 */
#ifndef LT_CHANNEL_CHANNEL_H
#define LT_CHANNEL_CHANNEL_H

#include <lintel/error.h>
#include <lintel/fs.h>
#include <lintel/types.h>
#include <wire/fuse/decode.h>

struct lt_channel;

struct lt_message {
    struct lt_fuse_input in; /* in.pages may be taken: base becomes NULL (lt_fs_pages_get) */
    unsigned worker;         /* who received it */
    void *slot;              /* the channel's own */
    /* NULL, or where the body of the reply to a message without a body is best built: a reply of
     * one segment that begins there is not copied. */
    void *room;
    size_t room_len;
};

/* What a channel needs to know to make its buffers. */
struct lt_channel_config {
    uint32_t max_write; /* bytes of payload in one message */
    unsigned workers;   /* 0: by the number of processors */
    unsigned poll_us;   /* how long to poll before sleeping; UINT_MAX: learnt */
    /*
     * Pages into which payload may be received, or NULL: lt_fs_pages_get() and
     * lt_fs_pages_put() of the file system `pages_arg`.
     */
    int (*pages_get)(void *arg, struct lt_seg *segs, size_t count);
    void (*pages_put)(void *arg, struct lt_seg *segs, size_t count);
    void *pages_arg;
};

struct lt_channel_ops {
    const char *name;
    int (*receive)(struct lt_channel *channel, unsigned worker, struct lt_message *ret);
    int (*reply)(struct lt_channel *channel, struct lt_message *m, int error,
                 const struct lt_seg *segs, size_t count);
    /* NULL: reply() never waits for the peer */
    int (*reply_soon)(struct lt_channel *channel, struct lt_message *m, const struct lt_seg *segs,
                      size_t count, char *room);
    int (*reply_rest)(struct lt_channel *channel, struct lt_message *m, const char *room,
                      size_t len);
    /* NULL: not possible */
    int (*reply_file)(struct lt_channel *channel, struct lt_message *m, int fd,
                      const struct lt_file_range *ranges, size_t count);
    int (*notify)(struct lt_channel *channel, int code, const struct lt_seg *segs, size_t count);
    void (*hand_over)(struct lt_channel *channel, unsigned worker);
    int (*backing_open)(struct lt_channel *channel, int fd);
    void (*backing_close)(struct lt_channel *channel, int id);
    void (*stop)(struct lt_channel *channel);
    void (*close)(struct lt_channel *channel);
};

/* Channels begin with it. */
struct lt_channel {
    const struct lt_channel_ops *ops; /* immutable */
    unsigned workers;                 /* immutable: how many threads may receive */
    bool reply_blocks; /* immutable: the peer decides how long a reply takes, so hold no lock */
    atomic_ullong sleeps, polls; /* receives that slept, and that polling spared the sleep */
};

#define LT_CHANNEL_SEGS_MAX 320u /* segments of one reply */

/* Waits for a message. LT_ENODEV: the peer unmounted or closed; LT_ENOTCONN: it was aborted;
 * LT_ECANCELED: lt_channel_stop(). After an error the worker is done. */
static inline int lt_channel_receive(struct lt_channel *channel, unsigned worker,
                                     struct lt_message *ret)
{
    return channel->ops->receive(channel, worker, ret);
}

/*
 * Answers a message with an error (negative, or 0) and a body. Exactly once a message. LT_ENOENT:
 * nobody waits for it any more. Whatever it returns, the message counts as answered.
 */
static inline int lt_channel_reply(struct lt_channel *channel, struct lt_message *m, int error,
                                   const struct lt_seg *segs, size_t count)
{
    return channel->ops->reply(channel, m, error, segs, count);
}

/*
 * Answers a message with a body that lies under a lock: as lt_channel_reply(), but without waiting
 * for the peer. LT_EAGAIN: it would have to wait, and the message is not answered. A positive
 * result: so many bytes are still to go and have been copied to `room`, which takes the whole body;
 * the lock given up, lt_channel_reply_rest() sends them, before anything else on this thread.
 */
static inline int lt_channel_reply_soon(struct lt_channel *channel, struct lt_message *m,
                                        const struct lt_seg *segs, size_t count, char *room)
{
    return channel->ops->reply_soon ? channel->ops->reply_soon(channel, m, segs, count, room)
                                    : channel->ops->reply(channel, m, 0, segs, count);
}

static inline int lt_channel_reply_rest(struct lt_channel *channel, struct lt_message *m,
                                        const char *room, size_t len)
{
    return channel->ops->reply_rest(channel, m, room, len);
}

static inline bool lt_channel_replies_files(const struct lt_channel *channel)
{
    return channel->ops->reply_file != NULL;
}

/* Answers a message with bytes of a file of the operating system. LT_EOPNOTSUPP: it cannot, or the
 * file does not have them all, and the message is not answered. */
static inline int lt_channel_reply_file(struct lt_channel *channel, struct lt_message *m, int fd,
                                        const struct lt_file_range *ranges, size_t count)
{
    return channel->ops->reply_file(channel, m, fd, ranges, count);
}

/* Sends a notification (enum lt_fuse_notify). Any thread. LT_ENOENT: the kernel does not have it.
 */
static inline int lt_channel_notify(struct lt_channel *channel, int code, const struct lt_seg *segs,
                                    size_t count)
{
    return channel->ops->notify(channel, code, segs, count);
}

/* Says that `worker` will be busy for long with the message that it received, so that another
 * has to listen. */
static inline void lt_channel_hand_over(struct lt_channel *channel, unsigned worker)
{
    if (channel->ops->hand_over)
        channel->ops->hand_over(channel, worker);
}

/*
 * Registers a file of the operating system with the kernel, for replies with
 * LT_FOPEN_PASSTHROUGH; returns its id > 0. The descriptor stays the caller's. LT_EPERM (not
 * negotiated, or no privilege), LT_ELOOP, LT_EOPNOTSUPP (no kernel at the other end).
 */
static inline int lt_channel_backing_open(struct lt_channel *channel, int fd)
{
    return channel->ops->backing_open ? channel->ops->backing_open(channel, fd) : LT_EOPNOTSUPP;
}

static inline void lt_channel_backing_close(struct lt_channel *channel, int id)
{
    channel->ops->backing_close(channel, id);
}

/* Makes every receive return LT_ECANCELED, now and later. Async-signal-safe; any thread. */
static inline void lt_channel_stop(struct lt_channel *channel)
{
    channel->ops->stop(channel);
}

/* Frees it all and closes its descriptors. No worker may be left. NULL is ignored. */
static inline void lt_channel_close(struct lt_channel *channel)
{
    if (channel)
        channel->ops->close(channel);
}

/* ---- The kinds: each takes its descriptors over, and closes them if it fails ----------------- */

/* /dev/fuse, already mounted. */
int lt_channel_dev(int fd, const struct lt_channel_config *config, struct lt_channel **ret);

/*
 * The descriptor of a socket or of two pipes (in != out), at whose other end
 * somebody speaks the protocol as a kernel does. With `packets` each read gives
 * one whole message (SOCK_SEQPACKET); without, messages follow each other in a stream.
 */
int lt_channel_socket(int in, int out, bool packets, const struct lt_channel_config *config,
                      struct lt_channel **ret);

/* How much of `max_write` bytes of payload packets on this socket can carry. To be asked before the
 * file system is served on it, for INIT promises what must fit. */
uint32_t lt_channel_socket_max_write(int out, uint32_t max_write);

/*
 * FUSE over io_uring, on top of a lt_channel_dev() which it takes over. Between it
 * and the reply to INIT that accepts LT_FUSE_OVER_IO_URING nothing may fail any more, so all
 * memory and rings are made here. LT_EOPNOTSUPP: not on this system; `dev` is then untouched.
 */
int lt_channel_uring(struct lt_channel *dev, const struct lt_channel_config *config,
                     struct lt_channel **ret);

#endif
