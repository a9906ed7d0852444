// SPDX-License-Identifier: MIT
/* Names that the server told us of: see struct fuse_name. */
#include "table.h"
#include "table_private.h"

#include <base/unicode.h>
#include <stdlib.h>

#define ABSENT_MAX 4096u /* names remembered not to exist */
#define NAMES_MAX 16u    /* of one node */

static uint64_t key_of(const struct fuse_fs *fs, const struct fuse_node *dir, struct lt_str name)
{
    return lt_hash_bytes(&fs->hash_key, name.s, name.len) ^ lt_hash_u64(dir->node.id);
}

static struct fuse_name *find_locked(struct fuse_fs *fs, const struct fuse_node *dir,
                                     struct lt_str name) REQUIRES(fs->table.lock)
{
    uint64_t key = key_of(fs, dir, name);
    struct fuse_name *n = fs->table.by_name[key & (fs->table.buckets - 1)];
    while (n && (n->key != key || n->dir != dir || !lt_str_equal(lt_strn(n->text, n->len), name)))
        n = n->hash;
    return n;
}

static void link_locked(struct fuse_name **head, struct fuse_name *n)
{
    n->next = *head;
    n->prev = head;
    if (*head)
        (*head)->prev = &n->next;
    *head = n;
}

static void unlink_locked(struct fuse_name *n)
{
    *n->prev = n->next;
    if (n->next)
        n->next->prev = n->prev;
}

static void free_locked(struct fuse_table *t, struct fuse_name *n) REQUIRES(t->lock)
{
    struct fuse_name **at = &t->by_name[n->key & (t->buckets - 1)];
    while (*at != n)
        at = &(*at)->hash;
    *at = n->hash;
    unlink_locked(n);
    if (n->node) {
        fuse_put_locked(t, n->dir);
    } else {
        *(n->newer ? &n->newer->older : &t->newest_absent) = n->older;
        *(n->older ? &n->older->newer : &t->oldest_absent) = n->newer;
        t->absent--;
    }
    free(n);
}

void fuse_names_clear_locked(struct fuse_table *t, struct fuse_node *node)
{
    while (node->names)
        free_locked(t, node->names);
    while (node->absent)
        free_locked(t, node->absent);
}

static void add_locked(struct fuse_table *t, struct fuse_name *n) REQUIRES(t->lock)
{
    struct fuse_name **at = &t->by_name[n->key & (t->buckets - 1)];
    n->hash = *at;
    *at = n;
    if (n->node) {
        fuse_get_locked(t, n->dir);
        link_locked(&n->node->names, n);
        return;
    }
    link_locked(&n->dir->absent, n);
    n->newer = NULL;
    n->older = t->newest_absent;
    *(t->newest_absent ? &t->newest_absent->newer : &t->oldest_absent) = n;
    t->newest_absent = n;
    if (++t->absent > ABSENT_MAX)
        free_locked(t, t->oldest_absent);
}

/* A directory has one name; others forget the oldest of too many. */
static void make_room_locked(struct fuse_table *t, struct fuse_node *node) REQUIRES(t->lock)
{
    unsigned max = node->node.type == LT_S_IFDIR ? 1 : NAMES_MAX, count = 0;
    struct fuse_name *n = node->names, *next;
    for (; n; n = next) {
        next = n->next;
        if (++count > max)
            free_locked(t, n);
    }
}

static uint64_t until(uint64_t ns)
{
    uint64_t now = ns == 0 ? 0 : lt_clock_ns();
    return ns == 0 ? 0 : ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

void fuse_name_learn(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                     struct fuse_node *node, uint64_t ns, uint64_t begun)
{
    uint64_t end = until(ns < fs->options.entry_ns ? ns : fs->options.entry_ns);
    struct fuse_name *fresh = NULL;
    if (node || end > 0)
        fresh = malloc(sizeof(*fresh) + name.len); /* without memory nothing is remembered */
    lt_mutex_lock(&fs->table.lock);
    if (atomic_load(&dir->changed) > begun)
        end = 0;
    struct fuse_name *n = find_locked(fs, dir, name);
    if (n && n->node == node && end > 0) {
        n->until_ns = end;
    } else {
        if (n)
            free_locked(&fs->table, n);
        if (fresh && (node || end > 0)) {
            *fresh = (struct fuse_name){.dir = dir,
                                        .node = node,
                                        .until_ns = end,
                                        .key = key_of(fs, dir, name),
                                        .len = (uint16_t)name.len};
            memcpy(fresh->text, name.s, name.len);
            add_locked(&fs->table, fresh);
            if (node)
                make_room_locked(&fs->table, node);
            fresh = NULL;
        }
    }
    lt_mutex_unlock(&fs->table.lock);
    free(fresh);
}

void fuse_name_drop(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name)
{
    lt_mutex_lock(&fs->table.lock);
    struct fuse_name *n = find_locked(fs, dir, name);
    if (n)
        free_locked(&fs->table, n);
    lt_mutex_unlock(&fs->table.lock);
}

static bool is_same(const struct fuse_fs *fs, const struct fuse_name *n,
                    const struct fuse_node *dir, struct lt_str name)
{
    struct lt_str text = lt_strn(n->text, n->len);
    if (n->dir != dir)
        return false;
    return fs->volume.name_case == LT_CASE_INSENSITIVE ? lt_name_equal_nocase(text, name)
                                                       : lt_str_equal(text, name);
}

void fuse_node_unname(struct fuse_fs *fs, struct fuse_node *node, struct fuse_node *dir,
                      struct lt_str name)
{
    lt_mutex_lock(&fs->table.lock);
    for (struct fuse_name *n = node->names, *next; n; n = next) {
        next = n->next;
        if (is_same(fs, n, dir, name))
            free_locked(&fs->table, n);
    }
    lt_mutex_unlock(&fs->table.lock);
}

void fuse_name_expire(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name)
{
    lt_mutex_lock(&fs->table.lock);
    struct fuse_name *n = find_locked(fs, dir, name);
    if (n)
        n->until_ns = 0;
    lt_mutex_unlock(&fs->table.lock);
}

void fuse_name_move(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                    struct fuse_node *new_dir, struct lt_str new_name, uint64_t begun)
{
    struct fuse_node *node = NULL;
    uint64_t now = lt_clock_ns(), left = 0;
    lt_mutex_lock(&fs->table.lock);
    struct fuse_name *n = find_locked(fs, dir, name);
    if (n) {
        left = n->until_ns == UINT64_MAX ? UINT64_MAX : n->until_ns > now ? n->until_ns - now : 0;
        node = n->node;
        if (node)
            fuse_get_locked(&fs->table, node);
        free_locked(&fs->table, n);
    }
    lt_mutex_unlock(&fs->table.lock);
    if (!node) {
        fuse_name_drop(fs, new_dir, new_name);
        return;
    }
    fuse_name_learn(fs, new_dir, new_name, node, left, begun);
    lt_node_put(&node->node);
}

bool fuse_node_has_name(struct fuse_node *node)
{
    struct fuse_table *t = &fuse_fs_of(node)->table;
    lt_mutex_lock(&t->lock);
    bool has = node->names != NULL;
    lt_mutex_unlock(&t->lock);
    return has;
}

enum fuse_known fuse_name_find(struct fuse_fs *fs, struct fuse_node *dir, struct lt_str name,
                               bool stale, struct fuse_node **ret)
{
    enum fuse_known known = FUSE_UNKNOWN;
    uint64_t now = lt_clock_ns();
    lt_mutex_lock(&fs->table.lock);
    struct fuse_name *n = find_locked(fs, dir, name);
    if (n && n->node && (stale || n->until_ns > now)) {
        known = FUSE_PRESENT;
        fuse_get_locked(&fs->table, n->node);
        *ret = n->node;
    } else if (n && !n->node && n->until_ns > now) {
        known = FUSE_ABSENT;
    }
    lt_mutex_unlock(&fs->table.lock);
    return known;
}

int fuse_node_name(struct fuse_node *node, struct fuse_node **ret_dir, char *buf, size_t *ret_len)
{
    struct fuse_table *t = &fuse_fs_of(node)->table;
    int r = LT_ENOENT;
    lt_mutex_lock(&t->lock);
    struct fuse_name *n = node->names;
    if (n) {
        fuse_get_locked(t, n->dir);
        *ret_dir = n->dir;
        memcpy(buf, n->text, n->len);
        *ret_len = n->len;
        r = 0;
    }
    lt_mutex_unlock(&t->lock);
    return r;
}
