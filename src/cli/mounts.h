/* SPDX-License-Identifier: MIT */
/* What is mounted where, and talking to the process behind a mounted volume. */
#ifndef LT_CLI_MOUNTS_H
#define LT_CLI_MOUNTS_H

#include "json_read.h"

#include <lintel/types.h>

struct lt_mounted {
    char dir[LT_PATH_MAX]; /* where */
    char source[LT_PATH_MAX];
    char type[64];
};

/* Whether the type is that of a FUSE mount by Lintel with its usual name. */
bool lt_mounted_is_ours(const struct lt_mounted *mounted);

/*
 * The absolute path of `path` without symbolic links, also if it is the root of a
 * mount whose process has died. Errors of realpath(3).
 */
int lt_path_absolute(const char *path, char ret[LT_PATH_MAX]);

/* The mount that `path`, absolute and without symbolic links, lies on. LT_ENOENT, LT_EIO. */
int lt_mounted_around(const char *path, struct lt_mounted *ret);

/* The same, if `path` is its very root; else LT_ENOENT. */
int lt_mounted_at(const char *path, struct lt_mounted *ret);

/* Where Lintel has the image `path` (absolute, without symbolic links) mounted: its directory, or
 * "". */
void lt_mounted_of(const char *path, char *buf, size_t size);

/*
 * What the volume mounted at `dir` answers to system.lintel.NAME: malloc'd text.
 * LT_ENODATA, LT_EOPNOTSUPP (it is not Lintel's), LT_ENOTCONN (its process has died).
 */
int lt_control_get(const char *dir, const char *name, char **ret);
int lt_control_set(const char *dir, const char *name, const char *text);

/* lt_control_get(), parsed. *ret_text is what the document needs to live on; free() it after
 * lt_document_free(). LT_EBADMSG. */
int lt_control_ask(const char *dir, const char *name, struct lt_document *ret, char **ret_text);

#endif
