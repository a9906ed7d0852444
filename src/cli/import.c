// SPDX-License-Identifier: MIT
/* lintel import and lintel export: whole trees, as directories, tar archives or images. */
#include "interrupt.h"
#include "rows.h"
#include "transfer.h"
#include "trees.h"

#include <dirent.h>
#include <errno.h>
#include <lintel/path.h>
#include <stdlib.h>
#include <sys/stat.h>

static const struct lt_row rows[] = {
    {NULL, "Files", "files", LT_ROW_COUNT},
    {NULL, "Data", "bytes", LT_ROW_SIZE},
    {NULL, "Metadata left out", "skipped", LT_ROW_COUNT},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

static int answer(const struct lt_args *args, const struct lt_tree_status *s, int status)
{
    struct lt_answer a = {.command = args->command->name,
                          .rows = rows,
                          .as_json = lt_args_flag(args, "json"),
                          .quiet = lt_args_flag(args, "quiet")};
    if (status != LT_EXIT_OK)
        return status;
    lt_answer_begin(&a);
    lt_json_u64(&a.json, "files", s->files);
    lt_json_u64(&a.json, "bytes", s->bytes);
    lt_json_u64(&a.json, "skipped", s->skipped);
    return lt_answer_end(&a, status);
}

static const char *progress_of(const struct lt_args *args)
{
    return lt_args_flag(args, "quiet") ? "never" : lt_args_value(args, "progress");
}

/* For the whole trees of lintel/tree.h. */
struct work {
    struct lt_progress progress;
    struct lt_tree_options options;
    uint64_t total; /* bytes, 0: not known */
};

static void show(void *arg, const struct lt_tree_status *status)
{
    struct work *w = arg;
    lt_progress_show(&w->progress, status->files, status->bytes, w->total);
}

static void begin(struct work *w, const struct lt_args *args, const char *what)
{
    *w = (struct work){.options = {.progress = show, .arg = w}};
    w->options.cancel = lt_interrupt_catch();
    lt_progress_begin(&w->progress, progress_of(args), what);
    lt_progress_patient(&w->progress, lt_args_value(args, "progress"));
}

static int end(struct work *w, const char *verb, const char *path, int error,
               const struct lt_diag *diag)
{
    const struct lt_tree_status *s = &w->options.status;
    lt_progress_end(&w->progress, s->files, s->bytes, error == LT_OK);
    if (error == LT_OK)
        return LT_EXIT_OK;
    lt_complain_why(verb, path, error, diag);
    return LT_EXIT_FAILED;
}

/* ---- import ---------------------------------------------------------------------------------- */

/* The directory of a place, made if it is missing. */
static int find_dir(const struct lt_place *place, struct lt_node **ret)
{
    struct lt_entry entry = {.stored = NULL};
    struct lt_node *root = lt_place_root(place);
    int error = lt_path_lookup(lt_cli_ctx(), root, place->path, 0, &entry);
    if (error == LT_ENOENT) {
        error = lt_path_mkdir(lt_cli_ctx(), root, place->path, 0777);
        if (error == LT_OK)
            error = lt_place_own(place);
        if (error == LT_OK)
            error = lt_path_lookup(lt_cli_ctx(), root, place->path, 0, &entry);
    }
    if (error == LT_OK && entry.node->type != LT_S_IFDIR) {
        lt_node_put(entry.node);
        error = LT_ENOTDIR;
    }
    if (error == LT_OK)
        *ret = entry.node;
    return error;
}

static int import_archive(const struct lt_args *args, const char *path,
                          const struct lt_place *place)
{
    struct lt_diag diag = {""};
    struct lt_node *dir;
    struct work w;
    struct stat st;
    int error = find_dir(place, &dir);
    if (error != LT_OK)
        return lt_place_complain(place, "import into", error);
    begin(&w, args, "importing");
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        w.total = (uint64_t)st.st_size;
    error = lt_trees_load(path, dir, &w.options, &diag);
    lt_node_put(dir);
    return answer(args, &w.options.status, end(&w, "import", path, error, &diag));
}

static int import_dir(const struct lt_args *args, const char *path, const struct lt_places *places)
{
    const struct lt_place *to = &places->list[0];
    struct lt_transfer t = {.verb = "import", .options = {.recursive = true}};
    struct lt_tree_status done = {0};
    char *content = lt_path_join(path, lt_str("."));
    struct lt_place from = {.path = content, .shown = (char *)path};
    int status = LT_EXIT_FAILED;
    if (!content) {
        lt_complain("%s", lt_error_text(LT_ENOMEM));
        return status;
    }
    status = lt_transfer_begin(&t, places, "importing", progress_of(args));
    if (status == LT_EXIT_OK)
        status = lt_transfer_add(&t, &from, to, to->path, to->shown);
    done = t.options.tree.status;
    lt_transfer_end(&t, status);
    free(content);
    return answer(args, &done, status);
}

static int run(const struct lt_args *args)
{
    const char *path = args->operands[0];
    struct lt_places places;
    struct stat st;
    if (strcmp(path, "-") == 0)
        path = "/dev/stdin";
    if (stat(path, &st) != 0) {
        lt_complain("cannot import '%s': %s", path, strerror(errno));
        return LT_EXIT_FAILED;
    }
    int status = lt_places_open(&places, args->operands + 1, 1, LT_PLACES_WRITE);
    if (status == LT_EXIT_OK)
        status = S_ISDIR(st.st_mode) ? import_dir(args, path, &places)
                                     : import_archive(args, path, &places.list[0]);
    return lt_places_close(&places, status);
}

static const struct lt_cli_option import_options[] = {
    LT_WITH_QUIET, LT_WITH_JSON, LT_WITH_PROGRESS, {.name = NULL}};

const struct lt_command lt_command_import = {
    .name = "import",
    .summary = "Bring a directory tree or a tar archive into an image",
    .details = "What is in TREE comes into PLACE, which is made if it is missing; files replace "
               "those that are there. TREE is a directory, a tar archive (ustar, pax, GNU; not "
               "compressed), - for an archive from stdin, or a disk image.",
    .operands = {{"TREE", LT_HINT_FILE, false}, {"PLACE", LT_HINT_PLACE, false}},
    .options = import_options,
    .examples = {{"lintel import ./tree disk.img:/", "a directory"},
                 {"zcat backup.tar.gz | lintel import - disk.img:/old", "a compressed archive"}},
    .run = run,
    .group = LT_GROUP_FILES,
};

/* ---- export ---------------------------------------------------------------------------------- */

static bool is_empty(const char *path)
{
    const struct dirent *entry;
    bool empty = true;
    DIR *dir = opendir(path);
    while (dir && empty && (entry = readdir(dir)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

/* What is there already is replaced as a whole: nobody is to lose a directory by that. */
static bool may_replace(const char *path, bool force)
{
    struct stat st;
    if (force || stat(path, &st) != 0 || (S_ISDIR(st.st_mode) && is_empty(path)))
        return true;
    lt_complain("'%s' is there already; --force replaces it and all that is in it", path);
    return false;
}

static int export_place(const struct lt_args *args, const struct lt_place *place, const char *path)
{
    struct lt_entry entry = {.stored = NULL};
    struct lt_diag diag = {""};
    struct lt_statfs space;
    struct work w;
    int error = lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, 0, &entry);
    if (error == LT_OK && entry.node->type != LT_S_IFDIR) {
        lt_node_put(entry.node);
        error = LT_ENOTDIR;
    }
    if (error != LT_OK)
        return lt_place_complain(place, "export", error);
    begin(&w, args, "exporting");
    if (entry.node == lt_place_root(place) &&
        lt_fs_statfs(lt_cli_ctx(), place->fs, &space) == LT_OK)
        w.total = space.data;
    error = lt_trees_save(entry.node, path, &w.options, &diag);
    lt_node_put(entry.node);
    return answer(args, &w.options.status, end(&w, "export to", path, error, &diag));
}

static int run_export(const struct lt_args *args)
{
    const char *path = args->operands[1];
    struct lt_places places;
    if (!may_replace(path, lt_args_flag(args, "force")))
        return LT_EXIT_FAILED;
    int status = lt_places_open(&places, args->operands, 1, LT_PLACES_READ);
    if (status == LT_EXIT_OK)
        status = export_place(args, &places.list[0], path);
    return lt_places_close(&places, status);
}

static const struct lt_cli_option export_options[] = {
    {.name = "force",
     .letter = 'f',
     .help = "Replace what is there already, and all that is in it"},
    LT_WITH_QUIET,
    LT_WITH_JSON,
    LT_WITH_PROGRESS,
    {.name = NULL},
};

const struct lt_command lt_command_export = {
    .name = "export",
    .summary = "Write a tree of an image to a directory or a tar archive",
    .details =
        "TREE is a tar archive if its name ends in .tar or it is a file, a disk image if it ends "
        "in .img or is one, else a directory. "
        "It takes its place in one step, when all of it is there.",
    .operands = {{"PLACE", LT_HINT_PLACE, false}, {"TREE", LT_HINT_FILE, false}},
    .options = export_options,
    .examples = {{"lintel export disk.img:/home backup.tar", "an archive"},
                 {"lintel export disk.img: ./copy", "a directory with all that is in the image"}},
    .run = run_export,
    .group = LT_GROUP_FILES,
};
