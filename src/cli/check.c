// SPDX-License-Identifier: MIT
/* lintel check and lintel scrub, and fsck.lintel for fsck(8). */
#include "cli.h"
#include "entry.h"
#include "interrupt.h"
#include "mkfs.h"
#include "operand.h"
#include "progress.h"
#include "rows.h"

#include <getopt.h>
#include <libgen.h>
#include <lintel/image.h>
#include <lintel/path.h>
#include <stdlib.h>

/* Exit codes of fsck(8), which may be added up. */
enum {
    FSCK_CLEAN = 0,
    FSCK_REPAIRED = 1,
    FSCK_LEFT = 4,
    FSCK_FAILED = 8,
    FSCK_USAGE = 16,
    FSCK_CANCELLED = 32
};

/* A problem, kept until the check is over: only then can paths be asked for. */
struct problem {
    struct problem *next;
    struct lt_image_problem what; /* with texts of its own */
};

struct checking {
    const char *path;
    bool repair, data, as_json, quiet;
    const char *command; /* "check" */
    const char *when;    /* --progress */
    struct lt_progress progress;
    struct problem *first, **end;
    bool out_of_memory;
};

static const struct lt_row rows[] = {
    {NULL, "Problems", "problems_found", LT_ROW_COUNT},
    {NULL, "Repaired", "problems_repaired", LT_ROW_COUNT},
    {NULL, "Files", "files", LT_ROW_COUNT},
    {NULL, "Directories", "directories", LT_ROW_COUNT},
    {NULL, "Streams", "streams", LT_ROW_COUNT},
    {NULL, "Items", "items", LT_ROW_COUNT},
    {NULL, "Blocks of the tree", "tree_blocks", LT_ROW_COUNT},
    {NULL, "Data blocks read", "data_blocks", LT_ROW_COUNT},
    {NULL, "Free blocks", "free_blocks", LT_ROW_COUNT},
    {NULL, "Replayed from the log", "replayed", LT_ROW_COUNT},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

/* ---- While it runs --------------------------------------------------------------------------- */

static int note_problem(void *arg, const struct lt_image_problem *what)
{
    struct checking *c = arg;
    struct problem *p = calloc(1, sizeof(*p));
    char *name = strdup(what->name), *text = strdup(what->text);
    if (!p || !name || !text) {
        free(p);
        free(name);
        free(text);
        c->out_of_memory = true;
        return 1;
    }
    p->what = *what;
    p->what.name = name;
    p->what.text = text;
    *c->end = p;
    c->end = &p->next;
    return 0;
}

static int note_progress(void *arg, uint64_t done, uint64_t total)
{
    struct checking *c = arg;
    lt_progress_share(&c->progress, done, total);
    return lt_interrupted();
}

static void free_problems(struct checking *c)
{
    while (c->first) {
        struct problem *p = c->first;
        c->first = p->next;
        free((char *)p->what.name);
        free((char *)p->what.text);
        free(p);
    }
}

/* ---- What was found -------------------------------------------------------------------------- */

/* The path of a file that a problem is about, malloc'd; NULL: it has none, or cannot be asked for.
 */
static char *path_of(struct lt_fs *fs, uint64_t id)
{
    struct lt_node *node;
    char *path = NULL, *buf = malloc(LT_PATH_MAX * 4);
    if (buf && fs && id && lt_fs_node(lt_cli_ctx(), fs, id, 0, &node) == LT_OK) {
        if (lt_path_of(lt_cli_ctx(), node, buf, (size_t)LT_PATH_MAX * 4) >= 0)
            path = strdup(buf);
        lt_node_put(node);
    }
    free(buf);
    return path;
}

static void print_problem(const struct checking *c, struct lt_json *json, struct lt_fs *fs,
                          const struct lt_image_problem *p)
{
    char *path = path_of(fs, p->node);
    if (c->as_json) {
        lt_json_object(json, NULL);
        lt_json_u64(json, "number", p->number);
        lt_json_text(json, "name", p->name);
        lt_json_text(json, "text", p->text);
        if (p->node)
            lt_json_u64(json, "node", p->node);
        if (p->block)
            lt_json_u64(json, "block", p->block);
        if (path)
            lt_json_name(json, "path", path);
        lt_json_bool(json, "repaired", p->repaired);
        lt_json_object_end(json);
    } else {
        printf("%s: %s (%s, %u)%s%s%s%s\n", c->path, p->text, p->name, p->number,
               path ? " in " : "", path ? path : "", p->repaired ? ": repaired" : "", "");
    }
    free(path);
}

/* Opened to learn paths by; a damaged image may refuse. */
static struct lt_fs *open_for_paths(const struct checking *c)
{
    struct lt_fs *fs = NULL;
    bool wanted = false;
    for (const struct problem *p = c->first; p; p = p->next)
        wanted = wanted || p->what.node;
    char *source = wanted ? lt_image_source(c->path, "ro") : NULL;
    if (source && lt_open_fs(source, &fs, NULL) != LT_OK)
        fs = NULL;
    free(source);
    return fs;
}

static void print_problems(const struct checking *c, struct lt_json *json)
{
    struct lt_fs *fs = open_for_paths(c);
    if (c->as_json)
        lt_json_array(json, "problems");
    for (const struct problem *p = c->first; p; p = p->next)
        print_problem(c, json, fs, &p->what);
    if (c->as_json)
        lt_json_array_end(json);
    lt_fs_close(fs);
}

static void json_result(struct lt_json *json, const struct lt_image_check_result *r)
{
    lt_json_u64(json, "problems_found", r->problems);
    lt_json_u64(json, "problems_repaired", r->repaired);
    lt_json_u64(json, "nodes", r->nodes);
    lt_json_u64(json, "files", r->files);
    lt_json_u64(json, "directories", r->directories);
    lt_json_u64(json, "streams", r->streams);
    lt_json_u64(json, "items", r->items);
    lt_json_u64(json, "tree_blocks", r->tree_blocks);
    if (r->data_blocks > 0) /* they are read with --data only */
        lt_json_u64(json, "data_blocks", r->data_blocks);
    lt_json_u64(json, "free_blocks", r->free_blocks);
    lt_json_u64(json, "replayed", r->replayed);
}

static void print_verdict(const struct checking *c, const struct lt_image_check_result *r)
{
    uint64_t left = r->problems > r->repaired ? r->problems - r->repaired : 0;
    if (r->problems == 0)
        printf("%s: clean\n", c->path);
    else if (left == 0)
        printf("%s: all problems were repaired\n", c->path);
    else if (c->repair)
        printf("%s: %s problems could not be repaired\n", c->path, lt_text_count(left).s);
    else
        printf("%s: damaged; 'lintel check --repair %s' mends what can be mended\n", c->path,
               c->path);
}

static int report(const struct checking *c, const struct lt_image_check_result *r)
{
    struct lt_answer answer = {
        .command = c->command, .rows = rows, .as_json = c->as_json, .quiet = c->quiet};
    int status = FSCK_CLEAN;
    if (r->repaired > 0)
        status |= FSCK_REPAIRED;
    if (r->problems > r->repaired)
        status |= FSCK_LEFT;
    lt_answer_begin(&answer);
    lt_json_name(&answer.json, "source", c->path);
    lt_json_bool(&answer.json, "clean", r->problems == r->repaired);
    if (c->as_json || !c->quiet || r->problems > 0)
        print_problems(c, &answer.json);
    if (!c->as_json && !c->quiet)
        print_verdict(c, r);
    json_result(&answer.json, r);
    int written = lt_answer_end(&answer, LT_EXIT_OK);
    return written == LT_EXIT_OK ? status : status | FSCK_FAILED;
}

/* ---- Running it ------------------------------------------------------------------------------ */

static int check(struct checking *c)
{
    struct lt_image_check how = {.repair = c->repair,
                                 .data = c->data,
                                 .problem = note_problem,
                                 .progress = note_progress,
                                 .arg = c};
    struct lt_image_check_result result = {0};
    struct lt_diag diag = {""};
    c->end = &c->first;
    lt_interrupt_catch();
    lt_progress_begin(&c->progress, c->quiet ? "never" : c->when, "checking");
    int error = lt_image_check(c->path, &how, &result, &diag), status;
    lt_progress_end(&c->progress, result.nodes, 0, error == LT_OK);
    if (c->out_of_memory)
        error = LT_ENOMEM;
    if (error == LT_OK) {
        status = report(c, &result);
    } else if (error == LT_EINTR) {
        lt_complain("%s: cancelled", c->path);
        status = FSCK_CANCELLED;
    } else {
        lt_complain_why("check", c->path, error, &diag);
        status = FSCK_FAILED;
    }
    free_problems(c);
    return status;
}

static int run(const struct lt_args *args)
{
    return check(&(struct checking){.path = args->operands[0],
                                    .repair = lt_args_flag(args, "repair"),
                                    .data = lt_args_flag(args, "data"),
                                    .as_json = lt_args_flag(args, "json"),
                                    .quiet = lt_args_flag(args, "quiet"),
                                    .when = lt_args_value(args, "progress"),
                                    .command = "check"});
}

static int run_scrub(const struct lt_args *args)
{
    return check(&(struct checking){.path = args->operands[0],
                                    .data = true,
                                    .as_json = lt_args_flag(args, "json"),
                                    .quiet = lt_args_flag(args, "quiet"),
                                    .when = lt_args_value(args, "progress"),
                                    .command = "scrub"});
}

static const struct lt_cli_option check_options[] = {
    {.name = "repair",
     .letter = 'r',
     .help = "Mend what can be mended; nothing is written without"},
    {.name = "data", .help = "Read all file data, too, and verify the checksums it has"},
    LT_WITH_QUIET,
    LT_WITH_JSON,
    LT_WITH_PROGRESS,
    {.name = NULL},
};

const struct lt_command lt_command_check = {
    .name = "check",
    .summary = "Check a disk image, and repair it",
    .operands = {{"IMAGE", LT_HINT_IMAGE, false}},
    .options = check_options,
    .examples = {{"lintel check disk.img", "look only"},
                 {"lintel check --repair disk.img", "and mend"}},
    .run = run,
    .group = LT_GROUP_IMAGE,
    .usage_status = FSCK_USAGE,
};

static const struct lt_cli_option scrub_options[] = {
    LT_WITH_QUIET, LT_WITH_JSON, LT_WITH_PROGRESS, {.name = NULL}};

const struct lt_command lt_command_scrub = {
    .name = "scrub",
    .summary = "Read all data of a disk image and verify its checksums",
    .details = "The same as 'lintel check --data'. Images have checksums of data if they were made "
               "with --data-checks; without them it tells what cannot be read at all.",
    .operands = {{"IMAGE", LT_HINT_IMAGE, false}},
    .options = scrub_options,
    .examples = {{"lintel scrub disk.img", "which files are bad?"}},
    .run = run_scrub,
    .group = LT_GROUP_IMAGE,
    .usage_status = FSCK_USAGE,
};

/* ---- fsck.lintel ----------------------------------------------------------------------------- */

int lt_fsck_helper(int argc, char **argv)
{
    struct checking c = {.command = "check", .when = "never"};
    int opt;
    lt_talk_as(basename(argv[0]));
    optind = 0;
    /* -f: check also what is clean, as we always do. -C: fsck wants a bar. */
    while ((opt = getopt(argc, argv, "apynrfvVTMC::")) != -1) {
        if (opt == 'a' || opt == 'p' || opt == 'y' || opt == 'r')
            c.repair = true;
        else if (opt == 'n')
            c.repair = false;
        else if (opt == 'C')
            c.when = "auto";
        else if (opt == 'V')
            return puts("lintel " LT_VERSION) < 0;
        else if (opt == '?')
            return FSCK_USAGE;
    }
    if (argc - optind != 1) {
        fprintf(stderr, "usage: %s [-a|-p|-y|-n] [-f] [-C] DEVICE\n", lt_talk_name());
        return FSCK_USAGE;
    }
    c.path = argv[optind];
    return check(&c);
}
