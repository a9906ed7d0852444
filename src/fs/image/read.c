// SPDX-License-Identifier: MIT
/*
 * Reading: pending blocks and INLINE items are copied, extents read from the device into the
 * memory of the caller. The store's lock is held only to find out where they are; that they stay
 * there the node's lock sees to.
 */
#include "map.h"
#include "ops.h"
#include "pending.h"

#include <base/hash.h>
#include <base/wire.h>
#include <stdlib.h>

/* Reads of fewer bytes are copied: it takes fewer system calls. */
#define FROM_FILE_MIN (64u << 10)
#define FETCH_ROWS 16u /* that are looked up under one lock */
#define CHECKS_MAX (FETCH_ROWS * IMG_CHECKED_BLOCKS_MAX)

/* Bytes in a row on the device. */
struct row {
    uint64_t block;
    uint64_t skip; /* bytes from its start */
    uint8_t *to;
    size_t len;
    size_t checks; /* index of that of `block` */
};

struct fetch {
    struct img_node *node;
    struct img_store *store;
    uint64_t offset;
    uint8_t *to;
    size_t len;
    size_t rows, check_count;
    struct row row[FETCH_ROWS];
    struct lt_le32 checks[CHECKS_MAX];
};

static size_t advance(struct fetch *f, size_t len)
{
    f->offset += len;
    f->to += len;
    f->len -= len;
    return len;
}

/* ---- Looking up ---------------------------------------------------------------------------- */

/* What is in memory: a pending block, or the INLINE item. Returns how many bytes it copied. */
static size_t fetch_pending(struct fetch *f, const struct img_block *block)
{
    uint32_t size = img_block_size(f->store), skip = (uint32_t)(f->offset % size);
    size_t len = (size_t)img_min(f->len, size - skip);
    memcpy(f->to, block->bytes + skip, len);
    return advance(f, len);
}

/* Copies what the INLINE item has of a hole at the file's beginning; zeros follow. */
static int fetch_hole(struct fetch *f, size_t len) REQUIRES_SHARED(img_items)
{
    const void *value;
    size_t have = 0;
    int r =
        f->offset < img_block_size(f->store) ? img_map_inline(f->node, &value, &have) : LT_ENOENT;
    if (r < 0 && r != LT_ENOENT)
        return r;
    size_t part = r == 0 && f->offset < have ? (size_t)img_min(have - f->offset, len) : 0;
    if (part > 0)
        memcpy(f->to, (const uint8_t *)value + f->offset, part);
    memset(f->to + part, 0, len - part);
    advance(f, len);
    return 0;
}

/* Notes where to read a run of written blocks; its checks are copied. */
static void fetch_run(struct fetch *f, const struct img_run *run, size_t len)
{
    uint32_t size = img_block_size(f->store);
    uint64_t skip = f->offset % size, blocks = (skip + len + size - 1) / size;
    f->row[f->rows++] = (struct row){
        .block = run->block, .skip = skip, .to = f->to, .len = len, .checks = f->check_count};
    if (run->checks) {
        memcpy(&f->checks[f->check_count], run->checks, blocks * sizeof(f->checks[0]));
        f->check_count += blocks;
    }
    advance(f, len);
}

/* Copies what is in memory and notes what is not, until enough is noted. */
static int look_up(struct fetch *f) NO_THREAD_SAFETY_ANALYSIS
{
    struct img_node *node = f->node;
    uint32_t size = img_block_size(f->store);
    f->rows = f->check_count = 0;
    while (f->len > 0 && f->rows < FETCH_ROWS) {
        uint64_t index = f->offset / size;
        size_t at = img_pending_at(node, index);
        const struct img_block *next =
            node->pending && at < node->pending->count ? &node->pending->blocks[at] : NULL;
        if (next && next->index == index) {
            fetch_pending(f, next);
            continue;
        }
        struct img_run run;
        int r = img_map_find(node, index, &run);
        if (r < 0)
            return r;
        uint64_t end = next ? img_min(index + run.count, next->index) : index + run.count;
        size_t len = (size_t)img_min(f->len, (end - index) * size - f->offset % size);
        if (run.block != 0 && !run.unwritten)
            fetch_run(f, &run, len);
        else
            r = fetch_hole(f, len);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- Reading from the device --------------------------------------------------------------- */

static bool check_block(const struct fetch *f, const struct row *row, uint64_t i, const void *bytes)
{
    return lt_crc32c(0, bytes, img_block_size(f->store)) == lt_get_le32(f->checks[row->checks + i]);
}

/* Reads a part of one block of a row: the whole block is needed to verify it. */
static int read_part(const struct fetch *f, const struct row *row, uint64_t i, uint32_t skip,
                     uint8_t *to, size_t len)
{
    uint32_t size = img_block_size(f->store);
    uint8_t *block = malloc(size);
    if (!block)
        return LT_ENOMEM;
    int r = img_data_read(f->store, row->block + i, 0, block, size);
    if (r == 0 && !check_block(f, row, i, block))
        r = LT_EIO;
    if (r == 0)
        memcpy(to, block + skip, len);
    free(block);
    return r;
}

/* Reads whole blocks where they go, and parts of the first and last by way of memory. */
static int read_checked(const struct fetch *f, const struct row *row)
{
    uint32_t size = img_block_size(f->store);
    uint8_t *to = row->to;
    size_t len = row->len;
    uint64_t i = 0;
    int r = 0;
    if (row->skip > 0) {
        size_t part = (size_t)img_min(len, size - row->skip);
        r = read_part(f, row, i++, (uint32_t)row->skip, to, part);
        to += part;
        len -= part;
    }
    size_t whole = len / size * size;
    if (r == 0 && whole > 0)
        r = img_data_read(f->store, row->block + i, 0, to, whole);
    for (; r == 0 && len >= size; i++, to += size, len -= size) {
        if (!check_block(f, row, i, to))
            r = LT_EIO;
    }
    if (r == 0 && len > 0)
        r = read_part(f, row, i, 0, to, len);
    return r;
}

static int read_rows(const struct fetch *f)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < f->rows; i++) {
        const struct row *row = &f->row[i];
        r = f->check_count > 0 ? read_checked(f, row)
                               : img_data_read(f->store, row->block, row->skip, row->to, row->len);
    }
    return r;
}

static void fetch_init(struct fetch *f, struct img_node *node, uint64_t offset, uint8_t *to,
                       size_t len)
{
    f->node = node;
    f->store = img_fs_of(node)->store;
    f->offset = offset;
    f->to = to;
    f->len = len;
    f->rows = 0;
}

/* Reads all of it, but for the rows that were looked up already. */
static int fetch_all(struct fetch *f)
{
    int r = read_rows(f);
    while (r == 0 && f->len > 0) {
        img_read_lock(f->store);
        r = look_up(f);
        img_read_unlock(f->store);
        if (r == 0)
            r = read_rows(f);
    }
    return r;
}

int img_data_fetch(struct img_node *node, uint64_t offset, uint8_t *to, size_t len)
{
    struct fetch f;
    fetch_init(&f, node, offset, to, len);
    return fetch_all(&f);
}

/* ---- Operations ---------------------------------------------------------------------------- */

static uint64_t size_of(struct img_node *node)
{
    struct img_store *store = img_fs_of(node)->store;
    img_read_lock(store);
    uint64_t size = node->inode.size;
    img_read_unlock(store);
    return size;
}

/* Lets the sink take the rows from the file that the image is, if they are all that is wanted and
 * nothing has to be verified. LT_EOPNOTSUPP: it has to be read. */
static int give_file(const struct fetch *f, size_t len, struct lt_sink *sink)
{
    struct lt_file_range ranges[FETCH_ROWS];
    size_t total = 0;
    for (size_t i = 0; i < f->rows; i++) {
        const struct row *row = &f->row[i];
        ranges[i].offset = row->block * img_block_size(f->store) + row->skip;
        ranges[i].len = row->len;
        total += row->len;
    }
    if (total < len || f->check_count > 0)
        return LT_EOPNOTSUPP;
    int fd = img_data_file(f->store);
    return fd < 0 ? fd : sink->put_file(sink, fd, ranges, f->rows, len);
}

/* Reads into the sink's memory if it has enough, else into some of our own. */
static int read_locked(struct img_node *node, uint64_t offset, size_t len, struct lt_sink *sink)
    REQUIRES_SHARED(node->lock)
{
    bool borrowed = sink->room && sink->room_len >= len;
    void *to = borrowed || len == 0 ? sink->room : malloc(len);
    if (!to && len > 0)
        return LT_ENOMEM;
    struct lt_seg seg = {to, len};
    struct fetch f;
    fetch_init(&f, node, offset, to, len);
    int r = LT_EOPNOTSUPP;
    if (sink->put_file && len >= FROM_FILE_MIN) {
        img_read_lock(f.store);
        r = look_up(&f);
        img_read_unlock(f.store);
        r = r < 0 ? r : give_file(&f, len, sink);
    }
    if (r == LT_EOPNOTSUPP) {
        r = fetch_all(&f);
        r = r < 0 ? r : sink->put(sink, &seg, len > 0, len);
    }
    if (!borrowed && len > 0)
        free(to);
    return r < 0 ? r : (int)len;
}

int imgfs_read(const struct lt_ctx *ctx, struct lt_node *base, uint64_t offset, size_t len,
               struct lt_sink *sink)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    lt_rwlock_read(&node->lock);
    uint64_t size = size_of(node);
    if (offset >= size)
        len = 0;
    else
        len = (size_t)img_min(len, size - offset);
    int r = read_locked(node, offset, len, sink);
    lt_rwlock_read_unlock(&node->lock);
    if (r >= 0)
        img_accessed(img_main(node));
    return r;
}

/* ---- Data and holes ------------------------------------------------------------------------ */

int img_data_probe(struct img_node *node, uint64_t index, bool *ret_data, uint64_t *ret_end)
{
    const struct img_pending *p = node->pending;
    size_t at = img_pending_at(node, index);
    const void *value;
    struct img_run run;
    size_t len;
    if (p && at < p->count && p->blocks[at].index == index) {
        *ret_data = true;
        *ret_end = index + 1;
        return 0;
    }
    int r = img_map_find(node, index, &run);
    if (r < 0)
        return r;
    *ret_data = run.block != 0 && !run.unwritten;
    *ret_end = index + run.count;
    if (p && at < p->count)
        *ret_end = img_min(*ret_end, p->blocks[at].index);
    if (index > 0 || run.block != 0)
        return 0;
    r = img_map_inline(node, &value, &len);
    if (r == 0) {
        *ret_data = true;
        *ret_end = 1;
    }
    return r == LT_ENOENT ? 0 : r;
}

static int seek_locked(struct img_node *node, uint64_t offset, enum lt_seek whence, uint64_t *ret)
    REQUIRES_SHARED(img_items) REQUIRES_SHARED(node->lock)
{
    uint64_t size = node->inode.size;
    uint32_t block = img_block_size(img_fs_of(node)->store);
    bool data = false, wanted = whence == LT_SEEK_DATA;
    uint64_t at = offset, end;
    if (offset >= size)
        return LT_ENXIO;
    while (at < size) {
        int r = img_data_probe(node, at / block, &data, &end);
        if (r < 0)
            return r;
        if (data == wanted)
            break;
        at = end >= img_map_limit(node) ? size : end * block;
    }
    if (at >= size && wanted)
        return LT_ENXIO;
    *ret = img_min(at, size);
    return 0;
}

int imgfs_seek(const struct lt_ctx *ctx, struct lt_node *base, uint64_t offset, enum lt_seek whence,
               uint64_t *ret)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_store *store = img_fs_of(node)->store;
    lt_rwlock_read(&node->lock);
    img_read_lock(store);
    int r = seek_locked(node, offset, whence, ret);
    img_read_unlock(store);
    lt_rwlock_read_unlock(&node->lock);
    return r;
}
