// SPDX-License-Identifier: MIT
/* Deep comparison of two trees. Works on directory descriptors: a tree may be deeper than PATH_MAX.
 */
#include "side.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct listing {
    char **names;
    size_t count;
};

struct compare {
    int differences;
    char *why;
    size_t size;
    char path[4096]; /* where we are, for people; cut if too long */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static struct listing list_open(int dirfd)
{
    struct listing list = {0};
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        return list;
    }
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!is_dots(entry->d_name)) {
            list.names = realloc(list.names, (list.count + 1) * sizeof(char *));
            list.names[list.count++] = strdup(entry->d_name);
        }
    }
    closedir(dir);
    if (list.count > 0) {
        qsort(list.names, list.count, sizeof(char *), by_name);
    }
    return list;
}

static void list_close(struct listing *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->names[i]);
    }
    free(list->names);
}

static void differs(struct compare *c, const char *name, const char *what, const char *a,
                    const char *b)
{
    if (c->differences++ == 0) {
        snprintf(c->why, c->size, "%s/%s: %s: expected %s, got %s", c->path, name, what, a, b);
    }
}

/* What of a stat must be equal, as text. Times: only those that some operation set. */
static void stat_text(char *buf, size_t size, const struct stat *st)
{
    long long length = S_ISDIR(st->st_mode) ? -1 : (long long)st->st_size;
    snprintf(buf, size, "mode=%o nlink=%u uid=%d gid=%d size=%lld rdev=%llx",
             mode_compared(st->st_mode), (unsigned)st->st_nlink, (int)st->st_uid, (int)st->st_gid,
             length, (unsigned long long)st->st_rdev);
}

static uint64_t xattr_hash(int dirfd, const char *name)
{
    char path[320];
    char names[8192];
    char value[70000];
    uint64_t hash = 0;
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
    ssize_t len = llistxattr(path, names, sizeof(names));
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
        uint64_t one = hash_bytes(1, names + at, strlen(names + at));
        ssize_t got = lgetxattr(path, names + at, value, sizeof(value));
        hash += hash_bytes(one, value, got > 0 ? (size_t)got : 0);
    }
    return hash;
}

/* Adds what lies in [at, end). Zeros count for nothing: they may be a hole. */
static uint64_t range_hash(int fd, off_t at, off_t end)
{
    unsigned char buf[65536];
    uint64_t hash = 0;
    ssize_t got;
    while (at < end && (got = pread(fd, buf, sizeof(buf), at)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            hash += buf[i] * (uint64_t)(at + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        }
        at += got;
    }
    return hash;
}

/* Of the places to which operations write: the beginning, and around 4 GiB. */
static uint64_t data_hash(int dirfd, const char *name)
{
    const off_t far = (off_t)1 << 32;
    const off_t mib = 1 << 20;
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return (uint64_t)errno;
    }
    uint64_t hash = range_hash(fd, 0, 4 * mib) + range_hash(fd, far - mib, far + mib);
    close(fd);
    return hash;
}

static void compare_dirs(struct compare *c, int a, int b);

static void compare_number(struct compare *c, const char *name, const char *what, uint64_t a,
                           uint64_t b)
{
    if (a != b) {
        char x[32];
        char y[32];
        snprintf(x, sizeof(x), "%llx", (unsigned long long)a);
        snprintf(y, sizeof(y), "%llx", (unsigned long long)b);
        differs(c, name, what, x, y);
    }
}

static void compare_target(struct compare *c, int a, int b, const char *name)
{
    char x[4200] = "";
    char y[4200] = "";
    readlinkat(a, name, x, sizeof(x) - 1);
    readlinkat(b, name, y, sizeof(y) - 1);
    if (strcmp(x, y) != 0) {
        differs(c, name, "target", x, y);
    }
}

static void compare_below(struct compare *c, int a, int b, const char *name)
{
    int x = openat(a, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int y = openat(b, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t len = strlen(c->path);
    snprintf(c->path + len, sizeof(c->path) - len, "/%s", name);
    if (x >= 0 && y >= 0) {
        compare_dirs(c, x, y);
    } else {
        differs(c, "", "open", x >= 0 ? "ok" : "error", y >= 0 ? "ok" : "error");
    }
    c->path[len] = '\0';
    close(x);
    close(y);
}

static void compare_entry(struct compare *c, int a, int b, const char *name)
{
    struct stat sa;
    struct stat sb;
    char x[200];
    char y[200];
    if (fstatat(a, name, &sa, AT_SYMLINK_NOFOLLOW) < 0 ||
        fstatat(b, name, &sb, AT_SYMLINK_NOFOLLOW) < 0) {
        differs(c, name, "stat", "it", strerror(errno));
        return;
    }
    stat_text(x, sizeof(x), &sa);
    stat_text(y, sizeof(y), &sb);
    if (strcmp(x, y) != 0) {
        differs(c, name, "attributes", x, y);
        return;
    }
    compare_number(c, name, "xattrs", xattr_hash(a, name), xattr_hash(b, name));
    if (S_ISREG(sa.st_mode)) {
        compare_number(c, name, "data", data_hash(a, name), data_hash(b, name));
    } else if (S_ISLNK(sa.st_mode)) {
        compare_target(c, a, b, name);
    } else if (S_ISDIR(sa.st_mode)) {
        compare_below(c, a, b, name);
    }
}

static void compare_dirs(struct compare *c, int a, int b)
{
    struct listing x = list_open(a);
    struct listing y = list_open(b);
    size_t i = 0;
    size_t j = 0;
    while (i < x.count || j < y.count) {
        int order = i == x.count ? 1 : j == y.count ? -1 : strcmp(x.names[i], y.names[j]);
        if (order == 0) {
            compare_entry(c, a, b, x.names[i]);
        } else {
            differs(c, order < 0 ? x.names[i] : y.names[j], "listed", order < 0 ? "yes" : "no",
                    order < 0 ? "no" : "yes");
        }
        i += order <= 0;
        j += order >= 0;
    }
    list_close(&x);
    list_close(&y);
}

int tree_compare(const char *a, const char *b, char *why, size_t size)
{
    struct compare c = {.why = why, .size = size};
    int x = open(a, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int y = open(b, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (x < 0 || y < 0) {
        differs(&c, "", "open", "a directory", strerror(errno));
    } else {
        compare_dirs(&c, x, y);
    }
    close(x);
    close(y);
    return c.differences;
}

static void clear_dir(int dirfd)
{
    struct listing list = list_open(dirfd);
    for (size_t i = 0; i < list.count; i++) {
        if (unlinkat(dirfd, list.names[i], 0) == 0) {
            continue;
        }
        int fd = openat(dirfd, list.names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            clear_dir(fd);
            close(fd);
        }
        unlinkat(dirfd, list.names[i], AT_REMOVEDIR);
    }
    list_close(&list);
}

void tree_clear(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        clear_dir(fd);
        close(fd);
    }
}
