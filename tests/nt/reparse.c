// SPDX-License-Identifier: MIT
/*
 * Reparse points: what the I/O manager follows by itself, and the three controls
 * (FspFsvolCreateComplete and FspFsvolFileSystemControlReparsePoint of WinFsp; MS-FSCC 2.1.2).
 */
#include "driver.h"

#include <base/wire.h>
#include <stdlib.h>

#define TAG_SYMLINK 0xa000000cu
#define TAG_MOUNT_POINT 0xa0000003u
#define TAG_MICROSOFT 0x80000000u

/* Heads of REPARSE_DATA_BUFFER and REPARSE_GUID_DATA_BUFFER. */
enum { REPARSE_HEAD = 8, REPARSE_GUID_HEAD = 24 };
/* Of a link's data: SubstituteNameOffset and Length, the print name's, for symbolic links Flags. */
enum { LINK_OFFSET = 8, LINK_LENGTH = 10, LINK_FLAGS = 16, LINK_PATH = 16, SYMLINK_PATH = 20 };
#define SYMLINK_RELATIVE 0x1u

static uint16_t get16(struct lt_str s, size_t at)
{
    struct lt_le16 le;
    memcpy(&le, s.s + at, sizeof(le));
    return lt_get_le16(le);
}

static uint32_t get32(struct lt_str s, size_t at)
{
    struct lt_le32 le;
    memcpy(&le, s.s + at, sizeof(le));
    return lt_get_le32(le);
}

int32_t drv_reparse_check(struct lt_str data)
{
    if (data.len < REPARSE_HEAD || data.len > LT_REPARSE_SIZE_MAX)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    uint32_t tag = get32(data, 0);
    size_t len = get16(data, 4);
    bool microsoft = tag & TAG_MICROSOFT;
    if (len + REPARSE_HEAD != data.len && (microsoft || len + REPARSE_GUID_HEAD != data.len))
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    if (!microsoft && data.len < REPARSE_GUID_HEAD)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    /* 0 and 1 are reserved, and so are the bits between the flags and the number. */
    if (tag <= 1 || (tag & 0x0fff0000u))
        return LT_STATUS_IO_REPARSE_TAG_INVALID;
    return LT_STATUS_SUCCESS;
}

/* ---- Where a link leads ------------------------------------------------------------------------
 */

/* Its substitute name within the data, or nothing. */
static struct lt_str substitute(struct lt_str data, uint32_t tag)
{
    size_t path = tag == TAG_SYMLINK ? SYMLINK_PATH : LINK_PATH;
    if (data.len < path)
        return (struct lt_str){0};
    size_t at = path + get16(data, LINK_OFFSET), len = get16(data, LINK_LENGTH);
    if (at > data.len || len > data.len - at || len % 2 != 0)
        return (struct lt_str){0};
    return lt_strn(data.s + at, len);
}

/* An absolute name: of this volume, or of a device that does not exist here. */
static int32_t follow(struct lt_str name, struct drv_name *ret)
{
    struct drv_name to;
    if (name.len < 2 || name.len % 2 != 0 || get16(name, 0) != '\\')
        return LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    uint16_t *units = malloc(name.len);
    if (!units)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    memcpy(units, name.s, name.len);
    to = (struct drv_name){units, name.len / 2};
    if (!drv_name_strip(&to)) {
        drv_name_free(&to);
        return LT_STATUS_OBJECT_PATH_NOT_FOUND;
    }
    *ret = to;
    return LT_STATUS_REPARSE;
}

int32_t drv_reparse(struct nt_volume *v, const struct lt_fsp_response *rsp, struct drv_name *ret)
{
    struct lt_str data = rsp->data;
    uint32_t tag = rsp->rsp.information;
    if (tag == LT_FSP_IO_REPARSE)
        return follow(data, ret);
    int32_t status = drv_reparse_check(data);
    if (status != LT_STATUS_SUCCESS || get32(data, 0) != tag) {
        drv_fault(v, "Create: REPARSE with data that are none of tag %#x", tag);
        return status == LT_STATUS_SUCCESS ? LT_STATUS_IO_REPARSE_DATA_INVALID : status;
    }
    /* The dispatcher has made a relative link's target a path of the volume. */
    if (tag == TAG_SYMLINK || tag == TAG_MOUNT_POINT)
        return follow(substitute(data, tag), ret);
    return LT_STATUS_REPARSE;
}

/* ---- Controls ----------------------------------------------------------------------------------
 */

/* Where, in an absolute target on this volume, the path of the volume begins; 0: elsewhere. */
static uint16_t target_on_volume(struct lt_str data)
{
    uint16_t offset = 2 * (sizeof(NT_DRIVE) - 1);
    if (get32(data, 0) != TAG_SYMLINK || data.len < SYMLINK_PATH ||
        (get32(data, LINK_FLAGS) & SYMLINK_RELATIVE))
        return 0;
    struct lt_str name = substitute(data, TAG_SYMLINK);
    struct drv_name to;
    if (follow(name, &to) != LT_STATUS_REPARSE)
        return 0;
    bool ours = name.len - 2 * to.len == offset && to.len != 0;
    drv_name_free(&to);
    return ours ? offset : 0;
}

static int32_t check_change(const struct nt_file *file, uint32_t code, struct lt_str in)
{
    bool protected = file->v->params.flags & LT_FSP_VOLUME_REPARSE_PRIVILEGE;
    if (!(file->access & (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA | LT_FILE_WRITE_ATTRIBUTES)))
        return LT_STATUS_ACCESS_DENIED;
    if (in.len == 0 || in.len > LT_REPARSE_SIZE_MAX)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    int32_t status = drv_reparse_check(in);
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (protected && code == LT_FSCTL_SET_REPARSE_POINT && get32(in, 0) == TAG_SYMLINK &&
        !(drv_token()->privileges & LT_PRIVILEGE_SYMLINK))
        return LT_STATUS_PRIVILEGE_NOT_HELD;
    return LT_STATUS_SUCCESS;
}

static int32_t send_control(struct nt_file *file, struct drv_call *call, uint32_t code,
                            struct lt_str in)
{
    struct drv_node *node = file->node;
    bool change = code != LT_FSCTL_GET_REPARSE_POINT;
    drv_call_begin(call, file->v, LT_FSP_FILE_SYSTEM_CONTROL);
    drv_call_of(call, file);
    call->req->file_name = lt_fsp_put_text(&call->out, node->name.units, node->name.len, true);
    struct lt_fsp_fs_control_req *req = &call->req->u.fs_control;
    req->code = code;
    if (change)
        req->buffer = lt_fsp_put(&call->out, in.s, in.len, 8);
    if (code == LT_FSCTL_SET_REPARSE_POINT)
        req->target_on_file_system = target_on_volume(in);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS && change) {
        drv_keep(node, DRV_KEEP_INFO, NULL, 0);
        file->set_metadata = true;
    }
    return status;
}

static int32_t answer(struct nt_file *file, struct lt_str data, void *out, size_t size, size_t *ret)
{
    int32_t status = drv_reparse_check(data);
    if (status != LT_STATUS_SUCCESS) {
        drv_fault(file->v, "FileSystemControl: %zu bytes are no reparse data", data.len);
        return status;
    }
    if (data.len > size)
        return LT_STATUS_BUFFER_TOO_SMALL;
    memcpy(out, data.s, data.len);
    *ret = data.len;
    return LT_STATUS_SUCCESS;
}

int32_t drv_reparse_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out,
                            size_t size, size_t *ret)
{
    int32_t status = LT_STATUS_SUCCESS;
    if (!(file->v->params.flags & LT_FSP_VOLUME_REPARSE))
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    if (code != LT_FSCTL_GET_REPARSE_POINT)
        status = check_change(file, code, in);
    else if (in.len)
        status = LT_STATUS_INVALID_PARAMETER;
    else if (size == 0)
        status = LT_STATUS_INVALID_USER_BUFFER;
    if (status != LT_STATUS_SUCCESS)
        return status;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_rwlock_read(&file->v->names);
    lt_rwlock_write(&file->node->lock);
    status = send_control(file, call, code, in);
    if (status == LT_STATUS_SUCCESS && code == LT_FSCTL_GET_REPARSE_POINT)
        status = answer(file, call->rsp.data, out, size, ret);
    lt_rwlock_write_unlock(&file->node->lock);
    lt_rwlock_read_unlock(&file->v->names);
    free(call);
    return status;
}
