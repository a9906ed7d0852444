// SPDX-License-Identifier: MIT
/* lintel umount: unmounts, and waits until the process behind has saved and ended. */
#include "cli.h"
#include "mounts.h"
#include "operand.h"

#include <errno.h>
#include <lintel/image.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The process behind a volume. */
struct server {
    int pidfd;              /* -1: it is not known or has ended */
    char save[LT_PATH_MAX]; /* where it saves to at the end, or "" */
    bool writes;            /* the volume is not read-only */
};

/* Tells whether a saved tree is another one than before: each is made anew and put in the place of
 * the last. */
struct stamp {
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

static struct stamp stamp_of(const char *path)
{
    struct stat st;
    if (!path[0] || lstat(path, &st) != 0)
        return (struct stamp){0};
    return (struct stamp){st.st_dev, st.st_ino, st.st_ctim};
}

static bool stamps_equal(struct stamp a, struct stamp b)
{
    return a.device == b.device && a.inode == b.inode && a.changed.tv_sec == b.changed.tv_sec &&
           a.changed.tv_nsec == b.changed.tv_nsec;
}

/* LT_ENOTCONN: the process has died, only the mount is left. */
static int find_server(const char *dir, struct server *ret)
{
    struct lt_document doc;
    char *text;
    int error = lt_control_ask(dir, "info", &doc, &text);
    if (error != LT_OK)
        return error;
    uint64_t pid = lt_value_u64(doc.values, "mount.pid", 0);
    snprintf(ret->save, sizeof(ret->save), "%s", lt_value_text(doc.values, "save.path", ""));
    ret->writes = !lt_value_bool(doc.values, "volume.read_only");
    ret->pidfd = pid > 0 && pid <= INT32_MAX ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
    lt_document_free(&doc);
    free(text);
    return LT_OK;
}

/* As one who is not root: fusermount3 is. Its words are good enough. */
static int run_fusermount(const char *dir, bool lazy)
{
    const char *argv[] = {"fusermount3", "-u", "--", dir, NULL};
    const char *lazy_argv[] = {"fusermount3", "-u", "-z", "--", dir, NULL};
    pid_t pid;
    int status;
    int error = posix_spawnp(&pid, "fusermount3", NULL, NULL,
                             (char *const *)(lazy ? lazy_argv : argv), environ);
    if (error != 0) {
        lt_complain("cannot run fusermount3 (package fuse3): %s", strerror(error));
        return LT_EXIT_FAILED;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? LT_EXIT_OK : LT_EXIT_FAILED;
}

static int unmount(const char *dir, bool lazy)
{
    if (geteuid() != 0)
        return run_fusermount(dir, lazy);
    if (umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
        return LT_EXIT_OK;
    if (errno == EBUSY)
        lt_complain("%s is in use: close what is open there and leave its directories "
                    "('fuser -vm %s' lists who), or use --lazy",
                    dir, dir);
    else
        lt_complain("cannot unmount %s: %s", dir, strerror(errno));
    return LT_EXIT_FAILED;
}

/* Until the process has ended; says so if that takes long and somebody is watching. */
static void wait_for_end(const struct server *server)
{
    enum { PATIENCE_MS = 1000 };
    struct pollfd fd = {.fd = server->pidfd, .events = POLLIN};
    if (poll(&fd, 1, PATIENCE_MS) == 0) {
        if (isatty(STDERR_FILENO))
            fprintf(stderr,
                    server->save[0] ? "Saving to %s ...\n" : "Waiting for its process ...\n",
                    server->save);
        while (poll(&fd, 1, -1) < 0 && errno == EINTR)
            ;
    }
}

/* An image says itself whether all that was written has come to rest in it. */
static bool closed_in_order(const char *source)
{
    struct lt_image_info info = {0};
    if (!lt_is_image_file(source) || lt_image_info(source, &info, NULL) != LT_OK || info.clean)
        return true;
    lt_complain("%s is unmounted, but was not closed in order: the log says why, and 'lintel check "
                "%s' whether it is well",
                source, source);
    return false;
}

static int unmount_and_wait(const char *dir, const char *source, const struct server *server,
                            bool lazy)
{
    struct stamp before = stamp_of(server->save);
    int status = unmount(dir, lazy);
    if (status != LT_EXIT_OK || lazy || server->pidfd < 0)
        return status;
    wait_for_end(server);
    if (server->writes && !closed_in_order(source))
        return LT_EXIT_FAILED;
    if (!server->save[0] || !stamps_equal(before, stamp_of(server->save)))
        return LT_EXIT_OK;
    lt_complain("%s is unmounted, but was NOT SAVED: %s is as it was before; the log says why", dir,
                server->save);
    return LT_EXIT_FAILED;
}

static int run(const struct lt_args *args)
{
    const char *dir = args->operands[0];
    char path[LT_PATH_MAX];
    struct lt_mounted mounted;
    struct server server = {.pidfd = -1};
    int error = lt_path_absolute(dir, path);
    if (error != LT_OK) {
        lt_complain("%s: %s", dir, lt_error_text(error));
        return LT_EXIT_FAILED;
    }
    if (lt_mounted_at(path, &mounted) != LT_OK) {
        lt_complain("nothing is mounted on %s", dir);
        return LT_EXIT_FAILED;
    }
    error = find_server(path, &server);
    if (error != LT_OK && !lt_mounted_is_ours(&mounted)) {
        lt_complain("what is mounted on %s (%s) is not Lintel's; 'umount %s' unmounts it", dir,
                    mounted.type, dir);
        return LT_EXIT_FAILED;
    }
    int status = unmount_and_wait(path, mounted.source, &server, lt_args_flag(args, "lazy"));
    if (server.pidfd >= 0)
        close(server.pidfd);
    return status;
}

static const struct lt_cli_option umount_options[] = {
    {.name = "lazy",
     .letter = 'l',
     .help = "Detach a busy volume now; it ends when its last file is closed. Does not wait"},
    {.name = NULL},
};

const struct lt_command lt_command_umount = {
    .name = "umount",
    .summary = "Unmount a volume and wait until its process has ended",
    .details = "What is saved at unmount is on disk when this returns.",
    .operands = {{"DIR", LT_HINT_MOUNT, false}},
    .options = umount_options,
    .examples = {{"lintel umount /mnt", "unmount, save if so mounted"},
                 {"lintel umount --lazy /mnt", "although files are open"}},
    .group = LT_GROUP_MOUNT,
    .run = run,
};
