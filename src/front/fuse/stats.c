// SPDX-License-Identifier: MIT
#include "stats.h"

#define BUCKET_MIN_SHIFT 6u /* the first octave ends at 128 ns */

/* The bucket of a latency: octave, then its quarter. */
static uint32_t bucket_of(uint64_t ns)
{
    if (ns < UINT64_C(1) << (BUCKET_MIN_SHIFT + 1))
        return 0;
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(ns);
    uint32_t quarter = (uint32_t)(ns >> (octave - 2)) & 3;
    uint32_t bucket = (octave - BUCKET_MIN_SHIFT) * 4 + quarter;
    return bucket < LT_STATS_BUCKETS ? bucket : LT_STATS_BUCKETS - 1;
}

/* The middle of a bucket, in nanoseconds. */
static uint64_t bucket_ns(uint32_t bucket)
{
    uint32_t octave = bucket / 4 + BUCKET_MIN_SHIFT;
    uint64_t quarter = UINT64_C(1) << (octave - 2);
    return (4 + bucket % 4) * quarter + quarter / 2;
}

/* Only one thread writes: a load and a store do, where an atomic addition would cost a bus lock. */
static void add(atomic_ullong *counter, uint64_t n)
{
    uint64_t old = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, old + n, memory_order_relaxed);
}

void lt_stats_count(struct lt_stats *stats, uint32_t opcode, int error, uint64_t bytes, uint64_t ns)
{
    if (!lt_fuse_op(opcode)) /* a hostile peer sends numbers that mean nothing */
        return;
    struct lt_stats_op *op = &stats->ops[opcode];
    add(&op->count, 1);
    if (error < 0)
        add(&op->errors, 1);
    add(&op->bytes, bytes);
    add(&op->sum_ns, ns);
    if (ns > atomic_load_explicit(&op->max_ns, memory_order_relaxed))
        atomic_store_explicit(&op->max_ns, ns, memory_order_relaxed);
    _Atomic(uint32_t) *bucket = &op->buckets[bucket_of(ns)];
    uint32_t old = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, old + 1, memory_order_relaxed);
}

struct sum {
    uint64_t count, errors, bytes, sum_ns, max_ns;
    uint64_t buckets[LT_STATS_BUCKETS];
};

static uint64_t load(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_up(struct sum *sum, const struct lt_stats_op *op)
{
    sum->count += load(&op->count);
    sum->errors += load(&op->errors);
    sum->bytes += load(&op->bytes);
    sum->sum_ns += load(&op->sum_ns);
    uint64_t max = load(&op->max_ns);
    sum->max_ns = max > sum->max_ns ? max : sum->max_ns;
    for (unsigned i = 0; i < LT_STATS_BUCKETS; i++)
        sum->buckets[i] += atomic_load_explicit(&op->buckets[i], memory_order_relaxed);
}

static uint64_t percentile(const struct sum *sum, unsigned percent)
{
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < LT_STATS_BUCKETS; i++)
        total += sum->buckets[i];
    for (uint32_t i = 0; i < LT_STATS_BUCKETS; i++) {
        seen += sum->buckets[i];
        if (seen > 0 && seen * 100 >= total * percent)
            return bucket_ns(i) < sum->max_ns ? bucket_ns(i) : sum->max_ns;
    }
    return 0;
}

static void put_op(struct lt_json *j, const struct sum *sum, const char *name)
{
    lt_json_object(j, name);
    lt_json_u64(j, "count", sum->count);
    lt_json_u64(j, "errors", sum->errors);
    lt_json_u64(j, "bytes", sum->bytes);
    lt_json_u64(j, "mean_ns", sum->sum_ns / sum->count);
    lt_json_u64(j, "p50_ns", percentile(sum, 50));
    lt_json_u64(j, "p99_ns", percentile(sum, 99));
    lt_json_u64(j, "max_ns", sum->max_ns);
    lt_json_object_end(j);
}

void lt_stats_json(struct lt_json *j, struct lt_stats *const *stats, size_t count)
{
    lt_json_u64(j, "requests", lt_stats_requests(stats, count));
    lt_json_object(j, "operations");
    for (uint32_t opcode = 0; opcode < LT_FUSE_OPCODE_END; opcode++) {
        struct sum sum = {0};
        for (size_t i = 0; i < count; i++)
            add_up(&sum, &stats[i]->ops[opcode]);
        if (sum.count > 0)
            put_op(j, &sum, lt_fuse_op(opcode)->name);
    }
    lt_json_object_end(j);
}

uint64_t lt_stats_requests(struct lt_stats *const *stats, size_t count)
{
    uint64_t total = 0;
    for (uint32_t opcode = 0; opcode < LT_FUSE_OPCODE_END; opcode++) {
        const struct lt_fuse_op *op = lt_fuse_op(opcode);
        for (size_t i = 0; op && !(op->follows & LT_FUSE_NO_REPLY) && i < count; i++)
            total += load(&stats[i]->ops[opcode].count);
    }
    return total;
}
