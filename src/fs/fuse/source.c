// SPDX-License-Identifier: MIT
/* From a source to a server, and from there to a file system. */
#include "source.h"

#include "fusefs.h"

#include <base/options.h>
#include <stdlib.h>

#define NS_PER_S UINT64_C(1000000000)
#define SECONDS_MAX 86400u
#define NO_LIMIT UINT64_MAX
#define CACHE_MAX (UINT64_C(1) << 24)

static const char *const cases[] = {"sensitive", "insensitive", NULL}; /* enum lt_case */

/* Values as they are parsed. */
struct words {
    uint64_t timeout, entry_timeout, attr_timeout, max_write, cache;
    int name_case;
    bool read_only, restart, plain;
};

static uint64_t ns_of(uint64_t seconds)
{
    return seconds == NO_LIMIT ? UINT64_MAX : seconds * NS_PER_S;
}

static int parse(const char *text, struct lt_fusefs_options *ret, struct lt_diag *diag)
{
    struct words w = {.entry_timeout = NO_LIMIT,
                      .attr_timeout = NO_LIMIT,
                      .max_write = ret->max_write,
                      .cache = ret->cache_nodes};
    struct lt_option table[] = {
        {.name = "ro", .type = LT_OPTION_FLAG, .value = &w.read_only},
        {.name = "timeout", .type = LT_OPTION_NUMBER, .value = &w.timeout, .max = SECONDS_MAX},
        {.name = "entry_timeout",
         .type = LT_OPTION_NUMBER,
         .value = &w.entry_timeout,
         .max = SECONDS_MAX},
        {.name = "attr_timeout",
         .type = LT_OPTION_NUMBER,
         .value = &w.attr_timeout,
         .max = SECONDS_MAX},
        {.name = "max_write",
         .type = LT_OPTION_SIZE,
         .value = &w.max_write,
         .min = LT_PAGE_SIZE,
         .max = LT_IO_MAX},
        {.name = "cache", .type = LT_OPTION_NUMBER, .value = &w.cache, .max = CACHE_MAX},
        {.name = "case", .type = LT_OPTION_CHOICE, .value = &w.name_case, .choices = cases},
        {.name = "restart", .type = LT_OPTION_FLAG, .value = &w.restart},
        {.name = "plain", .type = LT_OPTION_FLAG, .value = &w.plain},
        {.name = NULL},
    };
    int r = lt_options_parse(text, table, NULL, NULL, diag);
    if (r < 0)
        return r;
    ret->timeout_ns = ns_of(w.timeout);
    ret->entry_ns = ns_of(w.entry_timeout);
    ret->attr_ns = ns_of(w.attr_timeout);
    ret->max_write = (uint32_t)w.max_write;
    ret->cache_nodes = (size_t)w.cache;
    ret->name_case = (enum lt_case)w.name_case;
    ret->read_only = w.read_only;
    ret->restart = w.restart;
    ret->plain = w.plain;
    return 0;
}

/* The colon behind the options, where a backslash takes the meaning of what follows it. */
static const char *find_colon(const char *line)
{
    while (*line && *line != ':')
        line += line[0] == '\\' && line[1] ? 2 : 1;
    return line;
}

typedef int start_fn(const char *what, struct lt_server *ret, struct lt_diag *diag);

static int open_line(const char *line, start_fn *start, struct lt_fs **ret, struct lt_diag *diag)
{
    struct lt_fusefs_options options;
    struct lt_server server;
    const char *colon = find_colon(line);
    if (!colon[0] || !colon[1])
        return lt_diag_set(diag, LT_EINVAL, "behind the colon there must be a command or a path");
    size_t len = (size_t)(colon - line);
    char *text = malloc(len + 1);
    if (!text)
        return lt_diag_set(diag, LT_ENOMEM, "fuse: %s", lt_error_text(LT_ENOMEM));
    size_t skip = line[0] == ',' ? 1 : 0;
    memcpy(text, line + skip, len - skip);
    text[len - skip] = 0;
    lt_fusefs_options_init(&options);
    int r = parse(text, &options, diag);
    free(text);
    if (r == 0)
        r = start(colon + 1, &server, diag);
    return r < 0 ? r : lt_fusefs_open_restartable(&server, &options, start, colon + 1, ret, diag);
}

int lt_fusefs_open_command(const char *line, struct lt_fs **ret, struct lt_diag *diag)
{
    return open_line(line, lt_server_command, ret, diag);
}

int lt_fusefs_open_unix(const char *line, struct lt_fs **ret, struct lt_diag *diag)
{
    return open_line(line, lt_server_unix, ret, diag);
}

int lt_fusefs_open_stdio(const char *line, struct lt_fs **ret, struct lt_diag *diag)
{
    return open_line(line, lt_server_stdio, ret, diag);
}
