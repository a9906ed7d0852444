// SPDX-License-Identifier: MIT
/* lintel mkfs, and mkfs.lintel for mkfs(8). */
#include "mkfs.h"

#include "cli.h"
#include "image_report.h"
#include "rows.h"

#include <base/options.h>
#include <getopt.h>
#include <libgen.h>
#include <lintel/image.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const case_choices[] = {"sensitive", "insensitive", NULL};

/* What was not asked for cannot be lost: without --size the image keeps the size it has. */
static bool check_size(const char *path, uint64_t size)
{
    struct stat st;
    if (size > 0 || (stat(path, &st) == 0 && (S_ISBLK(st.st_mode) || st.st_size > 0)))
        return true;
    lt_complain("%s: --size SIZE says how large the image is to be", path);
    return false;
}

static int format(const char *path, const struct lt_image_params *params)
{
    struct lt_diag diag = {""};
    int error = lt_image_format(path, params, &diag);
    if (error == LT_OK)
        return LT_EXIT_OK;
    if (error == LT_EEXIST && !strstr(diag.text, "--force"))
        lt_complain("cannot make %s: %s; --force overwrites it", path,
                    diag.text[0] ? diag.text : lt_error_text(error));
    else
        lt_complain_why("make", path, error, &diag);
    return LT_EXIT_FAILED;
}

/* ---- lintel mkfs ----------------------------------------------------------------------------- */

static bool parse_size(const struct lt_args *args, const char *option, uint64_t max, uint64_t *ret)
{
    const char *text = lt_args_value(args, option);
    if (!text)
        return true;
    if (lt_size_parse(text, ret) == LT_OK && *ret > 0 && *ret <= max)
        return true;
    lt_usage_error(args->command, "--%s cannot be '%s'", option, text);
    return false;
}

/* "UID:GID", or UID alone. */
static bool parse_owner(const struct lt_args *args, struct lt_image_params *params)
{
    const char *text = lt_args_value(args, "root-owner");
    char *end = NULL;
    if (!text)
        return true;
    unsigned long uid = strtoul(text, &end, 10), gid = uid;
    bool ok = end != text && text[0] != '-';
    if (ok && *end == ':') {
        const char *rest = end + 1;
        gid = strtoul(rest, &end, 10);
        ok = end != rest && rest[0] != '-';
    }
    params->root_uid = (uint32_t)uid;
    params->root_gid = (uint32_t)gid;
    if (ok && *end == '\0' && uid < UINT32_MAX && gid < UINT32_MAX)
        return true;
    lt_usage_error(args->command, "--root-owner cannot be '%s': it is UID:GID", text);
    return false;
}

static bool parse_params(const struct lt_args *args, struct lt_image_params *params)
{
    const char *name_case = lt_args_value(args, "case");
    uint64_t block_size = 0;
    if (!parse_size(args, "size", INT64_MAX, &params->size) ||
        !parse_size(args, "block-size", 65536, &block_size) ||
        !parse_size(args, "log-size", INT64_MAX, &params->log_size) ||
        !parse_size(args, "nodes-max", INT64_MAX, &params->nodes_max) || !parse_owner(args, params))
        return false;
    params->block_size = (uint32_t)block_size;
    params->label = lt_args_value(args, "label");
    params->data_checks = lt_args_flag(args, "data-checks");
    params->force = lt_args_flag(args, "force");
    params->name_case = name_case && strcmp(name_case, "insensitive") == 0 ? LT_CASE_INSENSITIVE
                                                                           : LT_CASE_SENSITIVE;
    return true;
}

static int run(const struct lt_args *args)
{
    const char *path = args->operands[0];
    struct lt_image_params params = {.root_uid = (uint32_t)geteuid(),
                                     .root_gid = (uint32_t)getegid()};
    if (!parse_params(args, &params))
        return LT_EXIT_USAGE;
    if (!check_size(path, params.size))
        return LT_EXIT_USAGE;
    int status = format(path, &params);
    if (status != LT_EXIT_OK || lt_args_flag(args, "quiet"))
        return status;
    return lt_image_report(path, "mkfs", lt_args_flag(args, "json"));
}

static const struct lt_cli_option mkfs_options[] = {
    {.name = "size",
     .letter = 's',
     .arg = "SIZE",
     .help = "How large the image can become, such as 10G; what is not used takes no room on disk"},
    {.name = "block-size",
     .letter = 'b',
     .arg = "SIZE",
     .help = "4k (the default) to 64k, a power of two"},
    {.name = "case",
     .arg = "HOW",
     .choices = case_choices,
     .help = "Whether names that differ in case only are two (sensitive) or one (insensitive)"},
    {.name = "label", .letter = 'L', .arg = "TEXT", .help = "The volume's label"},
    {.name = "data-checks", .help = "Keep a checksum of all file data, and verify it when reading"},
    {.name = "log-size", .arg = "SIZE", .help = "Room for the log; by the size of the image"},
    {.name = "nodes-max", .arg = "N", .help = "At most so many files; only space limits them else"},
    {.name = "root-owner",
     .arg = "UID:GID",
     .help = "Owner of the root directory; the caller by default"},
    {.name = "force", .letter = 'f', .help = "Overwrite what is there already"},
    LT_WITH_QUIET,
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_mkfs = {
    .name = "mkfs",
    .summary = "Make a disk image",
    .operands = {{"IMAGE", LT_HINT_IMAGE, false}},
    .options = mkfs_options,
    .examples = {{"lintel mkfs disk.img --size 10G", "an image of up to 10 GiB"},
                 {"lintel mkfs win.img --size 1T --case insensitive --label Games",
                  "one where README is readme"},
                 {"lintel mkfs safe.img --size 100G --data-checks", "one that notices bit rot"}},
    .run = run,
    .group = LT_GROUP_IMAGE,
};

/* ---- mkfs.lintel ----------------------------------------------------------------------------- */

static int helper_usage(void)
{
    fprintf(stderr,
            "usage: %s [-L LABEL] [-b BLOCK-SIZE] [-f] [-n] [-q] [-v] DEVICE [SIZE]\n"
            "'lintel mkfs --help' explains all that can be chosen.\n",
            lt_talk_name());
    return LT_EXIT_FAILED;
}

int lt_mkfs_helper(int argc, char **argv)
{
    struct lt_image_params params = {0};
    bool quiet = false, dry_run = false;
    uint64_t block_size = 0;
    int c;
    lt_talk_as(basename(argv[0]));
    optind = 0;
    while ((c = getopt(argc, argv, "L:b:fnqvVt:")) != -1) {
        if (c == 'L')
            params.label = optarg;
        else if (c == 'b' && (lt_size_parse(optarg, &block_size) != LT_OK || block_size > 65536))
            return helper_usage();
        else if (c == 'f')
            params.force = true;
        else if (c == 'n')
            dry_run = true;
        else if (c == 'q')
            quiet = true;
        else if (c == 'V')
            return puts("lintel " LT_VERSION) < 0;
        else if (c == '?')
            return helper_usage();
    }
    if (argc - optind < 1 || argc - optind > 2)
        return helper_usage();
    if (argc - optind == 2 && lt_size_parse(argv[optind + 1], &params.size) != LT_OK)
        return helper_usage();
    params.block_size = (uint32_t)block_size;
    if (!check_size(argv[optind], params.size))
        return LT_EXIT_FAILED;
    int status = dry_run ? LT_EXIT_OK : format(argv[optind], &params);
    if (status == LT_EXIT_OK && !quiet && !dry_run)
        status = lt_image_report(argv[optind], "mkfs", false);
    return status;
}
