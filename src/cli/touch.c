// SPDX-License-Identifier: MIT
/* lintel touch, lintel truncate and lintel chmod. */
#include "mode.h"
#include "operand.h"
#include "visit.h"

#include <base/options.h>
#include <lintel/path.h>
#include <os/os.h>
#include <stdlib.h>
#include <time.h>

/* ---- touch ----------------------------------------------------------------------------------- */

/* "@SECONDS", or "YYYY-MM-DD[ HH:MM[:SS]]" of local time. */
static bool parse_time(const char *text, struct lt_time *ret)
{
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
                                          "%Y-%m-%d %H:%M", "%Y-%m-%d"};
    char *end;
    if (text[0] == '@') {
        long long sec = strtoll(text + 1, &end, 10);
        *ret = (struct lt_time){sec, 0};
        return end != text + 1 && *end == '\0';
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct tm local = {.tm_isdst = -1};
        const char *rest = strptime(text, formats[i], &local);
        if (rest && *rest == '\0') {
            *ret = (struct lt_time){mktime(&local), 0};
            return true;
        }
    }
    return false;
}

static int touch(const struct lt_place *place, const struct lt_setattr *set, bool no_create)
{
    struct lt_node *root = lt_place_root(place);
    int error = lt_path_setattr(lt_cli_ctx(), root, place->path, 0, set);
    if (error != LT_ENOENT)
        return error;
    if (no_create)
        return LT_OK;
    error = lt_path_mknod(lt_cli_ctx(), root, place->path, LT_S_IFREG | 0666, 0);
    if (error == LT_OK)
        error = lt_place_own(place);
    return error == LT_OK ? lt_path_setattr(lt_cli_ctx(), root, place->path, 0, set) : error;
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    struct lt_setattr set = {.mask = LT_SET_ATIME | LT_SET_MTIME};
    const char *date = lt_args_value(args, "date");
    struct lt_time when = lt_clock_now();
    if (date && !parse_time(date, &when))
        return lt_usage_error(args->command, "'%s' is no time: @SECONDS or YYYY-MM-DD [HH:MM[:SS]]",
                              date);
    set.atime = set.mtime = when;
    if (lt_args_flag(args, "access") && !lt_args_flag(args, "modified"))
        set.mask = LT_SET_ATIME;
    if (lt_args_flag(args, "modified") && !lt_args_flag(args, "access"))
        set.mask = LT_SET_MTIME;
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_WRITE);
    bool opened = status == LT_EXIT_OK;
    for (size_t i = 0; opened && i < places.count; i++) {
        int error = touch(&places.list[i], &set, lt_args_flag(args, "no-create"));
        if (error != LT_OK)
            status = lt_place_complain(&places.list[i], "touch", error);
    }
    return lt_places_close(&places, status);
}

static const struct lt_cli_option touch_options[] = {
    {.name = "no-create", .letter = 'c', .help = "Make no files"},
    {.name = "access", .letter = 'a', .help = "Set the time of the last access only"},
    {.name = "modified", .letter = 'm', .help = "Set the time of the last change only"},
    {.name = "date",
     .letter = 'd',
     .arg = "TIME",
     .help = "@SECONDS since 1970, or YYYY-MM-DD with or without HH:MM:SS; now by default"},
    {.name = NULL},
};

const struct lt_command lt_command_touch = {
    .name = "touch",
    .summary = "Make empty files, or set the times of files",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = touch_options,
    .examples = {{"lintel touch -d '2026-01-01 12:00' disk.img:/a", "a time"}},
    .run = run,
    .group = LT_GROUP_FILES,
};

/* ---- truncate -------------------------------------------------------------------------------- */

static int truncate_place(const struct lt_place *place, const char *size_text, bool no_create)
{
    struct lt_node *root = lt_place_root(place);
    bool relative = size_text[0] == '+' || size_text[0] == '-';
    struct lt_attr attr;
    uint64_t size;
    (void)lt_size_parse(size_text + relative, &size);
    int error = lt_path_stat(lt_cli_ctx(), root, place->path, 0, &attr);
    if (error == LT_ENOENT && no_create)
        return LT_OK;
    if (error == LT_ENOENT) {
        error = lt_path_mknod(lt_cli_ctx(), root, place->path, LT_S_IFREG | 0666, 0);
        if (error == LT_OK)
            error = lt_place_own(place);
        attr.size = 0;
    }
    if (error != LT_OK)
        return error;
    if (size_text[0] == '+')
        size = size > LT_SIZE_MAX - attr.size ? UINT64_MAX : attr.size + size;
    else if (relative)
        size = size < attr.size ? attr.size - size : 0;
    return lt_path_truncate(lt_cli_ctx(), root, place->path, size);
}

static int run_truncate(const struct lt_args *args)
{
    const char *size = lt_args_value(args, "size");
    struct lt_places places;
    uint64_t ignored;
    if (!size)
        return lt_usage_error(args->command, "--size is missing");
    if (lt_size_parse(size + (size[0] == '+' || size[0] == '-'), &ignored) != LT_OK)
        return lt_usage_error(args->command, "'%s' is no size", size);
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_WRITE);
    bool opened = status == LT_EXIT_OK;
    for (size_t i = 0; opened && i < places.count; i++) {
        int error = truncate_place(&places.list[i], size, lt_args_flag(args, "no-create"));
        if (error != LT_OK)
            status = lt_place_complain(&places.list[i], "truncate", error);
    }
    return lt_places_close(&places, status);
}

static const struct lt_cli_option truncate_options[] = {
    {.name = "size",
     .letter = 's',
     .arg = "SIZE",
     .help = "The new size, such as 4g; with + or - before it by how much to grow or shrink"},
    {.name = "no-create", .letter = 'c', .help = "Make no files"},
    {.name = NULL},
};

const struct lt_command lt_command_truncate = {
    .name = "truncate",
    .summary = "Set the size of files",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = truncate_options,
    .examples = {{"lintel truncate -s 1g disk.img:/sparse", "a file of 1 GiB that takes no room"}},
    .run = run_truncate,
    .group = LT_GROUP_FILES,
};

/* ---- chmod ----------------------------------------------------------------------------------- */

struct change {
    struct lt_visitor visitor; /* first */
    const char *mode;
    int status;
};

static int change_mode(struct lt_visitor *visitor, const struct lt_visit *visit)
{
    struct change *c = (struct change *)visitor;
    struct lt_setattr set = {.mask = LT_SET_MODE};
    if (visit->node->type == LT_S_IFLNK)
        return 0;
    (void)lt_mode_parse(c->mode, visit->attr->mode, lt_cli_ctx()->umask, &set.mode);
    int error = lt_node_setattr(lt_cli_ctx(), visit->node, &set, NULL);
    if (error != LT_OK) {
        lt_complain("cannot change the mode of '%s': %s", visit->path, lt_error_text(error));
        c->status = LT_EXIT_FAILED;
    }
    return 0;
}

static int change_one(struct lt_visitor *visitor, const struct lt_visit *visit)
{
    (void)change_mode(visitor, visit);
    return LT_VISIT_SKIP;
}

static void cannot_list(struct lt_visitor *visitor, const char *path, int error)
{
    lt_complain("cannot list '%s': %s", path, lt_error_text(error));
    ((struct change *)visitor)->status = LT_EXIT_FAILED;
}

static int change_place(const struct lt_place *place, const char *mode, bool recursive)
{
    struct lt_entry entry = {.stored = NULL};
    struct change c = {
        .visitor = {.enter = recursive ? change_mode : change_one, .failed = cannot_list},
        .mode = mode};
    int error = lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, 0, &entry);
    if (error == LT_OK) {
        error = lt_visit_tree(&c.visitor, entry.node, place->shown);
        lt_node_put(entry.node);
    }
    return error == LT_OK ? c.status : lt_place_complain(place, "change the mode of", error);
}

static int run_chmod(const struct lt_args *args)
{
    const char *mode = args->operands[0];
    struct lt_places places;
    uint32_t ignored;
    if (!lt_mode_parse(mode, 0, 0, &ignored))
        return lt_usage_error(args->command, "'%s' is no mode", mode);
    int status =
        lt_places_open(&places, args->operands + 1, args->operand_count - 1, LT_PLACES_WRITE);
    bool opened = status == LT_EXIT_OK;
    for (size_t i = 0; opened && i < places.count; i++)
        if (change_place(&places.list[i], mode, lt_args_flag(args, "recursive")) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
    return lt_places_close(&places, status);
}

static const struct lt_cli_option chmod_options[] = {
    {.name = "recursive", .letter = 'R', .help = "And of all that is below"},
    {.name = NULL},
};

const struct lt_command lt_command_chmod = {
    .name = "chmod",
    .summary = "Change the permissions of files",
    .operands = {{"MODE", LT_HINT_NONE, false}, {"PLACE", LT_HINT_PLACE, .many = true}},
    .options = chmod_options,
    .examples = {{"lintel chmod 0640 disk.img:/a", "in octal"},
                 {"lintel chmod -R u=rwX,go-w disk.img:/dir", "in words, with all below"}},
    .run = run_chmod,
    .group = LT_GROUP_FILES,
};
