/* SPDX-License-Identifier: MIT */
/*
 * Random operations on two file systems at once, which must answer alike: a RAM disk, the model,
 * and an image.
 */
#ifndef LT_TESTS_UNIT_FS_IMAGE_TWINS_H
#define LT_TESTS_UNIT_FS_IMAGE_TWINS_H

#include "../mem/random.h"

#include <lintel/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <test.h>

#define TWINS_NAMES 12u /* of a directory */
#define TWINS_DEPTH 3u  /* of directories, at most */
#define TWINS_IO 70000u /* bytes of one write, at most */

/* One operation: the same for both. Everything in it is a number from the seed. */
struct twins_op {
    unsigned kind, dir[TWINS_DEPTH], depth, name, to_dir[TWINS_DEPTH], to_depth, to_name;
    uint64_t offset, random;
    size_t len;
};

static inline struct lt_str twins_name(char *buf, unsigned n)
{
    static const char *const begin[] = {"name", "A rather longer Name, number ", "n"};
    int len = snprintf(buf, 64, "%s%u", begin[n % 3], n);
    return lt_strn(buf, (size_t)len);
}

static inline void twins_make(struct twins_op *op, uint64_t *seed)
{
    *op = (struct twins_op){.kind = (unsigned)random_below(seed, 100)};
    op->depth = (unsigned)random_below(seed, TWINS_DEPTH + 1);
    op->to_depth = (unsigned)random_below(seed, TWINS_DEPTH + 1);
    for (unsigned i = 0; i < TWINS_DEPTH; i++) {
        op->dir[i] = (unsigned)random_below(seed, 3);
        op->to_dir[i] = (unsigned)random_below(seed, 3);
    }
    op->name = (unsigned)random_below(seed, TWINS_NAMES);
    op->to_name = (unsigned)random_below(seed, TWINS_NAMES);
    op->offset = random_below(seed, 4) ? random_below(seed, 20000) : random_below(seed, 1u << 22);
    op->len =
        (size_t)(random_below(seed, 3) ? random_below(seed, 3000) : random_below(seed, TWINS_IO));
    op->random = random_next(seed);
}

/* The directory that the numbers lead to, as far as there is one; with a reference. */
static inline struct lt_node *twins_dir(struct lt_fs *fs, const unsigned *dir, unsigned depth)
{
    struct lt_node *node = lt_node_get(lt_fs_root(fs));
    for (unsigned i = 0; i < depth; i++) {
        struct lt_entry e = {.node = NULL};
        char buf[64];
        if (lt_node_lookup(NULL, node, twins_name(buf, dir[i]), &e) < 0)
            break;
        if (e.node->type != LT_S_IFDIR) {
            lt_node_put(e.node);
            break;
        }
        lt_node_put(node);
        node = e.node;
    }
    return node;
}

static inline int twins_create(struct lt_node *dir, struct lt_str name, const struct twins_op *op)
{
    static const uint32_t types[] = {LT_S_IFREG, LT_S_IFREG, LT_S_IFREG, LT_S_IFDIR,
                                     LT_S_IFDIR, LT_S_IFLNK, LT_S_IFCHR, LT_S_IFIFO};
    struct lt_create spec = {
        .mode = types[op->random % 8] | (uint32_t)(op->random >> 8 & 0777),
        .rdev = (uint32_t)op->offset,
        .target = lt_str("some/where/else"),
        .win_attrs = op->random & 0x100000 ? LT_WIN_HIDDEN : 0,
        .uid = (uint32_t)(op->random >> 24 & 3),
        .exact = true,
    };
    struct lt_entry e = {.node = NULL};
    int r = lt_node_create(NULL, dir, name, &spec, &e);
    if (r == 0)
        lt_node_put(e.node);
    return r;
}

static inline int twins_write(struct lt_node *node, const struct twins_op *op)
{
    static uint8_t buf[TWINS_IO];
    for (size_t i = 0; i < op->len; i++)
        buf[i] = (uint8_t)(op->random + i * 7);
    return lt_node_pwrite(NULL, node, op->offset, buf, op->len);
}

static inline int twins_setattr(struct lt_node *node, const struct twins_op *op)
{
    static const uint32_t masks[] = {
        LT_SET_MODE,  LT_SET_UID | LT_SET_GID, LT_SET_ATIME | LT_SET_MTIME,
        LT_SET_BTIME, LT_SET_WIN_ATTRS,        LT_SET_CTIME,
    };
    const struct lt_setattr set = {
        .mask = masks[op->random % 6],
        .mode = (uint32_t)(op->random >> 8 & 07777),
        .uid = (uint32_t)(op->random >> 8 & 0xffff),
        .gid = (uint32_t)(op->random >> 24 & 0xff),
        .win_attrs = LT_WIN_ARCHIVE,
        .atime = {(int64_t)(op->random >> 4), 1},
        .mtime = {-(int64_t)(op->random >> 30), 999999999},
        .ctime = {(int64_t)op->offset, 5},
        .btime = {(int64_t)op->offset * 1000, 6},
    };
    return lt_node_setattr(NULL, node, &set, NULL);
}

static inline int twins_truncate(struct lt_node *node, const struct twins_op *op)
{
    const struct lt_setattr set = {.mask = LT_SET_SIZE, .size = op->offset};
    return lt_node_setattr(NULL, node, &set, NULL);
}

static inline int twins_xattr(struct lt_node *node, const struct twins_op *op)
{
    static char value[5000];
    char buf[32];
    struct lt_str name =
        lt_strn(buf, (size_t)snprintf(buf, sizeof(buf), "trusted.x%u", (unsigned)(op->random % 4)));
    if (op->random & 0x30000)
        return lt_node_xattr_set(NULL, node, name, lt_strn(value, op->len % sizeof(value)), 0);
    return lt_node_xattr_remove(NULL, node, name);
}

static inline int twins_stream(struct lt_node *node, const struct twins_op *op)
{
    char buf[32], other[32];
    struct lt_str name =
        lt_strn(buf, (size_t)snprintf(buf, sizeof(buf), "stream%u", (unsigned)(op->random % 4)));
    struct lt_str to = lt_strn(
        other, (size_t)snprintf(other, sizeof(other), "STREAM%u", (unsigned)(op->random >> 4 & 3)));
    struct lt_node *stream;
    if ((op->random >> 16) % 4 == 0)
        return lt_node_stream_remove(NULL, node, name);
    if ((op->random >> 16) % 4 == 1)
        return lt_node_stream_rename(NULL, node, name, to, true);
    int r = lt_node_stream_open(NULL, node, name, LT_STREAM_CREATE, &stream);
    if (r < 0)
        return r;
    r = (op->random >> 24) % 4 ? twins_write(stream, op) : twins_truncate(stream, op);
    lt_node_put(stream);
    return r;
}

static inline int twins_windows(struct lt_node *node, const struct twins_op *op)
{
    /* IO_REPARSE_TAG_SYMLINK's neighbour: a third party's tag with a GUID */
    static const char reparse[28] = {0x34, 0x12, 0, 0, 4, 0, 0, 0, 1};
    /* an owner, no group, no lists */
    static const char security[32] = {1, 0, 0, (char)0x80, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      0, 0, 0, 0,          1,  1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    const struct lt_ea ea = {lt_str("EA"), lt_strn(security, op->len % 30), 0};
    switch (op->random % 5) {
    case 0:
        return lt_node_ea_set(NULL, node, &ea, 1, false);
    case 1:
        return lt_node_reparse_set(NULL, node, lt_strn(reparse, sizeof(reparse)));
    case 2:
        return lt_node_reparse_remove(NULL, node, lt_strn("", 0));
    case 3:
        return lt_node_security_set(NULL, node, lt_strn("", 0));
    default:
        return lt_node_security_set(NULL, node, lt_strn(security, sizeof(security)));
    }
}

static inline int twins_allocate(struct lt_node *node, const struct twins_op *op)
{
    static const uint32_t modes[] = {0, LT_FALLOC_KEEP_SIZE, LT_FALLOC_ZERO,
                                     LT_FALLOC_PUNCH_HOLE | LT_FALLOC_KEEP_SIZE};
    return lt_node_allocate(NULL, node, modes[op->random % 4], op->offset, op->len + 1);
}

/* On a node that is there. */
static inline int twins_on_node(struct lt_node *node, const struct twins_op *op)
{
    bool file = node->type == LT_S_IFREG;
    if (op->kind < 60)
        return file ? twins_write(node, op) : 0;
    if (op->kind < 65)
        return file ? twins_truncate(node, op) : 0;
    if (op->kind < 70)
        return file ? twins_allocate(node, op) : 0;
    if (op->kind < 78)
        return twins_setattr(node, op);
    if (op->kind < 84)
        return twins_xattr(node, op);
    if (op->kind < 92)
        return twins_stream(node, op);
    return twins_windows(node, op);
}

static inline int twins_on_names(struct lt_fs *fs, struct lt_node *dir, struct lt_str name,
                                 const struct twins_op *op)
{
    static const uint32_t flags[] = {0, 0, LT_RENAME_NOREPLACE, LT_RENAME_EXCHANGE,
                                     LT_RENAME_WHITEOUT};
    char buf[64];
    struct lt_str to = twins_name(buf, op->to_name);
    if (op->kind < 20)
        return twins_create(dir, name, op);
    if (op->kind < 30)
        return lt_node_remove(NULL, dir, name, LT_REMOVE_ANY, NULL);
    struct lt_node *to_dir = twins_dir(fs, op->to_dir, op->to_depth);
    struct lt_entry e = {.node = NULL}, made = {.node = NULL};
    int r;
    if (op->kind < 36) {
        r = lt_node_lookup(NULL, dir, name, &e);
        if (r == 0)
            r = lt_node_link(NULL, e.node, to_dir, to, &made);
        lt_node_put(made.node);
        lt_node_put(e.node);
    } else {
        r = lt_node_rename(NULL, dir, name, to_dir, to, flags[op->random % 5]);
    }
    lt_node_put(to_dir);
    return r;
}

static inline int twins_run(struct lt_fs *fs, const struct twins_op *op)
{
    char buf[64];
    struct lt_str name = twins_name(buf, op->name);
    struct lt_node *dir = twins_dir(fs, op->dir, op->depth);
    struct lt_entry e = {.node = NULL};
    int r;
    if (op->kind < 45) {
        r = twins_on_names(fs, dir, name, op);
    } else {
        r = lt_node_lookup(NULL, dir, name, &e);
        if (r == 0)
            r = twins_on_node(e.node, op);
        lt_node_put(e.node);
    }
    lt_node_put(dir);
    return r;
}

/* `count` operations on both, which answer alike. */
static inline void twins_step(struct lt_fs *one, struct lt_fs *two, uint64_t *seed, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct twins_op op;
        twins_make(&op, seed);
        int a = twins_run(one, &op), b = twins_run(two, &op);
        if (a != b)
            fail_msg("operation %u, kind %u: %d and %d", i, op.kind, a, b);
    }
}

#endif
