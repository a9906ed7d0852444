/* SPDX-License-Identifier: MIT */
/*
 * The two ends of a copy: a Lintel file system (copy_fs.c) and the host (copy_host.c).
 * copy.c goes over both by directories held open and entries by name. All functions
 * return 0 or a negative error unless they say otherwise.
 */
#ifndef LT_CORE_COPY_H
#define LT_CORE_COPY_H

#include "tree.h"
#include "tree_host.h"

#include <lintel/copy.h>

/* A directory of either end. */
struct copy_dir {
    const struct copy_ops *ops; /* NULL: not open */
    struct lt_node *node;       /* file system: referenced */
    struct lt_dir *listing;
    struct lt_host_dir *host;
    char *path; /* host: where it is, for links */
};

/* An entry of a directory. Without a name it is the directory itself. */
struct copy_entry {
    char name[LT_NAME_MAX + 1];
    size_t len;
    char host[HOST_NAME_MAX + 1]; /* the host's form of the name */
    struct lt_attr attr;
    uint64_t dev;              /* host */
    struct lt_node *node;      /* file system: referenced, once it was found or made */
    bool opened;               /* file system: `node` is open for writing, once it was made */
    struct lt_host_file *file; /* host: open for writing, once it was made */
};

struct copy_ops {
    /* Opens the directory at `path`. */
    int (*open)(struct tree_job *job, const struct lt_copy_place *place, const char *path,
                struct copy_dir *ret);
    void (*close)(struct copy_dir *dir);
    /* Opens a directory found in one. */
    int (*enter)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                 struct copy_dir *ret);
    /* Fills attr by name. */
    int (*find)(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry);
    /* Gives up what an entry holds. */
    void (*drop)(struct copy_entry *entry);

    /* ---- As the source ---- */

    /* The name of the next entry: 1, or 0 at the end. */
    int (*next)(struct tree_job *job, struct copy_dir *dir, struct copy_entry *ret);
    /* The target of a symlink: its length, without NUL. */
    int (*target)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                  char *buf, size_t size);
    /* All metadata into job->meta. */
    int (*read_meta)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry);
    /* Calls fn for each run of data. */
    int (*read_data)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                     tree_data_fn *fn, void *arg);

    /* ---- As the target ---- */

    /* Makes the entry as `attr` says. */
    int (*make)(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry,
                const struct lt_attr *attr, struct lt_str target);
    int (*write)(struct tree_job *job, struct copy_entry *entry, uint64_t offset, const char *bytes,
                 size_t len);
    int (*set_size)(struct tree_job *job, struct copy_entry *entry, uint64_t size);
    /* Applies job->meta, owner, mode and times; nothing is written afterwards. */
    int (*finish)(struct tree_job *job, struct copy_dir *dir, struct copy_entry *entry,
                  const struct lt_attr *attr);
    /* What one more name for the entry will be made from; ended by `forget`. NULL: no memory. */
    void *(*remember)(struct copy_dir *dir, const struct copy_entry *entry);
    void (*forget)(void *memory);
    int (*link)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry,
                void *memory);
    int (*rename)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *from,
                  const struct copy_entry *to);
    /* Removes what is no directory. */
    int (*remove)(struct tree_job *job, struct copy_dir *dir, const struct copy_entry *entry);
};

extern const struct copy_ops copy_fs_ops, copy_host_ops;

/* Names an entry, in both forms. LT_ENAMETOOLONG. */
int copy_entry_name(struct copy_entry *entry, struct lt_str name);

static inline struct lt_str copy_name(const struct copy_entry *entry)
{
    return lt_strn(entry->name, entry->len);
}

static inline uint32_t copy_type(const struct copy_entry *entry)
{
    return entry->attr.mode & LT_S_IFMT;
}

#endif
