// SPDX-License-Identifier: MIT
/* Extended attributes of Windows: one blob a node (core/ea_blob.h), in pieces. A set writes it
 * anew.
 */
#include "ext.h"
#include "ops.h"
#include "value.h"

#include <core/ea_blob.h>
#include <stdlib.h>

/* Bytes of the blob at most: what LT_EA_SIZE_MAX counts is one byte more for each. */
#define BLOB_MAX LT_EA_SIZE_MAX

/* The blob, in memory of malloc or empty. */
static int load(struct img_node *node, struct lt_str *ret) REQUIRES_SHARED(img_items)
{
    uint8_t *bytes;
    size_t len;
    *ret = lt_strn(NULL, 0);
    if (!(node->inode.has & LT_HAS_EA))
        return 0;
    int r = img_value_get(img_fs_of(node)->store, img_key(node->base.id, IMG_EA, 0), BLOB_MAX,
                          &bytes, &len);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    struct lt_str blob = lt_strn((const char *)bytes, len);
    r = lt_ea_blob_check(blob);
    if (r < 0)
        free(bytes);
    else
        *ret = blob;
    return r;
}

static void unload(struct lt_str blob)
{
    free((void *)(uintptr_t)blob.s);
}

/* Replaces the blob by what the merge comes to. */
static int store_merge(struct img_txn *txn, struct img_node *node, struct lt_str old,
                       const struct lt_ea *list, size_t count) REQUIRES(img_items)
{
    struct img_key key = img_key(node->base.id, IMG_EA, 0);
    struct lt_ea_merge size = {0}, writer = {0};
    lt_ea_blob_merge(&size, old, list, count);
    if (size.packed > LT_EA_SIZE_MAX)
        return LT_E2BIG;
    int r;
    if (size.len > 0) {
        writer.out = malloc(size.len);
        if (!writer.out)
            return LT_ENOMEM;
        lt_ea_blob_merge(&writer, old, list, count);
        r = img_value_put(txn, key, writer.out, writer.len);
        free(writer.out);
    } else {
        r = img_value_delete(txn, key);
        r = r == LT_ENOENT ? 0 : r;
    }
    if (r < 0)
        return r;
    node->inode.ea_size = (uint32_t)size.packed;
    if (size.len > 0)
        node->inode.has |= LT_HAS_EA;
    else
        node->inode.has &= ~(uint32_t)LT_HAS_EA;
    return 0;
}

static int set_locked(struct img_txn *txn, struct img_node *node, const struct lt_ea *list,
                      size_t count, bool replace_all) REQUIRES(img_items)
{
    struct lt_str old = lt_strn(NULL, 0);
    int r = img_may_change(node);
    if (r == 0 && !replace_all)
        r = load(node, &old);
    if (r == 0)
        r = store_merge(txn, node, old, list, count);
    unload(old);
    if (r == 0)
        img_changed(node, lt_clock_now());
    return r;
}

int imgfs_ea_set(const struct lt_ctx *ctx, struct lt_node *base, const struct lt_ea *list,
                 size_t count, bool replace_all)
{
    (void)ctx;
    struct img_node *node = img_main(img_node(base));
    struct img_txn txn;
    bool grows = false;
    for (size_t i = 0; i < count; i++)
        grows = grows || list[i].value.len > 0;
    int r = img_begin(img_fs_of(node)->store, grows ? IMG_LONG : IMG_SHRINK, &txn);
    if (r)
        return r;
    return img_end(&txn, set_locked(&txn, node, list, count, replace_all));
}

int imgfs_ea_list(const struct lt_ctx *ctx, struct lt_node *base,
                  int (*fn)(void *arg, const struct lt_ea *ea), void *arg)
{
    (void)ctx;
    struct img_node *node = img_main(img_node(base));
    struct img_store *store = img_fs_of(node)->store;
    struct lt_str blob;
    struct lt_ea ea;
    img_read_lock(store);
    int r = load(node, &blob);
    img_read_unlock(store);
    for (size_t at = 0; r == 0 && lt_ea_blob_next(blob, &at, &ea);)
        r = fn(arg, &ea);
    unload(blob);
    return r;
}
