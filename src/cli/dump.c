// SPDX-License-Identifier: MIT
/* lintel dump. */
#include "cli.h"
#include "output.h"

#include <lintel/image.h>

static int print_line(void *arg, const char *line)
{
    (void)arg;
    puts(line);
    return ferror(stdout);
}

static int json_line(void *arg, const char *line)
{
    lt_json_text(arg, NULL, line);
    return ferror(stdout);
}

static int run(const struct lt_args *args)
{
    const char *path = args->operands[0];
    bool as_json = lt_args_flag(args, "json");
    struct lt_diag diag = {""};
    struct lt_json json;
    if (as_json) {
        lt_output_begin(&json, "dump");
        lt_json_array(&json, "lines");
    }
    int error = lt_image_dump(path, lt_args_flag(args, "items"), as_json ? json_line : print_line,
                              &json, &diag);
    int status = LT_EXIT_OK;
    if (as_json) {
        lt_json_array_end(&json);
        status = lt_output_end(&json);
    }
    if (error >= 0)
        return status;
    lt_complain_why("dump", path, error, &diag);
    return LT_EXIT_FAILED;
}

static const struct lt_cli_option dump_options[] = {
    {.name = "items", .letter = 'i', .help = "Every item of the tree as well"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_dump = {
    .name = "dump",
    .summary = "Print the structures of a disk image, for people",
    .operands = {{"IMAGE", LT_HINT_IMAGE, false}},
    .options = dump_options,
    .examples = {{"lintel dump disk.img --items | less", "everything"}},
    .run = run,
    .group = LT_GROUP_IMAGE,
};
