// SPDX-License-Identifier: MIT
/* lintel mkdir and lintel rmdir. */
#include "mode.h"
#include "operand.h"

#include <lintel/path.h>
#include <stdlib.h>

/* ---- mkdir ----------------------------------------------------------------------------------- */

static int make(const struct lt_place *place, const char *path, uint32_t mode)
{
    struct lt_place made = *place;
    made.path = path;
    int error = lt_path_mkdir(lt_cli_ctx(), lt_place_root(place), path, mode);
    return error == LT_OK ? lt_place_own(&made) : error;
}

static bool is_dir(const struct lt_place *place, const char *path)
{
    struct lt_attr attr;
    return lt_path_stat(lt_cli_ctx(), lt_place_root(place), path, 0, &attr) == LT_OK &&
           (attr.mode & LT_S_IFMT) == LT_S_IFDIR;
}

/* The directories above as well, as far as they are missing. */
static int make_above(const struct lt_place *place)
{
    char *path = strdup(place->path);
    int error = path ? LT_OK : LT_ENOMEM;
    for (char *slash = path; error == LT_OK && (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        error = make(place, path, 0777);
        if (error == LT_EEXIST && is_dir(place, path))
            error = LT_OK;
        *slash = '/';
    }
    free(path);
    return error;
}

static int make_place(const struct lt_place *place, const char *mode_text, bool parents)
{
    uint32_t mode = 0777;
    if (mode_text)
        (void)lt_mode_parse(mode_text, LT_S_IFDIR | 0777, lt_cli_ctx()->umask, &mode);
    int error = parents ? make_above(place) : LT_OK;
    if (error == LT_OK)
        error = make(place, place->path, mode);
    if (error == LT_EEXIST && parents && is_dir(place, place->path))
        return LT_EXIT_OK;
    if (error == LT_OK && mode_text)
        error = lt_path_chmod(lt_cli_ctx(), lt_place_root(place), place->path, mode);
    return error == LT_OK ? LT_EXIT_OK : lt_place_complain(place, "make the directory", error);
}

static int run(const struct lt_args *args)
{
    const char *mode = lt_args_value(args, "mode");
    struct lt_places places;
    uint32_t ignored;
    if (mode && !lt_mode_parse(mode, LT_S_IFDIR, 0, &ignored))
        return lt_usage_error(args->command, "'%s' is no mode", mode);
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_WRITE);
    bool opened = status == LT_EXIT_OK;
    for (size_t i = 0; opened && i < places.count; i++)
        if (make_place(&places.list[i], mode, lt_args_flag(args, "parents")) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
    return lt_places_close(&places, status);
}

static const struct lt_cli_option mkdir_options[] = {
    {.name = "parents",
     .letter = 'p',
     .help = "Make the directories above as well; one that is there already is no mistake"},
    {.name = "mode", .letter = 'm', .arg = "MODE", .help = "Permissions, as for chmod"},
    {.name = NULL},
};

const struct lt_command lt_command_mkdir = {
    .name = "mkdir",
    .summary = "Make directories",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = mkdir_options,
    .examples = {{"lintel mkdir -p disk.img:/a/b/c", "with those above"}},
    .run = run,
    .group = LT_GROUP_FILES,
};

/* ---- rmdir ----------------------------------------------------------------------------------- */

static int run_rmdir(const struct lt_args *args)
{
    struct lt_places places;
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_WRITE);
    bool opened = status == LT_EXIT_OK;
    for (size_t i = 0; opened && i < places.count; i++) {
        const struct lt_place *place = &places.list[i];
        int error = lt_path_rmdir(lt_cli_ctx(), lt_place_root(place), place->path);
        if (error != LT_OK)
            status = lt_place_complain(place, "remove", error);
    }
    return lt_places_close(&places, status);
}

const struct lt_command lt_command_rmdir = {
    .name = "rmdir",
    .summary = "Remove empty directories",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .examples = {{"lintel rmdir disk.img:/a/b", "which must be empty"}},
    .run = run_rmdir,
    .group = LT_GROUP_FILES,
};
