// SPDX-License-Identifier: MIT
#include "leaf.h"

#include "varint.h"

#include <assert.h>

#define SLOTS_AT sizeof(struct img_block_header)
#define SLOT_SIZE sizeof(struct lt_le16)

/* ---- Keys ---------------------------------------------------------------------------------- */

struct img_key_bytes img_key_encode(struct img_key key)
{
    struct img_key_bytes bytes = {{0}};
    struct lt_be64 id = lt_put_be64(key.id), off = lt_put_be64(key.off);
    memcpy(bytes.b, id.b, 8);
    bytes.b[8] = key.kind;
    memcpy(bytes.b + 9, off.b, 8);
    return bytes;
}

struct img_key img_key_decode(const struct img_key_bytes *bytes)
{
    struct lt_be64 id, off;
    memcpy(id.b, bytes->b, 8);
    memcpy(off.b, bytes->b + 9, 8);
    return img_key(lt_get_be64(id), bytes->b[8], lt_get_be64(off));
}

unsigned img_key_common(const struct img_key_bytes *a, const struct img_key_bytes *b)
{
    unsigned i = 0;
    while (i < IMG_KEY_BYTES && a->b[i] == b->b[i])
        i++;
    return i;
}

struct img_key_bytes img_key_between(const struct img_key_bytes *a, const struct img_key_bytes *b)
{
    struct img_key_bytes key = {{0}};
    memcpy(key.b, b->b, img_key_common(a, b) + 1);
    return key;
}

/* Bytes of a key without the zeros at its end. */
static unsigned key_length(const struct img_key_bytes *key)
{
    unsigned n = IMG_KEY_BYTES;
    while (n > 0 && key->b[n - 1] == 0)
        n--;
    return n;
}

static unsigned suffix_length(const struct img_key_bytes *key, unsigned prefix)
{
    unsigned n = key_length(key);
    return n > prefix ? n - prefix : 0;
}

static uint32_t key_head(const struct img_key_bytes *key, unsigned prefix)
{
    struct lt_be32 head;
    memcpy(head.b, key->b + prefix, sizeof(head.b));
    return lt_get_be32(head);
}

/* ---- Records ------------------------------------------------------------------------------- */

struct record {
    uint8_t *start, *suffix, *value;
    unsigned n;   /* bytes of suffix */
    uint32_t len; /* of the value */
};

static struct lt_le16 *slots(const struct img_leaf *leaf)
{
    return (struct lt_le16 *)(leaf->page + SLOTS_AT + leaf->prefix);
}

/* The page was checked, so its numbers are right. */
static inline struct record record_at(const struct img_leaf *leaf, unsigned i)
{
    struct record r = {.start = leaf->page + lt_get_le16(slots(leaf)[i])};
    const uint8_t *at = r.start;
    unsigned shift = 0;
    r.n = *at++;
    do
        r.len |= (uint32_t)(*at & 0x7f) << shift;
    while (shift += 7, *at++ & 0x80);
    r.suffix = r.start + (at - r.start);
    r.value = r.suffix + r.n;
    return r;
}

static size_t record_bytes(const struct record *r)
{
    return (size_t)(r->value - r->start) + r->len;
}

static size_t varint_bytes(size_t v)
{
    return v < 0x80 ? 1 : v < 0x4000 ? 2 : 3;
}

static size_t new_bytes(unsigned n, size_t len)
{
    return 1 + varint_bytes(len) + n + len;
}

size_t img_leaf_record_size(const struct img_leaf *leaf, unsigned i)
{
    struct record r = record_at(leaf, i);
    return SLOT_SIZE + record_bytes(&r);
}

size_t img_leaf_need(const struct img_leaf *leaf, const struct img_key_bytes *key, size_t len)
{
    return SLOT_SIZE + new_bytes(suffix_length(key, leaf->prefix), len);
}

uint8_t *img_leaf_value(const struct img_leaf *leaf, unsigned i, size_t *ret_len)
{
    struct record r = record_at(leaf, i);
    *ret_len = r.len;
    return r.value;
}

void img_leaf_link(const struct img_leaf *leaf, unsigned i, uint64_t *ret_block,
                   uint64_t *ret_birth)
{
    struct record r = record_at(leaf, i);
    const struct img_link *link = (const struct img_link *)r.value;
    *ret_block = lt_get_le64(link->block);
    *ret_birth = lt_get_le64(link->birth);
}

void img_leaf_set_link(struct img_leaf *leaf, unsigned i, uint64_t block, uint64_t birth)
{
    struct record r = record_at(leaf, i);
    struct img_link *link = (struct img_link *)r.value;
    link->block = lt_put_le64(block);
    link->birth = lt_put_le64(birth);
}

static void record_key(const struct img_leaf *leaf, const struct record *r,
                       struct img_key_bytes *ret)
{
    *ret = (struct img_key_bytes){{0}};
    memcpy(ret->b, leaf->prefix_bytes, leaf->prefix);
    memcpy(ret->b + leaf->prefix, r->suffix, r->n);
}

void img_leaf_key(const struct img_leaf *leaf, unsigned i, struct img_key_bytes *ret)
{
    struct record r = record_at(leaf, i);
    record_key(leaf, &r, ret);
}

/* ---- Searching ----------------------------------------------------------------------------- */

/* How `key`, which has the page's prefix, compares to record i. */
static int compare(const struct img_leaf *leaf, unsigned i, const struct img_key_bytes *key)
{
    static const uint8_t zeros[IMG_KEY_BYTES];
    struct record r = record_at(leaf, i);
    const uint8_t *suffix = key->b + leaf->prefix;
    int c = memcmp(suffix, r.suffix, r.n);
    return c ? c : memcmp(suffix + r.n, zeros, IMG_KEY_BYTES - leaf->prefix - r.n);
}

/* The first of the records [low, high) whose key is >= key, or high. */
static unsigned search_records(const struct img_leaf *leaf, unsigned low, unsigned high,
                               const struct img_key_bytes *key, bool *ret_found)
{
    *ret_found = false;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int c = compare(leaf, middle, key);
        if (c == 0) {
            *ret_found = true;
            return middle;
        }
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The first of `count` > 0 numbers that is >= head; count if there is none. Without a branch: every
 * second one would be guessed wrong. */
static unsigned search_heads(const uint32_t *heads, unsigned count, uint32_t head)
{
    const uint32_t *base = heads;
    while (count > 1) {
        unsigned half = count / 2;
        base += half & (0u - (base[half - 1] < head));
        count -= half;
    }
    return (unsigned)(base - heads) + (*base < head);
}

unsigned img_leaf_search(const struct img_leaf *leaf, const struct img_key_bytes *key,
                         bool *ret_found)
{
    unsigned count = leaf->count;
    int c = memcmp(key->b, leaf->prefix_bytes, leaf->prefix);
    *ret_found = false;
    if (c || count == 0)
        return c > 0 ? count : 0;
    if (count > leaf->heads_max)
        return search_records(leaf, 0, count, key, ret_found);
    uint32_t head = key_head(key, leaf->prefix);
    unsigned low = search_heads(leaf->heads, count, head), high = low;
    while (high < count && leaf->heads[high] == head)
        high++;
    return search_records(leaf, low, high, key, ret_found);
}

/* ---- Room ---------------------------------------------------------------------------------- */

size_t img_leaf_used(const struct img_leaf *leaf)
{
    return leaf->prefix + SLOT_SIZE * leaf->count + leaf->live;
}

size_t img_leaf_free(const struct img_leaf *leaf)
{
    return leaf->size - SLOTS_AT - img_leaf_used(leaf);
}

/* Of it, what lies between slots and heap. */
static size_t gap(const struct img_leaf *leaf)
{
    return leaf->heap - SLOTS_AT - leaf->prefix - SLOT_SIZE * leaf->count;
}

/* How much of the page's prefix `key` has. */
static unsigned common_prefix(const struct img_leaf *leaf, const struct img_key_bytes *key)
{
    unsigned i = 0;
    while (i < leaf->prefix && key->b[i] == leaf->prefix_bytes[i])
        i++;
    return i;
}

bool img_leaf_fits(const struct img_leaf *leaf, const struct img_key_bytes *key, size_t len)
{
    if (leaf->count == 0)
        return true;
    unsigned prefix = common_prefix(leaf, key);
    size_t need = SLOT_SIZE + new_bytes(suffix_length(key, prefix), len);
    size_t longer = (size_t)(leaf->prefix - prefix) * (leaf->count - 1u);
    return need + longer <= img_leaf_free(leaf);
}

bool img_leaf_fits_at(const struct img_leaf *leaf, unsigned i, size_t len)
{
    struct record r = record_at(leaf, i);
    return new_bytes(r.n, len) <= record_bytes(&r) + img_leaf_free(leaf);
}

/* The prefix of a page that gets these records of another. */
static unsigned prefix_with(const struct img_leaf *leaf, const struct img_leaf *from,
                            unsigned first, unsigned count)
{
    struct img_key_bytes low, high;
    img_leaf_key(from, first, &low);
    img_leaf_key(from, first + count - 1, &high);
    if (leaf->count == 0)
        return img_key_common(&low, &high);
    unsigned a = common_prefix(leaf, &low), b = common_prefix(leaf, &high);
    return a < b ? a : b;
}

bool img_leaf_fits_from(const struct img_leaf *leaf, const struct img_leaf *from, unsigned first,
                        unsigned count)
{
    if (leaf->count == 0 || count == 0)
        return true;
    unsigned prefix = prefix_with(leaf, from, first, count);
    size_t need = (size_t)(leaf->prefix - prefix) * (leaf->count - 1u);
    if (from->prefix > prefix)
        need += (size_t)(from->prefix - prefix) * count;
    for (unsigned i = first; i < first + count; i++)
        need += img_leaf_record_size(from, i);
    return need <= img_leaf_free(leaf);
}

/* ---- Changing ------------------------------------------------------------------------------ */

void img_leaf_clear(struct img_leaf *leaf)
{
    leaf->live = 0;
    leaf->heap = leaf->size;
    leaf->count = 0;
    leaf->prefix = 0;
}

/* Also writes the prefix to the page; there are no slots yet. */
static void set_prefix(struct img_leaf *leaf, const struct img_key_bytes *key, unsigned prefix)
{
    leaf->prefix = (uint8_t)prefix;
    memcpy(leaf->prefix_bytes, key->b, prefix);
    memcpy(leaf->page + SLOTS_AT, key->b, prefix);
}

static void set_head(struct img_leaf *leaf, unsigned i, const struct img_key_bytes *key)
{
    if (i < leaf->heads_max)
        leaf->heads[i] = key_head(key, leaf->prefix);
}

/* Puts a record at the heap, and into slot i, which is free. Returns the room for its value. */
static uint8_t *place(struct img_leaf *leaf, unsigned i, const struct img_key_bytes *key,
                      size_t len)
{
    unsigned n = suffix_length(key, leaf->prefix);
    size_t bytes = new_bytes(n, len);
    leaf->heap -= (uint32_t)bytes;
    leaf->live += (uint32_t)bytes;
    slots(leaf)[i] = lt_put_le16((uint16_t)leaf->heap);
    set_head(leaf, i, key);
    uint8_t *at = leaf->page + leaf->heap;
    *at++ = (uint8_t)n;
    at = img_put_varint(at, len);
    memcpy(at, key->b + leaf->prefix, n);
    return at + n;
}

/* Writes all records anew, without gaps and with this prefix, which they have. */
static void rebuild(struct img_leaf *leaf, unsigned prefix, uint8_t *scratch)
{
    struct img_leaf anew = *leaf;
    struct img_key_bytes key;
    anew.page = scratch;
    img_leaf_clear(&anew);
    img_leaf_key(leaf, 0, &key);
    set_prefix(&anew, &key, prefix);
    for (unsigned i = 0; i < leaf->count; i++) {
        struct record r = record_at(leaf, i);
        record_key(leaf, &r, &key);
        memcpy(place(&anew, i, &key, r.len), r.value, r.len);
    }
    anew.count = leaf->count;
    size_t front = SLOTS_AT + prefix + SLOT_SIZE * leaf->count;
    memcpy(leaf->page + SLOTS_AT, scratch + SLOTS_AT, front - SLOTS_AT);
    memset(leaf->page + front, 0, anew.heap - front);
    memcpy(leaf->page + anew.heap, scratch + anew.heap, leaf->size - anew.heap);
    anew.page = leaf->page;
    *leaf = anew;
}

/* The longest prefix that all records have. */
static unsigned longest_prefix(const struct img_leaf *leaf)
{
    struct img_key_bytes first, last;
    img_leaf_key(leaf, 0, &first);
    img_leaf_key(leaf, leaf->count - 1u, &last);
    return img_key_common(&first, &last);
}

/* The longest prefix that all records and `key` have. */
static unsigned prefix_for(const struct img_leaf *leaf, const struct img_key_bytes *key)
{
    struct img_key_bytes first;
    img_leaf_key(leaf, 0, &first);
    unsigned a = longest_prefix(leaf), b = img_key_common(&first, key);
    return a < b ? a : b;
}

bool img_leaf_tighten(struct img_leaf *leaf, uint8_t *scratch)
{
    unsigned prefix = leaf->count > 0 ? longest_prefix(leaf) : 0;
    if (prefix <= leaf->prefix)
        return false;
    rebuild(leaf, prefix, scratch);
    return true;
}

/* Opens `count` slots before slot i; heads too. */
static void open_slots(struct img_leaf *leaf, unsigned i, unsigned count)
{
    struct lt_le16 *at = slots(leaf) + i;
    unsigned behind = leaf->count - i;
    memmove(at + count, at, behind * SLOT_SIZE);
    leaf->count = (uint16_t)(leaf->count + count);
    if (leaf->count <= leaf->heads_max)
        memmove(leaf->heads + i + count, leaf->heads + i, behind * sizeof(*leaf->heads));
}

static void set_heads(struct img_leaf *leaf)
{
    struct img_key_bytes key;
    for (unsigned i = 0; i < leaf->count; i++) {
        img_leaf_key(leaf, i, &key);
        set_head(leaf, i, &key);
    }
}

/* Closes slots [i, i + count), whose records are gone. */
static void close_slots(struct img_leaf *leaf, unsigned i, unsigned count)
{
    struct lt_le16 *at = slots(leaf) + i;
    unsigned behind = leaf->count - i - count;
    bool had_heads = leaf->count <= leaf->heads_max;
    memmove(at, at + count, behind * SLOT_SIZE);
    leaf->count = (uint16_t)(leaf->count - count);
    if (had_heads)
        memmove(leaf->heads + i, leaf->heads + i + count, behind * sizeof(*leaf->heads));
    else if (leaf->count <= leaf->heads_max)
        set_heads(leaf);
    if (leaf->count == 0)
        img_leaf_clear(leaf);
}

uint8_t *img_leaf_insert(struct img_leaf *leaf, unsigned i, const struct img_key_bytes *key,
                         size_t len, uint8_t *scratch)
{
    assert(i <= leaf->count && img_leaf_fits(leaf, key, len));
    if (leaf->count == 0) {
        set_prefix(leaf, key, IMG_KEY_BYTES);
    } else {
        bool other = common_prefix(leaf, key) < leaf->prefix;
        if (other || gap(leaf) < img_leaf_need(leaf, key, len))
            rebuild(leaf, prefix_for(leaf, key), scratch);
    }
    open_slots(leaf, i, 1);
    return place(leaf, i, key, len);
}

/* Takes the record's bytes away; its slot stays. */
static void drop(struct img_leaf *leaf, unsigned i)
{
    struct record r = record_at(leaf, i);
    size_t bytes = record_bytes(&r);
    leaf->live -= (uint32_t)bytes;
    if (r.start == leaf->page + leaf->heap)
        leaf->heap += (uint32_t)bytes;
}

uint8_t *img_leaf_resize(struct img_leaf *leaf, unsigned i, size_t len, uint8_t *scratch)
{
    struct record r = record_at(leaf, i);
    size_t old = record_bytes(&r), bytes = new_bytes(r.n, len);
    assert(img_leaf_fits_at(leaf, i, len));
    if (len == r.len)
        return r.value;
    if (bytes > old) {
        struct img_key_bytes key;
        record_key(leaf, &r, &key);
        img_leaf_remove(leaf, i);
        return img_leaf_insert(leaf, i, &key, len, scratch);
    }
    leaf->live -= (uint32_t)(old - bytes);
    uint8_t suffix[IMG_KEY_BYTES];
    memcpy(suffix, r.suffix, r.n);
    uint8_t *at = img_put_varint(r.start + 1, len);
    memcpy(at, suffix, r.n);
    return at + r.n;
}

void img_leaf_remove(struct img_leaf *leaf, unsigned i)
{
    assert(i < leaf->count);
    drop(leaf, i);
    close_slots(leaf, i, 1);
}

/* Copies records [first, first + count) of `from` into the slots from `at` on, which become open.
 */
static void copy_records(struct img_leaf *to, unsigned at, const struct img_leaf *from,
                         unsigned first, unsigned count, uint8_t *scratch)
{
    struct img_key_bytes key;
    unsigned prefix = prefix_with(to, from, first, count);
    size_t need = 0;
    for (unsigned i = first; i < first + count; i++) {
        need += img_leaf_record_size(from, i);
        if (from->prefix > prefix)
            need += from->prefix - prefix;
    }
    if (to->count == 0) {
        img_leaf_key(from, first, &key);
        set_prefix(to, &key, prefix);
    } else if (prefix < to->prefix || gap(to) < need) {
        rebuild(to, prefix, scratch);
    }
    open_slots(to, at, count);
    for (unsigned i = 0; i < count; i++) {
        struct record r = record_at(from, first + i);
        record_key(from, &r, &key);
        memcpy(place(to, at + i, &key, r.len), r.value, r.len);
    }
}

static void remove_records(struct img_leaf *leaf, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        drop(leaf, i);
    close_slots(leaf, first, count);
}

void img_leaf_move_first(struct img_leaf *to, struct img_leaf *from, unsigned count,
                         uint8_t *scratch)
{
    if (count == 0)
        return;
    copy_records(to, to->count, from, 0, count, scratch);
    remove_records(from, 0, count);
}

void img_leaf_move_last(struct img_leaf *to, struct img_leaf *from, unsigned count,
                        uint8_t *scratch)
{
    if (count == 0)
        return;
    copy_records(to, 0, from, from->count - count, count, scratch);
    remove_records(from, from->count - count, count);
}

void img_leaf_append(struct img_leaf *to, const struct img_leaf *from, uint8_t *scratch)
{
    if (from->count > 0)
        copy_records(to, to->count, from, 0, from->count, scratch);
}

void img_leaf_copy(struct img_leaf *to, const struct img_leaf *from)
{
    struct img_leaf old = *to;
    *to = *from;
    to->page = old.page;
    to->heads = old.heads;
    memcpy(to->page + SLOTS_AT, from->page + SLOTS_AT, from->size - SLOTS_AT);
    if (from->count <= from->heads_max)
        memcpy(to->heads, from->heads, from->count * sizeof(*to->heads));
}
