// SPDX-License-Identifier: MIT
#include "registry.h"

#include <fs/fuse/source.h>
#include <fs/image/image.h>
#include <fs/mem/mem.h>
#include <string.h>

const struct lt_fs_kind lt_fs_kinds[] = {
    {.name = "mem", .summary = "RAM disk", .open = lt_memfs_open},
    {.name = "image", .summary = "disk image", .open = lt_imgfs_open, .probe = lt_imgfs_probe},
    {.name = "fuse",
     .summary = "a FUSE program: fuse:COMMAND, where @ stands for its mount point",
     .open = lt_fusefs_open_command,
     .line = true},
    {.name = "fuse+unix",
     .summary = "a FUSE server at a Unix socket: fuse+unix:PATH",
     .open = lt_fusefs_open_unix,
     .line = true},
    {.name = "fuse+stdio",
     .summary = "a command that speaks FUSE: fuse+stdio:COMMAND",
     .open = lt_fusefs_open_stdio,
     .line = true},
    {.name = NULL},
};

const struct lt_fs_kind *lt_fs_kind_of(const char *source, const char **ret_options)
{
    for (const struct lt_fs_kind *kind = lt_fs_kinds; kind->name; kind++) {
        size_t len = strlen(kind->name);
        if (strncmp(source, kind->name, len) != 0)
            continue;
        bool options_first = kind->line && source[len] == ',' && strchr(source + len, ':');
        if (source[len] != ':' && !options_first)
            continue;
        if (ret_options)
            *ret_options = source + len + (kind->line ? 0 : 1);
        return kind;
    }
    return NULL;
}
