/* SPDX-License-Identifier: MIT */
/* Mounting and unmounting on Linux: by mount(2) as root, else through fusermount3. */
#ifndef LT_FRONT_FUSE_LINUX_H
#define LT_FRONT_FUSE_LINUX_H

#include <lintel/mount.h>

/*
 * Mounts at `dir` (absolute) and returns the descriptor of /dev/fuse. The kernel
 * may already have a request on it. Negative errors as lt_mount_start().
 */
int linux_mount(const char *dir, const struct lt_mount_options *options, struct lt_diag *diag);

#define LINUX_BLKDEV_MAX 32      /* bytes of its path */
#define LINUX_BLKDEV_BLOCK 4096u /* bytes */

/* A fresh block device: its path, and the descriptor that keeps it (the mount then does). Root
 * only.
 */
int linux_blkdev(char path[LINUX_BLKDEV_MAX]);

/* Unmounts, lazily if it is busy. LT_EINVAL: nothing is mounted there. */
int linux_umount(const char *dir);

/*
 * Ends the connection of the mount whose st_dev was `device`, mounted or not: its users and its
 * server get errors. False where the system does not let us.
 */
bool linux_abort(uint64_t device);

/* `dir` as an absolute path without symbolic links, for the caller to free. */
int linux_mount_point(const char *dir, char **ret, struct lt_diag *diag);

/* /sys/module/fuse/parameters/enable_uring: whether it is on; tries to switch it on if `enable`. */
bool linux_uring_enabled(bool enable);

/* Once it answers: returns st_dev of a mount, and as root lets the kernel read ahead further than
 * INIT can say. */
uint64_t linux_prepare(const char *dir, unsigned readahead_kib);

#endif
