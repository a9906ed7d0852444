// SPDX-License-Identifier: MIT
/* Data of files and streams: locks, inode flags and times around data.h. */
#include "backed.h"
#include "ops.h"

#include <base/annotate.h>
#include <stdlib.h>

/* The most that one copy_range does under its locks. */
#define COPY_MAX (UINT64_C(64) << 20)

/* Records a change of data, and drops privileges if asked to. A stream's main node has both. */
static void data_changed(struct mem_node *main, bool kill_priv) REQUIRES(main->lock)
{
    mem_modified(main, mem_now());
    if (kill_priv)
        mem_kill_priv(main);
}

/* The same for a node whose lock is held: of a stream only what it has itself. */
static void data_changed_here(struct mem_node *node, bool kill_priv) REQUIRES(node->lock)
{
    if (mem_is_stream(node))
        node->version++;
    else
        data_changed(node, kill_priv);
}

/* The rest for streams, after their lock was released. */
static void data_changed_main(struct mem_node *node, bool kill_priv)
{
    struct mem_node *main = mem_main(node);
    if (main == node)
        return;
    lt_rwlock_write(&main->lock);
    data_changed(main, kill_priv);
    lt_rwlock_write_unlock(&main->lock);
}

/* The inode flags that hold for a node. Those of a stream are read before its lock is taken. */
static uint16_t main_flags(struct mem_node *node)
{
    struct mem_node *main = mem_main(node);
    if (main == node)
        return 0;
    lt_rwlock_read(&main->lock);
    uint16_t flags = main->inode_flags;
    lt_rwlock_read_unlock(&main->lock);
    return flags;
}

static uint16_t own_flags(const struct mem_node *node, uint16_t of_main) REQUIRES_SHARED(node->lock)
{
    return mem_is_stream(node) ? of_main : node->inode_flags;
}

static uint64_t size_of(const struct mem_node *node) REQUIRES_SHARED(node->lock)
{
    return mem_is_backed(node) ? mem_backed_size(node) : node->data.size;
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* What lies in the kernel has to be fetched first. */
static int read_backed(const struct mem_node *node, uint64_t offset, size_t len,
                       struct lt_sink *sink) REQUIRES_SHARED(node->lock)
{
    char *buf = len > 0 ? malloc(len) : NULL;
    if (len > 0 && !buf)
        return LT_ENOMEM;
    int64_t done = len > 0 ? mem_backed_read(node, offset, buf, len) : 0;
    struct lt_seg seg = {buf, done > 0 ? (size_t)done : 0};
    int result = done < 0 ? (int)done : sink->put(sink, &seg, done > 0, seg.len);
    free(buf);
    return result < 0 ? result : (int)done;
}

/* Returns the bytes given to the sink. */
static int read_stored(const struct mem_node *node, uint64_t offset, size_t len,
                       struct lt_sink *sink) REQUIRES_SHARED(node->lock)
{
    struct lt_seg segs[MEM_WINDOW + 2];
    size_t count = mem_data_map(&node->data, offset, len, segs);
    int result = sink->put(sink, segs, count, len);
    return result < 0 ? result : (int)len;
}

int mem_read(const struct lt_ctx *ctx, struct lt_node *base, uint64_t offset, size_t len,
             struct lt_sink *sink)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    lt_rwlock_read(&node->lock);
    uint64_t size = size_of(node);
    if (offset >= size)
        len = 0;
    else if (len > size - offset)
        len = (size_t)(size - offset);
    int result = mem_is_backed(node) ? read_backed(node, offset, len, sink)
                                     : read_stored(node, offset, len, sink);
    lt_rwlock_read_unlock(&node->lock);
    if (result >= 0)
        mem_accessed(mem_main(node));
    return result;
}

static int seek_stored(const struct mem_data *data, uint64_t offset, enum lt_seek whence,
                       uint64_t *ret)
{
    if (offset >= data->size)
        return LT_ENXIO;
    uint64_t found = whence == LT_SEEK_DATA ? mem_data_next_data(data, offset)
                                            : mem_data_next_hole(data, offset);
    if (whence == LT_SEEK_DATA && found == data->size)
        return LT_ENXIO;
    *ret = found;
    return 0;
}

int mem_seek(const struct lt_ctx *ctx, struct lt_node *base, uint64_t offset, enum lt_seek whence,
             uint64_t *ret)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    lt_rwlock_read(&node->lock);
    int error = mem_is_backed(node) ? mem_backed_seek(node, offset, whence, ret)
                                    : seek_stored(&node->data, offset, whence, ret);
    lt_rwlock_read_unlock(&node->lock);
    return error;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static size_t total_len(const struct lt_write *write)
{
    size_t len = 0;
    for (size_t i = 0; i < write->count; i++)
        len += write->segs[i].len;
    return len;
}

/* Where the write goes and how much of it: returns the length, or an error. */
static int64_t place_write(const struct mem_node *node, const struct lt_write *write,
                           uint16_t inode_flags, uint64_t *ret_offset) REQUIRES_SHARED(node->lock)
{
    uint64_t size = size_of(node);
    uint64_t offset = write->flags & LT_WRITE_APPEND ? size : write->offset;
    size_t len = total_len(write);
    if (inode_flags & LT_INODE_IMMUTABLE)
        return LT_EPERM;
    if ((inode_flags & LT_INODE_APPEND) && offset < size)
        return LT_EPERM;
    if (len > (uint64_t)LT_SIZE_MAX - offset)
        return LT_EFBIG;
    if (write->flags & LT_WRITE_CONSTRAINED) {
        uint64_t room = offset < size ? size - offset : 0;
        len = len < room ? len : (size_t)room;
    }
    *ret_offset = offset;
    return (int64_t)len;
}

int mem_write(const struct lt_ctx *ctx, struct lt_node *base, struct lt_write *write)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    bool kill_priv = write->flags & LT_WRITE_KILL_PRIV;
    uint16_t flags = main_flags(node);
    uint64_t offset = 0;
    lt_rwlock_write(&node->lock);
    int64_t done = place_write(node, write, own_flags(node, flags), &offset);
    if (done > 0 && mem_is_backed(node))
        done = mem_backed_write(node, offset, write->segs, write->count, (size_t)done);
    else if (done > 0)
        done = mem_data_write(&node->data, mem_arena_of(node), offset, write->segs, write->count,
                              (size_t)done, write->flags & LT_WRITE_ADOPT);
    if (done > 0)
        data_changed_here(node, kill_priv);
    if (done >= 0 && write->ret_attr && !mem_is_stream(node))
        mem_node_attr(node, write->ret_attr);
    lt_rwlock_write_unlock(&node->lock);
    if (done < 0)
        return (int)done;
    if (done > 0)
        data_changed_main(node, kill_priv);
    if (write->ret_attr && mem_is_stream(node))
        mem_attr(node, write->ret_attr);
    write->ret_offset = offset;
    return (int)done;
}

/* ---- fallocate ----------------------------------------------------------------------------- */

static int may_allocate(const struct mem_node *node, uint32_t mode, uint16_t inode_flags)
    REQUIRES_SHARED(node->lock)
{
    (void)node;
    if (inode_flags & LT_INODE_IMMUTABLE)
        return LT_EPERM;
    bool only_adds = (mode & ~(uint32_t)LT_FALLOC_KEEP_SIZE) == 0;
    return (inode_flags & LT_INODE_APPEND) && !only_adds ? LT_EPERM : 0;
}

static int reserve(const struct lt_ctx *ctx, struct mem_node *node, uint32_t mode, uint64_t offset,
                   uint64_t len) REQUIRES(node->lock)
{
    struct mem_data *data = &node->data;
    int error = mem_data_reserve(data, mem_arena_of(node), offset, len, ctx->cancel);
    if (error)
        return error;
    if (mode & LT_FALLOC_ZERO)
        mem_data_zero(data, offset, len);
    if (!(mode & LT_FALLOC_KEEP_SIZE) && offset + len > data->size)
        data->size = offset + len;
    return 0;
}

static int collapse(struct mem_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    if ((offset | len) % MEM_PAGE != 0 || offset + len >= node->data.size)
        return LT_EINVAL;
    return mem_data_collapse(&node->data, mem_arena_of(node), offset, len);
}

static int insert(struct mem_node *node, uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    if ((offset | len) % MEM_PAGE != 0 || offset >= node->data.size)
        return LT_EINVAL;
    if (len > (uint64_t)LT_SIZE_MAX - node->data.size)
        return LT_EFBIG;
    return mem_data_insert(&node->data, mem_arena_of(node), offset, len);
}

static int allocate_locked(const struct lt_ctx *ctx, struct mem_node *node, uint32_t mode,
                           uint64_t offset, uint64_t len) REQUIRES(node->lock)
{
    if (mem_is_backed(node))
        return mem_backed_allocate(node, mode, offset, len);
    if (mode & LT_FALLOC_COLLAPSE)
        return collapse(node, offset, len);
    if (mode & LT_FALLOC_INSERT)
        return insert(node, offset, len);
    if (mode & LT_FALLOC_PUNCH_HOLE) {
        mem_data_punch(&node->data, mem_arena_of(node), offset, len);
        return 0;
    }
    return reserve(ctx, node, mode, offset, len);
}

int mem_allocate(const struct lt_ctx *ctx, struct lt_node *base, uint32_t mode, uint64_t offset,
                 uint64_t len)
{
    struct mem_node *node = mem_node(base);
    uint16_t flags = main_flags(node);
    lt_rwlock_write(&node->lock);
    int error = may_allocate(node, mode, own_flags(node, flags));
    if (!error)
        error = allocate_locked(ctx, node, mode, offset, len);
    if (!error)
        data_changed_here(node, ctx->uid != 0);
    lt_rwlock_write_unlock(&node->lock);
    if (!error)
        data_changed_main(node, ctx->uid != 0);
    return error;
}

/* ---- copy_file_range ----------------------------------------------------------------------- */

static void lock_pair(struct mem_node *from, struct mem_node *to) NO_THREAD_SAFETY_ANALYSIS
{
    if (from < to)
        lt_rwlock_read(&from->lock);
    lt_rwlock_write(&to->lock);
    if (from > to)
        lt_rwlock_read(&from->lock);
}

static void unlock_pair(struct mem_node *from, struct mem_node *to) NO_THREAD_SAFETY_ANALYSIS
{
    if (from != to)
        lt_rwlock_read_unlock(&from->lock);
    lt_rwlock_write_unlock(&to->lock);
}

/* Copies stored bytes, one window at most. A file may be copied within itself: what is stored in a
 * slab object could move under the copy, so that goes through the stack. */
static int64_t copy_data(struct mem_node *from, uint64_t from_offset, struct mem_node *to,
                         uint64_t to_offset, size_t len) NO_THREAD_SAFETY_ANALYSIS
{
    struct lt_seg segs[MEM_WINDOW + 2];
    char tiny[MEM_TINY_MAX];
    size_t count = mem_data_map(&from->data, from_offset, len, segs);
    if (from == to && len <= sizeof(tiny)) {
        size_t done = 0;
        for (size_t i = 0; i < count; done += segs[i++].len)
            memcpy(tiny + done, segs[i].base, segs[i].len);
        segs[0] = (struct lt_seg){tiny, len};
        count = 1;
    }
    return mem_data_write(&to->data, mem_arena_of(to), to_offset, segs, count, len, false);
}

/* Makes a range of `to` read as the hole it is in `from`. */
static void copy_hole(struct mem_node *to, uint64_t offset, uint64_t len) REQUIRES(to->lock)
{
    mem_data_punch(&to->data, mem_arena_of(to), offset, len);
    if (offset + len > to->data.size)
        to->data.size = offset + len;
}

struct copy_sink {
    struct lt_sink sink;
    struct mem_node *to;
    uint64_t offset;
    int64_t done; /* bytes written */
};

static int put_copy(struct lt_sink *sink, const struct lt_seg *segs, size_t count,
                    size_t total) NO_THREAD_SAFETY_ANALYSIS
{
    struct copy_sink *copy = (struct copy_sink *)sink;
    struct mem_node *to = copy->to;
    struct lt_seg *from = (struct lt_seg *)(uintptr_t)segs; /* written to only when adopted */
    copy->done = mem_is_backed(to) ? mem_backed_write(to, copy->offset, segs, count, total)
                                   : mem_data_write(&to->data, mem_arena_of(to), copy->offset, from,
                                                    count, total, false);
    return copy->done < 0 ? (int)copy->done : 0;
}

/* Copies where one side or both lie in the kernel; at most LT_IO_MAX. */
static int64_t copy_through(struct mem_node *from, uint64_t from_offset, struct mem_node *to,
                            uint64_t to_offset, uint64_t len) NO_THREAD_SAFETY_ANALYSIS
{
    struct copy_sink copy = {{put_copy}, to, to_offset, 0};
    size_t part = len < LT_IO_MAX ? (size_t)len : LT_IO_MAX;
    int result = mem_is_backed(from) ? read_backed(from, from_offset, part, &copy.sink)
                                     : read_stored(from, from_offset, part, &copy.sink);
    return result < 0 ? result : copy.done;
}

/* Copies the next run of data or hole, at most a window; returns its length or an error. */
static int64_t copy_step(struct mem_node *from, uint64_t from_offset, struct mem_node *to,
                         uint64_t to_offset, uint64_t len) NO_THREAD_SAFETY_ANALYSIS
{
    if (mem_is_backed(from) || mem_is_backed(to))
        return copy_through(from, from_offset, to, to_offset, len);
    uint64_t data = mem_data_next_data(&from->data, from_offset);
    if (data > from_offset) {
        uint64_t run = data - from_offset < len ? data - from_offset : len;
        copy_hole(to, to_offset, run);
        return (int64_t)run;
    }
    uint64_t run = mem_data_next_hole(&from->data, from_offset) - from_offset;
    run = run < len ? run : len;
    run = run < LT_IO_MAX ? run : LT_IO_MAX;
    return copy_data(from, from_offset, to, to_offset, (size_t)run);
}

static int copy_locked(const struct lt_ctx *ctx, struct mem_node *from, uint64_t from_offset,
                       struct mem_node *to, uint64_t to_offset, uint64_t len,
                       uint64_t *ret) NO_THREAD_SAFETY_ANALYSIS
{
    uint64_t size = size_of(from), done = 0;
    int64_t step = 0;
    if (from_offset >= size)
        return 0;
    if (len > size - from_offset)
        len = size - from_offset;
    while (done < len && step >= 0 && !(ctx->cancel && atomic_load(ctx->cancel))) {
        step = copy_step(from, from_offset + done, to, to_offset + done, len - done);
        done += step > 0 ? (uint64_t)step : 0;
    }
    *ret = done;
    if (done > 0) {
        data_changed_here(to, ctx->uid != 0);
        return 0;
    }
    return step < 0 ? (int)step : LT_EINTR;
}

int mem_copy_range(const struct lt_ctx *ctx, struct lt_node *from_base, uint64_t from_offset,
                   struct lt_node *to_base, uint64_t to_offset, uint64_t len,
                   uint64_t *ret) NO_THREAD_SAFETY_ANALYSIS
{
    struct mem_node *from = mem_node(from_base), *to = mem_node(to_base);
    uint16_t flags = main_flags(to);
    uint64_t done = 0;
    lock_pair(from, to);
    flags = own_flags(to, flags);
    bool forbidden =
        (flags & LT_INODE_IMMUTABLE) || ((flags & LT_INODE_APPEND) && to_offset < size_of(to));
    int error = forbidden ? LT_EPERM
                          : copy_locked(ctx, from, from_offset, to, to_offset,
                                        len < COPY_MAX ? len : COPY_MAX, &done);
    unlock_pair(from, to);
    if (error)
        return error;
    if (done > 0)
        data_changed_main(to, ctx->uid != 0);
    mem_accessed(mem_main(from));
    *ret = done;
    return 0;
}
