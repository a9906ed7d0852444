/* SPDX-License-Identifier: MIT */
/*
 * One random operation of the differential test. An operation is a pure
 * function of (seed, index): it does not depend on what happened before, so a
 * failing run can be repeated without some of its steps, which is how it is shrunk.
 */
#ifndef DIFFER_OP_H
#define DIFFER_OP_H

#include <stddef.h>
#include <stdint.h>

#define OP_PATH_MAX 1100 /* three components of up to 255 bytes, and then some */
#define OP_SLOTS 8       /* open files kept by a lane */
#define OP_IO_MAX 70000u /* bytes that one read or write moves at most */

/* X(name, weight): the kinds and how often they come, relative to each other. */
#define OP_KINDS(X)     \
    X(mkdir, 44)        \
    X(rmdir, 12)        \
    X(open, 110)        \
    X(close, 16)        \
    X(mknod, 10)        \
    X(symlink, 10)      \
    X(readlink, 6)      \
    X(link, 40)         \
    X(unlink, 26)       \
    X(rename, 50)       \
    X(lstat, 10)        \
    X(stat, 10)         \
    X(access, 12)       \
    X(chmod, 26)        \
    X(fchmod, 8)        \
    X(chown, 20)        \
    X(lchown, 8)        \
    X(fchown, 6)        \
    X(utimens, 20)      \
    X(futimens, 8)      \
    X(truncate, 16)     \
    X(ftruncate, 30)    \
    X(pread, 40)        \
    X(pwrite, 90)       \
    X(read, 16)         \
    X(write, 30)        \
    X(seek, 30)         \
    X(fallocate, 26)    \
    X(copy_range, 24)   \
    X(map_write, 30)    \
    X(map_read, 20)     \
    X(xattr_set, 24)    \
    X(xattr_get, 14)    \
    X(xattr_list, 10)   \
    X(xattr_remove, 10) \
    X(acl_set, 20)      \
    X(acl_get, 10)      \
    X(list, 30)         \
    X(tmpfile, 10)      \
    X(link_fd, 10)      \
    X(fsync, 6)         \
    X(fstat, 20)

#define OP_ENUM(name, weight) OP_##name,
enum op_kind { OP_KINDS(OP_ENUM) OP_COUNT };
#undef OP_ENUM

struct op {
    enum op_kind kind;
    unsigned user; /* index into the side's table of users; 0 is root */
    unsigned slot, slot2;
    char path[OP_PATH_MAX], path2[OP_PATH_MAX]; /* relative to the lane's directory */
    uint64_t offset, offset2;
    uint32_t len, mode, flags;
    uint32_t uid, gid;
    uint64_t seed; /* of the data, and of anything else that is random */
};

/* The operation number `index` of the sequence `seed`. */
void op_make(uint64_t seed, uint64_t index, struct op *ret);

/* One line that says what it does, for people. */
void op_print(const struct op *op, char *buf, size_t size);

const char *op_name(enum op_kind kind);

#endif
