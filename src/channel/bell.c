// SPDX-License-Identifier: MIT
#include "bell.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int lt_bell_open(struct lt_bell *bell)
{
    atomic_init(&bell->rung, false);
    bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bell->fd < 0 ? lt_error_last() : 0;
}

void lt_bell_close(struct lt_bell *bell)
{
    if (bell->fd >= 0)
        close(bell->fd);
    bell->fd = -1;
}

void lt_bell_ring(struct lt_bell *bell)
{
    uint64_t one = 1;
    atomic_store(&bell->rung, true);
    ssize_t n = write(bell->fd, &one, sizeof(one));
    (void)n; /* it can only be full, which does as well */
}

int lt_bell_wait(const struct lt_bell *bell, int fd, short events, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = bell->fd, .events = POLLIN}, {.fd = fd, .events = events}};
    while (poll(fds, 2, timeout_ms) < 0) {
        if (errno != EINTR)
            return lt_error_last();
    }
    return fds[0].revents || lt_bell_rung(bell) ? LT_ECANCELED : 0;
}
