/* SPDX-License-Identifier: MIT */
/* Facts about a disk image that nobody need have open. */
#ifndef LT_CLI_IMAGE_REPORT_H
#define LT_CLI_IMAGE_REPORT_H

#include <lintel/types.h>

/* Prints them for `lintel COMMAND`. Returns an exit code; complains. */
int lt_image_report(const char *path, const char *command, bool as_json);

#endif
