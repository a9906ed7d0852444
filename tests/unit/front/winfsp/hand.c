// SPDX-License-Identifier: MIT
#include "hand.h"

#include <stdlib.h>

static struct hand *hand_of(struct lt_winfsp_port *port)
{
    return (struct hand *)(void *)port;
}

static int64_t transact(struct lt_winfsp_port *port, const void *in, size_t in_len, void *out,
                        size_t size)
{
    struct hand *h = hand_of(port);
    lt_mutex_lock(&h->lock);
    if (in_len > 0 && in_len <= sizeof(h->answer) - h->answer_len) {
        memcpy(h->answer + h->answer_len, in, in_len);
        h->answer_len += in_len;
    }
    int64_t n = 0;
    if (out) {
        h->idle = true;
        lt_cond_wake_all(&h->changed);
        while (h->in == NULL && !h->stopped)
            lt_cond_wait(&h->changed, &h->lock);
        n = h->end;
    }
    if (out && !h->stopped) {
        h->idle = false;
        n = (int64_t)(h->in_len < size ? h->in_len : size);
        memcpy(out, h->in, (size_t)n);
        h->in = NULL;
    }
    lt_mutex_unlock(&h->lock);
    return n;
}

static void *map(struct lt_winfsp_port *port, uint64_t address, size_t len, bool write)
{
    (void)write;
    struct hand *h = hand_of(port);
    return address == 1 && len <= sizeof(h->data) ? h->data : NULL;
}

static int token(struct lt_winfsp_port *port, uint64_t handle, struct lt_token **ret)
{
    (void)handle;
    struct hand *h = hand_of(port);
    if (h->token == NULL)
        return LT_ENOENT;
    struct lt_token *copy = malloc(sizeof(*copy));
    if (copy == NULL)
        return LT_ENOMEM;
    *copy = *h->token; /* with the groups of the original, which outlives it */
    *ret = copy;
    return LT_OK;
}

static int notify(struct lt_winfsp_port *port, const void *entries, size_t len)
{
    (void)port;
    (void)entries;
    (void)len;
    return LT_OK;
}

static void stop(struct lt_winfsp_port *port)
{
    struct hand *h = hand_of(port);
    lt_mutex_lock(&h->lock);
    if (!h->stopped)
        h->end = LT_ECANCELED;
    h->stopped = true;
    lt_mutex_unlock(&h->lock);
    lt_cond_wake_all(&h->changed);
}

static void close_port(struct lt_winfsp_port *port)
{
    hand_of(port)->closed = true;
}

int hand_start(struct hand *h, struct lt_fs *fs, struct lt_winfsp_options options)
{
    memset(h, 0, sizeof(*h));
    h->port = (struct lt_winfsp_port){.transact = transact,
                                      .map = map,
                                      .token = token,
                                      .notify = notify,
                                      .stop = stop,
                                      .close = close_port};
    options.threads = 1;
    return lt_winfsp_start(fs, &h->port, &options, &h->volume, NULL);
}

void hand_end(struct hand *h)
{
    lt_winfsp_end(h->volume);
    h->volume = NULL;
}

void hand_over(struct hand *h, const void *bytes, size_t len)
{
    lt_mutex_lock(&h->lock);
    while (!h->idle && !h->stopped)
        lt_cond_wait(&h->changed, &h->lock);
    h->answer_len = 0;
    h->in = bytes;
    h->in_len = len;
    h->idle = false;
    lt_cond_wake_all(&h->changed);
    while (!h->idle && !h->stopped)
        lt_cond_wait(&h->changed, &h->lock);
    lt_mutex_unlock(&h->lock);
}

struct lt_fsp_req *hand_begin(struct hand *h, struct lt_fsp_out *out, uint32_t kind)
{
    return lt_fsp_request_begin(out, h->request, sizeof(h->request), kind, kind + 1000);
}

int32_t hand_ask(struct hand *h, struct lt_fsp_out *out)
{
    int64_t len = lt_fsp_end(out);
    if (len < 0)
        return LT_STATUS_INVALID_PARAMETER;
    hand_over(h, h->request, (size_t)len);
    struct lt_str answer = lt_strn((const char *)h->answer, h->answer_len);
    if (lt_fsp_response_decode(answer, &h->response) < 0)
        return LT_STATUS_UNSUCCESSFUL;
    return h->response.rsp.status;
}

struct lt_fsp_buf hand_text(struct lt_fsp_out *out, const char *text)
{
    uint16_t units[256];
    size_t n = 0;
    for (; text[n] && n < 256; n++)
        units[n] = (uint8_t)text[n];
    return lt_fsp_put_text(out, units, n, true);
}

int32_t hand_create(struct hand *h, const char *path, uint32_t options, uint32_t access,
                    struct lt_fsp_contexts *ret)
{
    struct lt_fsp_out out;
    struct lt_fsp_req *req = hand_begin(h, &out, LT_FSP_CREATE);
    const char *colon = strchr(path, ':');
    req->file_name = hand_text(&out, path);
    req->u.create.options = options;
    req->u.create.desired_access = access;
    req->u.create.flags = LT_FSP_CREATE_TRAVERSE;
    req->u.create.named_stream = colon ? (uint16_t)(2 * (colon - path)) : 0;
    if (h->token) {
        req->u.create.flags |= LT_FSP_CREATE_USER_MODE;
        req->u.create.token = 1;
    }
    int32_t status = hand_ask(h, &out);
    if (status == LT_STATUS_SUCCESS)
        *ret = h->response.rsp.u.create.as;
    return status;
}

int32_t hand_kind(struct hand *h, uint32_t kind, struct lt_fsp_contexts of)
{
    struct lt_fsp_out out;
    hand_begin(h, &out, kind)->u.of = of;
    return hand_ask(h, &out);
}

void hand_close(struct hand *h, const char *path, uint32_t flags, struct lt_fsp_contexts of)
{
    struct lt_fsp_out out;
    struct lt_fsp_req *req = hand_begin(h, &out, LT_FSP_CLEANUP);
    req->u.cleanup = (struct lt_fsp_cleanup_req){.of = of, .flags = flags};
    req->file_name = hand_text(&out, path);
    (void)hand_ask(h, &out);
    (void)hand_kind(h, LT_FSP_CLOSE, of);
}
