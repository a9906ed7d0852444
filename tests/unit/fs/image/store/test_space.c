// SPDX-License-Identifier: MIT
#include <device/memory.h>
#include <device/sim.h>
#include <fs/image/store/space.h>

#include <stdlib.h>

#include "../../../fault.h"
#include "../../../test.h"

#define BLOCK 4096u
#define GROUP 32256u /* blocks */
#define LOG_BLOCK 4u
#define LOG_BLOCKS 16u
#define VOLUME UINT64_C(0x1122334455667788)

/* ---- A volume without a store --------------------------------------------------------------- */

#define GROUPS_MAX 8u

static struct lt_device *dev;
static struct img_space *space;
static uint64_t generation;
static struct img_space_disk items[GROUPS_MAX];
static bool has_item[GROUPS_MAX];

static struct img_space_params params_of(uint64_t blocks)
{
    return (struct img_space_params){.dev = dev,
                                     .block_size = BLOCK,
                                     .volume = VOLUME,
                                     .blocks = blocks,
                                     .log_block = LOG_BLOCK,
                                     .log_blocks = LOG_BLOCKS};
}

static struct img_space *open_again(uint64_t blocks)
{
    struct img_space *again;
    struct img_space_params params = params_of(blocks);
    assert_int_equal(img_space_open(&params, &again), 0);
    for (uint64_t i = 0; i < GROUPS_MAX; i++) {
        if (has_item[i])
            assert_int_equal(img_space_load(again, i, &items[i]), 0);
    }
    return again;
}

static void open_volume(uint64_t blocks)
{
    assert_int_equal(lt_device_open_memory(blocks * BLOCK, &dev), 0);
    memset(has_item, 0, sizeof(has_item));
    generation = 1;
    space = open_again(blocks);
}

static void close_volume(void)
{
    img_space_close(space);
    lt_device_close(dev);
}

static void freeze(void)
{
    generation++;
    for (uint64_t i = 0; (i = img_space_dirty(space, i)) != UINT64_MAX; i++) {
        img_space_item(space, i, generation, &items[i]);
        has_item[i] = true;
    }
    assert_int_equal(img_space_freeze(space, generation), 0);
    assert_int_equal(img_space_dirty(space, 0), UINT64_MAX);
}

static void checkpoint(void)
{
    freeze();
    assert_int_equal(img_space_write(space), 0);
    img_space_thaw(space, true, true);
}

static struct img_space_counts counts(void)
{
    struct img_space_counts c;
    img_space_counts(space, &c);
    return c;
}

static uint64_t alloc(uint64_t goal, uint64_t min, uint64_t max, uint64_t *ret_count)
{
    uint64_t block = UINT64_MAX;
    assert_int_equal(img_space_alloc(space, goal, min, max, &block, ret_count), 0);
    return block;
}

static uint64_t alloc_used(uint64_t goal, uint64_t count)
{
    uint64_t n, block = alloc(goal, count, count, &n);
    img_space_use(space, block, n);
    return block;
}

/* ---- Where blocks are found ------------------------------------------------------------------ */

static void test_space__new_volume_has_all_but_the_layout(void **state)
{
    (void)state;
    open_volume(2 * GROUP + 100);
    assert_int_equal(counts().free, 2 * GROUP + 100 - 2 - LOG_BLOCKS - 3 * 2);
    static const uint64_t taken[] = {
        0, 1, 2, 3, LOG_BLOCK, LOG_BLOCK + LOG_BLOCKS - 1, GROUP + 2, GROUP + 3, 2 * GROUP + 2};
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        assert_int_equal(img_space_test(space, taken[i]), 1);
    static const uint64_t open[] = {LOG_BLOCK + LOG_BLOCKS, GROUP - 1, GROUP, GROUP + 1, GROUP + 4,
                                    2 * GROUP + 99};
    for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
        assert_int_equal(img_space_test(space, open[i]), 0);
    assert_int_equal(img_space_test(space, 2 * GROUP + 100), LT_EINVAL);
    close_volume();
}

static void test_space__the_goal_is_taken_if_free(void **state)
{
    uint64_t n;

    (void)state;
    open_volume(2 * GROUP);
    assert_int_equal(alloc(1000, 1, 50, &n), 1000);
    assert_int_equal(n, 50);
    assert_int_equal(alloc(1050, 1, 1, &n), 1050);
    /* Not free: the next behind it. */
    assert_int_equal(alloc(1000, 1, 1, &n), 1051);
    /* A short piece at the goal is not worth it, the long run behind is. */
    img_space_release(space, 1000, 4);
    assert_int_equal(alloc(1000, 1, 100, &n), 1052);
    assert_int_equal(n, 100);
    /* Unless it is all that is wanted. */
    assert_int_equal(alloc(1000, 4, 4, &n), 1000);
    close_volume();
}

static void test_space__runs_end_at_a_groups_bitmaps(void **state)
{
    uint64_t n;

    (void)state;
    open_volume(2 * GROUP);
    assert_int_equal(alloc(GROUP - 20, 1, 100, &n), GROUP - 20);
    assert_int_equal(n, 20);
    assert_int_equal(alloc(GROUP, 1, 100, &n), GROUP + 4);
    assert_int_equal(n, 100);
    assert_int_equal(alloc(GROUP, 2, 2, &n), GROUP);
    /* What lies behind each other is freed as one. */
    img_space_use(space, GROUP - 20, 22);
    assert_int_equal(img_space_free(space, GROUP - 20, 22), 0);
    assert_int_equal(counts().pinned, 22);
    close_volume();
}

static void test_space__searches_around_the_end(void **state)
{
    uint64_t n, first = LOG_BLOCK + LOG_BLOCKS;

    (void)state;
    open_volume(GROUP + 100);
    assert_int_equal(alloc(GROUP + 90, 1, 1, &n), GROUP + 90);
    assert_int_equal(alloc(GROUP + 90, 10, 10, &n), GROUP + 4);
    assert_int_equal(alloc(GROUP + 95, 80, 80, &n), first);
    assert_int_equal(alloc(UINT64_MAX, 1, 1, &n), first + 80);
    close_volume();
}

static void test_space__the_last_block_is_found_and_then_none(void **state)
{
    uint64_t n, block, total = 0;

    (void)state;
    open_volume(2 * GROUP + 10);
    uint64_t all = counts().free;
    while (img_space_alloc(space, total * 7 % (2 * GROUP), 1, 1000, &block, &n) == 0)
        total += n;
    assert_int_equal(total, all);
    assert_int_equal(counts().free, 0);
    assert_int_equal(counts().in_flight, all);
    assert_int_equal(img_space_alloc(space, 0, 1, 1, &block, &n), LT_ENOSPC);
    img_space_release(space, GROUP + 77, 1);
    assert_int_equal(img_space_alloc(space, 0, 2, 2, &block, &n), LT_ENOSPC);
    assert_int_equal(alloc(0, 1, 5, &n), GROUP + 77);
    assert_int_equal(n, 1);
    close_volume();
}

static void test_space__scattered_blocks_serve_no_long_run(void **state)
{
    uint64_t n, block;

    (void)state;
    open_volume(GROUP);
    block = alloc(100, 1000, 1000, &n);
    uint64_t rest = alloc(0, 1, GROUP, &n);
    while (rest != UINT64_MAX) {
        rest = UINT64_MAX;
        (void)img_space_alloc(space, 0, 1, GROUP, &rest, &n);
    }
    for (uint64_t i = 0; i < 1000; i += 2)
        img_space_release(space, block + i, 1);
    assert_int_equal(counts().free, 500);
    assert_int_equal(img_space_alloc(space, 0, 2, 2, &rest, &n), LT_ENOSPC);
    img_space_release(space, block + 501, 1);
    assert_int_equal(alloc(0, 2, 8, &n), block + 500);
    assert_int_equal(n, 3);
    close_volume();
}

/* ---- Promises -------------------------------------------------------------------------------- */

static void test_space__promises_count_and_pinned_blocks_are_worth_waiting(void **state)
{
    (void)state;
    open_volume(GROUP);
    uint64_t all = counts().free;
    img_space_set_reserve(space, 100);
    assert_int_equal(img_space_promise(space, all - 99), LT_ENOSPC);
    assert_int_equal(img_space_promise(space, all - 110), 0);
    assert_int_equal(img_space_promise(space, 11), LT_ENOSPC);
    uint64_t block = alloc_used(5000, 5);
    img_space_unpromise(space, 5);
    assert_int_equal(img_space_promise(space, 10), 0);
    assert_int_equal(img_space_promise(space, 1), LT_ENOSPC);
    assert_int_equal(img_space_free(space, block, 5), 0);
    assert_int_equal(img_space_promise(space, 5), LT_EAGAIN);
    assert_int_equal(img_space_promise(space, 6), LT_ENOSPC);
    checkpoint();
    assert_int_equal(img_space_promise(space, 5), 0);
    assert_int_equal(counts().promised, all - 100);
    close_volume();
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

static void test_space__freed_blocks_wait_for_the_checkpoint(void **state)
{
    (void)state;
    open_volume(GROUP);
    uint64_t block = alloc_used(5000, 10);
    checkpoint();
    assert_int_equal(img_space_free(space, block, 10), 0);
    assert_int_equal(img_space_test(space, block), 1);
    freeze();
    uint64_t second = alloc_used(6000, 3);
    assert_int_equal(img_space_free(space, second, 3), 0);
    assert_int_equal(img_space_test(space, block), 1);
    assert_int_equal(img_space_write(space), 0);
    img_space_thaw(space, true, false);
    assert_int_equal(img_space_test(space, block), 0);
    assert_int_equal(img_space_test(space, second), 1); /* freed behind the freeze */
    assert_int_equal(counts().pinned, 3);
    checkpoint();
    assert_int_equal(img_space_test(space, second), 0);
    close_volume();
}

static void test_space__blocks_in_flight_are_free_after_a_crash(void **state)
{
    uint64_t n;

    (void)state;
    open_volume(GROUP);
    uint64_t used = alloc_used(5000, 10), flight = alloc(7000, 10, 10, &n);
    checkpoint();
    struct img_space *again = open_again(GROUP);
    assert_int_equal(img_space_test(again, used), 1);
    assert_int_equal(img_space_test(again, flight), 0);
    img_space_close(again);
    close_volume();
}

static void test_space__aborted_checkpoint_leaves_all_as_it_was(void **state)
{
    struct img_space_disk before, after;

    (void)state;
    open_volume(GROUP);
    uint64_t a = alloc_used(5000, 10);
    checkpoint();
    before = items[0];
    assert_int_equal(img_space_free(space, a, 4), 0);
    freeze();
    assert_int_equal(img_space_free(space, a + 4, 2), 0);
    img_space_thaw(space, false, false);
    assert_int_equal(counts().pinned, 6);
    assert_int_equal(img_space_dirty(space, 0), 0);
    img_space_item(space, 0, 99, &after);
    assert_int_not_equal(after.place, before.place);
    /* The bitmap that counts is still the old one. */
    items[0] = before;
    struct img_space *again = open_again(GROUP);
    assert_int_equal(img_space_test(again, a), 1);
    img_space_close(again);
    checkpoint();
    assert_int_equal(counts().pinned, 0);
    again = open_again(GROUP);
    assert_int_equal(img_space_test(again, a + 5), 0);
    assert_int_equal(img_space_test(again, a + 6), 1);
    img_space_close(again);
    close_volume();
}

static void test_space__freeing_what_is_not_used_changes_nothing(void **state)
{
    uint64_t n;

    (void)state;
    open_volume(2 * GROUP);
    uint64_t a = alloc_used(5000, 10);
    struct img_space_counts before = counts();
    assert_int_equal(img_space_free(space, a + 5, 6), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, 0, 1), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, 2, 1), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, LOG_BLOCK + 3, 1), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, GROUP + 2, 2), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, 2 * GROUP, 1), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, a, UINT64_MAX), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, a, 0), LT_EUCLEAN);
    uint64_t flight = alloc(9000, 1, 1, &n);
    assert_int_equal(img_space_free(space, flight, 1), LT_EUCLEAN);
    img_space_release(space, flight, 1);
    struct img_space_counts after = counts();
    assert_memory_equal(&before, &after, sizeof(after));
    assert_int_equal(img_space_free(space, a, 10), 0);
    assert_int_equal(img_space_free(space, a, 1), LT_EUCLEAN);
    img_space_unfree(space, a, 10);
    after = counts();
    assert_memory_equal(&before, &after, sizeof(after));
    close_volume();
}

static void test_space__replay_claims_what_is_free(void **state)
{
    (void)state;
    open_volume(2 * GROUP);
    assert_int_equal(img_space_claim(space, GROUP - 5, 7), 0);
    assert_int_equal(img_space_claim(space, GROUP, 1), LT_EUCLEAN);
    assert_int_equal(img_space_claim(space, GROUP + 2, 1), LT_EUCLEAN);
    assert_int_equal(img_space_claim(space, 1, 1), LT_EUCLEAN);
    assert_int_equal(img_space_claim(space, 2 * GROUP - 1, 2), LT_EUCLEAN);
    assert_int_equal(img_space_free(space, GROUP - 5, 7), 0);
    assert_int_equal(img_space_claim(space, GROUP - 5, 1), LT_EUCLEAN); /* pinned */
    close_volume();
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void test_space__damaged_bitmaps_are_refused(void **state)
{
    (void)state;
    open_volume(GROUP);
    alloc_used(5000, 10);
    checkpoint();
    uint64_t offset = (2 + (uint64_t)items[0].place) * BLOCK;
    for (uint64_t at = 0; at < BLOCK; at += 37) {
        uint8_t byte, flipped;
        uint64_t block = 0, n = 0;
        assert_int_equal(lt_device_read(dev, offset + at, &byte, 1), 0);
        flipped = (uint8_t)(byte ^ 1u << at % 8);
        assert_int_equal(lt_device_put(dev, offset + at, &flipped, 1), 0);
        struct img_space *again = open_again(GROUP);
        assert_int_equal(img_space_test(again, 5000), LT_EUCLEAN);
        assert_int_equal(img_space_alloc(again, 0, 1, 1, &block, &n), LT_EUCLEAN);
        assert_int_equal(img_space_free(again, 5000, 1), LT_EUCLEAN);
        img_space_close(again);
        assert_int_equal(lt_device_put(dev, offset + at, &byte, 1), 0);
    }
    close_volume();
}

static void test_space__items_that_do_not_fit_are_refused(void **state)
{
    struct img_space_disk item;

    (void)state;
    open_volume(GROUP);
    alloc_used(5000, 10);
    checkpoint();
    item = items[0];
    has_item[0] = false;
    struct img_space *again = open_again(GROUP);
    assert_int_equal(img_space_load(again, 1, &item), LT_EUCLEAN);
    item.place = 2;
    assert_int_equal(img_space_load(again, 0, &item), LT_EUCLEAN);
    item.place = items[0].place;
    item.free = lt_put_le32(GROUP);
    assert_int_equal(img_space_load(again, 0, &item), LT_EUCLEAN);
    /* One that only lies about the count is found out when the bits are read. */
    item.free = lt_put_le32(lt_get_le32(items[0].free) - 1);
    assert_int_equal(img_space_load(again, 0, &item), 0);
    assert_int_equal(img_space_load(again, 0, &item), LT_EUCLEAN); /* twice */
    assert_int_equal(img_space_test(again, 5000), LT_EUCLEAN);
    img_space_close(again);
    /* As is one that leads to the other place. */
    again = open_again(GROUP);
    item = items[0];
    item.place ^= 1;
    assert_int_equal(img_space_load(again, 0, &item), 0);
    assert_int_equal(img_space_test(again, 5000), LT_EUCLEAN);
    img_space_close(again);
    close_volume();
}

static void test_space__impossible_volumes_are_refused(void **state)
{
    struct img_space *none;
    struct img_space_params good, bad;

    (void)state;
    dev = NULL;
    good = params_of(GROUP);
    bad = good;
    bad.blocks = GROUP + 7;
    assert_int_equal(img_space_open(&bad, &none), LT_EUCLEAN);
    bad = good;
    bad.log_block = 3;
    assert_int_equal(img_space_open(&bad, &none), LT_EUCLEAN);
    bad = good;
    bad.log_block = GROUP - 10;
    assert_int_equal(img_space_open(&bad, &none), LT_EUCLEAN);
    bad = good;
    bad.log_blocks = UINT64_MAX;
    assert_int_equal(img_space_open(&bad, &none), LT_EUCLEAN);
    bad = good;
    bad.log_block = 2 * GROUP + 4;
    assert_int_equal(img_space_open(&bad, &none), LT_EUCLEAN);
    bad = good;
    bad.blocks = 0;
    assert_int_equal(img_space_open(&bad, &none), LT_EUCLEAN);
}

static void test_space__nomem(void **state)
{
    (void)state;
    assert_int_equal(lt_device_open_memory((uint64_t)2 * GROUP * BLOCK, &dev), 0);
    FAULT_EACH(n)
    {
        struct img_space *s = NULL;
        uint64_t block = 0, count = 0;
        struct img_space_params params = params_of(2 * GROUP);
        int r = img_space_open(&params, &s);
        if (r == 0)
            r = img_space_alloc(s, GROUP - 5, 5, 5, &block, &count);
        if (r == 0)
            img_space_use(s, block, count);
        if (r == 0)
            r = img_space_free(s, block, 2);
        if (r == 0)
            r = img_space_freeze(s, 2);
        if (r == 0) {
            r = img_space_write(s);
            img_space_thaw(s, r == 0, true);
        }
        if (fault_disarm())
            assert_true(r == LT_ENOMEM || r == LT_ENOSPC); /* the latter: of the device */
        else
            assert_int_equal(r, 0);
        img_space_close(s);
    }
    lt_device_close(dev);
}

static void test_space__ioerr_of_a_checkpoint_is_told(void **state)
{
    (void)state;
    assert_int_equal(lt_device_open_sim((uint64_t)GROUP * BLOCK, &dev), 0);
    memset(has_item, 0, sizeof(has_item));
    space = open_again(GROUP);
    alloc_used(5000, 1);
    freeze();
    lt_sim_fail(dev, 1, LT_EIO, false);
    assert_int_equal(img_space_write(space), LT_EIO);
    img_space_thaw(space, false, true);
    checkpoint();
    struct img_space *again = open_again(GROUP);
    lt_sim_fail(dev, 1, LT_EIO, false);
    assert_int_equal(img_space_test(again, 5000), LT_EIO);
    assert_int_equal(img_space_test(again, 5000), 1);
    img_space_close(again);
    close_volume();
}

/* ---- Size ------------------------------------------------------------------------------------ */

static void test_space__grows_and_shrinks(void **state)
{
    uint64_t last;

    (void)state;
    open_volume(GROUP + 100);
    uint64_t block = alloc_used(GROUP + 50, 10);
    assert_int_equal(img_space_last(space, &last), 0);
    assert_int_equal(last, block + 9);
    assert_int_equal(lt_device_resize(dev, (uint64_t)4 * GROUP * BLOCK), 0);
    uint64_t free_before = counts().free;
    assert_int_equal(img_space_resize(space, 3 * GROUP + 50), 0);
    assert_int_equal(counts().free, free_before + 2 * GROUP - 50 - 4);
    assert_int_equal(img_space_test(space, GROUP + 100), 0);
    assert_int_equal(img_space_test(space, 3 * GROUP + 49), 0);
    uint64_t far = alloc_used(3 * GROUP + 40, 5);
    assert_int_equal(far, 3 * GROUP + 40);
    checkpoint();
    struct img_space *again = open_again(3 * GROUP + 50);
    assert_int_equal(img_space_test(again, far), 1);
    assert_int_equal(img_space_test(again, far + 5), 0);
    assert_int_equal(img_space_test(again, block), 1);
    img_space_close(again);

    assert_int_equal(img_space_resize(space, 2 * GROUP), LT_EBUSY);
    assert_int_equal(img_space_free(space, far, 5), 0);
    assert_int_equal(img_space_resize(space, 2 * GROUP), LT_EBUSY); /* pinned */
    checkpoint();
    assert_int_equal(img_space_last(space, &last), 0);
    assert_int_equal(last, block + 9);
    assert_int_equal(img_space_resize(space, block + 10 + 7), 0);
    assert_int_equal(img_space_resize(space, block + 9), LT_EBUSY);
    assert_int_equal(img_space_resize(space, GROUP + 7), LT_EINVAL);
    assert_int_equal(img_space_resize(space, LOG_BLOCK + LOG_BLOCKS + 2), LT_EBUSY);
    has_item[2] = has_item[3] = false;
    checkpoint();
    again = open_again(block + 10 + 7);
    assert_int_equal(img_space_test(again, block + 9), 1);
    assert_int_equal(img_space_test(again, block + 10), 0);
    img_space_close(again);
    close_volume();
}

static void test_space__last_block_of_an_empty_volume_is_the_logs(void **state)
{
    uint64_t last;

    (void)state;
    open_volume(3 * GROUP);
    assert_int_equal(img_space_last(space, &last), 0);
    assert_int_equal(last, LOG_BLOCK + LOG_BLOCKS - 1);
    close_volume();
}

/* ---- Giving back ----------------------------------------------------------------------------- */

static bool is_discarded(uint64_t block)
{
    uint8_t bytes[BLOCK];
    assert_int_equal(lt_device_read(dev, block * BLOCK, bytes, BLOCK), 0);
    for (size_t i = 0; i < BLOCK; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void fill(uint64_t block, uint64_t count)
{
    uint8_t bytes[BLOCK];
    memset(bytes, 0xa5, sizeof(bytes));
    for (; count; count--)
        assert_int_equal(lt_device_put(dev, block++ * BLOCK, bytes, BLOCK), 0);
}

static void test_space__units_go_back_to_the_host_when_all_of_them_is_free(void **state)
{
    (void)state;
    open_volume(GROUP);
    assert_int_equal(alloc_used(1024, 64), 1024);
    fill(1024, 64);
    checkpoint();
    /* Every block but one in sixteen, in several goes. */
    for (uint64_t i = 1024; i < 1056; i++) {
        if (i % 16)
            assert_int_equal(img_space_free(space, i, 1), 0);
        if (i % 5 == 0)
            checkpoint();
    }
    checkpoint();
    for (uint64_t i = 1024; i < 1088; i++)
        assert_false(is_discarded(i));
    assert_int_equal(img_space_free(space, 1024, 1), 0);
    checkpoint();
    for (uint64_t i = 1024; i < 1088; i++)
        assert_int_equal(is_discarded(i), i < 1040);
    close_volume();
}

static void test_space__trim_gives_back_every_free_block(void **state)
{
    uint64_t trimmed;

    (void)state;
    open_volume(2 * GROUP);
    uint64_t kept = alloc_used(GROUP + 100, 3);
    fill(GROUP + 90, 30);
    assert_int_equal(img_space_trim(space, &trimmed), 0);
    assert_int_equal(trimmed, counts().free);
    for (uint64_t i = GROUP + 90; i < GROUP + 120; i++)
        assert_int_equal(is_discarded(i), i < kept || i >= kept + 3);
    close_volume();
}

/* ---- Against a model --------------------------------------------------------------------------
 */

enum { MODEL_BLOCKS = 2 * GROUP + 500 };
enum status { FREE, FLIGHT, USED, PINNED, FROZEN, FIXED };
static uint8_t model[MODEL_BLOCKS];

static void compare(struct img_space *with, bool after_crash)
{
    uint64_t free = 0;
    for (uint64_t i = 0; i < MODEL_BLOCKS; i++) {
        bool busy = after_crash ? model[i] == USED || model[i] == FIXED : model[i] != FREE;
        if (img_space_test(with, i) != busy)
            fail_msg("block %u: model says %u", (unsigned)i, model[i]);
        free += !busy;
    }
    struct img_space_counts c;
    img_space_counts(with, &c);
    assert_int_equal(c.free, free);
}

/* A run of blocks in one state, or 0. */
static uint64_t pick(enum status status, uint64_t *ret_block)
{
    uint64_t at = (uint64_t)rand() % MODEL_BLOCKS, n = 0, most = 1 + (uint64_t)rand() % 300;
    for (unsigned steps = 0; steps < 3000 && model[at] != status; steps++)
        at = (at + 1) % MODEL_BLOCKS;
    while (n < most && at + n < MODEL_BLOCKS && model[at + n] == status)
        n++;
    *ret_block = at;
    return n;
}

static void turn(enum status from, enum status to)
{
    for (uint64_t i = 0; i < MODEL_BLOCKS; i++) {
        if (model[i] == from)
            model[i] = (uint8_t)to;
    }
}

static void random_alloc(void)
{
    uint64_t max = rand() % 3 ? 1 + (uint64_t)rand() % 4 : 1 + (uint64_t)rand() % 2000;
    uint64_t min = rand() % 2 ? 1 : 1 + (uint64_t)rand() % max, block = 0, n = 0;
    uint64_t goal = (uint64_t)rand() % (MODEL_BLOCKS + 100);
    int r = img_space_alloc(space, goal, min, max, &block, &n);
    if (r < 0) {
        assert_int_equal(r, LT_ENOSPC);
        uint64_t run = 0;
        for (uint64_t i = 0; i < MODEL_BLOCKS; i++) {
            run = model[i] == FREE && i % GROUP ? run + 1 : model[i] == FREE;
            assert_true(run < min);
        }
        return;
    }
    assert_in_range(n, min, max);
    if (goal < MODEL_BLOCKS && model[goal] == FREE && max == 1)
        assert_int_equal(block, goal);
    for (uint64_t i = block; i < block + n; i++) {
        assert_int_equal(model[i], FREE);
        model[i] = FLIGHT;
    }
}

static void random_step(void)
{
    uint64_t block, n;
    switch (rand() % 8) {
    case 0:
    case 1:
    case 2:
        random_alloc();
        return;
    case 3:
    case 4:
        n = pick(FLIGHT, &block);
        if (n)
            img_space_use(space, block, n);
        memset(model + block, USED, n);
        return;
    case 5:
        n = pick(FLIGHT, &block);
        if (n)
            img_space_release(space, block, n);
        memset(model + block, FREE, n);
        return;
    default:
        n = pick(USED, &block);
        if (n)
            assert_int_equal(img_space_free(space, block, n), 0);
        memset(model + block, PINNED, n);
    }
}

static void random_checkpoint(void)
{
    freeze();
    uint8_t *frozen = malloc(MODEL_BLOCKS);
    memcpy(frozen, model, MODEL_BLOCKS);
    turn(PINNED, FROZEN);
    for (int i = 0; i < 20; i++)
        random_step();
    assert_int_equal(img_space_write(space), 0);
    if (rand() % 4 == 0) {
        img_space_thaw(space, false, true);
        turn(FROZEN, PINNED);
    } else {
        /* What a crash would find is the state of the freeze. */
        uint8_t *now = malloc(MODEL_BLOCKS);
        memcpy(now, model, MODEL_BLOCKS);
        memcpy(model, frozen, MODEL_BLOCKS);
        struct img_space *again = open_again(MODEL_BLOCKS);
        compare(again, true);
        img_space_close(again);
        memcpy(model, now, MODEL_BLOCKS);
        free(now);
        img_space_thaw(space, true, true);
        turn(FROZEN, FREE);
    }
    free(frozen);
}

static void test_space__behaves_as_a_model(void **state)
{
    (void)state;
    srand(3);
    memset(model, FREE, sizeof(model));
    memset(model, FIXED, LOG_BLOCK + LOG_BLOCKS);
    memset(model + GROUP + 2, FIXED, 2);
    memset(model + 2 * GROUP + 2, FIXED, 2);
    open_volume(MODEL_BLOCKS);
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < 200; i++)
            random_step();
        if (rand() % 2)
            random_checkpoint();
        compare(space, false);
    }
    close_volume();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_space__new_volume_has_all_but_the_layout),
        cmocka_unit_test(test_space__the_goal_is_taken_if_free),
        cmocka_unit_test(test_space__runs_end_at_a_groups_bitmaps),
        cmocka_unit_test(test_space__searches_around_the_end),
        cmocka_unit_test(test_space__the_last_block_is_found_and_then_none),
        cmocka_unit_test(test_space__scattered_blocks_serve_no_long_run),
        cmocka_unit_test(test_space__promises_count_and_pinned_blocks_are_worth_waiting),
        cmocka_unit_test(test_space__freed_blocks_wait_for_the_checkpoint),
        cmocka_unit_test(test_space__blocks_in_flight_are_free_after_a_crash),
        cmocka_unit_test(test_space__aborted_checkpoint_leaves_all_as_it_was),
        cmocka_unit_test(test_space__freeing_what_is_not_used_changes_nothing),
        cmocka_unit_test(test_space__replay_claims_what_is_free),
        cmocka_unit_test(test_space__damaged_bitmaps_are_refused),
        cmocka_unit_test(test_space__items_that_do_not_fit_are_refused),
        cmocka_unit_test(test_space__impossible_volumes_are_refused),
        cmocka_unit_test(test_space__nomem),
        cmocka_unit_test(test_space__ioerr_of_a_checkpoint_is_told),
        cmocka_unit_test(test_space__grows_and_shrinks),
        cmocka_unit_test(test_space__last_block_of_an_empty_volume_is_the_logs),
        cmocka_unit_test(test_space__units_go_back_to_the_host_when_all_of_them_is_free),
        cmocka_unit_test(test_space__trim_gives_back_every_free_block),
        cmocka_unit_test(test_space__behaves_as_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
