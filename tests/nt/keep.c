// SPDX-License-Identifier: MIT
/* What the driver keeps of files, each kind with its own time (sys/meta.c of WinFsp). */
#include "driver.h"

#include <stdlib.h>

/* Longer ones are not kept (sys/driver.h: FspFsvolDevice...CacheItemSizeMax). */
static const size_t size_max[DRV_KEEP_END] = {
    [DRV_KEEP_INFO] = sizeof(struct lt_fsp_file_info),
    [DRV_KEEP_SECURITY] = 4096,
    [DRV_KEEP_DIR] = 65536,
    [DRV_KEEP_STREAMS] = 16384,
    [DRV_KEEP_EA] = 16384,
};

static uint32_t timeout_ms(const struct nt_volume *v, unsigned what)
{
    const struct lt_fsp_volume_params *p = &v->params;
    /* Bits of `valid`, in the order of the fields. */
    static const unsigned bit[DRV_KEEP_END] = {
        [DRV_KEEP_DIR] = 1, [DRV_KEEP_SECURITY] = 2, [DRV_KEEP_STREAMS] = 3, [DRV_KEEP_EA] = 4};
    const uint32_t own[DRV_KEEP_END] = {[DRV_KEEP_INFO] = p->file_info_timeout_ms,
                                        [DRV_KEEP_SECURITY] = p->security_timeout_ms,
                                        [DRV_KEEP_DIR] = p->dir_info_timeout_ms,
                                        [DRV_KEEP_STREAMS] = p->stream_info_timeout_ms,
                                        [DRV_KEEP_EA] = p->ea_timeout_ms};
    if (what != DRV_KEEP_INFO && (p->valid & 1u << bit[what]))
        return own[what];
    return p->file_info_timeout_ms;
}

void drv_keep(struct drv_node *node, unsigned what, const void *bytes, size_t len)
{
    uint32_t ms = node->v->check_every ? 0 : timeout_ms(node->v, what);
    void *copy = NULL;
    if (bytes && ms != 0 && len <= size_max[what])
        copy = malloc(len ? len : 1);
    if (copy && len)
        memcpy(copy, bytes, len);
    uint64_t until = ms == UINT32_MAX ? UINT64_MAX : lt_clock_ns() + ms * UINT64_C(1000000);
    lt_mutex_lock(&node->keep);
    struct drv_kept *kept = &node->kept[what];
    void *old = kept->bytes;
    *kept = (struct drv_kept){copy, copy ? len : 0, copy ? until : 0};
    lt_mutex_unlock(&node->keep);
    free(old);
}

bool drv_kept(struct drv_node *node, unsigned what, void *buf, size_t size, size_t *ret)
{
    lt_mutex_lock(&node->keep);
    const struct drv_kept *kept = &node->kept[what];
    bool found = kept->until > lt_clock_ns();
    if (found) {
        *ret = kept->len;
        if (kept->len)
            memcpy(buf, kept->bytes, kept->len < size ? kept->len : size);
    }
    lt_mutex_unlock(&node->keep);
    return found;
}

void drv_forget_parent(struct nt_volume *v, const struct drv_name *name)
{
    size_t len = drv_name_parent(name);
    struct drv_name parent = {name->units, len ? len : 1};
    struct drv_node *node = drv_node_find(v, &parent);
    if (!node)
        return;
    drv_keep(node, DRV_KEEP_DIR, NULL, 0);
    drv_node_put(node);
}

/* Attributes and times are those of the file for all its streams. */
static void forget_relatives(struct drv_node *node)
{
    struct nt_volume *v = node->v;
    if (node->main) {
        drv_keep(node->main, DRV_KEEP_INFO, NULL, 0);
        return;
    }
    lt_mutex_lock(&v->table);
    for (struct drv_node *n = v->nodes; n; n = n->next) {
        if (n->main == node)
            drv_keep(n, DRV_KEEP_INFO, NULL, 0);
    }
    lt_mutex_unlock(&v->table);
}

void drv_keep_info(struct drv_node *node, const struct lt_fsp_file_info *info, bool truncate)
{
    lt_mutex_lock(&node->v->table);
    if (truncate && (node->size != info->file_size || node->allocation != info->allocation_size))
        node->truncate_on_close = true;
    node->size = info->file_size;
    node->allocation = info->allocation_size;
    lt_mutex_unlock(&node->v->table);
    drv_keep(node, DRV_KEEP_INFO, info, sizeof(*info));
    forget_relatives(node);
}

void drv_keep_opened(struct drv_node *node, const struct lt_fsp_file_info *info,
                     struct lt_str security, bool created)
{
    lt_mutex_lock(&node->v->table);
    bool first = node->handles == 1;
    lt_mutex_unlock(&node->v->table);
    if (!first)
        return;
    drv_keep_info(node, info, created);
    if (security.len)
        drv_keep(node, DRV_KEEP_SECURITY, security.s, security.len);
}
