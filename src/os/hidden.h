/* SPDX-License-Identifier: MIT */
/*
 * Files that the kernel keeps in memory and nobody else can see: a tmpfs of our
 * own that is mounted nowhere. A RAM disk keeps the data of open files in them so
 * that the kernel can read, write and map them by itself (FUSE passthrough).
 *
 * Linux 5.2 and later, with CAP_SYS_ADMIN. Elsewhere lt_hidden_open() says LT_EOPNOTSUPP. Each file
 * takes a descriptor, so opening a store raises this process's limit on them as far as it may.
 */
#ifndef LT_OS_HIDDEN_H
#define LT_OS_HIDDEN_H

#include <lintel/fs.h>

struct lt_hidden;

/* A store for at most `limit` bytes of data. LT_EPERM, LT_EOPNOTSUPP, LT_ENOMEM. */
int lt_hidden_open(uint64_t limit, struct lt_hidden **ret);
void lt_hidden_close(struct lt_hidden *h);

/* A new limit in bytes. LT_ENOSPC if more is in use. Costs some tens of microseconds. */
int lt_hidden_set_limit(struct lt_hidden *h, uint64_t limit);
/* Bytes of data in use. */
uint64_t lt_hidden_used(struct lt_hidden *h);

/*
 * A new, empty file without a name: it goes with its last descriptor, wherever that is. *ret_fd is
 * the caller's, to be ended by lt_hidden_file_close(). LT_EMFILE, LT_ENOSPC.
 */
int lt_hidden_file_new(struct lt_hidden *h, int *ret_fd);
void lt_hidden_file_close(int fd);

/* What a file says of itself: the kernel keeps it while it does the I/O. */
struct lt_hidden_stat {
    uint64_t size, allocated; /* bytes */
    struct lt_time mtime;
};
int lt_hidden_file_stat(int fd, struct lt_hidden_stat *ret);
int lt_hidden_file_set_mtime(int fd, struct lt_time mtime);

/* As pread(2), pwrite(2), ftruncate(2), fallocate(2) (LT_FALLOC_...) and lseek(2). */
int64_t lt_hidden_file_read(int fd, void *buf, size_t len, uint64_t offset);
/* Writes the first `len` bytes of the segments, or as many as fit. */
int64_t lt_hidden_file_write(int fd, const struct lt_seg *segs, size_t count, size_t len,
                             uint64_t offset);
int lt_hidden_file_truncate(int fd, uint64_t size);
int lt_hidden_file_allocate(int fd, uint32_t mode, uint64_t offset, uint64_t len);
int lt_hidden_file_seek(int fd, uint64_t offset, enum lt_seek whence, uint64_t *ret);

#endif
