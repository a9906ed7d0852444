// SPDX-License-Identifier: MIT
/*
 * What goes out. A packet is one system call. In a stream a message may take many, and nobody may
 * write between them; and once its first byte is out the rest must follow.
 *
 * Who cannot go on because the peer does not read must not keep the peer from going on, who may be
 * waiting for us to read: he receives meanwhile, if nobody else does.
 */
#include "client_state.h"

#include <poll.h>
#include <wire/fuse/ops.h>

#define STALL_MS 5       /* until who cannot write looks again whether nobody receives */
#define ROOM_MESSAGES 64 /* received before he looks after his own again */
#define INTERRUPT_BIT 1u

struct groups {
    struct lt_fuse_ext_header header;
    uint32_t count;
    uint32_t gids[LT_CLIENT_GROUPS_MAX + 1]; /* one to fill the last 8 bytes */
};

struct outgoing {
    struct lt_fuse_in_header header;
    struct groups groups;
    struct iovec iov[2 + LT_CLIENT_SEGS_MAX];
    size_t count;
    uint64_t give_up_ns; /* UINT64_MAX: never */
    const atomic_bool *cancel;
    bool once; /* LT_EAGAIN instead of waiting */
};

/* ---- Making a message ------------------------------------------------------------------------ */

/* Requests that take ctx->groups (fs/fuse/dir.c get_create_ext). */
static bool is_create(uint32_t opcode)
{
    return opcode == LT_FUSE_CREATE || opcode == LT_FUSE_MKNOD || opcode == LT_FUSE_MKDIR ||
           opcode == LT_FUSE_SYMLINK || opcode == LT_FUSE_TMPFILE;
}

/* Returns its bytes. */
static size_t add_groups(struct outgoing *m, const struct lt_ctx *ctx)
{
    struct groups *g = &m->groups;
    uint32_t n = ctx->group_count < LT_CLIENT_GROUPS_MAX ? ctx->group_count : LT_CLIENT_GROUPS_MAX;
    size_t size = offsetof(struct groups, gids) + n * sizeof(g->gids[0]);
    g->header = (struct lt_fuse_ext_header){.size = (uint32_t)LT_FUSE_ALIGN(size),
                                            .type = LT_FUSE_EXT_GROUPS};
    g->count = n;
    memcpy(g->gids, ctx->groups, n * sizeof(g->gids[0]));
    g->gids[n] = 0;
    size = LT_FUSE_ALIGN(size);
    m->header.total_extlen = (uint16_t)(size / 8);
    m->iov[m->count++] = (struct iovec){g, size};
    return size;
}

/* LT_EINVAL: too many pieces; LT_EOVERFLOW: more than the channel takes. */
static int make(struct lt_client *client, struct outgoing *m, uint32_t opcode, uint64_t nodeid,
                const struct lt_ctx *ctx, const struct lt_seg *in, size_t in_count)
{
    if (in_count > LT_CLIENT_SEGS_MAX)
        return LT_EINVAL;
    size_t size = sizeof(m->header) + lt_segs_size(in, in_count);
    m->header = (struct lt_fuse_in_header){.opcode = opcode, .nodeid = nodeid};
    m->iov[0] = (struct iovec){&m->header, sizeof(m->header)};
    m->count = 1 + lt_iov_fill(m->iov + 1, in, in_count, 0);
    m->cancel = ctx ? ctx->cancel : NULL;
    m->give_up_ns = UINT64_MAX;
    m->once = false;
    if (ctx) {
        m->header.uid = ctx->uid;
        m->header.gid = ctx->gid;
        m->header.pid = ctx->pid;
        if (ctx->group_count > 0 && client->groups && is_create(opcode))
            size += add_groups(m, ctx);
    }
    m->header.len = (uint32_t)size;
    return size > client->packet_max ? LT_EOVERFLOW : 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int patience(const struct outgoing *m)
{
    if (m->give_up_ns != UINT64_MAX && lt_clock_ns() >= m->give_up_ns)
        return LT_ETIMEDOUT;
    return m->cancel && atomic_load(m->cancel) ? LT_EINTR : 0;
}

/* Until there is room, or for a moment. */
static void make_room(struct lt_client *client)
{
    bool receiving = lt_client_take(client);
    struct pollfd fds[3] = {{.fd = client->out, .events = POLLOUT},
                            {.fd = client->bell, .events = POLLIN},
                            {.fd = client->in, .events = POLLIN}};
    poll(fds, receiving ? 3 : 2, STALL_MS);
    if (!receiving)
        return;
    for (unsigned i = 0; i < ROOM_MESSAGES && lt_client_receive(client, NULL) == 0; i++)
        continue;
    lt_client_leave(client);
}

static int take_stream(struct lt_client *client, const struct outgoing *m)
{
    int r = 0;
    lt_mutex_lock(&client->lock);
    while (client->sending && !client->error && r == 0) {
        r = m->once ? LT_EAGAIN : patience(m);
        if (r == 0)
            lt_cond_wait_for(&client->sendable, &client->lock, LT_CLIENT_TICK_NS);
    }
    if (r == 0)
        r = client->error;
    if (r == 0)
        client->sending = true;
    lt_mutex_unlock(&client->lock);
    return r;
}

static void leave_stream(struct lt_client *client)
{
    lt_mutex_lock(&client->lock);
    client->sending = false;
    lt_cond_wake_one(&client->sendable);
    lt_mutex_unlock(&client->lock);
}

/* All of it. *begun: some of it is out. */
static int write_all(struct lt_client *client, const struct outgoing *m, bool *begun)
{
    struct iovec copy[2 + LT_CLIENT_SEGS_MAX], *iov = copy;
    size_t count = m->count;
    memcpy(copy, m->iov, count * sizeof(copy[0]));
    while (count > 0) {
        ssize_t n = lt_fd_write(client->out, client->out_is_socket, iov, count);
        if (n >= 0) {
            *begun = true;
            lt_iov_advance(&iov, &count, (size_t)n);
            continue;
        }
        if (n != LT_EAGAIN)
            return (int)n;
        int r = client->error ? client->error : m->once && !*begun ? LT_EAGAIN : patience(m);
        if (r == LT_EINTR && *begun)
            r = 0;
        if (r < 0)
            return r;
        make_room(client);
    }
    return 0;
}

/* Sends a message. An error that leaves the stream, or the peer, in pieces ends the connection. */
static int transmit(struct lt_client *client, const struct outgoing *m)
{
    bool begun = false;
    int r = client->packets ? client->error : take_stream(client, m);
    if (r < 0)
        return r;
    r = write_all(client, m, &begun);
    if (!client->packets)
        leave_stream(client);
    bool harmless = r == LT_EAGAIN || r == LT_ETIMEDOUT || r == LT_EINTR || r == LT_ENOMEM;
    if (r < 0 && (begun || !harmless)) {
        lt_client_finish(client, r == LT_ETIMEDOUT ? r : LT_ENOTCONN, true);
        r = client->error;
    }
    return r;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static uint64_t give_up(const struct lt_client *client, uint64_t from)
{
    uint64_t timeout = client->config.timeout_ns;
    return timeout == 0 || timeout > UINT64_MAX - from ? UINT64_MAX : from + timeout;
}

int lt_client_send(struct lt_client *client, struct lt_client_call *call)
{
    struct outgoing m;
    int r = make(client, &m, call->opcode, call->nodeid, call->ctx, call->in, call->in_count);
    call->out_size = lt_segs_size(call->out, call->out_count);
    if (r == 0 && (call->out_count > LT_CLIENT_SEGS_MAX || call->out_size > client->body_max))
        r = LT_EINVAL;
    if (r < 0)
        return r;
    call->sent_ns = lt_clock_ns();
    m.give_up_ns = give_up(client, call->sent_ns);

    lt_mutex_lock(&client->lock);
    r = client->error;
    if (r == 0)
        lt_client_add_locked(client, call);
    lt_mutex_unlock(&client->lock);
    if (r < 0)
        return r;
    m.header.unique = call->unique;
    lt_client_count(&client->call_count);
    r = transmit(client, &m);
    if (r < 0)
        lt_client_drop(client, call, r, false);
    return r;
}

int lt_client_post(struct lt_client *client, uint32_t opcode, uint64_t nodeid,
                   const struct lt_seg *in, size_t in_count)
{
    struct outgoing m;
    int r = make(client, &m, opcode, nodeid, NULL, in, in_count);
    if (r < 0)
        return r;
    m.give_up_ns = give_up(client, lt_clock_ns());
    lt_mutex_lock(&client->lock);
    m.header.unique = client->next_unique;
    client->next_unique += 2;
    lt_mutex_unlock(&client->lock);
    lt_client_count(&client->post_count);
    return transmit(client, &m);
}

int lt_client_interrupt(struct lt_client *client, uint64_t unique)
{
    struct lt_fuse_interrupt_in body = {.unique = unique};
    struct lt_seg in = {&body, sizeof(body)};
    struct outgoing m;
    int r = make(client, &m, LT_FUSE_INTERRUPT, 0, NULL, &in, 1);
    if (r < 0)
        return r;
    m.header.unique = unique | INTERRUPT_BIT;
    m.once = true;
    lt_client_count(&client->post_count);
    return transmit(client, &m);
}
