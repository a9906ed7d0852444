// SPDX-License-Identifier: MIT
/*
 * FUSE over a socket or two pipes. The protocol needs nothing else: every message
 * begins with its length. Packets keep their bounds; in a stream the length is
 * all there is, so a wrong one ends the connection.
 *
 * Of a stream whoever holds `receiving` reads the next message to its end, and whoever holds
 * `sending` writes one; a packet is one system call. Descriptors are non-blocking and waited for in
 * poll(2) together with the bell that stops it, so that a peer that neither reads nor writes holds
 * nobody up for good. Who listens: gang.h; how long he polls before he sleeps: patience.h.
 */
#include "bell.h"
#include "channel.h"
#include "fd.h"
#include "gang.h"
#include "patience.h"

#include <errno.h>
#include <os/os.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_DEFAULT 4u
#define BACKLOG_CALL 16u /* messages found ready in a row that call another listener */

struct link_worker {
    char *buf;        /* buf_size bytes */
    unsigned backlog; /* messages found ready in a row */
    bool listening;   /* counted in gang.listeners */
};

struct link {
    struct lt_channel base;
    int in, out; /* immutable, as all up to `gang` */
    struct lt_bell stop;
    bool packets;
    bool out_is_socket;
    size_t buf_size;
    struct lt_gang gang;
    struct lt_patience patience;
    atomic_int ended;          /* why the first worker left: the others do so for the same reason */
    struct lt_mutex receiving; /* before `sending`, though nobody takes both */
    struct lt_mutex sending;
    /* A reply of which only some has gone: its header, and how much of that. */
    struct lt_fuse_out_header begun GUARDED_BY(sending);
    size_t begun_len GUARDED_BY(sending);
    struct link_worker workers[];
};

static struct link *link_of(struct lt_channel *channel)
{
    return (struct link *)channel;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* One read of up to `size` bytes. LT_EAGAIN; LT_ENODEV at the end. */
static ssize_t read_some(struct link *l, char *buf, size_t size)
{
    struct iovec iov = {buf, size};
    ssize_t n = lt_fd_read(l->in, &iov, 1);
    return n == 0 || n == LT_EIO || n == LT_EPIPE ? LT_ENODEV : n;
}

/* The rest of what has begun. */
static int read_all(struct link *l, char *buf, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read_some(l, buf + done, size - done);
        if (n == LT_EAGAIN)
            n = lt_bell_wait(&l->stop, l->in, POLLIN, -1);
        if (n < 0)
            return (int)n;
        done += (size_t)n;
    }
    return 0;
}

static ssize_t read_stream(struct link *l, char *buf) REQUIRES(l->receiving)
{
    struct lt_fuse_in_header header;
    ssize_t n = read_some(l, buf, sizeof(header));
    if (n < 0)
        return n;
    int r = read_all(l, buf + n, sizeof(header) - (size_t)n);
    if (r < 0)
        return r;
    memcpy(&header, buf, sizeof(header));
    if (header.len < sizeof(header) || header.len > l->buf_size)
        return LT_EPROTO;
    r = read_all(l, buf + sizeof(header), header.len - sizeof(header));
    return r < 0 ? r : (ssize_t)header.len;
}

/* A message, if there is one: its bytes, or LT_EAGAIN. */
static ssize_t try_read(struct link *l, char *buf)
{
    if (l->packets) {
        ssize_t n = read_some(l, buf, l->buf_size);
        return n >= 0 && n < (ssize_t)sizeof(struct lt_fuse_in_header) ? LT_EPROTO : n;
    }
    lt_mutex_lock(&l->receiving);
    ssize_t n = lt_bell_rung(&l->stop) ? LT_ECANCELED : read_stream(l, buf);
    lt_mutex_unlock(&l->receiving);
    return n;
}

static ssize_t poll_read(struct link *l, char *buf)
{
    uint32_t window = lt_patience_window(&l->patience);
    if (window == 0)
        return LT_EAGAIN;
    uint64_t end = lt_clock_ns() + window;
    do {
        sched_yield(); /* a client on this processor goes first */
        ssize_t n = try_read(l, buf);
        if (n != LT_EAGAIN) {
            atomic_fetch_add_explicit(&l->base.polls, 1, memory_order_relaxed);
            return n;
        }
    } while (lt_clock_ns() < end && !lt_bell_rung(&l->stop));
    return LT_EAGAIN;
}

static int sleep_for_message(struct link *l)
{
    uint64_t start = lt_clock_ns();
    int r = lt_bell_wait(&l->stop, l->in, POLLIN, -1);
    lt_patience_learn(&l->patience, lt_clock_ns() - start);
    atomic_fetch_add_explicit(&l->base.sleeps, 1, memory_order_relaxed);
    return r;
}

/* Whether another message lies ready besides the one just read. */
static bool more_waits(const struct link *l)
{
    struct pollfd fd = {.fd = l->in, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static ssize_t wait_read(struct link *l, struct link_worker *w)
{
    ssize_t n = try_read(l, w->buf);
    if (n >= 0) {
        if (++w->backlog % BACKLOG_CALL == 0 && more_waits(l))
            lt_gang_call(&l->gang);
        return n;
    }
    w->backlog = 0;
    while (n == LT_EAGAIN) {
        if (lt_bell_rung(&l->stop))
            return LT_ECANCELED;
        n = poll_read(l, w->buf);
        if (n != LT_EAGAIN)
            break;
        if (lt_gang_retire(&l->gang))
            n = lt_gang_join(&l->gang) ? 0 : LT_ECANCELED;
        else
            n = sleep_for_message(l);
        if (n == 0)
            n = try_read(l, w->buf);
    }
    return n;
}

/* All workers leave. */
static int end_all(struct link *l, int error)
{
    int none = 0;
    atomic_compare_exchange_strong(&l->ended, &none, error);
    lt_gang_end(&l->gang);
    return l->ended;
}

static int link_receive(struct lt_channel *channel, unsigned worker, struct lt_message *ret)
{
    struct link *l = link_of(channel);
    struct link_worker *w = &l->workers[worker];
    if (!w->listening) {
        if (!lt_gang_join(&l->gang))
            return end_all(l, LT_ECANCELED);
        w->listening = true;
    }
    ssize_t len = lt_bell_rung(&l->stop) ? LT_ECANCELED : wait_read(l, w);
    if (len < 0)
        return end_all(l, (int)len);
    lt_patience_heard(&l->patience);
    *ret = (struct lt_message){
        .in = {.header = w->buf,
               .rest = w->buf + sizeof(struct lt_fuse_in_header),
               .rest_len = (size_t)len - sizeof(struct lt_fuse_in_header)},
        .worker = worker,
    };
    return 0;
}

static void link_hand_over(struct lt_channel *channel, unsigned worker)
{
    struct link *l = link_of(channel);
    if (l->workers[worker].listening) {
        l->workers[worker].listening = false;
        lt_patience_hush(&l->patience);
        lt_gang_leave(&l->gang);
    }
}

/* ---- Sending --------------------------------------------------------------------------------- */

static int write_all(struct link *l, struct iovec *iov, size_t count)
{
    while (count > 0) {
        ssize_t n = lt_fd_write(l->out, l->out_is_socket, iov, count);
        if (n >= 0)
            lt_iov_advance(&iov, &count, (size_t)n);
        else if (n == LT_EAGAIN)
            n = lt_bell_wait(&l->stop, l->out, POLLOUT, -1);
        if (n < 0)
            return (int)n;
    }
    return 0;
}

static int link_send(struct link *l, int32_t error, uint64_t unique, const struct lt_seg *segs,
                     size_t count)
{
    struct lt_fuse_out_header header = {.len = sizeof(header), .error = error, .unique = unique};
    struct iovec iov[1 + LT_CHANNEL_SEGS_MAX];
    if (count > LT_CHANNEL_SEGS_MAX)
        return LT_EOVERFLOW;
    header.len += (uint32_t)lt_segs_size(segs, count);
    iov[0] = (struct iovec){&header, sizeof(header)};
    count = 1 + lt_iov_fill(iov + 1, segs, count, 0);
    if (l->packets)
        return write_all(l, iov, count);
    lt_mutex_lock(&l->sending);
    int r = write_all(l, iov, count);
    lt_mutex_unlock(&l->sending);
    return r;
}

static int link_reply(struct lt_channel *channel, struct lt_message *m, int error,
                      const struct lt_seg *segs, size_t count)
{
    struct link *l = link_of(channel);
    struct lt_fuse_in_header header;
    memcpy(&header, m->in.header, sizeof(header));
    int r = link_send(l, error, header.unique, segs, error ? 0 : count);
    /* A packet that is too long leaves the request waiting. */
    if (r < 0 && l->packets && !lt_bell_rung(&l->stop))
        link_send(l, LT_EIO, header.unique, NULL, 0);
    return r;
}

/* Copies what iov still has to `room`; returns its bytes. */
static size_t keep_rest(const struct iovec *iov, size_t count, char *room)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(room + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    return len;
}

/*
 * A packet goes whole or not at all. Of a message in a stream that has begun the rest must follow,
 * so `sending` stays taken until link_reply_rest(). What fails is left to link_reply(), which knows
 * what to do then.
 */
static int link_reply_soon(struct lt_channel *channel, struct lt_message *m,
                           const struct lt_seg *segs, size_t count,
                           char *room) NO_THREAD_SAFETY_ANALYSIS
{
    struct link *l = link_of(channel);
    struct lt_fuse_in_header in;
    struct iovec message[1 + LT_CHANNEL_SEGS_MAX], *iov = message + 1;
    if (count > LT_CHANNEL_SEGS_MAX || (!l->packets && !lt_mutex_trylock(&l->sending)))
        return LT_EAGAIN;
    memcpy(&in, m->in.header, sizeof(in));
    struct lt_fuse_out_header header = {.len = sizeof(header), .unique = in.unique};
    header.len += (uint32_t)lt_segs_size(segs, count);
    message[0] = (struct iovec){&header, sizeof(header)};
    count = lt_iov_fill(iov, segs, count, 0);
    ssize_t n = lt_fd_write(l->out, l->out_is_socket, message, 1 + count);
    size_t rest = 0;
    if (n >= 0 && n < (ssize_t)header.len) {
        l->begun = header;
        l->begun_len = (size_t)n < sizeof(header) ? (size_t)n : sizeof(header);
        lt_iov_advance(&iov, &count, (size_t)n - l->begun_len);
        rest = keep_rest(iov, count, room);
    } else if (!l->packets) {
        lt_mutex_unlock(&l->sending);
    }
    return n < 0 ? LT_EAGAIN : (int)rest;
}

static int link_reply_rest(struct lt_channel *channel, struct lt_message *m, const char *room,
                           size_t len) NO_THREAD_SAFETY_ANALYSIS
{
    struct link *l = link_of(channel);
    struct iovec iov[2] = {{(char *)&l->begun + l->begun_len, sizeof(l->begun) - l->begun_len},
                           {(char *)(uintptr_t)room, len}};
    (void)m;
    int r = write_all(l, iov, 2);
    lt_mutex_unlock(&l->sending);
    return r;
}

static int link_notify(struct lt_channel *channel, int code, const struct lt_seg *segs,
                       size_t count)
{
    return link_send(link_of(channel), code, 0, segs, count);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void link_stop(struct lt_channel *channel)
{
    lt_bell_ring(&link_of(channel)->stop);
}

static void link_close(struct lt_channel *channel)
{
    struct link *l = link_of(channel);
    for (unsigned i = 0; i < channel->workers; i++) {
        if (l->workers[i].buf)
            lt_pages_unmap(l->workers[i].buf, l->buf_size);
    }
    close(l->in);
    if (l->out != l->in)
        close(l->out);
    lt_bell_close(&l->stop);
    free(l);
}

static const struct lt_channel_ops link_ops = {
    .name = "socket",
    .receive = link_receive,
    .reply = link_reply,
    .reply_soon = link_reply_soon,
    .reply_rest = link_reply_rest,
    .notify = link_notify,
    .hand_over = link_hand_over,
    .stop = link_stop,
    .close = link_close,
};

uint32_t lt_channel_socket_max_write(int out, uint32_t max_write)
{
    bool is_socket;
    size_t most = 0;
    if (lt_fd_prepare(out, max_write + LT_FD_FIXED_MAX, &is_socket) == 0 && is_socket)
        most = lt_fd_packet_max(out);
    if (most < LT_FD_FIXED_MAX + LT_PAGE_SIZE)
        return LT_PAGE_SIZE;
    most = (most - LT_FD_FIXED_MAX) & ~(size_t)(LT_PAGE_SIZE - 1);
    return most < max_write ? (uint32_t)most : max_write;
}

static int prepare(struct link *l, const struct lt_channel_config *config)
{
    size_t message = config->max_write + LT_FD_FIXED_MAX;
    bool in_is_socket;
    int r = lt_bell_open(&l->stop);
    if (r == 0)
        r = lt_fd_prepare(l->in, message, &in_is_socket);
    if (r == 0)
        r = lt_fd_prepare(l->out, message, &l->out_is_socket);
    for (unsigned i = 0; r == 0 && i < l->base.workers; i++) {
        l->workers[i].buf = lt_pages_map(l->buf_size, LT_PAGE_SIZE);
        if (l->workers[i].buf == NULL)
            r = LT_ENOMEM;
    }
    return r;
}

int lt_channel_socket(int in, int out, bool packets, const struct lt_channel_config *config,
                      struct lt_channel **ret)
{
    unsigned workers = config->workers ? config->workers : WORKERS_DEFAULT;
    unsigned cpus = lt_cpu_count();
    struct link *l = calloc(1, sizeof(*l) + workers * sizeof(l->workers[0]));
    if (l == NULL) {
        close(in);
        if (out != in)
            close(out);
        return LT_ENOMEM;
    }
    l->base = (struct lt_channel){.ops = &link_ops, .workers = workers, .reply_blocks = true};
    l->in = in;
    l->out = out;
    l->packets = packets;
    l->buf_size =
        (config->max_write + LT_FD_FIXED_MAX + LT_PAGE_SIZE - 1) & ~(size_t)(LT_PAGE_SIZE - 1);
    lt_gang_init(&l->gang, cpus < workers ? cpus : workers);
    lt_patience_init(&l->patience, config->poll_us);
    int r = prepare(l, config);
    if (r < 0) {
        link_close(&l->base);
        return r;
    }
    *ret = &l->base;
    return 0;
}
