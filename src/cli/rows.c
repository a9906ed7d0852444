// SPDX-License-Identifier: MIT
#include "rows.h"

#include "cli.h"

#include <stdlib.h>
#include <time.h>

void lt_row_label(const char *label)
{
    printf("  %-*s", LT_LABEL_WIDTH, label);
}

static struct lt_text text_when(uint64_t seconds)
{
    struct lt_text t = {"?"};
    time_t when = (time_t)seconds;
    struct tm local;
    if (localtime_r(&when, &local))
        strftime(t.s, sizeof(t.s), "%F %T", &local);
    return t;
}

static struct lt_text text_number(uint64_t n, enum lt_row_format format)
{
    switch (format) {
    case LT_ROW_SIZE:
        return lt_text_size(n);
    case LT_ROW_LIMIT:
        return n >= INT64_MAX ? (struct lt_text){"none"} : lt_text_size(n);
    case LT_ROW_MAX:
        return n == 0 ? (struct lt_text){"none"} : lt_text_count(n);
    case LT_ROW_WHEN:
        return text_when(n);
    case LT_ROW_SINCE:
        return lt_text_duration((uint64_t)time(NULL) - n);
    default:
        return lt_text_count(n);
    }
}

void lt_row_value(const struct lt_value *v, enum lt_row_format format)
{
    if (v->type == LT_VALUE_STRING)
        printf("%s\n", v->text.len > 0 ? v->text.s : "-");
    else if (v->type == LT_VALUE_TRUE || v->type == LT_VALUE_FALSE)
        puts(v->type == LT_VALUE_TRUE ? "yes" : "no");
    else if (v->type == LT_VALUE_NUMBER)
        puts(text_number(lt_value_u64(v, "", 0), format).s);
    else
        puts("-");
}

void lt_rows_print(const struct lt_value *doc, const struct lt_row *rows)
{
    const char *section = NULL;
    for (; rows->label; rows++) {
        const struct lt_value *v = lt_value_at(doc, rows->path);
        if (!v || v->type == LT_VALUE_NULL)
            continue;
        if (rows->section && (!section || strcmp(section, rows->section) != 0))
            printf("\n%s\n", rows->section);
        section = rows->section;
        lt_row_label(rows->label);
        lt_row_value(v, rows->format);
    }
}

/* ---- Answers --------------------------------------------------------------------------------- */

void lt_answer_begin(struct lt_answer *answer)
{
    if (answer->as_json) {
        lt_output_begin(&answer->json, answer->command);
        return;
    }
    answer->buffer = (struct lt_buffer){0};
    lt_json_init(&answer->json, lt_buffer_write, &answer->buffer, false);
    lt_json_object(&answer->json, NULL);
}

int lt_answer_end(struct lt_answer *answer, int status)
{
    struct lt_document doc;
    if (answer->as_json) {
        int written = lt_output_end(&answer->json);
        return status != LT_EXIT_OK ? status : written;
    }
    lt_json_object_end(&answer->json);
    int error = answer->json.error;
    if (error == LT_OK && !answer->quiet) {
        error = lt_document_parse(answer->buffer.text, &doc);
        if (error == LT_OK) {
            lt_rows_print(doc.values, answer->rows);
            lt_document_free(&doc);
        }
    }
    free(answer->buffer.text);
    if (error == LT_OK)
        return status;
    lt_complain("%s", lt_error_text(error));
    return status != LT_EXIT_OK ? status : LT_EXIT_FAILED;
}
