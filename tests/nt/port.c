// SPDX-License-Identifier: MIT
/*
 * The dispatcher's side of the socket pair: a port that does what the driver's device does. Each
 * packet from the driver is one request, each to the driver one transact's worth of responses; a
 * packet of one byte is a transact without buffers.
 */
#include "driver.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct drv_port *of_port(struct lt_winfsp_port *port)
{
    return (struct drv_port *)port;
}

static int send_packet(struct drv_port *p, const void *bytes, size_t len)
{
    while (send(p->fd, bytes, len, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR)
            return errno == EPIPE || errno == ECONNRESET ? LT_ENODEV : lt_error_last();
    }
    return 0;
}

/* Waits as long as the driver does. 1; 0: nothing came. */
static int wait_for_request(struct drv_port *p)
{
    struct pollfd fd = {.fd = p->fd, .events = POLLIN};
    int r = poll(&fd, 1, (int)p->v->params.transact_timeout_ms);
    if (r < 0)
        return errno == EINTR ? 0 : lt_error_last();
    return r;
}

/* One packet; 0: there is none, another thread was faster. */
static int64_t receive_one(struct drv_port *p, void *out, size_t size)
{
    ssize_t n = recv(p->fd, out, size, MSG_DONTWAIT | MSG_TRUNC);
    if (n > 0)
        return (size_t)n <= size ? n : LT_ERANGE;
    if (n == 0)
        return atomic_load(&p->stopped) ? LT_ECANCELED : LT_ENODEV;
    return errno == EAGAIN || errno == EINTR ? 0 : LT_ENODEV;
}

static int64_t receive(struct drv_port *p, uint8_t *out, size_t size)
{
    int r = wait_for_request(p);
    if (r <= 0)
        return r;
    int64_t len = receive_one(p, out, size);
    for (unsigned i = 1; len > 0 && i < p->v->batch; i++) {
        if (size - (size_t)len < LT_FSP_REQ_MAX)
            break;
        int64_t more = receive_one(p, out + len, size - (size_t)len);
        if (more <= 0)
            break;
        len += more;
    }
    return len;
}

static int64_t port_transact(struct lt_winfsp_port *port, const void *in, size_t in_len, void *out,
                             size_t size)
{
    struct drv_port *p = of_port(port);
    if (atomic_load(&p->stopped))
        return LT_ECANCELED;
    int r = 0;
    if (in_len != 0)
        r = send_packet(p, in, in_len);
    else if (!out)
        r = send_packet(p, "", 1);
    if (r < 0 || !out)
        return r;
    if (size < LT_FSP_REQ_MAX || (uintptr_t)out % LT_FSP_ALIGN != 0) {
        drv_fault(p->v, "transact with %zu bytes at %p: the driver refuses that", size, out);
        return LT_EINVAL;
    }
    return receive(p, out, size);
}

static void *port_map(struct lt_winfsp_port *port, uint64_t address, size_t len, bool write)
{
    struct nt_volume *v = of_port(port)->v;
    void *found = NULL;
    lt_mutex_lock(&v->io);
    for (struct drv_region *r = v->regions; r && !found; r = r->next) {
        if (address >= r->address && address - r->address <= r->len &&
            len <= r->len - (address - r->address) && (r->writable || !write))
            found = r->memory + (address - r->address);
    }
    lt_mutex_unlock(&v->io);
    return found;
}

/* One block: the token, its groups, its list. */
static struct lt_token *copy_token(const struct lt_token *token)
{
    size_t groups = token->group_count * sizeof(*token->groups);
    struct lt_token *copy = malloc(sizeof(*copy) + groups + token->default_dacl.len);
    if (!copy)
        return NULL;
    char *list = (char *)(copy + 1) + groups;
    *copy = *token;
    if (groups)
        copy->groups = memcpy(copy + 1, token->groups, groups);
    if (token->default_dacl.len)
        copy->default_dacl.s = memcpy(list, token->default_dacl.s, token->default_dacl.len);
    return copy;
}

static int port_token(struct lt_winfsp_port *port, uint64_t handle, struct lt_token **ret)
{
    struct nt_volume *v = of_port(port)->v;
    int r = LT_ENOENT;
    lt_mutex_lock(&v->io);
    for (struct drv_token_handle *h = v->tokens; h; h = h->next) {
        if (h->handle == (uint32_t)handle) {
            struct lt_token *copy = copy_token(h->token);
            r = copy ? 0 : LT_ENOMEM;
            if (copy)
                *ret = copy;
            break;
        }
    }
    lt_mutex_unlock(&v->io);
    return r;
}

static int port_notify(struct lt_winfsp_port *port, const void *entries, size_t len)
{
    return drv_notify(of_port(port)->v, entries, len);
}

static void port_stop(struct lt_winfsp_port *port)
{
    struct drv_port *p = of_port(port);
    atomic_store(&p->stopped, true);
    shutdown(p->fd, SHUT_RDWR);
}

static void port_close(struct lt_winfsp_port *port)
{
    struct drv_port *p = of_port(port);
    shutdown(p->fd, SHUT_RDWR);
    close(p->fd);
    drv_volume_put(p->v);
    free(p);
}

int drv_port_new(struct nt_volume *v, int fd, struct drv_port **ret)
{
    struct drv_port *p = calloc(1, sizeof(*p));
    if (!p)
        return LT_ENOMEM;
    atomic_fetch_add(&v->refs, 1);
    *p = (struct drv_port){.port = {.transact = port_transact,
                                    .map = port_map,
                                    .token = port_token,
                                    .notify = port_notify,
                                    .stop = port_stop,
                                    .close = port_close},
                           .v = v,
                           .fd = fd};
    *ret = p;
    return 0;
}

/* ---- Announcing what may be mapped -------------------------------------------------------------
 */

int32_t drv_region_open(struct nt_volume *v, const void *data, size_t len, struct drv_region *ret)
{
    /* Never nothing: an address has to be of something. */
    *ret = (struct drv_region){.memory = calloc(1, len ? len : 1), .len = len, .writable = !data};
    if (!ret->memory)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    if (data && len)
        memcpy(ret->memory, data, len);
    lt_mutex_lock(&v->io);
    ret->address = v->next_address;
    v->next_address += (len + 0x1ffff) & ~(uint64_t)0xffff;
    ret->next = v->regions;
    v->regions = ret;
    lt_mutex_unlock(&v->io);
    return LT_STATUS_SUCCESS;
}

void drv_region_close(struct nt_volume *v, struct drv_region *region)
{
    lt_mutex_lock(&v->io);
    struct drv_region **at = &v->regions;
    while (*at != region)
        at = &(*at)->next;
    *at = region->next;
    lt_mutex_unlock(&v->io);
    free(region->memory);
}

static _Thread_local const struct lt_token *impersonated;
static struct lt_token *local_system;
static struct lt_mutex local_system_lock;

void nt_impersonate(const struct lt_token *token)
{
    impersonated = token;
}

const struct lt_token *drv_token(void)
{
    if (impersonated)
        return impersonated;
    lt_mutex_lock(&local_system_lock);
    if (!local_system && lt_token_from_ctx(NULL, &local_system) < 0)
        abort();
    lt_mutex_unlock(&local_system_lock);
    return local_system;
}

uint64_t drv_token_open(struct nt_volume *v, struct drv_token_handle *handle)
{
    handle->token = drv_token();
    lt_mutex_lock(&v->io);
    /* Handles are multiples of 4. */
    handle->handle = v->next_token += 4;
    handle->next = v->tokens;
    v->tokens = handle;
    lt_mutex_unlock(&v->io);
    return (uint64_t)handle->token->pid << 32 | handle->handle;
}

void drv_token_close(struct nt_volume *v, struct drv_token_handle *handle)
{
    lt_mutex_lock(&v->io);
    struct drv_token_handle **at = &v->tokens;
    while (*at != handle)
        at = &(*at)->next;
    *at = handle->next;
    lt_mutex_unlock(&v->io);
}
