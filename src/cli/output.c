// SPDX-License-Identifier: MIT
#include "output.h"

#include "cli.h"

#include <inttypes.h>

enum { OUTPUT_MAJOR = 1, OUTPUT_MINOR = 0 };

static int write_stdout(void *arg, const char *text, size_t len)
{
    (void)arg;
    return fwrite(text, 1, len, stdout) == len ? LT_OK : LT_EIO;
}

void lt_output_begin(struct lt_json *json, const char *command)
{
    lt_json_init(json, write_stdout, NULL, true);
    lt_json_object(json, NULL);
    lt_json_object(json, "output_version");
    lt_json_text(json, "command", command);
    lt_json_u64(json, "major", OUTPUT_MAJOR);
    lt_json_u64(json, "minor", OUTPUT_MINOR);
    lt_json_object_end(json);
}

int lt_output_end(struct lt_json *json)
{
    lt_json_object_end(json);
    putchar('\n');
    if (json->error == LT_OK && fflush(stdout) == 0)
        return LT_EXIT_OK;
    lt_complain("cannot write the output");
    return LT_EXIT_FAILED;
}

/* n in the largest unit that leaves at least 1 before the point; three digits or so. */
static struct lt_text scaled(uint64_t n, double step, const char *const *units)
{
    struct lt_text t;
    double value = (double)n;
    const char *const *unit = units;
    while (value >= step - 0.5 && unit[1]) {
        value /= step;
        unit++;
    }
    snprintf(t.s, sizeof(t.s), "%.*f %s", unit != units && value < 99.95 ? 1 : 0, value, *unit);
    return t;
}

struct lt_text lt_text_size(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL};
    return scaled(bytes, 1024, units);
}

struct lt_text lt_text_ns(uint64_t ns)
{
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    return scaled(ns, 1000, units);
}

struct lt_text lt_text_count(uint64_t n)
{
    char digits[24];
    struct lt_text t;
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            t.s[at++] = ',';
        t.s[at++] = digits[i];
    }
    t.s[at] = '\0';
    return t;
}

struct lt_text lt_text_duration(uint64_t seconds)
{
    struct lt_text t;
    uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    if (days > 0)
        snprintf(t.s, sizeof(t.s), "%" PRIu64 " d %" PRIu64 " h", days, hours % 24);
    else if (hours > 0)
        snprintf(t.s, sizeof(t.s), "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
    else if (minutes > 0)
        snprintf(t.s, sizeof(t.s), "%" PRIu64 " min %" PRIu64 " s", minutes, seconds % 60);
    else
        snprintf(t.s, sizeof(t.s), "%" PRIu64 " s", seconds);
    return t;
}
