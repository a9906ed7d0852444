// SPDX-License-Identifier: MIT
#include "options.h"

#include <base/options.h>
#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)
#define CACHE_MIN MIB
#define CACHE_DEFAULT_MIN (32 * MIB)
#define CACHE_DEFAULT_MAX (512 * MIB)
#define COMMIT_SECONDS 5u
#define COMMIT_SECONDS_MAX 3600u

int img_options_path(const char *source, char **ret, const char **ret_rest)
{
    char *path = malloc(strlen(source) + 1), *at = path;
    if (!path)
        return LT_ENOMEM;
    for (; *source && *source != ','; source++) {
        if (source[0] == '\\' && (source[1] == '\\' || source[1] == ','))
            source++;
        *at++ = *source;
    }
    *at = 0;
    *ret = path;
    *ret_rest = *source ? source + 1 : source;
    return 0;
}

/* Values as they are parsed. */
struct words {
    uint64_t cache, commit, size, block_size, log_size, nodes, mode, uid, gid;
    int sync, name_case;
    bool read_only, discard, data_checks;
};

static const char *const syncs[] = {"fsync", "always", "none", NULL}; /* enum img_sync */
static const char *const cases[] = {"sensitive", "insensitive", NULL};

static uint64_t default_cache(void)
{
    uint64_t cache = lt_memory_total() / 16;
    if (cache < CACHE_DEFAULT_MIN)
        return CACHE_DEFAULT_MIN;
    return cache > CACHE_DEFAULT_MAX ? CACHE_DEFAULT_MAX : cache;
}

/* An eighth of the cache is for data that waits to be written. */
static void convert(const struct words *w, bool fresh, struct img_options *ret)
{
    ret->pending = w->cache / 8;
    ret->store.cache = w->cache - ret->pending;
    ret->store.read_only = w->read_only;
    ret->store.sync = (enum img_sync)w->sync;
    ret->store.commit_ms = (uint32_t)w->commit * 1000;
    ret->store.discard = w->discard;
    if (!fresh)
        return;
    ret->format = (struct lt_image_params){
        .size = w->size,
        .block_size = (uint32_t)w->block_size,
        .name_case = w->name_case ? LT_CASE_INSENSITIVE : LT_CASE_SENSITIVE,
        .label = ret->label,
        .data_checks = w->data_checks,
        .log_size = w->log_size,
        .nodes_max = w->nodes,
        .root_mode = (uint32_t)w->mode,
        .root_uid = (uint32_t)w->uid,
        .root_gid = (uint32_t)w->gid,
    };
}

int img_options_parse(const char *text, bool fresh, struct img_options *ret, struct lt_diag *diag)
{
    const uint64_t memory = lt_memory_total();
    struct words w = {
        .cache = default_cache(), .commit = COMMIT_SECONDS, .size = memory / 2, .discard = true};
    *ret = (struct img_options){.fs_name = "LINTEL"};
    struct lt_option table[] = {
        {.name = "ro", .type = LT_OPTION_FLAG, .value = &w.read_only},
        {.name = "cache",
         .type = LT_OPTION_SIZE,
         .value = &w.cache,
         .min = CACHE_MIN,
         .percent_of = memory},
        {.name = "sync", .type = LT_OPTION_CHOICE, .value = &w.sync, .choices = syncs},
        {.name = "commit", .type = LT_OPTION_NUMBER, .value = &w.commit, .max = COMMIT_SECONDS_MAX},
        {.name = "discard", .type = LT_OPTION_FLAG, .value = &w.discard},
        {.name = "fsname",
         .type = LT_OPTION_STRING,
         .value = ret->fs_name,
         .capacity = sizeof(ret->fs_name)},
        /* What follows is for mkfs: without a name the list ends here. */
        {.name = fresh ? "size" : NULL,
         .type = LT_OPTION_SIZE,
         .value = &w.size,
         .percent_of = memory},
        {.name = "case", .type = LT_OPTION_CHOICE, .value = &w.name_case, .choices = cases},
        {.name = "block_size",
         .type = LT_OPTION_SIZE,
         .value = &w.block_size,
         .min = IMG_BLOCK_SIZE_MIN,
         .max = IMG_BLOCK_SIZE_MAX},
        {.name = "data_checks", .type = LT_OPTION_FLAG, .value = &w.data_checks},
        {.name = "log_size", .type = LT_OPTION_SIZE, .value = &w.log_size},
        {.name = "nodes", .type = LT_OPTION_SIZE, .value = &w.nodes},
        {.name = "label",
         .type = LT_OPTION_STRING,
         .value = ret->label,
         .capacity = sizeof(ret->label)},
        {.name = "mode", .type = LT_OPTION_NUMBER, .value = &w.mode, .max = LT_S_PERM},
        {.name = "uid", .type = LT_OPTION_NUMBER, .value = &w.uid, .max = UINT32_MAX - 1},
        {.name = "gid", .type = LT_OPTION_NUMBER, .value = &w.gid, .max = UINT32_MAX - 1},
        {.name = NULL},
    };
    int r = lt_options_parse(text, table, NULL, NULL, diag);
    if (r == 0)
        convert(&w, fresh, ret);
    return r;
}
