// SPDX-License-Identifier: MIT
#include "report.h"

#include "output.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- From a file system ---------------------------------------------------------------------- */

static void report_volume(struct lt_json *json, struct lt_fs *fs)
{
    struct lt_volume v;
    char serial[16];
    lt_fs_volume(fs, &v);
    snprintf(serial, sizeof(serial), "%04X-%04X", v.serial >> 16, v.serial & 0xffff);
    lt_json_object(json, "volume");
    lt_json_text(json, "kind", v.kind);
    lt_json_text(json, "label", v.label);
    lt_json_text(json, "serial", serial);
    lt_json_text(json, "file_system", v.fs_name);
    lt_json_text(json, "case", v.name_case == LT_CASE_INSENSITIVE ? "insensitive" : "sensitive");
    lt_json_bool(json, "read_only", v.read_only);
    lt_json_bool(json, "windows_metadata", v.has_windows);
    lt_json_i64(json, "created", v.created.sec);
    lt_json_object_end(json);
}

static void report_space(struct lt_json *json, struct lt_fs *fs)
{
    struct lt_statfs s;
    if (lt_fs_statfs(NULL, fs, &s) != LT_OK)
        return;
    lt_json_object(json, "space");
    lt_json_u64(json, "total", s.total);
    lt_json_u64(json, "used", s.used);
    lt_json_u64(json, "data", s.data);
    lt_json_u64(json, "metadata", s.metadata);
    lt_json_u64(json, "free", s.free);
    lt_json_u64(json, "available", s.available);
    lt_json_u64(json, "nodes", s.nodes);
    lt_json_u64(json, "nodes_max", s.nodes_max);
    lt_json_u64(json, "block_size", s.block_size);
    lt_json_u64(json, "name_max", s.name_max);
    lt_json_object_end(json);
}

static int report_fact(void *arg, const char *name, uint64_t value)
{
    lt_json_u64(arg, name, value);
    return 0;
}

void lt_report_fs(struct lt_json *json, struct lt_fs *fs)
{
    report_volume(json, fs);
    report_space(json, fs);
    lt_json_object(json, "facts");
    lt_fs_facts(fs, report_fact, json);
    lt_json_object_end(json);
}
