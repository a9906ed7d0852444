// SPDX-License-Identifier: MIT
#include "encode.h"

/* stx_mask and stx_attributes (linux/stat.h) */
#define STATX_BASIC_STATS 0x7ffu
#define STATX_BTIME 0x800u
#define STATX_ATTR_IMMUTABLE 0x10u
#define STATX_ATTR_APPEND 0x20u
#define STATX_ATTR_NODUMP 0x40u

#define NS_PER_S UINT64_C(1000000000)
/* Longer than the kernel can count in jiffies: it takes it for "for ever". */
#define FOREVER_S (UINT64_MAX / 4)

static void put_timeout(uint64_t ns, uint64_t *sec, uint32_t *nsec)
{
    *sec = ns == UINT64_MAX ? FOREVER_S : ns / NS_PER_S;
    *nsec = ns == UINT64_MAX ? 0 : (uint32_t)(ns % NS_PER_S);
}

static uint64_t blocks_of(const struct lt_attr *attr)
{
    return attr->allocated / 512 + (attr->allocated % 512 != 0);
}

void lt_fuse_put_attr(const struct lt_attr *attr, struct lt_fuse_attr *ret)
{
    *ret = (struct lt_fuse_attr){
        .ino = attr->id,
        .size = attr->size,
        .blocks = blocks_of(attr),
        .atime = (uint64_t)attr->atime.sec,
        .mtime = (uint64_t)attr->mtime.sec,
        .ctime = (uint64_t)attr->ctime.sec,
        .atimensec = attr->atime.nsec,
        .mtimensec = attr->mtime.nsec,
        .ctimensec = attr->ctime.nsec,
        .mode = attr->mode,
        .nlink = attr->nlink,
        .uid = attr->uid,
        .gid = attr->gid,
        .rdev = attr->rdev,
        .blksize = attr->block_size,
    };
}

void lt_fuse_put_entry(const struct lt_attr *attr, uint64_t nodeid, struct lt_fuse_timeouts t,
                       struct lt_fuse_entry_out *ret)
{
    ret->nodeid = nodeid;
    ret->generation = attr->generation;
    put_timeout(t.entry_ns, &ret->entry_valid, &ret->entry_valid_nsec);
    put_timeout(t.attr_ns, &ret->attr_valid, &ret->attr_valid_nsec);
    lt_fuse_put_attr(attr, &ret->attr);
}

void lt_fuse_put_no_entry(struct lt_fuse_timeouts t, struct lt_fuse_entry_out *ret)
{
    *ret = (struct lt_fuse_entry_out){.nodeid = 0};
    put_timeout(t.entry_ns, &ret->entry_valid, &ret->entry_valid_nsec);
}

void lt_fuse_put_attr_out(const struct lt_attr *attr, struct lt_fuse_timeouts t,
                          struct lt_fuse_attr_out *ret)
{
    put_timeout(t.attr_ns, &ret->attr_valid, &ret->attr_valid_nsec);
    ret->dummy = 0;
    lt_fuse_put_attr(attr, &ret->attr);
}

static struct lt_fuse_sx_time sx_time(struct lt_time t)
{
    return (struct lt_fuse_sx_time){.tv_sec = t.sec, .tv_nsec = t.nsec};
}

static uint64_t statx_attributes(uint32_t inode_flags)
{
    return (inode_flags & LT_INODE_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0) |
           (inode_flags & LT_INODE_APPEND ? STATX_ATTR_APPEND : 0) |
           (inode_flags & LT_INODE_NODUMP ? STATX_ATTR_NODUMP : 0);
}

void lt_fuse_put_statx(const struct lt_attr *attr, struct lt_fuse_timeouts t,
                       struct lt_fuse_statx_out *ret)
{
    *ret = (struct lt_fuse_statx_out){
        .stat =
            {
                .mask = STATX_BASIC_STATS | STATX_BTIME,
                .blksize = attr->block_size,
                .attributes = statx_attributes(attr->inode_flags),
                .attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP,
                .nlink = attr->nlink,
                .uid = attr->uid,
                .gid = attr->gid,
                .mode = (uint16_t)attr->mode,
                .ino = attr->id,
                .size = attr->size,
                .blocks = blocks_of(attr),
                .atime = sx_time(attr->atime),
                .btime = sx_time(attr->btime),
                .ctime = sx_time(attr->ctime),
                .mtime = sx_time(attr->mtime),
                .rdev_major = attr->rdev >> 8 & 0xfff,
                .rdev_minor = (attr->rdev & 0xff) | (attr->rdev >> 12 & 0xfff00),
            },
    };
    put_timeout(t.attr_ns, &ret->attr_valid, &ret->attr_valid_nsec);
}

size_t lt_fuse_dirent_size(size_t name_len, bool plus)
{
    return LT_FUSE_ALIGN(sizeof(struct lt_fuse_dirent) + name_len) +
           (plus ? sizeof(struct lt_fuse_entry_out) : 0);
}

bool lt_fuse_put_dirent(struct lt_fuse_dirents *d, struct lt_str name, uint64_t id, uint64_t next,
                        uint32_t mode, const struct lt_fuse_entry_out *entry)
{
    size_t size = lt_fuse_dirent_size(name.len, entry != NULL);
    if (size > d->size - d->len)
        return false;
    char *at = d->buf + d->len;
    char *end = at + size;
    if (entry) {
        memcpy(at, entry, sizeof(*entry));
        at += sizeof(*entry);
    }
    struct lt_fuse_dirent head = {
        .ino = id,
        .off = next,
        .namelen = (uint32_t)name.len,
        .type = (mode & LT_S_IFMT) >> 12,
    };
    memcpy(at, &head, sizeof(head));
    memcpy(at + sizeof(head), name.s, name.len);
    memset(at + sizeof(head) + name.len, 0, (size_t)(end - at) - sizeof(head) - name.len);
    d->len += size;
    return true;
}
