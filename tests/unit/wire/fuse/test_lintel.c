// SPDX-License-Identifier: MIT
/* src/wire/fuse/lintel.c */
#include "test.h"

#include <wire/fuse/lintel.h>

/* ---- Requests -------------------------------------------------------------------------------- */

struct message {
    struct lt_lintel_in in;
    char rest[64];
};

static int decode(uint32_t opcode, const struct message *m, size_t rest,
                  struct lt_lintel_request *ret)
{
    return lt_lintel_decode(opcode, lt_strn((const char *)m, sizeof(m->in) + rest), ret);
}

static void test_decode__splits_the_texts(void **state)
{
    struct message m = {.in = {.flags = 1, .size = 2, .value = 3, .len = {3, 4}},
                        .rest = "oneFOUR"};
    struct lt_lintel_request q;
    (void)state;
    assert_int_equal(decode(LT_LINTEL_STREAM_RENAME, &m, 7, &q), 0);
    assert_int_equal(q.flags, 1);
    assert_int_equal(q.size, 2);
    assert_int_equal(q.value, 3);
    assert_true(lt_str_equal(q.text[0], lt_str("one")));
    assert_true(lt_str_equal(q.text[1], lt_str("FOUR")));
    assert_int_equal(q.text[2].len, 0);
}

static void test_decode__lengths_must_be_those_of_the_message(void **state)
{
    struct message m = {.in = {.len = {3, 4}}, .rest = "oneFOUR"};
    struct lt_lintel_request q = {.flags = 77};
    (void)state;
    for (size_t rest = 0; rest < sizeof(m.rest); rest++) {
        if (rest != 7)
            assert_int_equal(decode(LT_LINTEL_STREAM_RENAME, &m, rest, &q), LT_EPROTO);
    }
    for (size_t len = 0; len < sizeof(m.in); len++)
        assert_int_equal(lt_lintel_decode(LT_LINTEL_GETATTR, lt_strn((const char *)&m, len), &q),
                         LT_EPROTO);
    m.in.len[0] = UINT32_MAX;
    assert_int_equal(decode(LT_LINTEL_STREAM_RENAME, &m, 7, &q), LT_EPROTO);
    assert_int_equal(q.flags, 77); /* untouched */
}

static void test_decode__no_more_texts_than_the_kind_has(void **state)
{
    struct message m = {.in = {.len = {3, 4}}, .rest = "oneFOUR"};
    struct lt_lintel_request q;
    (void)state;
    assert_int_equal(decode(LT_LINTEL_LOOKUP, &m, 7, &q), LT_EPROTO);
    assert_int_equal(decode(LT_LINTEL_GETATTR, &m, 7, &q), LT_EPROTO);
}

static void test_decode__unknown_opcodes(void **state)
{
    static const uint32_t unknown[] = {0, LT_LINTEL_OPCODE, LT_LINTEL_OPCODE - 1,
                                       LT_LINTEL_STATFS + 1, UINT32_MAX};
    struct message m = {.in = {.flags = 0}};
    struct lt_lintel_request q;
    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_int_equal(decode(unknown[i], &m, 0, &q), LT_ENOSYS);
}

/* ---- Structs --------------------------------------------------------------------------------- */

static const struct lt_attr attr = {
    .id = 1,
    .size = 2,
    .allocated = 3,
    .version = 4,
    .atime = {-5, 6},
    .mtime = {7, 8},
    .ctime = {9, 10},
    .btime = {11, 999999999},
    .mode = LT_S_IFREG | 0640,
    .nlink = 12,
    .uid = 13,
    .gid = 14,
    .rdev = 15,
    .block_size = 4096,
    .generation = 16,
    .win_attrs = 17,
    .inode_flags = 18,
    .reparse_tag = 19,
    .ea_size = 20,
    .has = 21,
};

static void test_attr__comes_back_whole(void **state)
{
    struct lt_lintel_attr wire;
    struct lt_attr back;
    (void)state;
    memset(&back, 0, sizeof(back));
    lt_lintel_put_attr(&attr, &wire);
    assert_int_equal(lt_lintel_get_attr(&wire, &back), 0);
    assert_int_equal(back.version, 4);
    assert_int_equal(back.atime.sec, -5);
    assert_int_equal(back.mtime.nsec, 8);
    assert_int_equal(back.ctime.sec, 9);
    assert_int_equal(back.btime.nsec, 999999999);
    assert_memory_equal(&back.mode, &attr.mode, sizeof(attr) - offsetof(struct lt_attr, mode));
    assert_memory_equal(&back, &attr, offsetof(struct lt_attr, atime));
}

/* Each of these makes no sense. */
static void test_attr__nonsense_is_refused(void **state)
{
    struct lt_lintel_attr good, bad[9];
    struct lt_attr back;
    (void)state;
    lt_lintel_put_attr(&attr, &good);
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].mode = 0644;
    bad[1].mode = LT_S_STREAM | 0644;
    bad[2].mode = good.mode | 0x10000;
    bad[3].size = UINT64_C(1) << 63;
    bad[4].allocated = UINT64_MAX;
    bad[5].block_size = 0;
    bad[6].block_size = 4097;
    bad[7].times.nsec[0] = 1000000000;
    bad[8].times.nsec[3] = UINT32_MAX;
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(lt_lintel_get_attr(&bad[i], &back), LT_EPROTO);
}

static void test_setattr__comes_back_whole(void **state)
{
    struct lt_setattr set = {.mask = LT_SET_BTIME | LT_SET_WIN_ATTRS | LT_SET_SIZE,
                             .mode = 1,
                             .uid = 2,
                             .gid = 3,
                             .win_attrs = 4,
                             .inode_flags = 5,
                             .size = 6,
                             .btime = {-7, 8},
                             .ctime = {9, 10}};
    struct lt_setattr back;
    struct lt_lintel_setattr wire;
    (void)state;
    lt_lintel_put_setattr(&set, &wire);
    struct lt_str text = lt_strn((const char *)&wire, sizeof(wire));
    assert_int_equal(lt_lintel_get_setattr(text, &back), 0);
    assert_int_equal(back.mask, set.mask);
    assert_int_equal(back.win_attrs, 4);
    assert_int_equal(back.inode_flags, 5);
    assert_int_equal(back.size, 6);
    assert_int_equal(back.btime.sec, -7);
    assert_int_equal(back.ctime.nsec, 10);
    assert_int_equal(back.acl.len, 0);
    wire.mask = 0x4000; /* the first that there is not */
    assert_int_equal(lt_lintel_get_setattr(text, &back), LT_EPROTO);
    wire.mask = LT_SET_MTIME;
    wire.times.nsec[1] = 1000000000;
    assert_int_equal(lt_lintel_get_setattr(text, &back), LT_EPROTO);
    assert_int_equal(lt_lintel_get_setattr(lt_strn(text.s, text.len - 1), &back), LT_EPROTO);
}

static void test_volume__comes_back_whole(void **state)
{
    struct lt_volume v = {.fs_name = "NTFS",
                          .label = "Daten \xc3\xbc",
                          .serial = 0x12345678,
                          .created = {-1, 5},
                          .name_case = LT_CASE_INSENSITIVE,
                          .read_only = true,
                          .io_best = 65536,
                          .has_windows = true};
    struct lt_volume back = {.kind = "fuse", .label = "a longer label that was there"};
    struct lt_lintel_volume wire;
    (void)state;
    lt_lintel_put_volume(&v, &wire);
    assert_int_equal(lt_lintel_get_volume(&wire, &back), 0);
    assert_string_equal(back.kind, "fuse");
    assert_string_equal(back.fs_name, "NTFS");
    assert_string_equal(back.label, "Daten \xc3\xbc");
    assert_int_equal(back.serial, 0x12345678);
    assert_int_equal(back.created.sec, -1);
    assert_int_equal(back.name_case, LT_CASE_INSENSITIVE);
    assert_true(back.read_only && back.has_windows && !back.remote);
    memset(wire.label, 'x', sizeof(wire.label));
    assert_int_equal(lt_lintel_get_volume(&wire, &back), LT_EPROTO);
    lt_lintel_put_volume(&v, &wire);
    wire.protocol++;
    assert_int_equal(lt_lintel_get_volume(&wire, &back), LT_EPROTO);
}

/* ---- Records --------------------------------------------------------------------------------- */

static void test_records__fit_or_are_not_begun(void **state)
{
    char buf[200];
    struct lt_lintel_record one = {.first = 1, .second = 2, .flags = 3}, back;
    struct lt_str name, value;
    (void)state;
    for (size_t size = 0; size <= sizeof(buf); size++) {
        struct lt_lintel_records r = {.buf = buf, .size = size};
        memset(buf, 0x55, sizeof(buf));
        while (lt_lintel_put_record(&r, one, lt_str("name"), lt_str("value")))
            ;
        assert_int_equal(r.count, size / 48);
        assert_int_equal(r.len, r.count * 48);
        for (size_t i = r.len; i < sizeof(buf); i++)
            assert_int_equal(buf[i], 0x55);
        struct lt_str rest = lt_strn(buf, r.len);
        for (uint32_t i = 0; i < r.count; i++) {
            assert_int_equal(lt_lintel_next_record(&rest, &back, &name, &value), 1);
            assert_true(lt_str_equal(name, lt_str("name")));
            assert_true(lt_str_equal(value, lt_str("value")));
            assert_int_equal(back.second, 2);
        }
        assert_int_equal(lt_lintel_next_record(&rest, &back, &name, &value), 0);
    }
}

static void test_records__cut_or_too_long(void **state)
{
    char buf[64];
    struct lt_lintel_records r = {.buf = buf, .size = sizeof(buf)};
    struct lt_lintel_record record;
    struct lt_str name, value;
    (void)state;
    assert_true(lt_lintel_put_record(&r, (struct lt_lintel_record){0}, lt_str("n"), lt_str("v")));
    for (size_t len = 1; len < r.len; len++) {
        struct lt_str rest = lt_strn(buf, len);
        assert_int_equal(lt_lintel_next_record(&rest, &record, &name, &value), LT_EPROTO);
        assert_int_equal(rest.len, len);
    }
    static const uint32_t lengths[] = {UINT32_MAX, UINT32_MAX - 32, 40, 9};
    for (size_t i = 0; i < 4; i++) {
        struct lt_str rest = lt_strn(buf, r.len);
        memcpy(buf + offsetof(struct lt_lintel_record, value_len), &lengths[i], 4);
        assert_int_equal(lt_lintel_next_record(&rest, &record, &name, &value), LT_EPROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode__splits_the_texts),
        cmocka_unit_test(test_decode__lengths_must_be_those_of_the_message),
        cmocka_unit_test(test_decode__no_more_texts_than_the_kind_has),
        cmocka_unit_test(test_decode__unknown_opcodes),
        cmocka_unit_test(test_attr__comes_back_whole),
        cmocka_unit_test(test_attr__nonsense_is_refused),
        cmocka_unit_test(test_setattr__comes_back_whole),
        cmocka_unit_test(test_volume__comes_back_whole),
        cmocka_unit_test(test_records__fit_or_are_not_begun),
        cmocka_unit_test(test_records__cut_or_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
