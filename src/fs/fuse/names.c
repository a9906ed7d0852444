// SPDX-License-Identifier: MIT
/* Names: looked up, made, linked, removed, renamed. */
#include "ops.h"
#include "request.h"
#include "table.h"

/* The name as given is the name as stored. */
static void name_entry(struct lt_str name, struct lt_entry *ret)
{
    ret->exact = true;
    if (!ret->stored)
        return;
    memcpy(ret->stored, name.s, name.len);
    ret->stored[name.len] = 0;
    ret->stored_len = name.len;
}

/* What is known without asking: 1 if so, else 0; LT_ENOENT. */
static int lookup_cached(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                         struct lt_entry *ret)
{
    struct fuse_node *node;
    switch (fuse_name_find(fs, dir, name, false, &node)) {
    case FUSE_ABSENT:
        return LT_ENOENT;
    case FUSE_UNKNOWN:
        return 0;
    case FUSE_PRESENT:
        break;
    }
    if (!fuse_attr_cached(node, &ret->attr)) {
        lt_node_put(&node->node);
        return 0;
    }
    ret->node = &node->node;
    return 1;
}

static int lookup_server(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_node *dir,
                         struct lt_str name, struct lt_entry *ret)
{
    struct lt_fuse_entry_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_LOOKUP,
        .node = dir,
        .name = name,
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    if (e == 0 && out.nodeid == 0) {
        fuse_name_learn(fs, dir, name, NULL,
                        lt_fuse_get_timeout(out.entry_valid, out.entry_valid_nsec));
        return LT_ENOENT;
    }
    if (e == LT_ENOENT)
        fuse_name_drop(fs, dir, name);
    return e < 0 ? e : fuse_entry_learn(fs, r.sent_epoch, dir, name, &out, begun, 0, ret);
}

int fuse_lookup(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                struct lt_entry *ret)
{
    struct fuse_node *dir = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(dir);
    int r = lookup_cached(fs, dir, name, ret);
    if (r == 0)
        r = lookup_server(ctx, fs, dir, name, ret);
    if (r >= 0)
        name_entry(name, ret);
    return r < 0 ? r : 0;
}

int fuse_parent(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node **ret)
{
    char name[LT_NAME_MAX];
    size_t len;
    struct fuse_node *dir;
    (void)ctx;
    if (base->id == LT_ROOT_ID) {
        *ret = lt_node_get(base);
        return 0;
    }
    int r = fuse_node_name(fuse_node(base), &dir, name, &len);
    if (r == 0)
        *ret = &dir->node;
    return r;
}

int fuse_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                const struct lt_create *spec, struct lt_entry *ret)
{
    (void)ctx;
    (void)dir;
    (void)name;
    (void)spec;
    (void)ret;
    return LT_EOPNOTSUPP;
}

int fuse_link(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
              struct lt_str name, struct lt_entry *ret)
{
    (void)ctx;
    (void)node;
    (void)dir;
    (void)name;
    (void)ret;
    return LT_EOPNOTSUPP;
}

int fuse_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name, uint32_t flags,
                struct lt_node *expect, struct lt_gone *ret)
{
    (void)ctx;
    (void)dir;
    (void)name;
    (void)flags;
    (void)expect;
    (void)ret;
    return LT_EOPNOTSUPP;
}

int fuse_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                struct lt_gone *ret)
{
    (void)ctx;
    (void)dir;
    (void)name;
    (void)new_dir;
    (void)new_name;
    (void)flags;
    (void)ret;
    return LT_EOPNOTSUPP;
}

int fuse_readlink(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size)
{
    (void)ctx;
    (void)node;
    (void)buf;
    (void)size;
    return LT_EOPNOTSUPP;
}

int fuse_names(const struct lt_ctx *ctx, struct lt_node *node,
               int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg)
{
    (void)ctx;
    (void)node;
    (void)fn;
    (void)arg;
    return LT_EOPNOTSUPP;
}
