// SPDX-License-Identifier: MIT
#include <limits.h>
#include <mount_words.h>
#include <stdlib.h>

#include "../fault.h"
#include "../test.h"

static struct lt_mount_request request; /* too large for the stack's taste */

static int parse(const char *list, struct lt_diag *diag)
{
    return lt_mount_request_parse(&request, list, diag);
}

static void check_source(const char *list, const char *source, const char *expected)
{
    assert_int_equal(parse(list, NULL), LT_OK);
    char *text = lt_mount_request_source(&request, source);
    assert_string_equal(text, expected);
    free(text);
    lt_mount_request_fini(&request);
}

static void test_mount_words__without_words_are_the_defaults(void **state)
{
    struct lt_mount_options defaults;
    (void)state;
    lt_mount_options_init(&defaults);
    assert_int_equal(parse(NULL, NULL), LT_OK);
    const struct lt_mount_options *o = &request.front;
    assert_int_equal(o->allow_other, defaults.allow_other);
    assert_int_equal(o->read_only, defaults.read_only);
    assert_int_equal(o->default_permissions, defaults.default_permissions);
    assert_int_equal(o->io_uring, defaults.io_uring);
    assert_int_equal(o->passthrough, defaults.passthrough);
    assert_int_equal(o->writeback, defaults.writeback);
    assert_int_equal(o->streams, defaults.streams);
    assert_int_equal(o->threads, defaults.threads);
    assert_int_equal(o->poll_us, defaults.poll_us);
    assert_int_equal(o->max_write, defaults.max_write);
    assert_true(o->timeout_ms == defaults.timeout_ms);
    assert_int_equal(o->uid, defaults.uid);
    assert_int_equal(o->gid, defaults.gid);
    assert_int_equal(o->umask, defaults.umask);
    assert_false(o->locks || o->debug);
    assert_null(o->kernel_options);
    lt_mount_request_fini(&request);
}

static void test_mount_words__reach_the_mount(void **state)
{
    (void)state;
    assert_int_equal(parse("ro,allow_other=no,default_permissions=off,io_uring=off,passthrough=on,"
                           "writeback=auto,streams=colon,threads=3,poll=0,max_write=64k,uid=12,"
                           "gid=34,umask=27,timeout=1.5,fsname=a\\,b,subtype=c,debug",
                           NULL),
                     LT_OK);
    const struct lt_mount_options *o = &request.front;
    assert_true(o->read_only && o->debug);
    assert_false(o->allow_other || o->default_permissions);
    assert_int_equal(o->io_uring, LT_OFF);
    assert_int_equal(o->passthrough, LT_ON);
    assert_int_equal(o->writeback, LT_AUTO);
    assert_int_equal(o->streams, LT_STREAMS_COLON);
    assert_int_equal(o->threads, 3);
    assert_int_equal(o->poll_us, 0);
    assert_int_equal(o->max_write, 65536);
    assert_int_equal(o->uid, 12);
    assert_int_equal(o->gid, 34);
    assert_int_equal(o->umask, 027);
    assert_int_equal(o->timeout_ms, 1500);
    assert_string_equal(o->fs_name, "a,b");
    assert_string_equal(o->subtype, "c");
    lt_mount_request_fini(&request);
}

static void test_mount_words__know_users_and_for_ever(void **state)
{
    (void)state;
    assert_int_equal(parse("uid=root,timeout=forever", NULL), LT_OK);
    assert_int_equal(request.front.uid, 0);
    assert_true(request.front.timeout_ms == UINT64_MAX);
    lt_mount_request_fini(&request);
}

static void test_mount_words__hand_the_last_kernel_option_on(void **state)
{
    (void)state;
    assert_int_equal(parse("noexec,nosuid,exec,atime,noatime,nodev,ro,rw,strictatime", NULL),
                     LT_OK);
    assert_string_equal(request.front.kernel_options, "strictatime,nosuid,nodev");
    assert_false(request.front.read_only);
    lt_mount_request_fini(&request);
    assert_int_equal(parse("noexec,exec", NULL), LT_OK);
    assert_null(request.front.kernel_options);
    lt_mount_request_fini(&request);
}

static void test_mount_words__leave_the_rest_to_the_source(void **state)
{
    (void)state;
    check_source(NULL, "mem:", "mem:");
    check_source("size=1g", "mem:", "mem:size=1g");
    check_source("ro,case=insensitive", "mem:size=1g", "mem:size=1g,case=insensitive");
    check_source("label=a\\,b\\\\c=d,flag", "mem:", "mem:label=a\\,b\\\\c=d,flag");
    check_source("nofail,_netdev,x-a.b=c,X-d,comment=e,user,noauto,defaults", "mem:", "mem:");
    check_source("noexec=1", "mem:", "mem:noexec=1");
}

static void test_mount_words__name_what_is_wrong(void **state)
{
    static const char *const lists[] = {
        "umask=8",  "umask=1777", "timeout=-1",  "timeout=nan",   "uid=-1",  "gid=no-such-group",
        "io_uring", "threads=x",  "streams=all", "max_write=17m", "poll=1s", "timeout=1s"};
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        struct lt_diag diag = {""};
        char name[16];
        size_t len = strcspn(lists[i], "=");
        memcpy(name, lists[i], len);
        name[len] = '\0';
        if (parse(lists[i], &diag) != LT_EINVAL || !strstr(diag.text, name))
            fail_msg("%s: '%s'", lists[i], diag.text);
        lt_mount_request_fini(&request);
    }
}

static void test_mount_words__guess_at_slips(void **state)
{
    (void)state;
    assert_string_equal(lt_mount_word_nearest("alow_other"), "allow_other");
    assert_string_equal(lt_mount_word_nearest("iouring"), "io_uring");
    assert_null(lt_mount_word_nearest("qwertz"));
}

static void test_mount_words__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        int error = parse("size=1g,label=a\\,b,noatime", NULL);
        if (fault_disarm())
            assert_int_not_equal(error, LT_OK);
        else
            assert_int_equal(error, LT_OK);
        lt_mount_request_fini(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mount_words__without_words_are_the_defaults),
        cmocka_unit_test(test_mount_words__reach_the_mount),
        cmocka_unit_test(test_mount_words__know_users_and_for_ever),
        cmocka_unit_test(test_mount_words__hand_the_last_kernel_option_on),
        cmocka_unit_test(test_mount_words__leave_the_rest_to_the_source),
        cmocka_unit_test(test_mount_words__name_what_is_wrong),
        cmocka_unit_test(test_mount_words__guess_at_slips),
        cmocka_unit_test(test_mount_words__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
