// SPDX-License-Identifier: MIT
/* SIDs: bytes, text, and which of them stand for the ids of POSIX. */
#include "descriptor.h"

#include <stdio.h>

#define AUTHORITY_MAX ((UINT64_C(1) << 48) - 1)

bool lt_sid_equal(const struct lt_sid *a, const struct lt_sid *b)
{
    if (a->authority != b->authority || a->sub_count != b->sub_count)
        return false;
    /* From the end: accounts of one domain differ there. */
    for (unsigned i = a->sub_count; i > 0; i--) {
        if (a->subs[i - 1] != b->subs[i - 1])
            return false;
    }
    return true;
}

struct lt_sid sd_well_known(uint64_t authority, uint32_t rid)
{
    return (struct lt_sid){.authority = authority, .subs = {rid}, .sub_count = 1};
}

struct lt_sid sd_builtin(uint32_t rid)
{
    return (struct lt_sid){.authority = 5, .subs = {32, rid}, .sub_count = 2};
}

bool sd_is_well_known(const struct lt_sid *sid, uint64_t authority, uint32_t rid)
{
    return sid->sub_count == 1 && sid->authority == authority && sid->subs[0] == rid;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

int lt_sid_decode(struct lt_str bytes, struct lt_sid *ret)
{
    size_t size = sd_sid_size(bytes, 0);
    if (size == 0)
        return LT_EINVAL;
    const struct sd_sid *from = (const struct sd_sid *)bytes.s;
    const struct lt_le32 *subs = (const struct lt_le32 *)(from + 1);
    ret->authority = 0;
    for (unsigned i = 0; i < sizeof(from->authority); i++)
        ret->authority = ret->authority << 8 | from->authority[i];
    ret->sub_count = from->count;
    for (unsigned i = 0; i < from->count; i++)
        ret->subs[i] = lt_get_le32(subs[i]);
    return (int)size;
}

int lt_sid_encode(const struct lt_sid *sid, void *buf)
{
    struct sd_sid head = {.revision = 1, .count = sid->sub_count};
    for (unsigned i = 0; i < sizeof(head.authority); i++)
        head.authority[i] = (uint8_t)(sid->authority >> (40 - 8 * i));
    memcpy(buf, &head, sizeof(head));
    for (unsigned i = 0; i < sid->sub_count; i++) {
        struct lt_le32 sub = lt_put_le32(sid->subs[i]);
        memcpy((char *)buf + sizeof(head) + i * sizeof(sub), &sub, sizeof(sub));
    }
    return (int)SD_SID_SIZE(sid->sub_count);
}

/* ---- Text ---------------------------------------------------------------------------------- */

int lt_sid_format(const struct lt_sid *sid, char *buf, size_t size)
{
    char text[192];
    /* MS-DTYP 2.4.2.1: hexadecimal from 2^32 on. */
    int len = snprintf(text, sizeof(text), sid->authority > UINT32_MAX ? "S-1-0x%llX" : "S-1-%llu",
                       (unsigned long long)sid->authority);
    for (unsigned i = 0; i < sid->sub_count; i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "-%u", (unsigned)sid->subs[i]);
    if ((size_t)len >= size)
        return LT_ERANGE;
    memcpy(buf, text, (size_t)len + 1);
    return 0;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* The number at the start of *text, decimal or hexadecimal behind 0x, of at most `max`. */
static int take_number(struct lt_str *text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    int base = 10;
    size_t i = 0;
    if (text->len > 2 && text->s[0] == '0' && (text->s[1] | 0x20) == 'x') {
        base = 16;
        i = 2;
    }
    size_t start = i;
    for (; i < text->len && digit_of(text->s[i]) < base; i++) {
        value = value * (unsigned)base + (unsigned)digit_of(text->s[i]);
        if (value > max)
            return LT_EINVAL;
    }
    if (i == start)
        return LT_EINVAL;
    *text = lt_strn(text->s + i, text->len - i);
    *ret = value;
    return 0;
}

int lt_sid_parse(struct lt_str text, struct lt_sid *ret)
{
    struct lt_sid sid = {0};
    if (text.len < 5 || (text.s[0] | 0x20) != 's' || memcmp(text.s + 1, "-1-", 3) != 0)
        return LT_EINVAL;
    text = lt_strn(text.s + 4, text.len - 4);
    if (take_number(&text, AUTHORITY_MAX, &sid.authority) < 0)
        return LT_EINVAL;
    while (text.len > 0) {
        uint64_t sub = 0;
        if (text.s[0] != '-' || sid.sub_count == LT_SID_SUBS_MAX)
            return LT_EINVAL;
        text = lt_strn(text.s + 1, text.len - 1);
        if (take_number(&text, UINT32_MAX, &sub) < 0)
            return LT_EINVAL;
        sid.subs[sid.sub_count++] = (uint32_t)sub;
    }
    *ret = sid;
    return 0;
}

/* ---- Ids of POSIX -------------------------------------------------------------------------- */

#define NOBODY 65534u

static struct lt_sid two_subs(uint64_t authority, uint32_t first, uint32_t second)
{
    return (struct lt_sid){.authority = authority, .subs = {first, second}, .sub_count = 2};
}

/*
 * S-1-x-y as 0x10000 + 0x100 x + y. Not those that stand for everybody (S-1-1) or for whoever it is
 * (S-1-3: CREATOR OWNER, OWNER RIGHTS), which as an owner would say something else than one person,
 * and not S-1-5, which has a better id.
 */
static bool is_named_authority(uint32_t authority)
{
    return authority < 16 && authority != 1 && authority != 3 && authority != 5;
}

/* S-1-5-x-rid as 0x1000 x + rid: not where other rows of the table lie, and not S-1-5-32. */
static bool is_nt_row(uint32_t id)
{
    uint32_t first = id >> 12;
    return first >= 1 && first < 0x100 && first != 0x10 && first != 32 && id >> 16 != 3;
}

void lt_sid_from_id(uint32_t id, bool group, struct lt_sid *ret)
{
    if (id == NOBODY || id == UINT32_MAX) /* chown's -1 is nobody's id */
        *ret = sd_well_known(0, NOBODY);
    else if (id < 0x200 || id == 1000)
        *ret = sd_well_known(5, id);
    else if (id < 1000)
        *ret = sd_builtin(id);
    else if (id >= 0x60000 && id < 0x70000)
        *ret = sd_well_known(16, id - 0x60000);
    else if (id >> 12 == 0x10 && is_named_authority((id >> 8) & 0xf))
        *ret = sd_well_known((id >> 8) & 0xf, id & 0xff);
    else if (is_nt_row(id))
        *ret = two_subs(5, id >> 12, id & 0xfff);
    else
        *ret = two_subs(22, group ? 2 : 1, id);
}

/* What the id would be, if any id is this SID. */
static uint32_t guess_id(const struct lt_sid *sid)
{
    uint32_t last = sid->sub_count ? sid->subs[sid->sub_count - 1] : 0;
    if (sid->sub_count == 1) {
        if (sid->authority == 5)
            return last;
        return sid->authority == 16 ? 0x60000 + last
                                    : 0x10000 + ((uint32_t)(sid->authority & 0xf) << 8) + last;
    }
    if (sid->sub_count == 2 && sid->authority == 5 && sid->subs[0] != 32)
        return (sid->subs[0] << 12) + last;
    return last;
}

uint32_t lt_sid_to_id(const struct lt_sid *sid, bool *ret_group)
{
    bool group = sid->authority == 22 && sid->sub_count == 2 && sid->subs[0] == 2;
    uint32_t id = guess_id(sid);
    struct lt_sid back;
    lt_sid_from_id(id, group, &back);
    if (!lt_sid_equal(&back, sid))
        id = NOBODY;
    if (ret_group)
        *ret_group = group && id != NOBODY;
    return id;
}
