// SPDX-License-Identifier: MIT
#include "super.h"

#include "block.h"

#include <inttypes.h>

/* Numbers that only grow stay far from overflowing; more than this is damage. */
#define COUNTER_MAX (UINT64_C(1) << 62)
#define COUNTER_ROOM (UINT64_C(1) << 40) /* checkpoints or batches of one opening */
#define BLOCKS_MAX (UINT64_C(1) << 48)
#define LEVEL_MAX 32u

uint64_t img_super_volume(const struct img_super *super)
{
    struct lt_le64 volume;
    memcpy(volume.b, super->uuid, sizeof(volume.b));
    return lt_get_le64(volume);
}

static int damaged(struct lt_diag *diag, const char *what)
{
    return lt_diag_set(diag, LT_EUCLEAN, "the superblock is damaged: %s", what);
}

/* What says whether this program may use the image at all. */
static int check_version(const struct img_super_disk *disk, struct lt_diag *diag)
{
    uint64_t unknown = lt_get_le64(disk->incompatible) & ~IMG_INCOMPATIBLE;
    if (lt_get_le32(disk->version) != IMG_VERSION)
        return lt_diag_set(diag, LT_EOPNOTSUPP,
                           "the image has format version %" PRIu32 ", this program knows %u",
                           lt_get_le32(disk->version), IMG_VERSION);
    if (unknown)
        return lt_diag_set(diag, LT_EOPNOTSUPP,
                           "the image uses features that this program does not know: %#" PRIx64,
                           unknown);
    if (disk->check_type != IMG_CHECK_CRC32C)
        return lt_diag_set(diag, LT_EOPNOTSUPP, "the image uses an unknown kind of check: %u",
                           disk->check_type);
    if (disk->data_check_size != 0 && disk->data_check_size != 4)
        return lt_diag_set(diag, LT_EOPNOTSUPP, "the image uses an unknown kind of data check: %u",
                           disk->data_check_size);
    return 0;
}

static void take_fields(const struct img_super_disk *disk, struct img_super *ret)
{
    *ret = (struct img_super){
        .block_size = UINT32_C(1) << (disk->block_shift & 31),
        .data_check_size = disk->data_check_size,
        .name_case = disk->name_case,
        .compatible = lt_get_le64(disk->compatible),
        .read_only_compatible = lt_get_le64(disk->read_only_compatible),
        .incompatible = lt_get_le64(disk->incompatible),
        .hash_key = {lt_get_le64(disk->hash_key[0]), lt_get_le64(disk->hash_key[1])},
        .generation = lt_get_le64(disk->generation),
        .epoch = lt_get_le64(disk->epoch),
        .blocks = lt_get_le64(disk->blocks),
        .root = {.block = lt_get_le64(disk->root),
                 .birth = lt_get_le64(disk->root_birth),
                 .level = disk->root_level},
        .log_block = lt_get_le64(disk->log_block),
        .log_blocks = lt_get_le64(disk->log_blocks),
        .log_start = lt_get_le64(disk->log_start),
        .log_sequence = lt_get_le64(disk->log_sequence),
        .next_id = lt_get_le64(disk->next_id),
        .nodes = lt_get_le64(disk->nodes),
        .nodes_max = lt_get_le64(disk->nodes_max),
        .free_blocks = lt_get_le64(disk->free_blocks),
        .created = {.sec = (int64_t)lt_get_le64(disk->created_sec),
                    .nsec = lt_get_le32(disk->created_nsec)},
        .serial = lt_get_le32(disk->serial),
        .clean = lt_get_le32(disk->clean) == 1,
    };
    memcpy(ret->uuid, disk->uuid, sizeof(ret->uuid));
}

static bool log_fits(const struct img_super *s)
{
    uint64_t group = img_group_blocks(s->block_size);
    uint64_t in_group = s->log_block % group;
    return s->log_blocks >= IMG_LOG_BLOCKS_MIN && s->log_blocks <= group &&
           in_group >= IMG_BITMAP_PLACE + 2 && in_group + s->log_blocks <= group &&
           s->log_block < s->blocks && s->log_blocks <= s->blocks - s->log_block &&
           s->log_start < s->log_blocks;
}

bool img_counters_fit(uint64_t next_id, uint64_t nodes)
{
    return next_id <= COUNTER_MAX && nodes <= next_id;
}

bool img_super_used_up(const struct img_super *super)
{
    return super->generation > COUNTER_MAX - COUNTER_ROOM ||
           super->log_sequence > COUNTER_MAX - COUNTER_ROOM;
}

static bool root_fits(const struct img_super *s)
{
    if (s->root.block == 0)
        return s->root.birth == 0 && s->root.level == 0;
    return s->root.block < s->blocks && s->root.birth <= s->generation &&
           s->root.level <= LEVEL_MAX;
}

static int check_fields(const struct img_super_disk *disk, const struct img_super *s,
                        uint64_t device_size, struct lt_diag *diag)
{
    uint64_t group = img_group_blocks(s->block_size);
    if (s->name_case > 1 || lt_get_le32(disk->clean) > 1 || s->created.nsec >= 1000000000)
        return damaged(diag, "a value is not one of those allowed");
    if (s->blocks < IMG_GROUP_BLOCKS_MIN || s->blocks > BLOCKS_MAX ||
        (s->blocks % group != 0 && s->blocks % group < IMG_GROUP_BLOCKS_MIN))
        return damaged(diag, "an impossible number of blocks");
    if (!log_fits(s))
        return damaged(diag, "the log lies outside of its place");
    if (!root_fits(s))
        return damaged(diag, "an impossible root of the tree");
    if (s->generation == 0 || s->generation > COUNTER_MAX || s->log_sequence > COUNTER_MAX ||
        !img_counters_fit(s->next_id, s->nodes) || s->free_blocks > s->blocks)
        return damaged(diag, "an impossible counter");
    if (device_size != 0 && s->blocks > device_size / s->block_size)
        return lt_diag_set(diag, LT_EUCLEAN,
                           "the image is cut short: %" PRIu64 " bytes of %" PRIu64, device_size,
                           s->blocks * s->block_size);
    return 0;
}

int img_super_decode(const void *bytes, uint64_t device_size, struct img_super *ret,
                     struct lt_diag *diag)
{
    const struct img_super_disk *disk = bytes;
    if (memcmp(disk->magic, IMG_MAGIC, sizeof(disk->magic)) != 0)
        return lt_diag_set(diag, LT_EINVAL, "not a Lintel image");
    if (!img_check_right(bytes, IMG_SUPER_SIZE))
        return damaged(diag, "its check is wrong");
    int r = check_version(disk, diag);
    if (r < 0)
        return r;
    uint32_t shift = disk->block_shift;
    if (shift > 16 || shift < 12)
        return damaged(diag, "an impossible block size");
    struct img_super super;
    take_fields(disk, &super);
    r = check_fields(disk, &super, device_size, diag);
    if (r < 0)
        return r;
    *ret = super;
    return 0;
}

void img_super_encode(const struct img_super *s, void *bytes)
{
    struct img_super_disk disk = {
        .version = lt_put_le32(IMG_VERSION),
        .block_shift = (uint8_t)__builtin_ctz(s->block_size),
        .check_type = IMG_CHECK_CRC32C,
        .data_check_size = s->data_check_size,
        .name_case = s->name_case,
        .compatible = lt_put_le64(s->compatible),
        .read_only_compatible = lt_put_le64(s->read_only_compatible),
        .incompatible = lt_put_le64(s->incompatible),
        .hash_key = {lt_put_le64(s->hash_key.k0), lt_put_le64(s->hash_key.k1)},
        .generation = lt_put_le64(s->generation),
        .epoch = lt_put_le64(s->epoch),
        .blocks = lt_put_le64(s->blocks),
        .root = lt_put_le64(s->root.block),
        .root_birth = lt_put_le64(s->root.birth),
        .log_block = lt_put_le64(s->log_block),
        .log_blocks = lt_put_le64(s->log_blocks),
        .log_start = lt_put_le64(s->log_start),
        .log_sequence = lt_put_le64(s->log_sequence),
        .next_id = lt_put_le64(s->next_id),
        .nodes = lt_put_le64(s->nodes),
        .nodes_max = lt_put_le64(s->nodes_max),
        .free_blocks = lt_put_le64(s->free_blocks),
        .created_sec = lt_put_le64((uint64_t)s->created.sec),
        .created_nsec = lt_put_le32(s->created.nsec),
        .serial = lt_put_le32(s->serial),
        .clean = lt_put_le32(s->clean),
        .root_level = s->root.level,
    };
    memcpy(disk.magic, IMG_MAGIC, sizeof(disk.magic));
    memcpy(disk.uuid, s->uuid, sizeof(disk.uuid));
    img_check_seal(&disk, sizeof(disk));
    memcpy(bytes, &disk, sizeof(disk));
}

/* The superblock at this byte. LT_EINVAL where there is none, or the device ends before it. */
static int read_at(struct lt_device *dev, uint64_t offset, struct img_super *ret,
                   struct lt_diag *diag)
{
    struct img_super_disk disk;
    uint64_t size = lt_device_size(dev);
    if (offset > size || size - offset < sizeof(disk))
        return lt_diag_set(diag, LT_EINVAL, "not a Lintel image");
    int r = lt_device_read(dev, offset, &disk, sizeof(disk));
    if (r < 0)
        return lt_diag_set(diag, r, "the superblock cannot be read: %s", lt_error_text(r));
    return img_super_decode(&disk, size, ret, diag);
}

/* The one in block 1, where the one in block 0 does not tell the size of a block. The smallest size
 * first: then what is found lies in block 0 or 1 of the image, where no file can put it. */
static int search_second(struct lt_device *dev, struct img_super *ret)
{
    for (uint32_t size = IMG_BLOCK_SIZE_MIN; size <= IMG_BLOCK_SIZE_MAX; size *= 2) {
        struct img_super super;
        int r = read_at(dev, size, &super, NULL);
        if (r == 0 && super.block_size == size) {
            *ret = super;
            return 0;
        }
    }
    return LT_EINVAL;
}

static bool belong_together(const struct img_super *a, const struct img_super *b)
{
    return a->block_size == b->block_size && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 &&
           a->generation % 2 != b->generation % 2;
}

static const struct img_super *newer(const struct img_super *a, const struct img_super *b)
{
    return a->generation > b->generation ? a : b;
}

int img_super_read(struct lt_device *dev, struct img_super *ret, struct lt_diag *diag)
{
    struct img_super first, second;
    int r = read_at(dev, 0, &first, diag);
    if (r == LT_EOPNOTSUPP)
        return r;
    if (r < 0)
        return search_second(dev, ret) == 0 ? 0 : r;
    if (read_at(dev, first.block_size, &second, NULL) < 0 || !belong_together(&first, &second))
        *ret = first;
    else
        *ret = *newer(&first, &second);
    return 0;
}

int img_super_read_both(struct lt_device *dev, struct img_super *ret, struct lt_diag *diag)
{
    struct img_super first, second;
    int r = read_at(dev, 0, &first, diag);
    if (r == LT_EINVAL && search_second(dev, &second) == 0)
        r = damaged(diag, "the first of the two is lost; run 'lintel check'");
    if (r < 0)
        return r;
    r = read_at(dev, first.block_size, &second, diag);
    if (r == LT_EIO)
        return r;
    if (r < 0 || !belong_together(&first, &second))
        return damaged(diag, "the second of the two is lost; run 'lintel check'");
    *ret = *newer(&first, &second);
    return 0;
}

int img_super_write(struct lt_device *dev, const struct img_super *super)
{
    uint8_t bytes[IMG_SUPER_SIZE];
    struct img_super again;
    img_super_encode(super, bytes);
    if (img_super_decode(bytes, 0, &again, NULL) < 0)
        return LT_EOVERFLOW;
    return lt_device_put(dev, super->generation % 2 * super->block_size, bytes, sizeof(bytes));
}
