// SPDX-License-Identifier: MIT
/* Create of what is not there yet. What a request wants beside the file - EAs, a reparse point,
 * space - is done to it before anybody hears of it; if that fails the file goes again. */
#include "create.h"

#include <stdlib.h>

static int32_t add_data(struct call *c, struct opening *o)
{
    if (c->in.data.len == 0)
        return LT_STATUS_SUCCESS;
    if (o->req->flags & LT_FSP_CREATE_EA_IS_REPARSE) {
        int32_t status = fsp_reparse_set(c, o->node, o->found.parent, o->found.stored, c->in.data);
        /* A symbolic link of POSIX takes the place of the file. */
        int r = status == LT_STATUS_SUCCESS ? fsp_found_again(c, &o->found) : LT_OK;
        if (status != LT_STATUS_SUCCESS || r < 0 || o->found.entry.node == NULL)
            return r < 0 ? lt_status_from_error(r) : status ? status : LT_STATUS_FILE_DELETED;
        lt_node_put(o->node);
        o->node = lt_node_get(o->found.entry.node);
        return LT_STATUS_SUCCESS;
    }
    if (!c->v->volume.has_windows)
        return LT_STATUS_EAS_NOT_SUPPORTED;
    struct lt_ea *list;
    size_t count;
    int32_t status = fsp_ea_decode(c->in.data, &list, &count);
    if (status != LT_STATUS_SUCCESS)
        return status;
    int r = lt_node_ea_set(&c->ctx, o->node, list, count, false);
    free(list);
    return r == LT_E2BIG ? LT_STATUS_EA_TOO_LARGE : lt_status_from_error(r);
}

int fsp_reserve(struct call *c, struct lt_node *node, uint64_t size)
{
    struct lt_statfs stat;
    if (size == 0)
        return LT_OK;
    if (size > LT_SIZE_MAX)
        return LT_ENOSPC;
    int r = lt_node_allocate(&c->ctx, node, LT_FALLOC_KEEP_SIZE, 0, size);
    if (r != LT_EOPNOTSUPP)
        return r;
    /* What cannot be reserved can still be seen not to fit. */
    r = lt_fs_statfs(&c->ctx, c->v->fs, &stat);
    return r == LT_OK && stat.total > 0 && size > stat.available ? LT_ENOSPC : r;
}

static int32_t add_rest(struct call *c, struct opening *o)
{
    int32_t status = o->has_stream ? LT_STATUS_SUCCESS : add_data(c, o);
    if (status != LT_STATUS_SUCCESS)
        return status;
    int r = o->dir_only ? LT_OK : fsp_reserve(c, o->node, o->req->allocation_size);
    if (r == LT_OK)
        r = lt_node_getattr(&c->ctx, o->node, &o->attr);
    return lt_status_from_error(r);
}

static int32_t new_access(struct call *c, struct opening *o)
{
    uint32_t wanted = lt_access_map_generic(o->req->desired_access);
    bool system = wanted & LT_ACCESS_SYSTEM_SECURITY;
    if (system && c->token && !(c->token->privileges & LT_PRIVILEGE_SECURITY))
        return LT_STATUS_PRIVILEGE_NOT_HELD;
    if (wanted & LT_ACCESS_MAXIMUM_ALLOWED)
        wanted |= LT_ACCESS_FILE_ALL;
    o->granted = wanted & ~(uint32_t)LT_ACCESS_MAXIMUM_ALLOWED;
    return LT_STATUS_SUCCESS;
}

/* ---- Files and directories ------------------------------------------------------------------- */

int32_t fsp_may_make(struct call *c, struct opening *o, struct lt_node *dir)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, dir, &attr);
    uint32_t right = o->dir_only ? LT_FILE_ADD_SUBDIRECTORY : LT_FILE_ADD_FILE;
    return r < 0 ? lt_status_from_error(r) : fsp_access(c, dir, &attr, right, NULL);
}

static int32_t may_make_file(struct call *c, struct opening *o)
{
    if (o->found.parent == NULL)
        return LT_STATUS_OBJECT_NAME_COLLISION;
    int32_t status = fsp_may_make(c, o, o->found.parent);
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (o->trailing_backslash && !o->dir_only)
        return LT_STATUS_OBJECT_NAME_INVALID;
    if (o->delete_on_close && (o->req->file_attributes & LT_WIN_READONLY))
        return LT_STATUS_CANNOT_DELETE;
    if (o->found.entry.node == NULL)
        return new_access(c, o);
    bool is_dir = o->found.entry.node->type == LT_S_IFDIR;
    return is_dir && o->file_only ? LT_STATUS_FILE_IS_A_DIRECTORY : LT_STATUS_OBJECT_NAME_COLLISION;
}

static int32_t make_file(struct call *c, struct opening *o)
{
    struct birth birth;
    int32_t status = may_make_file(c, o);
    if (status != LT_STATUS_SUCCESS)
        return status;
    status = fsp_birth(c, o, &birth);
    int r = LT_OK;
    if (status == LT_STATUS_SUCCESS) {
        o->found.entry.stored = NULL;
        r = lt_node_create(&c->ctx, o->found.parent, lt_str(o->found.last), &birth.spec,
                           &o->found.entry);
    }
    fsp_birth_drop(&birth);
    if (status != LT_STATUS_SUCCESS || r < 0)
        return status ? status : lt_status_from_error(r);
    o->information = LT_FILE_CREATED;
    o->read_only = birth.read_only;
    o->node = lt_node_get(o->found.entry.node);
    return add_rest(c, o);
}

/* ---- Streams --------------------------------------------------------------------------------- */

static int32_t make_stream(struct call *c, struct opening *o)
{
    const struct lt_entry *file = &o->found.entry;
    if (o->dir_only)
        return LT_STATUS_NOT_A_DIRECTORY;
    if (o->trailing_backslash)
        return LT_STATUS_OBJECT_NAME_INVALID;
    if (file->node == NULL)
        return LT_STATUS_OBJECT_NAME_NOT_FOUND;
    int32_t status = fsp_check_file(c, o, LT_FILE_WRITE_DATA);
    if (status != LT_STATUS_SUCCESS)
        return status;
    int r = lt_node_stream_open(&c->ctx, file->node, lt_str(o->stream),
                                LT_STREAM_CREATE | LT_STREAM_EXCL, &o->node);
    if (r < 0)
        return lt_status_from_error(r);
    o->information = LT_FILE_CREATED;
    return add_rest(c, o);
}

int32_t fsp_make(struct call *c, struct opening *o)
{
    int32_t status = o->has_stream ? make_stream(c, o) : make_file(c, o);
    if (status != LT_STATUS_SUCCESS)
        fsp_unmake(c, o);
    return status;
}

void fsp_unmake(struct call *c, struct opening *o)
{
    if (o->information != LT_FILE_CREATED || o->node == NULL)
        return;
    o->information = LT_FILE_OPENED;
    if (o->has_stream)
        (void)lt_node_stream_remove(&c->ctx, o->found.entry.node, lt_str(o->stream));
    else
        (void)lt_node_remove(&c->ctx, o->found.parent, lt_str(o->found.stored),
                             LT_REMOVE_ANY | LT_REMOVE_SAME, o->node);
}
