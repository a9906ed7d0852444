// SPDX-License-Identifier: MIT
/*
 * lintel/mount.h: a session over /dev/fuse, and the life of a mount.
 *
 * Who unmounts: `umount` from outside, or our own keeper thread when
 * lt_mount_stop() rings its bell (which a signal handler may do). Either way the
 * kernel ends the connection, the workers find that out, and lt_mount_wait() returns.
 */
#include "linux.h"
#include "session.h"

#include <base/options.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define READAHEAD_KIB 1024u /* one message of 1 MiB */
#define UNMOUNT_NS \
    UINT64_C(200000000) /* how long an unmount of ours may take to reach the workers */

struct lt_mount {
    struct lt_session *session;
    char *dir;          /* immutable */
    int bell;           /* eventfd: lt_mount_stop() was called */
    atomic_bool ending; /* the keeper is to leave without unmounting */
    struct lt_thread *keeper;
    uint64_t device; /* st_dev of the mount */
};

void lt_mount_options_init(struct lt_mount_options *options)
{
    *options = (struct lt_mount_options){
        .allow_other = geteuid() == 0,
        .default_permissions = true,
        .io_uring = LT_AUTO,
        .passthrough = LT_AUTO,
        .writeback = LT_AUTO,
        .streams = LT_STREAMS_XATTR,
        .poll_us = UINT_MAX,
        .timeout_ms = UINT64_MAX,
        .uid = -1,
        .gid = -1,
        .umask = -1,
    };
}

static void keep(void *arg)
{
    struct lt_mount *m = arg;
    uint64_t rings;
    while (read(m->bell, &rings, sizeof(rings)) < 0 && errno == EINTR)
        continue;
    if (!m->ending)
        linux_umount(m->dir);
}

static void ring(struct lt_mount *m)
{
    uint64_t one = 1;
    int saved = errno;
    ssize_t n = write(m->bell, &one, sizeof(one));
    (void)n; /* it can only be full: rung already */
    errno = saved;
}

/* Whether io_uring may be had, by the option and the kernel's own switch. */
static int check_uring(struct lt_mount_options *o, struct lt_diag *diag)
{
    bool enabled = o->io_uring != LT_OFF && linux_uring_enabled(o->io_uring == LT_ON);
    if (o->io_uring == LT_ON && !enabled)
        return lt_diag_set(diag, LT_EOPNOTSUPP,
                           "io_uring=on: the kernel does not allow it; needs Linux 6.14 and, as "
                           "root, echo Y > /sys/module/fuse/parameters/enable_uring");
    if (!enabled)
        o->io_uring = LT_OFF;
    return 0;
}

static int open_session(struct lt_fs *fs, int fd, const struct lt_mount_options *options,
                        struct lt_session **ret)
{
    struct lt_channel_config config;
    struct lt_channel *channel;
    lt_session_channel_config(fs, options, &config);
    int r = lt_channel_dev(fd, &config, &channel);
    return r < 0 ? r : lt_session_new(fs, options, channel, &config, ret);
}

static int serve_mount(struct lt_fs *fs, struct lt_mount *m, const struct lt_mount_options *options,
                       struct lt_diag *diag)
{
    int fd = linux_mount(m->dir, options, diag);
    if (fd < 0)
        return fd;
    int r = open_session(fs, fd, options, &m->session);
    if (r == 0)
        r = lt_session_handshake(m->session);
    if (r == 0)
        r = lt_session_start(m->session);
    if (r == 0)
        r = lt_thread_start(&m->keeper, "lintel/keeper", keep, m);
    if (r < 0) {
        linux_umount(m->dir);
        return lt_diag_set(diag, r, "cannot serve the mount at %s: %s", m->dir, lt_error_text(r));
    }
    m->device = linux_prepare(m->dir, READAHEAD_KIB);
    return 0;
}

int lt_mount_start(struct lt_fs *fs, const char *dir, const struct lt_mount_options *options,
                   struct lt_mount **ret, struct lt_diag *diag)
{
    struct lt_mount_options o = *options;
    struct lt_mount *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return lt_diag_set(diag, LT_ENOMEM, "out of memory");
    m->bell = eventfd(0, EFD_CLOEXEC);
    int r = m->bell < 0 ? lt_error_last() : linux_mount_point(dir, &m->dir, diag);
    if (r == 0)
        r = check_uring(&o, diag);
    if (r == 0)
        r = serve_mount(fs, m, &o, diag);
    if (r < 0) {
        lt_mount_end(m);
        return r;
    }
    *ret = m;
    return 0;
}

int lt_mount_wait(struct lt_mount *mount)
{
    return lt_session_wait(mount->session);
}

void lt_mount_stop(struct lt_mount *mount)
{
    ring(mount);
}

void lt_mount_end(struct lt_mount *mount)
{
    if (mount == NULL)
        return;
    if (mount->keeper) {
        /* If it was unmounted already, whatever is mounted there now is not ours. */
        mount->ending = lt_session_ended(mount->session);
        ring(mount);
        lt_thread_join(mount->keeper);
        /*
         * Still in use. Closing our descriptors would end it too, but with io_uring too late: a
         * request that comes after the last ring entry is gone and before the descriptors are
         * closed waits for ever (seen with Linux 6.18).
         */
        if (!lt_session_wait_for(mount->session, UNMOUNT_NS))
            linux_abort(mount->device);
    }
    lt_session_free(mount->session); /* what still used the mount gets errors */
    if (mount->bell >= 0)
        close(mount->bell);
    free(mount->dir);
    free(mount);
}

int lt_mount_stats(struct lt_mount *mount, char **ret_json)
{
    return lt_session_stats(mount->session, ret_json);
}
