/* SPDX-License-Identifier: MIT */
/*
 * Mounting a Lintel file system on Linux: the FUSE front.
 *
 *     struct lt_mount_options options;
 *     lt_mount_options_init(&options);
 *     lt_mount_start(fs, "/mnt", &options, &mount, &diag);  // mounted and answering
 *     lt_mount_wait(mount);                                 // until umount, stop or abort
 *     lt_mount_end(mount);
 *     lt_fs_close(fs);
 */
#ifndef LINTEL_MOUNT_H
#define LINTEL_MOUNT_H

#include <lintel/fs.h>

struct lt_mount;

enum lt_choice { LT_OFF, LT_ON, LT_AUTO };
enum lt_streams { LT_STREAMS_XATTR, LT_STREAMS_COLON, LT_STREAMS_NONE };

struct lt_mount_options {
    const char *fs_name;        /* the device column of /proc/mounts; NULL: "lintel" */
    const char *subtype;        /* the type shown is fuse.SUBTYPE; NULL: "lintel" */
    const char *kernel_options; /* further options for mount(2), comma-separated ("noexec,nosuid"),
                                   or NULL */
    bool allow_other; /* users other than the mounting one may enter; root's mounts: true by default
                       */
    bool read_only;
    bool default_permissions; /* the kernel checks modes and ACLs; true by default */
    enum lt_choice io_uring;  /* FUSE-over-io_uring; LT_ON fails where it cannot be had */
    enum lt_choice
        passthrough; /* data I/O in the kernel where the file system offers a backing file */
    enum lt_choice writeback; /* the kernel's writeback cache; not together with passthrough */
    enum lt_streams streams;  /* how named streams show */
    bool locks;  /* file locks are Lintel's, shared with other fronts; false: the kernel's own. Not
                    with io_uring */
    bool blkdev; /* mounted over a block device, as type fuseblk.SUBTYPE: only then does the kernel
                    pass on sync(1) and syncfs(2), and an unmount from outside waits until all is
                    durable. fs_name is not shown. Root only */
    unsigned threads; /* 0: by the number of processors */
    unsigned
        poll_us; /* microseconds to poll for the next request before sleeping; UINT_MAX: adaptive */
    uint32_t max_write; /* bytes; 0: what suits the file system (lt_volume.io_best), or 1 MiB */
    uint64_t
        timeout_ms; /* how long the kernel may trust names and attributes; UINT64_MAX: for ever */
    int uid, gid, umask; /* -1: as the file system says; otherwise all files show these */
    bool debug;          /* trace requests through `log` */
    void (*log)(void *arg, const char *line); /* NULL: nowhere. Any thread */
    /*
     * The control channel of `lintel info` and `lintel save`: extended attributes
     * system.lintel.NAME of the mount's root. get writes a text for NAME into a buffer that it
     * allocates with malloc; set acts. Both return 0 or LT_ENODATA for an unknown NAME. NULL: only
     * "info" is answered, with the front's own counters. set is refused with LT_EPERM to everybody
     * but root and the owner of the root directory.
     */
    int (*control_get)(void *arg, const char *name, char **ret_text);
    int (*control_set)(void *arg, const char *name, const char *text);
    void *arg; /* for log and control */
};

/* The defaults described above. */
void lt_mount_options_init(struct lt_mount_options *options);

/*
 * Mounts fs at `dir` and starts to serve; returns once the kernel's first request
 * was answered. As root by mount(2), otherwise through fusermount3. fs must
 * outlive the mount. Errors: LT_ENOENT and LT_ENOTDIR (dir), LT_EPERM, LT_ENODEV (no
 * /dev/fuse), LT_EOPNOTSUPP (an LT_ON that cannot be had); diag explains.
 */
int lt_mount_start(struct lt_fs *fs, const char *dir, const struct lt_mount_options *options,
                   struct lt_mount **ret, struct lt_diag *diag);

/* Waits until the mount has ended, whoever ended it. 0, or LT_ENOTCONN if it was aborted. */
int lt_mount_wait(struct lt_mount *mount);

/* Asks for an unmount, lazily if it is busy, and returns at once. Async-signal-safe; any thread. */
void lt_mount_stop(struct lt_mount *mount);

/* Unmounts if that has not happened, joins all threads, frees everything. NULL is ignored. */
void lt_mount_end(struct lt_mount *mount);

/*
 * The front's counters as one JSON object in malloc'd text: negotiated protocol and features,
 * transport, threads, nodes the kernel holds, and per operation: count, errors, bytes, and
 * latencies in nanoseconds (mean, p50, p99, max). LT_ENOMEM.
 */
int lt_mount_stats(struct lt_mount *mount, char **ret_json);

#endif
