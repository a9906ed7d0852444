// SPDX-License-Identifier: MIT
/* Data of files against a model of plain bytes; small files, full volumes, checks. */
#include "data_kit.h"

/* ---- Random operations --------------------------------------------------------------------- */

static void model_size(struct model *m, uint64_t size)
{
    if (size < m->size)
        memset(m->bytes + size, 0, (size_t)(m->size - size));
    m->size = size;
}

static void do_write(struct model *m)
{
    uint64_t offset = draw(3) == 0 ? m->size : any_offset(), len = any_len();
    struct lt_seg segs[5];
    size_t count = 1 + draw(5), done = 0;
    if (offset + len > MODEL_MAX)
        return;
    for (size_t i = 0; i < len; i++)
        scratch[i] = (uint8_t)(1 + (seed + i * 31 + i / 255) % 255);
    for (size_t i = 0; i < count; i++) {
        size_t part = i + 1 == count ? (size_t)len - done : (size_t)draw(len - done + 1);
        segs[i] = (struct lt_seg){scratch + done, part};
        done += part;
    }
    struct lt_write write = {.offset = offset, .segs = segs, .count = count};
    int r = lt_node_write(NULL, m->node, &write);
    if (r == LT_ENOSPC)
        return;
    ok(r);
    size_t n = r > 0 ? (size_t)r : 0;
    memcpy(m->bytes + offset, scratch, n);
    if (offset + n > m->size)
        m->size = offset + n;
    assert_true(n == len || write.ret_offset == offset);
}

static void do_truncate(struct model *m)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = draw(4) == 0 ? 0 : any_offset()};
    ok(lt_node_setattr(NULL, m->node, &set, NULL));
    model_size(m, set.size);
}

static void model_zero(struct model *m, uint64_t offset, uint64_t len, bool keep)
{
    uint64_t end = offset + len;
    if (!keep && end > m->size)
        m->size = end;
    end = end < m->size ? end : m->size;
    if (offset < end)
        memset(m->bytes + offset, 0, (size_t)(end - offset));
}

static void do_allocate(struct model *m)
{
    static const uint32_t modes[] = {0, LT_FALLOC_KEEP_SIZE,
                                     LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, LT_FALLOC_ZERO,
                                     LT_FALLOC_ZERO | LT_FALLOC_KEEP_SIZE};
    uint32_t mode = modes[draw(5)];
    uint64_t offset = any_offset(), len = any_len();
    if (offset + len > MODEL_MAX)
        return;
    int r = lt_node_allocate(NULL, m->node, mode, offset, len);
    if (r == LT_ENOSPC)
        return;
    ok(r);
    if (mode & (LT_FALLOC_PUNCH_HOLE | LT_FALLOC_ZERO))
        model_zero(m, offset, len, mode & LT_FALLOC_KEEP_SIZE);
    else if (mode == 0 && offset + len > m->size)
        m->size = offset + len;
}

static void do_move(struct model *m)
{
    uint64_t block = attr_of(m->node).block_size;
    uint64_t offset = draw(32) * block, len = (1 + draw(16)) * block;
    if (draw(2) == 0) {
        int r = lt_node_allocate(NULL, m->node, LT_FALLOC_COLLAPSE, offset, len);
        if (offset + len >= m->size) {
            assert_int_equal(r, LT_EINVAL);
            return;
        }
        ok(r);
        memmove(m->bytes + offset, m->bytes + offset + len, (size_t)(m->size - offset - len));
        model_size(m, m->size - len);
        return;
    }
    if (m->size + len > MODEL_MAX)
        return;
    int r = lt_node_allocate(NULL, m->node, LT_FALLOC_INSERT, offset, len);
    if (offset >= m->size) {
        assert_int_equal(r, LT_EINVAL);
        return;
    }
    if (r == LT_ENOSPC)
        return;
    ok(r);
    memmove(m->bytes + offset + len, m->bytes + offset, (size_t)(m->size - offset));
    memset(m->bytes + offset, 0, (size_t)len);
    m->size += len;
}

static bool all_zero(const struct model *m, uint64_t from, uint64_t end)
{
    while (from < end && m->bytes[from] == 0)
        from++;
    return from >= end;
}

static void do_seek(struct model *m)
{
    uint64_t offset = any_offset(), at = 0;
    int r = lt_node_seek(NULL, m->node, offset, LT_SEEK_DATA, &at);
    if (offset >= m->size) {
        assert_int_equal(r, LT_ENXIO);
        return;
    }
    if (r == LT_ENXIO)
        at = m->size;
    else
        ok(r);
    assert_true(at >= offset && all_zero(m, offset, at));
    ok(lt_node_seek(NULL, m->node, offset, LT_SEEK_HOLE, &at));
    assert_true(at >= offset && at <= m->size);
    uint64_t block = attr_of(m->node).block_size, end = (at / block + 1) * block;
    assert_true(all_zero(m, at, end < m->size ? end : m->size));
}

static void do_copy(struct model *from, struct model *to)
{
    uint64_t offset = any_offset(), at = any_offset(), len = any_len(), done = 0;
    if (offset + len > MODEL_MAX || at + len > MODEL_MAX)
        return;
    if (from == to && offset < at + len && at < offset + len)
        return;
    int r = lt_node_copy_range(NULL, from->node, offset, to->node, at, len, &done);
    if (r == LT_ENOSPC)
        return;
    ok(r);
    memmove(to->bytes + at, from->bytes + offset, (size_t)done);
    if (done > 0 && at + done > to->size)
        to->size = at + done;
}

static void step(bool may_reopen)
{
    struct model *m = &files[draw(FILES)];
    switch (draw(24)) {
    case 0:
        do_truncate(m);
        break;
    case 1:
    case 2:
    case 3:
        do_allocate(m);
        break;
    case 4:
    case 5:
        do_move(m);
        break;
    case 6:
        do_seek(m);
        break;
    case 7:
    case 8:
        do_copy(m, &files[draw(FILES)]);
        break;
    case 9:
        ok(lt_node_sync(NULL, m->node, false));
        break;
    case 10:
        ok(lt_fs_sync(NULL, fs));
        break;
    case 11:
        if (may_reopen && draw(4) == 0)
            reopen();
        break;
    case 12:
    case 13:
    case 14:
    case 15:
        compare(m, any_offset(), (size_t)any_len());
        break;
    default:
        do_write(m);
    }
}

static void run_model(const struct lt_image_params *params, const char *opts, unsigned steps)
{
    make_volume(params, opts);
    make_files();
    for (unsigned i = 0; i < steps; i++) {
        step(true);
        if (i % 50 == 0)
            compare_all();
    }
    compare_all();
    reopen();
    compare_all();
    end_files();
    end_volume();
}

static void test_data__equals_a_model(void **state)
{
    (void)state;
    seed = 88172645463325252u;
    for (unsigned i = 0; i < 4; i++)
        run_model(&(struct lt_image_params){.size = 128u << 20}, "commit=0", 400);
}

static void test_data__equals_a_model_with_checks(void **state)
{
    (void)state;
    seed = 1234567;
    for (unsigned i = 0; i < 4; i++)
        run_model(&(struct lt_image_params){.size = 128u << 20, .data_checks = true}, "commit=0",
                  400);
}

static void test_data__equals_a_model_in_large_blocks(void **state)
{
    (void)state;
    seed = 7654321;
    for (unsigned i = 0; i < 4; i++)
        run_model(&(struct lt_image_params){.size = 256u << 20,
                                            .block_size = 65536,
                                            .data_checks = i & 1},
                  "commit=0", 300);
}

static void test_data__equals_a_model_with_little_memory(void **state)
{
    (void)state;
    seed = 99;
    for (unsigned i = 0; i < 4; i++)
        run_model(&(struct lt_image_params){.size = 128u << 20, .data_checks = i & 1},
                  "commit=0,cache=1m", 400);
}

static void test_data__equals_a_model_on_a_volume_too_small(void **state)
{
    (void)state;
    seed = 4242;
    for (unsigned i = 0; i < 4; i++)
        run_model(&(struct lt_image_params){.size = 6u << 20, .data_checks = i & 1}, "commit=0",
                  400);
}

static void test_data__equals_a_model_when_always_durable(void **state)
{
    (void)state;
    seed = 31337;
    run_model(&(struct lt_image_params){.size = 64u << 20}, "commit=0,sync=always", 300);
}

/* ---- Small files ----------------------------------------------------------------------------- */

static uint64_t free_bytes(void)
{
    struct lt_statfs st;
    ok(lt_fs_statfs(NULL, fs, &st));
    return st.free;
}

static void test_data__of_small_files_takes_no_blocks(void **state)
{
    (void)state;
    static uint8_t bytes[5000];
    make_volume(&(struct lt_image_params){.size = 64u << 20}, "commit=0");
    fill(bytes, sizeof(bytes), 3);
    struct lt_node *node = create("small");
    put(node, 0, bytes, 1000);
    ok(lt_fs_sync(NULL, fs));
    assert_int_equal(attr_of(node).allocated, 0);
    put(node, 1000, bytes + 1000, 500);
    expect(node, bytes, 1500);
    ok(lt_fs_sync(NULL, fs));
    assert_int_equal(attr_of(node).allocated, 0);
    put(node, 1500, bytes + 1500, 3500); /* now it is too long */
    expect(node, bytes, 5000);
    ok(lt_fs_sync(NULL, fs));
    expect(node, bytes, 5000);
    assert_int_equal(attr_of(node).allocated, 8192);
    lt_node_put(node);
    ok(lt_fs_close(fs));
    open_volume();
    node = look_up("small");
    expect(node, bytes, 5000);
    lt_node_put(node);
    end_volume();
}

static void set_size(struct lt_node *node, uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    ok(lt_node_setattr(NULL, node, &set, NULL));
}

static void test_data__behind_an_old_end_is_zero(void **state)
{
    (void)state;
    static uint8_t bytes[4096], zeros[4096];
    for (unsigned checks = 0; checks < 2; checks++) {
        make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = checks},
                    "commit=0");
        fill(bytes, sizeof(bytes), 1);
        struct lt_node *node = create("file");
        put(node, 0, bytes, 4096);
        ok(lt_node_sync(NULL, node, false));
        set_size(node, 100);
        set_size(node, 4096);
        memcpy(scratch + 4096, bytes, 100);
        memset(scratch + 4196, 0, 3996);
        memcpy(zeros, scratch + 4096, 4096);
        expect(node, zeros, 4096);
        lt_node_put(node);
        ok(lt_fs_close(fs));
        open_volume();
        node = look_up("file");
        expect(node, zeros, 4096);
        lt_node_put(node);
        end_volume();
    }
}

/* ---- Full volumes ---------------------------------------------------------------------------- */

static void test_data__fills_a_volume_and_frees_it(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 6; round++) {
        size_t step = (size_t[]){700, 4096, 50000, 200000, 1u << 20, 5000}[round];
        make_volume(&(struct lt_image_params){.size = 8u << 20, .data_checks = round & 1},
                    "commit=0");
        uint64_t at_start = free_bytes(), done = 0;
        struct lt_node *node = create("full");
        fill(scratch, step, 5);
        int r;
        while ((r = lt_node_pwrite(NULL, node, done, scratch, step)) > 0)
            done += (uint64_t)r;
        assert_int_equal(r, LT_ENOSPC);
        assert_true(done > (at_start / 10) * 8);
        ok(lt_node_sync(NULL, node, false)); /* what was taken can be written out */
        assert_int_equal(attr_of(node).size, done);
        ok(lt_node_remove(NULL, lt_fs_root(fs), lt_str("full"), 0, NULL));
        lt_node_put(node);
        ok(lt_fs_sync(NULL, fs));
        node = create("again");
        fill(scratch, 1000000, 6);
        for (uint64_t at = 0; at < 4000000; at += 1000000)
            put(node, at, scratch, 1000000);
        lt_node_put(node);
        end_volume();
    }
}

static void test_data__is_given_back_when_a_file_shrinks_on_a_full_volume(void **state)
{
    (void)state;
    make_volume(&(struct lt_image_params){.size = 8u << 20, .data_checks = true}, "commit=0");
    struct lt_node *node = create("full");
    uint64_t done = 0;
    int r;
    fill(scratch, 4096, 5);
    while ((r = lt_node_pwrite(NULL, node, done, scratch, 4096)) > 0)
        done += (uint64_t)r;
    assert_int_equal(r, LT_ENOSPC);
    ok(lt_node_allocate(NULL, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 1000, 2000000));
    set_size(node, done - 1000);
    set_size(node, 12345);
    set_size(node, 0);
    ok(lt_fs_sync(NULL, fs));
    put(node, 0, scratch, 4096);
    lt_node_put(node);
    end_volume();
}

static void test_data__on_a_full_volume_can_be_zeroed_and_moved(void **state)
{
    (void)state;
    make_volume(&(struct lt_image_params){.size = 8u << 20}, "commit=0");
    struct lt_node *node = create("full");
    uint64_t done = 0;
    int r;
    fill(scratch, 4096, 5);
    while ((r = lt_node_pwrite(NULL, node, done, scratch, 4096)) > 0)
        done += (uint64_t)r;
    assert_int_equal(r, LT_ENOSPC);
    ok(lt_node_allocate(NULL, node, LT_FALLOC_ZERO | LT_FALLOC_KEEP_SIZE, 1000, 200000));
    assert_int_equal(lt_node_pread(NULL, node, 1000, scratch, 200000), 200000);
    for (size_t i = 0; i < 200000; i++)
        assert_int_equal(scratch[i], 0);
    ok(lt_node_allocate(NULL, node, LT_FALLOC_COLLAPSE, 8192, 409600));
    assert_int_equal(attr_of(node).size, done - 409600);
    lt_node_put(node);
    end_volume();
}

/* ---- Checks ---------------------------------------------------------------------------------- */

/* Finds bytes on the device and changes a bit of them. */
static bool flip(const uint8_t *bytes, size_t len, size_t at)
{
    uint8_t buf[4096];
    for (uint64_t offset = 0; offset + 4096 <= lt_device_size(keeper.real); offset += 4096) {
        ok(lt_device_read(keeper.real, offset, buf, 4096));
        if (memcmp(buf, bytes, len) != 0)
            continue;
        buf[at] ^= 0x10;
        ok(lt_device_put(keeper.real, offset, buf, 4096));
        return true;
    }
    return false;
}

static void test_data__with_checks_does_not_return_what_was_not_written(void **state)
{
    (void)state;
    static uint8_t bytes[40960];
    uint8_t byte;
    make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = true}, "commit=0");
    fill(bytes, sizeof(bytes), 9);
    struct lt_node *node = create("file");
    put(node, 0, bytes, sizeof(bytes));
    ok(lt_node_sync(NULL, node, false));
    expect(node, bytes, sizeof(bytes));
    assert_true(flip(bytes + 8192, 4096, 4000));
    assert_int_equal(lt_node_pread(NULL, node, 0, scratch, sizeof(bytes)), LT_EIO);
    assert_int_equal(lt_node_pread(NULL, node, 8192, &byte, 1), LT_EIO);
    assert_int_equal(lt_node_pread(NULL, node, 12287, scratch, 2), LT_EIO);
    assert_int_equal(lt_node_pwrite(NULL, node, 8200, "x", 1), LT_EIO);
    assert_int_equal(lt_node_pread(NULL, node, 0, scratch, 8192), 8192);
    assert_int_equal(lt_node_pread(NULL, node, 12288, scratch, 8192), 8192);
    put(node, 8192, bytes + 8192, 4096); /* the whole block is written anew */
    expect(node, bytes, sizeof(bytes));
    lt_node_put(node);
    end_volume();
}

/* A pattern as an argument chooses tests. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data__equals_a_model),
        cmocka_unit_test(test_data__equals_a_model_with_checks),
        cmocka_unit_test(test_data__equals_a_model_in_large_blocks),
        cmocka_unit_test(test_data__equals_a_model_with_little_memory),
        cmocka_unit_test(test_data__equals_a_model_on_a_volume_too_small),
        cmocka_unit_test(test_data__equals_a_model_when_always_durable),
        cmocka_unit_test(test_data__of_small_files_takes_no_blocks),
        cmocka_unit_test(test_data__behind_an_old_end_is_zero),
        cmocka_unit_test(test_data__fills_a_volume_and_frees_it),
        cmocka_unit_test(test_data__is_given_back_when_a_file_shrinks_on_a_full_volume),
        cmocka_unit_test(test_data__on_a_full_volume_can_be_zeroed_and_moved),
        cmocka_unit_test(test_data__with_checks_does_not_return_what_was_not_written),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
