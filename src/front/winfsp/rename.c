// SPDX-License-Identifier: MIT
/*
 * Renaming. Both names are whole paths of the volume, as the driver keeps them; it has seen to open
 * handles, and that the new directory may be written. What is looked at here is what may be
 * replaced, and by whom.
 *
 * The exclusive guard is held: no other name changes meanwhile by way of this volume.
 */
#include "volume.h"

#include <stdlib.h>

struct names {
    struct fsp_found from, to;
};

static bool is_same(const struct lt_node *a, const struct lt_node *b)
{
    return a == b || (a && b && a->id == b->id && a->type == b->type);
}

static bool has_colon(struct lt_wide name)
{
    for (size_t i = 0; i < name.units; i++) {
        if (lt_wide_at(name, i) == ':')
            return true;
    }
    return false;
}

static int32_t find(struct call *c, struct lt_wide name, struct fsp_found *ret)
{
    char *path = malloc(FSP_PATH_MAX);
    if (path == NULL)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    int r = has_colon(name) ? LT_EINVAL : fsp_name_to_path(c->v, name, path, FSP_PATH_MAX);
    int32_t status = r < 0 ? LT_STATUS_OBJECT_NAME_INVALID : fsp_walk(c, path, true, ret);
    free(path);
    if (status == LT_STATUS_REPARSE) { /* the driver's names are resolved ones */
        fsp_found_drop(ret);
        return LT_STATUS_OBJECT_PATH_NOT_FOUND;
    }
    return status;
}

/* Whether who asks may delete what is at the new name: by its descriptor, or by the directory's. */
static int32_t check_delete(struct call *c, const struct fsp_found *to)
{
    uint32_t granted;
    char *security;
    size_t len;
    if (c->token == NULL)
        return LT_STATUS_SUCCESS;
    int r = fsp_security_of(c, to->entry.node, &to->entry.attr, &security, &len);
    if (r < 0)
        return lt_status_from_error(r);
    r = lt_security_access(lt_strn(security, len), c->token, LT_ACCESS_DELETE, false, &granted);
    free(security);
    if (r != LT_EACCES)
        return lt_status_from_error(r);
    struct lt_attr attr;
    r = lt_node_getattr(&c->ctx, to->parent, &attr);
    if (r == 0)
        r = fsp_security_of(c, to->parent, &attr, &security, &len);
    if (r < 0)
        return lt_status_from_error(r);
    r = lt_security_access(lt_strn(security, len), c->token, LT_FILE_DELETE_CHILD, false, &granted);
    free(security);
    return lt_status_from_error(r);
}

/* Whether what is at the new name may be replaced (MS-FSA, FileRenameInformation). */
static int32_t check_target(struct call *c, const struct names *n, uint32_t flags)
{
    const struct lt_attr *attr = &n->to.entry.attr;
    if (!(flags & LT_RENAME_REPLACE))
        return LT_STATUS_OBJECT_NAME_COLLISION;
    if (n->to.parent == NULL || (attr->mode & LT_S_IFMT) == LT_S_IFDIR ||
        c->file->node->type == LT_S_IFDIR)
        return LT_STATUS_ACCESS_DENIED;
    if ((attr->win_attrs & LT_WIN_READONLY) && !(flags & LT_RENAME_IGNORE_READONLY))
        return LT_STATUS_CANNOT_DELETE;
    return check_delete(c, &n->to);
}

static int rename_from(struct call *c, const struct names *n, const char *to, uint32_t flags)
{
    return lt_node_rename(&c->ctx, n->from.parent, lt_str(n->from.stored), n->to.parent, lt_str(to),
                          flags);
}

/* Nothing is there: should that be wrong by now, it stays. */
static int rename_to_new(struct call *c, const struct names *n)
{
    int r = rename_from(c, n, n->to.last, LT_RENAME_NOREPLACE);
    /* A server that knows no flags; whoever shares it may then be in the way. */
    return r == LT_EOPNOTSUPP || r == LT_ENOSYS ? rename_from(c, n, n->to.last, 0) : r;
}

/* What is there goes, and the new name is spelled as it is asked for. */
static int rename_over(struct call *c, const struct names *n)
{
    if (is_same(n->from.entry.node, n->to.entry.node)) /* another name of the same file */
        return lt_node_remove(&c->ctx, n->from.parent, lt_str(n->from.stored), LT_REMOVE_SAME,
                              n->from.entry.node);
    int r = rename_from(c, n, n->to.stored, 0);
    if (r == 0 && strcmp(n->to.stored, n->to.last) != 0)
        r = lt_node_rename(&c->ctx, n->to.parent, lt_str(n->to.stored), n->to.parent,
                           lt_str(n->to.last), 0);
    return r;
}

static int32_t rename_found(struct call *c, const struct names *n, uint32_t flags)
{
    bool exists = n->to.entry.node != NULL;
    if (n->from.entry.node == NULL || !is_same(n->from.entry.node, c->file->node))
        return LT_STATUS_OBJECT_NAME_NOT_FOUND;
    bool same_name = exists && is_same(n->from.parent, n->to.parent) &&
                     strcmp(n->from.stored, n->to.stored) == 0;
    if (same_name) /* a change of case, or none */
        return lt_status_from_error(
            strcmp(n->from.stored, n->to.last) == 0 ? LT_OK : rename_from(c, n, n->to.last, 0));
    if (!exists)
        return lt_status_from_error(rename_to_new(c, n));
    int32_t status = check_target(c, n, flags);
    return status < 0 ? status : lt_status_from_error(rename_over(c, n));
}

/* The opening is by its new name from now on. */
static void take_name(struct fsp_file *file, struct fsp_found *to, char *name)
{
    struct lt_node *parent = file->parent;
    free(file->name);
    file->name = name;
    file->parent = to->parent;
    to->parent = parent; /* dropped with it */
}

int32_t fsp_rename(struct call *c, uint32_t flags)
{
    struct names n = {0};
    if (c->file->stream || c->file->node == lt_fs_root(c->v->fs))
        return LT_STATUS_INVALID_PARAMETER;
    int32_t status = find(c, c->in.name, &n.from);
    if (status < 0)
        return status;
    status = find(c, c->in.new_name, &n.to);
    if (status < 0) {
        fsp_found_drop(&n.from);
        return status;
    }
    char *name = strdup(n.to.last);
    if (name == NULL)
        status = LT_STATUS_INSUFFICIENT_RESOURCES;
    else
        status = rename_found(c, &n, flags);
    if (status == LT_STATUS_SUCCESS)
        take_name(c->file, &n.to, name);
    else
        free(name);
    fsp_found_drop(&n.to);
    fsp_found_drop(&n.from);
    return status;
}
