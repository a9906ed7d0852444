/* SPDX-License-Identifier: MIT */
/* A file system with something of everything in it. */
#ifndef LT_TESTS_IMAGES_RICH_H
#define LT_TESTS_IMAGES_RICH_H

#include <lintel/fs.h>

/* Fills an empty file system, always in the same way; `files`: entries of its largest directory.
 * Aborts where something fails that must not. */
void rich_fill(struct lt_fs *fs, unsigned files);

/* Changes some of it: renames, removals, overwriting, growing. */
void rich_change(struct lt_fs *fs);

/* A number that stands for all names, attributes and data. */
uint64_t rich_digest(struct lt_fs *fs);

#endif
