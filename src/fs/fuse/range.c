// SPDX-License-Identifier: MIT
/* Ranges: fallocate, holes, copies. */
#include "data.h"
#include "ops.h"
#include "table.h"

#include <stdlib.h>

#define COPY_OLD_MAX (UINT32_MAX & ~(uint64_t)(LT_PAGE_SIZE - 1)) /* its reply has 32 bits */
#define COPY_PIECE LT_IO_MAX /* what one call moves through our own memory */

/* ---- fallocate ------------------------------------------------------------------------------- */

int fuse_allocate(const struct lt_ctx *ctx, struct lt_node *base, uint32_t mode, uint64_t offset,
                  uint64_t len)
{
    struct fuse_node *node = fuse_node(base);
    struct lt_fuse_fallocate_in in = {.offset = offset, .length = len, .mode = mode};
    struct fuse_request r = {
        .opcode = LT_FUSE_FALLOCATE, .node = node, .args = &in, .args_len = sizeof(in)};
    if (fuse_is_missing(fuse_fs_of(node), LT_FUSE_FALLOCATE))
        return LT_EOPNOTSUPP;
    lt_rwlock_write(&node->end_lock);
    int e = fuse_handle_call(ctx, node, LT_OPEN_WRITE, &r, &in.fh);
    bool grows = !(mode & ~(uint32_t)LT_FALLOC_ZERO);
    fuse_data_changed(node, e == 0 && grows ? offset + len : 0);
    lt_rwlock_write_unlock(&node->end_lock);
    return e == LT_ENOSYS ? LT_EOPNOTSUPP : e;
}

/* ---- Holes ----------------------------------------------------------------------------------- */

/* Of a server that knows no holes all is data. */
static int seek_in_data(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                        enum lt_seek whence, uint64_t *ret)
{
    struct lt_attr attr;
    int e = fuse_getattr(ctx, node, &attr);
    if (e < 0)
        return e;
    if (offset >= attr.size)
        return LT_ENXIO;
    *ret = whence == LT_SEEK_DATA ? offset : attr.size;
    return 0;
}

int fuse_seek(const struct lt_ctx *ctx, struct lt_node *base, uint64_t offset, enum lt_seek whence,
              uint64_t *ret)
{
    struct fuse_node *node = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_fuse_lseek_in in = {.offset = offset, .whence = (uint32_t)whence};
    struct lt_fuse_lseek_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_LSEEK,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    int e = fs->minor < 24 || fuse_is_missing(fs, LT_FUSE_LSEEK)
                ? LT_ENOSYS
                : fuse_handle_call(ctx, node, LT_OPEN_READ, &r, &in.fh);
    if (e == LT_ENOSYS)
        return seek_in_data(ctx, base, offset, whence, ret);
    if (e < 0)
        return e;
    if (out.offset < offset || out.offset > LT_SIZE_MAX)
        return LT_EIO;
    *ret = out.offset;
    return 0;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

struct copying {
    struct fuse_node *from, *to;
    uint64_t from_offset, to_offset, len;
};

static int send_copy(const struct lt_ctx *ctx, const struct copying *c, uint32_t opcode,
                     struct fuse_handle *from, struct fuse_handle *to, struct fuse_request *r,
                     uint64_t *ret)
{
    struct lt_fuse_copy_file_range_out out;
    struct lt_fuse_write_out old;
    bool wide = opcode == LT_FUSE_COPY_FILE_RANGE_64;
    struct lt_fuse_copy_file_range_in in = {
        .fh_in = fuse_fh(from),
        .off_in = c->from_offset,
        .fh_out = fuse_fh(to),
        .off_out = c->to_offset,
        .len = wide || c->len < COPY_OLD_MAX ? c->len : COPY_OLD_MAX,
    };
    *r = (struct fuse_request){
        .opcode = opcode,
        .node = c->from,
        .node2 = c->to,
        .node2_at = &in.nodeid_out,
        .args = &in,
        .args_len = sizeof(in),
        .epoch = from ? &from->epoch
                 : to ? &to->epoch
                      : NULL,
        .out_count = 1,
    };
    r->out[0] = wide ? (struct lt_seg){&out, sizeof(out)} : (struct lt_seg){&old, sizeof(old)};
    r->out_min = r->out[0].len;
    int e = fuse_call(ctx, fuse_fs_of(c->from), r);
    if (e < 0)
        return e;
    uint64_t copied = wide ? out.bytes_copied : old.size;
    if (copied > in.len)
        return LT_EIO;
    *ret = copied;
    return 0;
}

/* Both handles, of one server. *ret_again: one of them was of an older, and is lost. */
static int send_copy_by(const struct lt_ctx *ctx, const struct copying *c, uint32_t opcode,
                        struct fuse_handle *from, struct fuse_handle *to, bool *ret_again,
                        uint64_t *ret)
{
    struct fuse_request r = {.opcode = opcode};
    bool mixed = from && to && from->epoch != to->epoch;
    int e = mixed ? 0 : send_copy(ctx, c, opcode, from, to, &r, ret);
    bool lost = fuse_handle_is_lost(from, &r, e) || fuse_handle_is_lost(to, &r, e);
    *ret_again = mixed || lost;
    if (lost || (mixed && (int32_t)(from->epoch - to->epoch) < 0))
        fuse_handle_lost(c->from, from);
    if (lost || (mixed && (int32_t)(from->epoch - to->epoch) > 0))
        fuse_handle_lost(c->to, to);
    return e;
}

/* LT_ENOSYS: the server cannot. */
static int copy_at_server(const struct lt_ctx *ctx, const struct copying *c, uint32_t opcode,
                          uint64_t *ret)
{
    bool again = false;
    int e;
    if (fuse_is_missing(fuse_fs_of(c->from), opcode))
        return LT_ENOSYS;
    do {
        struct fuse_handle *from, *to = NULL;
        e = fuse_handle_get(ctx, c->from, LT_OPEN_READ, &from);
        if (e < 0)
            return e;
        e = fuse_handle_get(ctx, c->to, LT_OPEN_WRITE, &to);
        if (e == 0)
            e = send_copy_by(ctx, c, opcode, from, to, &again, ret);
        if (e == 0 && !again)
            fuse_handle_wrote(c->to, to);
        fuse_handle_put(c->from, from);
        fuse_handle_put(c->to, to);
    } while (again);
    return e;
}

/* Through our memory: one piece of it. */
static int copy_here(const struct lt_ctx *ctx, const struct copying *c, uint64_t *ret)
{
    size_t len = c->len < COPY_PIECE ? (size_t)c->len : COPY_PIECE;
    char *piece = malloc(len);
    if (!piece)
        return LT_ENOMEM;
    int r = fuse_read_into(ctx, c->from, c->from_offset, piece, len);
    if (r > 0) {
        struct lt_seg seg = {piece, (size_t)r};
        r = fuse_write_at(ctx, c->to, c->to_offset, &seg, 1, 0);
    }
    free(piece);
    if (r < 0)
        return r;
    *ret = (uint64_t)r;
    return 0;
}

static bool cannot(int e)
{
    return e == LT_ENOSYS || e == LT_EOPNOTSUPP || e == LT_EXDEV;
}

int fuse_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                    struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret)
{
    struct copying c = {fuse_node(from), fuse_node(to), from_offset, to_offset, len};
    struct fuse_fs *fs = fuse_fs(from->fs);
    int e = LT_ENOSYS;
    lt_rwlock_read(&c.to->end_lock);
    if (fs->minor >= 45)
        e = copy_at_server(ctx, &c, LT_FUSE_COPY_FILE_RANGE_64, ret);
    if (e == LT_ENOSYS && fs->minor >= 28)
        e = copy_at_server(ctx, &c, LT_FUSE_COPY_FILE_RANGE, ret);
    if (cannot(e))
        e = copy_here(ctx, &c, ret);
    fuse_data_changed(c.to, e == 0 ? to_offset + *ret : 0);
    lt_rwlock_read_unlock(&c.to->end_lock);
    return e;
}
