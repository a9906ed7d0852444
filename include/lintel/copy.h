/* SPDX-License-Identifier: MIT */
/*
 * Copying files and trees onto what is there already, as cp(1) does it: within a
 * file system, from one to another, and between one and the host.
 *
 * Everything goes along, as lintel/tree.h has it: all types of files, hard links
 * among what is copied, holes, times, modes, owners, extended attributes, ACLs and
 * the Windows half. Directories are merged. Another file that has the name already
 * is replaced in one step when the copy is complete; what else had that file as a
 * name keeps it. What fails is told, and the rest goes on, unless no more can be
 * written at all.
 */
#ifndef LINTEL_COPY_H
#define LINTEL_COPY_H

#include <lintel/tree.h>

/* A file: in a file system, or of the host. */
struct lt_copy_place {
    struct lt_node *base; /* where a relative path starts; NULL: the host */
    const char *path;     /* a symbolic link as last component is meant itself */
    const char *shown;    /* what the callbacks call it; NULL: path */
};

/* A file of the host, as stat(2) has it. */
struct lt_copy_id {
    uint32_t dev_major, dev_minor;
    uint64_t inode;
};

struct lt_copy_options {
    bool recursive; /* directories with what is in them; without it LT_EISDIR */
    bool keep;      /* names that are there already stay what they are, silently */
    bool plain;     /* only types, data and permissions go along: new files of the caller */
    uint32_t uid, gid, umask; /* of plain copies */

    const struct lt_copy_id *skip; /* files of the host that are left out: the image itself */
    size_t skip_count;

    /* After each file and, when it is made, each directory. May be NULL. */
    void (*copied)(void *arg, const char *from, const char *to);
    /* What could not be copied; `why` is a sentence's end, borrowed. May be NULL. */
    void (*failed)(void *arg, const char *from, const char *to, int error, const char *why);
    void *arg;

    uint64_t left_out;           /* out: files that were skipped or kept */
    struct lt_tree_options tree; /* progress, cancel and, out, status */
};

/* Copies that belong together: links among them stay links. */
struct lt_copy;

/* `options` is the caller's and lives as long as the copy does. ctx may be NULL. LT_ENOMEM. */
int lt_copy_start(const struct lt_ctx *ctx, struct lt_copy_options *options, struct lt_copy **ret);

/*
 * Copies `from` to the very name `to`, whose directory exists. A path that ends in
 * "." or "..", or is "/", means that directory. Returns 0, or the first error of those that
 * failed() heard of. From the host to the host: LT_EOPNOTSUPP.
 */
int lt_copy_add(struct lt_copy *copy, const struct lt_copy_place *from,
                const struct lt_copy_place *to);

void lt_copy_end(struct lt_copy *copy);

#endif
