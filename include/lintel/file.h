/* SPDX-License-Identifier: MIT */
/*
 * Open files and directories: a node, a position, and what the opener may do.
 *
 * A struct lt_file may be used by several threads: calls that use the position
 * (read, write, seek) take turns, all others run side by side. What was checked
 * when it was opened holds until it is closed, as POSIX has it. I/O runs on
 * behalf of the opener.
 */
#ifndef LINTEL_FILE_H
#define LINTEL_FILE_H

#include <lintel/fs.h>
#include <lintel/lock.h>

struct lt_file;

/* How to open: numbers of open(2) on Linux x86-64. */
enum {
    LT_O_RDONLY = 0,
    LT_O_WRONLY = 01,
    LT_O_RDWR = 02,
    LT_O_ACCMODE = 03,
    LT_O_CREAT = 0100,
    LT_O_EXCL = 0200, /* with CREAT: LT_EEXIST; a last symbolic link is not followed */
    LT_O_TRUNC = 01000,
    LT_O_APPEND = 02000, /* every write goes to the end, atomically */
    LT_O_DSYNC = 010000, /* every write is durable when it returns */
    LT_O_DIRECTORY = 0200000,
    LT_O_NOFOLLOW = 0400000, /* LT_ELOOP where the last component is a symbolic link */
    LT_O_SYNC = 04010000,
    LT_O_PATH = 010000000, /* only to name a node: no permission on it needed, no I/O (LT_EBADF) */
    LT_O_TMPFILE =
        020200000 /* a file without a name in the directory `path`; lt_file_link() names it */
};

/*
 * Opens, and with LT_O_CREAT makes, a file. Errors beyond lintel/path.h: LT_EINVAL
 * (contradictory flags), LT_EEXIST, LT_EISDIR (writing to a directory), LT_ELOOP
 * (LT_O_NOFOLLOW), LT_ENXIO (devices, FIFOs and sockets have no data here: they open
 * with LT_O_PATH only).
 */
int lt_file_open(const struct lt_ctx *ctx, struct lt_node *base, const char *path, uint32_t flags,
                 uint32_t mode, struct lt_file **ret);

/* Opens a node (a stream, for example) as it is, without permission checks. LT_O_CREAT, LT_O_EXCL,
 * LT_O_NOFOLLOW and LT_O_TMPFILE are LT_EINVAL. */
int lt_file_open_node(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags,
                      struct lt_file **ret);

/* Gives up the file's locks and its node. The file is closed whatever this returns: an error is one
 * of writing what the file system had kept back (lt_node_close()). NULL is ignored. */
int lt_file_close(struct lt_file *file);

/* The node, which lives as long as the file does. */
struct lt_node *lt_file_node(struct lt_file *file);
uint32_t lt_file_flags(struct lt_file *file);

/* ---- Data ---------------------------------------------------------------------------------- */

/* Reads at the position and moves it. Less than len at the end of the file only; 0 there. LT_EBADF:
 * not open for that. */
int64_t lt_file_read(struct lt_file *file, void *buf, size_t len);
int64_t lt_file_pread(struct lt_file *file, void *buf, size_t len, uint64_t offset);

/* Writes at the position (LT_O_APPEND: the end) and moves it behind. Less than len for lack of
 * space only. */
int64_t lt_file_write(struct lt_file *file, const void *buf, size_t len);
/* At `offset`; with LT_O_APPEND at the end, as on Linux. */
int64_t lt_file_pwrite(struct lt_file *file, const void *buf, size_t len, uint64_t offset);

enum lt_whence { LT_SEEK_SET = 0, LT_SEEK_CUR = 1, LT_SEEK_END = 2 };

/* `whence`: enum lt_whence or enum lt_seek (data, hole). Returns the new position. LT_EINVAL:
 * before the start. */
int64_t lt_file_seek(struct lt_file *file, int64_t offset, int whence);

int lt_file_truncate(struct lt_file *file, uint64_t size);
int lt_file_allocate(struct lt_file *file, uint32_t mode, uint64_t offset, uint64_t len);
int lt_file_sync(struct lt_file *file, bool data_only);
/* Copies between two open files of one file system; see lt_node_copy_range(). */
int64_t lt_file_copy_range(struct lt_file *from, uint64_t from_offset, struct lt_file *to,
                           uint64_t to_offset, uint64_t len);

/* ---- Metadata ------------------------------------------------------------------------------ */

int lt_file_stat(struct lt_file *file, struct lt_attr *ret);
/* With the permission checks of lt_access_setattr(); a size needs a file open for writing. */
int lt_file_setattr(struct lt_file *file, const struct lt_setattr *set);
/* Gives the file one more name (above all one from LT_O_TMPFILE). */
int lt_file_link(struct lt_file *file, struct lt_node *base, const char *path);

/* ---- Locks (lintel/lock.h) ------------------------------------------------------------------- */

/* A lock that belongs to this open file and goes when it is closed (F_OFD_SETLK). LT_LOCK_SHARED
 * needs a file open for reading, LT_LOCK_EXCLUSIVE for writing: LT_EBADF. */
int lt_file_lock(struct lt_file *file, enum lt_lock_type type, uint64_t start, uint64_t len,
                 bool wait);

/* ---- Directories ----------------------------------------------------------------------------- */

struct lt_dir;

/* A listing held open. The directory must be readable. */
int lt_dir_open(const struct lt_ctx *ctx, struct lt_node *base, const char *path,
                struct lt_dir **ret);
int lt_dir_open_node(const struct lt_ctx *ctx, struct lt_node *node, struct lt_dir **ret);
void lt_dir_close(struct lt_dir *dir);

/* The next entry, without "." and "..": 1, or 0 at the end. *ret is borrowed until the next call on
 * this listing; its node and attr are NULL. One thread at a time. */
int lt_dir_next(struct lt_dir *dir, struct lt_dirent *ret);

/* Where the listing stands: 0 at the start. */
uint64_t lt_dir_tell(struct lt_dir *dir);
/* Goes back to what lt_dir_tell() or an entry's `next` said. */
void lt_dir_seek(struct lt_dir *dir, uint64_t cookie);

#endif
