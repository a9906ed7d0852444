// SPDX-License-Identifier: MIT
/* What is asked of volumes (MS-FSCC 2.5; sys/volinfo.c of WinFsp). */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

enum {
    FS_VOLUME = 1,
    FS_LABEL = 2,
    FS_SIZE = 3,
    FS_DEVICE = 4,
    FS_ATTRIBUTE = 5,
    FS_FULL_SIZE = 7,
    FS_SECTOR_SIZE = 11
};

/* FileSystemAttributes (MS-FSCC 2.5.1) of what the volume was made with. */
static const struct {
    uint32_t flag, attribute;
} attributes[] = {
    {LT_FSP_VOLUME_CASE_SENSITIVE, 0x1},  {LT_FSP_VOLUME_CASE_PRESERVED, 0x2},
    {LT_FSP_VOLUME_UNICODE, 0x4},         {LT_FSP_VOLUME_ACLS, 0x8},
    {LT_FSP_VOLUME_REPARSE, 0x80},        {LT_FSP_VOLUME_POSIX_UNLINK, 0x400},
    {LT_FSP_VOLUME_STREAMS, 0x40000},     {LT_FSP_VOLUME_READ_ONLY, 0x80000},
    {LT_FSP_VOLUME_HARD_LINKS, 0x400000}, {LT_FSP_VOLUME_EAS, 0x800000},
};

#define DEVICE_DISK 7u          /* FILE_DEVICE_DISK */
#define DEVICE_IS_MOUNTED 0x20u /* FILE_DEVICE_IS_MOUNTED */
#define ALIGNED_SECTORS 0x3u    /* SSINFO_FLAGS_ALIGNED_DEVICE, .._PARTITION_ALIGNED_ON_DEVICE */

static uint32_t volume_timeout_ms(const struct nt_volume *v)
{
    if (v->check_every)
        return 0;
    return v->params.valid & 1u ? v->params.volume_info_timeout_ms : v->params.file_info_timeout_ms;
}

void drv_volume_info_keep(struct nt_volume *v, const struct lt_fsp_volume_info *info)
{
    uint32_t ms = volume_timeout_ms(v);
    lt_mutex_lock(&v->info);
    v->volume_info_until = 0;
    if (info && ms != 0) {
        v->volume_info = *info;
        v->volume_info_until =
            ms == UINT32_MAX ? UINT64_MAX : lt_clock_ns() + ms * UINT64_C(1000000);
    }
    lt_mutex_unlock(&v->info);
}

static int32_t query_info(struct nt_volume *v, struct lt_fsp_volume_info *ret)
{
    lt_mutex_lock(&v->info);
    bool kept = v->volume_info_until > lt_clock_ns();
    if (kept)
        *ret = v->volume_info;
    lt_mutex_unlock(&v->info);
    if (kept)
        return LT_STATUS_SUCCESS;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, v, LT_FSP_QUERY_VOLUME);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        *ret = call->rsp.rsp.u.volume;
        if (ret->free_size > ret->total_size)
            drv_fault(v, "QueryVolume: more is free than there is");
        drv_volume_info_keep(v, ret);
    }
    free(call);
    return status;
}

static void put_volume(struct reply *r, const struct nt_volume *v,
                       const struct lt_fsp_volume_info *info)
{
    reply_put64(r, v->params.created);
    reply_put32(r, v->params.serial);
    reply_put32(r, info->label_length);
    reply_zeros(r, 2); /* SupportsObjects, and padding */
    reply_put(r, info->label, info->label_length);
}

static void put_attribute(struct reply *r, const struct nt_volume *v)
{
    static const char prefix[] = "WinFsp";
    const uint16_t *name = v->params.fs_name;
    uint16_t shown[16 + sizeof(prefix)];
    size_t len = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
        bits |= v->params.flags & attributes[i].flag ? attributes[i].attribute : 0;
    if (name[0] == '-' || name[0] == '/' || name[0] == '\\') {
        for (; len < sizeof(prefix) - 1; len++)
            shown[len] = (uint16_t)prefix[len];
    }
    for (size_t i = 0; i < 16 && name[i]; i++)
        shown[len++] = name[i];
    reply_put32(r, bits);
    reply_put32(r, v->params.component_max);
    reply_put32(r, (uint32_t)(2 * len));
    reply_put(r, shown, 2 * len);
}

static void put_sizes(struct reply *r, const struct nt_volume *v,
                      const struct lt_fsp_volume_info *info, bool full)
{
    reply_put64(r, info->total_size / v->unit);
    reply_put64(r, info->free_size / v->unit);
    if (full)
        reply_put64(r, info->free_size / v->unit);
    reply_put32(r, v->params.sectors_per_unit);
    reply_put32(r, v->params.sector_size);
}

static void put_sector_size(struct reply *r, const struct nt_volume *v)
{
    for (int i = 0; i < 4; i++)
        reply_put32(r, v->params.sector_size);
    reply_put32(r, ALIGNED_SECTORS);
    reply_put32(r, 0);
    reply_put32(r, 0);
}

static const struct {
    unsigned info_class;
    size_t fixed;
    bool needs_info;
} classes[] = {
    {FS_VOLUME, 24, true},     {FS_SIZE, 24, true},      {FS_DEVICE, 8, false},
    {FS_ATTRIBUTE, 16, false}, {FS_FULL_SIZE, 32, true}, {FS_SECTOR_SIZE, 28, false},
};

static void put_class(struct reply *r, unsigned info_class, const struct nt_volume *v,
                      const struct lt_fsp_volume_info *info)
{
    switch (info_class) {
    case FS_VOLUME:
        put_volume(r, v, info);
        break;
    case FS_DEVICE:
        reply_put32(r, DEVICE_DISK);
        reply_put32(r, DEVICE_IS_MOUNTED);
        break;
    case FS_ATTRIBUTE:
        put_attribute(r, v);
        break;
    case FS_SECTOR_SIZE:
        put_sector_size(r, v);
        break;
    default:
        put_sizes(r, v, info, info_class == FS_FULL_SIZE);
        break;
    }
}

int32_t nt_query_volume(struct nt_file *file, unsigned info_class, void *buf, size_t size,
                        size_t *ret)
{
    struct lt_fsp_volume_info info = {0};
    struct reply r = {.buf = buf, .size = size};
    int32_t status = LT_STATUS_SUCCESS;
    size_t i = 0;
    *ret = 0;
    while (i < sizeof(classes) / sizeof(*classes) && classes[i].info_class != info_class)
        i++;
    if (i == sizeof(classes) / sizeof(*classes))
        return LT_STATUS_INVALID_PARAMETER;
    if (size < classes[i].fixed)
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    if (classes[i].needs_info)
        status = query_info(file->v, &info);
    if (status != LT_STATUS_SUCCESS)
        return status;
    put_class(&r, info_class, file->v, &info);
    *ret = r.len;
    return r.full ? LT_STATUS_BUFFER_OVERFLOW : LT_STATUS_SUCCESS;
}

int32_t nt_set_label(struct nt_file *file, const char *label)
{
    struct nt_volume *v = file->v;
    uint16_t *units;
    size_t len;
    int32_t status = drv_name_widen(label, &units, &len);
    if (status != LT_STATUS_SUCCESS)
        return LT_STATUS_INVALID_PARAMETER;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call) {
        free(units);
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    }
    drv_call_begin(call, v, LT_FSP_SET_VOLUME);
    call->req->u.set_volume.info_class = FS_LABEL;
    call->req->u.set_volume.label = lt_fsp_put_text(&call->out, units, len, true);
    status = drv_call(call);
    if (status == LT_STATUS_SUCCESS)
        drv_volume_info_keep(v, &call->rsp.rsp.u.volume);
    free(call);
    free(units);
    return status;
}
