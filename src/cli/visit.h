/* SPDX-License-Identifier: MIT */
/* The walk over a tree in a file system: ls -R, find, du, rm -r and chmod -R are made of it. */
#ifndef LT_CLI_VISIT_H
#define LT_CLI_VISIT_H

#include <lintel/fs.h>

/* What is being looked at; all borrowed. */
struct lt_visit {
    const char *path; /* where the walk started and what lies between: "disk.img:/a/b" */
    struct lt_str name;
    struct lt_node *dir; /* that holds it; NULL for the start */
    struct lt_node *node;
    const struct lt_attr *attr;
    unsigned depth; /* 0: the start */
};

enum { LT_VISIT_SKIP = 1 }; /* what enter() returns to leave the content of a directory out */

struct lt_visitor {
    /* Before the content of a directory, and for everything else. Negative ends the walk. */
    int (*enter)(struct lt_visitor *visitor, const struct lt_visit *visit);
    /* Behind the content of a directory, or NULL. */
    int (*leave)(struct lt_visitor *visitor, const struct lt_visit *visit);
    /* The directory at `path` cannot be listed, or not to its end; or NULL. */
    void (*failed)(struct lt_visitor *visitor, const char *path, int error);
};

/* Goes over `node`, which is shown as `path`, and what is below it. Returns 0, what a callback
 * returned, or LT_ENOMEM. */
int lt_visit_tree(struct lt_visitor *visitor, struct lt_node *node, const char *path);

/* ---- One directory --------------------------------------------------------------------------- */

/* An entry that is held: a reference, a copy of its name. */
struct lt_listed {
    char *name; /* with NUL */
    size_t name_len;
    struct lt_node *node;
    struct lt_attr attr;
};

struct lt_listing {
    struct lt_listed *entries;
    size_t count, capacity;
    uint64_t cookie; /* where the next piece begins */
    bool ended;
};

/* The next piece of a directory: up to `max` entries (0: all) are added. */
int lt_listing_read(struct lt_listing *listing, struct lt_node *dir, size_t max);
void lt_listing_clear(struct lt_listing *listing);
void lt_listing_fini(struct lt_listing *listing);

#endif
