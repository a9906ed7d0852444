// SPDX-License-Identifier: MIT
/* Sockets, pipes and directories for the programs that we start. */
#include <os/os.h>
#include <os/process.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NUMBER_MIN 100     /* above what scripts and shells use for their own */
#define PACKETS_WAITING 4u /* for how many packets of full length a socket is to have room */

void lt_process_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Moves a descriptor to where the program is to find it. */
static int move_up(int *fd)
{
    int high = fcntl(*fd, F_DUPFD_CLOEXEC, NUMBER_MIN);
    if (high < 0)
        return lt_error_last();
    lt_process_close(fd);
    *fd = high;
    return 0;
}

static int pair(int *ret_ours, int *ret_theirs)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return lt_error_last();
    int r = move_up(&fds[1]);
    if (r < 0) {
        lt_process_close(&fds[0]);
        lt_process_close(&fds[1]);
        return r;
    }
    *ret_ours = fds[0];
    *ret_theirs = fds[1];
    return 0;
}

/* SO_PASSCRED: each packet comes with the number of the process that sent it. */
int lt_process_life(int *ret_ours, int *ret_theirs)
{
    int on = 1;
    int r = pair(ret_ours, ret_theirs);
    if (r == 0)
        (void)setsockopt(*ret_ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
    return r;
}

/* As much as we may have, if not what we want: how much that is, SO_SNDBUF says to who asks. */
static void widen(int fd, size_t bytes)
{
    int size = bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)bytes;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int lt_process_packets(size_t message, int *ret_ours, int *ret_theirs)
{
    int r = pair(ret_ours, ret_theirs);
    if (r == 0) {
        widen(*ret_ours, message * PACKETS_WAITING / 2); /* the kernel doubles it */
        widen(*ret_theirs, message * PACKETS_WAITING / 2);
    }
    return r;
}

int lt_process_pipes(int *ret_in, int *ret_out, int *ret_their_in, int *ret_their_out)
{
    int from[2] = {-1, -1}, to[2] = {-1, -1};
    int r = pipe2(from, O_CLOEXEC) < 0 || pipe2(to, O_CLOEXEC) < 0 ? lt_error_last() : 0;
    if (r == 0)
        r = move_up(&from[1]);
    if (r == 0)
        r = move_up(&to[0]);
    if (r < 0) {
        for (int i = 0; i < 2; i++) {
            lt_process_close(&from[i]);
            lt_process_close(&to[i]);
        }
        return r;
    }
    *ret_in = from[0];
    *ret_their_out = from[1];
    *ret_their_in = to[0];
    *ret_out = to[1];
    return 0;
}

int lt_process_connect(const char *path, int *ret_fd, bool *ret_packets)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return LT_ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);
    const int types[] = {SOCK_SEQPACKET, SOCK_STREAM};
    int r = 0;
    for (size_t i = 0; i < 2; i++) {
        int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return lt_error_last();
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
            *ret_fd = fd;
            *ret_packets = types[i] == SOCK_SEQPACKET;
            return 0;
        }
        bool other_type = errno == EPROTOTYPE;
        r = lt_error_last();
        (void)close(fd);
        if (!other_type)
            break;
    }
    return r;
}

/* ---- Places ---------------------------------------------------------------------------------- */

static bool is_plain(const char *path)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.";
    return path[0] == '/' && path[strspn(path, plain)] == '\0';
}

/* Its name has no symbolic link in it, for programs make it so and then look for it. */
int lt_process_make_dir(char *buf, size_t size)
{
    char real[PATH_MAX];
    const char *top = getenv("TMPDIR");
    if (!top || !realpath(top, real) || !is_plain(real))
        top = "/tmp";
    else
        top = real;
    int n = snprintf(buf, size, "%s/lintel-XXXXXX", top);
    if (n < 0 || (size_t)n >= size)
        return LT_ENAMETOOLONG;
    return mkdtemp(buf) ? 0 : lt_error_last();
}

bool lt_process_is_mounted(const char *path)
{
    char up[PATH_MAX];
    struct stat st, above;
    snprintf(up, sizeof(up), "%s/..", path);
    /* A dead mount answers with an error, and is one. */
    return stat(path, &st) < 0 ? errno == ENOTCONN
                               : stat(up, &above) == 0 && st.st_dev != above.st_dev;
}

void lt_process_remove_dir(const char *path)
{
    if (rmdir(path) < 0 && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        (void)rmdir(path);
}

int lt_process_beside(const char *name, char *buf, size_t size)
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len < 0)
        return lt_error_last();
    self[len] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return LT_ENOENT;
    *slash = '\0';
    int n = snprintf(buf, size, "%s/%s", self, name);
    if (n < 0 || (size_t)n >= size)
        return LT_ENAMETOOLONG;
    return access(buf, R_OK) == 0 ? 0 : lt_error_last();
}
