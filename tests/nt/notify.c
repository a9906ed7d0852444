// SPDX-License-Identifier: MIT
/*
 * Changes of directories for those who watch (FsRtlNotifyFullReportChange; FspFileNodeNotifyChange
 * and FspFileNodeInvalidateCachesAndNotifyChangeByName of WinFsp).
 */
#include "driver.h"
#include "reply.h"

#include <stdlib.h>

#define PENDING_MAX 4096u /* events for one who does not ask; then he hears of an overflow */

struct drv_event {
    struct drv_event *next;
    uint32_t action;
    size_t len; /* units */
    uint16_t name[];
};

/* One handle that watches its directory. */
struct drv_watch {
    struct drv_watch *next;
    struct drv_node *node; /* of the handle, which outlives this */
    uint32_t filter;
    bool tree, deleted, overflow;
    unsigned count;
    struct drv_event *first, **last;
};

/* ---- Reports -----------------------------------------------------------------------------------
 */

static void add_event(struct drv_watch *w, uint32_t action, const uint16_t *name, size_t len)
{
    struct drv_event *e = w->count < PENDING_MAX ? malloc(sizeof(*e) + 2 * len) : NULL;
    if (!e) {
        w->overflow = true;
        return;
    }
    *e = (struct drv_event){.action = action, .len = len};
    memcpy(e->name, name, 2 * len);
    *w->last = e;
    w->last = &e->next;
    w->count++;
}

/* Where the name goes on below a directory; NULL: it is not below, or deeper than is watched. */
static const uint16_t *relative(const struct drv_watch *w, const struct drv_name *name,
                                size_t *ret_len)
{
    const struct drv_name *dir = &w->node->name;
    size_t start = drv_name_is_root(dir) ? 1 : dir->len + 1;
    if (name->len <= start || !drv_name_is_below(w->node->v, name, dir) ||
        name->units[start - 1] != '\\')
        return NULL;
    for (size_t i = start; i < name->len && !w->tree; i++) {
        if (name->units[i] == '\\')
            return NULL;
    }
    *ret_len = name->len - start;
    return name->units + start;
}

static void report(struct nt_volume *v, const struct drv_name *name, uint32_t filter,
                   uint32_t action)
{
    size_t len;
    lt_mutex_lock(&v->table);
    lt_mutex_lock(&v->watch);
    for (struct drv_watch *w = v->watches; w; w = w->next) {
        const uint16_t *below = relative(w, name, &len);
        if (below && (w->filter & filter) && !w->deleted)
            add_event(w, action, below, len);
    }
    lt_mutex_unlock(&v->watch);
    lt_mutex_unlock(&v->table);
}

/* Of a stream only three kinds of change are told, as such. */
static void of_stream(uint32_t *filter, uint32_t *action)
{
    uint32_t told = *filter & DRV_CHANGED_NAME ? DRV_CHANGED_STREAM_NAME : 0;
    told |= *filter & DRV_CHANGED_SIZE ? DRV_CHANGED_STREAM_SIZE : 0;
    told |= *filter & DRV_CHANGED_WRITE ? DRV_CHANGED_STREAM_WRITE : 0;
    *filter = told;
    if (*action >= DRV_ACTION_ADDED && *action <= DRV_ACTION_MODIFIED)
        *action += DRV_ACTION_ADDED_STREAM - DRV_ACTION_ADDED;
}

void drv_changed(struct drv_node *node, uint32_t filter, uint32_t action)
{
    struct nt_volume *v = node->v;
    struct drv_name name;
    if ((filter & DRV_CHANGED_NAME) == DRV_CHANGED_NAME)
        filter &= node->is_dir ? ~(uint32_t)DRV_CHANGED_FILE_NAME : ~(uint32_t)DRV_CHANGED_DIR_NAME;
    lt_mutex_lock(&v->table);
    int32_t status = drv_name_copy(node->name.units, node->name.len, &name);
    lt_mutex_unlock(&v->table);
    if (status != LT_STATUS_SUCCESS)
        abort();
    if (node->main)
        drv_keep(node->main, DRV_KEEP_STREAMS, NULL, 0);
    else
        drv_forget_parent(v, &name);
    if (filter & (DRV_CHANGED_NAME | DRV_CHANGED_SIZE))
        drv_volume_info_keep(v, NULL);
    if (node->main)
        of_stream(&filter, &action);
    if (filter)
        report(v, &name, filter, action);
    drv_name_free(&name);
}

/* ---- What the dispatcher reports ---------------------------------------------------------------
 */

static void forget_all(struct nt_volume *v, const struct drv_name *name)
{
    struct drv_node *node = drv_node_find(v, name);
    for (unsigned i = 0; node && i < DRV_KEEP_END; i++)
        drv_keep(node, i, NULL, 0);
    if (node)
        drv_node_put(node);
    drv_forget_parent(v, name);
    drv_volume_info_keep(v, NULL);
}

static bool has_colon(const struct drv_name *name)
{
    for (size_t i = 0; i < name->len; i++) {
        if (name->units[i] == ':')
            return true;
    }
    return false;
}

static void take_notification(struct nt_volume *v, struct lt_str entry)
{
    struct lt_fsp_notify_info info;
    struct drv_name name;
    memcpy(&info, entry.s, sizeof(info));
    size_t units = (entry.len - sizeof(info)) / 2;
    uint16_t *copy = malloc(entry.len);
    if (!copy)
        return;
    memcpy(copy, entry.s + sizeof(info), 2 * units);
    name = (struct drv_name){copy, units};
    if (units == 0 || copy[0] != '\\' || info.action == 0 || info.action > DRV_ACTION_RENAMED_NEW)
        drv_fault(v, "a notification of %zu units with action %u", units, info.action);
    else {
        forget_all(v, &name);
        if (has_colon(&name))
            of_stream(&info.filter, &info.action);
        if (info.filter)
            report(v, &name, info.filter, info.action);
    }
    drv_name_free(&name);
}

int drv_notify(struct nt_volume *v, const void *entries, size_t len)
{
    struct lt_str entry, chain = lt_strn(entries, len);
    size_t at = 0;
    int r;
    while ((r = lt_fsp_next_entry(chain, &at, sizeof(struct lt_fsp_notify_info), &entry)) > 0)
        take_notification(v, entry);
    if (r == LT_EPROTO) {
        drv_fault(v, "%zu bytes of notifications hold none at %zu", len, at);
        return LT_EPROTO;
    }
    return 0;
}

/* ---- Who watches -------------------------------------------------------------------------------
 */

void drv_watch_deleted(struct drv_node *node)
{
    lt_mutex_lock(&node->v->watch);
    for (struct drv_watch *w = node->v->watches; w; w = w->next)
        w->deleted = w->deleted || w->node == node;
    lt_mutex_unlock(&node->v->watch);
}

static void drop_events(struct drv_watch *w)
{
    while (w->first) {
        struct drv_event *e = w->first;
        w->first = e->next;
        free(e);
    }
    w->last = &w->first;
    w->count = 0;
}

void drv_watch_end(struct nt_file *file)
{
    struct drv_watch *w = file->watch;
    if (!w)
        return;
    lt_mutex_lock(&file->v->watch);
    struct drv_watch **at = &file->v->watches;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    lt_mutex_unlock(&file->v->watch);
    drop_events(w);
    free(w);
    file->watch = NULL;
}

static int32_t begin(struct nt_file *dir, uint32_t filter, bool tree)
{
    struct drv_watch *w = calloc(1, sizeof(*w));
    if (!w)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    *w = (struct drv_watch){.node = dir->node, .filter = filter, .tree = tree};
    w->last = &w->first;
    lt_mutex_lock(&dir->v->watch);
    w->next = dir->v->watches;
    dir->v->watches = w;
    lt_mutex_unlock(&dir->v->watch);
    dir->watch = w;
    return LT_STATUS_PENDING;
}

static void put_event(struct reply *r, size_t *last, const struct drv_event *e)
{
    reply_link(r, last, 4);
    reply_put32(r, 0);
    reply_put32(r, e->action);
    reply_put32(r, (uint32_t)(2 * e->len));
    reply_put(r, e->name, 2 * e->len);
}

static int32_t take_events(struct drv_watch *w, struct reply *r)
{
    size_t last = SIZE_MAX;
    bool overflow = w->overflow;
    if (w->deleted)
        return LT_STATUS_DELETE_PENDING;
    if (!w->first && !overflow)
        return LT_STATUS_PENDING;
    for (const struct drv_event *e = w->first; e && !overflow; e = e->next) {
        put_event(r, &last, e);
        overflow = r->full;
    }
    drop_events(w);
    w->overflow = false;
    if (overflow)
        r->len = 0;
    return overflow ? LT_STATUS_NOTIFY_ENUM_DIR : LT_STATUS_SUCCESS;
}

int32_t nt_notify(struct nt_file *dir, uint32_t filter, bool tree, void *buf, size_t size,
                  size_t *ret)
{
    struct reply r = {.buf = buf, .size = size};
    int32_t status;
    *ret = 0;
    if (!dir->node->is_dir)
        return LT_STATUS_INVALID_PARAMETER;
    if (!(dir->access & LT_FILE_LIST_DIRECTORY) ||
        (tree && !(drv_token()->privileges & LT_PRIVILEGE_TRAVERSE)))
        return LT_STATUS_ACCESS_DENIED;
    lt_mutex_lock(&dir->dir);
    if (!dir->watch) {
        status = drv_node_delete_pending(dir->node) ? LT_STATUS_DELETE_PENDING
                                                    : begin(dir, filter, tree);
    } else {
        lt_mutex_lock(&dir->v->watch);
        status = take_events(dir->watch, &r);
        lt_mutex_unlock(&dir->v->watch);
    }
    lt_mutex_unlock(&dir->dir);
    *ret = r.len;
    return status;
}
