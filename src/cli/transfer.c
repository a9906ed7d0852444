// SPDX-License-Identifier: MIT
#include "transfer.h"

#include "interrupt.h"

#include <lintel/path.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- Telling --------------------------------------------------------------------------------- */

static void show_progress(void *arg, const struct lt_tree_status *status)
{
    struct lt_transfer *t = arg;
    lt_progress_show(&t->progress, status->files, status->bytes, t->total);
}

static void note_copied(void *arg, const char *from, const char *to)
{
    const struct lt_transfer *t = arg;
    if (t->verbose)
        printf("'%s' -> '%s'\n", from, to);
}

static void note_failed(void *arg, const char *from, const char *to, int error, const char *why)
{
    struct lt_transfer *t = arg;
    if (error == LT_ECANCELED)
        lt_complain("cancelled");
    else
        lt_complain("cannot %s '%s' to '%s': %s", t->verb, from, to, why);
}

/* ---- The copy -------------------------------------------------------------------------------- */

/* An image is not copied into itself. */
static bool skip_images(struct lt_transfer *t, const struct lt_places *places)
{
    t->skip = calloc(places->opened_count + 1, sizeof(*t->skip));
    for (size_t i = 0; t->skip && i < places->opened_count; i++) {
        const struct lt_opened *o = &places->opened[i];
        if (o->ino)
            t->skip[t->options.skip_count++] =
                (struct lt_copy_id){major(o->dev), minor(o->dev), o->ino};
    }
    t->options.skip = t->skip;
    return t->skip;
}

int lt_transfer_begin(struct lt_transfer *t, const struct lt_places *places, const char *what,
                      const char *when)
{
    struct lt_copy_options *o = &t->options;
    o->uid = (uint32_t)geteuid();
    o->gid = (uint32_t)getegid();
    o->umask = lt_cli_ctx()->umask;
    o->copied = note_copied;
    o->failed = note_failed;
    o->tree.progress = show_progress;
    o->arg = o->tree.arg = t;
    o->tree.cancel = lt_interrupt_catch();
    lt_progress_begin(&t->progress, when, what);
    lt_progress_patient(&t->progress, when);
    int error = skip_images(t, places) ? lt_copy_start(lt_cli_ctx(), o, &t->copy) : LT_ENOMEM;
    if (error == LT_OK)
        return LT_EXIT_OK;
    lt_complain("%s", lt_error_text(error));
    return LT_EXIT_FAILED;
}

/* A path to what a symbolic link as operand leads to, malloc'd. */
static char *follow(const struct lt_place *place, int *error)
{
    struct lt_entry entry = {.stored = NULL};
    char *buf;
    if (!place->fs) {
        buf = realpath(place->path, NULL);
        return buf ? buf : strdup(place->path); /* the copy says what is wrong with it */
    }
    *error = lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, 0, &entry);
    if (*error != LT_OK)
        return NULL;
    size_t size = (size_t)LT_PATH_MAX * 4;
    buf = malloc(size);
    *error = buf ? lt_path_of(lt_cli_ctx(), entry.node, buf, size) : LT_ENOMEM;
    lt_node_put(entry.node);
    if (*error >= 0)
        return buf;
    free(buf);
    return NULL;
}

int lt_transfer_add(struct lt_transfer *t, const struct lt_place *from, const struct lt_place *to,
                    const char *path, const char *shown)
{
    int error = LT_OK;
    char *followed = t->options.recursive ? strdup(from->path) : follow(from, &error);
    if (!followed)
        return lt_place_complain(from, t->verb, error == LT_OK ? LT_ENOMEM : error);
    struct lt_copy_place source = {from->fs ? lt_place_root(from) : NULL, followed, from->shown};
    struct lt_copy_place target = {to->fs ? lt_place_root(to) : NULL, path, shown};
    error = lt_copy_add(t->copy, &source, &target);
    if (error == LT_EOPNOTSUPP && !from->fs && !to->fs)
        lt_complain("'%s' and '%s' are both files of the host: cp(1) copies those", from->shown,
                    shown);
    free(followed);
    return error == LT_OK ? LT_EXIT_OK : LT_EXIT_FAILED;
}

void lt_transfer_end(struct lt_transfer *t, int status)
{
    const struct lt_tree_status *s = &t->options.tree.status;
    lt_progress_end(&t->progress, s->files, s->bytes, status == LT_EXIT_OK);
    if (t->verbose && s->skipped > 0)
        lt_complain("%llu pieces of metadata could not be kept there",
                    (unsigned long long)s->skipped);
    t->options.tree.progress = NULL;
    lt_copy_end(t->copy);
    free(t->skip);
}

/* ---- Names ----------------------------------------------------------------------------------- */

bool lt_place_is_dir(const struct lt_place *place)
{
    struct lt_attr attr;
    struct stat st;
    if (!place->fs)
        return stat(place->path, &st) == 0 && S_ISDIR(st.st_mode);
    return lt_path_stat(lt_cli_ctx(), lt_place_root(place), place->path, 0, &attr) == LT_OK &&
           (attr.mode & LT_S_IFMT) == LT_S_IFDIR;
}

int lt_goal_is_dir(const struct lt_place *to, size_t sources, bool may_be_new)
{
    size_t len = strlen(to->path);
    if (lt_place_is_dir(to))
        return 1;
    if (!may_be_new && len > 0 && to->path[len - 1] == '/') {
        lt_complain("there is no directory '%s'", to->shown);
        return -1;
    }
    if (sources > 1) {
        lt_complain("'%s' is no directory that %zu files could go into", to->shown, sources);
        return -1;
    }
    return 0;
}

bool lt_goal_of(const struct lt_place *from, const struct lt_place *to, bool into,
                struct lt_goal *ret)
{
    struct lt_str base = lt_path_base(from->path);
    if (base.len == 0 || lt_str_equal(base, lt_str("..")))
        base = lt_str("."); /* what is in it goes into the target */
    ret->path = into ? lt_path_join(to->path, base) : strdup(to->path);
    bool same = !into || lt_str_equal(base, lt_str("."));
    ret->shown = same ? strdup(to->shown) : lt_path_join(to->shown, base);
    if (ret->path && ret->shown)
        return true;
    lt_goal_fini(ret);
    lt_complain("%s", lt_error_text(LT_ENOMEM));
    return false;
}

void lt_goal_fini(struct lt_goal *goal)
{
    free(goal->path);
    free(goal->shown);
    *goal = (struct lt_goal){0};
}
