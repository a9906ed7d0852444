// SPDX-License-Identifier: MIT
#include <device/sim.h>

#include <stdlib.h>

#include "../test.h"

#define SIZE 65536u

static struct lt_device *open_sim(void)
{
    struct lt_device *dev;
    assert_int_equal(lt_device_open_sim(SIZE, &dev), 0);
    return dev;
}

static void put(struct lt_device *dev, uint64_t at, char c, size_t len)
{
    char bytes[SIZE];
    memset(bytes, c, len);
    assert_int_equal(lt_device_put(dev, at, bytes, len), 0);
}

static char get(struct lt_device *dev, uint64_t at)
{
    char c;
    assert_int_equal(lt_device_read(dev, at, &c, 1), 0);
    return c;
}

static struct lt_device *cut(struct lt_device *dev, uint64_t time, uint64_t seed)
{
    struct lt_device *left;
    assert_int_equal(lt_sim_cut(dev, time, seed, &left), 0);
    return left;
}

static void test_sim__what_a_flush_covers_survives_every_cut(void **state)
{
    struct lt_device *dev = open_sim();

    (void)state;
    put(dev, 1000, 'a', 5000);
    assert_int_equal(lt_device_flush(dev), 0);
    put(dev, 1000, 'b', 5000);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct lt_device *left = cut(dev, 2, seed);
        for (uint64_t at = 1000; at < 6000; at++)
            assert_int_equal(get(left, at), 'a');
        lt_device_close(left);
    }
    assert_int_equal(get(dev, 1000), 'b');
    assert_true(lt_sim_is_flush(dev, 1));
    assert_false(lt_sim_is_flush(dev, 0));
    lt_device_close(dev);
}

static void test_sim__writes_through_cover_themselves_alone(void **state)
{
    char bytes[3000];
    struct lt_seg segs[2] = {{bytes, 1000}, {bytes, 2000}};
    struct lt_device *dev = open_sim();
    bool torn = false;

    (void)state;
    memset(bytes, 'b', sizeof(bytes));
    put(dev, 0, 'a', 5000);
    assert_int_equal(lt_device_write_through(dev, 1000, segs, 2), 0);
    assert_int_equal(lt_sim_time(dev), 3);
    for (uint64_t seed = 1; seed < 100; seed++) {
        struct lt_device *before = cut(dev, 2, seed), *after = cut(dev, 3, seed);
        for (uint64_t at = 1000; at < 4000; at++)
            assert_int_equal(get(after, at), 'b');
        if (seed == 1)
            assert_int_equal(get(after, 0), 0);
        torn |= get(before, 1000) != get(before, 3999);
        lt_device_close(before);
        lt_device_close(after);
    }
    assert_true(torn);
    lt_device_close(dev);
}

static void test_sim__a_failed_write_through_covers_nothing(void **state)
{
    struct lt_seg seg = {(char[]){"abc"}, 3};
    struct lt_device *dev = open_sim(), *left;

    (void)state;
    lt_sim_fail(dev, 1, LT_ENOSPC, false);
    assert_int_equal(lt_device_write_through(dev, 0, &seg, 1), LT_ENOSPC);
    lt_sim_fail(dev, 2, LT_ENOSPC, false); /* it is too late to say so */
    assert_int_equal(lt_device_write_through(dev, 0, &seg, 1), LT_EIO);
    left = cut(dev, lt_sim_time(dev), 1);
    assert_int_equal(get(left, 0), 0);
    lt_device_close(left);
    lt_device_close(dev);
}

static void test_sim__seeds_0_and_1_are_all_and_nothing(void **state)
{
    struct lt_device *dev = open_sim(), *left;

    (void)state;
    put(dev, 0, 'a', SIZE);
    put(dev, 4096, 'b', 4096);
    left = cut(dev, 2, 0);
    assert_int_equal(get(left, 0), 'a');
    assert_int_equal(get(left, 5000), 'b');
    lt_device_close(left);
    left = cut(dev, 1, 0);
    assert_int_equal(get(left, 5000), 'a');
    lt_device_close(left);
    left = cut(dev, 2, 1);
    assert_int_equal(get(left, 0), 0);
    lt_device_close(left);
    lt_device_close(dev);
}

/* Every combination of two writes, and torn ones, comes up; nothing else does. */
static void test_sim__unflushed_writes_come_in_every_choice(void **state)
{
    unsigned seen[2][2] = {{0}}, torn = 0;
    struct lt_device *dev = open_sim();

    (void)state;
    put(dev, 0, 'a', 512);
    put(dev, 8192 - 700, 'b', 1400);
    for (uint64_t seed = 2; seed < 600; seed++) {
        struct lt_device *left = cut(dev, 2, seed);
        unsigned there = 0, absent = 0;
        for (uint64_t at = 8192 - 700; at < 8192 + 700; at++) {
            char c = get(left, at);
            assert_true(c == 0 || c == 'b');
            there += c == 'b';
            absent += c == 0;
            /* Sectors are whole. */
            if (at % LT_SIM_SECTOR && at > 8192 - 700)
                assert_int_equal(c, get(left, at - 1));
        }
        torn += there && absent;
        seen[get(left, 0) == 'a'][there > 0]++;
        lt_device_close(left);
    }
    assert_true(torn > 10);
    for (int i = 0; i < 4; i++)
        assert_true(seen[i / 2][i % 2] > 10);
    lt_device_close(dev);
}

static void test_sim__same_seed_same_cut_whatever_was_cut_before(void **state)
{
    char first[SIZE], again[SIZE];
    struct lt_device *dev = open_sim(), *left;

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        put(dev, i * 1500 % SIZE, (char)('a' + i), 1400);
        if (i % 7 == 3)
            assert_int_equal(lt_device_flush(dev), 0);
        if (i % 11 == 5)
            assert_int_equal(lt_device_discard(dev, i * 1000, 3000), 0);
    }
    for (uint64_t time = 0; time <= lt_sim_time(dev); time++) {
        left = cut(dev, time, 17);
        assert_int_equal(lt_device_read(left, 0, first, SIZE), 0);
        lt_device_close(left);
        lt_device_close(cut(dev, (time * 31) % lt_sim_time(dev), 5));
        left = cut(dev, time, 17);
        assert_int_equal(lt_device_read(left, 0, again, SIZE), 0);
        assert_memory_equal(first, again, SIZE);
        lt_device_close(left);
    }
    lt_device_close(dev);
}

static void test_sim__cuts_stand_alone(void **state)
{
    struct lt_device *dev = open_sim(), *left, *second;

    (void)state;
    put(dev, 0, 'a', 100);
    left = cut(dev, 1, 0);
    put(left, 0, 'b', 50);
    put(dev, 0, 'c', 10);
    assert_int_equal(get(left, 5), 'b');
    assert_int_equal(get(left, 60), 'a');
    assert_int_equal(get(dev, 5), 'c');
    assert_int_equal(lt_sim_time(left), 1);
    second = cut(left, 1, 1); /* what was cut counts as durable */
    assert_int_equal(get(second, 5), 'a');
    lt_device_close(left);
    lt_device_close(dev);
    assert_int_equal(get(second, 99), 'a');
    lt_device_close(second);
}

static void test_sim__fails_the_nth_call(void **state)
{
    char c = 'x';
    struct lt_device *dev = open_sim();

    (void)state;
    lt_sim_fail(dev, 3, LT_EIO, false);
    assert_int_equal(lt_device_put(dev, 0, &c, 1), 0);
    assert_int_equal(lt_device_read(dev, 0, &c, 1), 0);
    assert_int_equal(lt_device_flush(dev), LT_EIO);
    assert_int_equal(lt_device_flush(dev), 0);
    lt_sim_fail(dev, 1, LT_ENOSPC, true);
    assert_int_equal(lt_device_reserve(dev, 0, 1), LT_ENOSPC);
    assert_int_equal(lt_device_put(dev, 0, &c, 1), LT_ENOSPC);
    lt_sim_fail(dev, 0, 0, false);
    assert_int_equal(lt_device_put(dev, 0, &c, 1), 0);
    lt_device_close(dev);
}

static void test_sim__failed_flush_covers_nothing(void **state)
{
    struct lt_device *dev = open_sim(), *left;

    (void)state;
    put(dev, 0, 'a', 100);
    lt_sim_fail(dev, 1, LT_EIO, false);
    assert_int_equal(lt_device_flush(dev), LT_EIO);
    left = cut(dev, lt_sim_time(dev), 1);
    assert_int_equal(get(left, 0), 0);
    lt_device_close(left);
    lt_device_close(dev);
}

static void test_sim__resizes_and_forgets(void **state)
{
    struct lt_device *dev = open_sim(), *left;

    (void)state;
    put(dev, 0, 'a', SIZE);
    assert_int_equal(lt_device_resize(dev, 1000), 0);
    assert_int_equal(lt_device_resize(dev, 2 * SIZE), 0);
    assert_int_equal(get(dev, 999), 'a');
    assert_int_equal(get(dev, 1000), 0);
    assert_int_equal(get(dev, 5000), 0);
    put(dev, SIZE + 5, 'b', 10);
    left = cut(dev, 4, 1);
    assert_int_equal(lt_device_size(left), SIZE);
    lt_device_close(left);
    lt_sim_forget(dev);
    assert_int_equal(lt_sim_time(dev), 4);
    assert_int_equal(lt_sim_cut(dev, 3, 0, &left), LT_EINVAL);
    assert_int_equal(lt_sim_cut(dev, 5, 0, &left), LT_EINVAL);
    left = cut(dev, 4, 1);
    assert_int_equal(get(left, SIZE + 5), 'b');
    lt_device_close(left);
    lt_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim__what_a_flush_covers_survives_every_cut),
        cmocka_unit_test(test_sim__writes_through_cover_themselves_alone),
        cmocka_unit_test(test_sim__a_failed_write_through_covers_nothing),
        cmocka_unit_test(test_sim__seeds_0_and_1_are_all_and_nothing),
        cmocka_unit_test(test_sim__unflushed_writes_come_in_every_choice),
        cmocka_unit_test(test_sim__same_seed_same_cut_whatever_was_cut_before),
        cmocka_unit_test(test_sim__cuts_stand_alone),
        cmocka_unit_test(test_sim__fails_the_nth_call),
        cmocka_unit_test(test_sim__failed_flush_covers_nothing),
        cmocka_unit_test(test_sim__resizes_and_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
