// SPDX-License-Identifier: MIT
/* lintel/serving.h: a session over a socket, and the thread that waits for its end. */
#include "session.h"

#include <lintel/serving.h>
#include <stdlib.h>
#include <unistd.h>

struct lt_serving {
    struct lt_session *session;
    void (*ended)(void *arg);
    void *arg;
    struct lt_thread *thread;
    int error; /* of the thread, for who joins it */
};

/* The peer says INIT when it likes, or never: so nobody else waits for it. */
static void attend(void *arg)
{
    struct lt_serving *v = arg;
    int r = lt_session_handshake(v->session);
    if (r == 0)
        r = lt_session_start(v->session);
    if (r == 0)
        r = lt_session_wait(v->session);
    v->error = r == LT_ENODEV || r == LT_ECANCELED ? 0 : r;
    if (v->ended)
        v->ended(v->arg);
}

/* The peer is no kernel: nothing of it, and no file of ours can be handed to it. */
static struct lt_mount_options without_kernel(const struct lt_mount_options *options)
{
    struct lt_mount_options own = *options;
    own.io_uring = LT_OFF;
    own.passthrough = LT_OFF;
    return own;
}

static void close_both(int in, int out)
{
    close(in);
    if (out != in)
        close(out);
}

static int open_session(struct lt_fs *fs, int in, int out, bool packets,
                        const struct lt_mount_options *options, struct lt_session **ret)
{
    struct lt_mount_options own = without_kernel(options);
    struct lt_channel_config config;
    struct lt_channel *channel;
    if (packets)
        own.max_write = lt_channel_socket_max_write(out, own.max_write ? own.max_write : LT_IO_MAX);
    lt_session_channel_config(fs, &own, &config);
    int r = lt_channel_socket(in, out, packets, &config, &channel);
    return r < 0 ? r : lt_session_new(fs, &own, channel, &config, ret);
}

int lt_serving_start(struct lt_fs *fs, int in, int out, bool packets,
                     const struct lt_mount_options *options, void (*ended)(void *arg), void *arg,
                     struct lt_serving **ret)
{
    struct lt_serving *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        close_both(in, out);
        return LT_ENOMEM;
    }
    v->ended = ended;
    v->arg = arg;
    int r = open_session(fs, in, out, packets, options, &v->session);
    if (r == 0)
        r = lt_thread_start(&v->thread, "lintel/serving", attend, v);
    if (r < 0) {
        lt_session_free(v->session);
        free(v);
        return r;
    }
    *ret = v;
    return 0;
}

void lt_serving_stop(struct lt_serving *serving)
{
    lt_session_stop(serving->session);
}

int lt_serving_end(struct lt_serving *serving)
{
    if (serving == NULL)
        return 0;
    lt_session_stop(serving->session);
    lt_thread_join(serving->thread);
    int r = serving->error;
    lt_session_free(serving->session);
    free(serving);
    return r;
}
