/* SPDX-License-Identifier: MIT */
/*
 * Paths: what lintel/fs.h does to nodes, done to names a person would write, with
 * the permission checks of Linux on the way.
 *
 * Every function takes the node `base` at which a path without a leading '/'
 * starts: lt_fs_root(fs), or any directory held by the caller. Components are
 * separated by '/'; "." and ".." mean what they mean on Linux; symbolic links are
 * followed, 40 at most (LT_ELOOP), absolute ones from the file system's root. A
 * trailing '/' demands a directory. ctx may be NULL: uid 0.
 *
 * Errors of all functions: LT_ENOENT (also an empty path), LT_ENOTDIR, LT_EACCES (a
 * directory on the way may not be searched, or what is asked for is not allowed),
 * LT_ELOOP, LT_ENAMETOOLONG (LT_PATH_MAX, or a component), LT_EPERM, and those of
 * the function of lintel/fs.h that does the work.
 */
#ifndef LINTEL_PATH_H
#define LINTEL_PATH_H

#include <lintel/fs.h>

enum { LT_NOFOLLOW = 0x1 }; /* a symbolic link as last component is meant itself */

/* The node of a path, with its attributes. `ret->node` is the caller's to put. */
int lt_path_lookup(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                   struct lt_entry *ret);

int lt_path_stat(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                 struct lt_attr *ret);

/* Whether ctx may do all of `want` (LT_MAY_... of lintel/access.h; 0: whether it exists). */
int lt_path_access(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                   uint32_t want);

/* The absolute path of a node, without symbolic links, "." and "..", into buf with NUL: one of its
 * names, for a file with several. Returns the length. LT_ENOENT: it has no name; LT_ERANGE. */
int lt_path_of(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size);

/* ---- Names --------------------------------------------------------------------------------- */

int lt_path_mkdir(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t mode);

/* Files, FIFOs, sockets and, for uid 0, devices. LT_EPERM. */
int lt_path_mknod(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t mode,
                  uint32_t rdev);

int lt_path_symlink(const struct lt_ctx *ctx, const char *target, struct lt_node *base,
                    const char *path);

/* `flags` say how `path`, the existing file, is looked up; POSIX link() is LT_NOFOLLOW. */
int lt_path_link(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                 struct lt_node *new_base, const char *new_path);

int lt_path_unlink(const struct lt_ctx *ctx, struct lt_node *base, const char *path);
int lt_path_rmdir(const struct lt_ctx *ctx, struct lt_node *base, const char *path);

/* `flags`: LT_RENAME_... */
int lt_path_rename(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                   struct lt_node *new_base, const char *new_path, uint32_t flags);

/* The target into buf with NUL; returns its length. LT_ERANGE: size is too small. */
int lt_path_readlink(const struct lt_ctx *ctx, struct lt_node *base, const char *path, char *buf,
                     size_t size);

/* Calls fn per entry of a directory ("." and ".." left out) until it is non-zero, which is then
 * returned. fn may call into the file system. See lintel/file.h for a listing held open. */
int lt_path_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                 int (*fn)(void *arg, const struct lt_dirent *entry), void *arg);

/* ---- Attributes ---------------------------------------------------------------------------- */

/* All changes of attributes come through here; what else they entail is in lt_access_setattr(). */
int lt_path_setattr(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                    uint32_t flags, const struct lt_setattr *set);

static inline int lt_path_chmod(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                                uint32_t mode)
{
    struct lt_setattr set = {.mask = LT_SET_MODE, .mode = mode};
    return lt_path_setattr(ctx, base, path, 0, &set);
}

/* UINT32_MAX leaves an id as it is. */
static inline int lt_path_chown(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                                uint32_t flags, uint32_t uid, uint32_t gid)
{
    struct lt_setattr set = {.uid = uid, .gid = gid};
    set.mask |= uid == UINT32_MAX ? 0 : LT_SET_UID;
    set.mask |= gid == UINT32_MAX ? 0 : LT_SET_GID;
    return lt_path_setattr(ctx, base, path, flags, &set);
}

/* NULL leaves a time as it is. */
static inline int lt_path_utimens(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                                  uint32_t flags, const struct lt_time *atime,
                                  const struct lt_time *mtime)
{
    struct lt_setattr set = {0};
    if (atime) {
        set.mask |= LT_SET_ATIME;
        set.atime = *atime;
    }
    if (mtime) {
        set.mask |= LT_SET_MTIME;
        set.mtime = *mtime;
    }
    return lt_path_setattr(ctx, base, path, flags, &set);
}

static inline int lt_path_truncate(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                                   uint64_t size)
{
    struct lt_setattr set = {.mask = LT_SET_SIZE, .size = size};
    return lt_path_setattr(ctx, base, path, 0, &set);
}

/* ---- Extended attributes (POSIX) ------------------------------------------------------------- */

/* The functions of lintel/fs.h on a path; `flags` are LT_NOFOLLOW, those of a set `set_flags`. */
int lt_path_xattr_get(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                      uint32_t flags, const char *name, void *buf, size_t size);
int lt_path_xattr_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                      uint32_t flags, const char *name, struct lt_str value, uint32_t set_flags);
int lt_path_xattr_remove(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                         uint32_t flags, const char *name);
/* fn must not call into the file system. Names of the trusted namespace are shown to uid 0 only. */
int lt_path_xattr_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                       uint32_t flags, int (*fn)(void *arg, struct lt_str name), void *arg);

/* ---- The Windows half ------------------------------------------------------------------------ */

/*
 * Splits "dir/file:stream" or "dir/file:stream:$DATA" into the two; the last component
 * counts. An empty stream name, as in "file::$DATA", is the file's own data. False
 * where there is no stream part, or it is not of that form. Nothing else in Lintel
 * takes ':' for more than a character of a name.
 */
bool lt_path_split_stream(const char *path, struct lt_str *ret_file, struct lt_str *ret_stream);

/* The node of a stream, for lt_node_read() and so on, or for lt_file_open_node(). `flags`:
 * LT_STREAM_...; the file must be readable, and writable if `write`. */
int lt_path_stream_open(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                        const char *stream, uint32_t flags, bool write, struct lt_node **ret);
int lt_path_stream_remove(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                          const char *stream);
int lt_path_stream_rename(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                          const char *stream, const char *new_stream, bool replace);
int lt_path_stream_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                        int (*fn)(void *arg, const struct lt_stream *stream), void *arg);

int lt_path_ea_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                   const struct lt_ea *list, size_t count, bool replace_all);
int lt_path_ea_list(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                    int (*fn)(void *arg, const struct lt_ea *ea), void *arg);

int lt_path_reparse_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                        struct lt_str data);
int lt_path_reparse_get(const struct lt_ctx *ctx, struct lt_node *base, const char *path, void *buf,
                        size_t size);
int lt_path_reparse_remove(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                           struct lt_str header);

/* Only the owner and uid 0 may set; whoever reaches the file may read. */
int lt_path_security_set(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                         struct lt_str descriptor);
int lt_path_security_get(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                         void *buf, size_t size);

#endif
