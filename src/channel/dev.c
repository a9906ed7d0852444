// SPDX-License-Identifier: MIT
/*
 * FUSE over /dev/fuse (Linux Documentation/filesystems/fuse): one read gives one
 * request, one write takes one reply.
 *
 * Each worker has a descriptor of its own (FUSE_DEV_IOC_CLONE), non-blocking, so
 * that it can poll by reading (patience.h says how long); then it sleeps in poll(2).
 *
 * A worker that just received a long WRITE offers pages of the file system for the next
 * payload; otherwise one plain buffer, which is cheaper for the kernel to look at.
 */
#include "dev.h"

#include "bell.h"
#include "gang.h"
#include "patience.h"
#include "splice.h"

#include <errno.h>
#include <fcntl.h>
#include <os/os.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* linux/fuse.h */
#define FUSE_DEV_IOC_CLONE _IOR(229, 0, uint32_t)
#define FUSE_DEV_IOC_BACKING_OPEN _IOW(229, 1, struct backing_map)
#define FUSE_DEV_IOC_BACKING_CLOSE _IOW(229, 2, uint32_t)

struct backing_map {
    int32_t fd;
    uint32_t flags; /* 0 */
    uint64_t padding;
};

#define HEADERS (sizeof(struct lt_fuse_in_header) + sizeof(struct lt_fuse_write_in))
#define PAGES_MAX 256u
#define EXPECT_DATA 8u    /* small messages after a long WRITE until pages are put away */
#define LONG_WRITE 16384u /* bytes from which pages pay */
#define BATCH_MS 1        /* how long forgets may gather */
#define BACKLOG_CALL 16u  /* messages found ready in a row that call another listener */

struct worker {
    int fd;              /* immutable */
    char *buf;           /* headers, then all else; buf_size bytes */
    struct lt_seg *segs; /* PAGES_MAX pages of the file system, or none */
    size_t seg_count;    /* pages that are there */
    size_t received;     /* pages (from the first) that the current message lies in */
    unsigned expect_data;
    unsigned backlog; /* messages found ready in a row */
    struct lt_splice splice;
    bool listening; /* counted in gang.listeners */
    bool forgot;    /* received a FORGET last */
};

struct dev {
    struct lt_channel base;
    struct lt_channel_config config; /* immutable */
    struct lt_gang gang;
    struct lt_bell stop;
    bool unhurried; /* immutable once in use: see lt_channel_dev_unhurried() */
    struct lt_patience patience;
    size_t buf_size; /* immutable */
    struct worker workers[];
};

static struct dev *dev_of(struct lt_channel *channel)
{
    return (struct dev *)channel;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* The kernel wants room for a whole message in every read (fuse_dev_do_read). */
static ssize_t read_plain(struct dev *d, struct worker *w)
{
    return read(w->fd, w->buf, d->buf_size);
}

/* Fills the places of pages that were taken. False if the file system has none to give. */
static bool refill_pages(struct dev *d, struct worker *w)
{
    size_t have = 0;
    for (size_t i = 0; i < w->seg_count; i++) {
        if (w->segs[i].base)
            w->segs[have++] = w->segs[i];
    }
    size_t want = (d->config.max_write + LT_PAGE_SIZE - 1) / LT_PAGE_SIZE;
    if (have < want) {
        int got = d->config.pages_get(d->config.pages_arg, w->segs + have, want - have);
        have += got > 0 ? (size_t)got : 0;
    }
    w->seg_count = have;
    return have == want && w->segs[0].len == LT_PAGE_SIZE;
}

static ssize_t read_pages(struct worker *w)
{
    struct iovec iov[1 + PAGES_MAX];
    int count = 0;
    iov[count++] = (struct iovec){w->buf, HEADERS};
    for (size_t i = 0; i < w->seg_count; i++) {
        struct iovec *last = &iov[count - 1];
        if (i > 0 && (char *)last->iov_base + last->iov_len == w->segs[i].base)
            last->iov_len += w->segs[i].len;
        else
            iov[count++] = (struct iovec){w->segs[i].base, w->segs[i].len};
    }
    return readv(w->fd, iov, count);
}

/* One try: bytes, or a negative error; LT_EAGAIN if there is nothing. */
static ssize_t try_read(struct dev *d, struct worker *w, bool pages)
{
    for (;;) {
        ssize_t n = pages ? read_pages(w) : read_plain(d, w);
        if (n >= 0)
            return n;
        /* ENOENT: the request was withdrawn while it was being read. */
        if (errno != EINTR && errno != ENOENT)
            return errno == ECONNABORTED ? LT_ENOTCONN : -errno;
    }
}

/* Polls for as long as it pays. */
static ssize_t poll_read(struct dev *d, struct worker *w, bool pages)
{
    uint32_t window = lt_patience_window(&d->patience);
    if (window == 0)
        return LT_EAGAIN;
    uint64_t end = lt_clock_ns() + window;
    do {
        sched_yield(); /* a client on this processor goes first */
        ssize_t n = try_read(d, w, pages);
        if (n != LT_EAGAIN) {
            atomic_fetch_add_explicit(&d->base.polls, 1, memory_order_relaxed);
            return n;
        }
    } while (lt_clock_ns() < end && !lt_bell_rung(&d->stop));
    return LT_EAGAIN;
}

static void sleep_for_message(struct dev *d, struct worker *w)
{
    uint64_t start = lt_clock_ns();
    lt_bell_wait(&d->stop, w->fd, POLLIN, -1);
    lt_patience_learn(&d->patience, lt_clock_ns() - start);
    atomic_fetch_add_explicit(&d->base.sleeps, 1, memory_order_relaxed);
}

/* Sleeps until there is more to forget, and then lets it gather, so that it comes in one message
 * and does not take the processor from those who wait for something. */
static void sleep_for_batch(struct dev *d, struct worker *w)
{
    lt_bell_wait(&d->stop, w->fd, POLLIN, -1);
    lt_bell_wait(&d->stop, -1, 0, BATCH_MS);
    atomic_fetch_add_explicit(&d->base.sleeps, 1, memory_order_relaxed);
}

/* Whether another message lies ready besides the one just read. */
static bool more_waits(const struct worker *w)
{
    struct pollfd fd = {.fd = w->fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static ssize_t wait_read(struct dev *d, struct worker *w, bool pages)
{
    ssize_t n = try_read(d, w, pages);
    if (n >= 0) {
        if (++w->backlog % BACKLOG_CALL == 0 && more_waits(w))
            lt_gang_call(&d->gang);
        return n;
    }
    while (n == LT_EAGAIN) {
        w->backlog = 0;
        if (lt_bell_rung(&d->stop))
            return LT_ECANCELED;
        if (d->unhurried && w->forgot) {
            sleep_for_batch(d, w);
            n = try_read(d, w, pages);
            continue;
        }
        n = poll_read(d, w, pages);
        if (n != LT_EAGAIN)
            break;
        if (lt_gang_retire(&d->gang)) {
            if (!lt_gang_join(&d->gang))
                return LT_ECANCELED;
        } else {
            sleep_for_message(d, w);
        }
        n = try_read(d, w, pages);
    }
    return n;
}

/* Describes what was read. Everything but the data of a WRITE becomes one run of bytes. */
static int describe(struct dev *d, struct worker *w, size_t len, bool pages, struct lt_message *ret)
{
    struct lt_fuse_in_header header;
    if (len < sizeof(header))
        return LT_EPROTO;
    memcpy(&header, w->buf, sizeof(header));
    bool is_write = header.opcode == LT_FUSE_WRITE;
    w->forgot = header.opcode == LT_FUSE_FORGET || header.opcode == LT_FUSE_BATCH_FORGET;
    size_t rest = len - sizeof(header);
    size_t in_pages = pages && len > HEADERS ? len - HEADERS : 0;

    *ret = (struct lt_message){.in = {.header = w->buf, .rest = w->buf + sizeof(header)}};
    w->received = 0;
    if (in_pages && is_write) {
        w->received = (in_pages + LT_PAGE_SIZE - 1) / LT_PAGE_SIZE;
        ret->in.pages = w->segs;
        ret->in.page_count = w->received;
        ret->in.pages_len = in_pages;
        w->segs[w->received - 1].len = in_pages - (w->received - 1) * LT_PAGE_SIZE;
        rest -= in_pages;
    } else {
        for (size_t i = 0, done = 0; done < in_pages; i++, done += LT_PAGE_SIZE) {
            size_t n = in_pages - done < LT_PAGE_SIZE ? in_pages - done : LT_PAGE_SIZE;
            memcpy(w->buf + HEADERS + done, w->segs[i].base, n);
        }
    }
    ret->in.rest_len = rest;
    if (is_write && len >= LONG_WRITE && d->config.pages_get)
        w->expect_data = EXPECT_DATA;
    else if (w->expect_data > 0)
        w->expect_data--;
    return 0;
}

static int dev_receive(struct lt_channel *channel, unsigned worker, struct lt_message *ret)
{
    struct dev *d = dev_of(channel);
    struct worker *w = &d->workers[worker];
    if (w->received > 0) {
        w->segs[w->received - 1].len = LT_PAGE_SIZE;
        w->received = 0;
    }
    if (!w->listening) {
        if (!lt_gang_join(&d->gang))
            return LT_ECANCELED;
        w->listening = true;
    }
    bool pages = w->expect_data > 0 && refill_pages(d, w);
    ssize_t n = wait_read(d, w, pages);
    int r = n < 0 ? (int)n : describe(d, w, (size_t)n, pages, ret);
    if (r < 0) {
        lt_gang_end(&d->gang);
        return r;
    }
    lt_patience_heard(&d->patience);
    ret->worker = worker;
    return 0;
}

static void dev_hand_over(struct lt_channel *channel, unsigned worker)
{
    struct dev *d = dev_of(channel);
    if (d->workers[worker].listening) {
        d->workers[worker].listening = false;
        lt_patience_hush(&d->patience);
        lt_gang_leave(&d->gang);
    }
}

/* ---- Sending --------------------------------------------------------------------------------- */

static int send_message(int fd, int32_t error, uint64_t unique, const struct lt_seg *segs,
                        size_t count)
{
    struct lt_fuse_out_header header = {.len = sizeof(header), .error = error, .unique = unique};
    struct iovec iov[1 + LT_CHANNEL_SEGS_MAX];
    if (count > LT_CHANNEL_SEGS_MAX)
        return LT_EOVERFLOW;
    iov[0] = (struct iovec){&header, sizeof(header)};
    for (size_t i = 0; i < count; i++) {
        iov[i + 1] = (struct iovec){segs[i].base, segs[i].len};
        header.len += (uint32_t)segs[i].len;
    }
    return writev(fd, iov, (int)count + 1) < 0 ? lt_error_last() : 0;
}

/* What sending a reply came to. ENOENT: interrupted and gone; ENODEV, EPERM: unmounted. All else
 * left the request waiting. */
static int answered(int fd, uint64_t unique, int r)
{
    if (r < 0 && r != LT_ENOENT && r != LT_ENODEV && r != LT_EPERM)
        send_message(fd, LT_EIO, unique, NULL, 0);
    return r;
}

static int dev_reply(struct lt_channel *channel, struct lt_message *m, int error,
                     const struct lt_seg *segs, size_t count)
{
    struct dev *d = dev_of(channel);
    const struct lt_fuse_in_header *header = m->in.header;
    int fd = d->workers[m->worker].fd;
    int r = send_message(fd, error, header->unique, segs, error ? 0 : count);
    return answered(fd, header->unique, r);
}

static int dev_reply_file(struct lt_channel *channel, struct lt_message *m, int fd,
                          const struct lt_file_range *ranges, size_t count)
{
    struct worker *w = &dev_of(channel)->workers[m->worker];
    const struct lt_fuse_in_header *in = m->in.header;
    struct lt_fuse_out_header header = {.len = sizeof(header), .unique = in->unique};
    for (size_t i = 0; i < count; i++)
        header.len += (uint32_t)ranges[i].len;
    int r = lt_splice_fill(&w->splice, &header, sizeof(header), fd, ranges, count);
    return r < 0 ? r : answered(w->fd, in->unique, lt_splice_send(&w->splice, w->fd));
}

static int dev_notify(struct lt_channel *channel, int code, const struct lt_seg *segs, size_t count)
{
    return send_message(dev_of(channel)->workers[0].fd, code, 0, segs, count);
}

static int dev_backing_open(struct lt_channel *channel, int fd)
{
    struct backing_map map = {.fd = fd};
    int id = ioctl(dev_of(channel)->workers[0].fd, FUSE_DEV_IOC_BACKING_OPEN, &map);
    return id < 0 ? lt_error_last() : id;
}

static void dev_backing_close(struct lt_channel *channel, int id)
{
    uint32_t backing_id = (uint32_t)id;
    ioctl(dev_of(channel)->workers[0].fd, FUSE_DEV_IOC_BACKING_CLOSE, &backing_id);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void dev_stop(struct lt_channel *channel)
{
    lt_bell_ring(&dev_of(channel)->stop);
}

static void dev_close(struct lt_channel *channel)
{
    struct dev *d = dev_of(channel);
    for (unsigned i = 0; i < channel->workers; i++) {
        struct worker *w = &d->workers[i];
        if (w->segs)
            d->config.pages_put(d->config.pages_arg, w->segs, w->seg_count);
        free(w->segs);
        if (w->buf)
            lt_pages_unmap(w->buf, d->buf_size);
        if (w->fd >= 0)
            close(w->fd);
        lt_splice_close(&w->splice);
    }
    lt_bell_close(&d->stop);
    free(d);
}

static const struct lt_channel_ops dev_ops = {
    .name = "dev",
    .receive = dev_receive,
    .reply = dev_reply,
    .reply_file = dev_reply_file,
    .notify = dev_notify,
    .hand_over = dev_hand_over,
    .backing_open = dev_backing_open,
    .backing_close = dev_backing_close,
    .stop = dev_stop,
    .close = dev_close,
};

int lt_channel_dev_fd(const struct lt_channel *dev)
{
    if (dev->ops != &dev_ops)
        return LT_EOPNOTSUPP;
    return ((const struct dev *)dev)->workers[0].fd;
}

void lt_channel_dev_unhurried(struct lt_channel *dev)
{
    if (dev->ops == &dev_ops)
        dev_of(dev)->unhurried = true;
}

/* A second descriptor of the same connection. */
static int clone_fd(int fd)
{
    uint32_t source = (uint32_t)fd;
    int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (clone < 0)
        return lt_error_last();
    if (ioctl(clone, FUSE_DEV_IOC_CLONE, &source) < 0) {
        int r = lt_error_last();
        close(clone);
        return r;
    }
    return clone;
}

static int worker_init(struct dev *d, unsigned i, int fd)
{
    struct worker *w = &d->workers[i];
    w->fd = i == 0 ? fd : clone_fd(fd);
    if (w->fd < 0) /* not allowed to open /dev/fuse: share the one */
        w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (w->fd < 0)
        return lt_error_last();
    w->buf = lt_pages_map(d->buf_size, LT_PAGE_SIZE);
    if (d->config.pages_get)
        w->segs = calloc(PAGES_MAX, sizeof(*w->segs));
    return w->buf && (w->segs || !d->config.pages_get) ? 0 : LT_ENOMEM;
}

static unsigned default_workers(void)
{
    unsigned cpus = lt_cpu_count();
    return cpus < 3 ? 3 : cpus > 8 ? 8 : cpus;
}

int lt_channel_dev(int fd, const struct lt_channel_config *config, struct lt_channel **ret)
{
    unsigned workers = config->workers ? config->workers : default_workers();
    struct dev *d = calloc(1, sizeof(*d) + workers * sizeof(d->workers[0]));
    if (d == NULL) {
        close(fd);
        return LT_ENOMEM;
    }
    unsigned cpus = lt_cpu_count();
    d->base = (struct lt_channel){.ops = &dev_ops, .workers = workers};
    d->config = *config;
    if (config->max_write > PAGES_MAX * LT_PAGE_SIZE)
        d->config.pages_get = NULL;
    lt_gang_init(&d->gang, cpus < workers ? cpus : workers);
    lt_patience_init(&d->patience, config->poll_us);
    d->buf_size =
        (HEADERS + config->max_write + 2 * LT_PAGE_SIZE - 1) & ~(size_t)(LT_PAGE_SIZE - 1);
    for (unsigned i = 0; i < workers; i++)
        d->workers[i].fd = -1;
    d->workers[0].fd = fd;
    int r = lt_bell_open(&d->stop);
    if (r == 0 && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        r = lt_error_last();
    for (unsigned i = 0; r == 0 && i < workers; i++)
        r = worker_init(d, i, fd);
    if (r < 0) {
        dev_close(&d->base);
        return r;
    }
    *ret = &d->base;
    return 0;
}
