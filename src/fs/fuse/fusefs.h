/* SPDX-License-Identifier: MIT */
/*
 * fusefs: any FUSE server as a file system. What the files of this folder share.
 *
 * A node stands for a node id of the server; the table gives one node to one id. The server counts
 * lookups of an id, and so do we: each reply that names it is one more, and when the node goes its
 * count goes back as a forget. A node whose last reference went is kept for a while, in the order
 * of its last use, as long as its entry or attributes are fresh: that is the cache. Forgets are
 * collected and sent in batches, never before the replies of requests that named the node.
 *
 * Trust: nothing that the server says is believed. Ids 0 and 1 are not given out by lookups, types
 * do not change, names have no '/' and NUL, sizes are in range, directories end.
 *
 * After the server died and could be started again, the connection has a new `epoch`: nodes of an
 * older one are looked up anew by their last name, along their parents, when they are next used
 * (LT_ESTALE if they are gone); open files are opened again.
 *
 * Lock order: fs->table.lock, then a node's lock, then fs->forgets.lock. None is held over a call.
 */
#ifndef LT_FS_FUSE_FUSEFS_H
#define LT_FS_FUSE_FUSEFS_H

#include "start.h"

#include <channel/client.h>
#include <core/fs_ops.h>
#include <os/os.h>
#include <wire/fuse/ops.h>

struct lt_fusefs_options {
    uint64_t entry_ns, attr_ns; /* UINT64_MAX: as the server says; else at most this */
    uint64_t timeout_ns;        /* of one request; 0: none */
    uint32_t max_write;
    bool read_only;
    bool restart;           /* start a program again after it died */
    enum lt_case name_case; /* LT_CASE_INSENSITIVE on a case-sensitive server: names are searched */
    size_t cache_nodes;     /* nodes kept without references */
};

/* Handles of the server for one node, opened when data is first asked for. */
struct fuse_handle {
    uint64_t fh;
    uint32_t open_flags; /* LT_FOPEN_... */
    uint32_t users;
    uint32_t epoch;
    bool valid;
};

struct fuse_node {
    struct lt_node node;    /* node.id is the server's id; of another epoch, what it was at first */
    struct fuse_node *hash; /* in the table */
    struct fuse_node *newer, *older; /* of those without references */
    uint64_t nodeid;                 /* of the server, in `epoch`; under the lock */
    uint64_t lookups;                /* that the server counts for nodeid */
    uint64_t generation;
    uint32_t epoch;

    struct lt_mutex lock;
    struct lt_attr attr;    /* as of attr_until */
    uint64_t attr_until_ns; /* monotonic; 0: stale */
    uint64_t attr_version;  /* grows with each change of ours, so that an old reply is not kept */

    /* One name, the last by which it was seen: for restart, parents, and names(). */
    struct fuse_node *parent; /* with a reference; NULL: the root, or unknown */
    char *name;               /* malloc'd */
    size_t name_len;
    uint64_t entry_until_ns; /* how long that name may be believed */

    struct fuse_handle read, write; /* files; `read` for directories too */
    uint32_t opens;                 /* lt_node_open() without lt_node_close() */
    bool removed;                   /* its last name went */
};

struct fuse_fs {
    struct lt_fs fs;
    struct lt_fusefs_options options;
    struct lt_volume volume;
    char *source;
    struct lt_server server;
    _Atomic(struct lt_client *) client;

    /* Negotiated */
    uint32_t minor;
    uint64_t features; /* LT_FUSE_... that both have */
    uint32_t max_write, max_read;
    uint32_t time_gran_ns;
    bool lintel; /* the server is a Lintel: it has the Windows half (docs/design/bridge.md) */

    _Atomic(uint64_t) missing[2]; /* a bit an opcode: answered LT_ENOSYS before */
    atomic_uint epoch;

    struct fuse_table *table;
    struct fuse_forgets *forgets;
    struct fuse_node *root;
};

#endif
