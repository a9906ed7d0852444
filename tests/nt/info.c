// SPDX-License-Identifier: MIT
/* What is asked of open files: each class is made of FILE_INFO (MS-FSCC 2.4; sys/fileinfo.c). */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

enum {
    INFO_BASIC = 4,
    INFO_STANDARD = 5,
    INFO_INTERNAL = 6,
    INFO_EA = 7,
    INFO_ACCESS = 8,
    INFO_NAME = 9,
    INFO_POSITION = 14,
    INFO_MODE = 16,
    INFO_ALIGNMENT = 17,
    INFO_ALL = 18,
    INFO_ALTERNATE_NAME = 21,
    INFO_STREAM = 22,
    INFO_COMPRESSION = 28,
    INFO_NETWORK_OPEN = 34,
    INFO_ATTRIBUTE_TAG = 35,
    INFO_HARD_LINK = 46,
    INFO_NORMALIZED_NAME = 48,
    INFO_END = 76 /* of those that Windows has */
};

/* Options that FileModeInformation reports (MS-FSCC 2.4.26). */
#define MODE_OPTIONS 0x103eu

static uint32_t shown_attributes(const struct lt_fsp_file_info *info)
{
    return info->file_attributes ? info->file_attributes : LT_WIN_NORMAL;
}

static void put_basic(struct reply *r, const struct lt_fsp_file_info *info)
{
    reply_put64(r, info->creation_time);
    reply_put64(r, info->last_access_time);
    reply_put64(r, info->last_write_time);
    reply_put64(r, info->change_time);
    reply_put32(r, shown_attributes(info));
    reply_put32(r, 0);
}

static void put_standard(struct reply *r, const struct nt_file *file,
                         const struct lt_fsp_file_info *info)
{
    uint8_t flags[4] = {drv_node_delete_pending(file->node), file->node->is_dir};
    reply_put64(r, info->allocation_size);
    reply_put64(r, info->file_size);
    reply_put32(r, info->hard_links ? info->hard_links : 1);
    reply_put(r, flags, sizeof(flags));
}

/* The name without a volume, and its length even where it is cut off. */
static void put_name(struct reply *r, const struct nt_file *file)
{
    const struct drv_name *name = &file->node->name;
    lt_mutex_lock(&file->v->table);
    reply_put32(r, (uint32_t)(2 * name->len));
    reply_put(r, name->units, 2 * name->len);
    lt_mutex_unlock(&file->v->table);
}

static void put_network_open(struct reply *r, const struct lt_fsp_file_info *info)
{
    reply_put64(r, info->creation_time);
    reply_put64(r, info->last_access_time);
    reply_put64(r, info->last_write_time);
    reply_put64(r, info->change_time);
    reply_put64(r, info->allocation_size);
    reply_put64(r, info->file_size);
    reply_put32(r, shown_attributes(info));
    reply_put32(r, 0);
}

static void put_all(struct reply *r, const struct nt_file *file,
                    const struct lt_fsp_file_info *info)
{
    put_basic(r, info);
    put_standard(r, file, info);
    reply_put64(r, info->index_number);
    reply_put32(r, info->ea_size);
    reply_put32(r, file->access);
    reply_put64(r, file->position);
    reply_put32(r, file->options & MODE_OPTIONS);
    reply_put32(r, 0);
    put_name(r, file);
}

/* The classes, what they need at least, and what of the handle's access (NtQueryInformationFile).
 */
static const struct {
    unsigned info_class;
    size_t fixed;
    uint32_t access;
    bool needs_info;
} classes[] = {
    {INFO_BASIC, 40, LT_FILE_READ_ATTRIBUTES, true},
    {INFO_STANDARD, 24, 0, true},
    {INFO_INTERNAL, 8, 0, true},
    {INFO_EA, 4, 0, true},
    {INFO_ACCESS, 4, 0, false},
    {INFO_NAME, 8, 0, false},
    {INFO_NORMALIZED_NAME, 8, 0, false},
    {INFO_POSITION, 8, 0, false},
    {INFO_MODE, 4, 0, false},
    {INFO_ALIGNMENT, 4, 0, false},
    {INFO_ALL, 104, LT_FILE_READ_ATTRIBUTES, true},
    {INFO_NETWORK_OPEN, 56, LT_FILE_READ_ATTRIBUTES, true},
    {INFO_ATTRIBUTE_TAG, 8, LT_FILE_READ_ATTRIBUTES, true},
};

static void put_class(struct reply *r, unsigned info_class, const struct nt_file *file,
                      const struct lt_fsp_file_info *info)
{
    switch (info_class) {
    case INFO_BASIC:
        put_basic(r, info);
        break;
    case INFO_STANDARD:
        put_standard(r, file, info);
        break;
    case INFO_INTERNAL:
        reply_put64(r, info->index_number);
        break;
    case INFO_EA:
        reply_put32(r, info->ea_size);
        break;
    case INFO_ACCESS:
        reply_put32(r, file->access);
        break;
    case INFO_NAME:
    case INFO_NORMALIZED_NAME:
        put_name(r, file);
        break;
    case INFO_POSITION:
        reply_put64(r, file->position);
        break;
    case INFO_MODE:
        reply_put32(r, file->options & MODE_OPTIONS);
        break;
    case INFO_ALL:
        put_all(r, file, info);
        break;
    case INFO_NETWORK_OPEN:
        put_network_open(r, info);
        break;
    case INFO_ATTRIBUTE_TAG:
        reply_put32(r, shown_attributes(info));
        reply_put32(r, info->reparse_tag);
        break;
    default: /* INFO_ALIGNMENT: bytes */
        reply_put32(r, 0);
        break;
    }
}

static int32_t request_info(struct nt_file *file, struct lt_fsp_file_info *ret)
{
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_QUERY_INFORMATION);
    drv_call_of(call, file);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        *ret = call->rsp.rsp.u.info;
        drv_keep_info(file->node, ret, false);
    }
    free(call);
    return status;
}

int32_t drv_query_info(struct nt_file *file, struct lt_fsp_file_info *ret)
{
    size_t len;
    if (drv_kept(file->node, DRV_KEEP_INFO, ret, sizeof(*ret), &len))
        return LT_STATUS_SUCCESS;
    return request_info(file, ret);
}

static int32_t query_class(struct nt_file *file, size_t which, struct reply *r)
{
    struct lt_fsp_file_info info = {0};
    int32_t status = LT_STATUS_SUCCESS;
    if (r->size < classes[which].fixed)
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    if ((file->access & classes[which].access) != classes[which].access)
        return LT_STATUS_ACCESS_DENIED;
    lt_rwlock_read(&file->node->lock);
    if (classes[which].needs_info)
        status = drv_query_info(file, &info);
    if (status == LT_STATUS_SUCCESS)
        put_class(r, classes[which].info_class, file, &info);
    lt_rwlock_read_unlock(&file->node->lock);
    return status;
}

int32_t nt_query_info(struct nt_file *file, unsigned info_class, void *buf, size_t size,
                      size_t *ret)
{
    struct reply r = {.buf = buf, .size = size};
    *ret = 0;
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (classes[i].info_class == info_class) {
            int32_t status = query_class(file, i, &r);
            if (status != LT_STATUS_SUCCESS)
                return status;
            *ret = r.len;
            return r.full ? LT_STATUS_BUFFER_OVERFLOW : LT_STATUS_SUCCESS;
        }
    }
    switch (info_class) {
    case INFO_STREAM:
        return nt_query_streams(file, buf, size, ret);
    case INFO_ALTERNATE_NAME:
        return LT_STATUS_OBJECT_NAME_NOT_FOUND;
    case INFO_HARD_LINK:
        return LT_STATUS_NOT_SUPPORTED;
    default: /* the I/O manager sorts out what is no class at all */
        return info_class < INFO_END ? LT_STATUS_INVALID_PARAMETER : LT_STATUS_INVALID_INFO_CLASS;
    }
}
