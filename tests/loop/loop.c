// SPDX-License-Identifier: MIT
#include "loop.h"

#include <fs/fuse/fusefs.h>

#include <sys/socket.h>

static int serve(struct loop *loop, bool packets, struct lt_server *ret)
{
    struct lt_mount_options options;
    int pair[2], size = 4 << 20;
    if (socketpair(AF_UNIX, (packets ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_CLOEXEC, 0, pair) < 0)
        return lt_error_last();
    for (int i = 0; i < 2; i++)
        (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    lt_mount_options_init(&options);
    *ret = (struct lt_server){.in = pair[0], .out = pair[0], .packets = packets, .pid = -1};
    int r = lt_serving_start(loop->served, pair[1], pair[1], packets, &options, NULL, NULL,
                             &loop->serving);
    if (r < 0)
        lt_server_end(ret, 0);
    return r;
}

int loop_open(const char *source, const struct lt_fusefs_options *options, bool packets,
              struct loop *ret, struct lt_diag *diag)
{
    struct loop loop = {.served = NULL};
    struct lt_fusefs_options own;
    struct lt_server server;
    lt_fusefs_options_init(&own);
    int r = lt_open_fs(source, &loop.served, diag);
    if (r == 0)
        r = serve(&loop, packets, &server);
    if (r == 0)
        r = lt_fusefs_open(&server, options ? options : &own, &loop.fs, diag);
    if (r == 0) {
        *ret = loop;
        return 0;
    }
    lt_serving_end(loop.serving);
    lt_fs_close(loop.served);
    return r;
}

int loop_close(struct loop *loop)
{
    int r = lt_fs_close(loop->fs), served = lt_serving_end(loop->serving);
    int closed = lt_fs_close(loop->served);
    return r < 0 ? r : served < 0 ? served : closed;
}

/* ---- By name --------------------------------------------------------------------------------- */

#define LOOPS_MAX 8

static struct loop loops[LOOPS_MAX];

/* The ways to the far end. */
static const struct way {
    const char *prefix;
    bool packets, plain;
} ways[] = {
    {"loop:", true, false},
    {"loop+stream:", false, false},
    {"loop+plain:", true, true},
};

static const struct way *way_of(const char *source)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strncmp(source, ways[i].prefix, strlen(ways[i].prefix)) == 0)
            return &ways[i];
    }
    return NULL;
}

int loop_open_fs(const char *source, struct lt_fs **ret, struct lt_diag *diag)
{
    const struct way *way = way_of(source);
    struct lt_fusefs_options options;
    struct loop *loop = loops;
    if (!way)
        return lt_open_fs(source, ret, diag);
    while (loop < loops + LOOPS_MAX && loop->fs)
        loop++;
    if (loop == loops + LOOPS_MAX)
        return LT_ENFILE;
    lt_fusefs_options_init(&options);
    options.plain = way->plain;
    int r = loop_open(source + strlen(way->prefix), &options, way->packets, loop, diag);
    if (r == 0)
        *ret = loop->fs;
    return r;
}

int loop_close_fs(struct lt_fs *fs)
{
    for (size_t i = 0; i < LOOPS_MAX; i++) {
        if (fs && loops[i].fs == fs) {
            struct loop loop = loops[i];
            loops[i].fs = NULL;
            return loop_close(&loop);
        }
    }
    return lt_fs_close(fs);
}
