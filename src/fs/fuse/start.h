/* SPDX-License-Identifier: MIT */
/*
 * Getting hold of a FUSE server: a program that is started, a socket, or a command that speaks the
 * protocol on its standard input and output.
 *
 * A program that mounts is started with a small library preloaded (src/fs/fuse/preload/): what it
 * opens as /dev/fuse is our socket, and mounting on the directory that it is told is done by doing
 * nothing. So it does not matter which libfuse it has, or whether it has its own, as ntfs-3g does.
 * Programs that call fusermount for it (in Go and Rust, mostly) get ours. The others, such as are
 * linked statically, can be told to use /dev/fd/N, which libfuse 3 understands by itself.
 */
#ifndef LT_FS_FUSE_START_H
#define LT_FS_FUSE_START_H

#include <lintel/error.h>
#include <os/os.h>
#include <os/process.h>

struct lt_server {
    int in, out;                /* of the connection; the taker closes them and sets them to -1 */
    bool packets;               /* each message is a packet */
    int64_t pid;                /* of the program, or -1 */
    char *dir;                  /* an empty directory made for it, or NULL */
    struct lt_process *process; /* or NULL */
};

/*
 * "bindfs /usr/include @": started by the shell. `@` as a word of its own is where the mount point
 * stands, or "/dev/fd/@". Returns once the program listens (with /dev/fd/@ at once), or LT_ENODEV
 * if it ended; LT_EINVAL: there is no `@`. A program may go to the background. What it writes goes
 * to our standard error, or into `diag` where it failed.
 */
int lt_server_command(const char *command, struct lt_server *ret, struct lt_diag *diag);

/* A Unix socket, of either type; LT_ENOENT, LT_ECONNREFUSED and so on. */
int lt_server_unix(const char *path, struct lt_server *ret, struct lt_diag *diag);

/* A command whose standard input and output are the channel. Returns at once. */
int lt_server_stdio(const char *command, struct lt_server *ret, struct lt_diag *diag);

/* For when INIT failed: whether the program ended, and the last of what it said. */
void lt_server_explain(struct lt_server *server, struct lt_diag *diag);

/*
 * Ends a server after its connection was closed: waits for the program, until it has done nothing
 * for `timeout_ms` (it may have an archive to write), then asks it (SIGTERM), then makes it.
 * Removes the directory. Returns its exit status (128 + n: signal n), 0 where there is no program,
 * or LT_ETIMEDOUT: it cannot be ended.
 */
int lt_server_end(struct lt_server *server, unsigned timeout_ms);

/* Where the helpers of programs are, once Lintel is installed. */
extern const char lt_server_libexec[];

#endif
