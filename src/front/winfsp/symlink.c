// SPDX-License-Identifier: MIT
#include "symlink.h"

#include <base/wire.h>

/* SYMBOLIC_LINK_REPARSE_DATA_BUFFER; the names lie behind it, offsets count from there. */
struct symlink_data {
    struct lt_le32 tag;
    struct lt_le16 length, reserved; /* length: bytes behind these */
    struct lt_le16 substitute_offset, substitute_length;
    struct lt_le16 print_offset, print_length;
    struct lt_le32 flags; /* SYMLINK_FLAG_RELATIVE */
};
static_assert(sizeof(struct symlink_data) == 20, "MS-FSCC 2.1.2.4");

#define DATA_BEGIN 8u /* bytes that `length` does not count */
#define RELATIVE 0x1u

uint32_t fsp_reparse_tag_of(struct lt_str data)
{
    struct lt_le32 tag;
    memcpy(&tag, data.s, sizeof(tag));
    return lt_get_le32(tag);
}

int fsp_symlink_encode(const uint16_t *target, size_t units, bool relative, void *buf, size_t size)
{
    size_t len = sizeof(struct symlink_data) + 2 * units;
    if (units > FSP_TARGET_MAX || len > size)
        return LT_ERANGE;
    /* Both names are the same, and lie at the same place. */
    struct symlink_data head = {
        .tag = lt_put_le32(FSP_TAG_SYMLINK),
        .length = lt_put_le16((uint16_t)(len - DATA_BEGIN)),
        .substitute_length = lt_put_le16((uint16_t)(2 * units)),
        .print_length = lt_put_le16((uint16_t)(2 * units)),
        .flags = lt_put_le32(relative ? RELATIVE : 0),
    };
    memcpy(buf, &head, sizeof(head));
    memcpy((char *)buf + sizeof(head), target, 2 * units);
    return (int)len;
}

int fsp_symlink_decode(struct lt_str data, struct fsp_symlink *ret)
{
    struct symlink_data head;
    if (data.len < sizeof(head))
        return LT_EINVAL;
    memcpy(&head, data.s, sizeof(head));
    size_t at = lt_get_le16(head.substitute_offset), len = lt_get_le16(head.substitute_length);
    if (lt_get_le32(head.tag) != FSP_TAG_SYMLINK ||
        lt_get_le16(head.length) != data.len - DATA_BEGIN || len % 2 != 0 ||
        at + len > data.len - sizeof(head))
        return LT_EINVAL;
    ret->target.bytes = (const uint8_t *)data.s + sizeof(head) + at;
    ret->target.units = len / 2;
    ret->relative = lt_get_le32(head.flags) & RELATIVE;
    return LT_OK;
}

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_dots(struct lt_wide w)
{
    return (w.units == 1 || w.units == 2) && lt_wide_at(w, 0) == '.' &&
           lt_wide_at(w, w.units - 1) == '.';
}

/* One component, also "." and "..", with a NUL. */
static int part_to_posix(const struct lt_winfsp *v, struct lt_wide part, char *ret, size_t size)
{
    if (!is_dots(part))
        return fsp_name_to_utf8(v, part, ret, size);
    if (part.units >= size)
        return LT_ENAMETOOLONG;
    memcpy(ret, "..", part.units);
    ret[part.units] = 0;
    return (int)part.units;
}

int fsp_target_to_posix(const struct lt_winfsp *v, struct lt_wide target, char *ret, size_t size)
{
    size_t len = 0;
    for (size_t at = 0; at < target.units;) {
        struct lt_wide part = {target.bytes + 2 * at, 0};
        while (at + part.units < target.units && lt_wide_at(part, part.units) != '\\')
            part.units++;
        at += part.units + 1;
        if (part.units == 0 && at > 1) /* backslashes in a row, or at the end */
            continue;
        if (len > 0 && ret[len - 1] != '/')
            ret[len++] = '/';
        if (size - len < 2)
            return LT_ENAMETOOLONG;
        int r = part.units ? part_to_posix(v, part, ret + len, size - len) : 1;
        if (r < 0)
            return r;
        if (part.units == 0)
            memcpy(ret + len, "/", 2);
        len += (size_t)r;
    }
    return len ? (int)len : LT_EINVAL;
}

int fsp_target_from_posix(const struct lt_winfsp *v, struct lt_str target, uint16_t *ret,
                          size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at < target.len;) {
        struct lt_str part = {target.s + at, 0};
        while (at + part.len < target.len && part.s[part.len] != '/')
            part.len++;
        bool is_root = at == 0 && part.len == 0;
        at += part.len + 1;
        if (part.len == 0 && !is_root)
            continue;
        if (count + 1 >= max)
            return LT_ENAMETOOLONG;
        if (is_root || (count > 0 && ret[count - 1] != '\\'))
            ret[count++] = '\\';
        int r = is_root ? 0 : fsp_name_from_utf8(v, part, ret + count, max - count);
        if (r < 0)
            return r;
        count += (size_t)r;
    }
    return count ? (int)count : LT_EINVAL;
}
