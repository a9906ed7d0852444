/* SPDX-License-Identifier: MIT */
/*
 * bench-reach: whole operations on the files of a FUSE server, by one of the ways to reach it.
 *
 *     bench-reach kernel DIR [FILES]       mounted at DIR: system calls
 *     bench-reach lintel SOURCE [FILES]    as a file system of ours, from C
 *
 * Every operation is one on a file that was not used since the last sort of operation, so with a
 * server that lets nothing be kept (timeouts of 0) nothing is cached. Prints one line of JSON a
 * figure.
 */
#include <lintel/file.h>
#include <lintel/fs.h>
#include <lintel/path.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE 4096
#define FOLDER "/reach"

static char buffer[FILE_SIZE];

/* A way: each function returns a negative error, or what it counts. */
struct way {
    const char *name;
    int64_t (*open)(const char *where);
    int64_t (*make_folder)(void);
    int64_t (*remove_folder)(void);
    int64_t (*create)(const char *path); /* with FILE_SIZE bytes */
    int64_t (*stat)(const char *path);
    int64_t (*read)(const char *path);
    int64_t (*rename)(const char *path, const char *to);
    int64_t (*list)(void); /* with the attributes of each; returns how many */
    int64_t (*remove)(const char *path);
    void (*close)(void);
};

static void must(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "bench-reach: %s: %s\n", what, lt_error_text((int)result));
    exit(1);
}

/* ---- Mounted by the kernel ------------------------------------------------------------------- */

static int mounted = -1;

static int64_t or_errno(int64_t r)
{
    return r < 0 ? -errno : r;
}

static int64_t kernel_open(const char *where)
{
    return or_errno(mounted = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int64_t kernel_make_folder(void)
{
    return or_errno(mkdirat(mounted, FOLDER + 1, 0755));
}

static int64_t kernel_remove_folder(void)
{
    return or_errno(unlinkat(mounted, FOLDER + 1, AT_REMOVEDIR));
}

static int64_t kernel_create(const char *path)
{
    int fd = openat(mounted, path + 1, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return or_errno(fd);
    int64_t r = or_errno(write(fd, buffer, FILE_SIZE));
    int64_t closed = or_errno(close(fd));
    return r < 0 ? r : closed;
}

static int64_t kernel_stat(const char *path)
{
    struct stat st;
    return or_errno(fstatat(mounted, path + 1, &st, AT_SYMLINK_NOFOLLOW));
}

static int64_t kernel_read(const char *path)
{
    int fd = openat(mounted, path + 1, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return or_errno(fd);
    int64_t r = or_errno(read(fd, buffer, FILE_SIZE));
    close(fd);
    return r;
}

static int64_t kernel_rename(const char *path, const char *to)
{
    return or_errno(renameat(mounted, path + 1, mounted, to + 1));
}

static int64_t kernel_list(void)
{
    int64_t count = 0;
    struct dirent *entry;
    struct stat st;
    int fd = openat(mounted, FOLDER + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return or_errno(-1);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            count++;
    closedir(dir);
    return count;
}

static int64_t kernel_remove(const char *path)
{
    return or_errno(unlinkat(mounted, path + 1, 0));
}

static void kernel_close(void)
{
    close(mounted);
}

/* ---- A file system of ours ------------------------------------------------------------------- */

static struct lt_fs *fs;
static struct lt_node *root;

static int64_t lintel_open(const char *where)
{
    struct lt_diag diag = {""};
    int r = lt_open_fs(where, &fs, &diag);
    if (r < 0)
        fprintf(stderr, "%s\n", diag.text);
    root = r < 0 ? NULL : lt_fs_root(fs);
    return r;
}

static int64_t lintel_make_folder(void)
{
    return lt_path_mkdir(NULL, root, FOLDER, 0755);
}

static int64_t lintel_remove_folder(void)
{
    return lt_path_rmdir(NULL, root, FOLDER);
}

static int64_t lintel_create(const char *path)
{
    struct lt_file *file;
    int64_t r = lt_file_open(NULL, root, path, LT_O_WRONLY | LT_O_CREAT | LT_O_EXCL, 0644, &file);
    if (r < 0)
        return r;
    r = lt_file_write(file, buffer, FILE_SIZE);
    lt_file_close(file);
    return r;
}

static int64_t lintel_stat(const char *path)
{
    struct lt_attr attr;
    return lt_path_stat(NULL, root, path, LT_NOFOLLOW, &attr);
}

static int64_t lintel_read(const char *path)
{
    struct lt_file *file;
    int64_t r = lt_file_open(NULL, root, path, LT_O_RDONLY, 0, &file);
    if (r < 0)
        return r;
    r = lt_file_read(file, buffer, FILE_SIZE);
    lt_file_close(file);
    return r;
}

static int64_t lintel_rename(const char *path, const char *to)
{
    return lt_path_rename(NULL, root, path, root, to, 0);
}

static int count_entry(void *arg, const struct lt_dirent *entry)
{
    lt_node_put(entry->node);
    ++*(int64_t *)arg;
    return 0;
}

static int64_t lintel_list(void)
{
    struct lt_entry folder = {0};
    int64_t count = 0;
    int r = lt_path_lookup(NULL, root, FOLDER, 0, &folder);
    if (r < 0)
        return r;
    r = lt_node_readdir(NULL, folder.node, 0, LT_READDIR_PLUS, count_entry, &count);
    lt_node_put(folder.node);
    return r < 0 ? r : count;
}

static int64_t lintel_remove(const char *path)
{
    return lt_path_unlink(NULL, root, path);
}

static void lintel_close(void)
{
    must(lt_fs_close(fs), "close");
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static const struct way ways[] = {
    {"kernel", kernel_open, kernel_make_folder, kernel_remove_folder, kernel_create, kernel_stat,
     kernel_read, kernel_rename, kernel_list, kernel_remove, kernel_close},
    {"lintel", lintel_open, lintel_make_folder, lintel_remove_folder, lintel_create, lintel_stat,
     lintel_read, lintel_rename, lintel_list, lintel_remove, lintel_close},
};

static uint64_t now_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void print_figure(const struct way *way, const char *op, uint64_t count, uint64_t started)
{
    uint64_t wall = now_ns() - started;
    printf("{\"way\": \"%s\", \"op\": \"%s\", \"count\": %" PRIu64 ", \"wall_ns\": %" PRIu64
           ", \"us_per_op\": %.2f}\n",
           way->name, op, count, wall, (double)wall / 1e3 / (double)count);
    fflush(stdout);
}

static void each(const struct way *way, const char *op, unsigned files,
                 int64_t (*call)(const char *path), const char *letter)
{
    char path[64];
    uint64_t started = now_ns();
    for (unsigned i = 0; i < files; i++) {
        snprintf(path, sizeof(path), FOLDER "/%s%u", letter, i);
        must(call(path), op);
    }
    print_figure(way, op, files, started);
}

static void rename_each(const struct way *way, unsigned files)
{
    char path[64], to[64];
    uint64_t started = now_ns();
    for (unsigned i = 0; i < files; i++) {
        snprintf(path, sizeof(path), FOLDER "/a%u", i);
        snprintf(to, sizeof(to), FOLDER "/b%u", i);
        must(way->rename(path, to), "rename");
    }
    print_figure(way, "rename", files, started);
}

static void measure(const struct way *way, unsigned files)
{
    must(way->make_folder(), "mkdir");
    each(way, "create", files, way->create, "a");
    each(way, "stat", files, way->stat, "a");
    each(way, "read", files, way->read, "a");
    rename_each(way, files);
    uint64_t started = now_ns();
    int64_t count = way->list();
    must(count, "list");
    if (count != files) {
        fprintf(stderr, "bench-reach: %" PRId64 " of %u files listed\n", count, files);
        exit(1);
    }
    print_figure(way, "list", files, started);
    each(way, "remove", files, way->remove, "b");
    must(way->remove_folder(), "rmdir");
}

int main(int argc, char **argv)
{
    unsigned files = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 5000;
    for (size_t i = 0; argc > 2 && files > 0 && i < sizeof(ways) / sizeof(*ways); i++) {
        if (strcmp(argv[1], ways[i].name) != 0)
            continue;
        memset(buffer, 'x', sizeof(buffer));
        must(ways[i].open(argv[2]), argv[2]);
        measure(&ways[i], files);
        ways[i].close();
        return 0;
    }
    fprintf(stderr, "usage: bench-reach kernel|lintel WHERE [FILES]\n");
    return 2;
}
