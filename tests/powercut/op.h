/* SPDX-License-Identifier: MIT */
/*
 * One random operation. It is a pure function of (seed, index), so that a run can be
 * repeated, and is carried out by lintel/fs.h on any file system.
 */
#ifndef POWERCUT_OP_H
#define POWERCUT_OP_H

#include <lintel/fs.h>

#include <stdio.h>

#define HELD 3u /* nodes that stay referenced, whatever becomes of their names */

/* X(name, weight) */
#define OP_KINDS(X)   \
    X(create, 12)     \
    X(mkdir, 8)       \
    X(symlink, 3)     \
    X(mknod, 1)       \
    X(unlink, 10)     \
    X(rmdir, 3)       \
    X(rename, 12)     \
    X(exchange, 3)    \
    X(noreplace, 2)   \
    X(whiteout, 1)    \
    X(link, 6)        \
    X(write, 30)      \
    X(append, 8)      \
    X(truncate, 8)    \
    X(allocate, 4)    \
    X(punch, 4)       \
    X(zero, 2)        \
    X(collapse, 1)    \
    X(insert, 1)      \
    X(copy, 3)        \
    X(chmod, 3)       \
    X(chown, 3)       \
    X(utimens, 2)     \
    X(attributes, 2)  \
    X(set_xattr, 7)   \
    X(del_xattr, 2)   \
    X(stream, 6)      \
    X(del_stream, 2)  \
    X(mv_stream, 1)   \
    X(set_ea, 4)      \
    X(set_reparse, 2) \
    X(del_reparse, 1) \
    X(security, 3)    \
    X(label, 1)       \
    X(hold, 4)        \
    X(tmpfile, 2)     \
    X(held_write, 3)  \
    X(held_link, 2)   \
    X(drop, 4)        \
    X(fresh, 6)       \
    X(replace, 6)     \
    X(fsync, 9)       \
    X(fdatasync, 2)   \
    X(sync, 3)

enum op_kind {
#define OP_ENUM(name, weight) OP_##name,
    OP_KINDS(OP_ENUM)
#undef OP_ENUM
};

struct op {
    enum op_kind kind;
    char a[24], b[24];    /* paths */
    uint64_t offset, len; /* bytes */
    uint64_t seed;        /* of the content */
    uint32_t number;      /* mode, slot, length of a value ... */
};

/* A file system, and what is held of it. */
struct side {
    struct lt_fs *fs;
    struct lt_node *held[HELD];
    uint32_t block_size; /* bytes; the larger one of both sides */
};

void op_make(struct op *op, uint64_t seed, uint64_t index);
/* Its result: alike on all file systems. */
int64_t op_apply(const struct op *op, struct side *side);
void op_print(const struct op *op, FILE *to);

/* Whether everything is durable when it has succeeded, in any mode. */
static inline bool op_is_sync(const struct op *op)
{
    return op->kind == OP_sync;
}

/* Whether, with sync=fsync, all metadata is durable when it has succeeded, and the data of `path`
 * ("FILE" or "FILE:STREAM"). */
bool op_is_fsync(const struct op *op, char *path, size_t size);

/* Gives back what is held. */
void side_drop(struct side *side);

#endif
