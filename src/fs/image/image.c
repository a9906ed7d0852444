// SPDX-License-Identifier: MIT
/* The volume: opening and closing, its facts, and the table of operations. */
#include "image.h"

#include "data.h"
#include "format.h"
#include "ops.h"
#include "options.h"

#include <assert.h>
#include <base/unicode.h>
#include <device/file.h>
#include <device/memory.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- The volume as a whole ----------------------------------------------------------------- */

static void free_fs(struct img_fs *fs)
{
    if (fs->data)
        img_data_fini(fs);
    img_table_fini(&fs->table);
    lt_fs_fini(&fs->base);
    free(fs);
}

static int imgfs_close(struct lt_fs *base)
{
    struct img_fs *fs = img_fs(base);
    assert(atomic_load(&base->root->refs) == 1);
    int r = img_store_close(fs->store);
    if (r == 0)
        r = img_data_error(fs);
    free_fs(fs);
    return r;
}

void lt_imgfs_abandon(struct lt_fs *base)
{
    struct img_fs *fs = img_fs(base);
    img_store_abandon(fs->store);
    free_fs(fs);
}

static void imgfs_volume(struct lt_fs *base, struct lt_volume *ret)
{
    struct img_fs *fs = img_fs(base);
    img_read_lock(fs->store);
    *ret = fs->volume;
    img_read_unlock(fs->store);
}

static int put_label(struct img_txn *txn, struct lt_str label)
{
    struct img_key key = img_key(IMG_ID_VOLUME, IMG_LABEL, 0);
    if (label.len > 0)
        return img_put(txn, key, label.s, label.len);
    int r = img_delete(txn, key);
    return r == LT_ENOENT ? 0 : r;
}

static int imgfs_set_label(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_str label)
{
    (void)ctx;
    struct img_fs *fs = img_fs(base);
    struct img_txn txn;
    int r = img_begin(fs->store, IMG_GROW, &txn);
    if (r)
        return r;
    r = put_label(&txn, label);
    if (r == 0) {
        if (label.len > 0)
            memcpy(fs->volume.label, label.s, label.len);
        fs->volume.label[label.len] = 0;
    }
    return img_end(&txn, r);
}

/* Blocks that a checkpoint will free count as free: whoever needs them waits for it. */
static int imgfs_statfs(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_statfs *ret)
{
    (void)ctx;
    struct img_fs *fs = img_fs(base);
    uint64_t block_size = img_block_size(fs->store);
    struct img_space_counts c;
    img_space_counts(fs->store->space, &c);
    uint64_t unused = c.free + c.pinned, taken = c.promised + c.reserve;
    unused = unused > taken ? unused - taken : 0;
    img_read_lock(fs->store);
    uint64_t nodes = fs->store->super.nodes;
    img_read_unlock(fs->store);
    *ret = (struct lt_statfs){
        .total = c.blocks * block_size,
        .free = unused * block_size,
        .used = (c.blocks - unused) * block_size,
        .available = unused * block_size,
        .nodes = nodes,
        .nodes_max = fs->store->super.nodes_max,
        .block_size = (uint32_t)block_size,
        .name_max = LT_NAME_UNITS_MAX,
    };
    return 0;
}

static int imgfs_sync_fs(const struct lt_ctx *ctx, struct lt_fs *base)
{
    (void)ctx;
    int r = img_commit(img_fs(base)->store, true);
    return r < 0 ? r : img_data_error(img_fs(base));
}

static int imgfs_shutdown(const struct lt_ctx *ctx, struct lt_fs *base)
{
    (void)ctx;
    img_shutdown(img_fs(base)->store);
    return 0;
}

static int imgfs_trim(const struct lt_ctx *ctx, struct lt_fs *base, uint64_t *ret_bytes)
{
    (void)ctx;
    struct img_fs *fs = img_fs(base);
    uint64_t blocks;
    /* What was removed since the last checkpoint is free after the next. A host that is too full
     * for one needs the rest all the more. */
    int r = img_checkpoint(fs->store);
    if (r == 0 || r == LT_ENOSPC)
        r = img_space_trim(fs->store->space, &blocks);
    if (r == 0)
        *ret_bytes = blocks * img_block_size(fs->store);
    return r;
}

static int imgfs_by_id(const struct lt_ctx *ctx, struct lt_fs *base, uint64_t id,
                       uint32_t generation, struct lt_node **ret)
{
    (void)ctx;
    struct img_fs *fs = img_fs(base);
    struct img_node *node;
    if (generation != 0 && generation != IMG_GENERATION)
        return LT_ESTALE;
    img_read_lock(fs->store);
    int r = img_node_get(fs, id, &node);
    img_read_unlock(fs->store);
    if (r == 0 && img_is_stream(node)) {
        lt_node_put(&node->base);
        r = LT_ENOENT;
    }
    if (r == 0)
        *ret = &node->base;
    return r == LT_ENOENT ? LT_ESTALE : r;
}

static int imgfs_facts(struct lt_fs *base, int (*fn)(void *arg, const char *name, uint64_t value),
                       void *arg)
{
    struct img_fs *fs = img_fs(base);
    struct img_store_stats s;
    struct img_space_counts c;
    img_store_stats(fs->store, &s);
    img_space_counts(fs->store->space, &c);
    lt_mutex_lock(&fs->table.lock);
    uint64_t nodes = fs->table.count;
    lt_mutex_unlock(&fs->table.lock);
    const uint64_t block_size = img_block_size(fs->store);
    const struct {
        const char *name;
        uint64_t value;
    } facts[] = {
        {"commits", s.commits},
        {"checkpoints", s.checkpoints},
        {"flushes", s.flushes},
        {"log_bytes_written", s.log_bytes},
        {"log_used", s.log_used},
        {"log_size", s.log_size},
        {"cache_bytes", s.cache_bytes},
        {"cache_dirty_bytes", s.cache_dirty},
        {"pending_bytes", img_data_pending(fs)},
        {"cached_nodes", nodes},
        {"pinned_bytes", c.pinned * block_size},
        {"reserve_bytes", c.reserve * block_size},
        {"replayed_batches", s.replayed},
    };
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        int result = fn(arg, facts[i].name, facts[i].value);
        if (result != 0)
            return result;
    }
    return 0;
}

static const struct lt_fs_ops ops = {
    .close = imgfs_close,
    .volume = imgfs_volume,
    .set_label = imgfs_set_label,
    .statfs = imgfs_statfs,
    .sync_fs = imgfs_sync_fs,
    .shutdown = imgfs_shutdown,
    .trim = imgfs_trim,
    .node = imgfs_by_id,
    .facts = imgfs_facts,
    .release = img_node_release,
    .lookup = imgfs_lookup,
    .parent = imgfs_parent,
    .create = imgfs_create,
    .link = imgfs_link,
    .remove = imgfs_remove,
    .rename = imgfs_rename,
    .readlink = imgfs_readlink,
    .readdir = imgfs_readdir,
    .readdir_after = imgfs_readdir_after,
    .names = imgfs_names,
    .getattr = imgfs_getattr,
    .setattr = imgfs_setattr,
    .sync = imgfs_sync,
    .read = imgfs_read,
    .write = imgfs_write,
    .allocate = imgfs_allocate,
    .seek = imgfs_seek,
    .copy_range = imgfs_copy_range,
    .xattr_get = imgfs_xattr_get,
    .xattr_set = imgfs_xattr_set,
    .xattr_remove = imgfs_xattr_remove,
    .xattr_list = imgfs_xattr_list,
    .stream_open = imgfs_stream_open,
    .stream_remove = imgfs_stream_remove,
    .stream_rename = imgfs_stream_rename,
    .stream_list = imgfs_stream_list,
    .ea_set = imgfs_ea_set,
    .ea_list = imgfs_ea_list,
    .reparse_set = imgfs_reparse_set,
    .reparse_get = imgfs_reparse_get,
    .reparse_remove = imgfs_reparse_remove,
    .security_set = imgfs_security_set,
    .security_get = imgfs_security_get,
};

/* ---- Orphans ------------------------------------------------------------------------------- */

/* The next ORPHAN item from *id on, and its node, whose last reference removes it. */
static int next_orphan(struct img_fs *fs, uint64_t *id, struct img_node **ret)
    REQUIRES_SHARED(img_items)
{
    struct img_key key = img_key(IMG_ID_VOLUME, IMG_ORPHAN, *id);
    const void *value;
    size_t len;
    int r = img_next(fs->store, &key, &value, &len);
    if (r < 0)
        return r;
    if (key.id != IMG_ID_VOLUME || key.kind != IMG_ORPHAN)
        return LT_ENOENT;
    *id = key.off;
    r = img_node_get(fs, key.off, ret);
    return r == LT_ENOENT || r == LT_EUCLEAN ? 0 : r; /* damage: left to the check */
}

/* What was removed, but still in use, when the volume ended. If that fails the next one will. */
static void remove_orphans(struct img_fs *fs)
{
    uint64_t id = 0;
    int r = 0;
    while (r == 0) {
        struct img_node *node = NULL;
        img_read_lock(fs->store);
        r = next_orphan(fs, &id, &node);
        img_read_unlock(fs->store);
        if (node)
            lt_node_put(&node->base);
        id++;
    }
}

/* ---- Opening ------------------------------------------------------------------------------- */

static int read_label(struct img_fs *fs) REQUIRES_SHARED(img_items)
{
    const void *value;
    size_t len;
    int r = img_get(fs->store, img_key(IMG_ID_VOLUME, IMG_LABEL, 0), &value, &len);
    if (r < 0)
        return r == LT_ENOENT ? 0 : r;
    struct lt_str label = lt_strn(value, len);
    if (!lt_utf8_valid(label) || lt_utf8_units(label) > LT_LABEL_UNITS_MAX)
        return LT_EUCLEAN;
    memcpy(fs->volume.label, value, len);
    return 0;
}

static int read_root(struct img_fs *fs) REQUIRES_SHARED(img_items)
{
    struct img_node *root;
    int r = img_node_get_named(fs, IMG_ID_ROOT, LT_S_IFDIR, &root);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    fs->base.root = &root->base;
    return 0;
}

/* Larger requests leave the processor's cache between one copy and the next, and do not fit the
 * pipe that most may have (docs/design/image.md). */
#define IO_BEST (256u << 10)

static void describe(struct img_fs *fs, const struct img_options *o)
{
    const struct img_super *super = &fs->store->super;
    struct lt_volume *v = &fs->volume;
    v->serial = super->serial;
    v->created = super->created;
    v->name_case = super->name_case ? LT_CASE_INSENSITIVE : LT_CASE_SENSITIVE;
    v->read_only = fs->base.read_only = o->store.read_only;
    v->has_windows = true;
    v->io_best = IO_BEST;
    fs->sync_always = o->store.sync == IMG_SYNC_ALWAYS;
    fs->unlogged = o->store.sync == IMG_SYNC_NONE;
    (void)snprintf(v->kind, sizeof(v->kind), "image");
    (void)snprintf(v->fs_name, sizeof(v->fs_name), "%s", o->fs_name);
}

/* The store is open. */
static int load(struct img_fs *fs, const struct img_options *o)
{
    describe(fs, o);
    img_read_lock(fs->store);
    int r = read_root(fs);
    if (r == 0)
        r = read_label(fs);
    img_read_unlock(fs->store);
    return r < 0 ? r : img_store_start(fs->store);
}

static int init(struct img_fs *fs, struct lt_device *dev, const struct img_options *o,
                struct lt_diag *diag)
{
    struct img_store_options options = o->store;
    options.flush = img_data_flush_all;
    options.order = img_data_flush_replacing;
    options.seal = img_seal;
    options.arg = fs;
    int r = img_table_init(&fs->table);
    if (r == 0)
        r = img_data_init(fs, o->pending);
    if (r == 0)
        r = img_store_open(dev, &options, &fs->store, diag);
    else
        r = lt_diag_set(diag, r, "%s", lt_error_text(r));
    if (r < 0)
        return r;
    r = load(fs, o);
    if (r < 0) {
        lt_diag_set(diag, r, "the volume cannot be read: %s", lt_error_text(r));
        fs->store->dev = NULL; /* it stays the caller's */
        img_store_abandon(fs->store);
    }
    return r;
}

static int open_device(struct lt_device *dev, const struct img_options *o, struct lt_fs **ret,
                       struct lt_diag *diag)
{
    struct img_fs *fs = calloc(1, sizeof(*fs));
    int r = fs ? lt_fs_init(&fs->base, &ops) : LT_ENOMEM;
    if (r < 0) {
        free(fs);
        return lt_diag_set(diag, r, "%s", lt_error_text(r));
    }
    r = init(fs, dev, o, diag);
    if (r < 0) {
        free_fs(fs);
        return r;
    }
    if (!fs->base.read_only)
        remove_orphans(fs);
    *ret = &fs->base;
    return 0;
}

int lt_imgfs_open_device(struct lt_device *dev, const char *options, struct lt_fs **ret,
                         struct lt_diag *diag)
{
    struct img_options o;
    int r = img_options_parse(options, false, &o, diag);
    return r < 0 ? r : open_device(dev, &o, ret, diag);
}

static int open_memory(const char *text, struct lt_fs **ret, struct lt_diag *diag)
{
    struct img_options o;
    struct lt_device *dev;
    int r = img_options_parse(text, true, &o, diag);
    if (r < 0)
        return r;
    r = lt_device_open_memory(o.format.size, &dev);
    if (r < 0)
        return lt_diag_set(diag, r, "image: a volume of %llu bytes in memory: %s",
                           (unsigned long long)o.format.size, lt_error_text(r));
    r = img_fs_format(dev, &o.format, diag);
    if (r == 0)
        r = open_device(dev, &o, ret, diag);
    if (r < 0)
        lt_device_close(dev);
    return r;
}

static int open_file(const char *path, const char *text, struct lt_fs **ret, struct lt_diag *diag)
{
    struct img_options o;
    struct lt_device *dev;
    int r = img_options_parse(text, false, &o, diag);
    if (r == 0)
        r = lt_device_open_file(path, o.store.read_only ? LT_DEVICE_READ_ONLY : 0, &dev, diag);
    if (r < 0)
        return r;
    r = open_device(dev, &o, ret, diag);
    if (r < 0)
        lt_device_close(dev);
    return r;
}

int lt_imgfs_open(const char *source, struct lt_fs **ret, struct lt_diag *diag)
{
    const char *options;
    char *path;
    int r = img_options_path(source, &path, &options);
    if (r < 0)
        return lt_diag_set(diag, r, "%s", lt_error_text(r));
    if (!*path)
        r = lt_diag_set(diag, LT_EINVAL, "image: a path is missing, as in image:disk.img");
    else if (strcmp(path, IMG_MEMORY) == 0)
        r = open_memory(options, ret, diag);
    else
        r = open_file(path, options, ret, diag);
    free(path);
    return r;
}

int lt_imgfs_probe(const char *source)
{
    const char *options;
    char *path;
    int r = img_options_path(source, &path, &options);
    if (r < 0)
        return r;
    r = lt_image_probe(path);
    free(path);
    return r;
}
