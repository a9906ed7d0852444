// SPDX-License-Identifier: MIT
/* lintel du and lintel df. */
#include "entry.h"
#include "operand.h"
#include "visit.h"

#include <base/options.h>
#include <inttypes.h>
#include <lintel/path.h>
#include <search.h>
#include <stdlib.h>

/* ---- du -------------------------------------------------------------------------------------- */

struct total {
    uint64_t allocated, size, files;
};

struct du {
    struct lt_visitor visitor; /* first */
    bool summarize, human, all, apparent, bytes, as_json;
    unsigned max_depth;
    struct lt_json json;
    struct total *totals; /* by depth */
    size_t capacity;
    void *seen; /* tsearch: files with several names that were counted */
    struct total grand;
    int status;
};

static int compare_ids(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Whether a file with several names was met before. */
static bool was_seen(struct du *du, const struct lt_attr *attr)
{
    if (attr->nlink < 2 || (attr->mode & LT_S_IFMT) == LT_S_IFDIR)
        return false;
    uint64_t *id = malloc(sizeof(*id));
    if (!id)
        return false;
    *id = attr->id;
    uint64_t **found = tsearch(id, &du->seen, compare_ids);
    if (found && *found == id)
        return false;
    free(id);
    return found;
}

static void add(struct total *to, const struct total *more)
{
    to->allocated += more->allocated;
    to->size += more->size;
    to->files += more->files;
}

static void print_total(struct du *du, const char *path, const struct total *t)
{
    uint64_t n = du->apparent ? t->size : t->allocated;
    if (du->as_json) {
        lt_json_object(&du->json, NULL);
        lt_json_name(&du->json, "path", path);
        lt_json_u64(&du->json, "allocated", t->allocated);
        lt_json_u64(&du->json, "size", t->size);
        lt_json_u64(&du->json, "files", t->files);
        lt_json_object_end(&du->json);
        return;
    }
    if (du->human)
        fputs(lt_text_human(n).s, stdout);
    else
        printf("%" PRIu64, du->bytes ? n : (n + 1023) / 1024);
    putchar('\t');
    lt_print_name(path);
    putchar('\n');
}

static bool is_shown(const struct du *du, const struct lt_visit *visit)
{
    if (visit->depth == 0)
        return true;
    if (du->summarize || visit->depth > du->max_depth)
        return false;
    return du->all || visit->node->type == LT_S_IFDIR;
}

static int reserve(struct du *du, unsigned depth)
{
    if (depth < du->capacity)
        return LT_OK;
    size_t capacity = 2 * (size_t)depth + 16;
    struct total *totals = realloc(du->totals, capacity * sizeof(*totals));
    if (!totals)
        return LT_ENOMEM;
    du->totals = totals;
    du->capacity = capacity;
    return LT_OK;
}

static int enter(struct lt_visitor *visitor, const struct lt_visit *visit)
{
    struct du *du = (struct du *)visitor;
    bool is_dir = visit->node->type == LT_S_IFDIR;
    struct total own = {visit->attr->allocated, is_dir ? 0 : visit->attr->size, 1};
    if (reserve(du, visit->depth) != LT_OK)
        return LT_ENOMEM;
    if (was_seen(du, visit->attr))
        return 0;
    du->totals[visit->depth] = own;
    if (is_dir)
        return 0;
    if (visit->depth > 0)
        add(&du->totals[visit->depth - 1], &own);
    else
        add(&du->grand, &own);
    if (is_shown(du, visit))
        print_total(du, visit->path, &own);
    return 0;
}

static int leave(struct lt_visitor *visitor, const struct lt_visit *visit)
{
    struct du *du = (struct du *)visitor;
    const struct total *t = &du->totals[visit->depth];
    if (visit->depth > 0)
        add(&du->totals[visit->depth - 1], t);
    else
        add(&du->grand, t);
    if (is_shown(du, visit))
        print_total(du, visit->path, t);
    return 0;
}

static void failed(struct lt_visitor *visitor, const char *path, int error)
{
    lt_complain("cannot list '%s': %s", path, lt_error_text(error));
    ((struct du *)visitor)->status = LT_EXIT_FAILED;
}

static void count_place(struct du *du, const struct lt_place *place)
{
    struct lt_entry entry = {.stored = NULL};
    int error =
        lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, LT_NOFOLLOW, &entry);
    if (error == LT_OK) {
        error = lt_visit_tree(&du->visitor, entry.node, place->shown);
        lt_node_put(entry.node);
    }
    if (error != LT_OK)
        du->status = lt_place_complain(place, "count", error);
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    struct du du = {.visitor = {.enter = enter, .leave = leave, .failed = failed},
                    .summarize = lt_args_flag(args, "summarize"),
                    .human = lt_args_flag(args, "human-readable"),
                    .all = lt_args_flag(args, "all"),
                    .bytes = lt_args_flag(args, "bytes"),
                    .as_json = lt_args_flag(args, "json"),
                    .max_depth = UINT32_MAX};
    const char *depth = lt_args_value(args, "max-depth");
    uint64_t number;
    du.apparent = du.bytes || lt_args_flag(args, "apparent-size");
    if (depth && (lt_size_parse(depth, &number) != LT_OK || number > UINT32_MAX))
        return lt_usage_error(args->command, "'%s' is no depth", depth);
    if (depth)
        du.max_depth = (unsigned)number;
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_READ);
    if (status != LT_EXIT_OK)
        return lt_places_close(&places, status);
    if (du.as_json) {
        lt_output_begin(&du.json, "du");
        lt_json_array(&du.json, "entries");
    }
    for (size_t i = 0; i < places.count; i++)
        count_place(&du, &places.list[i]);
    if (du.as_json)
        lt_json_array_end(&du.json);
    else if (lt_args_flag(args, "total"))
        print_total(&du, "total", &du.grand);
    if (du.as_json && lt_output_end(&du.json) != LT_EXIT_OK)
        du.status = LT_EXIT_FAILED;
    tdestroy(du.seen, free);
    free(du.totals);
    return lt_places_close(&places, du.status);
}

static const struct lt_cli_option du_options[] = {
    {.name = "summarize", .letter = 's', .help = "Only a line for each PLACE"},
    {.name = "human-readable", .letter = 'h', .help = "Sizes such as 1.5K instead of KiB"},
    {.name = "all", .letter = 'a', .help = "Files too, not directories only"},
    {.name = "apparent-size", .help = "Sizes as the files have them, not what they take"},
    {.name = "bytes", .letter = 'b', .help = "The same, in bytes"},
    {.name = "max-depth", .letter = 'd', .arg = "N", .help = "Only so many levels below"},
    {.name = "total", .letter = 'c', .help = "And the sum of all"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_du = {
    .name = "du",
    .summary = "Show what files take",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = du_options,
    .examples = {{"lintel du -sh disk.img:/home", "a tree in one line"}},
    .run = run,
    .group = LT_GROUP_FILES,
};

/* ---- df -------------------------------------------------------------------------------------- */

static struct lt_text amount(uint64_t bytes, bool human)
{
    struct lt_text t;
    if (human)
        return lt_text_human(bytes);
    snprintf(t.s, sizeof(t.s), "%" PRIu64, bytes / 1024);
    return t;
}

static void print_space(const struct lt_statfs *s, const char *name, bool human)
{
    uint64_t usable = s->used + s->available;
    unsigned percent =
        usable > 0 ? (unsigned)((double)s->used * 100 / (double)usable + 0.999999) : 0;
    printf("%-24s %11s %11s %11s %3u%% %9" PRIu64 "\n", name, amount(s->total, human).s,
           amount(s->used, human).s, amount(s->available, human).s, percent, s->nodes);
}

static void json_space(struct lt_json *json, const struct lt_statfs *s, const char *name)
{
    lt_json_object(json, NULL);
    lt_json_name(json, "source", name);
    lt_json_u64(json, "total", s->total);
    lt_json_u64(json, "used", s->used);
    lt_json_u64(json, "free", s->free);
    lt_json_u64(json, "available", s->available);
    lt_json_u64(json, "nodes", s->nodes);
    lt_json_u64(json, "nodes_max", s->nodes_max);
    lt_json_object_end(json);
}

/* "disk.img" for "disk.img:": what has no colon is one, too. */
static char *place_operand(const char *operand)
{
    char *text;
    bool is_image = lt_is_image_file(operand);
    return asprintf(&text, is_image ? "%s:" : "%s", operand) < 0 ? NULL : text;
}

static int show_space(const struct lt_args *args, const struct lt_places *places)
{
    bool as_json = lt_args_flag(args, "json"), human = lt_args_flag(args, "human-readable");
    struct lt_json json;
    struct lt_statfs space;
    int status = LT_EXIT_OK;
    if (as_json) {
        lt_output_begin(&json, "df");
        lt_json_array(&json, "entries");
    } else {
        printf("%-24s %11s %11s %11s %4s %9s\n", "Source", human ? "Size" : "1K-blocks", "Used",
               "Available", "Use%", "Files");
    }
    for (size_t i = 0; i < places->count; i++) {
        int error = lt_fs_statfs(lt_cli_ctx(), places->list[i].fs, &space);
        if (error != LT_OK)
            status = lt_place_complain(&places->list[i], "ask", error);
        else if (as_json)
            json_space(&json, &space, args->operands[i]);
        else
            print_space(&space, args->operands[i], human);
    }
    if (!as_json)
        return status;
    lt_json_array_end(&json);
    int written = lt_output_end(&json);
    return status != LT_EXIT_OK ? status : written;
}

static int run_df(const struct lt_args *args)
{
    struct lt_places places = {0};
    size_t count = args->operand_count;
    char **operands = calloc(count + 1, sizeof(*operands));
    bool complete = operands;
    for (size_t i = 0; complete && i < count; i++)
        complete = (operands[i] = place_operand(args->operands[i]));
    int status = LT_EXIT_FAILED;
    if (complete)
        status = lt_places_open(&places, operands, count, LT_PLACES_READ);
    if (status == LT_EXIT_OK)
        status = show_space(args, &places);
    status = lt_places_close(&places, status);
    for (size_t i = 0; operands && i < count; i++)
        free(operands[i]);
    free(operands);
    return status;
}

static const struct lt_cli_option df_options[] = {
    {.name = "human-readable", .letter = 'h', .help = "Sizes such as 1.5G instead of KiB"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_df = {
    .name = "df",
    .summary = "Show how much room there is",
    .operands = {{"IMAGE", LT_HINT_IMAGE, .many = true}},
    .options = df_options,
    .examples = {{"lintel df -h disk.img", "of an image"}},
    .run = run_df,
    .group = LT_GROUP_FILES,
};
