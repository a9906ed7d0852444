// SPDX-License-Identifier: MIT
#include "lend.h"

#include <stdlib.h>

struct lent {
    struct lt_device base;
    struct lt_device *dev;
};

static struct lt_device *lender(struct lt_device *dev)
{
    return ((struct lent *)dev)->dev;
}

static uint64_t lent_size(struct lt_device *dev)
{
    return lt_device_size(lender(dev));
}

static int lent_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    return lt_device_read(lender(dev), offset, buf, len);
}

static int lent_file(struct lt_device *dev)
{
    return lt_device_file(lender(dev));
}

static int lent_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                      size_t count)
{
    return lt_device_write(lender(dev), offset, segs, count);
}

static int lent_write_through(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                              size_t count)
{
    return lt_device_write_through(lender(dev), offset, segs, count);
}

static int lent_flush(struct lt_device *dev)
{
    return lt_device_flush(lender(dev));
}

static int lent_discard(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    return lt_device_discard(lender(dev), offset, len);
}

static int lent_reserve(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    return lt_device_reserve(lender(dev), offset, len);
}

static int lent_resize(struct lt_device *dev, uint64_t size)
{
    return lt_device_resize(lender(dev), size);
}

static void lent_close(struct lt_device *dev)
{
    free(dev);
}

struct lt_device *lt_device_lend(struct lt_device *dev)
{
    static const struct lt_device_ops ops = {
        .size = lent_size,
        .read = lent_read,
        .file = lent_file,
        .write = lent_write,
        .write_through = lent_write_through,
        .flush = lent_flush,
        .discard = lent_discard,
        .reserve = lent_reserve,
        .resize = lent_resize,
        .close = lent_close,
    };
    struct lent *lent = malloc(sizeof(*lent));
    if (!lent)
        return NULL;
    *lent = (struct lent){.base = {.ops = &ops, .read_only = dev->read_only}, .dev = dev};
    return &lent->base;
}
