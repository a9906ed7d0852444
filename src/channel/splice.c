// SPDX-License-Identifier: MIT
#include "splice.h"

#include <errno.h>
#include <fcntl.h>
#include <os/os.h>
#include <sys/types.h>
#include <unistd.h>

/* A message of 1 MiB takes 257 slots and up to one more a range; the next power of two is 512. Who
 * may not have that many (/proc/sys/fs/pipe-max-size) gets fewer. */
#define WANTED (2u << 20)
#define ENOUGH (1u << 20)

static bool open_pipe(struct lt_splice *s)
{
    if (pipe2(s->pipe, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    s->open = true;
    s->filled = 0;
    int size = fcntl(s->pipe[1], F_SETPIPE_SZ, WANTED);
    if (size < 0)
        size = fcntl(s->pipe[1], F_SETPIPE_SZ, ENOUGH);
    s->capacity = size > 0 ? (size_t)size / LT_PAGE_SIZE : 0;
    return size > 0;
}

void lt_splice_close(struct lt_splice *s)
{
    if (s->open) {
        (void)close(s->pipe[0]);
        (void)close(s->pipe[1]);
    }
    s->open = false;
}

/* Slots that these bytes take at most. */
static size_t slots(const struct lt_file_range *ranges, size_t count)
{
    size_t n = 1; /* the header */
    for (size_t i = 0; i < count; i++) {
        uint64_t end = ranges[i].offset + ranges[i].len + LT_PAGE_SIZE - 1;
        n += (size_t)(end / LT_PAGE_SIZE - ranges[i].offset / LT_PAGE_SIZE);
    }
    return n;
}

/* False if the file has fewer bytes, or at an error. */
static bool fill_range(struct lt_splice *s, int fd, struct lt_file_range range)
{
    loff_t at = (loff_t)range.offset;
    while (range.len > 0) {
        ssize_t n = splice(fd, &at, s->pipe[1], NULL, range.len, SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            s->failed = n < 0 && errno != EIO;
            return false;
        }
        s->filled += (size_t)n;
        range.len -= (size_t)n;
    }
    return true;
}

int lt_splice_fill(struct lt_splice *s, const void *header, size_t len, int fd,
                   const struct lt_file_range *ranges, size_t count)
{
    if (s->failed)
        return LT_EOPNOTSUPP;
    if (!s->open && !open_pipe(s)) {
        s->failed = true;
        lt_splice_close(s);
        return LT_EOPNOTSUPP;
    }
    if (slots(ranges, count) > s->capacity)
        return LT_EOPNOTSUPP;
    bool ok = write(s->pipe[1], header, len) == (ssize_t)len;
    s->filled = len;
    for (size_t i = 0; ok && i < count; i++)
        ok = fill_range(s, fd, ranges[i]);
    if (!ok) /* what is in it goes with it */
        lt_splice_close(s);
    return ok ? 0 : LT_EOPNOTSUPP;
}

int lt_splice_send(struct lt_splice *s, int to)
{
    ssize_t n;
    do {
        n = splice(s->pipe[0], NULL, to, NULL, s->filled, SPLICE_F_NONBLOCK);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)s->filled)
        return 0;
    int r = n < 0 ? lt_error_last() : LT_EIO;
    lt_splice_close(s);
    return r;
}
