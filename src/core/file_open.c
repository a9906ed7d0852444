// SPDX-License-Identifier: MIT
/* Opening files: the order of checks is that of Linux's path_openat() and may_open(). */
#include "file.h"
#include "walk.h"

#include <lintel/access.h>
#include <lintel/path.h>
#include <stdlib.h>

#define TMPFILE_BIT (LT_O_TMPFILE & ~LT_O_DIRECTORY)

/* LT_O_CREAT follows a last symbolic link and goes on there; the number of links ends that. */
struct opening {
    struct lt_walk walk;
    uint32_t flags, mode;
    struct lt_entry entry; /* node NULL: not yet found or made */
    bool made;
};

static struct lt_file *new_file(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    struct lt_file *file = malloc(sizeof(*file) + ctx->group_count * sizeof(uint32_t));
    if (!file)
        return NULL;
    file->node = node;
    file->ctx = *ctx;
    file->ctx.cancel = NULL;
    file->ctx.groups = file->groups;
    if (ctx->group_count)
        memcpy(file->groups, ctx->groups, ctx->group_count * sizeof(uint32_t));
    file->flags = flags & ~(uint32_t)(LT_O_CREAT | LT_O_EXCL | LT_O_TRUNC);
    file->lock = (struct lt_mutex){0};
    file->position = 0;
    return file;
}

static int check_flags(uint32_t flags)
{
    uint32_t known = LT_O_ACCMODE | LT_O_CREAT | LT_O_EXCL | LT_O_TRUNC | LT_O_APPEND | LT_O_DSYNC |
                     LT_O_DIRECTORY | LT_O_NOFOLLOW | LT_O_SYNC | LT_O_PATH | LT_O_TMPFILE;
    if (!only_flags(flags, known) || (flags & LT_O_ACCMODE) == LT_O_ACCMODE)
        return LT_EINVAL;
    bool tmpfile = flags & TMPFILE_BIT;
    if (tmpfile && (!(flags & LT_O_DIRECTORY) || (flags & LT_O_CREAT) ||
                    (flags & LT_O_ACCMODE) == LT_O_RDONLY))
        return LT_EINVAL;
    if ((flags & LT_O_CREAT) && (flags & LT_O_DIRECTORY))
        return LT_EINVAL;
    return 0;
}

static uint32_t wanted_access(uint32_t flags)
{
    uint32_t access = flags & LT_O_ACCMODE;
    uint32_t want = access == LT_O_WRONLY ? 0 : LT_MAY_READ;
    if (access != LT_O_RDONLY || (flags & LT_O_TRUNC))
        want |= LT_MAY_WRITE;
    return want;
}

/* What an open of this type and with these flags says, permissions apart. */
static int check_type(const struct lt_node *node, uint32_t flags)
{
    if (node->type == LT_S_IFLNK)
        return flags & LT_O_DIRECTORY ? LT_ENOTDIR : LT_ELOOP;
    if ((flags & LT_O_DIRECTORY) && node->type != LT_S_IFDIR)
        return LT_ENOTDIR;
    if (node->type == LT_S_IFDIR)
        return (wanted_access(flags) & LT_MAY_WRITE) || (flags & LT_O_CREAT) ? LT_EISDIR : 0;
    return node_has_data(node) ? 0 : LT_ENXIO;
}

/* An append-only file is written at its end only. */
static int check_append_only(const struct lt_attr *attr, uint32_t flags)
{
    if (!(attr->inode_flags & LT_INODE_APPEND))
        return 0;
    bool writes = (flags & LT_O_ACCMODE) != LT_O_RDONLY;
    return (writes && !(flags & LT_O_APPEND)) || (flags & LT_O_TRUNC) ? LT_EPERM : 0;
}

/* What exists may be opened. */
static int admit(const struct opening *o)
{
    const struct lt_entry *e = &o->entry;
    if (o->flags & LT_O_PATH)
        return (o->flags & LT_O_DIRECTORY) && e->node->type != LT_S_IFDIR ? LT_ENOTDIR : 0;
    int r = check_type(e->node, o->flags);
    if (r == 0)
        r = lt_access_node(o->walk.ctx, e->node, &e->attr, wanted_access(o->flags));
    return r == 0 ? check_append_only(&e->attr, o->flags) : r;
}

/* LT_OPEN_...; 0 where there is nothing to announce. */
static uint32_t data_flags(const struct lt_node *node, uint32_t flags)
{
    if (flags & LT_O_PATH || !node_has_data(node))
        return 0;
    uint32_t access = flags & LT_O_ACCMODE;
    return (access != LT_O_WRONLY ? LT_OPEN_READ : 0) | (access != LT_O_RDONLY ? LT_OPEN_WRITE : 0);
}

/* Also undoes what opening a file did that is not opened after all. */
static int close_data(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags)
{
    uint32_t open = data_flags(node, flags);
    return open ? lt_node_close(ctx, node, open) : 0;
}

/* A file is opened before it is emptied: where that is refused nothing is lost. */
static int open_data(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags,
                     const struct lt_setattr *empty)
{
    uint32_t open = data_flags(node, flags);
    int r = open ? lt_node_open(ctx, node, open) : 0;
    if (r < 0 || !empty)
        return r;
    r = lt_node_setattr(ctx, node, empty, NULL);
    if (r < 0)
        close_data(ctx, node, flags);
    return r;
}

static int make_last(struct opening *o)
{
    struct lt_walk *w = &o->walk;
    struct lt_create spec = {.mode = LT_S_IFREG | (o->mode & LT_S_PERM)};
    int r = w->dir->fs->read_only ? LT_EROFS : lt_walk_check(w, LT_MAY_WRITE | LT_MAY_EXEC);
    if (r == 0)
        r = lt_node_create(w->ctx, w->dir, w->last, &spec, &o->entry);
    o->made = r == 0;
    return r;
}

/* Finds or makes the last component; follows it where it is a symbolic link. */
static int find_or_make(struct opening *o)
{
    struct lt_walk *w = &o->walk;
    for (;;) {
        int r = lt_walk_parent(w);
        if (r < 0)
            return r;
        if (w->kind != WALK_NAME || w->slash)
            return LT_EISDIR;
        r = lt_node_lookup(w->ctx, w->dir, w->last, &o->entry);
        if (r == LT_ENOENT)
            r = make_last(o);
        else if (r == 0 && (o->flags & LT_O_EXCL))
            return LT_EEXIST;
        if (r == LT_EEXIST && !(o->flags & LT_O_EXCL)) /* made by somebody else meanwhile */
            r = lt_node_lookup(w->ctx, w->dir, w->last, &o->entry);
        if (r < 0 || o->made)
            return r;
        if (o->entry.node->type != LT_S_IFLNK || (o->flags & LT_O_NOFOLLOW))
            return 0;
        r = lt_walk_follow(w, o->entry.node);
        lt_node_put(o->entry.node);
        o->entry.node = NULL;
        if (r < 0)
            return r;
    }
}

static int make_unnamed(struct opening *o)
{
    struct lt_entry dir = {.stored = NULL};
    struct lt_create spec = {.mode = LT_S_IFREG | (o->mode & LT_S_PERM)};
    const struct lt_ctx *ctx = o->walk.ctx;
    int r = lt_walk_entry(&o->walk, !(o->flags & LT_O_NOFOLLOW), &dir);
    if (r < 0)
        return r;
    r = check_dir(dir.node);
    if (r == 0)
        r = lt_access_node(ctx, dir.node, &dir.attr, LT_MAY_WRITE | LT_MAY_EXEC);
    if (r == 0)
        r = lt_node_create(ctx, dir.node, lt_strn(NULL, 0), &spec, &o->entry);
    o->made = r == 0;
    lt_node_put(dir.node);
    return r;
}

static int open_found(const struct opening *o)
{
    struct lt_setattr empty = {.mask = LT_SET_SIZE | LT_SET_MTIME_NOW};
    bool truncate = o->flags & LT_O_TRUNC && !(o->flags & LT_O_PATH) && !o->made;
    if (o->walk.ctx->uid != 0 || (o->entry.attr.has & LT_HAS_CAPABILITY))
        empty.mask |= LT_SET_KILL_PRIV;
    return open_data(o->walk.ctx, o->entry.node, o->flags, truncate ? &empty : NULL);
}

static int find_node(struct opening *o)
{
    if (o->flags & TMPFILE_BIT)
        return make_unnamed(o);
    if ((o->flags & LT_O_CREAT) && !(o->flags & LT_O_PATH))
        return find_or_make(o);
    bool follow = !(o->flags & LT_O_NOFOLLOW);
    return lt_walk_entry(&o->walk, follow, &o->entry);
}

int lt_file_open(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                 uint32_t mode, struct lt_file **ret)
{
    struct opening o = {.flags = flags, .mode = mode};
    if ((flags & (LT_O_CREAT | LT_O_EXCL)) == (LT_O_CREAT | LT_O_EXCL))
        o.flags |= LT_O_NOFOLLOW;
    int r = check_flags(flags);
    if (r < 0)
        return r;
    r = lt_walk_start(&o.walk, ctx, base, path);
    if (r == 0)
        r = find_node(&o);
    if (r == 0 && !o.made)
        r = admit(&o);
    struct lt_file *file = r == 0 ? new_file(o.walk.ctx, o.entry.node, flags) : NULL;
    if (r == 0)
        r = file ? open_found(&o) : LT_ENOMEM;
    if (r < 0) {
        lt_node_put(o.entry.node);
        free(file);
    } else {
        *ret = file;
    }
    lt_walk_end(&o.walk);
    return r;
}

int lt_file_open_node(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags,
                      struct lt_file **ret)
{
    ctx = ctx_or_root(ctx);
    int r = check_flags(flags);
    if (r < 0)
        return r;
    if (flags & (LT_O_CREAT | LT_O_EXCL | LT_O_NOFOLLOW | TMPFILE_BIT))
        return LT_EINVAL;
    r = flags & LT_O_PATH ? 0 : check_type(node, flags);
    if (r < 0)
        return r;
    struct lt_file *file = new_file(ctx, node, flags);
    if (!file)
        return LT_ENOMEM;
    struct lt_setattr empty = {.mask = LT_SET_SIZE | LT_SET_MTIME_NOW};
    r = open_data(ctx, node, flags, flags & LT_O_TRUNC ? &empty : NULL);
    if (r < 0) {
        free(file);
        return r;
    }
    lt_node_get(node);
    *ret = file;
    return 0;
}

int lt_file_close(struct lt_file *file)
{
    if (!file)
        return 0;
    lt_lock_release(file->node, LT_LOCK_OFD, (uintptr_t)file);
    int r = close_data(&file->ctx, file->node, file->flags);
    lt_node_put(file->node);
    free(file);
    return r;
}
