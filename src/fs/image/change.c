// SPDX-License-Identifier: MIT
#include "change.h"

void img_lock_items(struct img_store *store) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_write(&store->lock);
}

void img_unlock_items(struct img_store *store) NO_THREAD_SAFETY_ANALYSIS
{
    lt_rwlock_write_unlock(&store->lock);
}

void img_save(const struct img_node *node, struct img_saved *ret)
{
    const struct img_inode *inode = &node->inode;
    ret->size = inode->size;
    ret->stable_size = node->stable_size;
    ret->blocks = inode->blocks;
    ret->extent_len = inode->extent_len;
    memcpy(ret->extent, inode->extent, sizeof(ret->extent));
}

void img_restore(struct img_node *node, const struct img_saved *saved)
{
    struct img_inode *inode = &node->inode;
    inode->size = saved->size;
    node->stable_size = saved->stable_size;
    inode->blocks = saved->blocks;
    inode->extent_len = saved->extent_len;
    memcpy(inode->extent, saved->extent, sizeof(inode->extent));
}

uint64_t img_size_of(const struct img_node *node)
{
    img_read_lock(img_store_of(node));
    uint64_t size = node->inode.size;
    img_read_unlock(img_store_of(node));
    return size;
}

int img_change_begin(struct img_change *c, struct img_node *node,
                     enum img_purpose purpose) NO_THREAD_SAFETY_ANALYSIS
{
    c->node = node;
    int r = img_begin(img_store_of(node), purpose, &c->txn);
    if (r == 0)
        img_save(node, &c->saved);
    return r;
}

/* With r < 0 nothing has happened. */
int img_change_end(struct img_change *c, int r) NO_THREAD_SAFETY_ANALYSIS
{
    if (r < 0)
        img_restore(c->node, &c->saved);
    else
        img_node_dirty(c->node);
    if (r >= 0)
        img_pending_publish(c->node);
    return img_end(&c->txn, r);
}

void img_change_settle(struct img_node *node)
{
    img_lock_items(img_store_of(node));
    if (!node->pending)
        node->stable_size = node->inode.size;
    img_pending_publish(node);
    img_node_dirty(node);
    img_unlock_items(img_store_of(node));
}
