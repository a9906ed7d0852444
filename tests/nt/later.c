// SPDX-License-Identifier: MIT
/* Calls that the driver does not know yet. */
#include "driver.h"

int32_t nt_lock(struct nt_file *file, uint64_t offset, uint64_t len, bool exclusive, bool fail_now)
{
    (void)file, (void)offset, (void)len, (void)exclusive, (void)fail_now;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_unlock(struct nt_file *file, uint64_t offset, uint64_t len)
{
    (void)file, (void)offset, (void)len;
    return LT_STATUS_NOT_IMPLEMENTED;
}

bool drv_range_allows(struct nt_file *file, uint64_t offset, uint64_t len, bool write)
{
    (void)file, (void)offset, (void)len, (void)write;
    return true;
}

void drv_ranges_end(struct nt_file *file)
{
    (void)file;
}

int32_t nt_set_info(struct nt_file *file, unsigned info_class, const void *buf, size_t len)
{
    (void)file, (void)info_class, (void)buf, (void)len;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_query_volume(struct nt_file *file, unsigned info_class, void *buf, size_t size,
                        size_t *ret)
{
    (void)file, (void)info_class, (void)buf, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_set_label(struct nt_file *file, const char *label)
{
    (void)file, (void)label;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_query_dir(struct nt_file *file, unsigned info_class, const char *pattern, bool restart,
                     bool single, void *buf, size_t size, size_t *ret)
{
    (void)file, (void)info_class, (void)pattern, (void)restart, (void)single;
    (void)buf, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

void drv_listing_free(struct nt_file *file)
{
    (void)file;
}

int32_t nt_query_ea(struct nt_file *file, struct lt_str names, uint32_t index, bool restart,
                    bool single, void *buf, size_t size, size_t *ret)
{
    (void)file, (void)names, (void)index, (void)restart, (void)single;
    (void)buf, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_set_ea(struct nt_file *file, struct lt_str list)
{
    (void)file, (void)list;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t drv_ea_check(struct lt_str list)
{
    (void)list;
    return LT_STATUS_SUCCESS;
}

int32_t nt_query_security(struct nt_file *file, uint32_t information, void *buf, size_t size,
                          size_t *ret)
{
    (void)file, (void)information, (void)buf, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_set_security(struct nt_file *file, uint32_t information, struct lt_str descriptor)
{
    (void)file, (void)information, (void)descriptor;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_fs_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out, size_t size,
                      size_t *ret)
{
    (void)file, (void)code, (void)in, (void)out, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_device_control(struct nt_file *file, uint32_t code, struct lt_str in, void *out,
                          size_t size, size_t *ret)
{
    (void)file, (void)code, (void)in, (void)out, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_query_streams(struct nt_file *file, void *buf, size_t size, size_t *ret)
{
    (void)file, (void)buf, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

int32_t nt_section_open(struct nt_file *file, bool image, struct nt_section **ret)
{
    (void)file, (void)image, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

const void *nt_section_view(struct nt_section *section, size_t *ret_len)
{
    (void)section, (void)ret_len;
    return NULL;
}

void nt_section_close(struct nt_section *section)
{
    (void)section;
}

bool drv_mapped_beyond(struct drv_node *node, uint64_t size)
{
    (void)node, (void)size;
    return false;
}

bool drv_is_image(struct drv_node *node)
{
    (void)node;
    return false;
}

int32_t nt_notify(struct nt_file *dir, uint32_t filter, bool tree, void *buf, size_t size,
                  size_t *ret)
{
    (void)dir, (void)filter, (void)tree, (void)buf, (void)size, (void)ret;
    return LT_STATUS_NOT_IMPLEMENTED;
}

void drv_changed(struct drv_node *node, uint32_t filter, uint32_t action)
{
    (void)filter, (void)action;
    drv_forget_parent(node->v, &node->name);
}

int drv_notify(struct nt_volume *v, const void *entries, size_t len)
{
    (void)v, (void)entries, (void)len;
    return 0;
}

void drv_watch_end(struct nt_file *file)
{
    (void)file;
}

int32_t drv_reparse(struct nt_volume *v, const struct lt_fsp_response *rsp, struct drv_name *ret)
{
    (void)v, (void)rsp, (void)ret;
    return LT_STATUS_REPARSE;
}
