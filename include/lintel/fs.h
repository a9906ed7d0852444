/* SPDX-License-Identifier: MIT */
/*
 * The file-system interface: what every file system offers and every front uses.
 *
 * It works on nodes (inodes), not on paths. A node is a reference-counted object
 * of one file system: a directory, a regular file, a symbolic link, a device, or
 * a named stream of one of these (a stream is a node of its own for data and
 * size, and shares all other attributes with its file). Paths, open files,
 * permission checks and byte-range locks are built on top (lintel/path.h,
 * lintel/file.h, lintel/lock.h).
 *
 * Rules that hold for every function here, unless its comment says otherwise:
 *  - Any thread may call it, on any node, at any time.
 *  - It returns 0 or a count, or a negative LT_E... value. On failure nothing has
 *    changed and out-parameters (`ret_...`) are untouched.
 *  - The caller holds a reference on every node that it passes. A node handed out
 *    (`ret`) comes with one reference, which the caller gives back by lt_node_put().
 *  - Permissions are NOT checked here: the kernel did (FUSE default_permissions)
 *    or lintel/path.h does. What the file system itself forbids is checked:
 *    types, names, limits, immutable and append-only flags, a read-only volume.
 *  - `ctx` may be NULL (see struct lt_ctx).
 *  - After a change, the subscribers of lintel/event.h hear of it, on the calling
 *    thread, without any file-system lock held.
 *
 * Common errors, not repeated below: LT_ENOSPC (the volume's limit), LT_ENOMEM,
 * LT_EROFS (read-only volume), LT_ENAMETOOLONG (LT_NAME_UNITS_MAX), LT_EINVAL (a
 * name that is empty, "." or "..", or has '/' or NUL), LT_ENOTDIR (`dir` is
 * none), LT_ENOENT (`dir` has been removed), LT_EIO, LT_ESTALE and LT_ENOTCONN
 * (devices and remote servers), LT_EINTR (ctx->cancel), LT_EOPNOTSUPP (this file
 * system cannot do it at all), LT_EPERM (immutable or append-only).
 */
#ifndef LINTEL_FS_H
#define LINTEL_FS_H

#include <lintel/error.h>
#include <lintel/types.h>

struct lt_fs;

/* The part of a node that all file systems share; theirs begins with it. Private but for `fs`, `id`
 * and `type`. */
struct lt_node {
    struct lt_fs *fs; /* immutable */
    uint64_t id;      /* immutable; unique among the live nodes of fs, LT_ROOT_ID for the root */
    atomic_uint refs; /* lt_node_get, lt_node_put */
    uint16_t type;    /* immutable: LT_S_IFREG and so on, or LT_S_STREAM */
    uint16_t flags;   /* the file system's own */
};

#define LT_S_STREAM 0160000 /* lt_node.type of a named stream; never part of a mode */

/* One more reference. The caller has one already. Returns `node`. */
struct lt_node *lt_node_get(struct lt_node *node);

/* Gives one reference back. With the last one a node without names is destroyed. NULL is ignored.
 */
void lt_node_put(struct lt_node *node);

/* ---- A file system as a whole -------------------------------------------------------------- */

/*
 * Opens a file system from one line: a kind, a colon, and comma-separated
 * options ("mem:size=1g,case=insensitive"). docs/man/lintel-sources.7 lists the
 * kinds and their options. A comma or backslash inside a value is written \, or \\.
 * On success *ret_fs is the caller's, to be ended by lt_fs_close().
 * Errors: LT_EINVAL (unknown kind or option, bad value) and what the kind says;
 * `diag` (or NULL) explains.
 */
int lt_open_fs(const char *source, struct lt_fs **ret_fs, struct lt_diag *diag);

/*
 * Makes everything durable and ends the file system. Nobody may use it or hold a
 * reference to its nodes any more (asserted). Returns the error of the last
 * write-out, if any; the file system is gone all the same. NULL is ignored.
 */
int lt_fs_close(struct lt_fs *fs);

/* The root directory, without a reference of its own: it lives as long as the file system. */
struct lt_node *lt_fs_root(struct lt_fs *fs);

enum lt_case {
    LT_CASE_SENSITIVE,  /* names differ if their bytes do */
    LT_CASE_INSENSITIVE /* names are equal if their upper-cased UTF-16 units are; case is preserved
                         */
};

/* Constant facts of a volume, its label apart. */
struct lt_volume {
    char kind[16];    /* "mem": the word before the colon of the source */
    char fs_name[32]; /* name shown to users (WinFsp FileSystemName), "LINTEL" by default */
    char label[3 * LT_LABEL_UNITS_MAX + 1]; /* UTF-8 */
    uint32_t serial;                        /* volume serial number (MS-FSCC 2.5.9) */
    struct lt_time created;
    enum lt_case name_case;
    bool read_only;
    bool remote; /* others may change it behind our back: fronts must not cache for long */
    uint32_t
        io_best;   /* bytes of one read or write at which it is fastest; 0: the more the better */
    bool has_open; /* lt_node_open() and lt_node_close() mean something to it */
    bool has_windows; /* streams, EAs, reparse data, security descriptors and attributes are stored
                       */
};
void lt_fs_volume(struct lt_fs *fs, struct lt_volume *ret);

/* Sets the label: UTF-8, at most LT_LABEL_UNITS_MAX UTF-16 units, else LT_EINVAL. */
int lt_fs_set_label(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_str label);

/* Space in bytes, exact at the moment of the call. used + free == total where there is a limit. */
struct lt_statfs {
    uint64_t total, free, used;
    uint64_t available;      /* free to an unprivileged user */
    uint64_t data, metadata; /* what `used` consists of, as far as it is known; else 0 */
    uint64_t nodes;          /* nodes in existence, streams not counted */
    uint64_t nodes_max;      /* 0: no limit but space */
    uint32_t block_size;     /* bytes; the unit in which space is handed out */
    uint32_t name_max;       /* LT_NAME_UNITS_MAX */
};
int lt_fs_statfs(const struct lt_ctx *ctx, struct lt_fs *fs, struct lt_statfs *ret);

/* Makes all that happened before the call durable. */
int lt_fs_sync(const struct lt_ctx *ctx, struct lt_fs *fs);

/*
 * Ends all use of a file system at once, as a power cut would: what is not durable is
 * dropped, and everything that follows but lt_fs_statfs() answers LT_EIO. The file system still
 * has to be closed. LT_EOPNOTSUPP where nothing is ever durable. For crash tests
 * (XFS_IOC_GOINGDOWN).
 */
int lt_fs_shutdown(const struct lt_ctx *ctx, struct lt_fs *fs);

/* Gives the storage that free space still holds back to the host, as fstrim(8): *ret_bytes of it.
 */
int lt_fs_trim(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t *ret_bytes);

/*
 * The node with this id and generation, however it is reached: LT_ESTALE if there is none any more.
 * Generation 0 stands for whichever lives now: a FUSE kernel asks by id alone, and compares itself.
 */
int lt_fs_node(const struct lt_ctx *ctx, struct lt_fs *fs, uint64_t id, uint32_t generation,
               struct lt_node **ret);

/* Facts about the run of a file system that have no place above, for `lintel info`: calls fn per
 * fact until it is non-zero. */
int lt_fs_facts(struct lt_fs *fs, int (*fn)(void *arg, const char *name, uint64_t value),
                void *arg);

/* ---- Names --------------------------------------------------------------------------------- */

/* A node and its attributes, taken in one step; `stored` is filled where the caller set it. */
struct lt_entry {
    struct lt_node *node;
    struct lt_attr attr;
    bool
        exact; /* the name was given byte for byte as it is stored (always so where case matters) */
    char *stored;      /* in: NULL, or LT_NAME_MAX + 1 bytes for the name as stored, with NUL */
    size_t stored_len; /* out, where stored is set */
};

/* Finds `name` in `dir`. LT_ENOENT if it is not there. */
int lt_node_lookup(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   struct lt_entry *ret);

/* The directory that holds `dir` (of the root: itself). LT_ENOTDIR; LT_ENOENT if it was removed. */
int lt_node_parent(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_node **ret);

/* What can be set on a node in the same step as it is made. */
struct lt_create {
    uint32_t mode;          /* type and permissions, before umask */
    uint32_t rdev;          /* devices */
    struct lt_str target;   /* symlinks: 1 to LT_PATH_MAX - 1 bytes */
    uint32_t win_attrs;     /* LT_WIN_SETTABLE */
    struct lt_str security; /* self-relative security descriptor; len 0: none */
    struct lt_str acl;      /* value of system.posix_acl_access; set by lt_node_create() itself */
    struct lt_str default_acl; /* value of system.posix_acl_default; likewise */
    uint32_t uid, gid;         /* likewise, from ctx and the parent */
    bool exact;                /* mode, ids and ACLs are used as given: no umask, no inheritance */
};

/*
 * Makes a node of any type. With name.len == 0 it gets no name (O_TMPFILE;
 * regular files only): it lives until its last reference goes, or is linked.
 * umask, default ACL and set-gid directories are honoured as Linux does
 * (inode_init_owner, posix_acl_create) unless spec->exact. LT_EEXIST.
 */
int lt_node_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   const struct lt_create *spec, struct lt_entry *ret);

/* One more name for a node that is no directory (LT_EPERM) and no stream. LT_EEXIST, LT_EMLINK,
 * LT_EXDEV. */
int lt_node_link(const struct lt_ctx *ctx, struct lt_node *node, struct lt_node *dir,
                 struct lt_str name, struct lt_entry *ret);

enum {
    LT_REMOVE_DIR = 0x1, /* directories only, and only empty ones: LT_ENOTDIR, LT_ENOTEMPTY; without
                            it LT_EISDIR for one */
    LT_REMOVE_ANY = 0x2, /* whatever it is (directories must be empty) */
    LT_REMOVE_SAME = 0x4 /* only if the name still means the node in `expect`, else LT_ESTALE */
};

/* Removes a name. The node itself goes with its last name and last reference. LT_EBUSY for the
 * root. */
int lt_node_remove(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   uint32_t flags, struct lt_node *expect);

/* Numbers of renameat2 (linux/fs.h). */
enum {
    LT_RENAME_NOREPLACE = 0x1, /* LT_EEXIST */
    LT_RENAME_EXCHANGE = 0x2,  /* both exist and swap */
    LT_RENAME_WHITEOUT = 0x4   /* leave a character device 0:0 at the old name */
};

/*
 * Renames atomically; an existing target is replaced if it is of the same sort
 * (LT_EISDIR, LT_ENOTDIR) and, a directory, empty (LT_ENOTEMPTY). LT_EINVAL for a
 * directory into its own subtree or unknown flags. Two names of one node: nothing
 * happens (POSIX), except that a change of case alone is carried out.
 */
int lt_node_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                   struct lt_node *new_dir, struct lt_str new_name, uint32_t flags);

/* A symlink's target into buf, without NUL; returns its length, cut to `size`. LT_EINVAL if it is
 * none. */
int lt_node_readlink(const struct lt_ctx *ctx, struct lt_node *node, char *buf, size_t size);

/* One entry of a directory, borrowed for the length of the callback. "." and ".." are never among
 * them. */
struct lt_dirent {
    struct lt_str name;
    uint64_t id;
    uint64_t next; /* cookie to go on behind this entry: > 2 and < 2^63 */
    uint32_t mode; /* type bits only */
    struct lt_node
        *node; /* LT_READDIR_PLUS: with a reference, the callback's if it returns 0; else NULL */
    const struct lt_attr *attr; /* LT_READDIR_PLUS; else NULL */
};

enum { LT_READDIR_PLUS = 0x1 };

/*
 * Lists `dir` from `cookie` (0: from the start). fn returns 0 to take an entry
 * and go on, anything else to stop before it. An entry that exists throughout is
 * seen exactly once whatever happens meanwhile, and every cookie stays good as
 * long as the directory lives. fn must not call into the file system: the
 * directory is locked. Returns 0 at the end, 1 if fn stopped it.
 */
int lt_node_readdir(const struct lt_ctx *ctx, struct lt_node *dir, uint64_t cookie, uint32_t flags,
                    int (*fn)(void *arg, const struct lt_dirent *entry), void *arg);

/* The cookie that goes on behind `name`, whether or not that entry still exists. */
int lt_node_readdir_after(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                          uint64_t *ret_cookie);

/* Every name of a node: calls fn with the directory (borrowed) and the name until it is non-zero.
 * fn as for readdir. */
int lt_node_names(const struct lt_ctx *ctx, struct lt_node *node,
                  int (*fn)(void *arg, struct lt_node *dir, struct lt_str name), void *arg);

/* ---- Attributes ---------------------------------------------------------------------------- */

int lt_node_getattr(const struct lt_ctx *ctx, struct lt_node *node, struct lt_attr *ret);

/*
 * Changes all that set->mask names in one step. chmod of a file with an access
 * ACL changes the ACL's mask and classes with it. *ret (or NULL): the result.
 * LT_EISDIR or LT_EINVAL for a size where there is none, LT_EFBIG.
 */
int lt_node_setattr(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_setattr *set,
                    struct lt_attr *ret);

/* Durable: the data and metadata of one node; with data_only just what reading the data back needs.
 */
int lt_node_sync(const struct lt_ctx *ctx, struct lt_node *node, bool data_only);

/* ---- Data ---------------------------------------------------------------------------------- */

/* Bytes of a file of the operating system. */
struct lt_file_range {
    uint64_t offset;
    size_t len;
};

/*
 * Takes data out of a file system: called exactly once per successful read, with
 * memory borrowed for the length of the call (`count` may be 0 at the end of the
 * file). It must not call into the file system. A negative result fails the read.
 */
struct lt_sink {
    int (*put)(struct lt_sink *sink, const struct lt_seg *segs, size_t count, size_t total);
    /* NULL, or memory of the sink's own, in which a file system that has to fetch the data from
     * elsewhere may put it: put() then gets one segment that begins at `room`. */
    void *room;
    size_t room_len;
    /* NULL, or: takes the data out of a file of the operating system, instead of put() and under
     * the same rules. LT_EOPNOTSUPP: it cannot, and the file system goes on with put(). */
    int (*put_file)(struct lt_sink *sink, int fd, const struct lt_file_range *ranges, size_t count,
                    size_t total);
};

enum { LT_OPEN_READ = 0x1, LT_OPEN_WRITE = 0x2 };

/*
 * Announces that a file or stream will be read, written or both until the matching
 * lt_node_close(). I/O without it works too, but a file system of another process or machine can
 * refuse here (LT_EACCES, LT_EROFS, LT_EBUSY, ...), and says at lt_node_close() what became of data
 * that it had kept back (FUSE's FLUSH). The file is closed whatever that returns. `flags` are the
 * same in both; LT_EINVAL, LT_EISDIR as for reading.
 */
int lt_node_open(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags);
int lt_node_close(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags);

/* Reads up to `len` (cut to LT_IO_MAX) bytes at `offset`. Returns the bytes given to the sink:
 * short only at the end. */
int lt_node_read(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, size_t len,
                 struct lt_sink *sink);

/* The same into a buffer. */
int lt_node_pread(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, void *buf,
                  size_t len);

enum {
    LT_WRITE_APPEND = 0x1, /* at the end of the file, atomically; offset is ignored */
    LT_WRITE_KILL_PRIV =
        0x2, /* clear set-uid, set-gid and security.capability, as for an unprivileged writer */
    LT_WRITE_CONSTRAINED = 0x4, /* never past the end of the file (WinFsp ConstrainedIo) */
    LT_WRITE_ADOPT = 0x8        /* segs are pages from lt_fs_pages_get(): see there */
};

struct lt_write {
    uint64_t offset;
    struct lt_seg *segs; /* with LT_WRITE_ADOPT base becomes NULL for each page that was taken */
    size_t count;
    uint32_t flags;
    uint64_t ret_offset;      /* out: where the data went */
    struct lt_attr *ret_attr; /* NULL, or filled after the write */
};

/* Writes all segments or, for lack of space, as many bytes as fit. Returns the count; LT_ENOSPC
 * only if none fit. LT_EFBIG. */
int lt_node_write(const struct lt_ctx *ctx, struct lt_node *node, struct lt_write *write);

/* The same from a buffer, at `offset`. */
int lt_node_pwrite(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset, const void *buf,
                   size_t len);

/*
 * Pages (struct lt_statfs.block_size bytes each, unspecified content) into which
 * a front may receive data, so that a write of whole aligned pages moves them
 * into the file instead of copying. Fills segs and returns how many: 0 where the
 * file system does not adopt. Pages still one's own are given back by lt_fs_pages_put(),
 * which skips segments whose base is NULL. They count towards no limit until written.
 */
int lt_fs_pages_get(struct lt_fs *fs, struct lt_seg *segs, size_t count);
void lt_fs_pages_put(struct lt_fs *fs, struct lt_seg *segs, size_t count);

/* Numbers of fallocate (linux/falloc.h). */
enum {
    LT_FALLOC_KEEP_SIZE = 0x1,
    LT_FALLOC_PUNCH_HOLE = 0x2, /* with KEEP_SIZE */
    LT_FALLOC_COLLAPSE = 0x8,   /* offset and length multiples of block_size, else LT_EINVAL */
    LT_FALLOC_ZERO = 0x10,
    LT_FALLOC_INSERT = 0x20 /* as COLLAPSE */
};

/* Reserves, punches, zeroes, collapses or inserts a range, as fallocate(2). LT_EINVAL, LT_EFBIG,
 * LT_EOPNOTSUPP, LT_ENODEV. */
int lt_node_allocate(const struct lt_ctx *ctx, struct lt_node *node, uint32_t mode, uint64_t offset,
                     uint64_t len);

enum lt_seek { LT_SEEK_DATA = 3, LT_SEEK_HOLE = 4 }; /* numbers of lseek(2) */

/* The next data or hole at or behind `offset`; the end of the file counts as a hole. LT_ENXIO
 * behind the end or without data. */
int lt_node_seek(const struct lt_ctx *ctx, struct lt_node *node, uint64_t offset,
                 enum lt_seek whence, uint64_t *ret);

/*
 * Copies a range within one file system without passing it through the caller;
 * storage may be shared. *ret: bytes copied, less than len at the end of `from` or
 * at the call's own limit. LT_EINVAL for overlapping ranges of one file, LT_EXDEV.
 */
int lt_node_copy_range(const struct lt_ctx *ctx, struct lt_node *from, uint64_t from_offset,
                       struct lt_node *to, uint64_t to_offset, uint64_t len, uint64_t *ret);

/*
 * A file of the operating system that holds this node's data, whole and from
 * offset 0, for FUSE_PASSTHROUGH; *ret_fd is borrowed until the matching
 * lt_node_backing_put(). While taken, all I/O of the node goes to it.
 * LT_EOPNOTSUPP where there is none; the front then reads and writes itself.
 */
int lt_node_backing_get(const struct lt_ctx *ctx, struct lt_node *node, int *ret_fd);
void lt_node_backing_put(struct lt_node *node);

/* ---- Extended attributes (POSIX) ------------------------------------------------------------ */

/*
 * Names are whole ("user.x"), 1 to LT_XATTR_NAME_MAX bytes (LT_ERANGE). Stored:
 * user., trusted., security. and system.posix_acl_access / _default, whose values
 * are validated and kept in step with the mode; others LT_EOPNOTSUPP. user. only on
 * regular files and directories (LT_EPERM). How Windows metadata shows as xattrs is
 * lintel/winmeta.h.
 */
/* Value into buf; returns its length. size 0 asks for the length. LT_ENODATA, LT_ERANGE. */
int lt_node_xattr_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                      size_t size);

enum { LT_XATTR_CREATE = 0x1, LT_XATTR_REPLACE = 0x2, LT_XATTR_KILL_SGID = 0x4 };

/* LT_EEXIST (CREATE), LT_ENODATA (REPLACE), LT_E2BIG. */
int lt_node_xattr_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                      struct lt_str value, uint32_t flags);
int lt_node_xattr_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);

/* Calls fn per name until it is non-zero, which is then returned. fn must not call into the file
 * system. */
int lt_node_xattr_list(const struct lt_ctx *ctx, struct lt_node *node,
                       int (*fn)(void *arg, struct lt_str name), void *arg);

/* ---- Named streams (Windows) ----------------------------------------------------------------- */

enum {
    LT_STREAM_CREATE = 0x1, /* make it if it is missing */
    LT_STREAM_EXCL = 0x2    /* with CREATE: LT_EEXIST if it is there */
};

/*
 * The stream `name` (UTF-8, compared without case, no ':', '/', '\\' or NUL) of a
 * file or directory, as a node for read, write, setattr, allocate, seek.
 * LT_ENOENT. A stream lives on while referenced after it or its file was removed.
 */
int lt_node_stream_open(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                        uint32_t flags, struct lt_node **ret);
int lt_node_stream_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name);

/* Renames a stream within its file; `replace` an existing one, else LT_EEXIST. */
int lt_node_stream_rename(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                          struct lt_str new_name, bool replace);

struct lt_stream {
    struct lt_str name;
    uint64_t size, allocated; /* bytes */
};

/* Calls fn per stream, in order of upper-cased names, until it is non-zero, which is then returned.
 * fn as for readdir. */
int lt_node_stream_list(const struct lt_ctx *ctx, struct lt_node *node,
                        int (*fn)(void *arg, const struct lt_stream *stream), void *arg);

/* ---- Extended attributes (Windows) ----------------------------------------------------------- */

#define LT_EA_NEED 0x80 /* FILE_NEED_EA: do not open the file without understanding it */

/* Names: 1 to 254 ASCII characters legal on FAT, compared without case (MS-FSCC 2.4.16), kept as
 * given. */
struct lt_ea {
    struct lt_str name;
    struct lt_str value; /* len 0 in a set: remove */
    uint8_t flags;       /* 0 or LT_EA_NEED */
};

/* Sets, replaces and removes the listed EAs in one step; with `replace_all` those not listed go.
 * LT_EINVAL (name), LT_E2BIG. */
int lt_node_ea_set(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_ea *list,
                   size_t count, bool replace_all);

/* Calls fn per EA, in the order of first setting, until it is non-zero, which is then returned. fn
 * as for readdir. */
int lt_node_ea_list(const struct lt_ctx *ctx, struct lt_node *node,
                    int (*fn)(void *arg, const struct lt_ea *ea), void *arg);

/* ---- Reparse data (Windows) ------------------------------------------------------------------ */

/*
 * A whole REPARSE_DATA_BUFFER or REPARSE_GUID_DATA_BUFFER (MS-FSCC 2.1.2, 2.1.3)
 * on a file or an empty directory (LT_ENOTEMPTY). An existing one is replaced only
 * by the same tag and GUID: LT_EEXIST otherwise. LT_EINVAL: lengths or tag wrong.
 */
int lt_node_reparse_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str data);

/* Into buf; returns the length; size 0 asks for it. LT_ENODATA, LT_ERANGE. */
int lt_node_reparse_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);

/* `header`: tag (and GUID) that must match (LT_EEXIST if not), as FSCTL_DELETE_REPARSE_POINT; len
 * 0: whatever it is. */
int lt_node_reparse_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str header);

/* ---- Security descriptors (Windows) ---------------------------------------------------------- */

/* A self-relative SECURITY_DESCRIPTOR (MS-DTYP 2.4.6), stored as given after its form was checked;
 * len 0 removes it. LT_EINVAL. */
int lt_node_security_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str descriptor);

/* Into buf; returns the length; size 0 asks for it. LT_ENODATA if none is stored, LT_ERANGE. */
int lt_node_security_get(const struct lt_ctx *ctx, struct lt_node *node, void *buf, size_t size);

#endif
