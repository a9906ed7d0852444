// SPDX-License-Identifier: MIT
#include "gang.h"

void lt_gang_init(struct lt_gang *gang, unsigned most)
{
    *gang = (struct lt_gang){.most = most > 0 ? most : 1};
}

/* Whether there is one to be woken: without the lock, or he would wait for that at once. */
static bool call_locked(struct lt_gang *gang) REQUIRES(gang->lock)
{
    if (gang->waiting <= gang->calls)
        return false;
    gang->calls++;
    return true;
}

bool lt_gang_join(struct lt_gang *gang)
{
    lt_mutex_lock(&gang->lock);
    if (gang->listeners > 0 && !gang->ended) {
        gang->waiting++;
        while (gang->calls == 0 && !gang->ended)
            lt_cond_wait(&gang->parked, &gang->lock);
        gang->waiting--;
        if (gang->calls > 0)
            gang->calls--;
    }
    gang->listeners++;
    bool go_on = !gang->ended;
    lt_mutex_unlock(&gang->lock);
    return go_on;
}

void lt_gang_leave(struct lt_gang *gang)
{
    lt_mutex_lock(&gang->lock);
    gang->listeners--;
    bool called = gang->listeners + gang->calls == 0 && call_locked(gang);
    lt_mutex_unlock(&gang->lock);
    if (called)
        lt_cond_wake_one(&gang->parked);
}

bool lt_gang_retire(struct lt_gang *gang)
{
    if (lt_gang_listeners(gang) < 2)
        return false;
    lt_mutex_lock(&gang->lock);
    bool retire = gang->listeners >= 2;
    if (retire)
        gang->listeners--;
    lt_mutex_unlock(&gang->lock);
    return retire;
}

void lt_gang_call(struct lt_gang *gang)
{
    if (lt_gang_listeners(gang) >= gang->most)
        return;
    lt_mutex_lock(&gang->lock);
    bool called = gang->listeners + gang->calls < gang->most && call_locked(gang);
    lt_mutex_unlock(&gang->lock);
    if (called)
        lt_cond_wake_one(&gang->parked);
}

void lt_gang_end(struct lt_gang *gang)
{
    lt_mutex_lock(&gang->lock);
    gang->ended = true;
    lt_cond_wake_all(&gang->parked);
    lt_mutex_unlock(&gang->lock);
}
