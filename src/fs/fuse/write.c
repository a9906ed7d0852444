// SPDX-License-Identifier: MIT
/*
 * Writing. What is longer than a message goes in pieces that end at pages. Several are under way
 * at once only within the file: where it grows, a server may depend on the order.
 */
#include "data.h"
#include "ops.h"
#include "table.h"

#include <limits.h>
#include <stdlib.h>

#define SGID_EXECUTABLE (LT_S_ISGID | 010u) /* without the latter it stands for locking */

/* A write on its way. */
struct writing {
    const struct lt_ctx *ctx;
    struct fuse_node *node;
    struct fuse_handle *handle;
    uint64_t offset;
    const struct lt_seg *segs; /* at most FUSE_DATA_SEGS */
    size_t count_segs;
    size_t len;
    uint32_t flags;        /* of WRITE */
    size_t inside;         /* bytes that lie within the file */
    size_t sent;           /* bytes that are under way or done */
    size_t done;           /* bytes that are written, without a gap */
    bool ended;            /* the server took less than it was given */
    bool lost;             /* the handle is of a server that is gone */
    unsigned first, count; /* pieces under way */
    struct piece {
        struct fuse_request request;
        struct lt_fuse_write_in in;
        struct lt_fuse_write_out out;
        struct lt_seg segs[FUSE_DATA_SEGS];
        size_t size;
    } pieces[FUSE_FLIGHT];
};

/* `size` bytes of the data from byte `at` on. */
static size_t slice(const struct writing *w, size_t at, size_t size, struct lt_seg *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < w->count_segs && size > 0; i++) {
        const struct lt_seg *s = &w->segs[i];
        size_t skip = at < s->len ? at : s->len;
        size_t n = s->len - skip < size ? s->len - skip : size;
        at -= skip;
        if (n > 0)
            ret[count++] = (struct lt_seg){(char *)s->base + skip, n};
        size -= n;
    }
    return count;
}

static int give(struct writing *w)
{
    struct fuse_fs *fs = fuse_fs_of(w->node);
    struct piece *p = &w->pieces[(w->first + w->count) % FUSE_FLIGHT];
    uint64_t offset = w->offset + w->sent;
    size_t left = w->len - w->sent, most = fs->max_write - offset % LT_PAGE_SIZE;
    p->size = left < most ? left : most;
    p->in = (struct lt_fuse_write_in){
        .fh = fuse_fh(w->handle),
        .offset = offset,
        .size = (uint32_t)p->size,
        .write_flags = w->flags,
        .flags = w->handle ? w->handle->flags : LT_FUSE_O_RDWR,
    };
    p->request = (struct fuse_request){
        .opcode = LT_FUSE_WRITE,
        .node = w->node,
        .args = &p->in,
        .args_len = sizeof(p->in),
        .data = p->segs,
        .data_count = slice(w, w->sent, p->size, p->segs),
        .epoch = w->handle ? &w->handle->epoch : NULL,
        .out = {{&p->out, sizeof(p->out)}},
        .out_count = 1,
        .out_min = sizeof(p->out),
    };
    int e = fuse_send(w->ctx, fs, &p->request);
    if (e < 0) {
        w->lost = fuse_handle_is_lost(w->handle, &p->request, e);
        return e;
    }
    w->sent += p->size;
    w->count++;
    return 0;
}

/* Waits for the oldest piece. Behind one that went short nothing counts. */
static int take(struct writing *w)
{
    struct piece *p = &w->pieces[w->first];
    int e = fuse_wait(fuse_fs_of(w->node), &p->request);
    w->first = (w->first + 1) % FUSE_FLIGHT;
    w->count--;
    if (e == 0 && p->out.size > p->size)
        e = LT_EIO;
    if (e < 0 || w->ended) {
        w->ended = true;
        return e;
    }
    w->done += p->out.size;
    w->ended = p->out.size < p->size;
    return 0;
}

static bool may_give(const struct writing *w)
{
    if (w->ended || w->sent == w->len)
        return false;
    bool one = w->sent >= w->inside || fuse_is_odd(w->handle);
    return w->count < (one ? 1 : FUSE_FLIGHT);
}

/* Returns the bytes that were written, or why none were. */
static int write_all(struct writing *w)
{
    int error = 0;
    do {
        while (error == 0 && may_give(w))
            error = give(w);
        int e = w->count > 0 ? take(w) : 0;
        error = error == 0 ? e : error;
    } while (w->count > 0 || (error == 0 && may_give(w)));
    return w->done > 0 ? (int)w->done : error < 0 ? error : LT_EIO;
}

void fuse_data_changed(struct fuse_node *node, uint64_t end)
{
    fuse_attr_drop(node);
    lt_mutex_lock(&node->lock);
    if (node->attr.size < end)
        node->attr.size = end;
    lt_mutex_unlock(&node->lock);
}

/* What lies within the file as far as is known: it only decides how much goes at once. */
static size_t inside(struct fuse_node *node, uint64_t offset)
{
    lt_mutex_lock(&node->lock);
    uint64_t size = node->attr_until_ns > 0 ? node->attr.size : 0;
    lt_mutex_unlock(&node->lock);
    return size > offset ? (size_t)(size - offset) : 0;
}

/* After a server was lost, what it had not confirmed is written again. */
int fuse_write_at(const struct lt_ctx *ctx, struct fuse_node *node, uint64_t offset,
                  const struct lt_seg *segs, size_t count, uint32_t flags)
{
    for (;;) {
        struct writing w = {.ctx = ctx,
                            .node = node,
                            .offset = offset,
                            .segs = segs,
                            .count_segs = count,
                            .flags = flags,
                            .inside = inside(node, offset)};
        for (size_t i = 0; i < count; i++)
            w.len += segs[i].len;
        int r = fuse_handle_get(ctx, node, LT_OPEN_WRITE, &w.handle);
        if (r < 0)
            return r;
        r = write_all(&w);
        if (w.sent > 0) { /* whatever came of it */
            fuse_data_changed(node, r > 0 ? offset + (uint64_t)r : 0);
            fuse_handle_wrote(node, w.handle);
        }
        if (w.lost)
            fuse_handle_lost(node, w.handle);
        fuse_handle_put(node, w.handle);
        if (!w.lost || r > 0)
            return r;
    }
}

/* ---- Privileges ------------------------------------------------------------------------------ */

/* As for the root, since it is not the writer who wants it. To ask before each write is much: it is
 * done for the first one through a handle, until that is flushed. */
static int kill_capability(struct fuse_node *node)
{
    static const struct lt_ctx root = {.uid = 0};
    struct lt_str name = lt_str("security.capability");
    struct fuse_handle *h = fuse_handle_peek(node, LT_OPEN_WRITE);
    lt_mutex_lock(&node->lock);
    bool again = h && h->written;
    lt_mutex_unlock(&node->lock);
    fuse_handle_put(node, h);
    if (again || fuse_xattr_get(&root, &node->node, name, NULL, 0) < 0)
        return 0;
    return fuse_xattr_remove(&root, &node->node, name);
}

/*
 * What an unprivileged writer takes away: set-uid, set-gid and capabilities. A server that handles
 * it (LT_FUSE_HANDLE_KILLPRIV, _V2) is told at most; for the others it is done before.
 */
static int kill_priv(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t *ret_flags)
{
    static const struct lt_ctx root = {.uid = 0};
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_attr attr;
    *ret_flags = fs->features & LT_FUSE_HANDLE_KILLPRIV_V2 ? LT_FUSE_WRITE_KILL_SUIDGID : 0;
    if (fs->features & (LT_FUSE_HANDLE_KILLPRIV | LT_FUSE_HANDLE_KILLPRIV_V2) ||
        node->node.type == LT_S_STREAM)
        return 0;
    int r = fuse_getattr(ctx, &node->node, &attr);
    if (r < 0)
        return r;
    uint32_t gone = attr.mode & LT_S_ISUID;
    if ((attr.mode & SGID_EXECUTABLE) == SGID_EXECUTABLE)
        gone |= LT_S_ISGID;
    struct lt_setattr set = {.mask = LT_SET_MODE, .mode = attr.mode & LT_S_PERM & ~gone};
    if (gone)
        r = fuse_setattr(&root, &node->node, &set, NULL);
    return r < 0 ? r : kill_capability(node);
}

/* ---- Where it goes --------------------------------------------------------------------------- */

/* Where an append begins, and how much of a constrained write fits: *ret_len. */
static int place(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_write *write,
                 size_t *ret_len)
{
    struct lt_attr attr;
    int r = fuse_getattr(ctx, &node->node, &attr);
    if (r < 0)
        return r;
    if (write->flags & LT_WRITE_APPEND)
        write->offset = attr.size;
    if (*ret_len > LT_SIZE_MAX - write->offset)
        return LT_EFBIG;
    if (write->flags & LT_WRITE_CONSTRAINED) {
        uint64_t room = write->offset < attr.size ? attr.size - write->offset : 0;
        *ret_len = *ret_len < room ? *ret_len : (size_t)room;
    }
    return 0;
}

/* In no more segments than a request takes. */
static int write_segs(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_write *write,
                      size_t len, uint32_t flags)
{
    struct lt_seg few[FUSE_DATA_SEGS];
    struct writing all = {.segs = write->segs, .count_segs = write->count};
    if (write->count <= FUSE_DATA_SEGS) {
        size_t count = slice(&all, 0, len, few);
        return fuse_write_at(ctx, node, write->offset, few, count, flags);
    }
    char *flat = malloc(len);
    if (!flat)
        return LT_ENOMEM;
    size_t at = 0;
    for (size_t i = 0; at < len; i++) {
        size_t n = write->segs[i].len < len - at ? write->segs[i].len : len - at;
        memcpy(flat + at, write->segs[i].base, n);
        at += n;
    }
    few[0] = (struct lt_seg){flat, len};
    int r = fuse_write_at(ctx, node, write->offset, few, 1, flags);
    free(flat);
    return r;
}

static int write_placed(const struct lt_ctx *ctx, struct fuse_node *node, struct lt_write *write)
{
    size_t len = 0;
    uint32_t flags = 0;
    int r = 0;
    for (size_t i = 0; i < write->count; i++)
        len += write->segs[i].len;
    if (write->flags & LT_WRITE_KILL_PRIV)
        r = kill_priv(ctx, node, &flags);
    if (r == 0 && write->flags & (LT_WRITE_APPEND | LT_WRITE_CONSTRAINED))
        r = place(ctx, node, write, &len);
    if (r == 0 && len > 0)
        r = write_segs(ctx, node, write, len, flags);
    return r;
}

/* FUSE has no append: it is a write to where the file ends, while nobody else of ours moves that.
 */
int fuse_write(const struct lt_ctx *ctx, struct lt_node *base, struct lt_write *write)
{
    struct fuse_node *node = fuse_node(base);
    int r;
    if (write->flags & (LT_WRITE_APPEND | LT_WRITE_CONSTRAINED)) {
        lt_rwlock_write(&node->end_lock);
        r = write_placed(ctx, node, write);
        lt_rwlock_write_unlock(&node->end_lock);
    } else {
        lt_rwlock_read(&node->end_lock);
        r = write_placed(ctx, node, write);
        lt_rwlock_read_unlock(&node->end_lock);
    }
    if (r < 0)
        return r;
    write->ret_offset = write->offset;
    if (write->ret_attr && fuse_getattr(ctx, base, write->ret_attr) < 0) {
        lt_mutex_lock(&node->lock); /* it is written all the same */
        *write->ret_attr = node->attr;
        lt_mutex_unlock(&node->lock);
    }
    return r;
}
