// SPDX-License-Identifier: MIT
#include <os/host.h>
#include <os/os.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

struct lt_host_dir {
    int fd;
    DIR *listing; /* NULL until the first lt_host_dir_next() */
};

struct lt_host_file {
    int fd;
};

static int result(int r)
{
    return r < 0 ? lt_error_last() : r;
}

/* The number as Linux's new_encode_dev() has it, which lt_attr.rdev is. */
static uint32_t encode_dev(unsigned major, unsigned minor)
{
    return (minor & 0xff) | (uint32_t)major << 8 | (minor & ~0xffu) << 12;
}

/* ---- Directories --------------------------------------------------------------------------- */

static int wrap_dir(int fd, struct lt_host_dir **ret)
{
    if (fd < 0)
        return lt_error_last();
    struct lt_host_dir *dir = malloc(sizeof(*dir));
    if (!dir) {
        (void)close(fd);
        return LT_ENOMEM;
    }
    *dir = (struct lt_host_dir){fd, NULL};
    *ret = dir;
    return 0;
}

int lt_host_dir_open(const char *path, struct lt_host_dir **ret)
{
    return wrap_dir(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret);
}

int lt_host_dir_enter(struct lt_host_dir *dir, const char *name, struct lt_host_dir **ret)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    return wrap_dir(openat(dir->fd, name, flags), ret);
}

void lt_host_dir_close(struct lt_host_dir *dir)
{
    if (!dir)
        return;
    if (dir->listing)
        (void)closedir(dir->listing);
    (void)close(dir->fd);
    free(dir);
}

static int start_listing(struct lt_host_dir *dir)
{
    int fd = dup(dir->fd);
    if (fd < 0)
        return lt_error_last();
    dir->listing = fdopendir(fd);
    if (dir->listing)
        return 0;
    int r = lt_error_last();
    (void)close(fd);
    return r;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int lt_host_dir_next(struct lt_host_dir *dir, const char **ret_name)
{
    int r = dir->listing ? 0 : start_listing(dir);
    if (r < 0)
        return r;
    const struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(dir->listing);
    } while (entry && is_dots(entry->d_name));
    if (!entry)
        return errno ? lt_error_last() : 0;
    *ret_name = entry->d_name;
    return 1;
}

/* ---- Entries ------------------------------------------------------------------------------- */

static struct lt_time time_of(struct statx_timestamp t)
{
    return (struct lt_time){.sec = t.tv_sec, .nsec = t.tv_nsec};
}

int lt_host_stat(struct lt_host_dir *dir, const char *name, struct lt_attr *ret, uint64_t *ret_dev)
{
    struct statx st;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name ? 0 : AT_EMPTY_PATH);
    if (statx(dir->fd, name ? name : "", flags, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
        return lt_error_last();
    *ret = (struct lt_attr){.id = st.stx_ino,
                            .size = st.stx_size,
                            .allocated = st.stx_blocks * 512,
                            .atime = time_of(st.stx_atime),
                            .mtime = time_of(st.stx_mtime),
                            .ctime = time_of(st.stx_ctime),
                            .btime = time_of(st.stx_btime),
                            .mode = st.stx_mode,
                            .nlink = st.stx_nlink,
                            .uid = st.stx_uid,
                            .gid = st.stx_gid,
                            .rdev = encode_dev(st.stx_rdev_major, st.stx_rdev_minor)};
    if (!(st.stx_mask & STATX_BTIME))
        ret->btime = ret->mtime;
    *ret_dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
    return 0;
}

int lt_host_readlink(struct lt_host_dir *dir, const char *name, char *buf, size_t size)
{
    return result((int)readlinkat(dir->fd, name, buf, size));
}

int lt_host_mkdir(struct lt_host_dir *dir, const char *name)
{
    return result(mkdirat(dir->fd, name, 0700));
}

int lt_host_symlink(struct lt_host_dir *dir, const char *name, const char *target)
{
    return result(symlinkat(target, dir->fd, name));
}

int lt_host_mknod(struct lt_host_dir *dir, const char *name, uint32_t mode, uint32_t rdev)
{
    unsigned major = rdev >> 8 & 0xfff, minor = (rdev & 0xff) | (rdev >> 12 & 0xfff00);
    return result(mknodat(dir->fd, name, (mode & LT_S_IFMT) | 0600, makedev(major, minor)));
}

int lt_host_link(struct lt_host_dir *top, const char *old_path, struct lt_host_dir *dir,
                 const char *name)
{
    return result(linkat(top ? top->fd : AT_FDCWD, old_path, dir->fd, name, 0));
}

int lt_host_chown(struct lt_host_dir *dir, const char *name, uint32_t uid, uint32_t gid)
{
    int flags = AT_SYMLINK_NOFOLLOW | (name ? 0 : AT_EMPTY_PATH);
    return result(fchownat(dir->fd, name ? name : "", uid, gid, flags));
}

int lt_host_chmod(struct lt_host_dir *dir, const char *name, uint32_t mode)
{
    mode &= LT_S_PERM;
    return result(name ? fchmodat(dir->fd, name, mode, 0) : fchmod(dir->fd, mode));
}

int lt_host_utimens(struct lt_host_dir *dir, const char *name, struct lt_time atime,
                    struct lt_time mtime)
{
    struct timespec times[2] = {{.tv_sec = atime.sec, .tv_nsec = atime.nsec},
                                {.tv_sec = mtime.sec, .tv_nsec = mtime.nsec}};
    if (!name)
        return result(futimens(dir->fd, times));
    return result(utimensat(dir->fd, name, times, AT_SYMLINK_NOFOLLOW));
}

int lt_host_rename(struct lt_host_dir *dir, const char *from, const char *to)
{
    return result(renameat(dir->fd, from, dir->fd, to));
}

int lt_host_remove(struct lt_host_dir *dir, const char *name)
{
    return result(unlinkat(dir->fd, name, 0));
}

/* There is no lgetxattrat(): the name is reached through the open directory. */
static int proc_path(const struct lt_host_dir *dir, const char *name, char *buf, size_t size)
{
    int len = snprintf(buf, size, "/proc/self/fd/%d/%s", dir->fd, name ? name : ".");
    return len > 0 && (size_t)len < size ? 0 : LT_ENAMETOOLONG;
}

#define PROC_PATH_SIZE 320u

int lt_host_xattr_list(struct lt_host_dir *dir, const char *name, char *buf, size_t size)
{
    char path[PROC_PATH_SIZE];
    int r = proc_path(dir, name, path, sizeof(path));
    return r < 0 ? r : result((int)llistxattr(path, buf, size));
}

int lt_host_xattr_get(struct lt_host_dir *dir, const char *name, const char *key, void *buf,
                      size_t size)
{
    char path[PROC_PATH_SIZE];
    int r = proc_path(dir, name, path, sizeof(path));
    return r < 0 ? r : result((int)lgetxattr(path, key, buf, size));
}

int lt_host_xattr_set(struct lt_host_dir *dir, const char *name, const char *key, const void *value,
                      size_t size)
{
    char path[PROC_PATH_SIZE];
    int r = proc_path(dir, name, path, sizeof(path));
    return r < 0 ? r : result(lsetxattr(path, key, value, size, 0));
}

/* ---- Files --------------------------------------------------------------------------------- */

static int wrap_file(int fd, struct lt_host_file **ret)
{
    if (fd < 0)
        return lt_error_last();
    struct lt_host_file *file = malloc(sizeof(*file));
    if (!file) {
        (void)close(fd);
        return LT_ENOMEM;
    }
    file->fd = fd;
    *ret = file;
    return 0;
}

int lt_host_file_open(struct lt_host_dir *dir, const char *name, struct lt_host_file **ret)
{
    /* In a tree nothing is to wait for the writer of a FIFO; one that was named is read. */
    int flags = O_RDONLY | O_CLOEXEC | (dir ? O_NOFOLLOW | O_NONBLOCK : 0);
    return wrap_file(openat(dir ? dir->fd : AT_FDCWD, name, flags), ret);
}

int lt_host_file_create(struct lt_host_dir *dir, const char *name, struct lt_host_file **ret)
{
    int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    return wrap_file(openat(dir ? dir->fd : AT_FDCWD, name, flags, 0600), ret);
}

int lt_host_file_close(struct lt_host_file *file, bool sync)
{
    if (!file)
        return 0;
    int r = sync ? result(fsync(file->fd)) : 0;
    int r2 = result(close(file->fd));
    free(file);
    return r < 0 ? r : r2;
}

int64_t lt_host_file_read(struct lt_host_file *file, uint64_t offset, void *buf, size_t len)
{
    ssize_t n;
    do {
        n = pread(file->fd, buf, len, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == ESPIPE) /* an archive that comes through a pipe, read in order */
        n = read(file->fd, buf, len);
    return n < 0 ? lt_error_last() : n;
}

int lt_host_file_write(struct lt_host_file *file, uint64_t offset, const void *buf, size_t len)
{
    const char *from = buf;
    while (len) {
        ssize_t n = pwrite(file->fd, from, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? lt_error_last() : LT_ENOSPC;
        from += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int lt_host_file_set_size(struct lt_host_file *file, uint64_t size)
{
    return result(ftruncate(file->fd, (off_t)size));
}

int lt_host_file_data(struct lt_host_file *file, uint64_t *offset, uint64_t *ret_end)
{
    off_t data = lseek(file->fd, (off_t)*offset, SEEK_DATA);
    if (data < 0)
        return lt_error_last();
    off_t end = lseek(file->fd, data, SEEK_HOLE);
    if (end < 0)
        return lt_error_last();
    *offset = (uint64_t)data;
    *ret_end = (uint64_t)end;
    return 0;
}

/* ---- By path ------------------------------------------------------------------------------- */

int lt_host_type(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 ? lt_error_last() : (int)(st.st_mode & S_IFMT);
}

int lt_host_type_followed(const char *path)
{
    struct stat st;
    return stat(path, &st) < 0 ? lt_error_last() : (int)(st.st_mode & S_IFMT);
}

int lt_host_make_dir(const char *path)
{
    return result(mkdir(path, 0700));
}

int lt_host_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lt_error_last();
    int r = result(syncfs(fd));
    (void)close(fd);
    return r;
}

int lt_host_sync_parent(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return LT_ENOMEM;
    char *slash = strrchr(copy, '/');
    const char *parent = ".";
    if (slash) {
        slash[slash == copy] = 0; /* "/" stays */
        parent = copy;
    }
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? lt_error_last() : result(fsync(fd));
    if (fd >= 0)
        (void)close(fd);
    free(copy);
    return r;
}

/* In two steps, where the file system cannot exchange directories. */
static int replace_dir(const char *from, const char *to)
{
    static const char suffix[] = ".lintel-old";
    size_t size = strlen(to) + sizeof(suffix);
    char *aside = malloc(size);
    if (!aside)
        return LT_ENOMEM;
    (void)snprintf(aside, size, "%s%s", to, suffix);
    int r = lt_host_remove_tree(aside);
    if (r == 0)
        r = result(rename(to, aside));
    if (r == 0) {
        r = result(rename(from, to));
        /* On failure the old one comes back. */
        int r2 = result(rename(aside, r == 0 ? from : to));
        r = r < 0 ? r : r2;
    }
    free(aside);
    return r;
}

int lt_host_replace(const char *from, const char *to)
{
    int r = result(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE));
    bool cannot = r == LT_EINVAL || r == LT_ENOSYS || r == LT_EXDEV || r == LT_EOPNOTSUPP;
    if (cannot && lt_host_type(to) == LT_S_IFDIR)
        r = replace_dir(from, to);
    else if (cannot || r == LT_ENOENT) /* files replace each other; or nothing is there yet */
        r = result(rename(from, to));
    return r < 0 ? r : lt_host_sync_parent(to);
}

/* One directory of the tree to remove. */
struct doomed {
    struct doomed *up;
    struct lt_host_dir *dir;
    char name[256]; /* in the directory above */
};

static int push_doomed(struct doomed **top, int at, const char *name)
{
    struct doomed *d = calloc(1, sizeof(*d));
    if (!d)
        return LT_ENOMEM;
    int r = wrap_dir(openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), &d->dir);
    if (r < 0) {
        free(d);
        return r;
    }
    (void)snprintf(d->name, sizeof(d->name), "%s", name);
    d->up = *top;
    *top = d;
    return 0;
}

static void pop_doomed(struct doomed **top)
{
    struct doomed *d = *top;
    *top = d->up;
    lt_host_dir_close(d->dir);
    if (d->up)
        (void)unlinkat(d->up->dir->fd, d->name, AT_REMOVEDIR);
    free(d);
}

int lt_host_remove_tree(const char *path)
{
    struct doomed *top = NULL;
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    int r = push_doomed(&top, AT_FDCWD, path);
    while (r == 0 && top) {
        const char *name;
        int more = lt_host_dir_next(top->dir, &name);
        if (more <= 0) {
            r = more;
            pop_doomed(&top);
        } else if (unlinkat(top->dir->fd, name, 0) < 0) {
            r = push_doomed(&top, top->dir->fd, name);
        }
    }
    while (top)
        pop_doomed(&top);
    return r < 0 ? r : result(rmdir(path));
}
