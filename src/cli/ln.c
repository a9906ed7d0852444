// SPDX-License-Identifier: MIT
/* lintel ln. */
#include "operand.h"

#include <lintel/path.h>
#include <stdlib.h>

static bool is_dir(const struct lt_place *place)
{
    struct lt_attr attr;
    return lt_path_stat(lt_cli_ctx(), lt_place_root(place), place->path, 0, &attr) == LT_OK &&
           (attr.mode & LT_S_IFMT) == LT_S_IFDIR;
}

static int make(const struct lt_place *from, const char *target, const struct lt_place *place,
                const char *path)
{
    struct lt_node *root = lt_place_root(place);
    struct lt_place made = *place;
    made.path = path;
    if (from)
        return lt_path_link(lt_cli_ctx(), root, from->path, LT_NOFOLLOW, root, path);
    int error = lt_path_symlink(lt_cli_ctx(), target, root, path);
    return error == LT_OK ? lt_place_own(&made) : error;
}

/* `from`: the file that gets one more name; NULL for a symbolic link to `target`. */
static int link_place(const struct lt_place *from, const char *target, const struct lt_place *place,
                      bool force)
{
    char *inside = NULL;
    const char *path = place->path;
    if (is_dir(place))
        path = inside = lt_path_join(path, lt_path_base(from ? from->path : target));
    int error = path ? make(from, target, place, path) : LT_ENOMEM;
    if (error == LT_EEXIST && force) {
        error = lt_path_unlink(lt_cli_ctx(), lt_place_root(place), path);
        if (error == LT_OK)
            error = make(from, target, place, path);
    }
    free(inside);
    return error == LT_OK ? LT_EXIT_OK : lt_place_complain(place, "make the link", error);
}

static int run(const struct lt_args *args)
{
    bool symbolic = lt_args_flag(args, "symbolic"), force = lt_args_flag(args, "force");
    const char *target = args->operands[0];
    struct lt_places places;
    size_t skip = symbolic ? 1 : 0; /* a symbolic link's target is text */
    int status =
        lt_places_open(&places, args->operands + skip, args->operand_count - skip, LT_PLACES_WRITE);
    if (status == LT_EXIT_OK && symbolic) {
        status = link_place(NULL, target, &places.list[0], force);
    } else if (status == LT_EXIT_OK && places.list[0].fs != places.list[1].fs) {
        lt_complain("cannot link '%s' to '%s': a file has all its names in one file system",
                    places.list[1].shown, places.list[0].shown);
        status = LT_EXIT_FAILED;
    } else if (status == LT_EXIT_OK) {
        status = link_place(&places.list[0], NULL, &places.list[1], force);
    }
    return lt_places_close(&places, status);
}

static const struct lt_cli_option ln_options[] = {
    {.name = "symbolic", .letter = 's', .help = "Make a symbolic link; TARGET is its text"},
    {.name = "force", .letter = 'f', .help = "Replace a file that has the name already"},
    {.name = NULL},
};

const struct lt_command lt_command_ln = {
    .name = "ln",
    .summary = "Give a file one more name, or make a symbolic link",
    .operands = {{"TARGET", LT_HINT_PLACE, false}, {"PLACE", LT_HINT_PLACE, false}},
    .options = ln_options,
    .examples = {{"lintel ln disk.img:/a disk.img:/b", "one file, two names"},
                 {"lintel ln -s ../a disk.img:/dir/link", "a symbolic link to ../a"}},
    .run = run,
    .group = LT_GROUP_FILES,
};
