/* SPDX-License-Identifier: MIT */
/*
 * A page of records in ascending order of their keys: what is in a tree node, docs/format/image.md,
 * "Tree node". The same for leaves and inner nodes.
 *
 * Of the page only the bytes behind the header are looked at and changed here; what the header says
 * of them is in struct img_leaf, and goes there and back by img_leaf_check() and img_leaf_finish().
 */
#ifndef LT_FS_IMAGE_STORE_LEAF_H
#define LT_FS_IMAGE_STORE_LEAF_H

#include "tree.h"

#include <stdbool.h>

#define IMG_KEY_BYTES 17u

/* What an inner node has as values. */
struct img_link {
    struct lt_le64 block;
    struct lt_le64 birth;
};
#define IMG_LINK_SIZE sizeof(struct img_link)

/* A key as a string, which compares as the key does. Padded: four bytes can be read at any of its
 * places. */
struct img_key_bytes {
    uint8_t b[24];
};

struct img_key_bytes img_key_encode(struct img_key key);
struct img_key img_key_decode(const struct img_key_bytes *bytes);

/*
 * Heads are what a search looks at first: the four bytes of each key behind the prefix, as numbers,
 * one behind the other. A page may have more records than there is room for heads; then the records
 * themselves are looked at.
 */
struct img_leaf {
    uint8_t *page;
    uint32_t *heads;
    uint32_t heads_max;
    uint32_t size; /* of the page */
    uint32_t live; /* bytes of all records; what lies between heap and end besides is gaps */
    uint32_t heap; /* all records lie behind it */
    uint16_t count;
    uint8_t prefix;
    uint8_t prefix_bytes[IMG_KEY_BYTES];
};

/* Makes it empty. page, heads, heads_max and size are set. */
void img_leaf_clear(struct img_leaf *leaf);

/* The first record whose key is >= key, or leaf->count; *ret_found: its key is `key`. */
unsigned img_leaf_search(const struct img_leaf *leaf, const struct img_key_bytes *key,
                         bool *ret_found);

void img_leaf_key(const struct img_leaf *leaf, unsigned i, struct img_key_bytes *ret);
uint8_t *img_leaf_value(const struct img_leaf *leaf, unsigned i, size_t *ret_len);

/* An inner node's value. */
void img_leaf_link(const struct img_leaf *leaf, unsigned i, uint64_t *ret_block,
                   uint64_t *ret_birth);
void img_leaf_set_link(struct img_leaf *leaf, unsigned i, uint64_t block, uint64_t birth);

/* Bytes that record i takes, its slot included. */
size_t img_leaf_record_size(const struct img_leaf *leaf, unsigned i);
/* Bytes that a new record of these would take, its slot included, if the prefix stayed. */
size_t img_leaf_need(const struct img_leaf *leaf, const struct img_key_bytes *key, size_t len);
/* Bytes in use and free, gaps counted as free. */
size_t img_leaf_used(const struct img_leaf *leaf);
size_t img_leaf_free(const struct img_leaf *leaf);

/* Whether there is room for a new record; for another value of record i; for records that another
 * page has. */
bool img_leaf_fits(const struct img_leaf *leaf, const struct img_key_bytes *key, size_t len);
bool img_leaf_fits_at(const struct img_leaf *leaf, unsigned i, size_t len);
bool img_leaf_fits_from(const struct img_leaf *leaf, const struct img_leaf *from, unsigned first,
                        unsigned count);

/* Below, `scratch` is memory as large as the page; the record fits. */

/* Adds a record as the i-th; returns the room for its value. */
uint8_t *img_leaf_insert(struct img_leaf *leaf, unsigned i, const struct img_key_bytes *key,
                         size_t len, uint8_t *scratch);

/* Record i gets a value of `len` bytes; returns the room for it. */
uint8_t *img_leaf_resize(struct img_leaf *leaf, unsigned i, size_t len, uint8_t *scratch);

void img_leaf_remove(struct img_leaf *leaf, unsigned i);

/* Moves records from the start of `from` to the end of `to`, or from its end to the start. */
void img_leaf_move_first(struct img_leaf *to, struct img_leaf *from, unsigned count,
                         uint8_t *scratch);
void img_leaf_move_last(struct img_leaf *to, struct img_leaf *from, unsigned count,
                        uint8_t *scratch);

/* Adds copies of all records of `from` at the end of `to`. */
void img_leaf_append(struct img_leaf *to, const struct img_leaf *from, uint8_t *scratch);

/* Writes all records anew if their prefix could be longer. Whether it did. */
bool img_leaf_tighten(struct img_leaf *leaf, uint8_t *scratch);

/* The same records on another page. */
void img_leaf_copy(struct img_leaf *to, const struct img_leaf *from);

/* How many bytes a and b have in common from their start. */
unsigned img_key_common(const struct img_key_bytes *a, const struct img_key_bytes *b);
/* The shortest key that is > a and <= b; a < b. */
struct img_key_bytes img_key_between(const struct img_key_bytes *a, const struct img_key_bytes *b);

/* ---- The device ---------------------------------------------------------------------------- */

/* What a page that was read must be, besides a valid block. */
struct img_leaf_limits {
    uint8_t level;
    bool root; /* a leaf may be empty */
    const struct img_key_bytes *low;
    const struct img_key_bytes *high; /* NULL: no limit */
};

/*
 * Checks all of a page that came from the device, and fills in `leaf` (page, heads, heads_max and
 * size are set). Afterwards nothing that the page says can lead out of it. LT_EUCLEAN.
 */
int img_leaf_check(struct img_leaf *leaf, const struct img_leaf_limits *limits);

/* Writes what the header says of the records, and the level. */
void img_leaf_finish(struct img_leaf *leaf, uint8_t level);

#endif
