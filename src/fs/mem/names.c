// SPDX-License-Identifier: MIT
/* Names: lookup, create, link, remove, and the way back from a node to its names. */
#include "dir.h"
#include "ops.h"

/* Fills what the caller gets: `entry` may be NULL for a node without a name. */
static void fill_entry(const struct mem_entry *entry, struct mem_node *node, struct lt_str name,
                       struct lt_entry *ret)
{
    ret->node = lt_node_get(&node->base);
    lt_rwlock_read(&node->lock);
    mem_node_attr(node, &ret->attr);
    lt_rwlock_read_unlock(&node->lock);
    ret->exact = !entry || lt_str_equal(mem_entry_name(entry), name);
    if (!ret->stored)
        return;
    ret->stored_len = entry ? entry->len : 0;
    if (entry)
        memcpy(ret->stored, entry->name, entry->len);
    ret->stored[ret->stored_len] = 0;
}

int mem_lookup(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
               struct lt_entry *ret)
{
    (void)ctx;
    struct mem_node *dir = mem_node(base);
    uint64_t hash = mem_dir_hash(mem_fs_of(dir), name);
    lt_rwlock_read(&dir->lock);
    const struct mem_entry *entry = mem_dir_find(dir, hash, name, NULL);
    if (entry)
        fill_entry(entry, entry->node, name, ret);
    lt_rwlock_read_unlock(&dir->lock);
    return entry ? 0 : LT_ENOENT;
}

int mem_parent(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node **ret)
{
    (void)ctx;
    struct mem_node *dir = mem_node(base);
    struct lt_node *parent = NULL;
    lt_rwlock_read(&dir->lock);
    if (base == base->fs->root)
        parent = lt_node_get(base);
    else if (dir->names)
        parent = lt_node_get(&dir->names->dir->base);
    lt_rwlock_read_unlock(&dir->lock);
    if (!parent)
        return LT_ENOENT;
    *ret = parent;
    return 0;
}

int mem_names(const struct lt_ctx *ctx, struct lt_node *base,
              int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg)
{
    (void)ctx;
    struct mem_node *node = mem_main(mem_node(base));
    int result = 0;
    lt_rwlock_read(&node->lock);
    for (const struct mem_entry *e = node->names; e && result == 0; e = e->next)
        result = fn(arg, &e->dir->base, mem_entry_name(e));
    lt_rwlock_read_unlock(&node->lock);
    return result;
}

int mem_readlink(const struct lt_ctx *ctx, struct lt_node *base, char *buf, size_t size)
{
    (void)ctx;
    struct mem_node *node = mem_node(base);
    size_t len = node->target_len < size ? node->target_len : size;
    memcpy(buf, node->target, len);
    mem_accessed(node);
    return (int)len;
}

/* ---- Making names -------------------------------------------------------------------------- */

/* Puts a node that nobody else works on into a directory. On success the entry is in use. */
static int create_in(struct mem_node *dir, struct lt_str name, struct mem_node *node,
                     struct mem_entry *entry, struct lt_entry *ret) REQUIRES(dir->lock)
{
    uint64_t hash = mem_dir_hash(mem_fs_of(dir), name);
    if (mem_dir_find(dir, hash, name, NULL))
        return LT_EEXIST;
    int error = mem_dir_may_add(dir);
    if (!error && mem_is_dir(node) && dir->nlink >= LT_LINK_MAX)
        error = LT_EMLINK;
    if (!error)
        error = mem_dir_insert(dir, hash, entry);
    if (error)
        return error;

    lt_rwlock_write(&node->lock);
    mem_entry_attach(entry, node, dir);
    node->nlink = mem_is_dir(node) ? 2 : 1;
    struct mem_time now = node->ctime;
    lt_rwlock_write_unlock(&node->lock);
    if (mem_is_dir(node))
        dir->nlink++;
    mem_modified(dir, now);
    fill_entry(entry, node, name, ret); /* its reference is the caller's, the first the entry's */
    return 0;
}

static int create_unnamed(struct mem_node *dir, struct mem_node *node, struct lt_entry *ret)
{
    lt_rwlock_read(&dir->lock);
    int error = mem_dir_may_add(dir);
    lt_rwlock_read_unlock(&dir->lock);
    if (error)
        return error;
    node->base.flags |= MEM_LINKABLE;
    fill_entry(NULL, node, lt_strn("", 0), ret);
    lt_node_put(&node->base);
    return 0;
}

/* Lack of memory counts only where nothing else is wrong. */
static int create_failed(struct mem_node *dir, struct lt_str name)
{
    lt_rwlock_read(&dir->lock);
    int error = mem_dir_may_add(dir);
    if (name.len > 0 && mem_dir_find(dir, mem_dir_hash(mem_fs_of(dir), name), name, NULL))
        error = LT_EEXIST;
    lt_rwlock_read_unlock(&dir->lock);
    return error ? error : LT_ENOSPC;
}

int mem_create(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
               const struct lt_create *spec, struct lt_entry *ret)
{
    (void)ctx;
    struct mem_node *dir = mem_node(base), *node;
    struct mem_fs *fs = mem_fs_of(dir);
    struct mem_entry *entry = NULL;
    if (mem_node_new(fs, spec, &node) < 0)
        return create_failed(dir, name);
    int error;
    if (name.len == 0) {
        error = create_unnamed(dir, node, ret);
    } else if (!(entry = mem_entry_new(fs, name))) {
        error = create_failed(dir, name);
    } else {
        lt_rwlock_write(&dir->lock);
        error = create_in(dir, name, node, entry, ret);
        lt_rwlock_write_unlock(&dir->lock);
    }
    if (error) {
        mem_entry_free(fs, entry);
        lt_node_put(&node->base);
    }
    return error;
}

/* Whether a node may get one more name, as vfs_link() asks. */
static int may_link(const struct mem_node *node) REQUIRES_SHARED(node->lock)
{
    int error = mem_may_change(node);
    if (!error && node->nlink == 0 && !(node->base.flags & MEM_LINKABLE))
        error = LT_ENOENT;
    if (!error && node->nlink >= LT_LINK_MAX)
        error = LT_EMLINK;
    return error;
}

static int link_in(struct mem_node *dir, struct lt_str name, struct mem_node *node,
                   struct mem_entry *entry) REQUIRES(dir->lock)
{
    uint64_t hash = mem_dir_hash(mem_fs_of(dir), name);
    if (mem_dir_find(dir, hash, name, NULL))
        return LT_EEXIST;
    int error = mem_dir_may_add(dir);
    if (error)
        return error;
    struct mem_time now = mem_now();
    lt_rwlock_write(&node->lock);
    error = may_link(node);
    if (!error)
        error = entry ? mem_dir_insert(dir, hash, entry) : LT_ENOSPC;
    if (!error) {
        lt_node_get(&node->base);
        mem_entry_attach(entry, node, dir);
        node->nlink++;
        mem_changed(node, now);
    }
    lt_rwlock_write_unlock(&node->lock);
    if (!error)
        mem_modified(dir, now);
    return error;
}

int mem_link(const struct lt_ctx *ctx, struct lt_node *base, struct lt_node *dir_base,
             struct lt_str name, struct lt_entry *ret)
{
    (void)ctx;
    struct mem_node *node = mem_node(base), *dir = mem_node(dir_base);
    struct mem_fs *fs = mem_fs_of(dir);
    struct mem_entry *entry = mem_entry_new(fs, name);
    lt_rwlock_write(&dir->lock);
    int error = link_in(dir, name, node, entry);
    if (!error)
        fill_entry(entry, node, name, ret);
    lt_rwlock_write_unlock(&dir->lock);
    if (error)
        mem_entry_free(fs, entry);
    return error;
}

/* ---- Removing names ------------------------------------------------------------------------ */

static int may_remove(const struct mem_node *dir, const struct mem_node *node, uint32_t flags,
                      const struct lt_node *expect) REQUIRES_SHARED(dir->lock)
    REQUIRES_SHARED(node->lock)
{
    if ((flags & LT_REMOVE_SAME) && expect != &node->base)
        return LT_ESTALE;
    int error = mem_dir_may_take(dir);
    if (!error)
        error = mem_may_change(node);
    if (error)
        return error;
    if (!mem_is_dir(node))
        return (flags & (LT_REMOVE_DIR | LT_REMOVE_ANY)) == LT_REMOVE_DIR ? LT_ENOTDIR : 0;
    if (!(flags & (LT_REMOVE_DIR | LT_REMOVE_ANY)))
        return LT_EISDIR;
    return node->tree.count > 0 ? LT_ENOTEMPTY : 0;
}

int mem_remove(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name, uint32_t flags,
               struct lt_node *expect, struct lt_gone *ret)
{
    (void)ctx;
    struct mem_node *dir = mem_node(base);
    struct mem_fs *fs = mem_fs_of(dir);
    uint64_t hash = mem_dir_hash(fs, name), key;
    lt_rwlock_write(&dir->lock);
    struct mem_entry *entry = mem_dir_find(dir, hash, name, &key);
    if (!entry) {
        lt_rwlock_write_unlock(&dir->lock);
        return LT_ENOENT;
    }
    struct mem_node *node = entry->node;
    lt_rwlock_write(&node->lock);
    int error = may_remove(dir, node, flags, expect);
    if (!error) {
        struct mem_time now = mem_now();
        mem_entry_detach(entry, node);
        node->nlink = mem_is_dir(node) ? 0 : node->nlink - 1;
        mem_changed(node, now);
        mem_tree_remove(&dir->tree, &fs->arena, key);
        dir->nlink -= mem_is_dir(node);
        mem_modified(dir, now);
    }
    lt_rwlock_write_unlock(&node->lock);
    lt_rwlock_write_unlock(&dir->lock);
    if (error)
        return error;
    mem_entry_free(fs, entry);
    ret->node = &node->base; /* with the entry's reference */
    return 0;
}
