// SPDX-License-Identifier: MIT
/* From a path to nodes. */
#include "volume.h"

#include <stdlib.h>

int fsp_lookup(struct call *c, struct lt_node *dir, struct lt_str name, struct lt_entry *ret)
{
    int r = lt_node_lookup(&c->ctx, dir, name, ret);
    if (r != LT_ENOENT || c->v->folder == NULL)
        return r;
    char stored[LT_NAME_MAX + 1];
    r = fsp_folder_find(c, dir, name, stored);
    return r == LT_OK ? lt_node_lookup(&c->ctx, dir, lt_str(stored), ret) : r;
}

/* The name as stored behind what there is of the path. */
static void add_full(struct lt_winfsp *v, struct fsp_found *found)
{
    if (found->full_units == 0 || !v->fold)
        return;
    size_t at = found->full_units;
    if (at > 1)
        found->full[at++] = '\\';
    int n = at < FSP_FULL_MAX
                ? fsp_name_from_utf8(v, lt_str(found->stored), found->full + at, FSP_FULL_MAX - at)
                : LT_ERANGE;
    found->full_units = n < 0 ? 0 : at + (size_t)n;
}

/* Takes the last component off again. */
static void cut_full(struct fsp_found *found)
{
    if (found->full_units == 0)
        return;
    while (found->full[--found->full_units] != '\\')
        continue;
    if (found->full_units == 0)
        found->full_units = 1;
}

/* Looks the next component up, below what was found last. */
static int step(struct call *c, struct lt_str name, struct fsp_found *found)
{
    lt_node_put(found->parent);
    found->parent = found->entry.node;
    found->entry = (struct lt_entry){.stored = found->stored};
    memcpy(found->last, name.s, name.len);
    found->last[name.len] = 0;
    int r = fsp_lookup(c, found->parent, name, &found->entry);
    if (r == LT_ENOENT)
        memcpy(found->stored, found->last, name.len + 1);
    if (r == LT_OK || r == LT_ENOENT)
        add_full(c->v, found);
    return r;
}

/* Units of the request's name up to the end of its `count` components. */
static size_t name_end(struct lt_wide name, size_t count)
{
    size_t at = 0;
    for (size_t seen = 0; at < name.units; at++) {
        if (lt_wide_at(name, at) == '\\' && seen++ == count)
            break;
    }
    return at;
}

/* Whether one may go through what was found so far, which is not the last component. */
static int32_t pass(struct call *c, struct fsp_found *found, size_t depth, bool traverse)
{
    const struct lt_attr *attr = &found->entry.attr;
    if (fsp_is_reparse(attr)) {
        found->reparse_end = name_end(c->in.name, depth);
        return LT_STATUS_REPARSE;
    }
    if ((attr->mode & LT_S_IFMT) != LT_S_IFDIR)
        return traverse ? LT_STATUS_OBJECT_PATH_NOT_FOUND : LT_STATUS_NOT_A_DIRECTORY;
    if (!traverse)
        return LT_STATUS_SUCCESS;
    return fsp_access(c, found->entry.node, attr, LT_FILE_TRAVERSE, NULL);
}

/* Whether the caller has to be asked for at every directory on the way. */
static bool must_traverse(const struct call *c)
{
    uint32_t free = LT_FSP_CREATE_TRAVERSE;
    return c->in.req.kind == LT_FSP_CREATE && c->token != NULL &&
           (c->in.req.u.create.flags & free) == 0;
}

static int32_t walk_on(struct call *c, const char *path, struct fsp_found *ret)
{
    bool traverse = must_traverse(c);
    size_t depth = 0;
    for (const char *at = path + 1; *at != 0;) {
        size_t len = strcspn(at, "/");
        if (ret->entry.node == NULL)
            return LT_STATUS_OBJECT_PATH_NOT_FOUND;
        if (len > LT_NAME_MAX)
            return LT_STATUS_OBJECT_NAME_INVALID;
        int32_t status = pass(c, ret, depth++, traverse);
        if (status != LT_STATUS_SUCCESS)
            return status;
        int r = step(c, lt_strn(at, len), ret);
        if (r == LT_ENAMETOOLONG || r == LT_EINVAL)
            return LT_STATUS_OBJECT_NAME_INVALID;
        if (r < 0 && r != LT_ENOENT)
            return lt_status_from_error(r);
        at += len + (at[len] == '/');
    }
    return LT_STATUS_SUCCESS;
}

int32_t fsp_walk(struct call *c, const char *path, struct fsp_found *ret)
{
    ret->parent = NULL;
    ret->entry = (struct lt_entry){.node = lt_node_get(lt_fs_root(c->v->fs)), .exact = true};
    ret->last[0] = ret->stored[0] = 0;
    ret->reparse_end = 0;
    ret->full[0] = '\\';
    ret->full_units = 1;
    int r = lt_node_getattr(&c->ctx, ret->entry.node, &ret->entry.attr);
    return r < 0 ? lt_status_from_error(r) : walk_on(c, path, ret);
}

int fsp_found_again(struct call *c, struct fsp_found *found)
{
    if (found->parent == NULL)
        return LT_OK;
    struct lt_entry now = {.stored = found->stored};
    int r = fsp_lookup(c, found->parent, lt_str(found->last), &now);
    if (r < 0 && r != LT_ENOENT)
        return r;
    lt_node_put(found->entry.node);
    found->entry = now;
    if (r == LT_ENOENT) {
        found->entry.node = NULL;
        memcpy(found->stored, found->last, sizeof(found->stored));
    }
    cut_full(found);
    add_full(c->v, found);
    return LT_OK;
}

int fsp_found_up(struct call *c, struct fsp_found *found)
{
    struct lt_node *above = NULL;
    if (found->parent != lt_fs_root(c->v->fs)) {
        int r = lt_node_parent(&c->ctx, found->parent, &above);
        if (r < 0)
            return r;
    }
    lt_node_put(found->entry.node);
    found->entry = (struct lt_entry){.node = found->parent};
    found->parent = above;
    found->last[0] = found->stored[0] = 0;
    cut_full(found);
    return LT_OK;
}

void fsp_found_drop(struct fsp_found *found)
{
    lt_node_put(found->parent);
    lt_node_put(found->entry.node);
    found->parent = found->entry.node = NULL;
}
