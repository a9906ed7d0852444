/* SPDX-License-Identifier: MIT */
/*
 * What an image lies on: a row of bytes that can be read, written, made durable,
 * given back and resized. Implementations: file.h, memory.h, and for tests sim.h.
 *
 * Any thread may call any of these at any time; writes that overlap in time and
 * place leave either's bytes. Offsets and lengths are bytes, of any alignment.
 * Errors are lt_errors: LT_EIO, LT_ENOSPC (the host's disk is full), LT_EROFS
 * (opened for reading), LT_EINVAL (outside of the device).
 */
#ifndef LT_DEVICE_DEVICE_H
#define LT_DEVICE_DEVICE_H

#include <lintel/error.h>
#include <lintel/types.h>

struct lt_device;

struct lt_device_ops {
    /* Bytes. */
    uint64_t (*size)(struct lt_device *dev);
    /* All `len` bytes or an error. */
    int (*read)(struct lt_device *dev, uint64_t offset, void *buf, size_t len);
    /* NULL, or a descriptor of the operating system through which the device's bytes can be read at
     * the same offsets; it stays the device's. LT_EOPNOTSUPP: there is none. */
    int (*file)(struct lt_device *dev);
    /* All segments, one behind the other from `offset`, or an error; then any part may be written.
     */
    int (*write)(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs, size_t count);
    /* The same, and what was written is durable; other writes need not be. LT_ENOSPC: as write()
     * says it, whatever else fails is another error. NULL: a write and a flush. */
    int (*write_through)(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                         size_t count);
    /* Every write that returned before this call is durable when it returns. */
    int (*flush)(struct lt_device *dev);
    /* The content no longer matters: the host may take its space back. What is read there
     * afterwards is unspecified. A hint: where the host cannot, nothing happens. */
    int (*discard)(struct lt_device *dev, uint64_t offset, uint64_t len);
    /* Writing there will not fail for want of host space. LT_EOPNOTSUPP where it cannot be told. */
    int (*reserve)(struct lt_device *dev, uint64_t offset, uint64_t len);
    /* Grows with zeros, or cuts; durable with the next flush. */
    int (*resize)(struct lt_device *dev, uint64_t size);
    /* Frees dev, without flushing. */
    void (*close)(struct lt_device *dev);
};

struct lt_device {
    const struct lt_device_ops *ops; /* immutable */
    bool read_only;                  /* immutable */
};

static inline uint64_t lt_device_size(struct lt_device *dev)
{
    return dev->ops->size(dev);
}

static inline int lt_device_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    return dev->ops->read(dev, offset, buf, len);
}

static inline int lt_device_file(struct lt_device *dev)
{
    return dev->ops->file ? dev->ops->file(dev) : LT_EOPNOTSUPP;
}

static inline int lt_device_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                                  size_t count)
{
    return dev->ops->write(dev, offset, segs, count);
}

static inline int lt_device_put(struct lt_device *dev, uint64_t offset, const void *buf, size_t len)
{
    struct lt_seg seg = {(void *)(uintptr_t)buf, len};
    return dev->ops->write(dev, offset, &seg, 1);
}

static inline int lt_device_flush(struct lt_device *dev)
{
    return dev->ops->flush(dev);
}

static inline int lt_device_write_through(struct lt_device *dev, uint64_t offset,
                                          const struct lt_seg *segs, size_t count)
{
    if (dev->ops->write_through)
        return dev->ops->write_through(dev, offset, segs, count);
    int r = dev->ops->write(dev, offset, segs, count);
    if (r < 0)
        return r;
    r = dev->ops->flush(dev);
    return r == LT_ENOSPC ? LT_EIO : r;
}

static inline int lt_device_discard(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    return dev->ops->discard(dev, offset, len);
}

static inline int lt_device_reserve(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    return dev->ops->reserve(dev, offset, len);
}

static inline int lt_device_resize(struct lt_device *dev, uint64_t size)
{
    return dev->ops->resize(dev, size);
}

static inline void lt_device_close(struct lt_device *dev)
{
    if (dev)
        dev->ops->close(dev);
}

#endif
