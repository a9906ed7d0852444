// SPDX-License-Identifier: MIT
/*
 * What comes in. A message is a frame: its header is checked, then its body goes where it belongs,
 * then whoever it is for is told. With a stream this may take many reads, and the receiver may
 * change between any two of them; a packet is one read.
 *
 * A packet is read before it is known whose reply it is. The best guess is the call of the receiver
 * himself; a wrong guess costs a copy, so where there are other calls with much to come, the header
 * is looked at first.
 */
#include "client_state.h"

#include <errno.h>
#include <sys/socket.h>

#define HEADER sizeof(struct lt_fuse_out_header)
#define ERROR_MAX 4095   /* the kernel's bound (include/linux/err.h) is wider than FUSE's 512 */
#define INTERRUPT_BIT 1u /* of `unique` (fs/fuse/dev.c FUSE_INT_REQ_BIT) */

/* ---- Frames ---------------------------------------------------------------------------------- */

static struct lt_client_drop *find_drop_locked(struct lt_client *client, uint64_t unique)
    REQUIRES(client->lock)
{
    for (unsigned i = 0; i < client->drop_count; i++) {
        if (client->drops[i].unique == unique)
            return &client->drops[i];
    }
    return NULL;
}

/* The answer to an INTERRUPT: only that it is not understood, or should be sent once more. */
static int begin_interrupted_locked(struct lt_client *client, const struct lt_fuse_out_header *h)
    REQUIRES(client->lock)
{
    uint64_t unique = h->unique & ~(uint64_t)INTERRUPT_BIT;
    if (h->len != HEADER || unique == 0 || unique >= client->next_unique)
        return LT_EPROTO;
    struct lt_client_call *call = lt_client_find_locked(client, unique);
    if (h->error == LT_ENOSYS)
        client->no_interrupt = true;
    else if (h->error == LT_EAGAIN && call)
        call->interrupted = false;
    client->frame = LT_FRAME_IGNORED;
    return 0;
}

static int begin_reply_locked(struct lt_client *client, const struct lt_fuse_out_header *h)
    REQUIRES(client->lock)
{
    struct lt_client_call *call = lt_client_find_locked(client, h->unique);
    struct lt_client_drop *drop = call ? NULL : find_drop_locked(client, h->unique);
    if (h->error > 0 || h->error < -ERROR_MAX || (h->error && h->len != HEADER))
        return LT_EPROTO;
    if (call) {
        client->target = call;
        client->frame = LT_FRAME_REPLY;
        return client->body_len <= call->out_size ? 0 : LT_EPROTO;
    }
    if (drop == NULL)
        return LT_EPROTO;
    client->late = *drop;
    *drop = client->drops[--client->drop_count];
    client->frame = LT_FRAME_LATE;
    return 0;
}

/* Checks a header and finds out whom the frame is for. */
static int begin_locked(struct lt_client *client, const struct lt_fuse_out_header *h)
    REQUIRES(client->lock)
{
    if (client->error)
        return client->error;
    if (h->len < HEADER || h->len - HEADER > client->body_max)
        return LT_EPROTO;
    client->header = *h;
    client->body_len = h->len - HEADER;
    client->body_done = 0;
    client->target = NULL;
    client->in_frame = true;
    if (h->unique == 0) {
        client->frame = LT_FRAME_NOTIFY;
        return h->error > 0 ? 0 : LT_EPROTO;
    }
    return h->unique & INTERRUPT_BIT ? begin_interrupted_locked(client, h)
                                     : begin_reply_locked(client, h);
}

/* The frame is whole. */
static void end(struct lt_client *client)
{
    lt_mutex_lock(&client->lock);
    enum lt_client_frame frame = client->frame;
    struct lt_client_call *call = client->target;
    int error = client->header.error;
    if (frame == LT_FRAME_REPLY) {
        call->out_len = client->body_len;
        if (error)
            error = lt_error_from_os(-error);
        else if (client->body_len < call->out_min)
            error = LT_EPROTO;
        lt_client_done_locked(client, call, error);
    }
    client->frame = LT_FRAME_NONE;
    client->target = NULL;
    client->in_frame = false;
    lt_mutex_unlock(&client->lock);

    struct lt_str body = lt_strn(client->scratch, client->body_len);
    if (frame == LT_FRAME_NOTIFY) {
        lt_client_count(&client->notify_count);
        if (client->config.notify)
            client->config.notify(client->config.arg, error, body);
    } else if (frame == LT_FRAME_LATE && error == 0 && client->config.late) {
        client->config.late(client->config.arg, client->late.opcode, client->late.nodeid, body);
    }
}

/* Where the rest of the body goes. */
static size_t rest_locked(struct lt_client *client, struct iovec *iov) REQUIRES(client->lock)
{
    const struct lt_client_call *call = client->target;
    struct lt_seg scratch = {client->scratch, client->body_len};
    size_t count = call ? lt_iov_fill(iov, call->out, call->out_count, client->body_done)
                        : lt_iov_fill(iov, &scratch, 1, client->body_done);
    size_t left = client->body_len - client->body_done;
    for (size_t i = 0; i < count; i++) {
        iov[i].iov_len = iov[i].iov_len < left ? iov[i].iov_len : left;
        left -= iov[i].iov_len;
        if (left == 0)
            return i + 1;
    }
    return count;
}

/* Puts bytes that were read elsewhere into the body. */
static void put_locked(struct lt_client *client, const char *from, size_t len)
    REQUIRES(client->lock)
{
    struct iovec iov[LT_CLIENT_SEGS_MAX];
    size_t count = rest_locked(client, iov);
    for (size_t i = 0; i < count && len > 0; i++) {
        size_t n = len < iov[i].iov_len ? len : iov[i].iov_len;
        memcpy(iov[i].iov_base, from, n);
        client->body_done += n;
        from += n;
        len -= n;
    }
}

static void not_busy_locked(struct lt_client *client) REQUIRES(client->lock)
{
    client->busy = false;
    if (client->busy_waiters > 0)
        lt_cond_wake_all(&client->not_busy);
}

/* ---- Streams --------------------------------------------------------------------------------- */

/* One read into `ahead`, which is empty or holds less than a header. */
static int fill_ahead(struct lt_client *client)
{
    size_t have = client->ahead_to - client->ahead_from;
    memmove(client->ahead, client->ahead + client->ahead_from, have);
    client->ahead_from = 0;
    client->ahead_to = have;
    struct iovec iov = {client->ahead + have, sizeof(client->ahead) - have};
    ssize_t n = lt_fd_read(client->in, &iov, 1);
    if (n > 0)
        client->ahead_to += (size_t)n;
    return n > 0 ? 0 : n == 0 ? LT_ENOTCONN : (int)n;
}

/* Begins a frame out of `ahead`, with what of its body is there. */
static int begin_stream(struct lt_client *client)
{
    struct lt_fuse_out_header header;
    memcpy(&header, client->ahead + client->ahead_from, sizeof(header));
    lt_mutex_lock(&client->lock);
    int r = begin_locked(client, &header);
    if (r == 0) {
        client->ahead_from += sizeof(header);
        size_t have = client->ahead_to - client->ahead_from;
        size_t n = have < client->body_len ? have : client->body_len;
        put_locked(client, client->ahead + client->ahead_from, n);
        client->ahead_from += n;
    }
    lt_mutex_unlock(&client->lock);
    return r;
}

/* One read of the body straight into its place. */
static int read_body(struct lt_client *client)
{
    struct iovec iov[LT_CLIENT_SEGS_MAX];
    lt_mutex_lock(&client->lock);
    int r = client->error;
    size_t count = r ? 0 : rest_locked(client, iov);
    client->busy = r == 0;
    lt_mutex_unlock(&client->lock);
    if (r)
        return r;

    ssize_t n = lt_fd_read(client->in, iov, count);
    lt_mutex_lock(&client->lock);
    client->body_done += n > 0 ? (size_t)n : 0;
    not_busy_locked(client);
    lt_mutex_unlock(&client->lock);
    return n > 0 ? 0 : n == 0 ? LT_ENOTCONN : (int)n;
}

/* Whether `ahead` holds what the next step needs, so that it goes without a read. */
static bool goes_on(const struct lt_client *client)
{
    return !client->in_frame && client->ahead_to - client->ahead_from >= HEADER;
}

/* Ends all the frames that are whole: nothing whole stays in `ahead`, for poll() does not see it.
 */
static int receive_stream(struct lt_client *client)
{
    int r = client->in_frame ? read_body(client) : goes_on(client) ? 0 : fill_ahead(client);
    do {
        if (r == 0 && goes_on(client))
            r = begin_stream(client);
        if (r == 0 && client->in_frame && client->body_done == client->body_len)
            end(client);
    } while (r == 0 && goes_on(client));
    return r;
}

/* ---- Packets --------------------------------------------------------------------------------- */

static ssize_t receive_packet(struct lt_client *client, struct iovec *iov, size_t count, int flags)
{
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
    for (;;) {
        ssize_t n = recvmsg(client->in, &message, MSG_DONTWAIT | flags);
        if (n > 0 && message.msg_flags & MSG_TRUNC && !(flags & MSG_PEEK))
            return LT_EPROTO;
        if (n > 0)
            return n < (ssize_t)HEADER ? LT_EPROTO : n;
        if (n == 0)
            return LT_ENOTCONN;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return LT_EAGAIN;
        if (errno != EINTR)
            return lt_error_last();
    }
}

/* Reads the header, leaves the packet, and then has it all put where it belongs. */
static int receive_looking(struct lt_client *client)
{
    struct lt_fuse_out_header header;
    struct iovec iov[1 + LT_CLIENT_SEGS_MAX] = {{&header, sizeof(header)}};
    ssize_t n = receive_packet(client, iov, 1, MSG_PEEK);
    if (n < 0)
        return (int)n;
    lt_mutex_lock(&client->lock);
    int r = begin_locked(client, &header);
    size_t count = r ? 0 : rest_locked(client, iov + 1);
    client->busy = r == 0;
    lt_mutex_unlock(&client->lock);
    if (r)
        return r;

    n = receive_packet(client, iov, 1 + count, 0);
    lt_mutex_lock(&client->lock);
    client->body_done = client->body_len;
    not_busy_locked(client);
    lt_mutex_unlock(&client->lock);
    if (n != (ssize_t)header.len)
        return n < 0 ? (int)n : LT_EPROTO;
    end(client);
    return 0;
}

/* The body lies in the memory of `own`, and what that could not take in `scratch`, at its place.
 * Brings it to where it belongs. */
static void sort_locked(struct lt_client *client, const struct lt_client_call *own)
    REQUIRES(client->lock)
{
    size_t done = 0;
    for (size_t i = 0; own && i < own->out_count && done < client->body_len; i++) {
        size_t left = client->body_len - done;
        size_t n = own->out[i].len < left ? own->out[i].len : left;
        memcpy(client->scratch + done, own->out[i].base, n);
        done += n;
    }
    if (client->target)
        put_locked(client, client->scratch, client->body_len);
}

static int receive_guessing(struct lt_client *client, struct lt_client_call *own)
{
    struct lt_fuse_out_header header;
    struct iovec iov[2 + LT_CLIENT_SEGS_MAX] = {{&header, sizeof(header)}};
    size_t own_size = own ? own->out_size : 0;
    size_t count = 1 + (own ? lt_iov_fill(iov + 1, own->out, own->out_count, 0) : 0);
    if (own_size < client->body_max)
        iov[count++] = (struct iovec){client->scratch + own_size, client->body_max - own_size};
    ssize_t n = receive_packet(client, iov, count, 0);
    if (n < 0)
        return (int)n;
    lt_mutex_lock(&client->lock);
    int r = header.len == (size_t)n ? begin_locked(client, &header) : LT_EPROTO;
    if (r == 0 && (own == NULL || client->target != own))
        sort_locked(client, own);
    lt_mutex_unlock(&client->lock);
    if (r == 0)
        end(client);
    return r;
}

/* ---- Either ---------------------------------------------------------------------------------- */

/* Whether the packet that comes next had better be looked at first. */
static bool should_look(const struct lt_client *client, const struct lt_client_call *own)
{
    return atomic_load_explicit(&client->large, memory_order_relaxed) > 0 &&
           atomic_load_explicit(&client->in_flight, memory_order_relaxed) > (own ? 1u : 0u);
}

int lt_client_receive(struct lt_client *client, struct lt_client_call *own)
{
    int r = !client->packets           ? receive_stream(client)
            : should_look(client, own) ? receive_looking(client)
                                       : receive_guessing(client, own);
    if (r == 0 || r == LT_EAGAIN)
        return r;
    lt_client_finish(client, r == LT_EPROTO ? LT_EPROTO : LT_ENOTCONN, true);
    return r;
}
