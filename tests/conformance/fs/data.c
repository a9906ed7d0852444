// SPDX-License-Identifier: MIT
/* Data: read, write, append, holes, allocate, seek, copy, adopted pages. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

TEST(read__at_and_behind_the_end)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    char buf[100];
    counts(0, lt_node_pread(NULL, file, 0, buf, sizeof(buf)));
    put_text(file, 0, "hello");
    counts(5, lt_node_pread(NULL, file, 0, buf, sizeof(buf)));
    counts(2, lt_node_pread(NULL, file, 3, buf, sizeof(buf)));
    counts(0, lt_node_pread(NULL, file, 5, buf, sizeof(buf)));
    counts(0, lt_node_pread(NULL, file, 1000, buf, sizeof(buf)));
    counts(0, lt_node_pread(NULL, file, LT_SIZE_MAX, buf, sizeof(buf)));
    counts(0, lt_node_pread(NULL, file, 0, buf, 0));
}

TEST(read__of_what_has_no_data)
{
    (void)state;
    char buf[8];
    fails(LT_EISDIR, lt_node_pread(NULL, root, 0, buf, 8));
    fails(LT_EISDIR, lt_node_pwrite(NULL, root, 0, "x", 1));
    fails(LT_EINVAL, lt_node_pread(NULL, make_link(root, "l", "x"), 0, buf, 8));
    fails(LT_EINVAL, lt_node_pwrite(NULL, make(root, "p", LT_S_IFIFO | 0600), 0, "x", 1));
}

struct counting_sink {
    struct lt_sink sink;
    int calls;
    size_t total;
    int result;
};

static int count_put(struct lt_sink *sink, const struct lt_seg *segs, size_t count, size_t total)
{
    struct counting_sink *c = (struct counting_sink *)sink;
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += segs[i].len;
    }
    assert_int_equal(sum, total);
    c->calls++;
    c->total += total;
    return c->result;
}

TEST(read__calls_the_sink_once)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct counting_sink c = {.sink = {count_put}};
    put_bytes(file, 5000, 100000, 1);
    put_bytes(file, 300000, 100000, 2);
    counts(395000, lt_node_read(NULL, file, 5000, LT_IO_MAX, &c.sink));
    assert_int_equal(c.calls, 1);
    assert_int_equal(c.total, 395000);
    counts(0, lt_node_read(NULL, file, 500000, 10, &c.sink));
    assert_int_equal(c.calls, 2);
    c.result = LT_EFAULT;
    fails(LT_EFAULT, lt_node_read(NULL, file, 0, 10, &c.sink));
}

TEST(read__is_cut_to_the_limit)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct counting_sink c = {.sink = {count_put}};
    ok(set_size(file, 3 * LT_IO_MAX));
    counts(LT_IO_MAX, lt_node_read(NULL, file, 0, 3 * LT_IO_MAX, &c.sink));
}

TEST(write__leaves_holes_that_read_as_zeros)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    put_text(file, UINT64_C(1) << 32, "far");
    assert_int_equal(attr(file).size, (UINT64_C(1) << 32) + 3);
    assert_true(attr(file).allocated < 1 << 20);
    expect_bytes(file, 0, 10000, 0);
    expect_bytes(file, (UINT64_C(1) << 32) - 10000, 10000, 0);
    expect_text(file, UINT64_C(1) << 32, "far");
}

TEST(write__limits_of_the_size)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    counts(1, lt_node_pwrite(NULL, file, LT_SIZE_MAX - 1, "x", 1));
    assert_int_equal(attr(file).size, LT_SIZE_MAX);
    fails(LT_EFBIG, lt_node_pwrite(NULL, file, LT_SIZE_MAX, "x", 1));
    int result = lt_node_pwrite(NULL, file, LT_SIZE_MAX - 1, "xy", 2); /* what fits, or nothing */
    assert_true(result == 1 || result == LT_EFBIG);
    expect_text(file, LT_SIZE_MAX - 1, "x");
    ok(set_size(file, 0));
}

TEST(write__segments_and_append)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    char one[] = "one ";
    char two[] = "two ";
    struct lt_seg segs[3] = {{one, 4}, {NULL, 0}, {two, 4}};
    struct lt_attr after;
    struct lt_write write = {
        .offset = 999, .segs = segs, .count = 3, .flags = LT_WRITE_APPEND, .ret_attr = &after};
    counts(8, lt_node_write(NULL, file, &write));
    assert_int_equal(write.ret_offset, 0);
    assert_int_equal(after.size, 8);
    counts(8, lt_node_write(NULL, file, &write));
    assert_int_equal(write.ret_offset, 8);
    expect_text(file, 0, "one two one two ");
    write.flags = 0;
    write.offset = 2;
    counts(8, lt_node_write(NULL, file, &write));
    assert_int_equal(write.ret_offset, 2);
    expect_text(file, 0, "onone two e two ");
}

TEST(write__constrained_never_grows_the_file)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    char data[] = "0123456789";
    struct lt_seg seg = {data, 10};
    struct lt_write write = {.offset = 3, .segs = &seg, .count = 1, .flags = LT_WRITE_CONSTRAINED};
    put_text(file, 0, "abcdef");
    counts(3, lt_node_write(NULL, file, &write));
    expect_text(file, 0, "abc012");
    assert_int_equal(attr(file).size, 6);
    write.offset = 6;
    counts(0, lt_node_write(NULL, file, &write));
    write.offset = 100;
    counts(0, lt_node_write(NULL, file, &write));
    assert_int_equal(attr(file).size, 6);
}

TEST(write__kill_priv)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_seg seg = {(char[]){'x'}, 1};
    struct lt_write write = {.segs = &seg, .count = 1, .flags = LT_WRITE_KILL_PRIV};
    ok(set_mode(file, 06755));
    ok(lt_node_xattr_set(NULL, file, lt_str("security.capability"),
                         lt_strn("\1\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20), 0));
    put_text(file, 0, "root may");
    assert_int_equal(attr(file).mode, LT_S_IFREG | 06755);
    assert_true(attr(file).has & LT_HAS_CAPABILITY);
    counts(1, lt_node_write(NULL, file, &write));
    assert_int_equal(attr(file).mode, LT_S_IFREG | 0755);
    assert_false(attr(file).has & LT_HAS_CAPABILITY);
    fails(LT_ENODATA, lt_node_xattr_get(NULL, file, lt_str("security.capability"), NULL, 0));
}

TEST(write__adopts_pages)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    struct lt_seg segs[4];
    struct lt_statfs st;
    ok(lt_fs_statfs(NULL, fs, &st));
    int got = lt_fs_pages_get(fs, segs, 4);
    assert_true(got >= 0 && got <= 4);
    for (int i = 0; i < got; i++) {
        assert_int_equal(segs[i].len, st.block_size);
        memset(segs[i].base, 'a' + i, segs[i].len);
    }
    if (got == 4) {
        struct lt_write write = {
            .offset = st.block_size, .segs = segs, .count = 4, .flags = LT_WRITE_ADOPT};
        counts(4 * st.block_size, lt_node_write(NULL, file, &write));
        expect_bytes(file, 0, st.block_size, 0);
        for (unsigned i = 0; i < 4; i++) {
            expect_bytes(file, (i + 1) * st.block_size, st.block_size, (unsigned char)('a' + i));
        }
        lt_fs_pages_put(fs, segs, 4);
        assert_int_equal(lt_fs_pages_get(fs, segs, 1), 1);
        segs[0].len = 100; /* part of a page, at an odd place: copied, not adopted */
        memset(segs[0].base, 'z', 100);
        write = (struct lt_write){.offset = 77, .segs = segs, .count = 1, .flags = LT_WRITE_ADOPT};
        counts(100, lt_node_write(NULL, file, &write));
        expect_bytes(file, 77, 100, 'z');
        segs[0].len = st.block_size;
        got = 1;
    }
    lt_fs_pages_put(fs, segs, (size_t)got);
}

/* ---- Allocate -------------------------------------------------------------------------------- */

/* True if this file system has the mode at all. */
static bool can(uint32_t mode)
{
    struct lt_node *file = make_file(root, "can");
    put_bytes(file, 0, 65536, 1);
    uint64_t block = attr(file).block_size;
    int result = lt_node_allocate(NULL, file, mode, block, block);
    ok(try_remove(root, "can", 0));
    drop(file);
    return result != LT_EOPNOTSUPP;
}

TEST(allocate__reserves_and_grows)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    ok(lt_node_allocate(NULL, file, 0, 1000, 100000));
    assert_int_equal(attr(file).size, 101000);
    assert_true(attr(file).allocated >= 100000);
    expect_bytes(file, 0, 101000, 0);
    ok(lt_node_allocate(NULL, file, LT_FALLOC_KEEP_SIZE, 0, 1000000));
    assert_int_equal(attr(file).size, 101000);
    put_text(file, 500, "data stays");
    ok(lt_node_allocate(NULL, file, 0, 0, 101000));
    expect_text(file, 500, "data stays");
}

TEST(allocate__punches_holes_of_any_bytes)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    if (!can(LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE)) {
        skip();
    }
    put_bytes(file, 0, 100000, 7);
    uint64_t before = attr(file).allocated;
    ok(lt_node_allocate(NULL, file, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 10, 20));
    ok(lt_node_allocate(NULL, file, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 5000, 60000));
    ok(lt_node_allocate(NULL, file, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, 99999, 100000));
    expect_bytes(file, 0, 10, 7);
    expect_bytes(file, 10, 20, 0);
    expect_bytes(file, 30, 4970, 7);
    expect_bytes(file, 5000, 60000, 0);
    expect_bytes(file, 65000, 34999, 7);
    expect_bytes(file, 99999, 1, 0);
    assert_int_equal(attr(file).size, 100000);
    if (attr(file).block_size <= 16384) { /* then whole blocks lie in it */
        assert_true(attr(file).allocated < before);
    }
    fails(LT_EOPNOTSUPP, lt_node_allocate(NULL, file, LT_FALLOC_PUNCH_HOLE, 0, 10));
}

TEST(allocate__zeroes)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    if (!can(LT_FALLOC_ZERO)) {
        skip();
    }
    put_bytes(file, 0, 50000, 7);
    ok(lt_node_allocate(NULL, file, LT_FALLOC_ZERO, 100, 10000));
    expect_bytes(file, 0, 100, 7);
    expect_bytes(file, 100, 10000, 0);
    expect_bytes(file, 10100, 39900, 7);
    ok(lt_node_allocate(NULL, file, LT_FALLOC_ZERO, 49000, 2000));
    assert_int_equal(attr(file).size, 51000);
    ok(lt_node_allocate(NULL, file, LT_FALLOC_ZERO | LT_FALLOC_KEEP_SIZE, 50000, 20000));
    assert_int_equal(attr(file).size, 51000);
    expect_bytes(file, 49000, 2000, 0);
}

TEST(allocate__collapses_and_inserts)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    uint64_t block = attr(file).block_size;
    if (!can(LT_FALLOC_COLLAPSE) || !can(LT_FALLOC_INSERT)) {
        skip();
    }
    for (unsigned i = 0; i < 10; i++) {
        put_bytes(file, i * block, block, (unsigned char)('0' + i));
    }
    put_text(file, 10 * block, "tail");
    ok(lt_node_allocate(NULL, file, LT_FALLOC_COLLAPSE, 2 * block, 3 * block));
    assert_int_equal(attr(file).size, 7 * block + 4);
    expect_bytes(file, block, block, '1');
    expect_bytes(file, 2 * block, block, '5');
    expect_text(file, 7 * block, "tail");
    ok(lt_node_allocate(NULL, file, LT_FALLOC_INSERT, 2 * block, 2 * block));
    assert_int_equal(attr(file).size, 9 * block + 4);
    expect_bytes(file, block, block, '1');
    expect_bytes(file, 2 * block, 2 * block, 0);
    expect_bytes(file, 4 * block, block, '5');
    expect_text(file, 9 * block, "tail");
    fails(LT_EINVAL, lt_node_allocate(NULL, file, LT_FALLOC_COLLAPSE, 1, block));
    fails(LT_EINVAL, lt_node_allocate(NULL, file, LT_FALLOC_COLLAPSE, 0, block + 1));
    fails(LT_EINVAL,
          lt_node_allocate(NULL, file, LT_FALLOC_COLLAPSE, 9 * block, block)); /* reaches the end */
    fails(LT_EINVAL,
          lt_node_allocate(NULL, file, LT_FALLOC_INSERT, 20 * block, block)); /* behind the end */
    fails(LT_EINVAL, lt_node_allocate(NULL, file, LT_FALLOC_INSERT, 1, block));
    ok(set_size(file, (uint64_t)LT_SIZE_MAX & ~(block - 1)));
    fails(LT_EFBIG, lt_node_allocate(NULL, file, LT_FALLOC_INSERT, block, block));
    ok(set_size(file, 0));
}

TEST(allocate__errors)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    fails(LT_EINVAL, lt_node_allocate(NULL, file, 0, 0, 0));
    fails(LT_EFBIG, lt_node_allocate(NULL, file, 0, LT_SIZE_MAX, 10));
    int result = lt_node_allocate(NULL, file, 0x4000, 0, 10);
    assert_true(result == LT_EINVAL || result == LT_EOPNOTSUPP);
    result = lt_node_allocate(NULL, file, LT_FALLOC_COLLAPSE | LT_FALLOC_INSERT, 0, 4096);
    assert_true(result == LT_EINVAL || result == LT_EOPNOTSUPP);
    fails(LT_ENODEV, lt_node_allocate(NULL, make(root, "s", LT_S_IFSOCK | 0600), 0, 0, 10));
    result = lt_node_allocate(NULL, root, 0, 0, 10);
    assert_true(result == LT_ENODEV || result == LT_EISDIR);
    assert_int_equal(attr(file).size, 0);
    assert_int_equal(attr(file).allocated, 0);
}

TEST(allocate__by_an_ordinary_user_clears_set_ids)
{
    (void)state;
    struct lt_ctx user = {.uid = 1000, .gid = 1000};
    struct lt_node *from = make_file(root, "from");
    struct lt_node *file = make_file(root, "f");
    uint64_t done = 0;
    put_bytes(from, 0, 100, 1);
    ok(set_mode(file, 06777));
    ok(lt_node_allocate(NULL, file, 0, 0, 100));
    ok(lt_node_copy_range(NULL, from, 0, file, 0, 100, &done));
    assert_int_equal(attr(file).mode, LT_S_IFREG | 06777); /* root may */
    ok(lt_node_allocate(&user, file, 0, 0, 100));
    assert_int_equal(attr(file).mode, LT_S_IFREG | 0777);
    ok(set_mode(file, 06777));
    ok(lt_node_copy_range(&user, from, 0, file, 0, 100, &done));
    assert_int_equal(attr(file).mode, LT_S_IFREG | 0777);
}

/* ---- Seek ------------------------------------------------------------------------------------ */

TEST(seek__finds_data_and_holes)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    uint64_t block = attr(file).block_size;
    uint64_t at = 77;
    fails(LT_ENXIO, lt_node_seek(NULL, file, 0, LT_SEEK_DATA, &at));
    fails(LT_ENXIO, lt_node_seek(NULL, file, 0, LT_SEEK_HOLE, &at));
    put_bytes(file, 10 * block, block, 1);
    put_bytes(file, 1000 * block, 10, 1);
    ok(lt_node_seek(NULL, file, 0, LT_SEEK_DATA, &at));
    assert_true(at <= 10 * block);
    ok(lt_node_seek(NULL, file, 10 * block, LT_SEEK_DATA, &at));
    assert_int_equal(at, 10 * block);
    ok(lt_node_seek(NULL, file, 10 * block + 5, LT_SEEK_DATA, &at));
    assert_int_equal(at, 10 * block + 5);
    ok(lt_node_seek(NULL, file, 10 * block, LT_SEEK_HOLE, &at));
    assert_true(at >= 11 * block);
    ok(lt_node_seek(NULL, file, 1000 * block + 5, LT_SEEK_HOLE, &at));
    assert_int_equal(at, 1000 * block + 10); /* the end */
    fails(LT_ENXIO, lt_node_seek(NULL, file, 1000 * block + 10, LT_SEEK_HOLE, &at));
    fails(LT_ENXIO, lt_node_seek(NULL, file, 1000 * block + 10, LT_SEEK_DATA, &at));
    fails(LT_ENXIO, lt_node_seek(NULL, file, UINT64_MAX, LT_SEEK_DATA, &at));
    fails(LT_EINVAL, lt_node_seek(NULL, file, 0, (enum lt_seek)9, &at));
    assert_int_equal(at, 1000 * block + 10);
}

TEST(seek__over_a_very_sparse_file)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    uint64_t at = 0;
    put_text(file, UINT64_C(1) << 60, "x");
    ok(lt_node_seek(NULL, file, 1 << 20, LT_SEEK_DATA, &at));
    assert_true(at <= UINT64_C(1) << 60 && at > (UINT64_C(1) << 60) - (1 << 21));
    ok(lt_node_seek(NULL, file, 1 << 20, LT_SEEK_HOLE, &at));
    assert_int_equal(at, 1 << 20);
}

/* ---- Copy ------------------------------------------------------------------------------------ */

static uint64_t copy(struct lt_node *from, uint64_t from_offset, struct lt_node *to,
                     uint64_t to_offset, uint64_t len)
{
    uint64_t total = 0;
    while (total < len) {
        uint64_t done = UINT64_MAX;
        ok(lt_node_copy_range(NULL, from, from_offset + total, to, to_offset + total, len - total,
                              &done));
        assert_true(done <= len - total);
        if (done == 0) {
            break;
        }
        total += done;
    }
    return total;
}

TEST(copy_range__between_and_within_files)
{
    (void)state;
    struct lt_node *a = make_file(root, "a");
    struct lt_node *b = make_file(root, "b");
    put_bytes(a, 0, 10000, 1);
    put_bytes(a, 10000, 10000, 2);
    put_bytes(a, 60000, 10000, 3);
    assert_int_equal(copy(a, 0, b, 0, 100000), 70000);
    assert_int_equal(attr(b).size, 70000);
    expect_bytes(b, 0, 10000, 1);
    expect_bytes(b, 20000, 40000, 0);
    expect_bytes(b, 60000, 10000, 3);
    assert_int_equal(copy(a, 9999, b, 12345, 3), 3);
    expect_bytes(b, 12345, 1, 1);
    expect_bytes(b, 12346, 2, 2);
    assert_int_equal(copy(a, 0, a, 100001, 5000), 5000);
    expect_bytes(a, 100001, 5000, 1);
    assert_int_equal(copy(a, 200000, b, 0, 10), 0);
    put_bytes(a, 0, 100, 9); /* copies are apart from then on */
    expect_bytes(b, 0, 100, 1);
}

TEST(copy_range__errors)
{
    (void)state;
    struct lt_node *a = make_file(root, "a");
    struct lt_node *b = make_file(root, "b");
    uint64_t done = 0;
    put_bytes(a, 0, 10000, 1);
    fails(LT_EINVAL, lt_node_copy_range(NULL, a, 0, a, 50, 100, &done));
    fails(LT_EINVAL, lt_node_copy_range(NULL, a, 50, a, 0, 100, &done));
    fails(LT_EFBIG, lt_node_copy_range(NULL, a, 0, b, LT_SIZE_MAX, 100, &done));
    int result = lt_node_copy_range(NULL, a, 0, root, 0, 10, &done);
    assert_true(result == LT_EISDIR || result == LT_EINVAL);
    result = lt_node_copy_range(NULL, root, 0, a, 0, 10, &done);
    assert_true(result == LT_EISDIR || result == LT_EINVAL);
    assert_int_equal(done, 0);
    assert_int_equal(attr(b).size, 0);
}

TEST(sync__of_everything)
{
    (void)state;
    struct lt_node *file = make_file(root, "f");
    put_text(file, 0, "x");
    ok(lt_node_sync(NULL, file, false));
    ok(lt_node_sync(NULL, file, true));
    ok(lt_node_sync(NULL, root, false));
    ok(lt_fs_sync(NULL, fs));
}
