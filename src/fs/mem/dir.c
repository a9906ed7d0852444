// SPDX-License-Identifier: MIT
#include "dir.h"

#include <base/unicode.h>

#define HASH_BITS 55u
#define TWINS 256u /* names with one hash */

uint64_t mem_dir_hash(const struct mem_fs *fs, struct lt_str name)
{
    uint64_t hash = fs->name_case == LT_CASE_SENSITIVE
                        ? lt_hash_bytes(&fs->hash_key, name.s, name.len)
                        : lt_hash_name_nocase(&fs->hash_key, name);
    hash >>= 64 - HASH_BITS;
    return (hash ? hash : 1) * TWINS; /* cookies 0 to 2 have a meaning of their own */
}

static bool same_name(const struct mem_node *dir, const struct mem_entry *entry, struct lt_str name)
{
    if (entry->len == name.len && memcmp(entry->name, name.s, name.len) == 0)
        return true;
    return mem_fs_of(dir)->name_case == LT_CASE_INSENSITIVE &&
           lt_name_equal_nocase(mem_entry_name(entry), name);
}

struct mem_entry *mem_dir_find(const struct mem_node *dir, uint64_t hash, struct lt_str name,
                               uint64_t *ret_key)
{
    uint64_t key = hash;
    struct mem_entry *entry;
    while ((entry = mem_tree_next(&dir->tree, &key)) && key < hash + TWINS) {
        if (same_name(dir, entry, name)) {
            if (ret_key)
                *ret_key = key;
            return entry;
        }
        key++;
    }
    return NULL;
}

int mem_dir_insert(struct mem_node *dir, uint64_t hash, struct mem_entry *entry)
{
    uint64_t key = hash, taken = hash;
    while (mem_tree_next(&dir->tree, &taken) && taken == key)
        taken = ++key;
    if (key >= hash + TWINS)
        return LT_ENOSPC;
    return mem_tree_insert(&dir->tree, mem_arena_of(dir), key, entry);
}

struct mem_entry *mem_entry_new(struct mem_fs *fs, struct lt_str name)
{
    struct mem_entry *entry = mem_alloc(&fs->arena, offsetof(struct mem_entry, name) + name.len);
    if (!entry)
        return NULL;
    entry->node = NULL;
    entry->len = (uint16_t)name.len;
    memcpy(entry->name, name.s, name.len);
    return entry;
}

void mem_entry_free(struct mem_fs *fs, struct mem_entry *entry)
{
    if (entry)
        mem_free(&fs->arena, entry, offsetof(struct mem_entry, name) + entry->len);
}

void mem_entry_attach(struct mem_entry *entry, struct mem_node *node, struct mem_node *dir)
{
    entry->node = node;
    entry->dir = dir;
    entry->next = node->names;
    entry->prev = &node->names;
    if (node->names)
        node->names->prev = &entry->next;
    node->names = entry;
}

void mem_entry_detach(struct mem_entry *entry, struct mem_node *node)
{
    (void)node;
    *entry->prev = entry->next;
    if (entry->next)
        entry->next->prev = entry->prev;
}

int mem_dir_may_add(const struct mem_node *dir)
{
    if (dir->nlink == 0)
        return LT_ENOENT;
    return dir->inode_flags & LT_INODE_IMMUTABLE ? LT_EPERM : 0;
}

int mem_dir_may_take(const struct mem_node *dir)
{
    return dir->inode_flags & (LT_INODE_IMMUTABLE | LT_INODE_APPEND) ? LT_EPERM : 0;
}

int mem_may_change(const struct mem_node *node)
{
    return node->inode_flags & (LT_INODE_IMMUTABLE | LT_INODE_APPEND) ? LT_EPERM : 0;
}
