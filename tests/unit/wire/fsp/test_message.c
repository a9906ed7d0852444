// SPDX-License-Identifier: MIT
/* src/wire/fsp/message.c: batches, and messages put together. */
#include "kit.h"

static void test_message__pieces_are_aligned_and_the_gaps_are_zero(void **state)
{
    struct message m;
    (void)state;
    memset(m.bytes, 0xee, sizeof(m.bytes));
    lt_fsp_response_begin(&m.out, m.bytes, sizeof(m.bytes), LT_FSP_CREATE, 1);
    struct lt_fsp_buf a = lt_fsp_put(&m.out, "abc", 3, 1);
    struct lt_fsp_buf b = lt_fsp_put(&m.out, "de", 2, 8);
    struct lt_fsp_buf c = lt_fsp_put_text(&m.out, u"fg", 2, false);
    struct lt_fsp_buf d = lt_fsp_put_text(&m.out, u"h", 1, true);
    assert_int_equal(a.offset, 0);
    assert_int_equal(b.offset, 8);
    assert_int_equal(c.offset, 10);
    assert_int_equal(c.size, 4);
    assert_int_equal(d.offset, 14);
    assert_int_equal(d.size, 4);
    assert_int_equal(lt_fsp_end(&m.out), LT_FSP_RSP_HEADER + 24);
    static const uint8_t expected[24] = {'a', 'b', 'c', 0,   0, 0,   0, 0, 'd',
                                         'e', 'f', 0,   'g', 0, 'h', 0, 0, 0};
    assert_memory_equal(m.bytes + LT_FSP_RSP_HEADER, expected, 24);
}

static void test_message__an_absent_piece_is_zeros(void **state)
{
    struct message m;
    (void)state;
    lt_fsp_response_begin(&m.out, m.bytes, sizeof(m.bytes), LT_FSP_CREATE, 1);
    lt_fsp_put(&m.out, "abc", 3, 1);
    struct lt_fsp_buf none[] = {lt_fsp_put(&m.out, NULL, 0, 8),
                                lt_fsp_put_text(&m.out, NULL, 0, false), lt_fsp_take(&m.out, 0, 8)};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(none[i].offset, 0);
        assert_int_equal(none[i].size, 0);
    }
    assert_int_equal(m.out.len, LT_FSP_RSP_HEADER + 3);
    assert_int_equal(lt_fsp_put_text(&m.out, NULL, 0, true).size, 2);
}

/* As the driver and its library have it. */
static void test_message__a_response_counts_its_padding(void **state)
{
    struct message m;
    (void)state;
    struct lt_fsp_req *req =
        lt_fsp_request_begin(&m.out, m.bytes, LT_FSP_REQ_MAX, LT_FSP_SET_EA, 5);
    lt_fsp_put(&m.out, "abc", 3, 1);
    assert_int_equal(lt_fsp_end(&m.out), LT_FSP_REQ_HEADER + 8);
    assert_int_equal(req->size, LT_FSP_REQ_HEADER + 3);
    assert_int_equal(req->kind, LT_FSP_SET_EA);
    assert_int_equal(req->version, 0);
    struct lt_fsp_rsp *rsp =
        lt_fsp_response_begin(&m.out, m.bytes, LT_FSP_RSP_MAX, LT_FSP_SET_EA, 5);
    lt_fsp_put(&m.out, "abc", 3, 1);
    assert_int_equal(lt_fsp_end(&m.out), LT_FSP_RSP_HEADER + 8);
    assert_int_equal(rsp->size, LT_FSP_RSP_HEADER + 8);
    assert_int_equal(rsp->hint, 5);
}

static void test_message__what_does_not_fit_says_so(void **state)
{
    (void)state;
    for (size_t room = 0; room <= 24; room++) {
        struct message m;
        memset(m.bytes, 0xee, sizeof(m.bytes));
        lt_fsp_response_begin(&m.out, m.bytes, LT_FSP_RSP_HEADER + room, LT_FSP_CREATE, 1);
        struct lt_fsp_buf a = lt_fsp_put(&m.out, "0123456789", 10, 8);
        struct lt_fsp_buf b = lt_fsp_put(&m.out, "x", 1, 8);
        assert_int_equal(a.size, room >= 10 ? 10 : 0);
        assert_int_equal(b.size, room >= 17 ? 1 : 0);
        assert_int_equal(m.out.full, room < 17);
        assert_int_equal(lt_fsp_end(&m.out), room < 24 ? LT_ERANGE : (int)LT_FSP_RSP_HEADER + 24);
        for (size_t i = LT_FSP_RSP_HEADER + room; i < LT_FSP_RSP_HEADER + 32; i++)
            assert_int_equal(m.bytes[i], 0xee);
    }
}

/* Once something was left out, a smaller piece that would fit must not hide it. */
static void test_message__full_stays_full(void **state)
{
    struct message m;
    (void)state;
    lt_fsp_response_begin(&m.out, m.bytes, LT_FSP_RSP_HEADER + 8, LT_FSP_CREATE, 1);
    assert_int_equal(lt_fsp_put(&m.out, "0123456789", 10, 8).size, 0);
    assert_int_equal(lt_fsp_put(&m.out, "x", 1, 8).size, 0);
    assert_int_equal(lt_fsp_end(&m.out), LT_ERANGE);
}

static void test_message__none_is_longer_than_the_driver_takes(void **state)
{
    static _Alignas(8) uint8_t big[4 * LT_FSP_RSP_MAX];
    struct lt_fsp_out out;
    size_t room;
    (void)state;
    lt_fsp_response_begin(&out, big, sizeof(big), LT_FSP_QUERY_SECURITY, 1);
    assert_non_null(lt_fsp_room(&out, 8, &room));
    assert_int_equal(room, LT_FSP_SECURITY_MAX);
    assert_int_equal(lt_fsp_take(&out, LT_FSP_SECURITY_MAX, 8).size, LT_FSP_SECURITY_MAX);
    assert_null(lt_fsp_room(&out, 8, &room));
    assert_int_equal(room, 0);
    assert_int_equal(lt_fsp_end(&out), LT_FSP_RSP_MAX);
    lt_fsp_request_begin(&out, big, sizeof(big), LT_FSP_SET_SECURITY, 1);
    assert_int_equal(lt_fsp_put(&out, big, LT_FSP_REQ_MAX - LT_FSP_REQ_HEADER + 1, 1).size, 0);
    assert_int_equal(lt_fsp_put_text(&out, NULL, SIZE_MAX, true).size, 0);
    assert_true(out.full);
}

static void test_message__a_producer_may_write_in_place(void **state)
{
    struct message m;
    size_t room;
    (void)state;
    lt_fsp_response_begin(&m.out, m.bytes, LT_FSP_RSP_HEADER + 32, LT_FSP_CREATE, 1);
    lt_fsp_put(&m.out, "a", 1, 1);
    char *at = lt_fsp_room(&m.out, 8, &room);
    assert_ptr_equal(at, m.bytes + LT_FSP_RSP_HEADER + 8);
    assert_int_equal(room, 24);
    memcpy(at, "in place", 8);
    struct lt_fsp_buf buf = lt_fsp_take(&m.out, 8, 8);
    assert_int_equal(buf.offset, 8);
    assert_memory_equal(m.bytes + LT_FSP_RSP_HEADER + 8, "in place", 8);
    assert_int_equal(lt_fsp_take(&m.out, 17, 8).size, 0);
    assert_int_equal(lt_fsp_end(&m.out), LT_ERANGE);
}

/* Three requests: padded, not padded, and one of the largest. */
static size_t make_batch(uint8_t *bytes, size_t size)
{
    static const uint8_t data[LT_FSP_REQ_MAX - LT_FSP_REQ_HEADER];
    static const size_t lens[] = {3, 8, sizeof(data)};
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        struct lt_fsp_out out;
        struct lt_fsp_req *req =
            lt_fsp_request_begin(&out, bytes + at, size - at, LT_FSP_SET_EA, i);
        req->u.set_ea.ea = lt_fsp_put(&out, data, lens[i], 8);
        int64_t len = lt_fsp_end(&out);
        assert_true(len > 0);
        at += (size_t)len;
    }
    return at;
}

static void test_message__a_batch_comes_apart(void **state)
{
    static _Alignas(8) uint8_t bytes[LT_FSP_BATCH_MIN];
    static const size_t lens[] = {91, 96, LT_FSP_REQ_MAX};
    struct lt_str batch = lt_strn((char *)bytes, make_batch(bytes, sizeof(bytes))), message;
    size_t at = 0;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct lt_fsp_request r;
        assert_int_equal(lt_fsp_next(batch, &at, LT_FSP_REQ_HEADER, LT_FSP_REQ_MAX, &message), 1);
        assert_int_equal(message.len, lens[i]);
        assert_int_equal(lt_fsp_request_decode(message, &r), 0);
        assert_int_equal(r.req.hint, i);
        assert_int_equal(at % 8, 0);
    }
    assert_int_equal(lt_fsp_next(batch, &at, LT_FSP_REQ_HEADER, LT_FSP_REQ_MAX, &message), 0);
    assert_int_equal(at, batch.len);
}

/* How many whole messages it has, and what ends it. */
static int count(struct lt_str batch, size_t max, size_t *ret)
{
    struct lt_str message;
    size_t at = 0;
    int r;
    *ret = 0;
    while ((r = lt_fsp_next(batch, &at, LT_FSP_REQ_HEADER, max, &message)) == 1)
        ++*ret;
    return r;
}

static void test_message__a_cut_batch_ends_with_an_error(void **state)
{
    static _Alignas(8) uint8_t bytes[LT_FSP_BATCH_MIN];
    size_t n;
    (void)state;
    make_batch(bytes, sizeof(bytes));
    for (size_t len = 0; len < 96 + 96 + 300; len++) {
        struct lt_str copy = odd_copy(bytes, len);
        int end = count(copy, LT_FSP_REQ_MAX, &n);
        assert_int_equal(end, len == 0 || len == 96 || len == 192 ? 0 : LT_EPROTO);
        assert_int_equal(n, len < 96 ? 0 : len < 192 ? 1 : 2);
        free((char *)copy.s - 1);
    }
}

static void test_message__a_batch_checks_sizes(void **state)
{
    static _Alignas(8) uint8_t bytes[LT_FSP_BATCH_MIN];
    struct lt_fsp_req *req = (struct lt_fsp_req *)bytes;
    struct lt_str batch = lt_strn((char *)bytes, sizeof(bytes));
    size_t n;
    (void)state;
    assert_int_equal(count(batch, LT_FSP_REQ_MAX, &n), LT_EPROTO);
    assert_int_equal(n, 0);
    req->size = LT_FSP_REQ_HEADER - 1;
    assert_int_equal(count(batch, LT_FSP_REQ_MAX, &n), LT_EPROTO);
    assert_int_equal(n, 0);
    req->size = LT_FSP_REQ_MAX + 1;
    assert_int_equal(count(batch, LT_FSP_REQ_MAX, &n), LT_EPROTO);
    assert_int_equal(n, 0);
    req->size = LT_FSP_REQ_MAX;
    assert_int_equal(count(lt_strn((char *)bytes, LT_FSP_REQ_MAX), LT_FSP_REQ_MAX, &n), 0);
    assert_int_equal(n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message__pieces_are_aligned_and_the_gaps_are_zero),
        cmocka_unit_test(test_message__an_absent_piece_is_zeros),
        cmocka_unit_test(test_message__a_response_counts_its_padding),
        cmocka_unit_test(test_message__what_does_not_fit_says_so),
        cmocka_unit_test(test_message__full_stays_full),
        cmocka_unit_test(test_message__none_is_longer_than_the_driver_takes),
        cmocka_unit_test(test_message__a_producer_may_write_in_place),
        cmocka_unit_test(test_message__a_batch_comes_apart),
        cmocka_unit_test(test_message__a_cut_batch_ends_with_an_error),
        cmocka_unit_test(test_message__a_batch_checks_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
