// SPDX-License-Identifier: MIT
/* A report as tables. */
#include "output.h"
#include "report.h"
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const struct lt_row volume_rows[] = {
    {"Volume", "Kind", "volume.kind", LT_ROW_TEXT},
    {"Volume", "Label", "volume.label", LT_ROW_TEXT},
    {"Volume", "Serial number", "volume.serial", LT_ROW_TEXT},
    {"Volume", "File system", "volume.file_system", LT_ROW_TEXT},
    {"Volume", "Case of names", "volume.case", LT_ROW_TEXT},
    {"Volume", "Read-only", "volume.read_only", LT_ROW_YES_NO},
    {"Volume", "Windows metadata", "volume.windows_metadata", LT_ROW_YES_NO},
    {"Volume", "Created", "volume.created", LT_ROW_WHEN},
    {"Space", "Limit", "space.total", LT_ROW_LIMIT},
    {"Space", "Used", "space.used", LT_ROW_SIZE},
    {"Space", "  by data", "space.data", LT_ROW_SIZE},
    {"Space", "  by metadata", "space.metadata", LT_ROW_SIZE},
    {"Space", "Free", "space.free", LT_ROW_SIZE},
    {"Space", "Files", "space.nodes", LT_ROW_COUNT},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

static const struct lt_row save_rows[] = {
    {"Save", "To", "save.path", LT_ROW_TEXT},
    {"Save", "State", "save.state", LT_ROW_TEXT},
    {"Save", "Times saved", "save.count", LT_ROW_COUNT},
    {"Save", "Last", "save.last", LT_ROW_WHEN},
    {"Save", "Files", "save.files", LT_ROW_COUNT},
    {"Save", "Bytes", "save.bytes", LT_ROW_SIZE},
    {"Save", "Error", "save.error", LT_ROW_TEXT},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

/* ---- Members that a file system or a front names itself -------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* "pages_free" is shown as "Pages free". */
static void print_key(const char *key)
{
    char label[40];
    snprintf(label, sizeof(label), "%s", key);
    for (char *p = label; *p; p++)
        if (*p == '_')
            *p = ' ';
    if (label[0] >= 'a' && label[0] <= 'z')
        label[0] = (char)(label[0] - 'a' + 'A');
    lt_row_label(label);
}

static void print_list(const struct lt_value *array)
{
    int at = LT_LABEL_WIDTH + 2;
    const char *space = "";
    LT_VALUE_FOR_EACH(v, array)
    {
        if (v->type != LT_VALUE_STRING)
            continue;
        if (at + (int)v->text.len >= 80) {
            printf("\n%*s", LT_LABEL_WIDTH + 2, "");
            at = LT_LABEL_WIDTH + 2;
            space = "";
        }
        at += printf("%s%s", space, v->text.s);
        space = " ";
    }
    putchar('\n');
}

static void print_members(const struct lt_value *object, const char *section)
{
    if (!object || object->type != LT_VALUE_OBJECT || object->span == 1)
        return;
    printf("\n%s\n", section);
    LT_VALUE_FOR_EACH(v, object)
    {
        bool is_size = ends_with(v->key, "bytes") || ends_with(v->key, "max_write");
        if (v->type == LT_VALUE_OBJECT)
            continue;
        print_key(v->key);
        if (v->type == LT_VALUE_ARRAY)
            print_list(v);
        else
            lt_row_value(v, is_size ? LT_ROW_SIZE : LT_ROW_COUNT);
    }
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void print_operation(const struct lt_value *op)
{
    uint64_t errors = lt_value_u64(op, "errors", 0), bytes = lt_value_u64(op, "bytes", 0);
    printf("  %-16s %12s %9s %10s", op->key, lt_text_count(lt_value_u64(op, "count", 0)).s,
           errors ? lt_text_count(errors).s : "-", bytes ? lt_text_size(bytes).s : "-");
    static const char *const latencies[] = {"mean_ns", "p50_ns", "p99_ns", "max_ns"};
    for (size_t i = 0; i < 4; i++)
        printf(" %9s", lt_text_ns(lt_value_u64(op, latencies[i], 0)).s);
    putchar('\n');
}

static void print_operations(const struct lt_value *operations)
{
    if (!operations || operations->type != LT_VALUE_OBJECT || operations->span == 1)
        return;
    printf("\n%-18s %12s %9s %10s %9s %9s %9s %9s\n", "Operations", "count", "errors", "data",
           "mean", "median", "99 %", "slowest");
    LT_VALUE_FOR_EACH(op, operations)
    print_operation(op);
}

static void print_head(const struct lt_value *report)
{
    const char *dir = lt_value_text(report, "mount.dir", NULL);
    printf("%s", lt_value_text(report, "source", "?"));
    if (dir)
        printf(" on %s, served by process %" PRIu64 " for %s", dir,
               lt_value_u64(report, "mount.pid", 0),
               lt_text_duration((uint64_t)time(NULL) - lt_value_u64(report, "mount.started", 0)).s);
    putchar('\n');
}

void lt_report_print(const struct lt_value *report)
{
    print_head(report);
    lt_rows_print(report, volume_rows);
    print_members(lt_value_at(report, "facts"), "Memory");
    lt_rows_print(report, save_rows);
    print_members(lt_value_at(report, "front"), "Mount");
    print_operations(lt_value_at(report, "front.operations"));
}
