// SPDX-License-Identifier: MIT
/*
 * The end of a handle: Cleanup, which says what the handle did and removes a name; and the end of
 * the file object behind it, Close (sys/cleanup.c, sys/close.c and FspFileNodeCleanup of WinFsp).
 */
#include "driver.h"

#include <stdlib.h>

/* Whether the name goes with this handle. */
static bool decide_delete(struct nt_file *file, bool *ret_last, bool *ret_allocation)
{
    struct drv_node *node = file->node;
    bool gone = false;
    lt_mutex_lock(&node->v->table);
    if (file->delete_on_close)
        node->delete_pending = true;
    *ret_last = node->handles == 1;
    if (!node->posix_delete && file->posix_delete) {
        node->posix_delete = true;
        gone = true;
    } else if (!node->posix_delete && *ret_last) {
        gone = node->delete_pending;
    }
    *ret_allocation = *ret_last && !node->delete_pending && node->truncate_on_close;
    lt_mutex_unlock(&node->v->table);
    return gone;
}

static uint32_t cleanup_flags(const struct nt_file *file, bool gone, bool allocation)
{
    uint32_t flags = gone ? LT_FSP_CLEANUP_DELETE : 0;
    if (allocation)
        flags |= LT_FSP_CLEANUP_ALLOCATION;
    if ((file->modified || file->set_security) && !file->set_attributes)
        flags |= LT_FSP_CLEANUP_ARCHIVE;
    if (!file->set_access_time)
        flags |= LT_FSP_CLEANUP_ACCESS_TIME;
    if (file->modified && !file->set_write_time)
        flags |= LT_FSP_CLEANUP_WRITE_TIME;
    if ((file->modified || file->set_metadata) && !file->set_change_time)
        flags |= LT_FSP_CLEANUP_CHANGE_TIME;
    return flags;
}

static void send_cleanup(struct nt_file *file, uint32_t flags)
{
    struct drv_node *node = file->node;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        abort();
    drv_call_begin(call, file->v, LT_FSP_CLEANUP);
    drv_call_of(call, file);
    call->req->u.cleanup.flags = flags;
    if (flags & LT_FSP_CLEANUP_DELETE)
        call->req->file_name = lt_fsp_put_text(&call->out, node->name.units, node->name.len, true);
    drv_call(call); /* cannot fail */
    free(call);
}

static void tell_changes(struct nt_file *file, uint32_t flags)
{
    struct drv_node *node = file->node;
    uint32_t filter = 0;
    if (flags & LT_FSP_CLEANUP_DELETE) {
        drv_changed(node, DRV_CHANGED_NAME, DRV_ACTION_REMOVED);
        return;
    }
    if (flags & LT_FSP_CLEANUP_ARCHIVE)
        filter |= DRV_CHANGED_ATTRIBUTES;
    if (flags & LT_FSP_CLEANUP_WRITE_TIME)
        filter |= DRV_CHANGED_WRITE;
    if (filter && !node->posix_delete)
        drv_changed(node, filter, DRV_ACTION_MODIFIED);
    else if (file->set_metadata)
        drv_forget_parent(node->v, &node->name);
}

static void cleanup(struct nt_file *file)
{
    struct drv_node *node = file->node;
    bool last, allocation;
    lt_rwlock_write(&node->lock);
    bool gone = decide_delete(file, &last, &allocation);
    uint32_t flags = cleanup_flags(file, gone, allocation);
    drv_watch_end(file);
    drv_ranges_end(file);
    if ((flags & ~(uint32_t)LT_FSP_CLEANUP_ACCESS_TIME) ||
        !(file->v->params.flags & LT_FSP_VOLUME_CLEANUP_IF_MODIFIED)) {
        send_cleanup(file, flags);
        /* What it changed is not in the response. */
        drv_keep(node, DRV_KEEP_INFO, NULL, 0);
    }
    tell_changes(file, flags);
    if (last && (file->v->params.flags & LT_FSP_VOLUME_FLUSH_AND_PURGE)) {
        for (unsigned i = 0; i < DRV_KEEP_END; i++)
            drv_keep(node, i, NULL, 0);
    }
    drv_node_cleanup(file, gone);
    lt_rwlock_write_unlock(&node->lock);
}

void drv_file_put(struct nt_file *file)
{
    if (!file || atomic_fetch_sub(&file->refs, 1) != 1)
        return;
    struct nt_volume *v = file->v;
    if (file->node) {
        drv_post_close(v, file->node->user, file->user2);
        drv_node_close(file);
    }
    drv_listing_free(file);
    if (file->main)
        drv_close_locked(file->main);
    free(file);
    drv_volume_put(v);
}

int32_t drv_close_locked(struct nt_file *file)
{
    cleanup(file);
    drv_file_put(file);
    return LT_STATUS_SUCCESS;
}

int32_t nt_close(struct nt_file *file)
{
    struct nt_volume *v = file->v;
    atomic_fetch_add(&v->refs, 1);
    lt_rwlock_read(&v->names);
    int32_t status = drv_close_locked(file);
    lt_rwlock_read_unlock(&v->names);
    drv_volume_put(v);
    return status;
}
