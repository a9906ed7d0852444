// SPDX-License-Identifier: MIT
#include <os/disk.h>
#include <os/host.h>
#include <os/os.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

struct lt_disk {
    int fd;        /* immutable */
    bool is_block; /* immutable */
    bool is_dsync; /* immutable: RWF_DSYNC can be relied on */
};

/* Segments handed to the kernel at once; fewer than IOV_MAX, so that they fit the stack. */
#define SEGS_MAX 64u

/* What a system call that may be interrupted answers. */
#define RETRY(call)                             \
    __extension__({                             \
        long retry_;                            \
        do {                                    \
            retry_ = (call);                    \
        } while (retry_ < 0 && errno == EINTR); \
        retry_;                                 \
    })

static int result(long r)
{
    return r < 0 ? lt_error_last() : 0;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* O_EXCL refuses a block device that is mounted, or that somebody else opened so. */
static bool is_block_device(const char *path)
{
    return lt_host_type_followed(path) == LT_S_IFBLK;
}

static int open_or_create(const char *path, int flags, bool create, bool excl)
{
    int fd = create && excl ? -1 : open(path, flags);
    if (fd >= 0 || !create || (!excl && errno != ENOENT))
        return fd < 0 ? lt_error_last() : fd;
    fd = open(path, flags | O_CREAT | (excl ? O_EXCL : 0), 0666);
    if (fd < 0)
        return lt_error_last();
    int r = lt_host_sync_parent(path);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    return fd;
}

/*
 * Whether a single write can be made durable by RWF_DSYNC. That is up to the file system, and some
 * (FUSE, 9p) have ignored it, so it has to be one that is known to do it. A device does.
 */
static bool keeps_dsync(int fd, const struct stat *st)
{
    static const uint32_t known[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                     F2FS_SUPER_MAGIC, TMPFS_MAGIC};
    struct statfs fs;
    if (S_ISBLK(st->st_mode))
        return true;
    if (fstatfs(fd, &fs) < 0)
        return false;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if ((uint32_t)fs.f_type == known[i])
            return true;
    }
    return false;
}

int lt_disk_open(const char *path, bool read_only, bool create, bool excl, struct lt_disk **ret)
{
    /* O_NONBLOCK: a FIFO shall be refused, not waited for. */
    int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (read_only ? O_RDONLY : O_RDWR);
    if (!read_only && is_block_device(path))
        flags |= O_EXCL;
    int fd = open_or_create(path, flags, create, excl);
    if (fd < 0)
        return fd;
    struct stat st;
    int r = result(fstat(fd, &st));
    if (r == 0 && S_ISDIR(st.st_mode))
        r = LT_EISDIR;
    else if (r == 0 && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        r = LT_EINVAL;
    struct lt_disk *disk = r == 0 ? malloc(sizeof(*disk)) : NULL;
    if (!disk) {
        (void)close(fd);
        return r < 0 ? r : LT_ENOMEM;
    }
    *disk = (struct lt_disk){fd, S_ISBLK(st.st_mode), keeps_dsync(fd, &st)};
    *ret = disk;
    return 0;
}

void lt_disk_close(struct lt_disk *disk)
{
    if (!disk)
        return;
    (void)close(disk->fd);
    free(disk);
}

/* ---- Locking ------------------------------------------------------------------------------- */

int lt_disk_lock(struct lt_disk *disk, bool exclusive)
{
    struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    int r = result(RETRY(fcntl(disk->fd, F_OFD_SETLK, &lock)));
    return r == LT_EAGAIN || r == LT_EACCES ? LT_EBUSY : r;
}

#define LINK_SIZE 4096u

/* What /proc says a descriptor is. It is text: a hung file system behind it is not asked. */
static bool read_link(int dir, const char *name, char *buf)
{
    ssize_t n = readlinkat(dir, name, buf, LINK_SIZE - 1);
    if (n < 0)
        return false;
    buf[n] = 0;
    return true;
}

/* Whether a lock is held through this descriptor: proc(5), fdinfo, "lock:". */
static bool holds_lock(int proc, const char *fd)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "fdinfo/%s", fd);
    int info = openat(proc, path, O_RDONLY | O_CLOEXEC);
    FILE *file = info < 0 ? NULL : fdopen(info, "r");
    if (!file) {
        if (info >= 0)
            (void)close(info);
        return false;
    }
    bool found = false;
    char line[256];
    while (!found && fgets(line, sizeof(line), file))
        found = strncmp(line, "lock:", 5) == 0;
    (void)fclose(file);
    return found;
}

static bool process_holds(int proc, const char *link)
{
    int fds = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fds < 0 ? NULL : fdopendir(fds);
    if (!list) {
        if (fds >= 0)
            (void)close(fds);
        return false;
    }
    bool found = false;
    char buf[LINK_SIZE];
    const struct dirent *entry;
    while (!found && (entry = readdir(list)) != NULL)
        found = read_link(dirfd(list), entry->d_name, buf) && strcmp(buf, link) == 0 &&
                holds_lock(proc, entry->d_name);
    (void)closedir(list);
    return found;
}

static void read_program(int proc, char *buf, size_t size)
{
    int fd = openat(proc, "comm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, buf, size - 1);
    if (fd >= 0)
        (void)close(fd);
    buf[n > 0 ? n : 0] = 0;
    buf[strcspn(buf, "\n")] = 0;
}

static bool is_holder(const struct dirent *entry, int all, const char *link,
                      struct lt_disk_holder *ret)
{
    char *end;
    long long pid = strtoll(entry->d_name, &end, 10);
    if (*end || pid <= 0)
        return false;
    int proc = openat(all, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return false;
    bool found = process_holds(proc, link);
    if (found) {
        ret->pid = pid;
        read_program(proc, ret->program, sizeof(ret->program));
    }
    (void)close(proc);
    return found;
}

/* F_OFD_GETLK and /proc/locks know no process for such locks: the descriptors have to be searched.
 */
int lt_disk_holder(struct lt_disk *disk, struct lt_disk_holder *ret)
{
    char own[64], link[LINK_SIZE];
    (void)snprintf(own, sizeof(own), "/proc/self/fd/%d", disk->fd);
    DIR *all = read_link(AT_FDCWD, own, link) ? opendir("/proc") : NULL;
    if (!all)
        return LT_ENOENT;
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(all)) != NULL)
        found = is_holder(entry, dirfd(all), link, ret);
    (void)closedir(all);
    return found ? 0 : LT_ENOENT;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

int lt_disk_size(struct lt_disk *disk, uint64_t *ret)
{
    if (disk->is_block)
        return result(ioctl(disk->fd, BLKGETSIZE64, ret));
    struct stat st;
    int r = result(fstat(disk->fd, &st));
    if (r == 0)
        *ret = (uint64_t)st.st_size;
    return r;
}

int lt_disk_fd(struct lt_disk *disk)
{
    return disk->fd;
}

int lt_disk_read(struct lt_disk *disk, uint64_t offset, void *buf, size_t len)
{
    char *to = buf;
    while (len) {
        ssize_t n = RETRY(pread(disk->fd, to, len, (off_t)offset));
        if (n <= 0)
            return n < 0 ? lt_error_last() : LT_EIO;
        to += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* Drops the first n bytes of a list. */
static struct iovec *advance(struct iovec *at, const struct iovec *end, size_t n)
{
    while (at < end && n >= at->iov_len)
        n -= at++->iov_len;
    if (n) {
        at->iov_base = (char *)at->iov_base + n;
        at->iov_len -= n;
    }
    return at;
}

static int write_some(int fd, int flags, uint64_t *offset, struct iovec *at,
                      const struct iovec *end)
{
    at = advance(at, end, 0);
    while (at < end) {
        ssize_t n = RETRY(pwritev2(fd, at, (int)(end - at), (off_t)*offset, flags));
        if (n <= 0)
            return n < 0 ? lt_error_last() : LT_EIO;
        *offset += (uint64_t)n;
        at = advance(at, end, (size_t)n);
    }
    return 0;
}

static int write_segs(struct lt_disk *disk, int flags, uint64_t offset, const struct lt_seg *segs,
                      size_t count)
{
    struct iovec iov[SEGS_MAX];
    int r = 0;
    while (r == 0 && count) {
        size_t n = count < SEGS_MAX ? count : SEGS_MAX;
        for (size_t i = 0; i < n; i++)
            iov[i] = (struct iovec){segs[i].base, segs[i].len};
        r = write_some(disk->fd, flags, &offset, iov, iov + n);
        segs += n;
        count -= n;
    }
    return r;
}

int lt_disk_write(struct lt_disk *disk, uint64_t offset, const struct lt_seg *segs, size_t count)
{
    return write_segs(disk, 0, offset, segs, count);
}

int lt_disk_write_through(struct lt_disk *disk, uint64_t offset, const struct lt_seg *segs,
                          size_t count)
{
    int r = disk->is_dsync ? write_segs(disk, RWF_DSYNC, offset, segs, count) : 0;
    if (disk->is_dsync && r != LT_ENOSPC)
        return r;
    /* If there is room after all, the kernel spoke of other bytes, which it has lost. */
    bool lost = r == LT_ENOSPC;
    r = write_segs(disk, 0, offset, segs, count);
    if (r == 0)
        r = lost ? LT_EIO : lt_disk_flush(disk);
    return r;
}

int lt_disk_flush(struct lt_disk *disk)
{
    return result(RETRY(fdatasync(disk->fd)));
}

int lt_disk_discard(struct lt_disk *disk, uint64_t offset, uint64_t len)
{
    if (disk->is_block) {
        uint64_t range[2] = {offset, len};
        return result(RETRY(ioctl(disk->fd, BLKDISCARD, range)));
    }
    int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    return result(RETRY(fallocate(disk->fd, mode, (off_t)offset, (off_t)len)));
}

int lt_disk_reserve(struct lt_disk *disk, uint64_t offset, uint64_t len)
{
    if (disk->is_block)
        return 0;
    return result(RETRY(fallocate(disk->fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len)));
}

int lt_disk_resize(struct lt_disk *disk, uint64_t size)
{
    uint64_t now;
    int r = lt_disk_size(disk, &now);
    if (r < 0 || now == size)
        return r;
    if (disk->is_block)
        return LT_EOPNOTSUPP;
    return size > INT64_MAX ? LT_EFBIG : result(RETRY(ftruncate(disk->fd, (off_t)size)));
}
