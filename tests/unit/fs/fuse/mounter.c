// SPDX-License-Identifier: MIT
/*
 * A FUSE server as somebody else might write it, without libfuse: mounter WAY DIRECTORY. It answers
 * INIT and GETATTR, refuses the rest, and its exit status is 7 if the device said that all is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <wire/fuse/ops.h>
#include <wire/fuse/proto.h>

#define OVER 7
#define BUF_SIZE (1u << 20)

static char buf[BUF_SIZE];
static int spliced[2] = {-1, -1};
static unsigned splice_flags;

static bool is(const char *way, const char *what)
{
    return strcmp(way, what) == 0;
}

/* ---- Mounting -------------------------------------------------------------------------------- */

/* What libfuse does where it may not mount by itself. */
static int mount_by_fusermount(const char *dir, bool in_path)
{
    int fds[2], fd = -1;
    char number[16], byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        return -1;
    if (fork() == 0) {
        char *const argv[] = {(char[]){"fusermount3"}, (char[]){"--"}, (char *)dir, NULL};
        snprintf(number, sizeof(number), "%d", fds[1]);
        setenv("_FUSE_COMMFD", number, 1);
        if (in_path)
            execvp("fusermount3", argv);
        else
            execv("/usr/bin/fusermount3", argv);
        _exit(1);
    }
    close(fds[1]);
    if (recvmsg(fds[0], &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    wait(NULL);
    return fd;
}

static int mount_at(const char *way, const char *dir)
{
    int number;
    if (is(way, "fusermount") || is(way, "fusermount in PATH"))
        return mount_by_fusermount(dir, !is(way, "fusermount"));
    if (sscanf(dir, "/dev/fd/%d", &number) == 1)
        return number;
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0 || chdir(dir) < 0 || mount("mounter", ".", "fuse.mounter", 0, "fd=3") < 0)
        return -1;
    return fd;
}

static void daemonize(void)
{
    if (fork() != 0)
        exit(0);
    setsid();
    for (int fd = 0; fd < 3; fd++)
        close(fd);
}

/* ---- Serving --------------------------------------------------------------------------------- */

static ssize_t receive(int fd)
{
    if (spliced[0] < 0)
        return read(fd, buf, sizeof(buf));
    ssize_t n = splice(fd, NULL, spliced[1], NULL, sizeof(buf), splice_flags);
    for (ssize_t done = 0; done < n;) {
        ssize_t m = read(spliced[0], buf + done, (size_t)(n - done));
        if (m <= 0)
            return -1;
        done += m;
    }
    return n;
}

static void reply(int fd, uint64_t unique, int error, const void *body, size_t len)
{
    struct lt_fuse_out_header header = {
        .len = (uint32_t)(sizeof(header) + len), .error = error, .unique = unique};
    struct iovec iov[] = {{&header, sizeof(header)}, {(void *)body, len}};
    if (spliced[0] < 0) {
        if (writev(fd, iov, 2) < 0 && errno != ENOENT && errno != EMSGSIZE)
            exit(1);
        return;
    }
    if (writev(spliced[1], iov, 2) != (ssize_t)header.len ||
        splice(spliced[0], NULL, fd, NULL, header.len, 0) != (ssize_t)header.len)
        exit(1);
}

static void answer(int fd, const struct lt_fuse_in_header *h)
{
    static char big[16u << 20];
    struct lt_fuse_init_out init = {
        .major = LT_FUSE_MAJOR, .minor = 31, .max_write = 65536, .max_readahead = 65536};
    struct lt_fuse_attr_out attr = {.attr = {.ino = 1, .mode = 040755, .nlink = 2}};
    if (h->opcode == LT_FUSE_INIT)
        reply(fd, h->unique, 0, &init, sizeof(init));
    else if (h->opcode == LT_FUSE_GETATTR)
        reply(fd, h->unique, 0, &attr, sizeof(attr));
    else if (h->opcode == LT_FUSE_READ) /* as much as no socket takes */
        reply(fd, h->unique, 0, big, sizeof(big));
    else if (h->opcode != LT_FUSE_FORGET && h->opcode != LT_FUSE_INTERRUPT)
        reply(fd, h->unique, -ENOSYS, NULL, 0);
}

static int serve(int fd)
{
    struct lt_fuse_in_header header;
    for (;;) {
        ssize_t n = receive(fd);
        if (n < (ssize_t)sizeof(header))
            return n < 0 && errno == ENODEV ? OVER : 1;
        memcpy(&header, buf, sizeof(header));
        if (header.opcode == LT_FUSE_STATFS)
            abort();
        answer(fd, &header);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    const char *way = argv[1];
    if (is(way, "fail")) {
        fprintf(stderr, "this is the first line\nthere is no such disk\n");
        return 3;
    }
    if (is(way, "early"))
        daemonize();
    int fd = mount_at(way, argv[2]);
    if (fd < 0)
        return 4;
    if (is(way, "background"))
        daemonize();
    if (is(way, "splice") || is(way, "old splice")) {
        if (pipe(spliced) < 0 || fcntl(spliced[0], F_SETPIPE_SZ, BUF_SIZE) < 0)
            return 5;
        if (is(way, "old splice"))
            splice_flags = 0x8000; /* unknown to the kernel, so that it refuses */
    }
    if (is(way, "child") && system("env > \"$OUT\"; ls -l /proc/self/fd >> \"$OUT\"") != 0)
        return 6;
    if (is(way, "stubborn"))
        signal(SIGTERM, SIG_IGN);
    int status = serve(fd);
    for (clock_t end = clock() + CLOCKS_PER_SEC; is(way, "busy") && clock() < end;)
        ; /* as if there were much to write down */
    while (is(way, "stubborn") || is(way, "slow"))
        sleep(100);
    if (umount2(argv[2], 0) < 0 && strncmp(argv[2], "/dev/fd/", 8) != 0)
        return 8;
    return status;
}
