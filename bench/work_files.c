/* SPDX-License-Identifier: MIT */
/* Operations on many small files of 1 to 20 KiB, and appending. Each ends when all is on the disk.
 */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SIZE_MIN 1024u
#define SIZE_SPAN (19u * 1024 + 1)

/* Always the same for one file. */
static size_t size_of(uint64_t i)
{
    return SIZE_MIN + (size_t)(i * UINT64_C(2654435761) % SIZE_SPAN);
}

static uint64_t file_of(struct client *c, uint64_t i)
{
    return c->work->scattered ? work_random(c) % c->count : i;
}

static int open_file(struct client *c, uint64_t i, int flags)
{
    char name[WORK_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s-%07u", c->work->prefix, (unsigned)i);
    return openat(c->dir, name, flags | O_CLOEXEC, 0644);
}

static int put(struct client *c, uint64_t i, int flags)
{
    size_t size = size_of(i);
    int fd = open_file(c, i, flags);
    if (fd < 0)
        return work_error();
    int error = write(fd, c->buffer + i % 4096, size) == (ssize_t)size ? 0 : work_error();
    return close(fd) && !error ? work_error() : error;
}

static int run_save(struct client *c, uint64_t i)
{
    return put(c, i, O_CREAT | O_EXCL | O_WRONLY);
}

static int run_resave(struct client *c, uint64_t i)
{
    return put(c, file_of(c, i), O_WRONLY);
}

static int run_load(struct client *c, uint64_t i)
{
    i = file_of(c, i);
    int fd = open_file(c, i, O_RDONLY);
    if (fd < 0)
        return work_error();
    ssize_t n = read(fd, c->buffer, SIZE_MIN + SIZE_SPAN);
    int error = n == (ssize_t)size_of(i) ? 0 : n < 0 ? work_error() : -ENODATA;
    return close(fd) && !error ? work_error() : error;
}

static int run_erase(struct client *c, uint64_t i)
{
    char name[WORK_NAME_MAX];
    (void)snprintf(name, sizeof(name), "%s-%07u", c->work->prefix, (unsigned)i);
    return unlinkat(c->dir, name, 0) ? work_error() : 0;
}

static int finish(struct client *c)
{
    return syncfs(c->dir) ? work_error() : 0;
}

static int setup_append(struct client *c)
{
    c->fd = openat(c->dir, "log", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0644);
    return c->fd < 0 ? work_error() : 0;
}

static int run_append(struct client *c, uint64_t i)
{
    (void)i;
    ssize_t n = write(c->fd, c->buffer, c->work->block);
    if (n != (ssize_t)c->work->block)
        return n < 0 ? work_error() : -ENOSPC;
    return fdatasync(c->fd) ? work_error() : 0;
}

const struct operation work_files[] = {
    {"save", "create files of 1 to 20 KiB, syncfs at the end", false, NULL, run_save, finish},
    {"load", "read them whole", false, NULL, run_load, NULL},
    {"resave", "write over them, syncfs at the end", false, NULL, run_resave, finish},
    {"erase", "unlink them, syncfs at the end", false, NULL, run_erase, finish},
    {"append", "append a block and fdatasync", false, setup_append, run_append, NULL},
    {NULL, NULL, false, NULL, NULL, NULL},
};
