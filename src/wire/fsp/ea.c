// SPDX-License-Identifier: MIT
/* FILE_FULL_EA_INFORMATION: a head, the name, a NUL, the value. The next one begins at a multiple
 * of 4 (MS-FSCC 2.4.16). */
#include "message.h"

#include <base/wire.h>

struct ea_head {
    struct lt_le32 next; /* bytes from this one to the next; 0: the last */
    uint8_t flags, name_len;
    struct lt_le16 value_len;
};
static_assert(sizeof(struct ea_head) == 8, "head of FILE_FULL_EA_INFORMATION");

static size_t aligned(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

int lt_fsp_ea_next(struct lt_str list, size_t *at, struct lt_fsp_ea *ret)
{
    struct ea_head head;
    if (*at >= list.len)
        return 0;
    size_t left = list.len - *at;
    if (left < sizeof(head))
        return LT_EPROTO;
    memcpy(&head, list.s + *at, sizeof(head));
    size_t value_len = lt_get_le16(head.value_len), next = lt_get_le32(head.next);
    size_t size = sizeof(head) + head.name_len + 1 + value_len;
    const char *name = list.s + *at + sizeof(head);
    if (size > left || name[head.name_len] != 0)
        return LT_EPROTO;
    if (next != 0 && (next < size || next % 4 != 0 || next >= left))
        return LT_EPROTO;
    *ret = (struct lt_fsp_ea){.name = lt_strn(name, head.name_len),
                              .value = lt_strn(name + head.name_len + 1, value_len),
                              .flags = head.flags};
    *at = next ? *at + next : list.len;
    return 1;
}

bool lt_fsp_put_ea(struct lt_fsp_entries *e, size_t *last, const struct lt_fsp_ea *ea)
{
    size_t start = aligned(e->len);
    if (ea->name.len > UINT8_MAX || ea->value.len > UINT16_MAX || start > e->size)
        return false;
    size_t size = sizeof(struct ea_head) + ea->name.len + 1 + ea->value.len;
    if (size > e->size - start)
        return false;
    struct ea_head head = {.flags = ea->flags,
                           .name_len = (uint8_t)ea->name.len,
                           .value_len = lt_put_le16((uint16_t)ea->value.len)};
    uint8_t *at = e->buf + start;
    memset(e->buf + e->len, 0, start - e->len);
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    if (ea->name.len)
        memcpy(at, ea->name.s, ea->name.len);
    at[ea->name.len] = 0;
    if (ea->value.len)
        memcpy(at + ea->name.len + 1, ea->value.s, ea->value.len);
    if (*last != SIZE_MAX)
        ((struct ea_head *)(e->buf + *last))->next = lt_put_le32((uint32_t)(start - *last));
    *last = start;
    e->len = start + size;
    return true;
}
