// SPDX-License-Identifier: MIT
/* The FUSE server against a peer that breaks the rules, and over a stream of bytes. */
#include "peer.h"

#define P struct peer peer, *p = &peer

/* ---- Hostile --------------------------------------------------------------------------------- */

static void test_hostile__every_operation_on_strange_nodes(void **state)
{
    static const uint64_t ids[] = {0, 2, 999, UINT64_MAX};
    P;
    char body[128] = {0};
    (void)state;
    peer_open_default(p);
    for (uint32_t opcode = 0; opcode < 60; opcode++) {
        const struct lt_fuse_op *op = lt_fuse_op(opcode);
        for (size_t i = 0; i < 4; i++) {
            struct ask a = {.opcode = opcode,
                            .nodeid = ids[i],
                            .args = body,
                            .args_len = op ? op->args : 0,
                            .name = op && op->follows & LT_FUSE_NAME ? "n" : NULL,
                            .name2 = op && op->follows & LT_FUSE_NAME2 ? "m" : NULL};
            if (op && op->follows & LT_FUSE_NO_REPLY && opcode != LT_FUSE_INTERRUPT) {
                peer_send(p, &a);
                continue;
            }
            int r = peer_ask(p, &a);
            if (op == NULL)
                assert_int_equal(r, LT_ENOSYS);
            else if (!(op->follows & LT_FUSE_ZERO_NODE))
                assert_int_equal(r, LT_ESTALE);
        }
    }
    peer_close(p);
}

/* Bytes that follow from a seed. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void test_hostile__noise_gets_answers(void **state)
{
    P;
    uint32_t seed = 1;
    (void)state;
    peer_open_default(p);
    peer_mkdir(p, 1, "d");
    peer_mknod(p, 1, "f");
    for (unsigned round = 0; round < 20000; round++) {
        char body[200];
        for (size_t i = 0; i < sizeof(body); i++)
            body[i] = next(&seed) % 3 ? 0 : (char)next(&seed);
        uint32_t opcode = next(&seed) % 56;
        const struct lt_fuse_op *op = lt_fuse_op(opcode);
        if (op == NULL || op->follows & LT_FUSE_NO_REPLY)
            continue;
        struct ask a = {.opcode = opcode,
                        .nodeid = next(&seed) % 4,
                        .args = body,
                        .args_len = next(&seed) % 4 ? op->args : next(&seed) % sizeof(body),
                        .name = op->follows & LT_FUSE_NAME ? "d" : NULL,
                        .name2 = op->follows & LT_FUSE_NAME2 ? "g" : NULL};
        peer_ask(p, &a);
    }
    peer_close(p);
}

static void test_hostile__a_length_that_lies_is_refused(void **state)
{
    P;
    struct lt_fuse_in_header h = {.opcode = LT_FUSE_STATFS, .unique = 99};
    static const uint32_t lengths[] = {0, 39, 41, 1000, UINT32_MAX};
    (void)state;
    peer_open_default(p);
    for (size_t i = 0; i < 5; i++) {
        h.len = lengths[i];
        peer_raw(p, &h, sizeof(h));
        peer_receive(p);
        assert_int_equal(peer_header(p).unique, 99);
        assert_int_equal(peer_header(p).error, LT_EPROTO);
    }
    peer_close(p);
}

static void test_hostile__half_a_header_ends_the_session(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    peer_raw(p, "short", 5);
    assert_int_equal(lt_session_wait(p->session), LT_EPROTO);
    peer_close(p);
}

static void test_hostile__forgetting_too_much(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    peer_forget(p, id, UINT64_MAX);
    peer_forget(p, id, 1);
    peer_forget(p, 1, UINT64_MAX);
    peer_forget(p, 0, 1);
    peer_settle(p);
    assert_int_equal(lt_nodes_count(&p->session->nodes), 0);
    assert_int_equal(peer_lookup(p, 1, "f"), 0);
    peer_close(p);
}

/* ---- Streams of bytes ------------------------------------------------------------------------ */

static void test_stream__messages_in_crumbs(void **state)
{
    P;
    struct lt_mount_options o = peer_options();
    struct lt_fuse_init_in in = {.major = 7, .minor = 45};
    struct lt_fuse_in_header h = {
        .len = sizeof(h) + sizeof(in), .opcode = LT_FUSE_INIT, .unique = 1};
    char message[sizeof(h) + sizeof(in)];
    (void)state;
    peer_connect(p, "mem:", &o, false);
    memcpy(message, &h, sizeof(h));
    memcpy(message + sizeof(h), &in, sizeof(in));
    for (size_t i = 0; i < sizeof(message); i++)
        peer_raw(p, message + i, 1);
    assert_int_equal(lt_session_handshake(p->session), 0);
    peer_receive(p);
    assert_int_equal(peer_header(p).error, 0);
    assert_int_equal(lt_session_start(p->session), 0);
    h = (struct lt_fuse_in_header){.len = UINT32_MAX, .opcode = LT_FUSE_STATFS};
    peer_raw(p, &h, sizeof(h));
    assert_int_equal(lt_session_wait(p->session), LT_EPROTO);
    peer_close(p);
}

static void test_stream__the_end_of_the_peer_is_the_end(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    shutdown(p->fd, SHUT_RDWR);
    assert_int_equal(lt_session_wait(p->session), 0);
    peer_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile__every_operation_on_strange_nodes),
        cmocka_unit_test(test_hostile__noise_gets_answers),
        cmocka_unit_test(test_hostile__a_length_that_lies_is_refused),
        cmocka_unit_test(test_hostile__half_a_header_ends_the_session),
        cmocka_unit_test(test_hostile__forgetting_too_much),
        cmocka_unit_test(test_stream__messages_in_crumbs),
        cmocka_unit_test(test_stream__the_end_of_the_peer_is_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
