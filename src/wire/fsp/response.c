// SPDX-License-Identifier: MIT
/*
 * Responses, taken apart as the driver does it (sys/create.c, sys/ea.c, sys/security.c,
 * sys/fileinfo.c, sys/fsctl.c of WinFsp): only a success carries anything, and some pieces are
 * looked for at the beginning of the variable part whatever their offset says.
 */
#include "pieces.h"
#include "status.h"

#define BACKSLASH 0x5c

static bool take_first(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_str *ret)
{
    return (buf.size == 0 || buf.offset == 0) && lt_fsp_take_bytes(p, buf, ret);
}

static bool take_opened(struct lt_fsp_pieces p, struct lt_fsp_response *r)
{
    const struct lt_fsp_create_rsp *opened = &r->rsp.u.create;
    struct lt_fsp_buf name = opened->file_name;
    if (name.size > LT_FSP_PATH_MAX || (name.size && name.offset) ||
        !lt_fsp_take_units(p, name, &r->name) || lt_wide_find(r->name, 0) != r->name.units)
        return false;
    if (r->name.units && lt_wide_at(r->name, 0) != BACKSLASH)
        return false;
    bool has_security = opened->flags & LT_FSP_OPENED_HAS_SECURITY;
    return has_security == (opened->security.size != 0) &&
           lt_fsp_take_bytes(p, opened->security, &r->security);
}

static bool take_pieces(struct lt_fsp_pieces p, struct lt_fsp_response *r)
{
    const struct lt_fsp_rsp *rsp = &r->rsp;
    if (rsp->status < 0)
        return true;
    if (rsp->kind == LT_FSP_CREATE && rsp->status == LT_STATUS_REPARSE)
        return rsp->u.buffer.size != 0 && lt_fsp_take_bytes(p, rsp->u.buffer, &r->data);
    if (rsp->status != LT_STATUS_SUCCESS)
        return false;
    switch (rsp->kind) {
    case LT_FSP_CREATE:
        return take_opened(p, r);
    case LT_FSP_QUERY_EA:
    case LT_FSP_QUERY_SECURITY:
    case LT_FSP_QUERY_STREAMS:
    case LT_FSP_SET_SECURITY:
        return take_first(p, rsp->u.buffer, &r->data);
    case LT_FSP_SET_EA:
        return take_first(p, rsp->u.set_ea.ea, &r->data);
    case LT_FSP_FILE_SYSTEM_CONTROL:
        return lt_fsp_take_bytes(p, rsp->u.buffer, &r->data);
    case LT_FSP_DEVICE_CONTROL:
        return rsp->u.buffer.size <= LT_FSP_CONTROL_MAX &&
               lt_fsp_take_bytes(p, rsp->u.buffer, &r->data);
    case LT_FSP_QUERY_VOLUME:
    case LT_FSP_SET_VOLUME:
        return rsp->u.volume.label_length <= sizeof(rsp->u.volume.label) &&
               rsp->u.volume.label_length % 2 == 0;
    default:
        return true;
    }
}

int lt_fsp_response_decode(struct lt_str message, struct lt_fsp_response *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (message.len < LT_FSP_RSP_HEADER)
        return LT_EBADMSG;
    memcpy(&ret->rsp, message.s, LT_FSP_RSP_HEADER);
    const struct lt_fsp_rsp *rsp = &ret->rsp;
    if (rsp->kind == LT_FSP_RESERVED || rsp->kind >= LT_FSP_KIND_END ||
        rsp->size < LT_FSP_RSP_HEADER || rsp->size > LT_FSP_RSP_MAX || rsp->size > message.len ||
        rsp->size % LT_FSP_ALIGN != 0)
        return LT_EPROTO;
    struct lt_fsp_pieces p = {message.s + LT_FSP_RSP_HEADER, rsp->size - LT_FSP_RSP_HEADER};
    return take_pieces(p, ret) ? LT_OK : LT_EPROTO;
}
