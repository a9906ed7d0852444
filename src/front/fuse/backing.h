/* SPDX-License-Identifier: MIT */
/*
 * Passthrough: open files that the kernel reads, writes and maps by itself, in a
 * backing file that the file system provides (FUSE_PASSTHROUGH, Linux 6.9).
 *
 * The kernel wants all opens of an inode to agree: either all pass through, with
 * one backing id, or none do. So the first open of a node decides, and the answer
 * stays until the last RELEASE.
 */
#ifndef LT_FRONT_FUSE_BACKING_H
#define LT_FRONT_FUSE_BACKING_H

#include <channel/channel.h>
#include <lintel/fs.h>
#include <os/os.h>

#define LT_BACKINGS_BUCKETS 256u

struct lt_backing;

/* The open files of a session. */
struct lt_backings {
    struct lt_mutex lock; /* taken before those of the file system */
    struct lt_backing *buckets[LT_BACKINGS_BUCKETS] GUARDED_BY(lock);
};

/* Whether the file system has backing files to offer, and this process may use them. */
bool lt_backings_possible(struct lt_fs *fs);

/*
 * One more open of a node; `wanted`: it should pass through if this open is the first. *ret_id: the
 * backing id, or 0 if the node does not pass through. LT_ENOMEM. Every success is undone by
 * lt_backings_release().
 */
int lt_backings_open(struct lt_backings *backings, struct lt_channel *channel,
                     const struct lt_ctx *ctx, struct lt_node *node, bool wanted, int32_t *ret_id);

/* One open less; returns whether it was the last of a node that passed through. */
bool lt_backings_release(struct lt_backings *backings, struct lt_channel *channel,
                         struct lt_node *node);

/* Ends all that is left when the peer is gone. */
void lt_backings_fini(struct lt_backings *backings);

#endif
