// SPDX-License-Identifier: MIT
/*
 * Names of NT and names of ours.
 *
 * Characters that Windows forbids in a name are those below 32 and " * : < > ? \ |. In a file
 * system of POSIX they may be there, and are U+F000 + c for Windows: a range for private use that
 * Cygwin, WSL and WinFsp use for the same. Only these are mapped back; a name that has one of these
 * private characters itself cannot be reached. Trailing dots and spaces stay: NT allows them, it
 * is Win32 that takes them off.
 *
 * Paths come from the driver, which has checked them; what it would not let pass is refused all the
 * same, above all "." and "..", which must not leave a directory here.
 */
#include "volume.h"

#include <base/unicode.h>

#define PRIVATE 0xf000u
#define BACKSLASH 0x5cu
#define COLON 0x3au

static bool is_forbidden(unsigned c)
{
    if (c < 0x20)
        return c != 0;
    return c == '"' || c == '*' || c == COLON || c == '<' || c == '>' || c == '?' ||
           c == BACKSLASH || c == '|';
}

static bool is_private(unsigned unit)
{
    return unit > PRIVATE && unit < PRIVATE + 0x80 && is_forbidden(unit - PRIVATE);
}

static bool is_dots(struct lt_wide w)
{
    for (size_t i = 0; i < w.units; i++) {
        if (lt_wide_at(w, i) != '.')
            return false;
    }
    return w.units == 1 || w.units == 2;
}

int fsp_name_to_utf8(const struct lt_winfsp *v, struct lt_wide name, char *ret, size_t size)
{
    uint16_t units[LT_NAME_UNITS_MAX];
    if (name.units == 0 || is_dots(name))
        return LT_EINVAL;
    if (name.units > LT_NAME_UNITS_MAX)
        return LT_ENAMETOOLONG;
    for (size_t i = 0; i < name.units; i++) {
        unsigned unit = lt_wide_at(name, i);
        if (unit == 0 || unit == '/' || is_forbidden(unit))
            return LT_EINVAL;
        units[i] = (uint16_t)(v->options.posix_names && is_private(unit) ? unit - PRIVATE : unit);
    }
    int len = lt_utf16_to_utf8(units, name.units, ret, size);
    if (len == LT_ERANGE || (len >= 0 && (size_t)len >= size))
        return LT_ENAMETOOLONG;
    if (len >= 0)
        ret[len] = 0;
    return len;
}

/* The component at `at`: it ends before a backslash, the colon of a stream, or with the path. */
static struct lt_wide component(struct lt_wide path, size_t at)
{
    size_t end = at;
    while (end < path.units && lt_wide_at(path, end) != BACKSLASH && lt_wide_at(path, end) != COLON)
        end++;
    return (struct lt_wide){path.bytes + 2 * at, end - at};
}

static bool has_backslash(struct lt_wide path, size_t at)
{
    while (at < path.units && lt_wide_at(path, at) != BACKSLASH)
        at++;
    return at < path.units;
}

int fsp_name_to_path(const struct lt_winfsp *v, struct lt_wide name, char *ret, size_t size)
{
    size_t at = 1, len = 0;
    if (name.units == 0 || lt_wide_at(name, 0) != BACKSLASH)
        return LT_EINVAL;
    if (size < 2)
        return LT_ENAMETOOLONG;
    memcpy(ret, "/", 2);
    /* The root, or a stream of it. */
    if (name.units == 1 || (lt_wide_at(name, 1) == COLON && !has_backslash(name, 1)))
        return LT_OK;
    for (;;) {
        struct lt_wide part = component(name, at);
        if (size - len < 2)
            return LT_ENAMETOOLONG;
        ret[len++] = '/';
        int r = fsp_name_to_utf8(v, part, ret + len, size - len);
        if (r < 0)
            return r;
        len += (size_t)r;
        at += part.units;
        if (at == name.units)
            return LT_OK;
        if (lt_wide_at(name, at) == COLON)
            return has_backslash(name, at) ? LT_EINVAL : LT_OK;
        at++;
    }
}

int fsp_name_from_utf8(const struct lt_winfsp *v, struct lt_str name, uint16_t *ret, size_t max)
{
    int count = lt_utf8_to_utf16(name, ret, max < LT_NAME_UNITS_MAX ? max : LT_NAME_UNITS_MAX);
    if (count == LT_ERANGE)
        return LT_ENAMETOOLONG;
    for (int i = 0; i < count; i++) {
        if (ret[i] == 0 || ret[i] == '/' || (is_forbidden(ret[i]) && !v->options.posix_names))
            return LT_EINVAL;
        if (is_forbidden(ret[i]))
            ret[i] = (uint16_t)(ret[i] + PRIVATE);
    }
    return count;
}
