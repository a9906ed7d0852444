/* SPDX-License-Identifier: MIT */
/* How a tree lies in a host directory; shared by tree_host_load.c and tree_host_save.c. */
#ifndef LT_CORE_TREE_HOST_H
#define LT_CORE_TREE_HOST_H

#include "tree.h"

#include <os/host.h>

#define HOST_PREFIX "user." /* before META_PREFIX: names of the Windows half as host attributes */

/* A name longer than a host's is cut there, and whole in this attribute. */
#define HOST_NAME "user.lintel.name"
#define HOST_NAME_MAX 255u

#endif
