// SPDX-License-Identifier: MIT
/*
 * Reparse points. Where a volume stores their data, it is kept and given back as it is. The special
 * files of POSIX are reparse points too: symbolic links have the data of Windows' own, the others
 * those of NFS (MS-FSCC 2.1.2.6).
 *
 * The other way a volume that stores none gets a special file in the place of the (empty) file or
 * directory. Who set it has a handle to what was there before, which has no name any more; the
 * driver forgets what it knows of the file, and programs close it.
 */
#include "symlink.h"

#include <base/wire.h>
#include <core/reparse.h>
#include <stdio.h>

/* ---- From POSIX ------------------------------------------------------------------------------ */

/* REPARSE_DATA_BUFFER of NFS: what it is, four characters as a number, and for devices their
 * numbers. */
struct nfs_data {
    struct lt_le32 tag;
    struct lt_le16 length, reserved;
    struct lt_le64 type;
    struct lt_le32 major, minor;
};
static_assert(sizeof(struct nfs_data) == 24, "MS-FSCC 2.1.2.6");

#define NFS_SHORT 16u /* bytes without the numbers */
#define NFS_LINK 0x4b4e4cu

static const struct nfs_kind {
    uint64_t type;
    uint32_t mode;
    bool is_device;
} nfs_kinds[] = {
    {0x524843, LT_S_IFCHR, true},
    {0x4b4c42, LT_S_IFBLK, true},
    {0x4f464946, LT_S_IFIFO, false},
    {0x4b434f53, LT_S_IFSOCK, false},
};
#define NFS_KINDS (sizeof(nfs_kinds) / sizeof(nfs_kinds[0]))

/* Device numbers as in lt_attr.rdev. */
static uint32_t rdev_major(uint32_t rdev)
{
    return rdev >> 8 & 0xfff;
}

static uint32_t rdev_minor(uint32_t rdev)
{
    return (rdev & 0xff) | (rdev >> 12 & 0xfff00);
}

static uint32_t rdev_make(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static int get_symlink(struct call *c, struct lt_node *node, void *buf, size_t size)
{
    char target[LT_PATH_MAX];
    uint16_t units[LT_PATH_MAX];
    int r = lt_node_readlink(&c->ctx, node, target, sizeof(target));
    if (r >= 0)
        r = fsp_target_from_posix(c->v, lt_strn(target, (size_t)r), units, LT_PATH_MAX);
    return r < 0 ? r : fsp_symlink_encode(units, (size_t)r, true, buf, size);
}

static int get_special(struct call *c, struct lt_node *node, void *buf, size_t size)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, node, &attr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < NFS_KINDS; i++) {
        const struct nfs_kind *kind = &nfs_kinds[i];
        if (kind->mode != (attr.mode & LT_S_IFMT))
            continue;
        size_t len = kind->is_device ? sizeof(struct nfs_data) : NFS_SHORT;
        struct nfs_data data = {.tag = lt_put_le32(FSP_TAG_NFS),
                                .length = lt_put_le16((uint16_t)(len - 8)),
                                .type = lt_put_le64(kind->type),
                                .major = lt_put_le32(rdev_major(attr.rdev)),
                                .minor = lt_put_le32(rdev_minor(attr.rdev))};
        if (len > size)
            return LT_ERANGE;
        memcpy(buf, &data, len);
        return (int)len;
    }
    return LT_ENODATA;
}

int fsp_reparse_get(struct call *c, struct lt_node *node, void *buf, size_t size)
{
    int r;
    switch (node->type) {
    case LT_S_IFREG:
    case LT_S_IFDIR:
        r = lt_node_reparse_get(&c->ctx, node, buf, size);
        return r == LT_EOPNOTSUPP ? LT_ENODATA : r;
    case LT_S_IFLNK:
        return get_symlink(c, node, buf, size);
    default:
        return get_special(c, node, buf, size);
    }
}

/* ---- To POSIX -------------------------------------------------------------------------------- */

static int32_t spec_link(struct call *c, struct lt_wide to, struct lt_create *spec, char *target)
{
    int r = fsp_target_to_posix(c->v, to, target, LT_PATH_MAX);
    if (r < 0)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    spec->mode = LT_S_IFLNK | 0777;
    spec->target = lt_strn(target, (size_t)r);
    return LT_STATUS_SUCCESS;
}

static int32_t spec_symlink(struct call *c, struct lt_str data, struct lt_create *spec,
                            char *target)
{
    struct fsp_symlink link;
    if (fsp_symlink_decode(data, &link) < 0)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    if (!link.relative) {
        /* What of NT's namespace leads to this volume, the driver says. POSIX has not the rest. */
        size_t skip = c->in.req.kind == LT_FSP_FILE_SYSTEM_CONTROL
                          ? c->in.req.u.fs_control.target_on_file_system / 2u
                          : 0;
        if (skip == 0 || skip >= link.target.units)
            return LT_STATUS_NOT_SUPPORTED;
        link.target.bytes += 2 * skip;
        link.target.units -= skip;
    }
    return spec_link(c, link.target, spec, target);
}

static int32_t spec_nfs(struct call *c, struct lt_str data, struct lt_create *spec, char *target)
{
    struct nfs_data nfs = {0};
    if (data.len < NFS_SHORT)
        return LT_STATUS_IO_REPARSE_DATA_INVALID;
    memcpy(&nfs, data.s, data.len < sizeof(nfs) ? data.len : sizeof(nfs));
    uint64_t type = lt_get_le64(nfs.type);
    if (type == NFS_LINK) {
        struct lt_wide to = {(const uint8_t *)data.s + NFS_SHORT, (data.len - NFS_SHORT) / 2};
        return spec_link(c, to, spec, target);
    }
    for (size_t i = 0; i < NFS_KINDS; i++) {
        if (nfs_kinds[i].type != type)
            continue;
        if (nfs_kinds[i].is_device && data.len < sizeof(nfs))
            return LT_STATUS_IO_REPARSE_DATA_INVALID;
        spec->mode = nfs_kinds[i].mode | (0666u & ~(uint32_t)c->v->options.file_mask);
        spec->rdev = rdev_make(lt_get_le32(nfs.major) & 0xfff, lt_get_le32(nfs.minor) & 0xfffff);
        return LT_STATUS_SUCCESS;
    }
    return LT_STATUS_NOT_SUPPORTED;
}

int32_t fsp_reparse_spec(struct call *c, struct lt_str data, struct lt_create *spec, char *target)
{
    *spec = (struct lt_create){.uid = c->ctx.uid, .gid = c->ctx.gid};
    switch (fsp_reparse_tag_of(data)) {
    case FSP_TAG_SYMLINK:
        return spec_symlink(c, data, spec, target);
    case FSP_TAG_NFS:
        return spec_nfs(c, data, spec, target);
    default:
        return LT_STATUS_NOT_SUPPORTED;
    }
}

/* Puts what `spec` describes in the place of `old`. Until it is there the old one keeps its name; a
 * directory, which nothing can be renamed over, goes a moment before. */
static int swap(struct call *c, struct lt_node *dir, struct lt_str name, struct lt_node *old,
                const struct lt_create *spec)
{
    char temporary[48];
    struct lt_entry made = {0};
    snprintf(temporary, sizeof(temporary), ".lintel-%llx-%llx", (unsigned long long)old->id,
             (unsigned long long)lt_clock_ns());
    int r = lt_node_create(&c->ctx, dir, lt_str(temporary), spec, &made);
    if (r < 0)
        return r;
    if (old->type == LT_S_IFDIR)
        r = lt_node_remove(&c->ctx, dir, name, LT_REMOVE_DIR | LT_REMOVE_SAME, old);
    if (r == 0)
        r = lt_node_rename(&c->ctx, dir, lt_str(temporary), dir, name, 0);
    if (r < 0)
        (void)lt_node_remove(&c->ctx, dir, lt_str(temporary), LT_REMOVE_SAME, made.node);
    lt_node_put(made.node);
    return r;
}

/* ---- Setting and deleting -------------------------------------------------------------------- */

/* Why data may not take the place of what a node has. */
static int32_t conflict(struct call *c, struct lt_node *node, struct lt_str data)
{
    char old[LT_REPARSE_SIZE_MAX];
    int r = fsp_reparse_get(c, node, old, sizeof(old));
    if (r >= 4 && fsp_reparse_tag_of(lt_strn(old, (size_t)r)) == fsp_reparse_tag_of(data))
        return LT_STATUS_REPARSE_ATTRIBUTE_CONFLICT;
    return LT_STATUS_IO_REPARSE_TAG_MISMATCH;
}

static int32_t data_status(struct call *c, struct lt_node *node, struct lt_str data, int error)
{
    switch (error) {
    case LT_EINVAL:
        return data.len >= 4 && fsp_reparse_tag_of(data) <= 2 ? LT_STATUS_IO_REPARSE_TAG_INVALID
                                                              : LT_STATUS_IO_REPARSE_DATA_INVALID;
    case LT_EEXIST:
        return conflict(c, node, data);
    case LT_ENODATA:
        return LT_STATUS_NOT_A_REPARSE_POINT;
    default:
        return lt_status_from_error(error);
    }
}

/* Whether a node keeps reparse data by itself. */
static bool stores(const struct call *c, const struct lt_node *node)
{
    return c->v->volume.has_windows && (node->type == LT_S_IFREG || node->type == LT_S_IFDIR);
}

/* A node that is to become another one has to be empty, or of the same sort. */
static int32_t check_swap(struct call *c, struct lt_node *node, struct lt_str data)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, node, &attr);
    if (r < 0)
        return lt_status_from_error(r);
    uint32_t tag = fsp_reparse_tag(&attr);
    if (tag != 0 && tag != fsp_reparse_tag_of(data))
        return LT_STATUS_IO_REPARSE_TAG_MISMATCH;
    if (node->type == LT_S_IFREG && attr.size > 0)
        return LT_STATUS_NOT_SUPPORTED;
    return node == lt_fs_root(c->v->fs) ? LT_STATUS_ACCESS_DENIED : LT_STATUS_SUCCESS;
}

int32_t fsp_reparse_set(struct call *c, struct lt_node *node, struct lt_node *dir, const char *name,
                        struct lt_str data)
{
    char target[LT_PATH_MAX];
    struct lt_create spec;
    int r = lt_reparse_check(data);
    if (r == 0 && stores(c, node))
        r = lt_node_reparse_set(&c->ctx, node, data);
    if (r < 0 || stores(c, node))
        return data_status(c, node, data, r);
    int32_t status = check_swap(c, node, data);
    if (status == LT_STATUS_SUCCESS)
        status = fsp_reparse_spec(c, data, &spec, target);
    if (status != LT_STATUS_SUCCESS)
        return status;
    return lt_status_from_error(swap(c, dir, lt_str(name), node, &spec));
}

/* A special file becomes a plain one. */
static int32_t delete_special(struct call *c, struct lt_node *node, struct lt_node *dir,
                              const char *name, struct lt_str header)
{
    const struct lt_create spec = {.mode =
                                       LT_S_IFREG | (0666u & ~(uint32_t)c->v->options.file_mask),
                                   .uid = c->ctx.uid,
                                   .gid = c->ctx.gid};
    if (node->type == LT_S_IFREG || node->type == LT_S_IFDIR)
        return LT_STATUS_NOT_A_REPARSE_POINT;
    int32_t status = check_swap(c, node, header);
    return status < 0 ? status : lt_status_from_error(swap(c, dir, lt_str(name), node, &spec));
}

static int32_t delete_reparse(struct call *c, struct lt_node *node, struct lt_node *dir,
                              const char *name, struct lt_str header)
{
    int r = lt_reparse_check_header(header);
    if (r == 0 && !stores(c, node))
        return delete_special(c, node, dir, name, header);
    if (r == 0)
        r = lt_node_reparse_remove(&c->ctx, node, header);
    return data_status(c, node, header, r);
}

/* ---- The controls ---------------------------------------------------------------------------- */

static int32_t get_point(struct call *c)
{
    size_t size;
    void *room = lt_fsp_room(&c->out, 8, &size);
    int r = fsp_reparse_get(c, c->file->owner, room, size);
    if (r == LT_ERANGE)
        return LT_STATUS_BUFFER_TOO_SMALL;
    if (r < 0)
        return data_status(c, c->file->owner, lt_str(""), r);
    c->rsp->u.buffer = lt_fsp_take(&c->out, (size_t)r, 8);
    return LT_STATUS_SUCCESS;
}

static int32_t change(struct call *c, const struct fsp_found *found)
{
    struct lt_node *node = c->file->owner;
    if (c->in.req.u.fs_control.code == LT_FSCTL_SET_REPARSE_POINT)
        return fsp_reparse_set(c, node, found->parent, found->stored, c->in.data);
    return delete_reparse(c, node, found->parent, found->stored, c->in.data);
}

/* Where something else takes the place of a node, its name is needed, and held. */
static int32_t change_name(struct call *c)
{
    char path[FSP_PATH_MAX];
    struct fsp_found found;
    struct fsp_hold hold;
    if (fsp_name_to_path(c->v, c->in.name, path, sizeof(path)) < 0)
        return LT_STATUS_OBJECT_NAME_INVALID;
    int32_t status = fsp_walk(c, path, &found);
    if (status == LT_STATUS_SUCCESS && found.parent == NULL)
        status = LT_STATUS_ACCESS_DENIED;
    if (status == LT_STATUS_SUCCESS) {
        fsp_hold(c->v, &hold, found.parent, NULL, true);
        status = lt_status_from_error(fsp_found_again(c, &found));
        if (status == LT_STATUS_SUCCESS &&
            (found.entry.node == NULL || found.entry.node->id != c->file->owner->id))
            status = LT_STATUS_OBJECT_NAME_NOT_FOUND;
        if (status == LT_STATUS_SUCCESS)
            status = change(c, &found);
        fsp_release(c->v, &hold);
    }
    fsp_found_drop(&found);
    return status == LT_STATUS_REPARSE ? LT_STATUS_OBJECT_PATH_NOT_FOUND : status;
}

int32_t fsp_fs_control(struct call *c)
{
    static const struct fsp_found nowhere = {.parent = NULL};
    switch (c->in.req.u.fs_control.code) {
    case LT_FSCTL_GET_REPARSE_POINT:
        return get_point(c);
    case LT_FSCTL_SET_REPARSE_POINT:
    case LT_FSCTL_DELETE_REPARSE_POINT:
        return stores(c, c->file->owner) ? change(c, &nowhere) : change_name(c);
    default:
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    }
}
