/* SPDX-License-Identifier: MIT */
/* Kinds of items and ids of objects: docs/format/image.md, "Objects". */
#ifndef LT_FS_IMAGE_KINDS_H
#define LT_FS_IMAGE_KINDS_H

enum img_kind {
    IMG_INODE = 1,
    IMG_ENTRY = 2,
    IMG_LINK = 3,
    IMG_XATTR = 4,
    IMG_STREAM = 5,
    IMG_EA = 6,
    IMG_REPARSE = 7,
    IMG_TARGET = 8,
    IMG_INLINE = 9,
    IMG_EXTENT = 10,
    IMG_SPACE = 32,
    IMG_ORPHAN = 33,
    IMG_SECURITY = 34,
    IMG_LABEL = 35,
    IMG_VOLUME = 36
};

#define IMG_ID_VOLUME UINT64_C(0)
#define IMG_ID_ROOT UINT64_C(1)
#define IMG_ID_FIRST UINT64_C(16) /* of the ids that files get */
#define IMG_ID_LAST (UINT64_C(1) << 61)

#define IMG_CHUNK 1024u /* bytes of one piece of a long value */

#endif
