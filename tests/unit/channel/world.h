/* SPDX-License-Identifier: MIT */
/* A client and a server that the test plays itself, over each kind of channel. */
#ifndef LT_TESTS_UNIT_CHANNEL_WORLD_H
#define LT_TESTS_UNIT_CHANNEL_WORLD_H

#include "test.h"

#include <channel/client.h>
#include <limits.h>
#include <os/os.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <wire/fuse/ops.h>

#define MAX_WRITE (256u << 10)
#define BIG (MAX_WRITE + 8192u)

enum kind { PACKETS, STREAM, PIPES, KINDS };

/* What the client told. */
struct heard {
    atomic_int ended, ended_error;
    atomic_int notified, code;
    atomic_int late, late_opcode;
    char body[64];
    size_t body_len;
};

struct world {
    enum kind kind;
    struct lt_client *client;
    int in, out; /* of the server */
    struct heard heard;
};

static inline void on_notify(void *arg, int code, struct lt_str body)
{
    struct heard *h = arg;
    h->body_len = body.len < sizeof(h->body) ? body.len : sizeof(h->body);
    memcpy(h->body, body.s, h->body_len);
    h->code = code;
    h->notified++;
}

static inline void on_late(void *arg, uint32_t opcode, uint64_t nodeid, struct lt_str body)
{
    struct heard *h = arg;
    assert_int_equal(nodeid, 7);
    h->body_len = body.len < sizeof(h->body) ? body.len : sizeof(h->body);
    memcpy(h->body, body.s, h->body_len);
    h->late_opcode = (int)opcode;
    h->late++;
}

static inline void on_ended(void *arg, int error)
{
    struct heard *h = arg;
    h->ended_error = error;
    h->ended++;
}

static inline void world_open(struct world *w, enum kind kind, uint64_t timeout_ns)
{
    struct lt_client_config config = {
        .max_write = MAX_WRITE,
        .poll_us = kind == STREAM ? 0 : UINT_MAX,
        .timeout_ns = timeout_ns,
        .notify = on_notify,
        .late = on_late,
        .ended = on_ended,
        .arg = &w->heard,
    };
    int a[2], b[2];
    *w = (struct world){.kind = kind};
    if (kind == PIPES) {
        assert_int_equal(pipe(a), 0);
        assert_int_equal(pipe(b), 0);
        w->in = a[0];
        w->out = b[1];
        assert_int_equal(lt_client_open(b[0], a[1], false, &config, &w->client), 0);
        return;
    }
    assert_int_equal(socketpair(AF_UNIX, kind == PACKETS ? SOCK_SEQPACKET : SOCK_STREAM, 0, a), 0);
    w->in = w->out = a[0];
    int size = BIG;
    setsockopt(a[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    assert_int_equal(lt_client_open(a[1], a[1], kind == PACKETS, &config, &w->client), 0);
}

static inline void server_close(struct world *w)
{
    if (w->in >= 0)
        close(w->in);
    if (w->out != w->in)
        close(w->out);
    w->in = w->out = -1;
}

static inline void world_close(struct world *w)
{
    lt_client_close(w->client);
    server_close(w);
}

/* ---- The server ------------------------------------------------------------------------------ */

static inline bool read_fully(int fd, char *buf, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, buf + done, len - done);
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* One request into `buf` of BIG bytes; false at the end. */
static inline bool server_receive(struct world *w, char *buf)
{
    struct lt_fuse_in_header h;
    if (w->kind == PACKETS)
        return read(w->in, buf, BIG) >= (ssize_t)sizeof(h);
    if (!read_fully(w->in, buf, sizeof(h)))
        return false;
    memcpy(&h, buf, sizeof(h));
    return read_fully(w->in, buf + sizeof(h), h.len - sizeof(h));
}

static inline struct lt_fuse_in_header server_receive_header(struct world *w)
{
    static _Thread_local char buf[BIG];
    struct lt_fuse_in_header h = {0};
    if (server_receive(w, buf))
        memcpy(&h, buf, sizeof(h));
    return h;
}

static inline void write_fully(int fd, const char *buf, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, buf, len);
        if (n < 0)
            return;
        buf += n;
        len -= (size_t)n;
    }
}

/* Bytes as they are: one packet. */
static inline void server_write(struct world *w, const void *header, size_t header_len,
                                const void *body, size_t len)
{
    char *buf = malloc(header_len + len);
    memcpy(buf, header, header_len);
    if (len)
        memcpy(buf + header_len, body, len);
    write_fully(w->out, buf, header_len + len);
    free(buf);
}

static inline void server_send(struct world *w, uint64_t unique, int error, const void *body,
                               size_t len)
{
    struct lt_fuse_out_header h = {(uint32_t)(sizeof(h) + len), error, unique};
    server_write(w, &h, sizeof(h), body, len);
}

static inline void server_reply(struct world *w, uint64_t unique, const char *text)
{
    server_send(w, unique, 0, text, strlen(text));
}

/* ---- Calls ----------------------------------------------------------------------------------- */

struct job {
    struct world *w;
    struct lt_thread *thread;
    struct lt_client_call call;
    struct lt_seg out;
    struct lt_ctx ctx;
    atomic_bool cancel;
    char body[64];
    int result;
    atomic_bool returned;
};

static inline void job_init(struct job *j, struct world *w, uint32_t opcode)
{
    *j = (struct job){.w = w};
    j->out = (struct lt_seg){j->body, sizeof(j->body)};
    j->ctx = (struct lt_ctx){.uid = 1, .gid = 2, .pid = 3, .cancel = &j->cancel};
    j->call = (struct lt_client_call){
        .opcode = opcode, .nodeid = 7, .ctx = &j->ctx, .out = &j->out, .out_count = 1};
}

static inline void job_run(void *arg)
{
    struct job *j = arg;
    j->result = lt_client_call(j->w->client, &j->call);
    memset(j->body + j->call.out_len, 0, sizeof(j->body) - j->call.out_len);
    j->returned = true;
}

static inline void job_start(struct job *j, struct world *w, uint32_t opcode)
{
    job_init(j, w, opcode);
    assert_int_equal(lt_thread_start(&j->thread, "job", job_run, j), 0);
}

static inline int job_end(struct job *j)
{
    lt_thread_join(j->thread);
    return j->result;
}

static inline void rest(unsigned ms)
{
    struct timespec t = {0, (long)ms * 1000000};
    nanosleep(&t, NULL);
}

#define EVENTUALLY(condition)                             \
    do {                                                  \
        for (int i_ = 0; i_ < 5000 && !(condition); i_++) \
            rest(1);                                      \
        assert_true(condition);                           \
    } while (0)

#endif
