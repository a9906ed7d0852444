// SPDX-License-Identifier: MIT
/* Pages, runs, objects, the sparse vector of pages, and what goes back to the system. */
#include "random.h"

#include <fault.h>
#include <fs/mem/radix.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>
#include <unistd.h>

static struct mem_arena arena;

static int setup(void **state)
{
    (void)state;
    mem_arena_init(&arena, UINT64_MAX);
    mem_slab_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mem_arena_fini(&arena);
    return 0;
}

static struct mem_arena_facts facts(void)
{
    struct mem_arena_facts f;
    mem_arena_facts(&arena, &f);
    return f;
}

static bool is_filled(const unsigned char *page, unsigned char with)
{
    return page[0] == with && memcmp(page, page + 1, MEM_PAGE - 1) == 0;
}

/* ---- Pages ---------------------------------------------------------------------------------- */

static void test_arena__pages_are_consecutive_aligned_and_nobody_elses(void **state)
{
    (void)state;
    static void *pages[3000];
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages, 511, 0), 511);
    assert_int_equal((uintptr_t)pages[0] % MEM_PAGE, 0);
    for (unsigned i = 1; i < 511; i++)
        assert_ptr_equal(pages[i], (char *)pages[i - 1] + MEM_PAGE);
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages + 511, 2489, 0), 2489);
    for (unsigned i = 0; i < 3000; i++)
        memset(pages[i], (int)(i % 251), MEM_PAGE);
    for (unsigned i = 0; i < 3000; i++)
        assert_true(is_filled(pages[i], (unsigned char)(i % 251)));
    assert_int_equal(mem_arena_used(&arena), 3000);
    mem_pages_free(&arena, pages, 3000, 0);
    assert_int_equal(mem_arena_used(&arena), 0);
}

static void test_arena__agrees_with_a_model(void **state)
{
    (void)state;
    enum { SLOTS = 2000 };
    static void *held[SLOTS];
    uint64_t seed = 3, count = 0;
    memset(held, 0, sizeof(held));
    for (unsigned i = 0; i < 200000; i++) {
        unsigned k = (unsigned)random_below(&seed, SLOTS);
        bool zero = random_below(&seed, 2);
        if (held[k]) {
            assert_true(is_filled(held[k], (unsigned char)(k % 250 + 1)));
            mem_pages_free(&arena, &held[k], 1, 0);
            held[k] = NULL;
            count--;
        } else if (random_below(&seed, 100) < (i / 20000 % 2 ? 20 : 90)) {
            assert_int_equal(mem_pages_alloc(&arena, k % 2 ? MEM_DATA : MEM_META, &held[k], 1,
                                             zero ? MEM_ZERO : 0),
                             1);
            assert_true(!zero || is_filled(held[k], 0));
            memset(held[k], (int)(k % 250 + 1), MEM_PAGE);
            count++;
        }
        assert_int_equal(mem_arena_used(&arena), count);
        uint64_t allowed = count / 16 > MEM_DIRTY_MIN ? count / 16 : MEM_DIRTY_MIN;
        assert_true(arena.dirty_pages <= allowed + 1);
    }
    for (unsigned k = 0; k < SLOTS; k++) {
        if (held[k])
            mem_pages_free(&arena, &held[k], 1, 0);
    }
    assert_int_equal(mem_arena_used(&arena), 0);
    assert_in_range(facts().chunks, 1, 2); /* one of each kind is kept */
}

static void test_arena__limit_is_never_exceeded(void **state)
{
    (void)state;
    void *pages[100], *loan[10];
    arena.limit = 60;
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, loan, 10, MEM_LOAN), 10);
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages, 100, 0), 60);
    assert_int_equal(mem_pages_alloc(&arena, MEM_META, pages + 60, 1, 0), LT_ENOSPC);
    assert_null(mem_alloc(&arena, 40));
    assert_null(mem_run_alloc(&arena, 1));
    assert_int_equal(mem_pages_charge(&arena, 10), 0);
    mem_pages_free(&arena, pages, 4, 0);
    assert_null(mem_run_alloc(&arena, 5));
    assert_int_equal(mem_pages_charge(&arena, 10), 4);
    mem_pages_uncharge(&arena, 4);
    mem_pages_free(&arena, pages + 4, 56, 0);
    mem_pages_free(&arena, loan, 10, MEM_LOAN);
    assert_int_equal(facts().loaned_pages, 0);
}

static void test_arena__nomem(void **state)
{
    (void)state;
    void *pages[600];
    fault_arm(2); /* the second chunk */
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages, 600, 0), 511);
    assert_true(fault_disarm());
    assert_int_equal(mem_arena_used(&arena), 511);
    fault_arm_from(1);
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages + 511, 1, 0), LT_ENOSPC);
    assert_null(mem_alloc(&arena, 100));
    assert_null(mem_alloc(&arena, 10000));
    fault_disarm();
    mem_pages_free(&arena, pages, 511, 0);
    assert_int_equal(mem_arena_used(&arena), 0);
}

static uint64_t resident(void)
{
    unsigned long total = 0, here = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &total, &here), 2);
    (void)fclose(f);
    return here * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void test_arena__memory_goes_back_to_the_system(void **state)
{
    (void)state;
    enum { COUNT = 30000 };
    static void *pages[COUNT];
    memset(pages, 0, sizeof(pages));
    uint64_t before = resident();
    if (before == 0)
        skip();
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages, COUNT, 0), COUNT);
    for (unsigned i = 0; i < COUNT; i++)
        memset(pages[i], 1, MEM_PAGE);
    assert_true(resident() >= before + (uint64_t)COUNT * MEM_PAGE / 2);
    for (unsigned i = 0; i < COUNT; i++) /* in no order */
        mem_pages_free(&arena, &pages[i * 7 % COUNT], 1, 0);
    assert_true(arena.dirty_pages <= MEM_DIRTY_MIN);
    assert_true(facts().chunks <= 1);
}

/* ---- Objects -------------------------------------------------------------------------------- */

static void test_slab__agrees_with_a_model(void **state)
{
    (void)state;
    enum { SLOTS = 3000 };
    static struct {
        unsigned char *at;
        size_t size;
    } held[SLOTS];
    uint64_t seed = 11;
    memset(held, 0, sizeof(held));
    for (unsigned i = 0; i < 200000; i++) {
        unsigned k = (unsigned)random_below(&seed, SLOTS);
        if (held[k].at) {
            unsigned char mark = (unsigned char)(k * 31);
            assert_true(held[k].at[0] == mark && held[k].at[held[k].size - 1] == mark);
            mem_free(&arena, held[k].at, held[k].size);
            held[k].at = NULL;
        } else if (random_below(&seed, 3) < 2) {
            size_t size = 1 + random_below(&seed, random_below(&seed, 50) ? 2100 : MEM_ALLOC_MAX);
            unsigned char *p = mem_alloc(&arena, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(mem_alloc_size(size) >= size);
            memset(p, (int)(unsigned char)(k * 31), size);
            held[k].at = p;
            held[k].size = size;
        }
    }
    for (unsigned k = 0; k < SLOTS; k++)
        mem_free(&arena, held[k].at, held[k].size);
    assert_int_equal(mem_arena_used(&arena), 0);
    struct mem_slab_facts slabs;
    mem_slab_facts(&arena, &slabs);
    assert_int_equal(slabs.objects, 0);
    assert_int_equal(slabs.slack, 0);
}

static void test_slab__a_page_is_shared_to_its_end(void **state)
{
    (void)state;
    void *objects[128];
    for (unsigned i = 0; i < 128; i++)
        objects[i] = mem_alloc(&arena, 32);
    assert_int_equal(mem_arena_used(&arena), 1);
    void *one_more = mem_alloc(&arena, 17);
    assert_int_equal(mem_arena_used(&arena), 2);
    mem_free(&arena, one_more, 17);
    assert_int_equal(mem_arena_used(&arena), 1);
    for (unsigned i = 0; i < 128; i++)
        mem_free(&arena, objects[i], 32);
}

/* ---- The vector ----------------------------------------------------------------------------- */

/* Pages are only pointers to the vector. */
static void *fake_page(uint64_t index)
{
    return (void *)(uintptr_t)(index * 16 + 16);
}

static void put(struct mem_radix *radix, uint64_t index)
{
    assert_int_equal(mem_radix_put(radix, &arena, index, fake_page(index)), 0);
}

static void test_radix__agrees_with_a_model(void **state)
{
    (void)state;
    enum { PLACES = 4000 };
    static char present[PLACES];
    static const uint64_t strides[] = {1, 300, UINT64_C(1) << 30, UINT64_C(1) << 39};
    uint64_t seed = 5;
    for (unsigned s = 0; s < 4; s++) {
        struct mem_radix radix = {0};
        uint64_t count = 0, index;
        memset(present, 0, sizeof(present));
        for (unsigned i = 0; i < 40000; i++) {
            unsigned k = (unsigned)random_below(&seed, 1 + random_below(&seed, PLACES));
            index = k * strides[s];
            if (present[k]) {
                assert_ptr_equal(mem_radix_take(&radix, &arena, index), fake_page(index));
                count--;
            } else {
                put(&radix, index);
                count++;
            }
            present[k] = !present[k];
            assert_int_equal(radix.count, count);
            assert_ptr_equal(mem_radix_get(&radix, index), present[k] ? fake_page(index) : NULL);
        }
        index = 0;
        for (unsigned k = 0; k < PLACES; k++) {
            if (!present[k])
                continue;
            assert_ptr_equal(mem_radix_next(&radix, &index), fake_page(k * strides[s]));
            assert_int_equal(index++, k * strides[s]);
        }
        assert_null(mem_radix_next(&radix, &index));
        for (unsigned k = 0; k < PLACES; k++)
            (void)mem_radix_take(&radix, &arena, k * strides[s]);
        assert_int_equal(mem_arena_used(&arena), 0);
    }
}

static void test_radix__put_nomem(void **state)
{
    (void)state;
    static const uint64_t places[] = {0, 3, 9, 511, 512, 600000, UINT64_C(1) << 45, 7};
    struct mem_radix radix = {0};
    for (unsigned i = 0; i < 8; i++) {
        uint64_t used = mem_arena_used(&arena);
        int error = LT_ENOSPC;
        for (arena.limit = used; error; arena.limit++) {
            error = mem_radix_put(&radix, &arena, places[i], fake_page(places[i]));
            assert_true(!error || mem_arena_used(&arena) == used);
            assert_int_equal(radix.count, error ? i : i + 1);
        }
        arena.limit = UINT64_MAX;
    }
    for (unsigned i = 0; i < 8; i++)
        assert_ptr_equal(mem_radix_take(&radix, &arena, places[i]), fake_page(places[i]));
    assert_int_equal(mem_arena_used(&arena), 0);
}

static void test_radix__costs_little_for_little(void **state)
{
    (void)state;
    struct mem_radix radix = {0};
    put(&radix, 0);
    assert_int_equal(mem_arena_used(&arena), 0);
    put(&radix, 100000); /* a tree */
    assert_int_equal(mem_arena_used(&arena), 3);
    (void)mem_radix_take(&radix, &arena, 100000);
    assert_int_equal(mem_arena_used(&arena), 0);
    (void)mem_radix_take(&radix, &arena, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arena__pages_are_consecutive_aligned_and_nobody_elses),
        TEST(arena__agrees_with_a_model),
        TEST(arena__limit_is_never_exceeded),
        TEST(arena__nomem),
        TEST(arena__memory_goes_back_to_the_system),
        TEST(slab__agrees_with_a_model),
        TEST(slab__a_page_is_shared_to_its_end),
        TEST(radix__agrees_with_a_model),
        TEST(radix__put_nomem),
        TEST(radix__costs_little_for_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
