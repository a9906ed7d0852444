// SPDX-License-Identifier: MIT
/* lt_tree_copy: from one Lintel file system to another. */
#include "tree.h"

#include "core.h"

#include <stdlib.h>

/* A directory being filled. */
struct target {
    struct target *up;
    struct lt_node *node;
    struct lt_setattr late; /* for when it is full */
};

struct copy {
    struct tree_sink sink; /* first */
    struct tree_job *job;
    struct lt_node *to;
    struct target *top;
    struct idmap links; /* node id -> node of the target, for files with several names */
};

/* Where data goes. */
struct data_sink {
    struct tree_job *job;
    struct lt_node *to;
};

static int put_data(void *arg, uint64_t offset, const char *bytes, size_t len)
{
    const struct data_sink *sink = arg;
    return tree_write(sink->job, sink->to, offset, bytes, len);
}

/* Content with its holes. `to` is a file or stream. */
static int copy_data(struct tree_job *job, struct lt_node *from, struct lt_node *to, uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    struct data_sink sink = {job, to};
    if (size == 0)
        return 0;
    int r = lt_node_open(job->ctx, to, LT_OPEN_WRITE);
    if (r < 0)
        return r;
    r = tree_read_data(job, from, size, put_data, &sink);
    if (r == 0)
        r = lt_node_setattr(job->ctx, to, &set, NULL);
    int closed = lt_node_close(job->ctx, to, LT_OPEN_WRITE);
    return r < 0 ? r : closed;
}

static int copy_stream(struct tree_job *job, struct lt_node *from, struct lt_node *to,
                       struct lt_str name)
{
    struct lt_node *in, *out = NULL;
    struct lt_attr attr;
    int r = lt_node_stream_open(job->ctx, from, name, 0, &in);
    if (r < 0)
        return r == LT_ENOENT ? 0 : r;
    r = lt_node_getattr(job->ctx, in, &attr);
    if (r == 0)
        r = lt_node_stream_open(job->ctx, to, name, LT_STREAM_CREATE, &out);
    if (r == 0)
        r = copy_data(job, in, out, attr.size);
    lt_node_put(in);
    lt_node_put(out);
    return r;
}

int tree_copy_streams(struct tree_job *job, struct lt_node *from, const struct lt_attr *attr,
                      struct lt_node *to)
{
    struct meta names = {0};
    struct lt_str name, value;
    int r = meta_streams(job->ctx, from, attr, META_STREAM_MAX + 1, &names);
    for (size_t at = 0; r == 0 && meta_next(&names, &at, &name, &value);) {
        r = copy_stream(job, from, to, name);
        if (r < 0 && meta_is_skippable(r)) {
            job->options->status.skipped++;
            r = 0;
        }
    }
    meta_fini(&names);
    return r;
}

static int copy_content(struct copy *c, struct lt_node *from, const struct lt_attr *attr,
                        struct lt_node *to, struct lt_setattr *late)
{
    int r = 0;
    meta_clear(&c->job->meta);
    if (from->type == LT_S_IFREG)
        r = copy_data(c->job, from, to, attr->size);
    if (r == 0)
        r = meta_read(c->job->ctx, from, attr, &c->job->meta);
    if (r == 0)
        r = tree_apply_meta(c->job, to, attr, late);
    if (r == 0)
        r = tree_copy_streams(c->job, from, attr, to);
    return r;
}

static int make_node(struct copy *c, struct lt_str name, struct lt_node *from,
                     const struct lt_attr *attr, struct lt_node **ret)
{
    char target[LT_PATH_MAX];
    struct lt_str link = {target, 0};
    if (from->type == LT_S_IFLNK) {
        int r = lt_node_readlink(c->job->ctx, from, target, sizeof(target));
        if (r < 0)
            return r;
        link.len = (size_t)r;
    }
    return tree_make(c->job, c->top->node, name, attr, link, ret);
}

/* A further name of a file that was copied before; LT_ENOENT if it was not. */
static int link_again(struct copy *c, struct lt_str name, struct lt_node *from,
                      const struct lt_attr *attr)
{
    struct lt_node *before = NULL;
    if (attr->nlink > 1 && from->type != LT_S_IFDIR)
        before = idmap_get(&c->links, from->id, 0);
    return before ? tree_link(c->job, before, c->top->node, name) : LT_ENOENT;
}

static int enter(struct copy *c, struct lt_node *node, const struct lt_setattr *late)
{
    struct target *t = calloc(1, sizeof(*t));
    if (!t)
        return LT_ENOMEM;
    *t = (struct target){.up = c->top, .node = lt_node_get(node), .late = *late};
    c->top = t;
    return 0;
}

static void leave(struct copy *c)
{
    struct target *t = c->top;
    c->top = t->up;
    lt_node_put(t->node);
    free(t);
}

/* The top directory is there already and gets mode, owner and the rest. */
static int start_top(struct copy *c, struct lt_node *from, const struct lt_attr *attr)
{
    struct lt_setattr late, owner = {.mask = LT_SET_MODE | LT_SET_UID | LT_SET_GID,
                                     .mode = attr->mode & LT_S_PERM,
                                     .uid = attr->uid,
                                     .gid = attr->gid};
    int r = lt_node_setattr(c->job->ctx, c->to, &owner, NULL);
    struct lt_node *to = c->to;
    if (r == 0)
        r = copy_content(c, from, attr, to, &late);
    return r < 0 ? r : enter(c, to, &late);
}

static int copy_node(struct tree_sink *sink, struct lt_str name, struct lt_node *from,
                     const struct lt_attr *attr)
{
    struct copy *c = (struct copy *)sink;
    struct lt_setattr late;
    struct lt_node *to;
    if (!c->top)
        return start_top(c, from, attr);
    int r = link_again(c, name, from, attr);
    if (r != LT_ENOENT)
        return r;
    r = make_node(c, name, from, attr, &to);
    if (r < 0)
        return r;
    r = copy_content(c, from, attr, to, &late);
    if (r == 0 && from->type == LT_S_IFDIR)
        r = enter(c, to, &late);
    else if (r == 0)
        r = tree_finish(c->job, to, &late);
    if (r == 0 && attr->nlink > 1 && from->type != LT_S_IFDIR) {
        r = idmap_add(&c->links, from->id, 0, to);
        to = r == 0 ? NULL : to; /* the map's now */
    }
    lt_node_put(to);
    return r;
}

static int copy_leave(struct tree_sink *sink, struct lt_node *dir)
{
    struct copy *c = (struct copy *)sink;
    (void)dir;
    int r = tree_finish(c->job, c->top->node, &c->top->late);
    leave(c);
    return r;
}

static void drop_node(void *value)
{
    lt_node_put(value);
}

int lt_tree_copy(const struct lt_ctx *ctx, struct lt_node *from, struct lt_node *to,
                 struct lt_tree_options *options, struct lt_diag *diag)
{
    struct tree_job job;
    struct copy c = {.sink = {copy_node, copy_leave}, .job = &job, .to = to};
    int r = tree_job_init(&job, ctx, options, diag, "copy");
    if (r == 0)
        r = check_dir(to);
    if (r == 0)
        r = tree_walk(&job, from, &c.sink);
    while (c.top)
        leave(&c);
    idmap_fini(&c.links, drop_node);
    tree_job_fini(&job);
    return r;
}
