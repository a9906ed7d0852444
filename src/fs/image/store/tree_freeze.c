// SPDX-License-Identifier: MIT
/* Checkpoints: places for dirty nodes, and their pages as they were at one moment. */
#include "block.h"
#include "node.h"

#include <assert.h>
#include <stdlib.h>

/* ---- All dirty nodes ----------------------------------------------------------------------- */

/* A walk over the dirty nodes in the order of keys, each behind those below it. */
struct walk {
    struct img_path path;
    unsigned level; /* of the node whose children are looked through */
    bool on;        /* child path.index[level] was dealt with */
};

static struct walk walk_start(const struct img_tree *tree)
{
    struct walk w = {.level = IMG_LEVELS};
    struct img_tree_node *root = atomic_load_explicit(&tree->root, memory_order_relaxed);
    if (root && root->flags & NODE_DIRTY) {
        w.path.top = w.level = root->level;
        w.path.node[w.level] = root;
    }
    return w;
}

/* The next of them, or NULL. Its parent, if it has one, is path.node[level], and it is child
 * path.index[level]. */
static struct img_tree_node *walk_next(struct walk *w)
{
    struct img_path *path = &w->path;
    if (w->level > path->top)
        return NULL;
    if (w->on)
        path->index[w->level]++;
    for (;;) {
        struct img_tree_node *node = path->node[w->level], *child = NULL;
        uint16_t *i = &path->index[w->level];
        for (; w->level > 0 && *i < node->leaf.count; ++*i) {
            child = img_tree_node_child(node, *i);
            if (child && child->flags & NODE_DIRTY)
                break;
            child = NULL;
        }
        if (!child) {
            w->level++;
            w->on = true;
            return node;
        }
        path->node[--w->level] = child;
        path->index[w->level] = 0;
    }
}

/* ---- Places -------------------------------------------------------------------------------- */

size_t img_tree_dirty(const struct img_tree *tree)
{
    return tree->dirty;
}

size_t img_tree_unassigned(const struct img_tree *tree)
{
    return tree->unassigned;
}

int img_tree_assign(struct img_tree *tree,
                    int (*take)(void *arg, uint64_t count, uint64_t *ret_block,
                                uint64_t *ret_count),
                    void (*gone)(void *arg, uint64_t block), void *arg)
{
    uint64_t block = 0, count = 0;
    while (tree->left_told < tree->left_count)
        gone(arg, tree->left[tree->left_told++]);
    struct walk w = walk_start(tree);
    for (struct img_tree_node *node; tree->unassigned > 0 && (node = walk_next(&w));) {
        if (node->flags & NODE_ASSIGNED)
            continue;
        if (count == 0) {
            int r = take(arg, tree->unassigned, &block, &count);
            if (r < 0)
                return r;
        }
        if (node->block)
            gone(arg, node->block);
        node->place = block++;
        count--;
        node->flags |= NODE_ASSIGNED;
        tree->unassigned--;
    }
    return 0;
}

void img_tree_unassign(struct img_tree *tree, void (*back)(void *arg, uint64_t block), void *arg)
{
    tree->left_told = 0;
    struct walk w = walk_start(tree);
    for (struct img_tree_node *node; (node = walk_next(&w));) {
        if (!(node->flags & NODE_ASSIGNED))
            continue;
        back(arg, node->place);
        node->flags &= (uint8_t)~NODE_ASSIGNED;
        tree->unassigned++;
    }
}

/* ---- Freezing ------------------------------------------------------------------------------ */

struct frozen_page {
    uint64_t block;
    struct img_tree_node *node;
};

struct img_frozen {
    uint64_t volume, birth;
    size_t count;
    bool finished;
    struct frozen_page pages[];
};

static size_t frozen_bytes(size_t count)
{
    return sizeof(struct img_frozen) + count * sizeof(struct frozen_page);
}

int img_tree_freeze(struct img_tree *tree, uint64_t birth, struct img_frozen **ret,
                    struct img_root *ret_root)
{
    assert(tree->unassigned == 0 && tree->left_told == tree->left_count);
    size_t count = tree->dirty;
    struct img_frozen *frozen = malloc(frozen_bytes(count));
    if (!frozen)
        return LT_ENOMEM;
    *frozen = (struct img_frozen){.volume = tree->params.volume, .birth = birth};
    struct walk w = walk_start(tree);
    for (struct img_tree_node *node; (node = walk_next(&w));) {
        node->block = node->place;
        node->birth = birth;
        node->flags = NODE_FROZEN;
        img_leaf_finish(&node->leaf, node->level);
        if (w.level <= w.path.top) {
            struct img_tree_node *parent = w.path.node[w.level];
            img_leaf_set_link(&parent->leaf, w.path.index[w.level], node->block, birth);
        }
        frozen->pages[frozen->count++] = (struct frozen_page){node->block, node};
    }
    assert(frozen->count == count);
    tree->dirty = 0;
    tree->left_count = tree->left_told = 0;
    atomic_fetch_add_explicit(&tree->memory, frozen_bytes(count), memory_order_relaxed);
    struct img_tree_node *root = atomic_load_explicit(&tree->root, memory_order_relaxed);
    *ret_root = root ? (struct img_root){root->block, root->birth, root->level} : tree->params.root;
    *ret = frozen;
    return 0;
}

static int compare_pages(const void *a_, const void *b_)
{
    const struct frozen_page *a = a_, *b = b_;
    return (a->block > b->block) - (a->block < b->block);
}

static void finish(struct img_frozen *frozen)
{
    qsort(frozen->pages, frozen->count, sizeof(*frozen->pages), compare_pages);
    for (size_t i = 0; i < frozen->count; i++) {
        struct img_leaf *leaf = &frozen->pages[i].node->leaf;
        struct img_block_id id = {.volume = frozen->volume,
                                  .block = frozen->pages[i].block,
                                  .birth = frozen->birth,
                                  .kind = IMG_BLOCK_NODE};
        img_block_seal(leaf->page, leaf->size, &id);
    }
    frozen->finished = true;
}

size_t img_frozen_count(const struct img_frozen *frozen)
{
    return frozen->count;
}

int img_frozen_page(struct img_frozen *frozen, size_t i, uint64_t *ret_block, const void **ret_page)
{
    if (!frozen->finished)
        finish(frozen);
    if (i >= frozen->count)
        return LT_ENOENT;
    *ret_block = frozen->pages[i].block;
    *ret_page = frozen->pages[i].node->leaf.page;
    return 0;
}

/* ---- Thawing ------------------------------------------------------------------------------- */

/* The places of the set are nobody's: copies of its nodes, and nodes removed, do not leave them. */
static void forget_places(struct img_tree *tree, struct img_frozen *frozen)
{
    struct walk w = walk_start(tree);
    for (struct img_tree_node *node; (node = walk_next(&w));) {
        if (node->birth == frozen->birth)
            node->block = 0;
    }
    size_t kept = 0;
    qsort(frozen->pages, frozen->count, sizeof(*frozen->pages), compare_pages);
    for (size_t i = 0; i < tree->left_count; i++) {
        struct frozen_page page = {.block = tree->left[i]};
        if (!bsearch(&page, frozen->pages, frozen->count, sizeof(page), compare_pages))
            tree->left[kept++] = page.block;
    }
    tree->left_count = kept;
}

static void thaw_node(struct img_tree *tree, struct img_tree_node *node, bool written)
{
    if (node->flags & NODE_GONE || written)
        tree->pinned -= tree->node_bytes[node->level > 0];
    if (node->flags & NODE_GONE) {
        img_tree_node_free(tree, node);
    } else if (written) {
        node->flags = 0;
    } else {
        node->flags = NODE_DIRTY;
        node->block = 0;
        tree->dirty++;
        tree->unassigned++;
    }
}

void img_tree_thaw(struct img_tree *tree, struct img_frozen *frozen, bool written,
                   void (*back)(void *arg, uint64_t block), void *arg)
{
    for (size_t i = 0; i < frozen->count; i++) {
        if (!written)
            back(arg, frozen->pages[i].block);
        thaw_node(tree, frozen->pages[i].node, written);
    }
    if (!written)
        forget_places(tree, frozen);
    atomic_fetch_sub_explicit(&tree->memory, frozen_bytes(frozen->count), memory_order_relaxed);
    free(frozen);
}
