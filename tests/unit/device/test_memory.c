// SPDX-License-Identifier: MIT
#include <device/memory.h>
#include <os/os.h>

#include <stdlib.h>

#include "../fault.h"
#include "../test.h"

#define MIB ((uint64_t)1 << 20)

static struct lt_device *open_memory(uint64_t size)
{
    struct lt_device *dev;
    assert_int_equal(lt_device_open_memory(size, &dev), 0);
    return dev;
}

/* Against a plain array: reads, writes, discards and resizes at random. */
static void test_memory__is_an_array_of_bytes(void **state)
{
    enum { MAX = 12 << 20, SPAN = 9 << 20 };
    unsigned char *model = calloc(1, MAX), *buf = malloc(SPAN);
    uint64_t size = MAX / 2;
    struct lt_device *dev = open_memory(size);
    srand(1);

    (void)state;
    for (int round = 0; round < 300; round++) {
        uint64_t at = (uint64_t)rand() % size;
        size_t len = (size_t)rand() % (round % 8 ? 10000 : SPAN);
        if (len > size - at)
            len = (size_t)(size - at);
        switch (rand() % 5) {
        case 0:
        case 1:
            memset(buf, rand() | 1, len);
            memcpy(model + at, buf, len);
            assert_int_equal(lt_device_put(dev, at, buf, len), 0);
            break;
        case 2:
            memset(model + at, 0, len);
            assert_int_equal(lt_device_discard(dev, at, len), 0);
            break;
        case 3:
            assert_int_equal(lt_device_read(dev, at, buf, len), 0);
            assert_memory_equal(buf, model + at, len);
            break;
        default:
            size = 1 + (uint64_t)rand() % MAX;
            memset(model + size, 0, MAX - size);
            assert_int_equal(lt_device_resize(dev, size), 0);
            assert_int_equal(lt_device_size(dev), size);
        }
    }
    lt_device_close(dev);
    free(model);
    free(buf);
}

static void test_memory__huge_and_empty_costs_nothing(void **state)
{
    struct lt_device *dev = open_memory(MIB << 20); /* 1 TiB */
    char c = 'x';

    (void)state;
    assert_int_equal(lt_device_put(dev, (MIB << 20) - 1, &c, 1), 0);
    assert_int_equal(lt_device_put(dev, MIB << 20, &c, 1), LT_EINVAL);
    c = 0;
    assert_int_equal(lt_device_read(dev, (MIB << 20) - 1, &c, 1), 0);
    assert_int_equal(c, 'x');
    assert_int_equal(lt_device_read(dev, MIB << 10, &c, 1), 0);
    assert_int_equal(c, 0);
    lt_device_close(dev);
}

static void write_stripe(void *arg)
{
    static _Atomic(uint64_t) next;
    uint64_t number = next++;
    char bytes[64];
    memset(bytes, (int)('a' + number), sizeof(bytes));
    for (uint64_t at = number * 64; at < 64 * MIB; at += 65536)
        assert_int_equal(lt_device_put(arg, at, bytes, sizeof(bytes)), 0);
}

static void test_memory__threads_meet_in_one_chunk(void **state)
{
    enum { THREADS = 4 };
    struct lt_device *dev = open_memory(64 * MIB);
    struct lt_thread *threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(lt_thread_start(&threads[i], "stripe", write_stripe, dev), 0);
    for (int i = 0; i < THREADS; i++)
        lt_thread_join(threads[i]);
    for (uint64_t at = 0; at < 64 * MIB; at += 65536) {
        char bytes[64 * THREADS];
        assert_int_equal(lt_device_read(dev, at, bytes, sizeof(bytes)), 0);
        for (size_t i = 0; i < sizeof(bytes); i++)
            assert_int_equal(bytes[i], 'a' + i / 64);
    }
    lt_device_close(dev);
}

static void test_memory__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_device *dev = NULL;
        int r = lt_device_open_memory(16 * MIB, &dev);
        if (r == 0)
            r = lt_device_put(dev, 4 * MIB - 1, "ab", 2);
        if (r == 0)
            r = lt_device_resize(dev, 32 * MIB);
        if (fault_disarm())
            assert_true(r == LT_ENOMEM || r == LT_ENOSPC);
        else
            assert_int_equal(r, 0);
        lt_device_close(dev);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory__is_an_array_of_bytes),
        cmocka_unit_test(test_memory__huge_and_empty_costs_nothing),
        cmocka_unit_test(test_memory__threads_meet_in_one_chunk),
        cmocka_unit_test(test_memory__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
