// SPDX-License-Identifier: MIT
/* Superblocks, log and tree. */
#include "damages.h"

#include "../unit/test.h"

#include <fs/image/store/block.h>
#include <stdlib.h>

#define SIZE DAMAGES_SIZE
#define BLOCK DAMAGES_BLOCK

static struct damage d;

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

/* What a batch says that is not as it must be. */
struct odd {
    uint64_t next_id, nodes; /* added to those of the superblock */
};

/* A batch behind the checkpoint with one record. */
static void add_odd_batch(struct lt_device *dev, const void *record, size_t len, struct odd odd)
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
        .next_id = lt_put_le64(super.next_id + odd.next_id),
        .nodes = lt_put_le64(super.nodes + odd.nodes),
    };
    memcpy(batch + sizeof(*h), record, len);
    img_check_seal(batch, sizeof(*h) + len);
    assert_int_equal(
        lt_device_put(dev, (super.log_block + super.log_start) * BLOCK, batch, sizeof(batch)), 0);
}

static void add_batch(struct lt_device *dev, const void *record, size_t len)
{
    add_odd_batch(dev, record, len, (struct odd){0});
}

/* A batch that is right but for its counters: it changes the label. */
static void add_label(struct lt_device *dev, struct odd odd)
{
    static const uint8_t record[] = {IMG_LOG_PUT, 0, IMG_LABEL, 0, 3, 'n', 'e', 'w'};
    add_odd_batch(dev, record, sizeof(record), odd);
}

static void log_id_falls(struct lt_device *dev)
{
    add_label(dev, (struct odd){.next_id = UINT64_MAX}); /* one less */
}

static void log_id_too_high(struct lt_device *dev)
{
    add_label(dev, (struct odd){.next_id = UINT64_C(1) << 62});
}

static void log_nodes_above_id(struct lt_device *dev)
{
    add_label(dev, (struct odd){.nodes = UINT64_C(1) << 40});
}

static void log_unknown(struct lt_device *dev)
{
    add_batch(dev, "\x09", 1);
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

static void label(struct lt_device *dev)
{
    damage_begin(&d, dev);
    damage_put(&d, img_key(0, IMG_LABEL, 0), "\xff\xff", 2);
    damage_end(&d);
}

const struct damage_case damages_volume[] = {
    {"first superblock", 101, first_super},
    {"second superblock", 101, second_super},
    {"both superblocks", 102, both_supers, .more = true},
    {"superblock of another volume", 103, other_super},
    {"image cut short", 104, cut_image, .more = true},
    {"copy of the superblock missing", 105, copy_missing},
    {"log: unknown record", 111, log_unknown, .closed = true},
    {"log: deletes nothing", 111, log_deletes_nothing, .closed = true},
    {"log: next id falls", 111, log_id_falls, .closed = true},
    {"log: next id too high", 111, log_id_too_high, .closed = true},
    {"log: more objects than ids", 111, log_nodes_above_id, .closed = true},
    {"log: frees what is free", 112, log_frees_free},
    {"leaf damaged", 201, leaf_damaged, .more = true},
    {"first leaf damaged", 201, first_leaf_damaged, .more = true},
    {"root node damaged", 201, root_node_damaged},
    {"leaf misplaced", 202, leaf_misplaced, .more = true},
    {"leaf shared", 203, leaf_shared, .more = true},
    {"label", 802, label},
    {0},
};
