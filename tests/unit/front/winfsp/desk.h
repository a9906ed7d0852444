/* SPDX-License-Identifier: MIT */
/*
 * A volume without a driver: requests are made and decoded as always, but handlers are called by
 * the test itself, on files that it opened by itself. Responses go through the decoder of the
 * driver's side.
 */
#ifndef LT_TESTS_UNIT_FRONT_WINFSP_DESK_H
#define LT_TESTS_UNIT_FRONT_WINFSP_DESK_H

#include "test.h"

#include <base/unicode.h>
#include <front/winfsp/volume.h>
#include <stdlib.h>

#define DESK_HEARD_MAX 8192u

struct desk {
    struct lt_winfsp_port port;
    struct lt_fs *fs;
    struct lt_winfsp *v;
    struct call call;
    struct lt_fsp_out request;
    struct lt_fsp_req *req;
    struct lt_fsp_response got; /* of the last request that was a success */
    uint64_t in[LT_FSP_REQ_MAX / 8], out[LT_FSP_RSP_MAX / 8];

    struct lt_mutex lock;
    struct lt_cond changed;
    size_t heard_len; /* what came by notify, as far as there is room */
    uint64_t heard[DESK_HEARD_MAX / 8];
    unsigned busy; /* so many times more notify says LT_EAGAIN */
};

static inline struct desk *desk_of(struct lt_winfsp_port *port)
{
    return (struct desk *)port;
}

static inline int64_t desk_transact(struct lt_winfsp_port *port, const void *in, size_t in_len,
                                    void *out, size_t size)
{
    (void)port, (void)in, (void)in_len, (void)out, (void)size;
    return LT_ECANCELED;
}

/* Addresses are pointers; those below a page are not known. */
static inline void *desk_map(struct lt_winfsp_port *port, uint64_t address, size_t len, bool write)
{
    (void)port, (void)len, (void)write;
    return address < 4096 ? NULL : (void *)(uintptr_t)address;
}

/* Handles of tokens are user ids. */
static inline int desk_token(struct lt_winfsp_port *port, uint64_t handle, struct lt_token **ret)
{
    struct lt_ctx ctx = {.uid = (uint32_t)handle, .gid = (uint32_t)handle};
    (void)port;
    return lt_token_from_ctx(&ctx, ret);
}

static inline int desk_notify(struct lt_winfsp_port *port, const void *entries, size_t len)
{
    struct desk *d = desk_of(port);
    lt_mutex_lock(&d->lock);
    bool busy = d->busy > 0;
    if (busy) {
        d->busy--;
    } else if (d->heard_len + len <= DESK_HEARD_MAX) {
        memcpy((char *)d->heard + d->heard_len, entries, len);
        d->heard_len += len;
        lt_cond_wake_all(&d->changed);
    }
    lt_mutex_unlock(&d->lock);
    return busy ? LT_EAGAIN : LT_OK;
}

static inline void desk_port_nothing(struct lt_winfsp_port *port)
{
    (void)port;
}

/* `options` may be NULL. */
static inline void desk_open(struct desk *d, const char *source,
                             const struct lt_winfsp_options *options)
{
    struct lt_winfsp_options usual;
    lt_winfsp_options_init(&usual);
    memset(d, 0, sizeof(*d));
    d->port = (struct lt_winfsp_port){.transact = desk_transact,
                                      .map = desk_map,
                                      .token = desk_token,
                                      .notify = desk_notify,
                                      .stop = desk_port_nothing,
                                      .close = desk_port_nothing};
    assert_int_equal(lt_open_fs(source, &d->fs, NULL), 0);
    assert_int_equal(lt_winfsp_start(d->fs, &d->port, options ? options : &usual, &d->v, NULL), 0);
}

static inline void desk_close(struct desk *d)
{
    lt_winfsp_end(d->v);
    assert_int_equal(lt_fs_close(d->fs), 0);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static inline void desk_make(struct desk *d, const char *path, const char *text)
{
    struct lt_entry entry = {0};
    assert_int_equal(lt_path_mknod(NULL, lt_fs_root(d->fs), path, LT_S_IFREG | 0644, 0), 0);
    assert_int_equal(lt_path_lookup(NULL, lt_fs_root(d->fs), path, LT_NOFOLLOW, &entry), 0);
    if (*text)
        assert_int_equal(lt_node_pwrite(NULL, entry.node, 0, text, strlen(text)), strlen(text));
    lt_node_put(entry.node);
}

static inline void desk_mkdir(struct desk *d, const char *path)
{
    assert_int_equal(lt_path_mkdir(NULL, lt_fs_root(d->fs), path, 0755), 0);
}

/* An opening, to be given back by fsp_file_put(); `stream` may be NULL. */
static inline struct fsp_file *desk_file(struct desk *d, const char *path, const char *stream)
{
    struct lt_entry entry = {0};
    struct fsp_file *file = calloc(1, sizeof(*file));
    assert_non_null(file);
    assert_int_equal(lt_path_lookup(NULL, lt_fs_root(d->fs), path, LT_NOFOLLOW, &entry), 0);
    file->owner = entry.node;
    if (stream)
        assert_int_equal(
            lt_node_stream_open(NULL, entry.node, lt_str(stream), LT_STREAM_CREATE, &file->node),
            0);
    else
        file->node = lt_node_get(entry.node);
    file->stream = stream ? strdup(stream) : NULL;
    file->is_dir = file->node->type == LT_S_IFDIR;
    file->name = strdup(path);
    file->refs = 1;
    return file;
}

/* What is at a path: an error, or its attributes. */
static inline int desk_stat(struct desk *d, const char *path, struct lt_attr *ret)
{
    struct lt_attr attr;
    return lt_path_stat(NULL, lt_fs_root(d->fs), path, LT_NOFOLLOW, ret ? ret : &attr);
}

/* Whether a path is a file with this text. */
static inline void desk_assert_text(struct desk *d, const char *path, const char *text)
{
    char buf[256];
    struct lt_entry entry = {0};
    assert_int_equal(lt_path_lookup(NULL, lt_fs_root(d->fs), path, LT_NOFOLLOW, &entry), 0);
    int n = lt_node_pread(NULL, entry.node, 0, buf, sizeof(buf));
    lt_node_put(entry.node);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(buf, text, strlen(text));
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Begins a request. Its struct is to be filled; pieces are added by desk_text() and desk_bytes().
 */
static inline struct lt_fsp_req *desk_ask(struct desk *d, uint32_t kind)
{
    d->req = lt_fsp_request_begin(&d->request, d->in, sizeof(d->in), kind, 77);
    return d->req;
}

static inline struct lt_fsp_buf desk_text(struct desk *d, const char *text)
{
    uint16_t units[4096];
    int n = lt_utf8_to_utf16(lt_str(text), units, 4096);
    assert_true(n >= 0);
    return lt_fsp_put_text(&d->request, units, (size_t)n, true);
}

static inline struct lt_fsp_buf desk_bytes(struct desk *d, const void *bytes, size_t len)
{
    return lt_fsp_put(&d->request, bytes, len, 8);
}

static inline int32_t desk_handle(struct call *c)
{
    switch (c->in.req.kind) {
#define ROW(KIND, name) \
    case KIND:          \
        return fsp_##name(c);
        FSP_HANDLERS(ROW)
#undef ROW
    default:
        fail();
        return 0;
    }
}

/* Sends what was begun, on `file` (NULL: none), to its handler. The response is in d->got. */
static inline int32_t desk_go(struct desk *d, struct fsp_file *file)
{
    struct call *c = &d->call;
    int64_t len = lt_fsp_end(&d->request);
    assert_true(len > 0);
    assert_int_equal(lt_fsp_request_decode(lt_strn((char *)d->in, (size_t)len), &c->in), 0);
    c->v = d->v;
    c->file = file;
    c->token = NULL;
    c->ctx = (struct lt_ctx){.origin = d->v, .groups = c->groups};
    c->rsp = lt_fsp_response_begin(&c->out, d->out, sizeof(d->out), d->req->kind, 77);
    int32_t status = desk_handle(c);
    free(c->token);
    memset(&d->got, 0, sizeof(d->got));
    if (status >= 0) {
        c->rsp->status = status;
        len = lt_fsp_end(&c->out);
        assert_true(len > 0);
        assert_int_equal(lt_fsp_response_decode(lt_strn((char *)d->out, (size_t)len), &d->got), 0);
    }
    return status;
}

#define assert_status(expression, STATUS) \
    assert_string_equal(lt_status_name(expression), "STATUS_" #STATUS)

#endif
