/* SPDX-License-Identifier: MIT */
/*
 * Every request of the FUSE protocol up to 7.45, in one table: its number, its
 * fixed arguments, and what follows them.
 */
#ifndef LT_WIRE_FUSE_OPS_H
#define LT_WIRE_FUSE_OPS_H

#include "proto.h"

#include <stdbool.h>

/* What follows the fixed arguments. */
enum {
    LT_FUSE_NAME = 0x1,       /* a name with its NUL */
    LT_FUSE_NAME2 = 0x2,      /* a second one */
    LT_FUSE_DATA = 0x4,       /* bytes to the end of the message */
    LT_FUSE_NO_REPLY = 0x8,   /* the kernel waits for no answer and takes none */
    LT_FUSE_ZERO_NODE = 0x10, /* header.nodeid is 0 or of no meaning */
    LT_FUSE_WAITS = 0x20      /* takes as long as somebody else likes */
};

/*
 * X(NAME, number, handler, type, follows): `handler` is the function of a server;
 * `type` the member of union lt_fuse_args with the fixed arguments, `none` if there are none.
 */
#define LT_FUSE_OPS(X)                                                                 \
    X(LOOKUP, 1, lookup, none, LT_FUSE_NAME)                                           \
    X(FORGET, 2, forget, forget, LT_FUSE_NO_REPLY)                                     \
    X(GETATTR, 3, getattr, getattr, 0)                                                 \
    X(SETATTR, 4, setattr, setattr, 0)                                                 \
    X(READLINK, 5, readlink, none, 0)                                                  \
    X(SYMLINK, 6, symlink, none, LT_FUSE_NAME | LT_FUSE_NAME2)                         \
    X(MKNOD, 8, mknod, mknod, LT_FUSE_NAME)                                            \
    X(MKDIR, 9, mkdir, mkdir, LT_FUSE_NAME)                                            \
    X(UNLINK, 10, unlink, none, LT_FUSE_NAME)                                          \
    X(RMDIR, 11, rmdir, none, LT_FUSE_NAME)                                            \
    X(RENAME, 12, rename, rename, LT_FUSE_NAME | LT_FUSE_NAME2)                        \
    X(LINK, 13, link, link, LT_FUSE_NAME)                                              \
    X(OPEN, 14, open, open, 0)                                                         \
    X(READ, 15, read, read, 0)                                                         \
    X(WRITE, 16, write, write, LT_FUSE_DATA)                                           \
    X(STATFS, 17, statfs, none, LT_FUSE_ZERO_NODE)                                     \
    X(RELEASE, 18, release, release, 0)                                                \
    X(FSYNC, 20, fsync, fsync, 0)                                                      \
    X(SETXATTR, 21, setxattr, setxattr, LT_FUSE_NAME | LT_FUSE_DATA)                   \
    X(GETXATTR, 22, getxattr, getxattr, LT_FUSE_NAME)                                  \
    X(LISTXATTR, 23, listxattr, getxattr, 0)                                           \
    X(REMOVEXATTR, 24, removexattr, none, LT_FUSE_NAME)                                \
    X(FLUSH, 25, flush, flush, 0)                                                      \
    X(INIT, 26, init, init, LT_FUSE_ZERO_NODE)                                         \
    X(OPENDIR, 27, opendir, open, 0)                                                   \
    X(READDIR, 28, readdir, read, 0)                                                   \
    X(RELEASEDIR, 29, releasedir, release, 0)                                          \
    X(FSYNCDIR, 30, fsyncdir, fsync, 0)                                                \
    X(GETLK, 31, getlk, lk, 0)                                                         \
    X(SETLK, 32, setlk, lk, 0)                                                         \
    X(SETLKW, 33, setlkw, lk, LT_FUSE_WAITS)                                           \
    X(ACCESS, 34, access, access, 0)                                                   \
    X(CREATE, 35, create, create, LT_FUSE_NAME)                                        \
    X(INTERRUPT, 36, interrupt, interrupt, LT_FUSE_NO_REPLY | LT_FUSE_ZERO_NODE)       \
    X(BMAP, 37, bmap, bmap, 0)                                                         \
    X(DESTROY, 38, destroy, none, LT_FUSE_ZERO_NODE)                                   \
    X(IOCTL, 39, ioctl, ioctl, LT_FUSE_DATA)                                           \
    X(POLL, 40, poll, poll, 0)                                                         \
    X(NOTIFY_REPLY, 41, notify_reply, notify_retrieve,                                 \
      LT_FUSE_DATA | LT_FUSE_NO_REPLY | LT_FUSE_ZERO_NODE)                             \
    X(BATCH_FORGET, 42, batch_forget, batch_forget,                                    \
      LT_FUSE_DATA | LT_FUSE_NO_REPLY | LT_FUSE_ZERO_NODE)                             \
    X(FALLOCATE, 43, fallocate, fallocate, 0)                                          \
    X(READDIRPLUS, 44, readdirplus, read, 0)                                           \
    X(RENAME2, 45, rename2, rename2, LT_FUSE_NAME | LT_FUSE_NAME2)                     \
    X(LSEEK, 46, lseek, lseek, 0)                                                      \
    X(COPY_FILE_RANGE, 47, copy_file_range, copy_file_range, 0)                        \
    X(SETUPMAPPING, 48, unsupported, setupmapping, 0)                                  \
    X(REMOVEMAPPING, 49, unsupported, removemapping, LT_FUSE_DATA | LT_FUSE_ZERO_NODE) \
    X(SYNCFS, 50, syncfs, syncfs, 0)                                                   \
    X(TMPFILE, 51, tmpfile, create, LT_FUSE_NAME)                                      \
    X(STATX, 52, statx, statx, 0)                                                      \
    X(COPY_FILE_RANGE_64, 53, copy_file_range_64, copy_file_range, 0)

enum lt_fuse_opcode {
#define LT_FUSE_OPCODE(NAME, number, handler, type, follows) LT_FUSE_##NAME = (number),
    LT_FUSE_OPS(LT_FUSE_OPCODE)
#undef LT_FUSE_OPCODE
        LT_FUSE_OPCODE_END = 54
};

/* The fixed arguments of every request. */
union lt_fuse_args {
    uint64_t none[14]; /* keeps the union at the size of the largest struct below, and aligned */
    struct lt_fuse_init_in init;
    struct lt_fuse_forget_in forget;
    struct lt_fuse_batch_forget_in batch_forget;
    struct lt_fuse_getattr_in getattr;
    struct lt_fuse_setattr_in setattr;
    struct lt_fuse_statx_in statx;
    struct lt_fuse_mknod_in mknod;
    struct lt_fuse_mkdir_in mkdir;
    struct lt_fuse_rename_in rename;
    struct lt_fuse_rename2_in rename2;
    struct lt_fuse_link_in link;
    struct lt_fuse_open_in open;
    struct lt_fuse_create_in create;
    struct lt_fuse_release_in release;
    struct lt_fuse_flush_in flush;
    struct lt_fuse_read_in read;
    struct lt_fuse_write_in write;
    struct lt_fuse_fsync_in fsync;
    struct lt_fuse_setxattr_in setxattr;
    struct lt_fuse_getxattr_in getxattr;
    struct lt_fuse_lk_in lk;
    struct lt_fuse_access_in access;
    struct lt_fuse_interrupt_in interrupt;
    struct lt_fuse_bmap_in bmap;
    struct lt_fuse_ioctl_in ioctl;
    struct lt_fuse_poll_in poll;
    struct lt_fuse_notify_retrieve_in notify_retrieve;
    struct lt_fuse_fallocate_in fallocate;
    struct lt_fuse_lseek_in lseek;
    struct lt_fuse_copy_file_range_in copy_file_range;
    struct lt_fuse_setupmapping_in setupmapping;
    struct lt_fuse_removemapping_in removemapping;
    struct lt_fuse_syncfs_in syncfs;
};

/* One row of the table. */
struct lt_fuse_op {
    const char *name; /* "LOOKUP" */
    uint16_t args;    /* bytes of fixed arguments */
    uint16_t follows; /* LT_FUSE_NAME and so on */
};

/* The row of an opcode, or NULL. */
const struct lt_fuse_op *lt_fuse_op(uint32_t opcode);

#endif
