/* SPDX-License-Identifier: MIT */
/* How a tree lies in a host directory; shared by tree_host_load.c, tree_host_save.c and
 * copy_host.c. `name` NULL means the directory itself. */
#ifndef LT_CORE_TREE_HOST_H
#define LT_CORE_TREE_HOST_H

#include "tree.h"

#include <os/host.h>

#define HOST_PREFIX "user." /* before META_PREFIX: names of the Windows half as host attributes */

/* A name longer than a host's is cut there, and whole in this attribute. */
#define HOST_NAME "user.lintel.name"
#define HOST_NAME_MAX 255u

/* The host's form of a name: as it is, or cut and with a hash of the whole. */
void tree_host_name(struct lt_str name, char ret[HOST_NAME_MAX + 1]);

/* The name that an entry has with us: in `room`, or `name` itself. */
struct lt_str tree_host_own_name(struct lt_host_dir *dir, const char *name, char room[LT_NAME_MAX]);

/* All attributes of an entry into job->meta. */
int tree_host_read_meta(struct tree_job *job, struct lt_host_dir *dir, const char *name);

/* Calls fn for each run of data of a file, holes left out. */
int tree_host_read_data(struct tree_job *job, struct lt_host_dir *dir, const char *name,
                        uint64_t size, tree_data_fn *fn, void *arg);

/* Owner, mode, attributes of job->meta and times, in an order in which none takes another away. */
int tree_host_put_meta(struct tree_job *job, struct lt_host_dir *dir, const char *name,
                       const struct lt_attr *attr);

#endif
