// SPDX-License-Identifier: MIT
/* Pages that come from the device, and go there. */
#include "leaf.h"

#include "varint.h"

#include <lintel/error.h>

#define SLOTS_AT sizeof(struct img_block_header)

/* Which bytes of a page belong to a record. */
struct used_bytes {
    uint64_t words[IMG_BLOCK_SIZE_MAX / 64];
};

/* Takes bytes [from, to) if none of them is taken. */
static bool take_bytes(struct used_bytes *used, size_t from, size_t to)
{
    while (from < to) {
        size_t bit = from % 64, count = 64 - bit < to - from ? 64 - bit : to - from;
        uint64_t mask = (count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1) << bit;
        if (used->words[from / 64] & mask)
            return false;
        used->words[from / 64] |= mask;
        from += count;
    }
    return true;
}

/* One record at `offset`: its key, and counts it in leaf->live. */
static bool check_record(struct img_leaf *leaf, size_t offset, uint8_t level,
                         struct used_bytes *used, struct img_key_bytes *ret_key)
{
    struct img_reader in = img_reader(leaf->page + offset, leaf->size - offset);
    unsigned n = img_take_u8(&in);
    uint64_t len = img_take_varint(&in);
    if (in.bad || n > IMG_KEY_BYTES - leaf->prefix || len > img_value_max(leaf->size) ||
        (level > 0 && len != IMG_LINK_SIZE))
        return false;
    const uint8_t *suffix = img_take_bytes(&in, n);
    const uint8_t *value = img_take_bytes(&in, len);
    if (!suffix || !value)
        return false;
    *ret_key = (struct img_key_bytes){{0}};
    memcpy(ret_key->b, leaf->prefix_bytes, leaf->prefix);
    memcpy(ret_key->b + leaf->prefix, suffix, n);
    size_t end = (size_t)(in.at - leaf->page);
    leaf->live += (uint32_t)(end - offset);
    return take_bytes(used, offset, end);
}

static bool check_records(struct img_leaf *leaf, const struct img_leaf_limits *limits)
{
    const struct lt_le16 *slots = (const struct lt_le16 *)(leaf->page + SLOTS_AT + leaf->prefix);
    struct img_key_bytes key, before = *limits->low;
    struct used_bytes used;
    memset(used.words, 0, leaf->size / 8);
    for (unsigned i = 0; i < leaf->count; i++) {
        size_t offset = lt_get_le16(slots[i]);
        if (offset < leaf->heap || offset >= leaf->size ||
            !check_record(leaf, offset, limits->level, &used, &key))
            return false;
        int order = memcmp(before.b, key.b, IMG_KEY_BYTES);
        if (order > 0 || (order == 0 && i > 0))
            return false;
        if (i < leaf->heads_max) {
            struct lt_be32 head;
            memcpy(head.b, key.b + leaf->prefix, sizeof(head.b));
            leaf->heads[i] = lt_get_be32(head);
        }
        before = key;
    }
    return leaf->count == 0 || !limits->high ||
           memcmp(before.b, limits->high->b, IMG_KEY_BYTES) < 0;
}

int img_leaf_check(struct img_leaf *leaf, const struct img_leaf_limits *limits)
{
    const struct img_block_header *header = (const struct img_block_header *)leaf->page;
    unsigned count = lt_get_le16(header->count);
    if (header->level != limits->level || header->prefix > IMG_KEY_BYTES)
        return LT_EUCLEAN;
    if (count == 0) {
        leaf->live = 0;
        leaf->heap = leaf->size;
        leaf->count = 0;
        leaf->prefix = 0;
        return limits->root && limits->level == 0 ? 0 : LT_EUCLEAN;
    }
    leaf->prefix = header->prefix;
    leaf->count = (uint16_t)count;
    leaf->heap = lt_get_le16(header->heap);
    leaf->live = 0;
    if (leaf->heap > leaf->size ||
        leaf->heap < SLOTS_AT + leaf->prefix + count * sizeof(struct lt_le16))
        return LT_EUCLEAN;
    memcpy(leaf->prefix_bytes, leaf->page + SLOTS_AT, leaf->prefix);
    return check_records(leaf, limits) ? 0 : LT_EUCLEAN;
}

void img_leaf_finish(struct img_leaf *leaf, uint8_t level)
{
    struct img_block_header *header = (struct img_block_header *)leaf->page;
    header->level = level;
    header->count = lt_put_le16(leaf->count);
    header->heap = lt_put_le16((uint16_t)leaf->heap);
    header->prefix = leaf->prefix;
}
