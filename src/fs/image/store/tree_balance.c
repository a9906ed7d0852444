// SPDX-License-Identifier: MIT
/*
 * How nodes split, share and merge. One step at a time: a step leaves a valid tree of the same
 * items, and whoever asked for it walks down from the root again.
 *
 * The first key of an inner node may be above the key that leads to the node. It is lowered when
 * something is put between the two.
 */
#include "node.h"

#include <assert.h>

#define RUN_MIN 4u /* records that were added one behind the other tell of more */
/* A neighbour takes records of a full leaf if it has room for this part of a leaf: the smaller, the
 * fuller are leaves that grow at random places (85 %; with a sixth it was 81 %). */
#define SHARE_MIN 24u

/* ---- Records of inner nodes ---------------------------------------------------------------- */

static void open_child(struct img_tree_node *parent, unsigned i, struct img_tree_node *child)
{
    for (unsigned k = parent->leaf.count; k > i; k--)
        img_tree_node_set_child(parent, k, img_tree_node_child(parent, k - 1));
    img_tree_node_set_child(parent, i, child);
    parent->loaded++;
}

/* Adds `child` as the i-th, with this key. There is room. */
static void add_child(struct img_tree *tree, struct img_tree_node *parent, unsigned i,
                      const struct img_key_bytes *key, struct img_tree_node *child)
{
    open_child(parent, i, child);
    uint8_t *link = img_leaf_insert(&parent->leaf, i, key, IMG_LINK_SIZE, tree->scratch);
    memset(link, 0, IMG_LINK_SIZE); /* child is dirty: written when it has a place */
}

/* Child i is no longer one. Its neighbour takes its keys: the left one or, if there is none, the
 * right one. */
static void remove_child(struct img_tree_node *parent, unsigned i)
{
    struct img_leaf *leaf = &parent->leaf;
    unsigned record = i;
    if (i == 0 && leaf->count > 1) { /* its key stays, for the second child */
        size_t len;
        uint8_t *link = img_leaf_value(leaf, 0, &len);
        memcpy(link, img_leaf_value(leaf, 1, &len), IMG_LINK_SIZE);
        record = 1;
    }
    for (unsigned k = i; k + 1u < leaf->count; k++)
        img_tree_node_set_child(parent, k, img_tree_node_child(parent, k + 1));
    img_tree_node_set_child(parent, leaf->count - 1u, NULL);
    img_leaf_remove(leaf, record);
    parent->loaded--;
}

/* Gives child i another key. There is room. */
static void change_key(struct img_tree *tree, struct img_tree_node *parent, unsigned i,
                       const struct img_key_bytes *key)
{
    uint8_t link[IMG_LINK_SIZE];
    size_t len;
    memcpy(link, img_leaf_value(&parent->leaf, i, &len), sizeof(link));
    img_leaf_remove(&parent->leaf, i);
    memcpy(img_leaf_insert(&parent->leaf, i, key, IMG_LINK_SIZE, tree->scratch), link,
           sizeof(link));
}

/* Moves children from the end of `from` to the start of the empty `to`. */
static void move_last_children(struct img_tree_node *to, struct img_tree_node *from, unsigned count)
{
    unsigned first = from->leaf.count - count;
    for (unsigned i = 0; i < count; i++) {
        struct img_tree_node *child = img_tree_node_child(from, first + i);
        img_tree_node_set_child(to, i, child);
        img_tree_node_set_child(from, first + i, NULL);
        to->loaded += child != NULL;
        from->loaded -= child != NULL;
    }
}

/* ---- Splitting ----------------------------------------------------------------------------- */

/* The records of a node together with the one that is to come, as if it were there. */
struct sequence {
    const struct img_leaf *leaf;
    const struct img_need *need;
    unsigned count;
};

static struct sequence sequence(const struct img_tree_node *node, const struct img_need *need)
{
    unsigned more = need && !need->found;
    return (struct sequence){.leaf = &node->leaf, .need = need, .count = node->leaf.count + more};
}

/* Record i of the sequence among the leaf's. */
static unsigned place_in_leaf(const struct sequence *s, unsigned i)
{
    return s->need && !s->need->found && i > s->need->at ? i - 1 : i;
}

static void sequence_key(const struct sequence *s, unsigned i, struct img_key_bytes *ret)
{
    if (s->need && i == s->need->at)
        *ret = *s->need->key;
    else
        img_leaf_key(s->leaf, place_in_leaf(s, i), ret);
}

static size_t sequence_size(const struct sequence *s, unsigned i)
{
    if (s->need && i == s->need->at)
        return img_leaf_need(s->leaf, s->need->key, s->need->len);
    return img_leaf_record_size(s->leaf, place_in_leaf(s, i));
}

/* How many records of the sequence are to be on the left so that the halves are about equal. */
static unsigned balanced(const struct sequence *s)
{
    size_t total = 0, left = 0;
    for (unsigned i = 0; i < s->count; i++)
        total += sequence_size(s, i);
    for (unsigned i = 0; i + 1 < s->count; i++) {
        size_t size = sequence_size(s, i);
        if (2 * left + size >= total)
            return i > 0 ? i : 1;
        left += size;
    }
    return s->count - 1;
}

/*
 * How many are to be on the left. Where records come in ascending order, what is left behind stays
 * full: the next record begins a new node, or ends the one it is in.
 */
static unsigned count_left(const struct img_tree_node *node, const struct sequence *s,
                           const struct img_need *need)
{
    if (need->found)
        return balanced(s);
    if (need->at == node->leaf.count)
        return need->at;
    if (node->run < RUN_MIN || need->at == 0)
        return balanced(s);
    size_t behind = 0, more = sequence_size(s, need->at);
    for (unsigned i = need->at + 1; i < s->count && behind < more; i++)
        behind += sequence_size(s, i);
    return behind >= more ? need->at + 1 : need->at;
}

/* Where to split a leaf: how many of its records stay, and the key that leads to the others. */
static unsigned split_leaf_at(const struct img_tree_node *node, const struct img_need *need,
                              struct img_key_bytes *ret_key)
{
    struct sequence s = sequence(node, need);
    struct img_key_bytes before, behind;
    unsigned left = count_left(node, &s, need);
    sequence_key(&s, left - 1, &before);
    sequence_key(&s, left, &behind);
    *ret_key = img_key_between(&before, &behind);
    return need->found || left <= need->at ? left : left - 1;
}

/* The same of an inner node, one of whose children (the last one, if they come in ascending order)
 * is to be split. */
static unsigned split_inner_at(const struct img_tree_node *node, unsigned child,
                               struct img_key_bytes *ret_key)
{
    struct sequence s = sequence(node, NULL);
    unsigned at = child + 1u >= s.count ? s.count - 1u : balanced(&s);
    img_leaf_key(&node->leaf, at, ret_key);
    return at;
}

/* A new root above the old one. */
static struct img_tree_node *grow_root(struct img_tree *tree, struct img_tree_node *old)
{
    static const struct img_key_bytes none;
    if (old->level + 1u == IMG_LEVELS)
        return NULL; /* more than memory holds */
    struct img_tree_node *root = img_tree_node_new(tree, old->level + 1u);
    if (!root)
        return NULL;
    img_tree_node_dirty(tree, root);
    add_child(tree, root, 0, &none, old);
    atomic_store_explicit(&tree->root, root, memory_order_release);
    return root;
}

/* Splits the node of the path at `level`; its parent, if there is one, has room. */
static int split(struct img_tree *tree, struct img_path *path, unsigned level,
                 const struct img_need *need)
{
    struct img_tree_node *node = path->node[level], *parent;
    struct img_tree_node *right = img_tree_node_new(tree, level);
    struct img_key_bytes key;
    if (!right)
        return LT_ENOMEM;
    if (level == path->top) {
        parent = grow_root(tree, node);
        path->index[level + 1] = 0;
    } else {
        parent = path->node[level + 1];
    }
    if (!parent) {
        img_tree_node_free(tree, right);
        return LT_ENOMEM;
    }
    unsigned at = level == 0 ? split_leaf_at(node, need, &key)
                             : split_inner_at(node, path->index[level], &key);
    if (level > 0)
        move_last_children(right, node, node->leaf.count - at);
    img_tree_node_dirty(tree, right);
    img_leaf_move_last(&right->leaf, &node->leaf, node->leaf.count - at, tree->scratch);
    add_child(tree, parent, path->index[level + 1] + 1u, &key, right);
    return 0;
}

/* ---- Sharing ------------------------------------------------------------------------------- */

/* How many records from the end (or the start) of a leaf are no more than `bytes`. */
static unsigned count_from_end(const struct img_leaf *leaf, size_t bytes, bool from_start)
{
    unsigned count = 0;
    for (; count + 1 < leaf->count; count++) {
        size_t size = img_leaf_record_size(leaf, from_start ? count : leaf->count - 1u - count);
        if (size > bytes)
            break;
        bytes -= size;
    }
    return count;
}

/* Moves records of the leaf at the end of the path to its neighbour i if that has more room.
 * False: it has not, or it cannot be done. */
static bool share_with(struct img_tree *tree, struct img_path *path, unsigned i)
{
    struct img_tree_node *parent = path->node[1], *node = path->node[0];
    struct img_tree_node *other = img_tree_node_child(parent, i);
    struct img_leaf *leaf = &node->leaf;
    struct img_key_bytes before, key;
    bool to_left = i < path->index[1];
    if (!other || img_leaf_free(&other->leaf) < img_leaf_free(leaf) + leaf->size / SHARE_MIN)
        return false;
    size_t bytes = (img_leaf_free(&other->leaf) - img_leaf_free(leaf)) / 2;
    unsigned count = count_from_end(leaf, bytes, to_left);
    unsigned at = to_left ? count : leaf->count - count;
    if (count == 0 || !img_leaf_fits_from(&other->leaf, leaf, to_left ? 0 : at, count))
        return false;
    img_leaf_key(leaf, at - 1, &before);
    img_leaf_key(leaf, at, &key);
    key = img_key_between(&before, &key);
    if (!img_leaf_fits(&parent->leaf, &key, IMG_LINK_SIZE) || !img_tree_owe(tree) ||
        img_child_own(tree, parent, i, &other) < 0)
        return false;
    if (to_left)
        img_leaf_move_first(&other->leaf, leaf, count, tree->scratch);
    else
        img_leaf_move_last(&other->leaf, leaf, count, tree->scratch);
    change_key(tree, parent, to_left ? path->index[1] : i, &key);
    node->run = other->run = 0;
    return true;
}

static bool share(struct img_tree *tree, struct img_path *path, const struct img_need *need)
{
    const struct img_tree_node *node = path->node[0];
    bool ascending = need->at == node->leaf.count || (node->run >= RUN_MIN && !need->found);
    if (tree->undoing || path->top == 0 || ascending)
        return false;
    unsigned i = path->index[1];
    return (i > 0 && share_with(tree, path, i - 1)) ||
           (i + 1u < path->node[1]->leaf.count && share_with(tree, path, i + 1));
}

/* Whether a node can take any key that splitting its child would give it. */
static bool has_room(struct img_tree *tree, const struct img_path *path, unsigned level,
                     const struct img_need *need)
{
    const struct img_leaf *below = &path->node[level - 1]->leaf;
    struct img_leaf *leaf = &path->node[level]->leaf;
    struct img_key_bytes last;
    img_leaf_key(below, below->count - 1u, &last);
    if (level == 1 && memcmp(need->key->b, last.b, IMG_KEY_BYTES) > 0)
        last = *need->key;
    last.b[IMG_KEY_BYTES - 1] |= 1; /* the longest key */
    return img_leaf_fits(leaf, &last, IMG_LINK_SIZE) ||
           (img_leaf_tighten(leaf, tree->scratch) && img_leaf_fits(leaf, &last, IMG_LINK_SIZE));
}

/* Splits the node of the path at `level`, or a node above it that has to be split before. */
static int split_below_room(struct img_tree *tree, struct img_path *path, unsigned level,
                            const struct img_need *need)
{
    while (level < path->top && !has_room(tree, path, level + 1, need))
        level++;
    return split(tree, path, level, need);
}

int img_tree_make_room(struct img_tree *tree, struct img_path *path, const struct img_need *need)
{
    if (img_leaf_tighten(&path->node[0]->leaf, tree->scratch) || share(tree, path, need))
        return 0;
    return split_below_room(tree, path, 0, need);
}

int img_tree_lower(struct img_tree *tree, struct img_path *path, const struct img_need *need)
{
    unsigned level = path->below;
    struct img_tree_node *node = path->node[level];
    struct img_key_bytes low = {{0}};
    if (level < path->top)
        img_leaf_key(&path->node[level + 1]->leaf, path->index[level + 1], &low);
    if (!img_leaf_fits(&node->leaf, &low, IMG_LINK_SIZE))
        return split_below_room(tree, path, level, need);
    change_key(tree, node, 0, &low);
    return 0;
}

/* ---- Merging ------------------------------------------------------------------------------- */

/* Merges children i and i + 1 of the path's node at `level`, if one node can hold both with room to
 * spare. */
static bool merge(struct img_tree *tree, struct img_path *path, unsigned level, unsigned i)
{
    struct img_tree_node *parent = path->node[level], *left, *right;
    unsigned max = (tree->params.block_size - (uint32_t)sizeof(struct img_block_header)) / 5 * 4;
    uint16_t index = path->index[level];
    path->index[level] = (uint16_t)i;
    bool loaded = img_tree_child(tree, path, level, &left) >= 0;
    path->index[level] = (uint16_t)(i + 1);
    loaded = loaded && img_tree_child(tree, path, level, &right) >= 0;
    path->index[level] = index;
    if (!loaded || img_leaf_used(&left->leaf) + img_leaf_used(&right->leaf) > max ||
        !img_leaf_fits_from(&left->leaf, &right->leaf, 0, right->leaf.count) ||
        !img_tree_owe(tree) || img_child_own(tree, parent, i, &left) < 0)
        return false;
    unsigned at = left->leaf.count, count = right->leaf.count;
    img_leaf_append(&left->leaf, &right->leaf, tree->scratch);
    for (unsigned k = 0; k < count && level > 1; k++)
        img_tree_node_set_child(left, at + k, img_tree_node_child(right, k));
    left->loaded += right->loaded;
    left->run = 0;
    remove_child(parent, i + 1);
    img_tree_node_drop(tree, right);
    return true;
}

/* Merges the path's node at `level` with a neighbour, if it is nearly empty. */
static bool merge_sparse(struct img_tree *tree, struct img_path *path, unsigned level)
{
    const struct img_leaf *leaf = &path->node[level]->leaf;
    unsigned i = path->index[level + 1];
    if (tree->undoing || img_leaf_used(leaf) > leaf->size / 3)
        return false;
    return (i > 0 && merge(tree, path, level + 1, i - 1)) ||
           (i + 1u < path->node[level + 1]->leaf.count && merge(tree, path, level + 1, i));
}

/* The root goes while it has one child, or nothing at all. */
static void shrink_root(struct img_tree *tree)
{
    struct img_tree_node *root;
    while (img_tree_root(tree, &root) >= 0 && root) {
        struct img_path path = {.top = root->level};
        struct img_tree_node *child = NULL;
        path.node[root->level] = root;
        if (root->leaf.count > (root->level > 0))
            return;
        if (root->leaf.count == 1 && img_tree_child(tree, &path, root->level, &child) < 0)
            return;
        tree->params.root = (struct img_root){0};
        atomic_store_explicit(&tree->root, child, memory_order_release);
        img_tree_node_drop(tree, root);
    }
}

void img_tree_shrink(struct img_tree *tree, struct img_path *path)
{
    for (unsigned level = 0; level < path->top; level++) {
        struct img_tree_node *node = path->node[level];
        if (node->leaf.count == 0) {
            remove_child(path->node[level + 1], path->index[level + 1]);
            img_tree_node_drop(tree, node);
        } else if (!merge_sparse(tree, path, level)) {
            break;
        }
    }
    shrink_root(tree);
}
