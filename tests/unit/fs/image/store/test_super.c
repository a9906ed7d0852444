// SPDX-License-Identifier: MIT
/* Superblocks: bytes, finding the newest, and everything that may be wrong with them. */
#include <device/memory.h>
#include <device/sim.h>
#include <fs/image/store/block.h>
#include <fs/image/store/store.h>
#include <stdlib.h>
#include <test.h>

#define MIB (UINT64_C(1) << 20)

static struct lt_device *dev;

static struct img_store_format plain(uint64_t size, uint32_t block_size)
{
    return (struct img_store_format){.size = size, .block_size = block_size};
}

static void format(uint64_t size, uint32_t block_size)
{
    struct img_store_format f = plain(size, block_size);
    struct lt_diag diag;
    assert_int_equal(lt_device_open_sim(size, &dev), 0);
    assert_int_equal(img_store_format(dev, &f, &diag), 0);
}

static void read_super(struct img_super *ret)
{
    struct lt_diag diag = {""};
    int r = img_super_read(dev, ret, &diag);
    if (r < 0)
        fail_msg("%s", diag.text);
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static void test_super__has_its_fields_where_the_format_says(void **state)
{
    (void)state;
    struct img_super super;
    uint8_t bytes[IMG_SUPER_SIZE];
    format(64 * MIB, 8192);
    read_super(&super);
    super.generation = UINT64_C(0x0102030405060708) / 64;
    super.nodes = 5;
    super.clean = false;
    img_super_encode(&super, bytes);
    assert_memory_equal(bytes, "Lintel\x1a\n", 8);
    assert_memory_equal(bytes + 24, "\x01\0\0\0\x0d\x01\0\0", 8);
    assert_memory_equal(bytes + 88, &super.generation, 8); /* le64 */
    assert_memory_equal(bytes + 104, "\0\x20\0\0\0\0\0\0", 8);
    assert_memory_equal(bytes + 128, "\x04\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0", 16);
    assert_memory_equal(bytes + 160, "\x10\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", 16);
    for (size_t i = 213; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
    struct img_super again;
    assert_int_equal(img_super_decode(bytes, 0, &again, NULL), 0);
    uint8_t bytes_again[IMG_SUPER_SIZE];
    img_super_encode(&again, bytes_again);
    assert_memory_equal(bytes_again, bytes, sizeof(bytes));
    lt_device_close(dev);
}

static void test_super__notices_every_flipped_bit(void **state)
{
    (void)state;
    struct img_super super, other;
    uint8_t bytes[IMG_SUPER_SIZE];
    format(MIB, 4096);
    read_super(&super);
    img_super_encode(&super, bytes);
    for (unsigned bit = 0; bit < 8 * sizeof(bytes); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_true(img_super_decode(bytes, 0, &other, NULL) < 0);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    lt_device_close(dev);
}

/* A field with a value that cannot be, under a check that is right. */
struct wrong {
    size_t at, len;
    uint64_t value;
    int error;
};

static void test_super__refuses_what_cannot_be(void **state)
{
    (void)state;
    static const struct wrong wrongs[] = {
        {0, 1, 'l', LT_EINVAL},
        {24, 4, 2, LT_EOPNOTSUPP},
        {28, 1, 11, LT_EUCLEAN},
        {28, 1, 17, LT_EUCLEAN},
        {28, 1, 255, LT_EUCLEAN},
        {28, 1, 16, LT_EUCLEAN},
        {29, 1, 2, LT_EOPNOTSUPP},
        {30, 1, 16, LT_EOPNOTSUPP},
        {31, 1, 2, LT_EUCLEAN},
        {48, 8, 1, LT_EOPNOTSUPP},
        {88, 8, 0, LT_EUCLEAN},
        {88, 8, UINT64_MAX, LT_EUCLEAN},
        {104, 8, 0, LT_EUCLEAN},
        {104, 8, 1 << 20, LT_EUCLEAN},
        {104, 8, UINT64_MAX, LT_EUCLEAN},
        {112, 8, 256, LT_EUCLEAN},
        {120, 8, 1, LT_EUCLEAN},
        {128, 8, 0, LT_EUCLEAN},
        {128, 8, 3, LT_EUCLEAN},
        {128, 8, 250, LT_EUCLEAN},
        {128, 8, UINT64_MAX, LT_EUCLEAN},
        {136, 8, 15, LT_EUCLEAN},
        {136, 8, UINT64_MAX - 3, LT_EUCLEAN},
        {144, 8, 16, LT_EUCLEAN},
        {152, 8, UINT64_MAX, LT_EUCLEAN},
        {160, 8, UINT64_MAX, LT_EUCLEAN},
        {168, 8, 17, LT_EUCLEAN},
        {184, 8, 257, LT_EUCLEAN},
        {200, 4, 1000000000, LT_EUCLEAN},
        {208, 4, 2, LT_EUCLEAN},
        {212, 1, 1, LT_EUCLEAN},
    };
    struct img_super super, other;
    uint8_t bytes[IMG_SUPER_SIZE];
    format(MIB, 4096);
    read_super(&super);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const struct wrong *w = &wrongs[i];
        struct lt_diag diag = {""};
        img_super_encode(&super, bytes);
        memcpy(bytes + w->at, &w->value, w->len);
        img_check_seal(bytes, sizeof(bytes));
        assert_int_equal(img_super_decode(bytes, MIB, &other, &diag), w->error);
        assert_true(diag.text[0]);
    }
    lt_device_close(dev);
}

static void test_super__refuses_a_device_that_is_cut_short(void **state)
{
    (void)state;
    struct img_super super, other;
    struct lt_diag diag = {""};
    format(MIB, 4096);
    read_super(&super);
    assert_int_equal(lt_device_resize(dev, MIB - 1), 0);
    assert_int_equal(img_super_read(dev, &other, &diag), LT_EUCLEAN);
    assert_non_null(strstr(diag.text, "cut short"));
    assert_int_equal(lt_device_resize(dev, 0), 0);
    assert_int_equal(img_super_read(dev, &other, &diag), LT_EINVAL);
    lt_device_close(dev);
}

/* ---- Which one counts ---------------------------------------------------------------------- */

static void wipe(uint64_t offset)
{
    static const uint8_t rubbish[IMG_SUPER_SIZE] = {1, 2, 3};
    assert_int_equal(lt_device_put(dev, offset, rubbish, sizeof(rubbish)), 0);
}

static void test_super__the_newer_of_two_counts(void **state)
{
    (void)state;
    struct img_super super, found;
    format(MIB, 4096);
    read_super(&super);
    assert_int_equal(super.generation, 2);
    for (uint64_t generation = 3; generation < 7; generation++) {
        super.generation = generation;
        assert_int_equal(img_super_write(dev, &super), 0);
        read_super(&found);
        assert_int_equal(found.generation, generation);
    }
    wipe(0);
    read_super(&found);
    assert_int_equal(found.generation, 5);
    wipe(4096);
    assert_int_equal(img_super_read(dev, &found, NULL), LT_EINVAL);
    lt_device_close(dev);
}

static void test_super__the_second_is_found_with_every_block_size(void **state)
{
    (void)state;
    for (uint32_t size = 4096; size <= 65536; size *= 2) {
        struct img_super found;
        format(16 * MIB, size);
        wipe(0);
        read_super(&found);
        assert_int_equal(found.block_size, size);
        assert_int_equal(found.generation, 1);
        lt_device_close(dev);
    }
}

static void test_super__of_another_image_does_not_count(void **state)
{
    (void)state;
    struct img_super super, found;
    format(MIB, 4096);
    read_super(&super);
    super.uuid[0] ^= 1;
    super.generation = 9;
    assert_int_equal(img_super_write(dev, &super), 0);
    read_super(&found);
    assert_int_equal(found.generation, 2);
    lt_device_close(dev);
}

static void test_super__a_damaged_one_may_have_been_the_newer(void **state)
{
    (void)state;
    for (uint64_t block = 0; block < 2; block++) {
        const struct img_store_options options = {.read_only = true, .cache = MIB};
        struct img_store *store;
        struct lt_diag diag = {""};
        struct img_super found;
        format(MIB, 4096);
        assert_int_equal(img_super_read_both(dev, &found, &diag), 0);
        wipe(4096 * block);
        assert_int_equal(img_super_read(dev, &found, &diag), 0);
        assert_int_equal(img_super_read_both(dev, &found, &diag), LT_EUCLEAN);
        assert_int_equal(img_store_open(dev, &options, &store, &diag), LT_EUCLEAN);
        assert_non_null(strstr(diag.text, "lintel check"));
        lt_device_close(dev);
    }
}

static void test_format__leaves_nothing_of_an_image_with_other_blocks(void **state)
{
    (void)state;
    struct img_super found;
    struct img_store_format f = plain(16 * MIB, 4096);
    format(16 * MIB, 8192);
    assert_int_equal(img_store_format(dev, &f, NULL), 0);
    wipe(0);
    wipe(4096);
    assert_int_equal(img_super_read(dev, &found, NULL), LT_EINVAL);
    lt_device_close(dev);
}

/* ---- Formatting ---------------------------------------------------------------------------- */

static void test_format__refuses_what_cannot_be(void **state)
{
    (void)state;
    static const struct img_store_format bad[] = {
        {.size = MIB, .block_size = 2048},
        {.size = MIB, .block_size = 131072},
        {.size = MIB, .block_size = 5000},
        {.size = MIB / 16, .block_size = 4096},
        {.size = MIB, .block_size = 65536},
        {.size = MIB, .block_size = 4096, .log_size = MIB},
        {.size = MIB, .block_size = 4096, .data_check_size = 16},
        {.size = UINT64_C(1) << 60, .block_size = 4096},
    };
    assert_int_equal(lt_device_open_sim(MIB, &dev), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct lt_diag diag = {""};
        assert_int_equal(img_store_format(dev, &bad[i], &diag), LT_EINVAL);
        assert_true(diag.text[0]);
        assert_int_equal(lt_sim_time(dev), 0);
    }
    lt_device_close(dev);
}

static void test_format__counts_blocks_as_the_bitmaps_will(void **state)
{
    (void)state;
    const uint64_t group = 32256;
    static const struct {
        uint64_t blocks, counted, groups;
    } cases[] = {{256, 256, 1}, {32256, 32256, 1}, {32263, 32256, 1}, {32264, 32264, 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct img_super super;
        assert_int_equal(img_group_blocks(4096), group);
        format(cases[i].blocks * 4096 + 100, 4096);
        read_super(&super);
        assert_int_equal(super.blocks, cases[i].counted);
        assert_int_equal(super.free_blocks,
                         super.blocks - 2 - super.log_blocks - 2 * cases[i].groups);
        lt_device_close(dev);
    }
}

static void test_format__writes_next_to_nothing(void **state)
{
    (void)state;
    format(MIB * 10240, 4096);
    assert_in_range(lt_sim_time(dev), 3, 4); /* perhaps a discard, two superblocks, a flush */
    lt_device_close(dev);
}

static void test_format__ioerr(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (uint64_t n = 1; n < 20; n++) {
        struct img_store_format f = plain(MIB, 4096);
        assert_int_equal(lt_device_open_sim(MIB, &dev), 0);
        lt_sim_fail(dev, n, LT_EIO, false);
        failures += img_store_format(dev, &f, NULL) < 0;
        lt_device_close(dev);
    }
    assert_int_equal(failures, 4 + 3); /* looks for others, two superblocks, flush; not discard */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_super__has_its_fields_where_the_format_says),
        cmocka_unit_test(test_super__notices_every_flipped_bit),
        cmocka_unit_test(test_super__refuses_what_cannot_be),
        cmocka_unit_test(test_super__refuses_a_device_that_is_cut_short),
        cmocka_unit_test(test_super__the_newer_of_two_counts),
        cmocka_unit_test(test_super__the_second_is_found_with_every_block_size),
        cmocka_unit_test(test_super__of_another_image_does_not_count),
        cmocka_unit_test(test_super__a_damaged_one_may_have_been_the_newer),
        cmocka_unit_test(test_format__leaves_nothing_of_an_image_with_other_blocks),
        cmocka_unit_test(test_format__refuses_what_cannot_be),
        cmocka_unit_test(test_format__counts_blocks_as_the_bitmaps_will),
        cmocka_unit_test(test_format__writes_next_to_nothing),
        cmocka_unit_test(test_format__ioerr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
