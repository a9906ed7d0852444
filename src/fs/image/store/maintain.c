// SPDX-License-Identifier: MIT
/*
 * The thread of the store. It sleeps until something has changed; then it commits when the
 * timer is over, or works at once if it is called. When all has been quiet for a while it
 * empties the log, so that blocks that were freed go back to the host, and a crash costs nothing.
 */
#include "private.h"

#define NS_PER_MS UINT64_C(1000000)
#define REST_MS 500u    /* after a failure */
#define IDLE_PERIODS 2u /* without a change, then the log is emptied */

bool img_ring_above(const struct img_store *store, unsigned eighths)
{
    const struct img_store_private *priv = store->priv;
    return priv->head - priv->tail > store->super.log_blocks / 8 * eighths;
}

bool img_dirty_above(const struct img_store *store, unsigned eighths)
{
    return img_tree_pinned(store->tree) > store->priv->options.cache / 8 * eighths;
}

void img_wake_later(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    if (priv->options.sync == IMG_SYNC_NONE)
        return; /* the timer has nothing to do */
    if (atomic_load_explicit(&priv->wake.changed, memory_order_relaxed) ||
        atomic_exchange(&priv->wake.changed, true))
        return;
    lt_mutex_lock(&store->priv->wake.lock);
    lt_cond_wake_one(&priv->wake.cond);
    lt_mutex_unlock(&store->priv->wake.lock);
}

void img_wake_now(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    lt_mutex_lock(&store->priv->wake.lock);
    priv->wake.urgent = true;
    lt_cond_wake_one(&priv->wake.cond);
    lt_mutex_unlock(&store->priv->wake.lock);
}

/* What a commit or checkpoint cannot do now (the host's disk is full) is tried again later. Other
 * errors are latched. */
static void try_again(struct img_store *store, int r)
{
    if (r < 0 && img_alive(store) == 0)
        atomic_store(&store->priv->wake.changed, true);
}

static int work_urgent(struct img_store *store)
{
    img_stat_lock(store);
    bool full = img_ring_above(store, 4) || img_dirty_above(store, 4);
    bool late = store->priv->log.len > store->priv->log_limit;
    img_stat_unlock(store);
    int r = 0;
    if ((full || late) && store->priv->options.order)
        store->priv->options.order(store->priv->options.arg);
    if (full)
        r = img_checkpoint_wait(store);
    else if (late)
        r = img_commit_upto(store, atomic_load(&store->priv->ended));
    try_again(store, r);
    return r;
}

static void work_timer(struct img_store *store)
{
    try_again(store, img_commit(store, true));
}

static bool log_used(struct img_store *store)
{
    img_stat_lock(store);
    bool used = store->priv->head != store->priv->tail;
    img_stat_unlock(store);
    return used && img_alive(store) == 0;
}

/* Sleeps; not when it has to stop, and with `heed` not when it is called. */
static void sleep_for(struct img_store *store, uint64_t period, bool heed)
    REQUIRES(store->priv->wake.lock)
{
    struct img_store_private *priv = store->priv;
    uint64_t now = lt_clock_ns(), end = now + period;
    for (; !priv->wake.stop && !(heed && priv->wake.urgent) && now < end; now = lt_clock_ns())
        (void)lt_cond_wait_for(&priv->wake.cond, &store->priv->wake.lock, end - now);
}

/* The host is full: it will not be otherwise at once. */
static void rest(struct img_store *store)
{
    lt_mutex_lock(&store->priv->wake.lock);
    sleep_for(store, REST_MS * NS_PER_MS, false);
    lt_mutex_unlock(&store->priv->wake.lock);
}

enum work { STOP, URGENT, TIMER, IDLE };

/* Sleeps until there is something to do. `busy`: the log is not empty. */
static enum work wait_for_work(struct img_store *store, bool busy)
{
    struct img_store_private *priv = store->priv;
    uint64_t period = priv->options.commit_ms * NS_PER_MS;
    enum work work = IDLE;
    lt_mutex_lock(&store->priv->wake.lock);
    while (!priv->wake.stop && !priv->wake.urgent && !atomic_load(&priv->wake.changed)) {
        if (!busy)
            lt_cond_wait(&priv->wake.cond, &store->priv->wake.lock);
        else if (!lt_cond_wait_for(&priv->wake.cond, &store->priv->wake.lock,
                                   IDLE_PERIODS * period))
            break;
    }
    if (atomic_load(&priv->wake.changed)) {
        sleep_for(store, period, true);
        work = TIMER;
    }
    if (priv->wake.urgent)
        work = URGENT;
    if (priv->wake.stop)
        work = STOP;
    priv->wake.urgent = false;
    lt_mutex_unlock(&store->priv->wake.lock);
    return work;
}

static void run(void *arg)
{
    struct img_store *store = arg;
    for (bool busy = false;; busy = log_used(store)) {
        switch (wait_for_work(store, busy)) {
        case STOP:
            return;
        case URGENT:
            if (work_urgent(store) < 0)
                rest(store);
            break;
        case TIMER:
            atomic_store(&store->priv->wake.changed, false);
            work_timer(store);
            break;
        case IDLE:
            (void)img_checkpoint_run(store, 0);
            break;
        }
    }
}

int img_maintain_start(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    if (priv->options.read_only || priv->options.commit_ms == 0)
        return 0;
    return lt_thread_start(&priv->wake.thread, "lintel-store", run, store);
}

void img_maintain_stop(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    if (!priv->wake.thread)
        return;
    lt_mutex_lock(&store->priv->wake.lock);
    priv->wake.stop = true;
    lt_cond_wake_all(&priv->wake.cond);
    lt_mutex_unlock(&store->priv->wake.lock);
    lt_thread_join(priv->wake.thread);
    priv->wake.thread = NULL;
}
