// SPDX-License-Identifier: MIT
/* File-system controls and those of the device (sys/fsctl.c, sys/devctl.c; MS-FSCC 2.3). */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

enum {
    FSP_FSCTL_QUERY_WINFSP = 0x920fc,
    FSCTL_GET_RETRIEVAL_POINTERS = 0x90073,
    FSCTL_QUERY_PERSISTENT_VOLUME_STATE = 0x9023c
};

#define SHORT_NAMES_DISABLED 0x1u /* PERSISTENT_VOLUME_STATE_SHORT_NAME_CREATION_DISABLED */
#define DEVICE_TYPE(code) ((code) >> 16)
#define METHOD(code) ((code)&3)
#define DEVICE_TYPE_CUSTOM 0x8000u /* those that WinFsp passes on */

/* One extent that lies nowhere: enough for programs to see that the file is not resident. */
static int32_t retrieval_pointers(struct nt_file *file, struct lt_str in, void *out, size_t size,
                                  size_t *ret)
{
    struct reply r = {.buf = out, .size = size};
    struct lt_le64 start;
    if (in.len < sizeof(start) || size < 32)
        return LT_STATUS_BUFFER_TOO_SMALL;
    memcpy(&start, in.s, sizeof(start));
    lt_mutex_lock(&file->v->table);
    uint64_t end = file->node->allocation / file->v->unit;
    lt_mutex_unlock(&file->v->table);
    if (lt_get_le64(start) > end)
        return LT_STATUS_END_OF_FILE;
    reply_put64(&r, 1);
    reply_put64(&r, 0);
    reply_put64(&r, end);
    reply_put64(&r, UINT64_MAX);
    *ret = r.len;
    return LT_STATUS_SUCCESS;
}

/* FILE_FS_PERSISTENT_VOLUME_INFORMATION: flags, mask, version, reserved. */
static int32_t persistent_state(struct lt_str in, void *out, size_t size, size_t *ret)
{
    struct reply r = {.buf = out, .size = size};
    struct lt_le32 fields[4];
    if (in.len < sizeof(fields) || size < sizeof(fields))
        return LT_STATUS_BUFFER_TOO_SMALL;
    memcpy(fields, in.s, sizeof(fields));
    if (lt_get_le32(fields[2]) != 1 || !(lt_get_le32(fields[1]) & SHORT_NAMES_DISABLED))
        return LT_STATUS_INVALID_PARAMETER;
    reply_put32(&r, SHORT_NAMES_DISABLED);
    reply_zeros(&r, 12);
    *ret = r.len;
    return LT_STATUS_SUCCESS;
}

int32_t nt_fs_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out, size_t size,
                      size_t *ret)
{
    *ret = 0;
    switch (code) {
    case FSP_FSCTL_QUERY_WINFSP:
        return LT_STATUS_SUCCESS;
    case LT_FSCTL_GET_REPARSE_POINT:
    case LT_FSCTL_SET_REPARSE_POINT:
    case LT_FSCTL_DELETE_REPARSE_POINT:
        return drv_reparse_control(file, code, in, out, size, ret);
    case FSCTL_GET_RETRIEVAL_POINTERS:
        return retrieval_pointers(file, in, out, size, ret);
    case FSCTL_QUERY_PERSISTENT_VOLUME_STATE:
        return persistent_state(in, out, size, ret);
    default:
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    }
}

static int32_t send_control(struct nt_file *file, struct drv_call *call, void *out, size_t *ret)
{
    int32_t status = drv_call(call);
    if (status != LT_STATUS_SUCCESS)
        return status;
    struct lt_str data = call->rsp.data;
    if (data.len > call->req->u.device_control.output_length) {
        drv_fault(file->v, "DeviceControl: %zu bytes of %u", data.len,
                  call->req->u.device_control.output_length);
        return LT_STATUS_INTERNAL_ERROR;
    }
    if (data.len)
        memcpy(out, data.s, data.len);
    *ret = data.len;
    return status;
}

int32_t nt_device_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out,
                          size_t size, size_t *ret)
{
    *ret = 0;
    if (!(file->v->params.flags & LT_FSP_VOLUME_DEVICE_CONTROL) ||
        DEVICE_TYPE(code) < DEVICE_TYPE_CUSTOM || METHOD(code) != 0)
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    if (in.len > LT_FSP_CONTROL_MAX || size > LT_FSP_CONTROL_MAX)
        return LT_STATUS_INVALID_BUFFER_SIZE;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_DEVICE_CONTROL);
    drv_call_of(call, file);
    call->req->u.device_control.code = code;
    call->req->u.device_control.output_length = (uint32_t)size;
    if (in.len)
        call->req->u.device_control.buffer = lt_fsp_put(&call->out, in.s, in.len, 8);
    lt_rwlock_write(&file->node->lock);
    int32_t status = send_control(file, call, out, ret);
    lt_rwlock_write_unlock(&file->node->lock);
    free(call);
    return status;
}
