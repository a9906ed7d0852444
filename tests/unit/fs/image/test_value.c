// SPDX-License-Identifier: MIT
#include <device/memory.h>
#include <fault.h>
#include <fs/image/hashed.h>
#include <fs/image/kinds.h>
#include <fs/image/value.h>
#include <stdlib.h>
#include <test.h>

#define VALUE_MAX 70000u

static struct img_store *store;
static uint8_t bytes[VALUE_MAX];
static const struct img_key first = {.id = 77, .kind = IMG_EA, .off = 512};

static int set_up(void **state)
{
    const struct img_store_format format = {.size = 16u << 20, .block_size = 4096};
    const struct img_store_options options = {.sync = IMG_SYNC_NONE, .cache = 16u << 20};
    struct lt_diag diag = {""};
    struct lt_device *dev;
    (void)state;
    assert_int_equal(lt_device_open_memory(format.size, &dev), 0);
    assert_int_equal(img_store_format(dev, &format, &diag), 0);
    assert_int_equal(img_store_open(dev, &options, &store, &diag), 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return img_store_close(store);
}

static int put(struct img_key key, size_t len)
{
    struct img_txn txn;
    int r = img_begin(store, IMG_LONG, &txn);
    if (r)
        return r;
    return img_end(&txn, img_value_put(&txn, key, bytes, len));
}

static int put_item(struct img_key key, size_t len)
{
    struct img_txn txn;
    int r = img_begin(store, IMG_GROW, &txn);
    if (r)
        return r;
    return img_end(&txn, img_put(&txn, key, bytes, len));
}

static int delete_value(struct img_key key)
{
    struct img_txn txn;
    int r = img_begin(store, IMG_SHRINK, &txn);
    if (r)
        return r;
    return img_end(&txn, img_value_delete(&txn, key));
}

static int delete_item(struct img_key key)
{
    struct img_txn txn;
    int r = img_begin(store, IMG_SHRINK, &txn);
    if (r)
        return r;
    return img_end(&txn, img_delete(&txn, key));
}

static int get(struct img_key key, size_t max, uint8_t **ret, size_t *ret_len)
{
    img_read_lock(store);
    int r = img_value_get(store, key, max, ret, ret_len);
    img_read_unlock(store);
    return r;
}

static void expect(struct img_key key, size_t len)
{
    uint8_t *value;
    size_t value_len;
    assert_int_equal(get(key, len, &value, &value_len), 0);
    assert_int_equal(value_len, len);
    assert_memory_equal(value, bytes, len);
    free(value);
}

static struct img_key behind(struct img_key key, uint64_t n)
{
    key.off += n;
    return key;
}

static size_t count_items(void)
{
    struct img_key key = img_key(0, 0, 0);
    const void *value;
    size_t len, count = 0;
    img_read_lock(store);
    for (; img_next(store, &key, &value, &len) == 0; key.off++)
        count += key.kind != IMG_SPACE;
    img_read_unlock(store);
    return count;
}

static void test_value__any_length_comes_back(void **state)
{
    static const size_t lengths[] = {0, 1, 1023, 1024, 1025, 2047, 2048, 2049, 65536, 65792};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        assert_int_equal(put(first, lengths[i]), 0);
        expect(first, lengths[i]);
        assert_int_equal(count_items(), lengths[i] ? (lengths[i] + 1023) / 1024 : 1);
    }
}

static void test_value__replaced_leaves_no_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i <= 5; i++) {
        assert_int_equal(put(first, 5000), 0);
        assert_int_equal(put(first, i * 1024), 0);
        expect(first, i * 1024);
        assert_int_equal(count_items(), i ? i : 1);
    }
    assert_int_equal(delete_value(first), 0);
    assert_int_equal(count_items(), 0);
    assert_int_equal(delete_value(first), LT_ENOENT);
}

static void test_value__neighbours_are_left_alone(void **state)
{
    (void)state;
    struct img_key other = first, next = behind(first, 256);
    other.id++;
    assert_int_equal(put(next, 3000), 0);
    assert_int_equal(put(other, 3000), 0);
    assert_int_equal(put(first, 65792), 0);
    expect(next, 3000);
    assert_int_equal(delete_value(first), 0);
    expect(next, 3000);
    expect(other, 3000);
}

static void test_value__too_long_or_missing(void **state)
{
    uint8_t *value = NULL;
    size_t len;
    (void)state;
    assert_int_equal(get(first, 10, &value, &len), LT_ENOENT);
    assert_int_equal(put(first, 4000), 0);
    assert_int_equal(get(first, 3999, &value, &len), LT_EUCLEAN);
    assert_int_equal(get(first, 0, &value, &len), LT_EUCLEAN);
    assert_null(value);
}

static void test_value__hostile_pieces(void **state)
{
    uint8_t *value = NULL;
    size_t len;
    (void)state;
    assert_int_equal(put_item(first, 1025), 0); /* longer than a piece can be */
    assert_int_equal(get(first, VALUE_MAX, &value, &len), LT_EUCLEAN);
    assert_int_equal(put(first, 4000), 0);
    assert_int_equal(put_item(behind(first, 1), 1500), 0);
    assert_int_equal(get(first, VALUE_MAX, &value, &len), LT_EUCLEAN);
    assert_int_equal(put(first, 4000), 0);
    assert_int_equal(delete_item(behind(first, 2)), 0); /* what is left is a value, a shorter one */
    expect(first, 2048);
    assert_int_equal(delete_item(first), 0);
    assert_int_equal(get(first, VALUE_MAX, &value, &len), LT_ENOENT);
    assert_null(value);
}

static void test_value__pieces_without_end(void **state)
{
    uint8_t *value;
    size_t len;
    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(put_item(behind(first, i), 1024), 0);
    assert_int_equal(get(first, 65536, &value, &len), LT_EUCLEAN);
    assert_int_equal(delete_value(first), LT_EUCLEAN);
    assert_int_equal(put(first, 10), LT_EUCLEAN);
    assert_int_equal(count_items(), 1000); /* and it is undone */
    assert_int_equal(get(first, 65536, &value, &len), LT_EUCLEAN);
}

static void test_value__nomem(void **state)
{
    (void)state;
    assert_int_equal(put(first, 5000), 0);
    FAULT_EACH(n)
    {
        uint8_t *value = NULL;
        size_t len = 0;
        int r = get(first, VALUE_MAX, &value, &len);
        if (fault_disarm()) {
            assert_int_equal(r, LT_ENOMEM);
            assert_null(value);
        } else {
            assert_int_equal(r, 0);
        }
        free(value);
    }
}

/* ---- hashed.h ------------------------------------------------------------------------------ */

/* Items whose first byte is wanted; *arg counts how many were asked for. */
struct sought {
    uint8_t byte;
    unsigned asked;
};

static int match(void *arg, struct img_key key, const void *value, size_t len)
{
    struct sought *s = arg;
    (void)key;
    s->asked++;
    return len == 0 ? LT_EUCLEAN : *(const uint8_t *)value == s->byte;
}

static int find(struct img_key base, uint64_t step, struct sought *s, uint64_t *ret)
{
    img_read_lock(store);
    int r = img_hashed_find(store, base, step, match, s, ret);
    img_read_unlock(store);
    return r;
}

static int put_byte(struct img_key key, uint8_t byte)
{
    struct img_txn txn;
    int r = img_begin(store, IMG_GROW, &txn);
    if (r)
        return r;
    return img_end(&txn, img_put(&txn, key, &byte, 1));
}

static void twins_are_told_apart(uint64_t step)
{
    const struct img_key base = img_key(5, IMG_XATTR, IMG_TWINS * step);
    uint64_t off = 0;
    assert_int_equal(put_byte(img_key(5, IMG_XATTR, 0), 1), 0);
    assert_int_equal(put_byte(behind(base, IMG_TWINS * step), 1), 0);
    for (unsigned i = 0; i < IMG_TWINS; i++) {
        struct sought s = {.byte = (uint8_t)i};
        assert_int_equal(find(base, step, &s, &off), 0);
        assert_int_equal(off, base.off + i * step); /* the lowest that is free */
        assert_int_equal(s.asked, i);
        assert_int_equal(put_byte(img_key(5, IMG_XATTR, off), (uint8_t)i), 0);
        assert_int_equal(find(base, step, &s, &off), 1);
        assert_int_equal(off, base.off + i * step);
    }
    for (unsigned i = 100; i < 200; i += 50) {
        struct sought s = {.byte = (uint8_t)i};
        assert_int_equal(delete_item(behind(base, i * step)), 0);
        assert_int_equal(find(base, step, &s, &off), 0);
        assert_int_equal(off, base.off + 100 * step);
    }
    assert_int_equal(put_byte(behind(base, 100 * step), 0), 0);
    assert_int_equal(put_byte(behind(base, 150 * step), 0), 0);
    struct sought s = {.byte = 100};
    assert_int_equal(find(base, step, &s, &off), 0);
    assert_int_equal(off, 0); /* no number is left */
}

static void test_hashed__twins_of_entries(void **state)
{
    (void)state;
    twins_are_told_apart(IMG_ENTRY_STEP);
}

static void test_hashed__twins_of_values(void **state)
{
    (void)state;
    twins_are_told_apart(IMG_CHUNK_STEP);
}

static void test_hashed__a_piece_without_the_first_is_damage(void **state)
{
    const struct img_key base = img_key(5, IMG_XATTR, 65536);
    struct sought s = {.byte = 9};
    uint64_t off;
    (void)state;
    assert_int_equal(put_byte(behind(base, 3), 1), 0);
    assert_int_equal(find(base, IMG_CHUNK_STEP, &s, &off), LT_EUCLEAN);
}

static void test_hashed__keys_fit_cookies(void **state)
{
    (void)state;
    assert_int_equal(img_hashed_base(0, IMG_ENTRY_STEP), 256);
    assert_int_equal(img_hashed_base(511, IMG_ENTRY_STEP), 256);
    assert_int_equal(img_hashed_base(0, IMG_CHUNK_STEP), 65536);
    assert_true(img_hashed_base(UINT64_MAX, IMG_ENTRY_STEP) == UINT64_C(0x7fffffffffffff00));
    assert_true(img_hashed_base(UINT64_MAX, IMG_CHUNK_STEP) == UINT64_C(0x7fffffffffff0000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_value__any_length_comes_back),
        TEST(test_value__replaced_leaves_no_pieces),
        TEST(test_value__neighbours_are_left_alone),
        TEST(test_value__too_long_or_missing),
        TEST(test_value__hostile_pieces),
        TEST(test_value__pieces_without_end),
        TEST(test_value__nomem),
        TEST(test_hashed__twins_of_entries),
        TEST(test_hashed__twins_of_values),
        TEST(test_hashed__a_piece_without_the_first_is_damage),
        TEST(test_hashed__keys_fit_cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
