// SPDX-License-Identifier: MIT
/* Attributes as Windows has them. */
#include "volume.h"

#include <core/filetime.h>

#define TAG_SYMLINK 0xa000000cu
#define TAG_NFS 0x80000014u
#define WRITABLE 0222u /* permission bits: anybody's */

uint32_t fsp_reparse_tag(const struct lt_attr *attr)
{
    if (attr->reparse_tag != 0)
        return attr->reparse_tag;
    switch (attr->mode & LT_S_IFMT) {
    case LT_S_IFLNK:
        return TAG_SYMLINK;
    case LT_S_IFIFO:
    case LT_S_IFSOCK:
    case LT_S_IFCHR:
    case LT_S_IFBLK:
        return TAG_NFS;
    default:
        return 0;
    }
}

uint32_t fsp_win_attrs(const struct lt_winfsp *v, const struct lt_attr *attr)
{
    uint32_t derived = LT_WIN_DIRECTORY | LT_WIN_REPARSE_POINT | LT_WIN_NORMAL;
    uint32_t attrs = attr->win_attrs & ~derived;
    uint32_t type = attr->mode & LT_S_IFMT;
    if (type == LT_S_IFDIR)
        attrs |= LT_WIN_DIRECTORY;
    if (fsp_is_reparse(attr))
        attrs |= LT_WIN_REPARSE_POINT;
    if (!v->volume.has_windows && type == LT_S_IFREG && (attr->mode & WRITABLE) == 0)
        attrs |= LT_WIN_READONLY;
    return attrs;
}

int fsp_win_attrs_set(const struct lt_winfsp *v, const struct lt_attr *attr, uint32_t win_attrs,
                      struct lt_setattr *set)
{
    if (v->volume.has_windows) {
        set->mask |= LT_SET_WIN_ATTRS;
        set->win_attrs = win_attrs & LT_WIN_SETTABLE;
        return LT_OK;
    }
    if (win_attrs & (LT_WIN_HIDDEN | LT_WIN_SYSTEM))
        return LT_EOPNOTSUPP;
    bool read_only = (win_attrs & LT_WIN_READONLY) != 0;
    bool was_read_only = (attr->mode & WRITABLE) == 0;
    if ((attr->mode & LT_S_IFMT) != LT_S_IFREG || read_only == was_read_only)
        return LT_OK;
    uint32_t mode = attr->mode & LT_S_PERM;
    set->mask |= LT_SET_MODE;
    /* Who may read may then write, within what the options allow everywhere. */
    uint32_t writable = mode | ((mode & 0444u) >> 1 & ~(uint32_t)v->options.file_mask) | 0200u;
    set->mode = read_only ? mode & ~WRITABLE : writable;
    return LT_OK;
}

static uint64_t round_up(uint64_t n, uint32_t unit)
{
    uint64_t over = n % unit;
    if (over == 0)
        return n;
    return n > UINT64_MAX - unit ? n - over : n + (unit - over);
}

void fsp_info_from_attr(const struct lt_winfsp *v, const struct lt_attr *attr,
                        struct lt_fsp_file_info *ret)
{
    uint32_t type = attr->mode & LT_S_IFMT;
    /* Holes count as allocated: Windows takes an allocation below the size for damage. */
    uint64_t allocated = attr->allocated > attr->size ? attr->allocated : attr->size;
    bool has_data = type == LT_S_IFREG;
    *ret = (struct lt_fsp_file_info){
        .file_attributes = fsp_win_attrs(v, attr),
        .reparse_tag = fsp_reparse_tag(attr),
        .allocation_size = has_data ? round_up(allocated, v->unit) : 0,
        .file_size = has_data ? attr->size : 0,
        .creation_time = filetime_from(attr->btime),
        .last_access_time = filetime_from(attr->atime),
        .last_write_time = filetime_from(attr->mtime),
        .change_time = filetime_from(attr->ctime),
        .index_number = attr->id,
        .hard_links = type == LT_S_IFDIR ? 1 : attr->nlink,
        .ea_size = attr->ea_size,
    };
}

void fsp_file_info_from(struct lt_winfsp *v, const struct fsp_file *file,
                        const struct lt_attr *attr, struct lt_fsp_file_info *ret)
{
    struct lt_attr of = *attr;
    if (file->stream) {
        /* A stream has data, whatever its file is. */
        of.mode = (of.mode & ~(uint32_t)LT_S_IFMT) | LT_S_IFREG;
        of.id = file->owner->id;
    }
    fsp_info_from_attr(v, &of, ret);
}

int fsp_file_info(struct call *c, const struct fsp_file *file, struct lt_fsp_file_info *ret)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, file->node, &attr);
    if (r == LT_OK)
        fsp_file_info_from(c->v, file, &attr, ret);
    return r;
}
