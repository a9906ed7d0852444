// SPDX-License-Identifier: MIT
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <os/os.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_SIZE (1 << 20) /* what everybody may have (fs.pipe-max-size) */
#define PACKET_OVERHEAD                                                      \
    32u /* bytes of the send buffer that no packet gets (unix_dgram_sendmsg) \
         */

static bool is_socket(int fd)
{
    int type;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* The kernel doubles what it is told, for its own overhead (socket(7)), so that a message of
 * `bytes` and its neighbour have room. */
static void widen(int fd, int option, int forced, size_t bytes)
{
    int size = bytes > INT_MAX / 2 ? INT_MAX / 2 : (int)bytes;
    int now = 0;
    socklen_t len = sizeof(now);
    if (getsockopt(fd, SOL_SOCKET, option, &now, &len) == 0 && now / 2 >= size)
        return;
    if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

int lt_fd_prepare(int fd, size_t message, bool *ret_socket)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return lt_error_last();
    *ret_socket = is_socket(fd);
    if (*ret_socket) {
        widen(fd, SO_SNDBUF, SO_SNDBUFFORCE, message + PACKET_OVERHEAD);
        widen(fd, SO_RCVBUF, SO_RCVBUFFORCE, message + PACKET_OVERHEAD);
    } else {
        fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
    }
    return 0;
}

size_t lt_fd_packet_max(int fd)
{
    int size = 0;
    socklen_t len = sizeof(size);
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) < 0 || size < (int)PACKET_OVERHEAD)
        return 0;
    return (size_t)size - PACKET_OVERHEAD;
}

/* A pipe raises SIGPIPE whatever it is told. So it is blocked meanwhile, and taken if it came. */
static ssize_t write_pipe(int fd, const struct iovec *iov, size_t count)
{
    sigset_t pipe, old, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &old);
    ssize_t n = writev(fd, iov, (int)count);
    int error = n < 0 ? errno : 0;
    if (error == EPIPE && !sigismember(&old, SIGPIPE) && sigpending(&pending) == 0 &&
        sigismember(&pending, SIGPIPE)) {
        struct timespec now = {0};
        sigtimedwait(&pipe, NULL, &now);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = error;
    return n;
}

ssize_t lt_fd_write(int fd, bool is_socket, const struct iovec *iov, size_t count)
{
    for (;;) {
        struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
        ssize_t n = is_socket ? sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
                              : write_pipe(fd, iov, count);
        if (n >= 0)
            return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return LT_EAGAIN;
        if (errno != EINTR)
            return lt_error_last();
    }
}

ssize_t lt_fd_read(int fd, const struct iovec *iov, size_t count)
{
    for (;;) {
        ssize_t n = readv(fd, iov, (int)count);
        if (n >= 0)
            return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return LT_EAGAIN;
        if (errno != EINTR)
            return lt_error_last();
    }
}

void lt_iov_advance(struct iovec **iov, size_t *count, size_t n)
{
    while (*count > 0 && n >= (*iov)->iov_len) {
        n -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char *)(*iov)->iov_base + n;
        (*iov)->iov_len -= n;
    }
}

size_t lt_iov_fill(struct iovec *iov, const struct lt_seg *segs, size_t count, size_t from)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t skip = from < segs[i].len ? from : segs[i].len;
        from -= skip;
        if (segs[i].len > skip)
            iov[used++] = (struct iovec){(char *)segs[i].base + skip, segs[i].len - skip};
    }
    return used;
}

size_t lt_segs_size(const struct lt_seg *segs, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += segs[i].len;
    return size;
}
