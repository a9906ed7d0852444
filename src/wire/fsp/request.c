// SPDX-License-Identifier: MIT
/*
 * Requests, taken apart. The driver ends every text with a NUL that counts (sys/iop.c,
 * sys/fileinfo.c, sys/dirctl.c, sys/volinfo.c of WinFsp), and so its library may read them as
 * C strings; here a text without its NUL, or with one inside, is none. Two exceptions: a label
 * comes from the program as it is and ends at its first NUL, and a marker may be a number.
 */
#include "pieces.h"

#define BACKSLASH 0x5c
#define COLON 0x3a

/* Class of SetVolume: FileFsLabelInformation (MS-FSCC 2.5). */
#define FS_LABEL 2u

/* Texts without their NUL. An absent one is NULL and 0. */
static bool take_ended(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_wide *ret)
{
    struct lt_wide w;
    if (!lt_fsp_take_units(p, buf, &w))
        return false;
    if (w.units != 0 && lt_wide_at(w, --w.units) != 0)
        return false;
    *ret = w;
    return true;
}

static bool take_text(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_wide *ret)
{
    return take_ended(p, buf, ret) && lt_wide_find(*ret, 0) == ret->units;
}

/* A path; whether it has to be there. */
static bool take_path(struct lt_fsp_pieces p, struct lt_fsp_buf buf, bool needed,
                      struct lt_wide *ret)
{
    if (!take_text(p, buf, ret))
        return false;
    return buf.size == 0 ? !needed : ret->units != 0 && lt_wide_at(*ret, 0) == BACKSLASH;
}

static bool is_rename(const struct lt_fsp_req *req)
{
    uint32_t info_class = req->u.set_information.info_class;
    return info_class == LT_FSP_INFO_RENAME || info_class == LT_FSP_INFO_RENAME_EX;
}

/* Any kind may carry a file name (an Overwrite has the one of its Create); these cannot be without.
 */
static bool needs_name(const struct lt_fsp_req *req)
{
    uint32_t info_class = req->u.set_information.info_class;
    switch (req->kind) {
    case LT_FSP_CREATE:
    case LT_FSP_FILE_SYSTEM_CONTROL:
        return true;
    case LT_FSP_CLEANUP:
        return req->u.cleanup.flags & LT_FSP_CLEANUP_DELETE;
    case LT_FSP_SET_INFORMATION:
        return is_rename(req) || info_class == LT_FSP_INFO_DISPOSITION ||
               info_class == LT_FSP_INFO_DISPOSITION_EX;
    default:
        return false;
    }
}

/* The colon that named_stream points to stands in the last component, with a file's name before it
 * and a stream's behind it. */
static bool split_stream(struct lt_fsp_request *r)
{
    size_t at = r->req.u.create.named_stream / 2u;
    if (r->req.u.create.named_stream == 0)
        return true;
    if (r->req.u.create.named_stream % 2 != 0 || at + 1 >= r->name.units ||
        lt_wide_find(r->name, COLON) != at)
        return false;
    struct lt_wide stream = {r->name.bytes + 2 * (at + 1), r->name.units - at - 1};
    if (lt_wide_find(stream, BACKSLASH) != stream.units)
        return false;
    r->stream = stream;
    return true;
}

static bool take_set_information(struct lt_fsp_pieces p, struct lt_fsp_request *r)
{
    const struct lt_fsp_rename_info *rename = &r->req.u.set_information.info.rename;
    return !is_rename(&r->req) || take_path(p, rename->new_name, true, &r->new_name);
}

static bool take_label(struct lt_fsp_pieces p, struct lt_fsp_request *r)
{
    if (r->req.u.set_volume.info_class != FS_LABEL)
        return true;
    if (r->req.u.set_volume.label.size == 0 || !take_ended(p, r->req.u.set_volume.label, &r->label))
        return false;
    r->label.units = lt_wide_find(r->label, 0);
    return true;
}

static bool take_query_directory(struct lt_fsp_pieces p, struct lt_fsp_request *r)
{
    const struct lt_fsp_query_directory_req *query = &r->req.u.query_directory;
    r->has_pattern = query->pattern.size != 0;
    r->has_marker = query->marker.size != 0;
    return take_text(p, query->pattern, &r->pattern) && take_ended(p, query->marker, &r->marker);
}

static bool take_fs_control(struct lt_fsp_pieces p, struct lt_fsp_request *r)
{
    const struct lt_fsp_fs_control_req *control = &r->req.u.fs_control;
    return control->target_on_file_system % 2 == 0 &&
           control->target_on_file_system <= control->buffer.size &&
           lt_fsp_take_bytes(p, control->buffer, &r->data);
}

static bool take_device_control(struct lt_fsp_pieces p, struct lt_fsp_request *r)
{
    const struct lt_fsp_device_control_req *control = &r->req.u.device_control;
    return control->buffer.size <= LT_FSP_CONTROL_MAX &&
           control->output_length <= LT_FSP_CONTROL_MAX &&
           lt_fsp_take_bytes(p, control->buffer, &r->data);
}

static bool take_pieces(struct lt_fsp_pieces p, struct lt_fsp_request *r)
{
    const struct lt_fsp_req *req = &r->req;
    if (!take_path(p, req->file_name, needs_name(req), &r->name))
        return false;
    switch (req->kind) {
    case LT_FSP_CREATE:
        return split_stream(r) && lt_fsp_take_bytes(p, req->u.create.security, &r->security) &&
               lt_fsp_take_bytes(p, req->u.create.ea, &r->data);
    case LT_FSP_OVERWRITE:
        return lt_fsp_take_bytes(p, req->u.overwrite.ea, &r->data);
    case LT_FSP_SET_INFORMATION:
        return take_set_information(p, r);
    case LT_FSP_SET_EA:
        return lt_fsp_take_bytes(p, req->u.set_ea.ea, &r->data);
    case LT_FSP_SET_VOLUME:
        return take_label(p, r);
    case LT_FSP_QUERY_DIRECTORY:
        return take_query_directory(p, r);
    case LT_FSP_FILE_SYSTEM_CONTROL:
        return take_fs_control(p, r);
    case LT_FSP_DEVICE_CONTROL:
        return take_device_control(p, r);
    case LT_FSP_SET_SECURITY:
        return lt_fsp_take_bytes(p, req->u.set_security.security, &r->security);
    default:
        return true;
    }
}

static bool kind_is_known(uint32_t kind)
{
    return kind > LT_FSP_RESERVED && kind < LT_FSP_KIND_END && kind != LT_FSP_SHUTDOWN &&
           kind != LT_FSP_LOCK_CONTROL;
}

int lt_fsp_request_decode(struct lt_str message, struct lt_fsp_request *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (message.len < offsetof(struct lt_fsp_req, u))
        return LT_EBADMSG;
    memcpy(&ret->req, message.s, message.len < LT_FSP_REQ_HEADER ? message.len : LT_FSP_REQ_HEADER);
    if (!kind_is_known(ret->req.kind))
        return LT_ENOSYS;
    if (ret->req.size < LT_FSP_REQ_HEADER || ret->req.size > LT_FSP_REQ_MAX ||
        ret->req.size > message.len)
        return LT_EPROTO;
    struct lt_fsp_pieces p = {message.s + LT_FSP_REQ_HEADER, ret->req.size - LT_FSP_REQ_HEADER};
    return take_pieces(p, ret) ? LT_OK : LT_EPROTO;
}
