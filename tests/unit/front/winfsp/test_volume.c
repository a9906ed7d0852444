// SPDX-License-Identifier: MIT
/* src/front/winfsp/: a volume's life, its table of openings, and drivers that say nonsense. */
#include "fault.h"
#include "hand.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lintel/path.h>

static struct hand hand;
static struct lt_fs *fs;

static void open_fs(const char *source)
{
    assert_int_equal(lt_open_fs(source, &fs, NULL), 0);
}

static int set_up(void **state)
{
    (void)state;
    struct lt_winfsp_options options;
    lt_winfsp_options_init(&options);
    open_fs("mem:");
    return hand_start(&hand, fs, options);
}

static int tear_down(void **state)
{
    (void)state;
    hand_end(&hand);
    assert_true(hand.closed);
    return lt_fs_close(fs);
}

static struct lt_fsp_contexts made(const char *path, uint32_t options)
{
    struct lt_fsp_contexts of = {0, 0};
    assert_int_equal(
        hand_create(&hand, path, HAND_OPTIONS(LT_FILE_CREATE, options), LT_ACCESS_FILE_ALL, &of),
        LT_STATUS_SUCCESS);
    return of;
}

static int32_t opened(const char *path)
{
    struct lt_fsp_contexts of;
    int32_t status =
        hand_create(&hand, path, HAND_OPTIONS(LT_FILE_OPEN, 0), LT_ACCESS_FILE_READ, &of);
    if (status == LT_STATUS_SUCCESS)
        hand_close(&hand, path, 0, of);
    return status;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static void test_files__an_old_number_is_not_another_file(void **state)
{
    (void)state;
    struct lt_fsp_contexts first = made("\\a", 0);
    hand_close(&hand, "\\a", 0, first);
    struct lt_fsp_contexts second = made("\\b", 0);
    assert_int_equal((uint32_t)second.user2, (uint32_t)first.user2); /* the slot is used again */
    assert_int_equal(hand_kind(&hand, LT_FSP_QUERY_INFORMATION, first), LT_STATUS_INVALID_HANDLE);
    assert_int_equal(hand_kind(&hand, LT_FSP_QUERY_INFORMATION, second), LT_STATUS_SUCCESS);
}

static void test_files__both_numbers_must_belong_together(void **state)
{
    (void)state;
    struct lt_fsp_contexts a = made("\\a", 0), b = made("\\b", 0);
    struct lt_fsp_contexts mixed = {a.user, b.user2};
    assert_int_equal(hand_kind(&hand, LT_FSP_QUERY_INFORMATION, mixed), LT_STATUS_INVALID_HANDLE);
    assert_int_equal(hand_kind(&hand, LT_FSP_CLEANUP, mixed), LT_STATUS_INVALID_HANDLE);
}

static void test_files__openings_of_one_file_share_the_first_number(void **state)
{
    (void)state;
    struct lt_fsp_contexts a = made("\\a", 0), again;
    assert_int_equal(
        hand_create(&hand, "\\a", HAND_OPTIONS(LT_FILE_OPEN, 0), LT_ACCESS_FILE_READ, &again),
        LT_STATUS_SUCCESS);
    assert_int_equal(a.user, again.user);
    assert_int_not_equal(a.user2, again.user2);
}

static void test_files__more_than_fit_the_first_table(void **state)
{
    (void)state;
    struct lt_fsp_contexts of[300];
    char name[16];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "\\f%d", i);
        of[i] = made(name, 0);
    }
    for (int i = 0; i < 300; i++) {
        assert_int_equal(hand_kind(&hand, LT_FSP_QUERY_INFORMATION, of[i]), LT_STATUS_SUCCESS);
        (void)hand_kind(&hand, LT_FSP_CLOSE, of[i]);
        assert_int_equal(hand.answer_len, 0); /* a Close is not answered */
    }
}

/* ---- Nonsense -------------------------------------------------------------------------------- */

static uint64_t malformed(void)
{
    char *json;
    assert_int_equal(lt_winfsp_stats(hand.volume, &json), 0);
    const char *at = strstr(json, "\"malformed\":");
    assert_non_null(at);
    uint64_t n = strtoull(at + strlen("\"malformed\":"), NULL, 10);
    free(json);
    return n;
}

static void test_worker__drops_what_is_no_request(void **state)
{
    (void)state;
    static const uint8_t zeros[8] = {0};
    hand_over(&hand, zeros, sizeof(zeros));
    assert_int_equal(hand.answer_len, 0);
    assert_int_equal(malformed(), 1);
    assert_int_equal(opened("\\"), LT_STATUS_SUCCESS);
}

static void test_worker__says_so_to_what_it_does_not_know(void **state)
{
    (void)state;
    struct lt_fsp_out out;
    (void)hand_begin(&hand, &out, LT_FSP_SHUTDOWN);
    assert_int_equal(hand_ask(&hand, &out), LT_STATUS_INVALID_DEVICE_REQUEST);
    (void)hand_begin(&hand, &out, 77);
    (void)hand_ask(&hand, &out);
    struct lt_fsp_rsp rsp;
    memcpy(&rsp, hand.answer, sizeof(rsp));
    assert_int_equal(rsp.status, LT_STATUS_INVALID_DEVICE_REQUEST);
    assert_int_equal(rsp.hint, 77 + 1000);
}

static void test_worker__refuses_pieces_outside_the_message(void **state)
{
    (void)state;
    struct lt_fsp_out out;
    struct lt_fsp_req *req = hand_begin(&hand, &out, LT_FSP_CREATE);
    req->file_name = (struct lt_fsp_buf){.offset = 8, .size = 1000};
    assert_int_equal(hand_ask(&hand, &out), LT_STATUS_INVALID_PARAMETER);
    assert_int_equal(hand.response.rsp.hint, LT_FSP_CREATE + 1000);
}

static void test_worker__answers_a_batch_in_order(void **state)
{
    (void)state;
    _Alignas(8) uint8_t batch[1024];
    size_t len = 0;
    for (uint64_t hint = 1; hint <= 3; hint++) {
        struct lt_fsp_out out;
        (void)lt_fsp_request_begin(&out, batch + len, sizeof(batch) - len, LT_FSP_QUERY_VOLUME,
                                   hint);
        len += (size_t)lt_fsp_end(&out);
    }
    hand_over(&hand, batch, len);
    struct lt_str rest = lt_strn((const char *)hand.answer, hand.answer_len), one;
    size_t at = 0;
    for (uint64_t hint = 1; hint <= 3; hint++) {
        struct lt_fsp_response rsp;
        assert_int_equal(lt_fsp_next(rest, &at, LT_FSP_RSP_HEADER, LT_FSP_RSP_MAX, &one), 1);
        assert_int_equal(lt_fsp_response_decode(one, &rsp), 0);
        assert_int_equal(rsp.rsp.hint, hint);
        assert_int_equal(rsp.rsp.status, LT_STATUS_SUCCESS);
    }
}

static void test_create__refuses_dispositions_that_are_none(void **state)
{
    (void)state;
    struct lt_fsp_contexts of;
    for (unsigned d = LT_FILE_OVERWRITE_IF + 1; d < 256; d += 50)
        assert_int_equal(hand_create(&hand, "\\a", HAND_OPTIONS(d, 0), LT_ACCESS_FILE_ALL, &of),
                         LT_STATUS_INVALID_PARAMETER);
    assert_int_equal(opened("\\a"), LT_STATUS_OBJECT_NAME_NOT_FOUND);
}

static void test_create__dots_do_not_climb(void **state)
{
    (void)state;
    (void)made("\\d", LT_FILE_DIRECTORY_FILE);
    assert_int_equal(opened("\\d\\.."), LT_STATUS_OBJECT_NAME_INVALID);
    assert_int_equal(opened("\\..\\d"), LT_STATUS_OBJECT_NAME_INVALID);
    assert_int_equal(opened("\\d\\.\\x"), LT_STATUS_OBJECT_NAME_INVALID);
}

/* ---- Delete ---------------------------------------------------------------------------------- */

static void test_cleanup__deletes_what_was_opened_and_nothing_else(void **state)
{
    (void)state;
    struct lt_fsp_contexts a = made("\\a", 0), b = made("\\b", 0);
    /* The name that the driver says belongs to another file: */
    hand_close(&hand, "\\b", LT_FSP_CLEANUP_DELETE, a);
    assert_int_equal(opened("\\b"), LT_STATUS_SUCCESS);
    assert_int_equal(opened("\\a"), LT_STATUS_SUCCESS);
    hand_close(&hand, "\\b", LT_FSP_CLEANUP_DELETE, b);
    assert_int_equal(opened("\\b"), LT_STATUS_OBJECT_NAME_NOT_FOUND);
}

static void test_cleanup__deletes_by_the_name_after_a_rename(void **state)
{
    (void)state;
    (void)made("\\d", LT_FILE_DIRECTORY_FILE);
    struct lt_fsp_contexts a = made("\\a", 0);
    assert_int_equal(lt_path_rename(NULL, lt_fs_root(fs), "/a", lt_fs_root(fs), "/d/b", 0), 0);
    hand_close(&hand, "\\d\\b", LT_FSP_CLEANUP_DELETE, a);
    assert_int_equal(opened("\\d\\b"), LT_STATUS_OBJECT_NAME_NOT_FOUND);
}

static void test_cleanup__a_stream_that_was_made_anew_stays(void **state)
{
    (void)state;
    (void)made("\\a", 0);
    struct lt_fsp_contexts old = made("\\a:s", 0), made_anew;
    struct lt_entry a = {.node = NULL};
    assert_int_equal(lt_path_lookup(NULL, lt_fs_root(fs), "/a", 0, &a), 0);
    assert_int_equal(lt_node_stream_remove(NULL, a.node, lt_str("s")), 0);
    lt_node_put(a.node);
    made_anew = made("\\a:s", 0);
    hand_close(&hand, "\\a:s", LT_FSP_CLEANUP_DELETE, old);
    assert_int_equal(opened("\\a:s"), LT_STATUS_SUCCESS);
    hand_close(&hand, "\\a:s", LT_FSP_CLEANUP_DELETE, made_anew);
    assert_int_equal(opened("\\a:s"), LT_STATUS_OBJECT_NAME_NOT_FOUND);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void test_volume__ends_with_files_open(void **state)
{
    (void)state;
    (void)made("\\a", 0);
    (void)made("\\a:s", 0);
    (void)made("\\d", LT_FILE_DIRECTORY_FILE);
}

static void test_volume__a_stop_is_no_error_and_a_lost_driver_is(void **state)
{
    (void)state;
    lt_winfsp_stop(hand.volume);
    assert_int_equal(lt_winfsp_wait(hand.volume), 0);
    hand_end(&hand);
    struct lt_winfsp_options options;
    lt_winfsp_options_init(&options);
    assert_int_equal(hand_start(&hand, fs, options), 0);
    lt_mutex_lock(&hand.lock);
    hand.stopped = true;
    hand.end = LT_ENODEV;
    lt_mutex_unlock(&hand.lock);
    lt_cond_wake_all(&hand.changed);
    assert_int_equal(lt_winfsp_wait(hand.volume), LT_ENODEV);
}

static void test_volume__counts_what_it_answered(void **state)
{
    (void)state;
    struct lt_fsp_contexts a = made("\\a", 0);
    (void)opened("\\none");
    char *json;
    assert_int_equal(lt_winfsp_stats(hand.volume, &json), 0);
    assert_non_null(strstr(json, "\"open\":1"));
    assert_non_null(strstr(json, "\"create\":{\"count\":2,\"errors\":1,"));
    assert_null(strstr(json, "\"read\""));
    free(json);
    hand_close(&hand, "\\a", 0, a);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void test_volume__start_nomem(void **state)
{
    (void)state;
    struct lt_winfsp_options options;
    lt_winfsp_options_init(&options);
    options.root_security = "O:BAG:BAD:P(A;;FA;;;WD)";
    options.prefix = "\\server\\share";
    options.fs_name = "NTFS";
    options.case_insensitive = true;
    open_fs("mem:");
    FAULT_EACH(n)
    {
        int r = hand_start(&hand, fs, options);
        if (fault_disarm())
            assert_true(r == LT_ENOMEM || r == LT_EAGAIN || r == 0);
        else
            assert_int_equal(r, 0);
        if (r == 0)
            hand_end(&hand);
        assert_true(hand.closed);
    }
    assert_int_equal(lt_fs_close(fs), 0);
}

static void test_create__nomem(void **state)
{
    (void)state;
    struct lt_ctx ctx = {.uid = 1000, .gid = 1000};
    struct lt_token *token;
    assert_int_equal(lt_token_from_ctx(&ctx, &token), 0);
    hand.token = token;
    FAULT_EACH(n)
    {
        struct lt_fsp_contexts of;
        int32_t status =
            hand_create(&hand, "\\a", HAND_OPTIONS(LT_FILE_CREATE, 0), LT_ACCESS_FILE_ALL, &of);
        if (!fault_disarm())
            assert_int_equal(status, LT_STATUS_SUCCESS);
        if (status == LT_STATUS_SUCCESS)
            hand_close(&hand, "\\a", LT_FSP_CLEANUP_DELETE, of);
        else
            assert_int_equal(status, LT_STATUS_INSUFFICIENT_RESOURCES);
        hand.token = NULL;
        assert_int_equal(opened("\\a"),
                         LT_STATUS_OBJECT_NAME_NOT_FOUND); /* and nothing half done */
        hand.token = token;
    }
    hand.token = NULL;
    free(token);
}

/* ---- Parameters ------------------------------------------------------------------------------ */

static int params(struct lt_winfsp_options *options, struct lt_fsp_volume_params *ret)
{
    struct lt_diag diag = {""};
    int r = lt_winfsp_params(fs, options, ret, &diag);
    assert_true(r == 0 || diag.text[0] != 0);
    return r;
}

static void test_params__what_the_volume_is(void **state)
{
    (void)state;
    struct lt_winfsp_options options;
    struct lt_fsp_volume_params p;
    lt_winfsp_options_init(&options);
    options.prefix = "\\server\\share";
    assert_int_equal(params(&options, &p), 0);
    assert_int_equal(p.version, 504);
    assert_int_equal(p.sector_size, 512);
    assert_int_equal(p.prefix[1], 's');
    assert_true(p.flags & LT_FSP_VOLUME_CASE_SENSITIVE);
    assert_true(p.flags & LT_FSP_VOLUME_STREAMS);
    assert_false(p.flags & LT_FSP_VOLUME_READ_ONLY);
    options.case_insensitive = options.read_only = true;
    assert_int_equal(params(&options, &p), 0);
    assert_false(p.flags & LT_FSP_VOLUME_CASE_SENSITIVE);
    assert_true(p.flags & LT_FSP_VOLUME_READ_ONLY);
}

static void test_params__what_cannot_be(void **state)
{
    (void)state;
    static const char *const prefixes[] = {
        "", "\\", "server\\share", "\\\\server\\share", "\\server", "\\server\\", "\\\\share"};
    struct lt_winfsp_options options;
    struct lt_fsp_volume_params p;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        lt_winfsp_options_init(&options);
        options.prefix = prefixes[i];
        assert_int_equal(params(&options, &p), LT_EINVAL);
    }
    for (uint32_t size = 0; size < 10000; size += 256) {
        lt_winfsp_options_init(&options);
        options.sector_size = size;
        bool good = size == 512 || size == 1024 || size == 2048 || size == 4096;
        assert_int_equal(params(&options, &p), good ? 0 : LT_EINVAL);
    }
    lt_winfsp_options_init(&options);
    options.fs_name = "sixteen letters!";
    assert_int_equal(params(&options, &p), LT_EINVAL);
}

#define ON_VOLUME(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_VOLUME(test_files__an_old_number_is_not_another_file),
        ON_VOLUME(test_files__both_numbers_must_belong_together),
        ON_VOLUME(test_files__openings_of_one_file_share_the_first_number),
        ON_VOLUME(test_files__more_than_fit_the_first_table),
        ON_VOLUME(test_worker__drops_what_is_no_request),
        ON_VOLUME(test_worker__says_so_to_what_it_does_not_know),
        ON_VOLUME(test_worker__refuses_pieces_outside_the_message),
        ON_VOLUME(test_worker__answers_a_batch_in_order),
        ON_VOLUME(test_create__refuses_dispositions_that_are_none),
        ON_VOLUME(test_create__dots_do_not_climb),
        ON_VOLUME(test_cleanup__deletes_what_was_opened_and_nothing_else),
        ON_VOLUME(test_cleanup__deletes_by_the_name_after_a_rename),
        ON_VOLUME(test_cleanup__a_stream_that_was_made_anew_stays),
        ON_VOLUME(test_volume__ends_with_files_open),
        ON_VOLUME(test_volume__a_stop_is_no_error_and_a_lost_driver_is),
        ON_VOLUME(test_volume__counts_what_it_answered),
        cmocka_unit_test(test_volume__start_nomem),
        ON_VOLUME(test_create__nomem),
        ON_VOLUME(test_params__what_the_volume_is),
        ON_VOLUME(test_params__what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
