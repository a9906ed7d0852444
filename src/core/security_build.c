// SPDX-License-Identifier: MIT
#include "security_build.h"

#include <stdlib.h>

static bool reserve(struct sd_builder *b, size_t len)
{
    if (b->error < 0)
        return false;
    if (len > LT_SECURITY_SIZE_MAX - b->len) {
        b->error = LT_EINVAL;
        return false;
    }
    if (len <= b->capacity - b->len)
        return true;
    size_t capacity = 2 * b->capacity + len + 256;
    char *data = realloc(b->data, capacity);
    if (!data) {
        b->error = LT_ENOMEM;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

static void append(struct sd_builder *b, const void *bytes, size_t len)
{
    if (!reserve(b, len))
        return;
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
}

void sd_build_begin(struct sd_builder *b)
{
    struct sd_header head = {0};
    *b = (struct sd_builder){0};
    append(b, &head, sizeof(head));
}

static size_t append_sid(struct sd_builder *b, const struct lt_sid *sid)
{
    char bytes[SD_SID_SIZE_MAX];
    size_t at = b->len;
    append(b, bytes, (size_t)lt_sid_encode(sid, bytes));
    return at;
}

void sd_build_owner(struct sd_builder *b, const struct lt_sid *sid)
{
    b->owner = append_sid(b, sid);
}

void sd_build_group(struct sd_builder *b, const struct lt_sid *sid)
{
    b->group = append_sid(b, sid);
}

int sd_build_end(struct sd_builder *b, char **ret, size_t *ret_len)
{
    if (b->error < 0) {
        free(b->data);
        return b->error;
    }
    struct sd_header head = {
        .revision = 1,
        .control = lt_put_le16((uint16_t)(b->control | SD_SELF_RELATIVE)),
        .owner = lt_put_le32((uint32_t)b->owner),
        .group = lt_put_le32((uint32_t)b->group),
        .sacl = lt_put_le32((uint32_t)b->sacl),
        .dacl = lt_put_le32((uint32_t)b->dacl),
    };
    memcpy(b->data, &head, sizeof(head));
    *ret = b->data;
    *ret_len = b->len;
    return 0;
}

/* ---- Lists --------------------------------------------------------------------------------- */

void sd_list_begin(struct sd_builder *b)
{
    struct sd_acl head = {0};
    b->list = b->len;
    b->count = 0;
    b->revision = 2;
    append(b, &head, sizeof(head));
}

void sd_list_put(struct sd_builder *b, uint8_t type, uint32_t mask, const struct lt_sid *sid)
{
    struct sd_ace ace = {
        .type = type,
        .size = lt_put_le16((uint16_t)(sizeof(ace) + SD_SID_SIZE(sid->sub_count))),
        .mask = lt_put_le32(mask),
    };
    append(b, &ace, sizeof(ace));
    append_sid(b, sid);
    b->count++;
}

void sd_list_copy(struct sd_builder *b, const struct sd_ace *ace, uint8_t flags, uint32_t mask,
                  const struct lt_sid *sid)
{
    const char *bytes = (const char *)ace;
    size_t size = lt_get_le16(ace->size), start = b->len;
    struct sd_ace head = {.type = ace->type, .flags = flags, .mask = lt_put_le32(mask)};
    append(b, &head, sizeof(head));
    if (sid) {
        size_t at = sd_ace_sid_at(ace), behind = at + sd_sid_size(lt_strn(bytes, size), at);
        append(b, bytes + sizeof(head), at - sizeof(head));
        append_sid(b, sid);
        append(b, bytes + behind, size - behind);
    } else {
        append(b, bytes + sizeof(head), size - sizeof(head));
    }
    if (b->len - start > UINT16_MAX)
        b->error = b->error < 0 ? b->error : LT_EINVAL;
    if (b->error < 0)
        return;
    ((struct sd_ace *)(b->data + start))->size = lt_put_le16((uint16_t)(b->len - start));
    if (sd_ace_is_object(ace->type))
        b->revision = 4;
    b->count++;
}

static size_t end_list(struct sd_builder *b)
{
    if (b->len - b->list > UINT16_MAX)
        b->error = b->error < 0 ? b->error : LT_EINVAL;
    if (b->error < 0)
        return 0;
    struct sd_acl head = {
        .revision = b->revision,
        .size = lt_put_le16((uint16_t)(b->len - b->list)),
        .count = lt_put_le16((uint16_t)b->count),
    };
    memcpy(b->data + b->list, &head, sizeof(head));
    return b->list;
}

void sd_list_drop(struct sd_builder *b)
{
    b->len = b->list;
}

void sd_list_end_dacl(struct sd_builder *b)
{
    b->control |= SD_DACL_PRESENT;
    b->dacl = end_list(b);
}

void sd_list_end_sacl(struct sd_builder *b)
{
    b->control |= SD_SACL_PRESENT;
    b->sacl = end_list(b);
}

int sd_list_end_alone(struct sd_builder *b, char **ret, size_t *ret_len)
{
    size_t at = end_list(b);
    if (b->error < 0) {
        free(b->data);
        return b->error;
    }
    *ret_len = b->len - at;
    memmove(b->data, b->data + at, *ret_len);
    *ret = b->data;
    return 0;
}
