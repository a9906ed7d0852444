// SPDX-License-Identifier: MIT
#include "saver.h"

#include <base/options.h>

static void save(struct lt_saver *saver)
{
    struct lt_diag reason = {""};
    atomic_store(&saver->files, 0);
    atomic_store(&saver->bytes, 0);
    int error = lt_diag_set(&reason, LT_EOPNOTSUPP, "not yet");
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
    lt_json_u64(json, "count", saver->count);
    if (saver->count > 0)
        lt_json_i64(json, "last", saver->last.sec);
    if (saver->error != LT_OK)
        lt_json_text(json, "error", saver->reason.text);
    lt_mutex_unlock(&saver->lock);
}
