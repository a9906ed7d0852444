/* SPDX-License-Identifier: MIT */
/*
 * The host's own files, for trees that are loaded from and saved to them:
 * directories held open, entries by name within them, never through a symbolic link.
 * `name` NULL means the directory itself. Errors are lt_errors. One thread at a time.
 */
#ifndef LT_OS_HOST_H
#define LT_OS_HOST_H

#include <lintel/error.h>
#include <lintel/types.h>

/* ---- Directories --------------------------------------------------------------------------- */

struct lt_host_dir;

/* Opens a directory by path, symbolic links followed. */
int lt_host_dir_open(const char *path, struct lt_host_dir **ret);
/* Opens a directory within one. */
int lt_host_dir_enter(struct lt_host_dir *dir, const char *name, struct lt_host_dir **ret);
void lt_host_dir_close(struct lt_host_dir *dir);
/* The next name, without "." and "..", borrowed until the next call: 1, or 0 at the end. */
int lt_host_dir_next(struct lt_host_dir *dir, const char **ret_name);

/* ---- Entries ------------------------------------------------------------------------------- */

/* Attributes as far as the host has them; ret->id is its inode number, *ret_dev its device. */
int lt_host_stat(struct lt_host_dir *dir, const char *name, struct lt_attr *ret, uint64_t *ret_dev);
int lt_host_readlink(struct lt_host_dir *dir, const char *name, char *buf, size_t size);

int lt_host_mkdir(struct lt_host_dir *dir, const char *name);
int lt_host_symlink(struct lt_host_dir *dir, const char *name, const char *target);
/* FIFOs, sockets and devices. */
int lt_host_mknod(struct lt_host_dir *dir, const char *name, uint32_t mode, uint32_t rdev);
/* One more name for `old_path`, which counts from `top` (NULL: the current directory). */
int lt_host_link(struct lt_host_dir *top, const char *old_path, struct lt_host_dir *dir,
                 const char *name);

int lt_host_chown(struct lt_host_dir *dir, const char *name, uint32_t uid, uint32_t gid);
/* Not for symbolic links. */
int lt_host_chmod(struct lt_host_dir *dir, const char *name, uint32_t mode);
int lt_host_utimens(struct lt_host_dir *dir, const char *name, struct lt_time atime,
                    struct lt_time mtime);

/* Within a directory; what has the name `to` already is replaced. */
int lt_host_rename(struct lt_host_dir *dir, const char *from, const char *to);
/* Not for directories. */
int lt_host_remove(struct lt_host_dir *dir, const char *name);

/* As listxattr and the like: lengths for size 0, LT_ERANGE. Names with a NUL each. */
int lt_host_xattr_list(struct lt_host_dir *dir, const char *name, char *buf, size_t size);
int lt_host_xattr_get(struct lt_host_dir *dir, const char *name, const char *key, void *buf,
                      size_t size);
int lt_host_xattr_set(struct lt_host_dir *dir, const char *name, const char *key, const void *value,
                      size_t size);

/* ---- Files --------------------------------------------------------------------------------- */

struct lt_host_file;

/* For reading (dir NULL: `name` is a path), or made new for writing. */
int lt_host_file_open(struct lt_host_dir *dir, const char *name, struct lt_host_file **ret);
int lt_host_file_create(struct lt_host_dir *dir, const char *name, struct lt_host_file **ret);
/* Closes; with `sync` after everything is durable. */
int lt_host_file_close(struct lt_host_file *file, bool sync);
/* Up to len bytes at offset; 0 at the end. */
int64_t lt_host_file_read(struct lt_host_file *file, uint64_t offset, void *buf, size_t len);
/* All of it. */
int lt_host_file_write(struct lt_host_file *file, uint64_t offset, const void *buf, size_t len);
int lt_host_file_set_size(struct lt_host_file *file, uint64_t size);
/* The next data at or behind *offset and its end; LT_ENXIO if there is none. */
int lt_host_file_data(struct lt_host_file *file, uint64_t *offset, uint64_t *ret_end);

/* ---- By path ------------------------------------------------------------------------------- */

/* The type bits of what `path` is, not following a last symbolic link: > 0, or LT_ENOENT. */
int lt_host_type(const char *path);
/* The same, following it. */
int lt_host_type_followed(const char *path);

/* Makes `path`, an empty directory that only its owner may enter. */
int lt_host_make_dir(const char *path);
/* Everything on the file system of `path` becomes durable. */
int lt_host_sync(const char *path);
/* The directory that holds `path` becomes durable. */
int lt_host_sync_parent(const char *path);
/* `from` takes the place of `to` in one step, and durably; if `to` was there, it is `from` then.
 * Where the file system cannot exchange directories, `to` steps aside first, as TO.lintel-old. */
int lt_host_replace(const char *from, const char *to);
/* Removes a file, or a directory with all that is in it; nothing there is no error. */
int lt_host_remove_tree(const char *path);

#endif
