// SPDX-License-Identifier: MIT
/*
 * Requests on their way to the dispatcher and back: a thread of the volume receives responses and
 * wakes those who wait for them. What the dispatcher sends is looked at with distrust: anything
 * that the real driver would refuse, or that cannot be true of any file, is a fault of it.
 */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the driver takes for values that are absent or out of range (sys/volume.c of WinFsp). */
enum {
    SECTOR_SIZE = 512,
    COMPONENT_MAX = 255,
    TRANSACT_TIMEOUT_MIN = 1000,
    TRANSACT_TIMEOUT_MAX = 10000,
    IRP_TIMEOUT_MIN = 60000,
    IRP_TIMEOUT_MAX = 600000,
    IRP_TIMEOUT = 300000
};

void drv_fault(struct nt_volume *v, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (v->fault) {
        v->fault(v->fault_arg, text);
        return;
    }
    fprintf(stderr, "# The dispatcher is at fault: %s\n", text);
    abort();
}

/* ---- Responses ---------------------------------------------------------------------------------
 */

static void take_response(struct nt_volume *v, struct lt_str message)
{
    struct lt_fsp_rsp head;
    memcpy(&head, message.s, sizeof(head));
    lt_mutex_lock(&v->io);
    struct drv_call **at = &v->waiting;
    while (*at && (*at)->req->hint != head.hint)
        at = &(*at)->next;
    struct drv_call *c = *at;
    bool known = c || (head.hint != 0 && head.hint < v->next_hint);
    bool expected = c || v->ended || head.kind == LT_FSP_CLOSE; /* what was cancelled is answered */
    if (c) {
        *at = c->next;
        memcpy(c->answer, message.s, message.len);
        c->answer_len = message.len;
        c->done = true;
        lt_cond_wake_one(&c->cond);
    }
    lt_mutex_unlock(&v->io);
    if (!known)
        drv_fault(v, "a response with hint %" PRIu64 ", which no request had", head.hint);
    else if (!expected)
        drv_fault(v, "a second response to hint %" PRIu64 ", or one after its time", head.hint);
}

static void take_responses(struct nt_volume *v, struct lt_str batch)
{
    struct lt_str message;
    size_t at = 0;
    int r;
    while ((r = lt_fsp_next(batch, &at, LT_FSP_RSP_HEADER, LT_FSP_RSP_MAX, &message)) > 0)
        take_response(v, message);
    if (r < 0)
        drv_fault(v, "%zu bytes of responses end in something else at %zu", batch.len, at);
}

static void cancel_all(struct nt_volume *v)
{
    lt_mutex_lock(&v->io);
    v->ended = true;
    for (struct drv_call *c = v->waiting; c; c = c->next) {
        c->failed = LT_STATUS_CANCELLED;
        c->done = true;
        lt_cond_wake_one(&c->cond);
    }
    v->waiting = NULL;
    lt_mutex_unlock(&v->io);
}

#define RECEIVE_MAX (1u << 18)

static void read_responses(void *arg)
{
    struct nt_volume *v = arg;
    char *buf = malloc(RECEIVE_MAX);
    while (buf) {
        ssize_t n = recv(v->fd, buf, RECEIVE_MAX, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (n > 1)
            take_responses(v, lt_strn(buf, (size_t)n));
    }
    free(buf);
    /* The dispatcher is gone: nobody waits for it. */
    cancel_all(v);
}

/* ---- What is asked of a response ---------------------------------------------------------------
 */

static const char *kind_name(uint32_t kind)
{
    static const char *const names[LT_FSP_KIND_END] = {
        [LT_FSP_CREATE] = "Create",
        [LT_FSP_OVERWRITE] = "Overwrite",
        [LT_FSP_CLEANUP] = "Cleanup",
        [LT_FSP_CLOSE] = "Close",
        [LT_FSP_READ] = "Read",
        [LT_FSP_WRITE] = "Write",
        [LT_FSP_QUERY_INFORMATION] = "QueryInformation",
        [LT_FSP_SET_INFORMATION] = "SetInformation",
        [LT_FSP_QUERY_EA] = "QueryEa",
        [LT_FSP_SET_EA] = "SetEa",
        [LT_FSP_FLUSH_BUFFERS] = "FlushBuffers",
        [LT_FSP_QUERY_VOLUME] = "QueryVolume",
        [LT_FSP_SET_VOLUME] = "SetVolume",
        [LT_FSP_QUERY_DIRECTORY] = "QueryDirectory",
        [LT_FSP_FILE_SYSTEM_CONTROL] = "FileSystemControl",
        [LT_FSP_DEVICE_CONTROL] = "DeviceControl",
        [LT_FSP_QUERY_SECURITY] = "QuerySecurity",
        [LT_FSP_SET_SECURITY] = "SetSecurity",
        [LT_FSP_QUERY_STREAMS] = "QueryStreams",
    };
    return kind < LT_FSP_KIND_END && names[kind] ? names[kind] : "?";
}

bool drv_check_info(struct nt_volume *v, const char *where, const struct lt_fsp_file_info *info)
{
    bool is_dir = info->file_attributes & LT_WIN_DIRECTORY;
    bool is_reparse = info->file_attributes & LT_WIN_REPARSE_POINT;
    if (info->allocation_size % v->unit != 0)
        drv_fault(v, "%s: allocation %" PRIu64 " is no multiple of %u", where,
                  info->allocation_size, v->unit);
    else if (info->allocation_size < info->file_size && !is_dir)
        drv_fault(v, "%s: allocation %" PRIu64 " is less than the size %" PRIu64, where,
                  info->allocation_size, info->file_size);
    else if (is_reparse != (info->reparse_tag != 0))
        drv_fault(v, "%s: attributes %#x with the reparse tag %#x", where, info->file_attributes,
                  info->reparse_tag);
    else if ((info->file_attributes & LT_WIN_NORMAL) && info->file_attributes != LT_WIN_NORMAL)
        drv_fault(v, "%s: attributes %#x are NORMAL and more", where, info->file_attributes);
    else if (info->file_size > INT64_MAX || info->allocation_size > INT64_MAX)
        drv_fault(v, "%s: sizes beyond 2^63", where);
    else
        return true;
    return false;
}

static const struct lt_fsp_file_info *info_of(const struct drv_call *c)
{
    uint32_t info_class = c->req->u.set_information.info_class;
    switch (c->req->kind) {
    case LT_FSP_CREATE:
        return c->rsp.rsp.status == LT_STATUS_SUCCESS ? &c->rsp.rsp.u.create.info : NULL;
    case LT_FSP_SET_INFORMATION:
        return info_class == LT_FSP_INFO_BASIC || info_class == LT_FSP_INFO_ALLOCATION ||
                       info_class == LT_FSP_INFO_END_OF_FILE
                   ? &c->rsp.rsp.u.info
                   : NULL;
    case LT_FSP_FLUSH_BUFFERS:
        return c->req->u.of.user2 ? &c->rsp.rsp.u.info : NULL;
    case LT_FSP_OVERWRITE:
    case LT_FSP_WRITE:
    case LT_FSP_QUERY_INFORMATION:
        return &c->rsp.rsp.u.info;
    case LT_FSP_SET_EA:
        return &c->rsp.rsp.u.set_ea.info;
    default:
        return NULL;
    }
}

static bool check_transfer(const struct drv_call *c)
{
    uint32_t done = c->rsp.rsp.information, asked = UINT32_MAX;
    if (c->req->kind == LT_FSP_READ)
        asked = c->req->u.read.length;
    else if (c->req->kind == LT_FSP_WRITE)
        asked = c->req->u.write.length;
    else if (c->req->kind == LT_FSP_QUERY_DIRECTORY)
        asked = c->req->u.query_directory.length;
    if (done <= asked)
        return true;
    drv_fault(c->v, "%s of %u bytes did %u", kind_name(c->req->kind), asked, done);
    return false;
}

static bool check_response(struct drv_call *c)
{
    struct nt_volume *v = c->v;
    const char *where = kind_name(c->req->kind);
    int r = lt_fsp_response_decode(lt_strn((char *)c->answer, c->answer_len), &c->rsp);
    const struct lt_fsp_rsp *rsp = &c->rsp.rsp;
    if (r < 0) {
        drv_fault(v, "%s: a response that cannot be (status %s, %zu bytes)", where,
                  lt_status_name(rsp->status), c->answer_len);
        return false;
    }
    if (rsp->kind != c->req->kind) {
        drv_fault(v, "%s: a response to %s", where, kind_name(rsp->kind));
        return false;
    }
    if (rsp->version != 0) {
        drv_fault(v, "%s: a response of version %u", where, rsp->version);
        return false;
    }
    if (rsp->status == LT_STATUS_PENDING) {
        drv_fault(v, "%s: a response that says PENDING", where);
        return false;
    }
    if (rsp->status < 0)
        return true;
    const struct lt_fsp_file_info *info = info_of(c);
    return check_transfer(c) && (!info || drv_check_info(v, where, info));
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

void drv_call_begin(struct drv_call *c, struct nt_volume *v, uint32_t kind)
{
    c->v = v;
    c->next = NULL;
    c->cond = (struct lt_cond){0};
    c->done = false;
    c->failed = LT_STATUS_SUCCESS;
    c->req = lt_fsp_request_begin(&c->out, c->request, sizeof(c->request), kind, 0);
}

void drv_call_of(struct drv_call *c, const struct nt_file *file)
{
    c->req->u.of = (struct lt_fsp_contexts){file->node->user, file->user2};
}

static bool enqueue(struct drv_call *c)
{
    struct nt_volume *v = c->v;
    lt_mutex_lock(&v->io);
    bool open = !v->ended;
    if (open) {
        c->req->hint = v->next_hint++;
        v->counts[c->req->kind]++;
        /* A Close is not waited for. */
        if (c->req->kind != LT_FSP_CLOSE) {
            c->next = v->waiting;
            v->waiting = c;
        }
    }
    lt_mutex_unlock(&v->io);
    return open;
}

static void dequeue(struct drv_call *c)
{
    struct drv_call **at = &c->v->waiting;
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
}

/* Requests of the driver are as long as their size says; the packet too. */
static bool transmit(struct drv_call *c, size_t len)
{
    while (send(c->v->fd, c->request, len, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return false;
    }
    return true;
}

static int32_t wait_for_response(struct drv_call *c)
{
    struct nt_volume *v = c->v;
    uint64_t end = lt_clock_ns() + v->params.irp_timeout_ms * UINT64_C(1000000);
    lt_mutex_lock(&v->io);
    while (!c->done) {
        uint64_t now = lt_clock_ns();
        if (now >= end) {
            dequeue(c);
            c->failed = LT_STATUS_CANCELLED;
            break;
        }
        lt_cond_wait_for(&c->cond, &v->io, end - now);
    }
    lt_mutex_unlock(&v->io);
    return c->failed;
}

int32_t drv_call(struct drv_call *c)
{
    int64_t len = lt_fsp_end(&c->out);
    if (len < 0)
        return LT_STATUS_INVALID_PARAMETER;
    if (!enqueue(c))
        return LT_STATUS_CANCELLED;
    if (!transmit(c, (size_t)len)) {
        lt_mutex_lock(&c->v->io);
        dequeue(c);
        lt_mutex_unlock(&c->v->io);
        return LT_STATUS_CANCELLED;
    }
    if (c->req->kind == LT_FSP_CLOSE)
        return LT_STATUS_SUCCESS;
    int32_t status = wait_for_response(c);
    if (status != LT_STATUS_SUCCESS)
        return status;
    return check_response(c) ? c->rsp.rsp.status : LT_STATUS_INTERNAL_ERROR;
}

/* ---- Volumes -----------------------------------------------------------------------------------
 */

static uint32_t clamp(uint32_t value, uint32_t absent, uint32_t min, uint32_t max)
{
    if (value == 0)
        return absent;
    return value < min ? min : value > max ? max : value;
}

static void set_params(struct nt_volume *v, const struct lt_fsp_volume_params *given)
{
    struct lt_fsp_volume_params *p = &v->params;
    *p = *given;
    p->sector_size = p->sector_size ? p->sector_size : SECTOR_SIZE;
    p->sectors_per_unit = p->sectors_per_unit ? p->sectors_per_unit : 1;
    if (p->component_max == 0 || p->component_max > COMPONENT_MAX)
        p->component_max = COMPONENT_MAX;
    p->transact_timeout_ms = clamp(p->transact_timeout_ms, TRANSACT_TIMEOUT_MAX,
                                   TRANSACT_TIMEOUT_MIN, TRANSACT_TIMEOUT_MAX);
    p->irp_timeout_ms = clamp(p->irp_timeout_ms, IRP_TIMEOUT, IRP_TIMEOUT_MIN, IRP_TIMEOUT_MAX);
    v->unit = (uint32_t)p->sector_size * p->sectors_per_unit;
}

int drv_volume_new(const struct lt_fsp_volume_params *params, const struct drv_options *options,
                   struct nt_volume **ret, struct lt_winfsp_port **ret_port)
{
    int fds[2];
    struct nt_volume *v = calloc(1, sizeof(*v));
    if (!v)
        return LT_ENOMEM;
    *v = (struct nt_volume){.check_every = options->check_every,
                            .batch = options->batch ? options->batch : 1,
                            .fault = options->fault,
                            .fault_arg = options->fault_arg,
                            .next_hint = 1,
                            .next_address = 0x10000};
    atomic_init(&v->refs, 1);
    set_params(v, params);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
        free(v);
        return lt_error_last();
    }
    v->fd = fds[0];
    struct drv_port *port;
    int r = drv_port_new(v, fds[1], &port);
    if (r < 0) {
        close(fds[1]);
        drv_volume_put(v);
        return r;
    }
    r = lt_thread_start(&v->reader, "nt-driver", read_responses, v);
    if (r < 0) {
        port->port.close(&port->port);
        drv_volume_put(v);
        return r;
    }
    *ret = v;
    *ret_port = &port->port;
    return 0;
}

int drv_volume_end(struct nt_volume *v)
{
    int waiting = 0;
    lt_mutex_lock(&v->io);
    for (struct drv_call *c = v->waiting; c; c = c->next)
        waiting++;
    lt_mutex_unlock(&v->io);
    cancel_all(v);
    shutdown(v->fd, SHUT_RDWR);
    lt_thread_join(v->reader);
    v->reader = NULL;
    return waiting;
}

void drv_volume_put(struct nt_volume *v)
{
    if (atomic_fetch_sub(&v->refs, 1) != 1)
        return;
    close(v->fd);
    free(v);
}

void nt_counts(struct nt_volume *volume, uint64_t ret[LT_FSP_KIND_END])
{
    lt_mutex_lock(&volume->io);
    memcpy(ret, volume->counts, sizeof(volume->counts));
    lt_mutex_unlock(&volume->io);
}

struct lt_fs *nt_fs(struct nt_volume *volume)
{
    return volume->fs;
}
