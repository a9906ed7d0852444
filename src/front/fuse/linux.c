// SPDX-License-Identifier: MIT
#include "linux.h"

#include <base/options.h>
#include <errno.h>
#include <fcntl.h>
#include <os/os.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENABLE_URING "/sys/module/fuse/parameters/enable_uring"
#define FUSECTL "/sys/fs/fuse/connections"
#define FUSERMOUNT "fusermount3"
#define NAME_DEFAULT "lintel"

extern char **environ;

/* ---- Mount options --------------------------------------------------------------------------- */

/* Options of mount(8) that are flags of mount(2). All others go to the kernel's FUSE as text. */
static const struct {
    const char *name;
    unsigned long set, clear;
} mount_flags[] = {
    {"ro", MS_RDONLY, 0},         {"rw", 0, MS_RDONLY},
    {"nosuid", MS_NOSUID, 0},     {"suid", 0, MS_NOSUID},
    {"nodev", MS_NODEV, 0},       {"dev", 0, MS_NODEV},
    {"noexec", MS_NOEXEC, 0},     {"exec", 0, MS_NOEXEC},
    {"sync", MS_SYNCHRONOUS, 0},  {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},   {"noatime", MS_NOATIME, MS_STRICTATIME | MS_RELATIME},
    {"atime", 0, MS_NOATIME},     {"nodiratime", MS_NODIRATIME, 0},
    {"relatime", MS_RELATIME, 0}, {"strictatime", MS_STRICTATIME, 0},
    {"lazytime", MS_LAZYTIME, 0},
};

struct text {
    char s[1024];
    size_t len;
};

static void append(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->s + t->len, sizeof(t->s) - t->len, format, args);
    va_end(args);
    if (n > 0)
        t->len = t->len + (size_t)n < sizeof(t->s) ? t->len + (size_t)n : sizeof(t->s);
}

static bool take_flag(const char *word, size_t len, unsigned long *flags)
{
    for (size_t i = 0; i < sizeof(mount_flags) / sizeof(mount_flags[0]); i++) {
        if (strlen(mount_flags[i].name) == len && memcmp(mount_flags[i].name, word, len) == 0) {
            *flags = (*flags & ~mount_flags[i].clear) | mount_flags[i].set;
            return true;
        }
    }
    return false;
}

/* Sorts the caller's own options into flags and text. */
static void add_kernel_options(const char *options, unsigned long *flags, struct text *text)
{
    for (const char *at = options; at && *at;) {
        size_t len = strcspn(at, ",");
        if (len > 0 && !take_flag(at, len, flags))
            append(text, ",%.*s", (int)len, at);
        at += len + (at[len] == ',');
    }
}

/* ---- As root --------------------------------------------------------------------------------- */

/* `device`: of a mount of the type fuseblk, else NULL. */
static int mount_direct(int fd, const char *dir, const struct lt_mount_options *o,
                        const char *device)
{
    struct text data = {.len = 0};
    struct stat st;
    char type[64];
    unsigned long flags = o->read_only ? MS_RDONLY : 0;
    if (stat(dir, &st) < 0)
        return lt_error_last();
    append(&data, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", fd, st.st_mode & S_IFMT, getuid(),
           getgid());
    append(&data, "%s%s", o->default_permissions ? ",default_permissions" : "",
           o->allow_other ? ",allow_other" : "");
    add_kernel_options(o->kernel_options, &flags, &data);
    if (device)
        append(&data, ",blksize=%u", LINUX_BLKDEV_BLOCK);
    if (data.len >= sizeof(data.s))
        return LT_E2BIG;
    snprintf(type, sizeof(type), "%s.%s", device ? "fuseblk" : "fuse",
             o->subtype ? o->subtype : NAME_DEFAULT);
    const char *source = o->fs_name ? o->fs_name : NAME_DEFAULT;
    if (mount(device ? device : source, dir, type, flags, data.s) < 0)
        return lt_error_last();
    return 0;
}

static int mount_blkdev(int fd, const char *dir, const struct lt_mount_options *o)
{
    char device[LINUX_BLKDEV_MAX];
    int keeper = linux_blkdev(device);
    if (keeper < 0)
        return keeper;
    int r = mount_direct(fd, dir, o, device);
    close(keeper);
    return r;
}

/* ---- As somebody else: fusermount3 opens, mounts, and sends the descriptor back -------------- */

static int receive_fd(int socket)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {&byte, 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t n;
    do
        n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (c == NULL || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
        return LT_EPERM; /* it has said why on its stderr */
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    return fd;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return lt_error_last();
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : LT_EPERM;
}

static int spawn_with_socket(char *const argv[], int socket, pid_t *ret)
{
    char variable[32];
    size_t count = 0;
    while (environ[count])
        count++;
    char **env = calloc(count + 2, sizeof(*env));
    if (env == NULL)
        return LT_ENOMEM;
    snprintf(variable, sizeof(variable), "_FUSE_COMMFD=%d", socket);
    env[0] = variable;
    memcpy(env + 1, environ, count * sizeof(*env));
    int e = posix_spawnp(ret, argv[0], NULL, NULL, argv, env);
    free(env);
    return e ? lt_error_from_os(e) : 0;
}

static int mount_by_helper(const char *dir, const struct lt_mount_options *o)
{
    struct text opts = {.len = 0};
    int pair[2];
    pid_t pid;
    append(&opts, "fsname=%s,subtype=%s%s%s%s", o->fs_name ? o->fs_name : NAME_DEFAULT,
           o->subtype ? o->subtype : NAME_DEFAULT, o->read_only ? ",ro" : "",
           o->default_permissions ? ",default_permissions" : "",
           o->allow_other ? ",allow_other" : "");
    if (o->kernel_options && *o->kernel_options)
        append(&opts, ",%s", o->kernel_options);
    if (opts.len >= sizeof(opts.s))
        return LT_E2BIG;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return lt_error_last();
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    char *argv[] = {(char *)(uintptr_t)FUSERMOUNT, (char *)(uintptr_t) "-o", opts.s,
                    (char *)(uintptr_t) "--",      (char *)(uintptr_t)dir,   NULL};
    int fd = spawn_with_socket(argv, pair[1], &pid);
    close(pair[1]);
    if (fd == 0) {
        fd = receive_fd(pair[0]);
        int r = wait_for(pid);
        if (fd >= 0 && r < 0) {
            close(fd);
            fd = r;
        }
    }
    close(pair[0]);
    return fd;
}

/* ---- Both ------------------------------------------------------------------------------------ */

int linux_mount(const char *dir, const struct lt_mount_options *options, struct lt_diag *diag)
{
    if (geteuid() != 0) {
        if (options->blkdev)
            return lt_diag_set(diag, LT_EPERM, "only root can mount with the option blkdev");
        int fd = mount_by_helper(dir, options);
        return fd >= 0 ? fd
                       : lt_diag_set(diag, fd, "cannot mount at %s through " FUSERMOUNT ": %s", dir,
                                     lt_error_text(fd));
    }
    int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return lt_diag_set(diag, errno == ENOENT || errno == ENXIO ? LT_ENODEV : lt_error_last(),
                           "cannot open /dev/fuse: is the kernel module fuse loaded?");
    int r = options->blkdev ? mount_blkdev(fd, dir, options) : mount_direct(fd, dir, options, NULL);
    if (r < 0) {
        close(fd);
        return lt_diag_set(diag, r, "cannot mount at %s: %s", dir, lt_error_text(r));
    }
    return fd;
}

int linux_umount(const char *dir)
{
    if (geteuid() == 0) {
        if (umount2(dir, UMOUNT_NOFOLLOW) == 0)
            return 0;
        if (errno != EBUSY)
            return lt_error_last();
        return umount2(dir, UMOUNT_NOFOLLOW | MNT_DETACH) < 0 ? lt_error_last() : 0;
    }
    pid_t pid;
    char *argv[] = {(char *)(uintptr_t)FUSERMOUNT,
                    (char *)(uintptr_t) "-u",
                    (char *)(uintptr_t) "-q",
                    (char *)(uintptr_t) "-z",
                    (char *)(uintptr_t) "--",
                    (char *)(uintptr_t)dir,
                    NULL};
    int e = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    return e ? lt_error_from_os(e) : wait_for(pid);
}

int linux_mount_point(const char *dir, char **ret, struct lt_diag *diag)
{
    struct stat st;
    char *path = realpath(dir, NULL);
    if (path == NULL || stat(path, &st) < 0) {
        int r = lt_error_last();
        free(path);
        return lt_diag_set(diag, r, "cannot mount at %s: %s", dir, lt_error_text(r));
    }
    if (!S_ISDIR(st.st_mode)) {
        free(path);
        return lt_diag_set(diag, LT_ENOTDIR, "cannot mount at %s: it is not a directory", dir);
    }
    *ret = path;
    return 0;
}

static int write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return lt_error_last();
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? LT_EIO : 0;
}

/* The control file system of FUSE: where it is mounted, or a mount that nobody else sees. */
static int open_fusectl(void)
{
    int fd = open(FUSECTL, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == 1) /* its root, not a bare mount point */
        return fd;
    if (fd >= 0)
        close(fd);
    int context = fsopen("fusectl", FSOPEN_CLOEXEC);
    if (context < 0)
        return -1;
    fd = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0
             ? -1
             : fsmount(context, FSMOUNT_CLOEXEC, 0);
    close(context);
    return fd;
}

bool linux_abort(uint64_t device)
{
    char path[32];
    int control = open_fusectl();
    if (control < 0)
        return false;
    /* the kernel's own number of the device: 20 bits are the minor */
    snprintf(path, sizeof(path), "%u/abort", major(device) << 20 | minor(device));
    int fd = openat(control, path, O_WRONLY | O_CLOEXEC);
    close(control);
    bool done = fd >= 0 && write(fd, "1", 1) == 1;
    if (fd >= 0)
        close(fd);
    return done;
}

bool linux_uring_enabled(bool enable)
{
    char value = 'N';
    for (int attempt = 0; attempt < 2; attempt++) {
        int fd = open(ENABLE_URING, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return false;
        if (read(fd, &value, 1) != 1)
            value = 'N';
        close(fd);
        if (value == 'Y' || !enable || write_text(ENABLE_URING, "Y") < 0)
            break;
    }
    return value == 'Y';
}

uint64_t linux_prepare(const char *dir, unsigned readahead_kib)
{
    struct stat st;
    char path[96], text[16];
    if (stat(dir, &st) < 0)
        return 0;
    snprintf(text, sizeof(text), "%u", readahead_kib);
    static const char *const suffixes[] = {"", "-fuseblk"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u%s/read_ahead_kb", major(st.st_dev),
                 minor(st.st_dev), suffixes[i]);
        write_text(path, text);
    }
    return st.st_dev;
}
