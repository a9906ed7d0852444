// SPDX-License-Identifier: MIT
#include "dir.h"

#include "hashed.h"
#include "store/varint.h"

#include <base/unicode.h>

/* ---- Entries ------------------------------------------------------------------------------- */

uint64_t img_dir_base(const struct img_fs *fs, struct lt_str name)
{
    const struct lt_hash_key *key = &fs->store->super.hash_key;
    uint64_t hash = fs->volume.name_case == LT_CASE_SENSITIVE ? lt_hash_bytes(key, name.s, name.len)
                                                              : lt_hash_name_nocase(key, name);
    return img_hashed_base(hash, IMG_ENTRY_STEP);
}

int img_entry_read(uint64_t key, const void *value, size_t len, struct img_entry *ret)
{
    struct img_reader r = img_reader(value, len);
    struct img_entry entry = {.key = key};
    entry.id = img_take_varint(&r);
    entry.type = (uint32_t)img_take_u8(&r) << 12;
    entry.name = lt_strn((const char *)r.at, img_left(&r));
    if (r.bad || entry.id < IMG_ID_FIRST || (entry.type & ~(uint32_t)LT_S_IFMT) ||
        lt_name_check(entry.name) < 0)
        return LT_EUCLEAN;
    *ret = entry;
    return 0;
}

struct search {
    struct lt_str name;
    bool nocase;
    struct img_entry found;
};

static int same_name(void *arg, struct img_key key, const void *value, size_t len)
{
    struct search *s = arg;
    int r = img_entry_read(key.off, value, len, &s->found);
    if (r < 0)
        return r;
    return lt_str_equal(s->found.name, s->name) ||
           (s->nocase && lt_name_equal_nocase(s->found.name, s->name));
}

int img_dir_find(const struct img_node *dir, struct lt_str name, struct img_entry *ret)
{
    struct img_fs *fs = img_fs_of(dir);
    struct search s = {.name = name, .nocase = fs->volume.name_case == LT_CASE_INSENSITIVE};
    struct img_key base = img_key(dir->base.id, IMG_ENTRY, img_dir_base(fs, name));
    uint64_t key;
    int r = img_hashed_find(fs->store, base, IMG_ENTRY_STEP, same_name, &s, &key);
    if (r > 0)
        *ret = s.found;
    else if (r == 0)
        *ret = (struct img_entry){.key = key};
    return r;
}

int img_entry_node(struct img_fs *fs, const struct img_entry *entry, struct img_node **ret)
{
    int r = img_node_get_named(fs, entry->id, entry->type, ret);
    return r == LT_ENOENT ? LT_EUCLEAN : r;
}

int img_entry_put(struct img_txn *txn, const struct img_node *dir, uint64_t key,
                  const struct img_node *node, struct lt_str name)
{
    uint8_t value[IMG_VARINT_MAX + 1 + LT_NAME_MAX];
    uint8_t *at = img_put_varint(value, node->base.id);
    *at++ = (uint8_t)(node->base.type >> 12);
    memcpy(at, name.s, name.len);
    at += name.len;
    return img_put(txn, img_key(dir->base.id, IMG_ENTRY, key), value, (size_t)(at - value));
}

/* On a damaged volume the counts may be too low already. */
void img_dir_count(struct img_node *dir, const struct img_node *child, int change)
{
    if (change > 0 || dir->inode.size > 0)
        dir->inode.size += (uint64_t)(int64_t)change;
    if (child->base.type == LT_S_IFDIR && (change > 0 || dir->inode.nlink > 2))
        dir->inode.nlink += (uint32_t)change;
}

int img_dir_may_add(const struct img_node *dir)
{
    if (dir->inode.nlink == 0)
        return LT_ENOENT;
    return dir->inode.inode_flags & LT_INODE_IMMUTABLE ? LT_EPERM : 0;
}

int img_dir_may_take(const struct img_node *dir)
{
    return img_may_change(dir);
}

/* ---- Names of an object -------------------------------------------------------------------- */

static int link_decode(const void *value, size_t len, struct img_name *ret)
{
    struct img_reader r = img_reader(value, len);
    struct img_name name = {.dir = img_take_varint(&r)};
    name.key = img_take_le64(&r);
    if (r.bad || img_left(&r) > 0 || name.dir == 0)
        return LT_EUCLEAN;
    *ret = name;
    return 0;
}

static int same_link(void *arg, struct img_key key, const void *value, size_t len)
{
    const struct img_name *wanted = arg;
    struct img_name name;
    (void)key;
    int r = link_decode(value, len, &name);
    return r < 0 ? r : name.dir == wanted->dir && name.key == wanted->key;
}

/* As img_hashed_find(); *ret is the key of the LINK item. */
static int link_find(const struct img_node *node, struct img_name name, struct img_key *ret)
    REQUIRES_SHARED(img_items)
{
    struct img_store *store = img_fs_of(node)->store;
    const struct lt_le64 bytes[2] = {lt_put_le64(name.dir), lt_put_le64(name.key)};
    uint64_t hash = lt_hash_bytes(&store->super.hash_key, bytes, sizeof(bytes));
    *ret = img_key(node->base.id, IMG_LINK, img_hashed_base(hash, IMG_ENTRY_STEP));
    return img_hashed_find(store, *ret, IMG_ENTRY_STEP, same_link, &name, &ret->off);
}

static bool is_first(const struct img_node *node, struct img_name name) REQUIRES_SHARED(img_items)
{
    return node->inode.parent == name.dir && node->inode.entry == name.key;
}

static void set_first(struct img_node *node, struct img_name name) REQUIRES(img_items)
{
    node->inode.parent = name.dir;
    node->inode.entry = name.key;
}

static int link_put(struct img_txn *txn, const struct img_node *node, struct img_name name)
    REQUIRES(img_items)
{
    uint8_t value[IMG_VARINT_MAX + sizeof(struct lt_le64)];
    struct lt_le64 entry = lt_put_le64(name.key);
    struct img_key key;
    int r = link_find(node, name, &key);
    if (r != 0)
        return r < 0 ? r : LT_EUCLEAN;
    if (key.off == 0)
        return LT_ENOSPC;
    uint8_t *at = img_put_varint(value, name.dir);
    memcpy(at, entry.b, sizeof(entry.b));
    return img_put(txn, key, value, (size_t)(at - value) + sizeof(entry.b));
}

static int link_delete(struct img_txn *txn, const struct img_node *node, struct img_name name)
    REQUIRES(img_items)
{
    struct img_key key;
    int r = link_find(node, name, &key);
    if (r <= 0)
        return r < 0 ? r : LT_EUCLEAN;
    return img_delete(txn, key);
}

/* The next LINK item from `key` on: 1, or 0 at the end. */
static int link_next(const struct img_node *node, struct img_key *key, struct img_name *ret)
    REQUIRES_SHARED(img_items)
{
    const void *value;
    size_t len;
    int r = img_next(img_fs_of(node)->store, key, &value, &len);
    if (r == LT_ENOENT || (r == 0 && (key->id != node->base.id || key->kind != IMG_LINK)))
        return 0;
    if (r == 0)
        r = link_decode(value, len, ret);
    return r < 0 ? r : 1;
}

int img_name_add(struct img_txn *txn, struct img_node *node, struct img_name name)
{
    if (node->inode.parent != 0)
        return link_put(txn, node, name);
    set_first(node, name);
    return 0;
}

int img_name_remove(struct img_txn *txn, struct img_node *node, struct img_name name)
{
    if (!is_first(node, name))
        return link_delete(txn, node, name);
    struct img_name heir = {0};
    if (node->inode.nlink > 1 && node->base.type != LT_S_IFDIR) {
        struct img_key key = img_key(node->base.id, IMG_LINK, 0);
        int r = link_next(node, &key, &heir);
        if (r > 0)
            r = img_delete(txn, key);
        else if (r == 0)
            r = LT_EUCLEAN;
        if (r < 0)
            return r;
    }
    set_first(node, heir);
    return 0;
}

int img_name_move(struct img_txn *txn, struct img_node *node, struct img_name from,
                  struct img_name to)
{
    if (!is_first(node, from)) {
        int r = link_delete(txn, node, from);
        return r < 0 ? r : link_put(txn, node, to);
    }
    set_first(node, to);
    return 0;
}

int img_name_each(struct img_node *node, int (*fn)(void *arg, struct img_name name), void *arg)
{
    struct img_name name = {node->inode.parent, node->inode.entry};
    if (name.dir == 0)
        return 0;
    struct img_key key = img_key(node->base.id, IMG_LINK, 0);
    int r = fn(arg, name);
    while (r == 0) {
        r = link_next(node, &key, &name);
        if (r <= 0)
            return r;
        key.off++;
        r = fn(arg, name);
    }
    return r;
}
