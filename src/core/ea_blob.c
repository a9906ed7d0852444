// SPDX-License-Identifier: MIT
#include "ea_blob.h"

#include <base/unicode.h>
#include <base/wire.h>

struct ea_header {
    uint8_t flags;
    uint8_t name_len;
    struct lt_le16 value_len;
};
_Static_assert(sizeof(struct ea_header) == 4, "EAs in a blob");

#define PACKED_HEADER 5u /* as EaSize counts one: flags, two lengths, and the NUL of the name */

static size_t ea_size(const struct ea_header *h)
{
    return sizeof(*h) + h->name_len + lt_get_le16(h->value_len);
}

int lt_ea_blob_check(struct lt_str blob)
{
    for (size_t at = 0; at < blob.len;) {
        const struct ea_header *h = (const struct ea_header *)(blob.s + at);
        if (blob.len - at < sizeof(*h) || blob.len - at < ea_size(h) || h->name_len == 0)
            return LT_EUCLEAN;
        at += ea_size(h);
    }
    return 0;
}

bool lt_ea_blob_next(struct lt_str blob, size_t *at, struct lt_ea *ret)
{
    if (*at >= blob.len)
        return false;
    const struct ea_header *h = (const struct ea_header *)(blob.s + *at);
    const char *bytes = (const char *)(h + 1);
    ret->flags = h->flags;
    ret->name = lt_strn(bytes, h->name_len);
    ret->value = lt_strn(bytes + h->name_len, lt_get_le16(h->value_len));
    *at += ea_size(h);
    return true;
}

static bool same_name(struct lt_str a, struct lt_str b)
{
    return a.len == b.len && lt_name_equal_nocase(a, b);
}

/* The last EA of this name in a list, for that one wins; NULL if there is none. */
static const struct lt_ea *listed(const struct lt_ea *list, size_t count, struct lt_str name)
{
    while (count-- > 0) {
        if (same_name(list[count].name, name))
            return &list[count];
    }
    return NULL;
}

static bool in_blob(struct lt_str blob, struct lt_str name)
{
    struct lt_ea ea;
    for (size_t at = 0; lt_ea_blob_next(blob, &at, &ea);) {
        if (same_name(ea.name, name))
            return true;
    }
    return false;
}

static void append(struct lt_ea_merge *merge, const struct lt_ea *ea)
{
    if (ea->value.len == 0)
        return;
    if (merge->out) {
        struct ea_header *h = (struct ea_header *)(merge->out + merge->len);
        char *bytes = (char *)(h + 1);
        h->flags = ea->flags;
        h->name_len = (uint8_t)ea->name.len;
        h->value_len = lt_put_le16((uint16_t)ea->value.len);
        memcpy(bytes, ea->name.s, ea->name.len);
        memcpy(bytes + ea->name.len, ea->value.s, ea->value.len);
    }
    merge->len += sizeof(struct ea_header) + ea->name.len + ea->value.len;
    merge->packed += PACKED_HEADER + ea->name.len + ea->value.len;
}

void lt_ea_blob_merge(struct lt_ea_merge *merge, struct lt_str old, const struct lt_ea *list,
                      size_t count)
{
    struct lt_ea ea;
    for (size_t at = 0; lt_ea_blob_next(old, &at, &ea);) {
        const struct lt_ea *other = listed(list, count, ea.name);
        append(merge, other ? other : &ea);
    }
    for (size_t i = 0; i < count; i++) {
        if (listed(list, count, list[i].name) == &list[i] && !in_blob(old, list[i].name))
            append(merge, &list[i]);
    }
}
