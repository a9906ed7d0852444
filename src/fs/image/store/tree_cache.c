// SPDX-License-Identifier: MIT
/* Memory of the tree's nodes: allocating, keeping spare ones, evicting. */
#include "node.h"

#include <assert.h>
#include <stdlib.h>

#define SPARE_LEAVES ((size_t)4) /* that are kept whatever is owed */
#define SPARE_INNER 4u
#define ALLOCATION 16u /* bytes that malloc() takes for itself */

/* ---- Nodes --------------------------------------------------------------------------------- */

/* In memory a node is one piece: the struct, its heads, its page, its children. */
struct node_layout {
    size_t heads, children; /* how many */
    size_t page_at, children_at, end;
};

static struct node_layout node_layout(uint32_t block_size, unsigned level)
{
    struct node_layout layout;
    size_t links = (block_size - sizeof(struct img_block_header)) / (IMG_LINK_SIZE + 4u);
    layout.children = level > 0 ? links : 0;
    layout.heads = level > 0 ? links : block_size / 24;
    layout.page_at = sizeof(struct img_tree_node) + layout.heads * sizeof(uint32_t);
    layout.page_at = (layout.page_at + 15) / 16 * 16;
    layout.children_at = layout.page_at + block_size;
    layout.end = layout.children_at + layout.children * sizeof(void *);
    return layout;
}

size_t img_tree_node_bytes(uint32_t block_size, unsigned level)
{
    return node_layout(block_size, level).end + ALLOCATION;
}

static struct img_spares *spares_of(struct img_tree *tree, unsigned level)
{
    return &tree->spares[level > 0];
}

static struct img_tree_node *take_spare(struct img_tree *tree, unsigned level)
{
    struct img_spares *spares = spares_of(tree, level);
    struct img_tree_node *node = spares->first;
    if (node) {
        spares->first = node->next_spare;
        spares->count--;
    }
    return node;
}

static void keep_spare(struct img_tree *tree, struct img_tree_node *node)
{
    struct img_spares *spares = spares_of(tree, node->level);
    node->next_spare = spares->first;
    spares->first = node;
    spares->count++;
}

/* An empty node in memory that takes no part in anything yet. */
static struct img_tree_node *node_init(const struct img_tree *tree, void *memory, unsigned level)
{
    uint32_t block_size = tree->params.block_size;
    struct node_layout layout = node_layout(block_size, level);
    struct img_tree_node *node = memory;
    uint8_t *bytes = memory;
    *node = (struct img_tree_node){.level = (uint8_t)level};
    node->leaf.heads = (uint32_t *)(node + 1);
    node->leaf.heads_max = (uint32_t)layout.heads;
    node->leaf.page = bytes + layout.page_at;
    node->leaf.size = block_size;
    if (level > 0)
        node->children = (_Atomic(struct img_tree_node *) *)(void *)(bytes + layout.children_at);
    memset(node->leaf.page, 0, layout.end - layout.page_at);
    img_leaf_clear(&node->leaf);
    return node;
}

struct img_tree_node *img_tree_node_new(struct img_tree *tree, unsigned level)
{
    void *memory = malloc(node_layout(tree->params.block_size, level).end);
    if (memory)
        atomic_fetch_add_explicit(&tree->memory, tree->node_bytes[level > 0], memory_order_relaxed);
    else if (tree->undoing)
        memory = take_spare(tree, level);
    return memory ? node_init(tree, memory, level) : NULL;
}

void img_tree_node_free(struct img_tree *tree, struct img_tree_node *node)
{
    atomic_fetch_sub_explicit(&tree->memory, tree->node_bytes[node->level > 0],
                              memory_order_relaxed);
    free(node);
}

int img_tree_left_reserve(struct img_tree *tree, size_t count)
{
    size_t need = tree->left_count + count;
    if (need <= tree->left_max)
        return 0;
    size_t max = need * 2;
    uint64_t *left = realloc(tree->left, max * sizeof(*left));
    if (!left)
        return LT_ENOMEM;
    atomic_fetch_add_explicit(&tree->memory, (max - tree->left_max) * sizeof(*left),
                              memory_order_relaxed);
    tree->left = left;
    tree->left_max = max;
    return 0;
}

void img_tree_node_drop(struct img_tree *tree, struct img_tree_node *node)
{
    size_t bytes = tree->node_bytes[node->level > 0];
    assert(tree->left_count < tree->left_max && !(node->flags & NODE_ASSIGNED));
    if (node->block)
        tree->left[tree->left_count++] = node->block;
    if (node->flags & NODE_DIRTY) {
        tree->dirty--;
        tree->unassigned--;
        tree->pinned -= bytes;
    }
    if (node->flags & NODE_FROZEN) {
        node->flags |= NODE_GONE;
    } else if (node->level == 0 && tree->undoable > 0) {
        tree->owed++;
        keep_spare(tree, node);
    } else {
        img_tree_node_free(tree, node);
    }
}

/* ---- Spares -------------------------------------------------------------------------------- */

static bool fill_spares(struct img_tree *tree, unsigned level, size_t count)
{
    while (spares_of(tree, level)->count < count) {
        struct img_tree_node *node = img_tree_node_new(tree, level);
        if (!node)
            return false;
        keep_spare(tree, node);
    }
    return true;
}

bool img_tree_owe(struct img_tree *tree)
{
    if (tree->undoable == 0)
        return true;
    if (!fill_spares(tree, 0, SPARE_LEAVES + tree->owed + 1))
        return false;
    tree->owed++;
    return true;
}

static void trim_spares(struct img_tree *tree, unsigned level, size_t count)
{
    while (spares_of(tree, level)->count > count)
        img_tree_node_free(tree, take_spare(tree, level));
}

void img_tree_begin(struct img_tree *tree)
{
    tree->owed = 0;
    tree->undoable = 0;
    trim_spares(tree, 0, 2 * SPARE_LEAVES);
}

/*
 * Undoing needs no nodes at all as long as nodes were only split: what is then between two keys
 * fitted into one node before. It needs some where records moved between nodes, and these are set
 * aside when that happens: img_tree_owe(), img_tree_node_drop().
 */
int img_tree_reserve(struct img_tree *tree, unsigned changes)
{
    if (!fill_spares(tree, 0, SPARE_LEAVES + tree->owed) || !fill_spares(tree, 1, SPARE_INNER))
        return LT_ENOMEM;
    tree->undoable = changes;
    return img_tree_left_reserve(tree, img_tree_undo_drops(tree));
}

void img_tree_free_spares(struct img_tree *tree)
{
    trim_spares(tree, 0, 0);
    trim_spares(tree, 1, 0);
}

void img_tree_undoing(struct img_tree *tree, bool undoing)
{
    tree->undoing = undoing;
}

/* ---- Evicting ------------------------------------------------------------------------------ */

size_t img_tree_memory(const struct img_tree *tree)
{
    return atomic_load_explicit(&tree->memory, memory_order_relaxed);
}

size_t img_tree_pinned(const struct img_tree *tree)
{
    return tree->pinned;
}

/* Drops child i if it is clean, nothing below it is loaded, and it was not used since the last
 * time. */
static void drop_child(struct img_tree *tree, struct img_tree_node *parent, unsigned i)
{
    struct img_tree_node *child = img_tree_node_child(parent, i);
    if (!child || child->flags || child->loaded > 0)
        return;
    if (child->used) {
        child->used = 0;
        return;
    }
    img_tree_node_set_child(parent, i, NULL);
    parent->loaded--;
    img_tree_node_free(tree, child);
}

/* Down from `level` towards the hand, or with all indices 0; returns the level reached. */
static unsigned go_down(const struct img_tree *tree, struct img_path *path, unsigned level,
                        bool to_hand)
{
    for (;; level--) {
        struct img_tree_node *node = path->node[level], *child;
        unsigned i = 0;
        if (to_hand) {
            bool found;
            i = img_leaf_search(&node->leaf, &tree->hand, &found);
            i = found || i == 0 ? i : i - 1;
        }
        path->index[level] = (uint16_t)i;
        child = level > 1 ? img_tree_node_child(node, i) : NULL;
        if (!child)
            return level;
        path->node[level - 1] = child;
    }
}

/* Goes round over the nodes below the root, at most twice, from where it stopped the last time. */
static void go_round(struct img_tree *tree, struct img_tree_node *root, size_t target)
{
    struct img_path path = {.top = root->level};
    path.node[root->level] = root;
    unsigned rounds = 0, level = go_down(tree, &path, root->level, true);
    while (img_tree_memory(tree) > target) {
        struct img_tree_node *node = path.node[level];
        if (path.index[level] < node->leaf.count) {
            struct img_tree_node *child = img_tree_node_child(node, path.index[level]);
            if (level > 1 && child) {
                path.node[level - 1] = child;
                level = go_down(tree, &path, level - 1, false);
                continue;
            }
            drop_child(tree, node, path.index[level]++);
        } else if (level < path.top) {
            level++;
            drop_child(tree, path.node[level], path.index[level]);
            path.index[level]++;
        } else if (++rounds <= 2) {
            level = go_down(tree, &path, path.top, false);
        } else {
            break;
        }
    }
    unsigned i = path.index[level];
    if (i < path.node[level]->leaf.count)
        img_leaf_key(&path.node[level]->leaf, i, &tree->hand);
    else
        tree->hand = (struct img_key_bytes){{0}};
}

void img_tree_evict(struct img_tree *tree, size_t target)
{
    struct img_tree_node *root = atomic_load_explicit(&tree->root, memory_order_acquire);
    size_t kept = tree->pinned + tree->spares[0].count * tree->node_bytes[0] +
                  tree->spares[1].count * tree->node_bytes[1];
    if (target < kept)
        target = kept;
    if (!root || img_tree_memory(tree) <= target)
        return;
    if (root->level > 0)
        go_round(tree, root, target);
    if (img_tree_memory(tree) > target && !root->flags && root->loaded == 0) {
        tree->params.root = (struct img_root){root->block, root->birth, root->level};
        atomic_store_explicit(&tree->root, NULL, memory_order_release);
        img_tree_node_free(tree, root);
    }
}
