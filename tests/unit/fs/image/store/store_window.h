/* SPDX-License-Identifier: MIT */
/* The kit of one store, and a device below it that outlives the store. */
#ifndef LT_TESTS_UNIT_FS_IMAGE_STORE_STORE_WINDOW_H
#define LT_TESTS_UNIT_FS_IMAGE_STORE_STORE_WINDOW_H

#include "store_kit.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

static struct kit kit;

/* Goes on with what a cut at this moment leaves if everything written has arrived. */
static inline void reopen_after_crash(void)
{
    struct lt_device *copy;
    assert_int_equal(lt_sim_cut(kit.dev, lt_sim_time(kit.dev), 0, &copy), 0);
    img_store_abandon(kit.store);
    kit.dev = copy;
    kit_open(&kit);
}

static inline struct img_store_stats stats(void)
{
    struct img_store_stats s;
    img_store_stats(kit.store, &s);
    return s;
}

/* A device that can be closed and opened again: it passes everything on to one that stays. */
struct window {
    struct lt_device base;
    struct lt_device *dev;
    bool closed;
};

static inline uint64_t window_size(struct lt_device *dev)
{
    return lt_device_size(((struct window *)dev)->dev);
}

static inline int window_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    return lt_device_read(((struct window *)dev)->dev, offset, buf, len);
}

static inline int window_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                               size_t count)
{
    return lt_device_write(((struct window *)dev)->dev, offset, segs, count);
}

static inline int window_flush(struct lt_device *dev)
{
    return lt_device_flush(((struct window *)dev)->dev);
}

static inline int window_range(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    (void)dev, (void)offset, (void)len;
    return LT_EOPNOTSUPP;
}

static inline int window_resize(struct lt_device *dev, uint64_t size)
{
    return lt_device_resize(((struct window *)dev)->dev, size);
}

static inline void window_close(struct lt_device *dev)
{
    ((struct window *)dev)->closed = true;
}

static const struct lt_device_ops window_ops = {
    .size = window_size,
    .read = window_read,
    .write = window_write,
    .flush = window_flush,
    .discard = window_range,
    .reserve = window_range,
    .resize = window_resize,
    .close = window_close,
};

static struct window window;

/* The kit's device becomes a window on a simulated one. */
static inline void window_begin(uint64_t size)
{
    memset(&kit, 0, sizeof(kit));
    kit.random = 99;
    kit.options = (struct img_store_options){.cache = 1 << 20};
    window = (struct window){.base.ops = &window_ops};
    assert_int_equal(lt_device_open_sim(size, &window.dev), 0);
    kit.dev = &window.base;
    kit_format(kit.dev, size, 4096, 0);
    kit_open(&kit);
}

static inline void window_end(void)
{
    kit_close(&kit);
    assert_true(window.closed);
    lt_device_close(window.dev);
}

#endif
