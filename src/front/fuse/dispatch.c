// SPDX-License-Identifier: MIT
#include "handlers.h"

#include <stdio.h>

#define SLOW_NS 200000u /* a request that took longer is slow */

/* What slow requests add to the score of their kind, and others take off by one. A kind counts as
 * slow above the threshold: not for a few, nor for one in ten. */
#define SLOW_POINTS 4u
#define SLOW_SCORE 8u
#define SLOW_SCORE_MAX 64u

static int (*const handlers[LT_FUSE_OPCODE_END])(struct call *c) = {
#define ROW(NAME, number, handler, type, follows) [number] = on_##handler,
    LT_FUSE_OPS(ROW)
#undef ROW
};

/* ---- Replies --------------------------------------------------------------------------------- */

void note_reply(struct call *c, int r)
{
    c->replied = true;
    if (r < 0 && r != LT_ENOENT && r != LT_ENODEV)
        atomic_fetch_add_explicit(&c->s->reply_failures, 1, memory_order_relaxed);
}

int reply_segs(struct call *c, const struct lt_seg *segs, size_t count)
{
    int r = lt_channel_reply(c->s->channel, c->m, 0, segs, count);
    note_reply(c, r);
    return r;
}

int reply_bytes(struct call *c, const void *body, size_t len)
{
    /* Segments are read only on their way out. */
    struct lt_seg seg = {(void *)(uintptr_t)body, len};
    reply_segs(c, &seg, 1);
    return 0;
}

static void reply_error(struct call *c, int error)
{
    c->replied = true;
    lt_channel_reply(c->s->channel, c->m, error, NULL, 0);
}

/* Hands a node out: the peer holds it from before the reply leaves, because it may use it at once.
 */
static int hand_out(struct call *c, struct lt_entry *entry, struct lt_fuse_entry_out *ret)
{
    uint64_t id = entry->node->id;
    view_attr(c->s, entry->node, &entry->attr);
    lt_fuse_put_entry(&entry->attr, id, view_timeouts(c->s, entry->node, entry->exact), ret);
    int r = lt_nodes_add(&c->s->nodes, entry->node);
    if (r < 0)
        lt_node_put(entry->node);
    return r;
}

int reply_entry_and(struct call *c, struct lt_entry *entry, const void *more, size_t len)
{
    struct lt_fuse_entry_out out;
    int r = hand_out(c, entry, &out);
    if (r < 0)
        return r;
    struct lt_seg segs[2] = {{&out, sizeof(out)}, {(void *)(uintptr_t)more, len}};
    r = reply_segs(c, segs, len > 0 ? 2 : 1);
    if (r == LT_ENOENT)
        lt_nodes_forget(&c->s->nodes, out.nodeid, 1);
    return r;
}

int reply_entry(struct call *c, struct lt_entry *entry)
{
    return reply_entry_and(c, entry, NULL, 0);
}

int reply_attr(struct call *c, const struct lt_attr *attr)
{
    struct lt_attr shown = *attr;
    struct lt_fuse_attr_out out;
    view_attr(c->s, c->node, &shown);
    lt_fuse_put_attr_out(&shown, view_timeouts(c->s, c->node, true), &out);
    return reply_bytes(c, &out, sizeof(out));
}

/* ---- Requests -------------------------------------------------------------------------------- */

int call_node(struct call *c, uint64_t id, struct lt_node **ret)
{
    struct lt_node *node = lt_nodes_get(&c->s->nodes, id);
    if (node == NULL)
        return LT_ESTALE;
    *ret = node;
    return 0;
}

static uint32_t umask_of(const struct lt_fuse_request *req)
{
    switch (req->header.opcode) {
    case LT_FUSE_MKNOD:
        return req->args.mknod.umask;
    case LT_FUSE_MKDIR:
        return req->args.mkdir.umask;
    case LT_FUSE_CREATE:
    case LT_FUSE_TMPFILE:
        return req->args.create.umask;
    default:
        return 0;
    }
}

static void set_ctx(struct call *c)
{
    const struct lt_fuse_request *req = &c->req;
    c->ctx = (struct lt_ctx){
        .uid = req->header.uid,
        .gid = req->header.gid,
        .pid = req->header.pid,
        .umask = umask_of(req) & LT_S_PERM,
        .origin = c->s,
        .cancel = &c->w->cancel,
    };
    if (req->group_count == 0)
        return;
    c->ctx.groups = c->groups;
    c->ctx.group_count =
        req->group_count < LT_FUSE_GROUPS_MAX ? req->group_count : LT_FUSE_GROUPS_MAX;
    memcpy(c->groups, req->groups, c->ctx.group_count * sizeof(c->groups[0]));
}

/* Before INIT only INIT, after it none; and a node that the peer holds. */
static int admit(struct call *c)
{
    uint32_t opcode = c->req.header.opcode;
    if ((opcode == LT_FUSE_INIT) == c->s->initialized)
        return LT_EPROTO;
    if (c->req.op->follows & LT_FUSE_ZERO_NODE || opcode == LT_FUSE_FORGET)
        return 0;
    int r = call_node(c, c->req.header.nodeid, &c->node);
    /* LOOKUP of "." is how an NFS server asks for a node that the kernel has forgotten. */
    if (r == LT_ESTALE && opcode == LT_FUSE_LOOKUP)
        return 0;
    return r;
}

static int answer(struct call *c)
{
    int r = admit(c);
    return r < 0 ? r : handlers[c->req.header.opcode](c);
}

/* Where the score of a kind is kept. */
static uint32_t slow_slot(const struct call *c)
{
    return c->req.op ? c->req.header.opcode : 0;
}

/* A kind of request that has been slow of late gives the channel to another worker first. */
static void step_aside_if_slow(struct call *c)
{
    uint32_t score = atomic_load_explicit(&c->s->slow[slow_slot(c)], memory_order_relaxed);
    if (score > SLOW_SCORE || (c->req.op && c->req.op->follows & LT_FUSE_WAITS))
        lt_channel_hand_over(c->s->channel, c->w->index);
}

/* Two workers that count at once may lose a point. */
static void note_slowness(struct lt_session *s, uint32_t slot, bool slow)
{
    uint32_t score = atomic_load_explicit(&s->slow[slot], memory_order_relaxed);
    uint32_t less = score > 0 ? score - 1 : 0;
    uint32_t more = score + SLOW_POINTS < SLOW_SCORE_MAX ? score + SLOW_POINTS : SLOW_SCORE_MAX;
    if (slow || score > 0)
        atomic_store_explicit(&s->slow[slot], slow ? more : less, memory_order_relaxed);
}

#define TRACE_NAME 80u

/* The start of a name as one line of text. Taken before the reply, which may be built where the
 * name lies (io_uring). */
static void trace_name(struct lt_str name, char ret[TRACE_NAME])
{
    size_t len = name.len < TRACE_NAME - 1 ? name.len : TRACE_NAME - 1;
    for (size_t i = 0; i < len; i++)
        ret[i] = (unsigned char)name.s[i] < ' ' ? '?' : name.s[i];
    ret[len] = 0;
}

static void trace(struct call *c, const char *name, int error, uint64_t ns)
{
    char line[256];
    const struct lt_fuse_in_header *h = &c->req.header;
    snprintf(line, sizeof(line), "%s node %llu name %s uid %u pid %u: %s, %llu us",
             c->req.op ? c->req.op->name : "?", (unsigned long long)h->nodeid, name, h->uid, h->pid,
             error < 0 ? lt_error_name(error) : "ok", (unsigned long long)(ns / 1000));
    c->s->options.log(c->s->options.arg, line);
}

static void finish(struct call *c, int r)
{
    bool wants_reply = c->req.op == NULL || !(c->req.op->follows & LT_FUSE_NO_REPLY);
    if (wants_reply && !c->replied)
        reply_error(c, r < 0 ? r : 0);
    lt_node_put(c->node);
}

void lt_session_answer(struct lt_fuse_worker *w, struct lt_message *m)
{
    struct lt_session *s = w->session;
    uint32_t flags = s->features & LT_FUSE_SETXATTR_EXT ? LT_FUSE_DECODE_SETXATTR_EXT : 0;
    struct call c;
    c.s = s;
    c.w = w;
    c.m = m;
    c.node = NULL;
    c.replied = false;
    c.bytes = 0;
    uint64_t start = lt_clock_ns();
    int r = lt_fuse_decode(&m->in, flags, &c.req);
    bool tracing = s->options.debug && s->options.log;
    char name[TRACE_NAME];
    if (tracing)
        trace_name(c.req.name, name);
    bool private = r == LT_ENOSYS && s->initialized && private_is_known(&c);
    if (r == 0 || private) {
        atomic_store_explicit(&w->cancel, false, memory_order_relaxed);
        atomic_store_explicit(&w->unique, c.req.header.unique, memory_order_release);
        set_ctx(&c);
        step_aside_if_slow(&c);
        r = private ? on_private(&c) : answer(&c);
        atomic_store_explicit(&w->unique, 0, memory_order_relaxed);
    }
    finish(&c, r);
    uint64_t ns = lt_clock_ns() - start;
    if (c.req.op || private)
        note_slowness(s, slow_slot(&c), ns > SLOW_NS);
    lt_stats_count(&w->stats, c.req.header.opcode, r, c.bytes, ns);
    if (tracing)
        trace(&c, name, r, ns);
}
