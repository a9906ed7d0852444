/* SPDX-License-Identifier: MIT */
/* Counters and latencies by kind of request. Each worker counts on its own; a reader sums, and may
 * miss what is being counted. */
#ifndef LT_FRONT_WINFSP_STATS_H
#define LT_FRONT_WINFSP_STATS_H

#include <base/json.h>
#include <lintel/types.h>
#include <wire/fsp/proto.h>

#define FSP_STATS_BUCKETS 40u /* octaves of nanoseconds: up to 18 minutes */

struct fsp_stats_kind {
    atomic_ullong count, errors, sum_ns, max_ns;
    atomic_ullong buckets[FSP_STATS_BUCKETS];
};

struct fsp_stats {
    struct fsp_stats_kind kinds[LT_FSP_KIND_END];
    atomic_ullong malformed; /* messages that were no requests */
};

/* Only the worker whose counters they are. */
void fsp_stats_count(struct fsp_stats *stats, uint32_t kind, int32_t status, uint64_t ns);
void fsp_stats_malformed(struct fsp_stats *stats);

/* The sum of what `count` workers counted, as members of the open object. */
void fsp_stats_json(struct lt_json *j, const struct fsp_stats *const *stats, size_t count);

#endif
