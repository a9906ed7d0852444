/* SPDX-License-Identifier: MIT */
/*
 * Whole trees: from one Lintel file system to another, and between a Lintel file
 * system and the host, as a directory or a tar archive.
 *
 * Everything goes along: all types of files, hard links, holes, times, modes,
 * owners, extended attributes, ACLs, and the Windows half (attributes, birth time,
 * streams, EAs, reparse data, security descriptors). In a host directory the
 * Windows half lies in attributes user.lintel.*, in a tar archive in pax records
 * LINTEL.*; what the target cannot take (owners without privilege, attributes
 * of a host file system without them) is left out and counted, not an error.
 */
#ifndef LINTEL_TREE_H
#define LINTEL_TREE_H

#include <lintel/fs.h>

/* How far it is, or was at the end. */
struct lt_tree_status {
    uint64_t files;   /* nodes of all types */
    uint64_t bytes;   /* of data */
    uint64_t skipped; /* pieces of metadata that the target does not take */
};

struct lt_tree_options {
    /* Called about every 100 ms and at the end, on the calling thread. NULL: not. */
    void (*progress)(void *arg, const struct lt_tree_status *status);
    void *arg;
    const atomic_bool *cancel;    /* NULL, or becomes true to stop with LT_ECANCELED */
    struct lt_tree_status status; /* out, also after a failure */
};

/*
 * Copies what is in the directory `from` into the directory `to` of another file
 * system (or a directory of the same that is not below `from`), and gives `to` the
 * attributes of `from`. Names that are there already: LT_EEXIST. After a failure what
 * was copied so far is left. `diag` (or NULL) names the path.
 */
int lt_tree_copy(const struct lt_ctx *ctx, struct lt_node *from, struct lt_node *to,
                 struct lt_tree_options *options, struct lt_diag *diag);

/* The same from the host: a directory or, if `path` is a file, a tar archive (ustar, pax, GNU; not
 * compressed). LT_EBADMSG: no archive, or a damaged one. */
int lt_tree_load(const struct lt_ctx *ctx, const char *path, struct lt_node *to,
                 struct lt_tree_options *options, struct lt_diag *diag);

/*
 * Saves the directory `from` to the host: to a tar archive (pax) if `path` ends in
 * ".tar" or is a file, else to a directory. It is made complete and durable beside
 * `path` first, as PATH.lintel-new, and then takes its place in one step, so that
 * `path` is at all times the whole old or the whole new tree; the old one is then removed. What
 * an interrupted save left is replaced.
 */
int lt_tree_save(const struct lt_ctx *ctx, struct lt_node *from, const char *path,
                 struct lt_tree_options *options, struct lt_diag *diag);

#endif
