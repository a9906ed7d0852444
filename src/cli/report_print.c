// SPDX-License-Identifier: MIT
/* A report as tables. */
#include "output.h"
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { LABEL_WIDTH = 22 };

enum format { TEXT, SIZE, LIMIT, COUNT, YES_NO, WHEN, SINCE };

/* Which member is shown how, in which order. A section without members is not shown. */
static const struct row {
    const char *section, *label, *path;
    enum format format;
} rows[] = {
    {"Volume", "Kind", "volume.kind", TEXT},
    {"Volume", "Label", "volume.label", TEXT},
    {"Volume", "Serial number", "volume.serial", TEXT},
    {"Volume", "File system", "volume.file_system", TEXT},
    {"Volume", "Case of names", "volume.case", TEXT},
    {"Volume", "Read-only", "volume.read_only", YES_NO},
    {"Volume", "Windows metadata", "volume.windows_metadata", YES_NO},
    {"Volume", "Created", "volume.created", WHEN},
    {"Space", "Limit", "space.total", LIMIT},
    {"Space", "Used", "space.used", SIZE},
    {"Space", "  by data", "space.data", SIZE},
    {"Space", "  by metadata", "space.metadata", SIZE},
    {"Space", "Free", "space.free", SIZE},
    {"Space", "Files", "space.nodes", COUNT},
    {"Save", "To", "save.path", TEXT},
    {"Save", "State", "save.state", TEXT},
    {"Save", "Times saved", "save.count", COUNT},
    {"Save", "Last", "save.last", WHEN},
    {"Save", "Files", "save.files", COUNT},
    {"Save", "Bytes", "save.bytes", SIZE},
    {"Save", "Error", "save.error", TEXT},
};

static void print_label(const char *label)
{
    printf("  %-*s", LABEL_WIDTH, label);
}

static struct lt_text text_when(uint64_t seconds)
{
    struct lt_text t = {"?"};
    time_t when = (time_t)seconds;
    struct tm local;
    if (localtime_r(&when, &local))
        strftime(t.s, sizeof(t.s), "%F %T", &local);
    return t;
}

static struct lt_text text_number(uint64_t n, enum format format)
{
    switch (format) {
    case SIZE:
        return lt_text_size(n);
    case LIMIT:
        return n >= INT64_MAX ? (struct lt_text){"none"} : lt_text_size(n);
    case WHEN:
        return text_when(n);
    case SINCE:
        return lt_text_duration((uint64_t)time(NULL) - n);
    default:
        return lt_text_count(n);
    }
}

static void print_value(const struct lt_value *v, enum format format)
{
    if (v->type == LT_VALUE_STRING)
        printf("%s\n", v->text.len > 0 ? v->text.s : "-");
    else if (v->type == LT_VALUE_TRUE || v->type == LT_VALUE_FALSE)
        puts(v->type == LT_VALUE_TRUE ? "yes" : "no");
    else if (v->type == LT_VALUE_NUMBER)
        puts(text_number(lt_value_u64(v, "", 0), format).s);
    else
        puts("-");
}

static void print_rows(const struct lt_value *report, const char *section)
{
    bool begun = false;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct lt_value *v = lt_value_at(report, rows[i].path);
        if (strcmp(rows[i].section, section) != 0 || !v || v->type == LT_VALUE_NULL)
            continue;
        if (!begun)
            printf("\n%s\n", section);
        begun = true;
        print_label(rows[i].label);
        print_value(v, rows[i].format);
    }
}

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
    print_label(label);
}

static void print_list(const struct lt_value *array)
{
    int at = LABEL_WIDTH + 2;
    const char *space = "";
    LT_VALUE_FOR_EACH(v, array)
    {
        if (v->type != LT_VALUE_STRING)
            continue;
        if (at + (int)v->text.len >= 80) {
            printf("\n%*s", LABEL_WIDTH + 2, "");
            at = LABEL_WIDTH + 2;
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
            print_value(v, is_size ? SIZE : COUNT);
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
               text_number(lt_value_u64(report, "mount.started", 0), SINCE).s);
    putchar('\n');
}

void lt_report_print(const struct lt_value *report)
{
    print_head(report);
    print_rows(report, "Volume");
    print_rows(report, "Space");
    print_members(lt_value_at(report, "facts"), "Memory");
    print_rows(report, "Save");
    print_members(lt_value_at(report, "front"), "Mount");
    print_operations(lt_value_at(report, "front.operations"));
}
