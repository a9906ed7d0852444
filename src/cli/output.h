/* SPDX-License-Identifier: MIT */
/* What commands print on stdout: JSON with a version, or rows for people. */
#ifndef LT_CLI_OUTPUT_H
#define LT_CLI_OUTPUT_H

#include <base/json.h>
#include <lintel/types.h>

/*
 * Begins the one object of `lintel COMMAND --json` on stdout, with its member
 * output_version {command, major, minor}. major changes when a member goes or changes its
 * meaning, minor when one is added.
 */
void lt_output_begin(struct lt_json *json, const char *command);

/* Ends it with a new line. Returns the exit code: a failed write is a failure. */
int lt_output_end(struct lt_json *json);

/* Short texts for people, in the caller's buffer. */
struct lt_text {
    char s[48];
};
struct lt_text lt_text_size(uint64_t bytes);       /* "1.5 GiB", "512 B" */
struct lt_text lt_text_count(uint64_t n);          /* "1,234,567" */
struct lt_text lt_text_ns(uint64_t ns);            /* "870 ns", "6.5 us", "1.2 ms", "3.0 s" */
struct lt_text lt_text_duration(uint64_t seconds); /* "3 d 4 h", "12 min", "5 s" */

#endif
