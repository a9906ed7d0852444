// SPDX-License-Identifier: MIT
/* Reading and writing (sys/read.c, sys/write.c, sys/flush.c of WinFsp). No data is ever cached. */
#include "driver.h"

#include <stdlib.h>

static int32_t check_io(const struct nt_file *file, uint32_t access)
{
    if (file->node->is_dir)
        return LT_STATUS_INVALID_PARAMETER;
    return file->access & access ? LT_STATUS_SUCCESS : LT_STATUS_ACCESS_DENIED;
}

static int32_t read_locked(struct nt_file *file, struct drv_call *call, struct drv_region *region,
                           uint64_t offset)
{
    drv_call_begin(call, file->v, LT_FSP_READ);
    drv_call_of(call, file);
    struct lt_fsp_read_req *req = &call->req->u.read;
    req->address = region->address;
    req->offset = offset;
    req->length = (uint32_t)region->len;
    return drv_call(call);
}

int32_t nt_read(struct nt_file *file, void *buf, size_t len, uint64_t offset, size_t *ret)
{
    struct drv_region region;
    *ret = 0;
    int32_t status = check_io(file, LT_FILE_READ_DATA);
    if (status != LT_STATUS_SUCCESS || len == 0)
        return status;
    if (offset > INT64_MAX || len > UINT32_MAX)
        return LT_STATUS_INVALID_PARAMETER;
    if (!drv_range_allows(file, offset, len, false))
        return LT_STATUS_FILE_LOCK_CONFLICT;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    status = drv_region_open(file->v, NULL, len, &region);
    if (status == LT_STATUS_SUCCESS) {
        lt_rwlock_read(&file->node->lock);
        status = read_locked(file, call, &region, offset);
        lt_rwlock_read_unlock(&file->node->lock);
        if (status == LT_STATUS_SUCCESS) {
            *ret = call->rsp.rsp.information;
            memcpy(buf, region.memory, *ret);
        }
        drv_region_close(file->v, &region);
    }
    free(call);
    return status;
}

static int32_t write_locked(struct nt_file *file, struct drv_call *call,
                            const struct drv_region *region, uint64_t offset)
{
    drv_call_begin(call, file->v, LT_FSP_WRITE);
    drv_call_of(call, file);
    struct lt_fsp_write_req *req = &call->req->u.write;
    req->address = region->address;
    req->offset = offset;
    req->length = (uint32_t)region->len;
    int32_t status = drv_call(call);
    if (status != LT_STATUS_SUCCESS)
        return status;
    file->modified = true;
    uint64_t before = drv_node_size(file->node);
    drv_keep_info(file->node, &call->rsp.rsp.u.info, true);
    drv_changed(file->node,
                DRV_CHANGED_WRITE | (drv_node_size(file->node) != before ? DRV_CHANGED_SIZE : 0u),
                DRV_ACTION_MODIFIED);
    return status;
}

int32_t nt_write(struct nt_file *file, const void *buf, size_t len, uint64_t offset, size_t *ret)
{
    struct drv_region region;
    *ret = 0;
    int32_t status = check_io(file, LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA);
    if (status != LT_STATUS_SUCCESS || len == 0)
        return status;
    /* Who may only append does, wherever he says (NtWriteFile). */
    if (!(file->access & LT_FILE_WRITE_DATA))
        offset = NT_END;
    if (len > UINT32_MAX || (offset != NT_END && offset > INT64_MAX - len))
        return LT_STATUS_INVALID_PARAMETER;
    uint64_t at = offset == NT_END ? drv_node_size(file->node) : offset;
    if (!drv_range_allows(file, at, len, true))
        return LT_STATUS_FILE_LOCK_CONFLICT;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    status = drv_region_open(file->v, buf, len, &region);
    if (status == LT_STATUS_SUCCESS) {
        lt_rwlock_write(&file->node->lock);
        status = write_locked(file, call, &region, offset);
        lt_rwlock_write_unlock(&file->node->lock);
        if (status == LT_STATUS_SUCCESS)
            *ret = call->rsp.rsp.information;
        drv_region_close(file->v, &region);
    }
    free(call);
    return status;
}

static int32_t flush(struct nt_volume *v, struct nt_file *file)
{
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, v, LT_FSP_FLUSH_BUFFERS);
    if (file)
        drv_call_of(call, file);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS && file)
        drv_keep_info(file->node, &call->rsp.rsp.u.info, false);
    free(call);
    return status;
}

int32_t nt_flush(struct nt_file *file)
{
    /* NtFlushBuffersFile */
    if (!(file->access & (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA)))
        return LT_STATUS_ACCESS_DENIED;
    lt_rwlock_write(&file->node->lock);
    int32_t status = flush(file->v, file);
    lt_rwlock_write_unlock(&file->node->lock);
    return status;
}

int32_t nt_flush_volume(struct nt_volume *volume)
{
    return flush(volume, NULL);
}
