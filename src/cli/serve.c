// SPDX-License-Identifier: MIT
/*
 * Life of a served volume:
 *
 *     open -> load -> mount -> ready -> (info, save, requests)* -> unmounted -> save -> close
 *
 * Until ready, mistakes go to stderr and end the process with an exit code that the
 * command passes on. Afterwards they go to the log.
 */
#include "serve.h"

#include "cli.h"
#include "daemon.h"
#include "operand.h"
#include "report.h"
#include "saver.h"

#include <lintel/sddl.h>
#include <os/os.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
    const struct lt_serve *what;
    struct lt_fs *fs;
    struct lt_time started;
    struct lt_saver saver;
    struct lt_mutex lock;
    struct lt_mount *mount GUARDED_BY(lock); /* NULL before and after it is mounted */
    atomic_bool ended;                       /* the watcher has nothing to watch for any more */
};

/* ---- Signals --------------------------------------------------------------------------------- */

static void end_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

/*
 * From here on every thread blocks the signals that end the process, and the
 * watcher takes them one by one: one that comes while the mount is made waits until
 * it can be undone.
 */
static void block_signals(void)
{
    sigset_t set;
    end_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* The first one unmounts. During the last save only Ctrl-C counts: a machine that shuts down sends
 * SIGTERM to everybody, and the save is what it should wait for. */
static void take_signal(struct server *s, int number)
{
    lt_mutex_lock(&s->lock);
    if (s->mount)
        lt_mount_stop(s->mount);
    else if (number == SIGINT)
        atomic_store(&s->saver.cancel, true);
    lt_mutex_unlock(&s->lock);
}

static void watch_signals(void *arg)
{
    struct server *s = arg;
    sigset_t set;
    int number;
    end_signals(&set);
    while (sigwait(&set, &number) == 0 && !atomic_load(&s->ended))
        take_signal(s, number);
}

/* One more signal, to ourselves, wakes the watcher to its end. */
static void end_watcher(struct server *s, struct lt_thread *watcher)
{
    atomic_store(&s->ended, true);
    kill(getpid(), SIGTERM);
    lt_thread_join(watcher);
}

/* ---- Control: what `lintel info` and `lintel save` ask --------------------------------------- */

static void report_front(struct lt_json *json, struct server *s)
{
    struct lt_document doc;
    char *text;
    lt_mutex_lock(&s->lock);
    int error = s->mount ? lt_mount_stats(s->mount, &text) : LT_ENOTCONN;
    lt_mutex_unlock(&s->lock);
    if (error != LT_OK)
        return;
    if (lt_document_parse(text, &doc) == LT_OK) {
        lt_value_write(json, "front", doc.values);
        lt_document_free(&doc);
    }
    free(text);
}

static void report_all(struct server *s, struct lt_json *json)
{
    lt_json_text(json, "source", s->what->source);
    lt_json_object(json, "mount");
    lt_json_text(json, "dir", s->what->dir);
    lt_json_u64(json, "pid", (uint64_t)getpid());
    lt_json_text(json, "version", LT_VERSION);
    lt_json_i64(json, "started", s->started.sec);
    lt_json_object_end(json);
    lt_report_fs(json, s->fs);
    if (s->what->save) {
        lt_json_object(json, "save");
        lt_saver_report(&s->saver, json);
        lt_json_object_end(json);
    }
    report_front(json, s);
}

static int control_get(void *arg, const char *name, char **ret_text)
{
    struct server *s = arg;
    struct lt_buffer buffer = {0};
    struct lt_json json;
    bool info = strcmp(name, "info") == 0;
    if (!info && (strcmp(name, "save") != 0 || !s->what->save))
        return LT_ENODATA;
    lt_json_init(&json, lt_buffer_write, &buffer, false);
    lt_json_object(&json, NULL);
    if (info)
        report_all(s, &json);
    else
        lt_saver_report(&s->saver, &json);
    lt_json_object_end(&json);
    if (json.error != LT_OK) {
        free(buffer.text);
        return json.error;
    }
    *ret_text = buffer.text;
    return LT_OK;
}

static int control_set(void *arg, const char *name, const char *text)
{
    struct server *s = arg;
    if (strcmp(name, "save") != 0 || !s->what->save)
        return LT_ENODATA;
    return strcmp(text, "start") == 0 ? lt_saver_start(&s->saver) : LT_EINVAL;
}

/* ---- The steps ------------------------------------------------------------------------------- */

/* "unknown option 'alow_other'" comes from the source, which does not know our words. */
static void complain_of_source(const char *source, int error, const struct lt_diag *diag)
{
    static const char marker[] = "unknown option '";
    const char *at = strstr(diag->text, marker), *nearest = NULL;
    char word[64];
    if (at && !strstr(at, "did you mean")) {
        at += strlen(marker);
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, "'"), at);
        nearest = lt_mount_word_nearest(word);
    }
    if (nearest)
        lt_complain("cannot open %s: %s; did you mean '%s'?", source, diag->text, nearest);
    else
        lt_complain_why("open", source, error, diag);
}

/* -o security=SDDL. */
static int secure_root(struct lt_fs *fs, const char *sddl)
{
    struct lt_diag diag = {""};
    char *descriptor;
    size_t len;
    if (!sddl[0])
        return LT_OK;
    int error = lt_sddl_parse(sddl, &descriptor, &len, &diag);
    if (error != LT_OK) {
        lt_complain("option 'security': %s", diag.text);
        return error;
    }
    error = lt_node_security_set(NULL, lt_fs_root(fs), lt_strn(descriptor, len));
    free(descriptor);
    if (error != LT_OK)
        lt_complain("option 'security': %s", lt_error_text(error));
    return error;
}

/* What was opened just now and is new belongs to who did it, or only root could use it. */
static int own_root(const struct server *s)
{
    struct lt_setattr owner = {
        .mask = LT_SET_UID | LT_SET_GID, .uid = (uint32_t)geteuid(), .gid = (uint32_t)getegid()};
    struct lt_volume volume;
    struct lt_attr attr;
    lt_fs_volume(s->fs, &volume);
    bool is_new = volume.created.sec >= s->started.sec;
    if (owner.uid == 0 || !is_new || volume.read_only)
        return LT_OK;
    int error = lt_node_getattr(NULL, lt_fs_root(s->fs), &attr);
    if (error == LT_OK && attr.uid == 0)
        error = lt_node_setattr(NULL, lt_fs_root(s->fs), &owner, NULL);
    if (error != LT_OK)
        lt_complain("cannot set the owner of the root directory: %s", lt_error_text(error));
    return error;
}

/* All that happens to the volume before anybody sees it. Complains. */
static int prepare(struct server *s)
{
    int error = own_root(s);
    if (error == LT_OK && s->what->load)
        error = lt_load(s->fs, s->what->load, s->what->progress);
    return error == LT_OK ? secure_root(s->fs, s->what->request->security) : error;
}

static int mount_it(struct server *s, struct lt_mount **ret)
{
    struct lt_mount_options *options = &s->what->request->front;
    struct lt_diag diag = {""};
    options->log = lt_log_line;
    options->control_get = control_get;
    options->control_set = control_set;
    options->arg = s;
    if (!options->fs_name)
        options->fs_name = s->what->name;
    int error = lt_mount_start(s->fs, s->what->dir, options, ret, &diag);
    if (error != LT_OK)
        lt_complain("%s%s", diag.text[0] ? diag.text : lt_error_text(error),
                    error == LT_ENODEV ? " 'modprobe fuse' as root loads it" : "");
    return error;
}

static void set_mount(struct server *s, struct lt_mount *mount)
{
    lt_mutex_lock(&s->lock);
    s->mount = mount;
    lt_mutex_unlock(&s->lock);
}

/* Serves the mounted volume to its end; then the last save, which nobody can disturb any more. */
static int run(struct server *s, struct lt_mount *mount)
{
    int ended = lt_mount_wait(mount);
    lt_service_notify("STOPPING=1");
    set_mount(s, NULL);
    lt_mount_end(mount);
    if (ended != LT_OK)
        lt_log("%s: the connection was aborted", s->what->dir);
    int saved = lt_saver_finish(&s->saver);
    if (saved != LT_OK)
        lt_log("%s: NOT SAVED to %s: %s", s->what->dir, s->what->save, s->saver.reason.text);
    return ended == LT_OK && saved == LT_OK ? LT_EXIT_OK : LT_EXIT_FAILED;
}

static int mount_and_run(struct server *s, struct lt_launch *launch)
{
    struct lt_thread *watcher;
    struct lt_mount *mount;
    block_signals();
    if (mount_it(s, &mount) != LT_OK)
        return LT_EXIT_FAILED;
    set_mount(s, mount);
    int error = lt_thread_start(&watcher, "lintel/signals", watch_signals, s);
    if (error != LT_OK) {
        lt_complain("cannot watch for signals: %s", lt_error_text(error));
        lt_mount_end(mount);
        return LT_EXIT_FAILED;
    }
    lt_launch_ready(launch);
    int status = run(s, mount);
    end_watcher(s, watcher);
    return status;
}

static int serve(void *arg, struct lt_launch *launch)
{
    struct server s = {.what = arg, .started = lt_clock_now()};
    struct lt_diag diag = {""};
    int status = LT_EXIT_FAILED;
    int error = lt_open_fs(s.what->source, &s.fs, &diag);
    if (error != LT_OK) {
        bool is_image = lt_is_image_file(s.what->name);
        complain_of_source(is_image ? s.what->name : s.what->source, error, &diag);
        return error == LT_EINVAL ? LT_EXIT_USAGE : LT_EXIT_FAILED;
    }
    s.saver.fs = s.fs;
    s.saver.path = s.what->save;
    if (prepare(&s) == LT_OK)
        status = mount_and_run(&s, launch);
    error = lt_fs_close(s.fs);
    if (error != LT_OK && status == LT_EXIT_OK) {
        lt_log("%s: %s", s.what->source, lt_error_text(error));
        status = LT_EXIT_FAILED;
    }
    return status;
}

int lt_serve(const struct lt_serve *what)
{
    return lt_launch(what->foreground, serve, (void *)what);
}
