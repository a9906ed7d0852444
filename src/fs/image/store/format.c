// SPDX-License-Identifier: MIT
/* Making an empty store. */
#include "store.h"

#include <inttypes.h>
#include <os/os.h>

#define LOG_BYTES_MIN (UINT64_C(64) << 10)
#define LOG_BYTES_MAX (UINT64_C(64) << 20)
#define LOG_SHARE 64u   /* of the volume */
#define FIRST_ID 16u    /* docs/format/image.md, "Objects" */
#define BLOCKS_LEAST 8u /* behind the log */

/* Blocks of a volume of this size: what is left over, and too small a last group, do not count. */
static uint64_t count_blocks(uint64_t size, uint32_t block_size)
{
    uint64_t group = img_group_blocks(block_size);
    uint64_t blocks = size / block_size;
    return blocks % group < IMG_GROUP_BLOCKS_MIN ? blocks - blocks % group : blocks;
}

static uint64_t log_length(const struct img_store_format *f)
{
    uint64_t bytes = f->log_size;
    if (bytes == 0) {
        bytes = f->size / LOG_SHARE;
        bytes = bytes < LOG_BYTES_MIN ? LOG_BYTES_MIN : bytes;
        bytes = bytes > LOG_BYTES_MAX ? LOG_BYTES_MAX : bytes;
    }
    uint64_t blocks = bytes / f->block_size;
    uint64_t most = img_group_blocks(f->block_size) - IMG_BITMAP_PLACE - 2;
    blocks = blocks > most ? most : blocks;
    return blocks < IMG_LOG_BLOCKS_MIN ? IMG_LOG_BLOCKS_MIN : blocks;
}

static int check_format(const struct img_store_format *f, struct lt_diag *diag)
{
    uint32_t bs = f->block_size;
    if (bs < IMG_BLOCK_SIZE_MIN || bs > IMG_BLOCK_SIZE_MAX || (bs & (bs - 1)) != 0)
        return lt_diag_set(diag, LT_EINVAL,
                           "a block has 4096, 8192, 16384, 32768 or 65536 bytes, not %" PRIu32, bs);
    if (f->data_check_size != 0 && f->data_check_size != 4)
        return lt_diag_set(diag, LT_EINVAL, "a data check has 0 or 4 bytes");
    uint64_t log = log_length(f);
    uint64_t least = IMG_BITMAP_PLACE + 2 + log + BLOCKS_LEAST;
    if (count_blocks(f->size, bs) < least)
        return lt_diag_set(diag, LT_EINVAL,
                           "%" PRIu64 " bytes are too few: an image with blocks of %" PRIu32
                           " bytes and a log of %" PRIu64 " needs at least %" PRIu64,
                           f->size, bs, log * bs, least * bs);
    if (f->size / bs >= UINT64_C(1) << 48)
        return lt_diag_set(diag, LT_EINVAL, "an image has less than 2^48 blocks");
    return 0;
}

static int random_fields(struct img_super *s)
{
    int r = lt_random(s->uuid, sizeof(s->uuid));
    if (r == 0)
        r = lt_random(&s->hash_key, sizeof(s->hash_key));
    if (r == 0)
        r = lt_random(&s->epoch, sizeof(s->epoch));
    if (r == 0)
        r = lt_random(&s->serial, sizeof(s->serial));
    s->uuid[6] = (uint8_t)((s->uuid[6] & 0x0f) | 0x40); /* RFC 9562: version 4, */
    s->uuid[8] = (uint8_t)((s->uuid[8] & 0x3f) | 0x80); /* its variant */
    return r;
}

/* Blocks that no bitmap calls used yet. */
static uint64_t count_free(const struct img_super *s)
{
    uint64_t group = img_group_blocks(s->block_size);
    return s->blocks - 2 - s->log_blocks - 2 * ((s->blocks + group - 1) / group);
}

/* What an image with other blocks has left must not be taken for the second superblock. */
static int clear_others(struct lt_device *dev, uint32_t block_size)
{
    static const uint8_t zeros[IMG_SUPER_SIZE];
    for (uint32_t at = IMG_BLOCK_SIZE_MIN; at <= IMG_BLOCK_SIZE_MAX; at *= 2) {
        uint8_t magic[sizeof(((struct img_super_disk *)0)->magic)];
        if (at == block_size || lt_device_size(dev) < at + sizeof(zeros))
            continue;
        int r = lt_device_read(dev, at, magic, sizeof(magic));
        if (r == 0 && memcmp(magic, IMG_MAGIC, sizeof(magic)) == 0)
            r = lt_device_put(dev, at, zeros, sizeof(zeros));
        if (r < 0)
            return r;
    }
    return 0;
}

int img_store_format(struct lt_device *dev, const struct img_store_format *f, struct lt_diag *diag)
{
    int r = check_format(f, diag);
    if (r < 0)
        return r;
    struct img_super s = {
        .block_size = f->block_size,
        .data_check_size = f->data_check_size,
        .name_case = f->name_case,
        .generation = 1,
        .blocks = count_blocks(f->size, f->block_size),
        .log_block = IMG_BITMAP_PLACE + 2,
        .log_blocks = log_length(f),
        .log_sequence = 1,
        .next_id = FIRST_ID,
        .nodes_max = f->nodes_max,
        .created = f->created,
        .clean = true,
    };
    s.free_blocks = count_free(&s);
    (void)lt_device_discard(dev, 0, lt_device_size(dev)); /* a hint */
    r = random_fields(&s);
    if (r == 0)
        r = clear_others(dev, f->block_size);
    if (r == 0)
        r = img_super_write(dev, &s);
    s.generation = 2;
    if (r == 0)
        r = img_super_write(dev, &s);
    if (r == 0)
        r = lt_device_flush(dev);
    if (r < 0)
        return lt_diag_set(diag, r, "the image cannot be written: %s", lt_error_text(r));
    return 0;
}
