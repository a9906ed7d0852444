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
