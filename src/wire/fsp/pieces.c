// SPDX-License-Identifier: MIT
#include "pieces.h"

bool lt_fsp_take_bytes(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_str *ret)
{
    if (buf.size == 0) {
        *ret = lt_strn(NULL, 0);
        return true;
    }
    if (buf.offset > p.len || buf.size > p.len - buf.offset)
        return false;
    *ret = lt_strn(p.bytes + buf.offset, buf.size);
    return true;
}

bool lt_fsp_take_units(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_wide *ret)
{
    struct lt_str bytes;
    if (buf.size % 2 != 0 || !lt_fsp_take_bytes(p, buf, &bytes))
        return false;
    *ret = (struct lt_wide){(const uint8_t *)bytes.s, bytes.len / 2};
    return true;
}

size_t lt_wide_find(struct lt_wide w, uint16_t unit)
{
    size_t i = 0;
    while (i < w.units && lt_wide_at(w, i) != unit)
        i++;
    return i;
}
