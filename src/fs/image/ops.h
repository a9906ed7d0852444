/* SPDX-License-Identifier: MIT */
/* The functions of lt_fs_ops, by file. */
#ifndef LT_FS_IMAGE_OPS_H
#define LT_FS_IMAGE_OPS_H

#include "node.h"

#endif
