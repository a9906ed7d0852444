// SPDX-License-Identifier: MIT
/* src/wire/fsp/entries.c: chains of directory entries, streams and notifications. */
#include "kit.h"

#define DIR_FIXED sizeof(struct lt_fsp_dir_info)

struct chain {
    _Alignas(8) uint8_t bytes[4096];
    struct lt_fsp_entries e;
};

static void start(struct chain *c, size_t size)
{
    memset(c->bytes, 0xee, sizeof(c->bytes));
    c->e = (struct lt_fsp_entries){.buf = c->bytes, .size = size};
}

static bool add_dir(struct chain *c, const char16_t *name)
{
    struct lt_fsp_file_info info = {.index_number = 7};
    return lt_fsp_put_dir_info(&c->e, &info, 42, name, units_of(name));
}

static struct lt_str bytes_of(const struct chain *c)
{
    return lt_strn((const char *)c->bytes, c->e.len);
}

/* The example of the protocol: ".", ".." and "f", and the mark. */
static void test_entries__three_names_and_the_mark_are_338_bytes(void **state)
{
    static const char16_t *const names[] = {u".", u"..", u"f"};
    struct chain c;
    struct lt_str entry;
    size_t at = 0;
    (void)state;
    start(&c, sizeof(c.bytes));
    for (size_t i = 0; i < 3; i++)
        assert_true(add_dir(&c, names[i]));
    assert_true(lt_fsp_put_entries_end(&c.e));
    assert_int_equal(c.e.len, 338);
    for (size_t i = 0; i < 3; i++) {
        struct lt_fsp_dir_info info;
        assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, DIR_FIXED, &entry), 1);
        memcpy(&info, entry.s, sizeof(info));
        assert_int_equal(info.size, DIR_FIXED + 2 * units_of(names[i]));
        assert_int_equal(info.info.index_number, 7);
        assert_int_equal(info.next_offset, 42);
        assert_wide(
            (struct lt_wide){(const uint8_t *)entry.s + DIR_FIXED, (entry.len - DIR_FIXED) / 2},
            names[i]);
    }
    assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, DIR_FIXED, &entry), 0);
}

/* Nothing of the memory before shows: neither in the fixed part nor behind the name. */
static void test_entries__what_is_not_said_is_zero(void **state)
{
    static const uint8_t zeros[DIR_FIXED];
    struct chain c;
    (void)state;
    start(&c, sizeof(c.bytes));
    assert_true(lt_fsp_put_dir_info(&c.e, NULL, 0, u"f", 1));
    assert_memory_equal(c.bytes + 2, zeros, DIR_FIXED - 2);
    assert_memory_equal(c.bytes + DIR_FIXED + 2, zeros, 6);
    assert_int_equal(c.bytes[c.e.len], 0xee);
}

static void test_entries__full_adds_nothing(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 230; size++) {
        struct chain c;
        start(&c, size);
        assert_int_equal(add_dir(&c, u"f"), size >= 112);
        assert_int_equal(add_dir(&c, u"abcde"), size >= 112 + 120);
        size_t len = size >= 112 ? 112 : 0;
        assert_int_equal(c.e.len, len);
        assert_int_equal(lt_fsp_put_entries_end(&c.e), size - len >= 2);
        assert_int_equal(c.bytes[size], 0xee);
    }
}

static void test_entries__a_chain_without_its_mark_says_so(void **state)
{
    struct chain c;
    struct lt_str entry;
    size_t at = 0;
    (void)state;
    start(&c, sizeof(c.bytes));
    add_dir(&c, u"f");
    assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, DIR_FIXED, &entry), 1);
    assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, DIR_FIXED, &entry), LT_ENODATA);
    at = 0;
    assert_int_equal(lt_fsp_next_entry(lt_strn(NULL, 0), &at, DIR_FIXED, &entry), LT_ENODATA);
}

static void test_entries__streams_and_notifications(void **state)
{
    struct chain c;
    struct lt_str entry;
    size_t at = 0;
    (void)state;
    start(&c, sizeof(c.bytes));
    assert_true(lt_fsp_put_stream_info(&c.e, 5, 4096, NULL, 0));
    assert_true(lt_fsp_put_stream_info(&c.e, 6, 8192, u"s", 1));
    assert_true(lt_fsp_put_entries_end(&c.e));
    assert_int_equal(c.e.len, 24 + 32 + 2);
    assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, 24, &entry), 1);
    assert_int_equal(entry.len, 24);
    assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, 24, &entry), 1);
    struct lt_fsp_stream_info stream;
    memcpy(&stream, entry.s, sizeof(stream));
    assert_int_equal(stream.stream_size, 6);
    assert_int_equal(stream.allocation_size, 8192);
    start(&c, sizeof(c.bytes));
    assert_true(lt_fsp_put_notify_info(&c.e, 3, 1, u"\\f", 2));
    assert_int_equal(c.e.len, 16);
    struct lt_fsp_notify_info notify;
    memcpy(&notify, c.bytes, sizeof(notify));
    assert_int_equal(notify.size, 16);
    assert_int_equal(notify.filter, 3);
    assert_int_equal(notify.action, 1);
}

static void test_entries__a_name_may_not_wrap_the_size(void **state)
{
    static uint16_t name[UINT16_MAX];
    static _Alignas(8) uint8_t bytes[2 * UINT16_MAX];
    struct lt_fsp_entries e = {.buf = bytes, .size = sizeof(bytes)};
    size_t most = (UINT16_MAX - DIR_FIXED) / 2;
    (void)state;
    assert_false(lt_fsp_put_dir_info(&e, NULL, 0, name, most + 1));
    assert_false(lt_fsp_put_dir_info(&e, NULL, 0, name, SIZE_MAX));
    assert_int_equal(e.len, 0);
    assert_true(lt_fsp_put_dir_info(&e, NULL, 0, name, most));
}

static void test_entries__sizes_are_checked(void **state)
{
    struct chain c;
    struct lt_str entry;
    (void)state;
    start(&c, sizeof(c.bytes));
    add_dir(&c, u"f");
    for (unsigned size = 0; size <= UINT16_MAX; size++) {
        size_t at = 0;
        memcpy(c.bytes, &(uint16_t){(uint16_t)size}, 2);
        int expected = size == 0                                               ? 0
                       : size >= DIR_FIXED && size <= c.e.len && size % 2 == 0 ? 1
                                                                               : LT_EPROTO;
        assert_int_equal(lt_fsp_next_entry(bytes_of(&c), &at, DIR_FIXED, &entry), expected);
    }
}

static void test_entries__cut_anywhere_is_safe(void **state)
{
    struct chain c;
    (void)state;
    start(&c, sizeof(c.bytes));
    add_dir(&c, u"f");
    add_dir(&c, u"abcde");
    lt_fsp_put_entries_end(&c.e);
    for (size_t len = 0; len < c.e.len; len++) {
        struct lt_str copy = odd_copy(c.bytes, len), entry;
        size_t at = 0, n = 0;
        int r;
        while ((r = lt_fsp_next_entry(copy, &at, DIR_FIXED, &entry)) == 1)
            n++;
        assert_true(r == LT_ENODATA || r == LT_EPROTO);
        assert_int_equal(n, len < 106 ? 0 : len < 112 + 114 ? 1 : 2);
        free((char *)copy.s - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries__three_names_and_the_mark_are_338_bytes),
        cmocka_unit_test(test_entries__what_is_not_said_is_zero),
        cmocka_unit_test(test_entries__full_adds_nothing),
        cmocka_unit_test(test_entries__a_chain_without_its_mark_says_so),
        cmocka_unit_test(test_entries__streams_and_notifications),
        cmocka_unit_test(test_entries__a_name_may_not_wrap_the_size),
        cmocka_unit_test(test_entries__sizes_are_checked),
        cmocka_unit_test(test_entries__cut_anywhere_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
