// SPDX-License-Identifier: MIT
#include "request.h"

#include "table.h"

#include <stdlib.h>

/* ---- Connections ----------------------------------------------------------------------------- */

struct fuse_link *fuse_link_peek(struct fuse_fs *fs)
{
    lt_mutex_lock(&fs->link_lock);
    struct fuse_link *link = fs->link;
    link->users++;
    lt_mutex_unlock(&fs->link_lock);
    return link;
}

void fuse_link_put(struct fuse_fs *fs, struct fuse_link *link)
{
    lt_mutex_lock(&fs->link_lock);
    bool last = --link->users == 0 && link->dead;
    lt_mutex_unlock(&fs->link_lock);
    if (last)
        fuse_link_free(link);
}

bool fuse_epoch_is_old(struct fuse_fs *fs, uint32_t epoch)
{
    lt_mutex_lock(&fs->link_lock);
    bool old = fs->link->epoch != epoch;
    lt_mutex_unlock(&fs->link_lock);
    return old;
}

int fuse_link_get(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_link **ret)
{
    (void)ctx;
    struct fuse_link *link = fuse_link_peek(fs);
    int r = lt_client_error(link->client);
    if (r < 0) {
        fuse_link_put(fs, link);
        return r;
    }
    *ret = link;
    return 0;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* The id of a node for the server of this connection. */
static int nodeid_of(const struct fuse_link *link, struct fuse_node *node, uint64_t *ret)
{
    lt_mutex_lock(&node->lock);
    bool right = node->epoch == link->epoch || node->node.id == LT_ROOT_ID;
    *ret = node->nodeid;
    lt_mutex_unlock(&node->lock);
    return right ? 0 : LT_ESTALE;
}

static void add(struct fuse_request *r, const void *base, size_t len)
{
    if (len > 0)
        r->in[r->call.in_count++] = (struct lt_seg){(void *)(uintptr_t)base, len};
}

static void add_name(struct fuse_request *r, struct lt_str name)
{
    if (!name.s)
        return;
    add(r, name.s, name.len);
    add(r, "", 1);
}

static void make(const struct lt_ctx *ctx, struct fuse_request *r, uint64_t nodeid)
{
    r->call = (struct lt_client_call){
        .opcode = r->opcode,
        .nodeid = nodeid,
        .ctx = ctx,
        .in = r->in,
        .out = r->out,
        .out_count = r->out_count,
        .out_min = r->out_min,
    };
    add(r, r->args, r->args_len);
    add_name(r, r->name);
    add_name(r, r->name2);
    for (size_t i = 0; i < r->data_count; i++)
        add(r, r->data[i].base, r->data[i].len);
}

static int resolve(struct fuse_request *r, uint64_t *ret)
{
    int e = r->node ? nodeid_of(r->link, r->node, ret) : 0;
    if (e == 0 && r->node2)
        e = nodeid_of(r->link, r->node2, r->node2_at);
    if (e == 0 && r->epoch && *r->epoch != r->link->epoch)
        e = LT_ESTALE;
    return e;
}

int fuse_send(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_request *r)
{
    uint64_t nodeid = 0;
    if (fuse_is_missing(fs, r->opcode))
        return LT_ENOSYS;
    int e = fuse_link_get(ctx, fs, &r->link);
    if (e < 0)
        return e;
    r->sent_epoch = r->link->epoch;
    e = resolve(r, &nodeid);
    if (e == 0) {
        make(ctx, r, nodeid);
        e = lt_client_send(r->link->client, &r->call);
    }
    if (e < 0)
        fuse_link_put(fs, r->link);
    return e;
}

int fuse_wait(struct fuse_fs *fs, struct fuse_request *r)
{
    int e = lt_client_wait(r->link->client, &r->call);
    r->out_len = r->call.out_len;
    if (e == LT_ENOSYS && r->opcode < FUSE_MISSING_BITS)
        atomic_fetch_or(&fs->missing, UINT64_C(1) << r->opcode);
    fuse_link_put(fs, r->link);
    return e;
}

int fuse_call(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_request *r)
{
    int e = fuse_send(ctx, fs, r);
    return e < 0 ? e : fuse_wait(fs, r);
}
