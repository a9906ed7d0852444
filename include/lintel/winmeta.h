/* SPDX-License-Identifier: MIT */
/*
 * Windows metadata among the extended attributes: the functions lt_node_xattr_...
 * of lintel/fs.h once more, with these names besides (on a volume that has the
 * Windows half; on others they are what lt_node_xattr_... says).
 *
 * As on ntfs-3g, never listed, numbers little-endian, or big-endian with _be:
 *   system.ntfs_attrib[_be]   u32   file attributes (MS-FSCC 2.6)
 *   system.ntfs_crtime[_be]   u64   birth, as FILETIME
 *   system.ntfs_times[_be]    u64 x 4   birth, last write, last access, change; a shorter buffer
 *                             gets the first ones, a shorter value sets them; change is not set
 *   system.ntfs_acl           self-relative security descriptor
 *   system.ntfs_reparse_data  REPARSE_DATA_BUFFER
 *   system.ntfs_ea            all EAs, a chain of FILE_FULL_EA_INFORMATION
 * Attributes and times cannot be removed (LT_EPERM).
 *
 * As Samba and Wine have it, listed where an attribute is set:
 *   user.DOSATTRIB            attributes and birth (xattr_DosInfo of Samba's xattr.idl). Read as
 *                             version 3 behind the attributes as text ("0x20"), or as that text
 *                             alone into a buffer for no more, as Wine's; written in versions 1,
 *                             3, 4, 5 and as text.
 *
 * With LT_WINMETA_STREAMS:
 *   user.STREAM               the named stream STREAM, where there is one, listed if its name
 *                             fits LT_XATTR_NAME_MAX. A new user. attribute is none: stream names
 *                             know no case and less characters than attributes must. LT_E2BIG:
 *                             longer than LT_XATTR_SIZE_MAX.
 *
 * The kernel leaves the permission on system. names to the file system, so it is
 * checked here: setting takes the owner, write permission (EAs, reparse data,
 * attributes, times) or uid 0; getting EAs takes read permission.
 */
#ifndef LINTEL_WINMETA_H
#define LINTEL_WINMETA_H

#include <lintel/fs.h>

enum { LT_WINMETA_STREAMS = 0x1 };

/* See lt_node_xattr_get(). `flags`: LT_WINMETA_... in all four. */
int lt_winmeta_get(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name, void *buf,
                   size_t size, uint32_t flags);

/* See lt_node_xattr_set(); `set_flags` are LT_XATTR_... */
int lt_winmeta_set(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                   struct lt_str value, uint32_t set_flags, uint32_t flags);

/* See lt_node_xattr_remove(). */
int lt_winmeta_remove(const struct lt_ctx *ctx, struct lt_node *node, struct lt_str name,
                      uint32_t flags);

/* See lt_node_xattr_list(). */
int lt_winmeta_list(const struct lt_ctx *ctx, struct lt_node *node, uint32_t flags,
                    int (*fn)(void *arg, struct lt_str name), void *arg);

#endif
