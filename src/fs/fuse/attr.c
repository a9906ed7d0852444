// SPDX-License-Identifier: MIT
/* Attributes and how long they are good for; names of replies. */
#include "ops.h"
#include "request.h"
#include "table.h"

static uint64_t until(uint64_t ns)
{
    uint64_t now = ns == 0 ? 0 : lt_clock_ns();
    return ns == 0 ? 0 : ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

static uint64_t ns_of(struct lt_time t)
{
    return t.sec < 0 ? 0 : (uint64_t)t.sec * 1000000000 + t.nsec;
}

static bool same_state(const struct lt_attr *a, const struct lt_attr *b)
{
    return a->size == b->size && a->mtime.sec == b->mtime.sec && a->mtime.nsec == b->mtime.nsec &&
           a->ctime.sec == b->ctime.sec && a->ctime.nsec == b->ctime.nsec && a->mode == b->mode &&
           a->nlink == b->nlink;
}

/* What FUSE does not say: a version grows with each change that we hear of. */
static void complete_locked(struct fuse_node *node, struct lt_attr *a) REQUIRES(node->lock)
{
    a->id = node->node.id;
    a->generation = (uint32_t)node->generation;
    a->version = node->attr.version;
    if (a->version == 0 || !same_state(a, &node->attr))
        a->version = ns_of(a->ctime) > a->version ? ns_of(a->ctime) : a->version + 1;
    a->btime = ns_of(a->mtime) < ns_of(a->ctime) ? a->mtime : a->ctime;
    if (node->node.type == LT_S_IFDIR)
        a->win_attrs = LT_WIN_DIRECTORY;
}

int fuse_attr_learn(struct fuse_node *node, const struct lt_fuse_attr *attr, uint64_t ns,
                    uint64_t begun, struct lt_attr *ret)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    struct lt_attr a;
    int r = lt_fuse_get_attr(attr, &a);
    if (r < 0)
        return r;
    if (node->node.type != LT_S_STREAM && (a.mode & LT_S_IFMT) != node->node.type)
        return LT_ESTALE;
    ns = ns < fs->options.attr_ns ? ns : fs->options.attr_ns;
    lt_mutex_lock(&node->lock);
    complete_locked(node, &a);
    if (begun >= node->changed) {
        node->attr = a;
        node->attr_until_ns = until(ns);
    }
    lt_mutex_unlock(&node->lock);
    if (ret)
        *ret = a;
    return 0;
}

void fuse_attr_drop(struct fuse_node *node)
{
    struct fuse_fs *fs = fuse_fs_of(node);
    lt_mutex_lock(&node->lock);
    node->changed = atomic_fetch_add(&fs->changes, 1) + 1;
    node->attr_until_ns = 0;
    lt_mutex_unlock(&node->lock);
}

bool fuse_attr_cached(struct fuse_node *node, struct lt_attr *ret)
{
    uint64_t now = lt_clock_ns();
    lt_mutex_lock(&node->lock);
    bool good = node->attr_until_ns > now;
    if (good)
        *ret = node->attr;
    lt_mutex_unlock(&node->lock);
    return good;
}

int fuse_getattr(const struct lt_ctx *ctx, struct lt_node *base, struct lt_attr *ret)
{
    struct fuse_node *node = fuse_node(base);
    struct fuse_fs *fs = fuse_fs_of(node);
    if (fuse_attr_cached(node, ret))
        return 0;
    struct lt_fuse_getattr_in in = {.fh = 0};
    struct lt_fuse_attr_out out;
    struct fuse_request r = {
        .opcode = LT_FUSE_GETATTR,
        .node = node,
        .args = &in,
        .args_len = sizeof(in),
        .out = {{&out, sizeof(out)}},
        .out_count = 1,
        .out_min = sizeof(out),
    };
    uint64_t begun = fuse_attr_begin(fs);
    int e = fuse_call(ctx, fs, &r);
    if (e < 0)
        return e;
    return fuse_attr_learn(node, &out.attr,
                           lt_fuse_get_timeout(out.attr_valid, out.attr_valid_nsec), begun, ret);
}

int fuse_entry_learn(struct fuse_fs *fs, uint32_t epoch, struct fuse_node *dir, struct lt_str name,
                     const struct lt_fuse_entry_out *out, uint64_t begun, struct lt_entry *ret)
{
    uint64_t ns = lt_fuse_get_timeout(out->entry_valid, out->entry_valid_nsec);
    struct fuse_node *node;
    struct lt_attr attr;
    if (out->nodeid == 0 || out->nodeid == LT_ROOT_ID)
        return LT_EIO;
    int r = lt_fuse_get_attr(&out->attr, &attr);
    if (r < 0) {
        atomic_fetch_add(&fs->looked_up, 1);
        fuse_forget(fs, epoch, out->nodeid, 1, false);
        return r;
    }
    r = fuse_node_take(fs, epoch, out->nodeid, out->generation, attr.mode & LT_S_IFMT, &node);
    if (r < 0)
        return r;
    r = fuse_attr_learn(node, &out->attr,
                        lt_fuse_get_timeout(out->attr_valid, out->attr_valid_nsec), begun,
                        &ret->attr);
    if (r < 0) {
        lt_node_put(&node->node);
        return r;
    }
    if (dir)
        fuse_name_learn(fs, dir, name, node, ns);
    ret->node = &node->node;
    return 0;
}

int fuse_setattr(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                 struct lt_attr *ret)
{
    (void)ctx;
    (void)node;
    (void)set;
    (void)ret;
    return LT_EOPNOTSUPP;
}
