// SPDX-License-Identifier: MIT
#include "reply.h"

#define NS_PER_S UINT64_C(1000000000)
#define BLOCK_SIZE_DEFAULT 4096u

uint64_t lt_fuse_get_timeout(uint64_t sec, uint32_t nsec)
{
    if (sec >= (UINT64_MAX - nsec) / NS_PER_S)
        return UINT64_MAX;
    return sec * NS_PER_S + nsec;
}

static bool is_type(uint32_t mode)
{
    switch (mode & LT_S_IFMT) {
    case LT_S_IFSOCK:
    case LT_S_IFLNK:
    case LT_S_IFREG:
    case LT_S_IFBLK:
    case LT_S_IFDIR:
    case LT_S_IFCHR:
    case LT_S_IFIFO:
        return mode >> 16 == 0;
    default:
        return false;
    }
}

static bool is_power_of_two(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

int lt_fuse_get_attr(const struct lt_fuse_attr *attr, struct lt_attr *ret)
{
    if (!is_type(attr->mode) || attr->size > LT_SIZE_MAX || attr->atimensec >= NS_PER_S ||
        attr->mtimensec >= NS_PER_S || attr->ctimensec >= NS_PER_S)
        return LT_EIO;
    *ret = (struct lt_attr){
        .id = attr->ino,
        .size = attr->size,
        .allocated = attr->blocks > UINT64_MAX / 512 ? UINT64_MAX : attr->blocks * 512,
        .atime = {(int64_t)attr->atime, attr->atimensec},
        .mtime = {(int64_t)attr->mtime, attr->mtimensec},
        .ctime = {(int64_t)attr->ctime, attr->ctimensec},
        .mode = attr->mode,
        .nlink = attr->nlink,
        .uid = attr->uid,
        .gid = attr->gid,
        .rdev = attr->rdev,
        .block_size = is_power_of_two(attr->blksize) ? attr->blksize : BLOCK_SIZE_DEFAULT,
    };
    return 0;
}

int lt_fuse_get_record(const char *buf, size_t len, bool plus, size_t *at,
                       struct lt_fuse_record *ret)
{
    const char *from = buf + *at;
    size_t left = len - *at, entry = plus ? sizeof(ret->entry) : 0;
    struct lt_fuse_dirent head;
    if (left < entry + sizeof(head))
        return 0;
    memcpy(&head, from + entry, sizeof(head));
    if (head.namelen == 0 || head.namelen > left - entry - sizeof(head))
        return LT_EIO;
    ret->entry = (struct lt_fuse_entry_out){.nodeid = 0};
    if (plus)
        memcpy(&ret->entry, from, sizeof(ret->entry));
    ret->ino = head.ino;
    ret->off = head.off;
    ret->type = head.type << 12 & LT_S_IFMT;
    ret->name = lt_strn(from + entry + sizeof(head), head.namelen);
    size_t size = entry + LT_FUSE_ALIGN(sizeof(head) + head.namelen);
    *at += size < left ? size : left; /* the last one need not be padded */
    return 1;
}
