// SPDX-License-Identifier: MIT
#include <os/hidden.h>
#include <os/os.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * linux/mount.h; glibc has the calls only since 2.36, and under other names on
 * other systems' libcs, so they are made by number.
 */
enum {
    FSOPEN_CLOEXEC_ = 0x1,
    FSMOUNT_CLOEXEC_ = 0x1,
    FSPICK_CLOEXEC_ = 0x1,
    FSPICK_EMPTY_PATH_ = 0x8,
    FSCONFIG_SET_STRING_ = 1,
    FSCONFIG_CMD_CREATE_ = 6,
    FSCONFIG_CMD_RECONFIGURE_ = 7
};

struct lt_hidden {
    int mount; /* root directory of the tmpfs */
};

static int set_string(int fd, const char *key, const char *value)
{
    return (int)syscall(SYS_fsconfig, fd, FSCONFIG_SET_STRING_, key, value, 0);
}

/* tmpfs counts in pages and takes 0 for "no limit": round up, and ask for one page at least. */
static int set_size(int fd, uint64_t limit)
{
    char size[32];
    uint64_t pages = limit / LT_PAGE_SIZE + (limit % LT_PAGE_SIZE != 0);
    snprintf(size, sizeof(size), "%" PRIu64, (pages ? pages : 1) * LT_PAGE_SIZE);
    return set_string(fd, "size", size);
}

static int mount_tmpfs(uint64_t limit, int *ret_fd)
{
    int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC_);
    if (fs < 0)
        return lt_error_last();
    int fd = -1;
    if (set_size(fs, limit) == 0 && set_string(fs, "nr_inodes", "0") == 0 &&
        set_string(fs, "mode", "0700") == 0 &&
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE_, NULL, NULL, 0) == 0)
        fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC_, 0);
    int error = fd < 0 ? lt_error_last() : 0;
    close(fs);
    if (error == 0)
        *ret_fd = fd;
    return error;
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int lt_hidden_open(uint64_t limit, struct lt_hidden **ret)
{
    struct lt_hidden *h = malloc(sizeof(*h));
    if (!h)
        return LT_ENOMEM;
    int error = mount_tmpfs(limit, &h->mount);
    if (error) {
        free(h);
        return error == LT_ENOSYS || error == LT_ENODEV ? LT_EOPNOTSUPP : error;
    }
    raise_descriptor_limit();
    *ret = h;
    return 0;
}

void lt_hidden_close(struct lt_hidden *h)
{
    if (!h)
        return;
    close(h->mount);
    free(h);
}

int lt_hidden_set_limit(struct lt_hidden *h, uint64_t limit)
{
    int fs = (int)syscall(SYS_fspick, h->mount, "", FSPICK_CLOEXEC_ | FSPICK_EMPTY_PATH_);
    if (fs < 0)
        return lt_error_last();
    int error = 0;
    /* tmpfs answers EINVAL if more is in use. */
    if (set_size(fs, limit) != 0 ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_RECONFIGURE_, NULL, NULL, 0) != 0)
        error = lt_error_last();
    close(fs);
    return error == LT_EINVAL ? LT_ENOSPC : error;
}

uint64_t lt_hidden_used(struct lt_hidden *h)
{
    struct statfs s;
    if (fstatfs(h->mount, &s) != 0)
        return 0;
    return (uint64_t)(s.f_blocks - s.f_bfree) * (uint64_t)s.f_bsize;
}

int lt_hidden_file_new(struct lt_hidden *h, int *ret_fd)
{
    int fd = openat(h->mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_LARGEFILE, 0600);
    if (fd < 0)
        return lt_error_last();
    *ret_fd = fd;
    return 0;
}

void lt_hidden_file_close(int fd)
{
    close(fd);
}

static struct lt_time from_timespec(struct timespec t)
{
    return (struct lt_time){t.tv_sec, (uint32_t)t.tv_nsec};
}

int lt_hidden_file_stat(int fd, struct lt_hidden_stat *ret)
{
    struct stat s;
    if (fstat(fd, &s) != 0)
        return lt_error_last();
    ret->size = (uint64_t)s.st_size;
    ret->allocated = (uint64_t)s.st_blocks * 512;
    ret->mtime = from_timespec(s.st_mtim);
    return 0;
}

int lt_hidden_file_set_mtime(int fd, struct lt_time mtime)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                      {.tv_sec = mtime.sec, .tv_nsec = (long)mtime.nsec}};
    return futimens(fd, times) == 0 ? 0 : lt_error_last();
}

int64_t lt_hidden_file_read(int fd, void *buf, size_t len, uint64_t offset)
{
    ssize_t n = pread(fd, buf, len, (off_t)offset);
    return n < 0 ? lt_error_last() : n;
}

int64_t lt_hidden_file_write(int fd, const struct lt_seg *segs, size_t count, size_t len,
                             uint64_t offset)
{
    size_t done = 0, before = 0; /* written; bytes of the segments before segs[i] */
    for (size_t i = 0; i < count && done < len; before += segs[i++].len) {
        while (done < before + segs[i].len && done < len) {
            size_t left = before + segs[i].len - done;
            ssize_t n = pwrite(fd, (const char *)segs[i].base + (done - before),
                               left < len - done ? left : len - done, (off_t)(offset + done));
            if (n <= 0)
                return done > 0 ? (int64_t)done : lt_error_last();
            done += (size_t)n;
        }
    }
    return (int64_t)done;
}

int lt_hidden_file_truncate(int fd, uint64_t size)
{
    return ftruncate(fd, (off_t)size) == 0 ? 0 : lt_error_last();
}

int lt_hidden_file_allocate(int fd, uint32_t mode, uint64_t offset, uint64_t len)
{
    return fallocate(fd, (int)mode, (off_t)offset, (off_t)len) == 0 ? 0 : lt_error_last();
}

int lt_hidden_file_seek(int fd, uint64_t offset, enum lt_seek whence, uint64_t *ret)
{
    off_t at = lseek(fd, (off_t)offset, (int)whence);
    if (at < 0)
        return lt_error_last();
    *ret = (uint64_t)at;
    return 0;
}
