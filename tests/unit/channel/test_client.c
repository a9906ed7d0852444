// SPDX-License-Identifier: MIT
/* src/channel/client*.c against a server that the test plays itself, over each kind of channel. */
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

static void on_notify(void *arg, int code, struct lt_str body)
{
    struct heard *h = arg;
    h->body_len = body.len < sizeof(h->body) ? body.len : sizeof(h->body);
    memcpy(h->body, body.s, h->body_len);
    h->code = code;
    h->notified++;
}

static void on_late(void *arg, uint32_t opcode, uint64_t nodeid, struct lt_str body)
{
    struct heard *h = arg;
    assert_int_equal(nodeid, 7);
    h->body_len = body.len < sizeof(h->body) ? body.len : sizeof(h->body);
    memcpy(h->body, body.s, h->body_len);
    h->late_opcode = (int)opcode;
    h->late++;
}

static void on_ended(void *arg, int error)
{
    struct heard *h = arg;
    h->ended_error = error;
    h->ended++;
}

static void world_open(struct world *w, enum kind kind, uint64_t timeout_ns)
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

static void server_close(struct world *w)
{
    if (w->in >= 0)
        close(w->in);
    if (w->out != w->in)
        close(w->out);
    w->in = w->out = -1;
}

static void world_close(struct world *w)
{
    lt_client_close(w->client);
    server_close(w);
}

/* ---- The server ------------------------------------------------------------------------------ */

static bool read_fully(int fd, char *buf, size_t len)
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
static bool server_receive(struct world *w, char *buf)
{
    struct lt_fuse_in_header h;
    if (w->kind == PACKETS)
        return read(w->in, buf, BIG) >= (ssize_t)sizeof(h);
    if (!read_fully(w->in, buf, sizeof(h)))
        return false;
    memcpy(&h, buf, sizeof(h));
    return read_fully(w->in, buf + sizeof(h), h.len - sizeof(h));
}

static struct lt_fuse_in_header server_receive_header(struct world *w)
{
    static _Thread_local char buf[BIG];
    struct lt_fuse_in_header h = {0};
    if (server_receive(w, buf))
        memcpy(&h, buf, sizeof(h));
    return h;
}

static void write_fully(int fd, const char *buf, size_t len)
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
static void server_write(struct world *w, const void *header, size_t header_len, const void *body,
                         size_t len)
{
    char *buf = malloc(header_len + len);
    memcpy(buf, header, header_len);
    if (len)
        memcpy(buf + header_len, body, len);
    write_fully(w->out, buf, header_len + len);
    free(buf);
}

static void server_send(struct world *w, uint64_t unique, int error, const void *body, size_t len)
{
    struct lt_fuse_out_header h = {(uint32_t)(sizeof(h) + len), error, unique};
    server_write(w, &h, sizeof(h), body, len);
}

static void server_reply(struct world *w, uint64_t unique, const char *text)
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

static void job_init(struct job *j, struct world *w, uint32_t opcode)
{
    *j = (struct job){.w = w};
    j->out = (struct lt_seg){j->body, sizeof(j->body)};
    j->ctx = (struct lt_ctx){.uid = 1, .gid = 2, .pid = 3, .cancel = &j->cancel};
    j->call = (struct lt_client_call){
        .opcode = opcode, .nodeid = 7, .ctx = &j->ctx, .out = &j->out, .out_count = 1};
}

static void job_run(void *arg)
{
    struct job *j = arg;
    j->result = lt_client_call(j->w->client, &j->call);
    memset(j->body + j->call.out_len, 0, sizeof(j->body) - j->call.out_len);
    j->returned = true;
}

static void job_start(struct job *j, struct world *w, uint32_t opcode)
{
    job_init(j, w, opcode);
    assert_int_equal(lt_thread_start(&j->thread, "job", job_run, j), 0);
}

static int job_end(struct job *j)
{
    lt_thread_join(j->thread);
    return j->result;
}

static void rest(unsigned ms)
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

/* ---- Replies --------------------------------------------------------------------------------- */

static void test_client__a_request_has_the_callers_header_and_all_its_pieces(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job j;
        char buf[BIG];
        struct lt_fuse_in_header h;
        char name[] = "name", value[] = "value";
        struct lt_seg in[] = {{name, sizeof(name)}, {value, 5}};
        world_open(&w, kind, 0);
        job_init(&j, &w, LT_FUSE_LOOKUP);
        j.call.in = in;
        j.call.in_count = 2;
        assert_int_equal(lt_thread_start(&j.thread, "job", job_run, &j), 0);
        assert_true(server_receive(&w, buf));
        memcpy(&h, buf, sizeof(h));
        assert_int_equal(h.len, sizeof(h) + 10);
        assert_int_equal(h.opcode, LT_FUSE_LOOKUP);
        assert_int_equal(h.nodeid, 7);
        assert_int_equal(h.uid, 1);
        assert_int_equal(h.gid, 2);
        assert_int_equal(h.pid, 3);
        assert_int_equal(h.total_extlen, 0);
        assert_memory_equal(buf + sizeof(h), "name\0value", 10);
        server_reply(&w, h.unique, "hello");
        assert_int_equal(job_end(&j), 0);
        assert_int_equal(j.call.out_len, 5);
        assert_string_equal(j.body, "hello");
        world_close(&w);
        assert_int_equal(w.heard.ended, 0);
    }
}

static void test_client__groups_travel_with_creates_once_allowed(void **state)
{
    uint32_t gids[] = {10, 11, 12};
    struct world w;
    struct job j;
    char buf[BIG];
    struct lt_fuse_in_header h;
    uint32_t ext[6];
    (void)state;
    world_open(&w, PACKETS, 0);
    for (int allowed = 0; allowed < 2; allowed++) {
        job_init(&j, &w, LT_FUSE_MKDIR);
        j.ctx.groups = gids;
        j.ctx.group_count = 3;
        assert_int_equal(lt_thread_start(&j.thread, "job", job_run, &j), 0);
        assert_true(server_receive(&w, buf));
        memcpy(&h, buf, sizeof(h));
        assert_int_equal(h.total_extlen, allowed ? 3 : 0);
        assert_int_equal(h.len, sizeof(h) + h.total_extlen * 8u);
        memcpy(ext, buf + sizeof(h), sizeof(ext));
        if (allowed) {
            const uint32_t expected[6] = {24, LT_FUSE_EXT_GROUPS, 3, 10, 11, 12};
            assert_memory_equal(ext, expected, sizeof(ext));
        }
        server_reply(&w, h.unique, "");
        assert_int_equal(job_end(&j), 0);
        lt_client_send_groups(w.client);
    }
    world_close(&w);
}

static void test_client__replies_find_their_callers_in_any_order(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        enum { N = 7 };
        struct world w;
        struct job jobs[N];
        uint64_t uniques[N];
        world_open(&w, kind, 0);
        for (unsigned i = 0; i < N; i++) {
            job_start(&jobs[i], &w, LT_FUSE_GETATTR + i);
            uniques[i] = server_receive_header(&w).unique;
        }
        for (unsigned i = N; i-- > 0;) {
            char text[8] = {(char)('a' + i), 0};
            server_reply(&w, uniques[i], text);
        }
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(job_end(&jobs[i]), 0);
            assert_int_equal(jobs[i].call.out_len, 1);
            assert_int_equal(jobs[i].body[0], 'a' + (int)i);
        }
        world_close(&w);
    }
}

static void test_client__several_replies_in_one_write_of_a_stream(void **state)
{
    (void)state;
    for (enum kind kind = STREAM; kind < KINDS; kind++) {
        struct world w;
        struct job a, b;
        char both[64];
        struct lt_fuse_out_header h = {.len = sizeof(h) + 3};
        world_open(&w, kind, 0);
        job_start(&a, &w, LT_FUSE_GETATTR);
        uint64_t first = server_receive_header(&w).unique;
        job_start(&b, &w, LT_FUSE_GETATTR);
        uint64_t second = server_receive_header(&w).unique;
        h.unique = second;
        memcpy(both, &h, sizeof(h));
        memcpy(both + 16, "two", 3);
        h.unique = first;
        memcpy(both + 19, &h, sizeof(h));
        memcpy(both + 35, "one", 3);
        for (size_t i = 0; i < 21; i++) /* and in pieces of all sorts before */
            write_fully(w.out, both + i, 1);
        write_fully(w.out, both + 21, 38 - 21);
        assert_int_equal(job_end(&a), 0);
        assert_int_equal(job_end(&b), 0);
        assert_string_equal(a.body, "one");
        assert_string_equal(b.body, "two");
        world_close(&w);
    }
}

static void test_client__errors_of_the_server_are_the_callers(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job j;
        world_open(&w, kind, 0);
        job_start(&j, &w, LT_FUSE_GETATTR);
        server_send(&w, server_receive_header(&w).unique, LT_ENOENT, NULL, 0);
        assert_int_equal(job_end(&j), LT_ENOENT);
        job_start(&j, &w, LT_FUSE_GETATTR); /* a number that Lintel does not have */
        server_send(&w, server_receive_header(&w).unique, -4000, NULL, 0);
        assert_int_equal(job_end(&j), LT_EIO);
        world_close(&w);
    }
}

static void test_client__a_body_too_short_is_one_callers_trouble(void **state)
{
    struct world w;
    struct job j;
    (void)state;
    world_open(&w, PACKETS, 0);
    job_init(&j, &w, LT_FUSE_GETATTR);
    j.call.out_min = 6;
    assert_int_equal(lt_thread_start(&j.thread, "job", job_run, &j), 0);
    server_reply(&w, server_receive_header(&w).unique, "short");
    assert_int_equal(job_end(&j), LT_EPROTO);
    assert_int_equal(lt_client_error(w.client), 0);
    world_close(&w);
}

static void fill(char *buf, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (char)(seed * 31 + i * 7 + (i >> 8));
}

struct reader {
    struct world *w;
    struct lt_thread *thread;
    unsigned rounds, id, wrong;
    size_t size;
};

/* Calls whose body is of `size` bytes in three pieces, and small ones. */
static void read_much(void *arg)
{
    struct reader *r = arg;
    char *got = malloc(r->size), *expected = malloc(r->size);
    for (unsigned i = 0; i < r->rounds; i++) {
        size_t size = i % 3 == 0 ? 100 : r->size;
        struct lt_seg out[3] = {{got, size / 3}, {got + size / 3, 1}};
        out[2] = (struct lt_seg){got + size / 3 + 1, size - size / 3 - 1};
        uint64_t seed = (uint64_t)r->id * 1000 + i;
        struct lt_seg in[2] = {{&seed, 8}, {&size, 8}};
        struct lt_client_call call = {.opcode = LT_FUSE_READ,
                                      .nodeid = 7,
                                      .in = in,
                                      .in_count = 2,
                                      .out = out,
                                      .out_count = 3,
                                      .out_min = size};
        fill(expected, size, seed);
        if (lt_client_call(r->w->client, &call) != 0 || call.out_len != size ||
            memcmp(got, expected, size) != 0)
            r->wrong++;
    }
    free(got);
    free(expected);
}

/* Holds a few requests back and answers them backwards. */
static void serve_reads(void *arg)
{
    struct world *w = arg;
    char *buf = malloc(BIG), *body = malloc(MAX_WRITE);
    struct held {
        uint64_t unique, seed, size;
    } held[3];
    unsigned count = 0;
    for (;;) {
        struct pollfd fd = {w->in, POLLIN, 0};
        bool more = poll(&fd, 1, count ? 0 : -1) > 0;
        if (more) {
            struct lt_fuse_in_header h;
            if (!server_receive(w, buf))
                break;
            memcpy(&h, buf, sizeof(h));
            memcpy(&held[count].seed, buf + sizeof(h), 8);
            memcpy(&held[count].size, buf + sizeof(h) + 8, 8);
            held[count++].unique = h.unique;
        }
        if (more && count < 3)
            continue;
        while (count > 0) {
            const struct held *r = &held[--count];
            fill(body, r->size, r->seed);
            server_send(w, r->unique, 0, body, r->size);
            if (r->seed % 5 == 0)
                server_send(w, 0, LT_FUSE_NOTIFY_POLL, &r->seed, 8);
        }
    }
    free(buf);
    free(body);
}

static void test_client__many_threads_read_at_once(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        enum { N = 6 };
        struct world w;
        struct reader readers[N];
        struct lt_thread *server;
        world_open(&w, kind, 0);
        assert_int_equal(lt_thread_start(&server, "server", serve_reads, &w), 0);
        for (unsigned i = 0; i < N; i++) {
            readers[i] =
                (struct reader){.w = &w, .rounds = 60, .id = i, .size = i % 2 ? 100000 : 5000};
            assert_int_equal(lt_thread_start(&readers[i].thread, "reader", read_much, &readers[i]),
                             0);
        }
        for (unsigned i = 0; i < N; i++) {
            lt_thread_join(readers[i].thread);
            assert_int_equal(readers[i].wrong, 0);
        }
        struct lt_client_stats stats;
        EVENTUALLY((lt_client_stats(w.client, &stats), stats.notifications == N * 12));
        assert_int_equal(stats.calls, N * 60);
        lt_client_close(w.client); /* ends the server */
        lt_thread_join(server);
        server_close(&w);
    }
}

/* ---- Both write much ---------------------------------------------------------------------------
 */

/* Echoes: reads nothing while it writes. */
static void serve_echo(void *arg)
{
    struct world *w = arg;
    char *buf = malloc(BIG);
    while (server_receive(w, buf)) {
        struct lt_fuse_in_header h;
        memcpy(&h, buf, sizeof(h));
        server_send(w, h.unique, 0, buf + sizeof(h), h.len - sizeof(h));
    }
    free(buf);
}

static void echo_much(void *arg)
{
    struct reader *r = arg;
    char *sent = malloc(r->size), *got = malloc(r->size);
    for (unsigned i = 0; i < r->rounds; i++) {
        struct lt_seg in = {sent, r->size}, out = {got, r->size};
        struct lt_client_call call = {.opcode = LT_FUSE_WRITE,
                                      .in = &in,
                                      .in_count = 1,
                                      .out = &out,
                                      .out_count = 1,
                                      .out_min = r->size};
        fill(sent, r->size, (uint64_t)r->id * 1000 + i);
        if (lt_client_call(r->w->client, &call) != 0 || memcmp(got, sent, r->size) != 0)
            r->wrong++;
    }
    free(sent);
    free(got);
}

static void test_client__both_ends_may_write_long_messages(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        enum { N = 5 };
        struct world w;
        struct reader writers[N];
        struct lt_thread *server;
        world_open(&w, kind, 0);
        assert_true(lt_client_max_write(w.client) >= 200000);
        assert_int_equal(lt_thread_start(&server, "server", serve_echo, &w), 0);
        for (unsigned i = 0; i < N; i++) {
            writers[i] = (struct reader){.w = &w, .rounds = 20, .id = i, .size = 190000 + i};
            assert_int_equal(lt_thread_start(&writers[i].thread, "writer", echo_much, &writers[i]),
                             0);
        }
        for (unsigned i = 0; i < N; i++) {
            lt_thread_join(writers[i].thread);
            assert_int_equal(writers[i].wrong, 0);
        }
        lt_client_close(w.client);
        lt_thread_join(server);
        server_close(&w);
    }
}

/* ---- Giving up ------------------------------------------------------------------------------- */

static void test_client__a_cancelled_call_interrupts_and_takes_the_answer(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job j;
        char buf[BIG];
        struct lt_fuse_in_header h;
        uint64_t which;
        world_open(&w, kind, 0);
        job_start(&j, &w, LT_FUSE_SETLKW);
        uint64_t unique = server_receive_header(&w).unique;
        j.cancel = true;
        assert_true(server_receive(&w, buf));
        memcpy(&h, buf, sizeof(h));
        memcpy(&which, buf + sizeof(h), sizeof(which));
        assert_int_equal(h.opcode, LT_FUSE_INTERRUPT);
        assert_int_equal(which, unique);
        server_send(&w, unique, LT_EINTR, NULL, 0);
        assert_int_equal(job_end(&j), LT_EINTR);
        assert_int_equal(w.heard.late, 0);
        world_close(&w);
    }
}

static void test_client__an_interrupt_is_sent_again_if_the_server_says_so(void **state)
{
    struct world w;
    struct job j;
    (void)state;
    world_open(&w, PACKETS, 0);
    job_start(&j, &w, LT_FUSE_SETLKW);
    uint64_t unique = server_receive_header(&w).unique;
    j.cancel = true;
    struct lt_fuse_in_header h = server_receive_header(&w);
    assert_int_equal(h.opcode, LT_FUSE_INTERRUPT);
    server_send(&w, h.unique, LT_EAGAIN, NULL, 0);
    assert_int_equal(server_receive_header(&w).opcode, LT_FUSE_INTERRUPT);
    server_send(&w, unique, 0, NULL, 0);
    assert_int_equal(job_end(&j), 0);
    assert_int_equal(lt_client_error(w.client), 0);
    world_close(&w);
}

static void test_client__late_replies_are_told_and_touch_nothing(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job *j = malloc(sizeof(*j)), again;
        world_open(&w, kind, 0);
        job_start(j, &w, LT_FUSE_LOOKUP);
        uint64_t unique = server_receive_header(&w).unique;
        j->cancel = true;
        assert_int_equal(server_receive_header(&w).opcode, LT_FUSE_INTERRUPT);
        assert_int_equal(job_end(j), LT_EINTR);
        free(j); /* a sanitizer watches */
        server_reply(&w, unique, "too late");
        EVENTUALLY(w.heard.late == 1);
        assert_int_equal(w.heard.late_opcode, LT_FUSE_LOOKUP);
        assert_memory_equal(w.heard.body, "too late", 8);
        job_start(&again, &w, LT_FUSE_GETATTR);
        server_reply(&w, server_receive_header(&w).unique, "on");
        assert_int_equal(job_end(&again), 0);
        assert_string_equal(again.body, "on");
        world_close(&w);
    }
}

static void test_client__a_call_given_up_in_the_middle_of_its_reply(void **state)
{
    (void)state;
    for (enum kind kind = STREAM; kind < KINDS; kind++) {
        struct world w;
        struct job *j = malloc(sizeof(*j));
        struct lt_fuse_out_header h = {.len = sizeof(h) + 8};
        world_open(&w, kind, 0);
        job_start(j, &w, LT_FUSE_LOOKUP);
        h.unique = server_receive_header(&w).unique;
        server_write(&w, &h, sizeof(h), "half", 4);
        j->cancel = true;
        assert_int_equal(job_end(j), LT_EINTR);
        free(j);
        write_fully(w.out, "time", 4);
        EVENTUALLY(w.heard.late == 1);
        assert_memory_equal(w.heard.body, "halftime", 8);
        world_close(&w);
        assert_int_equal(w.heard.ended, 0);
    }
}

static void test_client__a_call_may_take_so_long_and_no_longer(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job jobs[3];
        world_open(&w, kind, 20000000);
        for (unsigned i = 0; i < 3; i++) /* one of them receives, the others follow */
            job_start(&jobs[i], &w, LT_FUSE_GETATTR);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(job_end(&jobs[i]), LT_ETIMEDOUT);
        assert_int_equal(lt_client_error(w.client), 0);
        unsigned interrupts = 0;
        for (unsigned i = 0; i < 6; i++)
            interrupts += server_receive_header(&w).opcode == LT_FUSE_INTERRUPT;
        assert_int_equal(interrupts, 3);
        world_close(&w);
    }
}

static void server_swallow(void *arg)
{
    char *buf = malloc(BIG);
    while (server_receive(arg, buf))
        continue;
    free(buf);
}

static void test_client__a_server_that_answers_nothing_is_given_up(void **state)
{
    struct world w;
    struct lt_thread *server;
    unsigned calls = 0;
    int r = LT_ETIMEDOUT;
    (void)state;
    world_open(&w, PACKETS, 1000);
    assert_int_equal(lt_thread_start(&server, "server", server_swallow, &w), 0);
    for (; r == LT_ETIMEDOUT && calls < 5000 && !lt_client_error(w.client); calls++) {
        struct lt_client_call call = {.opcode = LT_FUSE_GETATTR};
        r = lt_client_call(w.client, &call);
    }
    assert_int_equal(lt_client_error(w.client), LT_ETIMEDOUT);
    assert_in_range(calls, 1000, 1100);
    assert_int_equal(w.heard.ended, 1);
    lt_client_close(w.client);
    lt_thread_join(server);
    server_close(&w);
}

/* ---- A server that does not read ---------------------------------------------------------------
 */

static void test_client__a_server_that_does_not_read_holds_nobody_up(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        char *much = calloc(1, 200000);
        struct lt_seg in = {much, 200000};
        int r = 0;
        world_open(&w, kind, 20000000);
        for (unsigned i = 0; i < 100 && r == 0; i++)
            r = lt_client_post(w.client, LT_FUSE_NOTIFY_REPLY, 1, &in, 1);
        assert_int_equal(r, LT_ETIMEDOUT);
        /* Half a message is out: nobody can use that stream any more. */
        assert_int_equal(lt_client_error(w.client), kind == PACKETS ? 0 : LT_ETIMEDOUT);
        free(much);
        world_close(&w);
    }
}

/* ---- The end --------------------------------------------------------------------------------- */

static void test_client__death_reaches_everybody_once(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL); /* it must not come */
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job jobs[4];
        struct lt_client_call call = {.opcode = LT_FUSE_GETATTR};
        world_open(&w, kind, 0);
        for (unsigned i = 0; i < 4; i++)
            job_start(&jobs[i], &w, LT_FUSE_GETATTR);
        for (unsigned i = 0; i < 4; i++)
            server_receive_header(&w);
        server_close(&w);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(job_end(&jobs[i]), LT_ENOTCONN);
        assert_int_equal(lt_client_call(w.client, &call), LT_ENOTCONN);
        assert_int_equal(lt_client_post(w.client, LT_FUSE_FORGET, 1, NULL, 0), LT_ENOTCONN);
        EVENTUALLY(w.heard.ended == 1);
        assert_int_equal(w.heard.ended_error, LT_ENOTCONN);
        world_close(&w);
        assert_int_equal(w.heard.ended, 1);
    }
}

static void test_client__death_is_noticed_by_writing_too(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, PIPES, 0);
    close(w.in); /* the server does not read any more, but goes on to live */
    w.in = w.out;
    assert_int_equal(lt_client_post(w.client, LT_FUSE_FORGET, 1, NULL, 0), LT_ENOTCONN);
    assert_int_equal(w.heard.ended, 1);
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    world_close(&w);
}

static void test_client__death_in_the_middle_of_a_reply(void **state)
{
    (void)state;
    for (enum kind kind = STREAM; kind < KINDS; kind++) {
        struct world w;
        struct job j;
        struct lt_fuse_out_header h = {.len = sizeof(h) + 20};
        world_open(&w, kind, 0);
        job_start(&j, &w, LT_FUSE_GETATTR);
        h.unique = server_receive_header(&w).unique;
        server_write(&w, &h, sizeof(h), "half", 4);
        server_close(&w);
        assert_int_equal(job_end(&j), LT_ENOTCONN);
        world_close(&w);
    }
}

static void test_client__death_is_noticed_at_rest(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        world_open(&w, kind, 0);
        server_close(&w);
        EVENTUALLY(w.heard.ended == 1);
        world_close(&w);
    }
}

static void test_client__stopping_ends_all_calls(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job jobs[3];
        world_open(&w, kind, 0);
        for (unsigned i = 0; i < 3; i++)
            job_start(&jobs[i], &w, LT_FUSE_GETATTR);
        for (unsigned i = 0; i < 3; i++)
            server_receive_header(&w);
        lt_client_stop(w.client);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(job_end(&jobs[i]), LT_ENOTCONN);
        assert_int_equal(w.heard.ended, 1);
        world_close(&w);
    }
}

/* ---- Notifications --------------------------------------------------------------------------- */

static void test_client__notifications_come_at_rest_and_among_replies(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job j;
        world_open(&w, kind, 0);
        server_send(&w, 0, LT_FUSE_NOTIFY_INVAL_INODE, "first", 5);
        EVENTUALLY(w.heard.notified == 1);
        assert_int_equal(w.heard.code, LT_FUSE_NOTIFY_INVAL_INODE);
        assert_memory_equal(w.heard.body, "first", 5);
        job_start(&j, &w, LT_FUSE_GETATTR);
        uint64_t unique = server_receive_header(&w).unique;
        server_send(&w, 0, LT_FUSE_NOTIFY_INVAL_ENTRY, "second", 6);
        EVENTUALLY(w.heard.notified == 2);
        assert_memory_equal(w.heard.body, "second", 6);
        assert_false(j.returned);
        server_reply(&w, unique, "third");
        assert_int_equal(job_end(&j), 0);
        assert_string_equal(j.body, "third");
        server_send(&w, 0, LT_FUSE_NOTIFY_INC_EPOCH, NULL, 0);
        EVENTUALLY(w.heard.notified == 3);
        world_close(&w);
    }
}

/* ---- Garbage --------------------------------------------------------------------------------- */

struct garbage {
    const char *what;
    uint32_t len;
    int32_t error;
    uint64_t unique; /* 1: of the call */
    size_t body;     /* bytes that do come */
};

static const struct garbage garbage[] = {
    {"no length", 0, 0, 1, 0},
    {"less than a header", 15, 0, 1, 0},
    {"more than anything", UINT32_MAX, 0, 1, 100},
    {"more than the call takes", 16 + 65, 0, 1, 65},
    {"nobody asked", 16, 0, 1000, 0},
    {"a positive error", 16, 5, 1, 0},
    {"an error out of range", 16, -4096, 1, 0},
    {"the least error", 16, INT32_MIN, 1, 0},
    {"an error with a body", 16 + 4, -5, 1, 4},
    {"a notification without a code", 16, 0, 0, 0},
    {"a notification of a negative code", 16, -1, 0, 0},
    {"an interrupt that never was", 16, -11, 1001, 0},
    {"an interrupt with a body", 16 + 8, -11, 3, 8},
};

static void test_client__a_frame_that_cannot_be_ends_the_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3 * sizeof(garbage) / sizeof(garbage[0]); i++) {
        const struct garbage *g = &garbage[i / 3];
        struct world w;
        struct job j;
        char body[128] = {0};
        world_open(&w, i % 3, 0);
        job_start(&j, &w, LT_FUSE_GETATTR);
        uint64_t unique = server_receive_header(&w).unique;
        struct lt_fuse_out_header h = {g->len, g->error, g->unique == 1 ? unique : g->unique};
        server_write(&w, &h, sizeof(h), body, g->body);
        int r = job_end(&j);
        if (r != LT_EPROTO)
            print_error("%s: %d\n", g->what, r);
        assert_int_equal(r, LT_EPROTO);
        assert_int_equal(w.heard.ended, 1);
        assert_int_equal(w.heard.ended_error, LT_EPROTO);
        assert_int_equal(lt_client_error(w.client), LT_EPROTO);
        world_close(&w);
    }
}

static void test_client__a_packet_is_as_long_as_it_says(void **state)
{
    (void)state;
    for (int more = -1; more <= 1; more += 2) {
        struct world w;
        struct job j;
        world_open(&w, PACKETS, 0);
        job_start(&j, &w, LT_FUSE_GETATTR);
        struct lt_fuse_out_header h = {16 + 8, 0, server_receive_header(&w).unique};
        server_write(&w, &h, sizeof(h), "12345678", (size_t)(8 + more));
        assert_int_equal(job_end(&j), LT_EPROTO);
        world_close(&w);
    }
}

static void test_client__a_reply_comes_once(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w;
        struct job j;
        world_open(&w, kind, 0);
        job_start(&j, &w, LT_FUSE_GETATTR);
        uint64_t unique = server_receive_header(&w).unique;
        server_reply(&w, unique, "once");
        assert_int_equal(job_end(&j), 0);
        server_reply(&w, unique, "more");
        EVENTUALLY(w.heard.ended == 1);
        assert_int_equal(lt_client_error(w.client), LT_EPROTO);
        world_close(&w);
    }
}

static void test_client__what_cannot_be_sent_is_refused(void **state)
{
    struct world w;
    (void)state;
    world_open(&w, PACKETS, 0);
    char *much = calloc(1, 64 << 20);
    struct lt_seg long_in = {much, 64 << 20}, long_out = {much, 64 << 20}, many[9] = {{much, 1}};
    struct lt_client_call call = {.in = &long_in, .in_count = 1};
    assert_int_equal(lt_client_send(w.client, &call), LT_EOVERFLOW);
    call = (struct lt_client_call){.out = &long_out, .out_count = 1};
    assert_int_equal(lt_client_send(w.client, &call), LT_EINVAL);
    call = (struct lt_client_call){.in = many, .in_count = 9};
    assert_int_equal(lt_client_send(w.client, &call), LT_EINVAL);
    assert_int_equal(lt_client_error(w.client), 0);
    free(much);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client__a_request_has_the_callers_header_and_all_its_pieces),
        cmocka_unit_test(test_client__groups_travel_with_creates_once_allowed),
        cmocka_unit_test(test_client__replies_find_their_callers_in_any_order),
        cmocka_unit_test(test_client__several_replies_in_one_write_of_a_stream),
        cmocka_unit_test(test_client__errors_of_the_server_are_the_callers),
        cmocka_unit_test(test_client__a_body_too_short_is_one_callers_trouble),
        cmocka_unit_test(test_client__many_threads_read_at_once),
        cmocka_unit_test(test_client__both_ends_may_write_long_messages),
        cmocka_unit_test(test_client__a_cancelled_call_interrupts_and_takes_the_answer),
        cmocka_unit_test(test_client__an_interrupt_is_sent_again_if_the_server_says_so),
        cmocka_unit_test(test_client__late_replies_are_told_and_touch_nothing),
        cmocka_unit_test(test_client__a_call_given_up_in_the_middle_of_its_reply),
        cmocka_unit_test(test_client__a_call_may_take_so_long_and_no_longer),
        cmocka_unit_test(test_client__a_server_that_answers_nothing_is_given_up),
        cmocka_unit_test(test_client__a_server_that_does_not_read_holds_nobody_up),
        cmocka_unit_test(test_client__death_reaches_everybody_once),
        cmocka_unit_test(test_client__death_is_noticed_by_writing_too),
        cmocka_unit_test(test_client__death_in_the_middle_of_a_reply),
        cmocka_unit_test(test_client__death_is_noticed_at_rest),
        cmocka_unit_test(test_client__stopping_ends_all_calls),
        cmocka_unit_test(test_client__notifications_come_at_rest_and_among_replies),
        cmocka_unit_test(test_client__a_frame_that_cannot_be_ends_the_connection),
        cmocka_unit_test(test_client__a_packet_is_as_long_as_it_says),
        cmocka_unit_test(test_client__a_reply_comes_once),
        cmocka_unit_test(test_client__what_cannot_be_sent_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
