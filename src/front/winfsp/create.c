// SPDX-License-Identifier: MIT
/* Create: which way a request goes. What each disposition asks for is as in WinFsp's DLL. */
#include "create.h"

#include <stdlib.h>

static int32_t name_status(int error)
{
    bool invalid = error == LT_EINVAL || error == LT_EILSEQ || error == LT_ENAMETOOLONG;
    return invalid ? LT_STATUS_OBJECT_NAME_INVALID : lt_status_from_error(error);
}

/* The stream without its type: ":$DATA" may follow, and alone it is the file's own data. */
static struct lt_wide stream_name(struct lt_wide stream)
{
    size_t colon = 0;
    while (colon < stream.units && lt_wide_at(stream, colon) != ':')
        colon++;
    return (struct lt_wide){stream.bytes, colon};
}

static int32_t parse(struct call *c, struct opening *o)
{
    const struct lt_fsp_create_req *req = &c->in.req.u.create;
    o->req = req;
    o->options = req->options & LT_FILE_OPTIONS_MASK;
    o->disposition = LT_FSP_DISPOSITION(req->options);
    o->dir_only = o->options & LT_FILE_DIRECTORY_FILE;
    o->file_only = o->options & LT_FILE_NON_DIRECTORY_FILE;
    o->delete_on_close = o->options & LT_FILE_DELETE_ON_CLOSE;
    o->trailing_backslash = req->flags & LT_FSP_CREATE_TRAILING_BACKSLASH;
    struct lt_wide stream = stream_name(c->in.stream);
    o->has_stream = stream.units > 0;
    if (o->disposition > LT_FILE_OVERWRITE_IF || (o->dir_only && o->file_only))
        return LT_STATUS_INVALID_PARAMETER;
    if (o->options & LT_FILE_OPEN_BY_FILE_ID)
        return LT_STATUS_NOT_IMPLEMENTED;
    if (o->has_stream && !c->v->volume.has_windows)
        return LT_STATUS_OBJECT_NAME_INVALID;
    int r = o->has_stream ? fsp_name_to_utf8(c->v, stream, o->stream, sizeof(o->stream)) : LT_OK;
    return r < 0 ? name_status(r) : LT_STATUS_SUCCESS;
}

/* Dispositions that make what is missing. */
static bool makes(enum lt_fsp_disposition disposition)
{
    return disposition != LT_FILE_OPEN && disposition != LT_FILE_OVERWRITE;
}

/* The file and its streams: whether what the request names is there. */
static int look(struct call *c, struct opening *o)
{
    if (o->found.entry.node == NULL)
        return LT_ENOENT;
    if (!o->has_stream) {
        o->node = lt_node_get(o->found.entry.node);
        o->attr = o->found.entry.attr;
        return LT_OK;
    }
    int r = lt_node_stream_open(&c->ctx, o->found.entry.node, lt_str(o->stream), 0, &o->node);
    return r == LT_OK ? lt_node_getattr(&c->ctx, o->node, &o->attr) : r;
}

static int32_t by_disposition(struct call *c, struct opening *o)
{
    if (o->disposition == LT_FILE_CREATE)
        return fsp_make(c, o);
    int r = look(c, o);
    if (r == LT_ENOENT && makes(o->disposition))
        return fsp_make(c, o);
    return r < 0 ? lt_status_from_error(r) : fsp_open_existing(c, o);
}

#define TRIES 3 /* against others that make what we just did not find, through another front */

/* Under the hold things are looked at anew if they can be made: somebody may just have done so. */
static int32_t create_held(struct call *c, struct opening *o)
{
    bool exclusive = makes(o->disposition);
    struct lt_node *key = o->has_stream ? o->found.entry.node : NULL;
    struct fsp_hold hold;
    int32_t status = LT_STATUS_OBJECT_NAME_COLLISION;
    fsp_hold(c->v, &hold, o->found.parent, key, exclusive);
    for (int i = 0; i < TRIES && status == LT_STATUS_OBJECT_NAME_COLLISION; i++) {
        int r = exclusive ? fsp_found_again(c, &o->found) : LT_OK;
        status = r < 0 ? lt_status_from_error(r) : by_disposition(c, o);
        if (o->disposition == LT_FILE_CREATE)
            break;
    }
    fsp_release(c->v, &hold);
    return status;
}

static int32_t create_at(struct call *c, struct opening *o, const char *path)
{
    int32_t status = fsp_walk(c, path, &o->found);
    if (status == LT_STATUS_REPARSE)
        return fsp_resolve(c);
    if (status == LT_STATUS_NOT_A_DIRECTORY && o->disposition == LT_FILE_CREATE) {
        /* That one may not make anything there is said first, as by WinFsp. */
        int32_t denied = fsp_may_make(c, o, o->found.entry.node);
        return denied != LT_STATUS_SUCCESS ? denied : status;
    }
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (o->req->flags & LT_FSP_CREATE_OPEN_TARGET)
        status = fsp_open_target(c, o);
    else
        status = create_held(c, o);
    if (status == LT_STATUS_SUCCESS)
        status = fsp_opened(c, o);
    if (status != LT_STATUS_SUCCESS)
        fsp_unmake(c, o);
    return status;
}

int32_t fsp_create(struct call *c)
{
    char path[FSP_PATH_MAX];
    struct opening o;
    memset(&o, 0, offsetof(struct opening, found));
    o.found.parent = o.found.entry.node = NULL;
    int32_t status = fsp_call_token(c, c->in.req.u.create.token);
    if (status == LT_STATUS_SUCCESS)
        status = parse(c, &o);
    if (status != LT_STATUS_SUCCESS)
        return status;
    int r = fsp_name_to_path(c->v, c->in.name, path, sizeof(path));
    if (r < 0)
        return name_status(r);
    status = create_at(c, &o, path);
    fsp_found_drop(&o.found);
    lt_node_put(o.node);
    return status;
}
