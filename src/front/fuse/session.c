// SPDX-License-Identifier: MIT
#include "handlers.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_WRITE_DEFAULT LT_IO_MAX
#define MAX_WRITE_MIN LT_PAGE_SIZE
#define WORKERS_FOR_LOCKS 16u /* each waiter for a lock takes one */

static int pages_get(void *arg, struct lt_seg *segs, size_t count)
{
    return lt_fs_pages_get(arg, segs, count);
}

static void pages_put(void *arg, struct lt_seg *segs, size_t count)
{
    lt_fs_pages_put(arg, segs, count);
}

static uint32_t max_write_of(struct lt_fs *fs, const struct lt_mount_options *options)
{
    struct lt_volume volume;
    lt_fs_volume(fs, &volume);
    uint32_t n = volume.io_best ? volume.io_best : MAX_WRITE_DEFAULT;
    n = options->max_write ? options->max_write : n;
    n = n < MAX_WRITE_MIN ? MAX_WRITE_MIN : n > LT_IO_MAX ? LT_IO_MAX : n;
    return n & ~(LT_PAGE_SIZE - 1);
}

void lt_session_channel_config(struct lt_fs *fs, const struct lt_mount_options *options,
                               struct lt_channel_config *ret)
{
    *ret = (struct lt_channel_config){
        .max_write = max_write_of(fs, options),
        .workers = options->threads == 0 && options->locks ? WORKERS_FOR_LOCKS : options->threads,
        .poll_us = options->poll_us,
        .pages_get = pages_get,
        .pages_put = pages_put,
        .pages_arg = fs,
    };
}

/* ---- Workers --------------------------------------------------------------------------------- */

static int workers_new(struct lt_session *s, unsigned count)
{
    s->workers = calloc(count, sizeof(*s->workers));
    if (s->workers == NULL)
        return LT_ENOMEM;
    s->worker_count = count;
    for (unsigned i = 0; i < count; i++) {
        s->workers[i].session = s;
        s->workers[i].index = i;
        s->workers[i].scratch = lt_pages_map(s->scratch_size, LT_PAGE_SIZE);
        if (s->workers[i].scratch == NULL)
            return LT_ENOMEM;
    }
    return 0;
}

static void workers_free(struct lt_session *s)
{
    for (unsigned i = 0; i < s->worker_count; i++) {
        if (s->workers[i].scratch)
            lt_pages_unmap(s->workers[i].scratch, s->scratch_size);
    }
    free(s->workers);
    s->workers = NULL;
    s->worker_count = 0;
}

/* The first reason counts: what others end with only follows from it. */
static void note_reason(struct lt_session *s, int reason)
{
    lt_mutex_lock(&s->end_lock);
    if (s->end_reason == 0)
        s->end_reason = reason;
    lt_mutex_unlock(&s->end_lock);
}

static void worker_ended(struct lt_session *s)
{
    lt_mutex_lock(&s->end_lock);
    s->running--;
    if (s->running == 0)
        lt_cond_wake_all(&s->ended);
    lt_mutex_unlock(&s->end_lock);
}

static void serve(void *arg)
{
    struct lt_fuse_worker *w = arg;
    struct lt_session *s = w->session;
    struct lt_message m;
    int r;
    notify_enter_worker();
    while ((r = lt_channel_receive(s->channel, w->index, &m)) == 0)
        lt_session_answer(w, &m);
    note_reason(s, r);
    if (r != LT_ECANCELED) /* the peer is gone: nobody else will hear from it either */
        lt_channel_stop(s->channel);
    worker_ended(s);
}

/* ---- Life ------------------------------------------------------------------------------------ */

int lt_session_new(struct lt_fs *fs, const struct lt_mount_options *options,
                   struct lt_channel *channel, const struct lt_channel_config *config,
                   struct lt_session **ret)
{
    struct lt_session *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        lt_channel_close(channel);
        return LT_ENOMEM;
    }
    s->fs = fs;
    s->options = *options;
    s->config = *config;
    s->channel = channel;
    s->max_write = config->max_write;
    s->passthrough = options->passthrough == LT_ON && lt_backings_possible(fs);
    lt_fs_volume(fs, &s->volume);
    /* RELEASE gives locks and backing files up, and only an OPEN has one. */
    s->use_open = options->locks || s->passthrough || s->volume.has_open;
    s->scratch_size =
        config->max_write > 2 * LT_XATTR_SIZE_MAX ? config->max_write : 2 * LT_XATTR_SIZE_MAX;
    lt_nodes_init(&s->nodes, lt_fs_root(fs));
    *ret = s;
    return 0;
}

int lt_session_handshake(struct lt_session *s)
{
    int r = workers_new(s, 1);
    while (r == 0 && !s->initialized) {
        struct lt_message m;
        r = lt_channel_receive(s->channel, 0, &m);
        if (r == 0)
            lt_session_answer(&s->workers[0], &m);
    }
    workers_free(s);
    return r;
}

int lt_session_start(struct lt_session *s)
{
    unsigned count = s->channel->workers;
    int r = workers_new(s, count);
    if (r == 0)
        r = lt_notify_start(s);
    if (r < 0)
        return r;
    s->running = count;
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "lintel/%u", i % 1000);
        r = lt_thread_start(&s->workers[i].thread, name, serve, &s->workers[i]);
        if (r < 0) {
            lt_mutex_lock(&s->end_lock);
            s->running -= count - i;
            lt_mutex_unlock(&s->end_lock);
            lt_session_stop(s);
            return r;
        }
    }
    return 0;
}

int lt_session_wait(struct lt_session *s)
{
    lt_mutex_lock(&s->end_lock);
    while (s->running > 0)
        lt_cond_wait(&s->ended, &s->end_lock);
    int reason = s->end_reason;
    lt_mutex_unlock(&s->end_lock);
    return reason == LT_ENODEV || reason == LT_ECANCELED ? 0 : reason;
}

bool lt_session_ended(struct lt_session *s)
{
    lt_mutex_lock(&s->end_lock);
    bool ended = s->running == 0;
    lt_mutex_unlock(&s->end_lock);
    return ended;
}

bool lt_session_wait_for(struct lt_session *s, uint64_t timeout_ns)
{
    uint64_t end = lt_clock_ns() + timeout_ns;
    lt_mutex_lock(&s->end_lock);
    for (uint64_t now = lt_clock_ns(); s->running > 0 && now < end; now = lt_clock_ns())
        lt_cond_wait_for(&s->ended, &s->end_lock, end - now);
    bool ended = s->running == 0;
    lt_mutex_unlock(&s->end_lock);
    return ended;
}

void lt_session_stop(struct lt_session *s)
{
    lt_channel_stop(s->channel);
}

void lt_session_free(struct lt_session *s)
{
    if (s == NULL)
        return;
    /*
     * The notifier may be waiting for a kernel lock that goes only when a worker has answered, so
     * it ends before they do; on a socket it may be waiting for the peer, which stopping ends.
     */
    if (s->channel->reply_blocks)
        lt_session_stop(s);
    lt_notify_stop(s);
    lt_session_stop(s);
    for (unsigned i = 0; i < s->worker_count; i++) {
        if (s->workers[i].thread)
            lt_thread_join(s->workers[i].thread);
    }
    workers_free(s);
    lt_channel_close(s->channel);
    lt_backings_fini(&s->backings);
    lt_opens_fini(&s->opens);
    lt_nodes_fini(&s->nodes);
    free(s);
}
