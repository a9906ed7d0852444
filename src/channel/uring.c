// SPDX-License-Identifier: MIT
/*
 * FUSE over io_uring (Linux 6.14, Documentation/filesystems/fuse-io-uring.rst).
 *
 * The kernel has one queue for every possible processor and gives a request to the
 * queue of the processor it was made on. We serve each by a thread pinned there,
 * with a ring of its own: one io_uring_enter() commits the last answers and waits
 * for the next request, and the switch from client to server and back stays on one
 * processor, which is what makes this the fastest way.
 *
 * A ring entry is a header, a payload buffer and a life: REGISTER, then for each
 * request COMMIT_AND_FETCH. FORGET, INTERRUPT and notifications stay on /dev/fuse,
 * which one more worker reads.
 *
 * Once INIT is answered every request waits until all queues have an entry. So
 * everything that can fail is done before, with the rings disabled; each thread
 * then enables its own (which makes it the single issuer).
 */
#include "dev.h"

#include "bell.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <os/os.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

#define DEPTH 8u          /* entries a queue: requests that one processor may have under way */
#define RING_SIZE 16u     /* submissions: all entries, and the bell; a power of two */
#define PAYLOAD_MIN 8192u /* FUSE_MIN_READ_BUFFER */
#define BELL DEPTH        /* user_data of the poll on uring.stop */
#define QUEUES_MAX UINT16_MAX

struct entry {
    struct lt_fuse_uring_req_header *header;
    char *payload;
    struct iovec iov[2]; /* the two, as REGISTER wants them; they must stay where they are */
};

struct queue {
    int ring_fd;
    bool running;     /* enabled, and all entries registered */
    unsigned live;    /* entries that the kernel has or will have again */
    unsigned pending; /* submissions not passed on yet */
    void *ring;       /* the submission and completion rings, ring_size bytes */
    size_t ring_size;
    struct io_uring_sqe *sqes; /* 128 bytes each */
    _Atomic(uint32_t) *sq_tail, *cq_head, *cq_tail;
    uint32_t sq_mask, cq_mask;
    uint32_t *sq_array;
    struct io_uring_cqe *cqes;
    char *memory; /* headers and payloads of all entries */
    struct entry entries[DEPTH];
};

struct uring {
    struct lt_channel base;
    struct lt_channel *dev;
    struct lt_bell stop;
    size_t payload_size; /* immutable, as all below */
    size_t memory_size;
    unsigned queue_count;
    struct queue queues[];
};

static struct uring *uring_of(struct lt_channel *channel)
{
    return (struct uring *)channel;
}

/* ---- The ring -------------------------------------------------------------------------------- */

static int ring_enter(struct queue *q, unsigned wait)
{
    long n = syscall(SYS_io_uring_enter, q->ring_fd, q->pending, wait,
                     wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN || errno == EBUSY ? 0 : lt_error_last();
    q->pending -= (unsigned)n;
    return 0;
}

static int ring_register(struct queue *q, unsigned what, void *arg, unsigned count)
{
    return syscall(SYS_io_uring_register, q->ring_fd, what, arg, count) < 0 ? lt_error_last() : 0;
}

/* A cleared submission. There is always room: no more than DEPTH + 1 are ever under way. */
static struct io_uring_sqe *next_sqe(struct queue *q)
{
    uint32_t tail = atomic_load_explicit(q->sq_tail, memory_order_relaxed);
    uint32_t index = tail & q->sq_mask;
    struct io_uring_sqe *sqe = &q->sqes[index * 2];
    memset(sqe, 0, 2 * sizeof(*sqe));
    q->sq_array[index] = index;
    q->pending++;
    return sqe;
}

static void queue_sqe(struct queue *q)
{
    uint32_t tail = atomic_load_explicit(q->sq_tail, memory_order_relaxed);
    atomic_store_explicit(q->sq_tail, tail + 1, memory_order_release);
}

/* Queues a command of FUSE for entry i. Descriptor 0 of the ring is /dev/fuse. */
static void queue_command(struct uring *u, struct queue *q, unsigned i, uint32_t command,
                          uint64_t commit_id)
{
    struct entry *e = &q->entries[i];
    struct lt_fuse_uring_cmd_req request = {.commit_id = commit_id,
                                            .qid = (uint16_t)(q - u->queues)};
    struct io_uring_sqe *sqe = next_sqe(q);
    sqe->opcode = IORING_OP_URING_CMD;
    sqe->flags = IOSQE_FIXED_FILE;
    sqe->cmd_op = command;
    sqe->user_data = i;
    if (command == LT_FUSE_URING_REGISTER) {
        sqe->addr = (uintptr_t)e->iov;
        sqe->len = 2;
    }
    memcpy((char *)sqe + offsetof(struct io_uring_sqe, addr3), &request, sizeof(request));
    queue_sqe(q);
}

/* Waits for uring.stop, which is descriptor 1 of the ring. */
static void queue_bell(struct queue *q)
{
    struct io_uring_sqe *sqe = next_sqe(q);
    sqe->opcode = IORING_OP_POLL_ADD;
    sqe->flags = IOSQE_FIXED_FILE;
    sqe->fd = 1;
    sqe->poll32_events = 1; /* POLLIN */
    sqe->user_data = BELL;
    queue_sqe(q);
}

static bool next_cqe(struct queue *q, struct io_uring_cqe *ret)
{
    uint32_t head = atomic_load_explicit(q->cq_head, memory_order_relaxed);
    if (head == atomic_load_explicit(q->cq_tail, memory_order_acquire))
        return false;
    *ret = q->cqes[head & q->cq_mask];
    atomic_store_explicit(q->cq_head, head + 1, memory_order_release);
    return true;
}

/* ---- Receiving ------------------------------------------------------------------------------- */

/* On the thread that will serve the queue, before anything else. */
static int start_queue(struct uring *u, struct queue *q)
{
    lt_thread_pin((unsigned)(q - u->queues));
    int r = ring_register(q, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < DEPTH; i++)
        queue_command(u, q, i, LT_FUSE_URING_REGISTER, 0);
    queue_bell(q);
    q->live = DEPTH;
    q->running = true;
    return 0;
}

static void describe(const struct uring *u, struct queue *q, unsigned i, unsigned worker,
                     struct lt_message *ret)
{
    struct entry *e = &q->entries[i];
    *ret = (struct lt_message){
        .in = {.header = e->header->in_out,
               .args = e->header->op_in,
               .args_len = sizeof(e->header->op_in),
               .rest = e->payload,
               .rest_len = e->header->ring_ent_in_out.payload_sz},
        .worker = worker,
        .slot = e,
        .room = e->payload,
        .room_len = u->payload_size,
    };
}

/* What a completion means: 1 a request, 0 nothing, or the end. */
static int complete(struct uring *u, struct queue *q, const struct io_uring_cqe *cqe)
{
    if (cqe->user_data == BELL)
        return LT_ECANCELED;
    if (cqe->res == 0)
        return q->entries[cqe->user_data].header->ring_ent_in_out.payload_sz <= u->payload_size
                   ? 1
                   : LT_EPROTO;
    if (cqe->res == -EAGAIN || cqe->res == -EINTR) { /* the kernel has not read our INIT yet */
        queue_command(u, q, (unsigned)cqe->user_data, LT_FUSE_URING_REGISTER, 0);
        return 0;
    }
    q->live--;
    if (q->live > 0)
        return 0;
    return cqe->res == -ECONNABORTED ? LT_ENOTCONN : LT_ENODEV;
}

static int uring_receive(struct lt_channel *channel, unsigned worker, struct lt_message *ret)
{
    struct uring *u = uring_of(channel);
    if (worker == u->queue_count)
        return lt_channel_receive(u->dev, 0, ret);
    struct queue *q = &u->queues[worker];
    int r = q->running ? 0 : start_queue(u, q);
    while (r == 0) {
        struct io_uring_cqe cqe;
        if (!next_cqe(q, &cqe)) {
            r = ring_enter(q, 1);
            continue;
        }
        r = complete(u, q, &cqe);
        if (r == 1)
            describe(u, q, (unsigned)cqe.user_data, worker, ret);
    }
    return r < 0 ? r : 0;
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* The body goes into the payload buffer. Returns its length. */
static int fill_payload(struct uring *u, struct entry *e, const struct lt_seg *segs, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (segs[i].len > u->payload_size - len)
            return LT_EOVERFLOW;
        if (segs[i].base != e->payload + len)
            memcpy(e->payload + len, segs[i].base, segs[i].len);
        len += segs[i].len;
    }
    return (int)len;
}

static int uring_reply(struct lt_channel *channel, struct lt_message *m, int error,
                       const struct lt_seg *segs, size_t count)
{
    struct uring *u = uring_of(channel);
    struct entry *e = m->slot;
    if (e == NULL)
        return lt_channel_reply(u->dev, m, error, segs, count);
    struct queue *q = &u->queues[m->worker];
    struct lt_fuse_in_header in;
    memcpy(&in, e->header->in_out, sizeof(in));
    int len = error ? 0 : fill_payload(u, e, segs, count);
    struct lt_fuse_out_header out = {
        .len = (uint32_t)(sizeof(out) + (len > 0 ? (size_t)len : 0)),
        .error = len < 0 ? LT_EIO : error,
        .unique = in.unique,
    };
    uint64_t commit_id = e->header->ring_ent_in_out.commit_id;
    memcpy(e->header->in_out, &out, sizeof(out));
    e->header->ring_ent_in_out.payload_sz = len > 0 ? (uint32_t)len : 0;
    queue_command(u, q, (unsigned)(e - q->entries), LT_FUSE_URING_COMMIT_AND_FETCH, commit_id);
    return len < 0 ? len : 0;
}

static int uring_notify(struct lt_channel *channel, int code, const struct lt_seg *segs,
                        size_t count)
{
    return lt_channel_notify(uring_of(channel)->dev, code, segs, count);
}

static int uring_backing_open(struct lt_channel *channel, int fd)
{
    return lt_channel_backing_open(uring_of(channel)->dev, fd);
}

static void uring_backing_close(struct lt_channel *channel, int id)
{
    lt_channel_backing_close(uring_of(channel)->dev, id);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void uring_stop(struct lt_channel *channel)
{
    struct uring *u = uring_of(channel);
    lt_channel_stop(u->dev);
    lt_bell_ring(&u->stop);
}

static void queue_fini(struct uring *u, struct queue *q)
{
    if (q->ring_fd >= 0)
        close(q->ring_fd);
    if (q->ring)
        munmap(q->ring, q->ring_size);
    if (q->sqes)
        munmap(q->sqes, RING_SIZE * 2 * sizeof(*q->sqes));
    if (q->memory)
        lt_pages_unmap(q->memory, u->memory_size);
}

static void uring_free(struct uring *u)
{
    for (unsigned i = 0; i < u->queue_count; i++)
        queue_fini(u, &u->queues[i]);
    lt_bell_close(&u->stop);
    free(u);
}

static void uring_close(struct lt_channel *channel)
{
    struct uring *u = uring_of(channel);
    /* The descriptors of /dev/fuse last: a ring holds its own reference on one. */
    struct lt_channel *dev = u->dev;
    uring_free(u);
    lt_channel_close(dev);
}

static const struct lt_channel_ops uring_ops = {
    .name = "io_uring",
    .receive = uring_receive,
    .reply = uring_reply,
    .notify = uring_notify,
    .backing_open = uring_backing_open,
    .backing_close = uring_backing_close,
    .stop = uring_stop,
    .close = uring_close,
};

static int map_ring(struct queue *q, const struct io_uring_params *p)
{
    size_t sq = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
    size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    q->ring_size = sq > cq ? sq : cq;
    char *ring = mmap(NULL, q->ring_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                      q->ring_fd, IORING_OFF_SQ_RING);
    if (ring == MAP_FAILED)
        return lt_error_last();
    q->ring = ring;
    void *sqes = mmap(NULL, RING_SIZE * 2 * sizeof(*q->sqes), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_POPULATE, q->ring_fd, IORING_OFF_SQES);
    if (sqes == MAP_FAILED)
        return lt_error_last();
    q->sqes = sqes;
    q->sq_tail = (void *)(ring + p->sq_off.tail);
    q->sq_array = (void *)(ring + p->sq_off.array);
    q->sq_mask = *(uint32_t *)(void *)(ring + p->sq_off.ring_mask);
    q->cq_head = (void *)(ring + p->cq_off.head);
    q->cq_tail = (void *)(ring + p->cq_off.tail);
    q->cq_mask = *(uint32_t *)(void *)(ring + p->cq_off.ring_mask);
    q->cqes = (void *)(ring + p->cq_off.cqes);
    return 0;
}

static int open_ring(struct uring *u, struct queue *q)
{
    struct io_uring_params p = {.flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER |
                                         IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED};
    int files[2] = {lt_channel_dev_fd(u->dev), u->stop.fd};
    q->ring_fd = (int)syscall(SYS_io_uring_setup, RING_SIZE, &p);
    if (q->ring_fd < 0)
        return lt_error_last();
    if (!(p.features & IORING_FEAT_SINGLE_MMAP))
        return LT_EOPNOTSUPP;
    int r = map_ring(q, &p);
    return r < 0 ? r : ring_register(q, IORING_REGISTER_FILES, files, 2);
}

/* Payloads first, so that they begin on pages. */
static int make_entries(struct uring *u, struct queue *q)
{
    q->memory = lt_pages_map(u->memory_size, LT_PAGE_SIZE);
    if (q->memory == NULL)
        return LT_ENOMEM;
    struct lt_fuse_uring_req_header *headers = (void *)(q->memory + DEPTH * u->payload_size);
    for (unsigned i = 0; i < DEPTH; i++) {
        struct entry *e = &q->entries[i];
        e->payload = q->memory + i * u->payload_size;
        e->header = &headers[i];
        e->iov[0] = (struct iovec){e->header, sizeof(*e->header)};
        e->iov[1] = (struct iovec){e->payload, u->payload_size};
    }
    return 0;
}

int lt_channel_uring(struct lt_channel *dev, const struct lt_channel_config *config,
                     struct lt_channel **ret)
{
    int possible = get_nprocs_conf();
    unsigned count = possible > 0 ? (unsigned)possible : 1;
    if (count > QUEUES_MAX || lt_channel_dev_fd(dev) < 0)
        return LT_EOPNOTSUPP;
    struct uring *u = calloc(1, sizeof(*u) + count * sizeof(u->queues[0]));
    if (u == NULL)
        return LT_ENOMEM;
    u->base = (struct lt_channel){.ops = &uring_ops, .workers = count + 1};
    u->dev = dev;
    u->queue_count = count;
    u->payload_size = config->max_write > PAYLOAD_MIN ? config->max_write : PAYLOAD_MIN;
    u->memory_size = DEPTH * u->payload_size + LT_PAGE_SIZE;
    static_assert(DEPTH * sizeof(struct lt_fuse_uring_req_header) <= LT_PAGE_SIZE, "one page");
    for (unsigned i = 0; i < count; i++)
        u->queues[i].ring_fd = -1;
    int r = lt_bell_open(&u->stop);
    for (unsigned i = 0; r == 0 && i < count; i++) {
        r = open_ring(u, &u->queues[i]);
        if (r == 0)
            r = make_entries(u, &u->queues[i]);
    }
    if (r < 0) {
        uring_free(u);
        return r;
    }
    lt_channel_dev_unhurried(dev);
    *ret = &u->base;
    return 0;
}
