/* SPDX-License-Identifier: MIT */
/*
 * Open files of a file system that wants to know of them (struct lt_volume.has_open): what each
 * handle on the wire has opened. A peer that invents handles, or goes without giving its own up,
 * does not bring the file system's count out of balance.
 */
#ifndef LT_FRONT_FUSE_OPENS_H
#define LT_FRONT_FUSE_OPENS_H

#include <lintel/fs.h>
#include <os/os.h>

struct lt_open;

struct lt_opens {
    struct lt_mutex lock; /* leaf */
    struct lt_open *slots GUARDED_BY(lock);
    uint32_t size GUARDED_BY(lock), used GUARDED_BY(lock);
    uint32_t free GUARDED_BY(lock); /* the first of those given up, + 1; 0: none */
};

/* Opens a node (LT_OPEN_...); *ret_fh is its handle on the wire. LT_ENOMEM, and what the file
 * system says. */
int lt_opens_add(struct lt_opens *opens, const struct lt_ctx *ctx, struct lt_node *node,
                 uint32_t flags, uint64_t *ret_fh);

/*
 * One descriptor of the handle is closed, and its owner wants to hear of errors: the node is closed
 * for it. There may be more descriptors and hence more of this; in between the handle still does,
 * for I/O needs no open node. LT_EBADF: no such handle.
 */
int lt_opens_flush(struct lt_opens *opens, const struct lt_ctx *ctx, struct lt_node *node,
                   uint64_t fh);

/* Ends a handle. One that is none of this node is ignored. */
void lt_opens_release(struct lt_opens *opens, const struct lt_ctx *ctx, struct lt_node *node,
                      uint64_t fh);

/* Ends all that is left when the peer is gone. */
void lt_opens_fini(struct lt_opens *opens);

#endif
