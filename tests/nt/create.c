// SPDX-License-Identifier: MIT
/*
 * NtCreateFile: what the I/O manager and the driver refuse by themselves, the Create, its place
 * among the open files, the second phase of an overwrite, the file of a stream, symbolic links
 * (sys/create.c and FspMainFileOpen of WinFsp).
 */
#include "driver.h"

#include <stdlib.h>

/* What the I/O manager follows before it gives up (IO_MAX_REPARSE). */
#define REPARSE_MAX 32u

#define READ_ONLY_REFUSED                                                                 \
    (LT_FILE_WRITE_DATA | LT_FILE_APPEND_DATA | LT_FILE_WRITE_EA | LT_FILE_DELETE_CHILD | \
     LT_FILE_WRITE_ATTRIBUTES | LT_ACCESS_DELETE | LT_ACCESS_WRITE_DAC | LT_ACCESS_WRITE_OWNER)

/* One Create on its way. */
struct creation {
    struct nt_volume *v;
    struct nt_create *how;
    uint32_t access; /* without generic rights */
    uint32_t attributes;
    bool open_target;
    struct drv_parsed target;
    struct nt_file *file;
    struct drv_call call;
};

/* ---- What never reaches the dispatcher ---------------------------------------------------------
 */

static bool disposition_makes_new(enum lt_fsp_disposition d)
{
    return d == LT_FILE_CREATE || d == LT_FILE_OPEN_IF || d == LT_FILE_OVERWRITE_IF ||
           d == LT_FILE_SUPERSEDE;
}

static bool disposition_overwrites(enum lt_fsp_disposition d)
{
    return d == LT_FILE_OVERWRITE || d == LT_FILE_OVERWRITE_IF || d == LT_FILE_SUPERSEDE;
}

/* Rules of the I/O manager (IopParseDevice's caller, NtCreateFile). */
static int32_t check_parameters(const struct nt_create *how)
{
    uint32_t options = how->options;
    bool both = (options & LT_FILE_DIRECTORY_FILE) && (options & LT_FILE_NON_DIRECTORY_FILE);
    if ((unsigned)how->disposition > LT_FILE_OVERWRITE_IF ||
        (options & ~(uint32_t)LT_FILE_OPTIONS_MASK) || (how->share & ~(uint32_t)NT_SHARE_ALL) ||
        both)
        return LT_STATUS_INVALID_PARAMETER;
    if ((options & LT_FILE_DIRECTORY_FILE) && disposition_overwrites(how->disposition))
        return LT_STATUS_INVALID_PARAMETER;
    uint32_t access = lt_access_map_generic(how->access);
    if ((options & LT_FILE_DELETE_ON_CLOSE) &&
        !(access & (LT_ACCESS_DELETE | LT_ACCESS_MAXIMUM_ALLOWED)))
        return LT_STATUS_INVALID_PARAMETER;
    return LT_STATUS_SUCCESS;
}

static int32_t check_support(const struct nt_volume *v, const struct nt_create *how)
{
    uint32_t options = how->options;
    if (options & LT_FILE_OPEN_BY_FILE_ID)
        return LT_STATUS_NOT_IMPLEMENTED;
    if (how->ea.len) {
        if (!(v->params.flags & LT_FSP_VOLUME_EAS))
            return LT_STATUS_EAS_NOT_SUPPORTED;
        if (options & LT_FILE_NO_EA_KNOWLEDGE)
            return LT_STATUS_ACCESS_DENIED;
        int32_t status = drv_ea_check(how->ea);
        if (status != LT_STATUS_SUCCESS)
            return status;
    }
    if ((options & LT_FILE_DIRECTORY_FILE) && (how->attributes & LT_WIN_TEMPORARY) &&
        (how->disposition == LT_FILE_CREATE || how->disposition == LT_FILE_OPEN_IF))
        return LT_STATUS_INVALID_PARAMETER;
    return LT_STATUS_SUCCESS;
}

static int32_t check_read_only(const struct creation *c)
{
    enum lt_fsp_disposition d = c->how->disposition;
    if (!(c->v->params.flags & LT_FSP_VOLUME_READ_ONLY))
        return LT_STATUS_SUCCESS;
    if (d == LT_FILE_CREATE || disposition_overwrites(d) || (c->access & READ_ONLY_REFUSED) ||
        (c->how->options & LT_FILE_DELETE_ON_CLOSE))
        return LT_STATUS_MEDIA_WRITE_PROTECTED;
    return LT_STATUS_SUCCESS;
}

static int32_t check_target(const struct creation *c)
{
    const struct nt_create *how = c->how;
    bool is_root = drv_name_is_root(&c->target.name);
    if (c->target.is_data && (how->options & LT_FILE_DIRECTORY_FILE))
        return LT_STATUS_NOT_A_DIRECTORY;
    if (is_root && (how->disposition == LT_FILE_CREATE ||
                    disposition_overwrites(how->disposition) || c->open_target))
        return LT_STATUS_ACCESS_DENIED;
    if (is_root && (how->options & LT_FILE_DELETE_ON_CLOSE))
        return LT_STATUS_CANNOT_DELETE;
    if (c->target.colon && (how->options & LT_FILE_DIRECTORY_FILE))
        return LT_STATUS_NOT_A_DIRECTORY;
    return LT_STATUS_SUCCESS;
}

/* ---- The request -------------------------------------------------------------------------------
 */

static uint32_t create_flags(const struct creation *c)
{
    const struct lt_token *token = drv_token();
    uint32_t flags = LT_FSP_CREATE_USER_MODE;
    if (token->privileges & LT_PRIVILEGE_TRAVERSE)
        flags |= LT_FSP_CREATE_TRAVERSE;
    if (token->privileges & LT_PRIVILEGE_BACKUP)
        flags |= LT_FSP_CREATE_BACKUP;
    if (token->privileges & LT_PRIVILEGE_RESTORE)
        flags |= LT_FSP_CREATE_RESTORE;
    if (c->open_target)
        flags |= LT_FSP_CREATE_OPEN_TARGET;
    if (c->v->params.flags & LT_FSP_VOLUME_CASE_SENSITIVE)
        flags |= LT_FSP_CREATE_CASE_SENSITIVE;
    if (c->target.trailing_backslash)
        flags |= LT_FSP_CREATE_TRAILING_BACKSLASH;
    if (!c->target.colon && (c->v->params.flags & LT_FSP_VOLUME_ALLOW_KERNEL))
        flags |= LT_FSP_CREATE_ACCEPTS_SECURITY;
    return flags;
}

static int32_t send_create(struct creation *c)
{
    const struct nt_create *how = c->how;
    struct drv_call *call = &c->call;
    struct drv_token_handle token;
    drv_call_begin(call, c->v, LT_FSP_CREATE);
    struct lt_fsp_create_req *req = &call->req->u.create;
    call->req->file_name =
        lt_fsp_put_text(&call->out, c->target.name.units, c->target.name.len, true);
    req->options = how->options | (uint32_t)how->disposition << 24;
    req->file_attributes = c->attributes;
    req->allocation_size = drv_round_up(c->v, how->allocation);
    req->token = drv_token_open(c->v, &token);
    req->desired_access = c->access;
    req->share_access = how->share;
    req->flags = create_flags(c);
    req->named_stream = (uint16_t)(2 * c->target.colon);
    /* What is the file's, not a stream's. */
    if (!c->target.colon && how->security.len)
        req->security = lt_fsp_put(&call->out, how->security.s, how->security.len, 8);
    if (!c->target.colon && how->ea.len)
        req->ea = lt_fsp_put(&call->out, how->ea.s, how->ea.len, 8);
    int32_t status = drv_call(call);
    drv_token_close(c->v, &token);
    return status;
}

/* ---- The response ------------------------------------------------------------------------------
 */

static bool result_fits(const struct creation *c, uint32_t result)
{
    enum lt_fsp_disposition d = c->how->disposition;
    switch (result) {
    case LT_FILE_OPENED:
        return d == LT_FILE_OPEN || d == LT_FILE_OPEN_IF;
    case LT_FILE_CREATED:
        return disposition_makes_new(d);
    case LT_FILE_OVERWRITTEN:
        return d == LT_FILE_OVERWRITE || d == LT_FILE_OVERWRITE_IF;
    case LT_FILE_SUPERSEDED:
        return d == LT_FILE_SUPERSEDE;
    case LT_FILE_EXISTS:
    case LT_FILE_DOES_NOT_EXIST:
        return c->open_target;
    default:
        return false;
    }
}

static bool check_opened(struct creation *c)
{
    const struct lt_fsp_rsp *rsp = &c->call.rsp.rsp;
    const struct lt_fsp_create_rsp *opened = &rsp->u.create;
    uint32_t wanted = c->access & ~(uint32_t)LT_ACCESS_MAXIMUM_ALLOWED;
    bool is_dir = opened->info.file_attributes & LT_WIN_DIRECTORY;
    if (!result_fits(c, rsp->information))
        drv_fault(c->v, "Create with disposition %u answers %u", (unsigned)c->how->disposition,
                  rsp->information);
    else if ((opened->granted_access & wanted) != wanted)
        drv_fault(c->v, "Create asked for access %#x and grants %#x", wanted,
                  opened->granted_access);
    else if (c->open_target && !is_dir)
        drv_fault(c->v, "Create of a target's directory opened none");
    else if (is_dir && (c->target.colon || (c->how->options & LT_FILE_NON_DIRECTORY_FILE)))
        drv_fault(c->v, "Create opened a directory that must be none");
    else if (!is_dir && (c->how->options & LT_FILE_DIRECTORY_FILE))
        drv_fault(c->v, "Create opened a file that must be a directory");
    else
        return true;
    return false;
}

/* The normalized name differs in nothing but case. */
static int32_t take_name(struct creation *c)
{
    struct lt_wide name = c->call.rsp.name;
    struct drv_name *target = &c->target.name;
    bool sensitive = c->v->params.flags & LT_FSP_VOLUME_CASE_SENSITIVE;
    if (name.units == 0) {
        for (size_t i = 0; i < target->len && !sensitive; i++)
            target->units[i] = drv_upcase(target->units[i]);
        return LT_STATUS_SUCCESS;
    }
    bool same = name.units == target->len;
    for (size_t i = 0; same && i < name.units; i++) {
        uint16_t unit = lt_wide_at(name, i);
        same =
            sensitive ? unit == target->units[i] : drv_upcase(unit) == drv_upcase(target->units[i]);
    }
    if (!same) {
        drv_fault(c->v, "Create's normalized name is another than the request's");
        return LT_STATUS_OBJECT_NAME_INVALID;
    }
    for (size_t i = 0; i < name.units; i++)
        target->units[i] = lt_wide_at(name, i);
    return LT_STATUS_SUCCESS;
}

void drv_post_close(struct nt_volume *v, uint64_t user, uint64_t user2)
{
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        abort();
    drv_call_begin(call, v, LT_FSP_CLOSE);
    call->req->u.of = (struct lt_fsp_contexts){user, user2};
    drv_call(call);
    free(call);
}

/* An Overwrite that fails has closed the file: nothing more is sent. */
static int32_t overwrite(struct creation *c, bool supersede)
{
    struct drv_node *node = c->file->node;
    struct drv_call *call = &c->call;
    uint32_t old = call->rsp.rsp.u.create.info.file_attributes;
    uint32_t attributes = c->attributes | (node->is_dir ? LT_WIN_DIRECTORY : 0);
    if (old & ~attributes & (LT_WIN_HIDDEN | LT_WIN_SYSTEM)) {
        drv_post_close(c->v, node->user, c->file->user2);
        return LT_STATUS_ACCESS_DENIED;
    }
    drv_call_begin(call, c->v, LT_FSP_OVERWRITE);
    drv_call_of(call, c->file);
    struct lt_fsp_overwrite_req *req = &call->req->u.overwrite;
    req->file_attributes = attributes;
    req->allocation_size = drv_round_up(c->v, c->how->allocation);
    req->supersede = supersede;
    if (!c->target.colon && c->how->ea.len)
        req->ea = lt_fsp_put(&call->out, c->how->ea.s, c->how->ea.len, 8);

    lt_rwlock_write(&node->lock);
    int32_t status = LT_STATUS_USER_MAPPED_FILE;
    if (drv_mapped_beyond(node, 0))
        drv_post_close(c->v, node->user, c->file->user2);
    else
        status = drv_call(call);
    if (status == LT_STATUS_SUCCESS) {
        if (!node->main)
            drv_streams_overwritten(node);
        drv_keep(node, DRV_KEEP_EA, NULL, 0);
        drv_keep(node, DRV_KEEP_STREAMS, NULL, 0);
        drv_keep_info(node, &call->rsp.rsp.u.info, true);
        drv_changed(node, DRV_CHANGED_WRITE | DRV_CHANGED_ATTRIBUTES | DRV_CHANGED_SIZE,
                    DRV_ACTION_MODIFIED);
    }
    lt_rwlock_write_unlock(&node->lock);
    return status;
}

static int32_t settle(struct creation *c)
{
    const struct lt_fsp_rsp *rsp = &c->call.rsp.rsp;
    struct drv_node *node = c->file->node;
    c->how->information = rsp->information;
    if (rsp->information == LT_FILE_OVERWRITTEN || rsp->information == LT_FILE_SUPERSEDED)
        return overwrite(c, rsp->information == LT_FILE_SUPERSEDED);
    bool for_write =
        (c->file->access & LT_FILE_WRITE_DATA) || (c->how->options & LT_FILE_DELETE_ON_CLOSE);
    if (!node->is_dir && for_write && drv_is_image(node)) {
        drv_post_close(c->v, node->user, c->file->user2);
        return c->how->options & LT_FILE_DELETE_ON_CLOSE ? LT_STATUS_CANNOT_DELETE
                                                         : LT_STATUS_SHARING_VIOLATION;
    }
    lt_rwlock_write(&node->lock);
    drv_keep_opened(node, &rsp->u.create.info, c->call.rsp.security,
                    rsp->information == LT_FILE_CREATED);
    if (rsp->information == LT_FILE_CREATED)
        drv_changed(node, DRV_CHANGED_NAME, DRV_ACTION_ADDED);
    lt_rwlock_write_unlock(&node->lock);
    return LT_STATUS_SUCCESS;
}

static uint32_t extra_access(enum lt_fsp_disposition d)
{
    if (d == LT_FILE_SUPERSEDE)
        return LT_ACCESS_DELETE;
    return disposition_overwrites(d) ? LT_FILE_WRITE_DATA : 0;
}

/* The dispatcher opened it: now it has to get along with the other openings. */
static int32_t opened(struct creation *c)
{
    const struct lt_fsp_rsp *rsp = &c->call.rsp.rsp;
    struct nt_file *file = c->file;
    uint64_t user = rsp->u.create.as.user;
    bool good = check_opened(c);
    int32_t status = good ? take_name(c) : LT_STATUS_INTERNAL_ERROR;
    if (status != LT_STATUS_SUCCESS) {
        drv_post_close(c->v, user, rsp->u.create.as.user2);
        return status;
    }
    file->user2 = rsp->u.create.as.user2;
    file->access = rsp->u.create.granted_access;
    file->share = c->how->share;
    file->options = c->how->options;
    file->delete_on_close = c->how->options & LT_FILE_DELETE_ON_CLOSE;
    struct drv_opened as = {rsp, c->target.colon};
    status = drv_node_open(file, &c->target.name, &as, extra_access(c->how->disposition));
    if (status != LT_STATUS_SUCCESS) {
        drv_post_close(c->v, user, file->user2);
        return status;
    }
    status = settle(c);
    if (status != LT_STATUS_SUCCESS) {
        drv_node_cleanup(file, false);
        drv_node_close(file);
        file->node = NULL;
    }
    return status;
}

/* ---- Streams -----------------------------------------------------------------------------------
 */

static int32_t create_named(struct nt_volume *v, struct nt_create *how, struct drv_parsed *target,
                            bool open_target, struct nt_file **ret);

/* The file of a stream is opened first and stays open with it. */
static int32_t open_main(struct creation *c)
{
    struct nt_create how = {
        .access = LT_FILE_READ_ATTRIBUTES,
        .attributes = c->how->attributes,
        .share = NT_SHARE_ALL,
        .options = LT_FILE_OPEN_REPARSE_POINT,
        .disposition = disposition_makes_new(c->how->disposition) ? LT_FILE_OPEN_IF : LT_FILE_OPEN,
        .security = c->how->security};
    struct drv_parsed main = {0};
    int32_t status = drv_name_copy(c->target.name.units, c->target.colon, &main.name);
    if (status == LT_STATUS_SUCCESS)
        status = create_named(c->v, &how, &main, false, &c->file->main);
    return status;
}

static struct nt_file *file_new(struct nt_volume *v)
{
    struct nt_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->v = v;
    atomic_init(&file->refs, 1);
    atomic_fetch_add(&v->refs, 1);
    return file;
}

static void fix_attributes(struct creation *c)
{
    c->attributes =
        c->how->attributes & ~(uint32_t)(LT_WIN_NORMAL | LT_WIN_DIRECTORY | LT_WIN_REPARSE_POINT);
    if (c->how->options & LT_FILE_DIRECTORY_FILE)
        c->attributes |= LT_WIN_DIRECTORY;
    if (c->target.colon)
        c->attributes = 0;
}

static int32_t create_file(struct creation *c)
{
    int32_t status = check_target(c);
    if (status == LT_STATUS_SUCCESS)
        status = check_read_only(c);
    if (status == LT_STATUS_SUCCESS && c->target.colon)
        status = open_main(c);
    if (status != LT_STATUS_SUCCESS)
        return status;
    fix_attributes(c);
    status = send_create(c);
    if (status == LT_STATUS_SUCCESS && c->open_target) {
        size_t len = drv_name_parent(&c->target.name);
        c->target.name.len = len ? len : 1;
    }
    if (status == LT_STATUS_SUCCESS)
        return opened(c);
    if (status == LT_STATUS_REPARSE)
        c->how->information = c->call.rsp.rsp.information;
    return status;
}

/* With volume.names shared. Takes the target over. */
static int32_t create_named(struct nt_volume *v, struct nt_create *how, struct drv_parsed *target,
                            bool open_target, struct nt_file **ret)
{
    struct creation *c = calloc(1, sizeof(*c));
    struct nt_file *file = file_new(v);
    int32_t status = LT_STATUS_INSUFFICIENT_RESOURCES;
    if (c && file) {
        c->v = v;
        c->how = how;
        c->open_target = open_target;
        c->access = lt_access_map_generic(how->access);
        c->target = *target;
        *target = (struct drv_parsed){0};
        c->file = file;
        status = create_file(c);
        if (status == LT_STATUS_REPARSE)
            status = drv_reparse(v, &c->call.rsp, &target->name);
        drv_name_free(&c->target.name);
    }
    free(c);
    if (status == LT_STATUS_SUCCESS)
        *ret = file;
    else
        drv_file_put(file);
    return status;
}

/* ---- NtCreateFile ------------------------------------------------------------------------------
 */

/* One round; LT_STATUS_REPARSE with the name to go on with in *path, if there is one. */
static int32_t create_once(struct nt_volume *v, struct nt_create *how, const struct drv_name *base,
                           struct drv_name *path, bool open_target, struct nt_file **ret)
{
    struct drv_parsed target;
    int32_t status = drv_name_parse(v, base, path->units, path->len, &target);
    drv_name_free(path);
    if (status != LT_STATUS_SUCCESS)
        return status;
    status = create_named(v, how, &target, open_target, ret);
    *path = target.name;
    return status;
}

/* Takes the path over. */
static int32_t create_path(struct nt_volume *v, struct nt_create *how, struct drv_name *path,
                           bool open_target, struct nt_file **ret)
{
    lt_rwlock_read(&v->names);
    const struct drv_name *base = how->at ? &how->at->node->name : NULL;
    int32_t status = LT_STATUS_REPARSE;
    for (unsigned i = 0; i <= REPARSE_MAX && status == LT_STATUS_REPARSE && path->units; i++) {
        status = create_once(v, how, base, path, open_target, ret);
        base = NULL;
    }
    lt_rwlock_read_unlock(&v->names);
    if (status == LT_STATUS_REPARSE && path->units)
        status = LT_STATUS_REPARSE_POINT_NOT_RESOLVED;
    drv_name_free(path);
    return status;
}

int32_t nt_create(struct nt_volume *volume, struct nt_create *how, struct nt_file **ret)
{
    struct drv_name path;
    how->information = 0;
    if (!how->at && !how->path[0])
        return LT_STATUS_ACCESS_DENIED;
    int32_t status = check_parameters(how);
    if (status == LT_STATUS_SUCCESS)
        status = check_support(volume, how);
    if (status == LT_STATUS_SUCCESS)
        status = drv_name_widen(how->path, &path.units, &path.len);
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (drv_name_strip(&path))
        return create_path(volume, how, &path, false, ret);
    drv_name_free(&path);
    return LT_STATUS_OBJECT_PATH_NOT_FOUND;
}

int32_t drv_create_target(struct nt_volume *v, struct nt_create *how, const struct drv_name *name,
                          struct nt_file **ret)
{
    struct drv_name path;
    int32_t status = drv_name_copy(name->units, name->len, &path);
    return status == LT_STATUS_SUCCESS ? create_path(v, how, &path, true, ret) : status;
}
