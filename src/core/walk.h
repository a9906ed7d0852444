/* SPDX-License-Identifier: MIT */
/*
 * The walk along a path. lt_walk_parent() goes as far as the directory that holds
 * the last component, and leaves that component to the caller, who looks it up,
 * makes, removes or renames it; lt_walk_entry() takes the last step too.
 */
#ifndef LT_CORE_WALK_H
#define LT_CORE_WALK_H

#include "core.h"

#define LT_WALK_LINKS_MAX 40u /* symbolic links in one walk (Linux MAXSYMLINKS) */

enum walk_last { WALK_NAME, WALK_DOT, WALK_DOTDOT, WALK_ROOT };

struct lt_walk {
    const struct lt_ctx *ctx; /* never NULL */
    struct lt_node *dir;      /* where we are: referenced */
    struct lt_attr dir_attr;  /* of dir, where dir_known */
    bool dir_known;
    bool slash;          /* the last component is followed by a '/' */
    enum walk_last kind; /* of the last component */
    struct lt_str last;  /* the last component */
    const char *rest;    /* what lies ahead */
    char *expanded;      /* NULL, or the memory that `rest` lies in after a symbolic link */
    unsigned links;
};

/* Starts at `base`, or at the root for an absolute path. Undone by lt_walk_end(), also after a
 * failure. */
int lt_walk_start(struct lt_walk *w, const struct lt_ctx *ctx, struct lt_node *base,
                  const char *path);
void lt_walk_end(struct lt_walk *w);

/* Up to the directory of the last component, which may be searched. */
int lt_walk_parent(struct lt_walk *w);

/* Replaces the last component, the symbolic link `link` in w->dir, by its target; the next
 * lt_walk_parent() goes on there. */
int lt_walk_follow(struct lt_walk *w, struct lt_node *link);

/* To the end. With `follow` (or a trailing '/') a last symbolic link is followed. The entry's node
 * is the caller's. */
int lt_walk_entry(struct lt_walk *w, bool follow, struct lt_entry *ret);

/* Whether ctx may do `want` in w->dir. */
int lt_walk_check(struct lt_walk *w, uint32_t want);

/* The end of lt_path_link() and lt_file_link(): one more name, `path`, for from->node. */
int lt_walk_link(const struct lt_ctx *ctx, const struct lt_entry *from, struct lt_node *base,
                 const char *path);

/* Attributes of w->dir. */
int lt_walk_dir_attr(struct lt_walk *w, const struct lt_attr **ret);

#endif
