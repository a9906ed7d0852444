// SPDX-License-Identifier: MIT
/*
 * The two ends of an opening: Cleanup when the last handle of a program is closed, Close when
 * nothing at all refers to it any more. Between the two data may still be read and written.
 *
 * Nobody hears whether a Cleanup failed. What can be known before is checked when a disposition is
 * set; the rest is logged.
 */
#include "volume.h"

#include <stdio.h>

static void log_failure(const struct call *c, const char *what, int error)
{
    char line[96];
    if (c->v->options.log == NULL)
        return;
    snprintf(line, sizeof(line), "cleanup: %s: %s", what, lt_error_text(error));
    c->v->options.log(c->v->options.arg, line);
}

/* ---- Delete ---------------------------------------------------------------------------------- */

/* Under a hold of `dir`. LT_ENOENT or LT_ESTALE: the name is not, or no longer, that of the file.
 */
static int remove_from(struct call *c, struct lt_node *dir, const char *name)
{
    return lt_node_remove(&c->ctx, dir, lt_str(name), LT_REMOVE_ANY | LT_REMOVE_SAME,
                          c->file->owner);
}

static int remove_held(struct call *c, struct lt_node *dir, const char *name)
{
    struct fsp_hold hold;
    fsp_hold(c->v, &hold, dir, NULL, true);
    int r = remove_from(c, dir, name);
    fsp_release(c->v, &hold);
    return r;
}

/* By the whole name: the file has been renamed, or is asked for in another case. */
static int remove_by_path(struct call *c)
{
    char path[FSP_PATH_MAX];
    struct fsp_found found;
    int r = fsp_name_to_path(c->v, c->in.name, path, sizeof(path));
    if (r < 0)
        return r;
    int32_t status = fsp_walk(c, path, &found);
    if (status != LT_STATUS_SUCCESS)
        r = lt_status_to_error(status);
    else if (found.parent == NULL)
        r = LT_EBUSY;
    else if (found.entry.node != c->file->owner)
        r = LT_ENOENT;
    else
        r = remove_held(c, found.parent, found.stored);
    fsp_found_drop(&found);
    return r;
}

static struct lt_wide last_component(struct lt_wide name)
{
    size_t at = name.units;
    while (at > 0 && lt_wide_at(name, at - 1) != '\\')
        at--;
    return (struct lt_wide){name.bytes + 2 * at, name.units - at};
}

/* Mostly the name is still in the directory through which the file was opened. */
static int remove_file(struct call *c)
{
    char last[LT_NAME_MAX + 1];
    int r = fsp_name_to_utf8(c->v, last_component(c->in.name), last, sizeof(last));
    if (r < 0)
        return r;
    r = c->file->parent ? remove_held(c, c->file->parent, last) : LT_ENOENT;
    return r == LT_ENOENT || r == LT_ESTALE ? remove_by_path(c) : r;
}

/* The stream may be gone already, with an Overwrite, and another one have its name. */
static int remove_stream(struct call *c)
{
    const struct fsp_file *file = c->file;
    struct lt_node *now;
    struct fsp_hold hold;
    fsp_hold(c->v, &hold, file->owner, NULL, true);
    int r = lt_node_stream_open(&c->ctx, file->owner, lt_str(file->stream), 0, &now);
    if (r == LT_OK) {
        if (now == file->node)
            r = lt_node_stream_remove(&c->ctx, file->owner, lt_str(file->stream));
        lt_node_put(now);
    }
    fsp_release(c->v, &hold);
    return r;
}

static void delete_it(struct call *c)
{
    int r = c->file->stream ? remove_stream(c) : remove_file(c);
    if (r == LT_OK)
        atomic_store(&c->file->removed, true);
    else if (r != LT_ENOTEMPTY) /* a directory that has been filled meanwhile stays: N025 */
        log_failure(c, "delete", r);
}

/* ---- What the handle leaves behind -------------------------------------------------------------
 */

/* Space that was reserved behind the end is given back. */
static int trim(struct call *c)
{
    struct lt_attr attr;
    struct lt_node *node = c->file->node;
    int r = lt_node_getattr(&c->ctx, node, &attr);
    if (r < 0)
        return r;
    uint64_t unit = attr.block_size ? attr.block_size : c->v->unit;
    uint64_t end = (attr.size + unit - 1) / unit * unit;
    if (attr.allocated <= end || end >= LT_SIZE_MAX)
        return LT_OK;
    r = lt_node_allocate(&c->ctx, node, LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE, end,
                         LT_SIZE_MAX - end);
    return r == LT_EOPNOTSUPP ? LT_OK : r;
}

/* The archive bit and the times. That data changed, and when, the file system has noted by itself
 * with each write. */
static int stamp(struct call *c, uint32_t flags)
{
    struct lt_node *node = c->file->owner;
    struct lt_setattr set = {.mask = 0};
    struct lt_attr attr;
    if (!c->v->volume.has_windows)
        return LT_OK;
    if (flags & LT_FSP_CLEANUP_ACCESS_TIME)
        set.mask |= LT_SET_ATIME_NOW;
    if ((flags & LT_FSP_CLEANUP_ARCHIVE) && node->type != LT_S_IFDIR) {
        int r = lt_node_getattr(&c->ctx, node, &attr);
        if (r < 0)
            return r;
        if (!(attr.win_attrs & LT_WIN_ARCHIVE)) {
            set.mask |= LT_SET_WIN_ATTRS;
            set.win_attrs = (attr.win_attrs & LT_WIN_SETTABLE) | LT_WIN_ARCHIVE;
        }
    }
    return set.mask ? lt_node_setattr(&c->ctx, node, &set, NULL) : LT_OK;
}

int32_t fsp_cleanup(struct call *c)
{
    uint32_t flags = c->in.req.u.cleanup.flags;
    if (flags & LT_FSP_CLEANUP_DELETE)
        delete_it(c);
    if (atomic_load(&c->file->removed))
        return LT_STATUS_SUCCESS;
    int r = (flags & LT_FSP_CLEANUP_ALLOCATION) && !c->file->is_dir ? trim(c) : LT_OK;
    if (r < 0)
        log_failure(c, "allocation", r);
    r = stamp(c, flags);
    if (r < 0)
        log_failure(c, "attributes", r);
    return LT_STATUS_SUCCESS;
}

int32_t fsp_close(struct call *c)
{
    fsp_files_remove(c->v, c->file);
    return LT_STATUS_SUCCESS;
}
