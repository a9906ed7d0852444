// SPDX-License-Identifier: MIT
/*
 * Overwrite: the second half of a Create that replaces the content of a file, once the driver has
 * seen that nobody is in the way. What may fail comes first, so that a failure leaves the old
 * content.
 *
 * All streams go that nobody has open. The driver has marked the others: they are opened by nobody
 * any more, and go with their last handle.
 */
#include "create.h"

#include <stdlib.h>

/* Names, one behind the other with a NUL each. */
struct names {
    char *text; /* malloc'd */
    size_t len;
};

static int add_name(void *arg, const struct lt_stream *stream)
{
    struct names *names = arg;
    size_t len = stream->name.len;
    char *text = realloc(names->text, names->len + len + 1);
    if (text == NULL)
        return LT_ENOMEM;
    memcpy(text + names->len, stream->name.s, len);
    text[names->len + len] = 0;
    names->text = text;
    names->len += len + 1;
    return 0;
}

static int remove_streams(struct call *c, struct lt_node *node)
{
    struct names names = {0};
    int r = lt_node_stream_list(&c->ctx, node, add_name, &names);
    for (size_t at = 0; r == LT_OK && at < names.len; at += strlen(names.text + at) + 1) {
        if (fsp_files_stream_open(c->v, node, names.text + at))
            continue;
        r = lt_node_stream_remove(&c->ctx, node, lt_str(names.text + at));
        if (r == LT_ENOENT)
            r = LT_OK;
    }
    free(names.text);
    return r;
}

/* The EAs become exactly those of the request. */
static int32_t replace_eas(struct call *c, struct lt_node *node, bool has_any)
{
    struct lt_ea *list = NULL;
    size_t count = 0;
    if (!c->v->volume.has_windows)
        return c->in.data.len > 0 ? LT_STATUS_EAS_NOT_SUPPORTED : LT_STATUS_SUCCESS;
    if (c->in.data.len == 0 && !has_any)
        return LT_STATUS_SUCCESS;
    int32_t status = fsp_ea_decode(c->in.data, &list, &count);
    if (status != LT_STATUS_SUCCESS)
        return status;
    int r = lt_node_ea_set(&c->ctx, node, list, count, true);
    free(list);
    return r == LT_E2BIG ? LT_STATUS_EA_TOO_LARGE : lt_status_from_error(r);
}

/* Whether the new allocation would fit when the old content is gone. */
static int check_space(struct call *c, const struct lt_attr *attr, uint64_t size)
{
    struct lt_statfs stat;
    if (size <= attr->allocated)
        return LT_OK;
    int r = lt_fs_statfs(&c->ctx, c->v->fs, &stat);
    if (r == LT_OK && stat.total > 0 && size - attr->allocated > stat.available)
        r = LT_ENOSPC;
    return r;
}

/* N020: what the file was before has no part in what it is now. */
static int empty(struct call *c, struct lt_node *node, bool is_stream, struct lt_attr *attr)
{
    const struct lt_fsp_overwrite_req *req = &c->in.req.u.overwrite;
    struct lt_setattr set = {.mask = LT_SET_SIZE | LT_SET_MTIME_NOW, .size = 0};
    if (!is_stream) {
        uint32_t attrs = (req->file_attributes & LT_WIN_SETTABLE) | LT_WIN_ARCHIVE;
        int r = fsp_win_attrs_set(c->v, attr, attrs, &set);
        if (r < 0 && r != LT_EOPNOTSUPP) /* as with a new file: what cannot be kept is left out */
            return r;
    }
    return lt_node_setattr(&c->ctx, node, &set, attr);
}

static int32_t overwrite(struct call *c, struct lt_attr *attr)
{
    struct fsp_file *file = c->file;
    uint64_t allocation = c->in.req.u.overwrite.allocation_size;
    int r = lt_node_getattr(&c->ctx, file->node, attr);
    if (r == LT_OK)
        r = check_space(c, attr, allocation);
    if (r < 0)
        return lt_status_from_error(r);
    int32_t status =
        file->stream ? LT_STATUS_SUCCESS : replace_eas(c, file->node, attr->ea_size > 0);
    if (status != LT_STATUS_SUCCESS)
        return status;
    r = empty(c, file->node, file->stream != NULL, attr);
    if (r == LT_OK && !file->stream && (attr->has & LT_HAS_STREAM))
        r = remove_streams(c, file->node);
    if (r == LT_OK)
        r = fsp_reserve(c, file->node, allocation);
    if (r == LT_OK)
        r = lt_node_getattr(&c->ctx, file->node, attr);
    return lt_status_from_error(r);
}

int32_t fsp_overwrite(struct call *c)
{
    struct lt_attr attr;
    struct fsp_hold hold;
    if (c->file->is_dir)
        return LT_STATUS_FILE_IS_A_DIRECTORY;
    fsp_hold(c->v, &hold, c->file->owner, NULL, true);
    int32_t status = overwrite(c, &attr);
    fsp_release(c->v, &hold);
    if (status == LT_STATUS_SUCCESS)
        fsp_file_info_from(c->v, c->file, &attr, &c->rsp->u.info);
    return status;
}
