// SPDX-License-Identifier: MIT
/* Create of what is there. */
#include "create.h"

/* What a READONLY file is not opened for. */
#define CHANGES \
    (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA | LT_FILE_ADD_SUBDIRECTORY | LT_FILE_DELETE_CHILD)

static bool overwrites(const struct opening *o)
{
    return o->disposition == LT_FILE_OVERWRITE || o->disposition == LT_FILE_OVERWRITE_IF ||
           o->disposition == LT_FILE_SUPERSEDE;
}

/* Whether what is there is of the sort that was asked for. A stream is a file, whatever has it. */
static int32_t check_type(const struct opening *o)
{
    bool is_dir = o->found.entry.node->type == LT_S_IFDIR && !o->has_stream;
    if (is_dir && (o->file_only || overwrites(o)))
        return LT_STATUS_FILE_IS_A_DIRECTORY;
    if (!is_dir && o->dir_only)
        return LT_STATUS_NOT_A_DIRECTORY;
    if (!is_dir && o->trailing_backslash)
        return LT_STATUS_OBJECT_NAME_INVALID;
    return LT_STATUS_SUCCESS;
}

/*
 * What the parent directory gives of a file in it: with DELETE_CHILD one may delete whatever is
 * there, with LIST_DIRECTORY see its attributes (MS-FSA 2.1.5.1.2.1). SYNCHRONIZE comes with
 * either: no program of Win32 can ask without it.
 */
static uint32_t granted_by_parent(struct call *c, const struct opening *o, uint32_t desired)
{
    uint32_t granted = 0;
    struct lt_attr attr;
    struct lt_node *parent = o->found.parent;
    if (desired & LT_ACCESS_MAXIMUM_ALLOWED)
        desired |= LT_ACCESS_DELETE | LT_FILE_READ_ATTRIBUTES;
    if (parent == NULL || lt_node_getattr(&c->ctx, parent, &attr) < 0)
        return 0;
    if ((desired & LT_ACCESS_DELETE) &&
        fsp_access(c, parent, &attr, LT_FILE_DELETE_CHILD, NULL) == LT_STATUS_SUCCESS)
        granted |= LT_ACCESS_DELETE | LT_ACCESS_SYNCHRONIZE;
    if ((desired & LT_FILE_READ_ATTRIBUTES) &&
        fsp_access(c, parent, &attr, LT_FILE_LIST_DIRECTORY, NULL) == LT_STATUS_SUCCESS)
        granted |= LT_FILE_READ_ATTRIBUTES | LT_ACCESS_SYNCHRONIZE;
    return granted;
}

/* After the file alone has refused. */
static int32_t access_by_parent(struct call *c, const struct opening *o, uint32_t desired,
                                uint32_t *ret)
{
    const struct lt_entry *file = &o->found.entry;
    uint32_t from_parent = granted_by_parent(c, o, desired), granted = 0;
    uint32_t rest = desired & ~from_parent;
    if (from_parent == 0)
        return LT_STATUS_ACCESS_DENIED;
    int32_t status = LT_STATUS_SUCCESS;
    if (rest != 0)
        status = fsp_access(c, file->node, &file->attr, rest, &granted);
    if (status == LT_STATUS_ACCESS_DENIED && rest == LT_ACCESS_MAXIMUM_ALLOWED)
        status = LT_STATUS_SUCCESS;
    if (status == LT_STATUS_SUCCESS)
        *ret = granted | from_parent;
    return status;
}

static int32_t check_access(struct call *c, struct opening *o, uint32_t extra)
{
    uint32_t wanted = lt_access_map_generic(o->req->desired_access);
    uint32_t desired = wanted | extra | (o->delete_on_close ? (uint32_t)LT_ACCESS_DELETE : 0);
    const struct lt_entry *file = &o->found.entry;
    uint32_t granted;
    int32_t status = fsp_access(c, file->node, &file->attr, desired, &granted);
    if (status == LT_STATUS_ACCESS_DENIED)
        status = access_by_parent(c, o, desired, &granted);
    if (status != LT_STATUS_SUCCESS)
        return status;
    /* What was only checked for the sake of the disposition is not the opening's. */
    o->granted = wanted & LT_ACCESS_MAXIMUM_ALLOWED ? granted : wanted;
    return LT_STATUS_SUCCESS;
}

static int32_t check_read_only(const struct call *c, struct opening *o, uint32_t extra)
{
    const struct lt_attr *attr = &o->found.entry.attr;
    if (!(fsp_win_attrs(c->v, attr) & LT_WIN_READONLY))
        return LT_STATUS_SUCCESS;
    if (o->delete_on_close)
        return LT_STATUS_CANNOT_DELETE;
    if ((attr->mode & LT_S_IFMT) == LT_S_IFDIR)
        return LT_STATUS_SUCCESS;
    uint32_t wanted = lt_access_map_generic(o->req->desired_access);
    if (((wanted | extra) & CHANGES) || overwrites(o))
        return LT_STATUS_ACCESS_DENIED;
    if (wanted & LT_ACCESS_MAXIMUM_ALLOWED)
        o->granted &= ~(uint32_t)CHANGES;
    return LT_STATUS_SUCCESS;
}

static int is_needed(void *arg, const struct lt_ea *ea)
{
    (void)arg;
    return (ea->flags & LT_EA_NEED) != 0;
}

/* A file with EAs that one must understand is not opened by those who say that they do not. */
static int32_t check_eas(struct call *c, const struct opening *o)
{
    const struct lt_entry *file = &o->found.entry;
    if (!(o->options & LT_FILE_NO_EA_KNOWLEDGE) || o->has_stream || !(file->attr.has & LT_HAS_EA))
        return LT_STATUS_SUCCESS;
    int r = lt_node_ea_list(&c->ctx, file->node, is_needed, NULL);
    if (r < 0)
        return lt_status_from_error(r);
    return r ? LT_STATUS_ACCESS_DENIED : LT_STATUS_SUCCESS;
}

int32_t fsp_check_file(struct call *c, struct opening *o, uint32_t extra)
{
    const struct lt_attr *attr = &o->found.entry.attr;
    if (fsp_is_reparse(attr) && !(o->options & LT_FILE_OPEN_REPARSE_POINT))
        return fsp_resolve(c);
    int32_t status = check_access(c, o, extra);
    if (status == LT_STATUS_SUCCESS)
        status = check_type(o);
    if (status == LT_STATUS_SUCCESS)
        status = check_eas(c, o);
    return status == LT_STATUS_SUCCESS ? check_read_only(c, o, extra) : status;
}

/* What is overwritten has to be writable, what is superseded deletable. */
static uint32_t extra_access(const struct opening *o)
{
    if (!overwrites(o))
        return 0;
    return o->disposition == LT_FILE_SUPERSEDE ? LT_ACCESS_DELETE : LT_FILE_WRITE_DATA;
}

int32_t fsp_open_existing(struct call *c, struct opening *o)
{
    int32_t status = fsp_check_file(c, o, extra_access(o));
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (!overwrites(o))
        o->information = LT_FILE_OPENED;
    else
        o->information =
            o->disposition == LT_FILE_SUPERSEDE ? LT_FILE_SUPERSEDED : LT_FILE_OVERWRITTEN;
    return LT_STATUS_SUCCESS;
}
