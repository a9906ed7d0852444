// SPDX-License-Identifier: MIT
/*
 * The client's life, its table of calls, and who receives: see client.h.
 *
 * While calls come and go the client's thread stays out of the way: it sleeps on a condition and
 * looks every few milliseconds whether they have stopped. Then it sleeps in poll(2) on the
 * descriptor, and the first reply of the next call wakes it once, to step back again.
 */
#include "client_state.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AWAY_NS UINT64_C(5000000)        /* how long the thread stays away at a time */
#define GRACE_NS UINT64_C(250000000)     /* how long an INTERRUPT may take to bring the reply */
#define BODY_MIN (2 * LT_XATTR_SIZE_MAX) /* replies that do not go by max_write: xattr lists */

/* ---- Calls in flight ------------------------------------------------------------------------- */

static struct lt_client_call **bucket_of(struct lt_client *client, uint64_t unique)
    REQUIRES(client->lock)
{
    return &client->calls[unique / 2 % LT_CLIENT_BUCKETS];
}

struct lt_client_call *lt_client_find_locked(struct lt_client *client, uint64_t unique)
{
    struct lt_client_call *call = *bucket_of(client, unique);
    while (call && call->unique != unique)
        call = call->next;
    return call;
}

void lt_client_add_locked(struct lt_client *client, struct lt_client_call *call)
{
    call->unique = client->next_unique;
    client->next_unique += 2;
    call->out_len = 0;
    call->interrupt_ns = 0;
    call->error = 0;
    call->done = call->waiting = call->interrupted = false;
    struct lt_client_call **at = bucket_of(client, call->unique);
    call->next = *at;
    *at = call;
    client->in_flight++;
    client->large += call->out_size > LT_CLIENT_LARGE;
}

void lt_client_done_locked(struct lt_client *client, struct lt_client_call *call, int error)
{
    struct lt_client_call **at = bucket_of(client, call->unique);
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    client->in_flight--;
    client->large -= call->out_size > LT_CLIENT_LARGE;
    call->error = error;
    bool waiting = call->waiting;
    atomic_store_explicit(&call->done, true, memory_order_release);
    if (waiting) /* it cannot go before we unlock */
        lt_cond_wake_one(&call->woken);
}

/* The role is free: whoever waits may take it; if nobody does, the thread must know. */
static void pass_on_locked(struct lt_client *client) REQUIRES(client->lock)
{
    if (client->receiving)
        return;
    if (client->in_flight == 0) {
        if (client->rests)
            lt_cond_wake_one(&client->parked);
        return;
    }
    for (size_t i = 0; i < LT_CLIENT_BUCKETS; i++) {
        for (struct lt_client_call *call = client->calls[i]; call; call = call->next) {
            if (call->waiting) {
                lt_cond_wake_one(&call->woken);
                return;
            }
        }
    }
}

static void wait_busy_locked(struct lt_client *client) REQUIRES(client->lock)
{
    client->busy_waiters++;
    while (client->busy)
        lt_cond_wait(&client->not_busy, &client->lock);
    client->busy_waiters--;
}

/* The reply that is just coming in is to go elsewhere. */
static void turn_away_locked(struct lt_client *client, const struct lt_client_call *call)
    REQUIRES(client->lock)
{
    size_t done = 0;
    for (size_t i = 0; i < call->out_count && done < client->body_done; i++) {
        size_t left = client->body_done - done;
        size_t n = call->out[i].len < left ? call->out[i].len : left;
        memcpy(client->scratch + done, call->out[i].base, n);
        done += n;
    }
    client->frame = LT_FRAME_LATE;
    client->target = NULL;
    client->late = (struct lt_client_drop){call->unique, call->nodeid, call->opcode};
}

void lt_client_drop(struct lt_client *client, struct lt_client_call *call, int error, bool sent)
{
    bool full = false;
    lt_mutex_lock(&client->lock);
    wait_busy_locked(client);
    if (!call->done) {
        if (client->target == call)
            turn_away_locked(client, call);
        else if (sent && client->drop_count < LT_CLIENT_DROPS)
            client->drops[client->drop_count++] =
                (struct lt_client_drop){call->unique, call->nodeid, call->opcode};
        else
            full = sent;
        lt_client_done_locked(client, call, error);
        pass_on_locked(client);
    }
    lt_mutex_unlock(&client->lock);
    if (full)
        lt_client_finish(client, LT_ETIMEDOUT, true);
}

/* ---- Who receives ---------------------------------------------------------------------------- */

bool lt_client_take(struct lt_client *client)
{
    lt_mutex_lock(&client->lock);
    bool taken = !client->receiving;
    client->receiving = true;
    lt_mutex_unlock(&client->lock);
    return taken;
}

void lt_client_leave(struct lt_client *client)
{
    lt_mutex_lock(&client->lock);
    client->receiving = false;
    pass_on_locked(client);
    lt_mutex_unlock(&client->lock);
}

/* Until something comes, the connection ends, or the time is up (UINT64_MAX: never). */
static void sleep_for_message(struct lt_client *client, uint64_t ns)
{
    struct pollfd fds[2] = {{.fd = client->in, .events = POLLIN},
                            {.fd = client->bell, .events = POLLIN}};
    struct timespec limit = {.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
    ppoll(fds, 2, ns == UINT64_MAX ? NULL : &limit, NULL);
}

static int poll_receive(struct lt_client *client, struct lt_client_call *own)
{
    uint32_t window = lt_patience_window(&client->patience);
    int r = LT_EAGAIN;
    if (window == 0)
        return r;
    uint64_t end = lt_clock_ns() + window;
    do {
        sched_yield(); /* a server on this processor goes first */
        r = lt_client_receive(client, own);
    } while (r == LT_EAGAIN && lt_clock_ns() < end);
    if (r == 0)
        lt_client_count(&client->poll_count);
    return r;
}

/* ---- Waiting for a reply --------------------------------------------------------------------- */

static const atomic_bool *cancel_of(const struct lt_client_call *call)
{
    return call->ctx ? call->ctx->cancel : NULL;
}

/* How long to sleep before looking after the call again; UINT64_MAX: for ever. */
static uint64_t rest_ns(const struct lt_client *client, const struct lt_client_call *call)
{
    uint64_t limit = cancel_of(call) ? LT_CLIENT_TICK_NS : UINT64_MAX;
    uint64_t timeout = client->config.timeout_ns;
    if (timeout == 0)
        return limit;
    uint64_t waited = lt_clock_ns() - call->sent_ns;
    uint64_t left = waited < timeout ? timeout - waited : 0;
    return left < limit ? left : limit;
}

/* Whether the call needs looking after: look_after() will do something. */
static bool is_due(const struct lt_client *client, const struct lt_client_call *call)
{
    const atomic_bool *cancel = cancel_of(call);
    return (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) ||
           rest_ns(client, call) == 0;
}

/* INTERRUPT when the caller gave up; the end of patience. */
static void look_after(struct lt_client *client, struct lt_client_call *call)
{
    uint64_t now = lt_clock_ns();
    if (rest_ns(client, call) == 0) {
        lt_client_interrupt(client, call->unique);
        lt_client_drop(client, call, LT_ETIMEDOUT, true);
        return;
    }
    lt_mutex_lock(&client->lock);
    bool ask = !call->interrupted && !client->no_interrupt;
    call->interrupted = true;
    if (call->interrupt_ns == 0)
        call->interrupt_ns = now;
    lt_mutex_unlock(&client->lock);
    if (now - call->interrupt_ns >= GRACE_NS) {
        lt_client_drop(client, call, LT_EINTR, true);
    } else if (ask && lt_client_interrupt(client, call->unique) == LT_EAGAIN) {
        lt_mutex_lock(&client->lock);
        call->interrupted = false;
        lt_mutex_unlock(&client->lock);
    }
}

/* Receives until the reply is there, or the call is due. */
static void lead(struct lt_client *client, struct lt_client_call *call)
{
    while (!atomic_load_explicit(&call->done, memory_order_acquire)) {
        int r = lt_client_receive(client, call);
        if (r == LT_EAGAIN)
            r = poll_receive(client, call);
        if (r == LT_EAGAIN) {
            uint64_t start = lt_clock_ns();
            sleep_for_message(client, rest_ns(client, call));
            lt_patience_learn(&client->patience, lt_clock_ns() - start);
            lt_client_count(&client->sleep_count);
        }
        if ((r < 0 && r != LT_EAGAIN) || is_due(client, call))
            return;
    }
}

/* Sleeps until the reply is there, or it is our turn to receive, or the call is due. */
static void follow_locked(struct lt_client *client, struct lt_client_call *call)
    REQUIRES(client->lock)
{
    uint64_t ns = rest_ns(client, call);
    call->waiting = true;
    if (ns == UINT64_MAX)
        lt_cond_wait(&call->woken, &client->lock);
    else
        lt_cond_wait_for(&call->woken, &client->lock, ns);
    call->waiting = false;
}

int lt_client_wait(struct lt_client *client, struct lt_client_call *call)
{
    lt_mutex_lock(&client->lock);
    while (!call->done) {
        if (client->receiving) {
            follow_locked(client, call);
        } else {
            client->receiving = true;
            lt_mutex_unlock(&client->lock);
            lead(client, call);
            lt_mutex_lock(&client->lock);
            client->receiving = false;
        }
        if (!call->done && is_due(client, call)) {
            pass_on_locked(client);
            lt_mutex_unlock(&client->lock);
            look_after(client, call);
            lt_mutex_lock(&client->lock);
        }
    }
    pass_on_locked(client);
    lt_mutex_unlock(&client->lock);
    return call->error;
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* While callers are there they receive; while they come and go, they will be back. */
static void stay_away_locked(struct lt_client *client, uint64_t *seen) REQUIRES(client->lock)
{
    uint64_t now = client->call_count;
    client->rests = now == *seen && (client->receiving || client->in_flight > 0);
    *seen = now;
    if (client->rests)
        lt_cond_wait(&client->parked, &client->lock);
    else
        lt_cond_wait_for(&client->parked, &client->lock, AWAY_NS);
    client->rests = false;
}

static void stand_in(void *arg)
{
    struct lt_client *client = arg;
    uint64_t seen = 0;
    lt_mutex_lock(&client->lock);
    while (!client->error) {
        if (client->receiving || client->in_flight > 0 || client->call_count != seen) {
            stay_away_locked(client, &seen);
            continue;
        }
        lt_mutex_unlock(&client->lock);
        sleep_for_message(client, UINT64_MAX);
        lt_mutex_lock(&client->lock);
        if (client->receiving || client->in_flight > 0)
            continue;
        client->receiving = true;
        lt_mutex_unlock(&client->lock);
        lt_client_receive(client, NULL);
        lt_mutex_lock(&client->lock);
        client->receiving = false;
        pass_on_locked(client);
    }
    lt_mutex_unlock(&client->lock);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void lt_client_finish(struct lt_client *client, int error, bool tell)
{
    uint64_t one = 1;
    lt_mutex_lock(&client->lock);
    if (client->error) {
        lt_mutex_unlock(&client->lock);
        return;
    }
    client->error = error;
    wait_busy_locked(client);
    for (size_t i = 0; i < LT_CLIENT_BUCKETS; i++) {
        while (client->calls[i])
            lt_client_done_locked(client, client->calls[i], error);
    }
    client->frame = LT_FRAME_IGNORED;
    client->target = NULL;
    lt_cond_wake_all(&client->sendable);
    lt_cond_wake_all(&client->parked);
    lt_mutex_unlock(&client->lock);
    ssize_t n = write(client->bell, &one, sizeof(one));
    (void)n; /* it can only be full, which does as well */
    if (tell && client->config.ended)
        client->config.ended(client->config.arg, error);
}

void lt_client_stop(struct lt_client *client)
{
    lt_client_finish(client, LT_ENOTCONN, true);
}

int lt_client_error(const struct lt_client *client)
{
    return client->error;
}

uint32_t lt_client_max_write(const struct lt_client *client)
{
    return client->max_write;
}

void lt_client_send_groups(struct lt_client *client)
{
    client->groups = true;
}

void lt_client_stats(struct lt_client *client, struct lt_client_stats *ret)
{
    *ret = (struct lt_client_stats){
        .calls = client->call_count,
        .posts = client->post_count,
        .sleeps = client->sleep_count,
        .polls = client->poll_count,
        .notifications = client->notify_count,
    };
}

void lt_client_close(struct lt_client *client)
{
    if (client == NULL)
        return;
    lt_client_finish(client, LT_ENOTCONN, false);
    if (client->thread)
        lt_thread_join(client->thread);
    if (client->scratch)
        lt_pages_unmap(client->scratch, client->body_max);
    close(client->in);
    if (client->out != client->in)
        close(client->out);
    if (client->bell >= 0)
        close(client->bell);
    free(client);
}

/* What one message may be: packets have to lie in the send buffer as a whole. */
static void measure(struct lt_client *client)
{
    client->packet_max = UINT32_MAX;
    client->max_write = client->config.max_write;
    if (!client->packets)
        return;
    client->packet_max = lt_fd_packet_max(client->out);
    size_t payload =
        client->packet_max > LT_FD_FIXED_MAX ? client->packet_max - LT_FD_FIXED_MAX : 0;
    if (payload < client->max_write)
        client->max_write = (uint32_t)(payload & ~(size_t)(LT_PAGE_SIZE - 1));
}

static int prepare(struct lt_client *client)
{
    size_t message = client->config.max_write + LT_FD_FIXED_MAX;
    bool in_is_socket;
    int r = client->bell < 0 ? lt_error_last() : lt_fd_prepare(client->in, message, &in_is_socket);
    if (r == 0)
        r = lt_fd_prepare(client->out, message, &client->out_is_socket);
    if (r < 0)
        return r;
    measure(client);
    client->body_max = client->config.max_write > BODY_MIN ? client->config.max_write : BODY_MIN;
    client->body_max =
        (client->body_max + LT_FD_FIXED_MAX + LT_PAGE_SIZE - 1) & ~(size_t)(LT_PAGE_SIZE - 1);
    client->scratch = lt_pages_map(client->body_max, LT_PAGE_SIZE);
    return client->scratch ? 0 : LT_ENOMEM;
}

int lt_client_open(int in, int out, bool packets, const struct lt_client_config *config,
                   struct lt_client **ret)
{
    struct lt_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        close(in);
        if (out != in)
            close(out);
        return LT_ENOMEM;
    }
    client->config = *config;
    client->in = in;
    client->out = out;
    client->packets = packets;
    client->next_unique = 2;
    client->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lt_patience_init(&client->patience, config->poll_us);
    int r = prepare(client);
    if (r == 0)
        r = lt_thread_start(&client->thread, "lintel/client", stand_in, client);
    if (r < 0) {
        client->thread = NULL;
        lt_client_close(client);
        return r;
    }
    *ret = client;
    return 0;
}
