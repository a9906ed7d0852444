// SPDX-License-Identifier: MIT
/*
 * One file against a model of it in memory: random reads, writes, mappings,
 * truncations, holes and copies at random places; after each the size is compared, and
 * what is read always.
 *
 *     fsx DIRECTORY [STEPS [SEED]]
 */
#include "../conformance/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE_MAX_HERE = 600000, IO_MAX = 100000 };

static unsigned char model[SIZE_MAX_HERE];
static size_t size;
static int fd;
static struct rnd r;
static const char *path;

enum step {
    READ,
    WRITE,
    MAP_READ_,
    MAP_WRITE_,
    TRUNCATE,
    PUNCH,
    ALLOCATE,
    COPY,
    REOPEN,
    SYNC,
    STEPS
};
static const char *const names[STEPS] = {"read",  "write",    "map read", "map write", "truncate",
                                         "punch", "allocate", "copy",     "reopen",    "sync"};

/* A range within [0, limit). False if there is none. */
static bool pick(size_t limit, size_t *at, size_t *len)
{
    if (limit == 0) {
        return false;
    }
    *at = rnd_below(&r, (uint32_t)limit);
    *len = 1 + rnd_below(&r, IO_MAX);
    if (rnd_once(&r, 3)) {
        *at &= ~(size_t)4095;
    }
    if (*len > limit - *at) {
        *len = limit - *at;
    }
    return true;
}

static void grow(size_t end)
{
    if (end > size) {
        size = end;
    }
}

static bool do_read(void)
{
    static unsigned char buf[IO_MAX];
    size_t at;
    size_t len;
    return !pick(size, &at, &len) ||
           (pread(fd, buf, len, (off_t)at) == (ssize_t)len && memcmp(buf, model + at, len) == 0);
}

static void fill(unsigned char *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = (unsigned char)rnd_next(&r);
    }
}

static bool do_write(void)
{
    size_t at;
    size_t len;
    pick(SIZE_MAX_HERE, &at, &len);
    fill(model + at, len);
    grow(at + len);
    return pwrite(fd, model + at, len, (off_t)at) == (ssize_t)len;
}

static bool do_map(bool write)
{
    size_t at;
    size_t len;
    if (!pick(size, &at, &len)) {
        return true;
    }
    size_t page = at & ~(size_t)4095;
    unsigned char *map = mmap(NULL, at - page + len, PROT_READ | (write ? PROT_WRITE : 0),
                              MAP_SHARED, fd, (off_t)page);
    if (map == MAP_FAILED) {
        return false;
    }
    if (write) {
        fill(model + at, len);
        memcpy(map + (at - page), model + at, len);
    }
    bool good = memcmp(map, model + page, at - page + len) == 0;
    munmap(map, at - page + len);
    return good;
}

static bool do_truncate(void)
{
    size_t to = rnd_below(&r, SIZE_MAX_HERE);
    if (to < size) {
        memset(model + to, 0, size - to);
    }
    size = to;
    return ftruncate(fd, (off_t)to) == 0;
}

static bool do_punch(void)
{
    size_t at;
    size_t len;
    if (!pick(size, &at, &len)) {
        return true;
    }
    memset(model + at, 0, len);
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len) == 0;
}

static bool do_allocate(void)
{
    size_t at;
    size_t len;
    pick(SIZE_MAX_HERE, &at, &len);
    grow(at + len);
    return fallocate(fd, 0, (off_t)at, (off_t)len) == 0;
}

static bool do_copy(void)
{
    size_t at;
    size_t len;
    if (!pick(size, &at, &len)) {
        return true;
    }
    size_t to = rnd_below(&r, (uint32_t)(SIZE_MAX_HERE - len));
    if (to < at + len && at < to + len) {
        return true; /* overlapping: refused */
    }
    loff_t from_offset = (loff_t)at;
    loff_t to_offset = (loff_t)to;
    ssize_t done = copy_file_range(fd, &from_offset, fd, &to_offset, len, 0);
    if (done <= 0) {
        return false;
    }
    memcpy(model + to, model + at, (size_t)done);
    grow(to + (size_t)done);
    return true;
}

static bool do_reopen(void)
{
    close(fd);
    fd = open(path, O_RDWR | O_CLOEXEC);
    return fd >= 0;
}

static bool do_step(enum step step)
{
    switch (step) {
    case READ:
        return do_read();
    case WRITE:
        return do_write();
    case MAP_READ_:
    case MAP_WRITE_:
        return do_map(step == MAP_WRITE_);
    case TRUNCATE:
        return do_truncate();
    case PUNCH:
        return do_punch();
    case ALLOCATE:
        return do_allocate();
    case COPY:
        return do_copy();
    case REOPEN:
        return do_reopen();
    default:
        return fsync(fd) == 0;
    }
}

static bool size_is_right(void)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size == (off_t)size;
}

static bool all_is_right(void)
{
    static unsigned char buf[SIZE_MAX_HERE + 1];
    return pread(fd, buf, sizeof(buf), 0) == (ssize_t)size && memcmp(buf, model, size) == 0;
}

int main(int argc, char **argv)
{
    char file[4096];
    unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
    r.state = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    if (argc < 2) {
        fprintf(stderr, "fsx DIRECTORY [STEPS [SEED]]\n");
        return 2;
    }
    snprintf(file, sizeof(file), "%s/fsx", argv[1]);
    path = file;
    fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
    for (unsigned long i = 0; i < steps; i++) {
        static const unsigned char weights[] = {
            READ,       READ,       READ,     WRITE, WRITE,    WRITE, MAP_READ_, MAP_READ_,
            MAP_WRITE_, MAP_WRITE_, TRUNCATE, PUNCH, ALLOCATE, COPY,  COPY};
        enum step step = weights[rnd_below(&r, sizeof(weights))];
        if (rnd_once(&r, 60)) {
            step = rnd_once(&r, 2) ? REOPEN : SYNC;
        }
        errno = 0;
        if (!do_step(step) || !size_is_right() || (i % 1000 == 0 && !all_is_right())) {
            printf("not ok 1 - step %lu, %s\n# %s, size %zu\n1..1\n", i, names[step],
                   strerror(errno), size);
            return 1;
        }
    }
    bool good = all_is_right();
    printf("%sok 1 - %lu steps\n1..1\n", good ? "" : "not ", steps);
    return !good;
}
