// SPDX-License-Identifier: MIT
/* Reparse data: one value in pieces. The core has checked its form (lt_reparse_check). */
#include "ext.h"
#include "ops.h"
#include "value.h"

#include <core/reparse.h>
#include <stdlib.h>

static struct img_key reparse_key(const struct img_node *node)
{
    return img_key(node->base.id, IMG_REPARSE, 0);
}

/* What is stored, in memory of malloc. LT_ENODATA. */
static int load(struct img_node *node, struct lt_str *ret) REQUIRES_SHARED(img_items)
{
    uint8_t *bytes;
    size_t len;
    if (!(node->inode.has & LT_HAS_REPARSE))
        return LT_ENODATA;
    int r =
        img_value_get(img_fs_of(node)->store, reparse_key(node), LT_REPARSE_SIZE_MAX, &bytes, &len);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    struct lt_str data = lt_strn((const char *)bytes, len);
    if (lt_reparse_check(data) < 0) {
        free(bytes);
        return LT_EUCLEAN;
    }
    *ret = data;
    return 0;
}

static void unload(struct lt_str data)
{
    free((void *)(uintptr_t)data.s);
}

/* Whether what is stored may be replaced or removed by somebody who gives `data`: 0, LT_EEXIST,
 * LT_ENODATA. */
static int compare(struct img_node *node, struct lt_str data) REQUIRES_SHARED(img_items)
{
    struct lt_str old;
    int r = load(node, &old);
    if (r < 0)
        return r;
    r = data.len > 0 && !lt_reparse_same_sort(old, data) ? LT_EEXIST : 0;
    unload(old);
    return r;
}

static int set_locked(struct img_txn *txn, struct img_node *node, struct lt_str data)
    REQUIRES(img_items)
{
    int r = img_may_change(node);
    if (r == 0 && node->base.type == LT_S_IFDIR && node->inode.size > 0)
        r = LT_ENOTEMPTY;
    if (r == 0)
        r = compare(node, data);
    if (r == 0 || r == LT_ENODATA)
        r = img_value_put(txn, reparse_key(node), data.s, data.len);
    if (r < 0)
        return r;
    node->inode.has |= LT_HAS_REPARSE;
    node->inode.reparse_tag = lt_reparse_tag(data);
    img_changed(node, lt_clock_now());
    return 0;
}

int imgfs_reparse_set(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str data)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_txn txn;
    int r = img_begin(img_fs_of(node)->store, img_purpose_of(data.len), &txn);
    if (r)
        return r;
    return img_end(&txn, set_locked(&txn, node, data));
}

static int remove_locked(struct img_txn *txn, struct img_node *node, struct lt_str header)
    REQUIRES(img_items)
{
    int r = img_may_change(node);
    if (r == 0)
        r = compare(node, header);
    if (r == 0)
        r = img_value_delete(txn, reparse_key(node));
    if (r < 0)
        return r;
    node->inode.has &= ~(uint32_t)LT_HAS_REPARSE;
    node->inode.reparse_tag = 0;
    img_changed(node, lt_clock_now());
    return 0;
}

int imgfs_reparse_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str header)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_txn txn;
    int r = img_begin(img_fs_of(node)->store, IMG_SHRINK, &txn);
    if (r)
        return r;
    return img_end(&txn, remove_locked(&txn, node, header));
}

int imgfs_reparse_get(const struct lt_ctx *ctx, struct lt_node *base, void *buf, size_t size)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_store *store = img_fs_of(node)->store;
    struct lt_str data;
    img_read_lock(store);
    int r = load(node, &data);
    img_read_unlock(store);
    if (r < 0)
        return r;
    r = lt_copy_out(data, buf, size);
    unload(data);
    return r;
}
