/* SPDX-License-Identifier: MIT */
/* What can be wrong with an image: docs/format/problems.md. Numbers never change their meaning. */
#ifndef LT_FS_IMAGE_CHECK_PROBLEMS_H
#define LT_FS_IMAGE_CHECK_PROBLEMS_H

#include <lintel/image.h>
#include <stdarg.h>

/*
 * X(symbol, number, name, text, can it be mended). In a text {o} stands for the object, {b} for the
 * block, {} for the particulars.
 */
#define IMG_PROBLEMS(X)                                                                            \
    X(SUPER_DAMAGED, 101, "superblock-damaged", "superblock {b} is damaged: {}", true)             \
    X(SUPER_LOST, 102, "superblocks-lost", "no superblock is valid: {}", true)                     \
    X(SUPER_OTHER, 103, "superblocks-differ", "the superblocks are of different volumes", true)    \
    X(IMAGE_CUT, 104, "image-cut", "the image is cut short: {}", true)                             \
    X(SUPER_COPY, 105, "superblock-copy",                                                          \
      "the tree has no copy of the superblock, or a wrong one", true)                              \
    X(LOG_RECORD, 111, "log-record", "the log holds what it must not: {}", true)                   \
    X(LOG_SPACE, 112, "log-space", "the log takes or frees the wrong blocks: {}", true)            \
    X(NODE_DAMAGED, 201, "node-damaged", "tree node at block {b} is damaged: {}", true)            \
    X(NODE_PLACE, 202, "node-misplaced", "tree node at block {b} does not belong there: {}", true) \
    X(NODE_SHARED, 203, "node-shared", "tree node at block {b} lies where something else is",      \
      true)                                                                                        \
    X(ITEM_UNKNOWN, 301, "item-unknown", "object {o} has an item of unknown kind: {}", true)       \
    X(ITEM_DAMAGED, 302, "item-damaged", "an item of object {o} does not decode: {}", true)        \
    X(ITEM_LOST, 303, "item-lost", "object {o} has items but no inode", true)                      \
    X(ITEM_FOREIGN, 304, "item-foreign", "object {o} has what its type cannot have: {}", true)     \
    X(PIECES, 305, "pieces", "a long value of object {o} is incomplete: {}", true)                 \
    X(ROOT, 401, "root", "there is no root directory", true)                                       \
    X(INODE_FIELD, 402, "inode-field", "object {o} has an impossible inode: {}", true)             \
    X(LINKS, 403, "links", "object {o} has the wrong count of links: {}", true)                    \
    X(DIR_SIZE, 404, "directory-size", "directory {o} has the wrong count of entries: {}", true)   \
    X(HAS, 405, "has", "object {o} does not tell right what it has: {}", true)                     \
    X(EA_SIZE, 406, "ea-size", "object {o} has the wrong size of EAs: {}", true)                   \
    X(REPARSE_TAG, 407, "reparse-tag", "object {o} has the wrong reparse tag: {}", true)           \
    X(SECURITY_GONE, 408, "security-missing", "the security descriptor of object {o} is missing",  \
      true)                                                                                        \
    X(BLOCKS, 409, "blocks", "object {o} has the wrong count of blocks: {}", true)                 \
    X(TARGET_GONE, 410, "target-missing", "symbolic link {o} has no target", true)                 \
    X(ORPHAN_ITEM, 411, "orphan-item", "object {o} is listed as without names, but is not", true)  \
    X(VALUE_KEY, 412, "value-key", "a value of object {o} has the wrong key: {}", true)            \
    X(ENTRY_DANGLING, 501, "entry-dangling", "directory {o} has an entry of no object: {}", true)  \
    X(ENTRY_TYPE, 502, "entry-type", "directory {o} has an entry of the wrong type: {}", true)     \
    X(ENTRY_UNKNOWN, 503, "entry-unknown", "object {o} does not know one of its names: {}", true)  \
    X(NAME_GONE, 504, "name-missing", "object {o} lacks the entry of one of its names: {}", true)  \
    X(ENTRY_KEY, 505, "entry-key", "an entry of directory {o} has the wrong key: {}", true)        \
    X(ENTRY_NAME, 506, "entry-name", "directory {o} has an entry with a bad name: {}", true)       \
    X(ENTRY_TWICE, 507, "entry-twice", "directory {o} has the same name twice: {}", true)          \
    X(DIR_LOOP, 508, "directory-loop", "directory {o} cannot be reached from the root", true)      \
    X(NAMELESS, 509, "nameless", "object {o} has no name", true)                                   \
    X(LINK_KEY, 510, "link-key", "a link of object {o} has the wrong key: {}", true)               \
    X(DIR_NAMES, 511, "directory-names", "directory {o} has a second name: {}", true)              \
    X(STREAM_DANGLING, 521, "stream-dangling", "object {o} has a stream that is none: {}", true)   \
    X(STREAM_NAME, 522, "stream-name", "object {o} has a stream with a wrong name: {}", true)      \
    X(STREAM_LOST, 523, "stream-lost", "stream {o} belongs to no file", true)                      \
    X(EXTENT_RANGE, 601, "extent-range", "data of object {o} lies outside of the volume: {}",      \
      true)                                                                                        \
    X(EXTENT_OVERLAP, 602, "extent-overlap", "extents of object {o} overlap: {}", true)            \
    X(EXTENT_SHARED, 603, "extent-shared", "block {b} of object {o} is in use twice", true)        \
    X(INLINE_SIZE, 604, "inline-data", "object {o} has misplaced inline data: {}", true)           \
    X(DATA_DAMAGED, 611, "data-damaged", "data of object {o} in block {b} is damaged: {}", false)  \
    X(DATA_UNREADABLE, 612, "data-unreadable", "data of object {o} in block {b} cannot be read",   \
      false)                                                                                       \
    X(BITMAP_DAMAGED, 701, "bitmap-damaged", "the bitmap at block {b} is damaged: {}", true)       \
    X(SPACE_ITEM, 702, "space-item", "a group's account is wrong: {}", true)                       \
    X(BLOCK_FREE, 703, "block-free", "blocks from {b} on are in use but marked free: {}", true)    \
    X(BLOCK_LEAKED, 704, "block-leaked", "blocks from {b} on are marked but not in use: {}", true) \
    X(FREE_COUNT, 705, "free-count", "the count of free blocks is wrong: {}", true)                \
    X(NODE_COUNT, 706, "node-count", "the count of objects is wrong: {}", true)                    \
    X(NEXT_ID, 707, "next-id", "object {o} has an id that was not given out yet", true)            \
    X(SECURITY_COUNT, 801, "security-count", "a security descriptor has a wrong count: {}", true)  \
    X(LABEL, 802, "label", "the label is none: {}", true)

enum img_problem {
#define X(symbol, number, name, text, mends) IMG_P_##symbol,
    IMG_PROBLEMS(X)
#undef X
        IMG_PROBLEM_COUNT
};

/* Where findings go. */
struct img_report {
    const struct lt_image_check *check;
    struct lt_image_check_result *result;
    bool quiet;    /* consequences of what was mended: neither told nor counted */
    bool mending;  /* something is to be mended */
    bool stopped;  /* check->problem() said so */
    uint64_t left; /* findings of this round that cannot be mended */
};

/* Tells of one; `format` makes the particulars. Returns whether it is to be mended. */
bool img_found(struct img_report *report, enum img_problem problem, uint64_t node, uint64_t block,
               const char *format, ...) __attribute__((format(printf, 5, 6)));
bool img_found_v(struct img_report *report, enum img_problem problem, uint64_t node, uint64_t block,
                 const char *format, va_list args) __attribute__((format(printf, 5, 0)));

#endif
