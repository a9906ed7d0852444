// SPDX-License-Identifier: MIT
#include "registry.h"

#include <fs/image/image.h>
#include <fs/mem/mem.h>

const struct lt_fs_kind lt_fs_kinds[] = {
    {"mem", "RAM disk", lt_memfs_open, NULL},
    {"image", "disk image", lt_imgfs_open, lt_imgfs_probe},
    {NULL, NULL, NULL, NULL},
};
