// SPDX-License-Identifier: MIT
/* The life of nodes. */
#include "node.h"

#include "change.h"
#include "data.h"
#include "ext.h"
#include "value.h"

#include <assert.h>
#include <stdlib.h>

static bool has_data(const struct img_node *node)
{
    return node->base.type == LT_S_IFREG || img_is_stream(node);
}

/* ---- The table ----------------------------------------------------------------------------- */

/* An idle node goes when nothing of it is left to be written; with a stream perhaps its file. */
static void reap(struct img_table *table, struct img_node *node) REQUIRES(table->lock)
{
    while (node && (node->base.flags & IMG_IDLE) && !(node->state & IMG_DIRTY) && !node->pending &&
           node->streams == 0) {
        struct img_node *main = node->main;
        img_table_remove(table, node);
        free(node);
        if (main)
            main->streams--;
        node = main;
    }
}

/* One more reference on a node that has some, or is idle, but not dead. */
static void take(struct img_node *node)
{
    if (node->base.flags & IMG_IDLE) {
        node->base.flags &= (uint16_t)~IMG_IDLE;
        atomic_store(&node->base.refs, 1);
    } else if (atomic_fetch_add(&node->base.refs, 1) == 0) {
        node->revived++;
    }
}

/* The same for any node in the table; false if it is dead. */
static bool revive(struct img_node *node)
{
    struct img_node *main = node->main;
    if (node->base.flags & IMG_DEAD)
        return false;
    if (main && (node->base.flags & IMG_IDLE)) {
        if (main->base.flags & IMG_DEAD) {
            main->streams--;
            node->main = NULL;
        } else {
            take(main);
        }
    }
    take(node);
    return true;
}

bool img_node_revive(struct img_node *node)
{
    struct img_table *table = &img_fs_of(node)->table;
    lt_mutex_lock(&table->lock);
    bool alive = revive(node);
    lt_mutex_unlock(&table->lock);
    return alive;
}

#define ANY_TYPE 0u /* and names are not asked for */

/* Whether this is what an entry, or a stream, says that it is. */
static bool fits(const struct img_inode *inode, uint32_t type)
{
    return type == ANY_TYPE || ((inode->mode & LT_S_IFMT) == type && inode->nlink > 0);
}

/* As img_node_get_named(), of what is in the table: 1, or 0 if it is not. */
static int find(struct img_fs *fs, uint64_t id, uint32_t type, struct img_node **ret)
    REQUIRES(fs->table.lock)
{
    struct img_node *node = img_table_find(&fs->table, id);
    if (!node)
        return 0;
    if (!fits(&node->inode, type))
        return LT_EUCLEAN;
    if (!revive(node))
        return LT_ENOENT;
    *ret = node;
    return 1;
}

/* ---- Nodes from items ---------------------------------------------------------------------- */

static int read_inode(struct img_fs *fs, uint64_t id, struct img_inode *ret)
    REQUIRES_SHARED(img_items)
{
    const void *value;
    size_t len;
    int r = img_get(fs->store, img_key(id, IMG_INODE, 0), &value, &len);
    return r < 0 ? r : img_inode_decode(value, len, ret);
}

static struct img_node *new_node(struct img_fs *fs, uint64_t id, const struct img_inode *inode)
{
    struct img_node *node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    lt_node_init(&node->base, &fs->base, id, inode->mode & LT_S_IFMT);
    node->inode = *inode;
    node->stable_size = inode->size;
    return node;
}

/* Puts a fresh node into the table, unless another thread was faster with one of its id: then that
 * one gets the reference. */
static int insert(struct img_fs *fs, struct img_node *node, struct img_node **ret)
{
    struct img_node *main = node->main;
    lt_mutex_lock(&fs->table.lock);
    int r = find(fs, node->base.id, ANY_TYPE, ret);
    if (r == 0) {
        img_table_add(&fs->table, node);
        *ret = node;
        if (main)
            main->streams++;
    }
    lt_mutex_unlock(&fs->table.lock);
    if (r == 0)
        return 0;
    free(node);
    if (main)
        lt_node_put(&main->base); /* never the last: the other stream has one too */
    return r < 0 ? r : 0;
}

/* Gives a stream its file, unless that is gone. */
static int load_main(struct img_fs *fs, struct img_node *stream) REQUIRES_SHARED(img_items)
{
    uint64_t id = stream->inode.parent;
    struct img_inode inode;
    lt_mutex_lock(&fs->table.lock);
    const struct img_node *there = img_table_find(&fs->table, id);
    int r = there && img_is_stream(there) ? LT_EUCLEAN : find(fs, id, ANY_TYPE, &stream->main);
    lt_mutex_unlock(&fs->table.lock);
    if (r == 0) {
        r = read_inode(fs, id, &inode);
        if (r == 0 && (inode.mode & LT_S_IFMT) == LT_S_STREAM)
            r = LT_EUCLEAN;
        struct img_node *main = r == 0 ? new_node(fs, id, &inode) : NULL;
        if (r == 0)
            r = main ? insert(fs, main, &stream->main) : LT_ENOMEM;
    }
    return r == LT_ENOENT || r > 0 ? 0 : r;
}

static int load(struct img_fs *fs, uint64_t id, uint32_t type, struct img_node **ret)
    REQUIRES_SHARED(img_items)
{
    struct img_inode inode;
    int r = read_inode(fs, id, &inode);
    if (r == 0 && !fits(&inode, type))
        r = LT_EUCLEAN;
    if (r < 0)
        return r;
    struct img_node *node = new_node(fs, id, &inode);
    if (!node)
        return LT_ENOMEM;
    if (inode.nlink == 0)
        node->state |= IMG_ORPHANED;
    if (img_is_stream(node) && inode.nlink > 0)
        r = load_main(fs, node);
    if (r < 0) {
        free(node);
        return r;
    }
    return insert(fs, node, ret);
}

int img_node_get_named(struct img_fs *fs, uint64_t id, uint32_t type, struct img_node **ret)
{
    struct img_node *node = NULL;
    lt_mutex_lock(&fs->table.lock);
    int r = find(fs, id, type, &node);
    lt_mutex_unlock(&fs->table.lock);
    if (r == 0)
        r = load(fs, id, type, &node);
    if (r < 0)
        return r;
    *ret = node;
    return 0;
}

int img_node_get(struct img_fs *fs, uint64_t id, struct img_node **ret)
{
    return img_node_get_named(fs, id, ANY_TYPE, ret);
}

/* ---- New nodes ----------------------------------------------------------------------------- */

/* Not yet counted. */
static int make(struct img_fs *fs, struct img_txn *txn, const struct lt_create *spec,
                struct img_node **ret) REQUIRES(img_items)
{
    struct lt_time now = lt_clock_now();
    struct img_inode inode = {
        .atime = now,
        .mtime = now,
        .ctime = now,
        .btime = now,
        .version = 1,
        .uid = spec->uid,
        .gid = spec->gid,
        .rdev = spec->rdev,
        .win_attrs = spec->win_attrs,
        .mode = (uint16_t)spec->mode,
    };
    struct img_node *node = new_node(fs, img_new_id(txn), &inode);
    if (!node)
        return LT_ENOMEM;
    lt_mutex_lock(&fs->table.lock);
    img_table_add(&fs->table, node);
    lt_mutex_unlock(&fs->table.lock);
    img_node_dirty(node);
    *ret = node;
    return 0;
}

int img_node_new(struct img_fs *fs, struct img_txn *txn, const struct lt_create *spec,
                 struct img_node **ret)
{
    int r = img_count_node(txn, 1);
    return r < 0 ? r : make(fs, txn, spec, ret);
}

int img_stream_new(struct img_node *main, struct img_txn *txn, struct img_node **ret)
{
    struct img_fs *fs = img_fs_of(main);
    const struct lt_create spec = {.mode = LT_S_STREAM};
    int r = make(fs, txn, &spec, ret);
    if (r < 0)
        return r;
    lt_node_get(&main->base);
    (*ret)->main = main;
    lt_mutex_lock(&fs->table.lock);
    main->streams++;
    lt_mutex_unlock(&fs->table.lock);
    return 0;
}

void img_node_dirty(struct img_node *node)
{
    struct img_fs *fs = img_fs_of(node);
    if (node->state & IMG_DIRTY)
        return;
    node->state |= IMG_DIRTY;
    img_touch(fs->store);
    node->dirty_next = NULL;
    node->dirty_prev = fs->dirty_last;
    *(fs->dirty_last ? &fs->dirty_last->dirty_next : &fs->dirty) = node;
    fs->dirty_last = node;
    fs->dirty_count++;
}

static void undirty(struct img_fs *fs, struct img_node *node) REQUIRES(img_items)
    REQUIRES(fs->table.lock)
{
    if (!(node->state & IMG_DIRTY))
        return;
    node->state &= ~(uint32_t)IMG_DIRTY;
    *(node->dirty_prev ? &node->dirty_prev->dirty_next : &fs->dirty) = node->dirty_next;
    *(node->dirty_next ? &node->dirty_next->dirty_prev : &fs->dirty_last) = node->dirty_prev;
    fs->dirty_count--;
}

void img_node_forget(struct img_node *node)
{
    struct img_fs *fs = img_fs_of(node);
    struct img_node *main = node->main;
    assert(!node->pending);
    lt_mutex_lock(&fs->table.lock);
    undirty(fs, node);
    img_table_remove(&fs->table, node);
    if (main)
        main->streams--;
    lt_mutex_unlock(&fs->table.lock);
    free(node);
    if (main)
        lt_node_put(&main->base); /* never the last: the caller has one */
}

/* ---- Sealing ------------------------------------------------------------------------------- */

static int put_inode(struct img_txn *txn, const struct img_node *node) REQUIRES(img_items)
{
    uint8_t value[IMG_INODE_MAX];
    struct img_inode inode = node->inode;
    if (has_data(node))
        inode.size = node->stable_size;
    size_t len = img_inode_encode(&inode, value);
    int r = img_put(txn, img_key(node->base.id, IMG_INODE, 0), value, len);
    if (r == 0 && (node->state & IMG_REMOVED))
        r = img_count_node(txn, 1);
    if (r == 0 && inode.nlink == 0 && !(node->state & IMG_ORPHANED))
        r = img_put(txn, img_key(IMG_ID_VOLUME, IMG_ORPHAN, node->base.id), value, 0);
    return r;
}

/* Nodes whose data still waits for its blocks are in memory anyway, and their items will be longer
 * when it has them: if not all has to be put, they are left out. */
static bool leave(const struct img_node *node, const struct img_txn *txn, size_t *left)
    REQUIRES_SHARED(img_items)
{
    if (node->waiting == 0 || *left >= txn->may_leave)
        return false;
    ++*left;
    return true;
}

int img_seal(void *arg, struct img_txn *txn)
{
    struct img_fs *fs = arg;
    struct img_node *node, *next;
    size_t left = 0;
    for (node = fs->dirty; node; node = node->dirty_next) {
        int r = leave(node, txn, &left) ? 0 : put_inode(txn, node);
        if (r < 0)
            return r;
    }
    left = 0;
    lt_mutex_lock(&fs->table.lock);
    for (node = fs->dirty; node; node = next) {
        next = node->dirty_next;
        if (leave(node, txn, &left))
            continue;
        if (node->inode.nlink == 0)
            node->state |= IMG_ORPHANED;
        node->state &= ~(uint32_t)IMG_REMOVED;
        undirty(fs, node);
        reap(&fs->table, node);
    }
    lt_mutex_unlock(&fs->table.lock);
    return (int)left;
}

/* ---- The end of nodes ---------------------------------------------------------------------- */

/* Deletes an item that may be missing. */
static int delete_if(struct img_txn *txn, struct img_key key)
{
    int r = img_delete(txn, key);
    return r == LT_ENOENT ? 0 : r;
}

/* The items that every object may have. */
static int remove_items(struct img_txn *txn, const struct img_node *node) REQUIRES(img_items)
{
    uint64_t id = node->base.id;
    int r = 0;
    if (node->base.type == LT_S_IFLNK)
        r = img_value_delete(txn, img_key(id, IMG_TARGET, 0));
    if (r == 0 || r == LT_ENOENT)
        r = delete_if(txn, img_key(id, IMG_INODE, 0));
    if (r == 0 && (node->state & IMG_ORPHANED))
        r = delete_if(txn, img_key(IMG_ID_VOLUME, IMG_ORPHAN, id));
    if (r == 0 && !img_is_stream(node) && !(node->state & IMG_REMOVED))
        r = img_count_node(txn, -1);
    return r;
}

/* Removes at most `max` extents, and all the rest if these were all; `before` is put back after an
 * error. 1: there is more. */
static int remove_in(struct img_txn *txn, struct img_node *node, size_t max,
                     const struct img_inode *before) REQUIRES(img_items)
{
    struct img_fs *fs = img_fs_of(node);
    bool more = false;
    int r = has_data(node) ? img_map_cut(txn, node, 0, max, &more) : 0;
    if (r == 0 && !more)
        r = remove_items(txn, node);
    if (r < 0) {
        node->inode = *before;
        return r;
    }
    if (more) {
        img_node_dirty(node);
        return 1;
    }
    node->state |= IMG_REMOVED;
    lt_mutex_lock(&fs->table.lock);
    undirty(fs, node);
    lt_mutex_unlock(&fs->table.lock);
    return 0;
}

/* Removes as much as fits one transaction; 1: there is more. With 0 nothing of it is left, and
 * nobody waits until that is durable: nobody asked for it, and the next open would do it, too. */
static int remove_some(struct img_node *node)
{
    struct img_txn txn;
    int r = img_begin(img_fs_of(node)->store, IMG_SHRINK, &txn);
    if (r)
        return r;
    const struct img_inode before = node->inode;
    r = remove_in(&txn, node, IMG_CUT_EXTENTS, &before);
    txn.lazy = r == 0;
    return img_end(&txn, r);
}

/* Whether nobody has the node but the caller, with one reference; then nobody will get it. */
static bool claim(struct img_node *node)
{
    struct img_table *table = &img_fs_of(node)->table;
    lt_mutex_lock(&table->lock);
    bool alone = atomic_load(&node->base.refs) == 1 && node->streams == 0;
    if (alone)
        node->base.flags |= IMG_DEAD;
    lt_mutex_unlock(&table->lock);
    return alone;
}

int img_node_discard(struct img_txn *txn, struct img_node *node, size_t max,
                     const struct img_inode *before)
{
    if (node->inode.has || !claim(node))
        return 0;
    int r = remove_in(txn, node, max, before);
    if (r >= 0)
        return 0;
    lt_mutex_lock(&img_fs_of(node)->table.lock);
    node->base.flags &= (uint16_t)~IMG_DEAD;
    lt_mutex_unlock(&img_fs_of(node)->table.lock);
    return r;
}

/* Removes what a node without names and references has on the image. */
static int remove_all(struct img_node *node)
{
    int r = node->base.fs->read_only ? LT_EROFS : 0;
    if (r == 0 && node->inode.has)
        r = img_ext_remove(node);
    do {
        r = r < 0 ? r : remove_some(node);
    } while (r > 0);
    return r;
}

/* The end of a node that has neither names nor references; `removed`: nor anything on the image.
 * What cannot be removed now (the volume is broken or read-only) stays in the table, dead; the next
 * open removes it. */
static void remove_object(struct img_node *node, bool removed)
{
    struct img_fs *fs = img_fs_of(node);
    if (has_data(node))
        img_data_drop(node);
    if (!removed && remove_all(node) < 0)
        return;
    lt_mutex_lock(&fs->table.lock);
    if (node->main)
        node->main->streams--;
    bool unused = node->streams == 0;
    if (unused)
        img_table_remove(&fs->table, node);
    lt_mutex_unlock(&fs->table.lock);
    if (unused)
        free(node);
}

void img_node_release(struct lt_node *base)
{
    struct img_node *node = img_node(base), *main = node->main;
    struct img_table *table = &img_fs_of(node)->table;
    lt_mutex_lock(&table->lock);
    if (node->revived > 0) { /* somebody has it again, and will put it again */
        node->revived--;
        lt_mutex_unlock(&table->lock);
        return;
    }
    bool dead = node->inode.nlink == 0;
    bool removed = (node->state & (IMG_REMOVED | IMG_DIRTY)) == IMG_REMOVED;
    base->flags |= dead ? IMG_DEAD : IMG_IDLE;
    if (!dead)
        reap(table, node);
    lt_mutex_unlock(&table->lock);
    if (dead)
        remove_object(node, removed);
    if (main)
        lt_node_put(&main->base);
}
