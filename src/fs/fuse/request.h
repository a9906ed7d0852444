/* SPDX-License-Identifier: MIT */
/*
 * How requests are sent: every one of fusefs goes through here.
 *
 * A request names nodes, not node ids: an id is good for one epoch only, and is put in when the
 * connection is known over which the request goes. A node of an older epoch is looked up first.
 */
#ifndef LT_FS_FUSE_REQUEST_H
#define LT_FS_FUSE_REQUEST_H

#include "fusefs.h"

/* A request, in the caller's memory. Members that are not set are 0. */
struct fuse_request {
    uint32_t opcode;
    struct fuse_node *node; /* NULL: node id 0 */
    const void *args;       /* fixed arguments; the caller's until the end */
    size_t args_len;
    struct fuse_node *node2;   /* NULL, or a second node: */
    uint64_t *node2_at;        /* where in `args` its id is to be written */
    struct lt_str name, name2; /* sent with their NULs where s is set */
    const struct lt_seg *data; /* payload: FUSE_DATA_SEGS, or twice as many without names */
    size_t data_count;
    /* NULL: any. Else what `args` says (a handle) is good for this epoch alone: LT_ESTALE, without
     * having been sent, where the connection is another. */
    const uint32_t *epoch;

    struct lt_seg out[2]; /* where the reply's body goes */
    size_t out_count;
    size_t out_min; /* a shorter body is LT_EPROTO */

    size_t out_len;      /* out: bytes of the body */
    uint32_t sent_epoch; /* out: of the connection that it went over */

    /* fuse_send() to fuse_wait() */
    struct fuse_link *link;
    struct lt_client_call call;
    struct lt_seg in[8];
};

#define FUSE_DATA_SEGS 3u

/*
 * Sends a request and waits for the reply. Returns 0 or the server's error; LT_ENOSYS also without
 * asking, if that was the answer before. LT_ENOTCONN: the server is gone, and cannot be
 * started again. LT_ESTALE: the node is of a server that is gone, and has no name any more.
 */
int fuse_call(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_request *r);

/* The same in halves, to have several under way. After fuse_send() returned 0, fuse_wait() must
 * follow on the same thread. */
int fuse_send(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_request *r);
int fuse_wait(struct fuse_fs *fs, struct fuse_request *r);

/* Whether the server said before that it does not know this request. */
#define FUSE_MISSING_BITS 64u /* opcodes beyond it are asked each time */
static inline bool fuse_is_missing(const struct fuse_fs *fs, uint32_t opcode)
{
    return opcode < FUSE_MISSING_BITS &&
           atomic_load_explicit(&fs->missing, memory_order_relaxed) >> opcode & 1;
}

/* The connection, started anew if it has died and can be; with a user more. LT_ENOTCONN. */
int fuse_link_get(const struct lt_ctx *ctx, struct fuse_fs *fs, struct fuse_link **ret);
void fuse_link_put(struct fuse_fs *fs, struct fuse_link *link);

/* The connection as it is, with a user more. */
struct fuse_link *fuse_link_peek(struct fuse_fs *fs);

/* Whether a new server has been started since that epoch. */
bool fuse_epoch_is_old(struct fuse_fs *fs, uint32_t epoch);

/* Ends and frees a connection that nobody uses. */
void fuse_link_free(struct fuse_link *link);

/* Speaks INIT over a fresh connection and takes over the server; also if it fails. */
int fuse_link_new(struct fuse_fs *fs, const struct lt_server *server, struct fuse_link **ret,
                  struct lt_diag *diag);

#endif
