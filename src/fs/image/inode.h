/* SPDX-License-Identifier: MIT */
/* The record of an object, decoded; and the EXTENT record. No I/O, no locks: bytes to structs and
 * back. */
#ifndef LT_FS_IMAGE_INODE_H
#define LT_FS_IMAGE_INODE_H

#include <lintel/error.h>
#include <lintel/types.h>

#define IMG_INODE_MAX 512u /* bytes of an encoded inode at most */
#define IMG_EXTENT_BLOCKS_MAX (UINT64_C(1) << 31)
#define IMG_CHECKED_BLOCKS_MAX 64u /* of an extent with data checks */
#define IMG_INLINE_EXTENT_MAX 40u  /* bytes of an extent that may lie in the inode */

/* docs/format/image.md, INODE. Times and numbers as in struct lt_attr. */
struct img_inode {
    struct lt_time atime, mtime, ctime, btime;
    uint64_t size, version;
    uint64_t blocks;   /* held by data */
    uint64_t parent;   /* id of the directory of the first name (of a stream: its file); 0: none */
    uint64_t entry;    /* entry key of the first name */
    uint64_t security; /* chunk key of the descriptor, or 0 */
    uint32_t uid, gid, nlink, rdev;
    uint32_t win_attrs, inode_flags;
    uint32_t has, ea_size, reparse_tag;
    uint16_t mode;      /* type included */
    uint8_t extent_len; /* bytes in `extent`; 0: it has none, or they are items */
    uint8_t extent[IMG_INLINE_EXTENT_MAX];
};

/* Into buf of IMG_INODE_MAX bytes; returns the length. */
size_t img_inode_encode(const struct img_inode *inode, void *buf);
/* LT_EUCLEAN. */
int img_inode_decode(const void *value, size_t len, struct img_inode *ret);

/* docs/format/image.md, EXTENT. */
struct img_extent {
    uint64_t count, block, birth;
    bool unwritten;
    const uint8_t *checks; /* borrowed; NULL: none. count * data_check_size bytes */
};

/* Bytes that it takes at most. */
size_t img_extent_room(const struct img_extent *extent, uint32_t check_size);
/* Returns the length; checks are copied from extent->checks. */
size_t img_extent_encode(const struct img_extent *extent, uint32_t check_size, void *buf);
int img_extent_decode(const void *value, size_t len, uint32_t check_size, struct img_extent *ret);

#endif
