// SPDX-License-Identifier: MIT
/* Space. */
#include "ops.h"
#include "request.h"

#define BLOCK_DEFAULT 4096u

static uint64_t bytes_of(uint64_t blocks, uint64_t size)
{
    return blocks > UINT64_MAX / size ? UINT64_MAX : blocks * size;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* Of what a server says nothing has to add up; of what we say, it does. */
static void fill(const struct lt_fuse_kstatfs *in, struct lt_statfs *ret)
{
    uint32_t unit = in->frsize ? in->frsize : in->bsize ? in->bsize : BLOCK_DEFAULT;
    *ret = (struct lt_statfs){
        .total = bytes_of(in->blocks, unit),
        .free = bytes_of(at_most(in->bfree, in->blocks), unit),
        .available = bytes_of(at_most(in->bavail, in->blocks), unit),
        .nodes = in->files - at_most(in->ffree, in->files),
        .nodes_max = in->files,
        .block_size = unit,
        .name_max = in->namelen && in->namelen < LT_NAME_MAX ? in->namelen : LT_NAME_UNITS_MAX,
    };
    ret->used = ret->total - ret->free;
}

int fuse_statfs(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_statfs *ret)
{
    struct fuse_fs *fs = fuse_fs(base);
    struct lt_fuse_kstatfs out;
    struct fuse_request r = {
        .opcode = LT_FUSE_STATFS,
        .node = fs->root,
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    int e = fuse_call(ctx, fs, &r);
    if (e == LT_ENOSYS) {
        out = (struct lt_fuse_kstatfs){.blocks = 0};
        e = 0;
    }
    if (e == 0)
        fill(&out, ret);
    return e;
}
