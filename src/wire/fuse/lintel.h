/* SPDX-License-Identifier: MIT */
/*
 * What two Lintels say to each other beside FUSE: the rest of the file-system interface
 * (lintel/fs.h), for which the protocol has no words. To the byte: docs/format/bridge.md.
 *
 * These requests travel among the others, with the same headers, under opcodes of their own. A
 * client may send them to a server that answers a GETXATTR of LT_LINTEL_VOLUME_XATTR on the root
 * with a struct lt_lintel_volume; one that is a kernel's, or nobody's, does not.
 *
 * All have one form: struct lt_lintel_in, then the texts whose lengths it tells, without anything
 * between or behind them. Integers are in the byte order of the machine, as FUSE's are.
 *
 * Encoded and decoded here; pure: no I/O, no memory.
 */
#ifndef LT_WIRE_FUSE_LINTEL_H
#define LT_WIRE_FUSE_LINTEL_H

#include "proto.h"

#include <lintel/error.h>
#include <lintel/fs.h>

#define LT_LINTEL_VERSION 1u
#define LT_LINTEL_OPCODE 0x4c540000u /* "LT"; the low half is the number below */
#define LT_LINTEL_VOLUME_XATTR "system.lintel.volume"

/*
 * X(NAME, number, handler, texts): header.nodeid is the node that the function of lintel/fs.h
 * begins with. What `flags`, `size` and `value` mean, then what comes back:
 *
 *   GETATTR                                                       attr_out
 *   SETATTR         texts: setattr, ACL                           attr_out
 *   LOOKUP          text: name                                    entry_out, stored name
 *   PARENT                                                        entry_out
 *   NODE            value: id; size: generation                   entry_out
 *   CREATE          texts: name, create, target, security         entry_out
 *                   descriptor, access ACL, default ACL
 *   LINK            value: node; text: name (in header.nodeid)    entry_out
 *   REMOVE          flags: LT_REMOVE_...; value: the node
 *                   expected; text: name
 *   NAMES           list of entry_out and name
 *   READDIR         flags: LT_READDIR_...; value: cookie          list; first: id, second: next
 *   READDIR_AFTER   text: name                                    uint64_t cookie
 *   STREAM_OPEN     flags: LT_STREAM_...; text: name              entry_out
 *   STREAM_REMOVE   text: name
 *   STREAM_RENAME   flags: 1: replace; texts: name, new name
 *   STREAM_LIST                                                   list; first: size, second:
 *                                                                 allocated
 *   EA_SET          flags: 1: replace all; text: records
 *   EA_LIST                                                       list; flags: LT_EA_NEED
 *   REPARSE_GET, SECURITY_GET   size: room                        the value; size 0: uint64_t
 * length REPARSE_SET, SECURITY_SET   text: the value REPARSE_REMOVE  text: header, or empty
 *   SET_LABEL       text: label
 *   STATFS                                                        struct lt_lintel_statfs
 *
 * Of a list, `size` is the room for the reply, and `value` (but for READDIR) how many records to
 * skip. A reply that names a node counts as a lookup of it, as FUSE's do.
 */
#define LT_LINTEL_OPS(X)                     \
    X(GETATTR, 1, getattr, 0)                \
    X(SETATTR, 2, setattr, 2)                \
    X(LOOKUP, 3, lookup, 1)                  \
    X(PARENT, 4, parent, 0)                  \
    X(NODE, 5, node, 0)                      \
    X(CREATE, 6, create, 6)                  \
    X(LINK, 7, link, 1)                      \
    X(REMOVE, 8, remove, 1)                  \
    X(NAMES, 9, names, 0)                    \
    X(READDIR, 10, readdir, 0)               \
    X(READDIR_AFTER, 11, readdir_after, 1)   \
    X(STREAM_OPEN, 12, stream_open, 1)       \
    X(STREAM_REMOVE, 13, stream_remove, 1)   \
    X(STREAM_RENAME, 14, stream_rename, 2)   \
    X(STREAM_LIST, 15, stream_list, 0)       \
    X(EA_SET, 16, ea_set, 1)                 \
    X(EA_LIST, 17, ea_list, 0)               \
    X(REPARSE_GET, 18, reparse_get, 0)       \
    X(REPARSE_SET, 19, reparse_set, 1)       \
    X(REPARSE_REMOVE, 20, reparse_remove, 1) \
    X(SECURITY_GET, 21, security_get, 0)     \
    X(SECURITY_SET, 22, security_set, 1)     \
    X(SET_LABEL, 23, set_label, 1)           \
    X(STATFS, 24, statfs, 0)

enum lt_lintel_opcode {
#define LT_LINTEL_NUMBER(NAME, number, handler, texts) \
    LT_LINTEL_##NAME = (int)(LT_LINTEL_OPCODE + (number)),
    LT_LINTEL_OPS(LT_LINTEL_NUMBER)
#undef LT_LINTEL_NUMBER
        LT_LINTEL_OPCODE_END
};

/* ---- Structs on the wire --------------------------------------------------------------------- */

#define LT_LINTEL_TEXTS 6u

struct lt_lintel_in {
    uint32_t flags, size;
    uint64_t value;
    uint32_t len[LT_LINTEL_TEXTS]; /* bytes of each text; 0 where there is none */
};
LT_FUSE_LAYOUT(lt_lintel_in, 40);
LT_FUSE_AT(lt_lintel_in, value, 8);
LT_FUSE_AT(lt_lintel_in, len, 16);

/* Of atime, mtime, ctime, btime. */
struct lt_lintel_times {
    int64_t sec[4];
    uint32_t nsec[4];
};
LT_FUSE_LAYOUT(lt_lintel_times, 48);

/* struct lt_attr */
struct lt_lintel_attr {
    uint64_t id, size, allocated, version;
    struct lt_lintel_times times;
    uint32_t mode, nlink, uid, gid, rdev, block_size, generation;
    uint32_t win_attrs, inode_flags, reparse_tag, ea_size, has;
};
LT_FUSE_LAYOUT(lt_lintel_attr, 128);
LT_FUSE_AT(lt_lintel_attr, times, 32);
LT_FUSE_AT(lt_lintel_attr, mode, 80);
LT_FUSE_AT(lt_lintel_attr, win_attrs, 108);

struct lt_lintel_attr_out {
    uint64_t attr_ns; /* how long it may be kept; UINT64_MAX: for ever */
    struct lt_lintel_attr attr;
};
LT_FUSE_LAYOUT(lt_lintel_attr_out, 136);

enum {
    LT_LINTEL_EXACT = 0x1, /* struct lt_entry.exact */
    LT_LINTEL_STREAM = 0x2 /* the node is a named stream */
};

struct lt_lintel_entry_out {
    uint64_t nodeid;
    uint64_t entry_ns, attr_ns; /* how long name and attributes may be kept */
    uint32_t flags;             /* LT_LINTEL_... */
    uint32_t stored_len;        /* LOOKUP: the name as stored follows */
    struct lt_lintel_attr attr;
};
LT_FUSE_LAYOUT(lt_lintel_entry_out, 160);
LT_FUSE_AT(lt_lintel_entry_out, flags, 24);
LT_FUSE_AT(lt_lintel_entry_out, attr, 32);

/* struct lt_setattr */
struct lt_lintel_setattr {
    uint32_t mask, mode, uid, gid, win_attrs, inode_flags;
    uint64_t size;
    struct lt_lintel_times times;
};
LT_FUSE_LAYOUT(lt_lintel_setattr, 80);
LT_FUSE_AT(lt_lintel_setattr, times, 32);

/* struct lt_create with `exact` */
struct lt_lintel_create {
    uint32_t mode, rdev, win_attrs, uid, gid, padding;
};
LT_FUSE_LAYOUT(lt_lintel_create, 24);

/* The head of a list, and each of its records, which its name and value follow, padded to 8. */
struct lt_lintel_list_out {
    uint64_t version; /* of the node: the parts of a list with one version are of one list */
    uint32_t more;    /* 1: this is not all */
    uint32_t count;   /* of records */
};
LT_FUSE_LAYOUT(lt_lintel_list_out, 16);

struct lt_lintel_record {
    uint64_t first, second;
    uint32_t flags; /* READDIR: type bits of the mode */
    uint32_t name_len, value_len, padding;
};
LT_FUSE_LAYOUT(lt_lintel_record, 32);
LT_FUSE_AT(lt_lintel_record, flags, 16);

enum {
    LT_LINTEL_INSENSITIVE = 0x1,
    LT_LINTEL_READ_ONLY = 0x2,
    LT_LINTEL_REMOTE = 0x4,
    LT_LINTEL_WINDOWS = 0x8
};

/* struct lt_volume */
struct lt_lintel_volume {
    uint32_t protocol; /* LT_LINTEL_VERSION */
    uint32_t flags;
    uint32_t serial, io_best;
    int64_t created_sec;
    uint32_t created_nsec, padding;
    char fs_name[32]; /* both with a NUL */
    char label[104];
};
LT_FUSE_LAYOUT(lt_lintel_volume, 168);
LT_FUSE_AT(lt_lintel_volume, created_sec, 16);
LT_FUSE_AT(lt_lintel_volume, label, 64);

/* struct lt_statfs */
struct lt_lintel_statfs {
    uint64_t total, free, used, available, data, metadata, nodes, nodes_max;
    uint32_t block_size, name_max;
};
LT_FUSE_LAYOUT(lt_lintel_statfs, 72);

/* ---- Requests -------------------------------------------------------------------------------- */

struct lt_lintel_request {
    uint32_t flags, size;
    uint64_t value;
    struct lt_str text[LT_LINTEL_TEXTS]; /* borrowed from the message */
};

/* Checks and splits what follows the header. LT_ENOSYS: no such opcode; LT_EPROTO: lengths. */
int lt_lintel_decode(uint32_t opcode, struct lt_str body, struct lt_lintel_request *ret);

/* ---- Structs, there and back ----------------------------------------------------------------- */
/* What comes from the other end is checked: LT_EPROTO where it cannot be. */

void lt_lintel_put_attr(const struct lt_attr *attr, struct lt_lintel_attr *ret);
int lt_lintel_get_attr(const struct lt_lintel_attr *attr, struct lt_attr *ret);

void lt_lintel_put_setattr(const struct lt_setattr *set, struct lt_lintel_setattr *ret);
/* `text` is a struct lt_lintel_setattr; the ACL comes apart. */
int lt_lintel_get_setattr(struct lt_str text, struct lt_setattr *ret);

void lt_lintel_put_create(const struct lt_create *spec, struct lt_lintel_create *ret);
/* `text` is a struct lt_lintel_create; the other texts come apart. */
int lt_lintel_get_create(struct lt_str text, struct lt_create *ret);

void lt_lintel_put_volume(const struct lt_volume *volume, struct lt_lintel_volume *ret);
/* `kind` of *ret is left alone. LT_EPROTO: also another version of the protocol. */
int lt_lintel_get_volume(const struct lt_lintel_volume *volume, struct lt_volume *ret);

void lt_lintel_put_statfs(const struct lt_statfs *st, struct lt_lintel_statfs *ret);
int lt_lintel_get_statfs(const struct lt_lintel_statfs *st, struct lt_statfs *ret);

/* ---- Lists ----------------------------------------------------------------------------------- */

/* Records, one after the other in a buffer. */
struct lt_lintel_records {
    char *buf;
    size_t len, size;
    uint32_t count;
};

size_t lt_lintel_record_size(size_t name_len, size_t value_len);

/* Adds a record; its lengths are filled in. False if it does not fit. */
bool lt_lintel_put_record(struct lt_lintel_records *r, struct lt_lintel_record record,
                          struct lt_str name, struct lt_str value);

/* Takes the first record off *rest: 1, 0 at the end, LT_EPROTO. */
int lt_lintel_next_record(struct lt_str *rest, struct lt_lintel_record *ret, struct lt_str *name,
                          struct lt_str *value);

#endif
