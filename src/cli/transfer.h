/* SPDX-License-Identifier: MIT */
/* What cp, mv, import and export share: places as ends of a copy. */
#ifndef LT_CLI_TRANSFER_H
#define LT_CLI_TRANSFER_H

#include "operand.h"
#include "progress.h"

#include <lintel/copy.h>

/* A copy with the messages and the progress of a command. */
struct lt_transfer {
    struct lt_copy_options options;
    struct lt_copy *copy;
    struct lt_copy_id *skip; /* owned */
    struct lt_progress progress;
    bool verbose;
    const char *verb; /* "copy" */
    uint64_t total;   /* bytes, 0: not known */
};

/* Starts it; the options keep, plain and recursive are set already. Returns an exit code. */
int lt_transfer_begin(struct lt_transfer *t, const struct lt_places *places, const char *what,
                      const char *when);

/* Copies one place to the very path `to` (shown as `shown`) of another. Returns an exit code. */
int lt_transfer_add(struct lt_transfer *t, const struct lt_place *from, const struct lt_place *to,
                    const char *path, const char *shown);

void lt_transfer_end(struct lt_transfer *t, int status);

/* Whether a place is a directory, or leads to one. */
bool lt_place_is_dir(const struct lt_place *place);

/* Where sources go: the target's own name, or a name in the directory that it is. */
struct lt_goal {
    char *path, *shown; /* owned */
};

/* Fills *ret for one source; false for lack of memory. */
bool lt_goal_of(const struct lt_place *from, const struct lt_place *to, bool into,
                struct lt_goal *ret);
void lt_goal_fini(struct lt_goal *goal);

/* Whether the target is a directory that sources go into; -1 after a complaint: it must be one.
 * `may_be_new`: "new/" may stand for a directory that is made. */
int lt_goal_is_dir(const struct lt_place *to, size_t sources, bool may_be_new);

#endif
