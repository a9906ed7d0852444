// SPDX-License-Identifier: MIT
/* src/fs/fuse/start.c, with the preloaded library: servers started, spoken to and ended. */
#include <channel/client.h>
#include <fs/fuse/start.h>
#include <wire/fuse/ops.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fault.h"
#include "../../test.h"

#define OVER 7          /* the mounter's status after an orderly end */
#define PATIENCE 20000u /* milliseconds */

/* ---- Helpers --------------------------------------------------------------------------------- */

/* In a command, $M is the mounter. */
static int start(const char *command, struct lt_server *ret, struct lt_diag *diag)
{
    diag->text[0] = '\0';
    return lt_server_command(command, ret, diag);
}

static struct lt_client *client_open(struct lt_server *s)
{
    struct lt_client_config config = {.max_write = 65536, .timeout_ns = UINT64_C(20000000000)};
    struct lt_client *client = NULL;
    assert_int_equal(lt_client_open(s->in, s->out, s->packets, &config, &client), 0);
    s->in = s->out = -1;
    return client;
}

static int ask(struct lt_client *client, uint32_t opcode, const void *body, size_t len, void *reply,
               size_t size)
{
    struct lt_seg in = {(void *)body, len}, out = {reply, size};
    struct lt_client_call call = {.opcode = opcode,
                                  .nodeid = opcode == LT_FUSE_INIT ? 0 : 1,
                                  .in = &in,
                                  .in_count = len > 0,
                                  .out = &out,
                                  .out_count = size > 0,
                                  .out_min = size};
    return lt_client_call(client, &call);
}

static void greet(struct lt_client *client)
{
    struct lt_fuse_init_in in = {.major = LT_FUSE_MAJOR, .minor = 38, .max_readahead = 65536};
    struct lt_fuse_init_out out;
    assert_int_equal(ask(client, LT_FUSE_INIT, &in, sizeof(in), &out, sizeof(out)), 0);
    assert_int_equal(out.max_write, 65536);
}

static void use(struct lt_client *client)
{
    struct lt_fuse_getattr_in in = {0};
    struct lt_fuse_attr_out out;
    greet(client);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(client, LT_FUSE_GETATTR, &in, sizeof(in), &out, sizeof(out)), 0);
        assert_int_equal(out.attr.mode, 040755);
    }
    assert_int_equal(ask(client, LT_FUSE_LOOKUP, "x", 2, NULL, 0), LT_ENOSYS);
}

/* Whether it runs; what nobody has reaped does not. */
static bool is_alive(pid_t pid)
{
    char path[64], state = 'Z';
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    if (file)
        fclose(file);
    return state != 'Z';
}

/* The server answers, and its end is an orderly one. */
static void check_use(const char *command, int status)
{
    struct lt_server s;
    struct lt_diag diag;
    int r = start(command, &s, &diag);
    if (r < 0)
        print_error("%s: %s\n", command, diag.text);
    assert_int_equal(r, 0);
    assert_true(s.packets);
    char *dir = strdup(s.dir);
    int64_t pid = s.pid;
    struct lt_client *client = client_open(&s);
    use(client);
    assert_true(is_alive((pid_t)pid));
    lt_client_close(client);
    assert_int_equal(lt_server_end(&s, PATIENCE), status);
    assert_null(s.process);
    assert_int_equal(access(dir, F_OK), -1);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    free(dir);
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* ---- Ways to serve --------------------------------------------------------------------------- */

static void test_start__a_program_that_mounts_serves_us(void **state)
{
    (void)state;
    check_use("$M plain @", OVER);
    check_use("exec $M plain \"@\"", OVER);
}

static void test_start__a_shell_may_stand_in_between(void **state)
{
    (void)state;
    check_use("cd /; FOO=1 $M plain @; (exit 9)", 9);
}

static void test_start__a_program_may_go_to_the_background(void **state)
{
    (void)state;
    check_use("$M background @", 0);
    check_use("$M early @", 0);
    check_use("$M plain @ &", 0);
}

static void test_start__descriptors_by_number_work_too(void **state)
{
    (void)state;
    check_use("$M plain /dev/fd/@", OVER);
}

static void test_start__splicing_keeps_messages_whole(void **state)
{
    (void)state;
    check_use("$M splice @", OVER);
    check_use("$M 'old splice' @", OVER);
}

static void test_start__fusermount_is_ours(void **state)
{
    (void)state;
    check_use("$M fusermount @", OVER);
    check_use("LD_PRELOAD= $M 'fusermount in PATH' @", 8); /* nobody hides umount2() */
}

/* ---- What it inherits ------------------------------------------------------------------------ */

static void test_start__what_the_program_starts_knows_nothing(void **state)
{
    char path[] = "/tmp/lintel-test-XXXXXX", text[65536];
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    setenv("OUT", path, 1);
    assert_int_equal(start("$M child @", &s, &diag), 0);
    struct lt_client *client = client_open(&s);
    use(client);
    lt_client_close(client);
    assert_int_equal(lt_server_end(&s, PATIENCE), OVER);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "OUT="));
    assert_null(strstr(text, "LINTEL_FUSE"));
    assert_null(strstr(text, "lintel-preload"));
    assert_null(strstr(text, "fs/fuse/preload:"));
    assert_null(strstr(text, "socket:"));
    close(fd);
    unlink(path);
    unsetenv("OUT");
}

static void test_start__descriptors_and_signals_of_ours_do_not_reach_it(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    int mine = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    sigset_t term, old;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &old);
    assert_int_equal(start("exec $M slow @", &s, &diag), 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
    lt_client_close(client_open(&s));
    assert_int_equal(lt_server_end(&s, 10), 128 + SIGTERM);
    assert_int_equal(start("kill -PIPE $$; : $M @", &s, &diag), LT_ENODEV);
    assert_non_null(strstr(diag.text, "signal 13"));
    signal(SIGPIPE, SIG_DFL);
    close(mine);
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void test_start__a_program_that_fails_says_why(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    assert_int_equal(start("$M fail @", &s, &diag), LT_ENODEV);
    assert_non_null(strstr(diag.text, "status 3"));
    assert_non_null(strstr(diag.text, "first line; there is no such disk"));
    assert_int_equal(start("/nonexistent/program @", &s, &diag), LT_ENODEV);
    assert_non_null(strstr(diag.text, "127"));
    assert_non_null(strstr(diag.text, "not found"));
    assert_int_equal(start("true @", &s, &diag), LT_ENODEV);
    assert_int_equal(start("kill -9 $$ @", &s, &diag), LT_ENODEV);
    assert_non_null(strstr(diag.text, "signal 9"));
    assert_int_equal(start("yes 'a long line' | head -c 1000000 >&2; exit 5 @", &s, &diag),
                     LT_ENODEV);
    assert_non_null(strstr(diag.text, "a long line; a long line"));
}

static void test_start__without_a_mount_point_nothing_is_started(void **state)
{
    const char *commands[] = {"sshfs me@host: x", "", "@@", "a@", "@b", "/dev/fd@", "x/dev/fd/@y"};
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        assert_int_equal(lt_server_command(commands[i], &s, &diag), LT_EINVAL);
        assert_non_null(strstr(diag.text, "mount point"));
    }
}

static void test_start__a_crash_ends_every_call(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    assert_int_equal(start("$M plain @", &s, &diag), 0);
    struct lt_client *client = client_open(&s);
    use(client);
    assert_int_equal(ask(client, LT_FUSE_STATFS, NULL, 0, NULL, 0), LT_ENOTCONN);
    lt_client_close(client);
    diag.text[0] = '\0';
    lt_server_explain(&s, &diag);
    assert_non_null(strstr(diag.text, "signal 6"));
    assert_int_equal(lt_server_end(&s, PATIENCE), 128 + SIGABRT);
}

static void test_start__a_reply_that_no_packet_holds_is_an_error(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    struct lt_fuse_getattr_in in = {0};
    struct lt_fuse_attr_out out;
    (void)state;
    assert_int_equal(start("$M plain @", &s, &diag), 0);
    struct lt_client *client = client_open(&s);
    greet(client);
    assert_int_equal(ask(client, LT_FUSE_READ, NULL, 0, NULL, 0), LT_EIO);
    assert_int_equal(ask(client, LT_FUSE_GETATTR, &in, sizeof(in), &out, sizeof(out)), 0);
    lt_client_close(client);
    assert_int_equal(lt_server_end(&s, PATIENCE), OVER);
}

static void test_start__who_does_not_end_is_ended(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    assert_int_equal(start("exec $M stubborn @", &s, &diag), 0);
    lt_client_close(client_open(&s));
    assert_int_equal(lt_server_end(&s, 10), 128 + SIGKILL);
    assert_int_equal(start("($M stubborn @); exit 4", &s, &diag), 0);
    pid_t pid = (pid_t)s.pid;
    assert_true(is_alive(pid));
    lt_client_close(client_open(&s));
    lt_server_end(&s, 10);
    assert_false(is_alive(pid));
}

static void test_start__who_still_works_is_not_disturbed(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    assert_int_equal(start("exec $M busy @", &s, &diag), 0);
    lt_client_close(client_open(&s));
    assert_int_equal(lt_server_end(&s, 500), OVER);
    assert_int_equal(start("$M busy @ & :", &s, &diag), 0);
    lt_client_close(client_open(&s));
    assert_int_equal(lt_server_end(&s, 500), 0);
}

static void test_start__what_is_started_is_ended_when_nobody_uses_it(void **state)
{
    struct lt_server s;
    struct lt_diag diag;
    (void)state;
    assert_int_equal(start("$M plain @", &s, &diag), 0);
    assert_int_equal(lt_server_end(&s, PATIENCE), OVER); /* it closes the connection by itself */
    assert_int_equal(s.in, -1);
    assert_int_equal(lt_server_end(&s, PATIENCE), 0); /* nothing to do */
}

static void test_start__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct lt_server s;
        struct lt_diag diag;
        unsigned before = count_descriptors();
        int r = start("$M plain @", &s, &diag);
        if (fault_disarm())
            assert_int_equal(r, LT_ENOMEM);
        else
            assert_int_equal(r, 0);
        if (r == 0)
            assert_int_equal(lt_server_end(&s, PATIENCE), OVER);
        assert_int_equal(count_descriptors(), before);
    }
}

/* ---- The other ways -------------------------------------------------------------------------- */

static void test_start__a_command_on_stdio_is_a_stream(void **state)
{
    struct lt_server s;
    struct lt_diag diag = {""};
    char byte = 0;
    (void)state;
    assert_int_equal(lt_server_stdio("cat; echo it is over >&2; exit 3", &s, &diag), 0);
    assert_false(s.packets);
    assert_true(s.in != s.out);
    assert_int_equal(write(s.out, "x", 1), 1);
    assert_int_equal(read(s.in, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(s.out);
    s.out = s.in; /* what is left of it */
    assert_int_equal(read(s.in, &byte, 1), 0);
    lt_server_explain(&s, &diag);
    assert_string_equal(diag.text, "the program ended with status 3: it is over");
    assert_int_equal(lt_server_end(&s, PATIENCE), 3);
}

static void test_start__sockets_of_both_types_are_connected_to(void **state)
{
    char dir[] = "/tmp/lintel-test-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct lt_diag diag;
    struct lt_server s;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
    assert_int_equal(lt_server_unix(address.sun_path, &s, &diag), LT_ENOENT);
    assert_non_null(strstr(diag.text, address.sun_path));
    for (int packets = 0; packets < 2; packets++) {
        int fd = socket(AF_UNIX, packets ? SOCK_SEQPACKET : SOCK_STREAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(lt_server_unix(address.sun_path, &s, &diag), LT_ECONNREFUSED);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(lt_server_unix(address.sun_path, &s, &diag), 0);
        assert_int_equal(s.packets, packets);
        assert_int_equal(s.pid, -1);
        assert_int_equal(lt_server_end(&s, 0), 0);
        close(fd);
        unlink(address.sun_path);
    }
    rmdir(dir);
    char longer[200];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(lt_server_unix(longer, &s, &diag), LT_ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start__a_program_that_mounts_serves_us),
        cmocka_unit_test(test_start__a_shell_may_stand_in_between),
        cmocka_unit_test(test_start__a_program_may_go_to_the_background),
        cmocka_unit_test(test_start__descriptors_by_number_work_too),
        cmocka_unit_test(test_start__splicing_keeps_messages_whole),
        cmocka_unit_test(test_start__fusermount_is_ours),
        cmocka_unit_test(test_start__what_the_program_starts_knows_nothing),
        cmocka_unit_test(test_start__descriptors_and_signals_of_ours_do_not_reach_it),
        cmocka_unit_test(test_start__a_program_that_fails_says_why),
        cmocka_unit_test(test_start__without_a_mount_point_nothing_is_started),
        cmocka_unit_test(test_start__a_crash_ends_every_call),
        cmocka_unit_test(test_start__a_reply_that_no_packet_holds_is_an_error),
        cmocka_unit_test(test_start__who_does_not_end_is_ended),
        cmocka_unit_test(test_start__who_still_works_is_not_disturbed),
        cmocka_unit_test(test_start__what_is_started_is_ended_when_nobody_uses_it),
        cmocka_unit_test(test_start__nomem),
        cmocka_unit_test(test_start__a_command_on_stdio_is_a_stream),
        cmocka_unit_test(test_start__sockets_of_both_types_are_connected_to),
    };
    const char *mounter = getenv("LINTEL_MOUNTER");
    if (!mounter) {
        printf("1..0 # SKIP LINTEL_MOUNTER is not set\n");
        return 0;
    }
    setenv("M", mounter, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
