/* SPDX-License-Identifier: MIT */
/* A device in memory that outlives the volumes that close it, can fail its n-th call, and can be
 * reached into. */
#ifndef LT_TESTS_UNIT_FS_IMAGE_KEEPER_H
#define LT_TESTS_UNIT_FS_IMAGE_KEEPER_H

#include <device/memory.h>
#include <test.h>

struct keeper {
    struct lt_device dev; /* what the volume gets */
    struct lt_device *real;
    _Atomic(int64_t) left; /* calls until one fails; 0: none does */
    int error;
    bool for_good;
    atomic_bool failed;
};

static bool keeper_fails(struct keeper *k)
{
    if (atomic_load(&k->left) == 0)
        return false;
    if (atomic_fetch_sub(&k->left, 1) > 1)
        return false;
    atomic_store(&k->left, k->for_good ? 1 : 0);
    atomic_store(&k->failed, true);
    return true;
}

static uint64_t keeper_size(struct lt_device *dev)
{
    return lt_device_size(((struct keeper *)dev)->real);
}

static int keeper_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    struct keeper *k = (struct keeper *)dev;
    return keeper_fails(k) ? k->error : lt_device_read(k->real, offset, buf, len);
}

static int keeper_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                        size_t count)
{
    struct keeper *k = (struct keeper *)dev;
    return keeper_fails(k) ? k->error : lt_device_write(k->real, offset, segs, count);
}

static int keeper_flush(struct lt_device *dev)
{
    struct keeper *k = (struct keeper *)dev;
    return keeper_fails(k) ? k->error : lt_device_flush(k->real);
}

static int keeper_discard(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    return lt_device_discard(((struct keeper *)dev)->real, offset, len);
}

static int keeper_reserve(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    return lt_device_reserve(((struct keeper *)dev)->real, offset, len);
}

static int keeper_resize(struct lt_device *dev, uint64_t size)
{
    return lt_device_resize(((struct keeper *)dev)->real, size);
}

static void keeper_close(struct lt_device *dev)
{
    (void)dev;
}

static const struct lt_device_ops keeper_ops = {
    .size = keeper_size,
    .read = keeper_read,
    .write = keeper_write,
    .flush = keeper_flush,
    .discard = keeper_discard,
    .reserve = keeper_reserve,
    .resize = keeper_resize,
    .close = keeper_close,
};

static inline void keeper_open(struct keeper *k, uint64_t size)
{
    *k = (struct keeper){.dev = {.ops = &keeper_ops}};
    assert_int_equal(lt_device_open_memory(size, &k->real), 0);
}

static inline void keeper_end(struct keeper *k)
{
    lt_device_close(k->real);
}

/* Fails the n-th read, write or flush from now. */
static inline void keeper_fail(struct keeper *k, uint64_t n, int error, bool for_good)
{
    k->error = error;
    k->for_good = for_good;
    atomic_store(&k->failed, false);
    atomic_store(&k->left, (int64_t)n);
}

#endif
