/* SPDX-License-Identifier: MIT */
/* fusefs from a source: what the registry needs. */
#ifndef LT_FS_FUSE_SOURCE_H
#define LT_FS_FUSE_SOURCE_H

#include <lintel/fs.h>

/* `line`: ":COMMAND" or ",OPTIONS:COMMAND"; a path in the place of the command. */
int lt_fusefs_open_command(const char *line, struct lt_fs **ret, struct lt_diag *diag);
int lt_fusefs_open_unix(const char *line, struct lt_fs **ret, struct lt_diag *diag);
int lt_fusefs_open_stdio(const char *line, struct lt_fs **ret, struct lt_diag *diag);

#endif
