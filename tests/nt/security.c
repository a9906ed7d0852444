// SPDX-License-Identifier: MIT
/* Security descriptors of open files: those of a stream are its file's (sys/security.c). */
#include "driver.h"

#include <stdlib.h>

#define FILE_PARTS (LT_OWNER_SECURITY | LT_GROUP_SECURITY | LT_DACL_SECURITY | LT_LABEL_SECURITY)

/* The rights that NtQuerySecurityObject and NtSetSecurityObject ask for. */
static uint32_t access_to_query(uint32_t information)
{
    uint32_t access = information & FILE_PARTS ? LT_ACCESS_READ_CONTROL : 0u;
    return access | (information & LT_SACL_SECURITY ? LT_ACCESS_SYSTEM_SECURITY : 0u);
}

static uint32_t access_to_set(uint32_t information)
{
    uint32_t access = 0;
    if (information & (LT_OWNER_SECURITY | LT_GROUP_SECURITY | LT_LABEL_SECURITY))
        access |= LT_ACCESS_WRITE_OWNER;
    if (information & LT_DACL_SECURITY)
        access |= LT_ACCESS_WRITE_DAC;
    if (information & LT_SACL_SECURITY)
        access |= LT_ACCESS_SYSTEM_SECURITY;
    return access;
}

static struct drv_node *main_node(const struct nt_file *file)
{
    return file->node->main ? file->node->main : file->node;
}

/* The whole descriptor, in LT_FSP_SECURITY_MAX bytes. */
static int32_t query_whole(struct nt_file *file, char *buf, size_t *ret_len)
{
    if (drv_kept(main_node(file), DRV_KEEP_SECURITY, buf, LT_FSP_SECURITY_MAX, ret_len))
        return LT_STATUS_SUCCESS;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_QUERY_SECURITY);
    drv_call_of(call, file);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        *ret_len = call->rsp.data.len;
        if (*ret_len)
            memcpy(buf, call->rsp.data.s, *ret_len);
        drv_keep(main_node(file), DRV_KEEP_SECURITY, buf, *ret_len);
    }
    free(call);
    return status;
}

static int32_t extract(struct nt_file *file, struct lt_str whole, uint32_t information, void *buf,
                       size_t size, size_t *ret)
{
    char *part;
    int r = lt_security_extract(whole, information, &part, ret);
    if (r == LT_EINVAL)
        drv_fault(file->v, "QuerySecurity: %zu bytes are no descriptor", whole.len);
    if (r < 0)
        return LT_STATUS_INVALID_SECURITY_DESCR;
    bool fits = *ret <= size;
    if (fits)
        memcpy(buf, part, *ret);
    free(part);
    return fits ? LT_STATUS_SUCCESS : LT_STATUS_BUFFER_TOO_SMALL;
}

int32_t nt_query_security(struct nt_file *file, uint32_t information, void *buf, size_t size,
                          size_t *ret)
{
    size_t len = 0;
    uint32_t wanted = access_to_query(information);
    *ret = 0;
    if ((file->access & wanted) != wanted)
        return LT_STATUS_ACCESS_DENIED;
    char *whole = malloc(LT_FSP_SECURITY_MAX);
    if (!whole)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_rwlock_read(&file->node->lock);
    int32_t status = query_whole(file, whole, &len);
    lt_rwlock_read_unlock(&file->node->lock);
    if (status == LT_STATUS_SUCCESS)
        status = extract(file, lt_strn(whole, len), information, buf, size, ret);
    free(whole);
    return status;
}

static int32_t set_locked(struct nt_file *file, uint32_t information, struct lt_str descriptor)
{
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, file->v, LT_FSP_SET_SECURITY);
    drv_call_of(call, file);
    struct lt_fsp_set_security_req *req = &call->req->u.set_security;
    req->information = information;
    req->security = lt_fsp_put(&call->out, descriptor.s, descriptor.len, 8);
    int32_t status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        struct lt_str now = call->rsp.data;
        drv_keep(main_node(file), DRV_KEEP_SECURITY, now.len ? now.s : NULL, now.len);
        drv_keep(file->node, DRV_KEEP_INFO, NULL, 0);
        file->set_security = true;
        file->set_metadata = true;
        drv_changed(file->node, DRV_CHANGED_SECURITY, DRV_ACTION_MODIFIED);
    }
    free(call);
    return status;
}

int32_t nt_set_security(struct nt_file *file, uint32_t information, struct lt_str descriptor)
{
    uint32_t wanted = access_to_set(information);
    if ((file->access & wanted) != wanted)
        return LT_STATUS_ACCESS_DENIED;
    lt_rwlock_write(&file->node->lock);
    int32_t status = set_locked(file, information, descriptor);
    lt_rwlock_write_unlock(&file->node->lock);
    return status;
}
