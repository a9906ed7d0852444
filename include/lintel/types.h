/* SPDX-License-Identifier: MIT */
/*
 * The plain data that crosses the file-system interface: strings, times,
 * attributes, callers, memory segments. Nothing here owns memory.
 */
#ifndef LINTEL_TYPES_H
#define LINTEL_TYPES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A borrowed run of bytes, not necessarily NUL-terminated. Names and paths are UTF-8 where they are
 * text at all. */
struct lt_str {
    const char *s;
    size_t len;
};

static inline struct lt_str lt_str(const char *s)
{
    return (struct lt_str){s, strlen(s)};
}

static inline struct lt_str lt_strn(const char *s, size_t len)
{
    return (struct lt_str){s, len};
}

static inline bool lt_str_equal(struct lt_str a, struct lt_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

/*
 * Limits that hold for every Lintel file system.
 * A name has at most 255 UTF-16 units (NTFS, exFAT), hence at most 765 bytes of
 * UTF-8; a byte that is not part of valid UTF-8 counts as one unit.
 */
#define LT_NAME_UNITS_MAX 255u
#define LT_NAME_MAX 765u  /* bytes, without NUL */
#define LT_PATH_MAX 4096u /* bytes of a path or a symlink's target, with NUL (Linux PATH_MAX) */
#define LT_LINK_MAX 0x7fffffffu    /* names of one file */
#define LT_SIZE_MAX INT64_MAX      /* bytes in one file */
#define LT_IO_MAX (1u << 20)       /* bytes that one lt_node_read moves at most */
#define LT_XATTR_NAME_MAX 255u     /* bytes (linux/limits.h XATTR_NAME_MAX) */
#define LT_XATTR_SIZE_MAX 65536u   /* bytes of a value (linux/limits.h XATTR_SIZE_MAX) */
#define LT_EA_SIZE_MAX 65535u      /* packed bytes of all EAs of one file (MS-FSCC 2.4.12 EaSize) */
#define LT_REPARSE_SIZE_MAX 16384u /* bytes, header included (MS-FSCC 2.1.2) */
#define LT_SECURITY_SIZE_MAX 65536u /* bytes of one self-relative security descriptor */
#define LT_LABEL_UNITS_MAX 32u /* UTF-16 units of a volume label (NTFS; WinFsp VolumeLabel[32]) */
#define LT_ROOT_ID UINT64_C(1) /* id of every root node (FUSE_ROOT_ID) */

/* A point in time: seconds since 1970-01-01 UTC, negative before, and 0..999999999 nanoseconds
 * after them. */
struct lt_time {
    int64_t sec;
    uint32_t nsec;
};

/* File types and permission bits of `mode`, Linux numbers (linux/stat.h). */
enum {
    LT_S_IFMT = 0170000,
    LT_S_IFSOCK = 0140000,
    LT_S_IFLNK = 0120000,
    LT_S_IFREG = 0100000,
    LT_S_IFBLK = 0060000,
    LT_S_IFDIR = 0040000,
    LT_S_IFCHR = 0020000,
    LT_S_IFIFO = 0010000,
    LT_S_ISUID = 04000,
    LT_S_ISGID = 02000,
    LT_S_ISVTX = 01000,
    LT_S_PERM = 07777
};

/* Windows file attributes (MS-FSCC 2.6). DIRECTORY, REPARSE_POINT and NORMAL are derived, never
 * stored. */
enum {
    LT_WIN_READONLY = 0x1,
    LT_WIN_HIDDEN = 0x2,
    LT_WIN_SYSTEM = 0x4,
    LT_WIN_DIRECTORY = 0x10,
    LT_WIN_ARCHIVE = 0x20,
    LT_WIN_NORMAL = 0x80,
    LT_WIN_TEMPORARY = 0x100,
    LT_WIN_SPARSE = 0x200,
    LT_WIN_REPARSE_POINT = 0x400,
    LT_WIN_COMPRESSED = 0x800,
    LT_WIN_OFFLINE = 0x1000,
    LT_WIN_NOT_INDEXED = 0x2000,
    LT_WIN_ENCRYPTED = 0x4000,
    LT_WIN_SETTABLE = 0x3127 | LT_WIN_SPARSE /* what a caller may set */
};

/* Inode flags, numbers of FS_IOC_GETFLAGS (linux/fs.h). */
enum {
    LT_INODE_SYNC = 0x8,
    LT_INODE_IMMUTABLE = 0x10,
    LT_INODE_APPEND = 0x20,
    LT_INODE_NODUMP = 0x40,
    LT_INODE_NOATIME = 0x80,
    LT_INODE_SETTABLE = 0xf8
};

/* What a node has beside its data; bits of lt_attr.has. */
enum {
    LT_HAS_ACL = 0x1,         /* a POSIX access ACL beyond the mode */
    LT_HAS_DEFAULT_ACL = 0x2, /* a POSIX default ACL (directories) */
    LT_HAS_XATTR = 0x4,       /* at least one extended attribute that is not a POSIX ACL */
    LT_HAS_STREAM = 0x8,      /* at least one named stream */
    LT_HAS_EA = 0x10,         /* at least one EA; ea_size > 0 */
    LT_HAS_REPARSE = 0x20,    /* reparse data; reparse_tag != 0 */
    LT_HAS_SECURITY = 0x40,   /* a stored security descriptor */
    LT_HAS_CAPABILITY = 0x80  /* the xattr security.capability */
};

/* Everything that a file system says of a node in one go. */
struct lt_attr {
    uint64_t
        id; /* inode number; equal to lt_node.id except where a file system documents otherwise */
    uint64_t
        size; /* bytes of data; of a symlink, of its target; of a directory, file-system specific */
    uint64_t allocated;   /* bytes of storage that the data holds */
    uint64_t version;     /* grows with every change of data or metadata of this node */
    struct lt_time atime; /* last read */
    struct lt_time mtime; /* last change of data */
    struct lt_time ctime; /* last change of data or metadata */
    struct lt_time btime; /* birth; settable, as on NTFS */
    uint32_t mode;        /* type and permissions, LT_S_... */
    uint32_t nlink;       /* names; a directory has 2 + its subdirectories */
    uint32_t uid, gid;
    uint32_t rdev; /* devices: minor bits 0-7 and 20-31, major bits 8-19 (Linux new_encode_dev) */
    uint32_t block_size; /* bytes; preferred unit of I/O, a power of two */
    uint32_t generation; /* distinguishes successive nodes with one id */
    uint32_t win_attrs;  /* LT_WIN_..., DIRECTORY and REPARSE_POINT included where they apply, never
                            NORMAL */
    uint32_t inode_flags; /* LT_INODE_... */
    uint32_t reparse_tag; /* 0: no reparse point */
    uint32_t ea_size;     /* packed bytes of all EAs, as FILE_FULL_EA_INFORMATION (MS-FSCC 2.4.16)
                             counts them */
    uint32_t has;         /* LT_HAS_... */
};

/* Which members of struct lt_setattr count. */
enum {
    LT_SET_MODE = 0x1, /* permission bits only; the type cannot change */
    LT_SET_UID = 0x2,
    LT_SET_GID = 0x4,
    LT_SET_SIZE = 0x8, /* regular files and streams; grown bytes read as zeros; a change of size
                          sets mtime */
    LT_SET_ATIME = 0x10,
    LT_SET_MTIME = 0x20,
    LT_SET_CTIME = 0x40, /* otherwise ctime becomes now */
    LT_SET_BTIME = 0x80,
    LT_SET_ATIME_NOW = 0x100, /* wins over LT_SET_ATIME */
    LT_SET_MTIME_NOW = 0x200,
    LT_SET_WIN_ATTRS = 0x400, /* bits outside LT_WIN_SETTABLE are ignored */
    LT_SET_INODE_FLAGS = 0x800,
    LT_SET_ACL = 0x1000, /* replace the access ACL in the same step as the mode */
    LT_SET_KILL_PRIV =
        0x2000 /* clear set-uid, set-gid (where group-executable) and security.capability too */
};

struct lt_setattr {
    uint32_t mask; /* LT_SET_... */
    uint32_t mode, uid, gid, win_attrs, inode_flags;
    uint64_t size;
    struct lt_time atime, mtime, ctime, btime;
    struct lt_str acl; /* LT_SET_ACL: the new value of system.posix_acl_access; len 0 removes it */
};

/*
 * On whose behalf an operation runs. Passed to every operation; NULL stands for
 * uid 0, gid 0, umask 0, nobody's origin, never cancelled. Only read during the call.
 */
struct lt_ctx {
    uint32_t uid, gid;
    const uint32_t *groups; /* supplementary groups */
    uint32_t group_count;
    uint32_t umask;
    uint32_t pid;       /* 0: unknown */
    const void *origin; /* the front that asks: events carry it, so that a front can skip its own */
    const atomic_bool *
        cancel; /* NULL, or becomes true when the caller gave up: long operations answer LT_EINTR */
};

/* A run of memory. */
struct lt_seg {
    void *base;
    size_t len;
};

#endif
