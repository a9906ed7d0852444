// SPDX-License-Identifier: MIT
/* What is set of open files, renames apart: MS-FSCC 2.4 and sys/fileinfo.c of WinFsp. */
#include "driver.h"

#include <base/wire.h>
#include <stdlib.h>

enum { INFO_LINK = 11, INFO_POSITION = 14, INFO_VALID_DATA_LENGTH = 39 };

/* A time of FILE_BASIC_INFORMATION: 0 keeps it, and -1 and -2, which say whether later I/O may
 * change it, do not set it. False for the other negative ones. */
static bool take_time(const uint8_t *at, uint64_t *ret)
{
    struct lt_le64 le;
    memcpy(&le, at, sizeof(le));
    int64_t time = (int64_t)lt_get_le64(le);
    *ret = time > 0 ? (uint64_t)time : 0;
    return time >= -2;
}

static bool take_basic(const void *buf, struct lt_fsp_basic_info *ret)
{
    struct lt_le32 attributes;
    const uint8_t *at = buf;
    memcpy(&attributes, at + 32, sizeof(attributes));
    ret->file_attributes = lt_get_le32(attributes);
    return take_time(at, &ret->creation_time) && take_time(at + 8, &ret->last_access_time) &&
           take_time(at + 16, &ret->last_write_time) && take_time(at + 24, &ret->change_time);
}

static uint32_t note_basic(struct nt_file *file, const struct lt_fsp_basic_info *basic)
{
    uint32_t filter = 0;
    if (basic->file_attributes != LT_FSP_ATTRS_KEEP) {
        file->set_attributes = true;
        filter |= DRV_CHANGED_ATTRIBUTES;
    }
    if (basic->creation_time)
        filter |= DRV_CHANGED_CREATION;
    if (basic->last_access_time) {
        file->set_access_time = true;
        filter |= DRV_CHANGED_ACCESS;
    }
    if (basic->last_write_time) {
        file->set_write_time = true;
        filter |= DRV_CHANGED_WRITE;
    }
    if (basic->change_time)
        file->set_change_time = true;
    file->set_metadata = true;
    return filter;
}

static int32_t set_basic(struct nt_file *file, struct drv_call *call, const void *buf)
{
    struct drv_node *node = file->node;
    struct lt_fsp_basic_info *basic = &call->req->u.set_information.info.basic;
    if (!take_basic(buf, basic))
        return LT_STATUS_INVALID_PARAMETER;
    if (node->is_dir && (basic->file_attributes & LT_WIN_TEMPORARY))
        return LT_STATUS_INVALID_PARAMETER;
    if (basic->file_attributes == 0) {
        basic->file_attributes = LT_FSP_ATTRS_KEEP;
    } else {
        basic->file_attributes &= ~(uint32_t)(LT_WIN_NORMAL | LT_WIN_DIRECTORY);
        basic->file_attributes |= node->is_dir ? LT_WIN_DIRECTORY : 0;
    }
    int32_t status = drv_call(call);
    if (status != LT_STATUS_SUCCESS)
        return status;
    drv_keep_info(node, &call->rsp.rsp.u.info, false);
    drv_changed(node, note_basic(file, basic), DRV_ACTION_MODIFIED);
    return status;
}

static int32_t set_size(struct nt_file *file, struct drv_call *call, const void *buf)
{
    struct drv_node *node = file->node;
    struct lt_le64 le;
    memcpy(&le, buf, sizeof(le));
    uint64_t size = lt_get_le64(le);
    if (node->is_dir || size > (uint64_t)INT64_MAX - node->v->unit)
        return LT_STATUS_INVALID_PARAMETER;
    if (call->req->u.set_information.info_class == LT_FSP_INFO_ALLOCATION)
        size = drv_round_up(node->v, size);
    if (size < drv_node_size(node) && drv_mapped_beyond(node, size))
        return LT_STATUS_USER_MAPPED_FILE;
    call->req->u.set_information.info.size = size;
    int32_t status = drv_call(call);
    if (status != LT_STATUS_SUCCESS)
        return status;
    file->modified = true;
    drv_keep_info(node, &call->rsp.rsp.u.info, true);
    drv_changed(node, DRV_CHANGED_SIZE, DRV_ACTION_MODIFIED);
    return status;
}

/* ---- Disposition -------------------------------------------------------------------------------
 */

static uint32_t disposition_flags(unsigned info_class, const void *buf)
{
    struct lt_le32 le;
    if (info_class == LT_FSP_INFO_DISPOSITION)
        return *(const uint8_t *)buf ? LT_DISPOSITION_DELETE : 0;
    memcpy(&le, buf, sizeof(le));
    return lt_get_le32(le);
}

/* What the dispatcher refused once it is not asked again by this handle: programs try the new way
 * and then the old one. */
static bool is_plain_delete(uint32_t flags)
{
    return (flags & ~(uint32_t)LT_DISPOSITION_POSIX) == LT_DISPOSITION_DELETE;
}

static void note_disposition(struct nt_file *file, uint32_t flags)
{
    struct drv_node *node = file->node;
    bool pending = flags & LT_DISPOSITION_DELETE;
    lt_mutex_lock(&node->v->table);
    node->delete_pending = pending;
    lt_mutex_unlock(&node->v->table);
    if (!pending)
        file->posix_delete = false;
    else if (flags & LT_DISPOSITION_POSIX)
        file->posix_delete = true;
    if (pending && node->is_dir)
        drv_watch_deleted(node);
}

static int32_t set_disposition(struct nt_file *file, struct drv_call *call, const void *buf)
{
    struct drv_node *node = file->node;
    struct lt_fsp_set_information_req *req = &call->req->u.set_information;
    bool extended = req->info_class == LT_FSP_INFO_DISPOSITION_EX;
    uint32_t flags = disposition_flags(req->info_class, buf);
    if (extended && !(node->v->params.flags & LT_FSP_VOLUME_POSIX_UNLINK))
        return LT_STATUS_INVALID_PARAMETER;
    if (extended && (flags & LT_DISPOSITION_ON_CLOSE))
        return LT_STATUS_NOT_SUPPORTED;
    if (node->is_root)
        return LT_STATUS_CANNOT_DELETE;
    if (node->posix_delete)
        return LT_STATUS_FILE_DELETED;
    if ((flags & LT_DISPOSITION_DELETE) && drv_is_image(node))
        return LT_STATUS_CANNOT_DELETE;
    if (flags & LT_DISPOSITION_DELETE)
        flags &= LT_DISPOSITION_DELETE | LT_DISPOSITION_POSIX | LT_DISPOSITION_IGNORE_READONLY;
    else
        flags = 0;
    if (is_plain_delete(flags) && file->disposition != LT_STATUS_SUCCESS)
        return file->disposition;
    file->disposition = LT_STATUS_SUCCESS;

    req->info.disposition = flags;
    call->req->file_name = lt_fsp_put_text(&call->out, node->name.units, node->name.len, true);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS)
        note_disposition(file, flags);
    else if (is_plain_delete(flags) &&
             (status == LT_STATUS_ACCESS_DENIED || status == LT_STATUS_DIRECTORY_NOT_EMPTY ||
              status == LT_STATUS_CANNOT_DELETE))
        file->disposition = status;
    return status;
}

/* ---- NtSetInformationFile ----------------------------------------------------------------------
 */

static const struct {
    unsigned info_class;
    size_t fixed;
    uint32_t access;
    int32_t (*set)(struct nt_file *file, struct drv_call *call, const void *buf);
} classes[] = {
    {LT_FSP_INFO_BASIC, 40, LT_FILE_WRITE_ATTRIBUTES, set_basic},
    {LT_FSP_INFO_ALLOCATION, 8, LT_FILE_WRITE_DATA, set_size},
    {LT_FSP_INFO_END_OF_FILE, 8, LT_FILE_WRITE_DATA, set_size},
    {LT_FSP_INFO_DISPOSITION, 1, LT_ACCESS_DELETE, set_disposition},
    {LT_FSP_INFO_DISPOSITION_EX, 4, LT_ACCESS_DELETE, set_disposition},
};

static int32_t set_class(struct nt_file *file, size_t which, const void *buf, size_t len)
{
    if (len < classes[which].fixed)
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    if (!(file->access & classes[which].access))
        return LT_STATUS_ACCESS_DENIED;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_rwlock_read(&file->v->names);
    lt_rwlock_write(&file->node->lock);
    drv_call_begin(call, file->v, LT_FSP_SET_INFORMATION);
    drv_call_of(call, file);
    call->req->u.set_information.info_class = classes[which].info_class;
    int32_t status = classes[which].set(file, call, buf);
    lt_rwlock_write_unlock(&file->node->lock);
    lt_rwlock_read_unlock(&file->v->names);
    free(call);
    return status;
}

static int32_t set_position(struct nt_file *file, const void *buf, size_t len)
{
    struct lt_le64 le;
    if (len < sizeof(le))
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    memcpy(&le, buf, sizeof(le));
    if (lt_get_le64(le) > INT64_MAX)
        return LT_STATUS_INVALID_PARAMETER;
    lt_rwlock_write(&file->node->lock);
    file->position = lt_get_le64(le);
    lt_rwlock_write_unlock(&file->node->lock);
    return LT_STATUS_SUCCESS;
}

int32_t nt_set_info(struct nt_file *file, unsigned info_class, const void *buf, size_t len)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (classes[i].info_class == info_class)
            return set_class(file, i, buf, len);
    }
    switch (info_class) {
    case LT_FSP_INFO_RENAME:
    case LT_FSP_INFO_RENAME_EX:
        return drv_rename(file, info_class, buf, len);
    case INFO_POSITION:
        return set_position(file, buf, len);
    case INFO_LINK:
        return LT_STATUS_NOT_SUPPORTED;
    default:
        return LT_STATUS_INVALID_PARAMETER;
    }
}
