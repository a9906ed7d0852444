// SPDX-License-Identifier: MIT
/*
 * A node holds up to `slots` keys and, behind them, as many pointers. keys[i] of an
 * inner node is a lower bound of what is below child i; an insert below the first
 * bound lowers it. An insert first gets memory for all nodes that it needs, then splits full
 * nodes on its way down.
 */
#include "tree.h"

#include <assert.h>

struct mem_tree_node {
    uint16_t count, slots;
    uint32_t unused;
    uint64_t words[]; /* keys[slots], then pointers[slots] */
};

#define FULL_SLOTS ((MEM_PAGE - sizeof(struct mem_tree_node)) / 16)
#define HEIGHT_MAX 12u
#define NEAR 8u /* keys: a cache line */

static_assert(sizeof(void *) == sizeof(uint64_t), "pointers share the words of keys");

static uint64_t *keys_of(struct mem_tree_node *node)
{
    return node->words;
}

static void **values_of(struct mem_tree_node *node)
{
    return (void **)(node->words + node->slots);
}

static size_t node_size(unsigned slots)
{
    return sizeof(struct mem_tree_node) + (size_t)slots * 16;
}

/* A node with room for at least `slots` entries, and as many as its memory allows. */
static struct mem_tree_node *node_new(struct mem_arena *arena, unsigned slots)
{
    size_t size = mem_alloc_size(node_size(slots));
    struct mem_tree_node *node = mem_alloc(arena, size);
    if (node) {
        node->count = 0;
        node->slots = (uint16_t)((size - sizeof(*node)) / 16);
        node->unused = 0;
    }
    return node;
}

static void node_free(struct mem_arena *arena, struct mem_tree_node *node)
{
    mem_free(arena, node, node_size(node->slots));
}

/* Binary search: the first of `count` > 0 keys that is >= key; count if there is none. */
static unsigned search(const uint64_t *keys, unsigned count, uint64_t key)
{
    const uint64_t *base = keys;
    while (count > 1) {
        unsigned half = count / 2;
        base += base[half - 1] < key ? half : 0;
        count -= half;
    }
    return (unsigned)(base - keys) + (*base < key);
}

/* Where key would be if the keys up to `last` were spread evenly. */
static unsigned guess(const uint64_t *keys, unsigned count, uint64_t key, uint64_t last)
{
    if (key <= keys[0])
        return 0;
    if (key >= last)
        return count - 1;
    /* 32 bits of the distances are enough, and 64 hold their product with a count. */
    unsigned shift = last - keys[0] > UINT32_MAX ? 31 : 0;
    uint64_t range = (last - keys[0]) >> shift, part = (key - keys[0]) >> shift;
    return (unsigned)(part * (count - 1) / (range + 1));
}

/*
 * The first entry with a key >= key; node->count if there is none. Keys are hashes, spread evenly,
 * so most are found within a cache line or two of the guess where halving all of a page would miss
 * the cache at every step. Keys that are not cost a logarithm more.
 */
static unsigned lower_bound(struct mem_tree_node *node, uint64_t key)
{
    const uint64_t *keys = keys_of(node);
    unsigned count = node->count;
    if (count <= 2 * NEAR)
        return count > 0 ? search(keys, count, key) : 0;
    unsigned at = guess(keys, count, key, keys[count - 1]);
    unsigned low = at, high = at, step = NEAR;
    for (; low > 0 && keys[low - 1] >= key; step *= 2)
        low = low > step ? low - step : 0;
    for (; high < count && keys[high] < key; step *= 2)
        high = high + step < count ? high + step : count;
    return low < high ? low + search(keys + low, high - low, key) : low;
}

/* The child of an inner node in whose range key lies. */
static unsigned child_index(struct mem_tree_node *node, uint64_t key)
{
    unsigned i = lower_bound(node, key);
    if (i < node->count && keys_of(node)[i] == key)
        return i;
    return i > 0 ? i - 1 : 0;
}

static void node_insert(struct mem_tree_node *node, unsigned at, uint64_t key, void *value)
{
    uint64_t *keys = keys_of(node);
    void **values = values_of(node);
    size_t behind = (size_t)(node->count - at);
    memmove(keys + at + 1, keys + at, behind * sizeof(*keys));
    memmove(values + at + 1, values + at, behind * sizeof(*values));
    keys[at] = key;
    values[at] = value;
    node->count++;
}

static void node_erase(struct mem_tree_node *node, unsigned at)
{
    uint64_t *keys = keys_of(node);
    void **values = values_of(node);
    size_t behind = (size_t)(node->count - at - 1);
    memmove(keys + at, keys + at + 1, behind * sizeof(*keys));
    memmove(values + at, values + at + 1, behind * sizeof(*values));
    node->count--;
}

/* Appends entries [from, from + count) of one node to another that has room. */
static void node_append(struct mem_tree_node *to, struct mem_tree_node *source, unsigned from,
                        unsigned count)
{
    memcpy(keys_of(to) + to->count, keys_of(source) + from, count * sizeof(uint64_t));
    memcpy(values_of(to) + to->count, values_of(source) + from, count * sizeof(void *));
    to->count = (uint16_t)(to->count + count);
}

/* ---- Reading ------------------------------------------------------------------------------- */

size_t mem_tree_scan(const struct mem_tree *tree, uint64_t key, const uint64_t **ret_keys,
                     void *const **ret_values)
{
    struct mem_tree_node *node = tree->root;
    uint64_t bound = UINT64_MAX; /* the smallest key behind the leaf that was reached */
    for (unsigned level = tree->height; level > 0; level--) {
        unsigned i = child_index(node, key);
        if (i + 1u < node->count)
            bound = keys_of(node)[i + 1];
        node = values_of(node)[i];
    }
    if (!node)
        return 0;
    unsigned at = lower_bound(node, key);
    if (at == node->count) {
        if (bound == UINT64_MAX)
            return 0;
        node = tree->root; /* the leaf ends before key: take the next one */
        for (unsigned level = tree->height; level > 0; level--)
            node = values_of(node)[child_index(node, bound)];
        at = 0;
    }
    *ret_keys = keys_of(node) + at;
    *ret_values = values_of(node) + at;
    return (size_t)(node->count - at);
}

void *mem_tree_next(const struct mem_tree *tree, uint64_t *key)
{
    const uint64_t *keys;
    void *const *values;
    if (mem_tree_scan(tree, *key, &keys, &values) == 0)
        return NULL;
    *key = keys[0];
    return values[0];
}

/* ---- Inserting ----------------------------------------------------------------------------- */

/* Puts the root's entries into a node of another size. */
static bool root_resize(struct mem_tree *tree, struct mem_arena *arena, unsigned slots)
{
    struct mem_tree_node *bigger = node_new(arena, slots);
    if (!bigger)
        return false;
    if (tree->root) {
        node_append(bigger, tree->root, 0, tree->root->count);
        node_free(arena, tree->root);
    }
    tree->root = bigger;
    return true;
}

/* An empty node out of a page. */
static struct mem_tree_node *node_init(void *page)
{
    struct mem_tree_node *node = page;
    *node = (struct mem_tree_node){.slots = FULL_SLOTS};
    return node;
}

/* Gives the tree one more level, with the old root as its only child. */
static void root_raise(struct mem_tree *tree, void *page)
{
    struct mem_tree_node *root = node_init(page);
    node_insert(root, 0, keys_of(tree->root)[0], tree->root);
    tree->root = root;
    tree->height++;
}

/* Splits the full child `at` of a node that has room at its middle: keys are hashes, any place is
 * as good. */
static void child_split(struct mem_tree_node *node, unsigned at, void *page)
{
    struct mem_tree_node *left = values_of(node)[at];
    struct mem_tree_node *right = node_init(page);
    unsigned half = left->count / 2;
    node_append(right, left, half, left->count - half);
    left->count = (uint16_t)half;
    node_insert(node, at + 1, keys_of(right)[0], right);
}

/* How many new nodes it takes to have no full node on the way to `key`. */
static unsigned nodes_needed(const struct mem_tree *tree, uint64_t key)
{
    struct mem_tree_node *node = tree->root;
    unsigned needed = node->count == FULL_SLOTS; /* a new root */
    for (unsigned level = tree->height;; level--) {
        needed += node->count == FULL_SLOTS;
        if (level == 0)
            return needed;
        node = values_of(node)[child_index(node, key)];
    }
}

/* The leaf for `key`, with room in it. Takes new nodes from *pages. */
static struct mem_tree_node *descend_splitting(struct mem_tree *tree, uint64_t key, void **pages)
{
    if (tree->root->count == FULL_SLOTS)
        root_raise(tree, *pages++);
    struct mem_tree_node *node = tree->root;
    for (unsigned level = tree->height; level > 0; level--) {
        unsigned i = child_index(node, key);
        if (key < keys_of(node)[0])
            keys_of(node)[0] = key;
        if (((struct mem_tree_node *)values_of(node)[i])->count == FULL_SLOTS) {
            child_split(node, i, *pages++);
            i = child_index(node, key);
        }
        node = values_of(node)[i];
    }
    return node;
}

int mem_tree_insert(struct mem_tree *tree, struct mem_arena *arena, uint64_t key, void *value)
{
    const struct mem_tree_node *root = tree->root;
    if (!root || (root->count == root->slots && root->slots < FULL_SLOTS)) {
        if (!root_resize(tree, arena, root ? root->slots + 1u : 1))
            return LT_ENOSPC;
    }
    void *pages[HEIGHT_MAX + 1];
    unsigned needed = nodes_needed(tree, key);
    if (needed > 0) {
        int got = mem_pages_alloc(arena, MEM_META, pages, needed, 0);
        if (got < (int)needed) {
            mem_pages_free(arena, pages, got > 0 ? (size_t)got : 0, 0);
            return LT_ENOSPC;
        }
    }
    struct mem_tree_node *leaf = descend_splitting(tree, key, pages);
    node_insert(leaf, lower_bound(leaf, key), key, value);
    tree->count++;
    return 0;
}

void *mem_tree_replace(struct mem_tree *tree, uint64_t key, void *value)
{
    struct mem_tree_node *node = tree->root;
    for (unsigned level = tree->height; level > 0; level--)
        node = values_of(node)[child_index(node, key)];
    unsigned i = lower_bound(node, key);
    assert(i < node->count && keys_of(node)[i] == key);
    void *old = values_of(node)[i];
    values_of(node)[i] = value;
    return old;
}

/* ---- Removing ------------------------------------------------------------------------------ */

/* Frees child `at` of a node if it is empty, or joins it with a neighbour if both together fill at
 * most three quarters. */
static void child_merge(struct mem_arena *arena, struct mem_tree_node *node, unsigned at)
{
    struct mem_tree_node *child = values_of(node)[at];
    if (child->count == 0) {
        node_erase(node, at);
        node_free(arena, child);
        return;
    }
    if (child->count > FULL_SLOTS / 4 || node->count == 1)
        return;
    unsigned left_at = at > 0 ? at - 1 : 0;
    struct mem_tree_node *left = values_of(node)[left_at];
    struct mem_tree_node *right = values_of(node)[left_at + 1];
    if (left->count + right->count > FULL_SLOTS * 3 / 4)
        return;
    node_append(left, right, 0, right->count);
    node_erase(node, left_at + 1);
    node_free(arena, right);
}

/* Takes away levels with one child, and memory that a small root leaf does not need. */
static void root_shrink(struct mem_tree *tree, struct mem_arena *arena)
{
    if (tree->count == 0) {
        node_free(arena, tree->root);
        *tree = (struct mem_tree){0};
        return;
    }
    while (tree->height > 0 && tree->root->count == 1) {
        struct mem_tree_node *root = tree->root;
        tree->root = values_of(root)[0];
        tree->height--;
        node_free(arena, root);
    }
    if (tree->height == 0 && tree->root->count < tree->root->slots / 4) {
        (void)root_resize(tree, arena, tree->root->count + 1u);
    }
}

void *mem_tree_remove(struct mem_tree *tree, struct mem_arena *arena, uint64_t key)
{
    struct mem_tree_node *path[HEIGHT_MAX];
    unsigned at[HEIGHT_MAX];
    struct mem_tree_node *node = tree->root;
    for (unsigned level = tree->height; level > 0; level--) {
        path[level] = node;
        at[level] = child_index(node, key);
        node = values_of(node)[at[level]];
    }
    unsigned i = lower_bound(node, key);
    assert(i < node->count && keys_of(node)[i] == key);
    void *value = values_of(node)[i];
    node_erase(node, i);
    tree->count--;
    for (unsigned level = 1; level <= tree->height; level++)
        child_merge(arena, path[level], at[level]);
    root_shrink(tree, arena);
    return value;
}
