// SPDX-License-Identifier: MIT
/* Mutex, reader-writer lock and condition variable, under contention. */
#include <os/os.h>

#include "../test.h"

#define THREADS 8
#define ROUNDS 20000

struct lock_test {
    struct lt_mutex mutex;
    struct lt_rwlock rwlock;
    struct lt_cond cond;
    uint64_t a, b; /* guarded by the lock under test; equal whenever it is free */
    atomic_uint index;
    atomic_int readers, writers; /* inside the rwlock */
    atomic_bool stop, entered;
    unsigned waiting, turns; /* guarded by mutex */
    bool torn;
};

static void run_threads(unsigned count, void (*fn)(void *arg), void *arg)
{
    struct lt_thread *threads[THREADS];

    for (unsigned i = 0; i < count; i++)
        assert_int_equal(lt_thread_start(&threads[i], "test", fn, arg), 0);
    for (unsigned i = 0; i < count; i++)
        lt_thread_join(threads[i]);
}

static void count_under_mutex(void *arg)
{
    struct lock_test *t = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % 3 == 0) {
            while (!lt_mutex_trylock(&t->mutex))
                lt_cpu_relax();
        } else {
            lt_mutex_lock(&t->mutex);
        }
        t->a++;
        lt_mutex_unlock(&t->mutex);
    }
}

static void test_mutex__excludes(void **state)
{
    struct lock_test t = {0};

    (void)state;
    run_threads(THREADS, count_under_mutex, &t);
    assert_int_equal(t.a, THREADS * ROUNDS);
    assert_int_equal(t.mutex.state, 0);
}

static void test_mutex__trylock_fails_while_held(void **state)
{
    struct lt_mutex m = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        if (!lt_mutex_trylock(&m)) {
            fail();
            return;
        }
        assert_false(lt_mutex_trylock(&m));
        lt_mutex_unlock(&m);
    }
}

static void hold_mutex(void *arg)
{
    struct lock_test *t = arg;

    lt_mutex_lock(&t->mutex);
    t->a = 1;
    lt_mutex_unlock(&t->mutex);
}

static void test_mutex__wakes_a_sleeper(void **state)
{
    struct lock_test t = {0};
    struct lt_thread *thread;

    (void)state;
    lt_mutex_lock(&t.mutex);
    assert_int_equal(lt_thread_start(&thread, "sleeper", hold_mutex, &t), 0);
    while (atomic_load(&t.mutex.state) != 2) /* until it is about to sleep */
        lt_cpu_relax();
    lt_mutex_unlock(&t.mutex);
    lt_thread_join(thread);
    assert_int_equal(t.a, 1);
}

/* Every fourth operation of every thread writes; a reader checks that no writer is half way. */
static void read_and_write(void *arg)
{
    struct lock_test *t = arg;
    unsigned index = atomic_fetch_add(&t->index, 1);

    for (unsigned i = 0; i < ROUNDS; i++) {
        if ((i + index) % 4 == 0) {
            lt_rwlock_write(&t->rwlock);
            if (atomic_fetch_add(&t->writers, 1) != 0 || atomic_load(&t->readers) != 0)
                t->torn = true;
            t->a++;
            t->b++;
            atomic_fetch_sub(&t->writers, 1);
            lt_rwlock_write_unlock(&t->rwlock);
        } else {
            lt_rwlock_read(&t->rwlock);
            atomic_fetch_add(&t->readers, 1);
            if (atomic_load(&t->writers) != 0 || t->a != t->b)
                atomic_store(&t->stop, true);
            atomic_fetch_sub(&t->readers, 1);
            lt_rwlock_read_unlock(&t->rwlock);
        }
    }
}

static void test_rwlock__excludes(void **state)
{
    struct lock_test t = {0};

    (void)state;
    run_threads(THREADS, read_and_write, &t);
    assert_false(t.torn);
    assert_false(t.stop);
    assert_int_equal(t.a, THREADS * ROUNDS / 4);
    assert_int_equal(t.rwlock.state & ~0x60000000u, 0);
}

static void read_once(void *arg)
{
    struct lock_test *t = arg;

    lt_rwlock_read(&t->rwlock);
    atomic_store(&t->entered, true);
    lt_rwlock_read_unlock(&t->rwlock);
}

static void write_once(void *arg)
{
    struct lock_test *t = arg;

    lt_rwlock_write(&t->rwlock);
    t->a++;
    lt_rwlock_write_unlock(&t->rwlock);
}

static void test_rwlock__readers_share(void **state)
{
    struct lock_test t = {0};

    (void)state;
    lt_rwlock_read(&t.rwlock);
    run_threads(1, read_once, &t); /* ends although we hold it */
    assert_true(t.entered);
    lt_rwlock_read_unlock(&t.rwlock);
}

static void test_rwlock__waiting_writer_keeps_new_readers_out(void **state)
{
    struct lock_test t = {0};
    struct lt_thread *writer, *reader;

    (void)state;
    lt_rwlock_read(&t.rwlock);
    assert_int_equal(lt_thread_start(&writer, "writer", write_once, &t), 0);
    while (!(atomic_load(&t.rwlock.state) & 0x40000000)) /* WRITERS_WAITING */
        lt_cpu_relax();
    assert_int_equal(lt_thread_start(&reader, "reader", read_once, &t), 0);
    while (!(atomic_load(&t.rwlock.state) & 0x20000000)) /* READERS_WAITING */
        lt_cpu_relax();
    assert_false(t.entered);
    lt_rwlock_read_unlock(&t.rwlock);
    lt_thread_join(writer);
    lt_thread_join(reader);
    assert_int_equal(t.a, 1);
    assert_true(t.entered);
}

static void read_until_stop(void *arg)
{
    struct lock_test *t = arg;

    while (!atomic_load(&t->stop)) {
        lt_rwlock_read(&t->rwlock);
        atomic_fetch_add(&t->readers, 1);
        lt_rwlock_read_unlock(&t->rwlock);
    }
}

static void write_until_stop(void *arg)
{
    struct lock_test *t = arg;

    while (!atomic_load(&t->stop)) {
        lt_rwlock_write(&t->rwlock);
        t->a++;
        lt_rwlock_write_unlock(&t->rwlock);
    }
}

/* Neither a crowd of readers nor one of writers keeps the other sort out: this ends. */
static void test_rwlock__starves_nobody(void **state)
{
    struct lock_test t = {0};
    struct lt_thread *threads[6];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(lt_thread_start(&threads[i], "reader", read_until_stop, &t), 0);
    for (unsigned i = 0; i < 100; i++)
        write_once(&t);
    for (unsigned i = 3; i < 6; i++)
        assert_int_equal(lt_thread_start(&threads[i], "writer", write_until_stop, &t), 0);
    for (unsigned i = 0; i < 100; i++)
        read_once(&t);
    atomic_store(&t.stop, true);
    for (unsigned i = 0; i < 6; i++)
        lt_thread_join(threads[i]);
    assert_true(t.a >= 100);
}

/* A queue of one place: `a` is what is in it, `b` the sum of what was taken out. */
static void consume(void *arg)
{
    struct lock_test *t = arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        lt_mutex_lock(&t->mutex);
        while (t->a == 0)
            lt_cond_wait(&t->cond, &t->mutex);
        t->b += t->a;
        t->a = 0;
        lt_cond_wake_all(&t->cond);
        lt_mutex_unlock(&t->mutex);
    }
}

static void produce(struct lock_test *t, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        lt_mutex_lock(&t->mutex);
        while (t->a != 0)
            lt_cond_wait(&t->cond, &t->mutex);
        t->a = i;
        lt_cond_wake_all(&t->cond);
        lt_mutex_unlock(&t->mutex);
    }
}

static void test_cond__passes_everything_on(void **state)
{
    struct lock_test t = {0};
    struct lt_thread *threads[2];
    const uint64_t count = 2 * ROUNDS;

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(lt_thread_start(&threads[i], "consumer", consume, &t), 0);
    produce(&t, 2 * ROUNDS);
    for (unsigned i = 0; i < 2; i++)
        lt_thread_join(threads[i]);
    assert_int_equal(t.b, count * (count + 1) / 2);
}

static void wait_for_turn(void *arg)
{
    struct lock_test *t = arg;

    lt_mutex_lock(&t->mutex);
    t->waiting++;
    while (t->turns == 0)
        lt_cond_wait(&t->cond, &t->mutex);
    t->turns--;
    lt_mutex_unlock(&t->mutex);
}

/* As many wake_one as there are waiters get all of them going. */
static void test_cond__wake_one_wakes_one_each(void **state)
{
    struct lock_test t = {0};
    struct lt_thread *threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(lt_thread_start(&threads[i], "waiter", wait_for_turn, &t), 0);
    for (unsigned ready = 0; ready < THREADS;) {
        lt_mutex_lock(&t.mutex);
        ready = t.waiting;
        lt_mutex_unlock(&t.mutex);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        lt_mutex_lock(&t.mutex);
        t.turns++;
        lt_mutex_unlock(&t.mutex);
        lt_cond_wake_one(&t.cond);
    }
    for (unsigned i = 0; i < THREADS; i++)
        lt_thread_join(threads[i]);
    assert_int_equal(t.turns, 0);
    assert_int_equal(t.cond.seq & 0xfff, 0); /* nobody is counted as waiting */
}

static void test_cond__wait_for_gives_up(void **state)
{
    struct lt_mutex m = {0};
    struct lt_cond c = {0};
    uint64_t start = lt_clock_ns();

    (void)state;
    lt_mutex_lock(&m);
    while (lt_cond_wait_for(&c, &m, 1000000))
        continue; /* woken for no reason, which may happen */
    assert_true(lt_clock_ns() - start >= 1000000);
    assert_false(lt_mutex_trylock(&m)); /* held again */
    assert_false(lt_cond_wait_for(&c, &m, 0));
    lt_mutex_unlock(&m);
}

static void wake_after_lock(void *arg)
{
    struct lock_test *t = arg;

    lt_mutex_lock(&t->mutex);
    t->a = 1;
    lt_cond_wake_one(&t->cond);
    lt_mutex_unlock(&t->mutex);
}

static void test_cond__wait_for_hears_a_wake(void **state)
{
    struct lock_test t = {0};
    struct lt_thread *thread;

    (void)state;
    lt_mutex_lock(&t.mutex);
    assert_int_equal(lt_thread_start(&thread, "waker", wake_after_lock, &t), 0);
    while (t.a == 0)
        assert_true(lt_cond_wait_for(&t.cond, &t.mutex, UINT64_MAX));
    lt_mutex_unlock(&t.mutex);
    lt_thread_join(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutex__excludes),
        cmocka_unit_test(test_mutex__trylock_fails_while_held),
        cmocka_unit_test(test_mutex__wakes_a_sleeper),
        cmocka_unit_test(test_rwlock__excludes),
        cmocka_unit_test(test_rwlock__readers_share),
        cmocka_unit_test(test_rwlock__waiting_writer_keeps_new_readers_out),
        cmocka_unit_test(test_rwlock__starves_nobody),
        cmocka_unit_test(test_cond__passes_everything_on),
        cmocka_unit_test(test_cond__wake_one_wakes_one_each),
        cmocka_unit_test(test_cond__wait_for_gives_up),
        cmocka_unit_test(test_cond__wait_for_hears_a_wake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
