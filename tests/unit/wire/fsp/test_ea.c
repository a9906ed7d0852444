// SPDX-License-Identifier: MIT
/* src/wire/fsp/ea.c: lists of FILE_FULL_EA_INFORMATION. */
#include "kit.h"

static struct lt_fsp_ea ea_of(const char *name, const char *value)
{
    return (struct lt_fsp_ea){.name = lt_str(name), .value = lt_str(value), .flags = 0x80};
}

struct list {
    uint8_t bytes[512];
    struct lt_fsp_entries e;
    size_t last;
};

static void start(struct list *l, size_t size)
{
    memset(l->bytes, 0xee, sizeof(l->bytes));
    l->e = (struct lt_fsp_entries){.buf = l->bytes, .size = size};
    l->last = SIZE_MAX;
}

static bool add(struct list *l, const char *name, const char *value)
{
    struct lt_fsp_ea ea = ea_of(name, value);
    return lt_fsp_put_ea(&l->e, &l->last, &ea);
}

static struct lt_str bytes_of(const struct list *l)
{
    return lt_strn((const char *)l->bytes, l->e.len);
}

static void test_ea__a_list_has_the_bytes_of_the_specification(void **state)
{
    static const uint8_t expected[] = {16, 0, 0, 0, 0x80, 1, 3,    0, 'A', 0, 'x', 'y', 'z', 0,
                                       0,  0, 0, 0, 0,    0, 0x80, 2, 0,   0, 'B', 'C', 0};
    struct list l;
    (void)state;
    start(&l, sizeof(l.bytes));
    assert_true(add(&l, "A", "xyz"));
    assert_true(add(&l, "BC", ""));
    assert_int_equal(l.e.len, sizeof(expected));
    assert_memory_equal(l.bytes, expected, sizeof(expected));
    assert_int_equal(l.bytes[l.e.len], 0xee);
}

static void test_ea__a_list_comes_apart(void **state)
{
    static const char *const names[] = {"A", "LONGER.NAME", "C"}, *const values[] = {"", "v",
                                                                                     "12345"};
    struct list l;
    struct lt_fsp_ea ea;
    size_t at = 0;
    (void)state;
    start(&l, sizeof(l.bytes));
    for (size_t i = 0; i < 3; i++)
        assert_true(add(&l, names[i], values[i]));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), 1);
        assert_bytes(ea.name, names[i]);
        assert_bytes(ea.value, values[i]);
        assert_int_equal(ea.flags, 0x80);
    }
    assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), 0);
    at = 0;
    assert_int_equal(lt_fsp_ea_next(lt_strn(NULL, 0), &at, &ea), 0);
}

/* What follows the last is padding, of a buffer that was larger. */
static void test_ea__the_last_one_ends_the_list(void **state)
{
    struct list l;
    struct lt_fsp_ea ea;
    size_t at = 0;
    (void)state;
    start(&l, sizeof(l.bytes));
    add(&l, "A", "1");
    l.e.len += 40;
    assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), 1);
    assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), 0);
}

static void test_ea__full_adds_nothing(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 40; size++) {
        struct list l;
        size_t at = 0, n = 0;
        struct lt_fsp_ea ea;
        start(&l, size);
        assert_int_equal(add(&l, "A", "xyz"), size >= 13);
        assert_int_equal(add(&l, "BC", "0123456789"), size >= 37);
        assert_int_equal(l.bytes[size], 0xee);
        while (lt_fsp_ea_next(bytes_of(&l), &at, &ea) == 1)
            n++;
        assert_int_equal(n, (size >= 13) + (size >= 37));
    }
}

static void test_ea__names_and_values_have_limits(void **state)
{
    static char long_text[UINT16_MAX + 2];
    static uint8_t bytes[2 * UINT16_MAX];
    struct lt_fsp_entries e = {.buf = bytes, .size = sizeof(bytes)};
    struct lt_fsp_ea ea = {.name = lt_strn(long_text, 256)};
    size_t last = SIZE_MAX, at = 0;
    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    assert_false(lt_fsp_put_ea(&e, &last, &ea));
    ea = (struct lt_fsp_ea){.name = lt_str("A"), .value = lt_str(long_text)};
    assert_false(lt_fsp_put_ea(&e, &last, &ea));
    assert_int_equal(e.len, 0);
    ea = (struct lt_fsp_ea){lt_strn(long_text, 255), lt_strn(long_text, UINT16_MAX), 0};
    assert_true(lt_fsp_put_ea(&e, &last, &ea));
    assert_int_equal(lt_fsp_ea_next(lt_strn((char *)bytes, e.len), &at, &ea), 1);
    assert_int_equal(ea.name.len, 255);
    assert_int_equal(ea.value.len, UINT16_MAX);
}

/* Two EAs of 16 and 13 bytes; what the first says of the second. */
static void test_ea__the_next_one_lies_behind_and_within(void **state)
{
    (void)state;
    for (uint32_t next = 0; next < 64; next++) {
        struct list l;
        struct lt_fsp_ea ea;
        size_t at = 0;
        start(&l, sizeof(l.bytes));
        add(&l, "A", "xyz");
        add(&l, "B", "xyz");
        l.bytes[0] = (uint8_t)next;
        bool good = next == 0 || (next >= 13 && next % 4 == 0 && next < l.e.len);
        assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), good ? 1 : LT_EPROTO);
        if (!good)
            assert_int_equal(at, 0);
    }
}

static void test_ea__an_error_says_where(void **state)
{
    struct list l;
    struct lt_fsp_ea ea;
    size_t at = 0;
    (void)state;
    start(&l, sizeof(l.bytes));
    add(&l, "A", "xyz");
    add(&l, "B", "xyz");
    l.bytes[16 + 9] = 'C'; /* instead of the NUL of the name */
    assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), 1);
    assert_int_equal(lt_fsp_ea_next(bytes_of(&l), &at, &ea), LT_EPROTO);
    assert_int_equal(at, 16);
}

static void test_ea__cut_anywhere_is_refused(void **state)
{
    struct list l;
    (void)state;
    start(&l, sizeof(l.bytes));
    add(&l, "A", "xyz");
    add(&l, "BC", "0123456789");
    for (size_t len = 1; len < l.e.len; len++) {
        struct lt_str copy = odd_copy(l.bytes, len);
        struct lt_fsp_ea ea;
        size_t at = 0;
        int r;
        while ((r = lt_fsp_ea_next(copy, &at, &ea)) == 1)
            ;
        assert_int_equal(r, LT_EPROTO);
        free((char *)copy.s - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ea__a_list_has_the_bytes_of_the_specification),
        cmocka_unit_test(test_ea__a_list_comes_apart),
        cmocka_unit_test(test_ea__the_last_one_ends_the_list),
        cmocka_unit_test(test_ea__full_adds_nothing),
        cmocka_unit_test(test_ea__names_and_values_have_limits),
        cmocka_unit_test(test_ea__the_next_one_lies_behind_and_within),
        cmocka_unit_test(test_ea__an_error_says_where),
        cmocka_unit_test(test_ea__cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
