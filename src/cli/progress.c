// SPDX-License-Identifier: MIT
#include "progress.h"

#include "output.h"

#include <inttypes.h>
#include <os/os.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_INTERVAL_NS UINT64_C(100000000)
#define JSON_INTERVAL_NS UINT64_C(500000000)

void lt_progress_begin(struct lt_progress *progress, const char *when, const char *what)
{
    *progress = (struct lt_progress){.what = what, .started_ns = lt_clock_ns()};
    if (when && strcmp(when, "json") == 0)
        progress->form = LT_PROGRESS_JSON;
    else if (when && strcmp(when, "always") == 0)
        progress->form = LT_PROGRESS_LINE;
    else if ((!when || strcmp(when, "auto") == 0) && isatty(STDERR_FILENO))
        progress->form = LT_PROGRESS_LINE;
    else
        progress->form = LT_PROGRESS_NONE;
}

static void show_line(struct lt_progress *p, uint64_t files, uint64_t bytes, uint64_t of_bytes)
{
    enum { WIDTH = 24 };
    uint64_t elapsed = lt_clock_ns() - p->started_ns + 1;
    uint64_t rate = (uint64_t)((double)bytes * 1e9 / (double)elapsed);
    char bar[WIDTH + 2] = "";
    if (of_bytes > 0) {
        size_t filled =
            bytes < of_bytes ? (size_t)((double)bytes / (double)of_bytes * WIDTH) : WIDTH;
        memset(bar, '.', WIDTH);
        memset(bar, '#', filled);
        bar[WIDTH] = ' ';
    }
    fprintf(stderr, "\r%s %s%s files, %s, %s/s \033[K", p->what, bar, lt_text_count(files).s,
            lt_text_size(bytes).s, lt_text_size(rate).s);
    p->drawn = true;
}

static void show_json(const struct lt_progress *p, uint64_t files, uint64_t bytes,
                      uint64_t of_bytes, const char *state)
{
    fprintf(stderr,
            "{\"what\":\"%s\",\"state\":\"%s\",\"files\":%" PRIu64 ",\"bytes\":%" PRIu64
            ",\"total_bytes\":%" PRIu64 ",\"elapsed_ms\":%" PRIu64 "}\n",
            p->what, state, files, bytes, of_bytes, (lt_clock_ns() - p->started_ns) / 1000000);
}

void lt_progress_show(struct lt_progress *progress, uint64_t files, uint64_t bytes,
                      uint64_t of_bytes)
{
    bool json = progress->form == LT_PROGRESS_JSON;
    uint64_t now = lt_clock_ns();
    if (progress->form == LT_PROGRESS_NONE ||
        now - progress->shown_ns < (json ? JSON_INTERVAL_NS : LINE_INTERVAL_NS))
        return;
    progress->shown_ns = now;
    if (json)
        show_json(progress, files, bytes, of_bytes, "running");
    else
        show_line(progress, files, bytes, of_bytes);
}

void lt_progress_end(struct lt_progress *progress, uint64_t files, uint64_t bytes, bool ok)
{
    if (progress->form == LT_PROGRESS_JSON)
        show_json(progress, files, bytes, bytes, ok ? "done" : "failed");
    if (progress->form != LT_PROGRESS_LINE)
        return;
    if (ok)
        show_line(progress, files, bytes, 0);
    if (ok || progress->drawn)
        fputc('\n', stderr);
}
