// SPDX-License-Identifier: MIT
/* A directory of the host into a Lintel file system. */
#include "tree_host.h"

#include "core.h"

#include <base/unicode.h>
#include <stdlib.h>

/* A directory being loaded. */
struct frame {
    struct frame *up;
    struct lt_host_dir *from;
    struct lt_node *to;     /* referenced */
    struct lt_setattr late; /* for when it is full */
    size_t path_before;
};

struct load {
    struct tree_job *job;
    struct frame *top;
    struct idmap links; /* device, inode -> node */
};

/* ---- Data ---------------------------------------------------------------------------------- */

struct sink {
    struct tree_job *job;
    struct lt_node *to;
};

static int put_run(void *arg, uint64_t offset, const char *bytes, size_t len)
{
    const struct sink *sink = arg;
    return tree_write(sink->job, sink->to, offset, bytes, len);
}

static int load_data(struct load *l, const char *name, uint64_t size, struct lt_node *to)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    struct sink sink = {l->job, to};
    if (size == 0)
        return 0;
    int r = lt_node_open(l->job->ctx, to, LT_OPEN_WRITE);
    if (r < 0)
        return r;
    r = tree_host_read_data(l->job, l->top->from, name, size, put_run, &sink);
    if (r == 0)
        r = lt_node_setattr(l->job->ctx, to, &set, NULL);
    int closed = lt_node_close(l->job->ctx, to, LT_OPEN_WRITE);
    return r < 0 ? r : closed;
}

/* ---- Entries ------------------------------------------------------------------------------- */

static int push(struct load *l, struct lt_host_dir *from, struct lt_node *to,
                const struct lt_setattr *late, size_t path_before)
{
    struct frame *f = calloc(1, sizeof(*f));
    if (!f) {
        lt_host_dir_close(from);
        return LT_ENOMEM;
    }
    *f = (struct frame){.up = l->top,
                        .from = from,
                        .to = lt_node_get(to),
                        .late = *late,
                        .path_before = path_before};
    l->top = f;
    return 0;
}

static void pop(struct load *l)
{
    struct frame *f = l->top;
    l->top = f->up;
    tree_path_cut(l->job, f->path_before);
    lt_host_dir_close(f->from);
    lt_node_put(f->to);
    free(f);
}

static int make(struct load *l, const char *name, struct lt_str own, const struct lt_attr *attr,
                struct lt_node **ret)
{
    char target[LT_PATH_MAX];
    struct lt_str link = {target, 0};
    if ((attr->mode & LT_S_IFMT) == LT_S_IFLNK) {
        int len = lt_host_readlink(l->top->from, name, target, sizeof(target));
        if (len < 0)
            return len;
        link.len = (size_t)len;
    }
    return tree_make(l->job, l->top->to, own, attr, link, ret);
}

/* Everything behind the making of a node: data, metadata, and for a directory the way in. */
static int fill(struct load *l, const char *name, const struct lt_attr *attr, struct lt_node *node,
                size_t path_before)
{
    struct lt_setattr late;
    struct lt_host_dir *inner;
    int r = 0;
    if (node->type == LT_S_IFREG)
        r = load_data(l, name, attr->size, node);
    if (r == 0)
        r = tree_host_read_meta(l->job, l->top->from, name);
    if (r == 0)
        r = tree_apply_meta(l->job, node, attr, &late);
    if (r < 0)
        return r;
    if (node->type != LT_S_IFDIR)
        return tree_finish(l->job, node, &late);
    r = lt_host_dir_enter(l->top->from, name, &inner);
    return r < 0 ? r : push(l, inner, node, &late, path_before);
}

/* A further name of a file that is there already: LT_ENOENT if it is not. */
static int link_again(struct load *l, struct lt_str own, const struct lt_attr *attr, uint64_t dev)
{
    struct lt_node *before = NULL;
    if (attr->nlink > 1)
        before = idmap_get(&l->links, dev, attr->id);
    return before ? tree_link(l->job, before, l->top->to, own) : LT_ENOENT;
}

static int load_entry(struct load *l, const char *name, size_t path_before)
{
    char room[LT_NAME_MAX];
    struct lt_attr attr;
    struct lt_node *node;
    uint64_t dev;
    int r = lt_host_stat(l->top->from, name, &attr, &dev);
    if (r < 0)
        return r;
    struct lt_str own = tree_host_own_name(l->top->from, name, room);
    bool is_dir = (attr.mode & LT_S_IFMT) == LT_S_IFDIR;
    r = is_dir ? LT_ENOENT : link_again(l, own, &attr, dev);
    if (r != LT_ENOENT)
        return r;
    r = make(l, name, own, &attr, &node);
    if (r < 0)
        return r;
    r = fill(l, name, &attr, node, path_before);
    if (r == 0 && !is_dir && attr.nlink > 1) {
        r = idmap_add(&l->links, dev, attr.id, node);
        node = r == 0 ? NULL : node; /* the map's now */
    }
    lt_node_put(node);
    return r;
}

static int step(struct load *l)
{
    const char *name;
    int r = lt_host_dir_next(l->top->from, &name);
    if (r < 0)
        return tree_fail(l->job, r);
    if (r == 0) {
        r = tree_finish(l->job, l->top->to, &l->top->late);
        tree_fail(l->job, r);
        pop(l);
        return r;
    }
    char copy[HOST_NAME_MAX + 1];
    struct frame *here = l->top;
    size_t before;
    size_t len = strnlen(name, sizeof(copy) - 1);
    memcpy(copy, name, len);
    copy[len] = 0;
    r = tree_path_push(l->job, lt_strn(copy, len), &before);
    if (r == 0)
        r = load_entry(l, copy, before);
    if (r == 0)
        r = tree_count(l->job, 1, 0);
    tree_fail(l->job, r);
    if (l->top == here && r == 0)
        tree_path_cut(l->job, before);
    return r;
}

static int start(struct load *l, const char *path, struct lt_node *to)
{
    struct lt_setattr none = {0};
    struct lt_host_dir *dir;
    struct lt_attr attr;
    uint64_t dev;
    int r = lt_host_dir_open(path, &dir);
    if (r < 0)
        return r;
    r = push(l, dir, to, &none, 0);
    if (r == 0)
        r = lt_host_stat(dir, NULL, &attr, &dev);
    if (r < 0)
        return r;
    struct lt_setattr owner = {.mask = LT_SET_MODE | LT_SET_UID | LT_SET_GID,
                               .mode = attr.mode & LT_S_PERM,
                               .uid = attr.uid,
                               .gid = attr.gid};
    r = lt_node_setattr(l->job->ctx, to, &owner, NULL);
    if (r == 0)
        r = tree_host_read_meta(l->job, dir, NULL);
    return r < 0 ? r : tree_apply_meta(l->job, to, &attr, &l->top->late);
}

static void drop_node(void *value)
{
    lt_node_put(value);
}

int tree_host_load(struct tree_job *job, const char *path, struct lt_node *to)
{
    struct load l = {.job = job};
    int r = start(&l, path, to);
    tree_fail(job, r);
    while (r == 0 && l.top)
        r = step(&l);
    while (l.top)
        pop(&l);
    idmap_fini(&l.links, drop_node);
    return r;
}
