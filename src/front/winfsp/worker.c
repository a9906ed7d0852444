// SPDX-License-Identifier: MIT
/*
 * The loop of a worker: hands over its responses, takes requests, and answers each by its handler.
 *
 * On a local volume requests are taken in batches, which costs the driver less. Where a server may
 * be slow each worker takes one at a time, so that none waits in a batch behind another one.
 */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>

#define BUFFER_SIZE LT_FSP_BATCH_MIN

struct fsp_worker {
    struct lt_winfsp *v;
    struct lt_thread *thread;
    uint8_t *in, *out; /* requests; responses that are not handed over yet: BUFFER_SIZE each */
    size_t out_len;
    struct call call; /* the one in work */
    struct fsp_stats stats;
};

static int32_t (*const handlers[LT_FSP_KIND_END])(struct call *c) = {
#define ROW(KIND, name) [KIND] = fsp_##name,
    FSP_HANDLERS(ROW)
#undef ROW
};

static bool has_contexts(const struct lt_fsp_req *req)
{
    switch (req->kind) {
    case LT_FSP_CREATE:
    case LT_FSP_QUERY_VOLUME:
    case LT_FSP_SET_VOLUME:
        return false;
    case LT_FSP_FLUSH_BUFFERS: /* without them: the volume */
        return req->u.of.user != 0 || req->u.of.user2 != 0;
    default:
        return true;
    }
}

static int32_t find_file(struct call *c)
{
    const struct lt_fsp_contexts *of = &c->in.req.u.of;
    c->file = fsp_files_get(c->v, of->user2);
    if (c->file == NULL || c->file->user != of->user)
        return LT_STATUS_INVALID_HANDLE;
    c->ctx.uid = c->file->uid;
    c->ctx.gid = c->file->gid;
    c->ctx.pid = c->file->pid;
    return LT_STATUS_SUCCESS;
}

static int32_t handle(struct call *c)
{
    int32_t status = has_contexts(&c->in.req) ? find_file(c) : LT_STATUS_SUCCESS;
    if (status == LT_STATUS_SUCCESS)
        status = handlers[c->in.req.kind](c);
    if (c->file)
        fsp_file_put(c->file);
    free(c->token);
    return status;
}

/* Closes the response, which holds nothing but its status if that is an error. Returns its length.
 */
static size_t finish(struct call *c, uint8_t *at, int32_t status)
{
    const struct lt_fsp_req *req = &c->in.req;
    int64_t len = LT_ERANGE;
    if (status >= 0) {
        c->rsp->status = status;
        len = lt_fsp_end(&c->out);
        status = LT_STATUS_BUFFER_OVERFLOW;
    }
    if (len < 0) {
        c->rsp = lt_fsp_response_begin(&c->out, at, LT_FSP_RSP_MAX, req->kind, req->hint);
        c->rsp->status = status;
        len = lt_fsp_end(&c->out);
    }
    return (size_t)len;
}

static void log_call(const struct call *c, int32_t status, uint64_t ns)
{
    char line[128];
    snprintf(line, sizeof(line), "kind %u hint %llx: %s, %llu us", c->in.req.kind,
             (unsigned long long)c->in.req.hint, lt_status_name(status),
             (unsigned long long)(ns / 1000));
    c->v->options.log(c->v->options.arg, line);
}

static void hand_over(struct fsp_worker *w)
{
    if (w->out_len > 0)
        (void)w->v->port->transact(w->v->port, w->out, w->out_len, NULL, 0);
    w->out_len = 0;
}

static void answer(struct fsp_worker *w, struct lt_str message)
{
    struct call *c = &w->call;
    int r = lt_fsp_request_decode(message, &c->in);
    if (r == LT_EBADMSG) {
        fsp_stats_malformed(&w->stats);
        return;
    }
    if (BUFFER_SIZE - w->out_len < LT_FSP_RSP_MAX)
        hand_over(w);
    c->v = w->v;
    c->file = NULL;
    c->token = NULL;
    c->ctx = (struct lt_ctx){.origin = w->v, .groups = c->groups};
    uint8_t *at = w->out + w->out_len;
    const struct lt_fsp_req *req = &c->in.req;
    c->rsp = lt_fsp_response_begin(&c->out, at, LT_FSP_RSP_MAX, req->kind, req->hint);

    uint64_t start = lt_clock_ns();
    int32_t status = LT_STATUS_INVALID_PARAMETER;
    if (r == LT_OK)
        status = handle(c);
    else if (r == LT_ENOSYS)
        status = LT_STATUS_INVALID_DEVICE_REQUEST;
    uint64_t ns = lt_clock_ns() - start;
    fsp_stats_count(&w->stats, req->kind, status, ns);
    if (w->v->options.debug && w->v->options.log)
        log_call(c, status, ns);
    if (req->kind != LT_FSP_CLOSE) /* nobody waits for its end */
        w->out_len += finish(c, at, status);
}

static void answer_batch(struct fsp_worker *w, size_t len)
{
    struct lt_str batch = lt_strn((const char *)w->in, len);
    struct lt_str message;
    size_t at = 0;
    int r;
    while ((r = lt_fsp_next(batch, &at, LT_FSP_REQ_HEADER, LT_FSP_REQ_MAX, &message)) == 1)
        answer(w, message);
    if (r < 0)
        fsp_stats_malformed(&w->stats);
}

static void work(void *arg)
{
    struct fsp_worker *w = arg;
    struct lt_winfsp *v = w->v;
    size_t size = v->volume.remote ? LT_FSP_REQ_MAX : BUFFER_SIZE;
    int64_t n = v->port->transact(v->port, NULL, 0, NULL, 0);
    while (n >= 0 && (n = v->port->transact(v->port, w->out, w->out_len, w->in, size)) >= 0) {
        w->out_len = 0;
        answer_batch(w, (size_t)n);
    }
    lt_mutex_lock(&v->end_lock);
    v->running--;
    if (v->end_reason == LT_OK) /* the first one counts: what others end with follows from it */
        v->end_reason = (int)n;
    lt_mutex_unlock(&v->end_lock);
    lt_cond_wake_all(&v->end_cond);
}

static int start_one(struct lt_winfsp *v, struct fsp_worker *w)
{
    w->v = v;
    w->in = aligned_alloc(LT_FSP_ALIGN, BUFFER_SIZE);
    w->out = aligned_alloc(LT_FSP_ALIGN, BUFFER_SIZE);
    if (w->in == NULL || w->out == NULL)
        return LT_ENOMEM;
    lt_mutex_lock(&v->end_lock);
    v->running++;
    lt_mutex_unlock(&v->end_lock);
    int r = lt_thread_start(&w->thread, "winfsp", work, w);
    if (r < 0) {
        lt_mutex_lock(&v->end_lock);
        v->running--;
        lt_mutex_unlock(&v->end_lock);
    }
    return r;
}

int fsp_workers_start(struct lt_winfsp *v, unsigned count)
{
    v->workers = calloc(count, sizeof(*v->workers));
    if (v->workers == NULL)
        return LT_ENOMEM;
    v->worker_count = count;
    for (unsigned i = 0; i < count; i++) {
        int r = start_one(v, &v->workers[i]);
        if (r < 0)
            return r;
    }
    return LT_OK;
}

void fsp_workers_end(struct lt_winfsp *v)
{
    for (unsigned i = 0; i < v->worker_count; i++) {
        struct fsp_worker *w = &v->workers[i];
        if (w->thread)
            lt_thread_join(w->thread);
        free(w->in);
        free(w->out);
    }
    free(v->workers);
    v->workers = NULL;
    v->worker_count = 0;
}

const struct fsp_stats *fsp_worker_stats(const struct lt_winfsp *v, unsigned index)
{
    return &v->workers[index].stats;
}
