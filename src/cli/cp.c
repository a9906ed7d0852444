// SPDX-License-Identifier: MIT
/* lintel cp and lintel mv. */
#include "rm.h"
#include "transfer.h"

#include <lintel/path.h>
#include <os/host.h>

/* ---- cp -------------------------------------------------------------------------------------- */

static int copy_all(struct lt_transfer *t, const struct lt_places *places)
{
    const struct lt_place *to = &places->list[places->count - 1];
    int into = lt_goal_is_dir(to, places->count - 1, t->options.recursive), status = LT_EXIT_OK;
    for (size_t i = 0; into >= 0 && i + 1 < places->count; i++) {
        const struct lt_place *from = &places->list[i];
        struct lt_goal goal;
        if (!lt_goal_of(from, to, into, &goal))
            return LT_EXIT_FAILED;
        if (lt_transfer_add(t, from, to, goal.path, goal.shown) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
        lt_goal_fini(&goal);
    }
    return into >= 0 ? status : LT_EXIT_FAILED;
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    bool archive = lt_args_flag(args, "archive"), quiet = lt_args_flag(args, "quiet");
    struct lt_transfer t = {.verb = "copy",
                            .verbose = lt_args_flag(args, "verbose"),
                            .options = {.recursive = archive || lt_args_flag(args, "recursive"),
                                        .keep = lt_args_flag(args, "no-clobber"),
                                        .plain = lt_args_flag(args, "no-preserve") && !archive}};
    int status = lt_places_open(&places, args->operands, args->operand_count,
                                LT_PLACES_WRITE_LAST | LT_PLACES_HOST);
    if (status == LT_EXIT_OK) {
        status = lt_transfer_begin(&t, &places, "copying",
                                   quiet ? "never" : lt_args_value(args, "progress"));
        if (status == LT_EXIT_OK)
            status = copy_all(&t, &places);
        lt_transfer_end(&t, status);
    }
    return lt_places_close(&places, status);
}

static const struct lt_cli_option cp_options[] = {
    {.name = "recursive",
     .letter = 'r',
     .help = "Copy directories with all that is in them; symbolic links stay links"},
    {.name = "archive", .letter = 'a', .help = "The same as -r"},
    {.name = "preserve",
     .letter = 'p',
     .help = "Keep times, owners, attributes and all the rest; always so"},
    {.name = "no-preserve",
     .help = "Make new files of one's own: only data and permissions are copied"},
    {.name = "no-clobber", .letter = 'n', .help = "Leave files that are there already as they are"},
    {.name = "force", .letter = 'f', .help = "Replace them; always so without -n"},
    {.name = "verbose", .letter = 'v', .help = "Print what was copied"},
    LT_WITH_QUIET,
    LT_WITH_PROGRESS,
    {.name = NULL},
};

const struct lt_command lt_command_cp = {
    .name = "cp",
    .summary = "Copy files and trees into, out of, within and between images",
    .details = "Everything is kept: owners, times, permissions, ACLs, attributes, hard links, "
               "holes, streams. A file that is there already is replaced in one step.",
    .operands = {{"SOURCE", LT_HINT_PLACE, .many = true}, {"TARGET", LT_HINT_PLACE, false}},
    .options = cp_options,
    .examples = {{"lintel cp -r ./tree disk.img:/", "into an image, as /tree"},
                 {"lintel cp -r ./tree/. disk.img:/", "what is in it"},
                 {"lintel cp disk.img:/a.txt .", "out of one"},
                 {"lintel cp -r old.img: new.img:", "all from one to another"}},
    .run = run,
    .group = LT_GROUP_FILES,
};

/* ---- mv -------------------------------------------------------------------------------------- */

struct move {
    struct lt_transfer transfer;
    bool keep, verbose;
};

static int move_within(const struct move *m, const struct lt_place *from, const struct lt_place *to,
                       const struct lt_goal *goal)
{
    struct lt_node *root = lt_place_root(from);
    int error = lt_path_rename(lt_cli_ctx(), root, from->path, lt_place_root(to), goal->path,
                               m->keep ? LT_RENAME_NOREPLACE : 0);
    if (error == LT_EEXIST && m->keep)
        return LT_EXIT_OK;
    if (error != LT_OK) {
        lt_complain("cannot move '%s' to '%s': %s", from->shown, goal->shown, lt_error_text(error));
        return LT_EXIT_FAILED;
    }
    if (m->verbose)
        printf("'%s' -> '%s'\n", from->shown, goal->shown);
    return LT_EXIT_OK;
}

/* Copies, and removes the original only if all of it has arrived. */
static int move_across(struct move *m, const struct lt_place *from, const struct lt_place *to,
                       const struct lt_goal *goal)
{
    uint64_t left_out = m->transfer.options.left_out;
    int status = lt_transfer_add(&m->transfer, from, to, goal->path, goal->shown);
    if (status != LT_EXIT_OK)
        return status;
    if (m->transfer.options.left_out > left_out) {
        if (!m->keep)
            lt_complain("'%s' is not removed: not all of it was copied", from->shown);
        return m->keep ? LT_EXIT_OK : LT_EXIT_FAILED;
    }
    int error = to->fs ? lt_fs_sync(lt_cli_ctx(), to->fs) : lt_host_sync(goal->path);
    if (error == LT_OK && from->fs)
        return lt_remove_place(from, LT_RM_RECURSIVE);
    if (error == LT_OK)
        error = lt_host_remove_tree(from->path);
    return error == LT_OK ? LT_EXIT_OK : lt_place_complain(from, "remove", error);
}

static int move_all(struct move *m, const struct lt_places *places)
{
    const struct lt_place *to = &places->list[places->count - 1];
    int into = lt_goal_is_dir(to, places->count - 1, true), status = LT_EXIT_OK;
    for (size_t i = 0; into >= 0 && i + 1 < places->count; i++) {
        const struct lt_place *from = &places->list[i];
        struct lt_goal goal;
        if (!lt_goal_of(from, to, into, &goal))
            return LT_EXIT_FAILED;
        int moved = from->fs && from->fs == to->fs ? move_within(m, from, to, &goal)
                                                   : move_across(m, from, to, &goal);
        if (moved != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
        lt_goal_fini(&goal);
    }
    return into >= 0 ? status : LT_EXIT_FAILED;
}

static int run_mv(const struct lt_args *args)
{
    struct lt_places places;
    bool quiet = lt_args_flag(args, "quiet");
    struct move m = {.keep = lt_args_flag(args, "no-clobber"),
                     .verbose = lt_args_flag(args, "verbose")};
    m.transfer.verb = "move";
    m.transfer.verbose = m.verbose;
    m.transfer.options.recursive = true;
    m.transfer.options.keep = m.keep;
    int status = lt_places_open(&places, args->operands, args->operand_count,
                                LT_PLACES_WRITE | LT_PLACES_HOST);
    if (status == LT_EXIT_OK) {
        status = lt_transfer_begin(&m.transfer, &places, "moving",
                                   quiet ? "never" : lt_args_value(args, "progress"));
        if (status == LT_EXIT_OK)
            status = move_all(&m, &places);
        lt_transfer_end(&m.transfer, status);
    }
    return lt_places_close(&places, status);
}

static const struct lt_cli_option mv_options[] = {
    {.name = "no-clobber", .letter = 'n', .help = "Leave files that are there already as they are"},
    {.name = "force", .letter = 'f', .help = "Replace them; always so without -n"},
    {.name = "verbose", .letter = 'v', .help = "Print what was moved"},
    LT_WITH_QUIET,
    LT_WITH_PROGRESS,
    {.name = NULL},
};

const struct lt_command lt_command_mv = {
    .name = "mv",
    .summary = "Rename files, or move them into, out of and between images",
    .details = "Within an image it is one step. Otherwise files are copied as by cp -r, and "
               "removed when all of them have arrived and are on disk.",
    .operands = {{"SOURCE", LT_HINT_PLACE, .many = true}, {"TARGET", LT_HINT_PLACE, false}},
    .options = mv_options,
    .examples = {{"lintel mv disk.img:/a disk.img:/b", "rename"},
                 {"lintel mv *.log disk.img:/logs/", "into an image"}},
    .run = run_mv,
    .group = LT_GROUP_FILES,
};
