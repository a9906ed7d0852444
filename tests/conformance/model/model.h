/* SPDX-License-Identifier: MIT */
/*
 * The same random operations on two file systems, in process: one is the model, the other is
 * tested. After each step results, errors, data and attributes are compared; what a file
 * system may choose for itself (inode numbers, order of directories and xattrs, allocation) is
 * not. The clock is the test's (--wrap), so that times must be equal to the nanosecond.
 */
#ifndef MODEL_H
#define MODEL_H

#include "../random.h"

#include <lintel/fs.h>
#include <stdio.h>

enum { MODEL, TESTED, SIDES };
enum { SLOTS = 24, NAMES = 14, FILE_MAX = 300000 };

/* One node, on both sides: a reference on each. */
struct pair {
    struct lt_node *node[SIDES];
};

struct side {
    struct lt_fs *fs;
    const char *source;
};

extern struct side sides[SIDES];
extern struct pair slots[SLOTS]; /* some nodes that are held */
extern struct rnd rnd;

/* Says what the step does, for the report of a failure. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the run: what was compared differs. */
_Noreturn void differ(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Both results must be the same. */
void same(const int r[SIDES]);

/* ---- Picking ------------------------------------------------------------------------------- */

struct lt_str pick_name(void);
/* A held node, or now and then the root; borrowed until the slots change. */
struct pair pick(void);
/* Preferably a directory, or a file or stream. */
struct pair pick_dir(void);
struct pair pick_file(void);
/* Puts a new pair into a slot. Both must be new, or both the same as in another slot. */
void hold(struct pair pair);
void drop(unsigned slot);
void drop_all(void);

/* ---- Comparing ----------------------------------------------------------------------------- */

void same_attr(struct lt_attr a, struct lt_attr b);
/* Everything that there is to one node, or below it too. */
void same_node(struct pair pair);
void same_tree(struct pair dir, unsigned depth);

/* ---- Operations: each does one thing on both sides ----------------------------------------- */

struct op {
    const char *name;
    unsigned weight;
    void (*run)(void);
};

extern const struct op name_ops[], data_ops[], attr_ops[], windows_ops[];

#endif
