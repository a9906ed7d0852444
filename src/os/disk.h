/* SPDX-License-Identifier: MIT */
/*
 * A regular file or block device of the host that is read and written at random
 * places, by many threads at a time. Errors are lt_errors.
 */
#ifndef LT_OS_DISK_H
#define LT_OS_DISK_H

#include <lintel/error.h>
#include <lintel/types.h>

struct lt_disk;

/* With `create` the file is made if it is missing, its name durable on return; with `excl` as well,
 * LT_EEXIST if it is there. LT_EISDIR; LT_EINVAL for what is neither file nor block device;
 * LT_EBUSY for a block device that is mounted and to be written. */
int lt_disk_open(const char *path, bool read_only, bool create, bool excl, struct lt_disk **ret);
/* Also gives up the lock. */
void lt_disk_close(struct lt_disk *disk);

/*
 * Keeps others out until it is closed: with `exclusive` all that lock, else those who lock
 * exclusively. Held by this lt_disk, not by the process: two of one process exclude each other too.
 * LT_EBUSY.
 */
int lt_disk_lock(struct lt_disk *disk, bool exclusive);

struct lt_disk_holder {
    int64_t pid;
    char program[64];
};
/* A process that holds a lock on the same file. LT_ENOENT: none that we are allowed to see. */
int lt_disk_holder(struct lt_disk *disk, struct lt_disk_holder *ret);

/* Bytes. */
int lt_disk_size(struct lt_disk *disk, uint64_t *ret);

/* Its descriptor, which stays the disk's own; LT_EOPNOTSUPP where files have none. */
int lt_disk_fd(struct lt_disk *disk);

/* All of it. LT_EIO also for what lies behind the end. */
int lt_disk_read(struct lt_disk *disk, uint64_t offset, void *buf, size_t len);
int lt_disk_write(struct lt_disk *disk, uint64_t offset, const struct lt_seg *segs, size_t count);
/* The same, and what was written is durable; other writes need not be. LT_ENOSPC: as
 * lt_disk_write() says it, whatever else fails is another error. */
int lt_disk_write_through(struct lt_disk *disk, uint64_t offset, const struct lt_seg *segs,
                          size_t count);
/* Everything written, and the size, is durable. */
int lt_disk_flush(struct lt_disk *disk);
/* Gives the space of a range back, where the host can. LT_EOPNOTSUPP. */
int lt_disk_discard(struct lt_disk *disk, uint64_t offset, uint64_t len);
/* Takes space for a range, without changing what is read there. LT_EOPNOTSUPP, LT_ENOSPC. */
int lt_disk_reserve(struct lt_disk *disk, uint64_t offset, uint64_t len);
/* LT_EOPNOTSUPP for a block device that has another size. */
int lt_disk_resize(struct lt_disk *disk, uint64_t size);

#endif
