// SPDX-License-Identifier: MIT
/* Putting and deleting items. */
#include "node.h"

#include <assert.h>

/* ---- Owning nodes -------------------------------------------------------------------------- */

/* A copy of a node that is being written, to be changed in its place. */
static struct img_tree_node *node_copy(struct img_tree *tree, struct img_tree_node *node)
{
    struct img_tree_node *copy = img_tree_node_new(tree, node->level);
    if (!copy)
        return NULL;
    img_leaf_copy(&copy->leaf, &node->leaf);
    copy->block = node->block;
    copy->birth = node->birth;
    if (node->level > 0)
        memcpy(copy->children, node->children, node->leaf.count * sizeof(*node->children));
    copy->loaded = node->loaded;
    copy->last = node->last;
    copy->run = node->run;
    copy->used = 1;
    node->flags |= NODE_GONE;
    return copy;
}

/* Makes the node that *slot leads to dirty. */
static int own(struct img_tree *tree, _Atomic(struct img_tree_node *) *slot)
{
    struct img_tree_node *node = atomic_load_explicit(slot, memory_order_relaxed);
    if (node->flags & NODE_DIRTY)
        return 0;
    if (node->flags & NODE_FROZEN) {
        node = node_copy(tree, node);
        if (!node)
            return LT_ENOMEM;
        atomic_store_explicit(slot, node, memory_order_release);
    }
    img_tree_node_dirty(tree, node);
    return 0;
}

void img_tree_node_dirty(struct img_tree *tree, struct img_tree_node *node)
{
    node->flags = NODE_DIRTY;
    tree->dirty++;
    tree->unassigned++;
    tree->pinned += tree->node_bytes[node->level > 0];
}

int img_child_own(struct img_tree *tree, struct img_tree_node *parent, unsigned i,
                  struct img_tree_node **ret)
{
    int r = own(tree, &parent->children[i]);
    if (r >= 0)
        *ret = img_tree_node_child(parent, i);
    return r;
}

/* Makes all nodes of the path dirty. */
static int own_path(struct img_tree *tree, struct img_path *path)
{
    if (path->node[0]->flags & NODE_DIRTY)
        return 0;
    int r = own(tree, &tree->root);
    path->node[path->top] = atomic_load_explicit(&tree->root, memory_order_relaxed);
    for (unsigned level = path->top; level > 0 && r >= 0; level--)
        r = img_child_own(tree, path->node[level], path->index[level], &path->node[level - 1]);
    return r;
}

/* ---- Putting ------------------------------------------------------------------------------- */

static int first_leaf(struct img_tree *tree, struct img_path *path)
{
    struct img_tree_node *node = img_tree_node_new(tree, 0);
    if (!node)
        return LT_ENOMEM;
    img_tree_node_dirty(tree, node);
    atomic_store_explicit(&tree->root, node, memory_order_release);
    path->top = path->below = 0;
    path->node[0] = node;
    return 0;
}

/* Remembers where in the node records are added. */
static void note_insert(struct img_tree_node *node, unsigned at)
{
    bool behind = at == node->last + 1u;
    node->run = (uint16_t)(behind ? node->run + (node->run < UINT16_MAX) : 0);
    node->last = (uint16_t)at;
}

/* Puts the item into the leaf if it has room for it. */
static uint8_t *put_in_leaf(struct img_tree *tree, struct img_tree_node *node,
                            const struct img_need *need)
{
    struct img_leaf *leaf = &node->leaf;
    if (need->found)
        return img_leaf_fits_at(leaf, need->at, need->len)
                   ? img_leaf_resize(leaf, need->at, need->len, tree->scratch)
                   : NULL;
    if (!img_leaf_fits(leaf, need->key, need->len))
        return NULL;
    note_insert(node, need->at);
    return img_leaf_insert(leaf, need->at, need->key, need->len, tree->scratch);
}

int img_tree_put_room(struct img_tree *tree, struct img_key key, size_t len, void **ret_value)
{
    assert(len <= img_value_max(tree->params.block_size));
    struct img_key_bytes bytes = img_key_encode(key);
    struct img_need need = {.key = &bytes, .len = len};
    for (;;) {
        struct img_path path;
        int r = img_tree_descend(tree, &bytes, &path);
        if (r == LT_ENOENT)
            r = first_leaf(tree, &path);
        if (r >= 0)
            r = own_path(tree, &path);
        if (r >= 0 && path.below) {
            r = img_tree_lower(tree, &path, &need);
            if (r >= 0)
                continue;
        }
        if (r < 0)
            return r;
        need.at = img_leaf_search(&path.node[0]->leaf, &bytes, &need.found);
        *ret_value = put_in_leaf(tree, path.node[0], &need);
        if (*ret_value)
            return 0;
        r = img_tree_make_room(tree, &path, &need);
        if (r < 0)
            return r;
    }
}

int img_tree_put(struct img_tree *tree, struct img_key key, const void *value, size_t len)
{
    void *room;
    int r = img_tree_put_room(tree, key, len, &room);
    if (r < 0)
        return r;
    if (len > 0)
        memcpy(room, value, len);
    return 0;
}

/* ---- Deleting ------------------------------------------------------------------------------ */

int img_tree_delete(struct img_tree *tree, struct img_key key)
{
    struct img_key_bytes bytes = img_key_encode(key);
    struct img_path path;
    bool found;
    int r = img_tree_descend(tree, &bytes, &path);
    if (r < 0)
        return r;
    unsigned i = img_leaf_search(&path.node[0]->leaf, &bytes, &found);
    if (!found)
        return LT_ENOENT;
    r = tree->undoing
            ? 0
            : img_tree_left_reserve(tree, img_tree_undo_drops(tree) + (size_t)2 * IMG_LEVELS);
    if (r >= 0)
        r = own_path(tree, &path);
    if (r < 0)
        return r;
    img_leaf_remove(&path.node[0]->leaf, i);
    img_tree_shrink(tree, &path);
    return 0;
}
