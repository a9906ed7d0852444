// SPDX-License-Identifier: MIT
#include "progress.h"

#include "output.h"

#include <inttypes.h>
#include <os/os.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_INTERVAL_NS UINT64_C(100000000)
#define PATIENCE_NS UINT64_C(1000000000)
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

struct bar {
    char s[28];
};

static struct bar draw_bar(uint64_t done, uint64_t total)
{
    enum { WIDTH = 24 };
    struct bar bar = {""};
    if (total == 0)
        return bar;
    size_t filled = done < total ? (size_t)((double)done / (double)total * WIDTH) : WIDTH;
    memset(bar.s, '.', WIDTH);
    memset(bar.s, '#', filled);
    bar.s[WIDTH] = ' ';
    return bar;
}

static void show_line(struct lt_progress *p, uint64_t files, uint64_t bytes, uint64_t of_bytes)
{
    uint64_t elapsed = lt_clock_ns() - p->started_ns + 1;
    uint64_t rate = (uint64_t)((double)bytes * 1e9 / (double)elapsed);
    fprintf(stderr, "\r%s %s%s files, %s, %s/s \033[K", p->what, draw_bar(bytes, of_bytes).s,
            lt_text_count(files).s, lt_text_size(bytes).s, lt_text_size(rate).s);
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

void lt_progress_patient(struct lt_progress *progress, const char *when)
{
    progress->patient = progress->form == LT_PROGRESS_LINE && (!when || strcmp(when, "auto") == 0);
}

/* Whether it is time to show something again. */
static bool is_due(struct lt_progress *p)
{
    uint64_t now = lt_clock_ns();
    uint64_t interval = p->form == LT_PROGRESS_JSON ? JSON_INTERVAL_NS : LINE_INTERVAL_NS;
    if (p->form == LT_PROGRESS_NONE || now - p->shown_ns < interval)
        return false;
    if (p->patient && now - p->started_ns < PATIENCE_NS)
        return false;
    p->shown_ns = now;
    return true;
}

void lt_progress_show(struct lt_progress *progress, uint64_t files, uint64_t bytes,
                      uint64_t of_bytes)
{
    if (!is_due(progress))
        return;
    if (progress->form == LT_PROGRESS_JSON)
        show_json(progress, files, bytes, of_bytes, "running");
    else
        show_line(progress, files, bytes, of_bytes);
}

static void json_share(const struct lt_progress *p, const char *state)
{
    fprintf(stderr,
            "{\"what\":\"%s\",\"state\":\"%s\",\"done\":%" PRIu64 ",\"total\":%" PRIu64
            ",\"elapsed_ms\":%" PRIu64 "}\n",
            p->what, state, p->done, p->total, (lt_clock_ns() - p->started_ns) / 1000000);
}

static void line_share(struct lt_progress *p)
{
    unsigned percent = p->total > 0 ? (unsigned)((double)p->done * 100 / (double)p->total) : 0;
    fprintf(stderr, "\r%s %s%u %% \033[K", p->what, draw_bar(p->done, p->total).s,
            percent < 100 ? percent : 100);
    p->drawn = true;
}

void lt_progress_share(struct lt_progress *progress, uint64_t done, uint64_t total)
{
    progress->shares = true;
    progress->done = done;
    progress->total = total;
    if (!is_due(progress))
        return;
    if (progress->form == LT_PROGRESS_JSON)
        json_share(progress, "running");
    else
        line_share(progress);
}

/* Shares go when they are over: what was done is said elsewhere. */
static void end_shares(struct lt_progress *p, bool ok)
{
    if (p->form == LT_PROGRESS_JSON)
        json_share(p, ok ? "done" : "failed");
    else if (p->form == LT_PROGRESS_LINE && p->drawn)
        fputs("\r\033[K", stderr);
}

void lt_progress_end(struct lt_progress *progress, uint64_t files, uint64_t bytes, bool ok)
{
    if (progress->shares) {
        end_shares(progress, ok);
        return;
    }
    if (progress->form == LT_PROGRESS_JSON)
        show_json(progress, files, bytes, bytes, ok ? "done" : "failed");
    if (progress->form != LT_PROGRESS_LINE || (progress->patient && !progress->drawn))
        return;
    if (ok)
        show_line(progress, files, bytes, 0);
    if (ok || progress->drawn)
        fputc('\n', stderr);
}
