// SPDX-License-Identifier: MIT
/* copy_file_range: reads and writes long pieces; what is a hole stays one. */
#include "layout.h"
#include "ops.h"

#include <stdlib.h>

/* The most that one call copies under its locks. */
#define COPY_MAX (UINT64_C(64) << 20)

struct copy {
    struct img_node *from, *to;
    uint64_t from_offset, to_offset, len; /* what is still to be done */
    uint8_t *buffer;                      /* LT_IO_MAX bytes */
};

static void lock_pair(struct img_node *from, struct img_node *to) NO_THREAD_SAFETY_ANALYSIS
{
    if ((uintptr_t)from < (uintptr_t)to)
        lt_rwlock_read(&from->lock);
    lt_rwlock_write(&to->lock);
    if ((uintptr_t)from > (uintptr_t)to)
        lt_rwlock_read(&from->lock);
}

static void unlock_pair(struct img_node *from, struct img_node *to) NO_THREAD_SAFETY_ANALYSIS
{
    if (from != to)
        lt_rwlock_read_unlock(&from->lock);
    lt_rwlock_write_unlock(&to->lock);
}

/* What comes next in `from`: data or a hole, and how long it is. */
static int next_stretch(const struct copy *c, bool *ret_data,
                        uint64_t *ret_len) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_node *node = c->from;
    struct img_store *store = img_fs_of(node)->store;
    uint32_t block = img_block_size(store);
    uint64_t at = c->from_offset, stop = c->from_offset + c->len, end;
    bool data = false;
    int r = 0;
    img_read_lock(store);
    for (bool first = true; r == 0 && at < stop; first = false) {
        bool same;
        r = img_data_probe(node, at / block, &same, &end);
        if (!first && same != data)
            break;
        data = same;
        at = end >= img_map_limit(node) ? stop : end * block;
    }
    img_read_unlock(store);
    *ret_data = data;
    *ret_len = img_min(at, stop) - c->from_offset;
    return r;
}

/* Copies the next stretch of data, or a part of it. Returns 0 and has moved on, or an error. */
static int copy_data(struct copy *c, uint64_t len) NO_THREAD_SAFETY_ANALYSIS
{
    struct lt_seg seg = {c->buffer, (size_t)img_min(len, LT_IO_MAX)};
    uint64_t done = 0;
    int r = img_data_fetch(c->from, c->from_offset, c->buffer, seg.len);
    if (r == 0)
        r = img_data_write_locked(c->to, c->to_offset, &seg, seg.len, &done);
    c->from_offset += done;
    c->to_offset += done;
    c->len -= done;
    return r;
}

static int copy_hole(struct copy *c, uint64_t len) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_store *store = img_fs_of(c->to)->store;
    uint64_t end = c->to_offset + len;
    img_read_lock(store);
    uint64_t size = c->to->inode.size;
    img_read_unlock(store);
    int r = c->to_offset < size ? img_data_punch(c->to, c->to_offset, len) : 0;
    if (r == 0 && end > size)
        r = img_data_grow(c->to, end);
    if (r < 0)
        return r;
    c->from_offset += len;
    c->to_offset += len;
    c->len -= len;
    return 0;
}

static int copy_locked(const struct lt_ctx *ctx, struct copy *c) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_store *store = img_fs_of(c->to)->store;
    img_read_lock(store);
    uint64_t size = c->from->inode.size, to_size = c->to->inode.size;
    uint32_t flags = img_main(c->to)->inode.inode_flags;
    img_read_unlock(store);
    if ((flags & LT_INODE_IMMUTABLE) || ((flags & LT_INODE_APPEND) && c->to_offset < to_size))
        return LT_EPERM;
    c->len = c->from_offset < size ? img_min(c->len, size - c->from_offset) : 0;
    while (c->len > 0) {
        uint64_t len;
        bool data;
        if (ctx->cancel && atomic_load(ctx->cancel))
            return LT_EINTR;
        int r = next_stretch(c, &data, &len);
        if (r == 0)
            r = data ? copy_data(c, len) : copy_hole(c, len);
        if (r < 0)
            return r;
    }
    return 0;
}

int imgfs_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                     struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret)
{
    struct copy c = {.from = img_node(from),
                     .to = img_node(to),
                     .from_offset = from_offset,
                     .to_offset = to_offset,
                     .len = img_min(len, COPY_MAX),
                     .buffer = malloc(LT_IO_MAX)};
    if (!c.buffer)
        return LT_ENOMEM;
    int r = img_data_relieve(img_fs(to->fs));
    for (unsigned tries = 0; r == 0; tries++) {
        lock_pair(c.from, c.to);
        r = copy_locked(ctx, &c);
        unlock_pair(c.from, c.to);
        if (r != LT_ENOSPC || c.to_offset > to_offset || tries == IMG_TRIES_MAX)
            break;
        r = img_checkpoint(img_fs(to->fs)->store); /* may free what was pinned */
    }
    free(c.buffer);
    uint64_t done = c.to_offset - to_offset;
    if (done > 0)
        r = img_data_changed(c.to, ctx->uid != 0, lt_clock_now());
    if (r < 0)
        return r;
    img_accessed(img_main(c.from));
    *ret = done;
    return 0;
}
