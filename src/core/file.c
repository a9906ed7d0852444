// SPDX-License-Identifier: MIT
/* Open files in use. */
#include "file.h"

#include "value.h"
#include "walk.h"

#include <lintel/access.h>
#include <lintel/path.h>

struct lt_node *lt_file_node(struct lt_file *file)
{
    return file->node;
}

uint32_t lt_file_flags(struct lt_file *file)
{
    return file->flags;
}

/* ---- Data ---------------------------------------------------------------------------------- */

/* What reading from a file that is no data says. */
static int check_readable(const struct lt_file *file)
{
    if (!file_may_read(file))
        return LT_EBADF;
    return file->node->type == LT_S_IFDIR ? LT_EISDIR : 0;
}

int64_t lt_file_pread(struct lt_file *file, void *buf, size_t len, uint64_t offset)
{
    size_t done = 0;
    int r = check_readable(file);
    if (r == 0 && (offset > LT_SIZE_MAX || len > LT_SIZE_MAX))
        r = LT_EINVAL;
    while (r == 0 && done < len) {
        size_t want = len - done < LT_IO_MAX ? len - done : LT_IO_MAX;
        int got = lt_node_pread(&file->ctx, file->node, offset + done, (char *)buf + done, want);
        if (got < 0)
            r = got;
        else
            done += (size_t)got;
        if (got < (int)want)
            break;
    }
    return done ? (int64_t)done : r;
}

int64_t lt_file_read(struct lt_file *file, void *buf, size_t len)
{
    lt_mutex_lock(&file->lock);
    int64_t r = lt_file_pread(file, buf, len, file->position);
    if (r > 0)
        file->position += (uint64_t)r;
    lt_mutex_unlock(&file->lock);
    return r;
}

/* Writes in pieces of LT_IO_MAX: an append too is atomic up to that size. Moves *offset to the end
 * of what was written. */
static int64_t write_at(struct lt_file *file, const char *buf, size_t len, uint64_t *offset)
{
    struct lt_write w = {.offset = *offset, .count = 1};
    w.flags |= file->flags & LT_O_APPEND ? LT_WRITE_APPEND : 0;
    w.flags |= file->ctx.uid != 0 ? LT_WRITE_KILL_PRIV : 0;
    size_t done = 0;
    int r = file_may_write(file) ? 0 : LT_EBADF;
    if (r == 0 && len > LT_SIZE_MAX)
        r = LT_EINVAL;
    while (r == 0 && done < len) {
        size_t want = len - done < LT_IO_MAX ? len - done : LT_IO_MAX;
        struct lt_seg seg = {(void *)(uintptr_t)(buf + done), want};
        w.segs = &seg;
        r = lt_node_write(&file->ctx, file->node, &w);
        if (r <= 0)
            break;
        done += (size_t)r;
        w.offset = *offset = w.ret_offset + (uint64_t)r;
        if ((size_t)r < want)
            break;
        r = 0;
    }
    return done ? (int64_t)done : r;
}

/* LT_O_DSYNC, LT_O_SYNC. */
static int64_t sync_written(struct lt_file *file, int64_t written)
{
    if (written <= 0 || !(file->flags & LT_O_DSYNC))
        return written;
    int r = lt_file_sync(file, (file->flags & LT_O_SYNC) != LT_O_SYNC);
    return r < 0 ? r : written;
}

int64_t lt_file_pwrite(struct lt_file *file, const void *buf, size_t len, uint64_t offset)
{
    if (offset > LT_SIZE_MAX)
        return LT_EINVAL;
    return sync_written(file, write_at(file, buf, len, &offset));
}

int64_t lt_file_write(struct lt_file *file, const void *buf, size_t len)
{
    lt_mutex_lock(&file->lock);
    int64_t r = write_at(file, buf, len, &file->position);
    lt_mutex_unlock(&file->lock);
    return sync_written(file, r);
}

/* The position that `offset` from `base` is, or LT_EINVAL, LT_EOVERFLOW. */
static int64_t offset_from(uint64_t base, int64_t offset)
{
    if (offset < 0)
        return (uint64_t) - (offset + 1) < base ? (int64_t)(base - (uint64_t)-offset) : LT_EINVAL;
    return (uint64_t)offset <= LT_SIZE_MAX - base ? (int64_t)(base + (uint64_t)offset)
                                                  : LT_EOVERFLOW;
}

static int64_t seek_locked(struct lt_file *file, int64_t offset, int whence) REQUIRES(file->lock)
{
    struct lt_attr attr;
    uint64_t found = 0;
    int r = 0;
    switch (whence) {
    case LT_SEEK_SET:
        return offset >= 0 ? offset : LT_EINVAL;
    case LT_SEEK_CUR:
        return offset_from(file->position, offset);
    case LT_SEEK_END:
        r = lt_node_getattr(&file->ctx, file->node, &attr);
        return r < 0 ? r : offset_from(attr.size, offset);
    case LT_SEEK_DATA:
    case LT_SEEK_HOLE:
        if (offset < 0)
            return LT_ENXIO;
        r = lt_node_seek(&file->ctx, file->node, (uint64_t)offset, (enum lt_seek)whence, &found);
        return r < 0 ? r : (int64_t)found;
    default:
        return LT_EINVAL;
    }
}

int64_t lt_file_seek(struct lt_file *file, int64_t offset, int whence)
{
    if (file->flags & LT_O_PATH)
        return LT_EBADF;
    lt_mutex_lock(&file->lock);
    int64_t r = seek_locked(file, offset, whence);
    if (r >= 0)
        file->position = (uint64_t)r;
    lt_mutex_unlock(&file->lock);
    return r;
}

int lt_file_truncate(struct lt_file *file, uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    return lt_file_setattr(file, &set);
}

int lt_file_allocate(struct lt_file *file, uint32_t mode, uint64_t offset, uint64_t len)
{
    if (!file_may_write(file))
        return LT_EBADF;
    return lt_node_allocate(&file->ctx, file->node, mode, offset, len);
}

int lt_file_sync(struct lt_file *file, bool data_only)
{
    if (file->flags & LT_O_PATH)
        return LT_EBADF;
    return lt_node_sync(&file->ctx, file->node, data_only);
}

int64_t lt_file_copy_range(struct lt_file *from, uint64_t from_offset, struct lt_file *to,
                           uint64_t to_offset, uint64_t len)
{
    uint64_t copied = 0;
    if (!file_may_read(from) || !file_may_write(to) || (to->flags & LT_O_APPEND))
        return LT_EBADF;
    int r =
        lt_node_copy_range(&to->ctx, from->node, from_offset, to->node, to_offset, len, &copied);
    return r < 0 ? r : (int64_t)copied;
}

/* ---- Metadata ------------------------------------------------------------------------------ */

int lt_file_stat(struct lt_file *file, struct lt_attr *ret)
{
    return lt_node_getattr(&file->ctx, file->node, ret);
}

/* The right to change the size came with the open; everything else is asked for now. */
static int check_setattr(struct lt_file *file, struct lt_setattr *set)
{
    struct lt_attr attr;
    struct lt_value acl;
    uint32_t size = set->mask & LT_SET_SIZE;
    if (size && !file_may_write(file))
        return file->flags & LT_O_PATH ? LT_EBADF : LT_EINVAL;
    int r = lt_node_getattr(&file->ctx, file->node, &attr);
    if (r == 0)
        r = lt_value_acl(&file->ctx, file->node, &attr, &acl);
    if (r < 0)
        return r;
    set->mask &= ~(uint32_t)LT_SET_SIZE;
    r = lt_access_setattr(&file->ctx, &attr, lt_value_str(&acl), set);
    lt_value_free(&acl);
    set->mask |= size;
    if (size && !(set->mask & LT_SET_MTIME))
        set->mask |= LT_SET_MTIME_NOW; /* ftruncate() always, truncate() if the size changes */
    if (size && (file->ctx.uid != 0 || (attr.has & LT_HAS_CAPABILITY)))
        set->mask |= LT_SET_KILL_PRIV;
    return r;
}

int lt_file_setattr(struct lt_file *file, const struct lt_setattr *set)
{
    struct lt_setattr full = *set;
    int r = check_setattr(file, &full);
    return r < 0 ? r : lt_node_setattr(&file->ctx, file->node, &full, NULL);
}

int lt_file_link(struct lt_file *file, struct lt_node *base, const char *path)
{
    struct lt_entry from = {.node = file->node};
    int r = lt_node_getattr(&file->ctx, file->node, &from.attr);
    return r < 0 ? r : lt_walk_link(&file->ctx, &from, base, path);
}

int lt_file_lock(struct lt_file *file, enum lt_lock_type type, uint64_t start, uint64_t len,
                 bool wait)
{
    if ((type == LT_LOCK_SHARED && !file_may_read(file)) ||
        (type == LT_LOCK_EXCLUSIVE && !file_may_write(file)) || (file->flags & LT_O_PATH))
        return LT_EBADF;
    struct lt_lock lock = {.kind = LT_LOCK_OFD,
                           .type = type,
                           .start = start,
                           .end = len == 0 || len - 1 > UINT64_MAX - start ? UINT64_MAX
                                                                           : start + len - 1,
                           .owner = (uintptr_t)file,
                           .pid = file->ctx.pid};
    return lt_lock_set(&file->ctx, file->node, &lock, wait);
}
