// SPDX-License-Identifier: MIT
/*
 * lintel/copy.h. A file that has the name already is replaced by rename, from a
 * name of its own beside it, so that there is always the whole old or the whole new
 * one. Directories are merged, and get their metadata when they are left.
 */
#include "copy.h"

#include "core.h"

#include <base/json.h>
#include <inttypes.h>
#include <lintel/path.h>
#include <stdio.h>
#include <stdlib.h>

/* A directory whose content is being copied. */
struct frame {
    struct frame *up;
    struct copy_dir from, to;
    size_t from_len, to_len; /* of the paths shown */
    bool made;               /* by us */
};

/* A file with several names that was copied. */
struct memory {
    const struct copy_ops *ops; /* of the target */
    void *what;
};

struct lt_copy {
    struct lt_copy_options *options;
    struct tree_job job;
    struct idmap links; /* of the source -> struct memory */
    struct frame *top;
    struct lt_buffer from_path, to_path; /* what the callbacks are told */
    int error;                           /* the first one of this lt_copy_add() */
};

/* One entry on its way: where from and where to. */
struct step {
    struct copy_dir *from_dir, *to_dir;
    struct copy_entry from, to;
    bool exists; /* `to` is there already */
};

int copy_entry_name(struct copy_entry *entry, struct lt_str name)
{
    if (name.len > LT_NAME_MAX)
        return LT_ENAMETOOLONG;
    memcpy(entry->name, name.s, name.len);
    entry->name[name.len] = 0;
    entry->len = name.len;
    tree_host_name(name, entry->host);
    return 0;
}

/* ---- Telling ------------------------------------------------------------------------------- */

/* After which nothing more can be written. */
static bool is_fatal(int error)
{
    return error == LT_ENOSPC || error == LT_EDQUOT || error == LT_EROFS || error == LT_ENOMEM ||
           error == LT_ECANCELED;
}

/* Tells of a failure; 0: the rest can go on. */
static int fail(struct lt_copy *c, int error, const char *why)
{
    const struct lt_copy_options *o = c->options;
    if (c->error == 0)
        c->error = error;
    if (o->failed)
        o->failed(o->arg, c->from_path.text, c->to_path.text, error,
                  why ? why : lt_error_text(error));
    return is_fatal(error) ? error : 0;
}

static int note_copied(struct lt_copy *c)
{
    if (c->options->copied)
        c->options->copied(c->options->arg, c->from_path.text, c->to_path.text);
    return tree_count(&c->job, 1, 0);
}

static int push_name(struct lt_buffer *path, struct lt_str name)
{
    int r = 0;
    if (path->len && path->text[path->len - 1] != '/')
        r = lt_buffer_write(path, "/", 1);
    return r == 0 ? lt_buffer_write(path, name.s, name.len) : r;
}

static void cut(struct lt_buffer *path, size_t len)
{
    path->len = len;
    path->text[len] = 0;
}

/* ---- Files --------------------------------------------------------------------------------- */

/* What the copy of `from` is to be like. */
static struct lt_attr attr_for(const struct lt_copy *c, const struct copy_entry *from)
{
    const struct lt_copy_options *o = c->options;
    struct lt_attr attr = from->attr;
    if (!o->plain)
        return attr;
    attr.mode &= LT_S_IFMT | (0777 & ~o->umask);
    attr.uid = o->uid;
    attr.gid = o->gid;
    attr.atime = attr.mtime = attr.ctime = lt_clock_now();
    return attr;
}

struct target {
    struct tree_job *job;
    const struct copy_ops *ops;
    struct copy_entry *entry;
};

static int put_run(void *arg, uint64_t offset, const char *bytes, size_t len)
{
    const struct target *t = arg;
    return t->ops->write(t->job, t->entry, offset, bytes, len);
}

static int copy_data(struct lt_copy *c, struct step *s, struct copy_entry *to)
{
    struct target t = {&c->job, s->to_dir->ops, to};
    if (s->from.attr.size == 0)
        return 0;
    int r = s->from_dir->ops->read_data(&c->job, s->from_dir, &s->from, put_run, &t);
    return r == 0 ? t.ops->set_size(&c->job, to, s->from.attr.size) : r;
}

/* Metadata of `from`, and what does not go into job->meta. */
static int copy_meta(struct lt_copy *c, struct copy_dir *from_dir, const struct copy_entry *from,
                     struct copy_dir *to_dir, struct copy_entry *to)
{
    struct lt_attr attr = attr_for(c, from);
    int r = 0;
    meta_clear(&c->job.meta);
    if (!c->options->plain)
        r = from_dir->ops->read_meta(&c->job, from_dir, from);
    if (r == 0 && !c->options->plain && from->node && to->node)
        r = tree_copy_streams(&c->job, from->node, &from->attr, to->node);
    return r == 0 ? to_dir->ops->finish(&c->job, to_dir, to, &attr) : r;
}

/* Makes `to`, which is not there, a copy. On failure nothing is left of it. */
static int copy_new(struct lt_copy *c, struct step *s, struct copy_entry *to)
{
    const struct copy_ops *ops = s->to_dir->ops;
    struct lt_attr attr = attr_for(c, &s->from);
    char text[LT_PATH_MAX];
    struct lt_str target = {text, 0};
    if (copy_type(&s->from) == LT_S_IFLNK) {
        int len = s->from_dir->ops->target(&c->job, s->from_dir, &s->from, text, sizeof(text) - 1);
        if (len < 0)
            return len;
        target.len = (size_t)len;
    }
    int r = ops->make(&c->job, s->to_dir, to, &attr, target);
    if (r < 0)
        return r;
    if (copy_type(&s->from) == LT_S_IFREG)
        r = copy_data(c, s, to);
    if (r == 0)
        r = copy_meta(c, s->from_dir, &s->from, s->to_dir, to);
    if (r < 0) {
        ops->drop(to);
        (void)ops->remove(&c->job, s->to_dir, to);
    }
    return r;
}

/* A copy beside the file that has the name, which then takes its place. */
static int copy_over(struct lt_copy *c, struct step *s)
{
    struct copy_entry beside = {.len = 0};
    uint64_t number;
    char name[40];
    int r = lt_random(&number, sizeof(number));
    (void)snprintf(name, sizeof(name), ".lintel-%016" PRIx64, number);
    if (r == 0)
        r = copy_entry_name(&beside, lt_str(name));
    if (r == 0)
        r = copy_new(c, s, &beside);
    if (r < 0)
        return r;
    r = s->to_dir->ops->rename(&c->job, s->to_dir, &beside, &s->to);
    if (r < 0) {
        (void)s->to_dir->ops->remove(&c->job, s->to_dir, &beside);
        s->to_dir->ops->drop(&beside);
        return r;
    }
    s->to.node = beside.node;
    s->to.opened = beside.opened;
    s->to.attr = beside.attr;
    return 0;
}

/* ---- Hard links ---------------------------------------------------------------------------- */

static void link_key(const struct copy_entry *from, uint64_t key[2])
{
    key[0] = from->node ? (uint64_t)(uintptr_t)from->node->fs : from->dev;
    key[1] = from->node ? from->node->id : from->attr.id;
}

static void drop_memory(void *value)
{
    struct memory *m = value;
    m->ops->forget(m->what);
    free(m);
}

static int remember(struct lt_copy *c, const struct step *s)
{
    uint64_t key[2];
    link_key(&s->from, key);
    if (s->from.attr.nlink < 2 || idmap_get(&c->links, key[0], key[1]))
        return 0;
    struct memory *m = malloc(sizeof(*m));
    void *what = m ? s->to_dir->ops->remember(s->to_dir, &s->to) : NULL;
    if (!what) {
        free(m);
        return LT_ENOMEM;
    }
    *m = (struct memory){s->to_dir->ops, what};
    int r = idmap_add(&c->links, key[0], key[1], m);
    if (r < 0)
        drop_memory(m);
    return r;
}

/* One more name for a file that was copied before: LT_ENOENT if it was not, or cannot have one. */
static int link_again(struct lt_copy *c, struct step *s)
{
    uint64_t key[2];
    link_key(&s->from, key);
    struct memory *m = s->from.attr.nlink > 1 ? idmap_get(&c->links, key[0], key[1]) : NULL;
    const struct copy_ops *ops = s->to_dir->ops;
    if (!m || m->ops != ops)
        return LT_ENOENT;
    if (!s->exists)
        return ops->link(&c->job, s->to_dir, &s->to, m->what) < 0 ? LT_ENOENT : 0;
    int r = ops->remove(&c->job, s->to_dir, &s->to);
    if (r < 0)
        return r;
    s->exists = false;
    return ops->link(&c->job, s->to_dir, &s->to, m->what) < 0 ? LT_ENOENT : 0;
}

static int leave_out(struct lt_copy *c)
{
    c->options->left_out++;
    return 0;
}

static int copy_file(struct lt_copy *c, struct step *s)
{
    if (s->exists && c->options->keep)
        return leave_out(c);
    if (s->exists && s->to.node && s->to.node == s->from.node)
        return fail(c, LT_EINVAL, "they are one file");
    if (s->exists && copy_type(&s->to) == LT_S_IFDIR)
        return fail(c, LT_EISDIR, "a directory has that name");
    s->to_dir->ops->drop(&s->to);
    int r = link_again(c, s);
    if (r == LT_ENOENT) {
        r = s->exists ? copy_over(c, s) : copy_new(c, s, &s->to);
        if (r == 0)
            r = remember(c, s);
    }
    return r < 0 ? fail(c, r, NULL) : note_copied(c);
}

/* ---- Directories --------------------------------------------------------------------------- */

/* Whether `dir` is `top` or lies below it. */
static bool lies_in(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node *top)
{
    struct lt_node *at = lt_node_get(dir), *up = NULL, *root = lt_fs_root(dir->fs);
    while (at != top && at != root && lt_node_parent(ctx, at, &up) == 0) {
        lt_node_put(at);
        at = up;
    }
    bool found = at == top;
    lt_node_put(at);
    return found;
}

static void pop(struct lt_copy *c)
{
    struct frame *f = c->top;
    c->top = f->up;
    if (f->from.ops)
        f->from.ops->close(&f->from);
    if (f->to.ops)
        f->to.ops->close(&f->to);
    free(f);
}

static int enter(struct lt_copy *c, struct step *s)
{
    struct frame *f = calloc(1, sizeof(*f));
    if (!f)
        return LT_ENOMEM;
    f->up = c->top;
    f->made = !s->exists;
    f->from_len = c->from_path.len;
    f->to_len = c->to_path.len;
    c->top = f;
    int r = s->from_dir->ops->enter(&c->job, s->from_dir, &s->from, &f->from);
    if (r == 0)
        r = s->to_dir->ops->enter(&c->job, s->to_dir, &s->to, &f->to);
    if (r < 0)
        pop(c);
    return r;
}

static int copy_dir(struct lt_copy *c, struct step *s)
{
    struct lt_attr attr = attr_for(c, &s->from);
    if (!c->options->recursive)
        return fail(c, LT_EISDIR, "it is a directory, and only -r copies what is in it");
    if (s->exists && copy_type(&s->to) != LT_S_IFDIR)
        return fail(c, LT_ENOTDIR, "a file has that name");
    if (s->from.node && s->to_dir->node && s->from.node->fs == s->to_dir->node->fs &&
        lies_in(c->job.ctx, s->to_dir->node, s->from.node))
        return fail(c, LT_EINVAL, "a directory cannot be copied into itself");
    int r = 0;
    if (!s->exists)
        r = s->to_dir->ops->make(&c->job, s->to_dir, &s->to, &attr, lt_str(""));
    if (r == 0)
        r = enter(c, s);
    if (r < 0)
        return fail(c, r, NULL);
    return s->exists ? tree_count(&c->job, 1, 0) : note_copied(c);
}

/* A directory whose content is all there gets its metadata. */
static int leave(struct lt_copy *c)
{
    struct frame *f = c->top;
    struct copy_entry from = {.len = 0}, to = {.len = 0};
    int r = 0;
    cut(&c->from_path, f->from_len);
    cut(&c->to_path, f->to_len);
    if (!c->options->plain || f->made)
        r = f->from.ops->find(&c->job, &f->from, &from);
    if (r == 0 && (!c->options->plain || f->made))
        r = f->to.ops->find(&c->job, &f->to, &to);
    if (r == 0 && (!c->options->plain || f->made))
        r = copy_meta(c, &f->from, &from, &f->to, &to);
    f->from.ops->drop(&from);
    f->to.ops->drop(&to);
    pop(c);
    return r < 0 ? fail(c, r, NULL) : 0;
}

/* ---- Entries ------------------------------------------------------------------------------- */

static bool is_skipped(const struct lt_copy *c, const struct copy_entry *from)
{
    const struct lt_copy_options *o = c->options;
    for (size_t i = 0; !from->node && i < o->skip_count; i++) {
        uint64_t dev = (uint64_t)o->skip[i].dev_major << 32 | o->skip[i].dev_minor;
        if (dev == from->dev && o->skip[i].inode == from->attr.id)
            return true;
    }
    return false;
}

/* Both sides are named. */
static int copy_step(struct lt_copy *c, struct step *s)
{
    int r = s->from_dir->ops->find(&c->job, s->from_dir, &s->from);
    if (r < 0)
        return fail(c, r, NULL);
    if (is_skipped(c, &s->from))
        return leave_out(c);
    r = s->to_dir->ops->find(&c->job, s->to_dir, &s->to);
    s->exists = r == 0;
    if (r < 0 && r != LT_ENOENT)
        return fail(c, r, NULL);
    return copy_type(&s->from) == LT_S_IFDIR ? copy_dir(c, s) : copy_file(c, s);
}

static int copy_and_drop(struct lt_copy *c, struct step *s)
{
    int r = copy_step(c, s);
    s->from_dir->ops->drop(&s->from);
    s->to_dir->ops->drop(&s->to);
    return r;
}

/* The next entry of the directory on top. */
static int next(struct lt_copy *c, struct step *s)
{
    struct frame *f = c->top;
    *s = (struct step){.from_dir = &f->from, .to_dir = &f->to};
    cut(&c->from_path, f->from_len);
    cut(&c->to_path, f->to_len);
    int r = f->from.ops->next(&c->job, &f->from, &s->from);
    if (r <= 0) {
        int told = r < 0 ? fail(c, r, NULL) : 0;
        r = leave(c);
        return told < 0 ? told : r;
    }
    r = push_name(&c->from_path, copy_name(&s->from));
    if (r == 0)
        r = push_name(&c->to_path, copy_name(&s->from));
    if (r == 0)
        r = copy_entry_name(&s->to, copy_name(&s->from));
    return r == 0 ? copy_and_drop(c, s) : fail(c, r, NULL);
}

/* ---- Operands ------------------------------------------------------------------------------ */

/* Opens the directory of a path, and names its last component. */
static int open_place(struct lt_copy *c, const struct lt_copy_place *place, struct copy_dir *dir,
                      struct copy_entry *entry)
{
    const struct copy_ops *ops = place->base ? &copy_fs_ops : &copy_host_ops;
    size_t end = strlen(place->path);
    while (end > 1 && place->path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && place->path[start - 1] != '/')
        start--;
    struct lt_str last = {place->path + start, end - start};
    if (lt_str_equal(last, lt_str(".")) || lt_str_equal(last, lt_str("..")))
        last.len = 0;
    size_t len = last.len ? start : end;
    char *path = malloc(len + 2);
    if (!path)
        return LT_ENOMEM;
    (void)snprintf(path, len + 2, "%.*s", len ? (int)len : 1, len ? place->path : ".");
    int r = end ? ops->open(&c->job, place, path, dir) : LT_ENOENT;
    free(path);
    return r == 0 ? copy_entry_name(entry, last) : r;
}

static int show(struct lt_buffer *path, const struct lt_copy_place *place)
{
    const char *text = place->shown ? place->shown : place->path;
    path->len = 0;
    return lt_buffer_write(path, text, strlen(text));
}

static int add(struct lt_copy *c, const struct lt_copy_place *from, const struct lt_copy_place *to,
               struct step *s)
{
    struct copy_dir from_dir = {0}, to_dir = {0};
    *s = (struct step){.from_dir = &from_dir, .to_dir = &to_dir};
    int r = open_place(c, from, &from_dir, &s->from);
    if (r == 0)
        r = open_place(c, to, &to_dir, &s->to);
    r = r < 0 ? fail(c, r, NULL) : copy_and_drop(c, s);
    if (from_dir.ops)
        from_dir.ops->close(&from_dir);
    if (to_dir.ops)
        to_dir.ops->close(&to_dir);
    while (r == 0 && c->top)
        r = next(c, s);
    while (c->top)
        pop(c);
    return r;
}

int lt_copy_add(struct lt_copy *copy, const struct lt_copy_place *from,
                const struct lt_copy_place *to)
{
    struct step *step = malloc(sizeof(*step));
    copy->error = 0;
    int r = step ? show(&copy->from_path, from) : LT_ENOMEM;
    if (r == 0)
        r = show(&copy->to_path, to);
    if (r == 0 && !from->base && !to->base)
        r = LT_EOPNOTSUPP;
    if (r == 0)
        r = add(copy, from, to, step);
    free(step);
    return copy->error ? copy->error : r;
}

int lt_copy_start(const struct lt_ctx *ctx, struct lt_copy_options *options, struct lt_copy **ret)
{
    struct lt_copy *c = calloc(1, sizeof(*c));
    if (!c)
        return LT_ENOMEM;
    c->options = options;
    options->left_out = 0;
    int r = tree_job_init(&c->job, ctx, &options->tree, NULL, "copy");
    if (r < 0)
        lt_copy_end(c);
    else
        *ret = c;
    return r;
}

void lt_copy_end(struct lt_copy *copy)
{
    if (!copy)
        return;
    idmap_fini(&copy->links, drop_memory);
    tree_job_fini(&copy->job);
    free(copy->from_path.text);
    free(copy->to_path.text);
    free(copy);
}
