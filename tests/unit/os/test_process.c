// SPDX-License-Identifier: MIT
/* Programs that are started: what they get, what they say, and how they end. */
#include <os/os.h>
#include <os/process.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fault.h"
#include "../test.h"

#define PATIENCE 20000u

static struct lt_process *start(const char *command)
{
    struct lt_process_options options = {.command = command, .in = -1, .out = -1, .life = -1};
    struct lt_process *p = NULL;
    assert_int_equal(lt_process_start(&options, &p), 0);
    return p;
}

static void test_process__its_status_is_that_of_the_shell(void **state)
{
    const struct {
        const char *command;
        int status;
    } cases[] = {
        {"true", 0}, {"exit 3", 3}, {"kill -TERM $$", 128 + SIGTERM}, {"nosuchprogram", 127}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lt_process *p = start(cases[i].command);
        assert_true(lt_process_pid(p) > 0);
        assert_int_equal(lt_process_wait(p, PATIENCE), cases[i].status);
        assert_int_equal(lt_process_wait(p, 0), cases[i].status);
        lt_process_end(p, true); /* nobody is there */
        lt_process_free(p);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_process__the_last_of_what_it_says_is_kept(void **state)
{
    char said[LT_PROCESS_SAID_MAX + 1];
    (void)state;
    struct lt_process *p = start("echo one >&2; echo two");
    assert_int_equal(lt_process_wait(p, PATIENCE), 0);
    assert_int_equal(lt_process_said(p, said), 8);
    assert_string_equal(said, "one\ntwo\n");
    lt_process_free(p);
    p = start("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done");
    assert_int_equal(lt_process_wait(p, PATIENCE), 0);
    assert_int_equal(lt_process_said(p, said), LT_PROCESS_SAID_MAX);
    assert_string_equal(said + LT_PROCESS_SAID_MAX - 10, "line 2999\n");
    assert_int_equal(said[strcspn(said, "\n") + 1], 'l');
    lt_process_free(p);
}

/* Our own standard error is a file for a while. */
static void test_process__what_it_says_goes_on_once_settled(void **state)
{
    char path[] = "/tmp/lintel-test-XXXXXX", text[64] = "";
    (void)state;
    int file = mkstemp(path), old = dup(2);
    assert_true(file >= 0 && old >= 0);
    dup2(file, 2);
    struct lt_process *p = start("echo early >&2; read x; echo late >&2");
    assert_int_equal(lt_process_wait(p, PATIENCE), 0);
    off_t before = lseek(2, 0, SEEK_CUR);
    lt_process_settled(p);
    for (int i = 0; i < 2000 && pread(file, text, sizeof(text) - 1, 0) < 11; i++)
        usleep(10000);
    lt_process_free(p);
    dup2(old, 2);
    assert_int_equal(before, 0);
    assert_string_equal(text, "early\nlate\n");
    close(old);
    close(file);
    unlink(path);
}

static void test_process__its_environment_is_ours_and_more(void **state)
{
    char said[LT_PROCESS_SAID_MAX + 1];
    const char *env[] = {"LT_B=new", "LT_C=", NULL};
    struct lt_process_options options = {.command = "echo $LT_A,$LT_B,${LT_C-unset},$LT_BB",
                                         .env = env,
                                         .in = -1,
                                         .out = -1,
                                         .life = -1};
    struct lt_process *p;
    (void)state;
    setenv("LT_A", "a", 1);
    setenv("LT_B", "old", 1);
    setenv("LT_BB", "bb", 1);
    assert_int_equal(lt_process_start(&options, &p), 0);
    assert_int_equal(lt_process_wait(p, PATIENCE), 0);
    lt_process_said(p, said);
    assert_string_equal(said, "a,new,,bb\n");
    assert_string_equal(getenv("LT_B"), "old");
    lt_process_free(p);
}

static void test_process__only_what_is_kept_is_open_in_it(void **state)
{
    char said[LT_PROCESS_SAID_MAX + 1];
    int ours, theirs;
    (void)state;
    for (int fd = 3; fd < 1024; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC); /* of whoever started the test */
    assert_int_equal(lt_process_packets(1000, &ours, &theirs), 0);
    assert_true(theirs >= 100);
    struct lt_process_options options = {.command = "ls /proc/self/fd",
                                         .in = -1,
                                         .out = -1,
                                         .keep = &theirs,
                                         .keep_count = 1,
                                         .life = -1};
    struct lt_process *p;
    assert_int_equal(lt_process_start(&options, &p), 0);
    assert_int_equal(lt_process_wait(p, PATIENCE), 0);
    char expected[64];
    snprintf(expected, sizeof(expected), "0\n1\n%d\n2\n3\n", theirs); /* 3: the listing itself */
    lt_process_said(p, said);
    assert_string_equal(said, expected);
    lt_process_free(p);
    lt_process_close(&ours);
    lt_process_close(&theirs);
    assert_int_equal(theirs, -1);
}

static void test_process__it_is_asked_and_then_made_to_end(void **state)
{
    (void)state;
    struct lt_process *p = start("trap '' TERM; echo ready; while :; do sleep 0.01; done");
    char said[LT_PROCESS_SAID_MAX + 1];
    while (lt_process_said(p, said) == 0)
        usleep(1000);
    assert_int_equal(lt_process_wait(p, 0), LT_ETIMEDOUT);
    lt_process_end(p, false);
    assert_int_equal(lt_process_wait(p, 50), LT_ETIMEDOUT);
    lt_process_end(p, true);
    assert_int_equal(lt_process_wait(p, PATIENCE), 128 + SIGKILL);
    lt_process_free(p);
}

/* As after fork(), with the parent gone: it says who it is by the socket. */
static void test_process__who_goes_to_the_background_counts(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        int ours, theirs;
        char command[256];
        assert_int_equal(lt_process_life(&ours, &theirs), 0);
        snprintf(command, sizeof(command),
                 known ? "python3 -c 'import socket, time; s = socket.socket(fileno=%d); "
                         "s.send(b\"S\"); s.close(); time.sleep(1000)' & :"
                       : "python3 -c 'import os, time; os.close(%d); time.sleep(1000)' & :",
                 theirs);
        struct lt_process_options options = {.command = command,
                                             .in = -1,
                                             .out = -1,
                                             .keep = &theirs,
                                             .keep_count = 1,
                                             .life = ours};
        struct lt_process *p;
        assert_int_equal(lt_process_start(&options, &p), 0);
        lt_process_close(&theirs);
        if (known) {
            assert_int_equal(lt_process_wait_life(p, PATIENCE), 0);
            assert_int_equal(lt_process_wait(p, 50), LT_ETIMEDOUT);
            lt_process_end(p, false);
        } else { /* nobody has the socket any more */
            assert_int_equal(lt_process_wait_life(p, PATIENCE), LT_ENODEV);
            assert_int_equal(kill((pid_t)-lt_process_pid(p), SIGKILL), 0);
        }
        assert_int_equal(lt_process_wait(p, PATIENCE), 0);
        lt_process_free(p);
    }
}

static void test_process__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_process_options options = {.command = "exit 4", .in = -1, .out = -1, .life = -1};
        struct lt_process *p = NULL;
        int r = lt_process_start(&options, &p);
        if (fault_disarm())
            assert_int_equal(r, LT_ENOMEM);
        else
            assert_int_equal(r, 0);
        if (p)
            assert_int_equal(lt_process_wait(p, PATIENCE), 4);
        lt_process_free(p);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

static void test_process__its_directory_is_private_and_goes(void **state)
{
    char path[256], other[256];
    struct stat st;
    (void)state;
    setenv("TMPDIR", "/tmp/no such place", 1);
    assert_int_equal(lt_process_make_dir(path, sizeof(path)), 0);
    assert_int_equal(lt_process_make_dir(other, sizeof(other)), 0);
    unsetenv("TMPDIR");
    assert_string_not_equal(path, other);
    assert_int_equal(strncmp(path, "/tmp/lintel-", 12), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_false(lt_process_is_mounted(path));
    assert_true(lt_process_is_mounted("/proc"));
    lt_process_remove_dir(path);
    lt_process_remove_dir(other);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(lt_process_make_dir(path, 8), LT_ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process__its_status_is_that_of_the_shell),
        cmocka_unit_test(test_process__the_last_of_what_it_says_is_kept),
        cmocka_unit_test(test_process__what_it_says_goes_on_once_settled),
        cmocka_unit_test(test_process__its_environment_is_ours_and_more),
        cmocka_unit_test(test_process__only_what_is_kept_is_open_in_it),
        cmocka_unit_test(test_process__it_is_asked_and_then_made_to_end),
        cmocka_unit_test(test_process__who_goes_to_the_background_counts),
        cmocka_unit_test(test_process__nomem),
        cmocka_unit_test(test_process__its_directory_is_private_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
