/* SPDX-License-Identifier: MIT */
/*
 * Handles of the server: opened when they are needed, shared by all users of a node.
 *
 * A file has one handle for reading at most, and one for writing, which serves readers too where
 * the server lets it be opened for both. So who opens first decides as whom the server sees it
 * opened; whether somebody may is for lintel/path.h, or the kernel above, to ask before.
 *
 * A handle stays while the file is open (lt_node_open()), or, where I/O came without that, until
 * the node is no longer referenced. Where the server answers OPEN with ENOSYS there are none.
 */
#ifndef LT_FS_FUSE_HANDLE_H
#define LT_FS_FUSE_HANDLE_H

#include "request.h"

struct fuse_handle {
    uint64_t fh;         /* immutable, as all up to `refs` */
    uint32_t open_flags; /* LT_FOPEN_... */
    uint32_t flags;      /* LT_FUSE_O_... that it was opened with */
    uint32_t epoch;
    uint32_t refs; /* node->lock: of the node, and of requests under way */
    bool written;  /* node->lock: since the last FLUSH or FSYNC */
};

/*
 * A handle to read or write (LT_OPEN_READ, LT_OPEN_WRITE) by, opened if there is none; of a
 * directory, one of its own. *ret is NULL where the server has no use for any.
 */
int fuse_handle_get(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access,
                    struct fuse_handle **ret);

/* One that is there, or NULL. */
struct fuse_handle *fuse_handle_peek(struct fuse_node *node, uint32_t access);

/* Gives it back; the last one releases it. NULL is ignored. */
void fuse_handle_put(struct fuse_node *node, struct fuse_handle *handle);

/* It is of a server that is gone: the node's next user opens another. */
void fuse_handle_lost(struct fuse_node *node, struct fuse_handle *handle);

/* Data went to the server by this handle (or none). */
void fuse_handle_wrote(struct fuse_node *node, struct fuse_handle *handle);

/*
 * A FLUSH or FSYNC by this handle (or none) has ended with `error`: what is to be said of it.
 * LT_EIO where data went to a server that died before it could keep it.
 */
int fuse_handle_kept(struct fuse_node *node, struct fuse_handle *handle, int error);

static inline uint64_t fuse_fh(const struct fuse_handle *handle)
{
    return handle ? handle->fh : 0;
}

/* Whether a request failed because the handle in it is of a server that is gone. */
static inline bool fuse_handle_is_lost(const struct fuse_handle *handle,
                                       const struct fuse_request *r, int error)
{
    return error == LT_ESTALE && handle && r->sent_epoch != handle->epoch;
}

/*
 * Sends a request that needs a handle; its number is written to *fh_at, which lies in r->args. Once
 * more where the server was started again since the handle was opened.
 */
int fuse_handle_call(const struct lt_ctx *ctx, struct fuse_node *node, uint32_t access,
                     struct fuse_request *r, uint64_t *fh_at);

/* CREATE or TMPFILE opened a file, over the connection of that epoch, with these LT_FUSE_O_...:
 * takes the handle over. */
void fuse_handle_take(struct fuse_node *node, uint32_t epoch, const struct lt_fuse_open_out *open,
                      uint32_t flags);

/* The last reference to the node went: handles that nobody closes are released now. */
void fuse_handles_rest(struct fuse_node *node);

/* The node goes: whatever handles it still has are released. Nobody else knows the node. */
void fuse_handles_fini(struct fuse_fs *fs, struct fuse_node *node);

#endif
