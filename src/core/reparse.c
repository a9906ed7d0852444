// SPDX-License-Identifier: MIT
#include "reparse.h"

#include <base/wire.h>

/* REPARSE_DATA_BUFFER, MS-FSCC 2.1.2.2. */
struct reparse_header {
    struct lt_le32 tag;
    struct lt_le16 length; /* bytes behind this header, and behind the GUID where there is one */
    struct lt_le16 reserved;
};
_Static_assert(sizeof(struct reparse_header) == 8, "MS-FSCC 2.1.2.2");

/* Where the two names of a symbolic link or mount point lie in the path buffer behind their header
 * (MS-FSCC 2.1.2.4, 2.1.2.5): bytes. */
struct reparse_names {
    struct lt_le16 substitute_offset, substitute_length;
    struct lt_le16 print_offset, print_length;
};
_Static_assert(sizeof(struct reparse_names) == 8, "MS-FSCC 2.1.2.4");

#define GUID_SIZE 16u
#define TAG_MICROSOFT 0x80000000u /* tags without a GUID */
#define TAG_RESERVED_MAX 2u       /* IO_REPARSE_TAG_RESERVED_ZERO to _TWO */
#define TAG_MOUNT_POINT 0xa0000003u
#define TAG_SYMLINK 0xa000000cu

static bool name_inside(struct lt_le16 offset, struct lt_le16 length, size_t size)
{
    size_t at = lt_get_le16(offset), len = lt_get_le16(length);
    return at % 2 == 0 && len % 2 == 0 && at + len <= size;
}

/* The names of a symbolic link (with a le32 of flags behind their places) or mount point. */
static int check_names(const char *data, size_t len, size_t flags_size)
{
    struct reparse_names n;
    if (len < sizeof(n) + flags_size)
        return LT_EINVAL;
    memcpy(&n, data, sizeof(n));
    size_t size = len - sizeof(n) - flags_size;
    if (!name_inside(n.substitute_offset, n.substitute_length, size) ||
        !name_inside(n.print_offset, n.print_length, size))
        return LT_EINVAL;
    return 0;
}

/* The size of the header, with the GUID where the tag has one, or LT_EINVAL. */
static int header_size(struct lt_str data, uint32_t *ret_tag)
{
    if (data.len < sizeof(struct reparse_header) || data.len > LT_REPARSE_SIZE_MAX)
        return LT_EINVAL;
    const struct reparse_header *header = (const struct reparse_header *)data.s;
    uint32_t tag = lt_get_le32(header->tag);
    size_t size = sizeof(*header) + (tag & TAG_MICROSOFT ? 0 : GUID_SIZE);
    if (tag <= TAG_RESERVED_MAX || data.len != size + lt_get_le16(header->length))
        return LT_EINVAL;
    *ret_tag = tag;
    return (int)size;
}

int lt_reparse_check(struct lt_str data)
{
    uint32_t tag = 0;
    int size = header_size(data, &tag);
    if (size < 0)
        return size;
    const char *body = data.s + size;
    size_t len = data.len - (size_t)size;
    if (tag == TAG_SYMLINK)
        return check_names(body, len, 4);
    if (tag == TAG_MOUNT_POINT)
        return check_names(body, len, 0);
    return 0;
}

int lt_reparse_check_header(struct lt_str data)
{
    uint32_t tag = 0;
    int size = header_size(data, &tag);
    if (size < 0)
        return size;
    return data.len == (size_t)size ? 0 : LT_EINVAL;
}

uint32_t lt_reparse_tag(struct lt_str data)
{
    const struct reparse_header *header = (const struct reparse_header *)data.s;
    return lt_get_le32(header->tag);
}

bool lt_reparse_same_sort(struct lt_str a, struct lt_str b)
{
    const size_t guid = sizeof(struct reparse_header), end = guid + GUID_SIZE;
    if (lt_reparse_tag(a) != lt_reparse_tag(b))
        return false;
    if (lt_reparse_tag(a) & TAG_MICROSOFT)
        return true;
    return a.len >= end && b.len >= end && memcmp(a.s + guid, b.s + guid, GUID_SIZE) == 0;
}
