// SPDX-License-Identifier: MIT
/* Opening and closing, errors, and what is said about the whole. */
#include "private.h"

#include <stdlib.h>

/* ---- Errors -------------------------------------------------------------------------------- */

int img_latch(struct img_store *store, int error)
{
    int none = 0;
    if (atomic_compare_exchange_strong(&store->priv->error, &none, error))
        return error;
    return none;
}

int img_error(struct img_store *store)
{
    return atomic_load(&store->priv->error);
}

int img_alive(struct img_store *store)
{
    return atomic_load(&store->priv->error) ? LT_EIO : 0;
}

void img_shutdown(struct img_store *store)
{
    atomic_store(&store->priv->dead, true);
    img_latch(store, LT_EIO);
}

int img_flush(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    uint64_t written = atomic_load(&priv->written);
    int r = lt_device_flush(store->dev);
    if (r < 0)
        return img_latch(store, r);
    atomic_fetch_add(&priv->stats.flushes, 1);
    uint64_t flushed = atomic_load(&priv->flushed);
    while (flushed < written && !atomic_compare_exchange_weak(&priv->flushed, &flushed, written)) {
    }
    return 0;
}

bool img_data_unflushed(const struct img_store *store)
{
    return atomic_load(&store->priv->flushed) < atomic_load(&store->priv->written);
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int read_node(void *arg, uint64_t block, void *page)
{
    struct img_store *store = arg;
    uint32_t size = store->super.block_size;
    return lt_device_read(store->dev, block * size, page, size);
}

static int load_space_item(void *arg, struct img_key key, const void *value, size_t len)
{
    struct img_store *store = arg;
    if (key.id != 0 || key.kind != IMG_KIND_SPACE)
        return 1;
    if (len != sizeof(struct img_space_disk))
        return LT_EUCLEAN;
    return img_space_load(store->space, key.off, value);
}

static int open_parts(struct img_store *store)
{
    const struct img_super *s = &store->super;
    struct img_tree_params tree = {
        .block_size = s->block_size,
        .volume = store->priv->volume,
        .root = s->root,
        .read = read_node,
        .arg = store,
    };
    struct img_space_params space = {
        .dev = store->dev,
        .block_size = s->block_size,
        .volume = store->priv->volume,
        .blocks = s->blocks,
        .log_block = s->log_block,
        .log_blocks = s->log_blocks,
    };
    int r = img_tree_open(&tree, &store->tree);
    if (r == 0)
        r = img_space_open(&space, &store->space);
    if (r == 0)
        r = img_tree_scan(store->tree, img_key(0, IMG_KIND_SPACE, 0), load_space_item, store);
    if (r < 0)
        return r;
    img_space_set_reserve(store->space, img_reserve_blocks(s));
    return 0;
}

/* Bytes of records that call for a commit: a share of the cache within these, and no more than a
 * quarter of the log. */
#define LOG_BUFFER_MIN (UINT64_C(64) << 10)
#define LOG_BUFFER_MAX (UINT64_C(8) << 20)

static void private_init(struct img_store *store, const struct img_store_options *options)
{
    struct img_store_private *priv = store->priv;
    const struct img_super *s = &store->super;
    uint64_t quarter = s->log_blocks * s->block_size / 4, share = options->cache / 16;
    share = share < LOG_BUFFER_MIN ? LOG_BUFFER_MIN : share;
    share = share > LOG_BUFFER_MAX ? LOG_BUFFER_MAX : share;
    priv->options = *options;
    priv->volume = img_super_volume(s);
    priv->log_limit = (size_t)(quarter < share ? quarter : share);
    priv->head = priv->tail = priv->first = priv->written_to = s->log_start;
    priv->next_sequence = s->log_sequence;
    priv->overlay.block_size = s->block_size;
    atomic_store(&priv->generation, s->generation + 1);
}

/* Frees all but the device. */
static void store_free(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    img_tree_close(store->tree);
    img_space_close(store->space);
    if (priv) {
        free(priv->log.bytes);
        free(priv->out.log.bytes);
        free(priv->undo.bytes);
        img_logged_fini(&priv->logged);
        img_overlay_fini(&priv->overlay);
    }
    free(priv);
    free(store);
}

static int check_writable(struct lt_device *dev, const struct img_super *super,
                          struct lt_diag *diag)
{
    if (dev->read_only)
        return lt_diag_set(diag, LT_EROFS, "the image can only be read");
    if (super->read_only_compatible & ~IMG_READ_ONLY_COMPATIBLE)
        return lt_diag_set(diag, LT_EROFS,
                           "the image uses features that this program does not know: it can only "
                           "be opened for reading");
    if (img_super_used_up(super))
        return lt_diag_set(diag, LT_EOVERFLOW,
                           "the image counts more checkpoints than can be: it can only be opened "
                           "for reading");
    return 0;
}

static int open_failed(struct lt_diag *diag, int error)
{
    if (diag && diag->text[0])
        return error;
    return lt_diag_set(diag, error,
                       error == LT_EUCLEAN ? "the image is damaged: run 'lintel check'"
                                           : "the image cannot be opened: %s",
                       lt_error_text(error));
}

int img_store_open(struct lt_device *dev, const struct img_store_options *options,
                   struct img_store **ret, struct lt_diag *diag)
{
    if (diag)
        diag->text[0] = '\0';
    struct img_super super;
    int r = img_super_read_both(dev, &super, diag);
    if (r == 0 && !options->read_only)
        r = check_writable(dev, &super, diag);
    if (r < 0)
        return r;
    struct img_store *store = calloc(1, sizeof(*store));
    if (!store)
        return open_failed(diag, LT_ENOMEM);
    *store = (struct img_store){.dev = dev, .super = super};
    store->priv = calloc(1, sizeof(*store->priv));
    if (!store->priv) {
        store_free(store);
        return open_failed(diag, LT_ENOMEM);
    }
    private_init(store, options);
    r = open_parts(store);
    if (r == 0)
        r = img_replay(store, diag);
    if (r < 0) {
        store_free(store);
        return open_failed(diag, r);
    }
    *ret = store;
    return 0;
}

int img_store_start(struct img_store *store)
{
    store->priv->started = true;
    return img_maintain_start(store);
}

/* ---- Closing ------------------------------------------------------------------------------- */

static void give_back_log(struct img_store *store)
{
    const struct img_super *s = &store->super;
    if (store->priv->reserved && store->priv->options.discard)
        (void)lt_device_discard(store->dev, s->log_block * s->block_size,
                                s->log_blocks * s->block_size);
}

static int close_written(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    if (priv->started && priv->options.flush && img_alive(store) == 0)
        priv->options.flush(priv->options.arg);
    /* A volume that was opened clean, and that nobody changed, stays as it is. */
    bool changed = atomic_load(&priv->ended) > 0 || !store->super.clean;
    int r = img_checkpoint_run(store, IMG_LAST | IMG_NEW_LIFE | (changed ? IMG_FORCE : 0));
    if (r == 0)
        give_back_log(store);
    else if (changed) /* the host is full: then the log has to do */
        (void)img_commit(store, false);
    return r;
}

int img_store_close(struct img_store *store)
{
    int r = 0;
    img_maintain_stop(store);
    if (!store->priv->options.read_only && !atomic_load(&store->priv->dead)) {
        r = close_written(store);
        if (img_error(store) < 0)
            r = img_error(store);
    }
    lt_device_close(store->dev);
    store_free(store);
    return r;
}

void img_store_abandon(struct img_store *store)
{
    img_shutdown(store);
    img_maintain_stop(store);
    lt_device_close(store->dev);
    store_free(store);
}

/* ---- Reading items ------------------------------------------------------------------------- */

void img_read_lock(struct img_store *store) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_read(&store->lock);
}

/* Readers alone fill the cache too. One of them empties it then. */
static void trim_after_read(struct img_store *store)
{
    struct img_store_private *priv = store->priv;
    uint64_t cache = priv->options.cache;
    if (atomic_exchange(&priv->evicting, true))
        return;
    img_write_lock(store);
    size_t least = img_tree_pinned(store->tree) + cache / 8;
    if (img_tree_memory(store->tree) > cache)
        img_tree_evict(store->tree, least < cache / 16 * 15 ? cache / 16 * 15 : least);
    img_write_unlock(store);
    atomic_store(&priv->evicting, false);
}

void img_read_unlock(struct img_store *store) NO_THREAD_SAFETY_ANALYSIS
{
    uint64_t cache = store->priv->options.cache;
    size_t memory = img_tree_memory(store->tree);
    bool full = memory > cache + cache / 32;
    lt_rwlock_read_unlock(&store->lock);
    if (full)
        trim_after_read(store);
}

static bool is_dead(const struct img_store *store)
{
    return atomic_load_explicit(&store->priv->dead, memory_order_relaxed);
}

int img_get(struct img_store *store, struct img_key key, const void **ret_value, size_t *ret_len)
{
    return is_dead(store) ? LT_EIO : img_tree_get(store->tree, key, ret_value, ret_len);
}

int img_next(struct img_store *store, struct img_key *key, const void **ret_value, size_t *ret_len)
{
    return is_dead(store) ? LT_EIO : img_tree_next(store->tree, key, ret_value, ret_len);
}

int img_prev(struct img_store *store, struct img_key *key, const void **ret_value, size_t *ret_len)
{
    return is_dead(store) ? LT_EIO : img_tree_prev(store->tree, key, ret_value, ret_len);
}

int img_scan(struct img_store *store, struct img_key from,
             int (*fn)(void *arg, struct img_key key, const void *value, size_t len), void *arg)
{
    return is_dead(store) ? LT_EIO : img_tree_scan(store->tree, from, fn, arg);
}

/* ---- Asking -------------------------------------------------------------------------------- */

uint64_t img_generation(const struct img_store *store)
{
    return atomic_load(&store->priv->generation);
}

void img_store_stats(struct img_store *store, struct img_store_stats *ret)
{
    struct img_store_private *priv = store->priv;
    img_stat_lock(store);
    *ret = (struct img_store_stats){
        .commits = atomic_load(&priv->stats.commits),
        .checkpoints = atomic_load(&priv->stats.checkpoints),
        .flushes = atomic_load(&priv->stats.flushes),
        .log_bytes = atomic_load(&priv->stats.log_bytes),
        .log_used = (priv->head - priv->tail) * store->super.block_size,
        .log_size = store->super.log_blocks * store->super.block_size,
        .cache_bytes = img_tree_memory(store->tree),
        .cache_dirty = img_tree_pinned(store->tree),
        .replayed = priv->stats.replayed,
    };
    img_stat_unlock(store);
}
