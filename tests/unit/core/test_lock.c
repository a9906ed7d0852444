// SPDX-License-Identifier: MIT
/* src/core/lock.c: who may lock what, and who waits for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fake.h"

#include <lintel/lock.h>
#include <os/os.h>

#define S LT_LOCK_SHARED
#define X LT_LOCK_EXCLUSIVE
#define NONE LT_LOCK_NONE

static struct fake fake;

static int setup(void **state)
{
    (void)state;
    fake_init(&fake);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lt_fs_fini(&fake.fs);
    return 0;
}

static struct lt_node *file(unsigned i)
{
    return &fake.nodes[i];
}

static struct lt_lock make(enum lt_lock_kind kind, uint64_t owner, enum lt_lock_type type,
                           uint64_t start, uint64_t end)
{
    return (struct lt_lock){.kind = kind, .type = type, .start = start, .end = end, .owner = owner};
}

static int posix(uint64_t owner, enum lt_lock_type type, uint64_t start, uint64_t end)
{
    struct lt_lock l = make(LT_LOCK_POSIX, owner, type, start, end);
    return lt_lock_set(NULL, file(1), &l, false);
}

static int windows(uint64_t owner, enum lt_lock_type type, uint64_t start, uint64_t end)
{
    struct lt_lock l = make(LT_LOCK_WINDOWS, owner, type, start, end);
    return lt_lock_set(NULL, file(1), &l, false);
}

/* The type of lock that keeps a stranger from taking `byte` alone. */
static enum lt_lock_type held(uint64_t byte)
{
    struct lt_lock l = make(LT_LOCK_POSIX, 999, X, byte, byte), found;
    assert_int_equal(lt_lock_test(file(1), &l, &found), 0);
    return found.type;
}

static void test_lock__shared_ones_meet_exclusive_ones_do_not(void **state)
{
    (void)state;
    assert_int_equal(posix(1, S, 0, 9), 0);
    assert_int_equal(posix(2, S, 5, 20), 0);
    assert_int_equal(posix(2, X, 5, 20), LT_EAGAIN);
    assert_int_equal(posix(2, X, 10, 20), 0);
    assert_int_equal(posix(3, S, 20, 30), LT_EAGAIN);
    assert_int_equal(posix(3, S, 21, 30), 0);
}

static void test_lock__an_owner_replaces_splits_and_joins(void **state)
{
    (void)state;
    assert_int_equal(posix(1, X, 0, 99), 0);
    assert_int_equal(posix(1, NONE, 40, 59), 0);
    assert_int_equal(held(39), X);
    assert_int_equal(held(40), NONE);
    assert_int_equal(held(59), NONE);
    assert_int_equal(held(60), X);
    assert_int_equal(posix(1, S, 10, 19), 0);
    assert_int_equal(held(9), X);
    assert_int_equal(held(10), S);
    assert_int_equal(held(20), X);
    assert_int_equal(posix(1, X, 0, UINT64_MAX), 0);
    struct lt_lock l = make(LT_LOCK_POSIX, 2, X, 50, 50), found;
    assert_int_equal(lt_lock_test(file(1), &l, &found), 0);
    assert_int_equal(found.start, 0);
    assert_int_equal(found.end, UINT64_MAX);
    assert_int_equal(posix(1, NONE, 0, UINT64_MAX), 0);
    assert_int_equal(held(0), NONE);
}

static void test_lock__touching_ranges_become_one(void **state)
{
    (void)state;
    assert_int_equal(posix(1, X, 0, 9), 0);
    assert_int_equal(posix(1, X, 20, 29), 0);
    assert_int_equal(posix(1, X, 10, 19), 0);
    struct lt_lock l = make(LT_LOCK_POSIX, 2, S, 15, 15), found;
    assert_int_equal(lt_lock_test(file(1), &l, &found), 0);
    assert_int_equal(found.start, 0);
    assert_int_equal(found.end, 29);
}

/* The list against a plain array of bytes, at random. */
static void test_lock__agrees_with_an_array(void **state)
{
    (void)state;
    enum { BYTES = 64, OWNERS = 4 };
    enum lt_lock_type model[OWNERS][BYTES];
    uint32_t seed = 1;
    for (int i = 0; i < OWNERS * BYTES; i++)
        model[i / BYTES][i % BYTES] = NONE;
    for (int step = 0; step < 20000; step++) {
        seed = seed * 1664525 + 1013904223;
        unsigned owner = seed >> 30, type = (seed >> 20 & 0xff) % 3;
        uint64_t a = seed >> 8 & 63, b = seed >> 14 & 63;
        uint64_t start = a < b ? a : b, end = a < b ? b : a;
        bool blocked = false;
        for (unsigned o = 0; type != NONE && o < OWNERS; o++) {
            for (uint64_t i = start; o != owner && i <= end; i++)
                blocked = blocked || model[o][i] == X || (model[o][i] == S && type == X);
        }
        int r = posix(owner, (enum lt_lock_type)type, start, end);
        assert_int_equal(r, blocked ? LT_EAGAIN : 0);
        for (uint64_t i = start; r == 0 && i <= end; i++)
            model[owner][i] = (enum lt_lock_type)type;
        uint64_t probe = seed >> 3 & 63;
        enum lt_lock_type expected = NONE;
        for (int o = 0; o < OWNERS; o++)
            expected = model[o][probe] != NONE ? model[o][probe] : expected;
        assert_int_equal(held(probe), expected);
    }
}

static void test_lock__kinds_posix_and_open_file_meet(void **state)
{
    (void)state;
    struct lt_lock l = make(LT_LOCK_OFD, 1, X, 0, 9);
    assert_int_equal(posix(1, X, 0, 9), 0);
    assert_int_equal(lt_lock_set(NULL, file(1), &l, false), LT_EAGAIN);
    assert_int_equal(lt_lock_set(NULL, file(2), &l, false), 0);
    lt_lock_release(file(1), LT_LOCK_POSIX, 1);
    assert_int_equal(lt_lock_set(NULL, file(1), &l, false), 0);
}

static void test_lock__windows_locks_are_released_by_their_range(void **state)
{
    (void)state;
    assert_int_equal(windows(1, X, 0, 9), 0);
    assert_int_equal(windows(1, X, 5, 14), LT_EAGAIN);
    assert_int_equal(windows(1, S, 5, 14), 0);
    assert_int_equal(windows(2, S, 9, 9), LT_EAGAIN);
    assert_int_equal(windows(1, NONE, 0, 8), LT_ENOENT);
    assert_int_equal(windows(1, NONE, 0, 9), 0);
    assert_int_equal(windows(2, S, 9, 9), 0);
    assert_int_equal(windows(2, X, 9, 9), LT_EAGAIN);
    assert_int_equal(posix(3, X, 0, 9), 0);
}

static void test_lock__windows_locks_forbid_io(void **state)
{
    (void)state;
    assert_int_equal(lt_lock_check_io(file(1), 2, 0, 100, true), 0);
    assert_int_equal(windows(1, X, 10, 19), 0);
    assert_int_equal(lt_lock_check_io(file(1), 2, 0, 10, true), 0);
    assert_int_equal(lt_lock_check_io(file(1), 2, 0, 11, false), LT_EAGAIN);
    assert_int_equal(lt_lock_check_io(file(1), 1, 0, 100, true), 0);
    assert_int_equal(windows(1, S, 30, 39), 0);
    assert_int_equal(lt_lock_check_io(file(1), 2, 30, 1, false), 0);
    assert_int_equal(lt_lock_check_io(file(1), 1, 30, 1, true), LT_EAGAIN);
    assert_int_equal(lt_lock_check_io(file(2), 2, 0, UINT64_MAX, true), 0);
    assert_int_equal(lt_lock_check_io(file(1), 2, 20, 0, true), 0);
    lt_lock_release(file(1), LT_LOCK_WINDOWS, 1);
    assert_int_equal(lt_lock_check_io(file(1), 2, 0, UINT64_MAX, true), 0);
}

static void test_lock__backward_ranges_are_refused(void **state)
{
    (void)state;
    assert_int_equal(posix(1, X, 5, 4), LT_EINVAL);
}

/* ---- Waiting ------------------------------------------------------------------------------- */

struct waiting {
    struct lt_thread *thread;
    struct lt_node *node;
    struct lt_lock lock;
    struct lt_ctx ctx;
    atomic_bool cancel, done;
    int result;
};

static void wait_for_lock(void *arg)
{
    struct waiting *w = arg;
    w->result = lt_lock_set(&w->ctx, w->node, &w->lock, true);
    atomic_store(&w->done, true);
}

static void start(struct waiting *w, unsigned node, struct lt_lock lock)
{
    *w = (struct waiting){.node = file(node), .lock = lock};
    w->ctx.cancel = &w->cancel;
    assert_int_equal(lt_thread_start(&w->thread, "waiter", wait_for_lock, w), 0);
}

static int join(struct waiting *w)
{
    lt_thread_join(w->thread);
    return w->result;
}

static void test_lock__a_waiter_gets_it_after_the_release(void **state)
{
    (void)state;
    struct waiting w;
    assert_int_equal(posix(1, X, 0, 9), 0);
    start(&w, 1, make(LT_LOCK_POSIX, 2, X, 9, 20));
    assert_false(atomic_load(&w.done));
    assert_int_equal(posix(1, NONE, 9, 9), 0);
    assert_int_equal(join(&w), 0);
    assert_int_equal(posix(1, S, 20, 20), LT_EAGAIN);
}

static void test_lock__a_cancelled_waiter_gives_up(void **state)
{
    (void)state;
    struct waiting w;
    assert_int_equal(posix(1, X, 0, 9), 0);
    start(&w, 1, make(LT_LOCK_OFD, 2, X, 0, 9));
    atomic_store(&w.cancel, true);
    lt_lock_interrupt(&fake.fs);
    assert_int_equal(join(&w), LT_EINTR);
    assert_int_equal(posix(1, NONE, 0, 9), 0);
    assert_int_equal(posix(3, X, 0, 9), 0);
}

/* Asks until the answer is not "busy", which it is as long as the others have not come to wait. */
static int until_deadlock(unsigned node, struct lt_lock lock)
{
    struct waiting w = {.cancel = false};
    for (;;) {
        start(&w, node, lock);
        for (int i = 0; i < 1000 && !atomic_load(&w.done); i++)
            lt_cpu_relax();
        atomic_store(&w.cancel, true);
        lt_lock_interrupt(&fake.fs);
        int r = join(&w);
        if (r != LT_EINTR)
            return r;
    }
}

static void test_lock__circles_of_three_files_are_refused(void **state)
{
    (void)state;
    struct waiting a, b;
    for (unsigned i = 1; i <= 3; i++) {
        struct lt_lock l = make(LT_LOCK_POSIX, i, X, 0, 0);
        assert_int_equal(lt_lock_set(NULL, file(i), &l, false), 0);
    }
    start(&a, 2, make(LT_LOCK_POSIX, 1, X, 0, 0));
    start(&b, 3, make(LT_LOCK_POSIX, 2, S, 0, 0));
    assert_int_equal(until_deadlock(1, make(LT_LOCK_POSIX, 3, X, 0, 0)), LT_EDEADLK);
    lt_lock_release(file(3), LT_LOCK_POSIX, 3);
    assert_int_equal(join(&b), 0);
    lt_lock_release(file(2), LT_LOCK_POSIX, 2);
    assert_int_equal(join(&a), 0);
}

static void test_lock__many_threads_one_counter(void **state)
{
    (void)state;
    enum { THREADS = 4, ROUNDS = 300 };
    struct waiting w[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < THREADS; i++)
            start(&w[i], 1, make(LT_LOCK_POSIX, i, X, i, i + 2));
        /* Each may have to wait for its neighbours, who let go once they are here. */
        for (unsigned left = THREADS; left > 0;) {
            for (unsigned i = 0; i < THREADS; i++) {
                if (w[i].thread && atomic_load(&w[i].done)) {
                    assert_int_equal(join(&w[i]), 0);
                    w[i].thread = NULL;
                    lt_lock_release(file(1), LT_LOCK_POSIX, i);
                    left--;
                }
            }
        }
        assert_int_equal(held(3), NONE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_lock__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shared_ones_meet_exclusive_ones_do_not),
        TEST(an_owner_replaces_splits_and_joins),
        TEST(touching_ranges_become_one),
        TEST(agrees_with_an_array),
        TEST(kinds_posix_and_open_file_meet),
        TEST(windows_locks_are_released_by_their_range),
        TEST(windows_locks_forbid_io),
        TEST(backward_ranges_are_refused),
        TEST(a_waiter_gets_it_after_the_release),
        TEST(a_cancelled_waiter_gives_up),
        TEST(circles_of_three_files_are_refused),
        TEST(many_threads_one_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
