// SPDX-License-Identifier: MIT
/* The tree against a sorted array. */
#include "model.h"

#include <fault.h>
#include <os/os.h>

/* ---- Changes ------------------------------------------------------------------------------- */

static void run(uint32_t block_size, unsigned steps, uint64_t seed)
{
    struct model m;
    model_open(&m, block_size, seed);
    const unsigned biases[] = {95, 50, 20, 80, 3, 60, 0};
    for (unsigned b = 0; b < sizeof(biases) / sizeof(*biases); b++) {
        for (unsigned i = 0; i < steps; i++)
            model_step(&m, biases[b]);
        model_check(&m);
    }
    model_close(&m);
}

static void test_tree__agrees_with_a_model(void **state)
{
    (void)state;
    run(4096, 6000, 1);
    run(65536, 3000, 2);
}

static int put_number(struct img_tree *tree, uint64_t id, size_t len)
{
    uint8_t value[64];
    memset(value, (int)(id & 0xff), sizeof(value));
    return img_tree_put(tree, img_key(id, 1, 0), value, len);
}

struct fill {
    uint64_t nodes, items;
};

/* Places that the tree would take if it were written: its nodes. */
static int count_places(void *arg, uint64_t count, uint64_t *ret_block, uint64_t *ret_count)
{
    uint64_t *next = arg;
    *ret_block = *next + 1;
    *ret_count = count;
    *next += count;
    return 0;
}

static void no_place(void *arg, uint64_t block)
{
    (void)arg;
    (void)block;
    fail();
}

static uint64_t nodes_of(struct img_tree *tree)
{
    uint64_t nodes = 0;
    assert_int_equal(img_tree_assign(tree, count_places, no_place, &nodes), 0);
    assert_int_equal(nodes, img_tree_dirty(tree));
    return nodes;
}

static void test_tree__is_full_after_ascending_puts(void **state)
{
    (void)state;
    struct model m;
    model_open(&m, 4096, 1);
    for (uint64_t id = 0; id < 50000; id++)
        assert_int_equal(put_number(m.tree, id, 36), 0);
    /* 1 length of suffix, 1 of value, 2 or 3 of suffix, 36, 2 of slot */
    assert_true(nodes_of(m.tree) * 4032 * 97 / 100 < UINT64_C(50000) * 43);
    model_close(&m);
}

static void test_tree__is_mostly_full_after_random_puts(void **state)
{
    (void)state;
    struct model m;
    model_open(&m, 4096, 77);
    const uint64_t count = 50000;
    for (uint64_t i = 0; i < count; i++) {
        struct img_key key = img_key(1, 2, model_random(&m) & ~UINT64_C(255));
        assert_int_equal(img_tree_put(m.tree, key, "name of 15 byte", 15), 0);
    }
    /* 2 of lengths, at least 5 of suffix, 15, 2 of slot: filled to three quarters at least */
    assert_true(nodes_of(m.tree) * 4032 * 3 / 4 < count * 25);
    model_close(&m);
}

static void test_tree__shrinks_when_items_go(void **state)
{
    (void)state;
    struct model m;
    model_open(&m, 4096, 3);
    const uint64_t count = 20000;
    for (uint64_t id = 0; id < count; id++)
        assert_int_equal(put_number(m.tree, id, 40), 0);
    size_t full = img_tree_dirty(m.tree);
    for (uint64_t id = 0; id < count; id++) {
        if (id % 10 != 0)
            assert_int_equal(img_tree_delete(m.tree, img_key(id, 1, 0)), 0);
    }
    assert_true(img_tree_dirty(m.tree) < full / 3);
    for (uint64_t id = count; id-- > 0;)
        assert_int_equal(img_tree_delete(m.tree, img_key(id, 1, 0)), id % 10 ? LT_ENOENT : 0);
    assert_int_equal(img_tree_dirty(m.tree), 0);
    model_close(&m);
}

/* ---- The device ---------------------------------------------------------------------------- */

static void run_device(uint32_t block_size, unsigned rounds, uint64_t seed)
{
    struct model m;
    model_open(&m, block_size, seed);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned bias = (unsigned[]){90, 60, 40, 10}[round / 8 % 4];
        unsigned steps = (unsigned)(model_random(&m) % (round % 8 == 0 ? 2000 : 100));
        for (unsigned i = 0; i < steps; i++)
            model_step(&m, bias);
        model_checkpoint(&m, (unsigned)(model_random(&m) % 3 * 40), round % 5 != 3);
        if (round % 4 == 0) {
            img_tree_evict(m.tree, 0);
            model_checkpoint(&m, 0, true);
            img_tree_evict(m.tree, 0);
        }
        if (round % 7 == 0)
            model_reopen(&m);
        model_check(&m);
    }
    while (m.count > 0)
        model_step(&m, 0);
    model_checkpoint(&m, 0, true);
    model_close(&m);
}

static void test_tree__is_on_the_device_as_it_was_frozen(void **state)
{
    (void)state;
    run_device(4096, 100, 11);
    run_device(65536, 40, 12);
}

/* A tree of some levels, on the device. */
static void build(struct model *m, uint32_t block_size, unsigned steps)
{
    model_open(m, block_size, 5);
    m->ids = steps / 4;
    for (unsigned i = 0; i < steps; i++)
        model_step(m, 90);
    model_checkpoint(m, 0, true);
}

static void test_tree__keeps_its_memory_within_bounds(void **state)
{
    (void)state;
    struct model m;
    build(&m, 4096, 6000);
    size_t all = img_tree_memory(m.tree);
    assert_int_equal(img_tree_pinned(m.tree), 0);
    assert_true(all > 400000);
    for (unsigned i = 0; i < 3000; i++) {
        const void *value;
        size_t len;
        struct img_key key = m.items[model_random(&m) % m.count].key;
        assert_int_equal(img_tree_get(m.tree, key, &value, &len), 0);
        if (img_tree_memory(m.tree) > all / 4)
            img_tree_evict(m.tree, all / 5);
        assert_true(img_tree_memory(m.tree) <= all / 4);
    }
    img_tree_evict(m.tree, 0);
    assert_true(img_tree_memory(m.tree) < all / 20);
    model_step(&m, 100);
    assert_true(img_tree_pinned(m.tree) > 4096);
    model_check(&m);
    model_close(&m);
}

/* What is used again and again stays. */
static void test_tree__evicts_what_is_not_used(void **state)
{
    (void)state;
    struct model m;
    build(&m, 4096, 6000);
    size_t all = img_tree_memory(m.tree);
    struct img_key key = m.items[m.count / 2].key;
    const void *first = NULL, *value;
    size_t len;
    img_tree_evict(m.tree, 0);
    assert_int_equal(img_tree_get(m.tree, key, &first, &len), 0);
    for (unsigned i = 0; i < 2000; i++) {
        struct img_key other = m.items[model_random(&m) % m.count].key;
        assert_int_equal(img_tree_get(m.tree, other, &value, &len), 0);
        assert_int_equal(img_tree_get(m.tree, key, &value, &len), 0);
        assert_ptr_equal(value, first);
        if (img_tree_memory(m.tree) > all / 2)
            img_tree_evict(m.tree, img_tree_memory(m.tree) - 5000);
    }
    model_close(&m);
}

/* ---- Failures ------------------------------------------------------------------------------ */

/* Puts and deletes of one transaction, each with what undoes it. */
struct undo {
    struct model_item item;
    bool existed;
};

/* One change that can be undone. Returns what the tree says. */
static int change(struct model *m, unsigned n, struct undo *undo)
{
    struct model_item item = {model_key(m), model_length(m), (uint32_t)model_random(m)};
    bool found, put = model_random(m) % 2;
    size_t i = model_find(m, item.key, &found);
    if (!found && !put && m->count > 0) {
        i = (i + model_random(m) % 10) % m->count;
        found = true;
        item.key = m->items[i].key;
    }
    undo->existed = found;
    undo->item = found ? m->items[i] : item;
    int r = img_tree_reserve(m->tree, n);
    if (r >= 0)
        r = put ? model_tree_put(m, &item) : img_tree_delete(m->tree, item.key);
    if (r >= 0 && put)
        model_put(m, item);
    else if (r >= 0)
        model_remove(m, i);
    return r;
}

static void undo_all(struct model *m, const struct undo *undos, unsigned count)
{
    img_tree_undoing(m->tree, true);
    while (count-- > 0) {
        const struct undo *undo = &undos[count];
        bool found;
        size_t i = model_find(m, undo->item.key, &found);
        if (undo->existed) {
            assert_int_equal(model_tree_put(m, &undo->item), 0);
            model_put(m, undo->item);
        } else {
            assert_int_equal(img_tree_delete(m->tree, undo->item.key), 0);
            model_remove(m, i);
        }
    }
    img_tree_undoing(m->tree, false);
}

/* A transaction that fails somewhere is undone, with no memory left and a device that fails. */
static void run_undo(uint32_t block_size, unsigned rounds, uint64_t seed)
{
    static struct undo undos[300];
    struct model m;
    build(&m, block_size, 2000);
    m.random = seed;
    for (unsigned round = 0; round < rounds; round++) {
        unsigned done = 0, most = round % 8 == 0 ? 300 : 32;
        if (round % 16 == 0)
            model_checkpoint(&m, 0, true);
        if (round % 4 == 0)
            img_tree_evict(m.tree, 0);
        img_tree_begin(m.tree);
        if (round % 3 == 0)
            fault_arm_from((unsigned)(model_random(&m) % 60));
        else if (round % 3 == 1)
            m.fail_read = (unsigned)(model_random(&m) % 20);
        for (; done < most; done++) {
            int r = change(&m, done + 1, &undos[done]);
            if (r == LT_ENOENT)
                break; /* nothing to delete */
            assert_true(r == 0 || r == LT_ENOMEM || r == LT_EIO);
            if (r < 0)
                break;
        }
        fault_arm_from(1);
        m.fail_read = 1;
        if (round % 32 != 31)
            undo_all(&m, undos, done);
        fault_disarm();
        m.fail_read = 0;
        model_check(&m);
    }
    model_close(&m);
}

static void test_tree__undoes_whatever_fails(void **state)
{
    (void)state;
    run_undo(4096, 600, 21);
    run_undo(65536, 100, 22);
}

/* The n-th allocation of an operation fails: the items are as before. */
static void test_tree__nomem(void **state)
{
    (void)state;
    struct model m;
    model_open(&m, 4096, 9);
    for (unsigned step = 0; step < 3000; step++) {
        struct undo undo;
        uint64_t random = m.random;
        if (step % 50 == 0)
            model_checkpoint(&m, 0, true);
        if (step % 200 == 0)
            img_tree_evict(m.tree, 0);
        FAULT_EACH(n)
        {
            uint64_t before = m.random;
            size_t count = m.count;
            m.random = random;
            int r = change(&m, 1, &undo);
            bool failed = fault_disarm();
            m.random = before;
            if (r == LT_ENOENT)
                r = 0;
            assert_true(r == 0 || (failed && r == LT_ENOMEM));
            if (r < 0)
                assert_int_equal(count, m.count);
            random = m.random = before * 3 + n;
            model_ask(&m, undo.item.key);
        }
        if (step % 100 == 0)
            model_check(&m);
    }
    model_close(&m);
}

static int count_item(void *arg, struct img_key key, const void *value, size_t len)
{
    (void)key;
    (void)value;
    (void)len;
    ++*(size_t *)arg;
    return 0;
}

static void test_tree__ioerr(void **state)
{
    (void)state;
    struct model m;
    build(&m, 4096, 1500);
    for (unsigned n = 1;; n++) {
        size_t seen = 0;
        img_tree_evict(m.tree, 0);
        m.fail_read = n;
        int r = img_tree_scan(m.tree, img_key(0, 0, 0), count_item, &seen);
        bool failed = m.fail_read == 0;
        m.fail_read = 0;
        assert_int_equal(r, failed ? LT_EIO : 0);
        model_check(&m);
        if (!failed) {
            assert_int_equal(seen, m.count);
            break;
        }
    }
    model_close(&m);
}

/* Every bit that changes on the device is noticed. */
static void run_corrupt(uint32_t block_size, unsigned steps, unsigned stride)
{
    struct model m;
    build(&m, block_size, steps);
    model_reopen(&m);
    for (unsigned block = 0; block < MODEL_BLOCKS; block++) {
        if (m.states[block] != MODEL_TAKEN)
            continue;
        for (unsigned i = (unsigned)(model_random(&m) % stride); i < block_size; i += stride) {
            size_t seen = 0;
            uint8_t bit = (uint8_t)(1u << model_random(&m) % 8);
            m.blocks[block][i] ^= bit;
            img_tree_evict(m.tree, 0);
            assert_int_equal(img_tree_scan(m.tree, img_key(0, 0, 0), count_item, &seen),
                             LT_EUCLEAN);
            m.blocks[block][i] ^= bit;
        }
    }
    img_tree_evict(m.tree, 0);
    model_check(&m);
    model_close(&m);
}

static void test_tree__corrupt(void **state)
{
    (void)state;
    run_corrupt(4096, 150, 29);
    run_corrupt(65536, 400, 9973);
}

/* A block that is valid, but not the one that belongs there. */
static void test_tree__notices_blocks_of_other_places(void **state)
{
    (void)state;
    struct model m;
    unsigned pairs = 0;
    build(&m, 4096, 800);
    for (unsigned a = 1; a < MODEL_BLOCKS; a++) {
        for (unsigned b = 1; b < MODEL_BLOCKS; b++) {
            if (a == b || m.states[a] != MODEL_TAKEN || m.states[b] != MODEL_TAKEN)
                continue;
            uint8_t *saved = m.blocks[a];
            size_t seen = 0;
            m.blocks[a] = m.blocks[b];
            img_tree_evict(m.tree, 0);
            assert_int_equal(img_tree_scan(m.tree, img_key(0, 0, 0), count_item, &seen),
                             LT_EUCLEAN);
            m.blocks[a] = saved;
            pairs++;
        }
    }
    assert_true(pairs > 20);
    model_close(&m);
}

/* ---- Hostile devices ----------------------------------------------------------------------- */

/* Changes a few bytes of a node, where it hurts, and makes its check right again. */
static void tamper(struct model *m, unsigned block)
{
    uint8_t *page = m->blocks[block];
    struct img_block_header *header = (struct img_block_header *)page;
    struct img_block_id id = {.volume = m->params.volume,
                              .block = block,
                              .birth = lt_get_le64(header->birth),
                              .kind = IMG_BLOCK_NODE};
    unsigned count = lt_get_le16(header->count);
    for (uint64_t n = 1 + model_random(m) % 3; n > 0; n--) {
        const unsigned places[] = {
            5,
            6,
            48,
            50,
            64 + (unsigned)(model_random(m) % 20),
            64 + header->prefix + (unsigned)(model_random(m) % (2u * count + 1)),
            lt_get_le16(header->heap) + (unsigned)(model_random(m) % 60),
            (unsigned)(model_random(m) % m->params.block_size),
        };
        unsigned at = places[model_random(m) % 8] % m->params.block_size;
        if (model_random(m) % 2)
            page[at] = (uint8_t)(page[at] + model_random(m) % 3 - 1);
        else
            page[at] = (uint8_t)model_random(m);
    }
    img_block_seal(page, m->params.block_size, &id);
}

static void accept(int r)
{
    assert_true(r == 0 || r == LT_ENOENT || r == LT_EUCLEAN);
}

static void ignore_place(void *arg, uint64_t block)
{
    (void)arg;
    (void)block;
}

/* Whatever is on the device, nothing leads out of memory or never ends, and what the tree makes of
 * it can be written. */
static void use_tampered(struct model *m)
{
    struct img_tree_params params = m->params;
    struct img_frozen *frozen;
    struct img_root root;
    uint64_t next = 100000;
    params.root = m->root;
    struct model other = *m;
    assert_int_equal(img_tree_open(&params, &other.tree), 0);
    for (unsigned i = 0; i < 100; i++) {
        struct model_item item = {model_key(m), model_length(m), i};
        const void *value;
        size_t len;
        accept(img_tree_get(other.tree, item.key, &value, &len));
        accept(model_tree_put(&other, &item));
        item.key = model_key(m);
        accept(img_tree_delete(other.tree, item.key));
        accept(img_tree_next(other.tree, &item.key, &value, &len));
        accept(img_tree_prev(other.tree, &item.key, &value, &len));
    }
    size_t seen = 0;
    accept(img_tree_scan(other.tree, img_key(0, 0, 0), count_item, &seen));
    assert_int_equal(img_tree_assign(other.tree, count_places, ignore_place, &next), 0);
    assert_int_equal(img_tree_freeze(other.tree, 999, &frozen, &root), 0);
    for (size_t i = 0; i < img_frozen_count(frozen); i++) {
        uint64_t block;
        const void *page;
        assert_int_equal(img_frozen_page(frozen, i, &block, &page), 0);
        struct img_block_id id = {
            .volume = params.volume, .block = block, .birth = 999, .kind = IMG_BLOCK_NODE};
        assert_int_equal(img_block_verify(page, params.block_size, &id), 0);
    }
    img_tree_thaw(other.tree, frozen, true, ignore_place, NULL);
    img_tree_close(other.tree);
}

static void run_hostile(uint32_t block_size, unsigned steps, unsigned rounds)
{
    struct model m;
    build(&m, block_size, steps);
    uint8_t *saved = malloc(block_size);
    assert_non_null(saved);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned block = (unsigned)(model_random(&m) % MODEL_BLOCKS);
        while (m.states[block] != MODEL_TAKEN)
            block = (block + 1) % MODEL_BLOCKS;
        memcpy(saved, m.blocks[block], block_size);
        tamper(&m, block);
        use_tampered(&m);
        memcpy(m.blocks[block], saved, block_size);
    }
    free(saved);
    model_check(&m);
    model_close(&m);
}

static void test_tree__survives_hostile_nodes(void **state)
{
    (void)state;
    run_hostile(4096, 2000, 500);
    run_hostile(65536, 1000, 50);
}

/* ---- Threads ------------------------------------------------------------------------------- */

struct reader {
    struct lt_thread *thread;
    const struct model *m;
    uint64_t random;
};

static void read_items(void *arg)
{
    struct reader *reader = arg;
    const struct model *m = reader->m;
    for (unsigned i = 0; i < 300; i++) {
        reader->random = reader->random * UINT64_C(6364136223846793005) + 1;
        const struct model_item *item = &m->items[(reader->random >> 33) % m->count];
        const void *value;
        size_t len;
        assert_int_equal(img_tree_get(m->tree, item->key, &value, &len), 0);
        model_same(item, item->key, value, len);
        struct img_key key = item->key;
        assert_int_equal(img_tree_next(m->tree, &key, &value, &len), 0);
    }
}

static void test_tree__is_read_by_many(void **state)
{
    (void)state;
    struct model m;
    struct reader readers[4];
    build(&m, 4096, 3000);
    size_t all = img_tree_memory(m.tree);
    for (unsigned round = 0; round < 10; round++) {
        img_tree_evict(m.tree, 0);
        for (unsigned i = 0; i < 4; i++) {
            readers[i] = (struct reader){.m = &m, .random = round * 4 + i};
            assert_int_equal(lt_thread_start(&readers[i].thread, "reader", read_items, &readers[i]),
                             0);
        }
        for (unsigned i = 0; i < 4; i++)
            lt_thread_join(readers[i].thread);
        assert_true(img_tree_memory(m.tree) <= all);
        model_check(&m);
    }
    model_close(&m);
}

struct writer {
    struct lt_thread *thread;
    struct model *m;
    struct img_frozen *frozen;
};

static void write_frozen(void *arg)
{
    struct writer *writer = arg;
    model_write(writer->m, writer->frozen);
}

/* A checkpoint is written while the tree changes. */
static void test_tree__changes_while_it_is_written(void **state)
{
    (void)state;
    struct model m;
    build(&m, 4096, 2000);
    for (unsigned round = 0; round < 10; round++) {
        struct writer writer = {.m = &m};
        for (unsigned i = 0; i < 200; i++)
            model_step(&m, 55);
        model_assign(&m);
        assert_int_equal(img_tree_freeze(m.tree, ++m.generation, &writer.frozen, &m.root), 0);
        free(m.on_device);
        model_keep(&m);
        assert_int_equal(lt_thread_start(&writer.thread, "writer", write_frozen, &writer), 0);
        for (unsigned i = 0; i < 200; i++)
            model_step(&m, 45);
        lt_thread_join(writer.thread);
        model_check_device(&m, &m.root, m.on_device, m.on_device_count);
        model_free_pinned(&m);
        img_tree_thaw(m.tree, writer.frozen, true, model_back, &m);
    }
    model_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree__agrees_with_a_model),
        cmocka_unit_test(test_tree__is_full_after_ascending_puts),
        cmocka_unit_test(test_tree__is_mostly_full_after_random_puts),
        cmocka_unit_test(test_tree__shrinks_when_items_go),
        cmocka_unit_test(test_tree__is_on_the_device_as_it_was_frozen),
        cmocka_unit_test(test_tree__keeps_its_memory_within_bounds),
        cmocka_unit_test(test_tree__evicts_what_is_not_used),
        cmocka_unit_test(test_tree__undoes_whatever_fails),
        cmocka_unit_test(test_tree__nomem),
        cmocka_unit_test(test_tree__ioerr),
        cmocka_unit_test(test_tree__corrupt),
        cmocka_unit_test(test_tree__notices_blocks_of_other_places),
        cmocka_unit_test(test_tree__survives_hostile_nodes),
        cmocka_unit_test(test_tree__is_read_by_many),
        cmocka_unit_test(test_tree__changes_while_it_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
