/* SPDX-License-Identifier: MIT */
/*
 * The copy-on-write B+tree of items, with its nodes cached in memory.
 *
 * A node in memory is clean (as on the device), or dirty. Dirty nodes have no place
 * on the device until a checkpoint gives them one: img_tree_assign() and
 * img_tree_freeze(). Frozen nodes are being written; changing one first copies its page.
 *
 * Locking is the caller's: functions that take a const tree may run at the same time
 * as each other (they may load nodes, which they publish atomically); all others
 * need the tree for themselves.
 *
 * Errors: LT_ENOMEM, LT_EIO (read failed), LT_EUCLEAN (a node is not valid). After an
 * error the items are as before.
 */
#ifndef LT_FS_IMAGE_STORE_TREE_H
#define LT_FS_IMAGE_STORE_TREE_H

#include "format.h"
#include "key.h"

#include <lintel/error.h>
#include <lintel/types.h>

struct img_tree;

struct img_root {
    uint64_t block; /* 0: the tree is empty */
    uint64_t birth;
    uint8_t level;
};

struct img_tree_params {
    uint32_t block_size;
    uint64_t volume; /* the first 8 bytes of the volume's uuid */
    struct img_root root;
    /* Reads block `block` into `page`. */
    int (*read)(void *arg, uint64_t block, void *page);
    void *arg;
};

int img_tree_open(const struct img_tree_params *params, struct img_tree **ret);
void img_tree_close(struct img_tree *tree);

/* ---- Reading ------------------------------------------------------------------------------- */

/* The value of an item, borrowed until the tree changes or is no longer locked. LT_ENOENT. */
int img_tree_get(const struct img_tree *tree, struct img_key key, const void **ret_value,
                 size_t *ret_len);

/* The first item with a key >= *key: stores its key, and its value, borrowed. LT_ENOENT at the end.
 */
int img_tree_next(const struct img_tree *tree, struct img_key *key, const void **ret_value,
                  size_t *ret_len);

/* The last item with a key <= *key; likewise. */
int img_tree_prev(const struct img_tree *tree, struct img_key *key, const void **ret_value,
                  size_t *ret_len);

/* Calls fn for the items from `from` on, in order, until it is non-zero, which is then returned.
 * Faster than img_tree_next() again and again. */
int img_tree_scan(const struct img_tree *tree, struct img_key from,
                  int (*fn)(void *arg, struct img_key key, const void *value, size_t len),
                  void *arg);

/* ---- Changing ------------------------------------------------------------------------------ */

/* The longest value that an item may have. */
static inline size_t img_value_max(uint32_t block_size)
{
    return (block_size - sizeof(struct img_block_header)) / 2 - 64;
}

/* Adds or replaces an item. len <= img_value_max(). `value` may not lie in the tree. */
int img_tree_put(struct img_tree *tree, struct img_key key, const void *value, size_t len);

/* Room for `len` bytes as the item's new value, to be written at once: img_tree_put() without a
 * copy.
 */
int img_tree_put_room(struct img_tree *tree, struct img_key key, size_t len, void **ret_value);

/* LT_ENOENT. */
int img_tree_delete(struct img_tree *tree, struct img_key key);

/*
 * Undoing cannot fail. A transaction begins with img_tree_begin(); before each change there is an
 * img_tree_reserve() with the number of changes since, the coming one included. All of them can
 * then be undone in reverse order by puts and deletes, between img_tree_undoing(tree, true) and
 * (tree, false), which need no memory and read nothing. No img_tree_evict(), assign or freeze comes
 * between.
 */
void img_tree_begin(struct img_tree *tree);
int img_tree_reserve(struct img_tree *tree, unsigned changes);
void img_tree_undoing(struct img_tree *tree, bool undoing);

/* ---- Checkpoints --------------------------------------------------------------------------- */

/* Dirty nodes, and those among them that have no place yet. */
size_t img_tree_dirty(const struct img_tree *tree);
size_t img_tree_unassigned(const struct img_tree *tree);

/*
 * Gives every dirty node that has none a place, asking take(arg, count, ret_block, ret_count) for
 * runs of up to `count` blocks in the order of keys, and tells gone(arg, block) of the places that
 * they leave, and that nodes left which are no more; so it is called even if no node is dirty. An
 * error of take ends it; what was assigned so far stays so. Until the freeze items may be put, but
 * not deleted.
 */
int img_tree_assign(struct img_tree *tree,
                    int (*take)(void *arg, uint64_t count, uint64_t *ret_block,
                                uint64_t *ret_count),
                    void (*gone)(void *arg, uint64_t block), void *arg);

/* Takes back what img_tree_assign() gave since the last freeze: the places are told to
 * back(arg, block), and the nodes keep their old ones; gone() will hear of these again. */
void img_tree_unassign(struct img_tree *tree, void (*back)(void *arg, uint64_t block), void *arg);

/* A set of pages to be written, sorted by block. */
struct img_frozen;

/* Every dirty node (all are assigned) becomes frozen, with `birth` as its birth; *ret_root is where
 * the root will be. LT_ENOMEM. One set at a time. */
int img_tree_freeze(struct img_tree *tree, uint64_t birth, struct img_frozen **ret,
                    struct img_root *ret_root);

/* The pages, sorted by block; the first call finishes them (checks are computed). Needs no lock. */
size_t img_frozen_count(const struct img_frozen *frozen);
int img_frozen_page(struct img_frozen *frozen, size_t i, uint64_t *ret_block,
                    const void **ret_page);

/* Ends the freeze: with `written` the nodes are clean (those changed meanwhile are dirty again
 * and leave these places at the next checkpoint); without, they are dirty and have to be assigned
 * again, and back(arg, block) hears of the places. Frees the set. */
void img_tree_thaw(struct img_tree *tree, struct img_frozen *frozen, bool written,
                   void (*back)(void *arg, uint64_t block), void *arg);

/* ---- Memory -------------------------------------------------------------------------------- */

/* Bytes that nodes take, and of these the part that cannot be evicted now. */
size_t img_tree_memory(const struct img_tree *tree);
size_t img_tree_pinned(const struct img_tree *tree);

/* Drops clean nodes, those unused for longest first, until at most `target` bytes are left or none
 * is clean. */
void img_tree_evict(struct img_tree *tree, size_t target);

#endif
