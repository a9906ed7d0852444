// SPDX-License-Identifier: MIT
/*
 * Chains of entries: each begins with its size, as a 16-bit number, and a name of UTF-16 ends it.
 * The next one begins at a multiple of 8.
 */
#include "message.h"

static size_t aligned(size_t size)
{
    return (size + LT_FSP_ALIGN - 1) & ~(size_t)(LT_FSP_ALIGN - 1);
}

/* Adds an entry of `fixed` bytes before the name. Writes its size over the first two of them. */
static bool put_entry(struct lt_fsp_entries *e, const void *entry, size_t fixed,
                      const uint16_t *name, size_t units)
{
    if (units > (UINT16_MAX - fixed) / 2)
        return false;
    size_t len = fixed + 2 * units;
    if (aligned(len) > e->size - e->len)
        return false;
    uint8_t *at = e->buf + e->len;
    memcpy(at, entry, fixed);
    memcpy(at, &(uint16_t){(uint16_t)len}, sizeof(uint16_t));
    if (units)
        memcpy(at + fixed, name, 2 * units);
    memset(at + len, 0, aligned(len) - len);
    e->len += aligned(len);
    return true;
}

bool lt_fsp_put_dir_info(struct lt_fsp_entries *e, const struct lt_fsp_file_info *info,
                         uint64_t next_offset, const uint16_t *name, size_t units)
{
    struct lt_fsp_dir_info entry = {.next_offset = next_offset};
    if (info)
        entry.info = *info;
    return put_entry(e, &entry, sizeof(entry), name, units);
}

bool lt_fsp_put_stream_info(struct lt_fsp_entries *e, uint64_t size, uint64_t allocation,
                            const uint16_t *name, size_t units)
{
    struct lt_fsp_stream_info entry = {.stream_size = size, .allocation_size = allocation};
    return put_entry(e, &entry, sizeof(entry), name, units);
}

bool lt_fsp_put_notify_info(struct lt_fsp_entries *e, uint32_t filter, uint32_t action,
                            const uint16_t *name, size_t units)
{
    struct lt_fsp_notify_info entry = {.filter = filter, .action = action};
    return put_entry(e, &entry, sizeof(entry), name, units);
}

bool lt_fsp_put_entries_end(struct lt_fsp_entries *e)
{
    if (e->size - e->len < sizeof(uint16_t))
        return false;
    memset(e->buf + e->len, 0, sizeof(uint16_t));
    e->len += sizeof(uint16_t);
    return true;
}

int lt_fsp_next_entry(struct lt_str chain, size_t *at, size_t fixed, struct lt_str *ret)
{
    uint16_t size;
    if (*at >= chain.len)
        return LT_ENODATA;
    size_t left = chain.len - *at;
    if (left < sizeof(size))
        return LT_EPROTO;
    memcpy(&size, chain.s + *at, sizeof(size));
    if (size == 0)
        return 0;
    if (size < fixed || size > left || (size - fixed) % 2 != 0)
        return LT_EPROTO;
    *ret = lt_strn(chain.s + *at, size);
    *at += aligned(size);
    return 1;
}
