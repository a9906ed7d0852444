/* SPDX-License-Identifier: MIT */
/*
 * The volume, its nodes and their names: what all of memfs works on.
 *
 * Life of a node: mem_node_new() gives it one reference and an id. Every name
 * (struct mem_entry) holds one more. When the last reference goes, nobody can reach it but
 * through the index of ids, which gives references only to nodes that still have one;
 * mem_node_release() takes it out there and frees it.
 *
 * Lock order:
 *   mem_fs.rename_lock           renames between two directories, one at a time
 *   mem_node.lock of directories a parent before its children; two parents of a rename: the
 *                                ancestor first, unrelated ones in any order (only a holder of
 *                                rename_lock ever holds two such)
 *   mem_node.lock of others      after the directories that lead to them, one at a time, but for
 *                                copy_range, which takes two files in the order of their addresses
 *   mem_node.lock of streams     after their main node's
 *   mem_fs.security.lock, mem_fs.ids.lock, mem_fs.label_lock, mem_slab.lock, mem_arena.lock,
 *   mem_fs.backed.lock
 */
#ifndef LT_FS_MEM_NODE_H
#define LT_FS_MEM_NODE_H

#include "data.h"
#include "ids.h"
#include "tree.h"

#include <assert.h>
#include <base/hash.h>
#include <core/fs_ops.h>

/* 12 bytes instead of 16: a node has four of them. */
struct mem_time {
    uint32_t sec_low;
    int32_t sec_high;
    uint32_t nsec;
};

struct lt_hidden;
struct mem_ext;
struct mem_fs;
struct mem_node;
struct mem_security;

/* A name: an entry of a directory. Immutable but for the links. */
struct mem_entry {
    struct mem_node *node;          /* holds a reference */
    struct mem_node *dir;           /* the directory that it is in; lives at least as long */
    struct mem_entry *next, **prev; /* node->lock: further names of the node */
    uint16_t len;
    char name[]; /* no NUL */
};

/* lt_node.flags, guarded by the node's lock. */
enum {
    MEM_LINKABLE = 0x1, /* made without a name, may get one */
    MEM_BACKED = 0x2    /* the data lies in the kernel: backed.h */
};

struct mem_backing {
    int fd;         /* a file of mem_fs.backed.store */
    unsigned opens; /* the kernel's: while there are any it changes the file by itself */
};

struct mem_node {
    struct lt_node base;
    struct lt_rwlock lock; /* guards all that follows */
    uint32_t uid, gid;
    uint32_t nlink; /* 0: removed, or not yet named */
    struct mem_time atime, mtime, ctime, btime;
    uint64_t version;
    struct mem_entry *names;  /* one at most for a directory */
    struct mem_ext *ext;      /* NULL: nothing of the rare things, see ext.h */
    struct mem_node *id_next; /* guarded by mem_fs.ids.lock: see ids.h */
    uint16_t mode;            /* permissions */
    uint16_t win_attrs;
    uint16_t inode_flags;
    uint16_t target_len; /* symlinks */
    union {
        struct mem_data data;       /* regular files, streams */
        struct mem_backing backing; /* regular files with MEM_BACKED */
        struct mem_tree tree;       /* directories: entries by key */
        char *target;               /* symlinks: immutable */
        uint32_t rdev;              /* devices: immutable */
    };
};
static_assert(sizeof(struct mem_node) <= 160, "a node has a slab class of its own size");

/* A named stream: uses only data, version and lock of its node; the rest is the main node's. */
struct mem_stream {
    struct mem_node node;
    struct mem_node *main;   /* immutable; see stream.c for who keeps it alive */
    struct mem_stream *next; /* main->lock */
    struct mem_blob *name;   /* main->lock */
    bool listed;             /* main->lock: still a stream of main */
    bool idle;               /* main->lock: without references */
};

struct mem_fs {
    struct lt_fs base;
    struct mem_arena arena;
    struct mem_ids ids;
    struct lt_hash_key hash_key; /* immutable */
    enum lt_case name_case;      /* immutable */
    uint32_t generation;         /* immutable: of every node, random per volume */
    struct lt_mutex rename_lock;
    struct lt_mutex label_lock;
    struct lt_volume volume; /* label: label_lock; the rest is immutable */
    struct {
        struct lt_mutex lock;
        struct mem_tree tree; /* struct mem_security by key */
    } security;
    struct {
        struct lt_mutex lock;
        _Atomic(struct lt_hidden *) store; /* set once */
        uint64_t total;                    /* lock: pages of the volume; arena.limit is a part */
    } backed;                              /* see backed.h */
};

static inline struct mem_fs *mem_fs(struct lt_fs *fs)
{
    return (struct mem_fs *)fs;
}

static inline struct mem_node *mem_node(struct lt_node *node)
{
    return (struct mem_node *)node;
}

static inline struct mem_fs *mem_fs_of(const struct mem_node *node)
{
    return (struct mem_fs *)node->base.fs;
}

static inline struct mem_arena *mem_arena_of(const struct mem_node *node)
{
    return &mem_fs_of(node)->arena;
}

static inline bool mem_is_dir(const struct mem_node *node)
{
    return node->base.type == LT_S_IFDIR;
}

static inline bool mem_is_stream(const struct mem_node *node)
{
    return node->base.type == LT_S_STREAM;
}

/* The node that has the attributes: of a stream its main node, of others itself. */
static inline struct mem_node *mem_main(struct mem_node *node)
{
    return mem_is_stream(node) ? ((struct mem_stream *)node)->main : node;
}

/* ---- Times --------------------------------------------------------------------------------- */

static inline struct mem_time mem_time(struct lt_time t)
{
    return (struct mem_time){(uint32_t)(uint64_t)t.sec, (int32_t)(t.sec >> 32), t.nsec};
}

static inline struct lt_time lt_time_of(struct mem_time t)
{
    return (struct lt_time){(int64_t)((uint64_t)(uint32_t)t.sec_high << 32 | t.sec_low), t.nsec};
}

/* Below, equal to or above 0: a is before, equal to or after b. */
static inline int mem_time_order(struct lt_time a, struct lt_time b)
{
    if (a.sec != b.sec)
        return a.sec < b.sec ? -1 : 1;
    return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}

/* Records a change of attributes, or of data too. */
static inline void mem_changed(struct mem_node *node, struct mem_time now) REQUIRES(node->lock)
{
    node->ctime = now;
    node->version++;
}

static inline void mem_modified(struct mem_node *node, struct mem_time now) REQUIRES(node->lock)
{
    node->mtime = now;
    mem_changed(node, now);
}

static inline struct mem_time mem_now(void)
{
    return mem_time(lt_clock_now());
}

/* ---- Nodes --------------------------------------------------------------------------------- */

/* A node of the given type with one reference and an id, without a name. LT_ENOSPC. */
int mem_node_new(struct mem_fs *fs, const struct lt_create *spec, struct mem_node **ret);

/* lt_fs_ops.release */
void mem_node_release(struct lt_node *node);

/* Fills *ret; `node` is no stream. */
void mem_node_attr(const struct mem_node *node, struct lt_attr *ret) REQUIRES_SHARED(node->lock);

/* The same for any node, which is not locked. */
void mem_attr(struct mem_node *node, struct lt_attr *ret);

/* Notes a read of data, a directory or a link where its atime is due (as with relatime). The node
 * is not locked. */
void mem_accessed(struct mem_node *node);

/* Clears set-uid, set-gid of group-executables and security.capability. */
void mem_kill_priv(struct mem_node *node) REQUIRES(node->lock);

#endif
