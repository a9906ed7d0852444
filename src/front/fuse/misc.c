// SPDX-License-Identifier: MIT
/* Requests that belong nowhere else. */
#include "handlers.h"

#include <lintel/lock.h>

/* ioctl numbers and structs (linux/fs.h, asm-generic/ioctl.h), the same on x86-64 and arm64 */
#define FS_IOC_GETFLAGS 0x80086601u
#define FS_IOC_SETFLAGS 0x40086602u
#define FS_IOC32_GETFLAGS 0x80046601u
#define FS_IOC32_SETFLAGS 0x40046602u
#define FS_IOC_GETVERSION 0x80087601u
#define FS_IOC_FSGETXATTR 0x801c581fu
#define FS_IOC_FSSETXATTR 0x401c5820u
#define FS_IOC_GETFSLABEL 0x81009431u
#define FS_IOC_SETFSLABEL 0x41009432u
#define FITRIM 0xc0185879u
#define XFS_IOC_GOINGDOWN \
    0x8004587du /* fs/xfs/libxfs/xfs_fs.h; ext4, f2fs and others know it too */
#define FSLABEL_MAX 256u

struct fsxattr {
    uint32_t fsx_xflags, fsx_extsize, fsx_nextents, fsx_projid, fsx_cowextsize;
    uint8_t fsx_pad[8];
};
static_assert(sizeof(struct fsxattr) == 28, "struct fsxattr of linux/fs.h");

/* FS_..._FL on the left (the numbers of LT_INODE_...), FS_XFLAG_... on the right. */
static const struct {
    uint32_t inode, xflag;
} flag_map[] = {
    {LT_INODE_IMMUTABLE, 0x8}, {LT_INODE_APPEND, 0x10}, {LT_INODE_SYNC, 0x20},
    {LT_INODE_NOATIME, 0x40},  {LT_INODE_NODUMP, 0x80},
};
#define FLAG_COUNT (sizeof(flag_map) / sizeof(flag_map[0]))

/* ---- ioctl ----------------------------------------------------------------------------------- */

static int reply_ioctl(struct call *c, const void *data, size_t len)
{
    struct lt_fuse_ioctl_out out = {.result = 0};
    size_t room = c->req.args.ioctl.out_size;
    struct lt_seg segs[2] = {{&out, sizeof(out)},
                             {(void *)(uintptr_t)data, len < room ? len : room}};
    reply_segs(c, segs, segs[1].len > 0 ? 2 : 1);
    return 0;
}

static int get_flags(struct call *c)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    if (r < 0)
        return r;
    uint64_t flags = attr.inode_flags & LT_INODE_SETTABLE;
    return reply_ioctl(c, &flags, sizeof(flags));
}

static int apply_flags(struct call *c, uint32_t flags)
{
    struct lt_setattr set = {.mask = LT_SET_INODE_FLAGS, .inode_flags = flags};
    int r = lt_node_setattr(&c->ctx, c->node, &set, NULL);
    if (r < 0)
        return r;
    notify_attr(c->s, c->node->id); /* ctime: the kernel does not expect it to change */
    return reply_ioctl(c, NULL, 0);
}

static int set_flags(struct call *c)
{
    uint32_t flags;
    if (c->req.data.len < sizeof(flags))
        return LT_EINVAL;
    memcpy(&flags, c->req.data.s, sizeof(flags));
    if (flags & ~(uint32_t)LT_INODE_SETTABLE)
        return LT_EOPNOTSUPP;
    return apply_flags(c, flags);
}

static int get_fsxattr(struct call *c)
{
    struct lt_attr attr;
    struct fsxattr fsx = {0};
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    if (r < 0)
        return r;
    for (size_t i = 0; i < FLAG_COUNT; i++)
        fsx.fsx_xflags |= attr.inode_flags & flag_map[i].inode ? flag_map[i].xflag : 0;
    return reply_ioctl(c, &fsx, sizeof(fsx));
}

static int set_fsxattr(struct call *c)
{
    struct fsxattr fsx;
    uint32_t flags = 0, known = 0;
    if (c->req.data.len < sizeof(fsx))
        return LT_EINVAL;
    memcpy(&fsx, c->req.data.s, sizeof(fsx));
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        known |= flag_map[i].xflag;
        flags |= fsx.fsx_xflags & flag_map[i].xflag ? flag_map[i].inode : 0;
    }
    if (fsx.fsx_xflags & ~known || fsx.fsx_projid || fsx.fsx_extsize || fsx.fsx_cowextsize)
        return LT_EOPNOTSUPP;
    return apply_flags(c, flags);
}

static int get_version(struct call *c)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    if (r < 0)
        return r;
    uint64_t version = attr.generation;
    return reply_ioctl(c, &version, sizeof(version));
}

static int get_label(struct call *c)
{
    struct lt_volume volume;
    char label[FSLABEL_MAX] = {0};
    lt_fs_volume(c->s->fs, &volume);
    static_assert(sizeof(volume.label) < sizeof(label), "a label fits");
    memcpy(label, volume.label, sizeof(volume.label));
    return reply_ioctl(c, label, sizeof(label));
}

static int set_label(struct call *c)
{
    size_t len = strnlen(c->req.data.s, c->req.data.len);
    if (c->ctx.uid != 0)
        return LT_EPERM;
    int r = lt_fs_set_label(&c->ctx, c->s->fs, lt_strn(c->req.data.s, len));
    return r < 0 ? r : reply_ioctl(c, NULL, 0);
}

/* The length that a trim may have been limited to is not: all free space is given back. */
static int trim(struct call *c)
{
    struct {
        uint64_t start, len, minlen; /* struct fstrim_range */
    } range;
    if (c->ctx.uid != 0)
        return LT_EPERM;
    if (c->req.data.len < sizeof(range))
        return LT_EINVAL;
    memcpy(&range, c->req.data.s, sizeof(range));
    int r = lt_fs_trim(&c->ctx, c->s->fs, &range.len);
    return r < 0 ? r : reply_ioctl(c, &range, sizeof(range));
}

static int shut_down(struct call *c)
{
    if (c->ctx.uid != 0)
        return LT_EPERM;
    int r = lt_fs_shutdown(&c->ctx, c->s->fs);
    return r < 0 ? r : reply_ioctl(c, NULL, 0);
}

int on_ioctl(struct call *c)
{
    switch (c->req.args.ioctl.cmd) {
    case FS_IOC_GETFLAGS:
    case FS_IOC32_GETFLAGS:
        return get_flags(c);
    case FS_IOC_SETFLAGS:
    case FS_IOC32_SETFLAGS:
        return set_flags(c);
    case FS_IOC_FSGETXATTR:
        return get_fsxattr(c);
    case FS_IOC_FSSETXATTR:
        return set_fsxattr(c);
    case FS_IOC_GETVERSION:
        return get_version(c);
    case FS_IOC_GETFSLABEL:
        return get_label(c);
    case FS_IOC_SETFSLABEL:
        return set_label(c);
    case FITRIM:
        return trim(c);
    case XFS_IOC_GOINGDOWN:
        return shut_down(c);
    default:
        return LT_ENOTTY;
    }
}

/* ---- The rest -------------------------------------------------------------------------------- */

/* Files are always ready; ENOSYS tells the kernel not to ask. */
int on_poll(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}

/* There is no block device below. */
int on_bmap(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}

int on_syncfs(struct call *c)
{
    int r = lt_fs_sync(&c->ctx, c->s->fs);
    return r == LT_EOPNOTSUPP ? LT_ENOSYS : r;
}

int on_destroy(struct call *c)
{
    int r = lt_fs_sync(&c->ctx, c->s->fs);
    return r == LT_EOPNOTSUPP ? 0 : r;
}

/* Cancels the request that another worker is busy with. One that nobody has taken up yet is sent
 * again by the kernel after EAGAIN. */
int on_interrupt(struct call *c)
{
    uint64_t unique = c->req.args.interrupt.unique;
    for (unsigned i = 0; unique != 0 && i < c->s->worker_count; i++) {
        struct lt_fuse_worker *w = &c->s->workers[i];
        if (w != c->w && atomic_load_explicit(&w->unique, memory_order_acquire) == unique) {
            atomic_store_explicit(&w->cancel, true, memory_order_release);
            lt_lock_interrupt(c->s->fs);
            return 0;
        }
    }
    lt_channel_reply(c->s->channel, c->m, LT_EAGAIN, NULL, 0);
    return 0;
}

int on_notify_reply(struct call *c)
{
    (void)c;
    return 0; /* we never retrieve */
}

int on_unsupported(struct call *c)
{
    (void)c;
    return LT_ENOSYS;
}
