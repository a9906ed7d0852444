/* SPDX-License-Identifier: MIT */
/* memfs, the RAM disk: the one function that the registry needs. */
#ifndef LT_FS_MEM_MEM_H
#define LT_FS_MEM_MEM_H

#include <lintel/fs.h>

int lt_memfs_open(const char *options, struct lt_fs **ret, struct lt_diag *diag);

#endif
