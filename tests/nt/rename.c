// SPDX-License-Identifier: MIT
/*
 * Renames: the I/O manager opens the directory of the new name, the driver sees to it that nobody
 * has a conflicting file open, and the names of all open files below change with it
 * (FspFsvolSetRenameInformation, FspFileNodeRenameCheck and FspFileNodeRename of WinFsp;
 * MS-FSCC 2.4.37 for FILE_RENAME_INFORMATION).
 */
#include "driver.h"

#include <base/wire.h>
#include <stdlib.h>

#define BACKSLASH u'\\'

/* FILE_RENAME_INFORMATION of 64 bits: the name's length at 16, the name behind it. */
enum { RENAME_ROOT = 8, RENAME_LENGTH = 16, RENAME_NAME = 20 };

struct renaming {
    struct nt_file *file;
    unsigned info_class;
    uint32_t flags;         /* LT_RENAME_... */
    struct drv_name given;  /* as the program has it, without a trailing backslash */
    struct nt_file *root;   /* RootDirectory */
    struct nt_file *target; /* the directory of the new name, where another is given */
    struct drv_name name;   /* the new name */
};

static int32_t take_buffer(struct renaming *r, const uint8_t *buf, size_t len)
{
    struct lt_le32 flags, name_len;
    if (len < RENAME_NAME + sizeof(uint16_t))
        return LT_STATUS_INFO_LENGTH_MISMATCH;
    memcpy(&flags, buf, sizeof(flags));
    memcpy(&r->root, buf + RENAME_ROOT, sizeof(r->root));
    memcpy(&name_len, buf + RENAME_LENGTH, sizeof(name_len));
    if (r->root && r->root->v != r->file->v)
        return LT_STATUS_NOT_SAME_DEVICE;
    size_t bytes = lt_get_le32(name_len);
    if (bytes < sizeof(uint16_t) || bytes % 2 != 0 || bytes > len - RENAME_NAME)
        return LT_STATUS_INVALID_PARAMETER;
    if (r->info_class == LT_FSP_INFO_RENAME)
        r->flags = buf[0] ? LT_RENAME_REPLACE : 0;
    else
        r->flags =
            lt_get_le32(flags) & (LT_RENAME_REPLACE | LT_RENAME_POSIX | LT_RENAME_IGNORE_READONLY);
    uint16_t *units = malloc(bytes);
    if (!units)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    memcpy(units, buf + RENAME_NAME, bytes);
    r->given = (struct drv_name){units, bytes / 2};
    if (!drv_name_strip(&r->given))
        return LT_STATUS_NOT_SAME_DEVICE;
    if (r->given.len > 1 && units[r->given.len - 1] == BACKSLASH)
        r->given.len--;
    return LT_STATUS_SUCCESS;
}

/* ---- The new name ------------------------------------------------------------------------------
 */

/* Units before the last component of what the program gave. */
static size_t given_parent(const struct renaming *r)
{
    size_t len = r->given.len;
    while (len > 0 && r->given.units[len - 1] != BACKSLASH)
        len--;
    return len;
}

/* Opens the directory of the new name, as the I/O manager does (IopOpenLinkOrRenameTarget). */
static int32_t open_target(struct renaming *r)
{
    struct nt_file *file = r->file;
    struct nt_create how = {.at = r->root,
                            .access =
                                LT_ACCESS_SYNCHRONIZE |
                                (file->node->is_dir ? LT_FILE_ADD_SUBDIRECTORY : LT_FILE_ADD_FILE),
                            .share = NT_SHARE_READ | NT_SHARE_WRITE,
                            .options = LT_FILE_OPEN_FOR_BACKUP_INTENT,
                            .disposition = LT_FILE_OPEN};
    return drv_create_target(file->v, &how, &r->given, &r->target);
}

/* With `names` held: where it goes may have been renamed itself. */
static int32_t make_name(struct renaming *r)
{
    const struct drv_name *old = &r->file->node->name;
    const struct drv_name *dir = r->target ? &r->target->node->name : old;
    size_t dir_len = r->target ? dir->len : drv_name_parent(old);
    if (dir_len == 1 && dir->units[0] == BACKSLASH)
        dir_len = 0; /* the root */
    size_t start = given_parent(r), last = r->given.len - start;
    uint16_t *units = malloc((dir_len + 1 + last) * sizeof(*units));
    if (!units)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    if (dir_len)
        memcpy(units, dir->units, dir_len * sizeof(*units));
    units[dir_len] = BACKSLASH;
    memcpy(units + dir_len + 1, r->given.units + start, last * sizeof(*units));

    struct drv_parsed parsed;
    int32_t status = drv_name_parse(r->file->v, NULL, units, dir_len + 1 + last, &parsed);
    free(units);
    if (status == LT_STATUS_SUCCESS && (parsed.colon || parsed.is_data)) {
        drv_name_free(&parsed.name); /* streams cannot be renamed */
        status = LT_STATUS_INVALID_PARAMETER;
    }
    if (status == LT_STATUS_OBJECT_NAME_INVALID)
        status = LT_STATUS_INVALID_PARAMETER;
    if (status == LT_STATUS_SUCCESS)
        r->name = parsed.name;
    return status;
}

/* ---- Who is in the way -------------------------------------------------------------------------
 */

static bool is_in(const struct drv_node *node, const struct drv_name *dir)
{
    return node->name.len > dir->len && node->name.units[dir->len] == BACKSLASH &&
           drv_name_is_below(node->v, &node->name, dir);
}

static int32_t check_locked(const struct renaming *r, const struct drv_name *name, bool old)
{
    struct drv_node *node = r->file->node;
    bool posix = r->flags & LT_RENAME_POSIX;
    if (old && !node->is_dir && node->handles == 1)
        return LT_STATUS_SUCCESS;
    for (struct drv_node *n = node->v->nodes; n; n = n->next) {
        if (!n->listed || !drv_name_is_below(node->v, &n->name, name))
            continue;
        /* What is replaced is no directory with open files, nor a running program. */
        if (!old && (is_in(n, name) || n->images))
            return LT_STATUS_ACCESS_DENIED;
        if (n == node || n->handles == 0)
            continue;
        if (!posix)
            return LT_STATUS_ACCESS_DENIED;
        if (n->share.open != n->share.shared_delete || n->stream_deny_delete)
            return LT_STATUS_SHARING_VIOLATION;
    }
    return LT_STATUS_SUCCESS;
}

static int32_t check(const struct renaming *r, bool *ret_same)
{
    struct nt_volume *v = r->file->v;
    const struct drv_name *old = &r->file->node->name, *new = &r->name;
    /* A directory within itself; the driver leaves that to the file system, except that the open
     * target would be in the way. */
    if (new->len > old->len && drv_name_is_below(v, new, old))
        return LT_STATUS_INVALID_PARAMETER;
    bool equal = drv_name_equal(v, old->units, old->len, new->units, new->len);
    lt_mutex_lock(&v->table);
    int32_t status = check_locked(r, old, true);
    if (status == LT_STATUS_SUCCESS && !equal)
        status = check_locked(r, new, false);
    lt_mutex_unlock(&v->table);
    *ret_same = equal && memcmp(old->units, new->units, old->len * sizeof(*old->units)) == 0;
    return status;
}

/* ---- The rename --------------------------------------------------------------------------------
 */

static int32_t send_rename(struct renaming *r)
{
    struct drv_token_handle token;
    bool replace = r->flags & LT_RENAME_REPLACE;
    struct drv_call *call = malloc(sizeof(*call));
    if (!call)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    drv_call_begin(call, r->file->v, LT_FSP_SET_INFORMATION);
    drv_call_of(call, r->file);
    const struct drv_name *old = &r->file->node->name;
    call->req->file_name = lt_fsp_put_text(&call->out, old->units, old->len, true);
    struct lt_fsp_set_information_req *req = &call->req->u.set_information;
    req->info_class = r->info_class;
    req->info.rename.new_name = lt_fsp_put_text(&call->out, r->name.units, r->name.len, true);
    req->info.rename.flags = r->flags;
    if (replace)
        req->info.rename.token = drv_token_open(r->file->v, &token);
    int32_t status = drv_call(call);
    if (replace)
        drv_token_close(r->file->v, &token);
    free(call);
    return status;
}

/* The name of a node below `old_len` units of its name goes on below the new one. */
static void rename_node(struct drv_node *n, size_t old_len, const struct drv_name *new)
{
    size_t rest = n->name.len - old_len;
    uint16_t *units = malloc((new->len + rest) * sizeof(*units));
    if (!units)
        abort(); /* the driver cannot fail here either: FspAllocMustSucceed */
    memcpy(units, new->units, new->len * sizeof(*units));
    memcpy(units + new->len, n->name.units + old_len, rest * sizeof(*units));
    drv_name_free(&n->name);
    n->name = (struct drv_name){units, new->len + rest};
    n->colon = n->colon ? n->colon - old_len + new->len : 0;
}

static void rename_nodes(struct renaming *r)
{
    struct nt_volume *v = r->file->v;
    struct drv_name old = r->file->node->name;
    struct drv_name copy;
    if (drv_name_copy(old.units, old.len, &copy) != LT_STATUS_SUCCESS)
        abort();
    lt_mutex_lock(&v->table);
    for (struct drv_node *n = v->nodes; n; n = n->next) {
        bool moves = n->listed && drv_name_is_below(v, &n->name, &copy);
        /* What was replaced has no name any more. */
        if (n->listed && !moves && drv_name_is_below(v, &n->name, &r->name))
            n->listed = false;
        else if (moves)
            rename_node(n, copy.len, &r->name);
    }
    lt_mutex_unlock(&v->table);
    drv_name_free(&copy);
}

static int32_t rename_locked(struct renaming *r)
{
    struct drv_node *node = r->file->node;
    bool same = false;
    if (node->posix_delete)
        return LT_STATUS_ACCESS_DENIED;
    int32_t status = make_name(r);
    if (status == LT_STATUS_SUCCESS)
        status = check(r, &same);
    if (status != LT_STATUS_SUCCESS || same)
        return status;
    status = send_rename(r);
    if (status != LT_STATUS_SUCCESS)
        return status;
    drv_changed(node, DRV_CHANGED_NAME, DRV_ACTION_RENAMED_OLD);
    rename_nodes(r);
    drv_changed(node, DRV_CHANGED_NAME, DRV_ACTION_RENAMED_NEW);
    drv_keep(node, DRV_KEEP_INFO, NULL, 0);
    return status;
}

/* With a directory, or any backslash, the name is not of the file's own directory. */
static bool has_directory(const struct renaming *r)
{
    return r->root || given_parent(r) != 0;
}

int32_t drv_rename(struct nt_file *file, unsigned info_class, const void *buf, size_t len)
{
    struct renaming r = {.file = file, .info_class = info_class};
    struct nt_volume *v = file->v;
    if (!(file->access & LT_ACCESS_DELETE))
        return LT_STATUS_ACCESS_DENIED;
    if (info_class == LT_FSP_INFO_RENAME_EX && !(v->params.flags & LT_FSP_VOLUME_POSIX_UNLINK))
        return LT_STATUS_INVALID_PARAMETER;
    if (file->node->is_root || file->node->colon)
        return LT_STATUS_INVALID_PARAMETER;
    int32_t status = take_buffer(&r, buf, len);
    if (status == LT_STATUS_SUCCESS && has_directory(&r))
        status = open_target(&r);
    if (status == LT_STATUS_SUCCESS) {
        lt_rwlock_write(&v->names);
        lt_rwlock_write(&file->node->lock);
        status = rename_locked(&r);
        lt_rwlock_write_unlock(&file->node->lock);
        lt_rwlock_write_unlock(&v->names);
    }
    if (r.target)
        nt_close(r.target);
    drv_name_free(&r.given);
    drv_name_free(&r.name);
    return status;
}
