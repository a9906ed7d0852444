// SPDX-License-Identifier: MIT
/* Checks and headers of metadata blocks. */
#include <fs/image/store/block.h>
#include <test.h>

static const struct img_block_id id = {
    .volume = 0x1122334455667788, .block = 77, .birth = 5, .kind = IMG_BLOCK_BITMAP};

static uint8_t page[IMG_BLOCK_SIZE_MIN];

static void fill(void)
{
    for (size_t i = 0; i < sizeof(page); i++)
        page[i] = (uint8_t)(i * 7);
    img_block_seal(page, sizeof(page), &id);
}

static void test_block__has_its_fields_where_the_format_says(void **state)
{
    (void)state;
    fill();
    assert_memory_equal(page, "Ltlb\x02", 5);
    assert_memory_equal(page + 24, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
    assert_memory_equal(page + 32, "\x4d\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", 16);
    assert_memory_equal(page + 12, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    assert_memory_equal(page + 51, "\0\0\0\0\0\0\0\0\0\0\0\0\0", 13);
}

static void test_block__notices_every_changed_byte(void **state)
{
    (void)state;
    fill();
    assert_int_equal(img_block_verify(page, sizeof(page), &id), 0);
    for (size_t i = 0; i < sizeof(page); i++) {
        page[i] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(img_block_verify(page, sizeof(page), &id), LT_EUCLEAN);
        page[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(img_block_verify(page, sizeof(page), &id), 0);
}

static void test_block__is_no_other(void **state)
{
    (void)state;
    fill();
    struct img_block_id other = id;
    other.volume++;
    assert_int_equal(img_block_verify(page, sizeof(page), &other), LT_EUCLEAN);
    other = id;
    other.block++;
    assert_int_equal(img_block_verify(page, sizeof(page), &other), LT_EUCLEAN);
    other = id;
    other.birth++;
    assert_int_equal(img_block_verify(page, sizeof(page), &other), LT_EUCLEAN);
    other = id;
    other.kind = IMG_BLOCK_NODE;
    assert_int_equal(img_block_verify(page, sizeof(page), &other), LT_EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block__has_its_fields_where_the_format_says),
        cmocka_unit_test(test_block__notices_every_changed_byte),
        cmocka_unit_test(test_block__is_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
