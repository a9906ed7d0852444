/* SPDX-License-Identifier: MIT */
/*
 * What a file system holds, in a form that can be compared: its metadata as text, a line
 * a name, and its files and streams in the order of that text.
 */
#ifndef POWERCUT_STATE_H
#define POWERCUT_STATE_H

#include <lintel/fs.h>

#include <stdio.h>

/* A file or stream that the text names. */
struct state_file {
    char path[64];  /* "d/a" or "d/a:stream" */
    uint64_t id;    /* of the file system, with its generation: the same for all names of a file */
    size_t size;    /* bytes */
    uint8_t *bytes; /* NULL where the content was not asked for; owned */
};

struct state {
    char *text;               /* owned */
    size_t count;             /* of the files that the text names */
    size_t held;              /* of those behind them */
    struct state_file *files; /* [count + held] */
    uint64_t nodes;           /* in the tree, each counted once */
};

/* Times, sizes and allocation are left out: of those, the last moments may be missing. Returns 0,
 * or the error of the file system, with what failed in `what`. */
int state_read(struct lt_fs *fs, struct state *ret, char *what, size_t what_size);
/* Adds a file that may have no name, behind those of the text. */
int state_add_held(struct state *state, struct lt_node *node);
void state_fini(struct state *state);

/* The file with this path; NULL. */
const struct state_file *state_find(const struct state *state, const char *path);

/* Prints the lines in which two texts differ. */
void state_diff(const char *expected, const char *found, FILE *to);

#endif
