// SPDX-License-Identifier: MIT
/*
 * FUSE over a socket or two pipes. The protocol needs nothing else: every message
 * begins with its length. Packets keep their bounds; in a stream the length is
 * all there is, so a wrong one ends the connection.
 *
 * Whoever holds `receiving` reads the next message, alone; whoever holds `sending`
 * writes one. Descriptors are non-blocking and waited for together with the bell
 * that stops it, so that a peer that neither reads nor writes holds nobody up for good.
 */
#include "bell.h"
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <os/os.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define WORKERS_DEFAULT 2u
#define FIXED_MAX 4096u /* headers, fixed arguments and names beside the payload */

struct link {
    struct lt_channel base;
    int in, out;  /* immutable */
    bool packets; /* immutable */
    struct lt_bell stop;
    size_t buf_size;           /* immutable */
    struct lt_mutex receiving; /* before `sending`, though nobody takes both */
    struct lt_mutex sending;
    char *bufs[]; /* one a worker */
};

static struct link *link_of(struct lt_channel *channel)
{
    return (struct link *)channel;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* One read of up to `size` bytes; 0 at the end of the stream. */
static ssize_t read_some(struct link *l, char *buf, size_t size)
{
    for (;;) {
        int r = lt_bell_wait(&l->stop, l->in, POLLIN, -1);
        if (r < 0)
            return r;
        ssize_t n = read(l->in, buf, size);
        if (n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return lt_error_last();
    }
}

/* Exactly `size` bytes of a stream. */
static int read_all(struct link *l, char *buf, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read_some(l, buf + done, size - done);
        if (n <= 0)
            return n < 0 ? (int)n : LT_ENODEV;
        done += (size_t)n;
    }
    return 0;
}

static int read_stream(struct link *l, char *buf, size_t *ret_len)
{
    struct lt_fuse_in_header header;
    int r = read_all(l, buf, sizeof(header));
    if (r < 0)
        return r;
    memcpy(&header, buf, sizeof(header));
    if (header.len < sizeof(header) || header.len > l->buf_size)
        return LT_EPROTO;
    *ret_len = header.len;
    return read_all(l, buf + sizeof(header), header.len - sizeof(header));
}

static int read_packet(struct link *l, char *buf, size_t *ret_len)
{
    ssize_t n = read_some(l, buf, l->buf_size);
    if (n <= 0)
        return n < 0 ? (int)n : LT_ENODEV;
    *ret_len = (size_t)n;
    return (size_t)n < sizeof(struct lt_fuse_in_header) ? LT_EPROTO : 0;
}

static int link_receive(struct lt_channel *channel, unsigned worker, struct lt_message *ret)
{
    struct link *l = link_of(channel);
    char *buf = l->bufs[worker];
    size_t len = 0;
    lt_mutex_lock(&l->receiving);
    int r = lt_bell_rung(&l->stop) ? LT_ECANCELED : 0;
    if (r == 0)
        r = l->packets ? read_packet(l, buf, &len) : read_stream(l, buf, &len);
    lt_mutex_unlock(&l->receiving);
    if (r < 0)
        return r == LT_EIO || r == LT_EPIPE ? LT_ENODEV : r;
    *ret = (struct lt_message){
        .in = {.header = buf,
               .rest = buf + sizeof(struct lt_fuse_in_header),
               .rest_len = len - sizeof(struct lt_fuse_in_header)},
        .worker = worker,
    };
    return 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* Drops the first n bytes of an iovec. */
static void advance(struct iovec **iov, size_t *count, size_t n)
{
    while (*count > 0 && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

static int write_all(struct link *l, struct iovec *iov, size_t count) REQUIRES(l->sending)
{
    while (count > 0) {
        ssize_t n = writev(l->out, iov, (int)count);
        if (n >= 0) {
            advance(&iov, &count, (size_t)n);
            continue;
        }
        if (errno == EINTR)
            continue;
        int r = errno == EAGAIN ? lt_bell_wait(&l->stop, l->out, POLLOUT, -1) : lt_error_last();
        if (r < 0)
            return r;
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
    iov[0] = (struct iovec){&header, sizeof(header)};
    for (size_t i = 0; i < count; i++) {
        iov[i + 1] = (struct iovec){segs[i].base, segs[i].len};
        header.len += (uint32_t)segs[i].len;
    }
    lt_mutex_lock(&l->sending);
    int r = write_all(l, iov, count + 1);
    lt_mutex_unlock(&l->sending);
    return r;
}

static int link_reply(struct lt_channel *channel, struct lt_message *m, int error,
                      const struct lt_seg *segs, size_t count)
{
    struct lt_fuse_in_header header;
    memcpy(&header, m->in.header, sizeof(header));
    return link_send(link_of(channel), error, header.unique, segs, error ? 0 : count);
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
        if (l->bufs[i])
            lt_pages_unmap(l->bufs[i], l->buf_size);
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
    .notify = link_notify,
    .stop = link_stop,
    .close = link_close,
};

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? lt_error_last() : 0;
}

int lt_channel_socket(int in, int out, bool packets, const struct lt_channel_config *config,
                      struct lt_channel **ret)
{
    unsigned workers = config->workers ? config->workers : WORKERS_DEFAULT;
    struct link *l = calloc(1, sizeof(*l) + workers * sizeof(l->bufs[0]));
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
    l->buf_size = (config->max_write + FIXED_MAX + LT_PAGE_SIZE - 1) & ~(size_t)(LT_PAGE_SIZE - 1);
    int r = lt_bell_open(&l->stop);
    if (r == 0)
        r = set_nonblocking(in);
    if (r == 0)
        r = set_nonblocking(out);
    for (unsigned i = 0; r == 0 && i < workers; i++) {
        l->bufs[i] = lt_pages_map(l->buf_size, LT_PAGE_SIZE);
        if (l->bufs[i] == NULL)
            r = LT_ENOMEM;
    }
    if (r < 0) {
        link_close(&l->base);
        return r;
    }
    *ret = &l->base;
    return 0;
}
