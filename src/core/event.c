// SPDX-License-Identifier: MIT
/*
 * Change events. Delivery takes no lock: subscriptions lie in a list that only
 * grows, and one that ended stays in it to be used again, so that a walk is always
 * safe. A deliverer first announces itself in `users`, then looks at `active`; an
 * unsubscriber first clears `active`, then waits for `users` to reach 0. Both
 * steps of both are sequentially consistent, so one sees the other.
 */
#include "core.h"

#include <stdlib.h>

struct lt_subscription {
    struct lt_subscription *next; /* immutable once in the list */
    struct lt_core *core;         /* immutable */
    bool taken;                   /* guarded by core->subscribe_lock */
    atomic_bool active;           /* fn and arg are good */
    atomic_uint users;            /* deliverers that may be about to call fn */
    void (*fn)(void *arg, const struct lt_event *event); /* written while neither */
    void *arg;
};

/* A subscription that ended, or a new one at the head of the list. */
static struct lt_subscription *take_subscription(struct lt_core *core)
    REQUIRES(core->subscribe_lock)
{
    struct lt_subscription *s = atomic_load_explicit(&core->subscriptions, memory_order_relaxed);
    struct lt_subscription *head = s;
    while (s && s->taken)
        s = s->next;
    if (s) {
        s->taken = true;
        return s;
    }
    s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->core = core;
    s->next = head;
    s->taken = true;
    atomic_store_explicit(&core->subscriptions, s, memory_order_release);
    return s;
}

int lt_event_subscribe(struct lt_fs *fs, void (*fn)(void *arg, const struct lt_event *event),
                       void *arg, struct lt_subscription **ret)
{
    struct lt_core *core = fs->core;
    lt_mutex_lock(&core->subscribe_lock);
    struct lt_subscription *s = take_subscription(core);
    lt_mutex_unlock(&core->subscribe_lock);
    if (!s)
        return LT_ENOMEM;
    s->fn = fn;
    s->arg = arg;
    atomic_store(&s->active, true);
    atomic_fetch_add(&core->subscribers, 1);
    *ret = s;
    return 0;
}

void lt_event_unsubscribe(struct lt_subscription *subscription)
{
    if (!subscription)
        return;
    struct lt_core *core = subscription->core;
    atomic_store(&subscription->active, false);
    atomic_fetch_sub(&core->subscribers, 1);
    lt_mutex_lock(&core->subscribe_lock);
    while (atomic_load(&subscription->users) != 0)
        lt_cond_wait(&core->unsubscribed, &core->subscribe_lock);
    subscription->taken = false;
    lt_mutex_unlock(&core->subscribe_lock);
}

static void deliver(struct lt_subscription *s, const struct lt_event *event)
{
    atomic_fetch_add(&s->users, 1);
    if (atomic_load(&s->active))
        s->fn(s->arg, event);
    if (atomic_fetch_sub(&s->users, 1) != 1 || atomic_load(&s->active))
        return;
    /* Somebody may wait for the last user: the lock makes sure that he sleeps or has seen it. */
    lt_mutex_lock(&s->core->subscribe_lock);
    lt_cond_wake_all(&s->core->unsubscribed);
    lt_mutex_unlock(&s->core->subscribe_lock);
}

void lt_event_emit(struct lt_fs *fs, const struct lt_event *event)
{
    struct lt_subscription *s =
        atomic_load_explicit(&fs->core->subscriptions, memory_order_acquire);
    for (; s; s = s->next) {
        if (atomic_load_explicit(&s->active, memory_order_relaxed))
            deliver(s, event);
    }
}

void lt_event_emit_attr(const struct lt_ctx *ctx, struct lt_node *node)
{
    struct lt_event event = {.type = LT_EVENT_ATTR, .origin = ctx->origin, .node = node};
    lt_event_emit(node->fs, &event);
}

void lt_event_emit_data(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                        uint64_t len)
{
    struct lt_event event = {
        .type = LT_EVENT_DATA, .origin = ctx->origin, .node = node, .offset = offset, .len = len};
    lt_event_emit(node->fs, &event);
}

void lt_events_fini(struct lt_core *core)
{
    struct lt_subscription *s = atomic_load(&core->subscriptions);
    while (s) {
        struct lt_subscription *next = s->next;
        free(s);
        s = next;
    }
}
