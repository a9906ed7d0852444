// SPDX-License-Identifier: MIT
/*
 * Reading. What is longer than a message is asked for in pieces, several of which are under way at
 * once as long as the file is known to go on; they are taken in the order in which they were asked
 * for, into the place where they belong.
 */
#include "data.h"

#include "ops.h"
#include "table.h"

#include <stdlib.h>

/* A read on its way. */
struct reading {
    const struct lt_ctx *ctx;
    struct fuse_node *node;
    struct fuse_handle *handle;
    uint64_t offset;
    char *to;
    size_t len;
    size_t known;          /* bytes that should be there */
    size_t asked;          /* bytes that were asked for, up to here */
    size_t got;            /* bytes that are there, up to here */
    bool ended;            /* the server had less than it was asked for */
    bool lost;             /* the handle is of a server that is gone */
    unsigned first, count; /* pieces under way */
    struct piece {
        struct fuse_request request;
        struct lt_fuse_read_in in;
        size_t size;
    } pieces[FUSE_FLIGHT];
};

static int ask(struct reading *d)
{
    struct fuse_fs *fs = fuse_fs_of(d->node);
    struct piece *p = &d->pieces[(d->first + d->count) % FUSE_FLIGHT];
    size_t left = d->len - d->asked;
    p->size = left < fs->max_read ? left : fs->max_read;
    p->in = (struct lt_fuse_read_in){
        .fh = fuse_fh(d->handle),
        .offset = d->offset + d->asked,
        .size = (uint32_t)p->size,
        .flags = d->handle ? d->handle->flags : LT_FUSE_O_RDONLY,
    };
    p->request = (struct fuse_request){
        .opcode = LT_FUSE_READ,
        .node = d->node,
        .args = &p->in,
        .args_len = sizeof(p->in),
        .epoch = d->handle ? &d->handle->epoch : NULL,
        .out = {{d->to + d->asked, p->size}},
        .out_count = 1,
    };
    int e = fuse_send(d->ctx, fs, &p->request);
    if (e < 0) {
        d->lost = fuse_handle_is_lost(d->handle, &p->request, e);
        return e;
    }
    d->asked += p->size;
    d->count++;
    return 0;
}

/* Waits for the oldest piece. What comes behind the end is dropped. */
static int take(struct reading *d)
{
    struct piece *p = &d->pieces[d->first];
    int e = fuse_wait(fuse_fs_of(d->node), &p->request);
    d->first = (d->first + 1) % FUSE_FLIGHT;
    d->count--;
    if (e < 0 || d->ended)
        return d->ended ? 0 : e;
    d->got += p->request.out_len;
    d->ended = p->request.out_len < p->size;
    return 0;
}

static bool may_ask(const struct reading *d)
{
    if (d->ended || d->asked == d->len)
        return false;
    bool one = d->asked >= d->known || fuse_is_odd(d->handle);
    return d->count < (one ? 1 : FUSE_FLIGHT);
}

static int read_all(struct reading *d)
{
    int error = 0;
    do {
        while (error == 0 && may_ask(d))
            error = ask(d);
        int e = d->count > 0 ? take(d) : 0;
        error = error == 0 ? e : error;
    } while (d->count > 0 || (error == 0 && may_ask(d)));
    return error;
}

/* What is cached of the size, stale or not: it only decides how much is asked for ahead. */
static size_t known_bytes(struct fuse_node *node, uint64_t offset)
{
    lt_mutex_lock(&node->lock);
    uint64_t size = node->attr.size;
    lt_mutex_unlock(&node->lock);
    return size > offset ? (size_t)(size - offset) : 0;
}

int fuse_read_into(const struct lt_ctx *ctx, struct fuse_node *node, uint64_t offset, char *to,
                   size_t len)
{
    for (;;) {
        struct reading d = {.ctx = ctx, .node = node, .offset = offset, .to = to, .len = len};
        int e = fuse_handle_get(ctx, node, LT_OPEN_READ, &d.handle);
        if (e < 0)
            return e;
        d.known = known_bytes(node, offset);
        e = read_all(&d);
        if (d.lost)
            fuse_handle_lost(node, d.handle);
        fuse_handle_put(node, d.handle);
        if (!d.lost)
            return e < 0 ? e : (int)d.got;
    }
}

static bool not_after(struct lt_time a, struct lt_time b)
{
    return a.sec < b.sec || (a.sec == b.sec && a.nsec <= b.nsec);
}

/* Reading moves the time of the last read where that is not behind the others (relatime): what is
 * cached is too old then. */
static void note_read(struct fuse_node *node)
{
    lt_mutex_lock(&node->lock);
    const struct lt_attr *a = &node->attr;
    if (not_after(a->atime, a->mtime) || not_after(a->atime, a->ctime))
        node->attr_until_ns = 0;
    lt_mutex_unlock(&node->lock);
}

int fuse_read(const struct lt_ctx *ctx, struct lt_node *base, uint64_t offset, size_t len,
              struct lt_sink *sink)
{
    struct fuse_node *node = fuse_node(base);
    bool fits = sink->room && sink->room_len >= len;
    char *to = fits ? sink->room : malloc(len + 1);
    if (!to)
        return LT_ENOMEM;
    int r = fuse_read_into(ctx, node, offset, to, len);
    if (r >= 0) {
        struct lt_seg seg = {to, (size_t)r};
        note_read(node);
        int e = sink->put(sink, &seg, r > 0, (size_t)r);
        r = e < 0 ? e : r;
    }
    if (!fits)
        free(to);
    return r;
}
