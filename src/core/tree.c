// SPDX-License-Identifier: MIT
#include "tree.h"

#include "core.h"

#include <base/options.h>
#include <lintel/file.h>
#include <os/host.h>
#include <stdio.h>
#include <stdlib.h>

#define REPORT_NS UINT64_C(100000000)

/* ---- Jobs ---------------------------------------------------------------------------------- */

int tree_job_init(struct tree_job *job, const struct lt_ctx *ctx, struct lt_tree_options *options,
                  struct lt_diag *diag, const char *verb)
{
    *job = (struct tree_job){.ctx = ctx_or_root(ctx), .diag = diag, .verb = verb};
    job->options = options ? options : &job->none;
    job->options->status = (struct lt_tree_status){0};
    job->next_report = lt_clock_ns() + REPORT_NS;
    job->buffer = malloc(TREE_BUFFER);
    job->path_capacity = 256;
    job->path = malloc(job->path_capacity);
    if (!job->buffer || !job->path)
        return lt_diag_set(diag, LT_ENOMEM, "%s", lt_error_text(LT_ENOMEM));
    job->path[0] = 0;
    if (diag)
        diag->text[0] = 0;
    return 0;
}

void tree_job_fini(struct tree_job *job)
{
    if (job->options->progress)
        job->options->progress(job->options->arg, &job->options->status);
    meta_fini(&job->meta);
    free(job->buffer);
    free(job->path);
}

int tree_path_push(struct tree_job *job, struct lt_str name, size_t *ret_before)
{
    size_t needed = job->path_len + 1 + name.len + 1;
    if (needed > job->path_capacity) {
        char *path = realloc(job->path, 2 * needed);
        if (!path)
            return LT_ENOMEM;
        job->path = path;
        job->path_capacity = 2 * needed;
    }
    *ret_before = job->path_len;
    if (job->path_len)
        job->path[job->path_len++] = '/';
    memcpy(job->path + job->path_len, name.s, name.len);
    job->path_len += name.len;
    job->path[job->path_len] = 0;
    return 0;
}

void tree_path_cut(struct tree_job *job, size_t before)
{
    job->path_len = before;
    job->path[before] = 0;
}

int tree_count(struct tree_job *job, uint64_t files, uint64_t bytes)
{
    struct lt_tree_options *o = job->options;
    o->status.files += files;
    o->status.bytes += bytes;
    if (o->cancel && atomic_load_explicit(o->cancel, memory_order_relaxed))
        return LT_ECANCELED;
    if (!o->progress || lt_clock_ns() < job->next_report)
        return 0;
    o->progress(o->arg, &o->status);
    job->next_report = lt_clock_ns() + REPORT_NS;
    return 0;
}

int tree_fail(struct tree_job *job, int error)
{
    if (error >= 0 || !job->diag || job->diag->text[0])
        return error;
    return lt_diag_set(job->diag, error, "cannot %s '%s': %s", job->verb,
                       job->path_len ? job->path : "/", lt_error_text(error));
}

/* ---- The walk ------------------------------------------------------------------------------ */

/* A directory whose content is being listed. */
struct frame {
    struct frame *up;
    struct lt_node *node;
    struct lt_dir *listing;
    size_t path_before; /* length of the path of the directory above */
};

/* Goes into a directory; its reference becomes the frame's. */
static int push_frame(struct tree_job *job, struct lt_node *node, size_t path_before,
                      struct frame **top)
{
    struct frame *f = calloc(1, sizeof(*f));
    int r = f ? lt_dir_open_node(job->ctx, node, &f->listing) : LT_ENOMEM;
    if (r < 0) {
        free(f);
        lt_node_put(node);
        return r;
    }
    f->up = *top;
    f->node = node;
    f->path_before = path_before;
    *top = f;
    return 0;
}

static void pop_frame(struct tree_job *job, struct frame **top)
{
    struct frame *f = *top;
    *top = f->up;
    tree_path_cut(job, f->path_before);
    lt_dir_close(f->listing);
    lt_node_put(f->node);
    free(f);
}

/* Hands one entry to the sink, and goes into it where it is a directory. */
static int visit(struct tree_job *job, struct tree_sink *sink, struct lt_str name,
                 struct frame **top)
{
    struct lt_entry entry = {.stored = NULL};
    size_t before = job->path_len;
    int r = lt_node_lookup(job->ctx, (*top)->node, name, &entry);
    if (r == LT_ENOENT) /* removed since it was listed */
        return 0;
    if (r < 0)
        return r;
    r = tree_path_push(job, name, &before);
    if (r == 0)
        r = sink->node(sink, name, entry.node, &entry.attr);
    if (r == 0)
        r = tree_count(job, 1, 0);
    if (r < 0)
        tree_fail(job, r);
    if (r == 0 && entry.node->type == LT_S_IFDIR)
        return push_frame(job, entry.node, before, top);
    tree_path_cut(job, before);
    lt_node_put(entry.node);
    return r;
}

static int step(struct tree_job *job, struct tree_sink *sink, struct frame **top)
{
    struct lt_dirent entry;
    char name[LT_NAME_MAX];
    int r = lt_dir_next((*top)->listing, &entry);
    if (r < 0)
        return tree_fail(job, r);
    if (r > 0) {
        memcpy(name, entry.name.s, entry.name.len);
        return visit(job, sink, lt_strn(name, entry.name.len), top);
    }
    r = sink->leave ? sink->leave(sink, (*top)->node) : 0;
    tree_fail(job, r);
    pop_frame(job, top);
    return r;
}

int tree_walk(struct tree_job *job, struct lt_node *from, struct tree_sink *sink)
{
    struct frame *top = NULL;
    struct lt_attr attr;
    int r = check_dir(from);
    if (r == 0)
        r = lt_node_getattr(job->ctx, from, &attr);
    if (r == 0)
        r = sink->node(sink, lt_str(""), from, &attr);
    if (r == 0)
        r = push_frame(job, lt_node_get(from), 0, &top);
    tree_fail(job, r);
    while (r == 0 && top)
        r = step(job, sink, &top);
    while (top)
        pop_frame(job, &top);
    return r;
}

/* Where the next data lies, or the end of the file. */
static int next_data(struct tree_job *job, struct lt_node *node, uint64_t size, uint64_t *offset,
                     uint64_t *ret_end)
{
    int r = lt_node_seek(job->ctx, node, *offset, LT_SEEK_DATA, offset);
    if (r == LT_ENXIO) {
        *offset = *ret_end = size;
        return 0;
    }
    if (r == LT_EOPNOTSUPP) {
        *ret_end = size;
        return 0;
    }
    if (r == 0)
        r = lt_node_seek(job->ctx, node, *offset, LT_SEEK_HOLE, ret_end);
    if (r == 0 && *ret_end > size)
        *ret_end = size;
    return r == LT_ENXIO ? 0 : r;
}

static int read_opened(struct tree_job *job, struct lt_node *node, uint64_t size, tree_data_fn *fn,
                       void *arg)
{
    uint64_t offset = 0;
    while (offset < size) {
        uint64_t end = size;
        int r = next_data(job, node, size, &offset, &end);
        while (r == 0 && offset < end) {
            size_t want = end - offset < TREE_BUFFER ? (size_t)(end - offset) : TREE_BUFFER;
            int got = lt_node_pread(job->ctx, node, offset, job->buffer, want);
            if (got <= 0) /* an error, or cut short meanwhile */
                return got;
            r = fn(arg, offset, job->buffer, (size_t)got);
            if (r == 0)
                r = tree_count(job, 0, (uint64_t)got);
            offset += (uint64_t)got;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int tree_read_data(struct tree_job *job, struct lt_node *node, uint64_t size, tree_data_fn *fn,
                   void *arg)
{
    int r = lt_node_open(job->ctx, node, LT_OPEN_READ);
    if (r < 0)
        return r;
    r = read_opened(job, node, size, fn, arg);
    lt_node_close(job->ctx, node, LT_OPEN_READ); /* nothing that was read can be lost any more */
    return r;
}

/* ---- Making nodes -------------------------------------------------------------------------- */

int tree_make(struct tree_job *job, struct lt_node *dir, struct lt_str name,
              const struct lt_attr *attr, struct lt_str target, struct lt_node **ret)
{
    struct lt_create spec = {.mode = attr->mode,
                             .rdev = attr->rdev,
                             .uid = attr->uid,
                             .gid = attr->gid,
                             .target = target,
                             .exact = true};
    struct lt_entry entry = {.stored = NULL};
    int r = lt_node_create(job->ctx, dir, name, &spec, &entry);
    if (r == 0)
        *ret = entry.node;
    return r;
}

int tree_link(struct tree_job *job, struct lt_node *node, struct lt_node *dir, struct lt_str name)
{
    struct lt_entry entry = {.stored = NULL};
    struct lt_attr attr;
    int r = lt_node_getattr(job->ctx, node, &attr);
    if (r == 0)
        r = lt_node_link(job->ctx, node, dir, name, &entry);
    if (r < 0)
        return r;
    lt_node_put(entry.node);
    struct lt_setattr set = {.mask = LT_SET_CTIME, .ctime = attr.ctime};
    return lt_node_setattr(job->ctx, node, &set, NULL);
}

int tree_write(struct tree_job *job, struct lt_node *node, uint64_t offset, const char *bytes,
               size_t len)
{
    while (len) {
        size_t part = len < LT_IO_MAX ? len : LT_IO_MAX;
        int r = lt_node_pwrite(job->ctx, node, offset, bytes, part);
        if (r <= 0)
            return r < 0 ? r : LT_ENOSPC;
        offset += (uint64_t)r;
        bytes += r;
        len -= (size_t)r;
    }
    return 0;
}

int tree_apply_meta(struct tree_job *job, struct lt_node *node, const struct lt_attr *attr,
                    struct lt_setattr *late)
{
    struct lt_str name, value;
    *late = (struct lt_setattr){.mask = LT_SET_ATIME | LT_SET_MTIME | LT_SET_CTIME,
                                .atime = attr->atime,
                                .mtime = attr->mtime,
                                .ctime = attr->ctime};
    for (size_t at = 0; meta_next(&job->meta, &at, &name, &value);) {
        int r = meta_apply(job->ctx, node, name, value, late);
        if (r < 0 && !meta_is_skippable(r))
            return r;
        job->options->status.skipped += r < 0;
    }
    return 0;
}

int tree_finish(struct tree_job *job, struct lt_node *node, const struct lt_setattr *late)
{
    return lt_node_setattr(job->ctx, node, late, NULL);
}

/* ---- lintel/tree.h: host trees ------------------------------------------------------------- */

int lt_tree_load(const struct lt_ctx *ctx, const char *path, struct lt_node *to,
                 struct lt_tree_options *options, struct lt_diag *diag)
{
    struct tree_job job;
    int r = tree_job_init(&job, ctx, options, diag, "load");
    if (r == 0)
        r = check_dir(to);
    int type = r == 0 ? lt_host_type_followed(path) : r;
    if (type == LT_S_IFDIR)
        r = tree_host_load(&job, path, to);
    else if (type >= 0)
        r = tree_tar_load(&job, path, to);
    else
        r = type;
    if (r < 0 && diag && !diag->text[0])
        r = lt_diag_set(diag, r, "cannot load '%s': %s", path, lt_error_text(r));
    tree_job_fini(&job);
    return r;
}

static bool wants_archive(const char *path)
{
    size_t len = strlen(path);
    int type = lt_host_type_followed(path);
    if (type == LT_S_IFDIR)
        return false;
    return type > 0 || (len > 4 && strcmp(path + len - 4, ".tar") == 0);
}

/* Writes the tree to `beside`, and puts it into its place. */
static int save_beside(struct tree_job *job, struct lt_node *from, const char *path,
                       const char *beside)
{
    int r = lt_host_remove_tree(beside);
    if (r < 0)
        return r;
    if (wants_archive(path))
        r = tree_tar_save(job, from, beside);
    else
        r = tree_host_save(job, from, beside);
    if (r == 0)
        r = lt_host_replace(beside, path);
    /* What is there now is either the old tree or a new one that is not complete. */
    int r2 = lt_host_remove_tree(beside);
    return r < 0 ? r : r2;
}

/* Without '/' at the end, which would make names beside it names in it. */
static size_t trimmed_len(const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    return len;
}

int lt_tree_save(const struct lt_ctx *ctx, struct lt_node *from, const char *path,
                 struct lt_tree_options *options, struct lt_diag *diag)
{
    static const char suffix[] = ".lintel-new";
    struct tree_job job;
    size_t len = trimmed_len(path);
    char *names = malloc(2 * (len + 1) + sizeof(suffix));
    int r = tree_job_init(&job, ctx, options, diag, "save");
    if (r == 0 && !names)
        r = LT_ENOMEM;
    if (r == 0) {
        char *target = names, *beside = names + len + 1;
        memcpy(target, path, len);
        target[len] = 0;
        (void)snprintf(beside, len + sizeof(suffix), "%.*s%s", (int)len, path, suffix);
        r = save_beside(&job, from, target, beside);
    }
    if (r < 0 && diag && !diag->text[0])
        r = lt_diag_set(diag, r, "cannot save to '%s': %s", path, lt_error_text(r));
    free(names);
    tree_job_fini(&job);
    return r;
}
