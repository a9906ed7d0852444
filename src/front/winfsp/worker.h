/* SPDX-License-Identifier: MIT */
/* The threads that answer. */
#ifndef LT_FRONT_WINFSP_WORKER_H
#define LT_FRONT_WINFSP_WORKER_H

#include "stats.h"
#include "volume.h"

int fsp_workers_start(struct lt_winfsp *v, unsigned count);
/* Joins those there are. The port has been stopped. */
void fsp_workers_end(struct lt_winfsp *v);
const struct fsp_stats *fsp_worker_stats(const struct lt_winfsp *v, unsigned index);

#endif
