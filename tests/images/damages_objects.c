// SPDX-License-Identifier: MIT
/* Items and objects. */
#include "damages.h"

#include <stdlib.h>

static struct damage d;

static void change_inode(struct lt_device *dev, const char *name,
                         void (*fn)(struct img_inode *inode))
{
    struct img_inode inode;
    damage_begin(&d, dev);
    uint64_t id = damage_child(&d, name);
    damage_get_inode(&d, id, &inode);
    fn(&inode);
    damage_put_inode(&d, id, &inode);
    damage_end(&d);
}

static void item_unknown(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(damage_child(&d, "acl"), 77, 1), "x", 1);
    damage_end(&d);
}

static void id_too_high(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(IMG_ID_LAST + 1, IMG_TARGET, 0), "target", 6);
    damage_end(&d);
}

static void inode_undecodable(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(damage_child(&d, "size-4096"), IMG_INODE, 0), "\xff\xff\xff", 3);
    damage_end(&d);
}

static void entry_undecodable(struct lt_device *dev)
{
    uint64_t child;
    damage_begin(&d, dev);
    damage_put(&d, damage_find(&d, "size-4096", false, &child), "\x05", 1);
    damage_end(&d);
}

static void inode_lost(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(damage_child(&d, "sparse"), IMG_INODE, 0));
    damage_end(&d);
}

static void dir_inode_lost(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(damage_child(&d, "many"), IMG_INODE, 0));
    damage_end(&d);
}

static void item_foreign(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(damage_child(&d, "size-4096"), IMG_TARGET, 0), "target", 6);
    damage_end(&d);
}

static void pieces_missing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, damage_child(&d, "longer link"), IMG_TARGET);
    key.off = 5;
    damage_put(&d, key, "rest", 4);
    damage_end(&d);
}

static void root_missing(struct lt_device *dev)
{
    struct img_inode inode;
    damage_begin(&d, dev);
    damage_get_inode(&d, 1, &inode);
    inode.mode = LT_S_IFREG | 0644;
    damage_put_inode(&d, 1, &inode);
    damage_end(&d);
}

static void give_rdev(struct img_inode *inode)
{
    inode->rdev = 5;
}

static void inode_impossible(struct lt_device *dev)
{
    change_inode(dev, "size-4096", give_rdev);
}

static void more_links(struct img_inode *inode)
{
    inode->nlink += 3;
}

static void links_of_file(struct lt_device *dev)
{
    change_inode(dev, "linked", more_links);
}

static void links_of_dir(struct lt_device *dev)
{
    change_inode(dev, "names", more_links);
}

static void more_size(struct img_inode *inode)
{
    inode->size += 2;
}

static void size_of_dir(struct lt_device *dev)
{
    change_inode(dev, "names", more_size);
}

static void no_has(struct img_inode *inode)
{
    inode->has = 0;
}

static void has_of_file(struct lt_device *dev)
{
    change_inode(dev, "acl", no_has);
}

static void more_ea(struct img_inode *inode)
{
    inode->ea_size += 1;
}

static void ea_size(struct lt_device *dev)
{
    change_inode(dev, "eas", more_ea);
}

static void other_tag(struct img_inode *inode)
{
    inode->reparse_tag ^= 1;
}

static void reparse_tag(struct lt_device *dev)
{
    change_inode(dev, "reparse", other_tag);
}

static void other_security(struct img_inode *inode)
{
    inode->security += 1 << 20;
}

static void security_missing(struct lt_device *dev)
{
    change_inode(dev, "secured 0", other_security);
}

static void more_blocks(struct img_inode *inode)
{
    inode->blocks += 5;
}

static void block_count(struct lt_device *dev)
{
    change_inode(dev, "size-20000", more_blocks);
}

static void target_missing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(damage_child(&d, "short link"), IMG_TARGET, 0));
    damage_end(&d);
}

static void orphan_with_name(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(0, IMG_ORPHAN, damage_child(&d, "size-100")), "", 0);
    damage_end(&d);
}

static void orphan_of_nothing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(0, IMG_ORPHAN, 12345), "", 0);
    damage_end(&d);
}

static void xattr_key(struct lt_device *dev)
{
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, damage_child(&d, "acl"), IMG_XATTR), to = key;
    to.off ^= UINT64_C(1) << 40;
    damage_move(&d, key, to);
    damage_end(&d);
}

static void security_count(struct lt_device *dev)
{
    size_t len;
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, 0, IMG_SECURITY);
    uint8_t *value = damage_get(&d, key, &len);
    value[0]++;
    damage_put(&d, key, value, len);
    free(value);
    damage_end(&d);
}

const struct damage_case damages_objects[] = {
    {"item of unknown kind", 301, item_unknown},
    {"item of an impossible object", 301, id_too_high},
    {"inode does not decode", 302, inode_undecodable},
    {"entry does not decode", 302, entry_undecodable},
    {"inode lost", 303, inode_lost, .more = true},
    {"inode of a directory lost", 303, dir_inode_lost, .more = true},
    {"item foreign", 304, item_foreign},
    {"pieces", 305, pieces_missing},
    {"root is no directory", 401, root_missing, .more = true},
    {"impossible inode", 402, inode_impossible},
    {"links of a file", 403, links_of_file},
    {"links of a directory", 403, links_of_dir},
    {"size of a directory", 404, size_of_dir},
    {"has", 405, has_of_file},
    {"size of EAs", 406, ea_size},
    {"reparse tag", 407, reparse_tag},
    {"security descriptor missing", 408, security_missing, .more = true},
    {"count of blocks", 409, block_count},
    {"target missing", 410, target_missing},
    {"orphan with a name", 411, orphan_with_name},
    {"orphan that is not there", 411, orphan_of_nothing},
    {"key of an xattr", 412, xattr_key},
    {"count of a descriptor", 801, security_count},
    {0},
};
