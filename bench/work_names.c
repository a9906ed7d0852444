/* SPDX-License-Identifier: MIT */
/* Operations on names: what a compiler, a package manager or a shell does all day. */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* prefix-0000123, written by hand: printf would cost as much as a cached stat. */
static const char *name_of(char *name, const char *prefix, uint64_t i)
{
    size_t len = strlen(prefix);
    memcpy(name, prefix, len);
    name[len] = '-';
    for (size_t digit = len + 7; digit > len; digit--) {
        name[digit] = (char)('0' + i % 10);
        i /= 10;
    }
    name[len + 8] = '\0';
    return name;
}

/* One of the names that are there. */
static const char *file_name(struct client *c, char *name, uint64_t i)
{
    uint64_t files = c->work->files ? c->work->files / c->work->clients : c->count;
    return name_of(name, c->work->prefix, (c->work->scattered ? work_random(c) : i) % files);
}

static int check(int result)
{
    return result < 0 ? work_error() : 0;
}

/* Opens, moves c->work->block bytes if `move` is set, and closes. */
static int open_and(struct client *c, const char *name, int flags,
                    ssize_t (*move)(int fd, void *buffer, size_t len))
{
    int fd = openat(c->dir, name, flags | O_CLOEXEC, 0644);
    if (fd < 0)
        return work_error();
    int error = 0;
    if (move && move(fd, c->buffer, c->work->block) != (ssize_t)c->work->block)
        error = work_error();
    return close(fd) && !error ? work_error() : error;
}

static ssize_t put(int fd, void *buffer, size_t len)
{
    return write(fd, buffer, len);
}

static int run_create(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return open_and(c, name_of(name, c->work->prefix, i), O_CREAT | O_EXCL | O_WRONLY, NULL);
}

static int run_write(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return open_and(c, name_of(name, c->work->prefix, i), O_CREAT | O_EXCL | O_WRONLY, put);
}

static int run_open(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return open_and(c, file_name(c, name, i), O_RDONLY, NULL);
}

static int run_read(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return open_and(c, file_name(c, name, i), O_RDONLY, read);
}

static int run_stat(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    struct stat st;
    return check(fstatat(c->dir, file_name(c, name, i), &st, AT_SYMLINK_NOFOLLOW));
}

static int run_stat_missing(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    struct stat st;
    if (!fstatat(c->dir, file_name(c, name, i), &st, AT_SYMLINK_NOFOLLOW))
        return -EEXIST;
    return errno == ENOENT ? 0 : work_error();
}

static int run_fstat(struct client *c, uint64_t i)
{
    struct stat st;
    (void)i;
    return check(fstat(c->dir, &st));
}

static int run_chmod(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return check(fchmodat(c->dir, file_name(c, name, i), i & 1 ? 0600 : 0640, 0));
}

static int run_utime(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    const struct timespec times[2] = {{1700000000, 0}, {1700000000, (long)(i % 1000000000)}};
    return check(utimensat(c->dir, file_name(c, name, i), times, 0));
}

static int run_truncate(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return open_and(c, file_name(c, name, i), O_WRONLY | O_TRUNC, NULL);
}

static int run_rename(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX], to[WORK_NAME_MAX];
    return check(
        renameat(c->dir, name_of(name, c->work->prefix, i), c->dir, name_of(to, c->work->to, i)));
}

static int run_link(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX], to[WORK_NAME_MAX];
    return check(
        linkat(c->dir, name_of(name, c->work->prefix, i), c->dir, name_of(to, c->work->to, i), 0));
}

static int run_symlink(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX], to[WORK_NAME_MAX];
    return check(symlinkat(name_of(name, c->work->prefix, i), c->dir, name_of(to, c->work->to, i)));
}

static int run_readlink(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    ssize_t len = readlinkat(c->dir, file_name(c, name, i), c->buffer, WORK_BLOCK_MAX);
    return len < 0 ? work_error() : 0;
}

static int run_unlink(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return check(unlinkat(c->dir, name_of(name, c->work->prefix, i), 0));
}

static int run_mkdir(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return check(mkdirat(c->dir, name_of(name, c->work->prefix, i), 0755));
}

static int run_rmdir(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    return check(unlinkat(c->dir, name_of(name, c->work->prefix, i), AT_REMOVEDIR));
}

/* The next entry of a listing that starts with repetition 0, or -ENODATA. */
static int next_entry(struct client *c, uint64_t i, struct dirent **ret)
{
    if (i == 0) {
        int fd = openat(c->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        c->listing = fd < 0 ? NULL : fdopendir(fd);
        if (!c->listing)
            return work_error();
    }
    do {
        errno = 0;
        *ret = readdir(c->listing);
    } while (*ret && (*ret)->d_name[0] == '.');
    return *ret ? 0 : (errno ? -errno : -ENODATA);
}

static int run_list(struct client *c, uint64_t i)
{
    struct dirent *entry;
    return next_entry(c, i, &entry);
}

static int run_list_stat(struct client *c, uint64_t i)
{
    struct dirent *entry;
    struct stat st;
    int error = next_entry(c, i, &entry);
    return error ? error : check(fstatat(c->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW));
}

/* A program saving its files: write a new one, look at it, put it in place, read it back; 64 stay.
 */
static int run_mix(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX], temporary[WORK_NAME_MAX];
    struct stat st;
    name_of(name, c->work->prefix, i % 64);
    name_of(temporary, "tmp", i % 64);
    int error = open_and(c, temporary, O_CREAT | O_EXCL | O_WRONLY, put);
    if (!error)
        error = check(fstatat(c->dir, temporary, &st, AT_SYMLINK_NOFOLLOW));
    if (!error)
        error = check(renameat(c->dir, temporary, c->dir, name));
    if (!error)
        error = open_and(c, name, O_RDONLY, read);
    if (!error && i % 4 == 3)
        error = check(unlinkat(c->dir, name, 0));
    return error;
}

static int finish_mix(struct client *c)
{
    char name[WORK_NAME_MAX];
    for (uint64_t i = 0; i < 64; i++) {
        if (unlinkat(c->dir, name_of(name, c->work->prefix, i), 0) && errno != ENOENT)
            return work_error();
    }
    return 0;
}

const struct operation work_names[] = {
    {"create", "open(O_CREAT | O_EXCL) and close", false, NULL, run_create, NULL},
    {"write", "create, write one block, close", true, NULL, run_write, NULL},
    {"open", "open and close", false, NULL, run_open, NULL},
    {"read", "open, read one block, close", true, NULL, run_read, NULL},
    {"stat", "fstatat of a file that exists", false, NULL, run_stat, NULL},
    {"missing", "fstatat of a file that does not", false, NULL, run_stat_missing, NULL},
    {"fstat", "fstat of the open directory", false, NULL, run_fstat, NULL},
    {"chmod", "fchmodat", false, NULL, run_chmod, NULL},
    {"utime", "utimensat", false, NULL, run_utime, NULL},
    {"truncate", "open(O_TRUNC) and close", false, NULL, run_truncate, NULL},
    {"rename", "renameat from prefix to the other", false, NULL, run_rename, NULL},
    {"link", "linkat", false, NULL, run_link, NULL},
    {"symlink", "symlinkat", false, NULL, run_symlink, NULL},
    {"readlink", "readlinkat", false, NULL, run_readlink, NULL},
    {"unlink", "unlinkat", false, NULL, run_unlink, NULL},
    {"mkdir", "mkdirat", false, NULL, run_mkdir, NULL},
    {"rmdir", "unlinkat(AT_REMOVEDIR)", false, NULL, run_rmdir, NULL},
    {"list", "readdir, per entry", false, NULL, run_list, NULL},
    {"list-stat", "readdir and fstatat, per entry", false, NULL, run_list_stat, NULL},
    {"mix", "create, write, stat, rename, read, sometimes unlink", true, NULL, run_mix, finish_mix},
    {NULL, NULL, false, NULL, NULL, NULL},
};
