// SPDX-License-Identifier: MIT
/* Names between Windows and us: any bytes as a name that is shown and found again, and as the units
 * of a path. */
#include <front/winfsp/volume.h>

#include "../fuzz.h"

static const struct lt_winfsp posix = {.options.posix_names = true};
static const struct lt_winfsp plain = {.options.posix_names = false};

/* One that has private characters of its own is found as another. */
static bool has_private(const uint16_t *units, struct lt_str name)
{
    size_t own = 0, shown = 0;
    for (size_t i = 0; i < name.len; i++)
        own += (unsigned char)name.s[i] < 0x80 && strchr("\"*:<>?\\|", name.s[i]) != NULL;
    for (size_t i = 0; i < name.len; i++)
        own += (unsigned char)name.s[i] < 0x20;
    for (size_t i = 0; units[i]; i++)
        shown += units[i] >= 0xf000 && units[i] < 0xf080;
    return own != shown;
}

static void show(const struct lt_winfsp *v, struct lt_str name)
{
    uint16_t units[LT_NAME_UNITS_MAX + 1];
    char back[LT_NAME_MAX + 1];
    int n = fsp_name_from_utf8(v, name, units, LT_NAME_UNITS_MAX);
    FUZZ_CHECK(n >= 0 || n == LT_EINVAL || n == LT_ENAMETOOLONG);
    if (n <= 0 || lt_str_equal(name, lt_str(".")) || lt_str_equal(name, lt_str("..")))
        return;
    units[n] = 0;
    int len =
        fsp_name_to_utf8(v, (struct lt_wide){(uint8_t *)units, (size_t)n}, back, sizeof(back));
    FUZZ_CHECK(len > 0);
    FUZZ_CHECK((v == &posix && has_private(units, name)) ||
               lt_str_equal(name, lt_strn(back, (size_t)len)));
}

/* Absolute, without empty components and dots, not longer than said. */
static void check_path(const char *path, size_t size)
{
    size_t len = strnlen(path, size);
    FUZZ_CHECK(len < size && path[0] == '/');
    for (const char *at = path; at && len > 1; at = strchr(at, '/')) {
        size_t part = strcspn(++at, "/");
        FUZZ_CHECK(part > 0 && part <= LT_NAME_MAX);
        FUZZ_CHECK(strncmp(at, ".", part) != 0 && strncmp(at, "..", part) != 0);
    }
}

static void find(const struct lt_winfsp *v, struct lt_wide name, size_t size)
{
    char *path = malloc(size); /* of exactly its size */
    if (path == NULL)
        return;
    int r = fsp_name_to_path(v, name, path, size);
    FUZZ_CHECK(r == 0 || r == LT_EINVAL || r == LT_EILSEQ || r == LT_ENAMETOOLONG);
    if (r == 0)
        check_path(path, size);
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    show(&posix, lt_strn((const char *)data, size));
    show(&plain, lt_strn((const char *)data, size));
    find(&posix, (struct lt_wide){data, size / 2}, 2 * size + 2);
    find(&plain, (struct lt_wide){data, size / 2}, size / 2 + 1);
    return 0;
}
