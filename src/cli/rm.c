// SPDX-License-Identifier: MIT
/* lintel rm. */
#include "rm.h"

#include "operand.h"
#include "visit.h"

#include <lintel/path.h>

struct removal {
    struct lt_visitor visitor; /* first */
    bool verbose;
    int status;
};

static void complain(const char *path, int error)
{
    lt_complain("cannot remove '%s': %s", path, lt_error_text(error));
}

static void report(struct removal *r, const struct lt_visit *visit, int error)
{
    if (error != LT_OK) {
        complain(visit->path, error);
        r->status = LT_EXIT_FAILED;
    } else if (r->verbose) {
        printf("removed '%s'\n", visit->path);
    }
}

/* Files on the way down, directories on the way up. The start is left to the caller: only it knows
 * the directory above. */
static int enter(struct lt_visitor *visitor, const struct lt_visit *visit)
{
    if (visit->depth == 0 || visit->node->type == LT_S_IFDIR)
        return 0;
    int error = lt_node_remove(lt_cli_ctx(), visit->dir, visit->name, 0, NULL);
    report((struct removal *)visitor, visit, error);
    return 0;
}

static int leave(struct lt_visitor *visitor, const struct lt_visit *visit)
{
    if (visit->depth == 0)
        return 0;
    int error = lt_node_remove(lt_cli_ctx(), visit->dir, visit->name, LT_REMOVE_DIR, NULL);
    report((struct removal *)visitor, visit, error);
    return 0;
}

static void failed(struct lt_visitor *visitor, const char *path, int error)
{
    complain(path, error);
    ((struct removal *)visitor)->status = LT_EXIT_FAILED;
}

static int remove_content(const struct lt_place *place, struct lt_node *node, bool verbose)
{
    struct removal r = {.visitor = {.enter = enter, .leave = leave, .failed = failed},
                        .verbose = verbose};
    int error = lt_visit_tree(&r.visitor, node, place->shown);
    if (error == LT_OK)
        return r.status;
    return lt_place_complain(place, "remove", error);
}

/* rm refuses what would take away more than was meant. */
static bool is_refused(const struct lt_place *place)
{
    struct lt_str base = lt_path_base(place->path);
    return base.len == 0 || lt_str_equal(base, lt_str(".")) || lt_str_equal(base, lt_str(".."));
}

int lt_remove_place(const struct lt_place *place, unsigned flags)
{
    struct lt_entry entry = {.stored = NULL};
    struct lt_node *root = lt_place_root(place);
    if (is_refused(place)) {
        lt_complain("'%s' is not removed: it is a root directory, '.' or '..'", place->shown);
        return LT_EXIT_FAILED;
    }
    int error = lt_path_lookup(lt_cli_ctx(), root, place->path, LT_NOFOLLOW, &entry);
    if (error == LT_ENOENT && flags & LT_RM_FORCE)
        return LT_EXIT_OK;
    if (error != LT_OK)
        return lt_place_complain(place, "remove", error);
    bool is_dir = entry.node->type == LT_S_IFDIR;
    int status = LT_EXIT_OK;
    if (is_dir && flags & LT_RM_RECURSIVE)
        status = remove_content(place, entry.node, flags & LT_RM_VERBOSE);
    else if (is_dir && !(flags & LT_RM_DIR))
        status = lt_place_complain(place, "remove", LT_EISDIR);
    lt_node_put(entry.node);
    if (status != LT_EXIT_OK)
        return status;
    error = is_dir ? lt_path_rmdir(lt_cli_ctx(), root, place->path)
                   : lt_path_unlink(lt_cli_ctx(), root, place->path);
    if (error != LT_OK)
        return lt_place_complain(place, "remove", error);
    if (flags & LT_RM_VERBOSE)
        printf("removed '%s'\n", place->shown);
    return LT_EXIT_OK;
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    unsigned flags = (lt_args_flag(args, "recursive") ? LT_RM_RECURSIVE : 0) |
                     (lt_args_flag(args, "force") ? LT_RM_FORCE : 0) |
                     (lt_args_flag(args, "dir") ? LT_RM_DIR : 0) |
                     (lt_args_flag(args, "verbose") ? LT_RM_VERBOSE : 0);
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_WRITE);
    bool opened = status == LT_EXIT_OK;
    for (size_t i = 0; opened && i < places.count; i++)
        if (lt_remove_place(&places.list[i], flags) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
    return lt_places_close(&places, status);
}

static const struct lt_cli_option rm_options[] = {
    {.name = "recursive", .letter = 'r', .help = "Remove directories with all that is in them"},
    {.name = "force", .letter = 'f', .help = "What is not there is no mistake"},
    {.name = "dir", .letter = 'd', .help = "Remove empty directories too"},
    {.name = "verbose", .letter = 'v', .help = "Print what was removed"},
    {.name = NULL},
};

const struct lt_command lt_command_rm = {
    .name = "rm",
    .summary = "Remove files and trees",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = rm_options,
    .examples = {{"lintel rm disk.img:/a disk.img:/b", "two files"},
                 {"lintel rm -rf disk.img:/tmp", "a tree, if it is there"}},
    .run = run,
    .group = LT_GROUP_FILES,
};
