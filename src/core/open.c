// SPDX-License-Identifier: MIT
/* From a source ("mem:size=1g", "disk.img") to a file system, through the registry. */
#include <base/options.h>
#include <lintel/fs.h>
#include <registry.h>
#include <string.h>

/* The kind whose options `source` is, standing alone: the path of an image. */
static const struct lt_fs_kind *probe_kinds(const char *source)
{
    for (const struct lt_fs_kind *kind = lt_fs_kinds; kind->name; kind++) {
        if (kind->probe && kind->probe(source) > 0)
            return kind;
    }
    return NULL;
}

int lt_open_fs(const char *source, struct lt_fs **ret_fs, struct lt_diag *diag)
{
    size_t len = strcspn(source, ":");
    const char *options;
    const struct lt_fs_kind *kind = lt_fs_kind_of(source, &options);
    if (kind)
        return kind->open(options, ret_fs, diag);
    kind = probe_kinds(source);
    if (kind)
        return kind->open(source, ret_fs, diag);
    if (source[len])
        return lt_diag_set(diag, LT_EINVAL, "there is no file system of the kind '%.*s'", (int)len,
                           source);
    return lt_diag_set(diag, LT_EINVAL,
                       "'%s' names no file system: a source is KIND:OPTIONS, for example "
                       "mem:size=1g, or the path of an image",
                       source);
}
