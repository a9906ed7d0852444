/* SPDX-License-Identifier: MIT */
/*
 * One pass over all items of a view, in the order of keys. Items of an object follow one
 * another, so all that an object must be in itself is checked when the next one begins. What
 * must hold between objects - every entry has an object that knows it, and the other
 * way round - is checked by a sum: entries add a hash of (directory, key, child, type), names that
 * objects tell of subtract it. Only where that is not zero at the end, names.c looks closely.
 *
 * Where something is to be mended, the pass adds changes to the view, and is run again: until
 * nothing is found. So each mending may leave its consequences to the next round.
 */
#ifndef LT_FS_IMAGE_CHECK_CENSUS_H
#define LT_FS_IMAGE_CHECK_CENSUS_H

#include "view.h"

#include <fs/image/inode.h>
#include <fs/image/kinds.h>
#include <lintel/fs.h>

/* Bytes of the longest value in pieces: an xattr with its name, or a descriptor with its count. */
#define IMG_PIECES_MAX (LT_XATTR_SIZE_MAX + LT_XATTR_NAME_MAX + 1u)

/* A directory and where it hangs. */
struct img_dir {
    uint64_t id, parent, entry;
};

/* A security descriptor and how many objects refer to it. */
struct img_descriptor {
    uint64_t off;
    uint32_t told, found;
};

/* An object listed as without names. */
struct img_orphan {
    uint64_t id;
    bool found;
};

/* A long value that is being put together. */
struct img_pieces {
    uint8_t kind; /* 0: none */
    uint64_t first, next;
    bool ended; /* its last piece was short */
    size_t len;
    uint8_t bytes[IMG_PIECES_MAX];
};

/* What is known of the object at hand. */
struct img_object {
    uint64_t id;
    bool has_inode, broken; /* broken: something was found; what follows from it is not told */
    bool stale, orphan, change;
    bool foundling;         /* its ORPHAN item is to go */
    struct img_inode inode; /* mended as far as known; put at the end if `change` */
    uint64_t entries, subdirs, names, blocks, end; /* end: logical block behind the last extent */
    uint64_t items;
    uint32_t has, ea_size, reparse_tag;
    bool target, inlined;
    uint64_t inline_len;
    uint64_t twin_base; /* names whose keys differ in their number only */
    size_t twin_len;    /* bytes in twins: le16 length, name, ... */
};

struct img_census {
    struct img_view *view;
    struct img_report *report;
    bool names_doubtful;  /* something was found that makes the sum of names worthless */
    bool blocks_doubtful; /* ... the account of blocks */
    bool root;            /* there is one */
    bool copy;            /* there is a copy of the superblock */
    bool whole;           /* no part of the tree is missing: what is not found is not there */
    uint64_t *used;       /* bitmap: all blocks that something reaches */
    uint64_t names_sum;
    struct lt_hash_key sum_key;
    uint64_t nodes, max_id, nameless;
    uint64_t directories, files, streams, items, data_blocks;
    struct img_dir *dirs;
    size_t dir_count, dir_room;
    struct img_descriptor *descriptors;
    size_t descriptor_count, descriptor_room;
    struct img_orphan *orphans;
    size_t orphan_count, orphan_room;
    uint64_t *doomed; /* ids of objects all of whose items go */
    size_t doomed_count, doomed_room;
    struct img_object object;
    struct img_pieces pieces;
    uint8_t *twins;  /* of the object */
    uint8_t *buffer; /* for file data */
};

/* The pass. img_census_fini() is needed in any case. */
int img_census_run(struct img_census *census, struct img_view *view);
void img_census_fini(struct img_census *census);

/* img_found() of something in the object at hand, whose further checks then say little. */
bool img_census_found(struct img_census *census, enum img_problem problem, uint64_t node,
                      uint64_t block, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Takes an item away. */
int img_census_drop(struct img_census *census, struct img_key key);

/* ---- Its parts ----------------------------------------------------------------------------- */

/* entries.c: ENTRY, LINK and STREAM items. */
int img_census_entry(struct img_census *census, const struct img_item *item);
int img_census_link(struct img_census *census, const struct img_item *item);
int img_census_stream(struct img_census *census, const struct img_item *item);
/* Adds (+1) or takes away (-1) a name. */
void img_census_name(struct img_census *census, uint64_t dir, uint64_t entry, uint64_t child,
                     unsigned type, int sign);

/* pieces.c: values in pieces. */
int img_census_piece(struct img_census *census, const struct img_item *item);
int img_census_piece_end(struct img_census *census);

/* extents.c: INLINE and EXTENT items, and the extent in the inode. */
int img_census_inline(struct img_census *census, const struct img_item *item);
int img_census_extent(struct img_census *census, const struct img_item *item);
int img_census_inode_extent(struct img_census *census);

/* object.c: INODE items, and the end of an object. */
int img_census_inode(struct img_census *census, const struct img_item *item);
int img_census_object_end(struct img_census *census);

/* names.c: looks closely at who knows whom, and hangs what has no name under /lost+found. */
int img_census_names(struct img_census *census);

/* dirs.c: every directory can be reached from the root. */
int img_census_dirs(struct img_census *census);

/* ---- Keys, as docs/format/image.md has them ------------------------------------------------ */

uint64_t img_name_base(const struct img_view *view, struct lt_str name, bool fold);
uint64_t img_link_base(const struct img_view *view, uint64_t dir, uint64_t entry);
uint64_t img_chunk_base(const struct img_view *view, const void *bytes, size_t len);

/* An ENTRY or STREAM item, taken apart. LT_EUCLEAN. */
struct img_name {
    uint64_t child;
    uint8_t type; /* mode >> 12 */
    struct lt_str name;
};
int img_name_decode(const struct img_item *item, struct img_name *ret);
/* A LINK item. LT_EUCLEAN. */
int img_link_decode(const struct img_item *item, uint64_t *ret_dir, uint64_t *ret_entry);

#endif
