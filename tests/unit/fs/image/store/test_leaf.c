// SPDX-License-Identifier: MIT
/* Pages of records: what is changed in them, and what is not accepted of them. */
#include <fs/image/store/leaf.h>
#include <lintel/error.h>
#include <string.h>
#include <test.h>

#define SIZE 4096u
#define HEADS 170u

/* A page with all that it needs. */
struct page {
    struct img_leaf leaf;
    uint32_t heads[HEADS];
    uint8_t bytes[SIZE];
};

static uint8_t scratch[SIZE];

static void page_init(struct page *page, unsigned heads)
{
    *page = (struct page){
        .leaf = {.page = page->bytes, .heads = page->heads, .heads_max = heads, .size = SIZE}};
    img_leaf_clear(&page->leaf);
}

/* Adds an item at the end. */
static bool add(struct page *page, struct img_key key, const char *value)
{
    struct img_key_bytes bytes = img_key_encode(key);
    if (!img_leaf_fits(&page->leaf, &bytes, strlen(value)))
        return false;
    uint8_t *room = img_leaf_insert(&page->leaf, page->leaf.count, &bytes, strlen(value), scratch);
    memcpy(room, value, strlen(value));
    return true;
}

static int check(struct page *page, uint8_t level)
{
    static const struct img_key_bytes low;
    struct img_leaf_limits limits = {.level = level, .low = &low};
    return img_leaf_check(&page->leaf, &limits);
}

static struct img_block_header *header(struct page *page)
{
    return (struct img_block_header *)page->bytes;
}

static void set_slot(struct page *page, unsigned i, unsigned offset)
{
    struct lt_le16 slot = lt_put_le16((uint16_t)offset);
    memcpy(page->bytes + 64 + page->leaf.prefix + (size_t)i * 2, slot.b, 2);
}

static unsigned slot(const struct page *page, unsigned i)
{
    struct lt_le16 slot;
    memcpy(slot.b, page->bytes + 64 + page->leaf.prefix + (size_t)i * 2, 2);
    return lt_get_le16(slot);
}

/* ---- Keys ---------------------------------------------------------------------------------- */

static void test_leaf__keys_are_strings_that_compare_alike(void **state)
{
    (void)state;
    const struct img_key keys[] = {
        {0, 0, 0},   {0, 1, 0},    {0, 0, 1},          {1, 0, 0},
        {255, 9, 3}, {256, 1, 10}, {UINT64_MAX, 7, 8}, {UINT64_MAX, UINT64_MAX, 255},
    };
    for (unsigned i = 0; i < 8; i++) {
        struct img_key_bytes a = img_key_encode(keys[i]);
        assert_int_equal(img_key_compare(img_key_decode(&a), keys[i]), 0);
        for (unsigned k = 0; k < 8; k++) {
            struct img_key_bytes b = img_key_encode(keys[k]);
            int bytes = memcmp(a.b, b.b, IMG_KEY_BYTES);
            int order = img_key_compare(keys[i], keys[k]);
            assert_int_equal((bytes > 0) - (bytes < 0), order);
            if (order < 0) {
                struct img_key_bytes between = img_key_between(&a, &b);
                assert_true(memcmp(a.b, between.b, sizeof(a.b)) < 0);
                assert_true(memcmp(between.b, b.b, sizeof(b.b)) <= 0);
            }
        }
    }
}

/* ---- Changing ------------------------------------------------------------------------------ */

static void test_leaf__bytes_are_as_the_format_says(void **state)
{
    (void)state;
    struct page page;
    page_init(&page, HEADS);
    assert_true(add(&page, img_key(0x1122, 1, 0), "ab"));
    assert_true(add(&page, img_key(0x1123, 2, 0x1000000000000000), ""));
    img_leaf_finish(&page.leaf, 0);
    assert_int_equal(page.bytes[5], 0);
    assert_memory_equal(page.bytes + 6, "\x02\0", 2);
    assert_int_equal(page.bytes[50], 7);
    assert_memory_equal(page.bytes + 64, "\0\0\0\0\0\0\x11", 7);
    assert_memory_equal(page.bytes + slot(&page, 0),
                        "\x02\x02\x22\x01"
                        "ab",
                        6);
    assert_memory_equal(page.bytes + slot(&page, 1), "\x03\0\x23\x02\x10", 5);
    unsigned heap = page.bytes[48] + page.bytes[49] * 256u;
    assert_int_equal(heap, SIZE - 11);
}

/* As many records as fit, with room for heads or without, are found again. */
static void run_full(unsigned heads)
{
    struct page page, copy;
    page_init(&page, heads);
    uint64_t count = 0;
    while (add(&page, img_key(UINT64_C(0x123456) * count, (uint8_t)count, count << 40), "value"))
        count++;
    assert_true(count > 170 && img_leaf_free(&page.leaf) < 26);
    img_leaf_finish(&page.leaf, 0);
    page_init(&copy, heads);
    memcpy(copy.bytes, page.bytes, SIZE);
    assert_int_equal(check(&copy, 0), 0);
    assert_int_equal(copy.leaf.live, page.leaf.live);
    for (uint64_t i = 0; i < count; i++) {
        struct img_key_bytes key =
            img_key_encode(img_key(UINT64_C(0x123456) * i, (uint8_t)i, i << 40));
        bool found;
        assert_int_equal(img_leaf_search(&copy.leaf, &key, &found), i);
        assert_true(found);
        key.b[16] = 1;
        assert_int_equal(img_leaf_search(&copy.leaf, &key, &found), i + 1);
        assert_false(found);
    }
    while (copy.leaf.count > 0) { /* heads come to be when there is room for them */
        img_leaf_remove(&copy.leaf, copy.leaf.count / 2);
        struct img_key_bytes key;
        bool found;
        for (unsigned i = 0; i < copy.leaf.count; i += 7) {
            img_leaf_key(&copy.leaf, i, &key);
            assert_int_equal(img_leaf_search(&copy.leaf, &key, &found), i);
            assert_true(found);
        }
    }
    assert_int_equal(copy.leaf.live, 0);
    assert_int_equal(img_leaf_free(&copy.leaf), SIZE - 64);
}

static void test_leaf__finds_all_that_it_holds(void **state)
{
    (void)state;
    run_full(HEADS);
    run_full(50);
    run_full(0);
}

static void test_leaf__values_change_their_length(void **state)
{
    (void)state;
    struct page page;
    char value[200];
    page_init(&page, HEADS);
    for (uint64_t i = 0; i < 15; i++)
        assert_true(add(&page, img_key(i, 1, 0), "0123456789"));
    for (unsigned round = 0; round < 400; round++) {
        unsigned i = round % 15;
        size_t len = round * 37 % 190, back;
        assert_true(img_leaf_fits_at(&page.leaf, i, len));
        memset(value, (int)i, sizeof(value));
        memcpy(img_leaf_resize(&page.leaf, i, len, scratch), value, len);
        const uint8_t *now = img_leaf_value(&page.leaf, i, &back);
        assert_int_equal(back, len);
        assert_memory_equal(now, value, len);
        img_leaf_finish(&page.leaf, 0);
        struct page copy = page;
        copy.leaf.page = copy.bytes;
        copy.leaf.heads = copy.heads;
        assert_int_equal(check(&copy, 0), 0);
        assert_int_equal(copy.leaf.live, page.leaf.live);
    }
}

static void test_leaf__records_move(void **state)
{
    (void)state;
    struct page a, b;
    page_init(&a, HEADS);
    page_init(&b, HEADS);
    for (uint64_t i = 0; i < 60; i++) {
        assert_true(add(&a, img_key(i, 1, 0), "left"));
        assert_true(add(&b, img_key(UINT64_C(1) << 40, 2, i), "right"));
    }
    assert_true(img_leaf_fits_from(&b.leaf, &a.leaf, 50, 10));
    img_leaf_move_last(&b.leaf, &a.leaf, 10, scratch);
    img_leaf_move_first(&a.leaf, &b.leaf, 15, scratch);
    assert_int_equal(a.leaf.count, 65);
    assert_int_equal(b.leaf.count, 55);
    img_leaf_finish(&a.leaf, 0);
    img_leaf_finish(&b.leaf, 0);
    assert_int_equal(check(&a, 0), 0);
    assert_int_equal(check(&b, 0), 0);
    assert_true(img_leaf_tighten(&b.leaf, scratch));
    assert_false(img_leaf_tighten(&b.leaf, scratch));
    assert_int_equal(b.leaf.prefix, 16);
    for (uint64_t i = 0; i < 60; i++) { /* the prefix of b would be lost to all its records */
        if (!add(&b, img_key(UINT64_C(1) << 40, 3, i), "0123456789012345678901234567890123"))
            break;
    }
    assert_true(img_leaf_free(&b.leaf) > 100 || b.leaf.count < 115);
    assert_false(img_leaf_fits_from(&b.leaf, &a.leaf, 0, 65));
}

/* ---- Pages that are not accepted ----------------------------------------------------------- */

/* Three records, finished. */
static void good(struct page *page)
{
    page_init(page, HEADS);
    assert_true(add(page, img_key(5, 1, 0), "first"));
    assert_true(add(page, img_key(6, 1, 0), "second"));
    assert_true(add(page, img_key(7, 1, 9), "third"));
    img_leaf_finish(&page->leaf, 0);
}

static void test_leaf__check_refuses_slots_that_lead_astray(void **state)
{
    (void)state;
    struct page page;
    const unsigned offsets[] = {0, 63, 64, 72, SIZE - 1, SIZE, 65535};
    for (unsigned i = 0; i < 7; i++) {
        good(&page);
        set_slot(&page, 1, offsets[i]);
        assert_int_equal(check(&page, 0), LT_EUCLEAN);
    }
    good(&page);
    set_slot(&page, 1, slot(&page, 0)); /* the same record twice */
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    unsigned first = slot(&page, 0);
    set_slot(&page, 0, slot(&page, 1));
    set_slot(&page, 1, first);
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
}

static void test_leaf__check_refuses_records_that_overlap(void **state)
{
    (void)state;
    struct page page;
    good(&page);
    page.bytes[slot(&page, 2) + 1]++; /* its value reaches into the record behind it */
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    page.bytes[slot(&page, 0) + 1]++; /* beyond the end of the page */
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    page.bytes[slot(&page, 1)] = 18;
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
}

static void test_leaf__check_refuses_headers_that_lie(void **state)
{
    (void)state;
    struct page page;
    good(&page);
    header(&page)->prefix = 18;
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    header(&page)->count = lt_put_le16(0);
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    header(&page)->count = lt_put_le16(UINT16_MAX);
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    header(&page)->heap = lt_put_le16(64);
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    header(&page)->heap = lt_put_le16(SIZE - 1);
    assert_int_equal(check(&page, 0), LT_EUCLEAN);
    good(&page);
    assert_int_equal(check(&page, 1), LT_EUCLEAN);
    header(&page)->level = 1; /* values of an inner node have 16 bytes */
    assert_int_equal(check(&page, 1), LT_EUCLEAN);
}

static void test_leaf__check_refuses_keys_of_others(void **state)
{
    (void)state;
    struct page page;
    struct img_key_bytes low = img_key_encode(img_key(5, 1, 0));
    struct img_key_bytes high = img_key_encode(img_key(7, 1, 10));
    struct img_leaf_limits limits = {.low = &low, .high = &high};
    good(&page);
    assert_int_equal(img_leaf_check(&page.leaf, &limits), 0);
    high = img_key_encode(img_key(7, 1, 9));
    assert_int_equal(img_leaf_check(&page.leaf, &limits), LT_EUCLEAN);
    limits.high = NULL;
    low = img_key_encode(img_key(5, 1, 1));
    assert_int_equal(img_leaf_check(&page.leaf, &limits), LT_EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf__keys_are_strings_that_compare_alike),
        cmocka_unit_test(test_leaf__bytes_are_as_the_format_says),
        cmocka_unit_test(test_leaf__finds_all_that_it_holds),
        cmocka_unit_test(test_leaf__values_change_their_length),
        cmocka_unit_test(test_leaf__records_move),
        cmocka_unit_test(test_leaf__check_refuses_slots_that_lead_astray),
        cmocka_unit_test(test_leaf__check_refuses_records_that_overlap),
        cmocka_unit_test(test_leaf__check_refuses_headers_that_lie),
        cmocka_unit_test(test_leaf__check_refuses_keys_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
