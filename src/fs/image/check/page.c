// SPDX-License-Identifier: MIT
#include "page.h"

#include <fs/image/store/block.h>
#include <fs/image/store/varint.h>
#include <string.h>

static int wrong(const char **why, const char *what)
{
    *why = what;
    return LT_EUCLEAN;
}

void img_key_pack(struct img_key key, uint8_t bytes[IMG_KEY_BYTES])
{
    struct lt_be64 id = lt_put_be64(key.id), off = lt_put_be64(key.off);
    memcpy(bytes, id.b, 8);
    bytes[8] = key.kind;
    memcpy(bytes + 9, off.b, 8);
}

struct img_key img_key_unpack(const uint8_t bytes[IMG_KEY_BYTES])
{
    struct lt_be64 id, off;
    memcpy(id.b, bytes, 8);
    memcpy(off.b, bytes + 9, 8);
    return img_key(lt_get_be64(id), bytes[8], lt_get_be64(off));
}

struct img_key img_key_before(struct img_key key)
{
    if (key.off-- > 0)
        return key;
    if (key.kind-- > 0)
        return key;
    key.id--;
    return key;
}

int img_page_open(const void *bytes, const struct img_page_place *place, struct img_page *ret,
                  const char **why)
{
    const struct img_block_header *h = bytes;
    if (lt_get_le32(h->magic) != IMG_BLOCK_MAGIC)
        return wrong(why, "it is none");
    if (!img_check_right(bytes, place->size))
        return wrong(why, "its check is wrong");
    if (h->kind != IMG_BLOCK_NODE)
        return wrong(why, "it is of another kind");
    if (lt_get_le64(h->volume) != place->volume)
        return wrong(why, "it is of another volume");
    if (lt_get_le64(h->block) != place->block)
        return wrong(why, "it belongs elsewhere");
    *ret = (struct img_page){bytes,     place->size,  lt_get_le16(h->count), h->level,
                             h->prefix, place->block, lt_get_le64(h->birth)};
    return 0;
}

/* Where record i lies. */
static uint32_t slot(const struct img_page *page, unsigned i)
{
    struct lt_le16 w;
    memcpy(w.b, page->bytes + sizeof(struct img_block_header) + page->prefix + 2 * (size_t)i, 2);
    return lt_get_le16(w);
}

/* Takes a record apart; what is wrong with it, or NULL. */
static const char *parse(const struct img_page *page, uint32_t at, struct img_key *key,
                         const uint8_t **value, size_t *len, uint32_t *ret_end)
{
    struct img_reader r = img_reader(page->bytes + at, page->size - at);
    uint8_t n = img_take_u8(&r);
    uint64_t size = img_take_varint(&r);
    const uint8_t *suffix = img_take_bytes(&r, n);
    uint8_t bytes[IMG_KEY_BYTES] = {0};

    *value = img_take_bytes(&r, size);
    if (r.bad || n > IMG_KEY_BYTES - page->prefix)
        return "a record is cut off";
    if (size > (page->size - sizeof(struct img_block_header)) / 2 - 64)
        return "a value is too long";
    memcpy(bytes, page->bytes + sizeof(struct img_block_header), page->prefix);
    memcpy(bytes + page->prefix, suffix, n);
    *key = img_key_unpack(bytes);
    *len = size;
    *ret_end = (uint32_t)(r.at - page->bytes);
    return NULL;
}

void img_page_record(const struct img_page *page, unsigned i, struct img_key *ret_key,
                     const uint8_t **ret_value, size_t *ret_len)
{
    uint32_t end;
    if (parse(page, slot(page, i), ret_key, ret_value, ret_len, &end))
        *ret_len = 0; /* cannot be: verified */
}

/* Notes that bytes [at, end) belong to a record; false if one of them already does. */
static bool take(uint64_t *taken, uint32_t at, uint32_t end)
{
    for (uint32_t w = at / 64; w <= (end - 1) / 64; w++) {
        uint32_t lo = w == at / 64 ? at % 64 : 0, hi = w == (end - 1) / 64 ? (end - 1) % 64 : 63;
        uint64_t bits = (UINT64_MAX << lo) & (UINT64_MAX >> (63 - hi));
        if (taken[w] & bits)
            return false;
        taken[w] |= bits;
    }
    return true;
}

int img_page_verify(const struct img_page *page, const char **why)
{
    uint64_t taken[IMG_BLOCK_SIZE_MAX / 64];
    struct img_key previous = IMG_KEY_FIRST;
    uint32_t start = (uint32_t)sizeof(struct img_block_header) + page->prefix + 2u * page->count;
    if (page->prefix > IMG_KEY_BYTES || start > page->size)
        return wrong(why, "its header is out of range");
    memset(taken, 0, page->size / 64 * sizeof(taken[0]));
    for (unsigned i = 0; i < page->count; i++) {
        uint32_t at = slot(page, i), end;
        struct img_key key;
        const uint8_t *value;
        size_t len;
        if (at < start || at >= page->size)
            return wrong(why, "a slot is out of range");
        const char *problem = parse(page, at, &key, &value, &len, &end);
        if (problem)
            return wrong(why, problem);
        if (!take(taken, at, end))
            return wrong(why, "records overlap");
        if (i > 0 && img_key_compare(previous, key) >= 0)
            return wrong(why, "its keys are out of order");
        if (page->level > 0 && len != 2 * sizeof(struct lt_le64))
            return wrong(why, "a record is no child");
        previous = key;
    }
    return 0;
}
