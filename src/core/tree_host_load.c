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

/* ---- Metadata ------------------------------------------------------------------------------ */

/* Halves of the job's buffer: names, and one value. */
#define HALF (TREE_BUFFER / 2)

static int read_value(struct load *l, const char *name, const char *key)
{
    struct tree_job *job = l->job;
    char *value = job->buffer + HALF;
    int r = lt_host_xattr_get(l->top->from, name, key, value, HALF);
    if (r < 0) {
        job->options->status.skipped++;
        return 0;
    }
    struct lt_str ours = lt_str(key);
    if (lt_str_equal(ours, lt_str(HOST_NAME)))
        return 0;
    if (meta_has_prefix(ours, HOST_PREFIX META_PREFIX)) {
        ours.s += strlen(HOST_PREFIX);
        ours.len -= strlen(HOST_PREFIX);
    }
    return meta_add(&job->meta, ours, lt_strn(value, (size_t)r));
}

/* All attributes of an entry into job->meta. */
static int read_meta(struct load *l, const char *name)
{
    const char *names = l->job->buffer;
    meta_clear(&l->job->meta);
    int len = lt_host_xattr_list(l->top->from, name, l->job->buffer, HALF - 1);
    if (len < 0) /* a host file system without any */
        return 0;
    l->job->buffer[len] = 0;
    int r = 0;
    for (const char *key = names; r == 0 && key < names + len; key += strlen(key) + 1)
        r = read_value(l, name, key);
    return r;
}

/* The name that an entry has with us. */
static struct lt_str own_name(struct load *l, const char *name, char room[LT_NAME_MAX])
{
    int r = lt_host_xattr_get(l->top->from, name, HOST_NAME, room, LT_NAME_MAX);
    if (r <= 0 || lt_name_check(lt_strn(room, (size_t)r)) < 0)
        return lt_str(name);
    return lt_strn(room, (size_t)r);
}

/* ---- Data ---------------------------------------------------------------------------------- */

static int load_run(struct load *l, struct lt_host_file *from, struct lt_node *to, uint64_t offset,
                    uint64_t end)
{
    while (offset < end) {
        uint64_t want = end - offset < TREE_BUFFER ? end - offset : TREE_BUFFER;
        int64_t got = lt_host_file_read(from, offset, l->job->buffer, (size_t)want);
        if (got <= 0)
            return (int)got;
        int r = tree_write(l->job, to, offset, l->job->buffer, (size_t)got);
        if (r == 0)
            r = tree_count(l->job, 0, (uint64_t)got);
        if (r < 0)
            return r;
        offset += (uint64_t)got;
    }
    return 0;
}

static int load_runs(struct load *l, struct lt_host_file *from, struct lt_node *to, uint64_t size)
{
    uint64_t offset = 0;
    while (offset < size) {
        uint64_t end = size;
        int r = lt_host_file_data(from, &offset, &end);
        if (r == LT_ENXIO) /* a hole to the end */
            return 0;
        if (r < 0 && r != LT_EINVAL && r != LT_EOPNOTSUPP)
            return r;
        if (end > size)
            end = size;
        r = load_run(l, from, to, offset, end);
        if (r < 0)
            return r;
        offset = end;
    }
    return 0;
}

static int load_data(struct load *l, const char *name, uint64_t size, struct lt_node *to)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    struct lt_host_file *from;
    if (size == 0)
        return 0;
    int r = lt_host_file_open(l->top->from, name, &from);
    if (r < 0)
        return r;
    r = load_runs(l, from, to, size);
    (void)lt_host_file_close(from, false);
    return r < 0 ? r : lt_node_setattr(l->job->ctx, to, &set, NULL);
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
        r = read_meta(l, name);
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
    struct lt_str own = own_name(l, name, room);
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
        r = read_meta(l, NULL);
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
