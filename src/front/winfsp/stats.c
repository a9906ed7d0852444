// SPDX-License-Identifier: MIT
#include "stats.h"

static const char *const names[LT_FSP_KIND_END] = {
    [LT_FSP_CREATE] = "create",
    [LT_FSP_OVERWRITE] = "overwrite",
    [LT_FSP_CLEANUP] = "cleanup",
    [LT_FSP_CLOSE] = "close",
    [LT_FSP_READ] = "read",
    [LT_FSP_WRITE] = "write",
    [LT_FSP_QUERY_INFORMATION] = "query_information",
    [LT_FSP_SET_INFORMATION] = "set_information",
    [LT_FSP_QUERY_EA] = "query_ea",
    [LT_FSP_SET_EA] = "set_ea",
    [LT_FSP_FLUSH_BUFFERS] = "flush_buffers",
    [LT_FSP_QUERY_VOLUME] = "query_volume",
    [LT_FSP_SET_VOLUME] = "set_volume",
    [LT_FSP_QUERY_DIRECTORY] = "query_directory",
    [LT_FSP_FILE_SYSTEM_CONTROL] = "file_system_control",
    [LT_FSP_DEVICE_CONTROL] = "device_control",
    [LT_FSP_QUERY_SECURITY] = "query_security",
    [LT_FSP_SET_SECURITY] = "set_security",
    [LT_FSP_QUERY_STREAMS] = "query_streams",
};

static uint64_t load(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Only one thread writes: a load and a store do, where an atomic addition would cost a bus lock. */
static void add(atomic_ullong *counter, uint64_t n)
{
    atomic_store_explicit(counter, load(counter) + n, memory_order_relaxed);
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned octave = ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;
    return octave < FSP_STATS_BUCKETS ? octave : FSP_STATS_BUCKETS - 1;
}

void fsp_stats_count(struct fsp_stats *stats, uint32_t kind, int32_t status, uint64_t ns)
{
    if (kind >= LT_FSP_KIND_END || names[kind] == NULL)
        return;
    struct fsp_stats_kind *k = &stats->kinds[kind];
    add(&k->count, 1);
    add(&k->errors, status < 0);
    add(&k->sum_ns, ns);
    if (ns > load(&k->max_ns))
        atomic_store_explicit(&k->max_ns, ns, memory_order_relaxed);
    add(&k->buckets[bucket_of(ns)], 1);
}

void fsp_stats_malformed(struct fsp_stats *stats)
{
    add(&stats->malformed, 1);
}

struct sum {
    uint64_t count, errors, sum_ns, max_ns;
    uint64_t buckets[FSP_STATS_BUCKETS];
};

static void add_up(struct sum *sum, const struct fsp_stats_kind *k)
{
    sum->count += load(&k->count);
    sum->errors += load(&k->errors);
    sum->sum_ns += load(&k->sum_ns);
    uint64_t max = load(&k->max_ns);
    sum->max_ns = max > sum->max_ns ? max : sum->max_ns;
    for (unsigned i = 0; i < FSP_STATS_BUCKETS; i++)
        sum->buckets[i] += load(&k->buckets[i]);
}

/* The upper end of the octave in which that many percent are reached. */
static uint64_t percentile(const struct sum *sum, unsigned percent)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < FSP_STATS_BUCKETS; i++) {
        uint64_t end = UINT64_C(2) << i;
        seen += sum->buckets[i];
        if (seen * 100 >= sum->count * percent)
            return end < sum->max_ns ? end : sum->max_ns;
    }
    return sum->max_ns;
}

static void put_kind(struct lt_json *j, const struct sum *sum, const char *name)
{
    lt_json_object(j, name);
    lt_json_u64(j, "count", sum->count);
    lt_json_u64(j, "errors", sum->errors);
    lt_json_u64(j, "mean_ns", sum->sum_ns / sum->count);
    lt_json_u64(j, "p50_ns", percentile(sum, 50));
    lt_json_u64(j, "p99_ns", percentile(sum, 99));
    lt_json_u64(j, "max_ns", sum->max_ns);
    lt_json_object_end(j);
}

void fsp_stats_json(struct lt_json *j, const struct fsp_stats *const *stats, size_t count)
{
    uint64_t malformed = 0;
    for (size_t i = 0; i < count; i++)
        malformed += load(&stats[i]->malformed);
    lt_json_u64(j, "malformed", malformed);
    lt_json_object(j, "requests");
    for (uint32_t kind = 0; kind < LT_FSP_KIND_END; kind++) {
        struct sum sum = {0};
        for (size_t i = 0; i < count; i++)
            add_up(&sum, &stats[i]->kinds[kind]);
        if (sum.count > 0)
            put_kind(j, &sum, names[kind]);
    }
    lt_json_object_end(j);
}
