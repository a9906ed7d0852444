// SPDX-License-Identifier: MIT
#include "cli.h"
#include "progress.h"
#include "saver.h"

int lt_load(struct lt_fs *fs, const char *path, const char *progress)
{
    (void)fs;
    (void)progress;
    lt_complain("cannot load %s: not yet", path);
    return LT_EOPNOTSUPP;
}
