// SPDX-License-Identifier: MIT
/*
 * What others changed. The kernel keeps names, attributes and pages for ever; when
 * somebody else (another mount, the Explorer, a C program) changes the file system,
 * its event becomes a notification.
 *
 * Deadlocks to stay clear of, for a notification waits for kernel locks:
 *  - INVAL_ENTRY and DELETE take the lock of the directory's inode, and INVAL_INODE of a
 *    range those of its pages. The kernel holds either while it waits for our answer
 *    to a request. Hence a worker must never send one of them: not for its own
 *    mount, and not for another either, whose worker could be doing the same to us.
 *    Events that come on a worker's thread are queued for the notifier's thread; all
 *    others are sent at once, so that whoever made the change finds it visible.
 *  - INVAL_INODE with a negative offset (attributes only) and INC_EPOCH take no such
 *    lock, and may be sent from anywhere.
 */
#include "handlers.h"

#include <stdlib.h>

#define QUEUE_MAX 65536u /* notes waiting; beyond it everything is invalidated at once */

/* A change, without references: ids stay good, or mean nothing to the kernel. */
struct note {
    struct note *next;
    enum lt_event_type type;
    uint64_t node, dir, new_dir, other;
    uint64_t offset, len;
    size_t name_len, new_name_len;
    char names[]; /* name, NUL, new name, NUL */
};

struct lt_notifier {
    struct lt_session *s;
    struct lt_mutex lock; /* leaf */
    struct lt_cond wake;
    struct note *first GUARDED_BY(lock), **last GUARDED_BY(lock);
    unsigned count GUARDED_BY(lock);
    bool lost GUARDED_BY(lock); /* a note could not be queued */
    bool ended GUARDED_BY(lock);
    struct lt_thread *thread; /* immutable once started */
};

/* Set on the threads that answer FUSE requests, of whichever session. */
static _Thread_local bool is_worker;

void notify_enter_worker(void)
{
    is_worker = true;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static void send_inode(struct lt_session *s, uint64_t id, int64_t offset, int64_t len)
{
    struct lt_fuse_notify_inval_inode_out out = {.ino = id, .off = offset, .len = len};
    struct lt_seg seg = {&out, sizeof(out)};
    if (lt_nodes_has(&s->nodes, id))
        lt_channel_notify(s->channel, LT_FUSE_NOTIFY_INVAL_INODE, &seg, 1);
}

void notify_attr(struct lt_session *s, uint64_t id)
{
    send_inode(s, id, -1, 0);
}

void notify_epoch(struct lt_session *s)
{
    if (s->minor >= 44)
        lt_channel_notify(s->channel, LT_FUSE_NOTIFY_INC_EPOCH, NULL, 0);
}

/* Names of case-insensitive volumes may be known by other spellings: see init.c. */
static bool has_spellings(const struct lt_session *s)
{
    return s->volume.name_case == LT_CASE_INSENSITIVE;
}

static void send_entry(struct lt_session *s, uint64_t dir, const char *name, size_t len)
{
    struct lt_fuse_notify_inval_entry_out out = {.parent = dir, .namelen = (uint32_t)len};
    struct lt_seg segs[2] = {{&out, sizeof(out)}, {(void *)(uintptr_t)name, len + 1}};
    if (has_spellings(s))
        notify_epoch(s);
    else if (lt_nodes_has(&s->nodes, dir))
        lt_channel_notify(s->channel, LT_FUSE_NOTIFY_INVAL_ENTRY, segs, 2);
}

/* As INVAL_ENTRY, and those who watch the directory hear of it. */
static void send_delete(struct lt_session *s, const struct note *n)
{
    struct lt_fuse_notify_delete_out out = {
        .parent = n->dir, .child = n->node, .namelen = (uint32_t)n->name_len};
    struct lt_seg segs[2] = {{&out, sizeof(out)}, {(void *)(uintptr_t)n->names, n->name_len + 1}};
    if (has_spellings(s) || !lt_nodes_has(&s->nodes, n->node))
        send_entry(s, n->dir, n->names, n->name_len);
    else if (lt_nodes_has(&s->nodes, n->dir))
        lt_channel_notify(s->channel, LT_FUSE_NOTIFY_DELETE, segs, 2);
}

/* A directory's attributes and its cached listing. */
static void send_dir(struct lt_session *s, uint64_t id)
{
    send_inode(s, id, 0, 0);
}

static void send_data(struct lt_session *s, const struct note *n)
{
    bool to_end = n->len > INT64_MAX || n->offset > INT64_MAX;
    send_inode(s, n->node, to_end ? 0 : (int64_t)n->offset, to_end ? 0 : (int64_t)n->len);
}

static void send_note(struct lt_session *s, const struct note *n)
{
    switch (n->type) {
    case LT_EVENT_CREATE:
        send_entry(s, n->dir, n->names, n->name_len);
        send_dir(s, n->dir);
        notify_attr(s, n->node);
        break;
    case LT_EVENT_REMOVE:
        send_delete(s, n);
        send_dir(s, n->dir);
        notify_attr(s, n->node);
        break;
    case LT_EVENT_RENAME:
        send_entry(s, n->dir, n->names, n->name_len);
        send_entry(s, n->new_dir, n->names + n->name_len + 1, n->new_name_len);
        send_dir(s, n->dir);
        send_dir(s, n->new_dir);
        notify_attr(s, n->node);
        notify_attr(s, n->other);
        break;
    case LT_EVENT_DATA:
        send_data(s, n);
        break;
    case LT_EVENT_ATTR:
    case LT_EVENT_STREAM:
        notify_attr(s, n->node);
        break;
    case LT_EVENT_VOLUME:
        break;
    }
}

static void send_inode_all(void *arg, uint64_t id)
{
    send_inode(arg, id, 0, 0);
}

/* Changes were lost for lack of memory or room: nothing that the kernel knows is certain. */
static void send_everything(struct lt_session *s)
{
    notify_epoch(s);
    lt_nodes_each(&s->nodes, send_inode_all, s);
}

/* ---- Queueing -------------------------------------------------------------------------------- */

static void take_event(const struct lt_event *event, struct note *n)
{
    n->next = NULL;
    n->type = event->type;
    n->node = event->node ? event->node->id : 0;
    n->dir = event->dir ? event->dir->id : 0;
    n->new_dir = event->new_dir ? event->new_dir->id : 0;
    n->other = event->other ? event->other->id : 0;
    n->offset = event->offset;
    n->len = event->len;
    n->name_len = event->name.len;
    n->new_name_len = event->new_name.len;
    if (event->name.len)
        memcpy(n->names, event->name.s, event->name.len);
    n->names[event->name.len] = 0;
    if (event->new_name.len)
        memcpy(n->names + event->name.len + 1, event->new_name.s, event->new_name.len);
    n->names[event->name.len + 1 + event->new_name.len] = 0;
}

static void queue_note(struct lt_notifier *q, struct note *n)
{
    lt_mutex_lock(&q->lock);
    bool keep = n && q->count < QUEUE_MAX && !q->ended;
    if (keep) {
        *q->last = n;
        q->last = &n->next;
        q->count++;
    } else {
        q->lost = true;
    }
    lt_cond_wake_one(&q->wake);
    lt_mutex_unlock(&q->lock);
    if (!keep)
        free(n);
}

/* A stream's change is one of its file's attributes, which the kernel keeps apart. */
static bool is_news(const struct lt_session *s, const struct lt_event *event)
{
    if (event->origin != s)
        return true;
    return event->type == LT_EVENT_STREAM;
}

static void on_event(void *arg, const struct lt_event *event)
{
    struct lt_notifier *q = arg;
    if (!is_news(q->s, event))
        return;
    struct note *n = malloc(sizeof(*n) + event->name.len + event->new_name.len + 2);
    if (n)
        take_event(event, n);
    if (n == NULL || is_worker) {
        queue_note(q, n);
        return;
    }
    send_note(q->s, n);
    free(n);
}

static struct note *next_note(struct lt_notifier *q, bool *ret_lost, bool *ret_ended)
{
    lt_mutex_lock(&q->lock);
    while (q->first == NULL && !q->lost && !q->ended)
        lt_cond_wait(&q->wake, &q->lock);
    struct note *n = q->first;
    if (n) {
        q->first = n->next;
        q->count--;
        if (q->first == NULL)
            q->last = &q->first;
    }
    *ret_lost = q->lost;
    *ret_ended = q->ended;
    q->lost = false;
    lt_mutex_unlock(&q->lock);
    return n;
}

static void notifier_run(void *arg)
{
    struct lt_notifier *q = arg;
    for (bool ended = false; !ended;) {
        bool lost;
        struct note *n = next_note(q, &lost, &ended);
        if (lost && !ended)
            send_everything(q->s);
        if (n && !ended)
            send_note(q->s, n);
        free(n);
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

int lt_notify_start(struct lt_session *s)
{
    struct lt_notifier *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return LT_ENOMEM;
    q->s = s;
    q->last = &q->first;
    int r = lt_thread_start(&q->thread, "lintel/notify", notifier_run, q);
    if (r < 0) {
        free(q);
        return r;
    }
    s->notifier = q;
    return lt_event_subscribe(s->fs, on_event, q, &s->subscription);
}

void lt_notify_stop(struct lt_session *s)
{
    struct lt_notifier *q = s->notifier;
    if (q == NULL)
        return;
    lt_event_unsubscribe(s->subscription);
    lt_mutex_lock(&q->lock);
    q->ended = true;
    lt_cond_wake_one(&q->wake);
    lt_mutex_unlock(&q->lock);
    lt_thread_join(q->thread);
    for (struct note *n = q->first, *next; n; n = next) {
        next = n->next;
        free(n);
    }
    free(q);
    s->notifier = NULL;
}

bool notify_has_alias(struct call *c, struct lt_node *dir, struct lt_str name)
{
    struct lt_entry entry = {0};
    if (!has_spellings(c->s) || lt_node_lookup(&c->ctx, dir, name, &entry) < 0)
        return false;
    lt_node_put(entry.node);
    return !entry.exact;
}
