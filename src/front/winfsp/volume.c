// SPDX-License-Identifier: MIT
/* A volume's life: start, stop, end, and its counters. The workers are in worker.c. */
#include "worker.h"

#include <stdlib.h>

#include <lintel/sddl.h>

#define THREADS_DEFAULT 8u
#define THREADS_MAX 64u

static int copy_text(const char **text)
{
    if (*text == NULL)
        return LT_OK;
    *text = strdup(*text);
    return *text ? LT_OK : LT_ENOMEM;
}

/* Of the root of a volume that stores descriptors and has none there. Passed on, so that what is
 * made by one is not closed to all others. */
#define ROOT_SECURITY "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)"

static int parse_root_security(struct lt_winfsp *v, struct lt_diag *diag)
{
    const char *sddl = v->options.root_security;
    if (sddl == NULL && v->volume.has_windows)
        sddl = ROOT_SECURITY;
    if (sddl == NULL)
        return LT_OK;
    char *bytes;
    size_t len;
    int r = lt_sddl_parse(sddl, &bytes, &len, diag);
    if (r == LT_OK)
        v->root_security = lt_strn(bytes, len);
    return r;
}

static int copy_options(struct lt_winfsp *v, const struct lt_winfsp_options *options,
                        struct lt_diag *diag)
{
    v->options = *options;
    int r = copy_text(&v->options.fs_name);
    int r2 = copy_text(&v->options.prefix);
    int r3 = copy_text(&v->options.root_security);
    return r < 0 ? r : r2 < 0 ? r2 : r3 < 0 ? r3 : parse_root_security(v, diag);
}

static int tables_new(struct lt_winfsp *v)
{
    int r = fsp_files_new(&v->files);
    if (r == LT_OK)
        r = fsp_guard_new(&v->guard);
    if (r == LT_OK && v->fold && v->volume.name_case == LT_CASE_SENSITIVE)
        r = fsp_folder_new(v, &v->folder);
    return r;
}

static int volume_init(struct lt_winfsp *v, struct lt_fs *fs,
                       const struct lt_winfsp_options *options, struct lt_diag *diag)
{
    v->fs = fs;
    lt_fs_volume(fs, &v->volume);
    int r = copy_options(v, options, diag);
    if (r < 0)
        return r;
    v->params = malloc(sizeof(*v->params));
    if (v->params == NULL)
        return LT_ENOMEM;
    r = lt_winfsp_params(fs, options, v->params, diag);
    if (r < 0)
        return r;
    v->unit = (uint32_t)v->params->sector_size * v->params->sectors_per_unit;
    v->fold = (v->params->flags & LT_FSP_VOLUME_CASE_SENSITIVE) == 0;
    return tables_new(v);
}

int lt_winfsp_start(struct lt_fs *fs, struct lt_winfsp_port *port,
                    const struct lt_winfsp_options *options, struct lt_winfsp **ret,
                    struct lt_diag *diag)
{
    struct lt_winfsp *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        port->close(port);
        return LT_ENOMEM;
    }
    v->port = port;
    unsigned threads = options->threads ? options->threads : THREADS_DEFAULT;
    int r = volume_init(v, fs, options, diag);
    if (r == LT_OK)
        r = fsp_notify_start(v);
    if (r == LT_OK)
        r = fsp_workers_start(v, threads < THREADS_MAX ? threads : THREADS_MAX);
    if (r < 0) {
        lt_winfsp_end(v);
        return r;
    }
    *ret = v;
    return LT_OK;
}

int lt_winfsp_wait(struct lt_winfsp *volume)
{
    lt_mutex_lock(&volume->end_lock);
    while (volume->running > 0)
        lt_cond_wait(&volume->end_cond, &volume->end_lock);
    int reason = volume->end_reason;
    lt_mutex_unlock(&volume->end_lock);
    return reason == LT_ECANCELED ? LT_OK : reason;
}

void lt_winfsp_stop(struct lt_winfsp *volume)
{
    volume->port->stop(volume->port);
}

void lt_winfsp_end(struct lt_winfsp *volume)
{
    if (volume == NULL)
        return;
    lt_winfsp_stop(volume);
    fsp_workers_end(volume);
    fsp_notify_stop(volume);
    fsp_files_free(volume->files);
    fsp_folder_free(volume->folder);
    fsp_guard_free(volume->guard);
    volume->port->close(volume->port);
    free((char *)volume->options.fs_name);
    free((char *)volume->options.prefix);
    free((char *)volume->options.root_security);
    free((char *)volume->root_security.s);
    free(volume->params);
    free(volume);
}

int lt_winfsp_stats(struct lt_winfsp *volume, char **ret_json)
{
    const struct fsp_stats *stats[THREADS_MAX];
    for (unsigned i = 0; i < volume->worker_count; i++)
        stats[i] = fsp_worker_stats(volume, i);
    struct lt_buffer buffer = {0};
    struct lt_json j;
    lt_json_init(&j, lt_buffer_write, &buffer, false);
    lt_json_object(&j, NULL);
    lt_json_u64(&j, "threads", volume->worker_count);
    lt_json_u64(&j, "open", fsp_files_count(volume));
    fsp_stats_json(&j, stats, volume->worker_count);
    lt_json_object_end(&j);
    if (j.error) {
        free(buffer.text);
        return j.error;
    }
    *ret_json = buffer.text;
    return LT_OK;
}
