/* SPDX-License-Identifier: MIT */
/* Nodes by the server's ids and by names: how replies become nodes, and nodes forgets. */
#ifndef LT_FS_FUSE_TABLE_H
#define LT_FS_FUSE_TABLE_H

#include "fusefs.h"

#include <wire/fuse/reply.h>

int fuse_table_init(struct fuse_fs *fs);
void fuse_table_fini(struct fuse_fs *fs);

/*
 * The node that a reply named, once more looked up, with a reference. `type` as of lt_node.type.
 * On failure the lookup has been given back: LT_ENOMEM; LT_ESTALE: the server
 * of that epoch is gone.
 */
int fuse_node_take(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t generation,
                   uint32_t type, struct fuse_node **ret);

/* `stream` is a named stream of `file`, which lives at least as long. */
void fuse_stream_of(struct fuse_node *stream, struct fuse_node *file);

/* Its file, without a reference, or NULL where that is not known yet. */
struct fuse_node *fuse_stream_file(struct fuse_node *stream);

/* lt_fs_ops.release */
void fuse_release(struct lt_node *node);

/* Drops nodes without references, the oldest first, until `keep` are left. */
void fuse_table_trim(struct fuse_fs *fs, size_t keep);

/* The live node with this lt_node.id, or that the server calls so now; with a reference, or NULL.
 */
struct fuse_node *fuse_table_by_id(struct fuse_fs *fs, uint64_t id);
struct fuse_node *fuse_table_by_nodeid(struct fuse_fs *fs, uint64_t nodeid);

/* ---- Names ----------------------------------------------------------------------------------- */

/* What is known of a name. */
enum fuse_known { FUSE_UNKNOWN, FUSE_PRESENT, FUSE_ABSENT };

/* FUSE_PRESENT: *ret with a reference. `stale` too: also names that were good once. */
enum fuse_known fuse_name_find(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                               bool stale, struct fuse_node **ret);

/*
 * The server said that `name` in `dir` means `node`, or (NULL) nothing, for so long. Where the
 * names of the directory have changed since `begun`, it is remembered but not believed.
 */
void fuse_name_learn(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                     struct fuse_node *node, uint64_t ns, uint64_t begun);

/*
 * Names in `dir` have changed, by a request of ours: what others asked for before is old. To be
 * called before names are dropped or learnt; returns the `begun` to learn them with. `begun` is
 * from before the request.
 */
uint64_t fuse_dir_change(struct fuse_node *dir, uint64_t begun);

/* The name means something else now, or nothing. */
void fuse_name_drop(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name);

/* A rename: what is known of `name` is true of `new_name` now. */
void fuse_name_move(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                    struct fuse_node *new_dir, struct lt_str new_name, uint64_t begun);

/* Whether any name of the node is known. */
bool fuse_node_has_name(struct fuse_node *node);

/* `name` in `dir` is none of this node's any more, in whatever spelling the volume takes for the
 * same. */
void fuse_node_unname(struct fuse_fs *fs, struct fuse_node *node, struct fuse_node *dir,
                      struct lt_str name);

/* Is not believed any more, but still remembered. */
void fuse_name_expire(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name);

/*
 * The latest name of a node: its directory with a reference, and the name into LT_NAME_MAX bytes.
 * LT_ENOENT.
 */
int fuse_node_name(struct fuse_node *node, struct fuse_node **ret_dir, char *buf, size_t *ret_len);

/* ---- Forgets --------------------------------------------------------------------------------- */

int fuse_forgets_init(struct fuse_fs *fs);
void fuse_forgets_fini(struct fuse_fs *fs);

/* `count` lookups of an id of this epoch go back: sent with others, or `now`. */
void fuse_forget(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t count, bool now);

/* The same from callbacks of the client: sent by whoever comes next. */
void fuse_forget_later(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid, uint64_t count);

void fuse_forgets_flush(struct fuse_fs *fs);

/* ---- Attributes ------------------------------------------------------------------------------ */

/* The count to pass to fuse_attr_learn(), from before the request was sent. */
static inline uint64_t fuse_attr_begin(const struct fuse_fs *fs)
{
    return atomic_load(&fs->changes);
}

/* How fuse_attr_learn() may use what it is given. */
enum {
    FUSE_ATTR_OURS = 0x1, /* the request changed the node: other replies under way are old */
    FUSE_ATTR_WHOLE = 0x2 /* the attributes are all that the interface has (from a Lintel) */
};

/*
 * Checked attributes from a reply, good for so long. LT_ESTALE: the node is of another type now.
 * *ret (or NULL): as the interface has them.
 */
int fuse_attr_learn(struct fuse_node *node, const struct lt_attr *attr, uint64_t ns, uint64_t begun,
                    uint32_t flags, struct lt_attr *ret);

/* The same from a reply to GETATTR or SETATTR; LT_EIO if it makes no sense. */
int fuse_attr_out_learn(struct fuse_node *node, const struct lt_fuse_attr_out *out, uint64_t begun,
                        uint32_t flags, struct lt_attr *ret);

/* We changed the node, or somebody else did: what is known is old. */
void fuse_attr_drop(struct fuse_node *node);

/* What is known, if it is still good. */
bool fuse_attr_cached(struct fuse_node *node, struct lt_attr *ret);

/* A node as a reply names it: a lookup. */
struct fuse_seen {
    uint64_t nodeid, generation;
    uint64_t entry_ns, attr_ns; /* UINT64_MAX: for ever */
    uint32_t type;              /* as of lt_node.type */
    uint32_t flags;             /* FUSE_ATTR_... */
    uint64_t begun;             /* fuse_attr_begin() from before the request */
    uint32_t epoch;             /* of the connection */
    struct lt_attr attr;        /* checked */
};

/*
 * The node that a reply named for `name` in `dir` (NULL: without a name), with a reference, and its
 * attributes. With FUSE_ATTR_OURS the name is new, and fuse_dir_change() has been seen to. Members
 * of *ret about the name stay as they are. On failure the lookup has been given back.
 */
int fuse_seen_learn(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                    const struct fuse_seen *seen, struct lt_entry *ret);

/* The same from a struct lt_fuse_entry_out that came over the connection of this epoch. LT_EIO:
 * it makes no sense. */
int fuse_entry_learn(struct fuse_fs *fs, uint32_t epoch, struct fuse_node *dir, struct lt_str name,
                     const struct lt_fuse_entry_out *out, uint64_t begun, uint32_t flags,
                     struct lt_entry *ret);

/* A reply that nobody wants: its lookup goes back. */
void fuse_entry_drop(struct fuse_fs *fs, uint32_t epoch, uint64_t nodeid);

#endif
