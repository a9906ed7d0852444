// SPDX-License-Identifier: MIT
/* src/channel/client*.c: calls that are given up, servers that die, lie or keep silent. */
#include "world.h"

#include "../fault.h"

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

static void test_client_open_nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_client_config config = {.max_write = MAX_WRITE};
        struct lt_client *client = NULL;
        int pair[2];
        char byte;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        int error = lt_client_open(pair[1], pair[1], false, &config, &client);
        if (fault_disarm())
            assert_int_equal(error, LT_ENOMEM);
        else
            assert_int_equal(error, 0);
        lt_client_close(client);
        assert_int_equal(read(pair[0], &byte, 1), 0); /* closed in either case */
        close(pair[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_open_nomem),
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
