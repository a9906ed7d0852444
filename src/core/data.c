// SPDX-License-Identifier: MIT
/* lintel/fs.h, data: checks, then the file system, then the event. */
#include "core.h"

#include <limits.h>

/* What reading or writing a node without data says. */
static int check_data(const struct lt_node *node)
{
    if (node_has_data(node))
        return 0;
    return node->type == LT_S_IFDIR ? LT_EISDIR : LT_EINVAL;
}

static int check_open(const struct lt_node *node, uint32_t flags)
{
    if (flags == 0 || !only_flags(flags, LT_OPEN_READ | LT_OPEN_WRITE))
        return LT_EINVAL;
    return check_data(node);
}

int lt_node_open(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    const struct lt_fs_ops *ops = node->fs->ops;
    int r = check_open(node, flags);
    if (r == 0 && flags & LT_OPEN_WRITE)
        r = check_writable(node->fs);
    return r < 0 || !ops->open_node ? r : ops->open_node(ctx_or_root(ctx), node, flags);
}

int lt_node_close(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    const struct lt_fs_ops *ops = node->fs->ops;
    int r = check_open(node, flags);
    return r < 0 || !ops->close_node ? r : ops->close_node(ctx_or_root(ctx), node, flags);
}

int lt_node_read(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, size_t len,
                 struct lt_sink *sink)
{
    if (!node_has_data(node))
        return check_data(node);
    if (offset > LT_SIZE_MAX)
        return LT_EINVAL;
    if (len > LT_IO_MAX)
        len = LT_IO_MAX;
    return node->fs->ops->read(ctx_or_root(ctx), node, offset, len, sink);
}

struct buffer_sink {
    struct lt_sink sink;
    char *to;
};

static int put_buffer(struct lt_sink *sink, const struct lt_seg *segs, size_t count, size_t total)
{
    char *to = ((struct buffer_sink *)sink)->to;
    for (size_t i = 0; i < count; i++) {
        if (segs[i].base != to)
            memcpy(to, segs[i].base, segs[i].len);
        to += segs[i].len;
    }
    return (int)total;
}

int lt_node_pread(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, void *buf,
                  size_t len)
{
    struct buffer_sink sink = {{put_buffer, buf, len}, buf};
    return lt_node_read(ctx, node, offset, len, &sink.sink);
}

/* Bytes in all segments, or UINT64_MAX if more than a result can say. */
static uint64_t segs_len(const struct lt_seg *segs, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (segs[i].len > INT_MAX - total)
            return UINT64_MAX;
        total += segs[i].len;
    }
    return total;
}

static int check_write(const struct lt_node *node, const struct lt_write *write, uint64_t len)
{
    int r = check_data(node);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (len == UINT64_MAX || !only_flags(write->flags, LT_WRITE_APPEND | LT_WRITE_KILL_PRIV |
                                                           LT_WRITE_CONSTRAINED | LT_WRITE_ADOPT))
        return LT_EINVAL;
    if (!(write->flags & LT_WRITE_APPEND) &&
        (write->offset > LT_SIZE_MAX || len > LT_SIZE_MAX - write->offset))
        return LT_EFBIG;
    return 0;
}

int lt_node_write(const struct lt_ctx *ctx, struct lt_node *node, struct lt_write *write)
{
    ctx = ctx_or_root(ctx);
    uint64_t len = segs_len(write->segs, write->count);
    int r = check_write(node, write, len);
    if (r < 0)
        return r;
    if (len == 0) {
        write->ret_offset = write->offset;
        return write->ret_attr ? node->fs->ops->getattr(ctx, node, write->ret_attr) : 0;
    }
    r = node->fs->ops->write(ctx, node, write);
    if (r > 0)
        changed_data(ctx, node, write->ret_offset, (uint64_t)r);
    return r;
}

int lt_node_pwrite(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, const void *buf,
                   size_t len)
{
    /* Segments serve reads and writes alike, hence are not const; nothing writes through this. */
    struct lt_seg seg = {(void *)(uintptr_t)buf, len};
    struct lt_write write = {.offset = offset, .segs = &seg, .count = 1};
    return lt_node_write(ctx, node, &write);
}

/* Errors in the order in which vfs_fallocate() finds them. */
static int check_allocate(const struct lt_node *node, uint32_t mode, uint64_t offset, uint64_t len)
{
    if (offset > LT_SIZE_MAX || len == 0 || len > LT_SIZE_MAX)
        return LT_EINVAL;
    switch (mode) {
    case 0:
    case LT_FALLOC_KEEP_SIZE:
    case LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE:
    case LT_FALLOC_COLLAPSE:
    case LT_FALLOC_ZERO:
    case LT_FALLOC_ZERO | LT_FALLOC_KEEP_SIZE:
    case LT_FALLOC_INSERT:
        break;
    default:
        return LT_EOPNOTSUPP;
    }
    if (node->type == LT_S_IFIFO)
        return LT_ESPIPE;
    if (node->type == LT_S_IFDIR)
        return LT_EISDIR;
    if (!node_has_data(node))
        return LT_ENODEV;
    return len > LT_SIZE_MAX - offset ? LT_EFBIG : 0;
}

int lt_node_allocate(const struct lt_ctx *ctx, struct lt_node *node, uint32_t mode, uint64_t offset,
                     uint64_t len)
{
    ctx = ctx_or_root(ctx);
    int r = check_allocate(node, mode, offset, len);
    if (r == 0)
        r = check_writable(node->fs);
    if (r < 0)
        return r;
    if (!node->fs->ops->allocate)
        return LT_EOPNOTSUPP;
    r = node->fs->ops->allocate(ctx, node, mode, offset, len);
    bool moves = mode & (LT_FALLOC_COLLAPSE | LT_FALLOC_INSERT);
    if (r == 0)
        changed_data(ctx, node, offset, moves ? UINT64_MAX : len);
    return r;
}

int lt_node_seek(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                 enum lt_seek whence, uint64_t *ret)
{
    int r = check_data(node);
    if (r < 0)
        return r;
    if (whence != LT_SEEK_DATA && whence != LT_SEEK_HOLE)
        return LT_EINVAL;
    if (offset > LT_SIZE_MAX)
        return LT_ENXIO;
    if (!node->fs->ops->seek)
        return LT_EOPNOTSUPP;
    return node->fs->ops->seek(ctx_or_root(ctx), node, offset, whence, ret);
}

static int check_copy(const struct lt_node *from, uint64_t from_offset, const struct lt_node *to,
                      uint64_t to_offset, uint64_t len)
{
    int r = check_data(from);
    if (r == 0)
        r = check_data(to);
    if (r < 0)
        return r;
    if (from->fs != to->fs)
        return LT_EXDEV;
    if (from_offset > LT_SIZE_MAX || len > LT_SIZE_MAX - from_offset)
        return LT_EOVERFLOW;
    if (to_offset > LT_SIZE_MAX || len > LT_SIZE_MAX - to_offset)
        return LT_EFBIG;
    if (from == to && from_offset < to_offset + len && to_offset < from_offset + len)
        return LT_EINVAL;
    return check_writable(to->fs);
}

int lt_node_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                       struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_copy(from, from_offset, to, to_offset, len);
    if (r < 0)
        return r;
    if (!to->fs->ops->copy_range)
        return LT_EOPNOTSUPP;
    uint64_t copied = 0;
    if (len)
        r = to->fs->ops->copy_range(ctx, from, from_offset, to, to_offset, len, &copied);
    if (r < 0)
        return r;
    *ret = copied;
    if (copied)
        changed_data(ctx, to, to_offset, copied);
    return 0;
}

int lt_node_backing_get(const struct lt_ctx *ctx, struct lt_node *node, int *ret_fd)
{
    if (node->type != LT_S_IFREG || !node->fs->ops->backing_get)
        return LT_EOPNOTSUPP;
    return node->fs->ops->backing_get(ctx_or_root(ctx), node, ret_fd);
}

void lt_node_backing_put(struct lt_node *node)
{
    node->fs->ops->backing_put(node);
}
