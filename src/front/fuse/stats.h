/* SPDX-License-Identifier: MIT */
/*
 * Counters and latencies by operation. Each worker counts on its own; a reader
 * sums, and may miss what is being counted.
 */
#ifndef LT_FRONT_FUSE_STATS_H
#define LT_FRONT_FUSE_STATS_H

#include <base/json.h>
#include <lintel/types.h>
#include <wire/fuse/ops.h>

/* Latencies fall into buckets of a quarter of an octave: 0.25 us to beyond a minute. */
#define LT_STATS_BUCKETS 112u

struct lt_stats_op {
    atomic_ullong count, errors, bytes, sum_ns, max_ns;
    _Atomic(uint32_t) buckets[LT_STATS_BUCKETS];
};

struct lt_stats {
    struct lt_stats_op ops[LT_FUSE_OPCODE_END];
};

/* Only the worker whose counters they are. */
void lt_stats_count(struct lt_stats *stats, uint32_t opcode, int error, uint64_t bytes,
                    uint64_t ns);

/* Writes the sum over `count` workers as members "operations" and "requests" of the open object. */
void lt_stats_json(struct lt_json *j, struct lt_stats *const *stats, size_t count);

/* How many requests all workers have counted, FORGETs and INTERRUPTs apart. */
uint64_t lt_stats_requests(struct lt_stats *const *stats, size_t count);

#endif
