// SPDX-License-Identifier: MIT
#include "file.h"

#include <os/disk.h>
#include <os/os.h>

#include <inttypes.h>
#include <stdlib.h>

struct file_device {
    struct lt_device dev;
    struct lt_disk *disk;   /* immutable */
    _Atomic(uint64_t) size; /* as we know it: what others do to the file shows as LT_EIO */
};

static struct file_device *file_of(struct lt_device *dev)
{
    return (struct file_device *)dev;
}

static uint64_t file_size(struct lt_device *dev)
{
    return atomic_load_explicit(&file_of(dev)->size, memory_order_acquire);
}

static bool is_inside(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    uint64_t size = file_size(dev);
    return offset <= size && len <= size - offset;
}

/* 0 if the range may be changed. */
static int check_change(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    if (dev->read_only)
        return LT_EROFS;
    return is_inside(dev, offset, len) ? 0 : LT_EINVAL;
}

static int file_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    if (!is_inside(dev, offset, len))
        return LT_EINVAL;
    return lt_disk_read(file_of(dev)->disk, offset, buf, len);
}

static int file_file(struct lt_device *dev)
{
    return lt_disk_fd(file_of(dev)->disk);
}

static uint64_t total(const struct lt_seg *segs, size_t count)
{
    uint64_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += segs[i].len;
    return len;
}

static int file_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                      size_t count)
{
    int r = check_change(dev, offset, total(segs, count));
    return r < 0 ? r : lt_disk_write(file_of(dev)->disk, offset, segs, count);
}

static int file_write_through(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                              size_t count)
{
    int r = check_change(dev, offset, total(segs, count));
    return r < 0 ? r : lt_disk_write_through(file_of(dev)->disk, offset, segs, count);
}

static int file_flush(struct lt_device *dev)
{
    return lt_disk_flush(file_of(dev)->disk);
}

static int file_discard(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    int r = check_change(dev, offset, len);
    if (r == 0 && len)
        (void)lt_disk_discard(file_of(dev)->disk, offset, len); /* a hint */
    return r;
}

static int file_reserve(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    int r = check_change(dev, offset, len);
    return r < 0 || !len ? r : lt_disk_reserve(file_of(dev)->disk, offset, len);
}

static int file_resize(struct lt_device *dev, uint64_t size)
{
    if (dev->read_only)
        return LT_EROFS;
    int r = lt_disk_resize(file_of(dev)->disk, size);
    if (r == 0)
        atomic_store_explicit(&file_of(dev)->size, size, memory_order_release);
    return r;
}

static void file_close(struct lt_device *dev)
{
    lt_disk_close(file_of(dev)->disk);
    free(dev);
}

static const struct lt_device_ops file_ops = {
    .size = file_size,
    .read = file_read,
    .file = file_file,
    .write = file_write,
    .write_through = file_write_through,
    .flush = file_flush,
    .discard = file_discard,
    .reserve = file_reserve,
    .resize = file_resize,
    .close = file_close,
};

static int explain_busy(struct lt_disk *disk, const char *path, struct lt_diag *diag)
{
    struct lt_disk_holder holder;
    if (lt_disk_holder(disk, &holder) < 0)
        return lt_diag_set(diag, LT_EBUSY, "%s is in use by another process", path);
    return lt_diag_set(diag, LT_EBUSY, "%s is in use by %s (process %" PRId64 ")", path,
                       holder.program, holder.pid);
}

int lt_device_open_file(const char *path, uint32_t flags, struct lt_device **ret,
                        struct lt_diag *diag)
{
    struct lt_disk *disk;
    bool read_only = flags & LT_DEVICE_READ_ONLY;
    int r = lt_disk_open(path, read_only, flags & LT_DEVICE_CREATE, flags & LT_DEVICE_EXCL, &disk);
    if (r < 0)
        return lt_diag_set(diag, r, "cannot open %s: %s", path, lt_error_text(r));
    uint64_t size;
    r = lt_disk_lock(disk, !read_only);
    if (r == LT_EBUSY)
        r = explain_busy(disk, path, diag);
    else if (r < 0)
        lt_diag_set(diag, r, "cannot lock %s: %s", path, lt_error_text(r));
    else if ((r = lt_disk_size(disk, &size)) < 0)
        lt_diag_set(diag, r, "cannot tell the size of %s: %s", path, lt_error_text(r));
    struct file_device *file = r == 0 ? malloc(sizeof(*file)) : NULL;
    if (!file) {
        lt_disk_close(disk);
        return r < 0 ? r : lt_diag_set(diag, LT_ENOMEM, "%s", lt_error_text(LT_ENOMEM));
    }
    *file = (struct file_device){{&file_ops, read_only}, disk, size};
    *ret = &file->dev;
    return 0;
}
