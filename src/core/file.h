/* SPDX-License-Identifier: MIT */
/* An open file, as file_open.c makes it and file.c uses it. */
#ifndef LT_CORE_FILE_H
#define LT_CORE_FILE_H

#include "core.h"

#include <lintel/file.h>

struct lt_file {
    struct lt_node *node; /* immutable; referenced */
    struct lt_ctx ctx;    /* immutable: the opener; groups in `groups` */
    uint32_t flags;       /* immutable: LT_O_... */
    struct lt_mutex lock; /* held over calls that use the position */
    uint64_t position;    /* guarded by lock */
    uint32_t groups[];    /* immutable */
};

static inline bool file_may_read(const struct lt_file *file)
{
    return (file->flags & LT_O_ACCMODE) != LT_O_WRONLY && !(file->flags & LT_O_PATH);
}

static inline bool file_may_write(const struct lt_file *file)
{
    return (file->flags & LT_O_ACCMODE) != LT_O_RDONLY && !(file->flags & LT_O_PATH);
}

#endif
