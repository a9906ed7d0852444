// SPDX-License-Identifier: MIT
/* From a source ("mem:size=1g") to a file system, through the registry. */
#include <base/options.h>
#include <lintel/fs.h>
#include <registry.h>
#include <string.h>

static const struct lt_fs_kind *find_kind(const char *name, size_t len)
{
    for (const struct lt_fs_kind *kind = lt_fs_kinds; kind->name; kind++) {
        if (strlen(kind->name) == len && memcmp(kind->name, name, len) == 0)
            return kind;
    }
    return NULL;
}

int lt_open_fs(const char *source, struct lt_fs **ret_fs, struct lt_diag *diag)
{
    const char *colon = strchr(source, ':');
    if (!colon) {
        return lt_diag_set(diag, LT_EINVAL,
                           "'%s' names no file system: a source is KIND:OPTIONS, for example "
                           "mem:size=1g",
                           source);
    }
    const struct lt_fs_kind *kind = find_kind(source, (size_t)(colon - source));
    if (!kind) {
        return lt_diag_set(diag, LT_EINVAL, "there is no file system of the kind '%.*s'",
                           (int)(colon - source), source);
    }
    return kind->open(colon + 1, ret_fs, diag);
}
