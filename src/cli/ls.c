// SPDX-License-Identifier: MIT
/* lintel ls. */
#include "entry.h"
#include "operand.h"
#include "visit.h"

#include <inttypes.h>
#include <lintel/path.h>
#include <os/os.h>
#include <stdlib.h>

/* GNU ls: 1 for what is wrong within, 2 for an operand that cannot be listed. */
enum { LS_MINOR = 1, LS_TROUBLE = 2 };

/* A directory that is still to be listed. */
struct pending {
    struct pending *next;
    struct lt_node *node;
    char *path;
};

struct ls {
    bool is_long, all, almost_all, recursive, human, inodes, numeric, classify;
    bool by_time, by_size, unsorted, reverse, as_json, headings;
    struct lt_json json;
    struct lt_time now;
    struct pending *pending;
    bool begun; /* something was printed: an empty line comes before a heading */
    int status;
};

/* ---- Order ----------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct lt_listed *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int compare_times(const void *a, const void *b)
{
    const struct lt_time *x = &((const struct lt_listed *)a)->attr.mtime;
    const struct lt_time *y = &((const struct lt_listed *)b)->attr.mtime;
    if (x->sec != y->sec)
        return x->sec > y->sec ? -1 : 1;
    if (x->nsec != y->nsec)
        return x->nsec > y->nsec ? -1 : 1;
    return compare_names(a, b);
}

static int compare_sizes(const void *a, const void *b)
{
    const struct lt_listed *x = a, *y = b;
    if (x->attr.size != y->attr.size)
        return x->attr.size > y->attr.size ? -1 : 1;
    return compare_names(a, b);
}

static void sort(const struct ls *ls, struct lt_listed *list, size_t count)
{
    if (ls->unsorted || count == 0)
        return;
    qsort(list, count, sizeof(*list),
          ls->by_time   ? compare_times
          : ls->by_size ? compare_sizes
                        : compare_names);
    for (size_t i = 0; ls->reverse && i < count / 2; i++) {
        struct lt_listed other = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = other;
    }
}

/* ---- Printing -------------------------------------------------------------------------------- */

struct widths {
    int inode, links, user, group, size;
};

static struct lt_text size_text(const struct ls *ls, const struct lt_attr *attr)
{
    uint32_t type = attr->mode & LT_S_IFMT;
    struct lt_text t;
    if (type == LT_S_IFCHR || type == LT_S_IFBLK)
        return lt_text_device(attr->rdev);
    if (ls->human)
        return lt_text_human(attr->size);
    snprintf(t.s, sizeof(t.s), "%" PRIu64, attr->size);
    return t;
}

static void widen(int *width, int len)
{
    if (len > *width)
        *width = len;
}

static struct widths widths_of(const struct ls *ls, const struct lt_listed *list, size_t count)
{
    struct widths w = {0};
    for (size_t i = 0; i < count && (ls->is_long || ls->inodes); i++) {
        const struct lt_attr *a = &list[i].attr;
        widen(&w.inode, snprintf(NULL, 0, "%" PRIu64, a->id));
        widen(&w.links, snprintf(NULL, 0, "%" PRIu32, a->nlink));
        widen(&w.user, (int)strlen(lt_text_user(a->uid, ls->numeric).s));
        widen(&w.group, (int)strlen(lt_text_group(a->gid, ls->numeric).s));
        widen(&w.size, (int)strlen(size_text(ls, a).s));
    }
    return w;
}

static void print_mark(const struct lt_attr *attr)
{
    static const char letters[] = "d/l@p|s=";
    const char *at = strchr(letters, lt_type_letter(attr->mode));
    if (at && at < letters + sizeof(letters) - 1)
        putchar(at[1]);
    else if (attr->mode & 0111)
        putchar('*');
}

static void print_entry(const struct ls *ls, const struct lt_listed *e, const struct widths *w)
{
    const struct lt_attr *a = &e->attr;
    if (ls->inodes)
        printf("%*" PRIu64 " ", w->inode, a->id);
    if (ls->is_long)
        printf("%s %*" PRIu32 " %-*s %-*s %*s %s ", lt_text_mode(a).s, w->links, a->nlink, w->user,
               lt_text_user(a->uid, ls->numeric).s, w->group, lt_text_group(a->gid, ls->numeric).s,
               w->size, size_text(ls, a).s, lt_text_time_short(a->mtime, ls->now).s);
    lt_print_name(e->name);
    char *target = ls->is_long && e->node->type == LT_S_IFLNK ? lt_read_target(e->node) : NULL;
    if (target) {
        fputs(" -> ", stdout);
        lt_print_name(target);
    } else if (ls->classify) {
        print_mark(a);
    }
    free(target);
    putchar('\n');
}

static void print_json(struct ls *ls, const char *dir, const struct lt_listed *e)
{
    char *path = dir ? lt_path_join(dir, lt_strn(e->name, e->name_len)) : NULL;
    char *target = e->node->type == LT_S_IFLNK ? lt_read_target(e->node) : NULL;
    lt_json_entry(&ls->json, NULL, path ? path : e->name, &e->attr, target);
    free(target);
    free(path);
}

/* `dir`: the directory's path, NULL for operands that are files. */
static void print_list(struct ls *ls, const char *dir, const struct lt_listed *list, size_t count)
{
    struct widths w = widths_of(ls, list, count);
    for (size_t i = 0; i < count; i++) {
        if (ls->as_json)
            print_json(ls, dir, &list[i]);
        else
            print_entry(ls, &list[i], &w);
    }
    ls->begun = ls->begun || count > 0;
}

static void print_heading(struct ls *ls, const char *path, const struct lt_listing *listing)
{
    uint64_t allocated = 0;
    if (ls->as_json)
        return;
    if (ls->headings)
        printf("%s%s:\n", ls->begun ? "\n" : "", path);
    ls->begun = true;
    if (!ls->is_long)
        return;
    for (size_t i = 0; i < listing->count; i++)
        allocated += listing->entries[i].attr.allocated;
    if (ls->human)
        printf("total %s\n", lt_text_human(allocated).s);
    else
        printf("total %" PRIu64 "\n", (allocated + 1023) / 1024);
}

/* ---- Directories ----------------------------------------------------------------------------- */

static bool is_hidden(const struct ls *ls, const struct lt_listed *e)
{
    return e->name[0] == '.' && !ls->all && !ls->almost_all;
}

static void drop_hidden(const struct ls *ls, struct lt_listing *listing)
{
    size_t kept = 0;
    for (size_t i = 0; i < listing->count; i++) {
        struct lt_listed *e = &listing->entries[i];
        if (is_hidden(ls, e)) {
            free(e->name);
            lt_node_put(e->node);
        } else {
            listing->entries[kept++] = *e;
        }
    }
    listing->count = kept;
}

/* "." or "..", which no directory lists itself. */
static int add_dots(struct lt_listing *listing, struct lt_node *node, const char *name)
{
    struct lt_listed dots = {.name = strdup(name), .name_len = strlen(name), .node = node};
    int error = dots.name ? lt_node_getattr(lt_cli_ctx(), node, &dots.attr) : LT_ENOMEM;
    if (error == LT_OK && listing->count == listing->capacity) {
        struct lt_listed *entries =
            realloc(listing->entries, (listing->capacity + 2) * sizeof(*entries));
        if (entries) {
            listing->entries = entries;
            listing->capacity += 2;
        } else {
            error = LT_ENOMEM;
        }
    }
    if (error != LT_OK) {
        free(dots.name);
        lt_node_put(node);
        return error;
    }
    listing->entries[listing->count++] = dots;
    return LT_OK;
}

static int read_dir(const struct ls *ls, struct lt_node *dir, struct lt_listing *listing)
{
    struct lt_node *parent = NULL;
    int error = lt_listing_read(listing, dir, 0);
    if (error == LT_OK)
        drop_hidden(ls, listing);
    if (error == LT_OK && ls->all && !ls->as_json)
        error = add_dots(listing, lt_node_get(dir), ".");
    if (error == LT_OK && ls->all && !ls->as_json)
        error = lt_node_parent(lt_cli_ctx(), dir, &parent);
    if (parent)
        error = add_dots(listing, parent, "..");
    return error;
}

static void complain(struct ls *ls, const char *path, int error, int status)
{
    lt_complain("cannot list '%s': %s", path, lt_error_text(error));
    if (ls->status < status)
        ls->status = status;
}

/* `path` becomes the list's. */
static void push(struct ls *ls, struct lt_node *node, char *path)
{
    struct pending *p = malloc(sizeof(*p));
    if (!p || !path) {
        complain(ls, path ? path : "?", LT_ENOMEM, LS_TROUBLE);
        free(path);
        free(p);
        return;
    }
    *p = (struct pending){ls->pending, lt_node_get(node), path};
    ls->pending = p;
}

/* -R: the directories of a directory come next, the first one first. */
static void push_inner(struct ls *ls, const char *path, const struct lt_listing *listing)
{
    for (size_t i = listing->count; i-- > 0;) {
        const struct lt_listed *e = &listing->entries[i];
        bool dots = strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0;
        if (e->node->type == LT_S_IFDIR && !dots)
            push(ls, e->node, lt_path_join(path, lt_strn(e->name, e->name_len)));
    }
}

static void list_dir(struct ls *ls, struct lt_node *node, const char *path, int trouble)
{
    struct lt_listing listing = {0};
    int error = read_dir(ls, node, &listing);
    if (error != LT_OK)
        complain(ls, path, error, trouble);
    sort(ls, listing.entries, listing.count);
    print_heading(ls, path, &listing);
    print_list(ls, path, listing.entries, listing.count);
    if (ls->recursive)
        push_inner(ls, path, &listing);
    lt_listing_fini(&listing);
}

static void list_pending(struct ls *ls, int trouble)
{
    while (ls->pending) {
        struct pending *p = ls->pending;
        ls->pending = p->next;
        list_dir(ls, p->node, p->path, trouble);
        trouble = LS_MINOR;
        lt_node_put(p->node);
        free(p->path);
        free(p);
    }
}

/* ---- Operands -------------------------------------------------------------------------------- */

/* Looks the operands up: *files and *dirs (room for all of them) take those that are there. */
static void look_up(struct ls *ls, const struct lt_places *places, bool dirs_as_files,
                    struct lt_listing *files, struct lt_listing *dirs)
{
    for (size_t i = 0; i < places->count; i++) {
        const struct lt_place *place = &places->list[i];
        struct lt_entry entry = {.stored = NULL};
        bool follow = !ls->is_long && !ls->classify && !dirs_as_files;
        uint32_t flags = follow ? 0 : LT_NOFOLLOW;
        int error = lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, flags, &entry);
        if (error == LT_ENOENT && flags == 0) /* a link that leads nowhere is a file */
            error = lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, LT_NOFOLLOW,
                                   &entry);
        if (error != LT_OK) {
            complain(ls, place->shown, error, LS_TROUBLE);
            continue;
        }
        bool is_dir = entry.node->type == LT_S_IFDIR && !dirs_as_files;
        struct lt_listing *to = is_dir ? dirs : files;
        to->entries[to->count++] =
            (struct lt_listed){place->shown, strlen(place->shown), entry.node, entry.attr};
    }
}

static void list_places(struct ls *ls, const struct lt_places *places, bool dirs_as_files)
{
    struct lt_listing files = {.entries = calloc(places->count, sizeof(*files.entries))};
    struct lt_listing dirs = {.entries = calloc(places->count, sizeof(*dirs.entries))};
    if (files.entries && dirs.entries)
        look_up(ls, places, dirs_as_files, &files, &dirs);
    else
        ls->status = LS_TROUBLE;
    sort(ls, files.entries, files.count);
    sort(ls, dirs.entries, dirs.count);
    print_list(ls, NULL, files.entries, files.count);
    for (size_t i = 0; i < dirs.count; i++) {
        push(ls, dirs.entries[i].node, strdup(dirs.entries[i].name));
        list_pending(ls, LS_TROUBLE);
        lt_node_put(dirs.entries[i].node);
    }
    for (size_t i = 0; i < files.count; i++)
        lt_node_put(files.entries[i].node);
    free(files.entries);
    free(dirs.entries);
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    struct ls ls = {
        .is_long = lt_args_flag(args, "long") || lt_args_flag(args, "numeric"),
        .all = lt_args_flag(args, "all"),
        .almost_all = lt_args_flag(args, "almost-all"),
        .recursive = lt_args_flag(args, "recursive"),
        .human = lt_args_flag(args, "human-readable"),
        .inodes = lt_args_flag(args, "inode"),
        .numeric = lt_args_flag(args, "numeric"),
        .classify = lt_args_flag(args, "classify"),
        .by_time = lt_args_flag(args, "time"),
        .by_size = lt_args_flag(args, "size"),
        .unsorted = lt_args_flag(args, "unsorted"),
        .reverse = lt_args_flag(args, "reverse"),
        .as_json = lt_args_flag(args, "json"),
        .now = lt_clock_now(),
    };
    ls.headings = args->operand_count > 1 || ls.recursive;
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_READ);
    if (status != LT_EXIT_OK)
        return lt_places_close(&places, LS_TROUBLE);
    if (ls.as_json) {
        lt_output_begin(&ls.json, "ls");
        lt_json_array(&ls.json, "entries");
    }
    list_places(&ls, &places, lt_args_flag(args, "directory"));
    if (ls.as_json) {
        lt_json_array_end(&ls.json);
        if (lt_output_end(&ls.json) != LT_EXIT_OK)
            ls.status = LS_TROUBLE;
    }
    return lt_places_close(&places, ls.status);
}

static const struct lt_cli_option ls_options[] = {
    {.name = "long", .letter = 'l', .help = "Modes, links, owners, sizes and times as well"},
    {.name = "all", .letter = 'a', .help = "Names that begin with a dot too, with . and .."},
    {.name = "almost-all", .letter = 'A', .help = "The same without . and .."},
    {.name = "recursive", .letter = 'R', .help = "And all directories below"},
    {.name = "directory", .letter = 'd', .help = "Directories themselves, not what is in them"},
    {.name = "human-readable", .letter = 'h', .help = "Sizes such as 1.5K"},
    {.name = "inode", .letter = 'i', .help = "Inode numbers before the names"},
    {.name = "numeric", .letter = 'n', .help = "As -l, with numbers for owners"},
    {.name = "classify", .letter = 'F', .help = "A mark behind names: / @ | = *"},
    {.name = "time", .letter = 't', .help = "The last changed first"},
    {.name = "size", .letter = 'S', .help = "The largest first"},
    {.name = "unsorted", .letter = 'U', .help = "In the order of the directory"},
    {.name = "reverse", .letter = 'r', .help = "In reverse"},
    {.name = "one", .letter = '1', .help = "One name a line; always so"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_ls = {
    .name = "ls",
    .summary = "List directories",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = ls_options,
    .examples = {{"lintel ls -l disk.img:/", "a directory"},
                 {"lintel ls -R --json disk.img:", "everything, for programs"}},
    .run = run,
    .group = LT_GROUP_FILES,
};
