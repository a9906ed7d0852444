// SPDX-License-Identifier: MIT
/*
 * Renaming. Both names are whole paths of the volume, as the driver keeps them; it has seen to open
 * handles, and that the new directory may be written. What is looked at here is what may be
 * replaced, and by whom.
 */
#include "volume.h"

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

/* To be dropped in each case. */
static int32_t find(struct call *c, struct lt_wide name, struct fsp_found *ret)
{
    char path[FSP_PATH_MAX];
    ret->parent = ret->entry.node = NULL;
    if (has_colon(name) || fsp_name_to_path(c->v, name, path, sizeof(path)) < 0)
        return LT_STATUS_OBJECT_NAME_INVALID;
    int32_t status = fsp_walk(c, path, ret);
    /* The driver's names are resolved ones. */
    return status == LT_STATUS_REPARSE ? LT_STATUS_OBJECT_PATH_NOT_FOUND : status;
}

/* Whether who asks may delete what is at the new name: by its descriptor, or by the directory's. */
static int32_t check_delete(struct call *c, const struct fsp_found *to)
{
    struct lt_attr attr;
    int32_t status = fsp_access(c, to->entry.node, &to->entry.attr, LT_ACCESS_DELETE, NULL);
    if (status != LT_STATUS_ACCESS_DENIED)
        return status;
    int r = lt_node_getattr(&c->ctx, to->parent, &attr);
    return r < 0 ? lt_status_from_error(r)
                 : fsp_access(c, to->parent, &attr, LT_FILE_DELETE_CHILD, NULL);
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
    if ((fsp_win_attrs(c->v, attr) & LT_WIN_READONLY) && !(flags & LT_RENAME_IGNORE_READONLY))
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

/* Both directories are held, so that what is found in them now is so until it is done. */
static int32_t rename_held(struct call *c, struct names *n, uint32_t flags)
{
    struct fsp_hold hold;
    if (n->from.parent == NULL || n->to.parent == NULL)
        return LT_STATUS_ACCESS_DENIED;
    fsp_hold(c->v, &hold, n->from.parent, n->to.parent, true);
    int r = fsp_found_again(c, &n->from);
    if (r == 0)
        r = fsp_found_again(c, &n->to);
    int32_t status = r < 0 ? lt_status_from_error(r) : rename_found(c, n, flags);
    fsp_release(c->v, &hold);
    return status;
}

int32_t fsp_rename(struct call *c, uint32_t flags)
{
    uint64_t token = c->in.req.u.set_information.info.rename.token;
    struct names n;
    if (c->file->stream || c->file->node == lt_fs_root(c->v->fs))
        return LT_STATUS_INVALID_PARAMETER;
    int32_t status = token ? fsp_call_token(c, token) : LT_STATUS_SUCCESS;
    if (status != LT_STATUS_SUCCESS)
        return status;
    status = find(c, c->in.name, &n.from);
    if (status == LT_STATUS_SUCCESS) {
        status = find(c, c->in.new_name, &n.to);
        if (status == LT_STATUS_SUCCESS)
            status = rename_held(c, &n, flags);
        fsp_found_drop(&n.to);
    }
    fsp_found_drop(&n.from);
    return status;
}
