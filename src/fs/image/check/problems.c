// SPDX-License-Identifier: MIT
#include "problems.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    unsigned number;
    const char *name, *text;
    bool mends;
} problems[] = {
#define X(symbol, number, name, text, mends) {number, name, text, mends},
    IMG_PROBLEMS(X)
#undef X
};

/* Puts the parts of a sentence together; what does not fit is left out. */
static void compose(const char *text, uint64_t node, uint64_t block, const char *particulars,
                    char *buf, size_t size)
{
    size_t at = 0;
    while (*text && at + 1 < size) {
        char number[24];
        const char *part = NULL;
        size_t skip = 3;
        if (strncmp(text, "{o}", 3) == 0 || strncmp(text, "{b}", 3) == 0) {
            snprintf(number, sizeof(number), "%" PRIu64, text[1] == 'o' ? node : block);
            part = number;
        } else if (strncmp(text, "{}", 2) == 0) {
            part = particulars;
            skip = 2;
        }
        if (!part) {
            buf[at++] = *text++;
            continue;
        }
        int n = snprintf(buf + at, size - at, "%s", part);
        at = n < 0 || (size_t)n >= size - at ? size - 1 : at + (size_t)n;
        text += skip;
    }
    buf[at] = 0;
}

bool img_found_v(struct img_report *report, enum img_problem problem, uint64_t node, uint64_t block,
                 const char *format, va_list args)
{
    bool mend = report->check->repair && problems[problem].mends;
    char particulars[256], text[512];

    if (report->stopped)
        return false;
    report->mending |= mend;
    report->left += !mend;
    if (report->quiet && mend)
        return true;
    report->result->problems++;
    report->result->repaired += mend;
    if (!report->check->problem)
        return mend;
    vsnprintf(particulars, sizeof(particulars), format, args);
    compose(problems[problem].text, node, block, particulars, text, sizeof(text));
    struct lt_image_problem told = {
        problems[problem].number, problems[problem].name, text, node, block, mend};
    report->stopped = report->check->problem(report->check->arg, &told) != 0;
    return mend && !report->stopped;
}

bool img_found(struct img_report *report, enum img_problem problem, uint64_t node, uint64_t block,
               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool mend = img_found_v(report, problem, node, block, format, args);
    va_end(args);
    return mend;
}
