// SPDX-License-Identifier: MIT
/*
 * Holds on directories. A file system is safe against anything that happens at the same time; what
 * it cannot know is that several of its operations are one for Windows: looking for a name in any
 * case and then making it, or checking what a rename will replace.
 *
 * The protocol's own guard is one lock for the whole volume. Here a request that waits for a slow
 * server holds up only those that meet it in the same directory. Who came first goes first, and
 * both directories of a rename are waited for at once, so that there are no cycles.
 */
#include "volume.h"

#include <stdlib.h>

struct fsp_guard {
    struct lt_mutex lock;
    struct lt_cond changed;
    struct fsp_hold *first; /* in the order of arrival; as many as there are workers at most */
};

int fsp_guard_new(struct fsp_guard **ret)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret ? LT_OK : LT_ENOMEM;
}

void fsp_guard_free(struct fsp_guard *guard)
{
    free(guard);
}

static bool share_a_node(const struct fsp_hold *a, const struct fsp_hold *b)
{
    for (int i = 0; i < 2; i++) {
        if (a->ids[i] != 0 && (a->ids[i] == b->ids[0] || a->ids[i] == b->ids[1]))
            return true;
    }
    return false;
}

/* Whether somebody before `hold` in the list is in its way. */
static bool must_wait(const struct fsp_guard *guard, const struct fsp_hold *hold)
{
    for (const struct fsp_hold *h = guard->first; h != hold; h = h->next) {
        if ((h->exclusive || hold->exclusive) && share_a_node(h, hold))
            return true;
    }
    return false;
}

void fsp_hold(struct lt_winfsp *v, struct fsp_hold *hold, const struct lt_node *a,
              const struct lt_node *b, bool exclusive)
{
    struct fsp_guard *guard = v->guard;
    *hold = (struct fsp_hold){.ids = {a ? a->id : 0, b ? b->id : 0}, .exclusive = exclusive};
    lt_mutex_lock(&guard->lock);
    struct fsp_hold **end = &guard->first;
    while (*end)
        end = &(*end)->next;
    *end = hold;
    while (must_wait(guard, hold))
        lt_cond_wait(&guard->changed, &guard->lock);
    lt_mutex_unlock(&guard->lock);
}

void fsp_release(struct lt_winfsp *v, struct fsp_hold *hold)
{
    struct fsp_guard *guard = v->guard;
    lt_mutex_lock(&guard->lock);
    struct fsp_hold **at = &guard->first;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    bool waited_for = hold->next != NULL;
    lt_mutex_unlock(&guard->lock);
    if (waited_for)
        lt_cond_wake_all(&guard->changed);
}
