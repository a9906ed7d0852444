// SPDX-License-Identifier: MIT
/*
 * lintel/path.h, names: finding, making, linking, removing, renaming. The order in
 * which errors are found is that of Linux's fs/namei.c.
 */
#include "walk.h"

#include <lintel/access.h>
#include <lintel/path.h>

#define MAY_CHANGE_DIR (LT_MAY_WRITE | LT_MAY_EXEC)

int lt_path_lookup(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                   struct lt_entry *ret)
{
    struct lt_walk w;
    int r = lt_walk_start(&w, ctx, base, path);
    if (r == 0)
        r = lt_walk_entry(&w, !(flags & LT_NOFOLLOW), ret);
    lt_walk_end(&w);
    return r;
}

int lt_path_stat(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                 struct lt_attr *ret)
{
    struct lt_entry entry = {.stored = NULL};
    int r = lt_path_lookup(ctx, base, path, flags, &entry);
    if (r < 0)
        return r;
    *ret = entry.attr;
    lt_node_put(entry.node);
    return 0;
}

int lt_path_access(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                   uint32_t want)
{
    struct lt_entry entry = {.stored = NULL};
    int r = lt_path_lookup(ctx, base, path, flags, &entry);
    if (r < 0)
        return r;
    if (want)
        r = lt_access_node(ctx_or_root(ctx), entry.node, &entry.attr, want);
    lt_node_put(entry.node);
    return r;
}

int lt_path_readlink(const struct lt_ctx *ctx, struct lt_node *base, const char *path, char *buf,
                     size_t size)
{
    struct lt_entry entry = {.stored = NULL};
    int r = lt_path_lookup(ctx, base, path, LT_NOFOLLOW, &entry);
    if (r < 0)
        return r;
    r = lt_node_readlink(ctx, entry.node, buf, size);
    lt_node_put(entry.node);
    if (r >= 0 && (size_t)r >= size)
        return LT_ERANGE;
    if (r >= 0)
        buf[r] = '\0';
    return r;
}

/* ---- The path of a node ---------------------------------------------------------------------- */

struct one_name {
    struct lt_node *dir;
    char name[LT_NAME_MAX];
    size_t len;
};

static int take_name(void *arg, struct lt_node *dir, struct lt_str name)
{
    struct one_name *one = arg;
    if (name.len > sizeof(one->name))
        return LT_ENAMETOOLONG;
    one->dir = lt_node_get(dir);
    memcpy(one->name, name.s, name.len);
    one->len = name.len;
    return 1;
}

/* Builds from the end of buf towards its start; returns where the path begins. `at` holds a
 * reference and is given back. */
static int climb(const struct lt_ctx *ctx, struct lt_node *at, char *buf, size_t size,
                 size_t *ret_start)
{
    size_t start = size - 1;
    int r = 0;
    buf[start] = '\0';
    while (at->id != LT_ROOT_ID) {
        struct one_name one = {.dir = NULL};
        r = lt_node_names(ctx, at, take_name, &one);
        if (r <= 0 || one.len + 1 > start) {
            r = r < 0 ? r : (one.dir ? LT_ERANGE : LT_ENOENT);
            lt_node_put(one.dir);
            break;
        }
        start -= one.len;
        memcpy(buf + start, one.name, one.len);
        buf[--start] = '/';
        lt_node_put(at);
        at = one.dir;
        r = 0;
    }
    lt_node_put(at);
    *ret_start = start;
    return r;
}

int lt_path_of(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size)
{
    size_t start = 0;
    if (size < 2)
        return LT_ERANGE;
    int r = climb(ctx, lt_node_get(node), buf, size, &start);
    if (r < 0)
        return r;
    if (start == size - 1)
        buf[--start] = '/';
    memmove(buf, buf + start, size - start);
    return (int)(size - start - 1);
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* Whether the last component is there already. */
static bool last_exists(struct lt_walk *w)
{
    struct lt_entry entry = {.stored = NULL};
    if (lt_node_lookup(w->ctx, w->dir, w->last, &entry) < 0)
        return false;
    lt_node_put(entry.node);
    return true;
}

/* Walks to where a new name is to be made, and whether it may be. What exists is LT_EEXIST whoever
 * asks. */
static int walk_to_new(struct lt_walk *w, const struct lt_ctx *ctx, struct lt_node *base,
                       const char *path, bool is_dir)
{
    int r = lt_walk_start(w, ctx, base, path);
    if (r == 0)
        r = lt_walk_parent(w);
    if (r < 0)
        return r;
    if (w->kind != WALK_NAME)
        return LT_EEXIST;
    r = lt_name_check(w->last);
    if (r < 0)
        return r;
    if (w->slash && !is_dir)
        return last_exists(w) ? LT_EEXIST : LT_ENOENT;
    r = lt_walk_check(w, MAY_CHANGE_DIR);
    if (r < 0)
        return last_exists(w) ? LT_EEXIST : r;
    return 0;
}

static int create(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                  const struct lt_create *spec)
{
    struct lt_walk w;
    struct lt_entry entry = {.stored = NULL};
    int r = walk_to_new(&w, ctx, base, path, (spec->mode & LT_S_IFMT) == LT_S_IFDIR);
    if (r == 0)
        r = lt_node_create(w.ctx, w.dir, w.last, spec, &entry);
    if (r == 0)
        lt_node_put(entry.node);
    lt_walk_end(&w);
    return r;
}

int lt_path_mkdir(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t mode)
{
    uint32_t kept = 0777 | LT_S_ISVTX;
    return create(ctx, base, path, &(struct lt_create){.mode = LT_S_IFDIR | (mode & kept)});
}

int lt_path_mknod(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t mode,
                  uint32_t rdev)
{
    uint32_t type = mode & LT_S_IFMT;
    if (type == 0)
        mode |= LT_S_IFREG;
    else if (type == LT_S_IFDIR)
        return LT_EPERM;
    else if (type == LT_S_IFLNK)
        return LT_EINVAL;
    /* Linux allows everybody the device 0:0, a whiteout. */
    bool device = type == LT_S_IFBLK || (type == LT_S_IFCHR && rdev != 0);
    struct lt_create spec = {.mode = mode, .rdev = rdev};
    if (device && ctx_or_root(ctx)->uid != 0) {
        struct lt_walk w;
        int r = walk_to_new(&w, ctx, base, path, false);
        if (r == 0)
            r = last_exists(&w) ? LT_EEXIST : LT_EPERM;
        lt_walk_end(&w);
        return r;
    }
    return create(ctx, base, path, &spec);
}

int lt_path_symlink(const struct lt_ctx *ctx, const char *target, struct lt_node *base,
                    const char *path)
{
    size_t len = strnlen(target, LT_PATH_MAX);
    if (len == 0)
        return LT_ENOENT;
    if (len == LT_PATH_MAX)
        return LT_ENAMETOOLONG;
    struct lt_create spec = {.mode = LT_S_IFLNK | 0777, .target = lt_strn(target, len)};
    return create(ctx, base, path, &spec);
}

static int link_node(struct lt_walk *w, const struct lt_entry *from)
{
    if (from->node->fs != w->dir->fs)
        return LT_EXDEV;
    if (from->attr.inode_flags & (LT_INODE_APPEND | LT_INODE_IMMUTABLE))
        return LT_EPERM;
    struct lt_entry entry = {.stored = NULL};
    int r = lt_node_link(w->ctx, from->node, w->dir, w->last, &entry);
    if (r == 0)
        lt_node_put(entry.node);
    return r;
}

int lt_walk_link(const struct lt_ctx *ctx, const struct lt_entry *from, struct lt_node *base,
                 const char *path)
{
    struct lt_walk w;
    int r = walk_to_new(&w, ctx, base, path, false);
    if (r == 0)
        r = link_node(&w, from);
    lt_walk_end(&w);
    return r;
}

int lt_path_link(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                 struct lt_node *new_base, const char *new_path)
{
    struct lt_entry from = {.stored = NULL};
    int r = lt_path_lookup(ctx, base, path, flags, &from);
    if (r < 0)
        return r;
    r = lt_walk_link(ctx, &from, new_base, new_path);
    lt_node_put(from.node);
    return r;
}

/* ---- Removing -------------------------------------------------------------------------------- */

/* Whether `victim` may be taken out of the walk's directory. */
static int check_remove(struct lt_walk *w, const struct lt_attr *victim)
{
    const struct lt_attr *dir = NULL;
    int r = lt_walk_check(w, MAY_CHANGE_DIR);
    if (r == 0)
        r = lt_walk_dir_attr(w, &dir);
    return r < 0 ? r : lt_access_remove(w->ctx, dir, victim);
}

/* Looks at what is to be removed, then removes just that. */
static int remove_checked(struct lt_walk *w, uint32_t flags)
{
    struct lt_entry entry = {.stored = NULL};
    int r = lt_node_lookup(w->ctx, w->dir, w->last, &entry);
    if (r < 0)
        return r;
    bool is_dir = entry.node->type == LT_S_IFDIR;
    if (w->slash && !(flags & LT_REMOVE_DIR))
        r = is_dir ? LT_EISDIR : LT_ENOTDIR;
    if (r == 0)
        r = check_remove(w, &entry.attr);
    if (r == 0)
        r = lt_node_remove(w->ctx, w->dir, w->last, flags | LT_REMOVE_SAME, entry.node);
    lt_node_put(entry.node);
    return r;
}

static int remove_last(struct lt_walk *w, uint32_t flags)
{
    int r = lt_walk_parent(w);
    if (r < 0)
        return r;
    if (w->kind != WALK_NAME && !(flags & LT_REMOVE_DIR))
        return LT_EISDIR;
    if (w->kind != WALK_NAME) {
        static const int of_kind[] = {
            [WALK_DOT] = LT_EINVAL, [WALK_DOTDOT] = LT_ENOTEMPTY, [WALK_ROOT] = LT_EBUSY};
        return of_kind[w->kind];
    }
    do {
        r = remove_checked(w, flags);
    } while (r == LT_ESTALE); /* somebody put something else there since we looked */
    return r;
}

static int remove_path(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                       uint32_t flags)
{
    struct lt_walk w;
    int r = lt_walk_start(&w, ctx, base, path);
    if (r == 0)
        r = remove_last(&w, flags);
    lt_walk_end(&w);
    return r;
}

int lt_path_unlink(const struct lt_ctx *ctx, struct lt_node *base, const char *path)
{
    return remove_path(ctx, base, path, 0);
}

int lt_path_rmdir(const struct lt_ctx *ctx, struct lt_node *base, const char *path)
{
    return remove_path(ctx, base, path, LT_REMOVE_DIR);
}
