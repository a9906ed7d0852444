// SPDX-License-Identifier: MIT
#include "saver.h"

#include "daemon.h"
#include "trees.h"

#include <base/options.h>

/* On the thread that saves, every now and then. */
static void note_progress(void *arg, const struct lt_tree_status *status)
{
    struct lt_saver *saver = arg;
    atomic_store(&saver->files, status->files);
    atomic_store(&saver->bytes, status->bytes);
    atomic_store(&saver->skipped, status->skipped);
    lt_service_notify("EXTEND_TIMEOUT_USEC=30000000");
}

/* The caller has set saver->running. */
static void save(struct lt_saver *saver)
{
    const struct lt_tree_status nothing = {0};
    struct lt_diag reason = {""};
    struct lt_tree_options options = {
        .progress = note_progress, .arg = saver, .cancel = &saver->cancel};
    note_progress(saver, &nothing);
    int error = lt_trees_save(lt_fs_root(saver->fs), saver->path, &options, &reason);
    note_progress(saver, &options.status);
    if (error != LT_OK && !reason.text[0])
        lt_diag_set(&reason, error, "%s", lt_error_text(error));
    lt_mutex_lock(&saver->lock);
    saver->error = error;
    saver->reason = reason;
    if (error == LT_OK) {
        saver->count++;
        saver->last = lt_clock_now();
    }
    saver->running = false;
    lt_mutex_unlock(&saver->lock);
    lt_cond_wake_all(&saver->ended);
}

static void save_in_thread(void *arg)
{
    save(arg);
}

/* The thread of the last save is at its end or over: it took the lock for the last time. */
static void join_last_locked(struct lt_saver *saver) REQUIRES(saver->lock)
{
    if (saver->thread)
        lt_thread_join(saver->thread);
    saver->thread = NULL;
}

static int start_locked(struct lt_saver *saver) REQUIRES(saver->lock)
{
    if (saver->running)
        return LT_EALREADY;
    join_last_locked(saver);
    int error = lt_thread_start(&saver->thread, "lintel-save", save_in_thread, saver);
    saver->running = error == LT_OK;
    return error;
}

int lt_saver_start(struct lt_saver *saver)
{
    if (!saver->path)
        return LT_EINVAL;
    lt_mutex_lock(&saver->lock);
    int error = start_locked(saver);
    lt_mutex_unlock(&saver->lock);
    return error;
}

int lt_saver_finish(struct lt_saver *saver)
{
    if (!saver->path)
        return LT_OK;
    lt_mutex_lock(&saver->lock);
    while (saver->running)
        lt_cond_wait(&saver->ended, &saver->lock);
    join_last_locked(saver);
    saver->running = true;
    lt_mutex_unlock(&saver->lock);
    save(saver);
    return saver->error;
}

/* About how much there is to save: holes are not data, and the last page of a file is a whole one.
 */
static uint64_t total_bytes(struct lt_fs *fs)
{
    struct lt_statfs space;
    return lt_fs_statfs(NULL, fs, &space) == LT_OK ? space.data : 0;
}

void lt_saver_report(struct lt_saver *saver, struct lt_json *json)
{
    lt_mutex_lock(&saver->lock);
    const char *state = saver->running          ? "running"
                        : saver->error != LT_OK ? "failed"
                        : saver->count > 0      ? "done"
                                                : "never";
    lt_json_text(json, "path", saver->path);
    lt_json_text(json, "state", state);
    lt_json_u64(json, "files", atomic_load(&saver->files));
    lt_json_u64(json, "bytes", atomic_load(&saver->bytes));
    lt_json_u64(json, "total_bytes", total_bytes(saver->fs));
    lt_json_u64(json, "skipped", atomic_load(&saver->skipped));
    lt_json_u64(json, "count", saver->count);
    if (saver->count > 0)
        lt_json_i64(json, "last", saver->last.sec);
    if (saver->error != LT_OK)
        lt_json_text(json, "error", saver->reason.text);
    lt_mutex_unlock(&saver->lock);
}
