/* SPDX-License-Identifier: MIT */
/*
 * The FUSE protocol, version 7.45 (Linux 6.18, linux/fuse.h), as structs.
 *
 * Member names are the protocol's own; all integers are in the byte order of the
 * machine, because both ends live on one. A message is a header that carries its
 * whole length, then one fixed struct, then names (each with its NUL) or payload.
 * Sizes and offsets are asserted where a struct is not trivially packed.
 */
#ifndef LT_WIRE_FUSE_PROTO_H
#define LT_WIRE_FUSE_PROTO_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define LT_FUSE_MAJOR 7u
#define LT_FUSE_MINOR 45u     /* newest that we speak */
#define LT_FUSE_MINOR_MIN 31u /* oldest */

#define LT_FUSE_LAYOUT(type, size) \
    static_assert(sizeof(struct type) == (size), #type " has the protocol's size")
#define LT_FUSE_AT(type, member, offset) \
    static_assert(offsetof(struct type, member) == (offset), #type "." #member)

/* ---- Headers ------------------------------------------------------------------------------- */

struct lt_fuse_in_header {
    uint32_t len; /* of the whole message */
    uint32_t opcode;
    uint64_t unique;
    uint64_t nodeid;
    uint32_t uid, gid, pid;
    uint16_t total_extlen; /* extensions at the end of the message, in units of 8 bytes (7.38) */
    uint16_t padding;
};
LT_FUSE_LAYOUT(lt_fuse_in_header, 40);
LT_FUSE_AT(lt_fuse_in_header, uid, 24);
LT_FUSE_AT(lt_fuse_in_header, total_extlen, 36);

struct lt_fuse_out_header {
    uint32_t len;
    int32_t error;   /* 0 or a negative error number; of a notification, its code */
    uint64_t unique; /* 0: a notification */
};
LT_FUSE_LAYOUT(lt_fuse_out_header, 16);

/* Extensions (7.38): a run of these, each padded to 8 bytes. */
struct lt_fuse_ext_header {
    uint32_t size; /* header included */
    uint32_t type; /* LT_FUSE_EXT_GROUPS; up to 31 it is a count of security contexts */
};
LT_FUSE_LAYOUT(lt_fuse_ext_header, 8);
#define LT_FUSE_EXT_GROUPS 32u

struct lt_fuse_supp_groups {
    uint32_t nr_groups;
    uint32_t groups[];
};
LT_FUSE_LAYOUT(lt_fuse_supp_groups, 4);

/* ---- Attributes ---------------------------------------------------------------------------- */

struct lt_fuse_attr {
    uint64_t ino, size, blocks; /* blocks of 512 bytes */
    uint64_t atime, mtime, ctime;
    uint32_t atimensec, mtimensec, ctimensec;
    uint32_t mode, nlink, uid, gid, rdev;
    uint32_t blksize;
    uint32_t flags;
};
LT_FUSE_LAYOUT(lt_fuse_attr, 88);
LT_FUSE_AT(lt_fuse_attr, atimensec, 48);
LT_FUSE_AT(lt_fuse_attr, mode, 60);
LT_FUSE_AT(lt_fuse_attr, blksize, 80);

struct lt_fuse_entry_out {
    uint64_t nodeid, generation;
    uint64_t entry_valid, attr_valid; /* seconds that name and attributes may be cached */
    uint32_t entry_valid_nsec, attr_valid_nsec;
    struct lt_fuse_attr attr;
};
LT_FUSE_LAYOUT(lt_fuse_entry_out, 128);
LT_FUSE_AT(lt_fuse_entry_out, attr, 40);

struct lt_fuse_attr_out {
    uint64_t attr_valid;
    uint32_t attr_valid_nsec, dummy;
    struct lt_fuse_attr attr;
};
LT_FUSE_LAYOUT(lt_fuse_attr_out, 104);

struct lt_fuse_sx_time {
    int64_t tv_sec;
    uint32_t tv_nsec;
    int32_t reserved;
};

/* As struct statx (linux/stat.h). */
struct lt_fuse_statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, spare0;
    uint64_t ino, size, blocks, attributes_mask;
    struct lt_fuse_sx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t spare2[14];
};
LT_FUSE_LAYOUT(lt_fuse_statx, 256);
LT_FUSE_AT(lt_fuse_statx, ino, 32);
LT_FUSE_AT(lt_fuse_statx, atime, 64);
LT_FUSE_AT(lt_fuse_statx, rdev_major, 128);

struct lt_fuse_statx_out {
    uint64_t attr_valid;
    uint32_t attr_valid_nsec, flags;
    uint64_t spare[2];
    struct lt_fuse_statx stat;
};
LT_FUSE_LAYOUT(lt_fuse_statx_out, 288);
LT_FUSE_AT(lt_fuse_statx_out, stat, 32);

struct lt_fuse_kstatfs {
    uint64_t blocks, bfree, bavail, files, ffree;
    uint32_t bsize, namelen, frsize, padding;
    uint32_t spare[6];
};
LT_FUSE_LAYOUT(lt_fuse_kstatfs, 80);

/* ---- Fixed arguments of requests ------------------------------------------------------------- */

struct lt_fuse_init_in {
    uint32_t major, minor, max_readahead, flags;
    uint32_t flags2; /* from here on only with LT_FUSE_INIT_EXT (7.36) */
    uint32_t unused[11];
};
LT_FUSE_LAYOUT(lt_fuse_init_in, 64);

struct lt_fuse_forget_in {
    uint64_t nlookup;
};
struct lt_fuse_batch_forget_in {
    uint32_t count, dummy;
};
struct lt_fuse_forget_one {
    uint64_t nodeid, nlookup;
};
struct lt_fuse_getattr_in {
    uint32_t getattr_flags, dummy;
    uint64_t fh;
};
struct lt_fuse_setattr_in {
    uint32_t valid, padding;
    uint64_t fh, size, lock_owner;
    uint64_t atime, mtime, ctime;
    uint32_t atimensec, mtimensec, ctimensec;
    uint32_t mode, unused4, uid, gid, unused5;
};
LT_FUSE_LAYOUT(lt_fuse_setattr_in, 88);
LT_FUSE_AT(lt_fuse_setattr_in, atime, 32);
LT_FUSE_AT(lt_fuse_setattr_in, mode, 68);

struct lt_fuse_statx_in {
    uint32_t getattr_flags, reserved;
    uint64_t fh;
    uint32_t sx_flags, sx_mask;
};
LT_FUSE_LAYOUT(lt_fuse_statx_in, 24);

struct lt_fuse_mknod_in {
    uint32_t mode, rdev, umask, padding;
};
struct lt_fuse_mkdir_in {
    uint32_t mode, umask;
};
struct lt_fuse_rename_in {
    uint64_t newdir;
};
struct lt_fuse_rename2_in {
    uint64_t newdir;
    uint32_t flags, padding;
};
struct lt_fuse_link_in {
    uint64_t oldnodeid;
};
struct lt_fuse_open_in {
    uint32_t flags;      /* O_... of open(2) */
    uint32_t open_flags; /* LT_FUSE_OPEN_... */
};
struct lt_fuse_create_in {
    uint32_t flags, mode, umask, open_flags;
};
struct lt_fuse_release_in {
    uint64_t fh;
    uint32_t flags, release_flags;
    uint64_t lock_owner;
};
struct lt_fuse_flush_in {
    uint64_t fh;
    uint32_t unused, padding;
    uint64_t lock_owner;
};
struct lt_fuse_read_in {
    uint64_t fh, offset;
    uint32_t size, read_flags;
    uint64_t lock_owner;
    uint32_t flags, padding;
};
struct lt_fuse_write_in {
    uint64_t fh, offset;
    uint32_t size, write_flags;
    uint64_t lock_owner;
    uint32_t flags, padding;
};
LT_FUSE_LAYOUT(lt_fuse_read_in, 40);
LT_FUSE_LAYOUT(lt_fuse_write_in, 40);
struct lt_fuse_fsync_in {
    uint64_t fh;
    uint32_t fsync_flags, padding;
};
struct lt_fuse_setxattr_in {
    uint32_t size, flags;
    uint32_t setxattr_flags, padding; /* only with LT_FUSE_SETXATTR_EXT (7.33) */
};
#define LT_FUSE_SETXATTR_IN_OLD 8u
struct lt_fuse_getxattr_in {
    uint32_t size, padding;
};
struct lt_fuse_file_lock {
    uint64_t start, end; /* end inclusive; INT64_MAX: to the end of the file */
    uint32_t type, pid;  /* type: F_RDLCK, F_WRLCK, F_UNLCK of the machine */
};
struct lt_fuse_lk_in {
    uint64_t fh, owner;
    struct lt_fuse_file_lock lk;
    uint32_t lk_flags, padding;
};
LT_FUSE_LAYOUT(lt_fuse_lk_in, 48);
struct lt_fuse_access_in {
    uint32_t mask, padding;
};
struct lt_fuse_interrupt_in {
    uint64_t unique;
};
struct lt_fuse_bmap_in {
    uint64_t block;
    uint32_t blocksize, padding;
};
struct lt_fuse_ioctl_in {
    uint64_t fh;
    uint32_t flags, cmd;
    uint64_t arg;
    uint32_t in_size, out_size;
};
LT_FUSE_LAYOUT(lt_fuse_ioctl_in, 32);
struct lt_fuse_poll_in {
    uint64_t fh, kh;
    uint32_t flags, events;
};
struct lt_fuse_notify_retrieve_in {
    uint64_t dummy1, offset;
    uint32_t size, dummy2;
    uint64_t dummy3, dummy4;
};
LT_FUSE_LAYOUT(lt_fuse_notify_retrieve_in, 40);
struct lt_fuse_fallocate_in {
    uint64_t fh, offset, length;
    uint32_t mode, padding;
};
struct lt_fuse_lseek_in {
    uint64_t fh, offset;
    uint32_t whence, padding;
};
struct lt_fuse_copy_file_range_in {
    uint64_t fh_in, off_in, nodeid_out, fh_out, off_out, len, flags;
};
struct lt_fuse_setupmapping_in {
    uint64_t fh, foffset, len, flags, moffset;
};
struct lt_fuse_removemapping_in {
    uint32_t count;
};
struct lt_fuse_syncfs_in {
    uint64_t padding;
};

/* ---- Replies --------------------------------------------------------------------------------- */

struct lt_fuse_init_out {
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_gran;
    uint16_t max_pages, map_alignment;
    uint32_t flags2;          /* 7.36 */
    uint32_t max_stack_depth; /* 7.40, with LT_FUSE_PASSTHROUGH */
    uint16_t request_timeout; /* 7.43 */
    uint16_t unused[11];
};
LT_FUSE_LAYOUT(lt_fuse_init_out, 64);
LT_FUSE_AT(lt_fuse_init_out, flags2, 32);
LT_FUSE_AT(lt_fuse_init_out, max_stack_depth, 36);

struct lt_fuse_open_out {
    uint64_t fh;
    uint32_t open_flags; /* LT_FOPEN_... */
    int32_t backing_id;  /* with LT_FOPEN_PASSTHROUGH (7.40) */
};
struct lt_fuse_write_out {
    uint32_t size, padding;
};
struct lt_fuse_getxattr_out {
    uint32_t size, padding;
};
struct lt_fuse_lk_out {
    struct lt_fuse_file_lock lk;
};
struct lt_fuse_bmap_out {
    uint64_t block;
};
struct lt_fuse_ioctl_out {
    int32_t result;
    uint32_t flags, in_iovs, out_iovs;
};
struct lt_fuse_poll_out {
    uint32_t revents, padding;
};
struct lt_fuse_lseek_out {
    uint64_t offset;
};
struct lt_fuse_copy_file_range_out {
    uint64_t bytes_copied;
};

struct lt_fuse_dirent {
    uint64_t ino, off;
    uint32_t namelen, type; /* type: DT_..., the type bits of a mode shifted right by 12 */
    char name[];
};
LT_FUSE_LAYOUT(lt_fuse_dirent, 24);
/* READDIRPLUS puts a struct lt_fuse_entry_out before each. Records are padded to 8 bytes. */
#define LT_FUSE_ALIGN(n) (((n) + 7u) & ~(size_t)7u)

/* ---- Notifications: out_header with unique 0 and the code as error, then one of these -------- */

enum lt_fuse_notify {
    LT_FUSE_NOTIFY_POLL = 1,
    LT_FUSE_NOTIFY_INVAL_INODE = 2,
    LT_FUSE_NOTIFY_INVAL_ENTRY = 3,
    LT_FUSE_NOTIFY_STORE = 4,
    LT_FUSE_NOTIFY_RETRIEVE = 5,
    LT_FUSE_NOTIFY_DELETE = 6,
    LT_FUSE_NOTIFY_RESEND = 7,    /* 7.40 */
    LT_FUSE_NOTIFY_INC_EPOCH = 8, /* 7.44: all names are looked up again; no struct follows */
    LT_FUSE_NOTIFY_PRUNE = 9      /* 7.45 */
};

struct lt_fuse_notify_poll_wakeup_out {
    uint64_t kh;
};
struct lt_fuse_notify_inval_inode_out {
    uint64_t ino;
    int64_t off, len; /* off < 0: attributes only; len <= 0: to the end */
};
struct lt_fuse_notify_inval_entry_out {
    uint64_t parent;
    uint32_t namelen, flags; /* flags: LT_FUSE_EXPIRE_ONLY (7.38) */
};
struct lt_fuse_notify_delete_out {
    uint64_t parent, child;
    uint32_t namelen, padding;
};
LT_FUSE_LAYOUT(lt_fuse_notify_inval_inode_out, 24);
LT_FUSE_LAYOUT(lt_fuse_notify_inval_entry_out, 16);
LT_FUSE_LAYOUT(lt_fuse_notify_delete_out, 24);

/* ---- Flags ----------------------------------------------------------------------------------- */

/* X(name, bit, text): the feature bits of INIT; 32 and up travel in flags2. `text` is for people.
 */
#define LT_FUSE_FEATURES(X)                             \
    X(ASYNC_READ, 0, "async_read")                      \
    X(POSIX_LOCKS, 1, "posix_locks")                    \
    X(ATOMIC_O_TRUNC, 3, "atomic_o_trunc")              \
    X(EXPORT_SUPPORT, 4, "export_support")              \
    X(BIG_WRITES, 5, "big_writes")                      \
    X(DONT_MASK, 6, "dont_mask")                        \
    X(FLOCK_LOCKS, 10, "flock_locks")                   \
    X(HAS_IOCTL_DIR, 11, "has_ioctl_dir")               \
    X(AUTO_INVAL_DATA, 12, "auto_inval_data")           \
    X(DO_READDIRPLUS, 13, "do_readdirplus")             \
    X(READDIRPLUS_AUTO, 14, "readdirplus_auto")         \
    X(ASYNC_DIO, 15, "async_dio")                       \
    X(WRITEBACK_CACHE, 16, "writeback_cache")           \
    X(NO_OPEN_SUPPORT, 17, "no_open_support")           \
    X(PARALLEL_DIROPS, 18, "parallel_dirops")           \
    X(HANDLE_KILLPRIV, 19, "handle_killpriv")           \
    X(POSIX_ACL, 20, "posix_acl")                       \
    X(ABORT_ERROR, 21, "abort_error")                   \
    X(MAX_PAGES, 22, "max_pages")                       \
    X(CACHE_SYMLINKS, 23, "cache_symlinks")             \
    X(NO_OPENDIR_SUPPORT, 24, "no_opendir_support")     \
    X(EXPLICIT_INVAL_DATA, 25, "explicit_inval_data")   \
    X(HANDLE_KILLPRIV_V2, 28, "handle_killpriv_v2")     \
    X(SETXATTR_EXT, 29, "setxattr_ext")                 \
    X(INIT_EXT, 30, "init_ext")                         \
    X(CREATE_SUPP_GROUP, 34, "create_supp_group")       \
    X(HAS_EXPIRE_ONLY, 35, "has_expire_only")           \
    X(DIRECT_IO_ALLOW_MMAP, 36, "direct_io_allow_mmap") \
    X(PASSTHROUGH, 37, "passthrough")                   \
    X(NO_EXPORT_SUPPORT, 38, "no_export_support")       \
    X(HAS_RESEND, 39, "has_resend")                     \
    X(ALLOW_IDMAP, 40, "allow_idmap")                   \
    X(OVER_IO_URING, 41, "over_io_uring")               \
    X(REQUEST_TIMEOUT, 42, "request_timeout")

#define LT_FUSE_FEATURE(name, bit, text) \
    static const uint64_t LT_FUSE_##name __attribute__((unused)) = UINT64_C(1) << (bit);
LT_FUSE_FEATURES(LT_FUSE_FEATURE)
#undef LT_FUSE_FEATURE

/* fuse_setattr_in.valid */
enum {
    LT_FATTR_MODE = 0x1,
    LT_FATTR_UID = 0x2,
    LT_FATTR_GID = 0x4,
    LT_FATTR_SIZE = 0x8,
    LT_FATTR_ATIME = 0x10,
    LT_FATTR_MTIME = 0x20,
    LT_FATTR_FH = 0x40,
    LT_FATTR_ATIME_NOW = 0x80,
    LT_FATTR_MTIME_NOW = 0x100,
    LT_FATTR_LOCKOWNER = 0x200,
    LT_FATTR_CTIME = 0x400,
    LT_FATTR_KILL_SUIDGID = 0x800
};

/* fuse_open_in.flags: O_... of open(2) (asm-generic/fcntl.h) */
#define LT_FUSE_O_RDONLY 0u
#define LT_FUSE_O_WRONLY 01u
#define LT_FUSE_O_RDWR 02u
#define LT_FUSE_O_ACCMODE 03u
#define LT_FUSE_O_CREAT 0100u
#define LT_FUSE_O_EXCL 0200u
#define LT_FUSE_O_TRUNC 01000u
#define LT_FUSE_O_DIRECTORY 0200000u
#define LT_FUSE_O_TMPFILE (020000000u | LT_FUSE_O_DIRECTORY)

/* fuse_open_out.open_flags */
enum {
    LT_FOPEN_DIRECT_IO = 0x1,
    LT_FOPEN_KEEP_CACHE = 0x2,
    LT_FOPEN_NONSEEKABLE = 0x4,
    LT_FOPEN_CACHE_DIR = 0x8,
    LT_FOPEN_STREAM = 0x10,
    LT_FOPEN_NOFLUSH = 0x20,
    LT_FOPEN_PARALLEL_DIRECT_WRITES = 0x40,
    LT_FOPEN_PASSTHROUGH = 0x80
};

enum {
    LT_FUSE_RELEASE_FLUSH = 0x1,
    LT_FUSE_RELEASE_FLOCK_UNLOCK = 0x2,
    LT_FUSE_LK_FLOCK = 0x1,
    LT_FUSE_WRITE_CACHE = 0x1,
    LT_FUSE_WRITE_LOCKOWNER = 0x2,
    LT_FUSE_WRITE_KILL_SUIDGID = 0x4,
    LT_FUSE_OPEN_KILL_SUIDGID = 0x1,
    LT_FUSE_SETXATTR_ACL_KILL_SGID = 0x1,
    LT_FUSE_FSYNC_DATA = 0x1,
    LT_FUSE_IOCTL_COMPAT = 0x1,
    LT_FUSE_IOCTL_DIR = 0x10,
    LT_FUSE_POLL_SCHEDULE_NOTIFY = 0x1,
    LT_FUSE_EXPIRE_ONLY = 0x1
};

/* ---- FUSE over io_uring (7.42): one of these a ring entry, shared with the kernel ------------ */

struct lt_fuse_uring_ent_in_out {
    uint64_t flags;
    uint64_t commit_id;  /* names the request in the COMMIT_AND_FETCH that answers it */
    uint32_t payload_sz; /* bytes in the payload buffer, both ways */
    uint32_t padding;
    uint64_t reserved;
};

struct lt_fuse_uring_req_header {
    _Alignas(8) char in_out[128]; /* in_header of the request, out_header of the reply */
    _Alignas(8) char op_in[128];  /* the fixed arguments */
    struct lt_fuse_uring_ent_in_out ring_ent_in_out;
};
LT_FUSE_LAYOUT(lt_fuse_uring_req_header, 288);

/* In the 80 bytes of command data of an SQE. */
struct lt_fuse_uring_cmd_req {
    uint64_t flags, commit_id;
    uint16_t qid;
    uint8_t padding[6];
};
LT_FUSE_LAYOUT(lt_fuse_uring_cmd_req, 24);

enum { LT_FUSE_URING_REGISTER = 1, LT_FUSE_URING_COMMIT_AND_FETCH = 2 };

#endif
