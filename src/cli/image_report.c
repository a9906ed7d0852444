// SPDX-License-Identifier: MIT
#include "image_report.h"

#include "cli.h"
#include "entry.h"
#include "rows.h"

#include <inttypes.h>
#include <lintel/image.h>

static const struct lt_row rows[] = {
    {"Image", "Format version", "image.version", LT_ROW_COUNT},
    {"Image", "Label", "image.label", LT_ROW_TEXT},
    {"Image", "UUID", "image.uuid", LT_ROW_TEXT},
    {"Image", "Serial number", "image.serial", LT_ROW_TEXT},
    {"Image", "Created", "image.created", LT_ROW_WHEN},
    {"Image", "Case of names", "image.case", LT_ROW_TEXT},
    {"Image", "Data checks", "image.data_checks", LT_ROW_YES_NO},
    {"Image", "Features", "image.features", LT_ROW_TEXT},
    {"Image", "Closed in order", "image.clean", LT_ROW_YES_NO},
    {"Image", "Checkpoints", "image.generation", LT_ROW_COUNT},
    {"Space", "Size", "space.total", LT_ROW_SIZE},
    {"Space", "Used", "space.used", LT_ROW_SIZE},
    {"Space", "Free", "space.free", LT_ROW_SIZE},
    {"Space", "On the host's disk", "space.host", LT_ROW_SIZE},
    {"Space", "Block size", "space.block_size", LT_ROW_SIZE},
    {"Space", "Log", "space.log", LT_ROW_SIZE},
    {"Space", "Files", "space.nodes", LT_ROW_COUNT},
    {"Space", "Files at most", "space.nodes_max", LT_ROW_MAX},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

static void json_image(struct lt_json *json, const struct lt_image_info *info)
{
    char text[64];
    const uint8_t *u = info->uuid;
    lt_json_object(json, "image");
    lt_json_u64(json, "version", info->version);
    lt_json_text(json, "label", info->label);
    snprintf(text, sizeof(text),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
    lt_json_text(json, "uuid", text);
    snprintf(text, sizeof(text), "%04X-%04X", info->serial >> 16, info->serial & 0xffff);
    lt_json_text(json, "serial", text);
    lt_json_i64(json, "created", info->created.sec);
    lt_json_text(json, "case",
                 info->name_case == LT_CASE_INSENSITIVE ? "insensitive" : "sensitive");
    lt_json_bool(json, "data_checks", info->data_checks);
    snprintf(text, sizeof(text), "%#" PRIx64 " %#" PRIx64 " %#" PRIx64, info->compatible,
             info->read_only_compatible, info->incompatible);
    lt_json_text(json, "features", text);
    lt_json_bool(json, "clean", info->clean);
    lt_json_u64(json, "generation", info->generation);
    lt_json_object_end(json);
}

static void json_space(struct lt_json *json, const struct lt_image_info *info)
{
    uint64_t block = info->block_size;
    uint64_t used = info->blocks > info->free_blocks ? info->blocks - info->free_blocks : 0;
    lt_json_object(json, "space");
    lt_json_u64(json, "total", info->blocks * block);
    lt_json_u64(json, "used", used * block);
    lt_json_u64(json, "free", info->free_blocks * block);
    lt_json_u64(json, "host", info->host_bytes);
    lt_json_u64(json, "block_size", block);
    lt_json_u64(json, "log", info->log_size);
    lt_json_u64(json, "nodes", info->nodes);
    lt_json_u64(json, "nodes_max", info->nodes_max);
    lt_json_object_end(json);
}

int lt_image_report(const char *path, const char *command, bool as_json)
{
    struct lt_answer answer = {.command = command, .rows = rows, .as_json = as_json};
    struct lt_image_info info = {0};
    struct lt_diag diag = {""};
    int error = lt_image_info(path, &info, &diag);
    if (error != LT_OK) {
        lt_complain_why("look at", path, error, &diag);
        return LT_EXIT_FAILED;
    }
    if (!as_json)
        printf("%s\n", path);
    lt_answer_begin(&answer);
    lt_json_name(&answer.json, "source", path);
    json_image(&answer.json, &info);
    json_space(&answer.json, &info);
    return lt_answer_end(&answer, LT_EXIT_OK);
}
