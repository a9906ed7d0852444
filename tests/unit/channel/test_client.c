// SPDX-License-Identifier: MIT
/* src/channel/client*.c: requests and their replies. */
#include "world.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
