// SPDX-License-Identifier: MIT
/* lintel info: asks a mounted volume, or opens a source and looks. */
#include "cli.h"
#include "image_report.h"
#include "mounts.h"
#include "operand.h"
#include "output.h"
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int print_report(const struct lt_value *report, bool as_json)
{
    struct lt_json json;
    if (report->type != LT_VALUE_OBJECT) {
        lt_complain("the answer is not understood");
        return LT_EXIT_FAILED;
    }
    if (!as_json) {
        lt_report_print(report);
        return LT_EXIT_OK;
    }
    lt_output_begin(&json, "info");
    LT_VALUE_FOR_EACH(member, report)
    lt_value_write(&json, member->key, member);
    return lt_output_end(&json);
}

static int complain_of_dir(const char *dir, int error)
{
    if (error == LT_ENODATA || error == LT_EOPNOTSUPP)
        lt_complain("%s is not on a volume mounted by Lintel", dir);
    else if (error == LT_ENOTCONN)
        lt_complain("%s: the process that served it has died; 'lintel umount %s' clears it", dir,
                    dir);
    else
        lt_complain("%s: %s", dir, lt_error_text(error));
    return LT_EXIT_FAILED;
}

static int info_of_dir(const char *dir, bool as_json)
{
    char path[LT_PATH_MAX], *text;
    struct lt_mounted mounted;
    struct lt_document doc;
    int error = lt_path_absolute(dir, path);
    if (error == LT_OK)
        error = lt_mounted_around(path, &mounted);
    if (error == LT_OK)
        error = lt_control_ask(mounted.dir, "info", &doc, &text);
    if (error != LT_OK)
        return complain_of_dir(dir, error);
    int status = print_report(doc.values, as_json);
    lt_document_free(&doc);
    free(text);
    return status;
}

/* *ret is malloc'd, as a mounted volume would answer it. */
static int report_source(const char *source, struct lt_fs *fs, char **ret)
{
    struct lt_buffer buffer = {0};
    struct lt_json json;
    lt_json_init(&json, lt_buffer_write, &buffer, false);
    lt_json_object(&json, NULL);
    lt_json_text(&json, "source", source);
    lt_report_fs(&json, fs);
    lt_json_object_end(&json);
    if (json.error != LT_OK)
        free(buffer.text);
    else
        *ret = buffer.text;
    return json.error;
}

static int info_of_source(const char *source, bool as_json)
{
    struct lt_diag diag = {""};
    struct lt_document doc;
    struct lt_fs *fs;
    char *text = NULL;
    int status = LT_EXIT_FAILED, error = lt_open_fs(source, &fs, &diag);
    if (error != LT_OK) {
        lt_complain("cannot open %s: %s", source, diag.text);
        return error == LT_EINVAL ? LT_EXIT_USAGE : LT_EXIT_FAILED;
    }
    error = report_source(source, fs, &text);
    lt_fs_close(fs);
    if (error != LT_OK) {
        lt_complain("%s", lt_error_text(error));
        return LT_EXIT_FAILED;
    }
    error = lt_document_parse(text, &doc);
    if (error == LT_OK) {
        status = print_report(doc.values, as_json);
        lt_document_free(&doc);
    }
    free(text);
    return status;
}

static int run(const struct lt_args *args)
{
    const char *what = args->operands[0];
    bool as_json = lt_args_flag(args, "json");
    char path[LT_PATH_MAX], dir[LT_PATH_MAX] = "";
    if (lt_is_image_file(what) && lt_path_absolute(what, path) == LT_OK)
        lt_mounted_of(path, dir, sizeof(dir));
    if (dir[0]) /* nobody else may look into it, and this says more */
        return info_of_dir(dir, as_json);
    if (lt_is_image_file(what))
        return lt_image_report(what, "info", as_json);
    bool is_source = lt_is_source(what) && access(what, F_OK) != 0;
    return is_source ? info_of_source(what, as_json) : info_of_dir(what, as_json);
}

static const struct lt_cli_option info_options[] = {LT_WITH_JSON, {.name = NULL}};

const struct lt_command lt_command_info = {
    .name = "info",
    .summary = "Show facts about a mounted volume, a disk image or a source",
    .operands = {{"IMAGE|SOURCE|DIR", LT_HINT_SOURCE_OR_MOUNT, false}},
    .options = info_options,
    .examples = {{"lintel info /mnt", "sizes, limits, operations and their latencies"},
                 {"lintel info disk.img", "an image, in use or not"},
                 {"lintel info --json /mnt", "the same for programs"}},
    .group = LT_GROUP_MOUNT,
    .run = run,
};
