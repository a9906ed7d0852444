// SPDX-License-Identifier: MIT
#include "log.h"

#include "block.h"

#include <stdlib.h>

#define HEADER sizeof(struct img_batch_header)
#define CAPACITY_MIN ((size_t)64 << 10)

int img_log_room(struct img_log_buffer *log, size_t len)
{
    size_t need = (log->len ? log->len : HEADER) + len;
    if (need <= log->capacity)
        return 0;
    size_t capacity = log->capacity ? log->capacity : CAPACITY_MIN;
    while (capacity < need)
        capacity *= 2;
    uint8_t *bytes = realloc(log->bytes, capacity);
    if (!bytes)
        return LT_ENOMEM;
    log->bytes = bytes;
    log->capacity = capacity;
    return 0;
}

/* Where the next record goes. */
static uint8_t *record_begin(struct img_log_buffer *log, enum img_log_op op)
{
    if (log->len == 0)
        log->len = HEADER;
    uint8_t *at = log->bytes + log->len;
    *at++ = (uint8_t)op;
    return at;
}

static void record_end(struct img_log_buffer *log, const uint8_t *at)
{
    log->len = (size_t)(at - log->bytes);
}

static uint8_t *put_key(uint8_t *at, struct img_key key)
{
    at = img_put_varint(at, key.id);
    *at++ = key.kind;
    return img_put_varint(at, key.off);
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
    at = img_put_varint(at, len);
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

void img_log_put(struct img_log_buffer *log, struct img_key key, const void *value, size_t len)
{
    record_end(log, put_bytes(put_key(record_begin(log, IMG_LOG_PUT), key), value, len));
}

void img_log_delete(struct img_log_buffer *log, struct img_key key)
{
    record_end(log, put_key(record_begin(log, IMG_LOG_DELETE), key));
}

void img_log_range(struct img_log_buffer *log, enum img_log_op op, uint64_t block, uint64_t count)
{
    record_end(log, img_put_varint(img_put_varint(record_begin(log, op), block), count));
}

void img_log_bytes(struct img_log_buffer *log, uint64_t block, uint32_t offset, const void *bytes,
                   size_t len)
{
    uint8_t *at = record_begin(log, IMG_LOG_DATA);
    at = img_put_varint(img_put_varint(at, block), offset);
    record_end(log, put_bytes(at, bytes, len));
}

void img_log_drop(struct img_log_buffer *log, size_t len)
{
    if (len == 0)
        return;
    size_t rest = log->len - HEADER - len;
    memmove(log->bytes + HEADER, log->bytes + HEADER + len, rest);
    log->len = rest ? HEADER + rest : 0;
}

void img_log_reset(struct img_log_buffer *log, size_t keep)
{
    log->len = 0;
    if (log->capacity <= keep)
        return;
    free(log->bytes);
    log->bytes = NULL;
    log->capacity = 0;
}

size_t img_log_seal(struct img_log_buffer *log, const struct img_batch *batch, uint32_t block_size)
{
    struct img_batch_header header = {
        .magic = lt_put_le32(IMG_LOG_MAGIC),
        .length = lt_put_le32((uint32_t)log->len),
        .volume = lt_put_le64(batch->volume),
        .epoch = lt_put_le64(batch->epoch),
        .sequence = lt_put_le64(batch->sequence),
        .next_id = lt_put_le64(batch->next_id),
        .nodes = lt_put_le64(batch->nodes),
    };
    size_t padding = -log->len & (block_size - 1);
    memcpy(log->bytes, &header, sizeof(header));
    img_check_seal(log->bytes, log->len);
    memset(log->bytes + log->len, 0, padding);
    return log->len + padding;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool block_range_valid(const struct img_super *super, uint64_t block, uint64_t count)
{
    return count > 0 && block < super->blocks && count <= super->blocks - block;
}

static bool overlaps(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count)
{
    return a < b + b_count && b < a + a_count;
}

/* Whether file data may lie there: in none of the fixed places. */
static bool data_range_valid(const struct img_super *super, uint64_t block, uint64_t count)
{
    if (!block_range_valid(super, block, count) || block < 2 ||
        overlaps(block, count, super->log_block, super->log_blocks))
        return false;
    uint64_t group = img_group_blocks(super->block_size);
    for (uint64_t g = block / group; g <= (block + count - 1) / group; g++) {
        if (overlaps(block, count, g * group + IMG_BITMAP_PLACE, 2))
            return false;
    }
    return true;
}

static void take_key(struct img_reader *reader, struct img_key *ret)
{
    ret->id = img_take_varint(reader);
    ret->kind = img_take_u8(reader);
    ret->off = img_take_varint(reader);
}

static void take_bytes(struct img_reader *reader, struct img_log_record *ret)
{
    uint64_t len = img_take_varint(reader);
    ret->bytes = img_take_bytes(reader, len);
    ret->len = ret->bytes ? (size_t)len : 0;
}

static bool take_put(struct img_reader *reader, const struct img_super *super,
                     struct img_log_record *ret)
{
    take_key(reader, &ret->key);
    take_bytes(reader, ret);
    return ret->len <= img_value_max(super->block_size);
}

static bool take_range(struct img_reader *reader, const struct img_super *super,
                       struct img_log_record *ret)
{
    ret->block = img_take_varint(reader);
    ret->count = img_take_varint(reader);
    return block_range_valid(super, ret->block, ret->count);
}

static bool take_data(struct img_reader *reader, const struct img_super *super,
                      struct img_log_record *ret)
{
    ret->block = img_take_varint(reader);
    uint64_t offset = img_take_varint(reader);
    take_bytes(reader, ret);
    if (reader->bad || offset >= super->block_size || ret->len == 0)
        return false;
    ret->offset = (uint32_t)offset;
    ret->count = (offset + ret->len - 1) / super->block_size + 1;
    return data_range_valid(super, ret->block, ret->count);
}

int img_log_record(struct img_reader *reader, const struct img_super *super,
                   struct img_log_record *ret)
{
    if (img_left(reader) == 0)
        return 0;
    struct img_log_record record = {.op = (enum img_log_op)img_take_u8(reader)};
    bool valid = false;
    switch (record.op) {
    case IMG_LOG_PUT:
        valid = take_put(reader, super, &record);
        break;
    case IMG_LOG_DELETE:
        take_key(reader, &record.key);
        valid = true;
        break;
    case IMG_LOG_TAKE:
    case IMG_LOG_FREE:
        valid = take_range(reader, super, &record);
        break;
    case IMG_LOG_DATA:
        valid = take_data(reader, super, &record);
        break;
    }
    if (record.key.id == 0 && record.key.kind == IMG_KIND_SPACE)
        valid = false;
    if (!valid || reader->bad)
        return LT_EUCLEAN;
    *ret = record;
    return 1;
}

/* Whether a batch of `expected` begins like this; *ret_length is its length then. */
static bool header_right(const struct img_batch_header *header, const struct img_batch *expected,
                         uint64_t length_max)
{
    uint32_t length = lt_get_le32(header->length);
    return lt_get_le32(header->magic) == IMG_LOG_MAGIC && length >= HEADER &&
           length <= length_max && lt_get_le64(header->volume) == expected->volume &&
           lt_get_le64(header->epoch) == expected->epoch &&
           lt_get_le64(header->sequence) == expected->sequence;
}

bool img_log_decode(const void *bytes, size_t len, const struct img_batch *expected,
                    struct img_batch *ret)
{
    const struct img_batch_header *header = bytes;
    if (len < HEADER || !header_right(header, expected, len) ||
        !img_check_right(bytes, lt_get_le32(header->length)))
        return false;
    *ret = (struct img_batch){
        .volume = expected->volume,
        .epoch = expected->epoch,
        .sequence = expected->sequence,
        .next_id = lt_get_le64(header->next_id),
        .nodes = lt_get_le64(header->nodes),
        .records = (const uint8_t *)bytes + HEADER,
        .length = lt_get_le32(header->length),
    };
    return true;
}

uint64_t img_log_offset(const struct img_super *super, uint64_t at)
{
    return (super->log_block + at % super->log_blocks) * super->block_size;
}

void img_log_walk_init(struct img_log_walk *walk, struct lt_device *dev,
                       const struct img_super *super)
{
    *walk = (struct img_log_walk){
        .dev = dev, .super = super, .at = super->log_start, .sequence = super->log_sequence};
}

void img_log_walk_fini(struct img_log_walk *walk)
{
    free(walk->bytes);
    walk->bytes = NULL;
}

static int walk_room(struct img_log_walk *walk, size_t len)
{
    if (len <= walk->capacity)
        return 0;
    uint8_t *bytes = realloc(walk->bytes, len);
    if (!bytes)
        return LT_ENOMEM;
    walk->bytes = bytes;
    walk->capacity = len;
    return 0;
}

/* Reads [from, to) of the batch that begins at walk->at, over the end of the ring where it is. */
static int walk_read(struct img_log_walk *walk, size_t from, size_t to)
{
    const struct img_super *s = walk->super;
    uint64_t ring = s->log_blocks * s->block_size;
    uint64_t at = (walk->at % s->log_blocks * s->block_size + from) % ring;
    size_t first = to - from < ring - at ? to - from : (size_t)(ring - at);
    uint64_t start = s->log_block * s->block_size;
    int r = walk_room(walk, to);
    if (r == 0 && first > 0)
        r = lt_device_read(walk->dev, start + at, walk->bytes + from, first);
    if (r == 0 && from + first < to)
        r = lt_device_read(walk->dev, start, walk->bytes + from + first, to - from - first);
    return r;
}

int img_log_walk_next(struct img_log_walk *walk, struct img_batch *ret)
{
    const struct img_super *s = walk->super;
    struct img_batch expected = {
        .volume = img_super_volume(s), .epoch = s->epoch, .sequence = walk->sequence};
    uint64_t left = (s->log_blocks - (walk->at - s->log_start)) * s->block_size;
    if (left == 0)
        return 0;
    int r = walk_read(walk, 0, s->block_size);
    if (r < 0)
        return r;
    if (!header_right((const struct img_batch_header *)walk->bytes, &expected, left))
        return 0;
    size_t length = lt_get_le32(((const struct img_batch_header *)walk->bytes)->length);
    if (length > s->block_size)
        r = walk_read(walk, s->block_size, length);
    if (r < 0)
        return r;
    if (!img_log_decode(walk->bytes, length, &expected, ret))
        return 0;
    walk->at += (length + s->block_size - 1) / s->block_size;
    walk->sequence++;
    return 1;
}
