/* SPDX-License-Identifier: MIT */
/*
 * Getting hold of a FUSE server: a program that is started, a socket, or a command that speaks the
 * protocol on its standard input and output.
 *
 * A program of libfuse 3 is started with /dev/fd/N as its mount point. For the others - libfuse 2,
 * ntfs-3g, anything that opens /dev/fuse and mounts by itself - a small library is preloaded
 * (src/fs/fuse/preload/) that hands them the socket instead.
 */
#ifndef LT_FS_FUSE_START_H
#define LT_FS_FUSE_START_H

#include <lintel/error.h>
#include <os/os.h>

struct lt_server {
    int in, out;  /* of the connection; the taker closes them and sets them to -1 */
    bool packets; /* each message is a packet */
    int64_t pid;  /* of the program, or -1 */
    char *dir;    /* an empty directory made for it, or NULL */
};

/* "bindfs /usr/include @": started by the shell, `@` as a word of its own is where the mount point
 * stands. Returns once the program has taken the channel or ended (LT_ENODEV: diag has the last of
 * what it wrote to its standard error). Its output goes to ours. */
int lt_server_command(const char *command, struct lt_server *ret, struct lt_diag *diag);

/* A Unix socket, of either type; LT_ENOENT, LT_ECONNREFUSED and so on. */
int lt_server_unix(const char *path, struct lt_server *ret, struct lt_diag *diag);

/* A command whose standard input and output are the channel. */
int lt_server_stdio(const char *command, struct lt_server *ret, struct lt_diag *diag);

/* Ends a server after its connection was closed: waits for the program, for `timeout_ms`, then asks
 * it (SIGTERM), then makes it. Removes the directory. Returns its exit status, or negative. */
int lt_server_end(struct lt_server *server, unsigned timeout_ms);

#endif
