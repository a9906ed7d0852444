/* SPDX-License-Identifier: MIT */
/*
 * Permission checks, as Linux makes them (fs/namei.c, fs/attr.c, fs/posix_acl.c): on
 * a caller, a node's attributes and its access ACL. Uid 0 stands for every
 * capability. lintel/path.h and lintel/file.h ask here; lintel/fs.h never does.
 */
#ifndef LINTEL_ACCESS_H
#define LINTEL_ACCESS_H

#include <lintel/fs.h>

/* What somebody wants of a node; the numbers of access(2). */
enum { LT_MAY_EXEC = 1, LT_MAY_WRITE = 2, LT_MAY_READ = 4 };

/* Whether `gid` is the caller's group or one of his supplementary groups. */
bool lt_ctx_in_group(const struct lt_ctx *ctx, uint32_t gid);

/*
 * Whether ctx may do all of `want` to a node with these attributes: 0 or LT_EACCES.
 * `acl` is the value of system.posix_acl_access, len 0 where attr->has says that
 * there is none. Uid 0 may everything, but execute a file only if somebody may.
 */
int lt_access_check(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                    uint32_t want);

/* The same for a node, whose ACL it fetches if it has one; `attr` (or NULL) are its attributes.
 * Also LT_EROFS for writing on a read-only volume (devices, FIFOs and sockets apart) and LT_EPERM
 * for writing to an immutable node. */
int lt_access_node(const struct lt_ctx *ctx, struct lt_node *node, const struct lt_attr *attr,
                   uint32_t want);

/*
 * Whether ctx may take away (remove, rename, replace) an entry of a directory, beyond
 * the write permission on `dir`: in a sticky directory only the owner of either, else
 * LT_EPERM; LT_EPERM too for immutable and append-only ones.
 */
int lt_access_remove(const struct lt_ctx *ctx, const struct lt_attr *dir,
                     const struct lt_attr *victim);

/*
 * Whether ctx may make the change *set to a node, and what else the change entails:
 * a chmod by somebody outside the file's group loses the set-gid bit, a chown and a
 * truncation of an executable file lose set-uid and set-gid (and security.capability:
 * LT_SET_KILL_PRIV). *set is rewritten accordingly. `acl` as for lt_access_check(). LT_EPERM,
 * LT_EACCES.
 */
int lt_access_setattr(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                      struct lt_setattr *set);

/* Whether ctx may read (`want` LT_MAY_READ) or set and remove (LT_MAY_WRITE) this extended
 * attribute. LT_EPERM, LT_EACCES, LT_ENODATA (as Linux: trusted. for others than root; user. on
 * other than files and directories). `acl` as for lt_access_check(). */
int lt_access_xattr(const struct lt_ctx *ctx, const struct lt_attr *attr, struct lt_str acl,
                    struct lt_str name, uint32_t want);

#endif
