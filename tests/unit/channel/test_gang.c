// SPDX-License-Identifier: MIT
/* src/channel/gang.c: who listens. */
#include "test.h"

#include <channel/gang.h>

struct member {
    struct lt_gang *gang;
    atomic_uint *inside, *most, *rounds;
    struct lt_thread *thread;
};

#define MEMBERS 6
#define ROUNDS 20000

/* Listens, now and then steps aside or retires, and comes back. */
static void listen_often(void *arg)
{
    struct member *m = arg;
    while (lt_gang_join(m->gang)) {
        unsigned now = atomic_fetch_add(m->inside, 1) + 1;
        unsigned most = atomic_load(m->most);
        while (now > most && !atomic_compare_exchange_weak(m->most, &most, now))
            continue;
        unsigned round = atomic_fetch_add(m->rounds, 1);
        if (round % 3 == 0)
            lt_gang_call(m->gang);
        atomic_fetch_sub(m->inside, 1);
        if (round >= ROUNDS)
            lt_gang_end(m->gang);
        if (!lt_gang_retire(m->gang))
            lt_gang_leave(m->gang);
    }
}

static void test_gang__somebody_always_listens_and_never_too_many(void **state)
{
    (void)state;
    for (unsigned most = 1; most <= 3; most++) {
        struct lt_gang gang;
        struct member members[MEMBERS];
        atomic_uint inside = 0, seen = 0, rounds = 0;
        lt_gang_init(&gang, most);
        for (unsigned i = 0; i < MEMBERS; i++) {
            members[i] = (struct member){&gang, &inside, &seen, &rounds, NULL};
            assert_int_equal(
                lt_thread_start(&members[i].thread, "member", listen_often, &members[i]), 0);
        }
        for (unsigned i = 0; i < MEMBERS; i++)
            lt_thread_join(members[i].thread); /* would hang if a call were lost */
        assert_true(atomic_load(&rounds) >= ROUNDS);
        /* Whoever finds nobody listening may come in beside one who was called. */
        assert_true(atomic_load(&seen) <= most + 1);
    }
}

static void test_gang__the_last_listener_does_not_retire(void **state)
{
    struct lt_gang gang;
    (void)state;
    lt_gang_init(&gang, 2);
    assert_true(lt_gang_join(&gang));
    assert_false(lt_gang_retire(&gang));
    assert_int_equal(lt_gang_listeners(&gang), 1);
    lt_gang_leave(&gang);
    assert_int_equal(lt_gang_listeners(&gang), 0);
}

static void test_gang__nobody_joins_after_the_end(void **state)
{
    struct lt_gang gang;
    (void)state;
    lt_gang_init(&gang, 1);
    lt_gang_end(&gang);
    assert_false(lt_gang_join(&gang));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gang__somebody_always_listens_and_never_too_many),
        cmocka_unit_test(test_gang__the_last_listener_does_not_retire),
        cmocka_unit_test(test_gang__nobody_joins_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
