// SPDX-License-Identifier: MIT
#include "walk.h"

#include <lintel/access.h>
#include <lintel/path.h>
#include <stdlib.h>

static void move_to(struct lt_walk *w, struct lt_node *dir, const struct lt_attr *attr)
{
    lt_node_put(w->dir);
    w->dir = dir;
    w->dir_known = attr != NULL;
    if (attr)
        w->dir_attr = *attr;
}

static void move_to_root(struct lt_walk *w)
{
    move_to(w, lt_node_get(lt_fs_root(w->dir->fs)), NULL);
}

int lt_walk_start(struct lt_walk *w, const struct lt_ctx *ctx, struct lt_node *base,
                  const char *path)
{
    w->ctx = ctx_or_root(ctx);
    w->dir = lt_node_get(base);
    w->dir_known = false;
    w->expanded = NULL;
    w->rest = path;
    w->links = 0;
    size_t len = strnlen(path, LT_PATH_MAX);
    if (len == 0)
        return LT_ENOENT;
    if (len == LT_PATH_MAX)
        return LT_ENAMETOOLONG;
    if (path[0] == '/')
        move_to_root(w);
    return check_dir(w->dir);
}

void lt_walk_end(struct lt_walk *w)
{
    lt_node_put(w->dir);
    free(w->expanded);
}

int lt_walk_dir_attr(struct lt_walk *w, const struct lt_attr **ret)
{
    if (!w->dir_known) {
        int r = lt_node_getattr(w->ctx, w->dir, &w->dir_attr);
        if (r < 0)
            return r;
        w->dir_known = true;
    }
    *ret = &w->dir_attr;
    return 0;
}

int lt_walk_check(struct lt_walk *w, uint32_t want)
{
    /* Root may search every directory: no need for attributes. */
    if (w->ctx->uid == 0 && want == LT_MAY_EXEC)
        return 0;
    const struct lt_attr *attr;
    int r = lt_walk_dir_attr(w, &attr);
    return r < 0 ? r : lt_access_node(w->ctx, w->dir, attr, want);
}

static int move_up(struct lt_walk *w)
{
    struct lt_node *parent;
    int r = lt_node_parent(w->ctx, w->dir, &parent);
    if (r < 0)
        return r;
    move_to(w, parent, NULL);
    return 0;
}

/* target, and behind it whatever of the path is still ahead. */
static int set_rest(struct lt_walk *w, const char *target, size_t len)
{
    size_t ahead = strlen(w->rest);
    char *path = malloc(len + 1 + ahead + 1);
    if (!path)
        return LT_ENOMEM;
    memcpy(path, target, len);
    size_t at = len;
    if (ahead || w->slash)
        path[at++] = '/';
    memcpy(path + at, w->rest, ahead + 1);
    free(w->expanded);
    w->expanded = path;
    w->rest = path;
    return 0;
}

int lt_walk_follow(struct lt_walk *w, struct lt_node *link)
{
    char target[LT_PATH_MAX];
    if (++w->links > LT_WALK_LINKS_MAX)
        return LT_ELOOP;
    int len = lt_node_readlink(w->ctx, link, target, sizeof(target));
    if (len < 0)
        return len;
    if (len == 0)
        return LT_ENOENT;
    int r = set_rest(w, target, (size_t)len);
    if (r == 0 && target[0] == '/')
        move_to_root(w);
    return r;
}

static enum walk_last kind_of(struct lt_str name)
{
    if (name.len == 1 && name.s[0] == '.')
        return WALK_DOT;
    if (name.len == 2 && name.s[0] == '.' && name.s[1] == '.')
        return WALK_DOTDOT;
    return WALK_NAME;
}

/* Goes into a component that is not the last one. */
static int enter(struct lt_walk *w, struct lt_str name)
{
    enum walk_last kind = kind_of(name);
    if (kind == WALK_DOT)
        return 0;
    if (kind == WALK_DOTDOT)
        return move_up(w);
    struct lt_entry entry = {.stored = NULL};
    int r = lt_node_lookup(w->ctx, w->dir, name, &entry);
    if (r < 0)
        return r;
    if (entry.node->type == LT_S_IFDIR) {
        move_to(w, entry.node, &entry.attr);
        return 0;
    }
    r = entry.node->type == LT_S_IFLNK ? lt_walk_follow(w, entry.node) : LT_ENOTDIR;
    lt_node_put(entry.node);
    return r;
}

/* Takes the next component off w->rest; w->slash says whether a '/' came behind it. */
static struct lt_str next_component(struct lt_walk *w)
{
    const char *start = w->rest;
    while (*start == '/')
        start++;
    const char *end = start;
    while (*end && *end != '/')
        end++;
    w->rest = end;
    while (*w->rest == '/')
        w->rest++;
    w->slash = w->rest != end;
    return lt_strn(start, (size_t)(end - start));
}

int lt_walk_parent(struct lt_walk *w)
{
    for (;;) {
        struct lt_str name = next_component(w);
        if (name.len == 0) {
            w->kind = WALK_ROOT;
            w->last = name;
            return 0;
        }
        int r = lt_walk_check(w, LT_MAY_EXEC);
        if (r < 0)
            return r;
        if (*w->rest == '\0') {
            w->kind = kind_of(name);
            w->last = name;
            return 0;
        }
        r = enter(w, name);
        if (r < 0)
            return r;
    }
}

/* The directory in which the walk stands. */
static int here(struct lt_walk *w, struct lt_entry *ret)
{
    const struct lt_attr *attr;
    int r = lt_walk_dir_attr(w, &attr);
    if (r < 0)
        return r;
    ret->node = lt_node_get(w->dir);
    ret->attr = *attr;
    ret->exact = true;
    return 0;
}

int lt_walk_entry(struct lt_walk *w, bool follow, struct lt_entry *ret)
{
    struct lt_entry found = {.stored = ret->stored};
    for (;;) {
        int r = lt_walk_parent(w);
        if (r == 0 && w->kind == WALK_DOTDOT)
            r = move_up(w);
        if (r < 0)
            return r;
        if (w->kind != WALK_NAME)
            return here(w, ret);
        r = lt_node_lookup(w->ctx, w->dir, w->last, &found);
        if (r < 0)
            return r;
        bool is_link = found.node->type == LT_S_IFLNK;
        if (is_link && (follow || w->slash)) {
            r = lt_walk_follow(w, found.node);
        } else if (!w->slash || found.node->type == LT_S_IFDIR) {
            *ret = found;
            return 0;
        } else {
            r = LT_ENOTDIR;
        }
        lt_node_put(found.node);
        if (r < 0)
            return r;
    }
}
