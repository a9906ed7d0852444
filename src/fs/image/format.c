// SPDX-License-Identifier: MIT
#include "format.h"

#include "inode.h"
#include "kinds.h"
#include "store/store.h"

#include <base/unicode.h>
#include <device/lend.h>
#include <stdlib.h>

#define ROOT_MODE 0755u
#define CHECK_SIZE 4u             /* of CRC-32C */
#define CACHE (UINT64_C(1) << 20) /* for a handful of items */

/* ---- What an empty volume has -------------------------------------------------------------- */

static int put_root(struct img_txn *txn, const struct lt_image_params *params, struct lt_time now)
{
    uint8_t value[IMG_INODE_MAX];
    uint32_t mode = params->root_mode ? params->root_mode & LT_S_PERM : ROOT_MODE;
    const struct img_inode inode = {
        .atime = now,
        .mtime = now,
        .ctime = now,
        .btime = now,
        .version = 1,
        .uid = params->root_uid,
        .gid = params->root_gid,
        .nlink = 2,
        .mode = (uint16_t)(LT_S_IFDIR | mode),
    };
    size_t len = img_inode_encode(&inode, value);
    int r = img_put(txn, img_key(IMG_ID_ROOT, IMG_INODE, 0), value, len);
    return r < 0 ? r : img_count_node(txn, 1);
}

/* For the day when both superblocks are lost. */
static int put_copy(struct img_txn *txn)
{
    uint8_t copy[IMG_SUPER_SIZE];
    img_super_encode(&txn->store->super, copy);
    return img_put(txn, img_key(IMG_ID_VOLUME, IMG_VOLUME, 0), copy, sizeof(copy));
}

static int populate(struct img_store *store, const struct lt_image_params *params,
                    struct lt_time now)
{
    struct img_txn txn;
    struct lt_str label = lt_str(params->label ? params->label : "");
    int r = img_begin(store, IMG_GROW, &txn);
    if (r)
        return r;
    r = put_copy(&txn);
    if (r == 0)
        r = put_root(&txn, params, now);
    if (r == 0 && label.len > 0)
        r = img_put(&txn, img_key(IMG_ID_VOLUME, IMG_LABEL, 0), label.s, label.len);
    return img_end(&txn, r);
}

static int check_params(const struct lt_image_params *params, struct lt_diag *diag)
{
    struct lt_str label = lt_str(params->label ? params->label : "");
    if (!lt_utf8_valid(label) || lt_utf8_units(label) > LT_LABEL_UNITS_MAX)
        return lt_diag_set(diag, LT_EINVAL, "label: more than %u characters, or not UTF-8",
                           LT_LABEL_UNITS_MAX);
    return 0;
}

int img_fs_format(struct lt_device *dev, const struct lt_image_params *params, struct lt_diag *diag)
{
    const struct img_store_options options = {
        .sync = IMG_SYNC_NONE, .cache = CACHE, .discard = true};
    const struct img_store_format format = {
        .size = params->size ? params->size : lt_device_size(dev),
        .block_size = params->block_size ? params->block_size : IMG_BLOCK_SIZE_MIN,
        .data_check_size = params->data_checks ? CHECK_SIZE : 0,
        .name_case = params->name_case == LT_CASE_INSENSITIVE,
        .log_size = params->log_size,
        .nodes_max = params->nodes_max,
        .created = lt_clock_now(),
    };
    struct img_store *store;
    int r = check_params(params, diag);
    if (r == 0)
        r = img_store_format(dev, &format, diag);
    if (r < 0)
        return r;
    struct lt_device *lent = lt_device_lend(dev);
    if (!lent)
        return lt_diag_set(diag, LT_ENOMEM, "%s", lt_error_text(LT_ENOMEM));
    r = img_store_open(lent, &options, &store, diag);
    if (r < 0) {
        lt_device_close(lent);
        return r;
    }
    r = populate(store, params, format.created);
    int end = img_store_close(store);
    r = r < 0 ? r : end;
    return r < 0 ? lt_diag_set(diag, r, "making the root directory: %s", lt_error_text(r)) : 0;
}
