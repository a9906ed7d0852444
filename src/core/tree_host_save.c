// SPDX-License-Identifier: MIT
/* A tree of a Lintel file system into a new directory of the host. */
#include "tree_host.h"

#include "core.h"

#include <base/json.h>
#include <stdio.h>
#include <stdlib.h>

/* A directory being written. */
struct frame {
    struct frame *up;
    struct lt_host_dir *dir;
    size_t path_before; /* length of the path of the directory above */
};

struct save {
    struct tree_sink sink; /* first */
    struct tree_job *job;
    const char *path;
    struct frame *top;
    struct lt_host_dir *root; /* that of the outermost frame */
    struct idmap links; /* node id -> malloc'd path from the root, for files with several names */
    struct lt_buffer above; /* path of the top frame's directory, with a '/' at the end */
};

/* ---- Metadata ------------------------------------------------------------------------------ */

static int read_meta(struct save *s, struct lt_node *node, const struct lt_attr *attr)
{
    struct meta names = {0};
    struct lt_str name, value;
    meta_clear(&s->job->meta);
    int r = meta_read(s->job->ctx, node, attr, &s->job->meta);
    if (r == 0)
        r = meta_streams(s->job->ctx, node, attr, META_STREAM_MAX + 1, &names);
    for (size_t at = 0; meta_next(&names, &at, &name, &value);)
        s->job->options->status.skipped++; /* no host keeps an attribute of that length */
    meta_fini(&names);
    return r;
}

/* ---- Files --------------------------------------------------------------------------------- */

static int put_run(void *arg, uint64_t offset, const char *bytes, size_t len)
{
    return lt_host_file_write(arg, offset, bytes, len);
}

static int put_file(struct save *s, const char *name, struct lt_node *node, uint64_t size)
{
    struct lt_host_file *file;
    int r = lt_host_file_create(s->top->dir, name, &file);
    if (r < 0)
        return r;
    r = tree_read_data(s->job, node, size, put_run, file);
    if (r == 0 && size)
        r = lt_host_file_set_size(file, size);
    int r2 = lt_host_file_close(file, false);
    return r < 0 ? r : r2;
}

static int put_symlink(struct save *s, const char *name, struct lt_node *node)
{
    char target[LT_PATH_MAX];
    int r = lt_node_readlink(s->job->ctx, node, target, sizeof(target) - 1);
    if (r < 0)
        return r;
    target[r] = 0;
    return lt_host_symlink(s->top->dir, name, target);
}

static int put_node(struct save *s, const char *name, struct lt_node *node,
                    const struct lt_attr *attr)
{
    switch (node->type) {
    case LT_S_IFREG:
        return put_file(s, name, node, attr->size);
    case LT_S_IFDIR:
        return lt_host_mkdir(s->top->dir, name);
    case LT_S_IFLNK:
        return put_symlink(s, name, node);
    default:
        return lt_host_mknod(s->top->dir, name, attr->mode, attr->rdev);
    }
}

/* ---- Hard links ---------------------------------------------------------------------------- */

/* The path on the host of an entry, malloc'd: names may have been cut on the way. */
static char *host_path(const struct save *s, const char *name)
{
    size_t size = s->above.len + strlen(name) + 1;
    char *path = malloc(size);
    if (path)
        (void)snprintf(path, size, "%s%s", s->above.len ? s->above.text : "", name);
    return path;
}

static int remember_link(struct save *s, const char *name, struct lt_node *node,
                         const struct lt_attr *attr)
{
    if (attr->nlink < 2 || node->type == LT_S_IFDIR)
        return 0;
    char *path = host_path(s, name);
    int r = path ? idmap_add(&s->links, node->id, 0, path) : LT_ENOMEM;
    if (r < 0)
        free(path);
    return r;
}

/* ---- The sink ------------------------------------------------------------------------------ */

static int push(struct save *s, struct lt_host_dir *dir, size_t path_before)
{
    struct frame *f = calloc(1, sizeof(*f));
    if (!f) {
        lt_host_dir_close(dir);
        return LT_ENOMEM;
    }
    *f = (struct frame){s->top, dir, path_before};
    s->top = f;
    return 0;
}

static void pop(struct save *s)
{
    struct frame *f = s->top;
    s->top = f->up;
    s->above.len = f->path_before;
    if (s->above.text)
        s->above.text[s->above.len] = 0;
    lt_host_dir_close(f->dir);
    free(f);
}

static int save_top(struct save *s)
{
    int r = lt_host_make_dir(s->path);
    if (r == 0)
        r = lt_host_dir_open(s->path, &s->root);
    return r < 0 ? r : push(s, s->root, 0);
}

/* Into a directory just made, which gets owner, mode and the rest when it is full. */
static int enter(struct save *s, const char *name)
{
    size_t before = s->above.len;
    struct lt_host_dir *inner = NULL;
    int r = lt_buffer_write(&s->above, name, strlen(name));
    if (r == 0)
        r = lt_buffer_write(&s->above, "/", 1);
    if (r == 0)
        r = lt_host_dir_enter(s->top->dir, name, &inner);
    return r < 0 ? r : push(s, inner, before);
}

static int finish_entry(struct save *s, const char *name, struct lt_node *node,
                        const struct lt_attr *attr)
{
    int r = read_meta(s, node, attr);
    if (r == 0)
        r = remember_link(s, name, node, attr);
    return r < 0 ? r : tree_host_put_meta(s->job, s->top->dir, name, attr);
}

static int save_node(struct tree_sink *sink, struct lt_str name, struct lt_node *node,
                     const struct lt_attr *attr)
{
    struct save *s = (struct save *)sink;
    char host[HOST_NAME_MAX + 1];
    if (!s->top)
        return save_top(s);
    tree_host_name(name, host);
    const char *before = NULL;
    if (attr->nlink > 1 && node->type != LT_S_IFDIR)
        before = idmap_get(&s->links, node->id, 0);
    if (before)
        return lt_host_link(s->root, before, s->top->dir, host);
    int r = put_node(s, host, node, attr);
    if (r == LT_EPERM && (node->type == LT_S_IFCHR || node->type == LT_S_IFBLK)) {
        s->job->options->status.skipped++; /* only root makes devices */
        return 0;
    }
    if (r == 0 && name.len > HOST_NAME_MAX)
        r = lt_host_xattr_set(s->top->dir, host, HOST_NAME, name.s, name.len);
    if (r < 0)
        return r;
    return node->type == LT_S_IFDIR ? enter(s, host) : finish_entry(s, host, node, attr);
}

static int save_leave(struct tree_sink *sink, struct lt_node *dir)
{
    struct save *s = (struct save *)sink;
    struct lt_attr attr;
    int r = lt_node_getattr(s->job->ctx, dir, &attr);
    if (r == 0)
        r = read_meta(s, dir, &attr);
    if (r == 0)
        r = tree_host_put_meta(s->job, s->top->dir, NULL, &attr);
    pop(s);
    return r;
}

int tree_host_save(struct tree_job *job, struct lt_node *from, const char *path)
{
    struct save s = {.sink = {save_node, save_leave}, .job = job, .path = path};
    int r = tree_walk(job, from, &s.sink);
    while (s.top)
        pop(&s);
    idmap_fini(&s.links, free);
    free(s.above.text);
    return r < 0 ? r : lt_host_sync(path);
}
