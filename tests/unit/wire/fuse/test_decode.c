// SPDX-License-Identifier: MIT
/* src/wire/fuse/decode.c: messages whole, in pieces, and broken. */
#include "test.h"

#include <stdlib.h>

#include <wire/fuse/decode.h>

#define HEADER sizeof(struct lt_fuse_in_header)

struct message {
    _Alignas(8) uint8_t bytes[4096];
    size_t len;
};

static void add(struct message *m, const void *data, size_t len)
{
    memcpy(m->bytes + m->len, data, len);
    m->len += len;
}

static void add_name(struct message *m, const char *name)
{
    add(m, name, strlen(name) + 1);
}

static struct message start(uint32_t opcode)
{
    struct message m = {.len = 0};
    struct lt_fuse_in_header h = {.opcode = opcode, .unique = 7, .nodeid = 42, .uid = 1000};
    add(&m, &h, sizeof(h));
    return m;
}

static void put_header(struct message *m, uint32_t len, uint16_t extlen)
{
    struct lt_fuse_in_header h;
    memcpy(&h, m->bytes, sizeof(h));
    h.len = len;
    h.total_extlen = extlen;
    memcpy(m->bytes, &h, sizeof(h));
}

/* From a copy of exactly its size on the heap, so that a sanitizer sees any step beyond. */
static int decode_copy(const struct message *m, uint32_t flags, struct lt_fuse_request *ret)
{
    uint8_t *copy = malloc(m->len);
    assert_non_null(copy);
    memcpy(copy, m->bytes, m->len);
    struct lt_fuse_input in = {.header = copy, .rest = copy + HEADER, .rest_len = m->len - HEADER};
    int r = lt_fuse_decode(&in, flags, ret);
    free(copy);
    return r;
}

static int decode(struct message *m, struct lt_fuse_request *ret)
{
    put_header(m, (uint32_t)m->len, 0);
    struct lt_fuse_input in = {
        .header = m->bytes, .rest = m->bytes + HEADER, .rest_len = m->len - HEADER};
    return lt_fuse_decode(&in, LT_FUSE_DECODE_SETXATTR_EXT, ret);
}

static void test_decode__lookup_has_a_name(void **state)
{
    struct message m = start(LT_FUSE_LOOKUP);
    struct lt_fuse_request r;
    (void)state;
    add_name(&m, "hello");
    assert_int_equal(decode(&m, &r), 0);
    assert_true(lt_str_equal(r.name, lt_str("hello")));
    assert_int_equal(r.header.nodeid, 42);
    assert_string_equal(r.op->name, "LOOKUP");
}

static void test_decode__names_must_end(void **state)
{
    static const uint32_t opcodes[] = {LT_FUSE_LOOKUP, LT_FUSE_UNLINK, LT_FUSE_SYMLINK};
    struct lt_fuse_request r;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct message m = start(opcodes[i]);
        add(&m, "abc", 3);
        assert_int_equal(decode(&m, &r), LT_EPROTO);
        struct message none = start(opcodes[i]);
        assert_int_equal(decode(&none, &r), LT_EPROTO);
    }
    struct message one_of_two = start(LT_FUSE_SYMLINK);
    add_name(&one_of_two, "name");
    assert_int_equal(decode(&one_of_two, &r), LT_EPROTO);
}

static void test_decode__rename_has_two_names(void **state)
{
    struct message m = start(LT_FUSE_RENAME2);
    struct lt_fuse_rename2_in in = {.newdir = 9, .flags = 1};
    struct lt_fuse_request r;
    (void)state;
    add(&m, &in, sizeof(in));
    add_name(&m, "old");
    add_name(&m, "new");
    assert_int_equal(decode(&m, &r), 0);
    assert_int_equal(r.args.rename2.newdir, 9);
    assert_int_equal(r.args.rename2.flags, 1);
    assert_true(lt_str_equal(r.name, lt_str("old")));
    assert_true(lt_str_equal(r.name2, lt_str("new")));
}

static void test_decode__every_operation_refuses_short_arguments(void **state)
{
    (void)state;
    for (uint32_t opcode = 0; opcode < LT_FUSE_OPCODE_END; opcode++) {
        const struct lt_fuse_op *op = lt_fuse_op(opcode);
        struct lt_fuse_request r;
        if (op == NULL || op->args == 0 || opcode == LT_FUSE_INIT)
            continue;
        for (size_t len = 0; len < op->args; len++) {
            struct message m = start(opcode);
            m.len += len;
            put_header(&m, (uint32_t)m.len, 0);
            assert_int_equal(decode_copy(&m, LT_FUSE_DECODE_SETXATTR_EXT, &r), LT_EPROTO);
        }
    }
}

static void test_decode__unknown_opcode_can_be_answered(void **state)
{
    static const uint32_t unknown[] = {0, 7, 19, 54, 4096, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct message m = start(unknown[i]);
        struct lt_fuse_request r;
        assert_int_equal(decode(&m, &r), LT_ENOSYS);
        assert_int_equal(r.header.unique, 7);
        assert_null(r.op);
    }
}

static void test_decode__length_in_the_header_counts(void **state)
{
    struct message m = start(LT_FUSE_LOOKUP);
    struct lt_fuse_request r;
    (void)state;
    add_name(&m, "x");
    for (uint32_t len = 0; len < 100; len++) {
        put_header(&m, len, 0);
        assert_int_equal(decode_copy(&m, 0, &r), len == m.len ? 0 : LT_EPROTO);
    }
}

static void test_decode__write_takes_data_from_pages(void **state)
{
    char page[100] = "data";
    struct lt_seg seg = {page, sizeof(page)};
    struct message m = start(LT_FUSE_WRITE);
    struct lt_fuse_write_in w = {.size = sizeof(page)};
    struct lt_fuse_request r;
    (void)state;
    add(&m, &w, sizeof(w));
    put_header(&m, (uint32_t)(m.len + sizeof(page)), 0);
    struct lt_fuse_input in = {.header = m.bytes,
                               .rest = m.bytes + HEADER,
                               .rest_len = m.len - HEADER,
                               .pages = &seg,
                               .page_count = 1,
                               .pages_len = sizeof(page)};
    assert_int_equal(lt_fuse_decode(&in, 0, &r), 0);
    assert_int_equal(r.data.len, 0);
    assert_int_equal(r.pages_len, sizeof(page));
    w.size++;
    memcpy(m.bytes + HEADER, &w, sizeof(w));
    assert_int_equal(lt_fuse_decode(&in, 0, &r), LT_EPROTO);
}

static void test_decode__data_is_as_long_as_it_says(void **state)
{
    struct lt_fuse_request r;
    (void)state;
    for (uint32_t size = 0; size < 8; size++) {
        struct message m = start(LT_FUSE_WRITE);
        struct lt_fuse_write_in w = {.size = size};
        add(&m, &w, sizeof(w));
        add(&m, "1234", 4);
        assert_int_equal(decode(&m, &r), size == 4 ? 0 : LT_EPROTO);
    }
}

static void test_decode__setxattr_in_both_sizes(void **state)
{
    struct lt_fuse_setxattr_in in = {.size = 3, .flags = 1, .setxattr_flags = 1};
    struct lt_fuse_request r;
    (void)state;
    struct message old = start(LT_FUSE_SETXATTR);
    add(&old, &in, LT_FUSE_SETXATTR_IN_OLD);
    add_name(&old, "user.a");
    add(&old, "abc", 3);
    put_header(&old, (uint32_t)old.len, 0);
    assert_int_equal(decode_copy(&old, 0, &r), 0);
    assert_int_equal(r.args.setxattr.setxattr_flags, 0);

    struct message m = start(LT_FUSE_SETXATTR);
    add(&m, &in, sizeof(in));
    add_name(&m, "user.a");
    add(&m, "abc", 3);
    assert_int_equal(decode(&m, &r), 0);
    assert_int_equal(r.args.setxattr.setxattr_flags, 1);
    assert_true(lt_str_equal(r.data, lt_str("abc")));
}

static void test_decode__init_of_all_ages(void **state)
{
    struct lt_fuse_request r;
    struct lt_fuse_init_in in = {.major = 7, .minor = 31, .flags2 = 5};
    char future[32] = {0};
    (void)state;
    for (size_t len = 0; len <= sizeof(in); len += 4) {
        struct message m = start(LT_FUSE_INIT);
        add(&m, &in, len);
        assert_int_equal(decode(&m, &r), len < 16 ? LT_EPROTO : 0);
        if (len >= 16)
            assert_int_equal(r.args.init.flags2, len >= 20 ? 5 : 0);
    }
    struct message m = start(LT_FUSE_INIT);
    add(&m, &in, sizeof(in));
    add(&m, future, sizeof(future));
    assert_int_equal(decode(&m, &r), 0);
}

static void test_decode__batch_forget_counts_its_records(void **state)
{
    struct lt_fuse_forget_one records[3] = {{1, 2}, {3, 4}, {5, 6}}, one;
    struct lt_fuse_request r;
    (void)state;
    for (uint32_t count = 0; count < 5; count++) {
        struct message m = start(LT_FUSE_BATCH_FORGET);
        struct lt_fuse_batch_forget_in in = {.count = count};
        add(&m, &in, sizeof(in));
        add(&m, records, sizeof(records));
        assert_int_equal(decode(&m, &r), count <= 3 ? 0 : LT_EPROTO);
        if (count > 3)
            continue;
        for (uint32_t i = 0; i < count; i++) {
            assert_true(lt_fuse_forget_at(&r, i, &one));
            assert_memory_equal(&one, &records[i], sizeof(one));
        }
        assert_false(lt_fuse_forget_at(&r, count, &one));
    }
    struct message huge = start(LT_FUSE_BATCH_FORGET);
    struct lt_fuse_batch_forget_in in = {.count = UINT32_MAX};
    add(&huge, &in, sizeof(in));
    assert_int_equal(decode(&huge, &r), LT_EPROTO);
}

static struct message mkdir_with_groups(uint32_t ext_size, uint32_t count, uint16_t extlen)
{
    struct message m = start(LT_FUSE_MKDIR);
    struct lt_fuse_mkdir_in in = {.mode = 0755};
    struct lt_fuse_ext_header ext = {.size = ext_size, .type = LT_FUSE_EXT_GROUPS};
    uint32_t groups[3] = {count, 100, 200};
    add(&m, &in, sizeof(in));
    add_name(&m, "d");
    add(&m, &ext, sizeof(ext));
    add(&m, groups, sizeof(groups));
    add(&m, "\0\0\0\0", 4);
    put_header(&m, (uint32_t)m.len, extlen);
    return m;
}

static void test_decode__groups_in_an_extension(void **state)
{
    struct lt_fuse_request r;
    uint32_t groups[2];
    (void)state;
    struct message m = mkdir_with_groups(20, 2, 3);
    struct lt_fuse_input in = {
        .header = m.bytes, .rest = m.bytes + HEADER, .rest_len = m.len - HEADER};
    assert_int_equal(lt_fuse_decode(&in, 0, &r), 0);
    assert_int_equal(r.group_count, 2);
    memcpy(groups, r.groups, sizeof(groups));
    assert_int_equal(groups[1], 200);
    assert_true(lt_str_equal(r.name, lt_str("d")));
}

static void test_decode__broken_extensions(void **state)
{
    static const struct {
        uint32_t size, count;
        uint16_t extlen;
    } cases[] = {{20, 3, 3}, {0, 2, 3},  {7, 0, 3},      {25, 2, 3},         {UINT32_MAX, 2, 3},
                 {8, 0, 3},  {20, 2, 4}, {20, 2, 65535}, {20, UINT32_MAX, 3}};
    struct lt_fuse_request r;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct message m = mkdir_with_groups(cases[i].size, cases[i].count, cases[i].extlen);
        assert_int_equal(decode_copy(&m, 0, &r), LT_EPROTO);
    }
}

static void test_decode__uring_brings_arguments_apart(void **state)
{
    struct lt_fuse_in_header h = {.opcode = LT_FUSE_MKNOD, .len = 1};
    struct lt_fuse_mknod_in in = {.mode = 0100644, .umask = 022};
    char op_in[128] = {0};
    struct lt_fuse_request r;
    (void)state;
    memcpy(op_in, &in, sizeof(in));
    struct lt_fuse_input input = {
        .header = &h, .args = op_in, .args_len = sizeof(op_in), .rest = "file", .rest_len = 5};
    assert_int_equal(lt_fuse_decode(&input, 0, &r), 0);
    assert_int_equal(r.args.mknod.umask, 022);
    assert_true(lt_str_equal(r.name, lt_str("file")));
    input.rest_len = 4;
    assert_int_equal(lt_fuse_decode(&input, 0, &r), LT_EPROTO);
    input.args_len = sizeof(in) - 1;
    input.rest_len = 5;
    assert_int_equal(lt_fuse_decode(&input, 0, &r), LT_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode__lookup_has_a_name),
        cmocka_unit_test(test_decode__names_must_end),
        cmocka_unit_test(test_decode__rename_has_two_names),
        cmocka_unit_test(test_decode__every_operation_refuses_short_arguments),
        cmocka_unit_test(test_decode__unknown_opcode_can_be_answered),
        cmocka_unit_test(test_decode__length_in_the_header_counts),
        cmocka_unit_test(test_decode__write_takes_data_from_pages),
        cmocka_unit_test(test_decode__data_is_as_long_as_it_says),
        cmocka_unit_test(test_decode__setxattr_in_both_sizes),
        cmocka_unit_test(test_decode__init_of_all_ages),
        cmocka_unit_test(test_decode__batch_forget_counts_its_records),
        cmocka_unit_test(test_decode__groups_in_an_extension),
        cmocka_unit_test(test_decode__broken_extensions),
        cmocka_unit_test(test_decode__uring_brings_arguments_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
