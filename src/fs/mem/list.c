// SPDX-License-Identifier: MIT
/* Listings. The cookie of an entry is its key, so a listing goes on behind it whatever came or
 * went. */
#include "dir.h"
#include "ops.h"

struct listing {
    uint32_t flags;
    int (*fn)(void *arg, const struct lt_dirent *entry);
    void *arg;
};

/* Offers one entry; returns what fn says. */
static int list_entry(const struct listing *l, uint64_t key, const struct mem_entry *entry)
{
    struct mem_node *node = entry->node;
    struct lt_attr attr;
    struct lt_dirent d = {
        .name = mem_entry_name(entry),
        .id = node->base.id,
        .next = key,
        .mode = node->base.type,
    };
    if (l->flags & LT_READDIR_PLUS) {
        lt_rwlock_read(&node->lock);
        mem_node_attr(node, &attr);
        lt_rwlock_read_unlock(&node->lock);
        d.attr = &attr;
        d.node = lt_node_get(&node->base);
    }
    int result = l->fn(l->arg, &d);
    if (result != 0)
        lt_node_put(d.node);
    return result;
}

int mem_readdir(const struct lt_ctx *ctx, struct lt_node *base, uint64_t cookie, uint32_t flags,
                int (*fn)(void *arg, const struct lt_dirent *entry), void *arg)
{
    (void)ctx;
    struct mem_node *dir = mem_node(base);
    struct listing l = {flags, fn, arg};
    const uint64_t *keys;
    void *const *entries;
    uint64_t from = cookie < INT64_MAX ? cookie + 1 : INT64_MAX;
    int stopped = 0;
    size_t count;
    lt_rwlock_read(&dir->lock);
    while (!stopped && (count = mem_tree_scan(&dir->tree, from, &keys, &entries)) > 0) {
        for (size_t i = 0; i < count && !stopped; i++)
            stopped = list_entry(&l, keys[i], entries[i]) != 0;
        from = keys[count - 1] + 1;
    }
    lt_rwlock_read_unlock(&dir->lock);
    mem_accessed(dir);
    return stopped;
}

int mem_readdir_after(const struct lt_ctx *ctx, struct lt_node *base, struct lt_str name,
                      uint64_t *ret_cookie)
{
    (void)ctx;
    struct mem_node *dir = mem_node(base);
    uint64_t hash = mem_dir_hash(mem_fs_of(dir), name), key = hash;
    lt_rwlock_read(&dir->lock);
    bool found = mem_dir_find(dir, hash, name, &key) != NULL;
    lt_rwlock_read_unlock(&dir->lock);
    *ret_cookie = found ? key : hash;
    return 0;
}
