// SPDX-License-Identifier: MIT
#include "handle.h"

#include "ops.h"

#include <stdlib.h>

/* ---- OPEN and RELEASE ------------------------------------------------------------------------ */

static struct fuse_handle *handle_new(const struct lt_fuse_open_out *out, uint32_t flags,
                                      uint32_t epoch)
{
    struct fuse_handle *h = malloc(sizeof(*h));
    if (h)
        *h = (struct fuse_handle){.fh = out->fh,
                                  .open_flags = out->open_flags,
                                  .flags = flags,
                                  .epoch = epoch,
                                  .refs = 1};
    return h;
}

static bool is_dir(const struct fuse_node *node)
{
    return node->node.type == LT_S_IFDIR;
}

/* Nobody waits for its result, and for a server that is gone there is nothing to release. */
static void release(struct fuse_node *node, uint32_t epoch, uint64_t fh, uint32_t flags)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_fuse_release_in in = {.fh = fh, .flags = flags};
    struct fuse_request r = {
        .opcode = is_dir(node) ? LT_FUSE_RELEASEDIR : LT_FUSE_RELEASE,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .epoch = &epoch,
    };
    struct fuse_link *link = fuse_link_peek(fs);
    bool there = link->epoch == epoch && lt_client_error(link->client) == 0;
    fuse_link_put(fs, link);
    if (there)
        (void)fuse_call(NULL, fs, &r);
}

static void handle_free(struct fuse_node *node, struct fuse_handle *h)
{
    release(node, h->epoch, h->fh, h->flags);
    free(h);
}

static int open_as(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t flags,
                   struct fuse_handle **ret)
{
    struct lt_fuse_open_in in = {.flags = flags};
    struct lt_fuse_open_out out;
    struct fuse_request r = {
        .opcode = is_dir(node) ? LT_FUSE_OPENDIR : LT_FUSE_OPEN,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    int e = fuse_call(ctx, fuse_fs_of(node), &r);
    if (e < 0)
        return e;
    *ret = handle_new(&out, flags, r.sent_epoch);
    if (*ret)
        return 0;
    release(node, r.sent_epoch, out.fh, flags);
    return LT_ENOMEM;
}

/* For both if possible: readers can share it then. */
static int open_for(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access,
                    struct fuse_handle **ret)
{
    if (access == LT_OPEN_READ)
        return open_as(ctx, node, LT_FUSE_O_RDONLY, ret);
    int e = open_as(ctx, node, LT_FUSE_O_RDWR, ret);
    return e == LT_EACCES || e == LT_EPERM ? open_as(ctx, node, LT_FUSE_O_WRONLY, ret) : e;
}

/* ---- The handles of a node ------------------------------------------------------------------- */

static struct fuse_handle **slot_of(struct fuse_node *node, uint32_t flags) REQUIRES(node->lock)
{
    return flags == LT_FUSE_O_RDONLY ? &node->read : &node->write;
}

static struct fuse_handle *find_locked(struct fuse_node *node, uint32_t access) REQUIRES(node->lock)
{
    struct fuse_handle *h = access == LT_OPEN_READ ? node->read : node->write;
    if (!h && access == LT_OPEN_READ && node->write && node->write->flags == LT_FUSE_O_RDWR)
        h = node->write;
    if (h)
        h->refs++;
    return h;
}

struct fuse_handle *fuse_handle_peek(struct fuse_node *node, uint32_t access)
{
    lt_mutex_lock(&node->lock);
    struct fuse_handle *h = find_locked(node, access);
    lt_mutex_unlock(&node->lock);
    return h;
}

void fuse_handle_put(struct fuse_node *node, struct fuse_handle *h)
{
    if (!h)
        return;
    lt_mutex_lock(&node->lock);
    bool last = --h->refs == 0;
    lt_mutex_unlock(&node->lock);
    if (last)
        handle_free(node, h);
}

void fuse_handle_lost(struct fuse_node *node, struct fuse_handle *h)
{
    lt_mutex_lock(&node->lock);
    struct fuse_handle **slot = slot_of(node, h->flags);
    bool ours = *slot == h;
    if (ours)
        *slot = NULL;
    if (h->written)
        node->lost = true;
    lt_mutex_unlock(&node->lock);
    if (ours)
        fuse_handle_put(node, h);
}

void fuse_handle_wrote(struct fuse_node *node, struct fuse_handle *h)
{
    if (!h)
        return;
    lt_mutex_lock(&node->lock);
    h->written = true;
    lt_mutex_unlock(&node->lock);
}

int fuse_handle_kept(struct fuse_node *node, struct fuse_handle *h, int error)
{
    lt_mutex_lock(&node->lock);
    if (error == 0 && h)
        h->written = false;
    if (error == 0 && node->lost)
        error = LT_EIO;
    if (error == LT_EIO)
        node->lost = false;
    lt_mutex_unlock(&node->lock);
    return error;
}

/* Makes a handle, of which the caller has the only reference, the node's. Whoever was faster keeps
 * his; *h is then his, with a reference. */
static void share(struct fuse_node *node, struct fuse_handle **h)
{
    struct fuse_handle *spare = NULL;
    lt_mutex_lock(&node->lock);
    struct fuse_handle **slot = slot_of(node, (*h)->flags);
    if (*slot) {
        spare = *h;
        *h = *slot;
    } else {
        *slot = *h;
    }
    (*h)->refs++;
    lt_mutex_unlock(&node->lock);
    fuse_handle_put(node, spare);
}

int fuse_handle_get(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access,
                    struct fuse_handle **ret)
{
    struct fuse_handle *h = is_dir(node) ? NULL : fuse_handle_peek(node, access);
    if (!h) {
        int e = open_for(ctx, node, access, &h);
        if (e < 0 && e != LT_ENOSYS) /* which is: none needed (LT_FUSE_NO_OPEN_SUPPORT) */
            return e;
        if (h && !is_dir(node))
            share(node, &h);
    }
    *ret = h;
    return 0;
}

int fuse_handle_call(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access,
                     struct fuse_request *r, uint64_t *fh_at)
{
    for (;;) {
        struct fuse_handle *h;
        int e = fuse_handle_get(ctx, node, access, &h);
        if (e < 0)
            return e;
        *fh_at = fuse_fh(h);
        r->epoch = h ? &h->epoch : NULL;
        e = fuse_call(ctx, fuse_fs_of(node), r);
        bool lost = fuse_handle_is_lost(h, r, e);
        if (lost)
            fuse_handle_lost(node, h);
        fuse_handle_put(node, h);
        if (!lost)
            return e;
    }
}

void fuse_handle_take(struct fuse_node *node, uint32_t epoch, const struct lt_fuse_open_out *open,
                      uint32_t flags)
{
    struct fuse_handle *h = handle_new(open, flags, epoch);
    if (!h) {
        release(node, epoch, open->fh, flags);
        return;
    }
    share(node, &h);
    fuse_handle_put(node, h);
}

/* ---- Giving up ------------------------------------------------------------------------------- */

/* Takes those out that no open file needs. */
static void drop_unneeded(struct fuse_node *node)
{
    struct fuse_handle *read = NULL, *write = NULL;
    lt_mutex_lock(&node->lock);
    if (node->readers == 0) {
        read = node->read;
        node->read = NULL;
    }
    if (node->writers == 0 && (node->readers == 0 || node->read)) {
        write = node->write;
        node->write = NULL;
    }
    lt_mutex_unlock(&node->lock);
    fuse_handle_put(node, read);
    fuse_handle_put(node, write);
}

void fuse_handles_rest(struct fuse_node *node)
{
    drop_unneeded(node);
}

void fuse_handles_fini(struct fuse_fs *fs, struct fuse_node *node)
{
    (void)fs;
    node->readers = node->writers = 0;
    drop_unneeded(node);
}

/* ---- Open files ------------------------------------------------------------------------------ */

static void count(struct fuse_node *node, uint32_t flags, bool opened)
{
    uint32_t by = opened ? 1 : UINT32_MAX;
    lt_mutex_lock(&node->lock);
    if (flags & LT_OPEN_READ && (opened || node->readers > 0))
        node->readers += by;
    if (flags & LT_OPEN_WRITE && (opened || node->writers > 0))
        node->writers += by;
    lt_mutex_unlock(&node->lock);
}

static int ensure(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access)
{
    struct fuse_handle *h;
    int e = fuse_handle_get(ctx, node, access, &h);
    if (e == 0)
        fuse_handle_put(node, h);
    return e;
}

int fuse_open_node(const struct lt_ctx *ctx, struct lt_node *base, uint32_t flags)
{
    struct fuse_node *node = fuse_node(base);
    int e = 0;
    count(node, flags, true);
    if (flags & LT_OPEN_WRITE)
        e = ensure(ctx, node, LT_OPEN_WRITE);
    if (e == 0 && flags & LT_OPEN_READ)
        e = ensure(ctx, node, LT_OPEN_READ);
    if (e < 0) {
        count(node, flags, false);
        drop_unneeded(node);
    }
    return e;
}

static int flush(const struct lt_ctx *ctx, struct fuse_node *node)
{
    struct fuse_handle *h = fuse_handle_peek(node, LT_OPEN_WRITE);
    struct lt_fuse_flush_in in = {.fh = fuse_fh(h)};
    struct fuse_request r = {
        .opcode = LT_FUSE_FLUSH,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .epoch = h ? &h->epoch : NULL,
    };
    struct fuse_fs *fs = fuse_fs_of(node);
    bool wanted = h ? !(h->open_flags & LT_FOPEN_NOFLUSH) : fuse_is_missing(fs, LT_FUSE_OPEN);
    int e = wanted ? fuse_call(ctx, fs, &r) : 0;
    if (fuse_handle_is_lost(h, &r, e)) {
        fuse_handle_lost(node, h);
        e = 0;
    }
    e = fuse_handle_kept(node, h, e == LT_ENOSYS ? 0 : e);
    fuse_handle_put(node, h);
    return e;
}

/* Readers leave nothing behind that they could be told of. */
int fuse_close_node(const struct lt_ctx *ctx, struct lt_node *base, uint32_t flags)
{
    struct fuse_node *node = fuse_node(base);
    int e = flags & LT_OPEN_WRITE ? flush(ctx, node) : 0;
    count(node, flags, false);
    drop_unneeded(node);
    return e;
}
