// SPDX-License-Identifier: MIT
/*
 * After a crash: the batches of the log are applied to what the last checkpoint left. First all
 * are looked through, so that a log with nonsense in it changes nothing.
 */
#include "private.h"

#include <inttypes.h>

static int apply_data(struct img_store *store, const struct img_log_record *record)
{
    uint64_t start = record->block * store->super.block_size + record->offset;
    if (store->priv->options.read_only)
        return img_overlay_add(&store->priv->overlay, start, record->bytes, record->len);
    return lt_device_put(store->dev, start, record->bytes, record->len);
}

static int apply_record(struct img_store *store, const struct img_log_record *record)
{
    int r = 0;
    switch (record->op) {
    case IMG_LOG_PUT:
        return img_tree_put(store->tree, record->key, record->bytes, record->len);
    case IMG_LOG_DELETE:
        r = img_tree_delete(store->tree, record->key);
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    case IMG_LOG_TAKE:
        return img_space_claim(store->space, record->block, record->count);
    case IMG_LOG_FREE:
        return img_space_free(store->space, record->block, record->count);
    case IMG_LOG_DATA:
        return apply_data(store, record);
    }
    return LT_EUCLEAN;
}

/* Looks through the records of a batch, and with `apply` applies them. */
static int each_record(struct img_store *store, const struct img_batch *batch, bool apply)
{
    struct img_reader reader =
        img_reader(batch->records, batch->length - sizeof(struct img_batch_header));
    struct img_log_record record;
    int r;
    while ((r = img_log_record(&reader, &store->super, &record)) > 0) {
        r = apply ? apply_record(store, &record) : 0;
        if (r < 0)
            return r;
    }
    return r;
}

/* What the log says in all. */
struct found {
    uint64_t batches, end, next_sequence, next_id, nodes;
};

static int each_batch(struct img_store *store, bool apply, struct found *found)
{
    const struct img_super *s = &store->super;
    struct img_log_walk walk;
    struct img_batch batch;
    int r;
    *found = (struct found){.next_id = s->next_id, .nodes = s->nodes};
    img_log_walk_init(&walk, store->dev, s);
    while ((r = img_log_walk_next(&walk, &batch)) > 0) {
        r = LT_EUCLEAN;
        if (batch.next_id >= found->next_id && img_counters_fit(batch.next_id, batch.nodes))
            r = each_record(store, &batch, apply);
        if (r < 0)
            break;
        found->next_id = batch.next_id;
        found->nodes = batch.nodes;
        found->batches++;
    }
    found->end = walk.at;
    found->next_sequence = walk.sequence;
    img_log_walk_fini(&walk);
    return r;
}

static int failed(struct lt_diag *diag, int error, const struct found *found)
{
    if (error == LT_EUCLEAN)
        return lt_diag_set(
            diag, error, "batch %" PRIu64 " of the log does not fit the volume: run 'lintel check'",
            found->batches + 1);
    return lt_diag_set(diag, error, "the log cannot be replayed: %s", lt_error_text(error));
}

int img_replay(struct img_store *store, struct lt_diag *diag)
{
    struct img_store_private *priv = store->priv;
    struct found found;
    int r = each_batch(store, false, &found);
    if (r == 0 && found.batches > 0)
        r = each_batch(store, true, &found);
    if (r < 0)
        return failed(diag, r, &found);
    if (found.batches == 0)
        return 0;
    priv->stats.replayed = found.batches;
    priv->head = found.end;
    priv->next_sequence = found.next_sequence;
    store->super.next_id = found.next_id;
    store->super.nodes = found.nodes;
    img_overlay_sort(&priv->overlay);
    if (priv->options.read_only)
        return 0;
    r = img_checkpoint_run(store, IMG_NEW_LIFE | IMG_FORCE);
    return r < 0 ? failed(diag, r, &found) : 0;
}
