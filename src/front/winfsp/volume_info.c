// SPDX-License-Identifier: MIT
/* The size of the volume and its label. */
#include "volume.h"

#include <base/unicode.h>

static int volume_info(struct call *c, struct lt_fsp_volume_info *ret)
{
    struct lt_statfs stat;
    struct lt_volume volume;
    int r = lt_fs_statfs(&c->ctx, c->v->fs, &stat);
    if (r < 0)
        return r;
    lt_fs_volume(c->v->fs, &volume);
    ret->total_size = stat.total;
    ret->free_size = stat.available;
    /* No longer than set_label() takes; one that is, from elsewhere, is not shown. */
    int units = lt_utf8_to_utf16(lt_str(volume.label), ret->label, LT_LABEL_UNITS_MAX);
    ret->label_length = units < 0 ? 0 : (uint16_t)(2 * units);
    return LT_OK;
}

int32_t fsp_query_volume(struct call *c)
{
    return lt_status_from_error(volume_info(c, &c->rsp->u.volume));
}

/* What is longer than a label can be is cut, but not between the two halves of a character. */
static int set_label(struct call *c, struct lt_wide label)
{
    uint16_t units[LT_LABEL_UNITS_MAX];
    char text[3 * LT_LABEL_UNITS_MAX];
    size_t count = label.units < LT_LABEL_UNITS_MAX ? label.units : LT_LABEL_UNITS_MAX;
    for (size_t i = 0; i < count; i++)
        units[i] = lt_wide_at(label, i);
    if (count < label.units && units[count - 1] >= 0xd800 && units[count - 1] < 0xdc00)
        count--;
    int len = lt_utf16_to_utf8(units, count, text, sizeof(text));
    return len < 0 ? len : lt_fs_set_label(&c->ctx, c->v->fs, lt_strn(text, (size_t)len));
}

int32_t fsp_set_volume(struct call *c)
{
    const uint32_t fs_label = 2; /* FileFsLabelInformation (MS-FSCC 2.5) */
    if (c->in.req.u.set_volume.info_class != fs_label)
        return LT_STATUS_INVALID_DEVICE_REQUEST;
    int r = set_label(c, c->in.label);
    if (r == 0)
        r = volume_info(c, &c->rsp->u.volume);
    return lt_status_from_error(r);
}
