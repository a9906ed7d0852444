// SPDX-License-Identifier: MIT
#include "tree.h"

#include "block.h"
#include "node.h"

#include <stdlib.h>

/* ---- Opening ------------------------------------------------------------------------------- */

int img_tree_open(const struct img_tree_params *params, struct img_tree **ret)
{
    if (params->root.level >= IMG_LEVELS)
        return LT_EUCLEAN;
    struct img_tree *tree = calloc(1, sizeof(*tree));
    if (!tree)
        return LT_ENOMEM;
    tree->params = *params;
    tree->node_bytes[0] = img_tree_node_bytes(params->block_size, 0);
    tree->node_bytes[1] = img_tree_node_bytes(params->block_size, 1);
    tree->scratch = calloc(1, params->block_size);
    if (!tree->scratch) {
        free(tree);
        return LT_ENOMEM;
    }
    *ret = tree;
    return 0;
}

/* Frees all below and at the root, the deepest first. */
static void free_nodes(struct img_tree *tree, struct img_tree_node *root)
{
    struct img_path path = {.top = root->level};
    unsigned level = root->level;
    path.node[level] = root;
    for (;;) {
        struct img_tree_node *node = path.node[level];
        if (level > 0 && path.index[level] < node->leaf.count) {
            struct img_tree_node *child = img_tree_node_child(node, path.index[level]++);
            if (child) {
                path.node[--level] = child;
                path.index[level] = 0;
            }
        } else {
            img_tree_node_free(tree, node);
            if (level++ == path.top)
                return;
        }
    }
}

void img_tree_close(struct img_tree *tree)
{
    if (!tree)
        return;
    struct img_tree_node *root = atomic_load_explicit(&tree->root, memory_order_acquire);
    if (root)
        free_nodes(tree, root);
    img_tree_free_spares(tree);
    free(tree->left);
    free(tree->scratch);
    free(tree);
}

/* ---- Loading ------------------------------------------------------------------------------- */

/* Reads a node, and checks it. */
static int node_read(struct img_tree *tree, const struct img_root *where,
                     const struct img_leaf_limits *limits, struct img_tree_node **ret)
{
    struct img_tree_node *node = img_tree_node_new(tree, where->level);
    if (!node)
        return LT_ENOMEM;
    uint8_t *page = node->leaf.page;
    int r = tree->params.read(tree->params.arg, where->block, page);
    struct img_block_id id = {.volume = tree->params.volume,
                              .block = where->block,
                              .birth = where->birth,
                              .kind = IMG_BLOCK_NODE};
    if (r >= 0)
        r = img_block_verify(page, tree->params.block_size, &id);
    if (r >= 0)
        r = img_leaf_check(&node->leaf, limits);
    if (r < 0) {
        img_tree_node_free(tree, node);
        return r;
    }
    node->block = where->block;
    node->birth = where->birth;
    *ret = node;
    return 0;
}

/* Makes `node` the one that *slot leads to, unless another thread was faster. */
static struct img_tree_node *publish(struct img_tree *tree, _Atomic(struct img_tree_node *) *slot,
                                     struct img_tree_node *node, bool *ret_first)
{
    struct img_tree_node *other = NULL;
    *ret_first = atomic_compare_exchange_strong_explicit(slot, &other, node, memory_order_acq_rel,
                                                         memory_order_acquire);
    if (*ret_first)
        return node;
    img_tree_node_free(tree, node);
    return other;
}

int img_tree_root(const struct img_tree *tree_, struct img_tree_node **ret)
{
    static const struct img_key_bytes low;
    struct img_tree *tree = (struct img_tree *)(uintptr_t)tree_; /* loading is no change */
    struct img_tree_node *node = atomic_load_explicit(&tree->root, memory_order_acquire);
    bool first;
    if (!node && tree->params.root.block) {
        struct img_leaf_limits limits = {
            .level = tree->params.root.level, .root = true, .low = &low};
        int r = node_read(tree, &tree->params.root, &limits, &node);
        if (r < 0)
            return r;
        node = publish(tree, &tree->root, node, &first);
    }
    *ret = node;
    return 0;
}

/* The end of the keys of child path->index[level] of path->node[level]; false: there is none. */
static bool high_of(const struct img_path *path, unsigned level, struct img_key_bytes *ret)
{
    while (level <= path->top && path->index[level] + 1u >= path->node[level]->leaf.count)
        level++;
    if (level > path->top)
        return false;
    img_leaf_key(&path->node[level]->leaf, path->index[level] + 1u, ret);
    return true;
}

static int child_load(struct img_tree *tree, const struct img_path *path, unsigned level,
                      struct img_tree_node **ret)
{
    struct img_tree_node *parent = path->node[level], *node;
    unsigned i = path->index[level];
    struct img_key_bytes low, high;
    struct img_root where = {.level = (uint8_t)(level - 1)};
    img_leaf_link(&parent->leaf, i, &where.block, &where.birth);
    struct img_leaf_limits limits = {.level = where.level, .low = &low};
    bool first;
    img_leaf_key(&parent->leaf, i, &low);
    if (high_of(path, level, &high))
        limits.high = &high;
    int r = node_read(tree, &where, &limits, &node);
    if (r < 0)
        return r;
    *ret = publish(tree, &parent->children[i], node, &first);
    if (first)
        atomic_fetch_add_explicit(&parent->loaded, 1, memory_order_relaxed);
    return 0;
}

int img_tree_child(const struct img_tree *tree, const struct img_path *path, unsigned level,
                   struct img_tree_node **ret)
{
    struct img_tree_node *child = img_tree_node_child(path->node[level], path->index[level]);
    if (!child)
        return child_load((struct img_tree *)(uintptr_t)tree, path, level, ret);
    *ret = child;
    return 0;
}

/* Tells the cache that a leaf is in use. */
static void touch(struct img_tree_node *leaf)
{
    if (!atomic_load_explicit(&leaf->used, memory_order_relaxed))
        atomic_store_explicit(&leaf->used, 1, memory_order_relaxed);
}

/* Asks for what a search will look at, heads and slots: they arrive together, where one after the
 * other each would be waited for. */
static void prefetch(const struct img_tree_node *node)
{
    for (unsigned line = 0; line < 18; line++)
        __builtin_prefetch((const char *)node + (size_t)line * 64);
}

int img_tree_descend(const struct img_tree *tree, const struct img_key_bytes *key,
                     struct img_path *path)
{
    struct img_tree_node *node;
    int r = img_tree_root(tree, &node);
    if (r < 0)
        return r;
    if (!node)
        return LT_ENOENT;
    path->top = node->level;
    path->below = 0;
    for (unsigned level = node->level; level > 0; level--) {
        bool found;
        unsigned i = img_leaf_search(&node->leaf, key, &found);
        if (!found && i == 0 && path->below == 0)
            path->below = level;
        path->node[level] = node;
        path->index[level] = (uint16_t)(found || i == 0 ? i : i - 1);
        r = img_tree_child(tree, path, level, &node);
        if (r < 0)
            return r;
        prefetch(node);
    }
    path->node[0] = node;
    touch(node);
    return 0;
}

/* ---- Reading ------------------------------------------------------------------------------- */

int img_tree_get(const struct img_tree *tree, struct img_key key, const void **ret_value,
                 size_t *ret_len)
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
    *ret_value = img_leaf_value(&path.node[0]->leaf, i, ret_len);
    return 0;
}

/* From the leaf at the end of the path to the one behind it (step 1) or before it (-1). LT_ENOENT:
 * there is none. */
static int step_leaf(const struct img_tree *tree, struct img_path *path, int step)
{
    unsigned level = 1, end;
    struct img_tree_node *node = path->node[0];
    for (;; level++) {
        if (level > path->top)
            return LT_ENOENT;
        end = step > 0 ? path->node[level]->leaf.count - 1u : 0;
        if (path->index[level] != end)
            break;
    }
    path->index[level] = (uint16_t)(path->index[level] + step);
    for (; level > 0; level--) {
        int r = img_tree_child(tree, path, level, &node);
        if (r < 0)
            return r;
        path->node[level - 1] = node;
        path->index[level - 1] = (uint16_t)(step > 0 ? 0 : node->leaf.count - 1u);
    }
    touch(node);
    return 0;
}

/* The record that path->index[0] of the leaf is. */
static void path_item(const struct img_path *path, struct img_key *ret_key, const void **ret_value,
                      size_t *ret_len)
{
    const struct img_leaf *leaf = &path->node[0]->leaf;
    struct img_key_bytes bytes;
    img_leaf_key(leaf, path->index[0], &bytes);
    *ret_key = img_key_decode(&bytes);
    *ret_value = img_leaf_value(leaf, path->index[0], ret_len);
}

/* The way to the first record >= key. */
static int seek(const struct img_tree *tree, struct img_key key, struct img_path *path,
                bool *ret_found)
{
    struct img_key_bytes bytes = img_key_encode(key);
    int r = img_tree_descend(tree, &bytes, path);
    if (r < 0)
        return r;
    path->index[0] = (uint16_t)img_leaf_search(&path->node[0]->leaf, &bytes, ret_found);
    return 0;
}

int img_tree_next(const struct img_tree *tree, struct img_key *key, const void **ret_value,
                  size_t *ret_len)
{
    struct img_path path;
    bool found;
    int r = seek(tree, *key, &path, &found);
    if (r >= 0 && path.index[0] == path.node[0]->leaf.count)
        r = step_leaf(tree, &path, 1);
    if (r < 0)
        return r;
    path_item(&path, key, ret_value, ret_len);
    return 0;
}

int img_tree_prev(const struct img_tree *tree, struct img_key *key, const void **ret_value,
                  size_t *ret_len)
{
    struct img_path path;
    bool found;
    int r = seek(tree, *key, &path, &found);
    if (r < 0)
        return r;
    if (!found && path.index[0] == 0)
        r = step_leaf(tree, &path, -1);
    else if (!found)
        path.index[0]--;
    if (r < 0)
        return r;
    path_item(&path, key, ret_value, ret_len);
    return 0;
}

int img_tree_scan(const struct img_tree *tree, struct img_key from,
                  int (*fn)(void *arg, struct img_key key, const void *value, size_t len),
                  void *arg)
{
    struct img_path path;
    bool found;
    int r = seek(tree, from, &path, &found);
    while (r >= 0) {
        for (; path.index[0] < path.node[0]->leaf.count; path.index[0]++) {
            struct img_key key;
            const void *value;
            size_t len;
            path_item(&path, &key, &value, &len);
            r = fn(arg, key, value, len);
            if (r != 0)
                return r;
        }
        r = step_leaf(tree, &path, 1);
    }
    return r == LT_ENOENT ? 0 : r;
}
