// SPDX-License-Identifier: MIT
/* Data of files: against a model of plain bytes, and where things fail. */
#include <core/fs_ops.h>
#include <fault.h>
#include <fs/image/check.h>
#include <fs/image/data.h>
#include <fs/image/format.h>
#include <fs/image/image.h>
#include <lintel/fs.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>

#include "keeper.h"

#define FILES 4u
#define MODEL_MAX (6u << 20) /* bytes of a file in the model */

struct model {
    struct lt_node *node;
    uint64_t size;
    uint8_t *bytes; /* MODEL_MAX of them, zeros behind the size */
};

static struct keeper keeper;
static struct lt_fs *fs;
static struct model files[FILES];
static uint64_t seed;
static uint8_t *scratch; /* MODEL_MAX bytes */
static const char *options;

static uint64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void ok_at(int r, int line)
{
    if (r < 0) {
        print_error("line %d: %s\n", line, lt_error_name(r));
        fail();
    }
}
#define ok(r) ok_at(r, __LINE__)

/* ---- The volume ---------------------------------------------------------------------------- */

static void open_volume(void)
{
    struct lt_diag diag = {""};
    int r = lt_imgfs_open_device(&keeper.dev, options, &fs, &diag);
    if (r < 0)
        print_error("%s\n", diag.text);
    ok(r);
}

static void make_volume(const struct lt_image_params *params, const char *opts)
{
    struct lt_diag diag = {""};
    scratch = malloc(MODEL_MAX);
    keeper_open(&keeper, params->size);
    ok(img_fs_format(&keeper.dev, params, &diag));
    options = opts;
    open_volume();
}

static int tell(void *arg, const struct lt_image_problem *problem)
{
    (void)arg;
    print_error("%s\n", problem->text);
    return 0;
}

/* Nothing is wrong with the image, and no block is used that nobody has. */
static void check_image(void)
{
    const struct lt_image_check check = {.data = true, .problem = tell};
    struct lt_image_check_result result = {0};
    struct lt_diag diag = {""};
    ok(img_check_device(&keeper.dev, &check, &result, &diag));
    assert_int_equal(result.problems, 0);
}

/* With everything written out nothing is promised or on its way. */
static void check_space(void)
{
    struct img_space_counts c;
    ok(lt_fs_sync(NULL, fs));
    img_space_counts(img_fs(fs)->store->space, &c);
    assert_int_equal(c.promised, 0);
    assert_int_equal(c.in_flight, 0);
    assert_int_equal(img_data_pending(img_fs(fs)), 0);
}

static void end_volume(void)
{
    check_space();
    ok(lt_fs_close(fs));
    check_image();
    keeper_end(&keeper);
    free(scratch);
}

static const char *name_of(size_t i)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    return names[i];
}

static struct lt_node *create(const char *name)
{
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    ok(lt_node_create(NULL, lt_fs_root(fs), lt_str(name), &spec, &entry));
    return entry.node;
}

static struct lt_node *look_up(const char *name)
{
    struct lt_entry entry = {0};
    ok(lt_node_lookup(NULL, lt_fs_root(fs), lt_str(name), &entry));
    return entry.node;
}

static void make_files(void)
{
    for (size_t i = 0; i < FILES; i++)
        files[i] =
            (struct model){.node = create(name_of(i)), .bytes = calloc(1, MODEL_MAX), .size = 0};
}

static void end_files(void)
{
    for (size_t i = 0; i < FILES; i++) {
        lt_node_put(files[i].node);
        free(files[i].bytes);
    }
}

static void reopen(void)
{
    for (size_t i = 0; i < FILES; i++)
        lt_node_put(files[i].node);
    ok(lt_fs_close(fs));
    check_image();
    open_volume();
    for (size_t i = 0; i < FILES; i++)
        files[i].node = look_up(name_of(i));
}

/* ---- Comparing ----------------------------------------------------------------------------- */

static struct lt_attr attr_of(struct lt_node *node)
{
    struct lt_attr attr;
    ok(lt_node_getattr(NULL, node, &attr));
    return attr;
}

static void compare(const struct model *m, uint64_t offset, size_t len)
{
    size_t want = offset < m->size ? (size_t)(m->size - offset) : 0;
    want = want < len ? want : len;
    for (size_t done = 0; done < want;) {
        int got = lt_node_pread(NULL, m->node, offset + done, scratch + done, want - done);
        ok(got);
        assert_true(got > 0);
        done += (size_t)got;
    }
    for (size_t i = 0; i < want; i++) {
        if (scratch[i] == m->bytes[offset + i])
            continue;
        print_error("%s: byte %llu of %llu is %u, not %u\n", name_of((size_t)(m - files)),
                    (unsigned long long)(offset + i), (unsigned long long)m->size, scratch[i],
                    m->bytes[offset + i]);
        fail();
    }
}

static void compare_all(void)
{
    for (size_t i = 0; i < FILES; i++) {
        assert_int_equal(attr_of(files[i].node).size, files[i].size);
        compare(&files[i], 0, MODEL_MAX);
    }
}

/* ---- Random operations --------------------------------------------------------------------- */

static uint64_t any_offset(void)
{
    switch (draw(6)) {
    case 0:
        return draw(8) * 65536;
    case 1:
        return draw(2000);
    case 2:
        return draw(512) * 4096;
    default:
        return draw(2u << 20);
    }
}

static uint64_t any_len(void)
{
    switch (draw(8)) {
    case 0:
        return 1 + draw(100);
    case 1:
        return (1 + draw(16)) * 4096;
    case 2:
        return (1 + draw(8)) * 65536;
    case 3:
        return 1 + draw(1500000);
    default:
        return 1 + draw(20000);
    }
}

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
    memcpy(m->bytes + offset, scratch, (size_t)r);
    if (offset + (size_t)r > m->size)
        m->size = offset + (size_t)r;
    assert_true((uint64_t)r == len || write.ret_offset == offset);
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

static void put(struct lt_node *node, uint64_t offset, const void *bytes, size_t len)
{
    assert_int_equal(lt_node_pwrite(NULL, node, offset, bytes, len), len);
}

static void fill(uint8_t *to, size_t len, unsigned start)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(start + i * 7 + i / 256);
}

static void expect(struct lt_node *node, const void *bytes, size_t len)
{
    assert_int_equal(attr_of(node).size, len);
    assert_int_equal(lt_node_pread(NULL, node, 0, scratch, len + 1), len);
    assert_memory_equal(scratch, bytes, len);
}

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

/* ---- Failures -------------------------------------------------------------------------------- */

/* Writes a little of everything. Returns how much of `bytes` was taken before the first error. */
static size_t write_parts(struct lt_node *node, const uint8_t *bytes, int *ret_error)
{
    static const size_t parts[] = {1000, 3000, 200000, 10, 4096, 300000, 100};
    size_t done = 0;
    *ret_error = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        int r = lt_node_pwrite(NULL, node, done, bytes + done, parts[i]);
        if (r < 0) {
            *ret_error = r;
            return done;
        }
        done += (size_t)r;
        if ((size_t)r < parts[i])
            return done;
    }
    return done;
}

static void test_data__survives_failing_devices(void **state)
{
    (void)state;
    static uint8_t bytes[600000];
    bool failed = true;
    fill(bytes, sizeof(bytes), 77);
    for (unsigned n = 1; failed; n++) {
        make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = n & 1}, "commit=0");
        struct lt_node *node = create("file");
        int error;
        keeper_fail(&keeper, n, LT_EIO, false);
        size_t done = write_parts(node, bytes, &error);
        int synced = lt_node_sync(NULL, node, false);
        keeper_fail(&keeper, 0, 0, false);
        failed = atomic_load(&keeper.failed) || error < 0 || synced < 0;
        /* What was taken is there to be read, unless reading it back is what failed. */
        int got = lt_node_pread(NULL, node, 0, scratch, sizeof(bytes));
        assert_int_equal(got, done);
        assert_memory_equal(scratch, bytes, done);
        lt_node_put(node);
        int closed = lt_fs_close(fs);
        if (error == 0 && synced == 0 && closed == 0) {
            open_volume();
            node = look_up("file");
            expect(node, bytes, done);
            lt_node_put(node);
            ok(lt_fs_close(fs));
        }
        keeper_end(&keeper);
        free(scratch);
        assert_true(n < 200);
        failed = failed && n < 60;
    }
}

/* Operations of which any device call may fail: what they did is unknown, but the image is sound,
 * and no space is lost. */
static void step_carelessly(void)
{
    static const uint32_t modes[] = {0, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, LT_FALLOC_ZERO,
                                     LT_FALLOC_COLLAPSE, LT_FALLOC_INSERT};
    struct lt_node *node = files[draw(FILES)].node, *other = files[draw(FILES)].node;
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = any_offset()};
    uint64_t offset = any_offset(), len = any_len(), done;
    switch (draw(12)) {
    case 0:
        (void)lt_node_setattr(NULL, node, &set, NULL);
        break;
    case 1:
    case 2:
        (void)lt_node_allocate(NULL, node, modes[draw(5)], offset & ~UINT64_C(4095),
                               4096 * (1 + draw(40)));
        break;
    case 3:
        (void)lt_node_copy_range(NULL, node, offset, other, any_offset() + (4u << 20), len, &done);
        break;
    case 4:
        (void)lt_node_sync(NULL, node, false);
        break;
    case 5:
        (void)lt_fs_sync(NULL, fs);
        break;
    case 6:
        (void)lt_node_pread(NULL, node, offset, scratch, (size_t)len);
        break;
    default:
        (void)lt_node_pwrite(NULL, node, offset, scratch, (size_t)len);
    }
}

static void run_carelessly(unsigned round, int error)
{
    seed = 1000 + round;
    make_volume(&(struct lt_image_params){.size = 32u << 20, .data_checks = round & 1},
                round & 2 ? "commit=0,cache=1m" : "commit=0");
    make_files();
    for (unsigned i = 0; i < 120; i++) {
        keeper_fail(&keeper, 1 + draw(6), error, false);
        step_carelessly();
    }
    keeper_fail(&keeper, 0, 0, false);
    bool alive = lt_fs_sync(NULL, fs) == 0;
    if (alive)
        check_space();
    end_files();
    int r = lt_fs_close(fs);
    assert_true(alive ? r == 0 : r <= 0);
    check_image();
    keeper_end(&keeper);
    free(scratch);
}

static void test_data__leaves_a_sound_image_whatever_fails(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 24; round++)
        run_carelessly(round, round % 3 == 0 ? LT_EIO : LT_ENOSPC);
}

static void test_data__that_cannot_be_written_out_is_told_of(void **state)
{
    (void)state;
    static uint8_t bytes[30000];
    for (unsigned round = 0; round < 3; round++) {
        make_volume(&(struct lt_image_params){.size = 64u << 20}, "commit=0");
        fill(bytes, sizeof(bytes), 1);
        struct lt_node *node = create("file");
        put(node, 0, bytes, sizeof(bytes));
        keeper_fail(&keeper, 1, LT_ENOSPC, true);
        if (round == 0)
            assert_int_equal(lt_node_sync(NULL, node, true), LT_ENOSPC);
        if (round == 1)
            assert_int_equal(lt_fs_sync(NULL, fs), LT_ENOSPC);
        if (round < 2) {
            keeper_fail(&keeper, 0, 0, false); /* and goes as soon as there is room */
            ok(lt_node_sync(NULL, node, true));
        }
        if (round < 2)
            expect(node, bytes, sizeof(bytes));
        lt_node_put(node);
        assert_int_equal(lt_fs_close(fs), round == 2 ? LT_ENOSPC : 0);
        keeper_end(&keeper);
        free(scratch);
    }
}

static void test_data__survives_lack_of_memory(void **state)
{
    (void)state;
    static uint8_t bytes[600000];
    fill(bytes, sizeof(bytes), 33);
    bool hit = true;
    unsigned n = 0;
    while (hit) {
        int error;
        make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = ++n & 1},
                    "commit=0");
        struct lt_node *node = create("file");
        fault_arm(n);
        size_t done = write_parts(node, bytes, &error);
        int synced = lt_node_sync(NULL, node, false);
        int punched = lt_node_allocate(NULL, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 4000,
                                       0 + 3000);
        hit = fault_disarm();
        if (!hit) {
            ok(error);
            ok(synced);
            ok(punched);
        }
        int got = lt_node_pread(NULL, node, 0, scratch, sizeof(bytes));
        assert_int_equal(got, done);
        assert_memory_equal(scratch, bytes, done < 4000 ? done : 4000);
        if (done > 7000)
            assert_memory_equal(scratch + 7000, bytes + 7000, done - 7000);
        ok(lt_node_sync(NULL, node, false));
        lt_node_put(node);
        end_volume();
    }
    assert_true(n > 5);
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define THREADS 4

struct job {
    struct lt_node *nodes[2];
    unsigned seed;
    uint8_t *buf, *reads;
};

/* A small file of this thread's own: made, written, perhaps found again and removed. */
static void small_file(struct job *job, unsigned s)
{
    char name[16];
    struct lt_create spec = {.mode = LT_S_IFREG | 0600};
    struct lt_entry entry = {0};
    struct lt_fs *volume = job->nodes[0]->fs;
    (void)snprintf(name, sizeof(name), "%u-%u", job->seed, (s >> 8) % 10);
    if (lt_node_create(NULL, lt_fs_root(volume), lt_str(name), &spec, &entry) == 0) {
        (void)lt_node_pwrite(NULL, entry.node, 0, job->buf, 1 + (s >> 5) % 20000);
        lt_node_put(entry.node);
    } else {
        (void)lt_node_remove(NULL, lt_fs_root(volume), lt_str(name), 0, NULL);
    }
}

static void work(void *arg)
{
    struct job *job = arg;
    unsigned s = job->seed;
    for (unsigned i = 0; i < 400; i++) {
        s = s * 1103515245u + 12345u;
        struct lt_node *node = job->nodes[(s >> 8) & 1];
        uint64_t offset = (s >> 9) % 300000, done;
        size_t len = 1 + (s >> 5) % ((s >> 10) % 8 == 0 ? 200000 : 9000);
        struct lt_setattr set = {.mask = LT_SET_SIZE, .size = offset};
        switch ((s >> 16) % 12) {
        case 0:
            (void)lt_node_allocate(NULL, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, offset,
                                   len);
            break;
        case 1:
            (void)lt_node_sync(NULL, node, false);
            break;
        case 2:
            (void)lt_node_copy_range(NULL, node, offset, job->nodes[(s >> 3) & 1], offset + 400000,
                                     len, &done);
            break;
        case 3:
            (void)lt_fs_sync(NULL, node->fs);
            break;
        case 4:
        case 5:
            (void)lt_node_pread(NULL, node, offset, job->reads, len);
            break;
        case 6:
            small_file(job, s);
            break;
        case 7:
            (void)lt_node_setattr(NULL, node, &set, NULL);
            break;
        default:
            (void)lt_node_pwrite(NULL, node, offset, job->buf, len);
        }
    }
}

static void run_threads(bool checks)
{
    struct lt_thread *threads[THREADS];
    struct job jobs[THREADS];
    make_volume(&(struct lt_image_params){.size = 64u << 20, .data_checks = checks},
                "commit=1,cache=1m");
    struct lt_node *a = create("a"), *b = create("b");
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){{a, b}, 7 * i + 1, malloc(300000), malloc(300000)};
        memset(jobs[i].buf, (int)i + 1, 300000);
        ok(lt_thread_start(&threads[i], "writer", work, &jobs[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        lt_thread_join(threads[i]);
        free(jobs[i].buf);
        free(jobs[i].reads);
    }
    ok(lt_fs_sync(NULL, fs));
    lt_node_put(a);
    lt_node_put(b);
    end_volume();
}

static void test_data__of_many_threads(void **state)
{
    (void)state;
    run_threads(false);
    run_threads(true);
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
        cmocka_unit_test(test_data__survives_failing_devices),
        cmocka_unit_test(test_data__leaves_a_sound_image_whatever_fails),
        cmocka_unit_test(test_data__that_cannot_be_written_out_is_told_of),
        cmocka_unit_test(test_data__survives_lack_of_memory),
        cmocka_unit_test(test_data__of_many_threads),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
