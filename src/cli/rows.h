/* SPDX-License-Identifier: MIT */
/* One description of an answer that prints it as text: the JSON is the answer, the rows say how
 * people see it. */
#ifndef LT_CLI_ROWS_H
#define LT_CLI_ROWS_H

#include "json_read.h"
#include "output.h"

enum { LT_LABEL_WIDTH = 22 };

enum lt_row_format {
    LT_ROW_TEXT,
    LT_ROW_SIZE,
    LT_ROW_LIMIT, /* a size; the largest one means none */
    LT_ROW_COUNT,
    LT_ROW_MAX, /* a count; 0 means none */
    LT_ROW_YES_NO,
    LT_ROW_WHEN, /* seconds since 1970 */
    LT_ROW_SINCE
};

/* A member that is shown. A section without members is not; one without name has no heading. */
struct lt_row {
    const char *section, *label, *path;
    enum lt_row_format format;
};

/* Prints the rows (ended by label NULL) whose members `doc` has. */
void lt_rows_print(const struct lt_value *doc, const struct lt_row *rows);

/* "  Label               " */
void lt_row_label(const char *label);
void lt_row_value(const struct lt_value *value, enum lt_row_format format);

/* ---- Answers: JSON that is printed, or shown as rows ----------------------------------------- */

struct lt_answer {
    const char *command;
    const struct lt_row *rows;
    bool as_json, quiet;
    struct lt_json json;
    struct lt_buffer buffer; /* private */
};

/* Opens the object; its members go to answer->json. */
void lt_answer_begin(struct lt_answer *answer);

/* Prints it. Returns the exit code: `status`, or a failure of its own. */
int lt_answer_end(struct lt_answer *answer, int status);

#endif
