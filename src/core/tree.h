/* SPDX-License-Identifier: MIT */
/*
 * Tree copies: what all directions share. A job has a path (for messages and tar
 * names), a buffer, and counts; the walk goes over a Lintel tree and hands each
 * node to a sink; targets in a Lintel file system are made by tree_make().
 */
#ifndef LT_CORE_TREE_H
#define LT_CORE_TREE_H

#include "idmap.h"
#include "meta.h"

#include <lintel/tree.h>

#define TREE_BUFFER ((size_t)256 * 1024)

struct tree_job {
    const struct lt_ctx *ctx;        /* never NULL */
    struct lt_tree_options *options; /* never NULL */
    struct lt_tree_options none;     /* `options` where the caller gave none */
    struct lt_diag *diag;            /* may be NULL */
    const char *verb;                /* "copy": for messages */
    uint64_t next_report;            /* lt_clock_ns() */
    char *buffer;                    /* TREE_BUFFER bytes */
    char *path;                      /* relative to the tree, with NUL */
    size_t path_len, path_capacity;
    struct meta meta; /* of the node at hand */
};

int tree_job_init(struct tree_job *job, const struct lt_ctx *ctx, struct lt_tree_options *options,
                  struct lt_diag *diag, const char *verb);
void tree_job_fini(struct tree_job *job);

/* Appends a component to the path; returns the length before for tree_path_cut(). LT_ENOMEM. */
int tree_path_push(struct tree_job *job, struct lt_str name, size_t *ret_before);
void tree_path_cut(struct tree_job *job, size_t before);

/* Counts, reports progress, and says LT_ECANCELED when it is time to stop. */
int tree_count(struct tree_job *job, uint64_t files, uint64_t bytes);

/* Explains an error with the path; returns it. A diag that is already filled stays. */
int tree_fail(struct tree_job *job, int error);

/* ---- The walk over a Lintel tree ------------------------------------------------------------- */

/* What to do with the nodes of a tree: directories before their content. job->path is the
 * node's, "" for the top. */
struct tree_sink {
    int (*node)(struct tree_sink *sink, struct lt_str name, struct lt_node *node,
                const struct lt_attr *attr);
    int (*leave)(struct tree_sink *sink, struct lt_node *dir); /* behind a directory's content */
};

int tree_walk(struct tree_job *job, struct lt_node *from, struct tree_sink *sink);

/* Takes a run of data; negative ends the reading. */
typedef int tree_data_fn(void *arg, uint64_t offset, const char *bytes, size_t len);

/* Calls fn for each run of data of a file, holes left out, with bytes in job->buffer. */
int tree_read_data(struct tree_job *job, struct lt_node *node, uint64_t size, tree_data_fn *fn,
                   void *arg);

/* Streams too long for job->meta, from one Lintel file system to another. */
int tree_copy_streams(struct tree_job *job, struct lt_node *from, const struct lt_attr *attr,
                      struct lt_node *to);

/* ---- Making nodes in a Lintel file system ---------------------------------------------------- */

/* Makes a node as `attr` says (type, permissions, owner, rdev). */
int tree_make(struct tree_job *job, struct lt_node *dir, struct lt_str name,
              const struct lt_attr *attr, struct lt_str target, struct lt_node **ret);

/* One more name for a node that is finished, whose times stay as they are. */
int tree_link(struct tree_job *job, struct lt_node *node, struct lt_node *dir, struct lt_str name);

/* Writes all of it. LT_ENOSPC. */
int tree_write(struct tree_job *job, struct lt_node *node, uint64_t offset, const char *bytes,
               size_t len);

/* Applies job->meta to a node and collects in *late, beside its times, what must come last. */
int tree_apply_meta(struct tree_job *job, struct lt_node *node, const struct lt_attr *attr,
                    struct lt_setattr *late);

/* What must come last: times, attributes, flags. */
int tree_finish(struct tree_job *job, struct lt_node *node, const struct lt_setattr *late);

/* ---- Directions (lt_tree_load and lt_tree_save choose) --------------------------------------- */

int tree_host_load(struct tree_job *job, const char *path, struct lt_node *to);
int tree_host_save(struct tree_job *job, struct lt_node *from, const char *path);
int tree_tar_load(struct tree_job *job, const char *path, struct lt_node *to);
int tree_tar_save(struct tree_job *job, struct lt_node *from, const char *path);

#endif
