// SPDX-License-Identifier: MIT
#include "side.h"

#include "../random.h"
#include "acl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

struct tolerance tolerance;

static const struct {
    uid_t uid;
    gid_t gid;
    gid_t groups[2];
    unsigned count;
} users[] = {
    {0, 0, {0}, 0},
    {1000, 1000, {1000, 2000}, 2},
    {1001, 1001, {1001, 1000}, 2},
};

void side_user(unsigned user)
{
    /* The raw calls change the calling thread only; glibc's change the process. */
    if (user != 0) {
        syscall(SYS_setgroups, users[user].count, users[user].groups);
        syscall(SYS_setresgid, -1, users[user].gid, -1);
        syscall(SYS_setresuid, -1, users[user].uid, -1);
        return;
    }
    syscall(SYS_setresuid, -1, 0, -1);
    syscall(SYS_setresgid, -1, 0, -1);
    syscall(SYS_setgroups, 0, NULL);
}

void side_open(struct side *side, const char *root)
{
    snprintf(side->root, sizeof(side->root), "%s", root);
    for (unsigned i = 0; i < OP_SLOTS; i++) {
        side->fds[i] = -1;
    }
}

static void slot_set(struct side *side, unsigned slot, int fd)
{
    if (side->fds[slot] >= 0) {
        close(side->fds[slot]);
    }
    side->fds[slot] = fd;
}

void side_close(struct side *side)
{
    for (unsigned i = 0; i < OP_SLOTS; i++) {
        slot_set(side, i, -1);
    }
}

/* ---- What was touched ---------------------------------------------------------------------- */

/*
 * A time as the two sides must agree on it: exactly where it was set to some
 * other time, and otherwise only that it is of now.
 */
static void time_text(char *buf, size_t size, struct timespec t)
{
    static time_t start;
    if (start == 0) {
        start = time(NULL) - 2;
    }
    if (t.tv_sec >= start && t.tv_sec <= time(NULL) + 2) {
        snprintf(buf, size, "now");
    } else {
        snprintf(buf, size, "%lld.%09ld", (long long)t.tv_sec, t.tv_nsec);
    }
}

static void note_stat(struct result *ret, const char *what, int result, const struct stat *st)
{
    size_t at = strlen(ret->text);
    char *out = ret->text + at;
    size_t room = sizeof(ret->text) - at;
    if (result < 0) {
        snprintf(out, room, " %s:%s", what, strerrorname_np(errno));
        return;
    }
    char mtime[40] = "-";
    char atime[40] = "-";
    bool special = S_ISFIFO(st->st_mode) || S_ISCHR(st->st_mode);
    if (!tolerance.mtime && !special) { /* writing into a FIFO stamps it on tmpfs */
        time_text(mtime, sizeof(mtime), st->st_mtim);
    }
    if (!tolerance.atime) {
        time_text(atime, sizeof(atime), st->st_atim);
    }
    long long size = S_ISDIR(st->st_mode) ? -1 : (long long)st->st_size;
    snprintf(out, room, " %s:mode=%o,nlink=%u,uid=%d,gid=%d,size=%lld,rdev=%llx,m=%s,a=%s", what,
             mode_compared(st->st_mode), (unsigned)st->st_nlink, (int)st->st_uid, (int)st->st_gid,
             size, (unsigned long long)st->st_rdev, mtime, atime);
}

static void note_path(struct result *ret, const char *what, const char *path)
{
    struct stat st;
    note_stat(ret, what, lstat(path, &st), &st);
}

static void note_fd(struct result *ret, const char *what, int fd)
{
    struct stat st;
    note_stat(ret, what, fstat(fd, &st), &st);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static void fill(unsigned char *buf, size_t len, uint64_t seed)
{
    struct rnd r = {seed};
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = rnd_next(&r);
        memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
    }
}

static ssize_t do_io(const struct op *op, int fd, struct result *ret)
{
    unsigned char buf[OP_IO_MAX];
    ssize_t done;
    switch (op->kind) {
    case OP_pread:
        done = pread(fd, buf, op->len, (off_t)op->offset);
        break;
    case OP_read:
        done = read(fd, buf, op->len);
        break;
    case OP_pwrite:
        fill(buf, op->len, op->seed);
        return pwrite(fd, buf, op->len, (off_t)op->offset);
    default:
        fill(buf, op->len, op->seed);
        return write(fd, buf, op->len);
    }
    if (done > 0) {
        ret->hash = hash_bytes(0, buf, (size_t)done);
    }
    return done;
}

/* Reads or writes a little through a mapping, never behind the end of the file. */
static int do_map(const struct op *op, int fd, struct result *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -1;
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0 || op->len == 0) {
        return 0;
    }
    uint64_t start = op->offset % (uint64_t)st.st_size;
    uint64_t len = op->len;
    if (len > (uint64_t)st.st_size - start) {
        len = (uint64_t)st.st_size - start;
    }
    uint64_t page = start & ~UINT64_C(4095);
    int prot = op->kind == OP_map_write ? PROT_READ | PROT_WRITE : PROT_READ;
    int flags = op->flags == 3 ? MAP_PRIVATE : MAP_SHARED;
    unsigned char *map = mmap(NULL, (size_t)(start - page + len), prot, flags, fd, (off_t)page);
    if (map == MAP_FAILED) {
        return -1;
    }
    if (op->kind == OP_map_write) {
        fill(map + (start - page), (size_t)len, op->seed);
    }
    ret->hash = hash_bytes(0, map + (start - page), (size_t)len);
    munmap(map, (size_t)(start - page + len));
    return 0;
}

/* True if a range reads as zeros; of a long one only both ends are looked at. */
static bool is_zero(int fd, off_t from, off_t to)
{
    unsigned char buf[65536];
    while (from < to) {
        size_t want = to - from < (off_t)sizeof(buf) ? (size_t)(to - from) : sizeof(buf);
        ssize_t got = pread(fd, buf, want, from);
        for (ssize_t i = 0; i < got; i++) {
            if (buf[i] != 0) {
                return false;
            }
        }
        if (got <= 0) {
            break;
        }
        from += got;
        if (to - from > (off_t)sizeof(buf) * 8) {
            from = to - (off_t)sizeof(buf);
        }
    }
    return true;
}

/*
 * Where holes are is the file system's choice (tmpfs fills one that is read
 * through a mapping), but what is not data must be zeros. 1 if the answer fits the data.
 */
static int seek_fits(const struct op *op, int fd, off_t found)
{
    struct stat st;
    off_t from = (off_t)op->offset;
    fstat(fd, &st);
    if (from >= st.st_size) {
        return found < 0 && errno == ENXIO;
    }
    if (op->flags == SEEK_HOLE) {
        return found >= from && found <= st.st_size;
    }
    if (found < 0) {
        return errno == ENXIO && is_zero(fd, from, st.st_size);
    }
    return found >= from && found < st.st_size && is_zero(fd, from, found);
}

static off_t do_seek(const struct op *op, int fd)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    off_t found = lseek(fd, (off_t)op->offset, (int)op->flags);
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    int saved = errno;
    if (at >= 0) {
        lseek(fd, at, SEEK_SET);
    }
    errno = saved;
    if (tolerance.holes && flags >= 0 && (flags & O_ACCMODE) != O_WRONLY && fstat(fd, &st) == 0 &&
        S_ISREG(st.st_mode)) {
        return seek_fits(op, fd, found);
    }
    return tolerance.holes ? 0 : found;
}

/* ---- Names and attributes -------------------------------------------------------------------- */

/* The listing as one hash that does not depend on the order. */
static int64_t do_list(const char *path, struct result *ret)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }
    int64_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        uint64_t hash =
            hash_bytes(UINT64_C(14695981039346656037), entry->d_name, strlen(entry->d_name));
        ret->hash += hash_bytes(hash, &entry->d_type, 1);
        count++;
    }
    closedir(dir);
    return count;
}

/* Times that are clearly not now: long ago, before 1970, far ahead, odd nanoseconds, NOW, OMIT. */
static void make_times(const struct op *op, struct timespec ts[2])
{
    struct rnd r = {op->seed};
    for (int i = 0; i < 2; i++) {
        ts[i].tv_nsec = (long)rnd_below(&r, 1000000000);
        switch (rnd_below(&r, 6)) {
        case 0:
            ts[i].tv_nsec = UTIME_NOW;
            ts[i].tv_sec = 0;
            break;
        case 1:
            ts[i].tv_nsec = UTIME_OMIT;
            ts[i].tv_sec = 0;
            break;
        case 2:
            ts[i].tv_sec = -(time_t)rnd_below(&r, 1000000000);
            break;
        case 3:
            ts[i].tv_sec = (time_t)(INT64_C(1) << 32) + (time_t)rnd_below(&r, 1000000000);
            break;
        default:
            ts[i].tv_sec = (time_t)rnd_below(&r, 1000000000);
            break;
        }
    }
}

static const char *xattr_name(const struct op *op)
{
    static const char *const list[] = {"user.a",          "user.b", "user.c",     "trusted.t",
                                       "security.lintel", "user.",  "nonsense.x", "user.a"};
    return list[op->seed % 8];
}

static int do_xattr_set(const struct op *op, const char *path)
{
    unsigned char value[5000];
    size_t len = op->len % (op->seed % 5 == 0 ? sizeof(value) : 60);
    fill(value, len, op->seed);
    return lsetxattr(path, xattr_name(op), value, len, (int)op->flags);
}

static int64_t do_xattr_get(const struct op *op, const char *path, struct result *ret)
{
    unsigned char value[5000];
    ssize_t len = lgetxattr(path, xattr_name(op), value, op->seed % 7 == 0 ? 10 : sizeof(value));
    if (len > 0 && op->seed % 7 != 0) {
        ret->hash = hash_bytes(0, value, (size_t)len);
    }
    return len;
}

static int64_t do_xattr_list(const char *path, struct result *ret)
{
    char names[4096];
    ssize_t len = llistxattr(path, names, sizeof(names));
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
        ret->hash += hash_bytes(0, names + at, strlen(names + at)); /* in any order */
    }
    return len;
}

static int64_t do_acl_get(const struct op *op, const char *path, struct result *ret)
{
    unsigned char value[ACL_MAX];
    ssize_t len = getxattr(path, op->flags & 1 ? ACL_DEFAULT : ACL_ACCESS, value, sizeof(value));
    if (len > 0) {
        ret->hash = hash_bytes(0, value, (size_t)len);
    }
    return len;
}

static int do_acl_set(const struct op *op, const char *path)
{
    unsigned char value[ACL_MAX];
    const char *name = op->flags & 1 ? ACL_DEFAULT : ACL_ACCESS;
    if (op->seed % 6 == 0) {
        return removexattr(path, name);
    }
    return setxattr(path, name, value, acl_random(value, op->seed), 0);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static int do_link_fd(int fd, const char *path)
{
    char proc[40];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Operations on an open file. */
static int64_t run_fd(struct side *side, const struct op *op, struct result *ret)
{
    int fd = side->fds[op->slot];
    struct timespec ts[2];
    switch (op->kind) {
    case OP_fchmod:
        return fchmod(fd, op->mode & 07777);
    case OP_fchown:
        return fchown(fd, op->uid, op->gid);
    case OP_futimens:
        make_times(op, ts);
        return futimens(fd, ts);
    case OP_ftruncate:
        return ftruncate(fd, (off_t)op->offset);
    case OP_pread:
    case OP_read:
    case OP_pwrite:
    case OP_write:
        return do_io(op, fd, ret);
    case OP_seek:
        return do_seek(op, fd);
    case OP_fallocate:
        return fallocate(fd, (int)op->flags, (off_t)op->offset, (off_t)op->len);
    case OP_copy_range: {
        loff_t from = (loff_t)(op->offset % 200000);
        loff_t to = (loff_t)(op->offset2 % 300000);
        return copy_file_range(fd, &from, side->fds[op->slot2], &to, op->len, 0);
    }
    case OP_map_read:
    case OP_map_write:
        return do_map(op, fd, ret);
    case OP_fsync:
        return op->flags & 1 ? fsync(fd) : fdatasync(fd);
    default:
        return 0; /* OP_fstat: the note below says it */
    }
}

/* A whiteout inherits the default ACL of its directory on tmpfs only: it loses it. */
static int do_rename(const struct op *op, const char *path, const char *path2)
{
    struct stat st;
    int result = renameat2(AT_FDCWD, path, AT_FDCWD, path2, op->flags);
    int error = errno;
    if (result == 0 && (op->flags & RENAME_WHITEOUT) && lstat(path, &st) == 0 &&
        S_ISCHR(st.st_mode)) {
        side_user(0);
        removexattr(path, ACL_ACCESS);
    }
    errno = error;
    return result;
}

/* Operations on paths. */
static int64_t run_path(const struct op *op, const char *path, const char *path2,
                        struct result *ret)
{
    struct timespec ts[2];
    struct stat st;
    char target[4096];
    ssize_t len;
    switch (op->kind) {
    case OP_mkdir:
        return mkdir(path, op->mode & 07777);
    case OP_rmdir:
        return rmdir(path);
    case OP_mknod:
        return mknod(path, op->mode,
                     S_ISBLK(op->mode) || S_ISCHR(op->mode) ? op->seed % 3 + 0x103 : 0);
    case OP_symlink:
        return symlink(op->path2, path);
    case OP_readlink:
        len = readlink(path, target, op->seed % 5 == 0 ? 3 : sizeof(target));
        if (len > 0) {
            ret->hash = hash_bytes(0, target, (size_t)len);
        }
        return len;
    case OP_link:
        return linkat(AT_FDCWD, path, AT_FDCWD, path2, op->flags & 1 ? AT_SYMLINK_FOLLOW : 0);
    case OP_unlink:
        return unlink(path);
    case OP_rename:
        return do_rename(op, path, path2);
    case OP_lstat:
        return lstat(path, &st);
    case OP_stat:
        return stat(path, &st);
    case OP_access:
        return faccessat(AT_FDCWD, path, (int)(op->seed % 8), AT_EACCESS);
    case OP_chmod:
        return chmod(path, op->mode & 07777);
    case OP_chown:
        return chown(path, op->uid, op->gid);
    case OP_lchown:
        return lchown(path, op->uid, op->gid);
    case OP_utimens:
        make_times(op, ts);
        return utimensat(AT_FDCWD, path, ts, op->flags & 1 ? AT_SYMLINK_NOFOLLOW : 0);
    case OP_truncate: /* to the same size: tmpfs sets mtime if there is data, others never */
        return stat(path, &st) == 0 && st.st_size == (off_t)op->offset
                   ? 0
                   : truncate(path, (off_t)op->offset);
    case OP_xattr_set:
        return do_xattr_set(op, path);
    case OP_xattr_get:
        return do_xattr_get(op, path, ret);
    case OP_xattr_list:
        return do_xattr_list(path, ret);
    case OP_xattr_remove:
        return lremovexattr(path, xattr_name(op));
    case OP_acl_set:
        return do_acl_set(op, path);
    case OP_acl_get:
        return do_acl_get(op, path, ret);
    default:
        return do_list(path, ret);
    }
}

static bool is_fd_op(enum op_kind kind)
{
    switch (kind) {
    case OP_fchmod:
    case OP_fchown:
    case OP_futimens:
    case OP_ftruncate:
    case OP_pread:
    case OP_read:
    case OP_pwrite:
    case OP_write:
    case OP_seek:
    case OP_fallocate:
    case OP_copy_range:
    case OP_map_read:
    case OP_map_write:
    case OP_fsync:
    case OP_fstat:
        return true;
    default:
        return false;
    }
}

static int64_t run_open(struct side *side, const struct op *op, const char *path)
{
    int flags = (int)op->flags;
    if (op->kind == OP_tmpfile) {
        flags = (flags & ~(O_CREAT | O_TRUNC | O_DIRECTORY)) | O_TMPFILE;
    }
    int fd = open(path, flags, op->mode & 07777);
    if (fd < 0) {
        return -1;
    }
    slot_set(side, op->slot, fd);
    return 0;
}

static int64_t run(struct side *side, const struct op *op, const char *path, const char *path2,
                   struct result *ret)
{
    if (is_fd_op(op->kind)) {
        return run_fd(side, op, ret);
    }
    switch (op->kind) {
    case OP_open:
    case OP_tmpfile:
        return run_open(side, op, path);
    case OP_close:
        slot_set(side, op->slot, -1);
        return 0;
    case OP_link_fd:
        return do_link_fd(side->fds[op->slot], path);
    default:
        return run_path(op, path, path2, ret);
    }
}

void side_run(struct side *side, const struct op *op, struct result *ret)
{
    char path[sizeof(side->root) + OP_PATH_MAX];
    char path2[sizeof(side->root) + OP_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", side->root, op->path);
    snprintf(path2, sizeof(path2), "%s/%s", side->root, op->path2);
    *ret = (struct result){0};
    side_user(op->user);
    errno = 0;
    ret->value = run(side, op, path, path2, ret);
    ret->error = ret->value < 0 ? errno : 0;
    side_user(0);
    if (is_fd_op(op->kind) || op->kind == OP_open || op->kind == OP_tmpfile ||
        op->kind == OP_link_fd) {
        note_fd(ret, "fd", side->fds[op->slot]);
    }
    if (op->kind == OP_copy_range) {
        note_fd(ret, "fd2", side->fds[op->slot2]);
    }
    if (!is_fd_op(op->kind)) {
        note_path(ret, "path", path);
    }
    if (op->kind == OP_rename || op->kind == OP_link) {
        note_path(ret, "path2", path2);
    }
}

int result_compare(const struct result *a, const struct result *b, char *why, size_t size)
{
    if (a->value == b->value && a->error == b->error && a->hash == b->hash &&
        strcmp(a->text, b->text) == 0) {
        return 0;
    }
    snprintf(why, size, "expected %lld %s %llx%s\n#      got %lld %s %llx%s", (long long)a->value,
             strerrorname_np(a->error), (unsigned long long)a->hash, a->text, (long long)b->value,
             strerrorname_np(b->error), (unsigned long long)b->hash, b->text);
    return 1;
}
