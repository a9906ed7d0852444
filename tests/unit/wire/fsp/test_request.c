// SPDX-License-Identifier: MIT
/* src/wire/fsp/request.c: requests of all kinds, whole and broken. */
#include "kit.h"

static struct lt_fsp_req *start(struct message *m, uint32_t kind)
{
    return lt_fsp_request_begin(&m->out, m->bytes, LT_FSP_REQ_MAX, kind, 0x1122334455667788);
}

/* The texts of *ret lie in m. */
static int decode(struct message *m, struct lt_fsp_request *ret)
{
    int64_t len = lt_fsp_end(&m->out);
    assert_true(len > 0);
    return lt_fsp_request_decode(lt_strn((char *)m->bytes, (size_t)len), ret);
}

static int decode_again(struct message *m)
{
    struct lt_fsp_request r;
    return lt_fsp_request_decode(lt_strn((char *)m->bytes, m->out.len), &r);
}

static struct lt_fsp_req *start_create(struct message *m)
{
    struct lt_fsp_req *req = start(m, LT_FSP_CREATE);
    req->file_name = put(m, u"\\dir\\file:stream");
    req->u.create.named_stream = 2 * 9;
    req->u.create.security = lt_fsp_put(&m->out, "descriptor", 10, 8);
    req->u.create.ea = lt_fsp_put(&m->out, "attributes", 10, 8);
    return req;
}

static struct lt_fsp_req *start_rename(struct message *m)
{
    struct lt_fsp_req *req = start(m, LT_FSP_SET_INFORMATION);
    req->u.set_information.info_class = LT_FSP_INFO_RENAME_EX;
    req->u.set_information.info.rename.flags = LT_RENAME_POSIX;
    req->file_name = put(m, u"\\old");
    req->u.set_information.info.rename.new_name = put(m, u"\\new");
    return req;
}

static struct lt_fsp_req *start_query_directory(struct message *m)
{
    struct lt_fsp_req *req = start(m, LT_FSP_QUERY_DIRECTORY);
    req->u.query_directory.pattern = put(m, u"*.c");
    req->u.query_directory.marker = put(m, u"last");
    return req;
}

static struct lt_fsp_req *start_fs_control(struct message *m)
{
    struct lt_fsp_req *req = start(m, LT_FSP_FILE_SYSTEM_CONTROL);
    req->u.fs_control.code = LT_FSCTL_SET_REPARSE_POINT;
    req->u.fs_control.target_on_file_system = 4;
    req->file_name = put(m, u"\\link");
    req->u.fs_control.buffer = lt_fsp_put(&m->out, "reparse data", 12, 1);
    return req;
}

static struct lt_fsp_req *start_set_volume(struct message *m)
{
    struct lt_fsp_req *req = start(m, LT_FSP_SET_VOLUME);
    req->u.set_volume.info_class = 2;
    req->u.set_volume.label = put(m, u"Data");
    return req;
}

static void test_request__create_has_all_its_pieces(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    struct lt_fsp_req *req = start_create(&m);
    req->u.create.token = UINT64_C(0x100000004);
    assert_int_equal(decode(&m, &r), 0);
    assert_int_equal(r.req.hint, 0x1122334455667788);
    assert_int_equal(r.req.u.create.token, UINT64_C(0x100000004));
    assert_wide(r.name, u"\\dir\\file:stream");
    assert_wide(r.stream, u"stream");
    assert_bytes(r.security, "descriptor");
    assert_bytes(r.data, "attributes");
}

static void test_request__rename_has_two_names(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    start_rename(&m);
    assert_int_equal(decode(&m, &r), 0);
    assert_wide(r.name, u"\\old");
    assert_wide(r.new_name, u"\\new");
    assert_int_equal(r.req.u.set_information.info.rename.flags, LT_RENAME_POSIX);
}

/* The union of SetInformation is a name only in a rename. */
static void test_request__a_size_is_not_taken_for_a_name(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    struct lt_fsp_req *req = start(&m, LT_FSP_SET_INFORMATION);
    req->u.set_information.info_class = LT_FSP_INFO_END_OF_FILE;
    req->u.set_information.info.size = UINT64_MAX;
    assert_int_equal(decode(&m, &r), 0);
    assert_int_equal(r.new_name.units, 0);
    req->u.set_information.info_class = LT_FSP_INFO_RENAME;
    req->file_name.size = 0;
    assert_int_equal(decode_again(&m), LT_EPROTO);
}

static void test_request__query_directory_has_pattern_and_marker(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    start_query_directory(&m);
    assert_int_equal(decode(&m, &r), 0);
    assert_true(r.has_pattern && r.has_marker);
    assert_wide(r.pattern, u"*.c");
    assert_wide(r.marker, u"last");
    start(&m, LT_FSP_QUERY_DIRECTORY);
    assert_int_equal(decode(&m, &r), 0);
    assert_false(r.has_pattern || r.has_marker);
}

/* With LT_FSP_VOLUME_MARKER_OFFSET. */
static void test_request__a_marker_may_be_a_number(void **state)
{
    static const uint16_t numbers[][4] = {{7, 0, 0, 0}, {0, 0, 0, 0}, {0xdc00, 0, 0xffff, 0x8000}};
    struct lt_fsp_request r;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct message m;
        struct lt_fsp_req *req = start(&m, LT_FSP_QUERY_DIRECTORY);
        req->u.query_directory.marker = lt_fsp_put_text(&m.out, numbers[i], 4, true);
        assert_int_equal(decode(&m, &r), 0);
        assert_true(r.has_marker);
        assert_int_equal(r.marker.units, 4);
        assert_memory_equal(r.marker.bytes, numbers[i], 8);
    }
}

static void test_request__controls_have_their_input(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    start_fs_control(&m);
    assert_int_equal(decode(&m, &r), 0);
    assert_wide(r.name, u"\\link");
    assert_bytes(r.data, "reparse data");
    struct lt_fsp_req *req = start(&m, LT_FSP_DEVICE_CONTROL);
    req->u.device_control.output_length = LT_FSP_CONTROL_MAX;
    req->u.device_control.buffer = lt_fsp_put(&m.out, "in", 2, 1);
    assert_int_equal(decode(&m, &r), 0);
    assert_bytes(r.data, "in");
    req->u.device_control.output_length++;
    assert_int_equal(decode_again(&m), LT_EPROTO);
}

static void test_request__a_control_has_a_limit(void **state)
{
    static const uint8_t input[LT_FSP_CONTROL_MAX + 1];
    (void)state;
    for (size_t more = 0; more <= 1; more++) {
        struct message m;
        struct lt_fsp_request r;
        struct lt_fsp_req *req = start(&m, LT_FSP_DEVICE_CONTROL);
        req->u.device_control.buffer = lt_fsp_put(&m.out, input, LT_FSP_CONTROL_MAX + more, 1);
        assert_int_equal(decode(&m, &r), more ? LT_EPROTO : 0);
    }
}

static void test_request__a_target_lies_in_its_link(void **state)
{
    static const struct {
        uint16_t at;
        int error;
    } cases[] = {{0, 0}, {12, 0}, {13, LT_EPROTO}, {14, LT_EPROTO}, {3, LT_EPROTO}};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct message m;
        struct lt_fsp_request r;
        start_fs_control(&m)->u.fs_control.target_on_file_system = cases[i].at;
        assert_int_equal(decode(&m, &r), cases[i].error);
    }
}

static void test_request__eas_and_security_are_found(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    struct lt_fsp_req *req = start(&m, LT_FSP_OVERWRITE);
    req->file_name = put(&m, u"\\left from the create");
    req->u.overwrite.ea = lt_fsp_put(&m.out, "eas", 3, 8);
    assert_int_equal(decode(&m, &r), 0);
    assert_bytes(r.data, "eas");
    req = start(&m, LT_FSP_SET_EA);
    req->u.set_ea.ea = lt_fsp_put(&m.out, "more", 4, 8);
    assert_int_equal(decode(&m, &r), 0);
    assert_bytes(r.data, "more");
    req = start(&m, LT_FSP_SET_SECURITY);
    req->u.set_security.security = lt_fsp_put(&m.out, "sd", 2, 8);
    assert_int_equal(decode(&m, &r), 0);
    assert_bytes(r.security, "sd");
}

static void test_request__a_label_ends_at_its_first_nul(void **state)
{
    static const uint16_t label[] = {'a', 'b', 0, 'c'};
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    start_set_volume(&m);
    assert_int_equal(decode(&m, &r), 0);
    assert_wide(r.label, u"Data");
    struct lt_fsp_req *req = start_set_volume(&m);
    req->u.set_volume.label = lt_fsp_put_text(&m.out, label, 4, true);
    assert_int_equal(decode(&m, &r), 0);
    assert_wide(r.label, u"ab");
    req->u.set_volume.label.size = 0;
    assert_int_equal(decode_again(&m), LT_EPROTO);
    req = start_set_volume(&m);
    req->u.set_volume.label = put(&m, u"");
    assert_int_equal(decode(&m, &r), 0);
    assert_int_equal(r.label.units, 0);
}

static void test_request__other_kinds_carry_nothing(void **state)
{
    static const uint32_t kinds[] = {LT_FSP_CLEANUP,       LT_FSP_CLOSE,
                                     LT_FSP_READ,          LT_FSP_WRITE,
                                     LT_FSP_QUERY_EA,      LT_FSP_FLUSH_BUFFERS,
                                     LT_FSP_QUERY_VOLUME,  LT_FSP_QUERY_SECURITY,
                                     LT_FSP_QUERY_STREAMS, LT_FSP_QUERY_INFORMATION};
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct message m;
        struct lt_fsp_request r;
        start(&m, kinds[i])->u.of = (struct lt_fsp_contexts){3, 4};
        assert_int_equal(decode(&m, &r), 0);
        assert_int_equal(r.req.u.of.user2, 4);
        assert_int_equal(r.name.units + r.stream.units + r.data.len + r.security.len, 0);
    }
}

static void test_request__a_text_needs_its_nul(void **state)
{
    (void)state;
    struct message m;
    start_create(&m)->u.create.named_stream = 0;
    struct lt_fsp_request r;
    assert_int_equal(decode(&m, &r), 0);
    struct lt_fsp_req *req = (struct lt_fsp_req *)m.bytes;
    req->file_name.size -= 2;
    assert_int_equal(decode_again(&m), LT_EPROTO);
    req->file_name.size++; /* half a unit */
    assert_int_equal(decode_again(&m), LT_EPROTO);
    req->file_name.size++;
    assert_int_equal(decode_again(&m), 0);
    req->file_name.size++; /* half a unit behind the NUL */
    assert_int_equal(decode_again(&m), LT_EPROTO);
    req->file_name.size--;
    m.bytes[LT_FSP_REQ_HEADER + 4] = 0; /* the "i" of "\dir" */
    assert_int_equal(decode_again(&m), LT_EPROTO);
}

static void test_request__a_path_begins_with_a_backslash(void **state)
{
    static const char16_t *const bad[] = {u"", u"dir", u"/dir", u":s"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct message m;
        struct lt_fsp_request r;
        start(&m, LT_FSP_CREATE)->file_name = put(&m, bad[i]);
        assert_int_equal(decode(&m, &r), LT_EPROTO);
        start(&m, LT_FSP_READ)->file_name = put(&m, bad[i]);
        assert_int_equal(decode(&m, &r), LT_EPROTO);
        struct lt_fsp_req *req = start_rename(&m);
        req->u.set_information.info.rename.new_name = put(&m, bad[i]);
        assert_int_equal(decode(&m, &r), LT_EPROTO);
    }
}

static void test_request__some_kinds_need_a_name(void **state)
{
    static const uint32_t classes[] = {LT_FSP_INFO_DISPOSITION, LT_FSP_INFO_DISPOSITION_EX,
                                       LT_FSP_INFO_RENAME, LT_FSP_INFO_RENAME_EX};
    struct message m;
    (void)state;
    struct lt_fsp_req *req = start(&m, LT_FSP_CREATE);
    struct lt_fsp_request r;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    start(&m, LT_FSP_CLEANUP)->u.cleanup.flags = LT_FSP_CLEANUP_DELETE | LT_FSP_CLEANUP_ARCHIVE;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    start_fs_control(&m)->file_name.size = 0;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    for (size_t i = 0; i < 4; i++) {
        req = start_rename(&m);
        req->u.set_information.info_class = classes[i];
        assert_int_equal(decode(&m, &r), 0);
        req->file_name.size = 0;
        assert_int_equal(decode_again(&m), LT_EPROTO);
    }
}

static void test_request__a_stream_has_one_colon(void **state)
{
    static const struct {
        const char16_t *name;
        uint16_t at; /* in units */
        int error;
    } cases[] = {
        {u"\\f:s", 2, 0},
        {u"\\f:s", 0, 0},
        {u"\\f:s", 1, LT_EPROTO},
        {u"\\f:s", 3, LT_EPROTO},
        {u"\\f:s", 4, LT_EPROTO},
        {u"\\f:", 2, LT_EPROTO},
        {u"\\f:s:t", 4, LT_EPROTO},
        {u"\\f:s\\t", 2, LT_EPROTO},
        {u"\\f:s", 0x7fff, LT_EPROTO},
        {u"\\:s", 1, 0},
        {u"\\f:s:$DATA", 2, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct message m;
        struct lt_fsp_request r;
        struct lt_fsp_req *req = start(&m, LT_FSP_CREATE);
        req->file_name = put(&m, cases[i].name);
        req->u.create.named_stream = (uint16_t)(2 * cases[i].at);
        assert_int_equal(decode(&m, &r), cases[i].error);
        req->u.create.named_stream++; /* in the middle of a unit */
        assert_int_equal(decode_again(&m), LT_EPROTO);
    }
}

/* Each piece of each kind, moved until it does not lie within the message. */
static void test_request__pieces_lie_within(void **state)
{
    (void)state;
    struct lt_fsp_req *(*const starts[])(struct message *) = {
        start_create, start_rename, start_query_directory, start_fs_control, start_set_volume};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct message m;
        struct lt_fsp_request r;
        starts[i](&m);
        assert_int_equal(decode(&m, &r), 0);
        struct lt_fsp_req *req = (struct lt_fsp_req *)m.bytes;
        for (size_t len = LT_FSP_REQ_HEADER; len < m.out.len; len++) {
            req->size = (uint16_t)len;
            struct lt_str copy = odd_copy(m.bytes, len);
            assert_int_equal(lt_fsp_request_decode(copy, &r), LT_EPROTO);
            free((char *)copy.s - 1);
        }
    }
}

static void test_request__offsets_beyond_the_end_are_refused(void **state)
{
    static const struct lt_fsp_buf bad[] = {{0xffff, 0xffff}, {0xffff, 1}, {0, 0xffff}, {17, 2}};
    static const struct lt_fsp_buf good[] = {{0xffff, 0}, {16, 2}, {17, 1}, {3, 11}, {0, 18}};
    (void)state;
    for (size_t i = 0; i < 9; i++) {
        struct message m;
        struct lt_fsp_request r;
        struct lt_fsp_req *req = start(&m, LT_FSP_SET_SECURITY);
        lt_fsp_put(&m.out, "0123456789abcdefgh", 18, 8);
        req->u.set_security.security = i < 4 ? bad[i] : good[i - 4];
        assert_int_equal(decode(&m, &r), i < 4 ? LT_EPROTO : 0);
    }
}

/* A text at an odd offset, in the midst of another piece. */
static void test_request__pieces_may_overlap_at_odd_offsets(void **state)
{
    static const uint8_t bytes[] = {1, '\\', 0, 'a', 0, 0, 0};
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    struct lt_fsp_req *req = start(&m, LT_FSP_CREATE);
    req->u.create.security = lt_fsp_put(&m.out, bytes, sizeof(bytes), 1);
    req->file_name = (struct lt_fsp_buf){1, 6};
    assert_int_equal(decode(&m, &r), 0);
    assert_wide(r.name, u"\\a");
    assert_int_equal(r.security.len, 7);
}

static void test_request__unknown_kinds_can_be_answered(void **state)
{
    static const uint32_t unknown[] = {LT_FSP_RESERVED, LT_FSP_SHUTDOWN, LT_FSP_LOCK_CONTROL,
                                       LT_FSP_KIND_END, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct message m;
        struct lt_fsp_request r;
        start(&m, unknown[i]);
        assert_int_equal(decode(&m, &r), LT_ENOSYS);
        assert_int_equal(r.req.kind, unknown[i]);
        assert_int_equal(r.req.hint, 0x1122334455667788);
    }
}

static void test_request__short_ones_can_be_answered_from_16_bytes(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    start(&m, LT_FSP_CLOSE);
    assert_int_equal(decode(&m, &r), 0);
    for (size_t len = 0; len < LT_FSP_REQ_HEADER; len++) {
        struct lt_str copy = odd_copy(m.bytes, len);
        assert_int_equal(lt_fsp_request_decode(copy, &r), len < 16 ? LT_EBADMSG : LT_EPROTO);
        assert_int_equal(r.req.kind, len < 16 ? 0 : LT_FSP_CLOSE);
        assert_int_equal(r.req.hint, len < 16 ? 0 : 0x1122334455667788);
        free((char *)copy.s - 1);
    }
}

static void test_request__the_size_counts_and_the_version_does_not(void **state)
{
    struct message m;
    struct lt_fsp_request r;
    (void)state;
    struct lt_fsp_req *req = start(&m, LT_FSP_CLOSE);
    assert_int_equal(decode(&m, &r), 0);
    for (unsigned size = 0; size <= UINT16_MAX; size++) {
        req->size = (uint16_t)size;
        req->version = (uint16_t)(7 * size);
        assert_int_equal(decode_again(&m), size == LT_FSP_REQ_HEADER ? 0 : LT_EPROTO);
    }
}

static void test_request__none_is_longer_than_the_longest(void **state)
{
    static char bytes[UINT16_MAX];
    struct lt_fsp_request r;
    struct lt_fsp_req req = {.kind = LT_FSP_CLOSE, .size = LT_FSP_REQ_MAX};
    (void)state;
    memcpy(bytes, &req, sizeof(req));
    assert_int_equal(lt_fsp_request_decode(lt_strn(bytes, sizeof(bytes)), &r), 0);
    req.size++;
    memcpy(bytes, &req, sizeof(req));
    assert_int_equal(lt_fsp_request_decode(lt_strn(bytes, sizeof(bytes)), &r), LT_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request__create_has_all_its_pieces),
        cmocka_unit_test(test_request__rename_has_two_names),
        cmocka_unit_test(test_request__a_size_is_not_taken_for_a_name),
        cmocka_unit_test(test_request__query_directory_has_pattern_and_marker),
        cmocka_unit_test(test_request__a_marker_may_be_a_number),
        cmocka_unit_test(test_request__controls_have_their_input),
        cmocka_unit_test(test_request__a_control_has_a_limit),
        cmocka_unit_test(test_request__a_target_lies_in_its_link),
        cmocka_unit_test(test_request__eas_and_security_are_found),
        cmocka_unit_test(test_request__a_label_ends_at_its_first_nul),
        cmocka_unit_test(test_request__other_kinds_carry_nothing),
        cmocka_unit_test(test_request__a_text_needs_its_nul),
        cmocka_unit_test(test_request__a_path_begins_with_a_backslash),
        cmocka_unit_test(test_request__some_kinds_need_a_name),
        cmocka_unit_test(test_request__a_stream_has_one_colon),
        cmocka_unit_test(test_request__pieces_lie_within),
        cmocka_unit_test(test_request__offsets_beyond_the_end_are_refused),
        cmocka_unit_test(test_request__pieces_may_overlap_at_odd_offsets),
        cmocka_unit_test(test_request__unknown_kinds_can_be_answered),
        cmocka_unit_test(test_request__short_ones_can_be_answered_from_16_bytes),
        cmocka_unit_test(test_request__the_size_counts_and_the_version_does_not),
        cmocka_unit_test(test_request__none_is_longer_than_the_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
