/* SPDX-License-Identifier: MIT */
/*
 * Nodes of the tree in memory. Private to tree*.c.
 *
 *              put, delete          assign            freeze          thaw
 *     clean  ------------->  dirty  ------>  dirty,  ------>  frozen  ---->  clean
 *                                            has a place         |
 *                                                                | put, delete: a copy takes its
 *                                                                v place in the tree, dirty
 *                                                        frozen, gone  ----> freed
 *
 * Who only reads may load nodes meanwhile: it touches what is _Atomic here, and nothing else.
 */
#ifndef LT_FS_IMAGE_STORE_NODE_H
#define LT_FS_IMAGE_STORE_NODE_H

#include "leaf.h"
#include "tree.h"

#define IMG_LEVELS 16u /* more than any volume needs: each takes dozens of times the blocks */

enum {
    NODE_DIRTY = 1,    /* not as on the device; then so are all above it */
    NODE_ASSIGNED = 2, /* dirty, and has a place */
    NODE_FROZEN = 4,   /* being written; belongs to the frozen set as well */
    NODE_GONE = 8      /* frozen, and no longer part of the tree */
};

struct img_tree_node {
    struct img_leaf leaf; /* first: a search begins with it */
    uint8_t level;
    uint8_t flags;
    _Atomic(uint8_t) used;    /* since the hand of the cache went by */
    _Atomic(uint32_t) loaded; /* children in memory */
    uint16_t last;            /* where the last record was added ... */
    uint16_t run;             /* ... and how many before it were added one behind the other */
    uint64_t block, birth;    /* on the device, or where it is being written; block 0: nowhere */
    uint64_t place;           /* where it will be written */
    struct img_tree_node *next_spare;
    _Atomic(struct img_tree_node *) *children; /* of an inner node: NULL where not in memory */
};

/* Nodes from the root (level `top`) down to a leaf, and which of its records was followed. */
struct img_path {
    unsigned top;
    unsigned below; /* the highest level whose node has no keys as low as the one that was looked
                       for; 0: there is none */
    struct img_tree_node *node[IMG_LEVELS];
    uint16_t index[IMG_LEVELS + 1]; /* one more, for a root to come */
};

struct img_spares {
    struct img_tree_node *first;
    size_t count;
};

struct img_tree {
    struct img_tree_params params; /* immutable, apart from root: where the root is if not loaded */
    _Atomic(struct img_tree_node *) root;
    size_t node_bytes[2]; /* immutable: memory of a leaf, of an inner node */
    _Atomic(size_t) memory;
    size_t pinned;             /* memory of dirty and frozen nodes */
    size_t dirty, unassigned;  /* nodes */
    uint8_t *scratch;          /* a page */
    struct img_key_bytes hand; /* where evicting goes on */

    /* Places that removed nodes left; the first `left_told` were told by img_tree_assign(). */
    uint64_t *left;
    size_t left_told, left_count, left_max;

    /* For undoing: img_tree_reserve(). */
    struct img_spares spares[2]; /* leaves, inner nodes */
    size_t owed;                 /* leaves that undoing may need, besides a few */
    size_t undoable;             /* changes */
    bool undoing;
};

/* An item that is to be put. */
struct img_need {
    const struct img_key_bytes *key;
    size_t len;
    unsigned at; /* the place for it in the leaf */
    bool found;  /* it is there, with another value */
};

/* ---- tree_cache.c -------------------------------------------------------------------------- */

/* Memory that a node takes. */
size_t img_tree_node_bytes(uint32_t block_size, unsigned level);
void img_tree_free_spares(struct img_tree *tree);
/* An empty node, clean and nowhere; NULL for lack of memory. */
struct img_tree_node *img_tree_node_new(struct img_tree *tree, unsigned level);
void img_tree_node_free(struct img_tree *tree, struct img_tree_node *node);
/* No longer in the tree: freed, kept for undoing or, while it is being written, by the frozen set.
 */
void img_tree_node_drop(struct img_tree *tree, struct img_tree_node *node);
/* Sees to it that this many more places can be left. */
int img_tree_left_reserve(struct img_tree *tree, size_t count);
/* How many of them undoing may leave. */
static inline size_t img_tree_undo_drops(const struct img_tree *tree)
{
    return tree->undoable + IMG_LEVELS;
}
/* Owes one more spare leaf; false for lack of memory. */
bool img_tree_owe(struct img_tree *tree);

/* ---- tree.c -------------------------------------------------------------------------------- */

/* The root, loaded; NULL if the tree is empty. */
int img_tree_root(const struct img_tree *tree, struct img_tree_node **ret);
/* Child path->index[level] of path->node[level]. */
int img_tree_child(const struct img_tree *tree, const struct img_path *path, unsigned level,
                   struct img_tree_node **ret);
/* The way to the leaf for `key`; path->top and all above it are right. LT_ENOENT: the tree is
 * empty. */
int img_tree_descend(const struct img_tree *tree, const struct img_key_bytes *key,
                     struct img_path *path);

/* ---- tree_change.c ------------------------------------------------------------------------- */

/* A clean node that is in the tree becomes dirty; so are all above it. */
void img_tree_node_dirty(struct img_tree *tree, struct img_tree_node *node);
/* Makes child i of a dirty node, where it is loaded, one that may be changed. */
int img_child_own(struct img_tree *tree, struct img_tree_node *parent, unsigned i,
                  struct img_tree_node **ret);

/* ---- tree_balance.c ------------------------------------------------------------------------ */

/* The leaf at the end of `path`, all dirty, has no room for the item: makes some, or takes a step
 * towards it. The path is to be walked anew afterwards. */
int img_tree_make_room(struct img_tree *tree, struct img_path *path, const struct img_need *need);
/* Lowers the first key of path->node[path->below], or takes a step towards it. Likewise. */
int img_tree_lower(struct img_tree *tree, struct img_path *path, const struct img_need *need);
/* A record was removed from the leaf at the end of `path`: fewer nodes may do. */
void img_tree_shrink(struct img_tree *tree, struct img_path *path);

/* ---- Inlines ------------------------------------------------------------------------------- */

static inline struct img_tree_node *img_tree_node_child(const struct img_tree_node *node,
                                                        unsigned i)
{
    return atomic_load_explicit(&node->children[i], memory_order_acquire);
}

static inline void img_tree_node_set_child(struct img_tree_node *node, unsigned i,
                                           struct img_tree_node *child)
{
    atomic_store_explicit(&node->children[i], child, memory_order_release);
}

#endif
