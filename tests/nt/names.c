// SPDX-License-Identifier: MIT
/*
 * Names as NT has them: which are valid, what a relative one means, where its stream begins
 * (FsRtlIsAnsiCharacterLegalNtfs; sys/name.c and sys/create.c of WinFsp; MS-FSCC 2.1.5).
 */
#include "driver.h"

#include <base/unicode.h>
#include <stdlib.h>

#define BACKSLASH u'\\'
#define COLON u':'

int32_t drv_name_copy(const uint16_t *units, size_t len, struct drv_name *ret)
{
    uint16_t *copy = malloc((len ? len : 1) * sizeof(*copy));
    if (!copy)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    if (len)
        memcpy(copy, units, len * sizeof(*copy));
    *ret = (struct drv_name){copy, len};
    return LT_STATUS_SUCCESS;
}

void drv_name_free(struct drv_name *name)
{
    free(name->units);
    *name = (struct drv_name){0};
}

bool drv_name_is_root(const struct drv_name *name)
{
    return name->len == 1;
}

size_t drv_name_parent(const struct drv_name *name)
{
    size_t len = name->len;
    while (len > 0 && name->units[len - 1] != BACKSLASH)
        len--;
    return len ? len - 1 : 0;
}

uint16_t drv_upcase(uint16_t unit)
{
    return lt_upcase(unit);
}

uint16_t drv_name_fold(const struct nt_volume *v, uint16_t unit)
{
    return v->params.flags & LT_FSP_VOLUME_CASE_SENSITIVE ? unit : lt_upcase(unit);
}

bool drv_name_equal(const struct nt_volume *v, const uint16_t *a, size_t a_len, const uint16_t *b,
                    size_t b_len)
{
    if (a_len != b_len)
        return false;
    for (size_t i = 0; i < a_len; i++) {
        if (drv_name_fold(v, a[i]) != drv_name_fold(v, b[i]))
            return false;
    }
    return true;
}

bool drv_name_is_below(const struct nt_volume *v, const struct drv_name *name,
                       const struct drv_name *above)
{
    if (drv_name_is_root(above))
        return true;
    if (name->len < above->len ||
        !drv_name_equal(v, name->units, above->len, above->units, above->len))
        return false;
    return name->len == above->len || name->units[above->len] == BACKSLASH ||
           name->units[above->len] == COLON;
}

int32_t drv_name_widen(const char *text, uint16_t **ret, size_t *ret_len)
{
    struct lt_str s = lt_str(text);
    uint16_t *units = malloc((s.len ? s.len : 1) * sizeof(*units));
    if (!units)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    int n = lt_utf8_to_utf16(s, units, s.len);
    if (n < 0) {
        free(units);
        return LT_STATUS_OBJECT_NAME_INVALID;
    }
    *ret = units;
    *ret_len = (size_t)n;
    return LT_STATUS_SUCCESS;
}

bool drv_name_strip(struct drv_name *name)
{
    static const char drive[] = NT_DRIVE;
    const size_t global = 4; /* "\\??\\" */
    size_t same = 0;
    while (same < sizeof(drive) - 1 && same < name->len &&
           lt_upcase(name->units[same]) == (uint16_t)drive[same])
        same++;
    if (same < global)
        return true;
    if (same < sizeof(drive) - 1)
        return false;
    name->len -= same;
    memmove(name->units, name->units + same, name->len * sizeof(*name->units));
    return true;
}

static bool unit_is_valid(uint16_t unit)
{
    return unit >= 0x20 && (unit >= 0x80 || !strchr("\"*/<>?|", (char)unit));
}

/* "$DATA", the only type of streams. */
static bool is_data(const uint16_t *type, size_t len)
{
    static const char data[] = "$DATA";
    if (len != 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (lt_upcase(type[i]) != (uint16_t)data[i])
            return false;
    }
    return true;
}

/* What follows a component's name: ":stream", ":stream:$DATA" or "::$DATA", and nothing else. On
 * return *len is without a type, and without a stream that is the file itself. */
static bool split_stream(const struct nt_volume *v, size_t colon, struct drv_parsed *p)
{
    const uint16_t *units = p->name.units;
    size_t *len = &p->name.len;
    size_t type = colon + 1;
    while (type < *len && units[type] != COLON)
        type++;
    size_t name_len = type - colon - 1;
    if (name_len > v->params.component_max)
        return false;
    if (type < *len && !is_data(units + type + 1, *len - type - 1))
        return false;
    if (name_len == 0 && type == *len)
        return false;
    p->is_data = type < *len;
    *len = name_len ? type : colon;
    p->colon = name_len ? colon : 0;
    return true;
}

static bool components_are_valid(const struct nt_volume *v, struct drv_parsed *p)
{
    const uint16_t *units = p->name.units;
    size_t start = 1, end = p->name.len;
    for (size_t i = 1; i < end; i++) {
        if (units[i] == COLON) {
            /* Streams are of the last component. */
            for (size_t k = i; k < end; k++) {
                if (units[k] == BACKSLASH || (units[k] != COLON && !unit_is_valid(units[k])))
                    return false;
            }
            return i > start && i - start <= v->params.component_max && split_stream(v, i, p);
        }
        if (units[i] != BACKSLASH && !unit_is_valid(units[i]))
            return false;
        if (units[i] == BACKSLASH) {
            if (i == start || i - start > v->params.component_max)
                return false;
            start = i + 1;
        }
    }
    return end == 1 || (end > start && end - start <= v->params.component_max);
}

/* The path behind its base, in one block. */
static int32_t join(const struct drv_name *base, const uint16_t *path, size_t len,
                    struct drv_name *ret)
{
    size_t base_len = base ? base->len : 0;
    bool between = base && base_len > 1 && len > 0 && path[0] != COLON;
    uint16_t *units = malloc((base_len + len + 2) * sizeof(*units));
    if (!units)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    if (base_len)
        memcpy(units, base->units, base_len * sizeof(*units));
    if (between)
        units[base_len++] = BACKSLASH;
    if (len)
        memcpy(units + base_len, path, len * sizeof(*units));
    *ret = (struct drv_name){units, base_len + len};
    return LT_STATUS_SUCCESS;
}

int32_t drv_name_parse(struct nt_volume *v, const struct drv_name *base, const uint16_t *path,
                       size_t len, struct drv_parsed *ret)
{
    bool absolute = len > 0 && path[0] == BACKSLASH;
    if (base ? absolute : !absolute)
        return base ? LT_STATUS_INVALID_PARAMETER : LT_STATUS_OBJECT_NAME_INVALID;
    /* Two backslashes at the beginning are one. */
    if (len > 1 && path[0] == BACKSLASH && path[1] == BACKSLASH) {
        path++;
        len--;
    }
    struct drv_parsed parsed = {0};
    if (len > 1 && path[len - 1] == BACKSLASH) {
        parsed.trailing_backslash = true;
        len--;
    }
    int32_t status = join(base, path, len, &parsed.name);
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (!components_are_valid(v, &parsed) ||
        (parsed.colon && !(v->params.flags & LT_FSP_VOLUME_STREAMS))) {
        drv_name_free(&parsed.name);
        return LT_STATUS_OBJECT_NAME_INVALID;
    }
    *ret = parsed;
    return LT_STATUS_SUCCESS;
}
