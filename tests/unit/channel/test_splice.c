// SPDX-License-Identifier: MIT
/* src/channel/splice.c: messages out of pages of a file. */
#include "test.h"

#include <channel/splice.h>
#include <fcntl.h>
#include <lintel/error.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SIZE (64u << 10)

struct world {
    struct lt_splice splice;
    FILE *file;
    int pipe[2]; /* where messages go */
    uint8_t bytes[SIZE];
};

static struct world w;

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    for (size_t i = 0; i < SIZE; i++)
        w.bytes[i] = (uint8_t)(i * 7 + i / 251);
    w.file = tmpfile();
    return !w.file || fwrite(w.bytes, SIZE, 1, w.file) != 1 || fflush(w.file) || pipe(w.pipe);
}

static int teardown(void **state)
{
    (void)state;
    lt_splice_close(&w.splice);
    (void)close(w.pipe[0]);
    (void)close(w.pipe[1]);
    return fclose(w.file);
}

static int fill(const struct lt_file_range *ranges, size_t count)
{
    return lt_splice_fill(&w.splice, "head", 4, fileno(w.file), ranges, count);
}

/* Sends the message, which is to be the header and these ranges, and nothing else. */
static void assert_sent(const struct lt_file_range *ranges, size_t count)
{
    uint8_t got[SIZE + 4];
    size_t at = 4;
    assert_int_equal(lt_splice_send(&w.splice, w.pipe[1]), 0);
    ssize_t n = read(w.pipe[0], got, sizeof(got));
    assert_memory_equal(got, "head", 4);
    for (size_t i = 0; i < count; at += ranges[i++].len)
        assert_memory_equal(got + at, w.bytes + ranges[i].offset, ranges[i].len);
    assert_int_equal(n, at);
}

static void test_splice__ranges_follow_the_header(void **state)
{
    const struct lt_file_range ranges[] = {{4096, 8192}, {100, 5000}, {SIZE - 1, 1}};
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(fill(ranges, 3), 0);
        assert_sent(ranges, 3);
    }
}

static void test_splice__a_short_file_leaves_no_message(void **state)
{
    const struct lt_file_range bad[] = {{0, 4096}, {SIZE - 4096, 8192}}, good = {8192, 4096};
    (void)state;
    assert_int_equal(fill(bad, 2), LT_EOPNOTSUPP);
    assert_int_equal(fill(&good, 1), 0);
    assert_sent(&good, 1);
}

static void test_splice__what_does_not_fit_is_refused(void **state)
{
    const struct lt_file_range huge = {0, 64u << 20}, good = {0, 4096};
    (void)state;
    assert_int_equal(fill(&huge, 1), LT_EOPNOTSUPP);
    assert_int_equal(fill(&good, 1), 0);
    assert_sent(&good, 1);
}

static void test_splice__a_failed_send_leaves_nothing_behind(void **state)
{
    const struct lt_file_range first = {0, 4096}, second = {4096, 4096};
    int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_int_equal(fill(&first, 1), 0);
    assert_true(lt_splice_send(&w.splice, nowhere) < 0);
    (void)close(nowhere);
    assert_int_equal(fill(&second, 1), 0);
    assert_sent(&second, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_splice__ranges_follow_the_header, setup, teardown),
        cmocka_unit_test_setup_teardown(test_splice__a_short_file_leaves_no_message, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_splice__what_does_not_fit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_splice__a_failed_send_leaves_nothing_behind, setup,
                                        teardown),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
