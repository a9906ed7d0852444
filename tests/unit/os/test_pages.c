// SPDX-License-Identifier: MIT
#include <os/os.h>

#include "../fault.h"
#include "../test.h"

static bool is_zero(const unsigned char *p, size_t size)
{
    return size == 0 || (p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
}

static void test_pages__are_aligned_zeroed_and_writable(void **state)
{
    static const size_t aligns[] = {LT_PAGE_SIZE, 2 * LT_PAGE_SIZE, 1u << 16, 1u << 21};
    static const size_t sizes[] = {LT_PAGE_SIZE, 3 * LT_PAGE_SIZE, 1u << 21};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 3; j++) {
            unsigned char *p = lt_pages_map(sizes[j], aligns[i]);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % aligns[i], 0);
            assert_true(is_zero(p, sizes[j]));
            memset(p, 0xa5, sizes[j]);
            lt_pages_unmap(p, sizes[j]);
        }
    }
}

static void test_pages__discarded_read_as_zeros(void **state)
{
    const size_t size = 8 * LT_PAGE_SIZE;
    unsigned char *p = lt_pages_map(size, LT_PAGE_SIZE);

    (void)state;
    assert_non_null(p);
    memset(p, 0xa5, size);
    lt_pages_discard(p + LT_PAGE_SIZE, 2 * LT_PAGE_SIZE);
    assert_int_equal(p[LT_PAGE_SIZE - 1], 0xa5);
    assert_true(is_zero(p + LT_PAGE_SIZE, 2 * LT_PAGE_SIZE));
    assert_int_equal(p[3 * LT_PAGE_SIZE], 0xa5);
    p[LT_PAGE_SIZE] = 1; /* and may be used again */
    assert_int_equal(p[LT_PAGE_SIZE], 1);
    lt_pages_large(p, size);
    assert_int_equal(p[LT_PAGE_SIZE], 1);
    lt_pages_unmap(p, size);
}

static void test_pages__too_much_is_null(void **state)
{
    const size_t all = SIZE_MAX - SIZE_MAX % LT_PAGE_SIZE;

    (void)state;
    assert_null(lt_pages_map(all, LT_PAGE_SIZE));
    assert_null(lt_pages_map(all, 1u << 21));
}

/* The fault injection of the tests themselves reaches lt_pages_map. */
static void test_pages__fail_when_told(void **state)
{
    unsigned tries = 0;

    (void)state;
    FAULT_EACH(n)
    {
        void *a = lt_pages_map(LT_PAGE_SIZE, LT_PAGE_SIZE);
        void *b = lt_pages_map(LT_PAGE_SIZE, LT_PAGE_SIZE);
        bool failed = fault_disarm();

        assert_int_equal(fault_count(), 2);
        assert_int_equal(a == NULL, n == 1);
        assert_int_equal(b == NULL, n == 2);
        assert_int_equal(failed, n <= 2);
        tries = n;
        if (a)
            lt_pages_unmap(a, LT_PAGE_SIZE);
        if (b)
            lt_pages_unmap(b, LT_PAGE_SIZE);
    }
    assert_int_equal(tries, 3);
    fault_arm_from(2);
    for (unsigned i = 1; i < 5; i++) {
        void *p = lt_pages_map(LT_PAGE_SIZE, LT_PAGE_SIZE);

        assert_int_equal(p != NULL, i == 1);
        if (p)
            lt_pages_unmap(p, LT_PAGE_SIZE);
    }
    assert_true(fault_disarm());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages__are_aligned_zeroed_and_writable),
        cmocka_unit_test(test_pages__discarded_read_as_zeros),
        cmocka_unit_test(test_pages__too_much_is_null),
        cmocka_unit_test(test_pages__fail_when_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
