/* SPDX-License-Identifier: MIT */
/* What the preloaded library and fusermount are told by ../start.c, in LINTEL_FUSE. */
#ifndef LT_FS_FUSE_PRELOAD_PRELOAD_H
#define LT_FS_FUSE_PRELOAD_PRELOAD_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* On LIFE (os/process.h): the sender listens; or he has done his part, and another does. */
#define LT_PRELOAD_SERVES "S"
#define LT_PRELOAD_HANDED_ON "H"

struct lt_preload {
    int channel, life;    /* descriptors */
    char directory[1024]; /* to be "mounted" */
};

static inline bool lt_preload_is_packets(int fd)
{
    int type = 0;
    socklen_t len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* False, and nothing is changed, unless there is all of it and it is open. */
static inline bool lt_preload_read(struct lt_preload *ret)
{
    const char *text = getenv("LINTEL_FUSE");
    if (!text)
        return false;
    char *rest;
    long channel = strtol(text, &rest, 10);
    long life = *rest == ',' ? strtol(rest + 1, &rest, 10) : -1;
    if (channel < 3 || channel > 65535 || life < 3 || life > 65535 || *rest != ',' ||
        strlen(rest + 1) >= sizeof(ret->directory) || !lt_preload_is_packets((int)channel) ||
        !lt_preload_is_packets((int)life))
        return false;
    ret->channel = (int)channel;
    ret->life = (int)life;
    memcpy(ret->directory, rest + 1, strlen(rest + 1) + 1);
    return true;
}

#endif
