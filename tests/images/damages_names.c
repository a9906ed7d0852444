// SPDX-License-Identifier: MIT
/* Names. */
#include "damages.h"

#include <fs/image/store/varint.h>
#include <stdlib.h>

static struct damage d;

static void entry_dangling(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(damage_child(&d, "size-4096"), IMG_INODE, 0));
    d.view.super.nodes--;
    damage_end(&d);
}

static void entry_type(struct lt_device *dev)
{
    uint64_t child;
    size_t len;
    damage_begin(&d, dev);
    struct img_key key = damage_find(&d, "pipe", false, &child);
    uint8_t *value = damage_get(&d, key, &len);
    value[len - 5] = LT_S_IFSOCK >> 12;
    damage_put(&d, key, value, len);
    free(value);
    damage_end(&d);
}

static void add_entry(uint64_t dir, const char *name, uint64_t child, unsigned type)
{
    uint8_t value[300];
    uint8_t *end = img_put_varint(value, child);
    *end++ = (uint8_t)type;
    memcpy(end, name, strlen(name));
    damage_put(&d, img_key(dir, IMG_ENTRY, img_name_base(&d.view, lt_str(name), false)), value,
               (size_t)(end - value) + strlen(name));
    struct img_inode inode;
    damage_get_inode(&d, dir, &inode);
    inode.size++;
    inode.nlink += type == LT_S_IFDIR >> 12;
    damage_put_inode(&d, dir, &inode);
}

static void entry_unknown(struct lt_device *dev)
{
    damage_begin(&d, dev);
    add_entry(damage_child(&d, "types"), "another name", damage_child(&d, "size-4096"),
              LT_S_IFREG >> 12);
    damage_end(&d);
}

static void directory_names(struct lt_device *dev)
{
    damage_begin(&d, dev);
    add_entry(damage_child(&d, "types"), "another name", damage_child(&d, "times"),
              LT_S_IFDIR >> 12);
    damage_end(&d);
}

static void drop_entry_of(const char *name)
{
    uint64_t child;
    struct img_inode inode;
    struct img_key key = damage_find(&d, name, false, &child);
    damage_drop(&d, key);
    damage_get_inode(&d, key.id, &inode);
    inode.size--;
    damage_put_inode(&d, key.id, &inode);
}

static void name_missing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    drop_entry_of("link 3");
    damage_end(&d);
}

static void only_name_missing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    drop_entry_of("size-20000");
    damage_end(&d);
}

static void entry_key(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    struct img_key key = damage_find(&d, "size-20000", false, &child), to = key;
    to.off ^= UINT64_C(1) << 33;
    damage_move(&d, key, to);
    damage_end(&d);
}

static void entry_name(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    struct img_key key = damage_find(&d, "size-20000", false, &child), to = key;
    size_t len;
    uint8_t *value = damage_get(&d, key, &len);
    value[len - 1] = '/';
    to.off = img_name_base(&d.view, lt_str("size-2000/"), false);
    damage_drop(&d, key);
    damage_put(&d, to, value, len);
    free(value);
    damage_end(&d);
}

static void entry_twice(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    struct img_key key = damage_find(&d, "size-20000", false, &child), to = key;
    size_t len;
    uint8_t *value = damage_get(&d, key, &len);
    to.off++;
    damage_put(&d, to, value, len);
    free(value);
    damage_end(&d);
}

static void directory_loop(struct lt_device *dev)
{
    struct img_inode inode;
    uint64_t child;
    damage_begin(&d, dev);
    struct img_key key = damage_find(&d, "names", false, &child);
    uint64_t below = damage_child(&d, "many");
    damage_drop(&d, key);
    damage_get_inode(&d, 1, &inode);
    inode.size--;
    inode.nlink--;
    damage_put_inode(&d, 1, &inode);
    add_entry(below, "names", child, LT_S_IFDIR >> 12);
    damage_get_inode(&d, child, &inode);
    inode.parent = below;
    inode.entry = img_name_base(&d.view, lt_str("names"), false);
    damage_put_inode(&d, child, &inode);
    damage_end(&d);
}

static void nameless(struct lt_device *dev)
{
    damage_begin(&d, dev);
    uint64_t id = damage_child(&d, "size-20000");
    struct img_inode inode;
    drop_entry_of("size-20000");
    damage_get_inode(&d, id, &inode);
    inode.parent = inode.entry = 0;
    damage_put_inode(&d, id, &inode);
    damage_end(&d);
}

static void link_key(struct lt_device *dev)
{
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, damage_child(&d, "linked"), IMG_LINK), to = key;
    to.off ^= UINT64_C(1) << 20;
    damage_move(&d, key, to);
    damage_end(&d);
}

static void stream_dangling(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    damage_find(&d, "empty", true, &child);
    damage_drop(&d, img_key(child, IMG_INODE, 0));
    damage_end(&d);
}

static void stream_lost(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    damage_drop(&d, damage_find(&d, "large", true, &child));
    damage_end(&d);
}

static void stream_name(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    struct img_key key = damage_find(&d, "large", true, &child), to = key;
    to.off ^= UINT64_C(1) << 50;
    damage_move(&d, key, to);
    damage_end(&d);
}

const struct damage_case damages_names[] = {
    {"entry of nothing", 501, entry_dangling},
    {"type of an entry", 502, entry_type},
    {"entry that the file does not know", 503, entry_unknown},
    {"a link's entry is missing", 504, name_missing},
    {"the only entry is missing", 504, only_name_missing},
    {"key of an entry", 505, entry_key},
    {"bad name", 506, entry_name},
    {"the same name twice", 507, entry_twice},
    {"loop of directories", 508, directory_loop},
    {"file without a name", 509, nameless},
    {"key of a link", 510, link_key},
    {"directory with two names", 511, directory_names},
    {"stream dangling", 521, stream_dangling},
    {"key of a stream", 522, stream_name},
    {"stream lost", 523, stream_lost, .more = true},
    {0},
};
