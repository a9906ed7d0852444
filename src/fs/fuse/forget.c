// SPDX-License-Identifier: MIT
/*
 * What the server counted goes back to it: in batches, but at once for nodes that have no name any
 * more, whose space the server holds only for us.
 */
#include "request.h"
#include "table.h"

#include <stdlib.h>

#define BATCH 64u /* in one message, and how many may wait */

struct fuse_forgets {
    struct lt_mutex lock;
    uint32_t epoch; /* of the server that counted */
    size_t count, room;
    struct lt_fuse_forget_one *list;
};

struct batch {
    struct lt_fuse_batch_forget_in head;
    struct lt_fuse_forget_one list[BATCH];
};

int fuse_forgets_init(struct fuse_fs *fs)
{
    struct fuse_forgets *f = calloc(1, sizeof(*f));
    fs->forgets = f;
    if (!f)
        return LT_ENOMEM;
    f->room = 4 * (size_t)BATCH;
    f->list = calloc(f->room, sizeof(f->list[0]));
    return f->list ? 0 : LT_ENOMEM;
}

void fuse_forgets_fini(struct fuse_fs *fs)
{
    if (fs->forgets)
        free(fs->forgets->list);
    free(fs->forgets);
}

/* Room for one more, as long as there is memory. */
static bool reserve_locked(struct fuse_forgets *f) REQUIRES(f->lock)
{
    if (f->count < f->room)
        return true;
    struct lt_fuse_forget_one *list = realloc(f->list, 2 * f->room * sizeof(f->list[0]));
    if (!list)
        return false;
    f->list = list;
    f->room *= 2;
    return true;
}

/* What is noted for a server that is gone went with it. */
static size_t add(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t count)
{
    struct fuse_forgets *f = fs->forgets;
    lt_mutex_lock(&f->lock);
    if (f->epoch != epoch && (int32_t)(epoch - f->epoch) > 0) {
        f->epoch = epoch;
        f->count = 0;
    }
    if (f->epoch != epoch || reserve_locked(f)) {
        atomic_fetch_add(&fs->forgotten, count);
        if (f->epoch == epoch)
            f->list[f->count++] = (struct lt_fuse_forget_one){nodeid, count};
    }
    size_t waiting = f->count;
    lt_mutex_unlock(&f->lock);
    return waiting;
}

void fuse_forget_later(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t count)
{
    add(fs, epoch, nodeid, count);
}

void fuse_forget(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t count, bool now)
{
    if (add(fs, epoch, nodeid, count) >= BATCH || now)
        fuse_forgets_flush(fs);
}

static size_t take_batch(struct fuse_forgets *f, struct batch *batch, uint32_t *ret_epoch)
{
    lt_mutex_lock(&f->lock);
    size_t n = f->count < BATCH ? f->count : BATCH;
    f->count -= n;
    memcpy(batch->list, f->list + f->count, n * sizeof(f->list[0]));
    *ret_epoch = f->epoch;
    lt_mutex_unlock(&f->lock);
    batch->head = (struct lt_fuse_batch_forget_in){.count = (uint32_t)n};
    return n;
}

static void post(struct fuse_fs *fs, struct fuse_link *link, const struct batch *batch)
{
    struct lt_seg in = {(void *)(uintptr_t)batch,
                        offsetof(struct batch, list) + batch->head.count * sizeof(batch->list[0])};
    if (batch->head.count > 1 && fs->minor >= 16) {
        lt_client_post(link->client, LT_FUSE_BATCH_FORGET, 0, &in, 1);
        return;
    }
    for (size_t i = 0; i < batch->head.count; i++) {
        struct lt_fuse_forget_in one = {batch->list[i].nlookup};
        in = (struct lt_seg){&one, sizeof(one)};
        lt_client_post(link->client, LT_FUSE_FORGET, batch->list[i].nodeid, &in, 1);
    }
}

void fuse_forgets_flush(struct fuse_fs *fs)
{
    struct fuse_link *link = fuse_link_peek(fs);
    struct batch batch;
    uint32_t epoch;
    while (take_batch(fs->forgets, &batch, &epoch) > 0) {
        if (epoch == link->epoch)
            post(fs, link, &batch);
    }
    fuse_link_put(fs, link);
}
