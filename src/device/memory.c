// SPDX-License-Identifier: MIT
/*
 * The bytes lie in chunks of address space, made when they are first written to; the
 * system gives the pages of a chunk when they are touched.
 */
#include "memory.h"

#include <os/os.h>

#include <stdlib.h>

#define CHUNK ((uint64_t)4 << 20)

struct memory_device {
    struct lt_device dev;
    struct lt_rwlock lock;      /* read: use chunks and make new ones; write: resize */
    uint64_t size;              /* lock */
    _Atomic(uint8_t *) *chunks; /* lock; NULL: reads as zeros. From lt_pages_map(). */
};

static struct memory_device *memory_of(struct lt_device *dev)
{
    return (struct memory_device *)dev;
}

static uint64_t chunk_count(uint64_t size)
{
    return size / CHUNK + (size % CHUNK != 0);
}

static size_t table_size(uint64_t size)
{
    size_t bytes = chunk_count(size) * sizeof(_Atomic(uint8_t *));
    return (bytes + LT_PAGE_SIZE) / LT_PAGE_SIZE * LT_PAGE_SIZE; /* at least one page */
}

static uint64_t memory_size(struct lt_device *dev)
{
    struct memory_device *mem = memory_of(dev);
    lt_rwlock_read(&mem->lock);
    uint64_t size = mem->size;
    lt_rwlock_read_unlock(&mem->lock);
    return size;
}

static bool is_inside(const struct memory_device *mem, uint64_t offset, uint64_t len)
{
    return offset <= mem->size && len <= mem->size - offset;
}

/* Bytes from `offset` to the end of its chunk, at most len. */
static size_t in_chunk(uint64_t offset, uint64_t len)
{
    uint64_t left = CHUNK - offset % CHUNK;
    return (size_t)(len < left ? len : left);
}

static uint8_t *find_chunk(const struct memory_device *mem, uint64_t offset)
{
    return atomic_load_explicit(&mem->chunks[offset / CHUNK], memory_order_acquire);
}

static uint8_t *make_chunk(struct memory_device *mem, uint64_t offset)
{
    uint8_t *chunk = find_chunk(mem, offset);
    if (chunk)
        return chunk;
    uint8_t *made = lt_pages_map(CHUNK, LT_PAGE_SIZE);
    if (made && !atomic_compare_exchange_strong(&mem->chunks[offset / CHUNK], &chunk, made)) {
        lt_pages_unmap(made, CHUNK); /* another thread was faster */
        return chunk;
    }
    return made;
}

static int memory_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    struct memory_device *mem = memory_of(dev);
    char *to = buf;
    lt_rwlock_read(&mem->lock);
    int r = is_inside(mem, offset, len) ? 0 : LT_EINVAL;
    while (r == 0 && len) {
        size_t n = in_chunk(offset, len);
        const uint8_t *chunk = find_chunk(mem, offset);
        if (chunk)
            memcpy(to, chunk + offset % CHUNK, n);
        else
            memset(to, 0, n);
        to += n;
        offset += n;
        len -= n;
    }
    lt_rwlock_read_unlock(&mem->lock);
    return r;
}

static int write_seg(struct memory_device *mem, uint64_t offset, const struct lt_seg *seg)
{
    const char *from = seg->base;
    for (size_t left = seg->len; left;) {
        size_t n = in_chunk(offset, left);
        uint8_t *chunk = make_chunk(mem, offset);
        if (!chunk)
            return LT_ENOSPC;
        memcpy(chunk + offset % CHUNK, from, n);
        from += n;
        offset += n;
        left -= n;
    }
    return 0;
}

static int memory_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                        size_t count)
{
    struct memory_device *mem = memory_of(dev);
    uint64_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += segs[i].len;
    lt_rwlock_read(&mem->lock);
    int r = is_inside(mem, offset, len) ? 0 : LT_EINVAL;
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = write_seg(mem, offset, &segs[i]);
        offset += segs[i].len;
    }
    lt_rwlock_read_unlock(&mem->lock);
    return r;
}

static int memory_flush(struct lt_device *dev)
{
    (void)dev;
    return 0;
}

/* Zeros the range; pages that lie within it are given back. */
static void clear(struct memory_device *mem, uint64_t offset, uint64_t len)
{
    for (size_t n; len; offset += n, len -= n) {
        n = in_chunk(offset, len);
        uint8_t *chunk = find_chunk(mem, offset);
        if (!chunk)
            continue;
        size_t at = offset % CHUNK, end = at + n;
        size_t first = (at + LT_PAGE_SIZE - 1) / LT_PAGE_SIZE * LT_PAGE_SIZE;
        size_t last = end / LT_PAGE_SIZE * LT_PAGE_SIZE;
        if (first >= last) {
            memset(chunk + at, 0, n);
            continue;
        }
        memset(chunk + at, 0, first - at);
        lt_pages_discard(chunk + first, last - first);
        memset(chunk + last, 0, end - last);
    }
}

static int memory_discard(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    struct memory_device *mem = memory_of(dev);
    lt_rwlock_read(&mem->lock);
    int r = is_inside(mem, offset, len) ? 0 : LT_EINVAL;
    if (r == 0)
        clear(mem, offset, len);
    lt_rwlock_read_unlock(&mem->lock);
    return r;
}

/* Memory is promised by no system. */
static int memory_reserve(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    (void)dev;
    (void)offset;
    (void)len;
    return LT_EOPNOTSUPP;
}

static void unmap_chunks(_Atomic(uint8_t *) *chunks, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        uint8_t *chunk = atomic_load_explicit(&chunks[i], memory_order_relaxed);
        if (chunk)
            lt_pages_unmap(chunk, CHUNK);
    }
}

static int memory_resize(struct lt_device *dev, uint64_t size)
{
    struct memory_device *mem = memory_of(dev);
    _Atomic(uint8_t *) *chunks = lt_pages_map(table_size(size), LT_PAGE_SIZE);
    if (!chunks)
        return LT_ENOSPC;
    lt_rwlock_write(&mem->lock);
    uint64_t old = chunk_count(mem->size), new = chunk_count(size);
    if (size < mem->size)
        clear(mem, size, mem->size - size);
    unmap_chunks(mem->chunks, new, old);
    for (uint64_t i = 0; i < old && i < new; i++) {
        uint8_t *chunk = find_chunk(mem, i * CHUNK);
        if (chunk)
            atomic_store_explicit(&chunks[i], chunk, memory_order_relaxed);
    }
    lt_pages_unmap((void *)mem->chunks, table_size(mem->size));
    mem->chunks = chunks;
    mem->size = size;
    lt_rwlock_write_unlock(&mem->lock);
    return 0;
}

static void memory_close(struct lt_device *dev)
{
    struct memory_device *mem = memory_of(dev);
    unmap_chunks(mem->chunks, 0, chunk_count(mem->size));
    lt_pages_unmap((void *)mem->chunks, table_size(mem->size));
    free(mem);
}

static const struct lt_device_ops memory_ops = {
    .size = memory_size,
    .read = memory_read,
    .write = memory_write,
    .flush = memory_flush,
    .discard = memory_discard,
    .reserve = memory_reserve,
    .resize = memory_resize,
    .close = memory_close,
};

int lt_device_open_memory(uint64_t size, struct lt_device **ret)
{
    struct memory_device *mem = calloc(1, sizeof(*mem));
    _Atomic(uint8_t *) *chunks = mem ? lt_pages_map(table_size(size), LT_PAGE_SIZE) : NULL;
    if (!chunks) {
        free(mem);
        return LT_ENOMEM;
    }
    mem->dev.ops = &memory_ops;
    mem->size = size;
    mem->chunks = chunks;
    *ret = &mem->dev;
    return 0;
}
