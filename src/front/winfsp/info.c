// SPDX-License-Identifier: MIT
/* What the driver asks about an opening, and sets. Renaming is in rename.c. */
#include "volume.h"

#include <core/filetime.h>

int32_t fsp_query_info(struct call *c)
{
    return lt_status_from_error(fsp_file_info(c, c->file, &c->rsp->u.info));
}

/* Makes a change and answers with what it comes to. */
static int set_attr(struct call *c, const struct lt_setattr *set)
{
    struct lt_attr attr;
    int r = lt_node_setattr(&c->ctx, c->file->node, set, &attr);
    if (r == 0)
        fsp_file_info_from(c->v, c->file, &attr, &c->rsp->u.info);
    return r;
}

/* ---- Attributes and times -------------------------------------------------------------------- */

/* 0 leaves a time as it is, and so do the values by which programs switch its updates off and on
 * (MS-FSCC 2.4.7). False: not a time. */
static bool take_time(uint64_t time, uint32_t bit, struct lt_setattr *set, struct lt_time *ret)
{
    if (time == 0 || time >= UINT64_MAX - 1)
        return true;
    if (time > INT64_MAX)
        return false;
    *ret = filetime_to(time);
    set->mask |= bit;
    return true;
}

static int take_attrs(struct call *c, uint32_t attrs, struct lt_setattr *set)
{
    struct lt_attr attr = {0};
    if (attrs == LT_FSP_ATTRS_KEEP)
        return LT_OK;
    if (c->file->is_dir && (attrs & LT_WIN_TEMPORARY))
        return LT_EINVAL;
    /* Where they are stored, what there is does not matter. */
    int r = c->v->volume.has_windows ? LT_OK : lt_node_getattr(&c->ctx, c->file->node, &attr);
    return r < 0 ? r : fsp_win_attrs_set(c->v, &attr, attrs, set);
}

static int set_basic(struct call *c)
{
    const struct lt_fsp_basic_info *basic = &c->in.req.u.set_information.info.basic;
    struct lt_setattr set = {0};
    if (!take_time(basic->creation_time, LT_SET_BTIME, &set, &set.btime) ||
        !take_time(basic->last_access_time, LT_SET_ATIME, &set, &set.atime) ||
        !take_time(basic->last_write_time, LT_SET_MTIME, &set, &set.mtime) ||
        !take_time(basic->change_time, LT_SET_CTIME, &set, &set.ctime))
        return LT_EINVAL;
    int r = take_attrs(c, basic->file_attributes, &set);
    if (r < 0)
        return r;
    return set.mask ? set_attr(c, &set) : fsp_file_info(c, c->file, &c->rsp->u.info);
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

static int set_size(struct call *c, uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE | LT_SET_KILL_PRIV, .size = size};
    if (!fsp_has_data(c->file) || size > LT_SIZE_MAX)
        return LT_EINVAL;
    return set_attr(c, &set);
}

/*
 * What an allocation below the size cuts off is gone. One above it is reserved, and what was
 * reserved beyond it is given back; a file system that cannot do this does not need it either,
 * for it allocates as it goes.
 */
static int set_allocation(struct call *c, uint64_t size)
{
    struct lt_attr attr;
    int r = fsp_has_data(c->file) && size <= LT_SIZE_MAX ? LT_OK : LT_EINVAL;
    if (r == 0)
        r = lt_node_getattr(&c->ctx, c->file->node, &attr);
    if (r < 0)
        return r;
    if (size < attr.size)
        return set_size(c, size);
    if (size > attr.allocated)
        r = lt_node_allocate(&c->ctx, c->file->node, LT_FALLOC_KEEP_SIZE, 0, size);
    else if (size < attr.allocated && size < LT_SIZE_MAX)
        r = lt_node_allocate(&c->ctx, c->file->node, LT_FALLOC_KEEP_SIZE | LT_FALLOC_PUNCH_HOLE,
                             size, LT_SIZE_MAX - size);
    if (r < 0 && r != LT_EOPNOTSUPP)
        return r;
    return fsp_file_info(c, c->file, &c->rsp->u.info);
}

/* ---- Deletion -------------------------------------------------------------------------------- */

static int stop_at_entry(void *arg, const struct lt_dirent *entry)
{
    (void)arg;
    (void)entry;
    return 1;
}

/*
 * Whether the name may go once the last handle is closed. Nothing is deleted here; but the Cleanup
 * that does it cannot fail any more, so all that can be known is said now.
 */
static int32_t set_disposition(struct call *c, uint32_t flags)
{
    struct lt_attr attr;
    if (!(flags & LT_DISPOSITION_DELETE))
        return LT_STATUS_SUCCESS;
    if (flags & LT_DISPOSITION_ON_CLOSE)
        return LT_STATUS_NOT_SUPPORTED;
    if (c->file->node == lt_fs_root(c->v->fs))
        return LT_STATUS_CANNOT_DELETE;
    if (c->v->volume.read_only || c->v->options.read_only)
        return LT_STATUS_MEDIA_WRITE_PROTECTED;
    int r = lt_node_getattr(&c->ctx, c->file->node, &attr);
    if (r < 0)
        return lt_status_from_error(r);
    if ((fsp_win_attrs(c->v, &attr) & LT_WIN_READONLY) && !(flags & LT_DISPOSITION_IGNORE_READONLY))
        return LT_STATUS_CANNOT_DELETE;
    if (attr.inode_flags & (LT_INODE_IMMUTABLE | LT_INODE_APPEND))
        return LT_STATUS_CANNOT_DELETE;
    if (c->file->node->type == LT_S_IFDIR)
        r = lt_node_readdir(&c->ctx, c->file->node, 0, 0, stop_at_entry, NULL);
    return r > 0 ? LT_STATUS_DIRECTORY_NOT_EMPTY : lt_status_from_error(r);
}

int32_t fsp_set_info(struct call *c)
{
    const struct lt_fsp_set_information_req *in = &c->in.req.u.set_information;
    switch (in->info_class) {
    case LT_FSP_INFO_BASIC:
        return lt_status_from_error(set_basic(c));
    case LT_FSP_INFO_ALLOCATION:
        return lt_status_from_error(set_allocation(c, in->info.size));
    case LT_FSP_INFO_END_OF_FILE:
        return lt_status_from_error(set_size(c, in->info.size));
    case LT_FSP_INFO_DISPOSITION:
        return set_disposition(c, in->info.disposition & LT_DISPOSITION_DELETE);
    case LT_FSP_INFO_DISPOSITION_EX:
        return set_disposition(c, in->info.disposition);
    case LT_FSP_INFO_RENAME:
        return fsp_rename(c, in->info.rename.flags & LT_RENAME_REPLACE);
    case LT_FSP_INFO_RENAME_EX:
        return fsp_rename(c, in->info.rename.flags);
    default:
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    }
}
