/* SPDX-License-Identifier: MIT */
/* Facts about a file system as JSON, and that JSON as tables for people. */
#ifndef LT_CLI_REPORT_H
#define LT_CLI_REPORT_H

#include "json_read.h"

#include <lintel/fs.h>

/* The members "volume", "space" and "facts" of the object that is open. */
void lt_report_fs(struct lt_json *json, struct lt_fs *fs);

/* Tables of what a report has, on stdout. */
void lt_report_print(const struct lt_value *report);

#endif
