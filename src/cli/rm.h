/* SPDX-License-Identifier: MIT */
/* Removing files and trees, for rm and mv. */
#ifndef LT_CLI_RM_H
#define LT_CLI_RM_H

struct lt_place;

enum { LT_RM_RECURSIVE = 0x1, LT_RM_FORCE = 0x2, LT_RM_DIR = 0x4, LT_RM_VERBOSE = 0x8 };

/* Returns an exit code; complains. */
int lt_remove_place(const struct lt_place *place, unsigned flags);

#endif
