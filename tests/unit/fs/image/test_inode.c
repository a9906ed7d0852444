// SPDX-License-Identifier: MIT
/* Records of objects and extents: every combination comes back as it was, and no bytes do harm. */
#include "../mem/random.h"

#include <fs/image/inode.h>
#include <lintel/fs.h>
#include <test.h>

static const struct img_inode plain = {
    .btime = {1700000000, 5},
    .mtime = {1700000000, 5},
    .ctime = {1700000000, 5},
    .atime = {1700000000, 5},
    .nlink = 1,
    .mode = LT_S_IFREG | 0644,
};

static void assert_time(struct lt_time a, struct lt_time b)
{
    assert_int_equal(a.sec, b.sec);
    assert_int_equal(a.nsec, b.nsec);
}

static void assert_inode(const struct img_inode *a, const struct img_inode *b)
{
    assert_time(a->btime, b->btime);
    assert_time(a->mtime, b->mtime);
    assert_time(a->ctime, b->ctime);
    assert_time(a->atime, b->atime);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->blocks, b->blocks);
    assert_int_equal(a->parent, b->parent);
    assert_int_equal(a->entry, b->entry);
    assert_int_equal(a->security, b->security);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->gid, b->gid);
    assert_int_equal(a->nlink, b->nlink);
    assert_int_equal(a->rdev, b->rdev);
    assert_int_equal(a->win_attrs, b->win_attrs);
    assert_int_equal(a->inode_flags, b->inode_flags);
    assert_int_equal(a->has, b->has);
    assert_int_equal(a->ea_size, b->ea_size);
    assert_int_equal(a->reparse_tag, b->reparse_tag);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->extent_len, b->extent_len);
    assert_memory_equal(a->extent, b->extent, a->extent_len);
}

/* Encodes and decodes it, in memory of exactly its length. */
static size_t round_trip(const struct img_inode *inode)
{
    uint8_t buf[IMG_INODE_MAX];
    struct img_inode back;
    size_t len = img_inode_encode(inode, buf);
    assert_true(len <= sizeof(buf));
    uint8_t *exact = test_malloc(len);
    memcpy(exact, buf, len);
    assert_int_equal(img_inode_decode(exact, len, &back), 0);
    test_free(exact);
    assert_inode(inode, &back);
    return len;
}

static void test_inode__a_plain_file_is_small(void **state)
{
    (void)state;
    /* flags, mode, btime */
    assert_int_equal(round_trip(&plain), 2 + 2 + 5 + 4);
    struct img_inode usual = plain;
    usual.parent = 70000;
    usual.entry = UINT64_C(0x1234567890abcd00);
    usual.size = 10000;
    usual.mtime.nsec += 3000000;
    usual.ctime = usual.mtime;
    usual.version = 3;
    assert_true(round_trip(&usual) < 40);
}

/* One change a bit of `which`, each of a field that may be absent. */
static void vary(struct img_inode *inode, unsigned which)
{
    inode->nlink = which & 0x1 ? 0 : 1;
    inode->uid = which & 0x2 ? UINT32_MAX - 1 : 0;
    inode->gid = which & 0x2 ? 7 : 0;
    inode->size = which & 0x4 ? LT_SIZE_MAX : 0;
    inode->win_attrs = which & 0x8 ? LT_WIN_SETTABLE : 0;
    inode->inode_flags = which & 0x10 ? LT_INODE_SETTABLE : 0;
    inode->rdev = which & 0x20 ? UINT32_MAX : 0;
    inode->version = which & 0x40 ? UINT64_MAX : 0;
    inode->parent = which & 0x80 ? UINT64_MAX : 0;
    inode->entry = which & 0x80 ? UINT64_MAX >> 1 : 0;
    inode->has = which & 0x100 ? 0xff : 0;
    inode->ea_size = which & 0x100 ? 65535 : 0;
    inode->reparse_tag = which & 0x100 ? UINT32_MAX : 0;
    inode->security = which & 0x100 ? UINT64_MAX : 0;
    inode->blocks = which & 0x200 ? UINT64_MAX : 0;
    inode->extent_len = which & 0x200 ? IMG_INLINE_EXTENT_MAX : 0;
    memset(inode->extent, 0x5a, inode->extent_len);
}

static void test_inode__every_combination_of_fields_round_trips(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 0x400; which++) {
        struct img_inode inode = plain;
        vary(&inode, which);
        round_trip(&inode);
    }
}

static void test_inode__every_combination_of_times_round_trips(void **state)
{
    (void)state;
    static const struct lt_time times[] = {
        {0, 0},
        {0, 999999999},
        {-1, 999999999},
        {1700000000, 5},
        {1700000000, 4},
        {1699999999, 999999999},
        {1700000001, 0},
        {INT64_MAX, 999999999},
        {INT64_MIN, 0},
        {INT64_C(9223372036), 854775807}, /* 2^63 - 1 nanoseconds */
        {INT64_C(-9223372037), 145224192},
        {INT64_C(9223372037), 0},
    };
    const size_t n = sizeof(times) / sizeof(times[0]);
    for (size_t i = 0; i < n * n * n * n; i++) {
        struct img_inode inode = plain;
        inode.btime = times[i % n];
        inode.mtime = times[i / n % n];
        inode.ctime = times[i / n / n % n];
        inode.atime = times[i / n / n / n];
        round_trip(&inode);
    }
}

static void test_inode__every_type_round_trips(void **state)
{
    (void)state;
    static const uint16_t types[] = {LT_S_IFREG, LT_S_IFDIR, LT_S_IFLNK,  LT_S_IFCHR,
                                     LT_S_IFBLK, LT_S_IFIFO, LT_S_IFSOCK, LT_S_STREAM};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct img_inode inode = plain;
        inode.mode = types[i] | LT_S_PERM;
        round_trip(&inode);
    }
}

static void test_inode__what_is_cut_short_or_too_long_is_damage(void **state)
{
    (void)state;
    struct img_inode inode = plain, back;
    uint8_t buf[IMG_INODE_MAX + 1];
    vary(&inode, 0x3ff);
    inode.mtime.sec = INT64_MAX;
    size_t len = img_inode_encode(&inode, buf);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(img_inode_decode(buf, i, &back), LT_EUCLEAN);
    buf[len] = 0;
    assert_int_equal(img_inode_decode(buf, len + 1, &back), LT_EUCLEAN);
}

static int decode_changed(struct img_inode inode)
{
    uint8_t buf[IMG_INODE_MAX];
    struct img_inode back;
    size_t len = img_inode_encode(&inode, buf);
    return img_inode_decode(buf, len, &back);
}

static void test_inode__impossible_values_are_damage(void **state)
{
    (void)state;
    struct img_inode inode = plain;
    inode.mode = 0644;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
    inode = plain;
    inode.mode = 0170000 | 0644;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
    inode = plain;
    inode.size = UINT64_C(1) << 63;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
    inode = plain;
    inode.has = 0x100;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
    inode = plain;
    inode.win_attrs = LT_WIN_DIRECTORY;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
    inode = plain;
    inode.btime.nsec = 1000000000;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
    inode = plain;
    inode.nlink = UINT32_MAX;
    assert_int_equal(decode_changed(inode), LT_EUCLEAN);
}

/* Whatever is read can be written again, and says the same. */
static void test_inode__random_bytes_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = 1;
    unsigned good = 0;
    for (unsigned i = 0; i < 300000; i++) {
        struct img_inode inode = plain, back;
        uint8_t buf[IMG_INODE_MAX];
        vary(&inode, (unsigned)random_below(&seed, 0x400));
        size_t len = img_inode_encode(&inode, buf);
        for (uint64_t n = random_below(&seed, 4); n > 0; n--)
            buf[random_below(&seed, len)] = (uint8_t)random_below(&seed, 256);
        if (img_inode_decode(buf, len, &back) < 0)
            continue;
        good++;
        round_trip(&back);
    }
    assert_true(good > 1000);
}

/* ---- Extents ------------------------------------------------------------------------------- */

static void extent_round_trip(const struct img_extent *extent, uint32_t check_size)
{
    struct img_extent back;
    size_t room = img_extent_room(extent, check_size);
    uint8_t *buf = test_malloc(room);
    size_t len = img_extent_encode(extent, check_size, buf);
    assert_true(len <= room);
    assert_int_equal(img_extent_decode(buf, len, check_size, &back), 0);
    assert_int_equal(extent->count, back.count);
    assert_int_equal(extent->block, back.block);
    assert_int_equal(extent->birth, back.birth);
    assert_int_equal(extent->unwritten, back.unwritten);
    if (check_size > 0 && !extent->unwritten)
        assert_memory_equal(extent->checks, back.checks, extent->count * check_size);
    else
        assert_null(back.checks);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(img_extent_decode(buf, i, check_size, &back), LT_EUCLEAN);
    test_free(buf);
}

static void test_extent__round_trips(void **state)
{
    (void)state;
    uint8_t checks[4 * IMG_CHECKED_BLOCKS_MAX];
    memset(checks, 0xc3, sizeof(checks));
    static const uint64_t blocks[] = {1, 127, 128, UINT64_C(1) << 47};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        struct img_extent e = {.count = 1, .block = blocks[i], .birth = blocks[i]};
        extent_round_trip(&e, 0);
        e.count = IMG_EXTENT_BLOCKS_MAX;
        extent_round_trip(&e, 0);
        e.unwritten = true;
        extent_round_trip(&e, 0);
        e.count = IMG_CHECKED_BLOCKS_MAX;
        extent_round_trip(&e, 4);
        e.unwritten = false;
        e.checks = checks;
        extent_round_trip(&e, 4);
    }
}

static void test_extent__impossible_values_are_damage(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct img_extent e = {.count = 0, .block = 5}, back;
    size_t len = img_extent_encode(&e, 0, buf);
    assert_int_equal(img_extent_decode(buf, len, 0, &back), LT_EUCLEAN);
    e = (struct img_extent){.count = 1, .block = 0};
    len = img_extent_encode(&e, 0, buf);
    assert_int_equal(img_extent_decode(buf, len, 0, &back), LT_EUCLEAN);
    e = (struct img_extent){.count = IMG_EXTENT_BLOCKS_MAX + 1, .block = 5};
    len = img_extent_encode(&e, 0, buf);
    assert_int_equal(img_extent_decode(buf, len, 0, &back), LT_EUCLEAN);
    e = (struct img_extent){.count = 65, .block = 5, .unwritten = true};
    len = img_extent_encode(&e, 4, buf);
    assert_int_equal(img_extent_decode(buf, len, 4, &back), LT_EUCLEAN);
    e = (struct img_extent){.count = 2, .block = UINT64_MAX};
    len = img_extent_encode(&e, 0, buf);
    assert_int_equal(img_extent_decode(buf, len, 0, &back), LT_EUCLEAN);
    e = (struct img_extent){.count = 2, .block = 9};
    len = img_extent_encode(&e, 0, buf);
    buf[0] |= 2;
    assert_int_equal(img_extent_decode(buf, len, 0, &back), LT_EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inode__a_plain_file_is_small),
        cmocka_unit_test(test_inode__every_combination_of_fields_round_trips),
        cmocka_unit_test(test_inode__every_combination_of_times_round_trips),
        cmocka_unit_test(test_inode__every_type_round_trips),
        cmocka_unit_test(test_inode__what_is_cut_short_or_too_long_is_damage),
        cmocka_unit_test(test_inode__impossible_values_are_damage),
        cmocka_unit_test(test_inode__random_bytes_do_no_harm),
        cmocka_unit_test(test_extent__round_trips),
        cmocka_unit_test(test_extent__impossible_values_are_damage),
    };
    return cmocka_run_group_tests_name("inode", tests, NULL, NULL);
}
