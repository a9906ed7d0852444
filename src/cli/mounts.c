// SPDX-License-Identifier: MIT
#include "mounts.h"

#include <assert.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

bool lt_mounted_is_ours(const struct lt_mounted *mounted)
{
    return strcmp(mounted->type, "fuse.lintel") == 0 ||
           strcmp(mounted->type, "fuseblk.lintel") == 0;
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

static_assert(LT_PATH_MAX >= PATH_MAX, "realpath writes PATH_MAX bytes");

int lt_path_absolute(const char *path, char ret[LT_PATH_MAX])
{
    char parent[LT_PATH_MAX], copy[LT_PATH_MAX];
    if (realpath(path, ret))
        return LT_OK;
    if (errno != ENOTCONN || strlen(path) >= sizeof(copy))
        return lt_error_last();
    copy_text(copy, sizeof(copy), path); /* dirname and basename write into it */
    if (!realpath(dirname(copy), parent))
        return lt_error_last();
    copy_text(copy, sizeof(copy), path);
    int len =
        snprintf(ret, LT_PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, basename(copy));
    return len < (int)LT_PATH_MAX ? LT_OK : LT_ENAMETOOLONG;
}

static bool lies_on(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    if (strcmp(dir, "/") == 0)
        return true;
    return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

int lt_mounted_around(const char *path, struct lt_mounted *ret)
{
    struct lt_mounted found = {.dir = ""};
    char line[2 * LT_PATH_MAX];
    struct mntent entry;
    FILE *table = setmntent("/proc/self/mounts", "re");
    if (!table)
        return lt_error_last();
    while (getmntent_r(table, &entry, line, sizeof(line))) {
        /* Of mounts on one directory the last one is on top. */
        if (!lies_on(path, entry.mnt_dir) || strlen(entry.mnt_dir) < strlen(found.dir))
            continue;
        copy_text(found.dir, sizeof(found.dir), entry.mnt_dir);
        copy_text(found.source, sizeof(found.source), entry.mnt_fsname);
        copy_text(found.type, sizeof(found.type), entry.mnt_type);
    }
    endmntent(table);
    if (!found.dir[0])
        return LT_ENOENT;
    *ret = found;
    return LT_OK;
}

int lt_mounted_at(const char *path, struct lt_mounted *ret)
{
    struct lt_mounted found;
    int error = lt_mounted_around(path, &found);
    if (error != LT_OK)
        return error;
    if (strcmp(found.dir, path) != 0)
        return LT_ENOENT;
    *ret = found;
    return LT_OK;
}

void lt_mounted_of(const char *path, char *buf, size_t size)
{
    char line[2 * LT_PATH_MAX];
    struct mntent entry;
    FILE *table = setmntent("/proc/self/mounts", "re");
    buf[0] = '\0';
    if (!table)
        return;
    while (getmntent_r(table, &entry, line, sizeof(line)))
        if (strcmp(entry.mnt_type, "fuse.lintel") == 0 && strcmp(entry.mnt_fsname, path) == 0)
            copy_text(buf, size, entry.mnt_dir);
    endmntent(table);
}

/* ---- Control --------------------------------------------------------------------------------- */

struct control_name {
    char text[64];
};

static struct control_name control_name(const char *name)
{
    struct control_name full;
    snprintf(full.text, sizeof(full.text), "system.lintel.%s", name);
    return full;
}

/* While a process dies its requests end in several ways, beside ENOTCONN afterwards: aborted,
 * cancelled, or (over io_uring) interrupted, which is worth another try. */
static int control_error(void)
{
    return errno == ECONNABORTED || errno == ECANCELED ? LT_ENOTCONN : lt_error_last();
}

int lt_control_get(const char *dir, const char *name, char **ret)
{
    enum { TRIES = 100 };
    ssize_t len = -1;
    char *text = malloc(LT_XATTR_SIZE_MAX + 1);
    if (!text)
        return LT_ENOMEM;
    errno = EINTR;
    for (int i = 0; i < TRIES && len < 0 && errno == EINTR; i++)
        len = getxattr(dir, control_name(name).text, text, LT_XATTR_SIZE_MAX);
    if (len < 0) {
        int error = control_error();
        free(text);
        return error;
    }
    text[len] = '\0';
    *ret = text;
    return LT_OK;
}

int lt_control_set(const char *dir, const char *name, const char *text)
{
    return setxattr(dir, control_name(name).text, text, strlen(text), 0) == 0 ? LT_OK
                                                                              : control_error();
}

int lt_control_ask(const char *dir, const char *name, struct lt_document *ret, char **ret_text)
{
    char *text;
    int error = lt_control_get(dir, name, &text);
    if (error != LT_OK)
        return error;
    error = lt_document_parse(text, ret);
    if (error != LT_OK) {
        free(text);
        return error;
    }
    *ret_text = text;
    return LT_OK;
}
