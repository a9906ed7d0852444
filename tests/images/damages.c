// SPDX-License-Identifier: MIT
#include "damages.h"

#include "../unit/test.h"

#include <fs/image/check/rewrite.h>
#include <fs/image/store/block.h>
#include <fs/image/store/varint.h>
#include <stdlib.h>

#define SIZE DAMAGES_SIZE
#define BLOCK DAMAGES_BLOCK

static struct damage d;

static uint64_t child_of(const char *name)
{
    uint64_t child;
    damage_find(&d, name, false, &child);
    return child;
}

static void change_inode(struct lt_device *dev, const char *name,
                         void (*fn)(struct img_inode *inode))
{
    struct img_inode inode;
    damage_begin(&d, dev);
    uint64_t id = child_of(name);
    damage_get_inode(&d, id, &inode);
    fn(&inode);
    damage_put_inode(&d, id, &inode);
    damage_end(&d);
}

static void zero(struct lt_device *dev, uint64_t at, size_t len)
{
    static const uint8_t zeros[65536];
    assert_int_equal(lt_device_put(dev, at, zeros, len), 0);
}

static void first_super(struct lt_device *dev)
{
    zero(dev, 0, BLOCK);
}

static void second_super(struct lt_device *dev)
{
    zero(dev, BLOCK, BLOCK);
}

static void both_supers(struct lt_device *dev)
{
    zero(dev, 0, 2 * (size_t)BLOCK);
}

static void other_super(struct lt_device *dev)
{
    struct img_super super;
    assert_int_equal(img_super_read(dev, &super, NULL), 0);
    super.uuid[3] ^= 1;
    super.root.birth = --super.generation;
    assert_int_equal(img_super_write(dev, &super), 0);
}

static void cut_image(struct lt_device *dev)
{
    assert_int_equal(lt_device_resize(dev, SIZE - (UINT64_C(1) << 20)), 0);
}

static void copy_missing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(0, IMG_VOLUME, 0));
    damage_end(&d);
}

/* A batch behind the checkpoint with one record. */
static void add_batch(struct lt_device *dev, const uint8_t *record, size_t len)
{
    uint8_t batch[512] = {0};
    struct img_super super;
    struct img_batch_header *h = (struct img_batch_header *)batch;
    assert_int_equal(img_super_read(dev, &super, NULL), 0);
    *h = (struct img_batch_header){
        .magic = lt_put_le32(IMG_LOG_MAGIC),
        .length = lt_put_le32((uint32_t)(sizeof(*h) + len)),
        .volume = lt_put_le64(img_super_volume(&super)),
        .epoch = lt_put_le64(super.epoch),
        .sequence = lt_put_le64(super.log_sequence),
        .next_id = lt_put_le64(super.next_id),
        .nodes = lt_put_le64(super.nodes),
    };
    memcpy(batch + sizeof(*h), record, len);
    img_check_seal(batch, sizeof(*h) + len);
    assert_int_equal(
        lt_device_put(dev, (super.log_block + super.log_start) * BLOCK, batch, sizeof(batch)), 0);
}

static void log_unknown(struct lt_device *dev)
{
    add_batch(dev, (const uint8_t *)"\x09", 1);
}

static void log_deletes_nothing(struct lt_device *dev)
{
    static const uint8_t record[] = {IMG_LOG_DELETE, 200, 1, IMG_XATTR, 5};
    add_batch(dev, record, sizeof(record));
}

static void log_frees_free(struct lt_device *dev)
{
    static const uint8_t record[] = {IMG_LOG_FREE, 0xe7, 7, 1}; /* block 999 */
    add_batch(dev, record, sizeof(record));
}

static uint64_t leaf_block(size_t i)
{
    assert_true(i < d.view.leaf_count);
    return d.view.leaves[i].block;
}

static uint64_t block_of_leaf(struct lt_device *dev, size_t i)
{
    damage_begin(&d, dev);
    uint64_t block = leaf_block(i);
    img_view_close(&d.view);
    return block;
}

static void leaf_damaged(struct lt_device *dev)
{
    damage_bit(dev, block_of_leaf(dev, 3) * BLOCK + 3000, 1);
}

static void first_leaf_damaged(struct lt_device *dev)
{
    damage_bit(dev, block_of_leaf(dev, 0) * BLOCK + 4000, 1);
}

static void root_node_damaged(struct lt_device *dev)
{
    struct img_super super;
    assert_int_equal(img_super_read(dev, &super, NULL), 0);
    assert_true(super.root.level > 0);
    zero(dev, super.root.block * BLOCK, BLOCK);
}

static void set_level(void *page)
{
    ((struct img_block_header *)page)->level = 7;
}

static void leaf_misplaced(struct lt_device *dev)
{
    damage_block(dev, BLOCK, block_of_leaf(dev, 2), set_level);
}

static uint64_t twin;
static void share_child(void *page)
{
    uint8_t *p = page;
    struct lt_le16 slot;
    memcpy(&slot, p + sizeof(struct img_block_header) + p[50],
           sizeof(slot)); /* behind the prefix */
    struct lt_le64 block = lt_put_le64(twin);
    uint8_t *record = p + lt_get_le16(slot);
    memcpy(record + 2 + record[0], &block, sizeof(block));
}

static void leaf_shared(struct lt_device *dev)
{
    struct img_super super;
    assert_int_equal(img_super_read(dev, &super, NULL), 0);
    twin = 4; /* of the log */
    damage_block(dev, BLOCK, super.root.block, share_child);
}

static void item_unknown(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(child_of("acl"), 77, 1), "x", 1);
    damage_end(&d);
}

static void inode_undecodable(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(child_of("size-4096"), IMG_INODE, 0), "\xff\xff\xff", 3);
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
    damage_drop(&d, img_key(child_of("sparse"), IMG_INODE, 0));
    damage_end(&d);
}

static void dir_inode_lost(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(child_of("many"), IMG_INODE, 0));
    damage_end(&d);
}

static void item_foreign(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(child_of("size-4096"), IMG_TARGET, 0), "target", 6);
    damage_end(&d);
}

static void pieces_missing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, child_of("longer link"), IMG_TARGET);
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
    damage_drop(&d, img_key(child_of("short link"), IMG_TARGET, 0));
    damage_end(&d);
}

static void orphan_with_name(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(0, IMG_ORPHAN, child_of("size-100")), "", 0);
    damage_end(&d);
}

static void orphan_of_nothing(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(0, IMG_ORPHAN, 12345), "", 0);
    damage_end(&d);
}

static void move_item(struct img_key from, struct img_key to)
{
    size_t len;
    uint8_t *value = damage_get(&d, from, &len);
    damage_drop(&d, from);
    damage_put(&d, to, value, len);
    free(value);
}

static void xattr_key(struct lt_device *dev)
{
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, child_of("acl"), IMG_XATTR), to = key;
    to.off ^= UINT64_C(1) << 40;
    move_item(key, to);
    damage_end(&d);
}

static void entry_dangling(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_drop(&d, img_key(child_of("size-4096"), IMG_INODE, 0));
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
    add_entry(child_of("types"), "another name", child_of("size-4096"), LT_S_IFREG >> 12);
    damage_end(&d);
}

static void directory_names(struct lt_device *dev)
{
    damage_begin(&d, dev);
    add_entry(child_of("types"), "another name", child_of("times"), LT_S_IFDIR >> 12);
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
    move_item(key, to);
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
    uint64_t below = child_of("many");
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
    uint64_t id = child_of("size-20000");
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
    struct img_key key = damage_first(&d, child_of("linked"), IMG_LINK), to = key;
    to.off ^= UINT64_C(1) << 20;
    move_item(key, to);
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
    move_item(key, to);
    damage_end(&d);
}

static void change_extent(const char *name, void (*fn)(struct img_extent *extent))
{
    struct img_inode inode;
    struct img_extent extent;
    uint8_t buf[IMG_INLINE_EXTENT_MAX + 64];
    uint64_t id = child_of(name);
    damage_get_inode(&d, id, &inode);
    assert_true(inode.extent_len > 0);
    uint32_t size = d.view.super.data_check_size;
    assert_int_equal(img_extent_decode(inode.extent, inode.extent_len, size, &extent), 0);
    fn(&extent);
    size_t len = img_extent_encode(&extent, size, buf);
    memcpy(inode.extent, buf, len);
    inode.extent_len = (uint8_t)len;
    damage_put_inode(&d, id, &inode);
}

static void far_away(struct img_extent *extent)
{
    extent->block = 5000000;
}

static void extent_range(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", far_away);
    damage_end(&d);
}

static void extent_overlap(struct lt_device *dev)
{
    uint8_t buf[1024];
    size_t len;
    damage_begin(&d, dev);
    struct img_key key = damage_first(&d, child_of("sparse"), IMG_EXTENT), next = key;
    next.off++;
    key = damage_first(&d, key.id, IMG_EXTENT);
    uint8_t *value = damage_get(&d, key, &len);
    struct img_extent extent;
    assert_int_equal(img_extent_decode(value, len, d.view.super.data_check_size, &extent), 0);
    assert_true(extent.count > 1);
    /* One block of the same file, in the middle of the first extent. */
    struct img_extent other = {.count = 1, .block = 700, .birth = 1, .unwritten = true};
    damage_put(&d, next, buf, img_extent_encode(&other, d.view.super.data_check_size, buf));
    struct img_inode inode;
    damage_get_inode(&d, key.id, &inode);
    inode.blocks++;
    damage_put_inode(&d, key.id, &inode);
    free(value);
    damage_end(&d);
}

static void on_the_log(struct img_extent *extent)
{
    extent->block = 5;
}

static void extent_shared(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", on_the_log);
    damage_end(&d);
}

static void inline_size(struct lt_device *dev)
{
    static const char bytes[102];
    damage_begin(&d, dev);
    damage_put(&d, img_key(child_of("size-100"), IMG_INLINE, 0), bytes, sizeof(bytes));
    damage_end(&d);
}

static uint64_t data_block;
static void note_block(struct img_extent *extent)
{
    data_block = extent->block;
}

static void data_damaged(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", note_block);
    damage_end(&d);
    damage_bit(dev, (data_block + 2) * BLOCK + 1000, 5);
}

static uint64_t bitmap_block(struct lt_device *dev)
{
    damage_begin(&d, dev);
    uint64_t block = IMG_BITMAP_PLACE + d.view.group[0].place;
    img_view_close(&d.view);
    return block;
}

static void bitmap_damaged(struct lt_device *dev)
{
    damage_bit(dev, bitmap_block(dev) * BLOCK + 100, 0);
}

static void mark_last(void *page)
{
    ((uint8_t *)page)[64 + 1000 / 8] |= 1; /* block 1000 */
}

static void space_item(struct lt_device *dev)
{
    damage_block(dev, BLOCK, bitmap_block(dev), mark_last);
}

/* Rewrites with a bitmap that is wrong for one block. */
static void rewrite_with(struct lt_device *dev, uint64_t block, bool used)
{
    struct img_census census = {0};
    damage_begin(&d, dev);
    assert_int_equal(img_census_run(&census, &d.view), 0);
    if (used)
        img_bit_set(census.used, block);
    else
        img_bit_clear(census.used, block);
    assert_int_equal(img_rewrite(&d.view, census.used, census.used), 0);
    img_census_fini(&census);
    img_view_close(&d.view);
}

static void block_leaked(struct lt_device *dev)
{
    rewrite_with(dev, 1000, true);
}

static void block_free(struct lt_device *dev)
{
    damage_begin(&d, dev);
    change_extent("size-20000", note_block);
    damage_end(&d);
    rewrite_with(dev, data_block + 4, false);
}

static void more_free(struct img_super *super)
{
    super->free_blocks += 3;
}

static void free_count(struct lt_device *dev)
{
    damage_supers(dev, more_free);
}

static void more_nodes(struct img_super *super)
{
    super->nodes += 3;
}

static void node_count(struct lt_device *dev)
{
    damage_supers(dev, more_nodes);
}

static void small_id(struct img_super *super)
{
    super->next_id -= 5;
}

static void next_id(struct lt_device *dev)
{
    damage_supers(dev, small_id);
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

static void label(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(0, IMG_LABEL, 0), "\xff\xff", 2);
    damage_end(&d);
}

/* ---- The table ----------------------------------------------------------------------------- */

const struct damage_case damages[] = {
    {"first superblock", 101, first_super},
    {"second superblock", 101, second_super},
    {"both superblocks", 102, both_supers, .more = true},
    {"superblock of another volume", 103, other_super},
    {"image cut short", 104, cut_image, .more = true},
    {"copy of the superblock missing", 105, copy_missing},
    {"log: unknown record", 111, log_unknown},
    {"log: deletes nothing", 111, log_deletes_nothing},
    {"log: frees what is free", 112, log_frees_free},
    {"leaf damaged", 201, leaf_damaged},
    {"first leaf damaged", 201, first_leaf_damaged},
    {"root node damaged", 201, root_node_damaged},
    {"leaf misplaced", 202, leaf_misplaced},
    {"leaf shared", 203, leaf_shared, .more = true},
    {"item of unknown kind", 301, item_unknown},
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
    {"extent out of range", 601, extent_range},
    {"extents overlap", 602, extent_overlap},
    {"extent shared", 603, extent_shared},
    {"inline data too long", 604, inline_size},
    {"data damaged", 611, data_damaged, .stays = true, .checks = true},
    {"bitmap damaged", 701, bitmap_damaged, .more = true},
    {"account of a group", 702, space_item, .more = true},
    {"block wrongly free", 703, block_free},
    {"block leaked", 704, block_leaked},
    {"free count", 705, free_count},
    {"node count", 706, node_count},
    {"next id", 707, next_id},
    {"count of a descriptor", 801, security_count},
    {"label", 802, label},
};
const size_t damages_count = sizeof(damages) / sizeof(damages[0]);
