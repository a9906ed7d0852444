// SPDX-License-Identifier: MIT
#include "backed.h"

#include <os/hidden.h>
#include <stdlib.h>

#define SMALL_FILE (64u << 10) /* bytes up to which a file moves back when it is closed */
#define STEP_PAGES                                                                 \
    ((4u << 20) / MEM_PAGE) /* the arena's limit is kept so much above what it has \
                             */

/* ---- One limit ------------------------------------------------------------------------------- */

uint64_t mem_backed_used(struct mem_fs *fs)
{
    struct lt_hidden *store = atomic_load(&fs->backed.store);
    return store ? lt_hidden_used(store) : 0;
}

/* Gives the tmpfs `pages`; fails if it has more already. */
static bool set_share(struct mem_fs *fs, uint64_t pages) REQUIRES(fs->backed.lock)
{
    if (lt_hidden_set_limit(fs->backed.store, pages * MEM_PAGE) < 0)
        return false;
    atomic_store(&fs->arena.limit, fs->backed.total - pages);
    return true;
}

uint64_t mem_backed_total(struct mem_fs *fs)
{
    lt_mutex_lock(&fs->backed.lock);
    uint64_t total = fs->backed.total;
    lt_mutex_unlock(&fs->backed.lock);
    return total;
}

/* Shares the limit out anew. True if the arena may take `pages` more now (mem_arena.more). */
static bool rebalance(void *arg, uint64_t pages)
{
    struct mem_fs *fs = arg;
    if (!atomic_load(&fs->backed.store))
        return false;
    lt_mutex_lock(&fs->backed.lock);
    uint64_t total = fs->backed.total, want = mem_arena_used(&fs->arena) + pages;
    uint64_t theirs = lt_hidden_used(fs->backed.store) / MEM_PAGE;
    bool fits = want <= total && theirs <= total - want;
    uint64_t spare = fits ? total - want - theirs : 0;
    if (fits)
        fits = set_share(fs, total - want - (spare < STEP_PAGES ? spare : STEP_PAGES));
    lt_mutex_unlock(&fs->backed.lock);
    return fits;
}

/* Makes the tmpfs with the first file that needs it. */
static int open_store(struct mem_fs *fs, struct lt_hidden **ret)
{
    lt_mutex_lock(&fs->backed.lock);
    struct lt_hidden *store = fs->backed.store;
    int r = 0;
    if (!store) {
        uint64_t used = mem_arena_used(&fs->arena);
        r = lt_hidden_open((fs->arena.limit - used) * MEM_PAGE, &store);
        if (r == 0)
            atomic_store(&fs->backed.store, store);
    }
    lt_mutex_unlock(&fs->backed.lock);
    if (r < 0)
        return r;
    /* What the arena does not need any more is theirs. */
    if (fs->arena.limit - mem_arena_used(&fs->arena) > 2 * STEP_PAGES)
        rebalance(fs, 0);
    *ret = store;
    return 0;
}

void mem_backed_fs_init(struct mem_fs *fs)
{
    fs->backed.total = fs->arena.limit;
    fs->arena.more = rebalance;
    fs->arena.more_arg = fs;
}

void mem_backed_fs_fini(struct mem_fs *fs)
{
    lt_hidden_close(fs->backed.store);
}

/* ---- Moving ---------------------------------------------------------------------------------- */

/* Copies the stored parts of `data` into the file. */
static int copy_out(const struct mem_data *data, int fd)
{
    struct lt_seg segs[MEM_WINDOW + 2];
    int r = lt_hidden_file_truncate(fd, data->size);
    uint64_t at = mem_data_next_data(data, 0);
    while (r == 0 && at < data->size) {
        uint64_t end = mem_data_next_hole(data, at);
        size_t len = end - at < LT_IO_MAX ? (size_t)(end - at) : LT_IO_MAX;
        size_t count = mem_data_map(data, at, len, segs);
        int64_t done = lt_hidden_file_write(fd, segs, count, len, at);
        if (done < (int64_t)len)
            r = done < 0 ? (int)done : LT_ENOSPC;
        at = mem_data_next_data(data, at + len);
    }
    return r;
}

/* Moves the sectors of a file into the kernel. */
static int move_out(struct mem_node *node) REQUIRES(node->lock)
{
    struct mem_fs *fs = mem_fs_of(node);
    struct lt_hidden *store = NULL;
    int fd = -1;
    int r = open_store(fs, &store);
    if (r == 0)
        r = lt_hidden_file_new(store, &fd);
    if (r < 0)
        return r;
    r = copy_out(&node->data, fd);
    if (r == 0)
        r = lt_hidden_file_set_mtime(fd, lt_time_of(node->mtime));
    if (r < 0) {
        lt_hidden_file_close(fd);
        return r;
    }
    mem_data_fini(&node->data, &fs->arena);
    node->backing = (struct mem_backing){.fd = fd};
    node->base.flags |= MEM_BACKED;
    return 0;
}

/* Moves a small file back. If there is no memory it stays where it is. */
static void move_back(struct mem_node *node) REQUIRES(node->lock)
{
    char buf[SMALL_FILE];
    struct lt_hidden_stat st;
    struct mem_data data = {.size = 0};
    struct mem_arena *arena = mem_arena_of(node);
    int fd = node->backing.fd;
    if (lt_hidden_file_stat(fd, &st) < 0 || st.size > sizeof(buf) ||
        st.allocated < st.size / 2 /* keep holes: they may be what the file is for */)
        return;
    int64_t len = lt_hidden_file_read(fd, buf, sizeof(buf), 0);
    struct lt_seg seg = {buf, (size_t)len};
    if (len < 0 || (uint64_t)len != st.size)
        return;
    if (len > 0 && mem_data_write(&data, arena, 0, &seg, 1, (size_t)len, false) < len) {
        mem_data_fini(&data, arena);
        return;
    }
    mem_backed_sync_times(node);
    node->data = data;
    node->base.flags &= (uint16_t)~MEM_BACKED;
    lt_hidden_file_close(fd);
}

int mem_backing_get(const struct lt_ctx *ctx, struct lt_node *base, int *ret_fd)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    lt_rwlock_write(&node->lock);
    int r = mem_is_backed(node) ? 0 : move_out(node);
    if (r == 0) {
        node->backing.opens++;
        *ret_fd = node->backing.fd;
    }
    lt_rwlock_write_unlock(&node->lock);
    return r;
}

void mem_backing_put(struct lt_node *base)
{
    struct mem_node *node = mem_node(base);
    lt_rwlock_write(&node->lock);
    assert(mem_is_backed(node) && node->backing.opens > 0);
    if (--node->backing.opens == 0)
        move_back(node);
    lt_rwlock_write_unlock(&node->lock);
}

void mem_backed_fini(struct mem_node *node)
{
    lt_hidden_file_close(node->backing.fd);
    node->base.flags &= (uint16_t)~MEM_BACKED;
    node->data = (struct mem_data){.size = 0};
}

/* ---- Data ------------------------------------------------------------------------------------ */

uint64_t mem_backed_size(const struct mem_node *node)
{
    struct lt_hidden_stat st;
    return lt_hidden_file_stat(node->backing.fd, &st) < 0 ? 0 : st.size;
}

int64_t mem_backed_read(const struct mem_node *node, uint64_t offset, void *buf, size_t len)
{
    return lt_hidden_file_read(node->backing.fd, buf, len, offset);
}

int64_t mem_backed_write(struct mem_node *node, uint64_t offset, const struct lt_seg *segs,
                         size_t count, size_t len)
{
    return lt_hidden_file_write(node->backing.fd, segs, count, len, offset);
}

int mem_backed_allocate(struct mem_node *node, uint32_t mode, uint64_t offset, uint64_t len)
{
    return lt_hidden_file_allocate(node->backing.fd, mode, offset, len);
}

int mem_backed_truncate(struct mem_node *node, uint64_t size)
{
    return lt_hidden_file_truncate(node->backing.fd, size);
}

int mem_backed_seek(const struct mem_node *node, uint64_t offset, enum lt_seek whence,
                    uint64_t *ret)
{
    return lt_hidden_file_seek(node->backing.fd, offset, whence, ret);
}

/* ---- Attributes ------------------------------------------------------------------------------ */

void mem_backed_attr(const struct mem_node *node, struct lt_attr *ret)
{
    struct lt_hidden_stat st;
    if (lt_hidden_file_stat(node->backing.fd, &st) < 0)
        return;
    ret->size = st.size;
    ret->allocated = st.allocated;
    bool written = mem_time_order(st.mtime, ret->mtime) != 0;
    ret->mtime = st.mtime;
    if (written && mem_time_order(st.mtime, ret->ctime) > 0)
        ret->ctime = st.mtime;
}

void mem_backed_sync_times(struct mem_node *node)
{
    struct lt_attr attr = {.mtime = lt_time_of(node->mtime), .ctime = lt_time_of(node->ctime)};
    mem_backed_attr(node, &attr);
    node->mtime = mem_time(attr.mtime);
    node->ctime = mem_time(attr.ctime);
}

void mem_backed_touched(struct mem_node *node)
{
    lt_hidden_file_set_mtime(node->backing.fd, lt_time_of(node->mtime));
}
