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

/* n / unit with one decimal below 10, and none above. */
static void print_scaled(struct lt_text *t, uint64_t n, uint64_t unit, const char *name)
{
    double scaled = (double)n / (double)unit;
    int decimals = unit > 1 && scaled < 99.95 ? 1 : 0;
    snprintf(t->s, sizeof(t->s), "%.*f %s", decimals, scaled, name);
}

struct lt_text lt_text_size(uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct lt_text t;
    unsigned power = 0;
    while (power + 1 < sizeof(units) / sizeof(*units) && bytes >> (10 * (power + 1)) != 0)
        power++;
    print_scaled(&t, bytes, UINT64_C(1) << (10 * power), units[power]);
    return t;
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

struct lt_text lt_text_ns(uint64_t ns)
{
    struct lt_text t;
    if (ns < 1000)
        print_scaled(&t, ns, 1, "ns");
    else if (ns < 1000000)
        print_scaled(&t, ns, 1000, "us");
    else if (ns < 1000000000)
        print_scaled(&t, ns, 1000000, "ms");
    else
        print_scaled(&t, ns, 1000000000, "s");
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
