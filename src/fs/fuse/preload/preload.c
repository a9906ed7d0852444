// SPDX-License-Identifier: MIT
/*
 * Preloaded into a program that mounts a FUSE file system, so that it serves Lintel instead of the
 * kernel, and does not notice. In its environment (../start.c):
 *
 *     LINTEL_FUSE=CHANNEL,LIFE,DIRECTORY
 *
 * CHANNEL is the number of a socket of packets: what the program opens as /dev/fuse. Mounting and
 * unmounting DIRECTORY are done by doing nothing; fusermount is ours. The first time that the
 * program listens, it says so on the socket LIFE; who sent that is known to the receiver, so it has
 * the right process even if that went to the background. Programs that it starts from then on know
 * nothing of all this.
 *
 * Where a socket is not like the device, it is made so: its end is ENODEV; what is spliced is one
 * packet; a reply that is too long is an error to who asked; no SIGPIPE. Everything else goes
 * through, untouched. Nothing but libc is used, and no lock.
 */
#undef _FILE_OFFSET_BITS /* would make open64 out of open */
#undef _FORTIFY_SOURCE   /* has functions of these names */

#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"
#define LIBRARY "liblintel-preload.so"
#define CHANNELS_MAX 8u /* descriptors of the channel that a program has at a time */
#define PATH_SIZE 4096u
#define EXPORT __attribute__((visibility("default")))

/* The function that ours hides. */
#define NEXT(name)                                                       \
    __extension__({                                                      \
        static _Atomic(__typeof__(&name)) next_;                         \
        __typeof__(&name) found_ = next_;                                \
        if (!found_)                                                     \
            next_ = found_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
        found_;                                                          \
    })

static struct lt_preload us = {.channel = -1, .life = -1};
static char folder[PATH_SIZE];            /* where this library is, and its helpers */
static atomic_int channels[CHANNELS_MAX]; /* number + 1; 0: free */
static atomic_bool listening;

/* ---- What we are told ------------------------------------------------------------------------ */

/* Before main(), where there is one thread. A shell on the way to the program runs this too, so
 * nothing is changed yet. */
__attribute__((constructor)) static void begin(void)
{
    Dl_info info;
    if (!lt_preload_read(&us))
        return;
    channels[0] = us.channel + 1; /* as /dev/fd/N it is used without being opened */
    if (dladdr((void *)(uintptr_t)&begin, &info) && info.dli_fname &&
        strlen(info.dli_fname) < sizeof(folder)) {
        memcpy(folder, info.dli_fname, strlen(info.dli_fname) + 1);
        char *slash = strrchr(folder, '/');
        *(slash ? slash : folder) = '\0';
    }
}

/* Takes the first entry of a list away, if it is the one that ../start.c put there. */
static void take_first(const char *name, const char *entry)
{
    const char *list = getenv(name);
    size_t len = strlen(entry);
    if (!list || strncmp(list, entry, len) != 0)
        return;
    if (list[len] == '\0')
        unsetenv(name);
    else if (list[len] == ':')
        setenv(name, list + len + 1, 1);
}

/* What the program starts from now on is not to know. */
static void hide(void)
{
    char library[PATH_SIZE + sizeof(LIBRARY)];
    snprintf(library, sizeof(library), "%s/%s", folder, LIBRARY);
    unsetenv("LINTEL_FUSE");
    take_first("LD_PRELOAD", library);
    take_first("PATH", folder);
}

static void close_on_exec(void)
{
    fcntl(us.channel, F_SETFD, FD_CLOEXEC);
    fcntl(us.life, F_SETFD, FD_CLOEXEC);
}

/* Our group is no longer that of whoever started us: a Ctrl-C there is to end the peer only, who
 * then ends us when all is written. */
static void announce(void)
{
    if (atomic_exchange(&listening, true))
        return;
    close_on_exec();
    setpgid(0, 0);
    send(us.life, LT_PRELOAD_SERVES, 1, MSG_NOSIGNAL);
}

/* ---- Descriptors ----------------------------------------------------------------------------- */

static atomic_int *find_channel(int number)
{
    for (unsigned i = 0; i < CHANNELS_MAX; i++)
        if (atomic_load_explicit(&channels[i], memory_order_relaxed) == number)
            return &channels[i];
    return NULL;
}

static bool is_channel(int fd)
{
    return us.channel >= 0 && fd >= 0 && find_channel(fd + 1);
}

static bool is_device(const char *path)
{
    return us.channel >= 0 && path && strcmp(path, DEVICE) == 0;
}

/* The program has the channel, under one more number. */
static bool add_channel(int fd)
{
    for (unsigned i = 0; i < CHANNELS_MAX; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&channels[i], &none, fd + 1)) {
            close_on_exec();
            hide();
            return true;
        }
    }
    return false;
}

static int open_device(int flags)
{
    int fd = fcntl(us.channel, flags & O_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 3);
    if (fd < 0 || add_channel(fd))
        return fd;
    close(fd);
    errno = EMFILE;
    return -1;
}

/* The mode that is the last argument, if flags say that there is one. */
#define TAKE_MODE(mode, flags)               \
    mode_t mode = 0;                         \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list args;                        \
        va_start(args, flags);               \
        mode = va_arg(args, mode_t);         \
        va_end(args);                        \
    }

EXPORT int open(const char *path, int flags, ...)
{
    TAKE_MODE(mode, flags)
    return is_device(path) ? open_device(flags) : NEXT(open)(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    TAKE_MODE(mode, flags)
    return is_device(path) ? open_device(flags) : NEXT(open64)(path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
    TAKE_MODE(mode, flags)
    return is_device(path) ? open_device(flags) : NEXT(openat)(dir, path, flags, mode);
}

EXPORT int openat64(int dir, const char *path, int flags, ...)
{
    TAKE_MODE(mode, flags)
    return is_device(path) ? open_device(flags) : NEXT(openat64)(dir, path, flags, mode);
}

/* What fortified programs call (glibc, bits/fcntl2.h). */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
    return is_device(path) ? open_device(flags) : NEXT(__open_2)(path, flags);
}

EXPORT int __open64_2(const char *path, int flags)
{
    return is_device(path) ? open_device(flags) : NEXT(__open64_2)(path, flags);
}

EXPORT int __openat_2(int dir, const char *path, int flags)
{
    return is_device(path) ? open_device(flags) : NEXT(__openat_2)(dir, path, flags);
}

EXPORT int __openat64_2(int dir, const char *path, int flags)
{
    return is_device(path) ? open_device(flags) : NEXT(__openat64_2)(dir, path, flags);
}

EXPORT int close(int fd)
{
    atomic_int *channel = us.channel >= 0 && fd >= 0 ? find_channel(fd + 1) : NULL;
    if (channel)
        *channel = 0;
    return NEXT(close)(fd);
}

/* fusermount sends it. */
EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t n = NEXT(recvmsg)(fd, message, flags);
    struct cmsghdr *c = n >= 0 && us.channel >= 0 ? CMSG_FIRSTHDR(message) : NULL;
    struct stat sent, ours;
    int number;
    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
        c->cmsg_len < CMSG_LEN(sizeof(number)))
        return n;
    memcpy(&number, CMSG_DATA(c), sizeof(number));
    if (fstat(number, &sent) == 0 && fstat(us.channel, &ours) == 0 && sent.st_ino == ours.st_ino &&
        sent.st_dev == ours.st_dev)
        add_channel(number);
    return n;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* The kernel's device has no end: the peer's going is an unmount. */
static ssize_t received(ssize_t n)
{
    if (n == 0 || (n < 0 && errno == ECONNRESET)) {
        errno = ENODEV;
        return -1;
    }
    return n;
}

EXPORT ssize_t read(int fd, void *buf, size_t size)
{
    if (!is_channel(fd))
        return NEXT(read)(fd, buf, size);
    announce();
    return received(NEXT(read)(fd, buf, size));
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
    if (!is_channel(fd))
        return NEXT(readv)(fd, iov, count);
    announce();
    return received(NEXT(readv)(fd, iov, count));
}

/* Of old kernels sockets of packets do not splice (before Linux 6.5). The pipe is large enough, or
 * the program could not have spliced from the device either. */
static ssize_t splice_by_hand(int fd, int pipe, size_t size)
{
    char *buf = malloc(size);
    if (!buf)
        return -1;
    ssize_t n = NEXT(read)(fd, buf, size);
    for (ssize_t done = 0; done < n;) {
        ssize_t m = NEXT(write)(pipe, buf + done, (size_t)(n - done));
        if (m < 0 && errno != EINTR) {
            n = -1;
            break;
        }
        done += m > 0 ? m : 0;
    }
    free(buf);
    return n;
}

/* ---- Replies --------------------------------------------------------------------------------- */

/* What a reply begins with (linux/fuse.h: struct fuse_out_header). */
struct reply {
    uint32_t len;
    int32_t error;
    uint64_t unique;
};

/* A reply for which the socket has no room is an error to who waits for it. */
static ssize_t too_long(int fd, const struct iovec *iov, size_t count)
{
    struct reply reply;
    if (count == 0 || iov[0].iov_len < sizeof(reply))
        return -1;
    memcpy(&reply, iov[0].iov_base, sizeof(reply));
    reply.len = sizeof(reply);
    reply.error = -EIO;
    send(fd, &reply, sizeof(reply), MSG_NOSIGNAL);
    errno = EMSGSIZE;
    return -1;
}

static ssize_t reply(int fd, const struct iovec *iov, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = count};
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EMSGSIZE)
        return too_long(fd, iov, count);
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
        errno = ENOENT; /* nobody waits: what the device says to it */
    return n;
}

EXPORT ssize_t write(int fd, const void *buf, size_t size)
{
    struct iovec iov = {(void *)buf, size};
    return is_channel(fd) ? reply(fd, &iov, 1) : NEXT(write)(fd, buf, size);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
    return is_channel(fd) ? reply(fd, iov, (size_t)count) : NEXT(writev)(fd, iov, count);
}

/* The whole of it has been put into the pipe before. */
static ssize_t reply_from_pipe(int pipe, int fd, size_t size)
{
    char *buf = malloc(size);
    size_t done = 0;
    if (!buf)
        return -1;
    while (done < size) {
        ssize_t n = NEXT(read)(pipe, buf + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    struct iovec iov = {buf, done};
    ssize_t n = done > 0 ? reply(fd, &iov, 1) : -1;
    free(buf);
    return n;
}

EXPORT ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags)
{
    if (is_channel(out))
        return reply_from_pipe(in, out, size);
    if (!is_channel(in))
        return NEXT(splice)(in, in_at, out, out_at, size, flags);
    announce();
    ssize_t n = NEXT(splice)(in, in_at, out, out_at, size, flags);
    return received(n < 0 && errno == EINVAL ? splice_by_hand(in, out, size) : n);
}

/* ---- Mounting -------------------------------------------------------------------------------- */

static bool is_ours(const char *path)
{
    struct stat at, ours;
    return us.channel >= 0 && path && stat(path, &at) == 0 && stat(us.directory, &ours) == 0 &&
           at.st_dev == ours.st_dev && at.st_ino == ours.st_ino;
}

EXPORT int mount(const char *source, const char *target, const char *type, unsigned long flags,
                 const void *data)
{
    return is_ours(target) ? 0 : NEXT(mount)(source, target, type, flags, data);
}

EXPORT int umount(const char *target)
{
    return is_ours(target) ? 0 : NEXT(umount)(target);
}

EXPORT int umount2(const char *target, int flags)
{
    return is_ours(target) ? 0 : NEXT(umount2)(target, flags);
}

/* The path of our helper where `path` is that of fusermount; else `path`. */
static const char *helper(const char *path, char *buf, size_t size)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (us.channel < 0 || !slash ||
        (strcmp(slash, "/fusermount") != 0 && strcmp(slash, "/fusermount3") != 0))
        return path;
    int n = snprintf(buf, size, "%s%s", folder, slash);
    return n > 0 && (size_t)n < size ? buf : path;
}

EXPORT int execv(const char *path, char *const argv[])
{
    char buf[PATH_SIZE];
    return NEXT(execv)(helper(path, buf, sizeof(buf)), argv);
}

EXPORT int execve(const char *path, char *const argv[], char *const env[])
{
    char buf[PATH_SIZE];
    return NEXT(execve)(helper(path, buf, sizeof(buf)), argv, env);
}

EXPORT int execvp(const char *path, char *const argv[])
{
    char buf[PATH_SIZE];
    return NEXT(execvp)(helper(path, buf, sizeof(buf)), argv);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
    char buf[PATH_SIZE];
    return NEXT(posix_spawn)(pid, helper(path, buf, sizeof(buf)), actions, attr, argv, env);
}
