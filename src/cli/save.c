// SPDX-License-Identifier: MIT
/* lintel save: has a mounted volume saved, and watches. */
#include "cli.h"
#include "mounts.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What the kernel still holds of written data goes to the volume first. */
static void flush(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    syncfs(fd);
    close(fd);
}

struct state {
    bool running, failed;
    uint64_t count, files, bytes, total;
    char path[LT_PATH_MAX], error[512];
};

static int ask(const char *dir, struct state *ret)
{
    struct lt_document doc;
    char *text;
    int error = lt_control_ask(dir, "save", &doc, &text);
    if (error != LT_OK)
        return error;
    const char *state = lt_value_text(doc.values, "state", "");
    ret->running = strcmp(state, "running") == 0;
    ret->failed = strcmp(state, "failed") == 0;
    ret->count = lt_value_u64(doc.values, "count", 0);
    ret->files = lt_value_u64(doc.values, "files", 0);
    ret->bytes = lt_value_u64(doc.values, "bytes", 0);
    ret->total = lt_value_u64(doc.values, "total_bytes", 0);
    snprintf(ret->path, sizeof(ret->path), "%s", lt_value_text(doc.values, "path", ""));
    snprintf(ret->error, sizeof(ret->error), "%s", lt_value_text(doc.values, "error", ""));
    lt_document_free(&doc);
    free(text);
    return LT_OK;
}

/* Until the save has ended. The pauses grow: a small volume is saved at once. */
static int watch(const char *dir, const char *when)
{
    struct state state;
    struct lt_progress progress;
    struct timespec pause = {.tv_nsec = 1000000};
    int error;
    lt_progress_begin(&progress, when, "saving");
    while ((error = ask(dir, &state)) == LT_OK && state.running) {
        lt_progress_show(&progress, state.files, state.bytes, state.total);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 100000000)
            pause.tv_nsec *= 2;
    }
    bool ok = error == LT_OK && !state.failed;
    if (error != LT_OK)
        state = (struct state){0};
    lt_progress_end(&progress, state.files, state.bytes, ok);
    if (error != LT_OK)
        lt_complain("%s: lost sight of it: %s", dir, lt_error_text(error));
    else if (!ok)
        lt_complain("%s was not saved to %s: %s", dir, state.path, state.error);
    return ok ? LT_EXIT_OK : LT_EXIT_FAILED;
}

static int run(const struct lt_args *args)
{
    const char *dir = args->operands[0];
    char path[LT_PATH_MAX];
    struct lt_mounted mounted;
    int error = lt_path_absolute(dir, path);
    if (error == LT_OK)
        error = lt_mounted_around(path, &mounted);
    if (error != LT_OK) {
        lt_complain("%s: %s", dir, lt_error_text(error));
        return LT_EXIT_FAILED;
    }
    flush(mounted.dir);
    error = lt_control_set(mounted.dir, "save", "start");
    if (error == LT_OK || error == LT_EALREADY)
        return watch(mounted.dir, lt_args_value(args, "progress"));
    if (error == LT_ENODATA && lt_mounted_is_ours(&mounted))
        lt_complain("%s was mounted without --save TREE: there is nowhere to save it to", dir);
    else if (error == LT_ENODATA || error == LT_EOPNOTSUPP)
        lt_complain("%s is not on a volume mounted by Lintel", dir);
    else if (error == LT_EPERM || error == LT_EACCES)
        lt_complain("only root and the owner of %s may save it", mounted.dir);
    else
        lt_complain("%s: %s", dir, lt_error_text(error));
    return LT_EXIT_FAILED;
}

static const struct lt_cli_option save_options[] = {LT_WITH_PROGRESS, {.name = NULL}};

const struct lt_command lt_command_save = {
    .name = "save",
    .summary = "Save a mounted volume now",
    .details = "The volume must have been mounted with --save, which says where to. The tree saved "
               "before is replaced at once and only when the new one is complete.",
    .operands = {{"DIR", LT_HINT_MOUNT, false}},
    .options = save_options,
    .examples = {{"lintel save /mnt", "save, with a progress bar on a terminal"}},
    .group = LT_GROUP_MOUNT,
    .run = run,
};
