// SPDX-License-Identifier: MIT
#include "lost.h"

#include <fs/image/hashed.h>
#include <fs/image/store/varint.h>
#include <inttypes.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME "lost+found"

static int put_inode(struct img_view *view, uint64_t id, const struct img_inode *inode)
{
    uint8_t bytes[IMG_INODE_MAX];
    return img_view_put(view, img_key(id, IMG_INODE, 0), bytes, img_inode_encode(inode, bytes));
}

static int put_entry(struct img_view *view, uint64_t dir, uint64_t key, uint64_t child,
                     uint16_t mode, struct lt_str name)
{
    uint8_t value[IMG_VARINT_MAX + 1 + 32];
    uint8_t *end = img_put_varint(value, child);
    *end++ = (uint8_t)(mode >> 12);
    memcpy(end, name.s, name.len);
    return img_view_put(view, img_key(dir, IMG_ENTRY, key), value,
                        (size_t)(end - value) + name.len);
}

/* What a name in the root leads to: a directory's id; 0: nothing, *ret_key is free; else LT_EEXIST.
 */
static int64_t find(struct img_view *view, struct lt_str name, uint64_t *ret_key)
{
    *ret_key = img_name_base(view, name, view->super.name_case);
    for (unsigned i = 0; i < IMG_TWINS; i++, ++*ret_key) {
        struct img_item item = {.key = img_key(IMG_ID_ROOT, IMG_ENTRY, *ret_key)};
        struct img_name found;
        uint8_t *value;
        int r = img_view_get(view, item.key, &value, &item.len);
        if (r < 0)
            return r == LT_ENOENT ? 0 : r;
        item.value = value;
        r = img_name_decode(&item, &found);
        bool same = r == 0 && found.name.len == name.len; /* of the same hash */
        free(value);
        if (same)
            return found.type == LT_S_IFDIR >> 12 ? (int64_t)found.child : LT_EEXIST;
    }
    return LT_EEXIST;
}

/* Finds the directory, or makes it; under another name if that one is taken. */
static int open_lost(struct img_lost *lost, struct img_view *view)
{
    struct img_inode inode = {.mode = LT_S_IFDIR | 0700, .nlink = 2, .parent = IMG_ID_ROOT};
    char name[32];
    int64_t r = LT_EEXIST;
    for (unsigned i = 0; r == LT_EEXIST && i < 100; i++) {
        snprintf(name, sizeof(name), NAME "%.*u", i ? 2 : 0, i);
        r = find(view, lt_str(name), &inode.entry);
    }
    if (r < 0)
        return (int)r;
    lost->dir = (uint64_t)r;
    if (r > 0)
        return 0;
    lost->dir = view->super.next_id++;
    inode.btime = inode.mtime = inode.ctime = inode.atime = lt_clock_now();
    r = put_inode(view, lost->dir, &inode);
    if (r == 0)
        r = put_entry(view, IMG_ID_ROOT, inode.entry, lost->dir, inode.mode, lt_str(name));
    return (int)r;
}

static int drop_link(void *arg, const struct img_item *item)
{
    return img_view_put(arg, item->key, NULL, 0);
}

int img_lost_adopt(struct img_lost *lost, struct img_view *view, uint64_t id)
{
    struct img_inode inode;
    uint8_t *value;
    size_t len;
    char name[32];
    int r = lost->dir ? 0 : open_lost(lost, view);
    if (r == 0)
        r = img_view_get(view, img_key(id, IMG_INODE, 0), &value, &len);
    if (r < 0)
        return r;
    r = img_inode_decode(value, len, &inode);
    free(value);
    if (r == 0)
        r = img_view_each(view, img_key(id, IMG_LINK, 0), img_key(id, IMG_LINK, UINT64_MAX),
                          drop_link, view);
    if (r < 0)
        return r;
    snprintf(name, sizeof(name), "#%" PRIu64, id);
    if ((inode.mode & LT_S_IFMT) == LT_S_STREAM)
        inode.mode = LT_S_IFREG | 0600;
    inode.parent = lost->dir;
    inode.entry = img_name_base(view, lt_str(name), view->super.name_case);
    if (inode.nlink == 0)
        inode.nlink = 1;
    r = put_inode(view, id, &inode);
    return r < 0 ? r : put_entry(view, lost->dir, inode.entry, id, inode.mode, lt_str(name));
}
