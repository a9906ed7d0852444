/* SPDX-License-Identifier: MIT */
/* Operations on the bytes of one file per client. */
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t offset_of(struct client *c, uint64_t i)
{
    uint64_t blocks = c->work->bytes / c->work->block;
    return (c->work->scattered ? work_random(c) % blocks : i % blocks) * c->work->block;
}

/* Makes the file exist with all its bytes written. */
static int fill(struct client *c)
{
    int fd = openat(c->dir, "data", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
        return work_error();
    struct stat st;
    int error = fstat(fd, &st) ? work_error() : 0;
    uint64_t at = error ? c->work->bytes : (uint64_t)st.st_size;
    while (!error && at < c->work->bytes) {
        uint64_t left = c->work->bytes - at;
        ssize_t n = pwrite(fd, c->buffer, left < WORK_BLOCK_MAX ? left : WORK_BLOCK_MAX, (off_t)at);
        if (n > 0)
            at += (uint64_t)n;
        else
            error = work_error();
    }
    return close(fd) && !error ? work_error() : error;
}

/* Writes everything back and drops the file's pages from the cache, where the file system has one
 * apart from its data (tmpfs has not: there it does nothing). */
static int make_cold(int fd)
{
    if (fsync(fd))
        return work_error();
    return -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int open_data(struct client *c, int flags)
{
    if (c->work->fresh) {
        if (unlinkat(c->dir, "data", 0) && errno != ENOENT)
            return work_error();
        flags |= O_CREAT;
    } else {
        int error = fill(c);
        if (error)
            return error;
    }
    if (c->work->direct)
        flags |= O_DIRECT;
    c->fd = openat(c->dir, "data", flags | O_CLOEXEC, 0644);
    if (c->fd < 0)
        return work_error();
    return c->work->cold ? make_cold(c->fd) : 0;
}

static int setup_read(struct client *c)
{
    return open_data(c, O_RDONLY);
}

static int setup_write(struct client *c)
{
    return open_data(c, O_RDWR);
}

static int run_read(struct client *c, uint64_t i)
{
    ssize_t n = pread(c->fd, c->buffer, c->work->block, (off_t)offset_of(c, i));
    return n == (ssize_t)c->work->block ? 0 : n < 0 ? work_error() : -ENODATA;
}

static int run_write(struct client *c, uint64_t i)
{
    ssize_t n = pwrite(c->fd, c->buffer, c->work->block, (off_t)offset_of(c, i));
    if (n != (ssize_t)c->work->block)
        return n < 0 ? work_error() : -ENOSPC;
    return c->work->sync && fsync(c->fd) ? work_error() : 0;
}

/* Data counts as written when it is with the file system, not when it is in the page cache. */
static int finish_write(struct client *c)
{
    int error = fsync(c->fd) ? work_error() : 0;
    return close(c->fd) && !error ? work_error() : error;
}

static int run_fsync(struct client *c, uint64_t i)
{
    (void)i;
    return fsync(c->fd) ? work_error() : 0;
}

/* ---- Mapped -------------------------------------------------------------------------------- */

static int setup_map(struct client *c)
{
    int error = open_data(c, O_RDWR);
    if (error)
        return error;
    if (c->work->fresh && ftruncate(c->fd, (off_t)c->work->bytes))
        return work_error();
    c->map = mmap(NULL, c->work->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
    return c->map == MAP_FAILED ? work_error() : 0;
}

/* One byte of each page: the cost of the fault, not of the copy. */
static int run_map_read(struct client *c, uint64_t i)
{
    const volatile char *at = c->map + offset_of(c, i);
    for (uint64_t page = 0; page < c->work->block; page += 4096)
        c->buffer[page] = at[page];
    return 0;
}

static int run_map_write(struct client *c, uint64_t i)
{
    volatile char *at = c->map + offset_of(c, i);
    for (uint64_t page = 0; page < c->work->block; page += 4096)
        at[page] = c->buffer[page];
    return 0;
}

static int finish_map(struct client *c)
{
    int error = msync(c->map, c->work->bytes, MS_SYNC) ? work_error() : 0;
    munmap(c->map, c->work->bytes);
    return close(c->fd) && !error ? work_error() : error;
}

const struct operation work_data[] = {
    {"pread", "read blocks of a file", true, setup_read, run_read, NULL},
    {"pwrite", "write blocks of a file, fsync at the end", true, setup_write, run_write,
     finish_write},
    {"fsync", "fsync of a clean file", false, setup_write, run_fsync, NULL},
    {"map-read", "touch the pages of a mapped file", true, setup_map, run_map_read, NULL},
    {"map-write", "change the pages of a mapped file, msync at the end", true, setup_map,
     run_map_write, finish_map},
    {NULL, NULL, false, NULL, NULL, NULL},
};
