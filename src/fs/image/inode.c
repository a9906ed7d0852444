// SPDX-License-Identifier: MIT
#include "inode.h"

#include "store/varint.h"

#include <lintel/fs.h>

#define NSEC_PER_SEC INT64_C(1000000000)

/* Bits of the first word: docs/format/image.md, INODE. */
enum {
    MTIME_SHIFT = 0,
    CTIME_SHIFT = 2,
    ATIME_SHIFT = 4,
    HAS_NLINK = 0x40,
    HAS_OWNER = 0x80,
    HAS_SIZE = 0x100,
    HAS_WIN_ATTRS = 0x200,
    HAS_FLAGS = 0x400,
    HAS_RDEV = 0x800,
    HAS_VERSION = 0x1000,
    HAS_NAME = 0x2000,
    HAS_RARE = 0x4000,
    HAS_STORAGE = 0x8000
};

/* How a time is written. */
enum { SAME_AS_BTIME, SAME_AS_MTIME, SINCE_BTIME, WHOLE };

#define HAS_KNOWN 0xffu /* bits of img_inode.has */

static bool same_time(struct lt_time a, struct lt_time b)
{
    return a.sec == b.sec && a.nsec == b.nsec;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static uint8_t *put_le32(uint8_t *at, uint32_t v)
{
    struct lt_le32 w = lt_put_le32(v);
    memcpy(at, w.b, sizeof(w.b));
    return at + sizeof(w.b);
}

static uint8_t *put_le64(uint8_t *at, uint64_t v)
{
    struct lt_le64 w = lt_put_le64(v);
    memcpy(at, w.b, sizeof(w.b));
    return at + sizeof(w.b);
}

static uint8_t *put_whole(uint8_t *at, struct lt_time t)
{
    return put_le32(img_put_varint(at, img_zigzag(t.sec)), t.nsec);
}

/* Nanoseconds from b to t, if 64 bits hold them. */
static bool since(struct lt_time b, struct lt_time t, int64_t *ret)
{
    int64_t sec, nsec;
    if (__builtin_sub_overflow(t.sec, b.sec, &sec) ||
        __builtin_mul_overflow(sec, NSEC_PER_SEC, &nsec))
        return false;
    return !__builtin_add_overflow(nsec, (int64_t)t.nsec - (int64_t)b.nsec, ret);
}

/* Appends a time in its shortest form, whose code goes into *flags. */
static uint8_t *put_time(uint8_t *at, const struct img_inode *inode, struct lt_time t,
                         unsigned shift, unsigned *flags)
{
    int64_t nsec;
    if (same_time(t, inode->btime))
        return at;
    if (shift != MTIME_SHIFT && same_time(t, inode->mtime)) {
        *flags |= (unsigned)SAME_AS_MTIME << shift;
        return at;
    }
    if (since(inode->btime, t, &nsec)) {
        *flags |= (unsigned)SINCE_BTIME << shift;
        return img_put_varint(at, img_zigzag(nsec));
    }
    *flags |= (unsigned)WHOLE << shift;
    return put_whole(at, t);
}

/* Which of the fields that may be absent are there. */
static unsigned fields(const struct img_inode *inode)
{
    unsigned flags = 0;
    flags |= inode->nlink != 1 ? HAS_NLINK : 0u;
    flags |= inode->uid || inode->gid ? HAS_OWNER : 0u;
    flags |= inode->size ? HAS_SIZE : 0u;
    flags |= inode->win_attrs ? HAS_WIN_ATTRS : 0u;
    flags |= inode->inode_flags ? HAS_FLAGS : 0u;
    flags |= inode->rdev ? HAS_RDEV : 0u;
    flags |= inode->version ? HAS_VERSION : 0u;
    flags |= inode->parent ? HAS_NAME : 0u;
    flags |= inode->has || inode->ea_size || inode->reparse_tag || inode->security ? HAS_RARE : 0u;
    flags |= inode->blocks || inode->extent_len ? HAS_STORAGE : 0u;
    return flags;
}

/* Behind the times. */
static uint8_t *put_fields(uint8_t *at, const struct img_inode *inode, unsigned flags)
{
    if (flags & HAS_NLINK)
        at = img_put_varint(at, inode->nlink);
    if (flags & HAS_OWNER)
        at = img_put_varint(img_put_varint(at, inode->uid), inode->gid);
    if (flags & HAS_SIZE)
        at = img_put_varint(at, inode->size);
    if (flags & HAS_WIN_ATTRS)
        at = img_put_varint(at, inode->win_attrs);
    if (flags & HAS_FLAGS)
        at = img_put_varint(at, inode->inode_flags);
    if (flags & HAS_RDEV)
        at = put_le32(at, inode->rdev);
    if (flags & HAS_VERSION)
        at = img_put_varint(at, inode->version);
    if (flags & HAS_NAME)
        at = put_le64(img_put_varint(at, inode->parent), inode->entry);
    if (flags & HAS_RARE) {
        at = img_put_varint(img_put_varint(at, inode->has), inode->ea_size);
        at = put_le64(img_put_varint(at, inode->reparse_tag), inode->security);
    }
    if (flags & HAS_STORAGE) {
        at = img_put_varint(img_put_varint(at, inode->blocks), inode->extent_len);
        memcpy(at, inode->extent, inode->extent_len);
        at += inode->extent_len;
    }
    return at;
}

size_t img_inode_encode(const struct img_inode *inode, void *buf)
{
    uint8_t *start = buf, *at = start + 2 * sizeof(struct lt_le16);
    unsigned flags = fields(inode);
    at = put_whole(at, inode->btime);
    at = put_time(at, inode, inode->mtime, MTIME_SHIFT, &flags);
    at = put_time(at, inode, inode->ctime, CTIME_SHIFT, &flags);
    at = put_time(at, inode, inode->atime, ATIME_SHIFT, &flags);
    at = put_fields(at, inode, flags);

    struct lt_le16 head[2] = {lt_put_le16((uint16_t)flags), lt_put_le16(inode->mode)};
    memcpy(start, head, sizeof(head));
    return (size_t)(at - start);
}

/* ---- Reading ------------------------------------------------------------------------------- */

static uint32_t take_u32(struct img_reader *r)
{
    uint64_t v = img_take_varint(r);
    if (v > UINT32_MAX)
        r->bad = true;
    return (uint32_t)v;
}

static struct lt_time take_whole(struct img_reader *r)
{
    struct lt_time t;
    t.sec = img_unzigzag(img_take_varint(r));
    t.nsec = img_take_le32(r);
    if (t.nsec >= NSEC_PER_SEC)
        r->bad = true;
    return t;
}

static struct lt_time take_since(struct img_reader *r, struct lt_time b)
{
    int64_t nsec = img_unzigzag(img_take_varint(r));
    int64_t sec = nsec / NSEC_PER_SEC, rest = nsec % NSEC_PER_SEC + (int64_t)b.nsec;
    if (rest < 0 || rest >= NSEC_PER_SEC) {
        sec += rest < 0 ? -1 : 1;
        rest += rest < 0 ? NSEC_PER_SEC : -NSEC_PER_SEC;
    }
    struct lt_time t = {.nsec = (uint32_t)rest};
    if (__builtin_add_overflow(b.sec, sec, &t.sec))
        r->bad = true;
    return t;
}

static struct lt_time take_time(struct img_reader *r, const struct img_inode *inode, unsigned flags,
                                unsigned shift)
{
    switch (flags >> shift & 3u) {
    case SAME_AS_BTIME:
        return inode->btime;
    case SAME_AS_MTIME:
        if (shift == MTIME_SHIFT)
            r->bad = true;
        return inode->mtime;
    case SINCE_BTIME:
        return take_since(r, inode->btime);
    default:
        return take_whole(r);
    }
}

static void take_storage(struct img_reader *r, struct img_inode *inode)
{
    inode->blocks = img_take_varint(r);
    uint64_t len = img_take_varint(r);
    if (len > sizeof(inode->extent))
        r->bad = true;
    const uint8_t *bytes = img_take_bytes(r, len);
    if (!bytes)
        return;
    memcpy(inode->extent, bytes, len);
    inode->extent_len = (uint8_t)len;
}

/* Behind the times. */
static void take_fields(struct img_reader *r, struct img_inode *inode, unsigned flags)
{
    inode->nlink = flags & HAS_NLINK ? take_u32(r) : 1;
    if (flags & HAS_OWNER) {
        inode->uid = take_u32(r);
        inode->gid = take_u32(r);
    }
    if (flags & HAS_SIZE)
        inode->size = img_take_varint(r);
    if (flags & HAS_WIN_ATTRS)
        inode->win_attrs = take_u32(r);
    if (flags & HAS_FLAGS)
        inode->inode_flags = take_u32(r);
    if (flags & HAS_RDEV)
        inode->rdev = img_take_le32(r);
    if (flags & HAS_VERSION)
        inode->version = img_take_varint(r);
    if (flags & HAS_NAME) {
        inode->parent = img_take_varint(r);
        inode->entry = img_take_le64(r);
    }
    if (flags & HAS_RARE) {
        inode->has = take_u32(r);
        inode->ea_size = take_u32(r);
        inode->reparse_tag = take_u32(r);
        inode->security = img_take_le64(r);
    }
    if (flags & HAS_STORAGE)
        take_storage(r, inode);
}

static bool known_type(uint16_t mode)
{
    switch (mode & LT_S_IFMT) {
    case LT_S_IFREG:
    case LT_S_IFDIR:
    case LT_S_IFLNK:
    case LT_S_IFCHR:
    case LT_S_IFBLK:
    case LT_S_IFIFO:
    case LT_S_IFSOCK:
    case LT_S_STREAM:
        return true;
    default:
        return false;
    }
}

/* What no reader of this version can make sense of. */
static bool plausible(const struct img_inode *inode, unsigned flags)
{
    const uint32_t derived = LT_WIN_DIRECTORY | LT_WIN_REPARSE_POINT | LT_WIN_NORMAL;
    if (!known_type(inode->mode) || inode->size > LT_SIZE_MAX || inode->nlink > LT_LINK_MAX)
        return false;
    if ((flags & HAS_NAME) && inode->parent == 0)
        return false;
    return !(inode->win_attrs & derived) && !(inode->has & ~HAS_KNOWN);
}

int img_inode_decode(const void *value, size_t len, struct img_inode *ret)
{
    struct img_reader r = img_reader(value, len);
    struct img_inode inode = {0};
    unsigned flags = img_take_le16(&r);
    inode.mode = img_take_le16(&r);
    inode.btime = take_whole(&r);
    inode.mtime = take_time(&r, &inode, flags, MTIME_SHIFT);
    inode.ctime = take_time(&r, &inode, flags, CTIME_SHIFT);
    inode.atime = take_time(&r, &inode, flags, ATIME_SHIFT);
    take_fields(&r, &inode, flags);
    if (r.bad || img_left(&r) > 0 || !plausible(&inode, flags))
        return LT_EUCLEAN;
    *ret = inode;
    return 0;
}

/* ---- Extents ------------------------------------------------------------------------------- */

#define UNWRITTEN 0x1u

static size_t checks_size(const struct img_extent *extent, uint32_t check_size)
{
    return extent->unwritten ? 0 : (size_t)extent->count * check_size;
}

size_t img_extent_room(const struct img_extent *extent, uint32_t check_size)
{
    return 1 + 3 * (size_t)IMG_VARINT_MAX + checks_size(extent, check_size);
}

size_t img_extent_encode(const struct img_extent *extent, uint32_t check_size, void *buf)
{
    uint8_t *start = buf, *at = start;
    size_t checks = checks_size(extent, check_size);
    *at++ = extent->unwritten ? UNWRITTEN : 0;
    at = img_put_varint(at, extent->count);
    at = img_put_varint(at, extent->block);
    at = img_put_varint(at, extent->birth);
    if (checks > 0)
        memcpy(at, extent->checks, checks);
    return (size_t)(at - start) + checks;
}

int img_extent_decode(const void *value, size_t len, uint32_t check_size, struct img_extent *ret)
{
    const uint64_t max = check_size ? IMG_CHECKED_BLOCKS_MAX : IMG_EXTENT_BLOCKS_MAX;
    struct img_reader r = img_reader(value, len);
    struct img_extent extent = {0};
    unsigned flags = img_take_u8(&r);
    extent.unwritten = flags & UNWRITTEN;
    extent.count = img_take_varint(&r);
    extent.block = img_take_varint(&r);
    extent.birth = img_take_varint(&r);
    if (r.bad || (flags & ~UNWRITTEN) || extent.count == 0 || extent.count > max)
        return LT_EUCLEAN;
    if (extent.block == 0 || extent.block > UINT64_MAX - extent.count)
        return LT_EUCLEAN;
    size_t checks = checks_size(&extent, check_size);
    if (checks > 0)
        extent.checks = img_take_bytes(&r, checks);
    if (r.bad || img_left(&r) > 0)
        return LT_EUCLEAN;
    *ret = extent;
    return 0;
}
