// SPDX-License-Identifier: MIT
/* The map of a file's blocks, against an array of what lies where. */
#include <device/memory.h>
#include <fs/image/map.h>
#include <fs/image/table.h>
#include <stdlib.h>
#include <test.h>

#define BLOCKS 400u /* logical blocks of the model */

static struct img_fs fs;
static struct img_node node;
static uint64_t model[BLOCKS]; /* block of the image, 0: a hole */
static bool unwritten[BLOCKS];
static uint64_t seed;
static uint32_t check_size;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void set_up(uint32_t checks)
{
    const struct img_store_format format = {
        .size = 64u << 20, .block_size = 4096, .data_check_size = (uint8_t)checks};
    const struct img_store_options options = {.sync = IMG_SYNC_NONE, .cache = 16u << 20};
    struct lt_diag diag = {""};
    struct lt_device *dev;
    check_size = checks;
    fs = (struct img_fs){.dirty = NULL};
    node = (struct img_node){.base = {.fs = &fs.base, .id = 20, .type = LT_S_IFREG}};
    node.stable_size = 1;
    memset(model, 0, sizeof(model));
    memset(unwritten, 0, sizeof(unwritten));
    assert_int_equal(lt_device_open_memory(format.size, &dev), 0);
    assert_int_equal(img_store_format(dev, &format, &diag), 0);
    assert_int_equal(img_store_open(dev, &options, &fs.store, &diag), 0);
}

static void tear_down(void)
{
    assert_int_equal(img_store_close(fs.store), 0);
}

/* The check that a block has in this test. */
static struct lt_le32 check_of(uint64_t block)
{
    return lt_put_le32((uint32_t)(block * 2654435761u));
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static void compare_run(const struct img_run *run)
{
    for (uint64_t i = 0; i < run->count && run->logical + i < BLOCKS; i++) {
        uint64_t at = run->logical + i;
        assert_int_equal(run->block ? run->block + i : 0, model[at]);
        if (run->block != 0)
            assert_int_equal(run->unwritten, unwritten[at]);
        if (run->block != 0 && check_size > 0 && !run->unwritten) {
            struct lt_le32 check = check_of(run->block + i);
            assert_memory_equal(run->checks + i * 4, &check, 4);
        }
    }
}

static void compare_all(void) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_run run;
    uint64_t held = 0, end = 0, last = 0;
    img_read_lock(fs.store);
    for (uint64_t at = 0; at < BLOCKS; at += run.count) {
        assert_int_equal(img_map_find(&node, at, &run), 0);
        assert_int_equal(run.logical, at);
        assert_true(run.count > 0);
        compare_run(&run);
        if (check_size > 0 && run.block != 0)
            assert_true(run.count <= IMG_CHECKED_BLOCKS_MAX);
    }
    for (uint64_t at = 0; at < BLOCKS; at++) {
        held += model[at] != 0;
        last = model[at] != 0 ? at + 1 : last;
    }
    assert_int_equal(node.inode.blocks, held);
    assert_int_equal(img_map_end(&node, &end), 0);
    assert_int_equal(end, last);
    img_read_unlock(fs.store);
}

/* All blocks are free again, but for some of the tree. */
static void compare_space(uint64_t at_start)
{
    struct img_space_counts c;
    img_space_counts(fs.store->space, &c);
    assert_int_equal(c.in_flight, 0);
    assert_true(c.free + c.pinned + 8 >= at_start);
}

/* ---- Changing ------------------------------------------------------------------------------ */

static void set_extent(uint64_t at, uint64_t count, bool later) NO_THREAD_SAFETY_ANALYSIS
{
    struct lt_le32 checks[IMG_CHECKED_BLOCKS_MAX * 4];
    uint64_t block, got, goal = at > 0 && model[at - 1] ? model[at - 1] + 1 : 0;
    struct img_txn txn;
    if (img_space_alloc(fs.store->space, goal, 1, count, &block, &got) < 0)
        return;
    for (uint64_t i = 0; i < got; i++)
        checks[i] = check_of(block + i);
    struct img_run run = {.logical = at,
                          .count = got,
                          .block = block,
                          .unwritten = later,
                          .checks = check_size > 0 ? checks->b : NULL};
    assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
    assert_int_equal(img_use(&txn, block, got), 0);
    assert_int_equal(img_map_set(&txn, &node, &run), 0);
    assert_int_equal(img_end(&txn, 0), 0);
    for (uint64_t i = 0; i < got; i++) {
        model[at + i] = block + i;
        unwritten[at + i] = later;
    }
}

static void make_hole(uint64_t at, uint64_t count) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_run run = {.logical = at, .count = count};
    struct img_txn txn;
    assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
    assert_int_equal(img_map_set(&txn, &node, &run), 0);
    assert_int_equal(img_end(&txn, 0), 0);
    memset(&model[at], 0, count * sizeof(model[0]));
}

/* Turns what is allocated but not written around, where it lies. */
static void turn(uint64_t at) NO_THREAD_SAFETY_ANALYSIS
{
    struct lt_le32 checks[BLOCKS];
    struct img_run run;
    struct img_txn txn;
    assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
    assert_int_equal(img_map_find(&node, at, &run), 0);
    if (run.block != 0) {
        run.count = 1 + draw(run.count);
        run.unwritten = !run.unwritten;
        for (uint64_t i = 0; i < run.count; i++) {
            checks[i] = check_of(run.block + i);
            unwritten[at + i] = run.unwritten;
        }
        run.checks = check_size > 0 && !run.unwritten ? checks->b : NULL;
        assert_int_equal(img_map_set(&txn, &node, &run), 0);
    }
    assert_int_equal(img_end(&txn, 0), 0);
}

static void cut(uint64_t from) NO_THREAD_SAFETY_ANALYSIS
{
    bool more = true;
    while (more) {
        struct img_txn txn;
        assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
        assert_int_equal(img_map_cut(&txn, &node, from, 3, &more), 0);
        assert_int_equal(img_end(&txn, 0), 0);
    }
    memset(&model[from], 0, (BLOCKS - from) * sizeof(model[0]));
}

static void shift(uint64_t from, int64_t by) NO_THREAD_SAFETY_ANALYSIS
{
    bool more = true;
    uint64_t at = 0;
    while (more) {
        struct img_txn txn;
        assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
        assert_int_equal(img_map_shift(&txn, &node, from, by, 3, &at, &more), 0);
        assert_int_equal(img_end(&txn, 0), 0);
    }
}

static void insert(uint64_t from, uint64_t by)
{
    cut(BLOCKS - by);
    shift(from, (int64_t)by);
    size_t rest = (size_t)(BLOCKS - from - by);
    memmove(&model[from + by], &model[from], rest * sizeof(model[0]));
    memmove(&unwritten[from + by], &unwritten[from], rest);
    memset(&model[from], 0, by * sizeof(model[0]));
}

static void collapse(uint64_t from, uint64_t by)
{
    make_hole(from, by);
    shift(from + by, -(int64_t)by);
    size_t rest = (size_t)(BLOCKS - from - by);
    memmove(&model[from], &model[from + by], rest * sizeof(model[0]));
    memmove(&unwritten[from], &unwritten[from + by], rest);
    memset(&model[BLOCKS - by], 0, by * sizeof(model[0]));
}

/* Whatever a transaction did is gone if it is undone, but for the inode, which is ours. */
static void undo(uint64_t at, uint64_t count) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_inode before = node.inode;
    struct img_run run = {.logical = at, .count = count};
    struct img_txn txn;
    assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
    assert_int_equal(img_map_set(&txn, &node, &run), 0);
    node.inode = before;
    assert_int_equal(img_end(&txn, LT_EINTR), LT_EINTR);
}

static void step(void)
{
    uint64_t at = draw(BLOCKS), most = BLOCKS - at, count = 1 + draw(most < 50 ? most : 50);
    switch (draw(12)) {
    case 0:
        if (draw(8) == 0)
            cut(draw(4) == 0 ? 0 : at);
        break;
    case 1:
        make_hole(at, count);
        break;
    case 2:
        if (at + count < BLOCKS)
            insert(at, count);
        break;
    case 3:
        if (at + count < BLOCKS)
            collapse(at, count);
        break;
    case 4:
    case 5:
        turn(at);
        break;
    case 6:
        undo(at, count);
        break;
    case 7:
        assert_int_equal(img_checkpoint(fs.store), 0); /* births differ from now on */
        break;
    default:
        set_extent(draw(6) == 0 ? 0 : at, count, draw(3) == 0);
    }
}

static void run(uint32_t checks, uint64_t start)
{
    struct img_space_counts c;
    seed = start;
    set_up(checks);
    img_space_counts(fs.store->space, &c);
    for (unsigned i = 0; i < 3000; i++) {
        step();
        compare_all();
    }
    cut(0);
    compare_all();
    assert_int_equal(img_checkpoint(fs.store), 0);
    compare_space(c.free);
    tear_down();
}

static void test_map__equals_a_model(void **state)
{
    (void)state;
    run(0, 88172645463325252u);
}

static void test_map__equals_a_model_with_checks(void **state)
{
    (void)state;
    run(4, 1234567);
}

/* ---- What lies in the inode ------------------------------------------------------------------ */

static size_t extent_items(void) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_key key = img_key(node.base.id, IMG_EXTENT, 0);
    const void *value;
    size_t len, count = 0;
    img_read_lock(fs.store);
    while (img_next(fs.store, &key, &value, &len) == 0 && key.id == node.base.id) {
        count++;
        key.off++;
    }
    img_read_unlock(fs.store);
    return count;
}

static void test_map__needs_no_item_for_one_extent(void **state)
{
    (void)state;
    set_up(0);
    set_extent(0, 10, false);
    assert_int_equal(extent_items(), 0);
    assert_true(node.inode.extent_len > 0);
    set_extent(10, 10, false); /* continues it */
    compare_all();
    assert_int_equal(extent_items(), 0);
    cut(5);
    compare_all();
    assert_int_equal(extent_items(), 0);
    set_extent(100, 1, false);
    compare_all();
    assert_int_equal(extent_items(), 2);
    assert_int_equal(node.inode.extent_len, 0);
    cut(0);
    assert_int_equal(extent_items(), 0);
    set_extent(0, 1, false);
    assert_int_equal(extent_items(), 0);
    tear_down();
}

static void map(uint64_t at, uint64_t block, uint64_t count) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_run extent = {.logical = at, .block = block, .count = count};
    struct img_txn txn;
    assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
    assert_int_equal(img_use(&txn, block, count), 0);
    assert_int_equal(img_map_set(&txn, &node, &extent), 0);
    assert_int_equal(img_end(&txn, 0), 0);
}

static void test_map__keeps_births_apart(void **state)
{
    (void)state;
    uint64_t block, got;
    set_up(0);
    assert_int_equal(img_space_alloc(fs.store->space, 0, 12, 12, &block, &got), 0);
    map(0, block, 4);
    map(4, block + 4, 4);
    assert_int_equal(extent_items(), 0); /* one extent, in the inode */
    assert_int_equal(img_checkpoint(fs.store), 0);
    map(8, block + 8, 4);
    assert_int_equal(extent_items(), 2);
    tear_down();
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static void put_raw(uint64_t at, const struct img_extent *extent) NO_THREAD_SAFETY_ANALYSIS
{
    uint8_t buf[64];
    struct img_txn txn;
    size_t len = img_extent_encode(extent, 0, buf);
    assert_int_equal(img_begin(fs.store, IMG_LONG, &txn), 0);
    assert_int_equal(img_put(&txn, img_key(node.base.id, IMG_EXTENT, at), buf, len), 0);
    assert_int_equal(img_end(&txn, 0), 0);
    node.inode.blocks = 10;
}

static void expect_damage(uint64_t at) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_run run;
    img_read_lock(fs.store);
    assert_int_equal(img_map_find(&node, at, &run), LT_EUCLEAN);
    img_read_unlock(fs.store);
}

static void test_map__believes_no_extent_outside_of_the_volume(void **state)
{
    (void)state;
    set_up(0);
    put_raw(0, &(struct img_extent){.block = 16384, .count = 1, .birth = 1});
    expect_damage(0);
    put_raw(0, &(struct img_extent){.block = 16380, .count = 5, .birth = 1});
    expect_damage(0);
    uint64_t far = (UINT64_C(1) << 63) / 4096 - 1;
    put_raw(far, &(struct img_extent){.block = 100, .count = 2, .birth = 1});
    expect_damage(far);
    node.inode.blocks = 0;
    tear_down();
}

static void test_map__believes_no_extent_of_metadata(void **state)
{
    (void)state;
    set_up(0);
    const struct img_super *super = &fs.store->super;
    const uint64_t blocks[] = {1, 2, 3, super->log_block, super->log_block + super->log_blocks - 1};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
        put_raw(0, &(struct img_extent){.block = blocks[i], .count = 1, .birth = 1});
        expect_damage(0);
    }
    put_raw(0, &(struct img_extent){.block = 1, .count = 16000, .birth = 1});
    expect_damage(0);
    node.inode.blocks = 0;
    tear_down();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map__equals_a_model),
        cmocka_unit_test(test_map__equals_a_model_with_checks),
        cmocka_unit_test(test_map__needs_no_item_for_one_extent),
        cmocka_unit_test(test_map__keeps_births_apart),
        cmocka_unit_test(test_map__believes_no_extent_outside_of_the_volume),
        cmocka_unit_test(test_map__believes_no_extent_of_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
