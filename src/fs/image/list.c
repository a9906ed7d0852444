// SPDX-License-Identifier: MIT
/* Listings, and the names of a node. The cookie of an entry is its key, so a listing goes on behind
 * it whatever came or went. */
#include "dir.h"
#include "ops.h"

struct listing {
    struct img_fs *fs;
    uint64_t dir;
    uint32_t flags;
    int (*fn)(void *arg, const struct lt_dirent *entry);
    void *arg;
};

enum { STOPPED = 1, ENDED = 2 };

/* Offers an entry with its node. */
static int offer_plus(const struct listing *l, const struct img_entry *entry, struct lt_dirent *d)
    REQUIRES_SHARED(img_items)
{
    struct lt_attr attr;
    struct img_node *node;
    int r = img_entry_node(l->fs, entry, &node);
    if (r < 0)
        return r;
    img_node_attr(node, &attr);
    d->attr = &attr;
    d->node = &node->base;
    if (l->fn(l->arg, d) == 0)
        return 0;
    lt_node_put(&node->base); /* it has a name: nothing is removed here */
    return STOPPED;
}

static int list_entry(void *arg, struct img_key key, const void *value,
                      size_t len) NO_THREAD_SAFETY_ANALYSIS
{
    const struct listing *l = arg;
    struct img_entry entry;
    if (key.id != l->dir || key.kind != IMG_ENTRY)
        return ENDED;
    int r = img_entry_read(key.off, value, len, &entry);
    if (r < 0)
        return r;
    struct lt_dirent d = {
        .name = entry.name,
        .id = entry.id,
        .next = entry.key,
        .mode = entry.type,
    };
    if (l->flags & LT_READDIR_PLUS)
        return offer_plus(l, &entry, &d);
    return l->fn(l->arg, &d) == 0 ? 0 : STOPPED;
}

int imgfs_readdir(const struct lt_ctx *ctx, struct lt_node *base, uint64_t cookie, uint32_t flags,
                  int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    (void)ctx;
    struct img_node *dir = img_node(base);
    struct listing l = {img_fs_of(dir), base->id, flags, fn, arg};
    uint64_t from = cookie < INT64_MAX ? cookie + 1 : INT64_MAX;
    img_read_lock(l.fs->store);
    int r = img_scan(l.fs->store, img_key(base->id, IMG_ENTRY, from), list_entry, &l);
    img_read_unlock(l.fs->store);
    if (r < 0)
        return r;
    img_accessed(dir);
    return r == STOPPED;
}

int imgfs_readdir_after(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                        uint64_t *ret_cookie)
{
    (void)ctx;
    struct img_node *dir = img_node(base);
    struct img_fs *fs = img_fs_of(dir);
    struct img_entry entry;
    img_read_lock(fs->store);
    int r = img_dir_find(dir, name, &entry);
    img_read_unlock(fs->store);
    if (r < 0)
        return r;
    *ret_cookie = r > 0 ? entry.key : img_dir_base(fs, name);
    return 0;
}

/* ---- From a node to its names -------------------------------------------------------------- */

struct naming {
    struct img_fs *fs;
    int (*fn)(void *arg, struct lt_node *dir, struct lt_str name);
    void *arg;
};

static int offer_name(void *arg, struct img_name name) NO_THREAD_SAFETY_ANALYSIS
{
    const struct naming *n = arg;
    struct img_entry entry;
    struct img_node *dir;
    const void *value;
    size_t len;
    int r = img_get(n->fs->store, img_key(name.dir, IMG_ENTRY, name.key), &value, &len);
    if (r == 0)
        r = img_entry_read(name.key, value, len, &entry);
    if (r == 0)
        r = img_node_get_named(n->fs, name.dir, LT_S_IFDIR, &dir);
    if (r < 0)
        return r == LT_ENOENT ? LT_EUCLEAN : r;
    r = n->fn(n->arg, &dir->base, entry.name);
    lt_node_put(&dir->base); /* it has a name: nothing is removed here */
    return r;
}

int imgfs_names(const struct lt_ctx *ctx, struct lt_node *base,
                int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg)
{
    (void)ctx;
    struct img_node *node = img_main(img_node(base));
    struct naming n = {img_fs_of(node), fn, arg};
    img_read_lock(n.fs->store);
    int r = img_name_each(node, offer_name, &n);
    img_read_unlock(n.fs->store);
    return r;
}
