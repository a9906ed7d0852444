// SPDX-License-Identifier: MIT
/* Values in pieces: xattrs, EAs, reparse data, targets of links, security descriptors. */
#include "census.h"

#include <base/wire.h>
#include <core/ea_blob.h>
#include <core/reparse.h>
#include <fs/image/hashed.h>
#include <lintel/acl.h>
#include <stdlib.h>

/* As EaSize counts one: flags, two lengths, and the NUL of the name. */
#define EA_PACKED_HEADER 5u

/* Whether a value of this kind has a chunk key, or begins at 0. */
static bool is_keyed(uint8_t kind)
{
    return kind == IMG_XATTR || kind == IMG_SECURITY;
}

/* Takes all pieces of the value at hand away. */
static int drop_value(struct img_census *census)
{
    struct img_pieces *p = &census->pieces;
    uint64_t id = p->kind == IMG_SECURITY ? IMG_ID_VOLUME : census->object.id;
    int r = 0;
    for (uint64_t off = p->first; r == 0 && off < p->next; off++)
        r = img_census_drop(census, img_key(id, p->kind, off));
    return r;
}

static int wrong_value(struct img_census *census, enum img_problem problem, const char *what)
{
    uint64_t id = census->pieces.kind == IMG_SECURITY ? 0 : census->object.id;
    return img_census_found(census, problem, id, 0, "%s", what) ? drop_value(census) : 0;
}

/* ---- What the values are ------------------------------------------------------------------- */

static int end_xattr(struct img_census *census)
{
    struct img_pieces *p = &census->pieces;
    size_t n = p->bytes[0];
    if (p->len < 1 || n == 0 || p->len < 1 + n)
        return wrong_value(census, IMG_P_ITEM_DAMAGED, "an extended attribute");
    struct lt_str name = lt_strn((const char *)p->bytes + 1, n);
    uint64_t base = img_chunk_base(census->view, name.s, name.len);
    if ((p->first & ~UINT64_C(0xffff)) != base)
        return wrong_value(census, IMG_P_VALUE_KEY, "an extended attribute");
    if (lt_str_equal(name, lt_str(LT_ACL_ACCESS)))
        census->object.has |= LT_HAS_ACL;
    else if (lt_str_equal(name, lt_str(LT_ACL_DEFAULT)))
        census->object.has |= LT_HAS_DEFAULT_ACL;
    else
        census->object.has |= LT_HAS_XATTR;
    if (lt_str_equal(name, lt_str("security.capability")))
        census->object.has |= LT_HAS_CAPABILITY;
    return 0;
}

static int end_ea(struct img_census *census)
{
    struct img_pieces *p = &census->pieces;
    struct lt_str blob = lt_strn((const char *)p->bytes, p->len);
    struct lt_ea ea;
    if (p->len == 0 || lt_ea_blob_check(blob) < 0)
        return wrong_value(census, IMG_P_ITEM_DAMAGED, "EAs");
    census->object.has |= LT_HAS_EA;
    for (size_t at = 0; lt_ea_blob_next(blob, &at, &ea);)
        census->object.ea_size += (uint32_t)(EA_PACKED_HEADER + ea.name.len + ea.value.len);
    return 0;
}

static int end_reparse(struct img_census *census)
{
    struct img_pieces *p = &census->pieces;
    struct lt_str data = lt_strn((const char *)p->bytes, p->len);
    if (p->len > LT_REPARSE_SIZE_MAX || lt_reparse_check(data) < 0)
        return wrong_value(census, IMG_P_ITEM_DAMAGED, "reparse data");
    census->object.has |= LT_HAS_REPARSE;
    census->object.reparse_tag = lt_reparse_tag(data);
    return 0;
}

static int end_target(struct img_census *census)
{
    struct img_pieces *p = &census->pieces;
    if (p->len == 0 || p->len >= LT_PATH_MAX || memchr(p->bytes, 0, p->len))
        return wrong_value(census, IMG_P_ITEM_DAMAGED, "the target");
    census->object.target = true;
    census->object.inline_len = p->len;
    return 0;
}

static int end_security(struct img_census *census)
{
    struct img_pieces *p = &census->pieces;
    struct lt_le32 count;
    int r;
    if (p->len <= sizeof(count))
        return wrong_value(census, IMG_P_ITEM_DAMAGED, "a security descriptor");
    uint64_t base = img_chunk_base(census->view, p->bytes + sizeof(count), p->len - sizeof(count));
    if ((p->first & ~UINT64_C(0xffff)) != base)
        return wrong_value(census, IMG_P_VALUE_KEY, "a security descriptor");
    r = img_grow(&census->descriptors, census->descriptor_count, &census->descriptor_room,
                 sizeof(*census->descriptors));
    if (r < 0)
        return r;
    memcpy(&count, p->bytes, sizeof(count));
    census->descriptors[census->descriptor_count++] =
        (struct img_descriptor){p->first, lt_get_le32(count), 0};
    return 0;
}

int img_census_piece_end(struct img_census *census)
{
    uint8_t kind = census->pieces.kind;
    int r = 0;
    if (kind == IMG_XATTR)
        r = end_xattr(census);
    else if (kind == IMG_EA)
        r = end_ea(census);
    else if (kind == IMG_REPARSE)
        r = end_reparse(census);
    else if (kind == IMG_TARGET)
        r = end_target(census);
    else if (kind == IMG_SECURITY)
        r = end_security(census);
    census->pieces.kind = 0;
    return r;
}

/* ---- Putting together ---------------------------------------------------------------------- */

static int begin(struct img_census *census, const struct img_item *item)
{
    struct img_pieces *p = &census->pieces;
    uint64_t number = is_keyed(item->key.kind) ? item->key.off % IMG_CHUNK_STEP : item->key.off;
    if (number > 0) {
        bool mend = img_census_found(census, IMG_P_PIECES, item->key.id, 0, "piece %llu",
                                     (unsigned long long)number);
        return mend ? img_census_drop(census, item->key) : 0;
    }
    p->kind = item->key.kind;
    p->first = p->next = item->key.off;
    p->ended = false;
    p->len = 0;
    return 0;
}

/* Whether the piece belongs to the value at hand. */
static bool goes_on(const struct img_pieces *p, const struct img_item *item)
{
    if (p->kind != item->key.kind || p->next != item->key.off || p->ended)
        return false;
    return !is_keyed(p->kind) || item->key.off % IMG_CHUNK_STEP != 0;
}

int img_census_piece(struct img_census *census, const struct img_item *item)
{
    struct img_pieces *p = &census->pieces;
    int r = 0;
    if (!goes_on(p, item)) {
        r = img_census_piece_end(census);
        if (r == 0)
            r = begin(census, item);
        if (r < 0 || p->kind == 0)
            return r;
    }
    p->next = item->key.off + 1;
    if (item->len > IMG_CHUNK || item->len > sizeof(p->bytes) - p->len) {
        r = wrong_value(census, IMG_P_PIECES, "too long");
        p->kind = 0;
        return r;
    }
    memcpy(p->bytes + p->len, item->value, item->len);
    p->len += item->len;
    p->ended = item->len < IMG_CHUNK;
    return 0;
}
