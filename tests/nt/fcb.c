// SPDX-License-Identifier: MIT
/*
 * File nodes: one for each name that is open, shared by its handles, with what they exclude each
 * other from (IoCheckShareAccess; sys/file.c of WinFsp, FspFileNodeOpen and FspFileNodeCleanup).
 */
#include "driver.h"

#include <stdlib.h>

#define READ_ACCESS (LT_FILE_READ_DATA | LT_FILE_EXECUTE)
#define WRITE_ACCESS (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA)
#define SHARED_ACCESS (READ_ACCESS | WRITE_ACCESS | LT_ACCESS_DELETE)

/* ---- Share modes -------------------------------------------------------------------------------
 */

static bool share_allows(const struct drv_share *s, uint32_t access, uint32_t share)
{
    if (!(access & SHARED_ACCESS))
        return true;
    return !((access & READ_ACCESS) && s->shared_read < s->open) &&
           !((access & WRITE_ACCESS) && s->shared_write < s->open) &&
           !((access & LT_ACCESS_DELETE) && s->shared_delete < s->open) &&
           !(s->readers && !(share & NT_SHARE_READ)) &&
           !(s->writers && !(share & NT_SHARE_WRITE)) &&
           !(s->deleters && !(share & NT_SHARE_DELETE));
}

static void share_count(struct drv_share *s, uint32_t access, uint32_t share, bool add)
{
    unsigned one = add ? 1u : UINT32_MAX;
    if (!(access & SHARED_ACCESS))
        return;
    s->open += one;
    s->readers += access & READ_ACCESS ? one : 0;
    s->writers += access & WRITE_ACCESS ? one : 0;
    s->deleters += access & LT_ACCESS_DELETE ? one : 0;
    s->shared_read += share & NT_SHARE_READ ? one : 0;
    s->shared_write += share & NT_SHARE_WRITE ? one : 0;
    s->shared_delete += share & NT_SHARE_DELETE ? one : 0;
}

/* Between a file and its streams, as experiments with NTFS had it. */
static void deny_count(struct nt_file *file, bool add)
{
    unsigned one = add ? 1u : UINT32_MAX;
    struct drv_node *node = file->node;
    if (node->main && (file->access & SHARED_ACCESS) && !(file->share & NT_SHARE_DELETE))
        node->main->stream_deny_delete += one;
    if (!node->main && (file->access & LT_ACCESS_DELETE))
        node->main_deny_delete += one;
}

/* ---- The table ---------------------------------------------------------------------------------
 */

static struct drv_node *find_locked(struct nt_volume *v, const struct drv_name *name)
    REQUIRES(v->table)
{
    struct drv_node *node = v->nodes;
    while (node && !(node->listed &&
                     drv_name_equal(v, node->name.units, node->name.len, name->units, name->len)))
        node = node->next;
    return node;
}

struct drv_node *drv_node_find(struct nt_volume *v, const struct drv_name *name)
{
    lt_mutex_lock(&v->table);
    struct drv_node *node = find_locked(v, name);
    if (node)
        node->refs++;
    lt_mutex_unlock(&v->table);
    return node;
}

static void node_free(struct drv_node *node)
{
    for (unsigned i = 0; i < DRV_KEEP_END; i++)
        free(node->kept[i].bytes);
    drv_name_free(&node->name);
    free(node);
}

/* The node to free where this was the last reference, else NULL. */
static struct drv_node *put_locked(struct drv_node *node)
{
    if (--node->refs != 0)
        return NULL;
    struct drv_node **at = &node->v->nodes;
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    return node;
}

void drv_node_put(struct drv_node *node)
{
    while (node) {
        struct nt_volume *v = node->v;
        lt_mutex_lock(&v->table);
        struct drv_node *last = put_locked(node);
        lt_mutex_unlock(&v->table);
        if (!last)
            return;
        node = last->main;
        node_free(last);
    }
}

static struct drv_node *node_new(struct nt_file *file, struct drv_name *name,
                                 const struct drv_opened *opened)
{
    const struct lt_fsp_create_rsp *rsp = &opened->rsp->u.create;
    struct drv_node *node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    *node = (struct drv_node){.v = file->v,
                              .name = *name,
                              .colon = opened->colon,
                              .is_root = drv_name_is_root(name),
                              .is_dir = rsp->info.file_attributes & LT_WIN_DIRECTORY,
                              .user = rsp->as.user,
                              .main = file->main ? file->main->node : NULL};
    *name = (struct drv_name){0};
    return node;
}

static int32_t check_locked(struct drv_node *there, const struct drv_node *main,
                            const struct nt_file *file, uint32_t extra)
{
    if ((main && main->delete_pending) || (there && there->delete_pending))
        return LT_STATUS_DELETE_PENDING;
    if (main && main->main_deny_delete && !(file->share & NT_SHARE_DELETE) &&
        (file->access & SHARED_ACCESS))
        return LT_STATUS_SHARING_VIOLATION;
    if (!there)
        return LT_STATUS_SUCCESS;
    if (!main && there->stream_deny_delete && (file->access & LT_ACCESS_DELETE))
        return LT_STATUS_SHARING_VIOLATION;
    if (!share_allows(&there->share, file->access | extra, file->share))
        return LT_STATUS_SHARING_VIOLATION;
    return LT_STATUS_SUCCESS;
}

int32_t drv_node_open(struct nt_file *file, struct drv_name *name, const struct drv_opened *opened,
                      uint32_t extra)
{
    struct nt_volume *v = file->v;
    struct drv_node *fresh = node_new(file, name, opened);
    if (!fresh)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    lt_mutex_lock(&v->table);
    struct drv_node *there = find_locked(v, &fresh->name);
    int32_t status = check_locked(there, fresh->main, file, extra);
    if (status == LT_STATUS_SUCCESS) {
        struct drv_node *node = there ? there : fresh;
        if (!there) {
            node->listed = true;
            node->next = v->nodes;
            v->nodes = node;
            if (node->main)
                node->main->refs++;
            fresh = NULL;
        }
        file->node = node;
        node->refs++;
        node->opens++;
        node->handles++;
        share_count(&node->share, file->access, file->share, true);
        deny_count(file, true);
    }
    lt_mutex_unlock(&v->table);
    if (fresh)
        node_free(fresh);
    return status;
}

static void unlist_streams_locked(struct drv_node *node)
{
    for (struct drv_node *n = node->v->nodes; n; n = n->next) {
        if (n->main == node)
            n->listed = false;
    }
}

void drv_node_cleanup(struct nt_file *file, bool gone)
{
    struct drv_node *node = file->node;
    lt_mutex_lock(&node->v->table);
    share_count(&node->share, file->access, file->share, false);
    deny_count(file, false);
    node->handles--;
    if (node->handles == 0)
        node->truncate_on_close = false;
    if (gone) {
        node->listed = false;
        unlist_streams_locked(node);
    }
    lt_mutex_unlock(&node->v->table);
}

void drv_node_close(struct nt_file *file)
{
    struct drv_node *node = file->node;
    lt_mutex_lock(&node->v->table);
    if (--node->opens == 0)
        node->listed = false;
    lt_mutex_unlock(&node->v->table);
    drv_node_put(node);
}

void drv_streams_overwritten(struct drv_node *node)
{
    lt_mutex_lock(&node->v->table);
    for (struct drv_node *n = node->v->nodes; n; n = n->next) {
        if (n->main == node && n->listed && n->handles)
            n->delete_pending = true;
    }
    lt_mutex_unlock(&node->v->table);
}

uint64_t drv_node_size(struct drv_node *node)
{
    lt_mutex_lock(&node->v->table);
    uint64_t size = node->size;
    lt_mutex_unlock(&node->v->table);
    return size;
}

bool drv_node_delete_pending(struct drv_node *node)
{
    lt_mutex_lock(&node->v->table);
    bool pending = node->delete_pending;
    lt_mutex_unlock(&node->v->table);
    return pending;
}

uint64_t drv_round_up(const struct nt_volume *v, uint64_t size)
{
    return (size + v->unit - 1) / v->unit * v->unit;
}
