/* SPDX-License-Identifier: MIT */
/* Trees of the host as lintel/tree.h has them, directories and tar archives, and besides the trees
 * in disk images. */
#ifndef LT_CLI_TREES_H
#define LT_CLI_TREES_H

#include <lintel/tree.h>

/* lt_tree_load(), or lt_tree_copy() out of an image, which is opened for reading only. */
int lt_trees_load(const char *path, struct lt_node *to, struct lt_tree_options *options,
                  struct lt_diag *diag);

/*
 * lt_tree_save(), or, if `path` is an image or ends in ".img", into a new image that takes its
 * place in one step, as with lt_tree_save(). It gets label and rules of names of the volume, and
 * size and block size of the image before, if there was one and all fits; else it has room to grow.
 */
int lt_trees_save(struct lt_node *from, const char *path, struct lt_tree_options *options,
                  struct lt_diag *diag);

#endif
