// SPDX-License-Identifier: MIT
/*
 * Names: lookup, create, link, remove. Each change is one transaction; what nodes say of themselves
 * in memory changes behind the last step that can fail.
 */
#include "change.h"
#include "dir.h"
#include "ext.h"
#include "ops.h"
#include "value.h"

#include <stdlib.h>

/* Fills what the caller gets; `entry` is NULL for a node without a name. The reference is his. */
static void fill_entry(struct img_node *node, const struct img_entry *entry, struct lt_str name,
                       struct lt_entry *ret) REQUIRES_SHARED(img_items)
{
    ret->node = &node->base;
    img_node_attr(node, &ret->attr);
    ret->exact = !entry || lt_str_equal(entry->name, name);
    if (!ret->stored)
        return;
    ret->stored_len = entry ? entry->name.len : 0;
    if (entry)
        memcpy(ret->stored, entry->name.s, entry->name.len);
    ret->stored[ret->stored_len] = 0;
}

static void put(struct img_node *node)
{
    if (node)
        lt_node_put(&node->base);
}

/* ---- Finding ------------------------------------------------------------------------------- */

static int lookup(struct img_node *dir, struct lt_str name, struct lt_entry *ret)
    REQUIRES_SHARED(img_items)
{
    struct img_entry entry;
    struct img_node *node;
    int r = img_dir_find(dir, name, &entry);
    if (r <= 0)
        return r < 0 ? r : LT_ENOENT;
    r = img_entry_node(img_fs_of(dir), &entry, &node);
    if (r == 0)
        fill_entry(node, &entry, name, ret);
    return r;
}

int imgfs_lookup(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                 struct lt_entry *ret)
{
    (void)ctx;
    struct img_node *dir = img_node(base);
    struct img_store *store = img_fs_of(dir)->store;
    img_read_lock(store);
    int r = lookup(dir, name, ret);
    img_read_unlock(store);
    return r;
}

int imgfs_parent(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node **ret)
{
    (void)ctx;
    struct img_node *dir = img_node(base), *parent = NULL;
    struct img_fs *fs = img_fs_of(dir);
    if (base == base->fs->root) {
        *ret = lt_node_get(base);
        return 0;
    }
    img_read_lock(fs->store);
    int r = dir->inode.parent ? img_node_get(fs, dir->inode.parent, &parent) : LT_ENOENT;
    img_read_unlock(fs->store);
    if (r == 0 && parent->base.type != LT_S_IFDIR)
        r = LT_EUCLEAN;
    if (r == 0)
        *ret = &parent->base;
    else
        put(parent);
    return r;
}

int imgfs_readlink(const struct lt_ctx *ctx, struct lt_node *base, char *buf, size_t size)
{
    (void)ctx;
    struct img_node *node = img_node(base);
    struct img_store *store = img_fs_of(node)->store;
    uint8_t *target;
    size_t len;
    img_read_lock(store);
    int r = img_value_get(store, img_key(base->id, IMG_TARGET, 0), LT_PATH_MAX, &target, &len);
    img_read_unlock(store);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    len = len < size ? len : size;
    memcpy(buf, target, len);
    free(target);
    img_accessed(node);
    return (int)len;
}

/* ---- Making names -------------------------------------------------------------------------- */

/* Whether `dir` may get an entry of this name, and in *ret its key. */
static int may_enter(const struct img_node *dir, struct lt_str name, uint32_t type, uint64_t *ret)
    REQUIRES_SHARED(img_items)
{
    struct img_entry entry;
    int r = img_dir_find(dir, name, &entry);
    if (r != 0)
        return r < 0 ? r : LT_EEXIST;
    r = img_dir_may_add(dir);
    if (r == 0 && type == LT_S_IFDIR && dir->inode.nlink >= LT_LINK_MAX)
        r = LT_EMLINK;
    if (r == 0 && entry.key == 0)
        r = LT_ENOSPC;
    *ret = entry.key;
    return r;
}

/* The items of a new node but its inode. */
static int fill_node(struct img_txn *txn, struct img_node *node, const struct lt_create *spec)
    REQUIRES(img_items)
{
    int r = 0;
    if (spec->target.len > 0) {
        r = img_value_put(txn, img_key(node->base.id, IMG_TARGET, 0), spec->target.s,
                          spec->target.len);
        node->inode.size = spec->target.len;
    }
    return r < 0 ? r : img_ext_create(txn, node, spec);
}

/* `key`: of the name in `dir`, 0 for none. */
static int make_node(struct img_txn *txn, struct img_node *dir, struct lt_str name, uint64_t key,
                     const struct lt_create *spec, struct img_node **ret) REQUIRES(img_items)
{
    struct img_node *node;
    int r = img_node_new(img_fs_of(dir), txn, spec, &node);
    if (r < 0)
        return r;
    r = fill_node(txn, node, spec);
    if (r == 0 && key != 0)
        r = img_entry_put(txn, dir, key, node, name);
    if (r < 0) {
        img_node_forget(node);
        return r;
    }
    *ret = node;
    return 0;
}

static int create_named(struct img_txn *txn, struct img_node *dir, struct lt_str name,
                        const struct lt_create *spec, struct img_node **ret) REQUIRES(img_items)
{
    struct img_node *node;
    uint64_t key;
    int r = may_enter(dir, name, spec->mode & LT_S_IFMT, &key);
    if (r == 0)
        r = make_node(txn, dir, name, key, spec, &node);
    if (r < 0)
        return r;
    node->inode.parent = dir->base.id;
    node->inode.entry = key;
    node->inode.nlink = node->base.type == LT_S_IFDIR ? 2 : 1;
    img_dir_count(dir, node, 1);
    img_modified(dir, node->inode.ctime);
    *ret = node;
    return 0;
}

static int create_unnamed(struct img_txn *txn, struct img_node *dir, const struct lt_create *spec,
                          struct img_node **ret) REQUIRES(img_items)
{
    int r = img_dir_may_add(dir);
    if (r == 0)
        r = make_node(txn, dir, lt_strn("", 0), 0, spec, ret);
    if (r == 0)
        (*ret)->state |= IMG_LINKABLE;
    return r;
}

/* Lack of space counts only where nothing else is wrong. */
static int no_room(struct img_node *dir, struct lt_str name, uint32_t type, int error)
{
    struct img_store *store = img_fs_of(dir)->store;
    uint64_t key;
    if (error != LT_ENOSPC)
        return error;
    img_read_lock(store);
    int r = name.len > 0 ? may_enter(dir, name, type, &key) : img_dir_may_add(dir);
    img_read_unlock(store);
    return r < 0 ? r : error;
}

int imgfs_create(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                 const struct lt_create *spec, struct lt_entry *ret)
{
    (void)ctx;
    struct img_node *dir = img_node(base), *node = NULL;
    struct img_entry entry = {.name = name};
    struct img_txn txn;
    size_t long_values = spec->acl.len + spec->default_acl.len + spec->security.len;
    int r = img_begin(img_fs_of(dir)->store, img_purpose_of(long_values), &txn);
    if (r)
        return no_room(dir, name, spec->mode & LT_S_IFMT, r);
    if (name.len > 0)
        r = create_named(&txn, dir, name, spec, &node);
    else
        r = create_unnamed(&txn, dir, spec, &node);
    if (r == 0)
        fill_entry(node, name.len > 0 ? &entry : NULL, name, ret);
    r = img_end(&txn, r);
    if (r < 0)
        put(node);
    return r;
}

/* Whether a node may get one more name, as vfs_link() asks. */
static int may_link(const struct img_node *node) REQUIRES_SHARED(img_items)
{
    int r = img_may_change(node);
    if (r == 0 && node->inode.nlink == 0 && !(node->state & IMG_LINKABLE))
        r = LT_ENOENT;
    if (r == 0 && node->inode.nlink >= LT_LINK_MAX)
        r = LT_EMLINK;
    return r;
}

/* Takes back that the node has no names, if that was put already. */
static int not_orphan(struct img_txn *txn, struct img_node *node) REQUIRES(img_items)
{
    if (!(node->state & IMG_ORPHANED))
        return 0;
    return img_delete(txn, img_key(IMG_ID_VOLUME, IMG_ORPHAN, node->base.id));
}

static int link_in(struct img_txn *txn, struct img_node *dir, struct lt_str name,
                   struct img_node *node) REQUIRES(img_items)
{
    struct lt_time now = lt_clock_now();
    uint64_t key;
    int r = may_enter(dir, name, node->base.type, &key);
    if (r == 0)
        r = may_link(node);
    if (r == 0)
        r = img_entry_put(txn, dir, key, node, name);
    if (r == 0)
        r = not_orphan(txn, node);
    if (r == 0)
        r = img_name_add(txn, node, (struct img_name){dir->base.id, key});
    if (r < 0)
        return r;
    node->state &= ~(uint32_t)IMG_ORPHANED;
    node->inode.nlink++;
    img_changed(node, now);
    img_dir_count(dir, node, 1);
    img_modified(dir, now);
    return 0;
}

int imgfs_link(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node *dir_base,
               struct lt_str name, struct lt_entry *ret)
{
    (void)ctx;
    struct img_node *node = img_node(base), *dir = img_node(dir_base);
    struct img_entry entry = {.name = name};
    struct img_txn txn;
    int r = img_begin(img_fs_of(dir)->store, IMG_GROW, &txn);
    if (r)
        return no_room(dir, name, base->type, r);
    r = link_in(&txn, dir, name, node);
    if (r == 0) {
        lt_node_get(base);
        fill_entry(node, &entry, name, ret);
    }
    bool linked = r == 0;
    r = img_end(&txn, r);
    if (r < 0 && linked)
        put(node);
    return r;
}

/* ---- Removing names ------------------------------------------------------------------------ */

static int may_remove(const struct img_node *dir, const struct img_node *node, uint32_t flags,
                      const struct lt_node *expect) REQUIRES_SHARED(img_items)
{
    if ((flags & LT_REMOVE_SAME) && expect != &node->base)
        return LT_ESTALE;
    int r = img_dir_may_take(dir);
    if (r == 0)
        r = img_may_change(node);
    if (r < 0)
        return r;
    if (node->base.type != LT_S_IFDIR)
        return (flags & (LT_REMOVE_DIR | LT_REMOVE_ANY)) == LT_REMOVE_DIR ? LT_ENOTDIR : 0;
    if (!(flags & (LT_REMOVE_DIR | LT_REMOVE_ANY)))
        return LT_EISDIR;
    return node->inode.size > 0 ? LT_ENOTEMPTY : 0;
}

static int remove_from(struct img_txn *txn, struct img_node *dir, const struct img_entry *entry,
                       struct img_node *node) REQUIRES(img_items)
{
    const struct img_inode before = node->inode;
    struct lt_time now = lt_clock_now();
    int r = img_delete(txn, img_key(dir->base.id, IMG_ENTRY, entry->key));
    if (r == 0)
        r = img_name_remove(txn, node, (struct img_name){dir->base.id, entry->key});
    if (r < 0)
        return r;
    node->inode.nlink = node->base.type == LT_S_IFDIR ? 0 : node->inode.nlink - 1;
    img_changed(node, now);
    if (node->inode.nlink == 0)
        r = img_node_discard(txn, node, IMG_CUT_EXTENTS, &before);
    if (r < 0)
        return r;
    img_dir_count(dir, node, -1);
    img_modified(dir, now);
    return 0;
}

int imgfs_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name, uint32_t flags,
                 struct lt_node *expect, struct lt_gone *ret)
{
    (void)ctx;
    struct img_node *dir = img_node(base), *node = NULL;
    struct img_fs *fs = img_fs_of(dir);
    struct img_entry entry;
    struct img_txn txn;
    int r = img_begin(fs->store, IMG_SHRINK, &txn);
    if (r)
        return r;
    r = img_dir_find(dir, name, &entry);
    r = r == 0 ? LT_ENOENT : r;
    if (r > 0)
        r = img_entry_node(fs, &entry, &node);
    if (r == 0)
        r = may_remove(dir, node, flags, expect);
    if (r == 0)
        r = remove_from(&txn, dir, &entry, node);
    r = img_end(&txn, r);
    if (r < 0)
        put(node);
    else
        ret->node = &node->base;
    return r;
}
