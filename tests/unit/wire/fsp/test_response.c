// SPDX-License-Identifier: MIT
/* src/wire/fsp/response.c: responses of all kinds, whole and broken. */
#include "kit.h"

static struct lt_fsp_rsp *start(struct message *m, uint32_t kind, int32_t status)
{
    struct lt_fsp_rsp *rsp =
        lt_fsp_response_begin(&m->out, m->bytes, sizeof(m->bytes), kind, 0x1122334455667788);
    rsp->status = status;
    return rsp;
}

static int decode(struct message *m, struct lt_fsp_response *ret)
{
    int64_t len = lt_fsp_end(&m->out);
    assert_true(len > 0);
    return lt_fsp_response_decode(lt_strn((char *)m->bytes, (size_t)len), ret);
}

static struct lt_fsp_rsp *start_opened(struct message *m)
{
    struct lt_fsp_rsp *rsp = start(m, LT_FSP_CREATE, LT_STATUS_SUCCESS);
    rsp->information = LT_FILE_OPENED;
    rsp->u.create.as = (struct lt_fsp_contexts){3, 4};
    rsp->u.create.file_name = lt_fsp_put_text(&m->out, u"\\Name", 5, false);
    rsp->u.create.security = lt_fsp_put(&m->out, "descriptor", 10, 8);
    rsp->u.create.flags = LT_FSP_OPENED_HAS_SECURITY;
    return rsp;
}

static void test_response__create_has_name_and_security(void **state)
{
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    start_opened(&m);
    assert_int_equal(decode(&m, &r), 0);
    assert_int_equal(r.rsp.hint, 0x1122334455667788);
    assert_int_equal(r.rsp.u.create.as.user2, 4);
    assert_wide(r.name, u"\\Name");
    assert_bytes(r.security, "descriptor");
}

static void test_response__a_reparse_has_data(void **state)
{
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    struct lt_fsp_rsp *rsp = start(&m, LT_FSP_CREATE, LT_STATUS_REPARSE);
    rsp->u.buffer = lt_fsp_put(&m.out, "reparse", 7, 8);
    assert_int_equal(decode(&m, &r), 0);
    assert_bytes(r.data, "reparse");
    rsp->u.buffer.size = 0;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    start(&m, LT_FSP_CLOSE, LT_STATUS_REPARSE);
    assert_int_equal(decode(&m, &r), LT_EPROTO);
}

/* What the union holds then is nobody's business: an old Create's, for instance. */
static void test_response__an_error_carries_nothing(void **state)
{
    static const int32_t errors[] = {LT_STATUS_BUFFER_OVERFLOW, LT_STATUS_ACCESS_DENIED};
    (void)state;
    for (uint32_t kind = 1; kind < LT_FSP_KIND_END; kind++) {
        struct message m;
        struct lt_fsp_response r;
        struct lt_fsp_rsp *rsp = start(&m, kind, errors[kind % 2]);
        memset(&rsp->u, 0xff, sizeof(rsp->u));
        assert_int_equal(decode(&m, &r), 0);
        assert_int_equal(r.data.len + r.security.len + r.name.units, 0);
    }
}

static void test_response__a_pending_one_is_none(void **state)
{
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    start(&m, LT_FSP_READ, LT_STATUS_PENDING);
    assert_int_equal(decode(&m, &r), LT_EPROTO);
}

static struct lt_fsp_buf *buffer_of(struct lt_fsp_rsp *rsp)
{
    return rsp->kind == LT_FSP_SET_EA ? &rsp->u.set_ea.ea : &rsp->u.buffer;
}

/* The driver looks at the beginning of the variable part whatever the offset says. */
static void test_response__some_pieces_come_first(void **state)
{
    static const struct {
        uint32_t kind;
        int behind; /* of a piece at offset 8 */
    } cases[] = {
        {LT_FSP_QUERY_EA, LT_EPROTO},      {LT_FSP_SET_EA, LT_EPROTO},
        {LT_FSP_QUERY_STREAMS, LT_EPROTO}, {LT_FSP_QUERY_SECURITY, LT_EPROTO},
        {LT_FSP_SET_SECURITY, LT_EPROTO},  {LT_FSP_FILE_SYSTEM_CONTROL, 0},
        {LT_FSP_DEVICE_CONTROL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct message m;
        struct lt_fsp_response r;
        struct lt_fsp_rsp *rsp = start(&m, cases[i].kind, LT_STATUS_SUCCESS);
        *buffer_of(rsp) = lt_fsp_put(&m.out, "12345678abcd", 12, 8);
        assert_int_equal(decode(&m, &r), 0);
        assert_bytes(r.data, "12345678abcd");
        *buffer_of(rsp) = (struct lt_fsp_buf){8, 4};
        assert_int_equal(decode(&m, &r), cases[i].behind);
        *buffer_of(rsp) = (struct lt_fsp_buf){0, 17};
        assert_int_equal(decode(&m, &r), LT_EPROTO);
        *buffer_of(rsp) = (struct lt_fsp_buf){8, 0};
        assert_int_equal(decode(&m, &r), 0);
        assert_int_equal(r.data.len, 0);
    }
}

static void test_response__a_normalized_name_is_a_path(void **state)
{
    static const uint16_t with_nul[] = {'\\', 'a', 0, 'b'};
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    struct lt_fsp_rsp *rsp = start_opened(&m);
    rsp->u.create.file_name.size--;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    rsp = start_opened(&m);
    rsp->u.create.file_name.offset = 2; /* also not first */
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    rsp = start(&m, LT_FSP_CREATE, LT_STATUS_SUCCESS);
    rsp->u.create.file_name = lt_fsp_put_text(&m.out, with_nul, 4, false);
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    rsp = start(&m, LT_FSP_CREATE, LT_STATUS_SUCCESS);
    rsp->u.create.file_name = lt_fsp_put_text(&m.out, u"name", 4, false);
    assert_int_equal(decode(&m, &r), LT_EPROTO);
}

static void test_response__a_normalized_name_has_a_limit(void **state)
{
    uint16_t name[LT_FSP_PATH_MAX / 2 + 1];
    (void)state;
    for (size_t i = 0; i < LT_FSP_PATH_MAX / 2 + 1; i++)
        name[i] = '\\';
    for (size_t more = 0; more <= 1; more++) {
        struct message m;
        struct lt_fsp_response r;
        struct lt_fsp_rsp *rsp = start(&m, LT_FSP_CREATE, LT_STATUS_SUCCESS);
        rsp->u.create.file_name = lt_fsp_put_text(&m.out, name, LT_FSP_PATH_MAX / 2 + more, false);
        assert_int_equal(decode(&m, &r), more ? LT_EPROTO : 0);
    }
}

static void test_response__security_and_its_flag_go_together(void **state)
{
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    start_opened(&m)->u.create.flags = 0;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    start_opened(&m)->u.create.security.size = 0;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    start_opened(&m)->u.create.security.size = 17;
    assert_int_equal(decode(&m, &r), LT_EPROTO);
}

static void test_response__a_label_has_32_units(void **state)
{
    static const struct {
        uint16_t length;
        int error;
    } cases[] = {{0, 0}, {64, 0}, {65, LT_EPROTO}, {66, LT_EPROTO}, {3, LT_EPROTO}};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct message m;
        struct lt_fsp_response r;
        start(&m, LT_FSP_QUERY_VOLUME, 0)->u.volume.label_length = cases[i].length;
        assert_int_equal(decode(&m, &r), cases[i].error);
        start(&m, LT_FSP_SET_VOLUME, 0)->u.volume.label_length = cases[i].length;
        assert_int_equal(decode(&m, &r), cases[i].error);
    }
}

static void test_response__a_control_has_a_limit(void **state)
{
    static const uint8_t output[LT_FSP_CONTROL_MAX + 1];
    (void)state;
    for (size_t more = 0; more <= 1; more++) {
        struct message m;
        struct lt_fsp_response r;
        struct lt_fsp_rsp *rsp = start(&m, LT_FSP_DEVICE_CONTROL, LT_STATUS_SUCCESS);
        rsp->u.buffer = lt_fsp_put(&m.out, output, LT_FSP_CONTROL_MAX + more, 1);
        assert_int_equal(decode(&m, &r), more ? LT_EPROTO : 0);
    }
}

static void test_response__sizes_and_kinds_are_checked(void **state)
{
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    struct lt_fsp_rsp *rsp = start(&m, LT_FSP_CLOSE, LT_STATUS_SUCCESS);
    lt_fsp_put(&m.out, "padding", 7, 8);
    assert_int_equal(decode(&m, &r), 0);
    struct lt_str bytes = lt_strn((char *)m.bytes, m.out.len + 1);
    for (unsigned size = 0; size <= UINT16_MAX; size++) {
        bool good = size == LT_FSP_RSP_HEADER || size == LT_FSP_RSP_HEADER + 8;
        rsp->size = (uint16_t)size;
        rsp->version = (uint16_t)(7 * size);
        assert_int_equal(lt_fsp_response_decode(bytes, &r), good ? 0 : LT_EPROTO);
    }
    start(&m, LT_FSP_RESERVED, 0);
    assert_int_equal(decode(&m, &r), LT_EPROTO);
    start(&m, LT_FSP_KIND_END, 0);
    assert_int_equal(decode(&m, &r), LT_EPROTO);
}

static void test_response__short_ones_are_none(void **state)
{
    struct message m;
    struct lt_fsp_response r;
    (void)state;
    start_opened(&m);
    assert_int_equal(decode(&m, &r), 0);
    for (size_t len = 0; len < LT_FSP_RSP_HEADER + 32; len++) {
        struct lt_str copy = odd_copy(m.bytes, len);
        assert_int_equal(lt_fsp_response_decode(copy, &r),
                         len < LT_FSP_RSP_HEADER ? LT_EBADMSG : LT_EPROTO);
        free((char *)copy.s - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response__create_has_name_and_security),
        cmocka_unit_test(test_response__a_reparse_has_data),
        cmocka_unit_test(test_response__an_error_carries_nothing),
        cmocka_unit_test(test_response__a_pending_one_is_none),
        cmocka_unit_test(test_response__some_pieces_come_first),
        cmocka_unit_test(test_response__a_normalized_name_is_a_path),
        cmocka_unit_test(test_response__a_normalized_name_has_a_limit),
        cmocka_unit_test(test_response__security_and_its_flag_go_together),
        cmocka_unit_test(test_response__a_label_has_32_units),
        cmocka_unit_test(test_response__a_control_has_a_limit),
        cmocka_unit_test(test_response__sizes_and_kinds_are_checked),
        cmocka_unit_test(test_response__short_ones_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
