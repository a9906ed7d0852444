// SPDX-License-Identifier: MIT
#include "ext.h"

#include <lintel/acl.h>

int img_ext_create(struct img_txn *txn, struct img_node *node, const struct lt_create *spec)
{
    int r = 0;
    if (spec->acl.len > 0)
        r = img_xattr_store(txn, node, lt_str(LT_ACL_ACCESS), spec->acl, 0);
    if (r == 0 && spec->default_acl.len > 0)
        r = img_xattr_store(txn, node, lt_str(LT_ACL_DEFAULT), spec->default_acl, 0);
    if (r == 0 && spec->security.len > 0)
        r = img_security_store(txn, node, spec->security);
    return r;
}

#define REMOVED_AT_ONCE 200u /* items in one transaction */

/* Removes items of a few kinds, at most REMOVED_AT_ONCE. */
static int remove_some(struct img_txn *txn, struct img_node *node, bool *ret_more)
    REQUIRES(img_items)
{
    static const uint8_t kinds[] = {IMG_XATTR, IMG_EA, IMG_REPARSE};
    size_t i = 0, count = 0;
    while (i < sizeof(kinds) && count < REMOVED_AT_ONCE) {
        struct img_key key = img_key(node->base.id, kinds[i], 0);
        const void *value;
        size_t len;
        int r = img_next(txn->store, &key, &value, &len);
        if (r < 0 && r != LT_ENOENT)
            return r;
        if (r == LT_ENOENT || key.id != node->base.id || key.kind != kinds[i]) {
            i++;
            continue;
        }
        r = img_delete(txn, key);
        if (r < 0)
            return r;
        count++;
    }
    *ret_more = i < sizeof(kinds);
    return 0;
}

/* One transaction of img_ext_remove(). A descriptor that is not there is not missed. */
static int remove_step(struct img_node *node, bool *ret_more)
{
    struct img_txn txn;
    int r = img_begin(img_fs_of(node)->store, IMG_SHRINK, &txn);
    if (r)
        return r;
    r = remove_some(&txn, node, ret_more);
    if (r == 0 && !*ret_more) {
        r = img_security_store(&txn, node, lt_strn(NULL, 0));
        r = r == LT_EUCLEAN ? 0 : r;
    }
    if (r == 0 && !*ret_more) {
        node->inode.has = 0;
        node->inode.security = 0;
        node->inode.ea_size = node->inode.reparse_tag = 0;
        img_node_dirty(node);
    }
    return img_end(&txn, r);
}

int img_ext_remove(struct img_node *node)
{
    struct img_store *store = img_fs_of(node)->store;
    img_read_lock(store);
    uint32_t has = node->inode.has;
    img_read_unlock(store);
    int r = has & LT_HAS_STREAM ? img_streams_remove(node) : 0;
    bool more = (has & ~(uint32_t)LT_HAS_STREAM) != 0;
    while (r == 0 && more)
        r = remove_step(node, &more);
    return r;
}
