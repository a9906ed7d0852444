// SPDX-License-Identifier: MIT
/* Threads, clocks and random bytes. */
#include <os/os.h>

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "../fault.h"
#include "../test.h"

struct seen {
    char name[16];
    bool all_blocked;
    bool pinned, pinned_to_none;
};

static void look_around(void *arg)
{
    struct seen *seen = arg;
    sigset_t set;

    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    seen->all_blocked = sigismember(&set, SIGINT) == 1 && sigismember(&set, SIGTERM) == 1 &&
                        sigismember(&set, SIGUSR1) == 1 && sigismember(&set, SIGHUP) == 1;
    seen->pinned_to_none = lt_thread_pin(100000);
    for (unsigned cpu = 0; cpu < 1024 && !seen->pinned; cpu++)
        seen->pinned = lt_thread_pin(cpu);
}

static void test_thread__has_name_and_blocked_signals(void **state)
{
    struct seen seen = {0};
    struct lt_thread *thread;
    sigset_t after;

    (void)state;
    assert_int_equal(lt_thread_start(&thread, "a-name-that-is-too-long", look_around, &seen), 0);
    lt_thread_join(thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_string_equal(seen.name, "a-name-that-is-");
    assert_true(seen.all_blocked);
    assert_true(seen.pinned);
    assert_false(seen.pinned_to_none);
    assert_int_equal(sigismember(&after, SIGTERM), 0); /* ours is as it was */
}

static void nothing(void *arg)
{
    *(bool *)arg = true;
}

static void test_thread__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_thread *thread = NULL;
        bool ran = false;
        int error = lt_thread_start(&thread, "test", nothing, &ran);

        if (fault_disarm()) {
            assert_int_equal(error, LT_ENOMEM);
            assert_null(thread);
        } else {
            assert_int_equal(error, 0);
            lt_thread_join(thread);
            assert_true(ran);
        }
    }
}

static void test_cpu_count__is_at_least_one(void **state)
{
    (void)state;
    assert_in_range(lt_cpu_count(), 1, 1u << 20);
}

static void test_clock_now__is_the_kernels_coarse_time(void **state)
{
    struct timespec before, after;
    struct lt_time now;

    (void)state;
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    now = lt_clock_now();
    clock_gettime(CLOCK_REALTIME_COARSE, &after);
    assert_true(now.nsec < 1000000000);
    assert_true(now.sec > before.tv_sec ||
                (now.sec == before.tv_sec && now.nsec >= before.tv_nsec));
    assert_true(now.sec < after.tv_sec || (now.sec == after.tv_sec && now.nsec <= after.tv_nsec));
}

static void test_clock_ns__goes_forward(void **state)
{
    uint64_t last = lt_clock_ns();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint64_t now = lt_clock_ns();

        assert_true(now >= last);
        last = now;
    }
}

/* 64 bytes are the same twice, or hold a run of 8 zeros, about never. */
static void test_random__differs(void **state)
{
    unsigned char a[64] = {0}, b[64] = {0}, zeros[8] = {0};

    (void)state;
    assert_int_equal(lt_random(a, sizeof(a)), 0);
    assert_int_equal(lt_random(b, sizeof(b)), 0);
    assert_memory_not_equal(a, b, sizeof(a));
    for (size_t i = 0; i < sizeof(a); i += sizeof(zeros))
        assert_memory_not_equal(a + i, zeros, sizeof(zeros));
    assert_int_equal(lt_random(a, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thread__has_name_and_blocked_signals),
        cmocka_unit_test(test_thread__nomem),
        cmocka_unit_test(test_cpu_count__is_at_least_one),
        cmocka_unit_test(test_clock_now__is_the_kernels_coarse_time),
        cmocka_unit_test(test_clock_ns__goes_forward),
        cmocka_unit_test(test_random__differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
