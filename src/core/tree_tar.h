/* SPDX-License-Identifier: MIT */
/* How a tree lies in a tar archive; shared by tree_tar_load.c and tree_tar_save.c. */
#ifndef LT_CORE_TREE_TAR_H
#define LT_CORE_TREE_TAR_H

#include "tar.h"
#include "tree.h"

#include <os/host.h>

#define TAR_XATTR "SCHILY.xattr." /* pax key before the name of an extended attribute (star) */
#define TAR_META "LINTEL."        /* pax key instead of META_PREFIX */
#define TAR_TYPE "LINTEL.type"    /* "socket": a type that tar does not know */

/* A member that is the stream, named here, of the member whose path is there. */
#define TAR_STREAM "LINTEL.stream"
#define TAR_STREAM_OF "LINTEL.stream-of"

/* GNU's format of sparse files in pax archives, version 1.0: the content begins with a map in
 * decimal lines (count; offset and size of each run), filled up with NUL to a whole block. */
#define TAR_SPARSE_NAME "GNU.sparse.name"
#define TAR_SPARSE_SIZE "GNU.sparse.realsize"
#define TAR_SPARSE_MAJOR "GNU.sparse.major"
#define TAR_SPARSE_MINOR "GNU.sparse.minor"

/* Where an archive is read from, in order. */
struct tar_source {
    /* Up to len bytes; 0 at the end. */
    int64_t (*read)(struct tar_source *source, void *buf, size_t len);
};

/* Reads a whole archive into `to`. */
int tree_tar_read(struct tree_job *job, struct tar_source *source, struct lt_node *to);

static inline uint64_t tar_padding(uint64_t size)
{
    return -size & (TAR_BLOCK - 1);
}

#endif
