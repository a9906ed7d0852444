// SPDX-License-Identifier: MIT
#include "cli.h"
#include "output.h"

#include <registry.h>
#include <sys/utsname.h>

static int print_json(void)
{
    struct lt_json json;
    struct utsname os = {0};
    uname(&os);
    lt_output_begin(&json, "version");
    lt_json_text(&json, "version", LT_VERSION);
    lt_json_text(&json, "compiler", __VERSION__);
    lt_json_text(&json, "system", os.sysname);
    lt_json_text(&json, "release", os.release);
    lt_json_text(&json, "machine", os.machine);
    lt_json_array(&json, "kinds");
    for (const struct lt_fs_kind *k = lt_fs_kinds; k->name; k++)
        lt_json_text(&json, NULL, k->name);
    lt_json_array_end(&json);
    return lt_output_end(&json);
}

static int run(const struct lt_args *args)
{
    if (lt_args_flag(args, "json"))
        return print_json();
    puts("lintel " LT_VERSION);
    for (const struct lt_fs_kind *k = lt_fs_kinds; k->name; k++)
        printf("  %s: %s\n", k->name, k->summary);
    return LT_EXIT_OK;
}

static const struct lt_cli_option version_options[] = {LT_WITH_JSON, {.name = NULL}};

const struct lt_command lt_command_version = {
    .name = "version",
    .summary = "Show the version and what is built in",
    .options = version_options,
    .examples = {{"lintel version --json", "for programs"}},
    .group = LT_GROUP_OTHER,
    .run = run,
};
