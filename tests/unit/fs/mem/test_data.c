// SPDX-License-Identifier: MIT
/* Random sequences on the data of one file against plain buffers, at several places in it. */
#include "random.h"

#include <fs/mem/data.h>
#include <stdlib.h>
#include <test.h>

static struct mem_arena arena;
static struct mem_data data;

static int setup(void **state)
{
    (void)state;
    mem_arena_init(&arena, UINT64_MAX);
    mem_slab_init(&arena);
    data = (struct mem_data){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mem_data_fini(&data, &arena);
    assert_int_equal(mem_arena_used(&arena), 0);
    mem_arena_fini(&arena);
    return 0;
}

/* ---- The model: a window of the file that starts at `base`; all else is a hole -------------- */

#define ROOM (64u * MEM_PAGE)

struct model {
    uint64_t base;
    uint64_t size; /* of the whole file */
    unsigned char bytes[ROOM];
};

static struct model model;

static size_t read_back(uint64_t offset, size_t len, unsigned char *to)
{
    struct lt_seg segs[MEM_WINDOW + 2];
    size_t count = mem_data_map(&data, offset, len, segs), done = 0;
    assert_true(count <= MEM_WINDOW + 2);
    for (size_t i = 0; i < count; i++) {
        memcpy(to + done, segs[i].base, segs[i].len);
        done += segs[i].len;
    }
    assert_int_equal(done, len);
    return done;
}

static void check(void)
{
    static unsigned char got[ROOM];
    assert_int_equal(data.size, model.size);
    if (model.size <= model.base)
        return;
    uint64_t len = model.size - model.base;
    len = len < ROOM ? len : ROOM;
    read_back(model.base, (size_t)len, got);
    assert_memory_equal(got, model.bytes, len);
}

static void do_write(uint64_t *seed, size_t at, size_t len)
{
    static unsigned char bytes[ROOM];
    struct lt_seg segs[4];
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(random_next(seed) | 1);
    for (size_t done = 0; done < len;) {
        size_t part = count == 3 ? len - done : 1 + random_below(seed, len - done);
        segs[count++] = (struct lt_seg){bytes + done, part};
        done += part;
    }
    assert_int_equal(mem_data_write(&data, &arena, model.base + at, segs, count, len, false), len);
    memcpy(model.bytes + at, bytes, len);
    if (model.base + at + len > model.size)
        model.size = model.base + at + len;
}

static void do_truncate(size_t at)
{
    mem_data_truncate(&data, &arena, model.base + at);
    if (model.base + at < model.size)
        memset(model.bytes + at, 0, ROOM - at);
    model.size = model.base + at;
}

static void do_collapse(size_t sector, size_t count)
{
    size_t at = sector * MEM_PAGE, len = count * MEM_PAGE;
    if (count == 0 || model.base + at + len >= model.size)
        return;
    assert_int_equal(mem_data_collapse(&data, &arena, model.base + at, len), 0);
    memmove(model.bytes + at, model.bytes + at + len, ROOM - at - len);
    memset(model.bytes + ROOM - len, 0, len);
    model.size -= len;
}

static void do_insert(size_t sector, size_t count)
{
    size_t at = sector * MEM_PAGE, len = count * MEM_PAGE;
    if (count == 0 || model.base + at >= model.size || model.size + len > model.base + ROOM)
        return;
    assert_int_equal(mem_data_insert(&data, &arena, model.base + at, len), 0);
    memmove(model.bytes + at + len, model.bytes + at, ROOM - at - len);
    memset(model.bytes + at, 0, len);
    model.size += len;
}

static void step(uint64_t *seed, size_t reach)
{
    size_t at = random_below(seed, reach), len = 1 + random_below(seed, reach - at);
    switch (random_below(seed, 12)) {
    case 0:
        do_truncate(at);
        break;
    case 1:
        mem_data_punch(&data, &arena, model.base + at, len);
        memset(model.bytes + at, 0, len);
        break;
    case 2:
        mem_data_zero(&data, model.base + at, len);
        memset(model.bytes + at, 0, len);
        break;
    case 3:
        assert_int_equal(mem_data_reserve(&data, &arena, model.base + at, len, NULL), 0);
        break;
    case 4:
        do_collapse(at / MEM_PAGE, len / MEM_PAGE);
        break;
    case 5:
        do_insert(at / MEM_PAGE, len / MEM_PAGE / 4);
        break;
    default:
        do_write(seed, at, random_below(seed, 2) ? len : 1 + len / 16);
        break;
    }
}

static void run(uint64_t base, size_t reach, unsigned steps)
{
    uint64_t seed = base ^ reach;
    model = (struct model){.base = base};
    for (unsigned i = 0; i < steps; i++) {
        step(&seed, reach);
        if (reach <= MEM_PAGE || i % 16 == 0)
            check();
    }
    check();
}

static void test_data__tiny_files_agree_with_a_model(void **state)
{
    (void)state;
    run(0, 100, 40000);
    mem_data_fini(&data, &arena);
    run(0, 3000, 20000);
}

static void test_data__small_files_agree_with_a_model(void **state)
{
    (void)state;
    run(0, 20000, 20000);
    mem_data_fini(&data, &arena);
    run(0, ROOM, 10000);
}

static void test_data__agrees_with_a_model_around_a_table_and_a_tree(void **state)
{
    (void)state;
    run(UINT64_C(500) * MEM_PAGE, ROOM, 10000); /* the 512 slots of a table end in it */
    mem_data_fini(&data, &arena);
    run(UINT64_C(512 * 512 - 20) * MEM_PAGE, ROOM, 10000); /* another level begins in it */
}

static void test_data__agrees_with_a_model_beyond_4_gib(void **state)
{
    (void)state;
    run((UINT64_C(1) << 32) - 5 * MEM_PAGE, ROOM, 10000);
    mem_data_fini(&data, &arena);
    run((UINT64_C(1) << 62), ROOM, 10000);
}

/* ---- Single facts --------------------------------------------------------------------------- */

static void put_byte(uint64_t offset)
{
    struct lt_seg seg = {(char[]){'x'}, 1};
    assert_int_equal(mem_data_write(&data, &arena, offset, &seg, 1, 1, false), 1);
}

static unsigned char byte_at(uint64_t offset)
{
    unsigned char c;
    read_back(offset, 1, &c);
    return c;
}

/* What one file held before must not show in another, nor in itself after it shrank. */
static void test_data__growing_shows_nothing_old(void **state)
{
    (void)state;
    static unsigned char dirt[ROOM], got[ROOM];
    memset(dirt, 0x5a, sizeof(dirt));
    struct lt_seg seg = {dirt, sizeof(dirt)};
    assert_int_equal(mem_data_write(&data, &arena, 0, &seg, 1, ROOM, false), ROOM);
    mem_data_truncate(&data, &arena, 10);
    mem_data_truncate(&data, &arena, ROOM);
    read_back(0, ROOM, got);
    for (size_t i = 10; i < ROOM; i++)
        assert_int_equal(got[i], 0);
    mem_data_truncate(&data, &arena, 0);
    put_byte(100); /* into recycled memory */
    put_byte(3 * MEM_PAGE + 5);
    read_back(0, 3 * MEM_PAGE + 6, got);
    for (size_t i = 0; i < 3 * MEM_PAGE + 6; i++)
        assert_int_equal(got[i], i == 100 || i == 3 * MEM_PAGE + 5 ? 'x' : 0);
}

static void test_data__one_byte_costs_no_page_of_its_own(void **state)
{
    (void)state;
    struct mem_data files[100] = {0};
    for (unsigned i = 0; i < 100; i++) {
        struct lt_seg seg = {(char[]){'x'}, 1};
        assert_int_equal(mem_data_write(&files[i], &arena, 0, &seg, 1, 1, false), 1);
    }
    assert_int_equal(mem_arena_used(&arena), 1);
    for (unsigned i = 0; i < 100; i++)
        mem_data_fini(&files[i], &arena);
}

static void test_data__finds_data_and_holes(void **state)
{
    (void)state;
    mem_data_truncate(&data, &arena, 100 * MEM_PAGE);
    assert_int_equal(mem_data_next_data(&data, 0), 100 * MEM_PAGE);
    assert_int_equal(mem_data_next_hole(&data, 7), 7);
    put_byte(20 * MEM_PAGE + 3);
    put_byte(21 * MEM_PAGE + 3);
    assert_int_equal(mem_data_next_data(&data, 5), 20 * MEM_PAGE);
    assert_int_equal(mem_data_next_data(&data, 20 * MEM_PAGE + 9), 20 * MEM_PAGE + 9);
    assert_int_equal(mem_data_next_hole(&data, 20 * MEM_PAGE + 9), 22 * MEM_PAGE);
    assert_int_equal(mem_data_next_data(&data, 22 * MEM_PAGE), 100 * MEM_PAGE);
    put_byte(100 * MEM_PAGE - 1);
    assert_int_equal(mem_data_next_hole(&data, 99 * MEM_PAGE), 100 * MEM_PAGE);
}

static void test_data__neighbouring_sectors_are_one_segment(void **state)
{
    (void)state;
    static unsigned char bytes[256 * MEM_PAGE];
    struct lt_seg seg = {bytes, sizeof(bytes)}, segs[MEM_WINDOW + 2];
    assert_int_equal(mem_data_write(&data, &arena, 0, &seg, 1, sizeof(bytes), false),
                     sizeof(bytes));
    assert_int_equal(mem_data_map(&data, 0, sizeof(bytes), segs), 1);
}

static void test_data__adopts_whole_pages(void **state)
{
    (void)state;
    void *pages[4];
    struct lt_seg segs[4];
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages, 4, MEM_LOAN), 4);
        for (unsigned i = 0; i < 4; i++) {
            memset(pages[i], 'a' + (int)(i + round), MEM_PAGE);
            segs[i] = (struct lt_seg){pages[i], MEM_PAGE};
        }
        assert_int_equal(mem_data_write(&data, &arena, 5 * MEM_PAGE, segs, 4, 4 * MEM_PAGE, true),
                         4 * MEM_PAGE);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(byte_at((5 + i) * MEM_PAGE + 77), 'a' + i + round);
            if (round == 0)
                assert_null(segs[i].base);
            else /* the page that was there, on loan */
                mem_pages_free(&arena, &segs[i].base, 1, MEM_LOAN);
        }
        assert_int_equal(arena.used[MEM_DATA], 4);
        assert_int_equal(arena.loaned, 0);
    }
}

static void test_data__adopting_stops_at_the_limit(void **state)
{
    (void)state;
    void *pages[4];
    struct lt_seg segs[4];
    assert_int_equal(mem_pages_alloc(&arena, MEM_DATA, pages, 4, MEM_LOAN), 4);
    for (unsigned i = 0; i < 4; i++)
        segs[i] = (struct lt_seg){pages[i], MEM_PAGE};
    arena.limit = 3; /* two sectors and a table */
    assert_int_equal(mem_data_write(&data, &arena, 0, segs, 4, 4 * MEM_PAGE, true), 2 * MEM_PAGE);
    assert_true(!segs[0].base && !segs[1].base && segs[2].base && segs[3].base);
    assert_int_equal(arena.loaned, 2);
    assert_int_equal(data.size, 2 * MEM_PAGE);
    mem_pages_free(&arena, pages + 2, 2, MEM_LOAN);
}

/* ---- Lack of memory ------------------------------------------------------------------------- */

static void test_data__write_is_cut_short_at_the_limit(void **state)
{
    (void)state;
    static unsigned char bytes[ROOM], got[ROOM];
    memset(bytes, 'w', sizeof(bytes));
    for (uint64_t limit = 0; limit < 70; limit++) {
        struct lt_seg seg = {bytes, sizeof(bytes)};
        arena.limit = limit;
        int64_t done = mem_data_write(&data, &arena, 1000, &seg, 1, ROOM, false);
        assert_true(mem_arena_used(&arena) <= limit);
        if (done < 0) {
            assert_int_equal(done, LT_ENOSPC);
            assert_int_equal(data.size, 0);
            assert_int_equal(mem_arena_used(&arena), 0);
            continue;
        }
        assert_int_equal(data.size, 1000 + done);
        read_back(1000, (size_t)done, got);
        assert_memory_equal(got, bytes, (size_t)done);
        mem_data_truncate(&data, &arena, 0); /* works on a full volume */
        assert_int_equal(mem_arena_used(&arena), 0);
    }
}

static void test_data__reserve_nomem(void **state)
{
    (void)state;
    const uint64_t far = UINT64_C(1) << 40;
    put_byte(MEM_PAGE);
    put_byte(far + 2 * MEM_PAGE);
    uint64_t used = mem_arena_used(&arena), limit;
    for (limit = used;; limit++) {
        arena.limit = limit;
        int error = mem_data_reserve(&data, &arena, far - 600 * MEM_PAGE, 700 * MEM_PAGE, NULL);
        if (!error)
            break;
        assert_int_equal(error, LT_ENOSPC);
        assert_int_equal(mem_arena_used(&arena), used);
        assert_int_equal(data.sectors.count, 2);
    }
    assert_true(limit > used + 690);
    assert_int_equal(data.sectors.count, 701);
    arena.limit = UINT64_MAX;
}

static void test_data__collapse_and_insert_nomem(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 700; i += 3)
        put_byte(i * MEM_PAGE + i % 7);
    uint64_t used = mem_arena_used(&arena), size = data.size;
    for (unsigned n = 0; n < 2; n++) {
        int error = LT_ENOSPC;
        for (arena.limit = used; error; arena.limit++) {
            error = n ? mem_data_collapse(&data, &arena, 3 * MEM_PAGE, 900 * MEM_PAGE)
                      : mem_data_insert(&data, &arena, 3 * MEM_PAGE, 900 * MEM_PAGE);
            assert_int_equal(data.size, error ? size
                                        : n   ? size - 900 * MEM_PAGE
                                              : size + 900 * MEM_PAGE);
            assert_true(!error || mem_arena_used(&arena) == used);
        }
        arena.limit = UINT64_MAX;
        size = data.size;
        used = mem_arena_used(&arena);
    }
    for (unsigned i = 0; i < 700; i += 3)
        assert_int_equal(byte_at(i * MEM_PAGE + i % 7), 'x');
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_data__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tiny_files_agree_with_a_model),
        TEST(small_files_agree_with_a_model),
        TEST(agrees_with_a_model_around_a_table_and_a_tree),
        TEST(agrees_with_a_model_beyond_4_gib),
        TEST(growing_shows_nothing_old),
        TEST(one_byte_costs_no_page_of_its_own),
        TEST(finds_data_and_holes),
        TEST(neighbouring_sectors_are_one_segment),
        TEST(adopts_whole_pages),
        TEST(adopting_stops_at_the_limit),
        TEST(write_is_cut_short_at_the_limit),
        TEST(reserve_nomem),
        TEST(collapse_and_insert_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
