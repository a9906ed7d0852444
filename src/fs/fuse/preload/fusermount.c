// SPDX-License-Identifier: MIT
/*
 * What fusermount and fusermount3 are to a program that is started as a FUSE server: it asks for a
 * mount and gets, over the socket _FUSE_COMMFD, a descriptor of the device; here, of our channel
 * (libfuse util/fusermount.c). An unmount has nothing to do.
 */
#include "preload.h"

#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

/* One byte, and the descriptor. */
static bool send_fd(int to, int fd)
{
    char byte = 0;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.space = {0}};
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    return sendmsg(to, &message, MSG_NOSIGNAL) == 1;
}

int main(int argc, char **argv)
{
    struct lt_preload us;
    const char *number = getenv("_FUSE_COMMFD");
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "-u") == 0 || strcmp(argv[i], "--unmount") == 0 ||
            strcmp(argv[i], "--auto-unmount") == 0)
            return 0;
    long to = number ? strtol(number, NULL, 10) : -1;
    if (!lt_preload_read(&us) || to < 0 || to > 65535 || !send_fd((int)to, us.channel)) {
        fprintf(stderr, "fusermount: not started by a FUSE server of Lintel's\n");
        return 1;
    }
    /* If the library is not preloaded there, nobody else will say it. */
    send(us.life, LT_PRELOAD_HANDED_ON, 1, MSG_NOSIGNAL);
    return 0;
}
