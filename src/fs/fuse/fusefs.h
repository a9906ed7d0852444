/* SPDX-License-Identifier: MIT */
/*
 * fusefs: any FUSE server as a file system. What the files of this folder share.
 *
 * A node stands for a node id of the server; the table (table.h) gives one node to one id. The
 * server counts lookups of an id, and so do we: each reply that names it is one more, and when the
 * node goes its count goes back as a forget. A node whose last reference went is kept for a while,
 * in the order of its last use: that is the cache. Forgets are collected and sent in batches
 * (forget.c); a request in flight holds a reference to its node, so none overtakes a reply.
 *
 * Trust: nothing that the server says is believed. Ids 0 and 1 are not given out by lookups, types
 * do not change, names have no '/' and NUL, sizes are in range, directories end.
 *
 * After the server died and could be started again, the connection has a new `epoch`: nodes of an
 * older one are looked up anew by their last name, along their parents, when they are next used
 * (LT_ESTALE if they are gone); open files are opened again.
 *
 * Lock order: link_lock and restart_lock are taken with nothing else held; table.lock, then a
 * node's lock, then the forgets' lock. None is held over a call but restart_lock, and a node's
 * end_lock, which comes before all others.
 */
#ifndef LT_FS_FUSE_FUSEFS_H
#define LT_FS_FUSE_FUSEFS_H

#include "start.h"

#include <base/hash.h>
#include <channel/client.h>
#include <core/fs_ops.h>
#include <os/os.h>
#include <wire/fuse/ops.h>

struct lt_fusefs_options {
    uint64_t entry_ns, attr_ns; /* UINT64_MAX: as the server says; else at most this */
    uint64_t timeout_ns;        /* of one request; 0: none */
    uint32_t max_write;
    bool read_only;
    bool plain;             /* FUSE alone: a Lintel is not asked for more */
    bool restart;           /* start a program again after it died */
    enum lt_case name_case; /* LT_CASE_INSENSITIVE on a case-sensitive server: names are searched */
    size_t cache_nodes;     /* nodes kept without references */
};

/* What is taken where nothing is said. */
void lt_fusefs_options_init(struct lt_fusefs_options *ret);

/*
 * A file system over a server that is there already: speaks INIT with it. Takes the server over,
 * also if it fails; where it cannot be started again, `restart` is ignored.
 */
int lt_fusefs_open(const struct lt_server *server, const struct lt_fusefs_options *options,
                   struct lt_fs **ret, struct lt_diag *diag);

/* The same over one that start(what) gave, and may give again after it died (copies `what`). */
int lt_fusefs_open_restartable(const struct lt_server *server,
                               const struct lt_fusefs_options *options,
                               int (*start)(const char *what, struct lt_server *ret,
                                            struct lt_diag *diag),
                               const char *what, struct lt_fs **ret, struct lt_diag *diag);

struct fuse_handle;

/*
 * A name that the server told us of, good for a while: of a node, or (node NULL) known not to
 * exist. All members: fs->table.lock.
 */
struct fuse_name {
    struct fuse_name *hash;
    struct fuse_name *next, **prev;  /* of the names of `node`, or of the absent ones in `dir` */
    struct fuse_name *newer, *older; /* absent ones, by age */
    struct fuse_node *dir;           /* a reference, if there is a node */
    struct fuse_node *node;          /* none; the node's own list */
    uint64_t until_ns;               /* monotonic; 0: not to be believed any more */
    uint64_t key;                    /* hash of dir and text */
    uint16_t len;
    char text[]; /* no NUL */
};

struct fuse_node {
    struct lt_node
        node; /* node.id is the server's id when the node came into being, if it was free */

    /* fs->table.lock */
    struct fuse_node *by_nodeid, *by_id; /* chains of the table */
    struct fuse_node *newer, *older;     /* of those without references */
    struct fuse_name *names;             /* the latest first; one at most for a directory */
    struct fuse_name *absent;            /* names that a directory is known not to have */
    uint64_t lookups;                    /* that the server counts for nodeid */
    uint64_t generation;
    uint32_t revived;       /* releases under way that do not count any more: see table.c */
    bool idle;              /* without references, in the list of such */
    bool listed;            /* found by its nodeid; not so: another generation took its place */
    struct fuse_node *file; /* of a named stream, with a reference; set once */

    struct lt_rwlock end_lock; /* where the file ends: appends alone, other writes together */

    struct lt_mutex lock; /* what follows */
    uint64_t nodeid;      /* of the server, in `epoch` */
    uint32_t epoch;
    struct lt_attr attr;    /* as of attr_until */
    uint64_t attr_until_ns; /* monotonic; 0: stale */
    /* fs->changes as of our last change: what was asked for before is old. Written under the lock;
     * names are learnt under the table's. */
    _Atomic(uint64_t) changed;

    struct fuse_handle *read, *write; /* of a file: handle.h */
    uint32_t readers, writers;        /* lt_node_open() without lt_node_close() */
    bool lost; /* data went to a server that died, and nobody has been told yet */

    atomic_bool removed; /* the last name that we know of went */
};

/* One connection to the server; there is a new one after each restart. */
struct fuse_link {
    struct lt_client *client;
    struct lt_server server;
    uint32_t epoch;
    unsigned users; /* fs->link_lock */
    bool dead;      /* fs->link_lock: the last user frees it */
};

#define FUSE_TABLE_BUCKETS_MIN 256u

struct fuse_table {
    struct lt_mutex lock; /* all that follows, and what fuse_node says */
    struct fuse_node **by_nodeid, **by_id;
    struct fuse_name **by_name;
    size_t buckets, count;             /* a power of two, of each; nodes */
    struct fuse_node *newest, *oldest; /* idle nodes */
    size_t idle;
    struct fuse_name *newest_absent, *oldest_absent;
    size_t absent;
    uint32_t epoch;   /* of the nodes in by_nodeid */
    uint64_t next_id; /* for nodes whose nodeid is another node's id */
};

struct fuse_forgets;

/* Listings that somebody will perhaps go on with: see dir.c. */
struct fuse_listings {
    struct lt_mutex lock; /* a leaf */
    struct fuse_listing *newest;
    size_t count;
};

struct fuse_fs {
    struct lt_fs fs;
    struct lt_fs_ops ops;             /* what fs.ops points to: which ones depends on the server */
    struct lt_fusefs_options options; /* immutable */
    struct lt_volume volume;          /* label: link_lock; the rest is immutable */

    struct lt_mutex link_lock;
    struct fuse_link *link;
    struct lt_mutex restart_lock; /* held while a new server is started */
    /* NULL: it cannot be started again. Immutable. */
    int (*start)(const char *what, struct lt_server *ret, struct lt_diag *diag);
    char *start_what; /* malloc'd */

    /* Negotiated; immutable, since a restarted server must offer the same or more */
    uint32_t minor;
    uint64_t features; /* LT_FUSE_... that both have */
    uint32_t max_write, max_read;
    uint32_t time_gran_ns;
    bool lintel; /* the server is a Lintel: it has the Windows half (docs/format/bridge.md) */

    _Atomic(uint64_t) missing; /* a bit an opcode: answered LT_ENOSYS before */
    _Atomic(uint64_t) changes; /* counts changes that make replies under way old */

    struct fuse_table table;
    struct fuse_forgets *forgets;
    struct fuse_node *root;
    struct lt_hash_key hash_key;
    struct fuse_listings listings;
    atomic_ullong looked_up, forgotten; /* lookups counted, and given back: equal in the end */
};

static inline struct fuse_fs *fuse_fs(struct lt_fs *fs)
{
    return (struct fuse_fs *)fs;
}

static inline struct fuse_node *fuse_node(struct lt_node *node)
{
    return (struct fuse_node *)node;
}

static inline struct fuse_fs *fuse_fs_of(const struct fuse_node *node)
{
    return (struct fuse_fs *)node->node.fs;
}

#endif
