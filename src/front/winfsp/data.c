// SPDX-License-Identifier: MIT
/*
 * Reading, writing, making durable. Data does not travel in the messages: the port maps the
 * caller's buffer, and it is read and written in place.
 */
#include "volume.h"

/* Reads on until `len` bytes are there, the file ends, or an error. What came before an error
 * counts. */
static int64_t read_all(struct call *c, uint64_t offset, char *to, size_t len)
{
    size_t done = 0;
    while (done < len && offset + done <= LT_SIZE_MAX) {
        int r = lt_node_pread(&c->ctx, c->file->node, offset + done, to + done, len - done);
        if (r < 0 && done == 0)
            return r;
        if (r <= 0)
            break;
        done += (size_t)r;
    }
    return (int64_t)done;
}

int32_t fsp_read(struct call *c)
{
    const struct lt_fsp_read_req *in = &c->in.req.u.read;
    if (!fsp_has_data(c->file))
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    if (in->offset > LT_SIZE_MAX)
        return LT_STATUS_INVALID_PARAMETER;
    if (in->length == 0)
        return LT_STATUS_SUCCESS;
    char *to = c->v->port->map(c->v->port, in->address, in->length, true);
    if (to == NULL)
        return LT_STATUS_INVALID_USER_BUFFER;
    int64_t r = read_all(c, in->offset, to, in->length);
    if (r < 0)
        return lt_status_from_error((int)r);
    c->rsp->information = (uint32_t)r;
    return r == 0 ? LT_STATUS_END_OF_FILE : LT_STATUS_SUCCESS;
}

/*
 * Writes all of `seg`. The driver takes a count that is less than it asked for as it is, also from
 * its cache, which would lose the rest silently; so what does not fit is an error, except where
 * the end of the file is the limit.
 */
static int write_all(struct call *c, struct lt_write *write, struct lt_seg seg)
{
    char *from = seg.base;
    size_t done = 0;
    do {
        struct lt_seg rest = {from + done, seg.len - done};
        write->segs = &rest;
        write->count = 1;
        int r = lt_node_write(&c->ctx, c->file->node, write);
        if (r < 0)
            return r;
        done += (size_t)r;
        if (write->flags & LT_WRITE_CONSTRAINED)
            break;
        if (r == 0 && done < seg.len)
            return LT_ENOSPC;
        write->flags &= ~(uint32_t)LT_WRITE_APPEND;
        write->offset = write->ret_offset + (size_t)r;
    } while (done < seg.len);
    c->rsp->information = (uint32_t)done;
    return LT_OK;
}

int32_t fsp_write(struct call *c)
{
    const struct lt_fsp_write_req *in = &c->in.req.u.write;
    struct lt_attr attr;
    struct lt_write write = {.offset = in->offset, .flags = LT_WRITE_KILL_PRIV, .ret_attr = &attr};
    struct lt_seg seg = {NULL, in->length};
    if (!fsp_has_data(c->file))
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    if (in->length > INT32_MAX)
        return LT_STATUS_INVALID_PARAMETER;
    if (in->offset == LT_FSP_WRITE_APPEND) {
        write.flags |= LT_WRITE_APPEND;
        write.offset = 0;
    } else if (in->offset > LT_SIZE_MAX) {
        return LT_STATUS_INVALID_PARAMETER;
    }
    if (in->constrained & 1)
        write.flags |= LT_WRITE_CONSTRAINED;
    if (in->length)
        seg.base = c->v->port->map(c->v->port, in->address, in->length, false);
    if (in->length && seg.base == NULL)
        return LT_STATUS_INVALID_USER_BUFFER;
    int r = write_all(c, &write, seg);
    if (r == 0)
        fsp_file_info_from(c->v, c->file, &attr, &c->rsp->u.info);
    return lt_status_from_error(r);
}

int32_t fsp_flush(struct call *c)
{
    if (c->file == NULL)
        return lt_status_from_error(lt_fs_sync(&c->ctx, c->v->fs));
    int r = lt_node_sync(&c->ctx, c->file->node, false);
    if (r == 0)
        r = fsp_file_info(c, c->file, &c->rsp->u.info);
    return lt_status_from_error(r);
}
